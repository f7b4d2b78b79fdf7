"""Conditions, reason words, and instants as Kubernetes writes them."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from auth0_rotator.conditions import (
    Condition,
    ConditionStatus,
    ConditionType,
    Reason,
    merge_conditions,
    parse_timestamp,
    shortened,
    timestamp,
)
from examples import NOW

EARLIER = "2026-11-20T07:00:00Z"


def ready(status: ConditionStatus = ConditionStatus.TRUE, message: str = "delivered") -> Condition:
    return Condition(ConditionType.READY, status, Reason.DELIVERED, message)


def written(**changes: Any) -> dict[str, Any]:
    """Return Ready=True as it was written earlier."""
    base = {
        "type": "Ready",
        "status": "True",
        "observedGeneration": 2,
        "reason": "Adopted",
        "message": "adopted",
        "lastTransitionTime": EARLIER,
    }
    return base | changes


def test_a_condition_is_written_with_all_that_the_api_asks_for() -> None:
    assert merge_conditions([], [ready()], generation=3, now=NOW) == [
        {
            "type": "Ready",
            "status": "True",
            "observedGeneration": 3,
            "reason": "Delivered",
            "message": "delivered",
            "lastTransitionTime": "2026-11-23T09:30:00Z",
        }
    ]


@pytest.mark.parametrize(
    ("before", "since"),
    [
        pytest.param(written(), EARLIER, id="same-status"),
        pytest.param(written(status="False"), timestamp(NOW), id="other-status"),
        pytest.param(written(status="Unknown"), timestamp(NOW), id="was-unknown"),
        pytest.param(written(lastTransitionTime=""), timestamp(NOW), id="no-time-kept"),
        pytest.param({"type": "Ready", "status": "True"}, timestamp(NOW), id="time-missing"),
        pytest.param(written(type="Stalled"), timestamp(NOW), id="another-condition"),
    ],
)
def test_the_transition_time_moves_with_the_status_only(before: dict[str, Any], since: str) -> None:
    [merged] = merge_conditions([before], [ready()], generation=3, now=NOW)
    assert merged["lastTransitionTime"] == since
    assert (merged["reason"], merged["message"]) == ("Delivered", "delivered")
    assert merged["observedGeneration"] == 3


def test_conditions_are_sorted_by_type_and_unwanted_ones_dropped() -> None:
    wanted = [
        Condition(ConditionType.VERIFIED, ConditionStatus.UNKNOWN, Reason.PENDING, "not asked"),
        Condition(ConditionType.STALLED, ConditionStatus.FALSE, Reason.DELIVERED, "at rest"),
        ready(),
    ]
    merged = merge_conditions([written(type="ConsumersCurrent")], wanted, generation=1, now=NOW)
    assert [condition["type"] for condition in merged] == ["Ready", "Stalled", "Verified"]


@pytest.mark.parametrize(("length", "kept"), [(32767, 32767), (32768, 32768), (32769, 32765)])
def test_a_condition_says_no_more_than_the_api_takes(length: int, kept: int) -> None:
    [merged] = merge_conditions([], [ready(message="x" * length)], generation=1, now=NOW)
    assert merged["message"].rstrip(".") == "x" * kept
    assert len(merged["message"]) == min(length, 32768)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", "", id="empty"),
        pytest.param("12345678", "12345678", id="shorter"),
        pytest.param("123456789A", "123456789A", id="exactly"),
        pytest.param("123456789AB", "1234567...", id="one-over"),
        pytest.param("123456789ABCDEF", "1234567...", id="far-over"),
    ],
)
def test_a_long_text_is_cut_and_says_so(text: str, expected: str) -> None:
    assert shortened(text, 10) == expected


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05Z"),
        (datetime(2026, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), "2026-12-31T23:59:59Z"),
    ],
    ids=["padded", "fraction-dropped"],
)
def test_an_instant_is_written_in_whole_seconds(instant: datetime, text: str) -> None:
    assert timestamp(instant) == text


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        pytest.param(None, None, id="none"),
        pytest.param("", None, id="empty"),
        pytest.param("yesterday", None, id="nonsense"),
        pytest.param("2026-13-01T00:00:00Z", None, id="no-such-month"),
        pytest.param("2026-11-23T09:30:00", None, id="without-a-zone"),
        pytest.param("2026-11-23T09:30:00Z", NOW, id="as-kubernetes-writes-it"),
        pytest.param("2026-11-23T09:30:00.250000Z", NOW + timedelta(milliseconds=250), id="micro-time"),
        pytest.param("2026-11-23T11:30:00+02:00", NOW, id="another-offset"),
        pytest.param("1969-12-31T23:59:59Z", None, id="before-the-first-year"),
        pytest.param("1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC), id="first-year"),
        pytest.param(
            "8999-12-31T23:59:59Z", datetime(8999, 12, 31, 23, 59, 59, tzinfo=UTC), id="last-year"
        ),
        pytest.param("9000-01-01T00:00:00Z", None, id="after-the-last-year"),
    ],
)
def test_only_an_instant_with_a_zone_is_understood(text: str | None, instant: datetime | None) -> None:
    assert parse_timestamp(text) == instant


def test_something_that_is_no_text_is_no_instant() -> None:
    number: Any = 1_795_426_200
    assert parse_timestamp(number) is None


@pytest.mark.usefixtures("far_from_utc")
def test_an_instant_is_understood_in_utc_wherever_the_process_lives() -> None:
    """What is read with an offset is written again as the same instant."""
    instant = parse_timestamp("2026-11-23T11:30:00+02:00")
    assert instant is not None
    assert instant.utcoffset() == timedelta(0)
    assert timestamp(instant) == "2026-11-23T09:30:00Z"


def test_an_instant_that_was_written_is_read_again() -> None:
    assert parse_timestamp(timestamp(NOW)) == NOW
    assert NOW.astimezone(timezone(timedelta(hours=-7))) == parse_timestamp(timestamp(NOW))


@pytest.mark.parametrize("reason", list(Reason), ids=str)
def test_a_reason_is_one_word_and_spelled_like_its_name(reason: Reason) -> None:
    """Events and metrics know the word: a typo in the one must show."""
    assert re.fullmatch("([A-Z][a-z]+)+", reason.value)
    assert re.sub(r"(?<!^)(?=[A-Z])", "_", reason.value).upper() == reason.name


@pytest.mark.parametrize("type_", list(ConditionType), ids=str)
def test_a_condition_type_is_spelled_like_its_name(type_: ConditionType) -> None:
    assert re.sub(r"(?<!^)(?=[A-Z])", "_", type_.value).upper() == type_.name


def test_a_condition_has_the_three_values_of_the_api() -> None:
    assert [status.value for status in ConditionStatus] == ["True", "False", "Unknown"]
