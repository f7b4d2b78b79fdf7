"""What a connection's governor does: spacing, a number an hour, a circuit; and canaries."""

import itertools
from datetime import datetime, timedelta
from typing import Any

import pytest

from auth0_simulator import App
from harness import Stage, connection, credentials, rotation
from harness.story import reasons, refuse

MINUTE = timedelta(minutes=1)
DAYS = timedelta(days=3)
# Away from the next date, however late in the day the tests run.
HALF_A_DAY = timedelta(hours=12)
NAMES = ["a", "b", "c", "d"]


async def due_together(stage: Stage, *, interval: int = 1, **governor: Any) -> dict[str, App]:
    """Create rotations that are due at one instant after `interval` days and one."""
    await stage.connect(governor=governor)
    apps = {name: stage.tenant.add_app(name) for name in NAMES}
    for name, app in apps.items():
        await stage.kube.apply(rotation(app.client_id, name, rotationInterval=interval))
    await stage.settle()
    return apps


async def rotated_at(stage: Stage) -> list[datetime]:
    """Return when each rotation was rotated last, in order."""
    told = [(await stage.kube.status(name))["lastRotatedAt"] for name in NAMES]
    return sorted(map(datetime.fromisoformat, told))


async def test_rotations_of_one_connection_keep_their_distance(stage: Stage) -> None:
    """Catches thirty applications that are bounced at one minute."""
    apps = await due_together(stage, minSpacing="10m")
    await stage.run_for(await stage.until_due("a") + HALF_A_DAY)
    assert {app.changes for app in apps.values()} == {2}
    at = await rotated_at(stage)
    distances = [later - earlier for earlier, later in itertools.pairwise(at)]
    assert all(distance >= 10 * MINUTE for distance in distances), distances
    assert max(at) - min(at) < 60 * MINUTE


async def test_no_hour_has_more_rotations_than_it_may(stage: Stage) -> None:
    """Catches a count that begins anew with each full hour."""
    await due_together(stage, maxPerHour=2)
    await stage.run_for(await stage.until_due("a") + HALF_A_DAY)
    at = await rotated_at(stage)
    assert at[2] - at[0] >= 60 * MINUTE
    assert at[3] - at[1] >= 60 * MINUTE


async def test_each_is_told_once_when_its_turn_will_be(stage: Stage) -> None:
    """Catches an estimate that is told anew with each look, or never."""
    await due_together(stage, minSpacing="10m")
    await stage.run_for(await stage.until_due("a") + MINUTE)
    waiting = await queued(stage)
    assert len(waiting) == 3
    assert len({message.rpartition(" ")[2] for message in waiting}) == 3
    await stage.restart()
    await stage.run_for(5 * MINUTE)
    assert await queued(stage) == waiting


@pytest.mark.parametrize("step", [-60 * MINUTE, DAYS / 3], ids=["back-an-hour", "forward-a-day"])
@pytest.mark.parametrize("is_restarted", [False, True], ids=["going on", "restarted"])
async def test_a_clock_that_is_set_while_some_wait_for_their_turn_rotates_none_twice(
    stage: Stage,
    step: timedelta,
    is_restarted: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Catches one turn that is taken twice, and a date that comes again with the clock."""
    apps = await due_together(stage, interval=10, minSpacing="10m")
    await stage.run_for(await stage.until_due("a") + 11 * MINUTE)
    assert sorted(app.changes for app in apps.values()) == [1, 1, 2, 2]
    stage.clock.advance(step)
    if is_restarted:
        await stage.restart()
    await stage.run_for(DAYS)
    assert {app.changes for app in apps.values()} == {2}


async def queued(stage: Stage) -> list[str]:
    """Return what those are told who wait for their turn."""
    told = [await stage.kube.condition(name, "Reconciling") for name in NAMES]
    return [condition["message"] for condition in told if condition["reason"] == "Queued"]


async def test_a_manual_rotation_does_not_wait_for_the_governor(stage: Stage) -> None:
    """Catches a person in need who is put into a queue."""
    apps = await due_together(stage, minSpacing="1h", maxPerHour=1)
    annotations = {"auth0rotator.dev/rotate-now": "now"}
    for name, app in apps.items():
        body = rotation(app.client_id, name, rotationInterval=1, annotations=annotations)
        await stage.kube.apply(body)
    await stage.settle()
    assert {app.changes for app in apps.values()} == {2}


# The circuit ------------------------------------------------------------------------------------


async def conditions(stage: Stage) -> dict[str, str]:
    """Return the conditions of the connection."""
    found = await stage.kube.get("Auth0Connection", "acme")
    assert found is not None
    return {one["type"]: one["status"] for one in found["status"]["conditions"]}


async def broken(stage: Stage) -> dict[str, App]:
    """Have two rotations fail in a row, which opens the circuit; then the tenant is well again."""
    apps = await due_together(stage, openAfterFailures=2)
    assert (await conditions(stage))["CircuitOpen"] == "False"
    refuse(stage.tenant)
    for name in NAMES[:2]:
        await rotate_now(stage, apps[name], name, "fails")
    assert (await conditions(stage))["CircuitOpen"] == "True"
    for name in NAMES[:2]:
        # Nobody asks any more: a manual success would close the circuit.
        await stage.kube.apply(rotation(apps[name].client_id, name, rotationInterval=1))
    await stage.settle()
    stage.tenant.faults.clear()
    return apps


async def rotate_now(stage: Stage, app: App, name: str, token: str) -> None:
    """Ask for a rotation."""
    annotations = {"auth0rotator.dev/rotate-now": token}
    await stage.kube.apply(rotation(app.client_id, name, rotationInterval=1, annotations=annotations))
    await stage.settle()


async def test_an_open_circuit_stops_automatic_rotations_through_a_restart(stage: Stage) -> None:
    """Catches a tenant that is asked on and on, and a memory that a restart wipes."""
    apps = await broken(stage)
    await stage.restart()
    await stage.run_for(DAYS)
    assert {app.changes for app in apps.values()} == {1}
    stalled = await stage.kube.condition("c", "Stalled")
    assert (stalled["status"], stalled["reason"]) == ("True", "CircuitOpen")
    assert (await reasons(stage)).count("CircuitOpen") >= 1


async def test_a_word_closes_the_circuit_once(stage: Stage) -> None:
    """Catches an annotation that is followed again after each restart."""
    apps = await broken(stage)
    word = {"metadata": {"annotations": {"auth0rotator.dev/reset-circuit": "monday"}}}
    await stage.kube.merge("Auth0Connection", "acme", word)
    await stage.settle()
    assert (await conditions(stage))["CircuitOpen"] == "False"
    assert "CircuitClosed" in await reasons(stage)
    await stage.run_for(DAYS)
    assert all(app.changes >= 2 for app in apps.values())
    refuse(stage.tenant)
    for name in NAMES[:2]:
        await rotate_now(stage, apps[name], name, "again")
    await stage.restart()
    await stage.settle()
    assert (await conditions(stage))["CircuitOpen"] == "True"


async def test_a_manual_success_closes_the_circuit(stage: Stage) -> None:
    """Catches a circuit that only an annotation closes."""
    apps = await broken(stage)
    await rotate_now(stage, apps["c"], "c", "works")
    assert apps["c"].changes == 2
    assert (await conditions(stage))["CircuitOpen"] == "False"


async def test_what_is_wrong_with_one_object_opens_no_circuit(stage: Stage) -> None:
    """Catches one team's typing error that stops everybody's rotations."""
    await due_together(stage, openAfterFailures=1)
    await stage.kube.apply(rotation("NoSuchClient", "typo"))
    await stage.settle()
    assert (await stage.kube.status("typo"))["rotationStatus"] == "failed"
    assert (await conditions(stage))["CircuitOpen"] == "False"


# Canaries ---------------------------------------------------------------------------------------


async def test_the_others_wait_until_the_canary_is_verified(stage: Stage) -> None:
    """Catches a canary that is only the first of many."""
    await stage.kube.apply(credentials(stage.tenant), connection(stage.simulator))
    apps = {name: stage.tenant.add_app(name) for name in ("a", "canary")}
    for name, app in apps.items():
        spec = {"rotationInterval": 1, "canary": name == "canary"}
        await stage.kube.apply(rotation(app.client_id, name, **spec))
    await stage.settle()
    await stage.run_for(await stage.until_due("a") - MINUTE)
    stage.tenant.refuse_new_secret_for(30)
    await stage.run_for(MINUTE + timedelta(seconds=5))
    assert (apps["canary"].changes, apps["a"].changes) == (2, 1)
    waiting = await stage.kube.condition("a", "Reconciling")
    assert (waiting["status"], waiting["reason"]) == ("False", "CanaryPending")
    assert "the canary canary goes first" in waiting["message"]
    stage.tenant.propagation = 0
    await stage.run_for(5 * MINUTE)
    assert apps["a"].changes == 2


async def test_a_canary_that_fails_keeps_the_others_from_harm(stage: Stage) -> None:
    """Catches a failure that is tried with everybody's application."""
    await stage.connect()
    apps = {name: stage.tenant.add_app(name) for name in ("a", "canary")}
    for name, app in apps.items():
        spec = {"rotationInterval": 1, "canary": name == "canary"}
        await stage.kube.apply(rotation(app.client_id, name, **spec))
    await stage.settle()
    refuse(stage.tenant)
    await stage.run_for(await stage.until_due("a") + HALF_A_DAY)
    assert (apps["canary"].changes, apps["a"].changes) == (1, 1)
    assert (await stage.kube.status("a"))["rotationStatus"] == "success"
    stage.tenant.faults.clear()
    await stage.run_for(timedelta(hours=2))
    assert (apps["canary"].changes, apps["a"].changes) == (2, 2)


async def test_those_that_waited_for_the_circuit_do_not_come_all_at_once(stage: Stage) -> None:
    """Catches turns that pass while the circuit is open, and are spent together when it is closed."""
    apps = await due_together(stage, minSpacing="10m", openAfterFailures=1)
    due = datetime.fromisoformat((await stage.kube.status("a"))["nextRotationAt"])
    stage.tenant.answer(403, times=1)
    await stage.run_for(due - stage.clock.now + MINUTE)
    assert sum(app.changes for app in apps.values()) == len(NAMES)
    await stage.run_for(timedelta(hours=5))
    word = {"metadata": {"annotations": {"auth0rotator.dev/reset-circuit": "mended"}}}
    await stage.kube.merge("Auth0Connection", "acme", word)
    await stage.settle()
    assert sum(app.changes for app in apps.values()) == len(NAMES) + 1
    await stage.run_for(timedelta(hours=1))
    assert sum(app.changes for app in apps.values()) == 2 * len(NAMES)
