"""A rotation that somebody made in Auth0's dashboard is noticed, and told once."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from auth0_rotator.mirror import AnyKey
from auth0_simulator import Operation
from harness import Stage, rotation
from harness.deletion import messages
from harness.foreign import DAY, HOUR, HOURLY, MINUTE, changes_asked, probes, told, watched
from harness.secrets import version
from harness.story import ROTATION, ask, assert_at_peace, reasons, skip

SECOND = timedelta(seconds=1)

# The good case ----------------------------------------------------------------------------------


async def test_a_value_that_works_is_probed_once_an_interval_and_nothing_is_written(
    stage: Stage,
) -> None:
    """Catches a verdict, an Event or a status with each probe, and probes that come in bunches."""
    app = await watched(stage)
    before = await stage.kube.get(ROTATION, "web")
    events, asked = await reasons(stage), probes(stage, app)
    writes = [await version(stage.kube, name) for name in ("web", "web.journal")]
    # Two token requests each: the value, and one that is random for comparison.
    await stage.run_for(6 * HOUR)
    assert probes(stage, app) - asked == 12
    assert await stage.kube.get(ROTATION, "web") == before
    assert await reasons(stage) == events
    assert [await version(stage.kube, name) for name in ("web", "web.journal")] == writes


@pytest.mark.parametrize("foreign", [None, HOURLY], ids=["nobody asked for it", "verification is off"])
async def test_a_value_that_is_not_to_be_probed_is_not_probed(
    stage: Stage, foreign: dict[str, Any] | None
) -> None:
    """Catches a probe by default, and one over the word of the object."""
    app = await stage.rotated(verification={"enabled": foreign is None})
    if foreign is not None:
        await stage.connect(foreignRotation=foreign)
    await stage.run_for(10 * MINUTE)
    asked = probes(stage, app)
    stage.tenant.rotate_elsewhere(app)
    await stage.run_for(3 * HOUR)
    assert probes(stage, app) == asked


async def test_a_restart_and_a_first_interval_probe_nobody_at_once(stage: Stage) -> None:
    """Catches a storm of probes: at the start, and when the field is set or changed."""
    app = await stage.rotated()
    other = stage.tenant.add_app("other")
    await stage.kube.apply(rotation(other.client_id, "other"))
    await stage.run_for(10 * MINUTE)
    asked = len(stage.tenant.asked(Operation.PROBE))
    for foreign in ({"probeInterval": "744h"}, {"probeInterval": "743h"}):
        await stage.connect(foreignRotation=foreign)
        await stage.settle()
        await stage.restart()
        await stage.settle()
    assert len(stage.tenant.asked(Operation.PROBE)) == asked
    # The new interval counts at once, and nobody waits for the end of the old one.
    await stage.connect(foreignRotation={"probeInterval": "1m"})
    await stage.run_for(MINUTE)
    assert len(stage.tenant.asked(Operation.PROBE)) == asked + 4
    await stage.connect()
    await stage.kube.merge("Auth0Connection", "acme", {"spec": {"foreignRotation": None}})
    await stage.run_for(HOUR)
    assert len(stage.tenant.asked(Operation.PROBE)) == asked + 4
    assert app.changes == 1


async def test_a_clock_that_is_set_back_stops_no_probes(stage: Stage) -> None:
    """Catches a next probe that is as far away as the clock was wrong."""
    app = await watched(stage)
    await skip(stage, 400 * DAY)
    await skip(stage, -400 * DAY)
    asked = probes(stage, app)
    await stage.run_for(6 * HOUR)
    assert probes(stage, app) - asked == 12


async def test_an_answer_that_says_nothing_changes_nothing(stage: Stage) -> None:
    """Catches Verified that is Unknown, or an alarm, for a firewall's page."""
    await watched(stage)
    before = await stage.kube.get(ROTATION, "web")
    stage.tenant.answer(503, text="<html>", operation=Operation.PROBE, times=1000)
    await stage.run_for(3 * HOUR)
    assert await stage.kube.get(ROTATION, "web") == before


# The alarm --------------------------------------------------------------------------------------


async def test_a_rotation_made_elsewhere_is_noticed_within_the_interval_and_told_once(
    stage: Stage,
) -> None:
    """Catches nobody who looks, a first refusal that is believed, and an Event with each probe."""
    app = await watched(stage)
    await stage.connect(foreignRotation=HOURLY, governor={"openAfterFailures": 2})
    stage.tenant.rotate_elsewhere(app)
    await stage.run_for(HOUR + 2 * MINUTE)
    assert await told(stage) == await told(stage, "Ready") == ("False", "RotatedElsewhere")
    before = await stage.kube.get(ROTATION, "web")
    await stage.run_for(6 * HOUR)
    assert await stage.kube.get(ROTATION, "web") == before
    assert (await reasons(stage)).count("RotatedElsewhere") == 1
    assert "read:client_keys" not in (await messages(stage))["RotatedElsewhere"]
    found = await stage.kube.get("Auth0Connection", "acme")
    assert found is not None
    assert found["status"]["failuresInARow"] == 1
    assert (app.changes, changes_asked(stage)) == (2, 1)


async def test_a_value_that_lives_again_is_found_by_the_next_probe(stage: Stage) -> None:
    """Catches an alarm for ever, and one that a restart raises again."""
    app = await watched(stage)
    delivered = app.secret
    stage.tenant.rotate_elsewhere(app)
    await stage.run_for(2 * HOUR)
    assert await told(stage) == ("False", "RotatedElsewhere")
    await stage.restart()
    await stage.run_for(2 * HOUR)
    app.secret = delivered
    await stage.run_for(HOUR + MINUTE)
    await assert_at_peace(stage, app, changes=2)
    assert await told(stage) == ("True", "Verified")
    events = await reasons(stage)
    assert (events.count("RotatedElsewhere"), events.count("Verified")) == (1, 2)
    await stage.run_for(3 * HOUR)
    assert await reasons(stage) == events


async def test_the_last_value_that_somebody_set_again_is_taken_back(stage: Stage) -> None:
    """Catches a value that is sent over what somebody did, for a request that was lost long ago."""
    app = await stage.rotated()
    former = app.secret
    stage.tenant.lose_answer()
    await ask(stage, app)
    await stage.connect(foreignRotation=HOURLY)
    await stage.run_for(3 * HOUR)
    count = changes_asked(stage)
    app.secret = former
    await stage.run_for(HOUR + 2 * MINUTE)
    await assert_at_peace(stage, app, changes=2)
    assert changes_asked(stage) == count


async def test_a_value_that_cannot_be_taken_back_is_told(stage: Stage) -> None:
    """Catches a verdict that says that nobody knows the live value, or Ready that stays True."""
    app = await watched(stage)
    former = app.secret
    await ask(stage, app)
    await stage.run_for(20 * MINUTE)
    await stage.kube.merge("Secret", "web.journal", {"immutable": True})
    app.secret = former
    await stage.run_for(2 * HOUR)
    assert await told(stage) == await told(stage, "Ready") == ("False", "RotatedElsewhere")
    message = (await stage.kube.condition("web", "Verified"))["message"]
    assert "accepts the one before it, which cannot be taken back" in message
    assert (await reasons(stage)).count("RotatedElsewhere") == 1


async def test_a_refusal_that_is_over_in_a_minute_is_no_alarm(stage: Stage) -> None:
    """Catches a change that spreads, told as somebody else's."""
    app = await watched(stage)
    before = await stage.kube.get(ROTATION, "web")
    refused = {"error": "access_denied", "error_description": "Unauthorized"}
    stage.tenant.answer(401, refused, operation=Operation.PROBE, times=5)
    await stage.run_for(2 * HOUR)
    assert await stage.kube.get(ROTATION, "web") == before
    assert app.changes == 1


async def test_a_probe_takes_no_turn_while_another_waits_for_one(stage: Stage) -> None:
    """Catches workers that all wait for the pace of probes, while something is due."""
    app = await watched(stage, {"probeInterval": "1m"})
    [key] = stage.operator.mirror.connections
    pace = stage.operator.connections.tenant(key).tokens._pace  # noqa: SLF001 - others use it up
    pace.set_rate(requests_per_second=0.001, burst=2)
    await pace.turn()
    asked = probes(stage, app)
    async with asyncio.timeout(30):
        await stage.run_for(5 * MINUTE)
    assert probes(stage, app) == asked
    pace.set_rate(requests_per_second=1000, burst=1000)
    await stage.run_for(5 * MINUTE)
    assert probes(stage, app) >= asked + 8


async def test_who_finds_no_turn_for_a_probe_comes_again_less_and_less_often(stage: Stage) -> None:
    """Catches thousands that each ask for room four times a minute, where there is never any."""
    await watched(stage, HOURLY)
    [key] = stage.operator.mirror.connections
    pace = stage.operator.connections.tenant(key).tokens._pace  # noqa: SLF001 - others use it up
    pace.set_rate(requests_per_second=0.001, burst=2)
    await pace.turn()
    passes = []
    work = stage.operator.work

    async def counted(key: AnyKey) -> None:
        passes.append(key)
        await work(key)

    stage.operator.work = counted  # type: ignore[method-assign]
    await stage.run_for(6 * HOUR)
    assert len(passes) < 30
    pace.set_rate(requests_per_second=1000, burst=1000)
    await stage.run_for(2 * HOUR)
    assert await told(stage) == ("True", "Verified")


async def test_a_refusal_is_not_forgotten_while_there_is_no_turn_for_the_next_probe(
    stage: Stage,
) -> None:
    """Catches a minute that begins anew whenever a turn was waited for in vain for long."""
    app = await watched(stage, HOURLY)
    [key] = stage.operator.mirror.connections
    pace = stage.operator.connections.tenant(key).tokens._pace  # noqa: SLF001 - others use it up
    stage.tenant.rotate_elsewhere(app)
    asked = probes(stage, app)
    while probes(stage, app) == asked:
        await stage.run_for(SECOND)
    pace.set_rate(requests_per_second=0.001, burst=2)
    await pace.turn()
    await stage.run_for(30 * MINUTE)
    asked = probes(stage, app)
    pace.set_rate(requests_per_second=1000, burst=1000)
    await stage.run_for(5 * MINUTE)
    assert await told(stage) == ("False", "RotatedElsewhere")
    # The value is refused once more, which is enough.
    assert probes(stage, app) == asked + 1


async def test_a_date_that_is_due_is_kept_before_the_value_is_looked_at(stage: Stage) -> None:
    """Catches a probe in front of a rotation that makes it needless."""
    app = await watched(stage, {"probeInterval": "1m"}, rotationInterval=1)
    count = len(stage.tenant.asked())
    await skip(stage, 3 * DAY)
    assert app.changes == 2
    since = [entry.operation for entry in stage.tenant.asked()[count:]]
    # The two of the verification: what it has just asked is not asked again.
    assert since == [Operation.PATCH, Operation.PROBE, Operation.PROBE]
