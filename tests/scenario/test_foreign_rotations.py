"""A rotation that somebody made in Auth0's dashboard is noticed; and adopted, where that was chosen."""

import asyncio
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from auth0_simulator import App, Operation
from harness import Stage, rotation
from harness.deletion import messages
from harness.secrets import version
from harness.story import ROTATION, ask, assert_at_peace, journal, reasons, skip
from harness.workloads import generation, restarts, workload

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
HOURLY: dict[str, Any] = {"probeInterval": "1h"}
ADOPTS: dict[str, Any] = {"probeInterval": "1h", "adopt": True}
KEYS = ("read:clients", "update:client_keys", "read:client_keys")
FREEZE = {"metadata": {"labels": {"auth0rotator.dev/freeze": "true"}}}


async def watched(stage: Stage, foreign: dict[str, Any] = HOURLY, **spec: Any) -> App:
    """Return a client that was rotated a while ago, over a connection that looks out for others."""
    if foreign.get("adopt"):
        stage.tenant.with_scopes(*KEYS)
    app = await stage.rotated(**spec)
    await stage.connect(foreignRotation=foreign)
    await stage.run_for(10 * MINUTE)
    return app


async def told(stage: Stage, type_: str = "Verified") -> tuple[str, str]:
    """Return status and reason of a condition."""
    found = await stage.kube.condition("web", type_)
    return found["status"], found["reason"]


def probes(stage: Stage, app: App) -> int:
    """Return how often a client secret of the application was tried."""
    asked = stage.tenant.asked(Operation.PROBE)
    return sum(entry.client_id == app.client_id for entry in asked)


def sent(stage: Stage) -> int:
    """Return how many requests there were to change anything."""
    return len(stage.tenant.asked(Operation.PATCH, Operation.ROTATE))


async def assert_adopted(stage: Stage, app: App, *, times: int = 1) -> None:
    """The target holds what was set elsewhere, nothing was sent, and all is told but the value."""
    assert sent(stage) == 1
    words = [await stage.kube.all(kind) for kind in (ROTATION, "Auth0Connection", "Event")]
    assert not [value for value in (app.secret, *app.past) if value in json.dumps(words)]
    await assert_at_peace(stage, app, changes=1 + times)
    assert (await told(stage), await told(stage, "Ready")) == (
        ("True", "Verified"),
        ("True", "Delivered"),
    )
    events = await reasons(stage)
    assert events.count("Adopted") == times
    assert "DriftRepaired" not in events
    assert len((await stage.kube.status("web"))["history"]) == 1 + times


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
    assert (app.changes, sent(stage)) == (2, 1)


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
    count = sent(stage)
    app.secret = former
    await stage.run_for(HOUR + 2 * MINUTE)
    await assert_at_peace(stage, app, changes=2)
    assert sent(stage) == count


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


async def test_a_date_that_is_due_is_kept_before_the_value_is_looked_at(stage: Stage) -> None:
    """Catches a probe in front of a rotation that makes it needless."""
    app = await watched(stage, {"probeInterval": "1m"}, rotationInterval=1)
    count = len(stage.tenant.asked())
    await skip(stage, 3 * DAY)
    assert app.changes == 2
    since = [entry.operation for entry in stage.tenant.asked()[count:]]
    # The two of the verification: what it has just asked is not asked again.
    assert since == [Operation.PATCH, Operation.PROBE, Operation.PROBE]


# Adoption ---------------------------------------------------------------------------------------


async def test_a_value_set_elsewhere_is_adopted_and_who_uses_the_old_one_is_restarted(
    stage: Stage,
) -> None:
    """Catches a rotation that repairs what somebody changed, and consumers that stay locked out."""
    await stage.kube.apply(workload())
    naming: dict[str, Any] = {"rolloutRestartTargets": restarts("Deployment/web")}
    mapping = {"clientId": "ID", "clientSecret": "SECRET", "previousClientSecret": "PREVIOUS"}
    app = await watched(stage, ADOPTS, secretsMapping=mapping, **naming)
    former, count = app.secret, await generation(stage.kube)
    stage.tenant.rotate_elsewhere(app)
    await stage.run_for(2 * HOUR)
    await assert_adopted(stage, app)
    assert (await stage.kube.secret("web"))["PREVIOUS"] == former
    assert await generation(stage.kube) == count + 1
    events = await reasons(stage)
    assert "RotatedElsewhere" not in events
    assert events.count("RolloutRestarted") == 2
    status = await stage.kube.status("web")
    assert status["isLastRotationManual"] is True
    due = stage.clock.now + timedelta(days=30)
    assert status["nextRotationAt"][:10] in {f"{due:%Y-%m-%d}", f"{due + DAY:%Y-%m-%d}"}


async def test_two_values_in_a_row_are_adopted_one_after_the_other(stage: Stage) -> None:
    """Catches a count that stands still, by which the second one would look like the first."""
    app = await watched(stage, ADOPTS)
    for _ in range(2):
        stage.tenant.rotate_elsewhere(app)
        await stage.run_for(2 * HOUR)
    await assert_adopted(stage, app, times=2)
    found = await stage.kube.get("Secret", "web")
    assert found is not None
    assert found["metadata"]["annotations"]["auth0rotator.dev/sequence"] == "3"


async def test_without_the_scope_the_alarm_names_it_and_with_it_the_value_is_adopted(
    stage: Stage,
) -> None:
    """Catches an adoption that fails in silence, and a scope that is noticed after a day."""
    app = await stage.rotated()
    await stage.connect(foreignRotation=ADOPTS)
    await stage.run_for(10 * MINUTE)
    stage.tenant.rotate_elsewhere(app)
    await stage.run_for(2 * HOUR)
    assert await told(stage) == ("False", "RotatedElsewhere")
    says = "it was not adopted: foreignRotation.adopt needs the scope read:client_keys"
    assert says in (await messages(stage))["RotatedElsewhere"]
    found = await stage.kube.get("Auth0Connection", "acme")
    assert found is not None
    [ready] = found["status"]["conditions"]
    assert ready["status"] == "True"
    assert "foreignRotation.adopt needs read:client_keys" in ready["message"]
    assert not stage.tenant.asked(Operation.READ)[1:]
    stage.tenant.with_scopes(*KEYS)
    await stage.run_for(HOUR + MINUTE)
    await assert_adopted(stage, app)


async def test_whoever_chooses_to_adopt_after_the_alarm_need_not_wait(stage: Stage) -> None:
    """Catches a choice that is followed at the next interval only; and one that nobody made."""
    stage.tenant.with_scopes(*KEYS)
    app = await stage.rotated()
    await stage.connect(foreignRotation={"probeInterval": "24h"})
    await stage.run_for(10 * MINUTE)
    stage.tenant.rotate_elsewhere(app)
    await stage.run_for(2 * DAY)
    assert await told(stage) == ("False", "RotatedElsewhere")
    await stage.connect(foreignRotation={"probeInterval": "24h", "adopt": True})
    await stage.run_for(MINUTE)
    await assert_adopted(stage, app)


@pytest.mark.parametrize("is_frozen", [False, True], ids=["suspended", "frozen"])
async def test_a_suspended_value_is_adopted_as_well(stage: Stage, *, is_frozen: bool) -> None:
    """Catches an application that stays locked out because nothing is to rotate."""
    app = await watched(stage, ADOPTS)
    if is_frozen:
        path = f"/api/v1/namespaces/{stage.kube.namespace}"
        await stage.kube.send("PATCH", path, FREEZE, content_type="application/merge-patch+json")
    else:
        await stage.kube.apply(rotation(app.client_id, suspend=True))
    await stage.restart()
    await stage.settle()
    stage.tenant.rotate_elsewhere(app)
    await stage.run_for(2 * HOUR)
    await assert_adopted(stage, app)


async def test_an_announced_value_stays_announced_when_another_one_is_adopted(stage: Stage) -> None:
    """Catches a value that applications try already, and that is thrown away."""
    mapping = {"clientId": "ID", "clientSecret": "SECRET", "nextClientSecret": "NEXT"}
    app = await watched(stage, ADOPTS, secretsMapping=mapping, nextSecretLeadTime="744h")
    announced = (await stage.kube.secret("web"))["NEXT"]
    assert announced != app.secret
    stage.tenant.rotate_elsewhere(app)
    await stage.run_for(2 * HOUR)
    await stage.assert_delivered(app)
    assert (await stage.kube.secret("web"))["NEXT"] == announced
    await ask(stage, app, secretsMapping=mapping, nextSecretLeadTime="744h")
    assert app.secret == announced
    await stage.assert_delivered(app)


LAGS: Mapping[str, str] = {"shows the delivered value": "old", "shows one that is dead": "x" * 64}


@pytest.mark.parametrize("shown", LAGS.values(), ids=LAGS)
async def test_a_read_that_lags_is_read_again(stage: Stage, shown: str) -> None:
    """Catches a value that is adopted because the tenant showed it, though it accepts another one."""
    app = await watched(stage, ADOPTS)
    old = {"client_id": app.client_id, "client_secret": app.secret if shown == "old" else shown}
    stage.tenant.answer(200, old, operation=Operation.READ, times=3)
    stage.tenant.rotate_elsewhere(app)
    await stage.run_for(2 * HOUR)
    await assert_adopted(stage, app)
    assert "RotatedElsewhere" not in await reasons(stage)


async def test_a_value_that_works_after_all_is_not_adopted_as_another_one(stage: Stage) -> None:
    """Catches an adoption of the delivered value itself, after a minute in which the tenant erred."""
    app = await watched(stage, ADOPTS)
    refused = {"error": "access_denied", "error_description": "Unauthorized"}
    # From the first refusal until it is believed, and no longer.
    stage.tenant.answer(401, refused, operation=Operation.PROBE, times=8)
    await stage.run_for(2 * HOUR)
    assert stage.tenant.asked(Operation.READ)[1:]
    await assert_at_peace(stage, app, changes=1)
    assert not {"Adopted", "RotatedElsewhere"} & set(await reasons(stage))


async def test_while_a_request_of_ours_may_land_nothing_is_adopted(stage: Stage) -> None:
    """Catches a value that is adopted a minute before our own comes to live after all."""
    app = await watched(stage, ADOPTS)
    stage.tenant.lose_answer()
    await ask(stage, app)
    # After the first of the two requests of a probe that finds our value live.
    first = stage.tenant.hold(Operation.PROBE)
    working = asyncio.create_task(stage.run_for(4 * MINUTE))
    await first.reached()
    second = stage.tenant.hold(Operation.PROBE)
    first.open()
    await second.reached()
    stage.tenant.rotate_elsewhere(app)
    second.open()
    await working
    count = sent(stage)
    assert (await journal(stage)).state == "idle"
    assert not {"Adopted", "RotatedElsewhere"} & set(await reasons(stage))
    await stage.run_for(HOUR)
    await assert_at_peace(stage, app, changes=3)
    assert sent(stage) == count
    assert "Adopted" in await reasons(stage)


async def test_consumers_are_restarted_for_a_value_that_somebody_put_in_by_hand(stage: Stage) -> None:
    """Catches consumers that stay locked out with the value that was delivered before."""
    await stage.kube.apply(workload())
    app = await watched(stage, rolloutRestartTargets=restarts("Deployment/web"))
    count = await generation(stage.kube)
    patch = {"stringData": {"SECRET": stage.tenant.rotate_elsewhere(app)}}
    await stage.kube.merge("Secret", "web", patch)
    await stage.run_for(MINUTE)
    await assert_at_peace(stage, app, changes=2)
    assert await generation(stage.kube) == count + 1


CANNOT: Mapping[str, Any] = {
    "no secret": {"client_id": "CLIENT"},
    "another client's": {"client_id": "other", "client_secret": "y" * 64},
    "a page": None,
}


@pytest.mark.parametrize("shown", CANNOT.values(), ids=CANNOT)
async def test_what_cannot_be_read_is_an_alarm(stage: Stage, shown: dict[str, str] | None) -> None:
    """Catches an adoption of nothing, or of what is not the client's own."""
    app = await watched(stage, ADOPTS)
    delivered = app.secret
    if shown is not None and shown["client_id"] == "CLIENT":
        shown = {"client_id": app.client_id}
    text = "<html>" if shown is None else None
    stage.tenant.answer(200, shown, operation=Operation.READ, times=1000, text=text)
    stage.tenant.rotate_elsewhere(app)
    await stage.run_for(2 * HOUR)
    assert await told(stage) == ("False", "RotatedElsewhere")
    assert (await stage.kube.secret("web"))["SECRET"] == delivered
    stage.tenant.faults.clear()
    await stage.run_for(HOUR + MINUTE)
    await assert_adopted(stage, app)


async def test_while_a_change_is_open_nothing_is_adopted(stage: Stage) -> None:
    """Catches a value of somebody else over one that may be live in a moment."""
    app = await watched(stage, ADOPTS)
    stage.tenant.answer(503, operation=Operation.PATCH, text="<html>", times=1000)
    await ask(stage, app)
    stage.tenant.rotate_elsewhere(app)
    await stage.run_for(3 * HOUR)
    assert (await journal(stage)).state == "sending"
    assert not stage.tenant.asked(Operation.READ)[1:]


async def test_two_operators_adopt_a_value_once(stage: Stage) -> None:
    """Catches a write without a version, by which each of them would have a rotation of its own."""
    app = await watched(stage, ADOPTS)
    first, second = stage.operator, stage.new_operator()
    await second.settle()
    stage.tenant.rotate_elsewhere(app)
    for _ in range(90):
        stage.clock.advance(MINUTE)
        await asyncio.gather(first.settle(), second.settle())
    await assert_adopted(stage, app)
    found = await stage.kube.get("Secret", "web.journal")
    assert found is not None
    assert found["metadata"]["annotations"]["auth0rotator.dev/sequence"] == "2"


async def test_who_loses_a_conflict_adopts_nothing(stage: Stage) -> None:
    """Catches the loser of two rotations, to whom every change of the winner looks like a stranger's."""
    app = await watched(stage, ADOPTS)
    await stage.kube.apply(rotation(app.client_id, "other"))
    await stage.settle()
    stage.tenant.rotate_elsewhere(app)
    await stage.run_for(2 * HOUR)
    assert await stage.kube.get("Secret", "other.journal") is None
    await stage.assert_delivered(app)
    assert sent(stage) == 1
