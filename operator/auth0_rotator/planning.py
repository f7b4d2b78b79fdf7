"""When rotations come, one after the other: dates, windows, spacing and rates together. Pure.

The same function says when a rotation has its turn in a queue and when the next ones of a whole
namespace will be: what is told beforehand is what happens.
"""

import bisect
import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from typing import Final, Generic, TypeVar

from auth0_rotator.resource import RotationWindow
from auth0_rotator.schedule import (
    IntervalUnit,
    day_of_schedule,
    following_rotation_at,
    spread_offset,
)
from auth0_rotator.windows import next_opening

_HOUR: Final = timedelta(hours=1)

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Limits:
    """How close to each other the rotations of one connection may come."""

    spacing: timedelta = timedelta(0)
    """Shortest time between two of them."""
    per_hour: int | None = None
    """Most of them within any hour."""

    def first_free(
        self, taken: Sequence[datetime], start: datetime, windows: Sequence[RotationWindow] = ()
    ) -> datetime | None:
        """Return the first instant from `start` on that is allowed beside those `taken`, in order.

        None where the windows leave no room for it.
        """
        at = next_opening(windows, start)
        # Each move leaves one of those taken behind for good, so that there is an end to them.
        while at is not None and (moved := self._moved(taken, at)) is not None:
            at = next_opening(windows, moved)
        return at

    def _moved(self, taken: Sequence[datetime], at: datetime) -> datetime | None:
        """Return to when an instant has to move at least, None where it may stay."""
        place = bisect.bisect_right(taken, at)
        if place and at - taken[place - 1] < self.spacing:
            return taken[place - 1] + self.spacing
        if place < len(taken) and taken[place] - at < self.spacing:
            return taken[place] + self.spacing
        if self.per_hour is None:
            return None
        # Any hour that holds this instant: from just an hour before it to just an hour after it.
        first = bisect.bisect_right(taken, at - _HOUR)
        last = bisect.bisect_left(taken, at + _HOUR)
        if last - first < self.per_hour:
            return None
        return taken[first] + _HOUR


@dataclass(frozen=True, slots=True)
class Subject(Generic[K]):
    """What the dates of one rotation depend on."""

    key: K
    uid: str
    last_rotated_at: datetime
    is_manual: bool
    interval: int
    time_of_day: time
    zone: tzinfo
    unit: IntervalUnit
    spread: timedelta = timedelta(0)
    windows: Sequence[RotationWindow] = ()

    def next_after(self, last_rotated_at: datetime, *, is_manual: bool) -> datetime:
        """Return the instant of the schedule after a rotation at `last_rotated_at`."""
        offset = spread_offset(self.spread, self.uid)
        base = last_rotated_at
        if not is_manual:
            base = day_of_schedule(base, rotate_at=self.time_of_day, zone=self.zone, offset=offset)
        following = following_rotation_at(
            base,
            interval=self.interval,
            rotate_at=self.time_of_day,
            zone=self.zone,
            manual=is_manual,
            unit=self.unit,
        )
        return following + offset


def plan(
    subjects: Sequence[Subject[K]], *, limits: Limits, now: datetime, count: int
) -> list[tuple[datetime, K]]:
    """Return the next `count` automatic rotations of `subjects`, which share one connection, in order.

    Each is taken for successful. What is overdue comes first, from `now` on, in order of its date.
    """
    if count < 1:
        return []
    # Sorted is a heap as well.
    waiting = sorted(
        (subject.next_after(subject.last_rotated_at, is_manual=subject.is_manual), number)
        for number, subject in enumerate(subjects)
    )
    planned: list[tuple[datetime, int]] = []
    taken = sorted(subject.last_rotated_at for subject in subjects)
    while waiting and (len(planned) < count or waiting[0][0] < planned[count - 1][0]):
        due, number = heapq.heappop(waiting)
        subject = subjects[number]
        at = limits.first_free(taken, max(due, now), subject.windows)
        if at is None:
            continue
        bisect.insort(taken, at)
        bisect.insort(planned, (at, number))
        heapq.heappush(waiting, (subject.next_after(at, is_manual=False), number))
    return [(at, subjects[number].key) for at, number in planned[:count]]
