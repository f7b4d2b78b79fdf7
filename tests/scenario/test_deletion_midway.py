"""A rotation is deleted in the middle of a change: it is finished first, and never waits for ever."""

import pytest

from harness import Stage
from harness.deletion import (
    MINUTE,
    NAMES,
    REVOKES,
    SWITCHES,
    TEN_MINUTES,
    assert_gone,
    assert_target,
    delete,
    every_combination,
    messages,
    open_change,
    switched,
)
from harness.story import journal, reasons, skip


@pytest.mark.parametrize(
    ("deletes", "revokes", "restarts"),
    [(*switches, not switches[1]) for switches in SWITCHES],
    ids=[f"{name}, restarted" if "revokes" not in name else name for name in NAMES],
)
async def test_a_change_that_is_open_is_finished_before_its_rotation_goes(
    stage: Stage, *, deletes: bool, revokes: bool, restarts: bool
) -> None:
    """Catches a kept Secret with a dead value: the deletion threw away the value that was live."""
    app = await stage.rotated(deletion=switched(deletes=deletes, revokes=revokes))
    await open_change(stage, app, deletes=deletes, revokes=revokes)
    chosen = app.secret
    await stage.simulator.stop()
    await delete(stage)
    await stage.settle()
    if restarts:
        await stage.restart()
        await stage.settle()
    await skip(stage, 5 * MINUTE)
    seen = await journal(stage)
    assert (seen.state, seen.values["next"]) == ("sending", chosen)
    await stage.simulator.start()
    await stage.run_for(2 * MINUTE)
    await assert_gone(stage)
    assert app.changes == 2 + revokes
    await assert_target(stage, chosen, is_there=not deletes)
    assert "Abandoned" not in await reasons(stage)


@every_combination
async def test_a_change_that_stays_open_is_given_up_after_ten_minutes(
    stage: Stage, *, deletes: bool, revokes: bool
) -> None:
    """Catches a journal that nobody releases: its namespace could never be deleted."""
    app = await stage.rotated(deletion=switched(deletes=deletes, revokes=revokes))
    delivered = app.secret
    await open_change(stage, app, deletes=deletes, revokes=revokes)
    await stage.simulator.stop()
    await delete(stage)
    await stage.settle()
    await skip(stage, 8 * MINUTE)
    assert (await journal(stage)).state == "sending"
    await skip(stage, 4 * MINUTE)
    await assert_gone(stage)
    await assert_target(stage, delivered, is_there=not deletes)
    assert "check it" in (await messages(stage))["Abandoned"]
    assert app.changes == 2


async def test_a_change_that_was_open_while_no_operator_ran_is_given_up_by_the_next(
    stage: Stage,
) -> None:
    """Catches ten minutes that are counted from the start of the process."""
    app = await stage.rotated()
    await open_change(stage, app)
    await stage.simulator.stop()
    await delete(stage)
    stage.clock.advance(TEN_MINUTES)
    await stage.restart()
    await assert_gone(stage)
    assert "Abandoned" in await reasons(stage)


async def test_a_namespace_that_goes_waits_for_no_open_change(stage: Stage) -> None:
    """Catches a finalizer that keeps a whole namespace waiting for a tenant."""
    app = await stage.rotated()
    await open_change(stage, app)
    await stage.simulator.stop()
    await delete_namespace(stage)
    await assert_gone(stage)


async def test_a_namespace_that_goes_waits_for_a_revocation_no_longer_than_ten_minutes(
    stage: Stage,
) -> None:
    """Catches a finalizer that keeps a namespace for ever: its connection went before the rotation."""
    app = await stage.rotated(deletion=REVOKES)
    await delete_namespace(stage)
    stage.clock.advance(TEN_MINUTES)
    await stage.restart()
    await assert_gone(stage)
    assert app.changes <= 2


async def test_what_is_deleted_with_its_rotation_all_at_once_leaves_nothing(stage: Stage) -> None:
    """Catches a farewell that needs what the same command has deleted: helm uninstall takes all."""
    app = await stage.rotated(deletion=switched(deletes=True, revokes=False))
    await open_change(stage, app, deletes=True)
    await stage.kube.delete("Secret", "auth0-management")
    await stage.kube.delete("Auth0Connection", "acme")
    await delete(stage)
    await stage.settle()
    await skip(stage, TEN_MINUTES)
    await assert_gone(stage)
    await assert_target(stage, app.secret, is_there=False)


async def delete_namespace(stage: Stage) -> None:
    await stage.kube.send("DELETE", f"/api/v1/namespaces/{stage.kube.namespace}")
