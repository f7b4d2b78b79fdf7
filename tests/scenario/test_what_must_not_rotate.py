"""Nothing but time and people rotates: whatever is restarted, edited, lost or replaced, or however the
clock is set, the tenant is not asked to change anything, and the target holds what it holds."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from auth0_simulator import App, Operation
from harness import Stage, rotation
from harness.secrets import create, saved, secret

Disturbance = Callable[[Stage, App], Awaitable[None]]

ROTATION = "Auth0ClientSecretRotation"
PREFIX = "auth0rotator.dev/"
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
# Two tokens that stand from the beginning: what forgets that they were handled rotates.
TOKENS: dict[str, Any] = {
    "annotations": {f"{PREFIX}rotate-now": "monday"},
    "rotationTrigger": "2026-11-23.1",
}


async def assert_left_alone(stage: Stage, app: App, *, changes: int = 1) -> None:
    """Nothing changed at the tenant, now and later, and the target holds what the tenant holds."""
    await stage.run_for(HOUR)
    assert app.changes == changes
    await stage.assert_delivered(app)
    ready = await stage.kube.condition("web", "Ready")
    assert ready["status"] == "True", ready


# What is done to it: the docstring names the wrong code that would rotate, or lose the value ----------


async def restarted(stage: Stage, _: App) -> None:
    """A start that takes what it does not remember for new."""
    await stage.restart()


async def listed_again(stage: Stage, _: App) -> None:
    """A pass that rotates because it was woken."""
    for key in [*stage.operator.mirror.keys()]:
        stage.operator.wake(key)


async def marked(stage: Stage, _: App) -> None:
    """A rotation on any update, on a request to reconcile, or on a word about a doubt that is over."""
    told = {"reconcile.fluxcd.io/requestedAt": "now", f"{PREFIX}settle-doubt": "next", "note": "a"}
    marks = {"labels": {"team": "a"}, "annotations": told}
    await stage.kube.merge(ROTATION, "web", {"metadata": marks})


async def status_wiped(stage: Stage, _: App) -> None:
    """A due date or handled tokens that are read from status."""
    await stage.kube.merge(ROTATION, "web", {"status": None}, part="status")


async def journal_deleted(stage: Stage, _: App) -> None:
    """A missing journal that is taken for an object that was never rotated."""
    await stage.kube.delete("Secret", "web.journal")


async def journal_and_status_lost(stage: Stage, app: App) -> None:
    """Handled tokens that stand in the journal and in status alone."""
    await status_wiped(stage, app)
    await journal_deleted(stage, app)


async def journal_unlabelled(stage: Stage, _: App) -> None:
    """A Secret that left the watch and is believed to be gone."""
    await stage.kube.merge("Secret", "web.journal", {"metadata": {"labels": None}})


async def everything_unlabelled(stage: Stage, app: App) -> None:
    """The same where the target left the watch as well."""
    await journal_unlabelled(stage, app)
    await stage.kube.merge("Secret", "web", {"metadata": {"labels": None}})


async def journal_unlabelled_and_target_deleted(stage: Stage, app: App) -> None:
    """A creation on the word of a watch that selects by label."""
    await journal_unlabelled(stage, app)
    await target_deleted(stage, app)


async def journal_without_owner(stage: Stage, _: App) -> None:
    """A journal that is taken for somebody else's because its owner is not named."""
    await stage.kube.merge("Secret", "web.journal", {"metadata": {"ownerReferences": None}})


async def target_deleted(stage: Stage, _: App) -> None:
    """Delivery that is bound to a rotation."""
    await stage.kube.delete("Secret", "web")


async def target_edited(stage: Stage, _: App) -> None:
    """A value that differs, and is adopted or replaced without asking the tenant."""
    await stage.kube.apply(secret("web", SECRET="typed by hand"))


async def target_with_another_id(stage: Stage, _: App) -> None:
    """A target of which only the secret is compared."""
    await stage.kube.apply(secret("web", ID="another client"))


async def target_emptied(stage: Stage, _: App) -> None:
    """A Secret without data that breaks the pass."""
    await stage.kube.merge("Secret", "web", {"data": None})


async def target_without_record(stage: Stage, _: App) -> None:
    """A lost commit record that counts as a lost value."""
    await stage.kube.merge("Secret", "web", {"metadata": {"annotations": None, "labels": None}})


async def target_with_an_older_record(stage: Stage, _: App) -> None:
    """A journal that yields to an older target, and forgets the tokens with it."""
    await _record(stage, sequence="0", handled="")


async def target_with_a_newer_record(stage: Stage, _: App) -> None:
    """A sequence that is caught up with by rotating."""
    await _record(stage, sequence="7")


async def _record(stage: Stage, **record: str) -> None:
    annotations = {f"{PREFIX}{name}": text for name, text in record.items()}
    await stage.kube.merge("Secret", "web", {"metadata": {"annotations": annotations}})


async def object_recreated_at_once(stage: Stage, app: App) -> None:
    """An object with another uid that is taken for a new one, and its journal for a foreign one."""
    await stage.kube.delete(ROTATION, "web")
    await stage.kube.apply(rotation(app.client_id, **TOKENS))


async def object_recreated_after_its_end(stage: Stage, app: App) -> None:
    """A creation that looks for a journal alone, or takes one that is being deleted for none."""
    await stage.kube.delete(ROTATION, "web")
    await stage.settle()
    # What the garbage collector does: a journal that is sending is held by its finalizer.
    await stage.kube.delete("Secret", "web.journal")
    await stage.kube.apply(rotation(app.client_id, **TOKENS))


async def object_recreated_with_other_tokens(stage: Stage, app: App) -> None:
    """A token that comes with a new object, and is followed once its value was adopted."""
    await stage.kube.delete(ROTATION, "web")
    await stage.settle()
    token = {f"{PREFIX}rotate-now": "tuesday"}
    await stage.kube.apply(rotation(app.client_id, annotations=token, rotationTrigger="other"))


AT_ANY_TIME: list[Disturbance] = [
    restarted,
    journal_deleted,
    journal_unlabelled_and_target_deleted,
    target_edited,
    object_recreated_at_once,
    object_recreated_after_its_end,
]
AT_REST: list[Disturbance] = [
    listed_again,
    marked,
    status_wiped,
    journal_and_status_lost,
    journal_without_owner,
    journal_unlabelled,
    everything_unlabelled,
    target_deleted,
    target_with_another_id,
    target_emptied,
    target_without_record,
    target_with_an_older_record,
    target_with_a_newer_record,
    object_recreated_with_other_tokens,
]


@pytest.mark.parametrize("disturb", [*AT_ANY_TIME, *AT_REST], ids=lambda each: each.__name__)
async def test_nothing_but_time_and_people_rotates(stage: Stage, disturb: Disturbance) -> None:
    """Once before the eyes of the operator, and once while it is away."""
    app = await stage.rotated(**TOKENS)
    await disturb(stage, app)
    await assert_left_alone(stage, app)
    await disturb(stage, app)
    await stage.restart()
    await assert_left_alone(stage, app)
    assert len(stage.tenant.asked(Operation.PATCH, Operation.ROTATE)) == 1


@pytest.mark.parametrize("disturb", AT_ANY_TIME, ids=lambda each: each.__name__)
async def test_a_rotation_with_a_lost_answer_is_finished_and_not_begun_again(
    stage: Stage, disturb: Disturbance
) -> None:
    """The tenant holds a value that stands in the journal alone: to lose, or to replace."""
    app = await stage.rotated(**TOKENS)
    stage.tenant.lose_answer()
    tokens = TOKENS | {"annotations": {f"{PREFIX}rotate-now": "tuesday"}}
    await stage.kube.apply(rotation(app.client_id, **tokens))
    await stage.settle()
    assert app.changes == 2
    await disturb(stage, app)
    await assert_left_alone(stage, app, changes=2)
    await stage.restart()
    await assert_left_alone(stage, app, changes=2)
    journal = await stage.kube.get("Secret", "web.journal")
    assert journal is not None
    assert "finalizers" not in journal["metadata"]


# The spec, all but the client -------------------------------------------------------------------------

EDITS: list[dict[str, Any]] = [
    {"rotationInterval": 1},
    {"rotateAtUtc": {"hours": 23, "minutes": 59}},
    {"description": "another"},
    {"isAutoRotationEnabled": False},
    {"suspend": True},
    {"initialRotation": "WhenDue"},
    {"verification": {"enabled": False}},
    {"rotationTrigger": ""},
    {"deletion": {"deleteSecrets": True}},
    {"deletion": {"revokeGeneratedCredentials": True}},
    {"secretsMapping": {"clientId": "SECRET", "clientSecret": "ID"}},
    {"secretsMapping": {"clientId": "A", "clientSecret": "B", "previousClientSecret": "C"}},
    {"target": {"template": {"data": {"URL": "$(clientId)"}, "metadata": {"labels": {"a": "b"}}}}},
    {"target": {"name": "web", "creationPolicy": "Merge"}},
    {"target": {"name": "elsewhere"}},
]


async def test_an_edit_of_anything_but_the_client_rotates_nothing_nor_does_taking_it_back(
    stage: Stage,
) -> None:
    """Wrong: a rotation on every new generation, a value that is rendered anew for a new mapping, a
    target whose new name makes the object a new one."""
    app = await stage.rotated(**TOKENS)
    for edit in EDITS:
        for spec in (TOKENS | edit, TOKENS):
            await stage.kube.apply(rotation(app.client_id, **spec))
            await stage.settle()
            await assert_holds(stage, app, spec)
            assert app.changes == 1, edit
        stage.clock.advance(HOUR)
    await stage.restart()
    await assert_left_alone(stage, app)
    assert set(await stage.kube.secret("web")) == {"ID", "SECRET"}
    assert "finalizers" not in (await saved(stage.kube, ROTATION, "web"))["metadata"]
    assert len(stage.tenant.asked(Operation.PATCH, Operation.ROTATE)) == 1


async def assert_holds(stage: Stage, app: App, spec: dict[str, Any]) -> None:
    """The Secret that the spec names holds the client's id and secret under the keys that it names."""
    mapping = spec.get("secretsMapping", {"clientId": "ID", "clientSecret": "SECRET"})
    data = await stage.kube.secret(spec.get("target", {}).get("name", "web"))
    assert data.get(mapping["clientId"]) == app.client_id, spec
    assert data.get(mapping["clientSecret"]) == app.secret, spec


# A Secret in the way ----------------------------------------------------------------------------------


async def replace_target(stage: Stage, **changes: Any) -> None:
    """Put another Secret in the target's place, as `kubectl replace --force` does."""
    body = await saved(stage.kube, "Secret", "web")
    await stage.kube.delete("Secret", "web")
    await create(stage.kube, body | {"data": {"SECRET": "YW5vdGhlcg=="}} | changes)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"type": "example.com/other"}, "TargetTypeDiffers"), ({"immutable": True}, "TargetImmutable")],
    ids=["another type", "immutable"],
)
async def test_a_secret_in_the_targets_place_is_told_and_never_deleted_nor_rotated_for(
    stage: Stage, changes: dict[str, Any], reason: str
) -> None:
    """Wrong: a delete of what cannot be written, or a rotation that hopes to repair it."""
    app = await stage.rotated()
    await replace_target(stage, **changes)
    await assert_in_the_way(stage, reason)
    await stage.kube.delete("Secret", "web")
    await assert_left_alone(stage, app)
    assert (await stage.kube.condition("web", "Stalled"))["status"] == "False"


async def assert_in_the_way(stage: Stage, reason: str) -> None:
    await stage.run_for(timedelta(minutes=5))
    stalled = await stage.kube.condition("web", "Stalled")
    assert (stalled["status"], stalled["reason"]) == ("True", reason)
    assert "delete it" in stalled["message"]
    assert (await stage.kube.condition("web", "Ready"))["status"] == "False"
    assert await stage.kube.secret("web") == {"SECRET": "another"}


async def test_a_due_date_waits_for_a_secret_in_the_targets_place_and_then_rotates_once(
    stage: Stage,
) -> None:
    """Wrong: a change at the tenant before it is known that it can be delivered."""
    app = await stage.rotated()
    await replace_target(stage, immutable=True)
    await run_until(stage, (await stage.kube.status("web"))["nextRotationAt"], and_for=HOUR)
    assert app.changes == 1
    await stage.kube.delete("Secret", "web")
    await assert_left_alone(stage, app, changes=2)


async def test_owner_references_come_back_where_the_target_shall_go_with_its_rotation(
    stage: Stage,
) -> None:
    """Wrong: a target that is compared by its data alone, and stays behind later."""
    app = await stage.rotated(deletion={"deleteSecrets": True})
    before = [await saved(stage.kube, "Secret", name) for name in ("web", "web.journal")]
    for name in ("web", "web.journal"):
        found = await stage.kube.merge("Secret", name, {"metadata": {"ownerReferences": None}})
        assert "ownerReferences" not in found["metadata"]
    await assert_left_alone(stage, app)
    assert [await saved(stage.kube, "Secret", name) for name in ("web", "web.journal")] == before


# The clock --------------------------------------------------------------------------------------------


async def run_until(stage: Stage, instant: str, *, and_for: timedelta = timedelta()) -> None:
    await stage.run_for(datetime.fromisoformat(instant) - stage.clock.now + and_for)


async def test_a_clock_that_is_set_rotates_nothing_before_the_date(stage: Stage) -> None:
    """Wrong: a difference of instants that is taken without its sign, or a date from the last pass."""
    app = await stage.rotated(**TOKENS)
    due = (await stage.kube.status("web"))["nextRotationAt"]
    for step in (-DAY, DAY, DAY, -DAY):
        stage.clock.advance(step)
        await assert_left_alone(stage, app)
        await stage.restart()
        await assert_left_alone(stage, app)
    assert (await stage.kube.status("web"))["nextRotationAt"] == due


async def test_a_due_date_that_comes_twice_rotates_once(stage: Stage) -> None:
    """Wrong: a due date that is kept as an instant that was not passed yet."""
    app = await stage.rotated()
    await run_until(stage, (await stage.kube.status("web"))["nextRotationAt"], and_for=HOUR)
    assert app.changes == 2
    stage.clock.advance(-DAY)
    await stage.run_for(2 * DAY)
    await stage.restart()
    await assert_left_alone(stage, app, changes=2)


async def test_a_clock_that_is_set_forward_does_not_end_an_open_rotation(stage: Stage) -> None:
    """Wrong: an outcome that is given up, or begun anew, after so much time."""
    app = await stage.rotated()
    stage.tenant.lose_answer()
    token = {f"{PREFIX}rotate-now": "tuesday"}
    await stage.kube.apply(rotation(app.client_id, annotations=token))
    await stage.settle()
    stage.clock.advance(DAY)
    await assert_left_alone(stage, app, changes=2)
