"""Time that is turned on by the story: for the operator's wall clock and for the event loop alike."""

import asyncio
from datetime import datetime

from harness.stage import Clock

# Enough for the timers of idle connections, and for the other side to see them closed.
_TURNS = 3


class TurningLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock can be put forward: pauses and the lifetime of tokens count by it."""

    ahead = 0.0
    """Seconds that it is ahead of the real one."""

    def time(self) -> float:
        """Return the instant, in seconds."""
        return super().time() + self.ahead


class TurningClock(Clock):
    """A wall clock that takes the event loop along, and tells who waits for an instant."""

    def __init__(self, loop: TurningLoop) -> None:
        """Start in the middle of a minute."""
        super().__init__()
        self._loop = loop

    async def turn(self, to: datetime) -> None:
        """Put both clocks forward."""
        self._loop.ahead += max(0.0, (to - self.now).total_seconds())
        self.now = to
        for _ in range(_TURNS):
            await asyncio.sleep(0)
