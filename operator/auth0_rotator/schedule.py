"""When the next rotation is.

The rule is that of the feature this operator re-creates, bit for bit: calendar days in UTC, so
that daylight saving never matters, and month ends, leap days and year ends roll over. For people
who think in local time the same rule is read by the calendar and the clock of a named zone. Windows,
spread and retries are laid over it, never into it.
"""

import hashlib
from bisect import bisect
from datetime import UTC, datetime, time, timedelta, tzinfo
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
_SECOND: Final = timedelta(seconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


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
    return next_rotation_in_zone(
        last_rotated_at=last_rotated_at,
        interval=interval,
        rotate_at=rotate_at_utc,
        zone=UTC,
        automatic=automatic,
        failed=failed,
        manual=manual,
        now=now,
        unit=unit,
    )


def next_rotation_in_zone(
    *,
    last_rotated_at: datetime | None,
    interval: int,
    rotate_at: time,
    zone: tzinfo,
    automatic: bool,
    failed: bool,
    manual: bool,
    now: datetime,
    unit: IntervalUnit,
) -> datetime | None:
    """Return the same by the calendar and the clock on the wall of `zone`.

    A time of day that a clock change leaves out means the first instant after it, one that comes
    twice the first. In MINUTES the zone makes no difference.
    """
    if not automatic:
        return None
    if failed:
        return _at_time(now, rotate_at, zone, unit, later=1)
    if last_rotated_at is None:
        return None
    return following_rotation_at(
        last_rotated_at,
        interval=interval,
        rotate_at=rotate_at,
        zone=zone,
        manual=manual,
        unit=unit,
    )


def following_rotation_at(
    last_rotated_at: datetime,
    *,
    interval: int,
    rotate_at: time,
    zone: tzinfo,
    manual: bool,
    unit: IntervalUnit,
) -> datetime:
    """Return the same for one that was rotated, with success, and comes again by itself."""
    padding = manual and _is_at_or_after(last_rotated_at, rotate_at, zone, unit)
    return _at_time(last_rotated_at, rotate_at, zone, unit, later=interval + padding)


def _is_at_or_after(instant: datetime, rotate_at: time, zone: tzinfo, unit: IntervalUnit) -> bool:
    """Return whether the time of day has come on the day of `instant` (the second, in its minute)."""
    if unit is IntervalUnit.MINUTES:
        return instant.astimezone(UTC).second >= rotate_at.minute
    wall = instant.astimezone(zone)
    return (wall.hour, wall.minute) >= (rotate_at.hour, rotate_at.minute)


def _at_time(
    instant: datetime, rotate_at: time, zone: tzinfo, unit: IntervalUnit, *, later: int
) -> datetime:
    """Return the time of day so many days `later` than the day of `instant` (in MINUTES: minutes)."""
    if unit is IntervalUnit.MINUTES:
        minute = instant.astimezone(UTC).replace(second=rotate_at.minute, microsecond=0)
        return minute + timedelta(minutes=later)
    day = instant.astimezone(zone).date() + timedelta(days=later)
    return _at_wall(datetime.combine(day, time(rotate_at.hour, rotate_at.minute)), zone)


def _at_wall(wall: datetime, zone: tzinfo) -> datetime:
    """Return the first instant (UTC) at which the clock on the wall shows `wall`, or has passed it."""
    before = wall.replace(tzinfo=zone).astimezone(UTC)
    if before.astimezone(zone).replace(tzinfo=None) == wall:
        return before
    # The clock was put forward over it, at an instant between those that the two offsets mean.
    early = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)

    def shown(seconds: int) -> datetime:
        return (early + seconds * _SECOND).astimezone(zone).replace(tzinfo=None)

    return early + bisect(range((before - early) // _SECOND), wall, key=shown) * _SECOND


def spread_offset(spread: timedelta, uid: str) -> timedelta:
    """Return by how much later than the others this object is: whole seconds, less than `spread`."""
    return timedelta(seconds=int(fraction_of(uid) * spread.total_seconds()))


def next_probe_at(interval: timedelta, uid: str, *, after: datetime) -> datetime:
    """Return the first instant after `after` at which this object is to be probed.

    Its instants are `interval` apart and depend on its `uid` alone: a restart finds them again, and
    many objects are spread evenly.
    """
    first = _EPOCH + fraction_of(uid) * interval
    return first + ((after - first) // interval + 1) * interval


def day_of_schedule(
    last_rotated_at: datetime, *, rotate_at: time, zone: tzinfo, offset: timedelta
) -> datetime:
    """Return an instant on the day whose time of day a scheduled rotation followed.

    That is the day before where the spread's `offset` carried it over midnight: without this, each
    such rotation would come a day later than the one before.
    """
    wall, nominal = last_rotated_at.astimezone(zone), (last_rotated_at - offset).astimezone(zone)
    is_carried_over = wall.time() < rotate_at <= nominal.time()
    return last_rotated_at - offset if is_carried_over else last_rotated_at


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
