"""In doubt: an answer was lost, no probe tells, and the tenant refuses. Its cause or a word ends it."""

from datetime import timedelta
from typing import Any

import pytest

from auth0_simulator import App
from harness import Stage, rotation
from harness.story import (
    ROTATION,
    ask,
    assert_at_peace,
    assert_refused,
    journal,
    lose,
    reasons,
    refuse,
    sent,
    silence_probes,
)

MINUTE = timedelta(minutes=1)
DOUBT = "auth0rotator.dev/settle-doubt"


@pytest.mark.parametrize("is_live", [False, True], ids=["not live", "live"])
@pytest.mark.parametrize(
    ("status", "message"),
    [(403, "no"), (400, "'no' on property client_secret.")],
    ids=["403", "400 on the value"],
)
async def test_a_refusal_after_a_lost_answer_is_a_doubt_and_ends_with_its_cause(
    stage: Stage, status: int, message: str, *, is_live: bool
) -> None:
    """Catches a refusal that takes a value back, or throws it away, though it may be live."""
    app = await stage.rotated()
    await _doubt(stage, app, status, message, is_live=is_live)
    chosen = (await journal(stage)).values["next"]
    assert set(sent(stage)) == {chosen}
    stalled = await stage.kube.condition("web", "Stalled")
    assert (stalled["status"], stalled["reason"]) == ("True", "InDoubt")
    assert f"{DOUBT}: next (or current)" in stalled["message"]
    assert (await stage.kube.condition("web", "Ready"))["status"] == "Unknown"
    stage.tenant.faults.clear()
    await stage.run_for(10 * MINUTE)
    await assert_at_peace(stage, app, changes=2)
    assert set(sent(stage)) == {chosen} == {app.secret}


async def test_a_refusal_after_a_restart_is_a_doubt(stage: Stage) -> None:
    """Catches a process that takes the first answer that it sees for the first one at all."""
    app = await stage.rotated()
    await lose(stage, app)
    await stage.restart()
    refuse(stage.tenant)
    await stage.run_for(MINUTE)
    assert (await journal(stage)).state == "sending"
    assert (await stage.kube.condition("web", "Stalled"))["reason"] == "InDoubt"
    stage.tenant.faults.clear()
    await stage.run_for(10 * MINUTE)
    await assert_at_peace(stage, app, changes=2)


async def test_a_person_who_says_next_has_it_delivered_without_a_request(stage: Stage) -> None:
    """Catches a word that is not followed, and one that is followed by a needless change."""
    app = await stage.rotated()
    await _doubt(stage, app, is_live=True)
    await stage.restart()
    count = len(sent(stage))
    await _say(stage, "next")
    await assert_at_peace(stage, app, changes=2)
    assert len(sent(stage)) == count
    assert "DoubtSettled" in await reasons(stage)
    assert await _word(stage) is None


async def test_a_person_who_says_current_ends_the_doubt_and_loses_no_value(stage: Stage) -> None:
    """Catches a word that throws the chosen value away: it might be live after all."""
    app = await stage.rotated()
    await _doubt(stage, app)
    chosen = (await journal(stage)).values["next"]
    await _say(stage, "current")
    assert await assert_refused(stage, app) == chosen
    assert await _word(stage) is None
    stage.tenant.faults.clear()
    await stage.run_for(20 * MINUTE)
    await assert_at_peace(stage, app, changes=2)
    assert set(sent(stage)) == {chosen}


@pytest.mark.parametrize(("word", "is_live"), [("next", False), ("current", True)])
async def test_a_person_who_errs_costs_no_second_value(
    stage: Stage, word: str, *, is_live: bool
) -> None:
    """Catches a wrong word that is believed for ever."""
    app = await stage.rotated()
    await _doubt(stage, app, is_live=is_live)
    chosen = (await journal(stage)).values["next"]
    await _say(stage, word)
    stage.tenant.faults.clear()
    await stage.run_for(20 * MINUTE)
    await assert_at_peace(stage, app, changes=2)
    assert set(sent(stage)) == {chosen}


@pytest.mark.parametrize("word", ["next", "current"])
async def test_an_old_word_settles_no_new_doubt(stage: Stage, word: str) -> None:
    """Catches an annotation that somebody left behind and that decides a doubt nobody looked at."""
    app = await stage.rotated(annotations={DOUBT: word})
    await _doubt(stage, app, is_live=word == "current", annotations={DOUBT: word})
    await stage.restart()
    await stage.run_for(2 * MINUTE)
    assert (await journal(stage)).state == "sending"
    assert "DoubtSettled" not in await reasons(stage)
    stage.tenant.faults.clear()
    await stage.run_for(20 * MINUTE)
    await assert_at_peace(stage, app, changes=2)


async def test_a_word_that_is_none_settles_nothing(stage: Stage) -> None:
    """Catches any text that is taken for one of the two words."""
    app = await stage.rotated()
    await _doubt(stage, app)
    await _say(stage, "Next")
    await stage.run_for(MINUTE)
    assert (await journal(stage)).state == "sending"


@pytest.mark.parametrize(
    ("is_live", "restarts"), [(False, True), (True, False)], ids=["not live, restarted", "live"]
)
async def test_a_value_in_doubt_outlives_the_object_that_is_created_again(
    stage: Stage, *, is_live: bool, restarts: bool
) -> None:
    """Catches a new object that begins with a new value while the old one may be live."""
    app = await stage.rotated()
    await _doubt(stage, app, is_live=is_live)
    chosen = (await journal(stage)).values["next"]
    await stage.kube.delete(ROTATION, "web")
    if restarts:
        await stage.restart()
    await stage.kube.apply(rotation(app.client_id))
    await stage.run_for(MINUTE)
    stage.tenant.faults.clear()
    await stage.run_for(20 * MINUTE)
    await assert_at_peace(stage, app, changes=2)
    assert app.secret == chosen
    assert set(sent(stage)) == {chosen}


async def _doubt(
    stage: Stage,
    app: App,
    status: int = 403,
    message: str = "no",
    *,
    is_live: bool = False,
    **spec: Any,
) -> None:
    """Lose an answer, let no probe tell, and refuse every later try."""
    silence_probes(stage.tenant)
    if is_live:
        stage.tenant.lose_answer()
    else:
        stage.tenant.lose_request()
    await ask(stage, app, **spec)
    refuse(stage.tenant, status, message)
    await stage.run_for(timedelta(seconds=80))
    assert app.changes == 1 + is_live
    assert (await journal(stage)).state == "sending"


async def _say(stage: Stage, word: str) -> None:
    await stage.kube.merge(ROTATION, "web", {"metadata": {"annotations": {DOUBT: word}}})
    await stage.settle()


async def _word(stage: Stage) -> str | None:
    found = await stage.kube.get(ROTATION, "web")
    assert found is not None
    word: str | None = found["metadata"].get("annotations", {}).get(DOUBT)
    return word


async def test_a_word_that_is_taken_away_and_said_again_counts(stage: Stage) -> None:
    """Catches an old word that makes the same word useless for as long as the doubt lasts."""
    app = await stage.rotated(annotations={DOUBT: "current"})
    silence_probes(stage.tenant)
    stage.tenant.lose_request()
    await ask(stage, app, annotations={DOUBT: "current"})
    refuse(stage.tenant)
    await stage.run_for(timedelta(seconds=80))
    assert (await journal(stage)).state == "sending"
    await stage.kube.merge(ROTATION, "web", {"metadata": {"annotations": {DOUBT: None}}})
    await stage.settle()
    await stage.kube.merge(ROTATION, "web", {"metadata": {"annotations": {DOUBT: "current"}}})
    await stage.settle()
    assert (await journal(stage)).state == "idle"
