"""Stories by which an attack once broke an invariant."""

from typing import Any

import pytest

from auth0_rotator.subject import Key
from auth0_simulator import App, Operation, Simulator, Tenant
from harness import Stage, connection, rotation
from harness.secrets import create, history, saved, secret, version
from scenario.test_conflicts import HOUR, MERGE, MINUTES, PREFIX, give_up, rotate_now, stalled
from scenario.test_restore import backup, lose_namespace, without_owner
from scenario.test_what_changes import TOKEN, connect_to, in_the_middle
from scenario.test_what_must_not_rotate import (
    DAY,
    TOKENS,
    assert_in_the_way,
    assert_left_alone,
    journal_without_owner,
    object_recreated_after_its_end,
)


async def lose_answer(stage: Stage, app: App, **spec: Any) -> None:
    """Have the client secret changed, and the answer lost."""
    changes = app.changes
    stage.tenant.lose_answer()
    await rotate_now(stage, app, "web", **spec)
    await stage.settle()
    assert app.changes == changes + 1


async def test_an_open_rotation_is_finished_though_its_journal_lost_its_owner(stage: Stage) -> None:
    """Wrong: an owner reference with an empty uid, which the API server refuses for ever (as a row of
    AT_ANY_TIME: `journal_without_owner`)."""
    app = await stage.rotated(**TOKENS)
    await lose_answer(stage, app)
    await journal_without_owner(stage, app)
    await assert_left_alone(stage, app, changes=2)


async def test_a_clock_that_is_set_back_does_not_leave_a_rotation_open(stage: Stage) -> None:
    """Wrong: a pause that is kept as an instant: set back, the application is down for a day."""
    app = await stage.rotated()
    await lose_answer(stage, app)
    stage.clock.advance(-DAY)
    await assert_left_alone(stage, app, changes=2)


@pytest.mark.parametrize(
    "body",
    [
        secret("web", type_="example.com/other", SECRET="another"),
        secret("web", SECRET="another") | {"immutable": True},
    ],
    ids=["foreign type", "foreign immutable"],
)
async def test_a_foreign_secret_in_the_targets_place_is_told_with_its_remedy(
    stage: Stage, body: dict[str, Any]
) -> None:
    """Wrong: the API server's words about a Secret that the operator never looked at."""
    app = await stage.rotated()
    await stage.kube.delete("Secret", "web")
    await create(stage.kube, body)
    await assert_in_the_way(stage, "TargetForeign")
    await stage.kube.delete("Secret", "web")
    await assert_left_alone(stage, app)


async def test_merge_goes_into_a_secret_of_any_type(stage: Stage) -> None:
    """Wrong: a type that is claimed for a Secret that was not looked at, and is somebody else's."""
    await stage.kube.apply(secret("shared", type_="example.com/other", THEIRS="one"), manager="flux")
    app = await stage.rotated(**MERGE)
    await stage.assert_delivered(app, "shared")


async def test_a_target_with_a_broken_record_is_repaired(stage: Stage) -> None:
    """Wrong: a record that makes no sense, taken for a Secret that is somebody else's."""
    app = await stage.rotated()
    broken = {f"{PREFIX}sequence": "many"}
    await stage.kube.merge("Secret", "web", {"metadata": {"annotations": broken}})
    await assert_left_alone(stage, app)


async def test_a_restored_value_that_is_dead_does_not_become_ready(stage: Stage) -> None:
    """Wrong: Ready, though the tenant refused the value."""
    app = await stage.rotated()
    old = await backup(stage)
    await rotate_now(stage, app, "web")
    await stage.settle()
    kube = await lose_namespace(stage)
    for part in ("web.journal", "web", "object"):
        await create(kube, without_owner(old[part]))
    await stage.run_for(HOUR)
    assert app.changes == 2
    verified = await kube.condition("web", "Verified")
    assert (verified["status"], verified["reason"]) == ("False", "RotatedElsewhere")
    assert (await kube.condition("web", "Ready"))["status"] != "True"


@pytest.mark.parametrize("how", ["deleted", "edited"])
async def test_a_client_is_taken_over_only_when_its_open_rotation_has_ended(
    stage: Stage, how: str
) -> None:
    """Wrong: two values on their way to one client, and a target with the one that lost."""
    app = await stage.rotated("web")
    await stage.kube.apply(rotation(app.client_id, "second"))
    await stage.settle()
    await lose_answer(stage, app)
    await give_up(stage, how)
    await stage.run_for(HOUR)
    await stage.assert_delivered(app, "second")
    assert app.changes == 3


async def test_merge_rotates_nothing_while_somebody_else_holds_one_of_its_keys(stage: Stage) -> None:
    """Wrong: a forced write over another's key, or a change before it is known that it fits."""
    app = stage.tenant.add_app("web")
    await stage.connect()
    await stage.kube.apply(secret("shared", THEIRS="one", SECRET="two"), manager="flux")
    await stage.kube.apply(rotation(app.client_id, **MERGE))
    await stage.run_for(MINUTES)
    assert app.changes == 0
    assert await stage.kube.secret("shared") == {"THEIRS": "one", "SECRET": "two"}
    reason, message = await stalled(stage.kube, "web")
    assert reason == "TargetContested"
    assert "flux" in message
    # After 1, 2, 4 ... minutes, not every second.
    assert sum(1 for event, _ in await stage.kube.events() if event == "RotationFailed") <= 4
    await stage.kube.apply(secret("shared", THEIRS="one"), manager="flux")
    await stage.run_for(HOUR)
    assert app.changes == 1
    await stage.assert_delivered(app, "shared")
    assert (await stage.kube.secret("shared"))["THEIRS"] == "one"


async def test_a_connection_that_is_gone_from_the_spec_does_not_leave_a_rotation_open(
    stage: Stage,
) -> None:
    """Wrong: an open outcome that waits for the spec's connection, while the plan's is ready."""
    web = await stage.rotated()
    await lose_answer(stage, web)
    await stage.kube.apply(rotation(web.client_id, annotations=TOKEN, connectionRef={"name": "no-such"}))
    await stage.run_for(HOUR)
    assert web.changes == 2
    await stage.assert_delivered(web)


async def test_a_value_is_never_sent_to_another_domain_than_it_was_chosen_for(stage: Stage) -> None:
    """Wrong: a connection that is known by its name, and leads elsewhere by now."""
    async with Simulator(Tenant("other.eu.auth0.com")) as other:
        web, there = await in_the_middle(stage, other)
        reference = {"name": "second-management"}
        await stage.kube.apply(connection(other, "acme", credentialsSecretRef=reference))
        await stage.run_for(HOUR)
        assert (web.changes, there.changes) == (1, 0)
        await stage.kube.apply(connection(stage.simulator))
        await stage.run_for(2 * HOUR)
        assert (web.changes, there.changes) == (2, 0)
        await stage.assert_delivered(web)


@pytest.mark.parametrize("is_deleted", [True, False], ids=["deleted", "renamed"])
async def test_a_winner_whose_connection_is_gone_keeps_its_client(
    stage: Stage, *, is_deleted: bool
) -> None:
    """Wrong: a claim that ends with the connection, and a client that is rotated under its users."""
    web = await stage.rotated()
    await connect_to(stage, stage.simulator, "second")
    await stage.kube.apply(rotation(web.client_id, "rival", connectionRef={"name": "second"}))
    await stage.settle()
    assert (await stalled(stage.kube, "rival"))[0] == "ConflictDetected"
    if is_deleted:
        await stage.kube.delete("Auth0Connection", "acme")
    else:
        await stage.kube.apply(rotation(web.client_id, connectionRef={"name": "no-such"}))
    await stage.run_for(HOUR)
    await stage.restart()
    await stage.run_for(HOUR)
    assert web.changes == 1
    await stage.assert_delivered(web)


async def test_an_open_rotation_goes_on_through_another_connection_to_its_tenant(stage: Stage) -> None:
    """Wrong: an open outcome that waits for the plan's connection, while the spec's leads to the same
    tenant."""
    app = await stage.rotated()
    await lose_answer(stage, app)
    await stage.kube.apply(connection(stage.simulator, "second"))
    await stage.kube.delete("Auth0Connection", "acme")
    await rotate_now(stage, app, "web", connectionRef={"name": "second"})
    await assert_left_alone(stage, app, changes=2)


async def test_a_live_value_is_delivered_though_the_operator_lost_its_own_credentials(
    stage: Stage,
) -> None:
    """Wrong: a probe that waits for a token, though it needs none."""
    app = await stage.rotated()
    await lose_answer(stage, app)
    await stage.kube.apply(secret("auth0-management", clientSecret="wrong"))
    await stage.restart()
    await stage.run_for(MINUTES)
    assert app.changes == 2
    await stage.assert_delivered(app)


async def test_a_value_that_still_spreads_is_not_given_up_for_the_old_one_in_the_target(
    stage: Stage,
) -> None:
    """Wrong: the old value, which works a little longer, adopted as what a person put there by hand."""
    app = await stage.rotated()
    old = app.secret
    stage.tenant.refuse_new_secret_for(3600)
    await rotate_now(stage, app, "web")
    await stage.settle()
    await stage.kube.apply(secret("web", SECRET=old))
    await stage.settle()
    stage.tenant.refuse_new_secret_for(0)
    await assert_left_alone(stage, app, changes=2)


async def test_a_verification_goes_on_after_a_restart(stage: Stage) -> None:
    """Wrong: a verification that ends with its process, and a value that is never verified."""
    app = await stage.rotated()
    stage.tenant.refuse_new_secret_for(3600)
    await rotate_now(stage, app, "web")
    await stage.settle()
    await stage.restart()
    await stage.settle()
    assert (await stage.kube.condition("web", "Verified"))["status"] == "Unknown"
    stage.tenant.refuse_new_secret_for(0)
    await assert_left_alone(stage, app, changes=2)
    assert (await stage.kube.condition("web", "Verified"))["status"] == "True"


async def test_a_domain_is_not_recorded_before_its_tenant_was_asked(stage: Stage) -> None:
    """Wrong: the former tenant's answer, taken for that of the domain that the spec names by now."""
    app = await stage.rotated()
    await stage.kube.apply(connection(stage.simulator, domain="other.eu.auth0.com"))
    # The rotation comes first, before the connection was checked again.
    await stage.operator.take_stock()
    await stage.operator.work(Key(stage.kube.namespace, "web"))
    annotations = (await saved(stage.kube, "Secret", "web.journal"))["metadata"]["annotations"]
    assert annotations[f"{PREFIX}domain"] == stage.tenant.domain
    await stage.kube.apply(connection(stage.simulator))
    await assert_left_alone(stage, app)


async def test_a_tenant_that_cannot_answer_for_a_new_domain_is_asked_at_its_pace(stage: Stage) -> None:
    """Wrong: a probe after each probe that told nothing, as fast as they are answered."""
    app = await stage.rotated()
    stage.tenant.answer(503, text="<html>", operation=Operation.PROBE, times=1000)
    asked = len(stage.tenant.asked(Operation.PROBE))
    custom = connection(stage.simulator, domain="login.acme.com", audience=stage.tenant.audience)
    await stage.kube.apply(custom)
    await stage.run_for(2 * MINUTES)
    assert 6 <= len(stage.tenant.asked(Operation.PROBE)) - asked <= 20
    stage.tenant.faults.clear()
    await assert_left_alone(stage, app)
    assert (await stage.kube.condition("web", "Stalled"))["status"] == "False"


async def test_what_was_refused_waits_while_it_is_suspended(stage: Stage) -> None:
    """Wrong: a tenant that could not be reached, taken for an outcome that is open: that would go on
    though it is suspended."""
    app = await stage.rotated()
    await stage.simulator.stop()
    await rotate_now(stage, app, "web")
    await stage.run_for(MINUTES)
    assert (await stage.kube.condition("web", "Ready"))["status"] == "True"
    await rotate_now(stage, app, "web", suspend=True)
    await stage.settle()
    await stage.simulator.start()
    await assert_left_alone(stage, app)
    await rotate_now(stage, app, "web", suspend=False)
    await assert_left_alone(stage, app, changes=2)


async def test_an_open_rotation_of_another_client_outweighs_the_record_in_the_target(
    stage: Stage,
) -> None:
    """Wrong: a target that counts further than the journal, but of another client, and what was sent
    is thrown away for it."""
    web, api = await stage.rotated(), stage.tenant.add_app("api")
    await rotate_now(stage, web, "web")
    await stage.settle()
    await object_recreated_after_its_end(stage, web)
    old = await saved(stage.kube, "Secret", "web")
    for name in ("web.journal", "web"):
        await stage.kube.delete("Secret", name)
    stage.tenant.lose_answer()
    await stage.kube.apply(rotation(api.client_id))
    await stage.settle()
    await create(stage.kube, old)
    since = await version(stage.kube, "web")
    await stage.kube.apply(rotation(web.client_id))
    await assert_left_alone(stage, web, changes=3)
    assert api.changes == 1
    assert api.secret in [shown["SECRET"] for shown in await history(stage.kube, "web", since=since)]
