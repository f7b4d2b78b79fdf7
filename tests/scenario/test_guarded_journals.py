"""The finalizer of a journal: there while a change is open, whoever takes it away, and only then."""

from datetime import timedelta

from harness import Stage
from harness.deletion import MINUTE, assert_gone, delete, is_collected, open_change
from harness.story import ask, assert_at_peace, journal, refuse, silence_probes

GUARD = "auth0rotator.dev/sending"


async def strip(stage: Stage) -> None:
    """Take all finalizers from the journal."""
    await stage.kube.merge("Secret", "web.journal", {"metadata": {"finalizers": None}})


async def test_a_finalizer_that_is_taken_away_in_the_middle_costs_no_value(stage: Stage) -> None:
    """Catches an open journal that goes with its rotation, while the next try backs off."""
    app = await stage.rotated()
    silence_probes(stage.tenant)
    await open_change(stage, app)
    refuse(stage.tenant)
    await stage.run_for(2 * MINUTE)
    await strip(stage)
    await stage.settle()
    assert (await journal(stage)).finalizers == [GUARD]
    await delete(stage)

    async def is_leaving() -> bool:
        found = await stage.kube.get("Secret", "web.journal")
        assert found is not None, "the only copy of the live value is gone"
        return "deletionTimestamp" in found["metadata"]

    await stage.kube.eventually(is_leaving)
    stage.tenant.faults.clear()
    await stage.run_for(5 * MINUTE)
    await assert_gone(stage)
    assert app.changes == 2
    await stage.assert_delivered(app)


async def test_a_finalizer_of_ours_on_a_journal_at_rest_is_taken_away(stage: Stage) -> None:
    """Catches a leftover that nobody looks for: the journal, and its namespace, could never go."""
    app = await stage.rotated()
    await stage.kube.merge("Secret", "web.journal", {"metadata": {"finalizers": [GUARD]}})
    await stage.settle()
    await assert_at_peace(stage, app, changes=1)


async def test_a_journal_that_is_deleted_with_a_leftover_of_ours_goes(stage: Stage) -> None:
    """Catches a journal that is on its way for ever, because what holds it is put on too late to see."""
    app = await stage.rotated()
    await ask(stage, app)
    await stage.kube.merge("Secret", "web.journal", {"metadata": {"finalizers": [GUARD]}})
    await delete(stage)
    await stage.kube.delete("Secret", "web.journal")
    assert not await is_collected(stage)
    await assert_gone(stage)
    await stage.run_for(timedelta(minutes=1))
    await stage.assert_delivered(app)
