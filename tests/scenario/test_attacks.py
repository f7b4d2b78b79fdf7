"""Stories by which an attack once broke an invariant."""

from typing import Any

import pytest

from auth0_simulator import Simulator, Tenant
from harness import Stage, connection, rotation
from harness.secrets import create, secret
from scenario.test_conflicts import HOUR, MERGE, MINUTES, PREFIX, give_up, rotate_now, stalled
from scenario.test_restore import backup, lose_namespace, without_owner
from scenario.test_what_changes import TOKEN, connect_to, in_the_middle
from scenario.test_what_must_not_rotate import (
    DAY,
    TOKENS,
    assert_in_the_way,
    assert_left_alone,
    journal_without_owner,
)


async def test_an_open_rotation_is_finished_though_its_journal_lost_its_owner(stage: Stage) -> None:
    """Wrong: an owner reference with an empty uid, which the API server refuses for ever (as a row of
    AT_ANY_TIME: `journal_without_owner`)."""
    app = await stage.rotated(**TOKENS)
    stage.tenant.lose_answer()
    await rotate_now(stage, app, "web")
    await stage.settle()
    await journal_without_owner(stage, app)
    await assert_left_alone(stage, app, changes=2)


async def test_a_clock_that_is_set_back_does_not_leave_a_rotation_open(stage: Stage) -> None:
    """Wrong: a pause that is kept as an instant: set back, the application is down for a day."""
    app = await stage.rotated()
    stage.tenant.lose_answer()
    await rotate_now(stage, app, "web")
    await stage.settle()
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
    stage.tenant.lose_answer()
    await rotate_now(stage, app, "web")
    await stage.settle()
    assert app.changes == 2
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
    stage.tenant.lose_answer()
    await rotate_now(stage, web, "web")
    await stage.settle()
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
