"""When the next rotation is.

The rule is that of the feature this operator re-creates, bit for bit: calendar days in UTC, so
that daylight saving never matters, and month ends, leap days and year ends roll over. Windows,
spread and retries are laid over it, never into it.
"""

import hashlib
from datetime import UTC, datetime, time, timedelta
from enum import Enum
from typing import Final

# Waits between failed attempts: 1, 2, 4 ... 60 minutes.
FIRST_RETRY: Final = timedelta(minutes=1)
LONGEST_RETRY: Final = timedelta(minutes=60)
# The longest wait needs no more, and forty are more than a timedelta holds.
MOST_DOUBLINGS: Final = 6
# No wait between attempts is longer.
LONGEST_BACK_OFF: Final = LONGEST_RETRY * 1.25
# A retry comes up to this share of the wait later, by a fixed amount per object, so that objects
# that failed together do not come back together.
RETRY_SPREAD: Final = 0.25


class IntervalUnit(Enum):
    """What `rotationInterval` counts. MINUTES is for rehearsals only."""

    DAYS = "days"
    MINUTES = "minutes"


def next_rotation_at(
    *,
    last_rotated_at: datetime | None,
    interval: int,
    rotate_at_utc: time,
    automatic: bool,
    failed: bool,
    manual: bool,
    now: datetime,
    unit: IntervalUnit,
) -> datetime | None:
    """Return the instant of the next automatic rotation (aware, UTC), None where there is none.

    `last_rotated_at` and `now` are aware. With `automatic` off there is no next rotation. After a
    failure it is tomorrow's UTC date at the time of day, whatever else holds. Otherwise it is
    the UTC date of `last_rotated_at` plus `interval` days at the time of day, and one day more if
    the last rotation was manual and came at or after that time of day (compared by the minute).
    In MINUTES the same holds one size smaller: minutes for days, `rotate_at_utc.minute` as
    seconds for the time of day.
    """
    if not automatic:
        return None
    step = timedelta(days=1) if unit is IntervalUnit.DAYS else timedelta(minutes=1)
    if failed:
        return _at_time(now, rotate_at_utc, unit) + step
    if last_rotated_at is None:
        return None
    same_period = _at_time(last_rotated_at, rotate_at_utc, unit)
    # By the minute this is the same, for the time of day has no seconds.
    padding = step if manual and last_rotated_at >= same_period else timedelta(0)
    return same_period + interval * step + padding


def _at_time(instant: datetime, rotate_at: time, unit: IntervalUnit) -> datetime:
    """Return the time of day within the UTC day of `instant` (in MINUTES: the second in its minute)."""
    utc = instant.astimezone(UTC)
    if unit is IntervalUnit.DAYS:
        return utc.replace(hour=rotate_at.hour, minute=rotate_at.minute, second=0, microsecond=0)
    return utc.replace(second=rotate_at.minute, microsecond=0)


def retry_delay(*, failed_attempts: int, uid: str) -> timedelta:
    """Return how long to wait after the `failed_attempts`-th failure in a row (1 is the first).

    1, 2, 4 ... 60 minutes, plus a fixed part of up to a quarter that depends on the object's
    `uid` alone: a restart finds the same instants again.
    """
    doublings = min(max(failed_attempts, 1) - 1, MOST_DOUBLINGS)
    wait = min(FIRST_RETRY * (1 << doublings), LONGEST_RETRY)
    return wait * (1 + RETRY_SPREAD * fraction_of(uid))


def is_ahead(instant: datetime | None, now: datetime, *, at_most: timedelta) -> bool:
    """Return whether `instant` is still to be waited for.

    One that is further ahead than it can have been set (`at_most`) is not: the clock was set back.
    """
    return instant is not None and now < instant <= now + at_most


def fraction_of(uid: str) -> float:
    """Return a number in [0, 1) that depends on `uid` alone, evenly spread over many uids."""
    return int.from_bytes(hashlib.sha256(uid.encode()).digest()[:4]) / 2**32
