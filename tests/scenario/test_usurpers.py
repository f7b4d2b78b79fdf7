"""What stands in the operator's places: a Secret under a journal's name, a template in its own name."""

from datetime import timedelta

import pytest

from harness import Stage, rotation
from harness.deletion import REVOKES, assert_gone, delete
from harness.secrets import create, secret
from harness.story import ROTATION, ask

MINUTE = timedelta(minutes=1)
PREFIX = "auth0rotator.dev/"


@pytest.mark.parametrize("is_labelled", [False, True], ids=["unwatched", "watched"])
async def test_a_secret_in_the_journals_place_is_told_with_its_remedy(
    stage: Stage, *, is_labelled: bool
) -> None:
    """Wrong: Busy for ever; a first rotation without a journal; a Secret of somebody else that is
    deleted, written over, or in the way of a deletion."""
    body = secret("web.journal", THEIRS="one")
    body["metadata"]["labels"] = {f"{PREFIX}role": "journal"} if is_labelled else {}
    await create(stage.kube, body)
    app = stage.tenant.add_app("web")
    await stage.connect()
    await stage.kube.apply(rotation(app.client_id, deletion=REVOKES))
    await stage.run_for(10 * MINUTE)
    stalled = await stage.kube.condition("web", "Stalled")
    assert (stalled["status"], stalled["reason"]) == ("True", "JournalForeign")
    assert "web.journal is of type Opaque" in stalled["message"]
    await delete(stage)
    await stage.run_for(MINUTE)
    assert await stage.kube.get(ROTATION, "web") is None
    assert await stage.kube.secret("web.journal") == {"THEIRS": "one"}
    await stage.kube.apply(rotation(app.client_id))
    await stage.settle()
    assert app.changes == 0
    await stage.kube.delete("Secret", "web.journal")
    await stage.run_for(2 * MINUTE)
    assert app.changes == 1
    await stage.assert_delivered(app)


async def test_a_secret_that_takes_the_place_of_a_journal_later_is_told(stage: Stage) -> None:
    """Wrong: a mirror that goes on showing the journal that was there before."""
    app = await stage.rotated()
    await stage.kube.delete("Secret", "web.journal")
    await create(stage.kube, secret("web.journal", THEIRS="one"))
    await ask(stage, app)
    await stage.run_for(10 * MINUTE)
    assert (await stage.kube.condition("web", "Stalled"))["reason"] == "JournalForeign"
    assert app.changes == 1
    await stage.kube.delete("Secret", "web.journal")
    await stage.run_for(2 * MINUTE)
    await stage.assert_delivered(app)
    assert (await stage.kube.condition("web", "Stalled"))["status"] == "False"


async def test_a_template_does_not_speak_for_the_operator(stage: Stage) -> None:
    """Wrong: a mark by which the keys of a deleted rotation leave its Secret, set by a template."""
    app = await stage.rotated()
    marks = {"metadata": {"annotations": {f"{PREFIX}withdraw-with": "x"}}}
    body = rotation(app.client_id, target={"template": marks})
    answer = await stage.kube.send("POST", stage.kube.path(ROTATION), body | {"metadata": {"name": "b"}})
    assert "are the operator's" in answer.json()["message"]
    await delete(stage)
    await assert_gone(stage)
    await stage.assert_delivered(app)
