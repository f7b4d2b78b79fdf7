"""A value that was chosen and refused waits for the next attempt, whatever comes between."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from auth0_simulator import App
from harness import Stage, rotation
from harness.story import ROTATION, ask, assert_at_peace, assert_refused, refuse, sent

MINUTE = timedelta(minutes=1)
Between = Callable[[Stage, App], Awaitable[None]]


async def restart(stage: Stage, _: App) -> None:
    await stage.restart()


async def edit(stage: Stage, app: App) -> None:
    await stage.kube.apply(rotation(app.client_id, rotationInterval=7, description="edited"))


async def suspend(stage: Stage, app: App) -> None:
    await stage.kube.apply(rotation(app.client_id, suspend=True))
    await stage.run_for(10 * MINUTE)


async def delete_target(stage: Stage, _: App) -> None:
    await stage.kube.delete("Secret", "web")
    await stage.settle()


async def lose_status(stage: Stage, _: App) -> None:
    await stage.kube.merge(ROTATION, "web", {"status": None}, part="status")


@pytest.mark.parametrize(
    "between",
    [restart, edit, suspend, delete_target, lose_status],
    ids=lambda between: between.__name__,
)
async def test_a_parked_value_is_what_the_next_attempt_sends(stage: Stage, between: Between) -> None:
    """Catches a value that is chosen anew although one was stored, and one that gets lost."""
    app = await stage.rotated()
    refuse(stage.tenant)
    await ask(stage, app)
    parked = await assert_refused(stage, app)
    await between(stage, app)
    stage.tenant.faults.clear()
    await ask(stage, app, "once more")
    await stage.run_for(2 * MINUTE)
    await assert_at_peace(stage, app, changes=2)
    assert set(sent(stage)) == {parked}


async def test_a_parked_value_of_a_due_date_is_sent_at_the_next_try(stage: Stage) -> None:
    """Catches a due date that is lost by a failure, and one that rotates twice."""
    app = await stage.rotated()
    await stage.run_for(timedelta(days=30))
    refuse(stage.tenant)
    await stage.run_for(timedelta(days=1))
    parked = await assert_refused(stage, app)
    stage.tenant.faults.clear()
    await stage.run_for(2 * timedelta(hours=1))
    await assert_at_peace(stage, app, changes=2)
    assert set(sent(stage)) == {parked}
    assert (await stage.kube.status("web"))["history"][0]["trigger"] == "schedule"


async def test_a_parked_value_goes_to_no_other_client(stage: Stage) -> None:
    """Catches one value for two clients, either of which could then log in as the other."""
    app = await stage.rotated()
    refuse(stage.tenant)
    await ask(stage, app)
    parked = await assert_refused(stage, app)
    stage.tenant.faults.clear()
    other = stage.tenant.add_app("other")
    await stage.kube.apply(rotation(other.client_id))
    await stage.settle()
    await assert_at_peace(stage, other, changes=1)
    assert other.secret != parked
    assert app.changes == 1


async def test_a_parked_value_serves_what_is_asked_for_since(stage: Stage) -> None:
    """Catches a second rotation for a token that came while the value was still being tried."""
    app = await stage.rotated()
    await stage.simulator.stop()
    for token in ("one", "two"):
        await ask(stage, app, token)
        await stage.run_for(MINUTE / 6)
    await stage.run_for(3 * MINUTE)
    assert (await stage.kube.status("web"))["rotationStatus"] == "failed"
    await stage.simulator.start()
    await stage.run_for(120 * MINUTE)
    await assert_at_peace(stage, app, changes=2)
    assert (await stage.kube.status("web"))["lastHandledRotateNow"] == "two"
    assert len(set(sent(stage))) == 1
