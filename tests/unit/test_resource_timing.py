"""When a rotation may happen, as people write it: durations, times of day, zones, windows, governors."""

from datetime import UTC, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth0_rotator.resource import (
    ConnectionSpec,
    ForeignRotation,
    Governor,
    RotationSpec,
    SpecInvalid,
    parse_spec,
)
from auth0_rotator.resource.timing import (
    RotateAt,
    RotationWindow,
    WindowKind,
    between,
    duration_schema,
    parse_duration,
)
from examples import spec_body

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def spec(**changes: Any) -> RotationSpec:
    return parse_spec(RotationSpec, spec_body(**changes))


def fault_of(**changes: Any) -> str:
    with pytest.raises(SpecInvalid) as fault:
        spec(**changes)
    return str(fault.value)


def window(**changes: Any) -> dict[str, Any]:
    return {"kind": "allow", "schedule": "0 2 * * *", "duration": "2h"} | changes


def window_fault(**changes: Any) -> str:
    """Return what is said of a window, without where it stands."""
    return fault_of(rotationWindows=[window(**changes)]).removeprefix("spec.rotationWindows.0.")


# Durations -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("0s", timedelta(0), id="nothing"),
        pytest.param("90s", timedelta(seconds=90), id="seconds"),
        pytest.param("30m", 30 * MINUTE, id="minutes"),
        pytest.param("24h", 24 * HOUR, id="hours"),
        pytest.param("250ms", timedelta(milliseconds=250), id="milliseconds"),
        pytest.param("1h30m", 90 * MINUTE, id="two-parts"),
        pytest.param("1h2m3s4ms", timedelta(seconds=3723, milliseconds=4), id="all-parts"),
        pytest.param("1.5h", 90 * MINUTE, id="a-fraction"),
        pytest.param("30m1h", 90 * MINUTE, id="in-any-order"),
        pytest.param("1h1h", 2 * HOUR, id="a-unit-twice"),
        pytest.param(timedelta(seconds=7), timedelta(seconds=7), id="parsed-already"),
    ],
)
def test_a_duration_is_written_as_in_go(text: object, expected: timedelta) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "5", "h", "-1h", "+1h", "1 h", "1d", "1H", "1us", "5m3", ".5h", "1.h", "1..5h"),
        *("1h\n", " 1h", "\u0661h", "infh", "nanh", "1e3s", "1," + "5h", "9" * 31 + "h", "0" * 32 + "s"),
        *(None, 5, 5.0, True, ["1h"], {"h": 1}),
    ],
    ids=repr,
)
def test_what_is_no_duration_is_refused_in_one_sentence(text: object) -> None:
    with pytest.raises(ValueError, match="a duration is written as 90s, 30m, 24h or 1h30m"):
        parse_duration(text)


@given(st.integers(0, 99), st.integers(0, 999), st.integers(0, 9999), st.integers(0, 999))
def test_the_parts_of_a_duration_are_added(hours: int, minutes: int, seconds: int, ms: int) -> None:
    expected = timedelta(hours=hours, minutes=minutes, seconds=seconds, milliseconds=ms)
    assert parse_duration(f"{hours}h{minutes}m{seconds}s{ms}ms") == expected


@pytest.mark.parametrize(
    ("field", "least", "below", "most", "above"),
    [
        pytest.param("spread", "0s", None, "24h", "24h1ms", id="spread"),
        pytest.param("nextSecretLeadTime", "1s", "999ms", "744h", "744h1s", id="lead-time"),
        pytest.param("noticeBefore", "1s", "999ms", "744h", "744h1s", id="notice"),
    ],
)
def test_a_duration_of_a_rotation_is_limited(
    field: str, least: str, below: str | None, most: str, above: str
) -> None:
    assert spec(**{field: least})
    assert spec(**{field: most})
    message = f"spec.{field}: this duration is limited: from {least} to {most}"
    assert [fault_of(**{field: wrong}) for wrong in (below, above) if wrong] == [message] * (
        2 if below else 1
    )


def test_a_duration_that_is_none_is_told_with_its_field() -> None:
    expected = "spec.spread: a duration is written as 90s, 30m, 24h or 1h30m"
    assert fault_of(spread="a while") == expected
    assert fault_of(spread=3600) == expected


# A time of day in a zone -----------------------------------------------------------------------


SHAPE = r"self.matches('^([0-9]+(\\.[0-9]+)?(h|m|s|ms))+$')"


def test_the_crd_limits_a_duration_as_the_operator_does() -> None:
    fits = "duration(self) >= duration('1m') && duration(self) <= duration('2h')"
    assert duration_schema("1m", "2h").json_schema == {
        "type": "string",
        "maxLength": 32,
        "x-kubernetes-validations": [
            {"rule": SHAPE, "message": "a duration is written as 90s, 30m, 24h or 1h30m"},
            {
                "rule": f"!{SHAPE} || {fits}",
                "message": "this duration is limited: from 1m to 2h",
            },
        ],
    }


@pytest.mark.parametrize(
    ("value", "is_within"),
    [
        pytest.param("59s", False, id="too-little"),
        pytest.param("1m", True, id="least"),
        pytest.param("2h", True, id="most"),
        pytest.param("2h1ms", False, id="too-much"),
    ],
)
def test_a_duration_lies_between_two_others(
    value: str,
    is_within: bool,  # noqa: FBT001 - a column of the table
) -> None:
    check: Any = between("1m", "2h").func
    duration = parse_duration(value)
    if is_within:
        assert check(duration) == duration
        return
    with pytest.raises(ValueError, match=r"^this duration is limited: from 1m to 2h$"):
        check(duration)


def test_without_any_time_a_rotation_comes_at_midnight_in_utc() -> None:
    assert (spec().time_of_day, spec().zone) == (time(0, 0), UTC)


def test_a_time_of_day_is_that_of_its_zone() -> None:
    found = spec(rotateAt={"time": "03:30", "timeZone": "Europe/Oslo"})
    assert (found.time_of_day, found.zone) == (time(3, 30), ZoneInfo("Europe/Oslo"))
    in_utc = spec(rotateAtUtc={"hours": 14, "minutes": 5})
    assert (in_utc.time_of_day, in_utc.zone) == (time(14, 5), UTC)


def test_only_one_time_of_day_can_be_said() -> None:
    assert (
        fault_of(rotateAt={"time": "03:30", "timeZone": "Europe/Oslo"}, rotateAtUtc={"hours": 3})
        == "spec: rotateAt and rotateAtUtc exclude each other: set one of them"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [("00:00", time(0, 0)), ("09:05", time(9, 5)), ("19:59", time(19, 59)), ("23:59", time(23, 59))],
)
def test_a_clock_shows_hours_and_minutes(text: str, expected: time) -> None:
    assert parse_spec(RotateAt, {"time": text, "timeZone": "UTC"}).time_of_day == expected


@pytest.mark.parametrize("text", ["24:00", "23:60", "03.30", "aa:bb", "-3:30", "0330h"])
def test_what_no_clock_shows_is_refused(text: str) -> None:
    found = fault_of(rotateAt={"time": text, "timeZone": "UTC"})
    assert found == ("spec.rotateAt.time: a time of day is written as 03:30, from 00:00 to 23:59")


@pytest.mark.parametrize("text", ["", "3:30", "03:30:00", "03:30\n"], ids=repr)
def test_a_time_of_day_has_five_characters(text: str) -> None:
    found = fault_of(rotateAt={"time": text, "timeZone": "UTC"})
    assert found.startswith("spec.rotateAt.time: string should have at ")


@pytest.mark.parametrize(
    "name",
    [
        *("UTC", "Europe/Oslo", "America/New_York", "America/Argentina/Buenos_Aires"),
        *("Australia/Lord_Howe", "Pacific/Apia", "Etc/GMT+5", "America/Port-au-Prince"),
    ],
)
def test_a_zone_is_a_name_of_the_database(name: str) -> None:
    found = parse_spec(RotateAt, {"time": "03:30", "timeZone": name})
    assert found.zone == ZoneInfo(name)


@pytest.mark.parametrize(
    "name",
    [
        *("Local", "EST", "CET", "GMT", "+02:00", "europe/oslo", "Europe/Oslo ", "Europe/Oslo\n"),
        *("Europe/Olso", "Europe/oslo", "America/Argentina", "Mars/Base", "../Europe/Oslo"),
        *("Europe//Oslo", "Europe/../Europe/Oslo", "/Europe/Oslo", "posix/Europe/Oslo"),
    ],
    ids=repr,
)
def test_what_is_no_name_of_the_database_is_refused(name: str) -> None:
    """Local and +02:00 are zones to the API server; here they are names that some day mean another
    thing."""
    assert fault_of(rotateAt={"time": "03:30", "timeZone": name}) == (
        "spec.rotateAt.timeZone: timeZone must be UTC or a name of the IANA time zone database with its "
        "region, such as Europe/Oslo"
    )


# Windows ---------------------------------------------------------------------------------------


def test_a_window_is_read_in_utc_unless_it_says_where() -> None:
    there = window(kind="deny", timeZone="Europe/Oslo")
    assert spec(rotationWindows=[window(), there]).rotation_windows == [
        RotationWindow(kind=WindowKind.ALLOW, schedule="0 2 * * *", duration=2 * HOUR, time_zone="UTC"),
        RotationWindow(
            kind=WindowKind.DENY, schedule="0 2 * * *", duration=2 * HOUR, time_zone="Europe/Oslo"
        ),
    ]


def test_no_windows_differ_from_none_of_ones_own() -> None:
    """An empty list takes back what the connection says; absence follows it."""
    assert spec().rotation_windows is None
    assert spec(rotationWindows=[]).rotation_windows == []


@pytest.mark.parametrize(("count", "is_valid"), [(16, True), (17, False)])
def test_there_are_sixteen_windows_at_most(count: int, *, is_valid: bool) -> None:
    many = [window()] * count
    if is_valid:
        assert len(spec(rotationWindows=many).rotation_windows or ()) == count
    else:
        assert fault_of(rotationWindows=many).startswith("spec.rotationWindows: ")


@pytest.mark.parametrize("name", ["kind", "schedule", "duration"])
def test_a_window_says_all_that_it_needs(name: str) -> None:
    some = {key: value for key, value in window().items() if key != name}
    assert fault_of(rotationWindows=[some]) == f"spec.rotationWindows.0.{name}: field required"


@pytest.mark.parametrize(
    "schedule",
    [
        *("0 2 * * *", "* * * * *", "*/5 0-6,22 * * *", "0 0 1,15 * *", "0 22 * * MON-FRI"),
        *("0 0 L * *", "0 0 * * 5#2", "0 0 29 2 *", "0 0 * JAN sun", "0 0 * * 7"),
    ],
)
def test_a_schedule_is_a_cron_expression(schedule: str) -> None:
    assert spec(rotationWindows=[window(schedule=schedule)])


FIVE_FIELDS = (
    "schedule: schedule must be a cron expression of five fields with one blank between them: minute, "
    "hour, day of the month, month, day of the week"
)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        pytest.param("0 2 * * * *", FIVE_FIELDS, id="seconds"),
        pytest.param("0 12 * *  ", FIVE_FIELDS, id="four-fields"),
        pytest.param("0  2 * * *", FIVE_FIELDS, id="two-blanks"),
        pytest.param("0\t2 * * *", FIVE_FIELDS, id="tab"),
        pytest.param("0 2 * * *\n", FIVE_FIELDS, id="line-break"),
        pytest.param("@midnight", FIVE_FIELDS, id="a-word"),
        pytest.param("TZ=UTC 0 2 * * *", FIVE_FIELDS, id="a-zone"),
        pytest.param("60 2 * * *", "schedule: schedule is no cron expression: bad minute", id="minute"),
        pytest.param("0 24 * * *", "schedule: schedule is no cron expression: bad hour", id="hour"),
        pytest.param(
            "0 2 30 2 *", "schedule: schedule is no cron expression: bad day-of-month", id="no-such-day"
        ),
        pytest.param("0 2 * 13 *", "schedule: schedule is no cron expression: bad month", id="month"),
        pytest.param(
            "0 2 * * 8", "schedule: schedule is no cron expression: bad day-of-week", id="weekday"
        ),
        pytest.param("*/0 2 * * *", "schedule: schedule is no cron expression: bad minute", id="step"),
        pytest.param("5-1 2 * * *", "schedule: schedule is no cron expression: bad minute", id="range"),
    ],
)
def test_what_is_no_schedule_is_refused(schedule: str, expected: str) -> None:
    assert window_fault(schedule=schedule) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param(
            {"duration": "59s"}, "duration: this duration is limited: from 1m to 744h", id="too-short"
        ),
        pytest.param(
            {"duration": "745h"}, "duration: this duration is limited: from 1m to 744h", id="too-long"
        ),
        pytest.param({"kind": "Allow"}, "kind: input should be 'allow' or 'deny'", id="kind"),
    ],
)
def test_a_window_that_makes_no_sense_is_refused(changes: dict[str, Any], expected: str) -> None:
    assert window_fault(**changes) == expected


@pytest.mark.parametrize("duration", ["1m", "744h"])
def test_a_window_is_open_from_a_minute_to_a_month(duration: str) -> None:
    assert spec(rotationWindows=[window(duration=duration)])


# What else a rotation says ---------------------------------------------------------------------


def test_by_default_nothing_is_spread_told_or_first() -> None:
    found = spec()
    assert (found.spread, found.notice_before, found.canary) == (timedelta(0), None, False)


def test_spread_notice_and_canary_are_read() -> None:
    found = spec(spread="1h30m", noticeBefore="24h", canary=True)
    assert (found.spread, found.notice_before, found.canary) == (90 * MINUTE, 24 * HOUR, True)


# Connections -----------------------------------------------------------------------------------


def connected(**changes: Any) -> ConnectionSpec:
    body = {"domain": "acme.eu.auth0.com", "credentialsSecretRef": {"name": "credentials"}}
    return parse_spec(ConnectionSpec, body | changes)


def test_by_default_a_connection_limits_nothing() -> None:
    assert (connected().rotation_windows, connected().governor) == (None, None)
    assert connected().foreign_rotation is None


def test_a_governor_limits_something() -> None:
    """Catches an operator that accepts what the API server refuses."""
    with pytest.raises(SpecInvalid, match="at least one of minSpacing, maxPerHour and openAfterFail"):
        parse_spec(Governor, {})


def test_a_connection_has_windows_and_a_governor() -> None:
    found = connected(
        rotationWindows=[window()],
        governor={"minSpacing": "5m", "maxPerHour": 10, "openAfterFailures": 3},
    )
    assert [one.schedule for one in found.rotation_windows or ()] == ["0 2 * * *"]
    assert found.governor == Governor(min_spacing=5 * MINUTE, max_per_hour=10, open_after_failures=3)


@pytest.mark.parametrize(
    ("field", "right", "wrong"),
    [
        pytest.param("maxPerHour", [1, 10000], [0, 10001, -1, 1.5, "5", True], id="per-hour"),
        pytest.param("openAfterFailures", [1, 1000], [0, 1001, -1, 1.5, "5", True], id="failures"),
        pytest.param("minSpacing", ["1s", "744h"], ["0s", "745h", "-1s", 5], id="spacing"),
    ],
)
def test_a_governor_is_limited_itself(field: str, right: list[Any], wrong: list[Any]) -> None:
    for value in right:
        assert connected(governor={field: value}).governor
    for value in wrong:
        with pytest.raises(SpecInvalid, match=rf"spec\.governor\.{field}: "):
            connected(governor={field: value})


def test_a_connection_says_how_often_values_are_probed_and_adopts_nothing_by_itself() -> None:
    found = connected(foreignRotation={"probeInterval": "24h"}).foreign_rotation
    assert found == ForeignRotation(probe_interval=24 * HOUR, adopt=False)
    found = connected(foreignRotation={"probeInterval": "1m", "adopt": True}).foreign_rotation
    assert found == ForeignRotation(probe_interval=MINUTE, adopt=True)
    assert connected(foreignRotation={"probeInterval": "744h"}).foreign_rotation


@pytest.mark.parametrize(
    ("foreign", "place"),
    [
        pytest.param({}, "probeInterval: ", id="no-interval"),
        pytest.param({"adopt": True}, "probeInterval: ", id="adoption-alone"),
        pytest.param({"probeInterval": "59s"}, "probeInterval: this duration", id="too-often"),
        pytest.param({"probeInterval": "745h"}, "probeInterval: this duration", id="too-rare"),
        pytest.param({"probeInterval": "1h", "adopt": "yes"}, "adopt: ", id="a-word"),
    ],
)
def test_what_makes_no_sense_about_foreign_rotations_is_refused(
    foreign: dict[str, Any], place: str
) -> None:
    with pytest.raises(SpecInvalid, match=rf"spec\.foreignRotation\.{place}"):
        connected(foreignRotation=foreign)
