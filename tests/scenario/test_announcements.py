"""The next value is published ahead of its change, for applications that try two."""

from datetime import timedelta
from typing import Any, Final

import pytest

from auth0_simulator import App, Moment, Operation
from harness import Stage, rotation
from harness.story import ask, reasons

LEAD: Final = timedelta(hours=6)
SECOND: Final = timedelta(seconds=1)
MAPPING: Final = {"clientId": "ID", "clientSecret": "SECRET", "nextClientSecret": "NEXT"}
STAGED: Final[dict[str, Any]] = {
    "rotationInterval": 1,
    "secretsMapping": MAPPING,
    "nextSecretLeadTime": "6h",
}


async def nearly_announced(stage: Stage) -> App:
    """Have a rotation whose next value is to be announced in a second."""
    app = await stage.rotated(**STAGED)
    await stage.run_for(await stage.until_due() - LEAD - SECOND)
    return app


async def announced(stage: Stage) -> App:
    """Have a rotation whose next value is announced."""
    app = await nearly_announced(stage)
    await stage.run_for(2 * SECOND)
    return app


async def shown(stage: Stage) -> tuple[str, str]:
    """Return the current value in the target, and the next one."""
    held = await stage.kube.secret("web")
    return held["SECRET"], held["NEXT"]


async def test_the_next_value_is_announced_once_ahead_of_its_date_and_is_the_one_that_is_sent(
    stage: Stage,
) -> None:
    """Catches one that is announced with each look, or again after a restart; another one that is sent;
    and one that is sent for being announced."""
    app = await nearly_announced(stage)
    before = app.secret
    assert await shown(stage) == (before, before)
    assert "Announced" not in await reasons(stage)
    await stage.run_for(2 * SECOND)
    current, following = await shown(stage)
    assert current == before != following
    assert (await reasons(stage)).count("Announced") == 1
    assert (await stage.kube.condition("web", "Ready"))["status"] == "True"
    assert not stage.tenant.accepts(app.client_id, following)
    await stage.restart()
    await stage.run_for(LEAD - timedelta(minutes=1))
    assert await shown(stage) == (before, following)
    assert app.changes == 1
    await stage.run_for(timedelta(minutes=2))
    assert await shown(stage) == (following, following)
    assert (app.secret, app.changes) == (following, 2)
    told = await reasons(stage)
    assert (told.count("Announced"), "DriftRepaired" in told) == (1, False)


FAULTS: Final = ("lost answer", "lost request", "503", "503 after", "400")


@pytest.mark.parametrize("fault", FAULTS)
async def test_whoever_tries_both_values_never_fails(stage: Stage, fault: str) -> None:
    """Catches any instant of a rotation, and of its retries, at which neither value works."""
    app, tenant = await announced(stage), stage.tenant
    match fault:
        case "lost answer":
            tenant.lose_answer()
        case "lost request":
            tenant.lose_request()
        case "503":
            tenant.answer(503, {})
        case "503 after":
            tenant.answer(503, {}, moment=Moment.AFTER)
        case _:
            tenant.answer(400, quotes_value=True)
    _, following = await shown(stage)
    for _ in range(40):
        await stage.run_for(timedelta(minutes=10))
        assert any(tenant.accepts(app.client_id, value) for value in await shown(stage))
    assert app.secret == following
    assert app.changes == 2
    assert (await shown(stage))[0] == following
    assert {entry.value for entry in tenant.asked(Operation.PATCH)[1:]} == {following}


async def test_a_person_makes_the_announced_value_the_current_one(stage: Stage) -> None:
    """Catches a value chosen anew, which nobody tries."""
    app = await announced(stage)
    _, following = await shown(stage)
    await ask(stage, app, "now", **STAGED)
    assert (app.secret, app.changes) == (following, 2)
    assert (await shown(stage))[0] == following


async def test_without_the_key_nothing_is_shown_and_with_it_the_same_again(stage: Stage) -> None:
    """Catches a value that is forgotten when somebody takes the key out, or stays behind."""
    app = await announced(stage)
    _, following = await shown(stage)
    plain = STAGED | {"secretsMapping": {"clientId": "ID", "clientSecret": "SECRET"}}
    await stage.kube.apply(rotation(app.client_id, **plain))
    await stage.settle()
    assert await stage.kube.secret("web") == {"ID": app.client_id, "SECRET": app.secret}
    await stage.kube.apply(rotation(app.client_id, **STAGED))
    await stage.settle()
    assert await shown(stage) == (app.secret, following)
    assert app.changes == 1


async def test_another_client_is_not_announced_by_the_value_of_the_former(stage: Stage) -> None:
    """Catches a value beside the id of a client that it was not chosen for."""
    app, other = await announced(stage), stage.tenant.add_app("other")
    _, following = await shown(stage)
    await stage.kube.apply(rotation(other.client_id, **STAGED))
    await stage.settle()
    assert await stage.kube.secret("web") == {
        "ID": other.client_id,
        "SECRET": other.secret,
        "NEXT": other.secret,
    }
    assert following not in {other.secret, app.secret}
    assert (app.changes, other.changes) == (1, 1)


async def test_who_undoes_an_announcement_again_and_again_is_told(stage: Stage) -> None:
    """Catches two writers that write for ever."""
    app = await announced(stage)
    for _ in range(6):
        await stage.kube.apply(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": "web"},
                "stringData": {"NEXT": app.secret},
            },
            manager="somebody",
        )
        await stage.settle()
    stalled = await stage.kube.condition("web", "Stalled")
    assert (stalled["status"], stalled["reason"]) == ("True", "TargetContested")
    assert "somebody" in stalled["message"]
