"""A value that somebody set in Auth0's dashboard is adopted, where that was chosen. Nothing is sent."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from auth0_rotator.reconciler.world import new_rotation_id
from auth0_simulator import App, Operation
from harness import Stage, rotation
from harness.deletion import messages
from harness.foreign import ADOPTS, DAY, HOUR, KEYS, MINUTE, assert_adopted, changes_asked, told, watched
from harness.secrets import version
from harness.story import ask, assert_at_peace, journal, reasons
from harness.workloads import current, generation, restarts, workload

FREEZE = {"metadata": {"labels": {"auth0rotator.dev/freeze": "true"}}}


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
    count = changes_asked(stage)
    assert (await journal(stage)).state == "idle"
    assert not {"Adopted", "RotatedElsewhere"} & set(await reasons(stage))
    await stage.run_for(HOUR)
    await assert_at_peace(stage, app, changes=3)
    assert changes_asked(stage) == count
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
    assert changes_asked(stage) == 1


async def test_a_value_that_was_chosen_before_an_adoption_restarts_its_consumers(
    stage: Stage,
) -> None:
    """Catches a value that is chosen before another one is adopted, and looks older ever after."""
    await stage.kube.apply(workload())
    spec: dict[str, Any] = {
        "secretsMapping": {"clientId": "ID", "clientSecret": "SECRET", "nextClientSecret": "NEXT"},
        "nextSecretLeadTime": "744h",
        "rolloutRestartTargets": restarts("Deployment/web"),
    }
    app = await watched(stage, ADOPTS, **spec)
    stage.tenant.rotate_elsewhere(app)
    await stage.run_for(2 * HOUR)
    await current(stage)
    count = await generation(stage.kube)
    await ask(stage, app, **spec)
    await current(stage)
    assert await generation(stage.kube) == count + 1
    assert (await reasons(stage)).count("RolloutRestarted") == 3


# Whose value nobody may have ---------------------------------------------------------------------


async def made_up(stage: Stage, app: App) -> None:
    """Put a value into the target that was never the client's, and ask for it to be kept."""
    stage.tenant.with_scopes(*KEYS)
    await stage.connect(foreignRotation=ADOPTS)
    data = {"ID": app.client_id, "SECRET": "made up"}
    await stage.kube.apply(
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "web"}, "stringData": data}
    )
    await stage.kube.apply(rotation(app.client_id, initialRotation="WhenDue"))


async def assert_nothing_was_read(stage: Stage, app: App, says: str) -> None:
    """The alarm says why; the value of the client is known to nobody who did not have it."""
    assert await told(stage) == ("False", "RotatedElsewhere")
    assert says in (await stage.kube.condition("web", "Verified"))["message"]
    assert app.secret not in (await stage.kube.secret("web")).values()
    assert app.secret not in (await stage.kube.secret("web.journal")).values()
    assert not stage.tenant.asked(Operation.READ)


async def test_a_value_that_never_worked_is_not_replaced_by_the_one_that_does(stage: Stage) -> None:
    """Catches a rotation by which whoever may write Secrets reads any client's."""
    app = stage.tenant.add_app("web")
    await made_up(stage, app)
    await stage.run_for(3 * HOUR)
    await assert_nothing_was_read(stage, app, "nobody has seen the delivered value work")


@pytest.mark.parametrize("is_granted_late", [False, True], ids=["granted", "granted after the alarm"])
async def test_a_kept_value_that_worked_is_replaced_by_the_one_that_works_now(
    stage: Stage, *, is_granted_late: bool
) -> None:
    """Catches the guard above, where it keeps an application locked out."""
    app = stage.tenant.add_app("web")
    if not is_granted_late:
        stage.tenant.with_scopes(*KEYS)
    await stage.connect(foreignRotation=ADOPTS)
    data = {"ID": app.client_id, "SECRET": app.secret}
    await stage.kube.apply(
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "web"}, "stringData": data}
    )
    await stage.kube.apply(rotation(app.client_id, initialRotation="WhenDue"))
    await stage.run_for(10 * MINUTE)
    stage.tenant.rotate_elsewhere(app)
    await stage.run_for(2 * HOUR)
    if is_granted_late:
        assert await told(stage) == ("False", "RotatedElsewhere")
        stage.tenant.with_scopes(*KEYS)
        await stage.run_for(2 * HOUR)
    await stage.assert_delivered(app)
    assert changes_asked(stage) == 0


async def has_worked(stage: Stage) -> bool:
    """Return whether the journal says that its value has worked."""
    found = await stage.kube.get("Secret", "web.journal")
    assert found is not None
    return "auth0rotator.dev/has-worked" in found["metadata"]["annotations"]


async def test_of_a_value_that_was_kept_by_an_older_operator_the_proof_is_made_up_for(
    stage: Stage,
) -> None:
    """Catches an upgrade by which a value that works counts as one that never did."""
    app = stage.tenant.add_app("web")
    await stage.connect()
    data = {"ID": app.client_id, "SECRET": app.secret}
    await stage.kube.apply(
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "web"}, "stringData": data}
    )
    await stage.kube.apply(rotation(app.client_id, initialRotation="WhenDue"))
    await stage.settle()
    assert await has_worked(stage)
    unsaid = {"metadata": {"annotations": {"auth0rotator.dev/has-worked": None}}}
    await stage.kube.merge("Secret", "web.journal", unsaid)
    await stage.restart()
    await stage.settle()
    assert await has_worked(stage)
    since = await version(stage.kube, "web.journal")
    await stage.restart()
    await stage.run_for(HOUR)
    assert await version(stage.kube, "web.journal") == since


async def test_the_value_of_the_operators_own_client_is_read_for_nobody(stage: Stage) -> None:
    """Catches credentials of the tenant's management, delivered to whoever names their client."""
    own = stage.tenant.manager
    await made_up(stage, own)
    await stage.run_for(3 * HOUR)
    await assert_nothing_was_read(stage, own, "by which the operator itself authenticates")


async def test_the_value_of_the_global_client_is_not_delivered(stage: Stage) -> None:
    """Catches a value that stands for the whole tenant."""
    app = await watched(stage, ADOPTS)
    app.is_global = True
    stage.tenant.rotate_elsewhere(app)
    await stage.run_for(2 * HOUR)
    assert await told(stage) == ("False", "RotatedElsewhere")
    assert "is the global client" in (await stage.kube.condition("web", "Verified"))["message"]
    assert app.secret not in (await stage.kube.secret("web.journal")).values()


async def test_a_journal_of_a_client_that_is_not_admitted_has_no_value_read(stage: Stage) -> None:
    """Catches a forged journal, by which a suspended rotation reads what its connection withholds."""
    app = await watched(stage, ADOPTS)
    other = stage.tenant.add_app("other")
    await stage.kube.apply(rotation(app.client_id, suspend=True))
    await stage.settle()
    annotations = {
        "auth0rotator.dev/client-id": other.client_id,
        "auth0rotator.dev/rotation-id": new_rotation_id(),
    }
    await stage.kube.merge("Secret", "web.journal", {"metadata": {"annotations": annotations}})
    await stage.restart()
    before = len(stage.tenant.asked())
    await stage.run_for(3 * HOUR)
    asked = [entry for entry in stage.tenant.asked()[before:] if entry.client_id == other.client_id]
    assert not asked
    assert other.secret not in (await stage.kube.secret("web")).values()


async def test_a_dead_value_is_told_though_the_journal_takes_nothing_in(stage: Stage) -> None:
    """Catches Ready that stays True because the adoption was refused."""
    app = await watched(stage, ADOPTS)
    await stage.kube.merge("Secret", "web.journal", {"immutable": True})
    stage.tenant.rotate_elsewhere(app)
    await stage.run_for(2 * HOUR)
    assert await told(stage) == await told(stage, "Ready") == ("False", "RotatedElsewhere")
    assert "was made immutable" in (await stage.kube.condition("web", "Verified"))["message"]
    asked = len(stage.tenant.asked(Operation.READ))
    await stage.run_for(5 * HOUR)
    # Once an interval, and no more.
    assert len(stage.tenant.asked(Operation.READ)) == asked + 5


async def test_an_announced_value_that_somebody_sets_after_an_adoption_restarts_its_consumers(
    stage: Stage,
) -> None:
    """Catches a value with an id before that of the adopted one, whose mark its consumers carry."""
    mapping = {"clientId": "ID", "clientSecret": "SECRET", "nextClientSecret": "NEXT"}
    await stage.kube.apply(workload())
    announcing = {"secretsMapping": mapping, "nextSecretLeadTime": "744h"}
    app = await watched(stage, ADOPTS, rolloutRestartTargets=restarts("Deployment/web"), **announcing)
    coming = (await stage.kube.secret("web"))["NEXT"]
    stage.tenant.rotate_elsewhere(app)
    await stage.run_for(2 * HOUR)
    assert (await stage.kube.secret("web"))["NEXT"] == coming
    count = await generation(stage.kube)
    app.past.append(app.secret)
    app.secret = coming
    await stage.run_for(3 * HOUR)
    await stage.assert_delivered(app)
    assert await generation(stage.kube) == count + 1
