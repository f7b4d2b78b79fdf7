"""Tasks that end: cut off, and what they failed by."""

import asyncio
from collections.abc import Collection, Iterable
from typing import Any, Final

# So often a task is cancelled, and waited for each time so long.
CUTS: Final = 2
CUT_SECONDS: Final = 0.2


def cause_of(ended: Iterable[asyncio.Task[Any]]) -> str:
    """Return what the first of these tasks that failed has failed by, in one line."""
    errors = [task.exception() for task in ended if not task.cancelled()]
    return next((" ".join(str(error).split()) for error in errors if error is not None), "")


async def cut_off(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel `tasks` until they have ended. One of Kopf's that asks for a new login swallows the first
    word, and is not waited for: whoever closes the event loop cancels what is left once more."""
    for _ in range(CUTS):
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=CUT_SECONDS)
