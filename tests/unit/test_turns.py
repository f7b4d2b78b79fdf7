"""Whose turn it is when more rotations are due than may come at once."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth0_rotator.planning import Limits
from auth0_rotator.reconciler.turns import AHEAD, Line, Turns
from auth0_rotator.resource import Kind, RotationWindow
from auth0_rotator.subject import ConnectionKey, Key
from examples import MINUTE, NOW, SECOND

A, B, C = (Key("team-a", name) for name in "abc")
ACME, OTHER = (ConnectionKey(Kind.CONNECTION, "team-a", name) for name in ("acme", "other"))
TICK: Final = timedelta(microseconds=1)


def line(connection: ConnectionKey = ACME, way: str = "acme.eu.auth0.com", **changes: Any) -> Line:
    """Return a line in which one rotation comes every five minutes, and one a second to the tenant."""
    inputs: dict[str, Any] = {"of_connection": Limits(5 * MINUTE), "of_way": Limits(SECOND)}
    return Line(connection, way, **(inputs | changes))


def window(kind: str, schedule: str, duration: str) -> RotationWindow:
    return RotationWindow.model_validate({"kind": kind, "schedule": schedule, "duration": duration})


def waits(turns: Turns, key: Key, *, now: datetime = NOW, **changes: Any) -> timedelta | None:
    """Return how long after `NOW` the turn of a rotation comes, None where it has come."""
    until = turns.wait(key, line(**changes), (), now)
    return until - NOW if until is not None else None


def test_who_comes_alone_waits_for_nobody() -> None:
    assert waits(Turns(), A) is None


def test_those_of_one_connection_come_one_after_the_other_in_the_order_in_which_they_came() -> None:
    turns = Turns()
    assert [waits(turns, key) for key in (B, A, C)] == [None, 5 * MINUTE, 10 * MINUTE]


def test_a_turn_that_was_given_is_kept() -> None:
    """Given anew at each look, it would never come nearer."""
    turns = Turns()
    waits(turns, A)
    assert waits(turns, B) == 5 * MINUTE
    assert waits(turns, B, now=NOW + 2 * MINUTE) == 5 * MINUTE
    assert waits(turns, A, now=NOW + 2 * MINUTE) is None
    assert waits(turns, C, now=NOW + 2 * MINUTE) == 10 * MINUTE


@pytest.mark.parametrize(
    ("before", "has_come"),
    [
        pytest.param(TICK, False, id="just-before"),
        pytest.param(timedelta(0), True, id="at-its-instant"),
        pytest.param(-MINUTE, True, id="after-it"),
    ],
)
def test_where_people_set_the_distance_it_is_kept(before: timedelta, *, has_come: bool) -> None:
    turns = Turns()
    waits(turns, A)
    waits(turns, B)
    assert (waits(turns, B, now=NOW + 5 * MINUTE - before) is None) is has_come


@pytest.mark.parametrize(
    ("before", "has_come"),
    [
        pytest.param(AHEAD + TICK, False, id="earlier"),
        pytest.param(AHEAD, True, id="a-little-before"),
    ],
)
def test_where_only_the_tenant_limits_a_turn_comes_a_little_before(
    before: timedelta, *, has_come: bool
) -> None:
    paced: dict[str, Any] = {"of_connection": Limits(), "of_way": Limits(MINUTE)}
    turns = Turns()
    waits(turns, A, **paced)
    waits(turns, B, **paced)
    assert (waits(turns, B, now=NOW + MINUTE - before, **paced) is None) is has_come


def test_who_was_slow_keeps_the_next_one_waiting() -> None:
    """Catches a distance that is kept between plans, and not between what happened."""
    turns = Turns()
    waits(turns, A)
    waits(turns, B)
    late = NOW + 2 * MINUTE
    assert waits(turns, B, now=NOW + 5 * MINUTE, past=(late,)) == 7 * MINUTE


def test_turns_that_have_passed_are_not_all_spent_at_once() -> None:
    """Catches a clock that was set forward, after which as many begin together as there are workers."""
    turns, keys = Turns(), [Key("team-a", str(number)) for number in range(4)]
    for key in keys:
        waits(turns, key)
    later = NOW + timedelta(hours=2)
    for number in range(len(keys)):
        now = later + number * 5 * MINUTE
        found = [turns.wait(key, line(), (), now) for key in keys[number:]]
        assert found == [None] + [now + 5 * MINUTE] * (len(keys) - number - 1)
        assert turns.wait(keys[number], line(), (), now) is None


def test_a_turn_is_promised_until_it_is_given_up() -> None:
    turns = Turns()
    assert not turns.is_promised(A)
    waits(turns, A)
    assert turns.is_promised(A)
    assert not turns.is_promised(B)
    turns.leave(A)
    assert not turns.is_promised(A)


def test_who_leaves_makes_room() -> None:
    turns = Turns()
    for key in (A, B):
        waits(turns, key)
    turns.leave(B)
    turns.leave(B)
    assert waits(turns, C) == 5 * MINUTE
    assert waits(turns, B) == 10 * MINUTE


def test_rotations_that_were_count_as_those_that_are_to_come() -> None:
    assert waits(Turns(), A, past=[NOW - 2 * MINUTE]) == 3 * MINUTE
    assert waits(Turns(), A, past=[NOW - 5 * MINUTE]) is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, 5 * MINUTE, id="over-the-same-connection"),
        pytest.param({"connection": OTHER}, 2 * SECOND, id="over-another-to-the-same-tenant"),
        pytest.param({"connection": OTHER, "way": "other.eu.auth0.com"}, None, id="to-another-tenant"),
    ],
)
def test_a_connection_and_a_tenant_are_shared_each_by_its_own_limits(
    changes: dict[str, Any], expected: timedelta | None
) -> None:
    turns, of_way = Turns(), Limits(2 * SECOND)
    waits(turns, A, of_way=of_way)
    assert waits(turns, B, of_way=of_way, **changes) == expected


def test_a_place_is_free_by_both_limits() -> None:
    """After a place by one of them, the other is asked again."""
    turns = Turns()
    others: dict[str, Any] = {
        "connection": OTHER,
        "of_connection": Limits(),
        "of_way": Limits(4 * MINUTE),
    }
    assert [waits(turns, key, **others) for key in (A, B)] == [None, 4 * MINUTE]
    assert waits(turns, C, of_way=Limits(4 * MINUTE), past=[NOW + 8 * MINUTE]) == 13 * MINUTE


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"connection": OTHER}, id="another-connection"),
        pytest.param({"way": "other.eu.auth0.com", "past": ()}, id="another-tenant"),
    ],
)
def test_who_stands_in_another_line_by_now_gets_another_turn(changes: dict[str, Any]) -> None:
    turns = Turns()
    waits(turns, A)
    assert waits(turns, B, of_way=Limits(MINUTE)) == 5 * MINUTE
    free: dict[str, Any] = {"of_connection": Limits(), "of_way": Limits()}
    assert waits(turns, B, **free) == 5 * MINUTE
    assert waits(turns, B, **free, **changes) is None


def test_a_turn_in_another_line_is_not_held_up_by_ones_own_former_turn() -> None:
    turns, of_way = Turns(), Limits(3 * MINUTE)
    assert waits(turns, A, of_way=of_way) is None
    assert waits(turns, B, of_way=of_way) == 5 * MINUTE
    assert waits(turns, B, of_way=of_way, connection=OTHER) == 3 * MINUTE


def test_where_the_clock_was_set_back_all_turns_are_given_anew() -> None:
    turns = Turns()
    later = NOW + timedelta(days=1)
    waits(turns, A, now=later)
    assert waits(turns, B, now=later) == timedelta(days=1) + 5 * MINUTE
    assert waits(turns, B) is None
    assert waits(turns, A) == 5 * MINUTE


def test_a_turn_lies_inside_of_the_windows() -> None:
    turns, noon = Turns(), [window("allow", "0 12 * * *", "1h")]
    opens_at = NOW.replace(hour=12, minute=0)
    assert turns.wait(A, line(), noon, NOW) == opens_at
    assert turns.wait(B, line(), noon, NOW) == opens_at + 5 * MINUTE


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param({}, id="by-the-connection"),
        pytest.param({"of_connection": Limits(), "past": ()}, id="by-the-tenant"),
    ],
)
def test_who_may_never_come_waits_for_no_turn(limits: dict[str, Any]) -> None:
    """The windows themselves say why it waits."""
    never = [window("allow", "0 12 * * *", "1h"), window("deny", "0 12 * * *", "1h")]
    turns = Turns()
    assert turns.wait(A, line(**limits), never, NOW) is None
    assert waits(turns, B) is None


@given(
    arrivals=st.lists(
        st.tuples(st.integers(0, 30), st.sampled_from([ACME, OTHER])), min_size=1, max_size=12
    ),
    spacing=st.integers(0, 10),
    per_hour=st.one_of(st.none(), st.integers(1, 4)),
)
def test_nobody_comes_nearer_to_another_than_both_limits_allow(
    arrivals: list[tuple[int, ConnectionKey]], spacing: int, per_hour: int | None
) -> None:
    turns, now = Turns(), NOW
    slots: list[tuple[datetime, ConnectionKey]] = []
    for number, (minutes, connection) in enumerate(arrivals):
        now += minutes * MINUTE
        shared = line(
            connection,
            of_connection=Limits(spacing * MINUTE, per_hour),
            of_way=Limits(2 * MINUTE),
        )
        slots.append((turns.wait(Key("team-a", str(number)), shared, (), now) or now, connection))
    instants = sorted(at for at, _ in slots)
    assert all(later - one >= 2 * MINUTE for one, later in pairwise(instants))
    for connection in (ACME, OTHER):
        own = sorted(at for at, over in slots if over == connection)
        assert all(later - one >= spacing * MINUTE for one, later in pairwise(own))
        if per_hour is not None:
            hour = timedelta(hours=1)
            assert all(sum(at <= one < at + hour for one in own) <= per_hour for at in own)
