"""The pace of requests to one tenant, shared by all connections that reach it in one way."""

import asyncio
from datetime import timedelta
from typing import Final

from aiolimiter import AsyncLimiter

from auth0_rotator.conditions import Reason
from auth0_rotator.errors import Retry

# The tenant counts arrivals, we count departures, and the way between wavers: a little below the
# rate, and one request of the burst in reserve, is what it takes never to be told 429.
_SHARE_OF_RATE: Final = 0.99
# A longer pause is not waited out in a worker; the object comes back when it is over.
LONGEST_WAIT: Final = timedelta(seconds=2)
# Retry-After and reset may name any instant; past this they are no pause but a fault.
LONGEST_PAUSE: Final = timedelta(minutes=5)


class Pace:
    """Lets requests go at a rate with a burst, and stops them all while the tenant asks for it."""

    def __init__(self, *, requests_per_second: float, burst: int) -> None:
        """Start with a full burst."""
        self._rate = (requests_per_second, burst)
        self._limiter = _limiter(requests_per_second, burst)
        self._departures = _limiter(requests_per_second, burst)
        self._paused_until = 0.0
        self._owed = 0.0
        """What of the burst was used up before the rate was changed."""

    def set_rate(self, *, requests_per_second: float, burst: int) -> None:
        """Change the rate; without a change, what was used up stays used up."""
        if self._rate == (requests_per_second, burst):
            return
        used = self._owed + self._limiter.max_rate - _available(self._limiter)
        share = min(1.0, used / self._limiter.max_rate)
        self._rate = (requests_per_second, burst)
        self._limiter = _limiter(requests_per_second, burst)
        self._departures = _limiter(requests_per_second, burst)
        self._owed = share * self._limiter.max_rate

    @property
    def interval(self) -> timedelta:
        """How long after one request the next may go, when many wait."""
        return timedelta(seconds=1 / (self._rate[0] * _SHARE_OF_RATE))

    @property
    def is_free(self) -> bool:
        """Whether nobody waits and nothing is paused: a request that asks now goes at once, or, after a
        change of the rate, soon."""
        return self._left() <= 0 and self._limiter.has_capacity()

    def pause(self, wait: timedelta) -> None:
        """Let nothing go for `wait`."""
        until = asyncio.get_running_loop().time() + min(wait, LONGEST_PAUSE).total_seconds()
        self._paused_until = max(self._paused_until, until)

    async def turn(self) -> None:
        """Return when a request may go.

        Raises:
            Retry: the tenant asked for a pause that is longer than a worker waits.
        """
        while True:
            left = self._left()
            if left > LONGEST_WAIT.total_seconds():
                message = f"the tenant asked to wait for {left:.0f} more seconds"
                raise Retry(Reason.RATE_LIMITED, message, timedelta(seconds=left))
            if left > 0:
                await asyncio.sleep(left)
                continue
            owed, self._owed = self._owed, 0.0
            if owed:
                await self._limiter.acquire(owed)
            await self._limiter.acquire()
            # The tenant may have asked for a pause while this request waited for its turn.
            if self._left() <= 0:
                return

    async def depart(self) -> None:
        """Return when a request that has had its turn may leave.

        Between the two a journal is written, which takes some longer than others: those would arrive
        in a bunch.
        """
        await self._departures.acquire()

    def _left(self) -> float:
        return self._paused_until - asyncio.get_running_loop().time()


def _available(limiter: AsyncLimiter) -> float:
    """Return how many requests could go at once, to a tenth."""
    steps = range(round(limiter.max_rate * 10), 0, -1)
    return next((step / 10 for step in steps if limiter.has_capacity(step / 10)), 0.0)


def _limiter(requests_per_second: float, burst: int) -> AsyncLimiter:
    capacity = max(1, burst - 1)
    return AsyncLimiter(capacity, capacity / (requests_per_second * _SHARE_OF_RATE))
