"""The scheduler, with a clock that stands still until a test moves it, and real asyncio."""

import asyncio
import logging
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from prometheus_client import REGISTRY

from auth0_rotator.scheduler import Scheduler

NOON: Final = datetime(2026, 11, 23, 12, tzinfo=UTC)
LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
SECOND: Final = timedelta(seconds=1)
# A test that waits for so long has failed.
PATIENCE_SECONDS: Final = 2.0
_LOOK: Final = "look"


class Desk:
    """Work that can be held up, and a clock."""

    def __init__(self, concurrency: int) -> None:
        """Stand at noon; all work ends at once, and never wants to come again."""
        self.now = NOON
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.most_at_once: Counter[str] = Counter()
        """The most that ran at once: of each key, and of all under "all"."""
        self._running: Counter[str] = Counter()
        self._gates: dict[str, asyncio.Event] = {}
        self._something_happened = asyncio.Event()
        self._answers: defaultdict[str, deque[datetime | BaseException]] = defaultdict(deque)
        self.scheduler: Scheduler[str] = Scheduler(
            self._work,
            clock=lambda: self.now,
            concurrency=concurrency,
            # "sick-1" is of the lane "sick"; what has no lane waits for nobody.
            lane=lambda key: key.partition("-")[0] if "-" in key else None,
            is_urgent=lambda key: key.endswith("!"),
        )

    async def _work(self, key: str) -> datetime | None:
        if key != _LOOK:
            await self._work_hard(key)
        self.ended.append(key)
        self._something_happened.set()
        answer = self._answers[key].popleft() if self._answers[key] else None
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def _work_hard(self, key: str) -> None:
        self.begun.append(key)
        self._something_happened.set()
        for name in (key, "all"):
            self._running[name] += 1
            self.most_at_once[name] = max(self.most_at_once[name], self._running[name])
        try:
            # Even the shortest work gives others a turn.
            await asyncio.sleep(0)
            if key in self._gates:
                await self._gates[key].wait()
        finally:
            self._running.subtract([key, "all"])

    def hold(self, key: str) -> asyncio.Event:
        """Let the work of `key` wait for the gate that is returned."""
        self._gates[key] = asyncio.Event()
        return self._gates[key]

    def answer(self, key: str, *answers: datetime | BaseException) -> None:
        """Have the next passes of `key` end with these, one after the other; later ones with None."""
        self._answers[key].extend(answers)

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Return when it is so, which must come by work that begins or ends."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not is_so():
                self._something_happened.clear()
                await self._something_happened.wait()

    async def move(self, by: timedelta) -> None:
        """Move the clock, and return when all that is due by then was done."""
        self.now += by
        looks = self.ended.count(_LOOK)
        # The scheduler sleeps by a clock that does not stand still; an instant that is past wakes it.
        self.scheduler.wake_at(LONG_AGO, _LOOK)
        await self.until(lambda: self.ended.count(_LOOK) == looks + 1)
        # By now all that is due waits for a worker. What comes behind it comes after it.
        self.scheduler.wake(_LOOK)
        await self.until(lambda: self.ended.count(_LOOK) == looks + 2)
        await self.until(lambda: len(self.ended) - looks - 2 == len(self.begun))


@asynccontextmanager
async def at_work(*, concurrency: int = 2) -> AsyncIterator[Desk]:
    """A scheduler that runs, and is ended in the end."""
    desk = Desk(concurrency)
    running = asyncio.create_task(desk.scheduler.run())
    await desk.scheduler.started.wait()
    yield desk
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def turns() -> None:
    """Give every task its turns: what is to happen without a clock has happened then."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_key_that_is_woken_is_worked_on_once() -> None:
    async with at_work() as desk:
        desk.scheduler.wake("a")
        await desk.move(timedelta(days=1000))
        assert desk.begun == ["a"]


async def test_a_key_that_waits_for_a_worker_is_woken_only_once() -> None:
    async with at_work() as desk:
        for _ in range(3):
            desk.scheduler.wake("a")
        await desk.move(SECOND)
        assert desk.begun == ["a"]


async def test_a_wake_while_it_is_worked_on_has_it_run_once_more() -> None:
    """What was read at the beginning of the pass may be old by now; three wakes say no more than one."""
    async with at_work() as desk:
        gate = desk.hold("a")
        desk.scheduler.wake("a")
        await desk.until(lambda: desk.begun == ["a"])
        for _ in range(3):
            desk.scheduler.wake("a")
        gate.set()
        await desk.until(lambda: desk.ended == ["a", "a"])
        await desk.move(SECOND)
        assert desk.begun == ["a", "a"]
        assert desk.most_at_once["a"] == 1


async def test_a_key_that_is_due_while_it_is_worked_on_runs_once_more() -> None:
    async with at_work() as desk:
        gate = desk.hold("a")
        desk.scheduler.wake("a")
        await desk.until(lambda: desk.begun == ["a"])
        desk.scheduler.wake_at(NOON, "a")
        desk.scheduler.wake_at(NOON, "b")
        # By the time that b, which came after it, has run, a was looked at.
        await desk.until(lambda: desk.ended == ["b"])
        assert desk.begun == ["a", "b"]
        gate.set()
        await desk.until(lambda: desk.ended == ["b", "a", "a"])


async def test_a_key_that_takes_long_holds_up_no_other() -> None:
    async with at_work() as desk:
        gate = desk.hold("slow")
        desk.scheduler.wake("slow")
        for key in "abc":
            desk.scheduler.wake(key)
        await desk.until(lambda: desk.ended == ["a", "b", "c"])
        gate.set()


async def test_no_more_keys_than_workers_are_worked_on_at_once() -> None:
    async with at_work(concurrency=3) as desk:
        gates = [desk.hold(str(number)) for number in range(8)]
        for number in range(8):
            desk.scheduler.wake(str(number))
        await desk.until(lambda: len(desk.begun) == 3)
        assert REGISTRY.get_sample_value("auth0_rotator_queue_depth") == 5
        for gate in gates:
            gate.set()
        await desk.until(lambda: len(desk.ended) == 8)
        assert desk.begun == [str(number) for number in range(8)]
        assert desk.most_at_once["all"] == 3
        assert REGISTRY.get_sample_value("auth0_rotator_queue_depth") == 0


async def test_a_slow_lane_never_has_more_than_half_of_the_workers() -> None:
    """All workers would wait for the sick tenant, and nobody else's rotation would begin."""
    async with at_work(concurrency=4) as desk:
        gates = [desk.hold(f"sick-{number}") for number in range(5)]
        for number in range(5):
            desk.scheduler.wake(f"sick-{number}")
        for key in ("well-1", "well-2", "other"):
            desk.scheduler.wake(key)
        await desk.until(lambda: set(desk.ended) == {"well-1", "well-2", "other"})
        await turns()
        assert [key for key in desk.begun if key.startswith("sick")] == ["sick-0", "sick-1"]
        for gate in gates:
            gate.set()
        await desk.until(lambda: len(desk.ended) == 8)
        sick = [key for key in desk.begun if key.startswith("sick")]
        assert sick == [f"sick-{number}" for number in range(5)]


async def test_a_lane_that_one_has_left_is_no_wider_than_before() -> None:
    async with at_work(concurrency=4) as desk:
        gates = [desk.hold(f"sick-{number}") for number in range(5)]
        for number in range(3):
            desk.scheduler.wake(f"sick-{number}")
        await desk.until(lambda: len(desk.begun) == 2)
        gates[0].set()
        await desk.until(lambda: len(desk.begun) == 3)
        for number in (3, 4):
            desk.scheduler.wake(f"sick-{number}")
        await turns()
        assert desk.begun == ["sick-0", "sick-1", "sick-2"]
        for gate in gates:
            gate.set()
        await desk.until(lambda: len(desk.ended) == 5)


async def test_a_key_that_waits_in_its_lane_is_woken_only_once() -> None:
    async with at_work(concurrency=2) as desk:
        gate = desk.hold("sick-1")
        for key in ("sick-1", "sick-2"):
            desk.scheduler.wake(key)
        await turns()
        desk.scheduler.wake("sick-2")
        gate.set()
        await desk.until(lambda: len(desk.ended) == 2)
        await turns()
        assert desk.begun == ["sick-1", "sick-2"]


@pytest.mark.parametrize(("lane", "concurrency"), [("", 1), ("herd-", 2)])
async def test_an_urgent_key_goes_before_those_that_wait_already(lane: str, concurrency: int) -> None:
    """Who has its turn now would come after a hundred that only want to know theirs."""
    async with at_work(concurrency=concurrency) as desk:
        gate = desk.hold(f"{lane}first")
        desk.scheduler.wake(f"{lane}first")
        await desk.until(lambda: bool(desk.begun))
        for name in ("a", "b", "c!", "d!", "e"):
            desk.scheduler.wake(f"{lane}{name}")
            await turns()
        gate.set()
        await desk.until(lambda: len(desk.ended) == 6)
        assert [key.removeprefix(lane) for key in desk.begun] == ["first", "c!", "d!", "a", "b", "e"]


async def test_keys_come_in_the_order_of_their_instants() -> None:
    async with at_work(concurrency=1) as desk:
        for key, seconds in (("c", 3), ("a", 1), ("d", 3), ("b", 2)):
            desk.scheduler.wake_at(NOON + seconds * SECOND, key)
        await desk.move(3 * SECOND)
        # Those of one instant come in the order in which they were told.
        assert desk.begun == ["a", "b", "c", "d"]


async def test_a_key_comes_at_its_instant_and_not_before() -> None:
    async with at_work() as desk:
        desk.scheduler.wake_at(NOON + SECOND, "a")
        await desk.move(SECOND - timedelta(microseconds=1))
        assert desk.begun == []
        await desk.move(timedelta(microseconds=1))
        assert desk.begun == ["a"]
        await desk.move(timedelta(days=1000))
        assert desk.begun == ["a"]


@pytest.mark.parametrize(("first", "second"), [(1, 5), (5, 1)], ids=["later", "earlier"])
async def test_a_new_instant_replaces_the_one_before(first: int, second: int) -> None:
    async with at_work() as desk:
        desk.scheduler.wake_at(NOON + first * SECOND, "a")
        desk.scheduler.wake_at(NOON + second * SECOND, "a")
        runs = []
        for _ in range(6):
            await desk.move(SECOND)
            runs.append(len(desk.begun))
        assert runs == [int(seconds >= second) for seconds in range(1, 7)]


async def test_an_instant_may_go_back_to_what_it_was() -> None:
    """The entry of the first time is still somewhere in the heap; it must not count twice."""
    async with at_work() as desk:
        for seconds in (2, 4, 2):
            desk.scheduler.wake_at(NOON + seconds * SECOND, "a")
        for _ in range(5):
            await desk.move(SECOND)
        assert desk.begun == ["a"]


async def test_the_work_says_when_it_wants_to_come_again() -> None:
    async with at_work() as desk:
        desk.answer("a", NOON + 2 * SECOND, NOON + 3 * SECOND)
        desk.scheduler.wake("a")
        runs = []
        for _ in range(5):
            await desk.move(SECOND)
            runs.append(len(desk.begun))
        assert runs == [1, 2, 3, 3, 3]


async def test_the_work_may_ask_for_the_very_instant_that_has_come() -> None:
    async with at_work() as desk:
        desk.answer("a", NOON + SECOND)
        desk.scheduler.wake_at(NOON + SECOND, "a")
        await desk.move(SECOND)
        await desk.move(timedelta(0))
        assert desk.begun == ["a", "a"]


async def test_what_the_work_says_replaces_the_instant_before() -> None:
    async with at_work() as desk:
        desk.scheduler.wake_at(NOON + 2 * SECOND, "a")
        desk.answer("a", NOON + 4 * SECOND)
        desk.scheduler.wake("a")
        runs = []
        for _ in range(5):
            await desk.move(SECOND)
            runs.append(len(desk.begun))
        assert runs == [1, 1, 1, 2, 2]


async def test_work_that_wants_nothing_more_drops_the_instant() -> None:
    async with at_work() as desk:
        desk.scheduler.wake_at(NOON + 2 * SECOND, "a")
        desk.scheduler.wake("a")
        await desk.move(5 * SECOND)
        assert desk.begun == ["a"]


async def test_a_key_that_is_forgotten_does_not_come() -> None:
    async with at_work() as desk:
        desk.scheduler.wake_at(NOON + SECOND, "a")
        desk.scheduler.wake_at(NOON + SECOND, "b")
        desk.scheduler.forget("a")
        desk.scheduler.forget("never told of")
        await desk.move(5 * SECOND)
        assert desk.begun == ["b"]
        desk.scheduler.wake_at(NOON + 6 * SECOND, "a")
        await desk.move(SECOND)
        assert desk.begun == ["b", "a"]


# Ending ------------------------------------------------------------------------------------------


async def test_draining_waits_for_what_runs_and_begins_nothing_new() -> None:
    async with at_work(concurrency=1) as desk:
        gate = desk.hold("a")
        desk.answer("a", NOON)
        desk.scheduler.wake("a")
        desk.scheduler.wake("queued")
        desk.scheduler.wake_at(NOON + SECOND, "timed")
        await desk.until(lambda: desk.begun == ["a"])
        desk.scheduler.wake("a")
        draining = asyncio.create_task(desk.scheduler.drain(60))
        await turns()
        desk.scheduler.wake("late")
        desk.now += 5 * SECOND
        assert not draining.done()
        gate.set()
        await asyncio.wait_for(draining, PATIENCE_SECONDS)
        assert desk.ended == ["a"]
        await turns()
        assert desk.begun == ["a"]


async def test_draining_waits_for_all_that_run() -> None:
    async with at_work(concurrency=2) as desk:
        first, second = desk.hold("a"), desk.hold("b")
        desk.scheduler.wake("a")
        desk.scheduler.wake("b")
        await desk.until(lambda: len(desk.begun) == 2)
        draining = asyncio.create_task(desk.scheduler.drain(60))
        await turns()
        first.set()
        await desk.until(lambda: desk.ended == ["a"])
        await turns()
        assert not draining.done()
        second.set()
        await asyncio.wait_for(draining, PATIENCE_SECONDS)
        assert desk.ended == ["a", "b"]


async def test_draining_gives_up_after_its_time() -> None:
    async with at_work() as desk:
        desk.hold("a")
        desk.scheduler.wake("a")
        await desk.until(lambda: desk.begun == ["a"])
        async with asyncio.timeout(PATIENCE_SECONDS):
            await desk.scheduler.drain(0.01)
        assert desk.ended == []


async def test_draining_ends_at_once_where_nothing_runs() -> None:
    async with at_work() as desk, asyncio.timeout(PATIENCE_SECONDS):
        await desk.scheduler.drain(60)


async def test_what_runs_is_cancelled_with_the_scheduler() -> None:
    desk = Desk(concurrency=1)
    running = asyncio.create_task(desk.scheduler.run())
    desk.hold("a")
    desk.scheduler.wake("a")
    await desk.until(lambda: desk.begun == ["a"])
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert desk.ended == []


# Bugs --------------------------------------------------------------------------------------------


async def test_a_bug_is_logged_once_with_its_traceback_and_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    counted = REGISTRY.get_sample_value("auth0_rotator_unexpected_errors_total")
    async with at_work() as desk:
        desk.answer("a", RuntimeError("a bug"))
        desk.scheduler.wake("a")
        with caplog.at_level(logging.DEBUG, logger="auth0_rotator.scheduler"):
            await desk.move(timedelta(0))
        [record] = caplog.records
        assert (record.levelname, record.getMessage()) == ("ERROR", "a pass failed unexpectedly")
        assert vars(record)["key"] == "a"
        assert record.exc_info is not None
        assert str(record.exc_info[1]) == "a bug"
        assert record.exc_info[2] is not None
    assert counted is not None
    assert REGISTRY.get_sample_value("auth0_rotator_unexpected_errors_total") == counted + 1


async def _pauses(desk: Desk, count: int) -> list[int]:
    """Return after how many seconds each of the next runs of "a" came."""
    pauses = []
    for _ in range(count):
        runs, seconds = len(desk.begun), 0
        while len(desk.begun) == runs:
            await desk.move(SECOND)
            seconds += 1
        pauses.append(seconds)
    return pauses


async def test_a_key_with_a_bug_comes_again_after_1_2_4_seconds_and_others_go_on() -> None:
    async with at_work(concurrency=1) as desk:
        desk.answer("a", *[RuntimeError("a bug")] * 11)
        desk.scheduler.wake("a")
        await desk.move(timedelta(0))
        assert await _pauses(desk, 6) == [1, 2, 4, 8, 16, 32]
        desk.scheduler.wake("b")
        await desk.move(timedelta(0))
        assert desk.begun[-1] == "b"
        assert await _pauses(desk, 5) == [64, 128, 256, 300, 300]


async def test_a_pass_without_a_bug_makes_the_next_pause_short_again() -> None:
    async with at_work() as desk:
        bug = RuntimeError("a bug")
        desk.answer("a", bug, bug, NOON + 3 * SECOND + 5 * SECOND, bug)
        desk.scheduler.wake("a")
        await desk.move(timedelta(0))
        assert await _pauses(desk, 4) == [1, 2, 5, 1]


async def test_a_key_with_a_bug_can_be_woken_before_its_pause_is_over() -> None:
    async with at_work() as desk:
        desk.answer("a", RuntimeError("a bug"))
        desk.scheduler.wake("a")
        await desk.move(timedelta(0))
        desk.scheduler.wake("a")
        await desk.move(timedelta(0))
        assert desk.begun == ["a", "a"]
        await desk.move(5 * SECOND)
        assert desk.begun == ["a", "a"]


async def test_work_that_was_cancelled_from_within_is_a_bug_like_any_other() -> None:
    """The one worker there is must live on, or no key would ever be worked on again."""
    async with at_work(concurrency=1) as desk:
        desk.answer("a", asyncio.CancelledError())
        desk.scheduler.wake("a")
        await desk.move(timedelta(0))
        desk.scheduler.wake("b")
        await desk.move(timedelta(0))
        assert desk.begun == ["a", "b"]
        await desk.move(SECOND)
        assert desk.begun == ["a", "b", "a"]


@pytest.mark.parametrize("end", ["return", "raise"])
async def test_work_that_swallows_its_cancellation_ends_with_the_scheduler(end: str) -> None:
    """Wrong: a worker that goes back for the next key after it was told to end."""
    is_running = asyncio.Event()

    async def work(_: str) -> None:
        is_running.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if end == "raise":
                message = "in the way of the end"
                raise RuntimeError(message) from None

    scheduler = Scheduler(work, clock=lambda: datetime.now(UTC), concurrency=1)
    running = asyncio.create_task(scheduler.run())
    scheduler.wake("a")
    async with asyncio.timeout(PATIENCE_SECONDS):
        await is_running.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


async def test_the_counts_of_two_keys_are_kept_apart() -> None:
    async with at_work() as desk:
        bug = RuntimeError("a bug")
        desk.answer("a", bug, bug)
        desk.scheduler.wake("a")
        await desk.move(timedelta(0))
        await desk.move(SECOND)
        desk.answer("b", bug)
        desk.scheduler.wake("b")
        await desk.move(timedelta(0))
        await desk.move(SECOND)
        assert desk.begun == ["a", "a", "b", "b"]


# A clock that is set back ------------------------------------------------------------------------


async def test_a_clock_that_is_set_back_wakes_all_that_waited_by_it_once() -> None:
    """What was to come in a minute would else come in a day."""
    async with at_work() as desk:
        desk.scheduler.wake_at(NOON + 60 * SECOND, "a")
        desk.scheduler.wake_at(NOON + 90 * SECOND, "b")
        await desk.move(timedelta(0))
        assert desk.begun == []
        await desk.move(-timedelta(microseconds=1))
        assert sorted(desk.begun) == ["a", "b"]
        await desk.move(timedelta(0))
        await desk.move(SECOND)
        assert len(desk.begun) == 2


async def test_a_clock_is_set_back_from_the_latest_that_it_said() -> None:
    async with at_work() as desk:
        await desk.move(60 * SECOND)
        desk.answer("a", NOON + 90 * SECOND, NOON + 40 * SECOND)
        desk.scheduler.wake_at(NOON + 70 * SECOND, "a")
        await desk.move(-30 * SECOND)
        assert desk.begun == ["a"]
        await desk.move(-SECOND)
        assert desk.begun == ["a", "a"]
        await desk.move(10 * SECOND)
        assert desk.begun == ["a", "a"]
        await desk.move(SECOND)
        assert desk.begun == ["a", "a", "a"]


# The wall clock ----------------------------------------------------------------------------------


async def test_a_key_comes_by_itself_when_its_instant_has_come() -> None:
    """And a nearer instant cuts short the sleep until a far one."""
    came = asyncio.get_running_loop().create_future()

    async def work(key: str) -> None:
        came.set_result((key, datetime.now(UTC)))

    scheduler: Scheduler[str] = Scheduler(work, clock=lambda: datetime.now(UTC), concurrency=1)
    running = asyncio.create_task(scheduler.run())
    await scheduler.started.wait()
    scheduler.wake_at(datetime.now(UTC) + timedelta(hours=1), "far")
    await asyncio.sleep(0)
    due = datetime.now(UTC) + timedelta(milliseconds=30)
    scheduler.wake_at(due, "near")
    async with asyncio.timeout(PATIENCE_SECONDS):
        key, instant = await came
    assert key == "near"
    assert due <= instant
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
