"""When automatic rotations are allowed: cron windows that allow or deny, laid over the schedule. Pure.

As Argo CD's syncWindows: inside of a denying window nothing happens, whatever allows it; where any
allowing window is named, nothing happens outside of them; without any window everything is allowed.
"""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim

from auth0_rotator.resource.timing import RotationWindow, WindowKind

# Leap days are eight years apart at most; what does not open until then is said never to.
HORIZON: Final = timedelta(days=9 * 366)
# Of windows that come every minute that is five weeks, and less than a second.
MOST_STARTS: Final = 50_000
# What was not found is not looked for again so soon.
LOOKED_FOR: Final = timedelta(days=366)
# The longest hour that comes twice.
_LONGEST_FOLD: Final = timedelta(hours=3)

_Span = tuple[datetime, datetime]
_NEVER: Final = datetime.max.replace(tzinfo=UTC)
_NO_SPAN: Final[_Span] = (_NEVER, _NEVER)


@dataclass(slots=True)
class _Answer:
    """The last question about some windows, which many rotations may share, and its answer."""

    asked: datetime = _NEVER
    opening: datetime | None = None


@lru_cache(maxsize=1000)
def _last_answer(windows: tuple[RotationWindow, ...]) -> _Answer:  # noqa: ARG001 - the key
    return _Answer()


def next_opening(windows: Sequence[RotationWindow], after: datetime) -> datetime | None:
    """Return the first instant (aware, UTC) from `after` on that the windows allow.

    That is `after` itself where they allow it, and None where they never do.
    """
    answer, at = _last_answer(tuple(windows)), after.astimezone(UTC)
    if not answer.asked <= at <= (answer.opening or answer.asked + LOOKED_FOR):
        answer.asked, answer.opening = at, _search(windows, at)
    return answer.opening


def _search(windows: Sequence[RotationWindow], after: datetime) -> datetime | None:
    """Sweep over what denies and what allows, both in order of their begin."""
    denying = [_spans(window, after) for window in windows if window.kind is WindowKind.DENY]
    allowing = [_spans(window, after) for window in windows if window.kind is WindowKind.ALLOW]
    denied, allowed = heapq.merge(*denying), heapq.merge(*allowing or [iter([(after, _NEVER)])])
    denied_from, denied_until = next(denied, _NO_SPAN)
    allowed_from, allowed_until = next(allowed, _NO_SPAN)
    at = after
    for _ in range(MOST_STARTS):
        if at > after + HORIZON:
            return None
        if denied_from <= at:
            at = max(at, denied_until)
            denied_from, denied_until = next(denied, _NO_SPAN)
        elif allowed_until <= at:
            allowed_from, allowed_until = next(allowed, _NO_SPAN)
        elif allowed_from <= at:
            return at
        else:
            at = allowed_from
    return None


def _spans(window: RotationWindow, after: datetime) -> Iterator[_Span]:
    """Yield from when until when a window is open, beginning with its last start up to `after`."""
    zone = ZoneInfo(window.time_zone)
    # The library reads the clock on the wall, and takes an hour that comes twice for its first time.
    ahead = (after + _LONGEST_FOLD).astimezone(zone)
    for start in CronSim(window.schedule, ahead, reverse=True):
        began = start.astimezone(UTC)
        if began <= after:
            yield began, began + window.duration
            break
    last = after
    for start in CronSim(window.schedule, after.astimezone(zone)):
        begins = start.astimezone(UTC)
        if begins > last:
            last = begins
            yield begins, begins + window.duration
