"""A journal that lost its label is shown by no watch: it is found all the same, and brought back."""

from harness import Stage
from harness.deletion import MINUTE, assert_gone, delete, open_change
from harness.manifests import rotation
from harness.story import assert_at_peace, journal

ROLE = "auth0rotator.dev/role"


async def strip(stage: Stage) -> None:
    """Take all labels from the journal."""
    await stage.kube.merge("Secret", "web.journal", {"metadata": {"labels": None}})


async def labels(stage: Stage) -> dict[str, str]:
    """Return the journal's labels."""
    found = await stage.kube.get("Secret", "web.journal")
    assert found is not None
    told: dict[str, str] = found["metadata"].get("labels", {})
    return told


async def test_a_stray_journal_of_a_deleted_rotation_does_not_stay_for_ever(stage: Stage) -> None:
    """Catches a finalizer that nobody knows of: its namespace could never be deleted."""
    app = await stage.rotated()
    await open_change(stage, app)
    await strip(stage)
    await delete(stage)
    await stage.restart()
    await stage.run_for(MINUTE)
    await assert_gone(stage)
    await stage.assert_delivered(app)
    assert app.changes == 2


async def test_a_stray_journal_is_found_where_its_rotation_is_held_up(stage: Stage) -> None:
    """Catches a hold that rests on a journal's absence which nobody has looked for."""
    app = await stage.rotated()
    await open_change(stage, app)
    await stage.kube.apply(rotation(app.client_id, suspend=True))
    await stage.kube.delete("Secret", "web")
    await strip(stage)
    await stage.settle()
    await stage.run_for(2 * MINUTE)
    assert (await labels(stage))[ROLE] == "journal"
    await assert_at_peace(stage, app, changes=2)


async def test_a_stray_journal_of_a_rotation_at_rest_is_labelled_again(stage: Stage) -> None:
    """Catches a journal that stays unseen, so that nobody learns of the next change to it."""
    app = await stage.rotated()
    await strip(stage)
    await stage.settle()
    assert (await labels(stage))[ROLE] == "journal"
    assert (await journal(stage)).values["current"] == app.secret
    await assert_at_peace(stage, app, changes=1)
