"""When the next rotation is: tables for the rule of the original feature, and what always holds."""

import os
import time as process_time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta, timezone
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from auth0_rotator.schedule import (
    LONGEST_BACK_OFF,
    IntervalUnit,
    day_of_schedule,
    fraction_of,
    is_ahead,
    next_probe_at,
    next_rotation_at,
    next_rotation_in_zone,
    retry_delay,
    spread_offset,
)

NOON = time(12, 0)
TWO = time(14, 0)


def at(text: str) -> datetime:
    """Return an instant; without an offset it is UTC."""
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)


def next_at(last: str | None = "2026-03-10T09:00", **changes: Any) -> datetime | None:
    """Return the next rotation, after a scheduled one and every ten days at 14:00 unless told."""
    inputs: dict[str, Any] = {
        "last_rotated_at": at(last) if last is not None else None,
        "interval": 10,
        "rotate_at_utc": TWO,
        "automatic": True,
        "failed": False,
        "manual": False,
        "now": at("2026-03-12T18:30:45.250"),
        "unit": IntervalUnit.DAYS,
    }
    return next_rotation_at(**(inputs | changes))


@contextmanager
def process_zone(zone: str) -> Iterator[None]:
    """Let the whole process live in a time zone (in POSIX form), as TZ does."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = zone
    process_time.tzset()
    try:
        yield
    finally:
        os.environ.pop("TZ")
        if before is not None:
            os.environ["TZ"] = before
        process_time.tzset()


ZONES = [
    "UTC0",
    "LINT-14",
    "AoE12",
    "NPT-5:45",
    # As clocks went before there were zones.
    "LMT-0:43:19",
    "NST3:30NDT,M3.2.0,M11.1.0",
    "CET-1CEST,M3.5.0,M10.5.0/3",
]


# After success, in days ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last", "interval", "expected"),
    [
        pytest.param("2026-01-30T09:00", 1, "2026-01-31T14:00", id="within-a-month"),
        pytest.param("2026-01-31T09:00", 1, "2026-02-01T14:00", id="month-end"),
        pytest.param("2026-04-30T09:00", 31, "2026-05-31T14:00", id="short-month"),
        pytest.param("2026-02-28T09:00", 1, "2026-03-01T14:00", id="february-of-a-common-year"),
        pytest.param("2028-02-28T09:00", 1, "2028-02-29T14:00", id="into-a-leap-day"),
        pytest.param("2028-02-29T09:00", 1, "2028-03-01T14:00", id="out-of-a-leap-day"),
        pytest.param("2028-02-29T09:00", 365, "2029-02-28T14:00", id="a-year-after-a-leap-day"),
        pytest.param("2028-02-29T09:00", 366, "2029-03-01T14:00", id="a-year-and-a-day-after-it"),
        pytest.param("2100-02-28T09:00", 1, "2100-03-01T14:00", id="no-leap-day-in-2100"),
        pytest.param("2026-12-31T09:00", 1, "2027-01-01T14:00", id="year-end"),
        pytest.param("2026-12-02T09:00", 30, "2027-01-01T14:00", id="over-a-year-end"),
        pytest.param("2026-11-01T09:00", 36500, "2126-10-08T14:00", id="the-longest-interval"),
    ],
)
def test_the_next_rotation_is_whole_days_after_the_date_of_the_last(
    last: str, interval: int, expected: str
) -> None:
    assert next_at(last, interval=interval) == at(expected)


@pytest.mark.parametrize("last", ["00:00", "13:59:59.999999", "14:00", "14:00:01", "23:59:59.999999"])
def test_a_scheduled_rotation_is_followed_by_exactly_the_interval_at_whatever_hour_it_ran(
    last: str,
) -> None:
    assert next_at(f"2026-03-10T{last}") == at("2026-03-20T14:00")


@pytest.mark.parametrize(
    ("last", "padded"),
    [
        pytest.param("2026-03-10T00:00", False, id="first-instant-of-the-day"),
        pytest.param("2026-03-10T13:30", False, id="same-hour-less-one"),
        pytest.param("2026-03-10T13:59:59.999", False, id="a-millisecond-before"),
        pytest.param("2026-03-10T13:59:59.999999", False, id="a-microsecond-before"),
        pytest.param("2026-03-10T14:00", True, id="at-the-very-minute"),
        pytest.param("2026-03-10T14:00:00.001", True, id="a-millisecond-after"),
        pytest.param("2026-03-10T14:00:59.999", True, id="end-of-that-minute"),
        pytest.param("2026-03-10T14:01", True, id="a-minute-after"),
        pytest.param("2026-03-10T23:59:59.999", True, id="last-instant-of-the-day"),
    ],
)
def test_a_manual_rotation_at_or_after_the_time_of_day_gets_one_day_more(
    last: str, *, padded: bool
) -> None:
    day = 21 if padded else 20
    assert next_at(last, manual=True) == at(f"2026-03-{day}T14:00")


@pytest.mark.parametrize(
    ("last", "rotate_at", "expected"),
    [
        pytest.param("2026-03-10T14:29:59.999", time(14, 30), "2026-03-20T14:30", id="minute-before"),
        pytest.param("2026-03-10T14:30", time(14, 30), "2026-03-21T14:30", id="minute-reached"),
        pytest.param(
            "2026-03-10T15:00", time(14, 30), "2026-03-21T14:30", id="later-hour-earlier-minute"
        ),
        pytest.param(
            "2026-03-10T13:45", time(14, 30), "2026-03-20T14:30", id="earlier-hour-later-minute"
        ),
        pytest.param("2026-03-10T00:00", time(0, 0), "2026-03-21T00:00", id="midnight-always-pads"),
        pytest.param(
            "2026-03-10T23:58:59.999", time(23, 59), "2026-03-20T23:59", id="last-minute-before"
        ),
        pytest.param("2026-03-10T23:59", time(23, 59), "2026-03-21T23:59", id="last-minute-reached"),
        pytest.param("2026-12-21T20:00", time(14, 0), "2027-01-01T14:00", id="padded-over-a-year-end"),
        pytest.param("2028-02-18T20:00", time(14, 0), "2028-02-29T14:00", id="padded-into-a-leap-day"),
    ],
)
def test_hour_and_minute_are_compared_together(last: str, rotate_at: time, expected: str) -> None:
    assert next_at(last, rotate_at_utc=rotate_at, manual=True) == at(expected)


def test_seconds_of_the_time_of_day_do_not_exist() -> None:
    assert next_at(rotate_at_utc=time(14, 0, 59, 999)) == at("2026-03-20T14:00")


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        pytest.param("2026-03-10T23:30-01:00", "2026-03-21T14:00", id="already-tomorrow-in-utc"),
        pytest.param("2026-03-10T00:30+01:00", "2026-03-19T14:00", id="still-yesterday-in-utc"),
        pytest.param("2026-03-01T00:30+01:00", "2026-03-10T14:00", id="still-last-month-in-utc"),
        pytest.param("2027-01-01T05:00+05:45", "2027-01-10T14:00", id="still-last-year-in-utc"),
    ],
)
def test_the_date_is_that_of_utc_whatever_the_offset_of_the_input(last: str, expected: str) -> None:
    assert next_at(last) == at(expected)


@pytest.mark.parametrize(
    ("last", "padded"),
    [
        pytest.param("2026-03-10T15:59:59.999+02:00", False, id="before-two-in-utc"),
        pytest.param("2026-03-10T16:00+02:00", True, id="two-in-utc"),
        pytest.param("2026-03-10T09:00-05:00", True, id="two-in-utc-from-the-west"),
    ],
)
def test_the_hour_is_that_of_utc_whatever_the_offset_of_the_input(last: str, *, padded: bool) -> None:
    day = 21 if padded else 20
    assert next_at(last, manual=True) == at(f"2026-03-{day}T14:00")


def test_now_does_not_matter_after_success() -> None:
    assert next_at(now=at("2040-01-01T00:00")) == at("2026-03-20T14:00")


def test_a_date_in_the_past_is_given_as_it_is() -> None:
    assert next_at("2020-01-01T00:00", interval=1) == at("2020-01-02T14:00")


def test_what_was_never_rotated_has_no_next_rotation() -> None:
    assert next_at(None) is None
    assert next_at(None, manual=True) is None


# Automation off, failures ----------------------------------------------------------------------


@pytest.mark.parametrize("failed", [True, False], ids=["failed", "succeeded"])
@pytest.mark.parametrize("manual", [True, False], ids=["manual", "scheduled"])
@pytest.mark.parametrize("unit", list(IntervalUnit), ids=str)
def test_with_automation_off_there_is_none(unit: IntervalUnit, *, manual: bool, failed: bool) -> None:
    assert next_at(automatic=False, failed=failed, manual=manual, unit=unit) is None


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param("2026-03-12T18:30:45.250", "2026-03-13T14:00", id="after-the-time-of-day"),
        pytest.param("2026-03-12T09:00", "2026-03-13T14:00", id="tomorrow-even-when-it-is-still-ahead"),
        pytest.param("2026-03-12T14:00", "2026-03-13T14:00", id="at-the-time-of-day"),
        pytest.param("2026-03-31T18:00", "2026-04-01T14:00", id="month-end"),
        pytest.param("2028-02-28T18:00", "2028-02-29T14:00", id="leap-day"),
        pytest.param("2026-12-31T23:59:59.999", "2027-01-01T14:00", id="year-end"),
        pytest.param("2026-03-12T23:30-01:00", "2026-03-14T14:00", id="tomorrow-by-utc"),
        pytest.param("2026-03-12T00:30+01:00", "2026-03-12T14:00", id="today-here-is-tomorrow-in-utc"),
    ],
)
@pytest.mark.parametrize("manual", [True, False], ids=["manual", "scheduled"])
@pytest.mark.parametrize("last", [None, "2026-03-10T20:00", "2020-01-01T00:00"])
def test_after_a_failure_it_is_tomorrow_whatever_else_holds(
    now: str, expected: str, last: str | None, *, manual: bool
) -> None:
    assert next_at(last, failed=True, now=at(now), manual=manual, interval=77) == at(expected)


# Minutes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        pytest.param("2026-03-10T09:20:45.250", "2026-03-10T09:30:15", id="second-replaced"),
        pytest.param("2026-03-10T09:20:03", "2026-03-10T09:30:15", id="second-ahead"),
        pytest.param("2026-03-10T23:55:03", "2026-03-11T00:05:15", id="over-midnight"),
        pytest.param("2026-12-31T23:50:03", "2027-01-01T00:00:15", id="over-a-year-end"),
    ],
)
def test_in_minutes_the_minute_stands_for_the_second_and_hours_are_ignored(
    last: str, expected: str
) -> None:
    unit = IntervalUnit.MINUTES
    assert next_at(last, rotate_at_utc=time(14, 15), unit=unit) == at(expected)


@pytest.mark.parametrize(
    ("last", "minute"),
    [
        pytest.param("2026-03-10T09:20:14.999", 30, id="a-millisecond-before"),
        pytest.param("2026-03-10T09:20:15", 31, id="at-the-very-second"),
        pytest.param("2026-03-10T09:20:15.001", 31, id="within-that-second"),
        pytest.param("2026-03-10T09:20:59.999", 31, id="last-instant-of-the-minute"),
        pytest.param("2026-03-10T09:20:00", 30, id="first-instant-of-the-minute"),
    ],
)
def test_in_minutes_a_manual_rotation_at_or_after_the_second_gets_one_minute_more(
    last: str, minute: int
) -> None:
    found = next_at(last, rotate_at_utc=time(0, 15), manual=True, unit=IntervalUnit.MINUTES)
    assert found == at(f"2026-03-10T09:{minute}:15")


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param("2026-03-12T18:30:45.250", "2026-03-12T18:31:15", id="after-the-second"),
        pytest.param("2026-03-12T18:30:03", "2026-03-12T18:31:15", id="even-when-it-is-still-ahead"),
        pytest.param("2026-03-12T23:59:15", "2026-03-13T00:00:15", id="over-midnight"),
    ],
)
def test_in_minutes_a_failure_is_followed_by_the_next_minute(now: str, expected: str) -> None:
    unit = IntervalUnit.MINUTES
    assert next_at(failed=True, now=at(now), rotate_at_utc=time(14, 15), unit=unit) == at(expected)


# What always holds -----------------------------------------------------------------------------

offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
instants = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
times = st.builds(time, st.integers(0, 23), st.integers(0, 59))
intervals = st.integers(1, 36500)
units = st.sampled_from(IntervalUnit)


@given(last=instants, interval=intervals, rotate_at=times, unit=units, manual=st.booleans())
def test_the_next_rotation_comes_after_the_last(
    last: datetime, interval: int, rotate_at: time, unit: IntervalUnit, *, manual: bool
) -> None:
    found = next_at(
        last.isoformat(), interval=interval, rotate_at_utc=rotate_at, unit=unit, manual=manual
    )
    assert found is not None
    assert found > last
    assert found.utcoffset() == timedelta(0)


@given(last=instants, interval=intervals, rotate_at=times)
def test_a_manual_rotation_is_never_followed_within_the_interval(
    last: datetime, interval: int, rotate_at: time
) -> None:
    found = next_at(last.isoformat(), interval=interval, rotate_at_utc=rotate_at, manual=True)
    assert found is not None
    assert timedelta(days=interval) < found - last <= timedelta(days=interval + 1)


@given(last=instants, interval=intervals, rotate_at=times)
def test_a_scheduled_rotation_is_followed_by_a_whole_number_of_calendar_days(
    last: datetime, interval: int, rotate_at: time
) -> None:
    found = next_at(last.isoformat(), interval=interval, rotate_at_utc=rotate_at)
    assert found is not None
    assert found.date().toordinal() == last.date().toordinal() + interval
    assert found.time() == rotate_at


@given(
    last=instants,
    now=instants,
    rotate_at=times,
    offset=offsets,
    unit=units,
    manual=st.booleans(),
    failed=st.booleans(),
)
def test_the_offset_of_the_inputs_does_not_matter(
    last: datetime,
    now: datetime,
    rotate_at: time,
    offset: timezone,
    unit: IntervalUnit,
    *,
    manual: bool,
    failed: bool,
) -> None:
    def found(last: datetime, now: datetime) -> datetime | None:
        return next_at(
            last.isoformat(), now=now, rotate_at_utc=rotate_at, unit=unit, manual=manual, failed=failed
        )

    assert found(last.astimezone(offset), now.astimezone(offset)) == found(last, now)


@given(
    last=instants,
    now=instants,
    rotate_at=times,
    zone=st.sampled_from(ZONES),
    unit=units,
    manual=st.booleans(),
    failed=st.booleans(),
)
def test_the_zone_of_the_process_does_not_matter(
    last: datetime,
    now: datetime,
    rotate_at: time,
    zone: str,
    unit: IntervalUnit,
    *,
    manual: bool,
    failed: bool,
) -> None:
    def found() -> datetime | None:
        return next_at(
            last.isoformat(), now=now, rotate_at_utc=rotate_at, unit=unit, manual=manual, failed=failed
        )

    with process_zone("UTC0"):
        expected = found()
    with process_zone(zone):
        assert found() == expected


def test_in_minutes_the_seconds_of_a_process_zone_do_not_matter() -> None:
    with process_zone("LMT-0:43:19"):
        found = next_at(
            "2026-03-12T18:30:10",
            rotate_at_utc=time(0, 15),
            interval=2,
            manual=True,
            unit=IntervalUnit.MINUTES,
        )
    assert found == at("2026-03-12T18:32:15")


def test_a_process_zone_is_really_set_and_taken_back() -> None:
    instant, before = at("2026-07-01T00:00"), process_time.tzname
    with process_zone("NPT-5:45"):
        assert instant.astimezone().utcoffset() == timedelta(hours=5, minutes=45)
    assert process_time.tzname == before


# In a zone -------------------------------------------------------------------------------------

OSLO, NEW_YORK = "Europe/Oslo", "America/New_York"
LORD_HOWE = "Australia/Lord_Howe"
APIA = "Pacific/Apia"


def next_in(zone: str, last: str | None, rotate_at: time, **changes: Any) -> datetime | None:
    """Return the next rotation in a zone, after a scheduled one and every day unless told."""
    inputs: dict[str, Any] = {
        "last_rotated_at": at(last) if last is not None else None,
        "interval": 1,
        "rotate_at": rotate_at,
        "zone": ZoneInfo(zone),
        "automatic": True,
        "failed": False,
        "manual": False,
        "now": at("2026-03-12T18:30:45.250"),
        "unit": IntervalUnit.DAYS,
    }
    return next_rotation_in_zone(**(inputs | changes))


@pytest.mark.parametrize(
    ("zone", "last", "expected"),
    [
        pytest.param(OSLO, "2026-07-01T12:00", "2026-07-02T12:00", id="summer"),
        pytest.param(OSLO, "2026-12-01T12:00", "2026-12-02T13:00", id="winter"),
        pytest.param(OSLO, "2026-03-28T12:00", "2026-03-29T12:00", id="into-summer"),
        pytest.param(OSLO, "2026-10-24T12:00", "2026-10-25T13:00", id="into-winter"),
        pytest.param(OSLO, "2026-01-31T22:59:59", "2026-02-01T13:00", id="month-end-not-yet"),
        pytest.param(OSLO, "2026-01-31T23:00", "2026-02-02T13:00", id="month-end"),
        pytest.param(OSLO, "2028-02-27T23:30", "2028-02-29T13:00", id="into-a-leap-day"),
        pytest.param(OSLO, "2028-02-28T23:30", "2028-03-01T13:00", id="out-of-a-leap-day"),
        pytest.param(OSLO, "2026-12-30T23:30", "2027-01-01T13:00", id="into-a-year"),
        pytest.param(OSLO, "2026-12-31T23:30", "2027-01-02T13:00", id="a-year-that-is-there-already"),
        pytest.param(NEW_YORK, "2027-01-01T03:00", "2027-01-01T19:00", id="a-year-that-is-to-come"),
        pytest.param(NEW_YORK, "2028-03-01T04:59", "2028-03-01T19:00", id="still-a-leap-day"),
        pytest.param(NEW_YORK, "2028-03-01T05:00", "2028-03-02T19:00", id="no-longer-a-leap-day"),
        pytest.param(LORD_HOWE, "2026-07-01T13:29", "2026-07-02T03:30", id="before-its-midnight"),
        pytest.param(LORD_HOWE, "2026-07-01T13:30", "2026-07-03T03:30", id="after-its-midnight"),
    ],
)
def test_days_are_counted_by_the_calendar_of_the_zone(zone: str, last: str, expected: str) -> None:
    """Days of UTC would be other days around midnight, and add an hour in one half of the year."""
    assert next_in(zone, last, TWO) == at(expected)


@pytest.mark.parametrize(
    ("zone", "last", "rotate_at", "expected"),
    [
        pytest.param(OSLO, "2026-03-28T12:00", time(1, 59), "2026-03-29T00:59", id="oslo-just-before"),
        pytest.param(OSLO, "2026-03-28T12:00", time(2, 0), "2026-03-29T01:00", id="oslo-first-minute"),
        pytest.param(OSLO, "2026-03-28T12:00", time(2, 30), "2026-03-29T01:00", id="oslo-amid"),
        pytest.param(OSLO, "2026-03-28T12:00", time(2, 59), "2026-03-29T01:00", id="oslo-last-minute"),
        pytest.param(OSLO, "2026-03-28T12:00", time(3, 0), "2026-03-29T01:00", id="oslo-just-after"),
        pytest.param(OSLO, "2026-03-28T12:00", time(3, 1), "2026-03-29T01:01", id="oslo-after"),
        pytest.param(NEW_YORK, "2026-03-07T17:00", time(2, 30), "2026-03-08T07:00", id="new-york-amid"),
        pytest.param(NEW_YORK, "2026-03-07T17:00", time(3, 0), "2026-03-08T07:00", id="new-york-after"),
        pytest.param(LORD_HOWE, "2026-10-03T00:00", time(1, 59), "2026-10-03T15:29", id="howe-before"),
        pytest.param(LORD_HOWE, "2026-10-03T00:00", time(2, 15), "2026-10-03T15:30", id="howe-amid"),
        pytest.param(LORD_HOWE, "2026-10-03T00:00", time(2, 30), "2026-10-03T15:30", id="howe-after"),
        pytest.param(APIA, "2011-12-29T22:00", time(0, 0), "2011-12-30T10:00", id="apia-whole-day"),
        pytest.param(APIA, "2011-12-29T22:00", time(23, 59), "2011-12-30T10:00", id="apia-its-end"),
        pytest.param("America/Nuuk", "2027-03-26T12:00", time(23, 30), "2027-03-28T01:00", id="nuuk"),
    ],
)
def test_a_time_that_a_clock_change_leaves_out_means_the_first_instant_after_it(
    zone: str, last: str, rotate_at: time, expected: str
) -> None:
    """Half an hour later by the old offset, or earlier by the new one, would both be wrong."""
    assert next_in(zone, last, rotate_at) == at(expected)


@pytest.mark.parametrize(
    ("zone", "last", "rotate_at", "expected"),
    [
        pytest.param(OSLO, "2026-10-24T12:00", time(1, 59), "2026-10-24T23:59", id="oslo-before"),
        pytest.param(OSLO, "2026-10-24T12:00", time(2, 0), "2026-10-25T00:00", id="oslo-first-minute"),
        pytest.param(OSLO, "2026-10-24T12:00", time(2, 59), "2026-10-25T00:59", id="oslo-last-minute"),
        pytest.param(OSLO, "2026-10-24T12:00", time(3, 0), "2026-10-25T02:00", id="oslo-after"),
        pytest.param(NEW_YORK, "2026-10-31T17:00", time(1, 30), "2026-11-01T05:30", id="new-york-amid"),
        pytest.param(NEW_YORK, "2026-10-31T17:00", time(2, 0), "2026-11-01T07:00", id="new-york-after"),
        pytest.param(LORD_HOWE, "2026-04-04T00:00", time(1, 29), "2026-04-04T14:29", id="howe-before"),
        pytest.param(LORD_HOWE, "2026-04-04T00:00", time(1, 45), "2026-04-04T14:45", id="howe-amid"),
        pytest.param(LORD_HOWE, "2026-04-04T00:00", time(2, 0), "2026-04-04T15:30", id="howe-after"),
    ],
)
def test_a_time_that_comes_twice_means_the_first(
    zone: str, last: str, rotate_at: time, expected: str
) -> None:
    assert next_in(zone, last, rotate_at) == at(expected)


def test_a_day_that_is_left_out_is_counted_by_the_calendar() -> None:
    assert next_in(APIA, "2011-12-29T22:00", TWO, interval=2) == at("2011-12-31T00:00")
    assert next_in(APIA, None, TWO, failed=True, now=at("2011-12-29T22:00")) == at("2011-12-30T10:00")


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        pytest.param("2026-07-01T17:59:59.999", "2026-07-02T18:00", id="summer-a-millisecond-before"),
        pytest.param("2026-07-01T18:00", "2026-07-03T18:00", id="summer-at-the-very-minute"),
        pytest.param("2026-12-01T18:00", "2026-12-02T19:00", id="winter-an-hour-before"),
        pytest.param("2026-12-01T18:59:59.999", "2026-12-02T19:00", id="winter-a-millisecond-before"),
        pytest.param("2026-12-01T19:00", "2026-12-03T19:00", id="winter-at-the-very-minute"),
        pytest.param("2026-12-02T04:59:59.999", "2026-12-03T19:00", id="end-of-the-day"),
        pytest.param("2026-12-02T05:00", "2026-12-03T19:00", id="the-day-after"),
    ],
)
def test_a_manual_rotation_is_padded_by_the_clock_of_the_zone(last: str, expected: str) -> None:
    assert next_in(NEW_YORK, last, TWO, manual=True) == at(expected)


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        pytest.param("2026-11-01T05:29", "2026-11-02T06:30", id="before-the-first"),
        pytest.param("2026-11-01T05:30", "2026-11-03T06:30", id="at-the-first"),
        pytest.param("2026-11-01T06:29", "2026-11-02T06:30", id="before-the-second"),
        pytest.param("2026-11-01T06:30", "2026-11-03T06:30", id="at-the-second"),
    ],
)
def test_in_an_hour_that_comes_twice_the_clock_on_the_wall_is_compared(last: str, expected: str) -> None:
    assert next_in(NEW_YORK, last, time(1, 30), manual=True) == at(expected)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param("2026-03-29T03:59:59", "2026-03-29T18:00", id="still-yesterday-there"),
        pytest.param("2026-03-29T04:00", "2026-03-30T18:00", id="today-there"),
        pytest.param("2026-03-07T12:00", "2026-03-08T18:00", id="tomorrow-the-clock-changes"),
    ],
)
def test_after_a_failure_it_is_tomorrow_in_the_zone(now: str, expected: str) -> None:
    assert next_in(NEW_YORK, "2026-01-01T00:00", TWO, failed=True, now=at(now)) == at(expected)


@pytest.mark.parametrize("unit", list(IntervalUnit), ids=str)
def test_in_a_zone_as_well_there_may_be_none(unit: IntervalUnit) -> None:
    assert next_in(OSLO, None, TWO, unit=unit) is None
    assert next_in(OSLO, "2026-01-01T00:00", TWO, automatic=False, failed=True, unit=unit) is None


zones = st.sampled_from(
    [OSLO, NEW_YORK, LORD_HOWE, APIA, "America/Nuuk", "America/Santiago", "Africa/Casablanca"]
)
days = st.integers(1, 400)


@pytest.mark.usefixtures("far_from_utc")
@pytest.mark.parametrize(
    ("last", "expected"),
    [
        pytest.param("2026-03-26T01:30", "2026-03-27T01:30:00+00:00", id="any-day"),
        pytest.param("2026-03-28T01:30", "2026-03-29T01:00:00+00:00", id="left-out-by-the-clock"),
        pytest.param("2026-10-24T00:30", "2026-10-25T00:30:00+00:00", id="comes-twice"),
    ],
)
def test_an_instant_is_told_in_utc_wherever_the_process_lives(last: str, expected: str) -> None:
    found = next_in(OSLO, last, time(2, 30))
    assert found is not None
    assert found.isoformat() == expected


@given(last=instants, interval=days, rotate_at=times, zone=zones, unit=units, manual=st.booleans())
def test_in_any_zone_the_next_rotation_comes_after_the_last(
    last: datetime, interval: int, rotate_at: time, zone: str, unit: IntervalUnit, *, manual: bool
) -> None:
    found = next_in(zone, last.isoformat(), rotate_at, interval=interval, unit=unit, manual=manual)
    assert found is not None
    assert found > last
    assert found.utcoffset() == timedelta(0)


@given(last=instants, interval=days, rotate_at=times, zone=zones, manual=st.booleans())
def test_in_any_zone_the_clock_shows_the_time_of_day_or_has_just_passed_it(
    last: datetime, interval: int, rotate_at: time, zone: str, *, manual: bool
) -> None:
    found = next_in(zone, last.isoformat(), rotate_at, interval=interval, manual=manual)
    assert found is not None
    wall = found.astimezone(ZoneInfo(zone))
    before = (found - timedelta(seconds=1)).astimezone(ZoneInfo(zone))
    shown, shown_before = wall.replace(tzinfo=None), before.replace(tzinfo=None)
    assert wall.fold == 0
    if wall.time() != rotate_at:
        assert any(
            shown_before < datetime.combine(day, rotate_at) < shown
            for day in (shown_before.date(), shown.date(), shown.date() - timedelta(days=1))
        )


@given(last=instants, interval=intervals, rotate_at=times, manual=st.booleans())
def test_in_utc_the_rule_is_that_of_the_original_written_another_way(
    last: datetime, interval: int, rotate_at: time, *, manual: bool
) -> None:
    padding = manual and last.hour * 60 + last.minute >= rotate_at.hour * 60 + rotate_at.minute
    midnight = last - timedelta(
        hours=last.hour, minutes=last.minute, seconds=last.second, microseconds=last.microsecond
    )
    hours = 24 * (interval + int(padding)) + rotate_at.hour
    expected = midnight + timedelta(hours=hours, minutes=rotate_at.minute)
    changes: dict[str, Any] = {"interval": interval, "manual": manual}
    assert next_at(last.isoformat(), rotate_at_utc=rotate_at, **changes) == expected
    assert next_in("UTC", last.isoformat(), rotate_at, **changes) == expected
    assert next_in("Etc/UTC", last.isoformat(), rotate_at, **changes) == expected


@given(last=instants, now=instants, rotate_at=times, zone=zones, failed=st.booleans())
def test_in_minutes_the_zone_makes_no_difference(
    last: datetime, now: datetime, rotate_at: time, zone: str, *, failed: bool
) -> None:
    changes: dict[str, Any] = {"failed": failed, "now": now, "unit": IntervalUnit.MINUTES}
    expected = next_at(last.isoformat(), rotate_at_utc=rotate_at, interval=7, manual=True, **changes)
    assert next_in(zone, last.isoformat(), rotate_at, interval=7, manual=True, **changes) == expected


@given(last=instants, rotate_at=times, zone=zones, process=st.sampled_from(ZONES))
def test_in_a_zone_as_well_the_zone_of_the_process_does_not_matter(
    last: datetime, rotate_at: time, zone: str, process: str
) -> None:
    with process_zone("UTC0"):
        expected = next_in(zone, last.isoformat(), rotate_at, manual=True)
    with process_zone(process):
        assert next_in(zone, last.isoformat(), rotate_at, manual=True) == expected


# Spread ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spread", "expected"),
    [
        pytest.param(timedelta(0), timedelta(0), id="none"),
        pytest.param(timedelta(seconds=1), timedelta(0), id="less-than-a-whole-second"),
        pytest.param(timedelta(minutes=10), timedelta(seconds=453), id="minutes"),
        pytest.param(timedelta(hours=24), timedelta(seconds=65374), id="a-day"),
    ],
)
def test_an_offset_is_a_fixed_part_of_the_spread_in_whole_seconds(
    spread: timedelta, expected: timedelta
) -> None:
    """With the process's own hash it would differ after each restart."""
    assert spread_offset(spread, "uid-a") == expected


def test_objects_are_spread_evenly() -> None:
    hour = timedelta(hours=1)
    offsets = [spread_offset(hour, f"uid-{number}") for number in range(1000)]
    quarters = [sum(hour * part <= 4 * one < hour * (part + 1) for one in offsets) for part in range(4)]
    assert sum(quarters) == 1000
    assert min(quarters) > 200


UID_A = timedelta(minutes=45, seconds=23, microseconds=956417)  # of an hour


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        pytest.param(at("2026-03-10T09:00"), at("2026-03-10T09:00") + UID_A, id="before"),
        pytest.param(
            at("2026-03-10T08:59:59.999999") + UID_A, at("2026-03-10T09:00") + UID_A, id="just-before"
        ),
        pytest.param(at("2026-03-10T09:00") + UID_A, at("2026-03-10T10:00") + UID_A, id="at-it"),
        pytest.param(
            at("2026-03-10T09:00:00.000001") + UID_A, at("2026-03-10T10:00") + UID_A, id="just-after"
        ),
        pytest.param(at("1970-01-01T00:00"), at("1970-01-01T00:00") + UID_A, id="first-of-all"),
    ],
)
def test_an_object_is_probed_at_its_own_minute_of_each_hour(after: datetime, expected: datetime) -> None:
    assert next_probe_at(timedelta(hours=1), "uid-a", after=after) == expected


def test_another_object_and_another_interval_have_other_instants() -> None:
    nine, hour = at("2026-03-10T09:00"), timedelta(hours=1)
    assert next_probe_at(hour, "uid-b", after=nine) == at("2026-03-10T09:16:54.261395")
    assert next_probe_at(24 * hour, "uid-a", after=nine) == at("2026-03-10T18:09:34.954013")


def test_probes_are_spread_evenly() -> None:
    nine, hour = at("2026-03-10T09:00"), timedelta(hours=1)
    waits = [next_probe_at(hour, f"uid-{number}", after=nine) - nine for number in range(1000)]
    quarters = [sum(hour * part < 4 * one <= hour * (part + 1) for one in waits) for part in range(4)]
    assert sum(quarters) == 1000
    assert min(quarters) > 200


@pytest.mark.parametrize(
    ("last", "rotate_at", "offset", "is_before"),
    [
        pytest.param("2026-03-11T00:20", time(23, 30), 50, True, id="carried-over-midnight"),
        pytest.param("2026-03-11T00:25", time(23, 30), 50, True, id="and-a-little-late"),
        pytest.param("2026-03-10T23:50", time(23, 30), 20, False, id="not-carried-so-far"),
        pytest.param("2026-03-11T00:55", time(23, 30), 50, False, id="late-itself"),
        pytest.param("2026-03-11T00:00:10", time(0, 0), 0, False, id="at-midnight"),
        pytest.param("2026-03-11T00:00", time(0, 0), 50, False, id="at-the-very-midnight"),
        pytest.param("2026-03-11T00:00:10", time(0, 0), 50, False, id="at-midnight-and-spread-since"),
        pytest.param("2026-03-11T23:40", time(23, 30), 1430, False, id="after-the-time-of-day"),
        pytest.param("2026-03-11T11:00", time(12, 0), 1380, True, id="nearly-a-whole-day"),
        pytest.param("2026-03-11T00:10", time(23, 30), 50, False, id="before-it-can-have-been-due"),
    ],
)
def test_a_rotation_that_its_offset_carried_over_midnight_is_one_of_the_day_before(
    last: str, rotate_at: time, offset: int, *, is_before: bool
) -> None:
    minutes = timedelta(minutes=offset)
    found = day_of_schedule(at(last), rotate_at=rotate_at, zone=UTC, offset=minutes)
    assert found == (at(last) - minutes if is_before else at(last))


@pytest.mark.parametrize(
    ("last", "is_before"),
    [
        pytest.param("2026-07-01T22:10", True, id="after-midnight-there"),
        pytest.param("2026-07-01T21:50", False, id="before-midnight-there"),
        pytest.param("2026-07-02T00:10", False, id="after-midnight-in-utc"),
    ],
)
def test_midnight_is_that_of_the_zone(last: str, *, is_before: bool) -> None:
    hour = timedelta(hours=1)
    found = day_of_schedule(at(last), rotate_at=time(23, 0), zone=ZoneInfo(OSLO), offset=hour)
    assert found == (at(last) - hour if is_before else at(last))


def test_a_day_is_that_of_the_zone_by_its_clock_alone() -> None:
    """There it is half an hour past midnight; in UTC the time of day has come long ago."""
    offset = timedelta(hours=14, minutes=30)
    last = at("2026-07-01T15:30")
    found = day_of_schedule(last, rotate_at=time(10, 0), zone=ZoneInfo("Asia/Tokyo"), offset=offset)
    assert found == last - offset


@given(
    last=instants,
    rotate_at=times,
    zone=zones,
    offset=st.integers(0, 86399).map(lambda seconds: timedelta(seconds=seconds)),
    delay=st.integers(0, 10).map(lambda seconds: timedelta(seconds=seconds)),
)
def test_a_spread_never_changes_how_many_days_lie_between_scheduled_rotations(
    last: datetime, rotate_at: time, zone: str, offset: timedelta, delay: timedelta
) -> None:
    there = ZoneInfo(zone)

    def following(base: datetime) -> datetime:
        found = next_in(zone, base.isoformat(), rotate_at, interval=7)
        assert found is not None
        return found

    due = following(last)
    # A time of day that was left out may fall on the day after: then that day counts.
    assume(due.astimezone(there).time() == rotate_at)
    ran_at = due + offset + delay
    # What was late itself by midnight counts for the day on which it ran.
    assume((due + offset).astimezone(there).date() == ran_at.astimezone(there).date())
    base = day_of_schedule(ran_at, rotate_at=rotate_at, zone=there, offset=offset)
    day, day_after = due.astimezone(there).date(), base.astimezone(there).date()
    assert day_after == day
    assert following(base) == following(due)


# Retries ---------------------------------------------------------------------------------------

# 0.75665..., so that a wait is about 19 per cent longer.
FRACTION = int(sha256(b"uid-a").hexdigest()[:8], 16) / 4_294_967_296


@pytest.mark.parametrize(
    ("failures", "minutes"),
    [(-3, 1), (0, 1), (1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 32), (7, 60), (8, 60), (9**9, 60)],
)
def test_retries_come_after_doubling_waits_up_to_an_hour(failures: int, minutes: int) -> None:
    expected = timedelta(minutes=minutes) * (1 + FRACTION / 4)
    assert retry_delay(failed_attempts=failures, uid="uid-a") == expected


def test_objects_that_failed_together_come_back_apart() -> None:
    waits = {retry_delay(failed_attempts=7, uid=f"uid-{number}") for number in range(100)}
    assert len(waits) == 100
    assert timedelta(hours=1) <= min(waits) < timedelta(minutes=61)
    assert timedelta(minutes=74) < max(waits) < timedelta(minutes=75)


def test_no_object_backs_off_for_longer_than_the_longest() -> None:
    assert timedelta(minutes=75) == LONGEST_BACK_OFF
    assert all(
        retry_delay(failed_attempts=9**9, uid=f"uid-{number}") < LONGEST_BACK_OFF
        for number in range(1000)
    )


TICK = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("ahead", "is_waited_for"),
    [
        pytest.param(None, False, id="none"),
        pytest.param(-TICK, False, id="past"),
        pytest.param(timedelta(0), False, id="now"),
        pytest.param(TICK, True, id="soon"),
        pytest.param(timedelta(minutes=7), True, id="as-far-as-it-can-be"),
        pytest.param(timedelta(minutes=7) + TICK, False, id="further-than-it-can-be"),
        pytest.param(timedelta(days=365), False, id="next-year"),
    ],
)
def test_an_instant_is_waited_for_unless_the_clock_was_set_back(
    ahead: timedelta | None, *, is_waited_for: bool
) -> None:
    now = at("2026-11-23T09:30")
    instant = now + ahead if ahead is not None else None
    assert is_ahead(instant, now, at_most=timedelta(minutes=7)) is is_waited_for


def test_a_fraction_is_fixed_for_each_object() -> None:
    assert fraction_of("uid-a") == 0.7566545603331178
    assert fraction_of("6b0c7f6e-rotation") == 0.6970685184933245


def test_fractions_are_evenly_spread() -> None:
    fractions = [fraction_of(f"uid-{number}") for number in range(1000)]
    tenths = [sum(1 for fraction in fractions if int(fraction * 10) == tenth) for tenth in range(10)]
    assert sum(tenths) == 1000
    assert all(70 < count < 130 for count in tenths)
