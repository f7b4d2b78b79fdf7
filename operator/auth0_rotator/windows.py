"""When automatic rotations are allowed: cron windows that allow or deny, laid over the schedule. Pure.

As Argo CD's syncWindows: inside of a denying window nothing happens, whatever allows it; where any
allowing window is named, nothing happens outside of them; without any window everything is allowed.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim

from auth0_rotator.resource.timing import RotationWindow, WindowKind

# Leap days are eight years apart at most; what does not open until then is said never to.
HORIZON: Final = timedelta(days=9 * 366)
# Windows that follow each other closely are looked at one by one; so many take a fraction of a second.
MOST_STEPS: Final = 2000
# The longest hour that comes twice.
_LONGEST_FOLD: Final = timedelta(hours=3)
_SECOND: Final = timedelta(seconds=1)


def next_opening(windows: Sequence[RotationWindow], after: datetime) -> datetime | None:
    """Return the first instant (aware, UTC) from `after` on that the windows allow.

    That is `after` itself where they allow it, and None where they never do.
    """
    allowing = [window for window in windows if window.kind is WindowKind.ALLOW]
    denying = [window for window in windows if window.kind is WindowKind.DENY]
    at, end = after.astimezone(UTC), after + HORIZON
    for _ in range(MOST_STEPS):
        if at > end:
            return None
        closed_until = max((_end_of(window, at) or at for window in denying), default=at)
        if closed_until > at:
            at = closed_until
        elif not allowing or any(_end_of(window, at) is not None for window in allowing):
            return at
        else:
            starts = [start for window in allowing if (start := _next_start(window, at))]
            if not starts:
                return None
            at = min(starts)
    return None


def _end_of(window: RotationWindow, at: datetime) -> datetime | None:
    """Return when the window ends that is open at this instant, None where it is not open."""
    zone = ZoneInfo(window.time_zone)
    # The library reads the clock on the wall, and takes an hour that comes twice for its first time.
    ahead = at + (_LONGEST_FOLD if at.astimezone(zone).fold else _SECOND)
    for start in CronSim(window.schedule, ahead.astimezone(zone), reverse=True):
        began = start.astimezone(UTC)
        if began <= at:
            return began + window.duration if at < began + window.duration else None
    return None


def _next_start(window: RotationWindow, after: datetime) -> datetime | None:
    """Return when the window opens next, later than `after`; None where it never does."""
    zone = ZoneInfo(window.time_zone)
    starts = (start.astimezone(UTC) for start in CronSim(window.schedule, after.astimezone(zone)))
    return next((start for start in starts if start > after), None)
