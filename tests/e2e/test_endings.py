"""SIGTERM and SIGINT end the process cleanly, within ten seconds, whatever it waits for."""

import re
import time
from pathlib import Path

import pytest

from auth0_simulator import Simulator
from controlplane import ControlPlane
from harness import Kube, connection, rotation
from harness.installation import OPERATOR_NAMESPACE
from harness.names import SILENT, WELL, Names
from harness.process import NewOperator, OperatorProcess
from harness.proxy import Effect, Proxy
from harness.receiver import Receiver
from harness.waiting import ask, begin, delivered, verified

LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{OPERATOR_NAMESPACE}/leases/auth0-rotator"
MOST_SECONDS = 10.0
# What an operator takes that has nothing under way, at most.
WITHOUT_WEBHOOK = 4.0


async def ends_cleanly(operator: OperatorProcess, sent: str = "SIGTERM") -> None:
    """Ask the operator to end; it does so in time, with code 0, and without an error in its log."""
    began = time.monotonic()
    assert await operator.end(sent) == 0
    assert time.monotonic() - began < MOST_SECONDS
    assert not re.search("Traceback|never retrieved|Unclosed", operator.log.read_text())


def holder(plane: ControlPlane) -> str | None:
    """Return who holds the Lease: nobody where it was given back, None where there is none."""
    status, lease = plane.request("GET", LEASE)
    return lease["spec"].get("holderIdentity") or "" if status == 200 else None


@pytest.mark.parametrize("sent", ["SIGTERM", "SIGINT"])
async def test_a_signal_while_the_program_is_loaded_ends_it_cleanly(
    kube: Kube, new_operator: NewOperator, sent: str
) -> None:
    """Wrong: signals that are heeded once the event loop runs, which is half a second later."""
    operator = new_operator()
    await operator.start(wait=False)

    async def is_loading() -> bool:
        return operator.has_loaded("pydantic_core")

    await kube.eventually(is_loading)
    await ends_cleanly(operator, sent)


@pytest.mark.parametrize(
    ("effect", "following"),
    [(Effect.LIST, ()), (Effect.LEASE, ()), (Effect.LIST, (Effect.LEASE,)), (Effect.WATCH, ())],
    ids=["the first list", "the lease", "the list of a leader", "a watch"],
)
async def test_a_signal_during_a_start_that_hangs_ends_it_cleanly(
    plane: ControlPlane,
    proxy: Proxy,
    operator: OperatorProcess,
    effect: Effect,
    following: tuple[Effect, ...],
) -> None:
    """Wrong: a start that looks for the signal only between two requests; a Lease that is kept."""
    gate = proxy.hold(effect, following=following)
    await operator.start(wait=False)
    await gate.reached()
    await ends_cleanly(operator)
    assert not holder(plane)


async def test_a_signal_while_the_api_server_answers_nothing_ends_it_cleanly(
    kube: Kube, simulator: Simulator, proxy: Proxy, operator: OperatorProcess
) -> None:
    """Wrong: limits that hold one by one, and add up: for the pass, the watches and the Lease."""
    app = await begin(kube, simulator)
    await operator.start()
    await kube.apply(rotation(app.client_id))
    await verified(kube, 1)
    for effect in (Effect.LEASE, Effect.EVENT, Effect.LIST, Effect.WATCH):
        proxy.delay(effect, 60, times=100)
    gate = proxy.hold(Effect.STATUS)
    await ask(kube, "again")
    await gate.reached()
    await ends_cleanly(operator)


async def test_a_webhook_that_answers_nothing_keeps_no_process_from_ending(
    kube: Kube, simulator: Simulator, tmp_path: Path, new_operator: NewOperator
) -> None:
    """Wrong: messages that are waited for; ones that get lost without a word."""
    async with Receiver() as receiver:
        receiver.hang()
        app = await begin(kube, simulator)
        operator = new_operator(*receiver.flags(tmp_path))
        await operator.start()
        await kube.apply(rotation(app.client_id))
        await receiver.has(1)
        await verified(kube, 1)
        began = time.monotonic()
        await ends_cleanly(operator)
        assert time.monotonic() - began < WITHOUT_WEBHOOK + 1
    assert "webhook messages were dropped at the end cause=1 of them" in operator.log.read_text()


async def test_a_silent_name_server_keeps_no_other_tenant_waiting_and_no_process_from_ending(
    kube: Kube, simulator: Simulator, tmp_path: Path, new_operator: NewOperator
) -> None:
    """Wrong: look-ups in some threads that all tenants share, and that Python waits for at its end."""
    names = Names(tmp_path)
    healthy = await begin(kube, simulator)
    well = simulator.url.replace("127.0.0.1", f"acme{WELL}")
    await kube.apply(connection(simulator, endpoint=well))
    # More than any pool of threads has by default, and each with a worker of its own.
    silent = {f"sick-{number}{SILENT}" for number in range(40)}
    for host in silent:
        await kube.apply(connection(simulator, host.partition(".")[0], endpoint=f"http://{host}"))
    operator = new_operator("--concurrency=100", **names.environment)
    await operator.start()

    async def are_asked() -> bool:
        return names.hung() == silent

    await kube.eventually(are_asked, what="look-ups side by side", seconds=20)
    await kube.apply(rotation(healthy.client_id))
    await delivered(kube, healthy, 1)
    await ends_cleanly(operator)
