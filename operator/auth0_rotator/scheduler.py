"""One heap of instants, a bounded pool of workers, one worker at a time for each key.

It knows nothing of rotations: a key is anything hashable, and the work is one function that
returns when the key wants to come again.
"""

import asyncio
import contextlib
import heapq
import itertools
import logging
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Hashable
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

from auth0_rotator.metrics import QUEUE_DEPTH, UNEXPECTED_ERRORS

logger = logging.getLogger(__name__)

# The clock on the wall may be set; it is looked at again at least this often.
LONGEST_SLEEP: Final = timedelta(seconds=30)
# A key whose work failed by a bug comes again after 1, 2, 4 ... 300 seconds.
FIRST_PAUSE: Final = timedelta(seconds=1)
LONGEST_PAUSE: Final = timedelta(seconds=300)

K = TypeVar("K", bound=Hashable)
Work = Callable[[K], Awaitable[datetime | None]]


class Scheduler(Generic[K]):
    """Runs `work` for keys, when they are woken or when their instant has come."""

    def __init__(
        self,
        work: Work[K],
        *,
        clock: Callable[[], datetime],
        concurrency: int,
        lane: Callable[[K], Hashable] | None = None,
        is_urgent: Callable[[K], bool] = lambda _: False,
    ) -> None:
        """Prepare; nothing runs before `run`. `clock` gives aware instants of the wall clock.

        `lane` says what the work of a key may have to wait for: keys of one lane never have more
        than half of the workers, so that whatever is slow there keeps nobody else waiting.
        `is_urgent` says, when a key is woken, whether it goes before those that wait already.
        """
        self._lane = lane
        self._is_urgent = is_urgent
        self._lane_width = max(1, concurrency // 2)
        self._busy: Counter[Hashable] = Counter()
        self._waiting: defaultdict[Hashable, list[tuple[bool, int, K]]] = defaultdict(list)
        self._work = work
        self._clock = clock
        self._concurrency = concurrency
        self._heap: list[tuple[datetime, int, K]] = []
        self._instants: dict[K, datetime] = {}
        self._ready: asyncio.PriorityQueue[tuple[bool, int, K]] = asyncio.PriorityQueue()
        self._queued: set[K] = set()
        self._running: set[K] = set()
        self._again: set[K] = set()
        self._failures: dict[K, int] = {}
        self._order = itertools.count()
        self._changed = asyncio.Event()
        self._idle = asyncio.Event()
        self._is_draining = False
        self._latest = clock()
        self.started = asyncio.Event()
        """Set once all workers are there."""

    def wake(self, key: K) -> None:
        """Have `key` worked on as soon as a worker is free; once more if it is being worked on."""
        if self._is_draining:
            return
        if key in self._running:
            self._again.add(key)
        elif key not in self._queued:
            self._queued.add(key)
            self._ready.put_nowait((not self._is_urgent(key), next(self._order), key))
            QUEUE_DEPTH.set(len(self._queued))

    def wake_at(self, instant: datetime, key: K) -> None:
        """Have `key` worked on at `instant`; replaces the instant that it had."""
        if self._instants.get(key) == instant:
            return
        self._instants[key] = instant
        heapq.heappush(self._heap, (instant, next(self._order), key))
        if self._heap[0][2] == key:
            self._changed.set()

    def forget(self, key: K) -> None:
        """Drop the instant of `key`."""
        self._instants.pop(key, None)

    async def run(self) -> None:
        """Work until cancelled. What is running then is cancelled as well."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch_clock(), name="clock")
            for number in range(self._concurrency):
                group.create_task(self._serve(), name=f"worker {number}")
            self.started.set()

    async def drain(self, seconds: float) -> None:
        """Begin nothing new, and return when what runs has ended, or after `seconds`."""
        self._is_draining = True
        self._instants.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._running:
                    self._idle.clear()
                    await self._idle.wait()

    async def _watch_clock(self) -> None:
        while True:
            self._changed.clear()
            wait = self._wake_due().total_seconds()
            try:
                async with asyncio.timeout(wait):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _wake_due(self) -> timedelta:
        """Wake every key whose instant has come; return how long until the next one."""
        now = self._clock()
        if now < self._latest:
            # The clock was set back: what was to come in a minute would come in a day.
            for key in list(self._instants):
                self.wake(key)
        self._latest = now
        while self._heap:
            instant, _, key = self._heap[0]
            if self._instants.get(key) != instant:
                heapq.heappop(self._heap)
            elif instant <= now:
                heapq.heappop(self._heap)
                del self._instants[key]
                self.wake(key)
            else:
                return min(instant - now, LONGEST_SLEEP)
        return LONGEST_SLEEP

    async def _serve(self) -> None:
        task = asyncio.current_task()
        # Work that swallowed its cancellation ends its worker all the same.
        while task is None or not task.cancelling():
            place = await self._ready.get()
            key = place[-1]
            lane = self._lane(key) if self._lane is not None else None
            if lane is not None and self._busy[lane] >= self._lane_width:
                heapq.heappush(self._waiting[lane], place)
                continue
            self._queued.discard(key)
            if self._is_draining:
                continue
            QUEUE_DEPTH.set(len(self._queued))
            self._running.add(key)
            self._busy[lane] += 1
            try:
                instant = await self._work_safely(key)
            finally:
                self._running.discard(key)
                self._leave(lane)
                self._idle.set()
            if instant is None:
                self.forget(key)
            else:
                self.wake_at(instant, key)
            if key in self._again:
                self._again.discard(key)
                self.wake(key)

    def _leave(self, lane: Hashable) -> None:
        """Let the next one of this lane have its turn."""
        self._busy[lane] -= 1
        if not self._busy[lane]:
            del self._busy[lane]
        waiting = self._waiting.get(lane)
        if waiting:
            self._ready.put_nowait(heapq.heappop(waiting))
        elif waiting is not None:
            del self._waiting[lane]

    async def _work_safely(self, key: K) -> datetime | None:
        """The one place where a bug is caught: logged, counted, and tried again later."""
        try:
            instant = await self._work(key)
        except (Exception, asyncio.CancelledError) as bug:
            task = asyncio.current_task()
            if isinstance(bug, asyncio.CancelledError) and task is not None and task.cancelling():
                raise
            count = self._failures[key] = self._failures.get(key, 0) + 1
            pause = min(FIRST_PAUSE * (1 << min(count - 1, 16)), LONGEST_PAUSE)
            UNEXPECTED_ERRORS.inc()
            logger.exception("a pass failed unexpectedly", extra={"key": str(key)})
            return self._clock() + pause
        self._failures.pop(key, None)
        return instant
