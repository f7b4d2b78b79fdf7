"""The pace of requests to one domain, on an event loop whose time passes only by waiting."""

import asyncio
import selectors
from collections.abc import Coroutine, Sequence
from datetime import timedelta
from typing import Any, Final, TypeVar

import pytest

from auth0_rotator.auth0.pace import LONGEST_PAUSE, LONGEST_WAIT, Pace
from auth0_rotator.conditions import Reason
from auth0_rotator.errors import Retry

T = TypeVar("T")
# What of the rate is used, as the module says.
SHARE: Final = 0.99


# Nothing takes no time at all; else who waits for a rounding error would wait for ever.
TICK_SECONDS: Final = 1e-7


class _NoWaiting(selectors.SelectSelector):
    """Passes the time instead of waiting for it."""

    now: float = 1000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "nothing will ever happen"
        self.now += max(TICK_SECONDS, timeout)
        return super().select(0)


def played(act: Coroutine[Any, Any, T]) -> T:
    """Return what `act` returns, at once however long it waits."""
    selector = _NoWaiting()
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.now  # type: ignore[method-assign]
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(act)


async def seconds_of(pace: Pace, count: int) -> list[float]:
    """Return when each of `count` requests may go, that are all wanted now."""
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def turn() -> float:
        await pace.turn()
        return loop.time() - began

    return await asyncio.gather(*(turn() for _ in range(count)))


def close_to(expected: Sequence[float]) -> Any:
    """Return what equals `expected` but for rounding and ticks."""
    return pytest.approx(list(expected), abs=1e-4)


@pytest.mark.parametrize(("burst", "at_once"), [(1, 1), (2, 1), (3, 2), (10, 9)])
def test_a_burst_goes_at_once_but_for_one_in_reserve(burst: int, at_once: int) -> None:
    async def act() -> list[float]:
        return await seconds_of(Pace(requests_per_second=4, burst=burst), at_once + 1)

    assert played(act()) == close_to([*[0.0] * at_once, 1 / (4 * SHARE)])


@pytest.mark.parametrize("rate", [0.5, 2, 50])
def test_in_the_long_run_requests_go_a_little_below_the_rate(rate: float) -> None:
    async def act() -> list[float]:
        return await seconds_of(Pace(requests_per_second=rate, burst=2), 40)

    assert played(act()) == close_to([number / (rate * SHARE) for number in range(40)])


@pytest.mark.parametrize("burst", [1, 2, 7])
def test_after_a_quiet_time_there_is_one_burst_and_no_more(burst: int) -> None:
    async def act() -> tuple[list[float], list[float]]:
        pace = Pace(requests_per_second=4, burst=burst)
        first = await seconds_of(pace, burst + 3)
        await asyncio.sleep(3600)
        return first, await seconds_of(pace, burst + 3)

    first, second = played(act())
    assert second == close_to(first)


def test_what_was_used_up_comes_back_with_time() -> None:
    async def act() -> list[float]:
        pace = Pace(requests_per_second=2, burst=4)
        await seconds_of(pace, 3)
        await asyncio.sleep(2 / (2 * SHARE))
        return await seconds_of(pace, 3)

    assert played(act()) == close_to([0, 0, 1 / (2 * SHARE)])


def test_a_pace_is_free_while_a_request_would_go_at_once() -> None:
    async def act() -> list[bool]:
        pace = Pace(requests_per_second=2, burst=3)
        seen = [pace.is_free]
        await seconds_of(pace, 1)
        seen.append(pace.is_free)
        await seconds_of(pace, 1)
        seen.append(pace.is_free)
        await asyncio.sleep(1 / (2 * SHARE))
        seen.append(pace.is_free)
        pace.pause(timedelta(seconds=3))
        seen.append(pace.is_free)
        await asyncio.sleep(3.01)
        seen.append(pace.is_free)
        await seconds_of(pace, 2)
        seen.append(pace.is_free)
        # What is owed from the former rate would never be free: nobody pays it who does not ask.
        pace.set_rate(requests_per_second=4, burst=3)
        return [*seen, pace.is_free]

    assert played(act()) == [True, True, False, True, False, True, False, True]


# Pauses ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [0.5, LONGEST_WAIT.total_seconds()])
def test_a_short_pause_is_waited_out_by_all(seconds: float) -> None:
    async def act() -> list[float]:
        pace = Pace(requests_per_second=100, burst=4)
        pace.pause(timedelta(seconds=seconds))
        return await seconds_of(pace, 3)

    assert played(act()) == close_to([seconds] * 3)


def test_a_long_pause_sends_the_object_away_until_it_is_over() -> None:
    async def act() -> tuple[Retry, list[float]]:
        pace = Pace(requests_per_second=100, burst=4)
        pace.pause(timedelta(seconds=30))
        await asyncio.sleep(10)
        with pytest.raises(Retry) as told:
            await pace.turn()
        await asyncio.sleep(18.5)
        return told.value, await seconds_of(pace, 1)

    told, seconds = played(act())
    assert told.reason == Reason.RATE_LIMITED
    assert told.after is not None
    assert told.after.total_seconds() == pytest.approx(20, abs=1e-4)
    assert "20 more seconds" in told.message
    # What is left by then is short enough to be waited out.
    assert seconds == close_to([1.5])


def test_nobody_who_is_sent_away_uses_up_anything() -> None:
    async def act() -> list[float]:
        pace = Pace(requests_per_second=1, burst=3)
        pace.pause(timedelta(seconds=30))
        for _ in range(5):
            with pytest.raises(Retry):
                await pace.turn()
        await asyncio.sleep(30)
        return await seconds_of(pace, 2)

    assert played(act()) == close_to([0, 0])


@pytest.mark.parametrize(
    ("pauses", "waited"),
    [([1.5, 0.5], 1.5), ([0.5, 1.5], 1.5), ([0.5, 0, -3], 0.5), ([-3], 0)],
    ids=["shorter", "longer", "none", "past"],
)
def test_of_several_pauses_the_longest_counts(pauses: list[float], waited: float) -> None:
    async def act() -> list[float]:
        pace = Pace(requests_per_second=100, burst=4)
        for seconds in pauses:
            pace.pause(timedelta(seconds=seconds))
        return await seconds_of(pace, 1)

    assert played(act()) == close_to([waited])


def test_no_pause_is_longer_than_the_longest() -> None:
    """`Retry-After` may name any instant; one in a year is a fault of somebody's clock."""

    async def act() -> Retry:
        pace = Pace(requests_per_second=100, burst=4)
        pace.pause(timedelta(days=365))
        with pytest.raises(Retry) as told:
            await pace.turn()
        return told.value

    assert played(act()).after == LONGEST_PAUSE


def test_a_pause_stops_those_too_who_wait_for_their_turn_already() -> None:
    async def act() -> list[float]:
        pace = Pace(requests_per_second=4, burst=2)
        waiting = asyncio.ensure_future(seconds_of(pace, 2))
        await asyncio.sleep(0.1)
        pace.pause(timedelta(seconds=1))
        return await waiting

    first, second = played(act())
    assert first == pytest.approx(0, abs=1e-4)
    assert second > 1.0999


def test_a_pause_that_is_prolonged_stops_those_too_who_wait_for_its_end() -> None:
    async def act() -> list[float]:
        pace = Pace(requests_per_second=100, burst=4)
        pace.pause(timedelta(seconds=1))
        waiting = asyncio.ensure_future(seconds_of(pace, 1))
        await asyncio.sleep(0.5)
        pace.pause(timedelta(seconds=1.5))
        return await waiting

    assert played(act()) == close_to([2.0])


# Another rate ------------------------------------------------------------------------------------


def test_the_same_rate_said_again_gives_no_new_burst() -> None:
    async def act() -> list[float]:
        pace = Pace(requests_per_second=2, burst=4)
        await seconds_of(pace, 3)
        pace.set_rate(requests_per_second=2, burst=4)
        return await seconds_of(pace, 2)

    assert played(act()) == close_to([1 / (2 * SHARE), 2 / (2 * SHARE)])


def test_another_rate_said_again_gives_no_new_burst() -> None:
    async def act() -> list[float]:
        pace = Pace(requests_per_second=2, burst=4)
        pace.set_rate(requests_per_second=1, burst=4)
        await seconds_of(pace, 3)
        pace.set_rate(requests_per_second=1, burst=4)
        return await seconds_of(pace, 1)

    assert played(act()) == close_to([1 / (1 * SHARE)])


@pytest.mark.parametrize("rate", [1, 8], ids=["lower", "higher"])
def test_another_rate_counts_from_then_on(rate: float) -> None:
    async def act() -> list[float]:
        pace = Pace(requests_per_second=2, burst=4)
        pace.set_rate(requests_per_second=rate, burst=2)
        return await seconds_of(pace, 3)

    assert played(act()) == close_to([0, 1 / (rate * SHARE), 2 / (rate * SHARE)])


def test_a_lower_rate_keeps_what_was_used_up() -> None:
    """A second connection to the domain, with a lower rate, is no reason for a second burst."""

    async def act() -> list[float]:
        pace = Pace(requests_per_second=2, burst=4)
        await seconds_of(pace, 3)
        pace.set_rate(requests_per_second=1, burst=4)
        return await seconds_of(pace, 2)

    assert played(act()) == close_to([1 / (1 * SHARE), 2 / (1 * SHARE)])


@pytest.mark.parametrize(("used", "at_once"), [(0, 9), (3, 6), (6, 3), (9, 0)])
def test_of_another_burst_the_same_share_is_used_up(used: int, at_once: int) -> None:
    async def act() -> list[float]:
        pace = Pace(requests_per_second=1, burst=10)
        await seconds_of(pace, used)
        pace.set_rate(requests_per_second=0.1, burst=10)
        return await seconds_of(pace, at_once + 1)

    assert played(act()) == close_to([*[0.0] * at_once, 1 / (0.1 * SHARE)])


def test_what_is_owed_is_waited_for_once() -> None:
    async def act() -> list[float]:
        pace = Pace(requests_per_second=2, burst=4)
        await seconds_of(pace, 3)
        pace.set_rate(requests_per_second=1, burst=4)
        await seconds_of(pace, 1)
        return await seconds_of(pace, 2)

    assert played(act()) == close_to([1 / (1 * SHARE), 2 / (1 * SHARE)])


def test_what_is_owed_stays_owed_however_often_the_rate_changes() -> None:
    async def act() -> list[float]:
        pace = Pace(requests_per_second=2, burst=4)
        await seconds_of(pace, 3)
        pace.set_rate(requests_per_second=5, burst=4)
        pace.set_rate(requests_per_second=1, burst=4)
        return await seconds_of(pace, 2)

    assert played(act()) == close_to([1 / (1 * SHARE), 2 / (1 * SHARE)])


def test_another_rate_ends_no_pause() -> None:
    async def act() -> list[float]:
        pace = Pace(requests_per_second=100, burst=4)
        pace.pause(timedelta(seconds=1))
        pace.set_rate(requests_per_second=50, burst=4)
        return await seconds_of(pace, 1)

    assert played(act()) == close_to([1])


def test_what_bunched_after_its_turn_leaves_one_by_one() -> None:
    """Catches a tenant that is hit by several at once, because a write in between took its time."""

    async def act() -> list[float]:
        pace, loop = Pace(requests_per_second=4, burst=2), asyncio.get_running_loop()
        await seconds_of(pace, 3)
        began = loop.time()

        async def departure() -> float:
            await pace.depart()
            return loop.time() - began

        return await asyncio.gather(*(departure() for _ in range(3)))

    assert played(act()) == close_to([0, 1 / (4 * SHARE), 2 / (4 * SHARE)])


def test_what_leaves_at_its_turn_waits_for_nothing_more() -> None:
    async def act() -> list[float]:
        pace, loop = Pace(requests_per_second=4, burst=2), asyncio.get_running_loop()
        began, left = loop.time(), list[float]()
        for _ in range(3):
            await pace.turn()
            await pace.depart()
            left.append(loop.time() - began)
        return left

    assert played(act()) == close_to([0, 1 / (4 * SHARE), 2 / (4 * SHARE)])


def test_departures_follow_a_rate_that_was_changed() -> None:
    async def act() -> list[float]:
        pace, loop = Pace(requests_per_second=1, burst=2), asyncio.get_running_loop()
        pace.set_rate(requests_per_second=4, burst=2)
        began, left = loop.time(), list[float]()
        for _ in range(2):
            await pace.depart()
            left.append(loop.time() - began)
        return left

    assert played(act()) == close_to([0, 1 / (4 * SHARE)])
