"""What comes back from a backup, or was left by the version before, is taken over as it is."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from auth0_simulator import App, Operation
from harness import Kube, Stage, connection, credentials, rotation
from harness.secrets import create, saved, version
from harness.story import silence_probes
from harness.workloads import marks, workload

Body = dict[str, Any]

ROTATION = "Auth0ClientSecretRotation"
PREFIX = "auth0rotator.dev/"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
STATE = Path(__file__).parent / "data" / "state-0.1.0.yaml"


async def rotate_now(stage: Stage, kube: Kube, app: App, token: str) -> None:
    annotations = {f"{PREFIX}rotate-now": token}
    await kube.apply(rotation(app.client_id, annotations=annotations))
    await stage.settle()


async def lose_namespace(stage: Stage) -> Kube:
    """Empty the namespace, and open the one that a restore fills, with a connection."""
    await stage.kube.delete(ROTATION, "web")
    await stage.settle()
    for name in ("web", "web.journal"):
        await stage.kube.delete("Secret", name)
    kube = await stage.open_namespace()
    await kube.apply(credentials(stage.tenant), connection(stage.simulator))
    return kube


async def backup(stage: Stage) -> dict[str, Body]:
    """Return what a backup of the namespace holds."""
    kinds = {"web": "Secret", "web.journal": "Secret", "object": ROTATION}
    names = {"web": "web", "web.journal": "web.journal", "object": "web"}
    return {part: await saved(stage.kube, kind, names[part]) for part, kind in kinds.items()}


def without_owner(body: Body) -> Body:
    """Leave out the references to owners, as most tools do: their uids are gone."""
    metadata = {key: value for key, value in body["metadata"].items() if key != "ownerReferences"}
    return body | {"metadata": metadata}


async def assert_taken_over(stage: Stage, kube: Kube, app: App, *, changes: int) -> None:
    """Nothing changed at the tenant, the target holds what the tenant holds, and that was asked."""
    await stage.run_for(HOUR)
    assert app.changes == changes
    await stage.assert_delivered(app, kube=kube)
    assert (await kube.condition("web", "Ready"))["status"] == "True"
    journal = await saved(kube, "Secret", "web.journal")
    assert "finalizers" not in journal["metadata"]
    owner = await kube.get(ROTATION, "web")
    assert owner is not None
    assert [each["uid"] for each in journal["metadata"]["ownerReferences"]] == [owner["metadata"]["uid"]]


# Restored where the backup is as new as the tenant ----------------------------------------------------

LOSSES: dict[str, tuple[str, ...]] = {
    "everything": ("web.journal", "web", "object"),
    "without the journal": ("web", "object"),
    "without the target": ("web.journal", "object"),
}


@pytest.mark.parametrize("parts", LOSSES.values(), ids=LOSSES)
async def test_a_restored_namespace_goes_on_without_a_rotation(
    stage: Stage, parts: tuple[str, ...]
) -> None:
    """Wrong: an object with a new uid that is new, a journal with another owner that is foreign."""
    app = await stage.rotated()
    await rotate_now(stage, stage.kube, app, "monday")
    kept = await backup(stage)
    kube = await lose_namespace(stage)
    for part in parts:
        await create(kube, without_owner(kept[part]))
    await assert_taken_over(stage, kube, app, changes=2)
    await rotate_now(stage, kube, app, "monday")
    assert app.changes == 2


async def test_a_journal_that_names_an_owner_of_the_old_cluster_is_no_loss(stage: Stage) -> None:
    """Wrong: a value that is gone when the garbage collector takes the journal."""
    app = await stage.rotated()
    kept = await backup(stage)
    kube = await lose_namespace(stage)
    for body in kept.values():
        await create(kube, body)
    await assert_taken_over(stage, kube, app, changes=1)


@pytest.mark.parametrize("is_open", [False, True], ids=["at rest", "in the middle"])
async def test_a_restored_journal_that_is_older_than_the_target_yields_to_it(
    stage: Stage, *, is_open: bool
) -> None:
    """Wrong: a journal that wins because it is the journal, and puts a dead value into the target."""
    app = await stage.rotated()
    old = await backup(stage)
    if is_open:
        stage.tenant.lose_answer()
    await rotate_now(stage, stage.kube, app, "monday")
    if is_open:
        old = await backup(stage)
        await stage.run_for(HOUR)
        await rotate_now(stage, stage.kube, app, "tuesday")
    changes = app.changes
    new = await backup(stage)
    kube = await lose_namespace(stage)
    for body in (old["web.journal"], new["web"], new["object"]):
        await create(kube, without_owner(body))
    await assert_taken_over(stage, kube, app, changes=changes)


# Restored where the tenant went on --------------------------------------------------------------------


async def test_a_restored_value_that_is_dead_is_told_and_never_replaced_unasked(stage: Stage) -> None:
    """Wrong: Ready on the word of an old journal, or a rotation that repairs what it cannot know."""
    app = await stage.rotated()
    old = await backup(stage)
    await rotate_now(stage, stage.kube, app, "monday")
    kube = await lose_namespace(stage)
    for body in old.values():
        await create(kube, without_owner(body))
    await stage.settle()
    assert (await kube.condition("web", "Ready"))["status"] == "Unknown"
    await stage.run_for(HOUR)
    assert app.changes == 2
    verified = await kube.condition("web", "Verified")
    assert (verified["status"], verified["reason"]) == ("False", "RotatedElsewhere")
    assert "RotatedElsewhere" in [reason for reason, _ in await kube.events()]
    await rotate_now(stage, kube, app, "tuesday")
    await assert_taken_over(stage, kube, app, changes=3)


@pytest.mark.parametrize("is_suspended", [False, True], ids=["active", "suspended"])
async def test_a_value_that_died_while_no_rotation_was_there_is_adopted_and_told(
    stage: Stage, *, is_suspended: bool
) -> None:
    """Wrong: an adoption that waits for the next event, or the end of a suspension, before it asks
    whether the value still works."""
    app = await stage.rotated()
    await stage.kube.delete(ROTATION, "web")
    await stage.settle()
    other = stage.tenant.add_app("other", client_id=app.client_id)
    await stage.kube.apply(rotation(app.client_id, suspend=is_suspended))
    await stage.restart()
    await stage.run_for(HOUR)
    assert (app.changes, other.changes) == (1, 0)
    for type_ in ("Verified", "Ready"):
        found = await stage.kube.condition("web", type_)
        assert (found["status"], found["reason"]) == ("False", "RotatedElsewhere")


# An upgrade -------------------------------------------------------------------------------------------


async def upgraded(stage: Stage, *, is_open: bool, **spec: Any) -> App:
    """Put in place what version 0.1.0 left, and return the application that it belongs to."""
    target, at_rest, in_the_middle = yaml.safe_load_all(STATE.read_text())
    journal = in_the_middle if is_open else at_rest
    client_id = target["metadata"]["annotations"][f"{PREFIX}client-id"]
    app = stage.tenant.add_app("web", client_id=client_id)
    await stage.connect()
    mapping = {"clientId": "ID", "clientSecret": "SECRET", "previousClientSecret": "PREVIOUS"}
    marks = {"labels": {"team": "a"}, "annotations": {"note": "kept"}}
    template = {"data": {"ISSUER": "https://$(domain)/"}, "metadata": marks}
    await stage.kube.apply(
        rotation(
            client_id,
            annotations={f"{PREFIX}rotate-now": "tuesday" if is_open else "monday"},
            rotationTrigger="2026-11-23.1",
            rotationInterval=36500,
            secretsMapping=mapping,
            target={"template": template},
            **spec,
        )
    )
    owner = await stage.kube.get(ROTATION, "web")
    assert owner is not None
    journal["metadata"]["ownerReferences"][0]["uid"] = owner["metadata"]["uid"]
    annotations = journal["metadata"]["annotations"]
    plan = annotations[f"{PREFIX}plan"].replace("OWNER", owner["metadata"]["uid"])
    annotations[f"{PREFIX}plan"] = plan
    await stage.kube.apply(target, manager="auth0-rotator/web")
    await create(stage.kube, journal, manager="auth0-rotator/web")
    return app


async def test_an_upgrade_finds_everything_as_it_shall_be(stage: Stage) -> None:
    """Wrong: a changed name, form or default, by which every target or journal is written anew."""
    app = await upgraded(stage, is_open=False)
    app.secret = (await stage.kube.secret("web"))["SECRET"]
    before = [await version(stage.kube, name) for name in ("web", "web.journal")]
    await stage.run_for(HOUR)
    assert [await version(stage.kube, name) for name in ("web", "web.journal")] == before
    assert app.changes == 0
    await stage.assert_delivered(app)
    assert not stage.tenant.asked(Operation.PATCH, Operation.ROTATE)
    status = await stage.kube.status("web")
    assert status["lastRotatedAt"] == "2026-01-01T00:00:01Z"
    assert status["nextRotationAt"] == "2125-12-09T00:00:00Z"
    assert status["lastHandledRotateNow"] == "monday"


async def test_an_upgrade_restarts_nobody(stage: Stage) -> None:
    """Wrong: a workload without a mark that is taken for one that missed a rotation."""
    await stage.kube.apply(workload())
    app = await upgraded(stage, is_open=False, consumers="discover")
    app.secret = (await stage.kube.secret("web"))["SECRET"]
    await stage.run_for(HOUR)
    assert await marks(stage.kube) == {}
    assert (await stage.kube.condition("web", "ConsumersCurrent"))["status"] == "True"


@pytest.mark.parametrize("is_live", [True, False], ids=["taken", "not taken"])
async def test_an_upgrade_in_the_middle_of_a_rotation_finishes_it_with_the_same_value(
    stage: Stage, *, is_live: bool
) -> None:
    """Wrong: an open outcome that a new version does not read, and begins anew."""
    app = await upgraded(stage, is_open=True)
    journal = await stage.kube.secret("web.journal")
    chosen = journal["next"]
    app.secret = chosen if is_live else journal["current"]
    await stage.run_for(HOUR)
    assert app.secret == chosen
    await stage.assert_delivered(app)
    assert (await stage.kube.secret("web"))["PREVIOUS"] == journal["current"]
    assert "finalizers" not in (await saved(stage.kube, "Secret", "web.journal"))["metadata"]
    assert {entry.value for entry in stage.tenant.asked(Operation.PATCH)} <= {chosen}


# Restored in the order of a backup tool: Secrets first, without owners and finalizers ------------------


def bare(body: Body) -> Body:
    """Leave out owners and finalizers."""
    metadata = {
        key: value for key, value in without_owner(body)["metadata"].items() if key != "finalizers"
    }
    return body | {"metadata": metadata}


async def test_a_journal_that_comes_before_its_rotation_waits_for_it(stage: Stage) -> None:
    """Catches an operator that takes the first part of a restore for the last of a deletion."""
    app = await stage.rotated()
    kept = await backup(stage)
    kube = await lose_namespace(stage)
    await create(kube, bare(kept["web.journal"]))
    await stage.run_for(9 * MINUTE)
    await create(kube, kept["object"])
    await assert_taken_over(stage, kube, app, changes=1)


async def test_the_newer_of_journal_and_target_counts_though_both_come_first(stage: Stage) -> None:
    """Catches a journal that is deleted, so that the older target's dead value is what is left."""
    app = await stage.rotated()
    old = await backup(stage)
    await rotate_now(stage, stage.kube, app, "monday")
    new = await backup(stage)
    kube = await lose_namespace(stage)
    for body in (new["web.journal"], old["web"]):
        await create(kube, bare(body))
    await stage.settle()
    await create(kube, new["object"])
    await assert_taken_over(stage, kube, app, changes=2)


async def test_an_open_journal_that_comes_before_its_rotation_loses_nothing(stage: Stage) -> None:
    """Catches an open journal without finalizer that is deleted: its value is live, and nowhere else."""
    app = await stage.rotated()
    silence_probes(stage.tenant)
    stage.tenant.lose_answer()
    await rotate_now(stage, stage.kube, app, "monday")
    kept = await backup(stage)
    stage.tenant.answer(500, {}, operation=Operation.PATCH, times=1000)
    await stage.kube.merge("Secret", "web.journal", {"metadata": {"finalizers": None}})
    kube = await lose_namespace(stage)
    await create(kube, bare(kept["web.journal"]))
    await stage.settle()
    restored = await saved(kube, "Secret", "web.journal")
    assert restored["metadata"]["finalizers"] == [f"{PREFIX}sending"]
    await create(kube, bare(kept["web"]))
    await create(kube, kept["object"])
    stage.tenant.faults.clear()
    await assert_taken_over(stage, kube, app, changes=2)


async def test_what_nobody_brings_a_rotation_for_goes_after_ten_minutes(stage: Stage) -> None:
    """Catches a journal that stays for ever, and one that goes before a restore can be over."""
    await stage.rotated()
    kept = await backup(stage)
    kube = await lose_namespace(stage)
    await create(kube, bare(kept["web.journal"]))
    await stage.run_for(9 * MINUTE)
    assert await kube.get("Secret", "web.journal") is not None
    await stage.run_for(2 * MINUTE)
    assert await kube.get("Secret", "web.journal") is None


# Older Secrets, under an object that was never away ---------------------------------------------------


async def put_back(stage: Stage, kept: dict[str, Body], *parts: str) -> None:
    """Have a backup tool write older Secrets over the ones that are there, at once."""
    for part in parts:
        await stage.kube.merge("Secret", part, {"metadata": {"finalizers": None}})
        await stage.kube.delete("Secret", part)
    for part in parts:
        await create(stage.kube, kept[part])


@pytest.mark.parametrize("parts", [("web.journal", "web"), ("web",)], ids=["both", "the target alone"])
@pytest.mark.parametrize("later", [timedelta(), 36 * DAY], ids=["a token", "a date"])
async def test_older_secrets_under_a_living_object_rotate_nothing(
    stage: Stage, later: timedelta, parts: tuple[str, ...]
) -> None:
    """Catches a token or a date that is followed once more, by a journal from before it."""
    app = await stage.rotated()
    old = await backup(stage)
    if later:
        await stage.run_for(later)
    else:
        await rotate_now(stage, stage.kube, app, "monday")
    assert app.changes == 2
    if "web.journal" not in parts:
        await stage.kube.delete("Secret", "web.journal")
    await put_back(stage, old, *parts)
    await stage.run_for(HOUR)
    await stage.restart()
    await stage.run_for(HOUR)
    assert app.changes == 2
    ready = await stage.kube.condition("web", "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "RotatedElsewhere")
    await rotate_now(stage, stage.kube, app, "tuesday")
    await assert_taken_over(stage, stage.kube, app, changes=3)


async def test_a_date_that_comes_after_older_secrets_were_put_back_is_kept(stage: Stage) -> None:
    """Catches an object that never rotates again, because a status once knew more than its journal."""
    app = await stage.rotated()
    old = await backup(stage)
    await stage.run_for(36 * DAY)
    await put_back(stage, old, "web.journal", "web")
    await stage.run_for(36 * DAY)
    await assert_taken_over(stage, stage.kube, app, changes=3)


async def test_an_old_open_journal_under_a_living_object_sends_nothing(stage: Stage) -> None:
    """Catches a rotation of last week that is carried out again, because a backup shows it open."""
    app = await stage.rotated()
    first = await backup(stage)
    stage.tenant.lose_answer()
    await rotate_now(stage, stage.kube, app, "monday")
    old = await backup(stage)
    await stage.run_for(HOUR)
    await rotate_now(stage, stage.kube, app, "tuesday")
    assert app.changes == 3
    await put_back(stage, {"web.journal": old["web.journal"], "web": first["web"]}, "web.journal", "web")
    await stage.run_for(HOUR)
    assert app.changes == 3
    stalled = await stage.kube.condition("web", "Stalled")
    assert (stalled["status"], stalled["reason"]) == ("True", "InDoubt")
    assert "old copy" in stalled["message"]
