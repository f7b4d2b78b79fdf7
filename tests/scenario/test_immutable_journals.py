"""A journal that somebody makes immutable takes no new value: nothing is sent, and nothing is lost."""

from typing import Any

from harness import Stage
from harness.deletion import MINUTE, assert_gone, delete, open_change
from harness.story import (
    ROTATION,
    ask,
    assert_at_peace,
    assert_refused,
    journal,
    lose,
    refuse,
    silence_probes,
)


async def freeze(stage: Stage) -> None:
    """Make the journal immutable, which nobody can take back."""
    await stage.kube.merge("Secret", "web.journal", {"immutable": True})


async def assert_told(stage: Stage) -> None:
    """A person is told what to do."""
    stalled = await stage.kube.condition("web", "Stalled")
    assert (stalled["status"], stalled["reason"]) == ("True", "JournalImmutable")
    assert "web.journal was made immutable" in stalled["message"]
    assert "delete it" in stalled["message"]


async def test_without_a_place_for_a_new_value_none_is_sent(stage: Stage) -> None:
    """Catches a refusal that is told in the API server's words, or only when the date has come."""
    spec: dict[str, Any] = {"rotateAtUtc": stage.far_hour}
    app = await stage.rotated(**spec)
    await freeze(stage)
    await stage.run_for(MINUTE)
    await assert_told(stage)
    await ask(stage, app, **spec)
    await stage.run_for(10 * MINUTE)
    await assert_told(stage)
    assert app.changes == 1
    await stage.kube.delete("Secret", "web.journal")
    await stage.run_for(10 * MINUTE)
    # As with any adoption, the token that was there counts as handled.
    await assert_at_peace(stage, app, changes=1)
    await ask(stage, app, "once more", **spec)
    await assert_at_peace(stage, app, changes=2)


async def test_drift_is_repaired_from_an_immutable_journal(stage: Stage) -> None:
    """Catches a journal that is not read because it cannot be written."""
    app = await stage.rotated()
    await freeze(stage)
    await stage.kube.delete("Secret", "web")
    await stage.run_for(MINUTE)
    await stage.assert_delivered(app)
    await stage.kube.merge("Secret", "web.journal", {"metadata": {"labels": None}})
    await stage.run_for(MINUTE)
    await assert_told(stage)


async def test_a_value_that_works_is_delivered_though_its_journal_became_immutable(
    stage: Stage,
) -> None:
    """Catches a value that is live and in the journal, and nowhere where it is used."""
    app = await stage.rotated()
    silence_probes(stage.tenant)
    await open_change(stage, app)
    await freeze(stage)
    stage.tenant.faults.clear()
    await stage.run_for(10 * MINUTE)
    await stage.assert_delivered(app)
    await assert_told(stage)
    assert (await journal(stage)).state == "sending"
    await stage.restart()
    await stage.run_for(10 * MINUTE)
    await assert_told(stage)
    await stage.kube.delete("Secret", "web.journal")
    await stage.run_for(10 * MINUTE)
    await assert_at_peace(stage, app, changes=2)


async def test_an_open_change_in_an_immutable_journal_holds_no_deletion(stage: Stage) -> None:
    """Catches a finalizer that cannot be taken off, and with it a namespace that cannot go."""
    app = await stage.rotated()
    silence_probes(stage.tenant)
    await lose(stage, app)
    refuse(stage.tenant)
    await freeze(stage)
    await stage.run_for(2 * MINUTE)
    await delete(stage)
    await stage.run_for(13 * MINUTE)
    await assert_gone(stage)
    assert app.changes == 1
    await stage.assert_delivered(app)


async def test_an_immutable_journal_goes_with_its_rotation_once_its_value_is_delivered(
    stage: Stage,
) -> None:
    """Catches a commit that is tried until the deletion is given up, and told as a loss."""
    app = await stage.rotated()
    silence_probes(stage.tenant)
    await open_change(stage, app)
    await freeze(stage)
    await delete(stage)
    stage.tenant.faults.clear()
    await stage.run_for(MINUTE)
    await assert_gone(stage)
    await stage.assert_delivered(app)
    assert await stage.kube.get(ROTATION, "web") is None
    assert "Abandoned" not in [reason for reason, _ in await stage.kube.events()]


async def test_a_parked_value_is_not_sent_from_an_immutable_journal(stage: Stage) -> None:
    """Catches a value that is there already, sent though its acceptance could not be recorded."""
    app = await stage.rotated()
    refuse(stage.tenant)
    await ask(stage, app)
    await assert_refused(stage, app)
    stage.tenant.faults.clear()
    await freeze(stage)
    await stage.run_for(10 * MINUTE)
    await assert_told(stage)
    assert app.changes == 1
