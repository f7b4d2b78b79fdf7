"""No secret value in an exception or in the repr of anything that the operator holds in memory."""

import base64
import gc
import json
import traceback
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from auth0_rotator.credential import ClientSecret
from auth0_rotator.errors import RotatorError
from auth0_rotator.resource import Kind
from auth0_rotator.subject import ConnectionKey, Key
from auth0_rotator.target import project
from auth0_simulator import Moment, Operation
from harness import Stage, rotation
from harness.leaks import found, quote_refusals
from harness.story import ROTATION, ask, journal


def shown() -> str:
    """Return how everything of the product that is alive would be printed."""
    ours = [
        thing for thing in gc.get_objects() if str(type(thing).__module__).startswith("auth0_rotator")
    ]
    assert len(ours) > 50
    return "\n".join(f"{thing!r} {thing!s}" for thing in ours)


async def test_nothing_that_is_held_in_memory_prints_a_value(stage: Stage) -> None:
    """Wrong: a dataclass that holds a value as a plain string, or an Answer that shows its body."""
    app = await stage.rotated(secretsMapping={"clientId": "ID", "clientSecret": "SECRET"})
    stage.tenant.lose_answer()
    token = {"auth0rotator.dev/rotate-now": "again"}
    await stage.kube.apply(rotation(app.client_id, annotations=token))
    await stage.settle()
    journal = await stage.kube.secret("web.journal")
    values = {
        *journal.values(),
        *app.past,
        app.secret,
        stage.tenant.manager.secret,
        *stage.tenant.tokens,
    }
    assert {"current", "next"} <= set(journal)
    places = {"memory": shown()}
    assert not found(values, places)
    planted = [Planted(app.secret), Planted(base64.b64encode(app.secret.encode()).decode())]
    for one in planted:
        assert found(values, places | {"planted": repr(one)})


class Planted:
    """A value that would be seen."""

    def __init__(self, value: str) -> None:
        self._value = value

    def __repr__(self) -> str:
        return f"Planted({self._value})"


Fault = Callable[[Stage], None]
FAULTS: dict[str, Fault] = {
    "400 that quotes": lambda stage: stage.tenant.answer(400, quotes_value=True),
    "403 that quotes": lambda stage: stage.tenant.answer(403, quotes_value=True),
    "500 that quotes": lambda stage: stage.tenant.answer(500, quotes_value=True),
    "a page": lambda stage: stage.tenant.answer(502, text="<html>a proxy</html>", moment=Moment.AFTER),
    "lost request": lambda stage: stage.tenant.lose_request(),
    "lost answer": lambda stage: stage.tenant.lose_answer(),
    "token refused": lambda stage: stage.tenant.expire_tokens(),
}


async def told(work: Callable[[], Awaitable[object]]) -> str:
    """Return all that an exception says, its causes and its traceback included."""
    with pytest.raises(RotatorError) as caught:
        await work()
    error = caught.value
    return f"{error!r} {error!s} {error.args}" + "".join(traceback.format_exception(error))


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_no_exception_about_a_change_prints_the_value(stage: Stage, fault: Fault) -> None:
    """Wrong: an exception of the HTTP library that is passed on with its request."""
    app = await stage.rotated()
    key = ConnectionKey(Kind.CONNECTION, stage.kube.namespace, "acme")
    tenant = stage.operator.connections.tenant(key)
    value = ClientSecret("a-value-that-nobody-must-ever-read-anywhere-0123456789")
    permit = await tenant.prepare()
    fault(stage)
    text = await told(lambda: tenant.set_client_secret(permit, app.client_id, value))
    assert not found({value.reveal(), *stage.tenant.tokens}, {"exception": text})
    assert stage.tenant.asked(Operation.PATCH)


@pytest.mark.parametrize("status", [403, 404, 429, 500])
async def test_no_exception_about_a_read_prints_the_value(stage: Stage, status: int) -> None:
    """Wrong: an answer that is told with its body, for it was no good one."""
    app = await stage.rotated()
    tenant = stage.operator.connections.tenant(
        ConnectionKey(Kind.CONNECTION, stage.kube.namespace, "acme")
    )
    body = {"client_id": app.client_id, "client_secret": app.secret, "message": "not now"}
    stage.tenant.answer(status, body, operation=Operation.READ)
    text = await told(lambda: tenant.read_client_secret(app.client_id))
    assert "not now" in text
    assert not found({app.secret, *stage.tenant.tokens}, {"exception": text})


async def test_no_exception_about_a_write_prints_the_value(stage: Stage) -> None:
    """Wrong: the API server's message, which quotes what a policy refused, passed on as it is."""
    await quote_refusals(stage.kube)
    app = await stage.rotated()
    journal = stage.operator.mirror.journal(Key(stage.kube.namespace, "web"))
    assert journal is not None
    assert journal.journal is not None
    plan = journal.journal.plan
    assert plan is not None
    refused = plan.model_copy(
        update={"secrets_mapping": plan.secrets_mapping.model_copy(update={"client_secret": "REFUSED"})}
    )
    projection = project(journal.journal, refused, stage.kube.namespace)
    target = stage.operator.mirror.target(stage.kube.namespace, "web")

    async def write() -> None:
        await stage.operator.world.secrets.write_target(projection, target, dry_run=True)

    async def is_refused() -> bool:
        try:
            await write()
        except RotatorError:
            return True
        return False

    # A policy takes a moment to come into force.
    await stage.kube.eventually(is_refused)
    text = await told(write)
    assert "not with" in text
    assert not found({app.secret}, {"exception": text})


async def test_a_pause_that_quotes_the_value_is_told_without_it(stage: Stage) -> None:
    """Catches an answer that is told without masking, for it is only to be retried."""
    app = await stage.rotated()
    stage.tenant.answer(401, quotes_value=True, times=100)
    await ask(stage, app)
    await stage.run_for(timedelta(seconds=75))
    value = (await journal(stage)).values["next"]
    assert value not in json.dumps([await stage.kube.all(ROTATION), await stage.kube.all("Event")])
