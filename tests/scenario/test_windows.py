"""Rotation windows: automatic rotations happen inside of them only, and people see when that is."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from auth0_simulator import App
from harness import Stage, rotation
from harness.story import ask, assert_at_peace, reasons

ALWAYS = {"kind": "deny", "schedule": "0 0 * * *", "duration": "24h"}
AT_FIVE = {"kind": "allow", "schedule": "0 5 * * *", "duration": "1h"}
HOUR = timedelta(hours=1)


def midnight(stage: Stage, days: int) -> datetime:
    """Return the midnight (UTC) so many days after today."""
    today = stage.clock.now.date()
    return datetime.combine(today + timedelta(days=days), time(), UTC)


async def until(stage: Stage, instant: datetime) -> None:
    """Let the operator and the clock go on to this instant."""
    await stage.run_for(instant - stage.clock.now)


async def next_at(stage: Stage, name: str = "web") -> datetime:
    """Return the next rotation that status tells of."""
    return datetime.fromisoformat((await stage.kube.status(name))["nextRotationAt"])


async def edit(stage: Stage, app: App, **spec: Any) -> None:
    """Edit the rotation, which is due every day."""
    await stage.kube.apply(rotation(app.client_id, **({"rotationInterval": 1} | spec)))
    await stage.settle()


async def test_a_rotation_comes_when_its_window_opens(stage: Stage) -> None:
    """Catches a window that is asked about at the nominal date only, or not at all."""
    app = await stage.rotated(rotationInterval=1, rotationWindows=[AT_FIVE])
    # Created by hand after midnight: two days later at midnight, and then the window.
    opens = midnight(stage, 2) + 5 * HOUR
    assert await next_at(stage) == opens
    await until(stage, opens - timedelta(seconds=1))
    assert app.changes == 1
    await until(stage, opens + timedelta(seconds=1))
    await assert_at_peace(stage, app, changes=2)
    assert await next_at(stage) == opens + 24 * HOUR


async def test_an_overdue_rotation_waits_for_the_next_opening_and_says_so(stage: Stage) -> None:
    """Catches a rotation that makes up for a missed window in the middle of the day."""
    app = await stage.rotated(rotationInterval=1, rotationWindows=[AT_FIVE])
    opens = midnight(stage, 2) + 5 * HOUR
    await edit(stage, app, rotationWindows=[AT_FIVE], suspend=True)
    await until(stage, opens + 2 * HOUR)
    await edit(stage, app, rotationWindows=[AT_FIVE])
    waiting = await stage.kube.condition("web", "Reconciling")
    assert (waiting["status"], waiting["reason"]) == ("False", "WindowClosed")
    assert f"{opens + 24 * HOUR:%Y-%m-%dT%H:%M:%SZ}" in waiting["message"]
    assert await next_at(stage) == opens + 24 * HOUR
    await until(stage, opens + 24 * HOUR - timedelta(seconds=1))
    assert app.changes == 1
    await until(stage, opens + 24 * HOUR + timedelta(seconds=1))
    await assert_at_peace(stage, app, changes=2)


@pytest.mark.parametrize("step", [-HOUR, 24 * HOUR], ids=["back-an-hour", "forward-a-day"])
async def test_a_clock_that_is_set_within_a_window_rotates_nothing_twice(
    stage: Stage, step: timedelta
) -> None:
    """Catches an opening that comes again with the clock, and a day that counts for another."""
    app = await stage.rotated(rotationInterval=7, rotationWindows=[AT_FIVE])
    opens = midnight(stage, 8) + 5 * HOUR
    await until(stage, opens + HOUR / 2)
    assert app.changes == 2
    stage.clock.advance(step)
    await stage.run_for(48 * HOUR)
    await stage.restart()
    await assert_at_peace(stage, app, changes=2)
    assert await next_at(stage) == opens + 7 * 24 * HOUR


async def test_a_manual_rotation_is_not_bound_by_windows(stage: Stage) -> None:
    """Catches a person in need who has to wait for the night."""
    app = await stage.rotated(rotationWindows=[ALWAYS])
    await ask(stage, app, rotationWindows=[ALWAYS])
    assert app.changes == 2


async def test_windows_that_never_open_are_told_at_once(stage: Stage) -> None:
    """Catches a schedule that silently never happens."""
    app = await stage.rotated(rotationWindows=[ALWAYS])
    stalled = await stage.kube.condition("web", "Stalled")
    assert (stalled["status"], stalled["reason"]) == ("True", "WindowsNeverOpen")
    assert "nextRotationAt" not in await stage.kube.status("web")
    assert (await stage.kube.condition("web", "Ready"))["status"] == "True"
    await edit(stage, app, rotationWindows=[AT_FIVE])
    assert (await stage.kube.condition("web", "Stalled"))["status"] == "False"


@pytest.mark.parametrize("is_own", [False, True], ids=["its connection's", "its own, none"])
async def test_the_windows_of_a_connection_bind_who_names_none(
    stage: Stage,
    is_own: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Catches defaults that are forgotten, or that cannot be done away with."""
    app = stage.tenant.add_app("web")
    await stage.connect(rotationWindows=[AT_FIVE])
    spec: dict[str, Any] = {"rotationWindows": []} if is_own else {}
    await stage.kube.apply(rotation(app.client_id, rotationInterval=1, **spec))
    await stage.settle()
    assert await next_at(stage) == midnight(stage, 2) + (0 if is_own else 5) * HOUR


async def test_a_retry_waits_for_its_window_as_well(stage: Stage) -> None:
    """Catches a failed rotation that is tried again out of hours."""
    app = await stage.rotated(rotationInterval=1, rotationWindows=[AT_FIVE])
    opens = midnight(stage, 2) + 5 * HOUR
    await stage.simulator.stop()
    await until(stage, opens + HOUR)
    await stage.simulator.start()
    await until(stage, opens + 24 * HOUR - timedelta(seconds=1))
    assert app.changes == 1
    await until(stage, opens + 24 * HOUR + 5 * timedelta(minutes=1))
    await assert_at_peace(stage, app, changes=2)
    assert "RotationFailed" in await reasons(stage)


async def test_a_time_of_day_in_a_zone_is_kept(stage: Stage) -> None:
    """Catches a local time that is read as UTC."""
    await stage.rotated(rotationInterval=1, rotateAt={"time": "03:30", "timeZone": "Asia/Tokyo"})
    found = await next_at(stage)
    # Japan knows no clock changes: half past three there is half past six the evening before in UTC.
    assert found.time() == time(18, 30)
    assert found > stage.clock.now + 24 * HOUR


async def test_objects_that_are_due_together_come_one_after_the_other(stage: Stage) -> None:
    """Catches a spread that is the same for all, or another one after a restart."""
    names = [f"app-{number}" for number in range(6)]
    await stage.connect()
    for name in names:
        app = stage.tenant.add_app(name)
        await stage.kube.apply(rotation(app.client_id, name, rotationInterval=1, spread="30m"))
    await stage.settle()
    told = [await next_at(stage, name) for name in names]
    due = midnight(stage, 2)
    assert len(set(told)) == len(told)
    assert all(due <= instant < due + timedelta(minutes=30) for instant in told)
    await stage.restart()
    await stage.settle()
    assert [await next_at(stage, name) for name in names] == told
