"""What becomes of a message after each answer, and after how long."""

from datetime import UTC, datetime, timedelta

import pytest

from auth0_rotator.schedule import fraction_of
from auth0_rotator.webhook.answers import PATIENCE, Verdict, judge, pause_after, pause_asked
from examples import NOW


@pytest.mark.parametrize(
    ("statuses", "verdict"),
    [
        ((200, 201, 202, 204, 299), Verdict.DELIVERED),
        ((408, 425, 429, 500, 501, 502, 503, 504, 599), Verdict.AGAIN),
        ((100, 199, 300, 301, 302, 307, 308, 399, 400, 401, 403, 404, 410, 422, 499), Verdict.REFUSED),
    ],
    ids=lambda value: value.name.lower() if isinstance(value, Verdict) else "",
)
def test_every_answer_means_something(statuses: tuple[int, ...], verdict: Verdict) -> None:
    assert {status: judge(status) for status in statuses} == dict.fromkeys(statuses, verdict)


def test_pauses_double_up_to_a_quarter_of_an_hour() -> None:
    share = 1 + fraction_of("msg_1") / 4
    found = [pause_after(tries, "msg_1") / share for tries in (1, 2, 3, 4, 10, 11, 12, 5000)]
    assert found == pytest.approx([1, 2, 4, 8, 512, 900, 900, 900])
    assert pause_after(1, "msg_1") != pause_after(1, "msg_2")


def test_a_message_is_tried_about_fourteen_times_in_its_hour() -> None:
    """Catches pauses that leave a receiver no time to come back, or that are no pauses."""
    total, tries = 0.0, 0
    while total <= PATIENCE and tries < 99:
        tries += 1
        total += pause_after(tries, "msg_1")
    assert 12 <= tries <= 14


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        pytest.param(None, 0, id="nothing"),
        pytest.param("", 0, id="empty"),
        pytest.param("7", 7, id="seconds"),
        pytest.param("300", 300, id="five-minutes"),
        pytest.param("301", 300, id="more"),
        pytest.param("9" * 5000, 300, id="endless"),
        pytest.param("-7", 0, id="negative"),
        pytest.param("1.5", 0, id="no-whole-number"),
        pytest.param("soon", 0, id="a-word"),
        pytest.param("Mon, 23 Nov 2026 09:30:07 GMT", 7, id="date"),
        pytest.param("Mon, 23 Nov 2026 09:30:07 -0000", 7, id="date-without-zone"),
        pytest.param("Mon, 23 Nov 2026 10:30:07 +0100", 7, id="date-in-a-zone"),
        pytest.param("Mon, 23 Nov 2026 09:29:00 GMT", 0, id="date-of-before"),
        pytest.param("Mon, 23 Nov 2027 09:30:07 GMT", 300, id="date-far-ahead"),
        pytest.param("Mon, 23 Nov 99999999999999999999 09:30:07 GMT", 0, id="no-date"),
    ],
)
def test_a_receiver_may_ask_for_a_pause_of_five_minutes(retry_after: str | None, seconds: float) -> None:
    assert pause_asked(retry_after, NOW) == pytest.approx(seconds)


def test_a_pause_is_reckoned_from_now() -> None:
    now = datetime(2026, 11, 23, 9, 30, tzinfo=UTC) + timedelta(milliseconds=500)
    assert pause_asked("Mon, 23 Nov 2026 09:30:07 GMT", now) == pytest.approx(6.5)
