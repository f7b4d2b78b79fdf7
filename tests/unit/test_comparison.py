"""Which of two values counts, by what the tenant says of both."""

from datetime import timedelta
from typing import Any

import pytest

from auth0_rotator.auth0 import Liveness
from auth0_rotator.reconciler.comparison import Verdict, verdict_on
from examples import MINUTE, NOW, SECOND, credential, journal, record, sending

LIVE, REFUSED, UNKNOWN = Liveness.LIVE, Liveness.NOT_LIVE, Liveness.UNKNOWN
TICK = timedelta(microseconds=1)
OLD = NOW - 60 * SECOND
YOUNG = OLD + TICK


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict"),
    [
        pytest.param(REFUSED, LIVE, Verdict.TARGET, id="the-journal-is-an-old-copy"),
        pytest.param(UNKNOWN, LIVE, Verdict.TARGET, id="only-the-target-logs-in"),
        pytest.param(LIVE, REFUSED, Verdict.JOURNAL, id="the-target-is-an-old-copy"),
        pytest.param(LIVE, UNKNOWN, Verdict.JOURNAL, id="only-the-journal-logs-in"),
        pytest.param(REFUSED, REFUSED, Verdict.NEITHER, id="rotated-elsewhere"),
        pytest.param(LIVE, LIVE, Verdict.UNCLEAR, id="both"),
        pytest.param(UNKNOWN, UNKNOWN, Verdict.UNCLEAR, id="no-word"),
        pytest.param(UNKNOWN, REFUSED, Verdict.UNCLEAR, id="nothing-of-the-journal"),
        pytest.param(REFUSED, UNKNOWN, Verdict.UNCLEAR, id="nothing-of-the-target"),
    ],
)
def test_only_what_logs_in_counts(ours: Liveness, theirs: Liveness, verdict: Verdict) -> None:
    """Catches an unknown answer that is taken for a refusal, and a refusal for a word on the other."""
    assert verdict_on(journal(), record(), ours, theirs, NOW) is verdict


@pytest.mark.parametrize(
    ("kept", "verdict"),
    [
        pytest.param({"rotated_at": OLD}, Verdict.TARGET, id="spread"),
        pytest.param({"rotated_at": YOUNG}, Verdict.EARLY, id="spreads"),
        pytest.param({"rotated_at": NOW + 60 * SECOND}, Verdict.TARGET, id="by-another-clock"),
        pytest.param({"rotated_at": None}, Verdict.TARGET, id="unknown"),
    ],
)
def test_a_change_of_the_journals_that_spreads_is_waited_for(
    kept: dict[str, Any], verdict: Verdict
) -> None:
    """Catches a former value that is adopted because it still works for a few seconds."""
    changed = journal(current=credential(**kept))
    assert verdict_on(changed, record(), REFUSED, LIVE, NOW) is verdict


@pytest.mark.parametrize(
    ("rotated_at", "verdict"), [(OLD, Verdict.JOURNAL), (YOUNG, Verdict.EARLY), (None, Verdict.JOURNAL)]
)
def test_a_change_of_the_targets_that_spreads_is_waited_for(rotated_at: Any, verdict: Verdict) -> None:
    """Catches the newest value written over because the one before it still works."""
    assert verdict_on(journal(), record(rotated_at=rotated_at), LIVE, REFUSED, NOW) is verdict


@pytest.mark.parametrize(
    ("sent_at", "verdict"),
    [
        pytest.param(NOW - 5 * MINUTE, Verdict.TARGET, id="over"),
        pytest.param(NOW - 5 * MINUTE + TICK, Verdict.EARLY, id="may-land"),
        pytest.param(None, Verdict.TARGET, id="unknown"),
    ],
)
def test_a_value_that_may_yet_come_to_live_is_not_dropped(sent_at: Any, verdict: Verdict) -> None:
    """Catches a lost request that lands after its value was thrown away."""
    young = sending(attempted_at=sent_at, current=credential(rotated_at=NOW))
    assert verdict_on(young, record(), REFUSED, LIVE, NOW) is verdict
