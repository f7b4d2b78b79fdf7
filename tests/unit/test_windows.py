"""When windows are open: tables for what allows and denies, midnight and clock changes; what always
holds."""

import weakref
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auth0_rotator.resource import RotationWindow
from auth0_rotator.windows import _last_answer, next_opening

OSLO: Final = "Europe/Oslo"
NEW_YORK: Final = "America/New_York"
LORD_HOWE: Final = "Australia/Lord_Howe"
TICK: Final = timedelta(microseconds=1)


def window(kind: str, schedule: str, duration: str, zone: str = "UTC") -> RotationWindow:
    body = {"kind": kind, "schedule": schedule, "duration": duration, "timeZone": zone}
    return RotationWindow.model_validate(body)


def allow(schedule: str, duration: str, zone: str = "UTC") -> RotationWindow:
    return window("allow", schedule, duration, zone)


def deny(schedule: str, duration: str, zone: str = "UTC") -> RotationWindow:
    return window("deny", schedule, duration, zone)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def opens(windows: list[RotationWindow], after: str) -> datetime | None:
    return next_opening(windows, at(after))


# One window ------------------------------------------------------------------------------------

NIGHT = [allow("0 2 * * *", "90m")]
LATE = [allow("30 22 * * *", "4h")]
WEEKEND = [allow("0 0 * * 6", "48h")]


@pytest.mark.usefixtures("far_from_utc")
@pytest.mark.parametrize(
    ("windows", "after"),
    [
        pytest.param([allow("0 2 * * *", "90m")], "01:30", id="allowed-later"),
        pytest.param([allow("0 1 * * *", "90m")], "02:00", id="allowed-now"),
        pytest.param([deny("0 1 * * *", "1h")], "01:30", id="denied-now"),
    ],
)
def test_an_opening_is_told_in_utc_wherever_the_process_lives(
    windows: list[RotationWindow], after: str
) -> None:
    """It is written with a Z."""
    found = next_opening(windows, at(f"2026-11-23T{after}").astimezone(ZoneInfo(OSLO)))
    assert found is not None
    assert found.isoformat() == "2026-11-23T02:00:00+00:00"


def test_without_windows_every_instant_is_open() -> None:
    assert next_opening([], at("2026-11-23T09:30:15.250")) == at("2026-11-23T09:30:15.250")


@pytest.mark.parametrize(
    ("windows", "after", "expected"),
    [
        pytest.param(NIGHT, "2026-11-23T01:59:59.999", "2026-11-23T02:00", id="just-before"),
        pytest.param(NIGHT, "2026-11-23T02:00", "2026-11-23T02:00", id="as-it-opens"),
        pytest.param(NIGHT, "2026-11-23T02:00:00.000001", "2026-11-23T02:00:00.000001", id="just-after"),
        pytest.param(NIGHT, "2026-11-23T03:29:59.999", "2026-11-23T03:29:59.999", id="just-open"),
        pytest.param(NIGHT, "2026-11-23T03:30", "2026-11-24T02:00", id="as-it-closes"),
        pytest.param(NIGHT, "2026-12-31T12:00", "2027-01-01T02:00", id="over-a-year-end"),
        pytest.param(NIGHT, "2028-02-28T12:00", "2028-02-29T02:00", id="into-a-leap-day"),
        pytest.param(LATE, "2026-11-23T22:29", "2026-11-23T22:30", id="before-midnight"),
        pytest.param(LATE, "2026-11-24T00:00", "2026-11-24T00:00", id="over-midnight"),
        pytest.param(LATE, "2026-11-24T02:29:59", "2026-11-24T02:29:59", id="long-after-midnight"),
        pytest.param(LATE, "2026-11-24T02:30", "2026-11-24T22:30", id="closed-after-midnight"),
        pytest.param(LATE, "2026-12-31T23:59:59", "2026-12-31T23:59:59", id="last-second-of-a-year"),
        pytest.param(LATE, "2027-01-01T01:00", "2027-01-01T01:00", id="open-over-a-year-end"),
        pytest.param(WEEKEND, "2026-11-27T23:59", "2026-11-28T00:00", id="longer-than-a-day"),
        pytest.param(WEEKEND, "2026-11-29T23:59", "2026-11-29T23:59", id="on-its-second-day"),
        pytest.param(WEEKEND, "2026-11-30T00:00", "2026-12-05T00:00", id="over-a-month-end"),
        pytest.param(
            [allow("0 0 29 2 *", "1h")], "2096-02-29T01:00", "2104-02-29T00:00", id="eight-years-ahead"
        ),
        pytest.param(
            [allow("0 0 L * *", "1h")], "2028-02-01T00:00", "2028-02-29T00:00", id="last-of-a-month"
        ),
        pytest.param(
            [allow("0 0 1 * *", "744h")], "2026-12-31T23:59", "2026-12-31T23:59", id="a-whole-month"
        ),
    ],
)
def test_an_allowing_window_is_open_from_its_start_until_just_before_its_end(
    windows: list[RotationWindow], after: str, expected: str
) -> None:
    assert opens(windows, after) == at(expected)


DENIED_NIGHT = [deny("0 2 * * *", "90m")]


@pytest.mark.parametrize(
    ("windows", "after", "expected"),
    [
        pytest.param(DENIED_NIGHT, "2026-11-23T01:59:59", "2026-11-23T01:59:59", id="just-before"),
        pytest.param(DENIED_NIGHT, "2026-11-23T02:00", "2026-11-23T03:30", id="as-it-begins"),
        pytest.param(DENIED_NIGHT, "2026-11-23T03:29:59.9", "2026-11-23T03:30", id="just-denied"),
        pytest.param(DENIED_NIGHT, "2026-11-23T03:30", "2026-11-23T03:30", id="as-it-ends"),
        pytest.param(
            [deny("0 22 * * *", "4h")], "2026-12-31T23:00", "2027-01-01T02:00", id="over-night"
        ),
        pytest.param(
            [deny("0 0 20 12 *", "336h")], "2026-12-24T12:00", "2027-01-03T00:00", id="the-holidays"
        ),
        pytest.param(
            [deny("*/10 2 * * *", "30m")], "2026-11-23T02:05", "2026-11-23T03:20", id="renewed-in-time"
        ),
        pytest.param(
            [deny("0 9 * * *", "2h"), deny("0 10 * * *", "3h")],
            "2026-11-23T09:30",
            "2026-11-23T13:00",
            id="two-that-overlap",
        ),
        pytest.param(
            [deny("0 9 * * *", "1h"), deny("0 10 * * *", "1h")],
            "2026-11-23T09:30",
            "2026-11-23T11:00",
            id="two-that-follow-each-other",
        ),
        pytest.param(
            [deny("0 9 * * *", "5h"), deny("0 10 * * *", "1h")],
            "2026-11-23T10:30",
            "2026-11-23T14:00",
            id="one-within-the-other",
        ),
    ],
)
def test_a_denying_window_ends_when_the_last_that_denies_ends(
    windows: list[RotationWindow], after: str, expected: str
) -> None:
    assert opens(windows, after) == at(expected)


# Together --------------------------------------------------------------------------------------

NIGHT_BUT = [allow("0 2 * * *", "4h"), deny("0 3 * * *", "1h")]


@pytest.mark.parametrize(
    ("windows", "after", "expected"),
    [
        pytest.param(NIGHT_BUT, "2026-11-23T01:00", "2026-11-23T02:00", id="before-both"),
        pytest.param(NIGHT_BUT, "2026-11-23T03:00", "2026-11-23T04:00", id="denied-amid"),
        pytest.param(NIGHT_BUT, "2026-11-23T05:00", "2026-11-23T05:00", id="open-again"),
        pytest.param(NIGHT_BUT, "2026-11-23T06:00", "2026-11-24T02:00", id="after-both"),
        pytest.param(
            [allow("0 2 * * *", "1h"), deny("30 1 * * *", "1h")],
            "2026-11-23T01:00",
            "2026-11-23T02:30",
            id="denied-as-it-opens",
        ),
        pytest.param(
            [allow("0 2 * * *", "1h"), deny("30 2 * * *", "8h")],
            "2026-11-23T02:45",
            "2026-11-24T02:00",
            id="denied-beyond-its-end",
        ),
        pytest.param(
            [allow("0 2 * * *", "1h"), deny("0 0 * * 1-5", "24h")],
            "2026-11-23T02:15",
            "2026-11-28T02:00",
            id="denied-on-working-days",
        ),
        pytest.param(
            [allow("0 20 * * *", "1h"), allow("0 2 * * *", "1h")],
            "2026-11-23T03:00",
            "2026-11-23T20:00",
            id="whichever-allows-first",
        ),
        pytest.param(
            [allow("0 2 * * *", "1h"), allow("0 20 * * *", "1h")],
            "2026-11-23T20:30",
            "2026-11-23T20:30",
            id="any-that-allows",
        ),
        pytest.param(
            [allow("0 2 * * *", "1h", OSLO), deny("0 2 * * *", "30m")],
            "2026-11-23T00:00",
            "2026-11-23T01:00",
            id="each-in-its-zone",
        ),
    ],
)
def test_what_denies_wins_over_what_allows(
    windows: list[RotationWindow], after: str, expected: str
) -> None:
    assert opens(windows, after) == at(expected)
    assert opens(windows[::-1], after) == at(expected)


@pytest.mark.parametrize(
    "windows",
    [
        pytest.param([deny("* * * * *", "1m")], id="always-denied"),
        pytest.param([deny("0 0 1 * *", "744h")], id="every-month-denied"),
        pytest.param([allow("0 2 * * *", "1h"), deny("0 2 * * *", "1h")], id="allowed-in-vain"),
        pytest.param([allow("0 0 29 2 *", "1h"), deny("0 0 * * *", "2h")], id="rarely-and-in-vain"),
        pytest.param([allow("0 0 */3 2 1#5", "1h")], id="no-such-day"),
        pytest.param([allow("0 0 * 2 1#5", "1h")], id="not-before-2044"),
    ],
)
def test_windows_that_never_open_are_told_as_such(windows: list[RotationWindow]) -> None:
    assert opens(windows, "2026-11-23T09:30") is None


def test_what_was_not_found_is_not_looked_for_again_for_a_year() -> None:
    """It takes most of a second, and a thousand rotations may ask."""
    never = (allow("30 2 1 1 *", "1h"), deny("30 2 1 1 *", "1h"))
    begin = at("2026-11-23T09:30")
    for days in (0, 1, 366):
        assert next_opening(never, begin + timedelta(days=days)) is None
        assert _last_answer(never).asked == begin
    assert next_opening(never, begin + timedelta(days=367)) is None
    assert _last_answer(never).asked == begin + timedelta(days=367)


def test_windows_that_follow_each_other_for_weeks_are_looked_through() -> None:
    """Catches a search that gives up after some steps and calls the windows closed for ever."""
    assert opens([deny("* * 1-30 * *", "1m")], "2026-11-29T12:00") == at("2026-12-31T00:00")


def test_a_window_that_never_begins_denies_nothing() -> None:
    assert opens([deny("0 0 */3 2 1#5", "1h")], "2026-11-23T09:30") == at("2026-11-23T09:30")


# Clock changes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("windows", "after", "expected"),
    [
        pytest.param(
            [allow("30 2 * * *", "20m", OSLO)],
            "2026-03-28T12:00",
            "2026-03-29T01:00",
            id="oslo-opens-after-it",
        ),
        pytest.param(
            [allow("30 2 * * *", "20m", OSLO)],
            "2026-03-29T00:59:59.5",
            "2026-03-29T01:00",
            id="oslo-in-the-last-second",
        ),
        pytest.param(
            [allow("30 2 * * *", "20m", OSLO)],
            "2026-03-29T01:19:59",
            "2026-03-29T01:19:59",
            id="oslo-lasts-as-long-as-ever",
        ),
        pytest.param(
            [allow("30 2 * * *", "20m", OSLO)],
            "2026-03-29T01:20",
            "2026-03-30T00:30",
            id="oslo-closed",
        ),
        pytest.param(
            [allow("30 1 * * *", "2h", OSLO)],
            "2026-03-29T02:29:59",
            "2026-03-29T02:29:59",
            id="oslo-open-across-it",
        ),
        pytest.param(
            [allow("30 1 * * *", "2h", OSLO)],
            "2026-03-29T02:30",
            "2026-03-29T23:30",
            id="oslo-closed-after-it",
        ),
        pytest.param(
            [deny("30 2 * * *", "20m", NEW_YORK)],
            "2026-03-08T07:05",
            "2026-03-08T07:20",
            id="new-york-denied-after-it",
        ),
        pytest.param(
            [allow("15 2 * * *", "20m", LORD_HOWE)],
            "2026-10-03T12:00",
            "2026-10-03T15:30",
            id="howe-opens-after-it",
        ),
        pytest.param(
            [allow("15 2 * * *", "20m", LORD_HOWE)],
            "2026-10-03T15:50",
            "2026-10-04T15:15",
            id="howe-closed",
        ),
        pytest.param(
            [allow("0 9 * * *", "1h", "Pacific/Apia")],
            "2011-12-29T20:30",
            "2011-12-30T10:00",
            id="apia-opens-after-the-day",
        ),
    ],
)
def test_a_start_that_a_clock_change_leaves_out_comes_right_after_it(
    windows: list[RotationWindow], after: str, expected: str
) -> None:
    assert opens(windows, after) == at(expected)


@pytest.mark.parametrize(
    ("windows", "after", "expected"),
    [
        pytest.param(
            [allow("30 2 * * *", "20m", OSLO)],
            "2026-10-24T12:00",
            "2026-10-25T00:30",
            id="oslo-opens-in-the-first",
        ),
        pytest.param(
            [allow("30 2 * * *", "20m", OSLO)],
            "2026-10-25T00:50",
            "2026-10-26T01:30",
            id="oslo-closed-after-the-first",
        ),
        pytest.param(
            [allow("30 2 * * *", "20m", OSLO)],
            "2026-10-25T01:35",
            "2026-10-26T01:30",
            id="oslo-not-in-the-second",
        ),
        pytest.param(
            [allow("30 2 * * *", "70m", OSLO)],
            "2026-10-25T01:10",
            "2026-10-25T01:10",
            id="oslo-open-into-the-second",
        ),
        pytest.param(
            [allow("30 2 * * *", "70m", OSLO)],
            "2026-10-25T01:39:59",
            "2026-10-25T01:39:59",
            id="oslo-open-past-its-own-time",
        ),
        pytest.param(
            [allow("30 2 * * *", "70m", OSLO)],
            "2026-10-25T01:40",
            "2026-10-26T01:30",
            id="oslo-closed-in-the-second",
        ),
        pytest.param(
            [allow("50 2 * * *", "70m", OSLO)],
            "2026-10-25T01:10",
            "2026-10-25T01:10",
            id="oslo-open-before-its-own-time-comes-again",
        ),
        pytest.param(
            [allow("30 2,4 * * *", "40m", OSLO)],
            "2026-10-25T01:05",
            "2026-10-25T01:05",
            id="oslo-a-later-start-does-not-hide-it",
        ),
        pytest.param(
            [allow("0 1 * * *", "4h", OSLO)],
            "2026-10-25T02:59:59",
            "2026-10-25T02:59:59",
            id="oslo-open-across-both",
        ),
        pytest.param(
            [deny("30 1 * * *", "50m", NEW_YORK)],
            "2026-11-01T06:10",
            "2026-11-01T06:20",
            id="new-york-denied-into-the-second",
        ),
        pytest.param(
            [allow("45 1 * * *", "20m", LORD_HOWE)],
            "2026-04-04T12:00",
            "2026-04-04T14:45",
            id="howe-opens-in-the-first",
        ),
        pytest.param(
            [allow("45 1 * * *", "20m", LORD_HOWE)],
            "2026-04-04T15:04:59",
            "2026-04-04T15:04:59",
            id="howe-open-into-the-second",
        ),
        pytest.param(
            [allow("45 1 * * *", "20m", LORD_HOWE)],
            "2026-04-04T15:16",
            "2026-04-05T15:15",
            id="howe-not-in-the-second",
        ),
    ],
)
def test_a_start_that_comes_twice_opens_once_the_first_time(
    windows: list[RotationWindow], after: str, expected: str
) -> None:
    assert opens(windows, after) == at(expected)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        pytest.param("2026-10-25T00:15", "2026-10-25T00:30", id="first-time"),
        pytest.param("2026-10-25T00:45", "2026-10-25T01:00", id="between"),
        pytest.param("2026-10-25T01:15", "2026-10-25T01:30", id="second-time"),
        pytest.param("2026-10-25T01:05", "2026-10-25T01:05", id="open-the-second-time"),
        pytest.param("2026-03-29T00:45", "2026-03-29T01:00", id="left-out"),
    ],
)
def test_a_window_of_every_half_hour_opens_every_half_hour(after: str, expected: str) -> None:
    """A star in the minutes goes by elapsed time, as in cron."""
    assert opens([allow("*/30 * * * *", "10m", OSLO)], after) == at(expected)


# What always holds -----------------------------------------------------------------------------

ZONES = ["UTC", OSLO, NEW_YORK, LORD_HOWE, "America/Nuuk", "Asia/Kathmandu"]
kinds, zones = st.sampled_from(["allow", "deny"]), st.sampled_from(ZONES)
schedules = st.one_of(
    st.builds("{} {} * * *".format, st.integers(0, 59), st.integers(0, 23)),
    st.builds("{} {} * * {}".format, st.integers(0, 59), st.integers(0, 23), st.integers(0, 6)),
)
steps = st.builds("*/{} * * * *".format, st.sampled_from([10, 20, 30]))
windows_ = st.one_of(
    st.builds(window, kinds, schedules, st.integers(1, 600).map("{}m".format), zones),
    st.builds(window, kinds, steps, st.integers(1, 9).map("{}m".format), zones),
)
# Around the clock changes of 2026, which are what goes wrong.
instants = st.one_of(
    st.datetimes(datetime(2026, 1, 1), datetime(2028, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
    st.datetimes(datetime(2026, 3, 28), datetime(2026, 3, 30), timezones=st.just(UTC)),  # noqa: DTZ001
    st.datetimes(datetime(2026, 10, 24), datetime(2026, 11, 2), timezones=st.just(UTC)),  # noqa: DTZ001
)


@settings(max_examples=50)
@given(windows=st.lists(windows_, max_size=3), after=instants)
def test_an_opening_is_open_and_nothing_before_it_is(
    windows: list[RotationWindow], after: datetime
) -> None:
    found = next_opening(windows, after)
    if found is None:
        return
    assert found >= after
    assert next_opening(windows, found) == found
    if found > after:
        assert next_opening(windows, found - TICK) == found
        assert next_opening(windows, after + (found - after) / 2) == found


@settings(max_examples=50)
@given(windows=st.lists(windows_, min_size=1, max_size=3), asked=st.lists(instants, max_size=5))
def test_what_was_asked_before_makes_no_difference(
    windows: list[RotationWindow], asked: list[datetime]
) -> None:
    """Catches a remembered answer to another question. Said twice, windows mean the same."""
    for number, after in enumerate(asked, start=1):
        never_asked = windows + number * windows[:1]
        assert next_opening(windows, after) == next_opening(never_asked, after)


def test_what_nobody_asks_for_any_more_is_not_kept_for_ever() -> None:
    """Catches memory that grows with every connection whose windows are edited."""
    edited = allow("0 2 * * *", "1h")
    kept = weakref.ref(edited)
    assert opens([edited], "2026-11-23T09:30") == at("2026-11-24T02:00")
    del edited
    for number in range(1000):
        opens([allow(f"{number % 60} {number // 60} * * *", "2h")], "2026-11-23T09:30")
    assert kept() is None


@settings(max_examples=20)
@given(windows=st.lists(windows_, max_size=2), after=instants, zone=zones)
def test_the_offset_of_an_instant_does_not_matter(
    windows: list[RotationWindow], after: datetime, zone: str
) -> None:
    found = next_opening(windows, after.astimezone(ZoneInfo(zone)))
    assert found == next_opening(windows, after)
    assert found is None or found.utcoffset() == timedelta(0)


def minutes_open(hour: int, minute: int, minutes: int) -> Callable[[datetime], bool]:
    """Return whether an instant is in a daily window of UTC, worked out without any calendar."""
    start = hour * 60 + minute
    return lambda instant: (instant.hour * 60 + instant.minute - start) % 1440 < minutes


@given(
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
    minutes=st.integers(1, 1439),
    after=instants,
)
def test_a_daily_window_of_utc_is_open_by_the_hands_of_the_clock(
    hour: int, minute: int, minutes: int, after: datetime
) -> None:
    schedule, is_open = f"{minute} {hour} * * *", minutes_open(hour, minute, minutes)
    allowed = next_opening([allow(schedule, f"{minutes}m")], after)
    denied = next_opening([deny(schedule, f"{minutes}m")], after)
    assert (allowed == after) is is_open(after)
    assert (denied == after) is not is_open(after)
