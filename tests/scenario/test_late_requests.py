"""Requests whose answer was lost, and that take effect all the same: before, after, minutes later."""

from datetime import timedelta

import pytest

from auth0_simulator import Operation
from harness import Stage
from harness.story import ask, assert_at_peace, land, landed, lose, sent

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


async def test_a_lost_request_that_lands_before_the_next_try_is_not_sent_again(stage: Stage) -> None:
    """Catches a retry that looks at nothing before it sends."""
    app = await stage.rotated()
    stage.tenant.take_effect_late(0.2)
    await ask(stage, app)
    await landed(stage, stage.tenant.asked(Operation.PATCH)[-1])
    await stage.run_for(30 * SECOND)
    await assert_at_peace(stage, app, changes=2)
    assert sent(stage) == [app.secret]


async def test_a_lost_request_that_lands_after_the_next_try_changes_nothing(stage: Stage) -> None:
    """Catches a retry that sends another value: the late one would then win."""
    app = await stage.rotated()
    lost = await lose(stage, app)
    await stage.run_for(30 * SECOND)
    await assert_at_peace(stage, app, changes=2)
    stage.tenant.change_later(app, lost, 0)
    await ask(stage, app, "once more")
    await stage.run_for(10 * MINUTE)
    await assert_at_peace(stage, app, changes=3)


@pytest.mark.parametrize("restarts", [False, True], ids=["same process", "restarted"])
async def test_after_a_lost_request_the_next_rotation_waits_for_five_minutes(
    stage: Stage, *, restarts: bool
) -> None:
    """Catches a newer value that a late request of the older rotation could undo."""
    app = await stage.rotated()
    await lose(stage, app)
    await stage.run_for(30 * SECOND)
    await ask(stage, app, "once more")
    if restarts:
        await stage.restart()
    await stage.run_for(4 * MINUTE)
    assert app.changes == 2
    await stage.run_for(MINUTE)
    await assert_at_peace(stage, app, changes=3)


@pytest.mark.parametrize("restarts", [False, True], ids=["same process", "restarted"])
async def test_a_request_that_lands_later_than_anybody_waits_is_undone(
    stage: Stage, *, restarts: bool
) -> None:
    """Catches a verification that is not run once more: the target would hold a dead value for ever."""
    app = await stage.rotated()
    lost = await lose(stage, app)
    await stage.run_for(30 * SECOND)
    await ask(stage, app, "once more")
    await stage.run_for(6 * MINUTE)
    await assert_at_peace(stage, app, changes=3)
    newest = app.secret
    await land(stage, app, lost)
    assert app.secret != newest
    if restarts:
        await stage.restart()
    await stage.run_for(10 * MINUTE)
    # The late request was a change, and so is what takes it back; no value is new.
    await assert_at_peace(stage, app, changes=5)
    assert app.secret == newest


async def test_a_request_that_lands_while_the_newer_value_spreads_is_undone(stage: Stage) -> None:
    """Catches a verification that gives up without a look at the value before."""
    app = await stage.rotated()
    lost = await lose(stage, app)
    await stage.run_for(6 * MINUTE)
    stage.tenant.refuse_new_secret_for(3600)
    await ask(stage, app, "once more")
    newest = app.secret
    await land(stage, app, lost)
    stage.tenant.refuse_new_secret_for(0)
    await stage.run_for(3 * MINUTE)
    await assert_at_peace(stage, app, changes=5)
    assert app.secret == newest
    assert (await stage.kube.condition("web", "Verified"))["status"] == "True"
    assert len(set(sent(stage))) == 2
