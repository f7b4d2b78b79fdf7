"""A target that counts further than its journal: only what the tenant accepts is taken over."""

from datetime import timedelta

from auth0_simulator import App, Operation
from harness import Stage, rotation
from harness.deletion import assert_gone, delete, messages
from harness.secrets import create, saved
from harness.story import ask, assert_at_peace, journal, reasons, silence_probes

PREFIX = "auth0rotator.dev/"
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


async def renumber(stage: Stage, sequence: int, **values: str) -> None:
    """Have the target say that it comes from a later rotation than any that there was."""
    marks = {f"{PREFIX}sequence": str(sequence), f"{PREFIX}rotation-id": "01LATER"}
    patch = {"metadata": {"annotations": marks}, "stringData": values}
    await stage.kube.merge("Secret", "web", patch)


async def old_target_over_a_new_life(stage: Stage) -> App:
    """Return a client in its second life, over which the target of the first, longer one is restored."""
    app = await stage.rotated()
    for token in ("one", "two", "three"):
        await ask(stage, app, token)
    old = await saved(stage.kube, "Secret", "web")
    await delete(stage)
    await assert_gone(stage)
    await stage.kube.delete("Secret", "web")
    await stage.kube.apply(rotation(app.client_id))
    await stage.run_for(10 * MINUTE)
    assert app.changes == 5
    await stage.kube.delete("Secret", "web")
    await create(stage.kube, old)
    return app


async def test_an_old_target_of_a_longer_life_is_written_over(stage: Stage) -> None:
    """Catches a number that is believed: the dead value would be sent as one that a request undid."""
    app = await old_target_over_a_new_life(stage)
    await stage.run_for(MINUTE)
    await stage.restart()
    await stage.run_for(HOUR)
    await assert_at_peace(stage, app, changes=5)
    assert "Adopted" not in await reasons(stage)


async def test_a_value_that_somebody_types_with_a_higher_number_goes_to_no_tenant(stage: Stage) -> None:
    """Catches an adoption of what nobody has tried, which verification then has to explain."""
    app = await stage.rotated()
    await renumber(stage, 7, SECRET="typed-by-hand")
    await stage.run_for(2 * MINUTE)
    await stage.restart()
    await stage.run_for(HOUR)
    await assert_at_peace(stage, app, changes=1)
    assert [entry.value for entry in stage.tenant.asked(Operation.PATCH)] == [app.secret]
    assert "Adopted" not in await reasons(stage)


async def test_a_value_that_works_is_adopted_from_a_newer_target(stage: Stage) -> None:
    """Catches a journal that always wins, and puts its dead value over the one that works."""
    app = await stage.rotated()
    await stage.run_for(10 * MINUTE)
    app.secret = "set-in-the-dashboard-0123456789"
    await renumber(stage, 7, SECRET=app.secret)
    await stage.run_for(HOUR)
    await assert_at_peace(stage, app, changes=1)
    assert "rotation 7, newer than the journal's 1" in (await messages(stage))["Adopted"]


async def test_while_the_tenant_does_not_say_both_values_stay_until_a_person_decides(
    stage: Stage,
) -> None:
    """Catches a guess: whichever value is written over may be the only copy of the one that works."""
    app = await stage.rotated()
    silence_probes(stage.tenant)
    await renumber(stage, 7, SECRET="whose-is-this")
    await stage.run_for(HOUR)
    assert (await stage.kube.secret("web"))["SECRET"] == "whose-is-this"
    assert (await journal(stage)).values["current"] == app.secret
    stalled = await stage.kube.condition("web", "Stalled")
    assert (stalled["status"], stalled["reason"]) == ("True", "AdoptionUnclear")
    assert "delete the Secret web" in stalled["message"]
    await stage.kube.delete("Secret", "web")
    await stage.run_for(MINUTE)
    await assert_at_peace(stage, app, changes=1)


async def test_while_the_tenant_does_not_say_what_was_sent_is_kept(stage: Stage) -> None:
    """Catches an open outcome that ends on a Secret's word: the live value would be nowhere."""
    app = await stage.rotated()
    silence_probes(stage.tenant)
    stage.tenant.lose_answer()
    await ask(stage, app)
    await renumber(stage, 9, SECRET="whose-is-this")
    await stage.run_for(HOUR)
    seen = await journal(stage)
    assert (seen.state, seen.values["next"]) == ("sending", app.secret)
    stage.tenant.faults.clear()
    await stage.run_for(HOUR)
    await assert_at_peace(stage, app, changes=2)


async def test_a_lost_request_is_waited_for_before_what_it_sent_is_let_go(stage: Stage) -> None:
    """Catches a value that is dropped because another one works, minutes before it comes to live."""
    app = await stage.rotated()
    stage.tenant.lose_request()
    silence_probes(stage.tenant)
    await ask(stage, app)
    lost = stage.tenant.asked(Operation.PATCH)[-1]
    app.secret = "set-in-the-dashboard-0123456789"
    await renumber(stage, 9, SECRET=app.secret)
    stage.tenant.faults.clear()
    await stage.run_for(4 * MINUTE)
    assert (await journal(stage)).values["next"] == lost.value
    stage.tenant.change_later(app, lost, 0)
    await stage.run_for(HOUR)
    assert app.secret == lost.value
    await stage.assert_delivered(app)


async def test_a_former_value_that_works_again_is_taken_back_and_not_undone(stage: Stage) -> None:
    """Catches whatever somebody did at the tenant, told as a late request of ours and sent over."""
    app = await stage.rotated()
    former = app.secret
    silence_probes(stage.tenant)
    await ask(stage, app)
    app.secret = former
    stage.tenant.faults.clear()
    await stage.run_for(HOUR)
    await assert_at_peace(stage, app, changes=2)
    assert app.secret == former
    told = await reasons(stage)
    assert "Adopted" in told
    assert "NotVerified" not in told
