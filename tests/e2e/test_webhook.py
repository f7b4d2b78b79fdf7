"""The webhook of an operator in its own process: told, told again after a kill, and in nobody's way."""

import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from auth0_simulator import Simulator
from controlplane import ControlPlane
from harness import Kube, rotation
from harness.authority import Authority
from harness.leaks import found
from harness.process import NewOperator, OperatorProcess
from harness.proxy import Effect, Proxy
from harness.receiver import PATH, Receiver
from harness.waiting import ask, begin, delivered, verified

METRIC = "auth0_rotator_webhook_deliveries_total"


@dataclass(frozen=True)
class Outside:
    """What an operator talks to, the cluster apart."""

    simulator: Simulator
    receiver: Receiver
    flags: tuple[str, str]
    """By which an operator tells the receiver."""


@pytest.fixture
async def outside(simulator: Simulator, tmp_path: Path) -> AsyncIterator[Outside]:
    """A tenant and a receiver that are well."""
    async with Receiver() as receiver:
        yield Outside(simulator, receiver, receiver.flags(tmp_path))


def counted(operator: OperatorProcess, result: str) -> int:
    """Return how many messages the metric has with this result."""
    told = re.search(rf'^{METRIC}{{result="{result}"}} (\S+)$', operator.scrape(), re.MULTILINE)
    assert told is not None
    return int(float(told.group(1)))


async def test_rotations_are_told_and_no_value_leaves_with_them(
    plane: ControlPlane, kube: Kube, outside: Outside, new_operator: NewOperator
) -> None:
    simulator, receiver = outside.simulator, outside.receiver
    app = await begin(kube, simulator)
    url, file = (flag.partition("=")[2] for flag in outside.flags)
    variables = {"AUTH0_ROTATOR_WEBHOOK_URL": url, "AUTH0_ROTATOR_WEBHOOK_SECRET_FILE": file}
    operator = new_operator("--log-level=debug", **variables)
    await operator.start()
    assert counted(operator, "delivered") == counted(operator, "dropped") == 0
    await kube.apply(rotation(app.client_id))
    await delivered(kube, app, 1)
    simulator.tenant.answer(403)
    await ask(kube, "again")
    await receiver.has(2)
    assert [one.type for one in receiver.received] == ["rotation.rotated", "rotation.failed"]
    await kube.eventually(lambda: _is(counted(operator, "delivered"), 2))
    told = {one.id: one.raw.decode() for one in receiver.received}
    values = {app.secret, *app.past, simulator.tenant.manager.secret, *simulator.tenant.tokens}
    assert found(values, told | {"planted": app.secret})
    assert found(values, told) == []
    everywhere = operator.log.read_text() + operator.scrape() + plane.audit_log.read_text()
    assert PATH not in everywhere
    assert receiver.secret not in everywhere


async def _is(value: int, expected: int) -> bool:
    return value == expected


async def test_a_receiver_that_hangs_keeps_no_rotation_waiting(
    kube: Kube, outside: Outside, new_operator: NewOperator
) -> None:
    """Catches a pass that waits for the receiver: the second rotation is delivered while the message of
    the first one has no answer yet, with one worker for all."""
    receiver = outside.receiver
    app = await begin(kube, outside.simulator)
    other = outside.simulator.tenant.add_app("other")
    receiver.hang()
    operator = new_operator("--concurrency=1", *outside.flags)
    await operator.start()
    await kube.apply(rotation(app.client_id))
    [first] = await receiver.has(1)
    await ask(kube, "again")
    await kube.apply(rotation(other.client_id, "other"))
    await delivered(kube, app, 2, seconds=8)
    await delivered(kube, other, 1, "other", seconds=8)
    assert time.monotonic() - first.at < 10, "the message was given up: nothing is shown"
    assert counted(operator, "retried") == counted(operator, "delivered") == 0
    receiver.recover()
    await receiver.has(3)
    await kube.eventually(lambda: _is(counted(operator, "delivered"), 3))
    assert len(set(receiver.ids)) == 3


@pytest.mark.usefixtures("operator")
async def test_an_operator_that_is_killed_leaves_the_next_one_to_tell_with_the_same_id(
    kube: Kube, outside: Outside, proxy: Proxy, tmp_path: Path, new_operator: NewOperator
) -> None:
    """Killed after the commit, before status says anything: whether it was told nobody knows."""
    receiver = outside.receiver
    app = await begin(kube, outside.simulator)
    first = new_operator(*outside.flags, KUBECONFIG=str(tmp_path / "kubeconfig"))
    await first.start()
    await kube.apply(rotation(app.client_id))
    await verified(kube, 1)
    await receiver.has(1)
    gate = proxy.hold(Effect.STATUS)
    await ask(kube, "again")
    await gate.reached()
    await receiver.has(2)
    await first.kill()
    gate.open()
    await new_operator(*outside.flags).start()
    await delivered(kube, app, 2, seconds=40)
    await receiver.has(3)
    assert receiver.received[2].raw == receiver.received[1].raw
    assert receiver.ids[1] == receiver.ids[2] != receiver.ids[0]
    assert app.changes == 2


async def test_a_receiver_is_trusted_by_the_authorities_of_the_system_or_of_a_file(
    kube: Kube, simulator: Simulator, tmp_path: Path, new_operator: NewOperator
) -> None:
    """Catches messages for whoever answers, and no way to have one's own authority trusted."""
    authority = Authority()
    file = tmp_path / "authorities.pem"
    authority.cert_pem.write_to_path(file)
    app = await begin(kube, simulator)
    async with Receiver(tls=authority.serving()) as receiver:
        flags = receiver.flags(tmp_path)
        doubtful = new_operator(*flags)
        await doubtful.start()
        await kube.apply(rotation(app.client_id))
        await delivered(kube, app, 1)
        await kube.eventually(lambda: _is(min(counted(doubtful, "retried"), 1), 1))
        assert receiver.received == []
        assert "unable to get local issuer certificate" in doubtful.log.read_text()
        assert await doubtful.stop() == 0
        await new_operator(*flags, SSL_CERT_FILE=str(file)).start()
        await ask(kube, "again")
        await delivered(kube, app, 2)
        [message] = await receiver.has(1)
        assert message.type == "rotation.rotated"
