"""When rotations come, one after the other: limits, what is due next, and whole lists."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auth0_rotator.planning import Limits, Subject, plan
from auth0_rotator.resource import RotationWindow
from auth0_rotator.schedule import IntervalUnit, spread_offset
from auth0_rotator.windows import next_opening

HOUR: Final = timedelta(hours=1)
MINUTE: Final = timedelta(minutes=1)
TICK: Final = timedelta(microseconds=1)
DAY: Final = timedelta(days=1)


def window(kind: str, schedule: str, duration: str) -> RotationWindow:
    return RotationWindow.model_validate({"kind": kind, "schedule": schedule, "duration": duration})


NIGHT: Final = (window("allow", "0 2 * * *", "1h"),)
NEVER: Final = (window("allow", "0 2 1 1 *", "1h"), window("deny", "0 2 1 1 *", "1h"))


def at(text: str) -> datetime:
    """Return an instant; a time alone is one of 10 March 2026."""
    full = text if "T" in text else f"2026-03-10T{text}"
    return datetime.fromisoformat(full).replace(tzinfo=UTC)


# Limits ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "taken", "expected"),
    [
        pytest.param(Limits(), [], "10:00", id="nothing-limits"),
        pytest.param(Limits(), ["10:00", "10:00"], "10:00", id="no-limit-for-many-at-once"),
        pytest.param(Limits(5 * MINUTE), [], "10:00", id="nobody-there"),
        pytest.param(Limits(5 * MINUTE), ["09:55"], "10:00", id="just-far-enough"),
        pytest.param(Limits(5 * MINUTE), ["09:55:00.000001"], "10:00:00.000001", id="just-too-near"),
        pytest.param(Limits(5 * MINUTE), ["10:00"], "10:05", id="taken"),
        pytest.param(Limits(5 * MINUTE), ["10:05"], "10:00", id="far-enough-from-the-next"),
        pytest.param(Limits(5 * MINUTE), ["10:04:59"], "10:09:59", id="too-near-to-the-next"),
        pytest.param(Limits(5 * MINUTE), ["09:58", "10:05"], "10:10", id="no-room-between"),
        pytest.param(Limits(5 * MINUTE), ["09:58", "10:08"], "10:03", id="just-room-between"),
        pytest.param(Limits(5 * MINUTE), ["10:01", "10:06", "10:11", "10:30"], "10:16", id="a-queue"),
        pytest.param(Limits(per_hour=1), ["09:00"], "10:00", id="one-an-hour-ago"),
        pytest.param(Limits(per_hour=1), ["09:00:00.000001"], "10:00:00.000001", id="within-an-hour"),
        pytest.param(Limits(per_hour=1), ["11:00"], "10:00", id="one-in-an-hour"),
        pytest.param(Limits(per_hour=1), ["10:59:59"], "11:59:59", id="one-within-the-next-hour"),
        pytest.param(Limits(per_hour=2), ["09:30"], "10:00", id="second-of-two"),
        pytest.param(Limits(per_hour=2), ["09:30", "09:40"], "10:30", id="third-of-two"),
        pytest.param(Limits(per_hour=2), ["09:30", "10:20"], "10:30", id="on-both-sides"),
        pytest.param(
            Limits(per_hour=3), ["09:10", "09:20", "09:30", "09:40"], "10:20", id="more-than-allowed"
        ),
        pytest.param(Limits(20 * MINUTE, 2), ["09:15", "09:55"], "10:15", id="spacing-and-rate"),
        pytest.param(Limits(20 * MINUTE, 2), ["09:35", "09:55"], "10:35", id="rate-and-spacing"),
    ],
)
def test_a_place_is_the_first_beside_those_that_are_taken(
    limits: Limits, taken: list[str], expected: str
) -> None:
    assert limits.first_free([at(one) for one in taken], at("10:00")) == at(expected)


@pytest.mark.parametrize(
    ("limits", "taken", "expected"),
    [
        pytest.param(Limits(), [], "2026-03-11T02:00", id="as-it-opens"),
        pytest.param(Limits(5 * MINUTE), ["2026-03-11T02:00"], "2026-03-11T02:05", id="spaced-within"),
        pytest.param(
            Limits(50 * MINUTE),
            ["2026-03-11T02:00", "2026-03-11T02:50"],
            "2026-03-12T02:00",
            id="no-room-until-the-next",
        ),
        pytest.param(
            Limits(per_hour=1), ["2026-03-11T02:00"], "2026-03-12T02:00", id="as-it-closes-is-too-late"
        ),
        pytest.param(
            Limits(per_hour=2),
            ["2026-03-11T01:30", "2026-03-11T01:31"],
            "2026-03-11T02:30",
            id="those-before-it-count",
        ),
        pytest.param(Limits(23 * HOUR), ["2026-03-11T02:30"], "2026-03-12T02:00", id="nearly-a-day"),
    ],
)
def test_a_place_lies_inside_of_the_windows(limits: Limits, taken: list[str], expected: str) -> None:
    assert limits.first_free([at(one) for one in taken], at("10:00"), NIGHT) == at(expected)


def test_there_is_no_place_where_windows_never_open() -> None:
    assert Limits(MINUTE).first_free([], at("10:00"), NEVER) is None


def test_there_is_a_place_behind_however_many_are_taken() -> None:
    """A search that gives up would say that there is none, and so let the rotation go at once."""
    taken = [at("00:00") + HOUR * number for number in range(11_000)]
    assert Limits(HOUR).first_free(taken, at("00:30")) == taken[-1] + HOUR
    assert Limits(per_hour=1).first_free(taken, at("00:30")) == taken[-1] + HOUR


limits_ = st.builds(
    Limits,
    st.integers(0, 180).map(lambda minutes: timedelta(minutes=minutes)),
    st.one_of(st.none(), st.integers(1, 4)),
)
moments = st.integers(0, 2 * 1440).map(lambda minutes: at("00:00") + timedelta(minutes=minutes))


def is_kept(limits: Limits, instants: Sequence[datetime], at_: datetime) -> bool:
    """Return whether an instant keeps its distance from others, and no hour with it is too full."""
    near = all(abs(one - at_) >= limits.spacing for one in instants)
    beginnings = [one for one in [*instants, at_] if timedelta(0) <= at_ - one < HOUR]
    hours = [sum(first <= one < first + HOUR for one in [*instants, at_]) for first in beginnings]
    return near and (limits.per_hour is None or all(full <= limits.per_hour for full in hours))


@given(limits=limits_, taken=st.lists(moments, max_size=8), start=moments)
def test_a_place_is_never_before_its_start_and_keeps_the_limits(
    limits: Limits, taken: list[datetime], start: datetime
) -> None:
    found = limits.first_free(sorted(taken), start)
    assert found is not None
    assert found >= start
    assert is_kept(limits, taken, found)


@given(spacing=st.integers(1, 90), taken=st.lists(moments, max_size=6), start=moments)
def test_no_minute_before_a_place_would_have_done(
    spacing: int, taken: list[datetime], start: datetime
) -> None:
    limits = Limits(spacing * MINUTE)
    found = limits.first_free(sorted(taken), start)
    assert found is not None
    earlier = [start + number * MINUTE for number in range((found - start) // MINUTE)]
    assert not any(is_kept(limits, taken, one) for one in earlier)


# One rotation ----------------------------------------------------------------------------------


def subject(key: str = "web", **changes: Any) -> Subject[str]:
    """Return one that was rotated on schedule on 10 March, every ten days at 14:00."""
    inputs: dict[str, Any] = {
        "key": key,
        "uid": f"uid-{key}",
        "last_rotated_at": at("14:00:01"),
        "is_manual": False,
        "interval": 10,
        "time_of_day": time(14, 0),
        "zone": UTC,
        "unit": IntervalUnit.DAYS,
    }
    return Subject(**(inputs | changes))


def following(one: Subject[str]) -> datetime:
    return one.next_after(one.last_rotated_at, is_manual=one.is_manual)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, "2026-03-20T14:00", id="scheduled"),
        pytest.param({"is_manual": True}, "2026-03-21T14:00", id="manual"),
        pytest.param({"interval": 3}, "2026-03-13T14:00", id="interval"),
        pytest.param({"time_of_day": time(3, 30)}, "2026-03-20T03:30", id="time-of-day"),
        pytest.param({"zone": ZoneInfo("Europe/Oslo")}, "2026-03-20T13:00", id="zone"),
        pytest.param(
            {"zone": ZoneInfo("Europe/Oslo"), "interval": 20}, "2026-03-30T12:00", id="clock-change"
        ),
        pytest.param({"unit": IntervalUnit.MINUTES}, "2026-03-10T14:10", id="in-minutes"),
        pytest.param({"windows": NIGHT}, "2026-03-20T14:00", id="whatever-the-windows-say"),
    ],
)
def test_what_follows_is_what_the_schedule_says(changes: dict[str, Any], expected: str) -> None:
    assert following(subject(**changes)) == at(expected)


def test_what_follows_is_as_much_later_as_the_object_is_spread() -> None:
    offset = spread_offset(HOUR, "uid-web")
    assert timedelta(0) < offset < HOUR
    assert following(subject(spread=HOUR)) == at("2026-03-20T14:00") + offset


@pytest.mark.parametrize("is_manual", [True, False], ids=["manual", "scheduled"])
def test_only_a_scheduled_rotation_can_have_been_carried_over_midnight(*, is_manual: bool) -> None:
    """A person's rotation just after midnight is one of the day on which it was."""
    offset = spread_offset(12 * HOUR, "uid-web")
    night = at("2026-03-10T23:59") + offset
    one = subject(spread=12 * HOUR, time_of_day=time(23, 59), last_rotated_at=night, is_manual=is_manual)
    assert one.next_after(night, is_manual=is_manual) == night + (11 if is_manual else 10) * DAY


def test_a_midnight_is_that_of_the_zone() -> None:
    tokyo, offset = ZoneInfo("Asia/Tokyo"), spread_offset(12 * HOUR, "uid-web")
    night = at("2026-03-10T14:59") + offset
    one = subject(spread=12 * HOUR, time_of_day=time(23, 59), zone=tokyo, last_rotated_at=night)
    assert following(one) == night + 10 * DAY


# Lists -----------------------------------------------------------------------------------------


def planned(*subjects: Subject[str], limits: Limits | None = None, **changes: Any) -> list[Any]:
    inputs: dict[str, Any] = {"limits": limits or Limits(), "now": at("15:00"), "count": 4}
    return plan(subjects, **(inputs | changes))


def test_a_rotation_comes_again_and_again() -> None:
    assert planned(subject(), count=3) == [
        (at("2026-03-20T14:00"), "web"),
        (at("2026-03-30T14:00"), "web"),
        (at("2026-04-09T14:00"), "web"),
    ]


@pytest.mark.parametrize("count", [0, -1])
def test_a_plan_of_none_is_empty(count: int) -> None:
    assert planned(subject(), count=count) == []


def test_after_the_first_a_manual_rotation_is_followed_by_scheduled_ones() -> None:
    found = planned(subject(is_manual=True), count=2)
    assert found == [(at("2026-03-21T14:00"), "web"), (at("2026-03-31T14:00"), "web")]


def test_several_come_in_order_of_their_dates() -> None:
    assert planned(subject("a"), subject("b", interval=7), subject("c", interval=12)) == [
        (at("2026-03-17T14:00"), "b"),
        (at("2026-03-20T14:00"), "a"),
        (at("2026-03-22T14:00"), "c"),
        (at("2026-03-24T14:00"), "b"),
    ]


def test_those_of_one_date_come_one_after_the_other_in_their_order() -> None:
    found = planned(subject("b"), subject("a"), subject("c"), limits=Limits(HOUR), count=3)
    assert found == [
        (at("2026-03-20T14:00"), "b"),
        (at("2026-03-20T15:00"), "a"),
        (at("2026-03-20T16:00"), "c"),
    ]


def test_what_is_overdue_comes_first_from_now_on() -> None:
    late = subject("late", last_rotated_at=at("2026-01-01T14:00"))
    later = subject("later", last_rotated_at=at("2025-12-01T14:00"))
    found = planned(late, later, subject("web"), limits=Limits(HOUR), count=3)
    assert found == [
        (at("15:00:01"), "later"),
        (at("16:00:01"), "late"),
        (at("2026-03-20T14:00"), "late"),
    ]


def test_the_last_rotations_count_for_the_limits() -> None:
    late = subject("late", interval=1, last_rotated_at=at("2026-03-09T13:00"))
    assert planned(late, subject(), limits=Limits(2 * HOUR), count=1) == [(at("16:00:01"), "late")]


def test_windows_move_a_rotation_and_all_that_follow_it() -> None:
    found = planned(subject(windows=NIGHT, interval=1), count=2)
    assert found == [(at("2026-03-12T02:00"), "web"), (at("2026-03-14T02:00"), "web")]


def test_one_that_waits_for_a_window_is_overtaken() -> None:
    found = planned(subject("a", windows=NIGHT), subject("b", interval=10, is_manual=True), count=2)
    assert found == [(at("2026-03-21T02:00"), "a"), (at("2026-03-21T14:00"), "b")]
    found = planned(subject("a", windows=NIGHT), subject("b", time_of_day=time(20, 0)), count=1)
    assert found == [(at("2026-03-20T20:00"), "b")]


def test_one_that_comes_between_two_is_found() -> None:
    waits, comes = subject("b", windows=NIGHT), subject("c", time_of_day=time(20, 0))
    found = planned(subject("a"), waits, comes, count=2)
    assert found == [(at("2026-03-20T14:00"), "a"), (at("2026-03-20T20:00"), "c")]


def test_of_two_that_come_at_one_instant_who_was_due_first_is_first() -> None:
    waits = subject("b", windows=NIGHT)
    comes = subject("a", time_of_day=time(2, 0), last_rotated_at=at("2026-03-11T02:00:01"))
    assert planned(comes, waits, count=1) == [(at("2026-03-21T02:00"), "b")]


def test_one_whose_windows_never_open_is_not_planned() -> None:
    found = planned(subject("a", windows=NEVER), subject("b"), count=1)
    assert found == [(at("2026-03-20T14:00"), "b")]
    assert planned(subject("a", windows=NEVER)) == []


def test_nobody_is_planned_where_nobody_is() -> None:
    assert planned() == []


windows_ = st.sampled_from(
    [(), NIGHT, (window("deny", "0 0 * * 1-5", "20h"),), (*NIGHT, window("deny", "30 2 * * 3", "9h"))]
)
subjects_ = st.lists(
    st.builds(
        lambda uid, last, **changes: subject(f"{uid}", last_rotated_at=last, **changes),
        st.integers(0, 999),
        moments,
        interval=st.integers(1, 5),
        time_of_day=st.builds(time, st.sampled_from([0, 2, 14, 23]), st.sampled_from([0, 30])),
        zone=st.sampled_from([UTC, ZoneInfo("Europe/Oslo"), ZoneInfo("Australia/Lord_Howe")]),
        is_manual=st.booleans(),
        spread=st.sampled_from([timedelta(0), HOUR, DAY]),
        windows=windows_,
    ),
    max_size=5,
    unique_by=lambda one: one.key,
)


@settings(max_examples=40)
@given(subjects=subjects_, limits=limits_, count=st.integers(1, 12))
def test_a_list_is_in_order_and_keeps_windows_spacing_and_rate(
    subjects: list[Subject[str]], limits: Limits, count: int
) -> None:
    now = at("2026-03-12T00:00")
    found = plan(subjects, limits=limits, now=now, count=count)
    instants = [one for one, _ in found]
    by_key: dict[str, Subject[str]] = {one.key: one for one in subjects}
    assert len(found) == (count if subjects else 0)
    assert instants == sorted(instants)
    for number, (instant, key) in enumerate(found):
        assert instant >= now
        assert next_opening(by_key[key].windows, instant) == instant
        assert is_kept(limits, instants[:number] + instants[number + 1 :], instant)
        assert is_kept(Limits(limits.spacing), [one.last_rotated_at for one in subjects], instant)


@settings(max_examples=40)
@given(subjects=subjects_, limits=limits_, count=st.integers(1, 12))
def test_a_longer_list_begins_as_a_shorter_one(
    subjects: list[Subject[str]], limits: Limits, count: int
) -> None:
    now = at("2026-03-12T00:00")
    shorter = plan(subjects, limits=limits, now=now, count=count)
    assert plan(subjects, limits=limits, now=now, count=count + 3)[:count] == shorter
