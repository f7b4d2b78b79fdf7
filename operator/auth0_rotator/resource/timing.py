"""Images of when a rotation may happen: durations, a time of day in a zone, windows, a governor."""

import re
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from enum import StrEnum
from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    WithJsonSchema,
    model_validator,
)

from auth0_rotator.resource.image import Image, rule, shape, shape_rule

_DURATION_PATTERN: Final = r"^([0-9]+(\.[0-9]+)?(h|m|s|ms))+$"
_DURATION_MESSAGE: Final = "a duration is written as 90s, 30m, 24h or 1h30m"
_UNIT_SECONDS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_LONGEST_TEXT: Final = 32

_CLOCK_PATTERN: Final = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
_CLOCK_MESSAGE: Final = "a time of day is written as 03:30, from 00:00 to 23:59"
# Neither Local nor +02:00, which the API server would take: they are no names of the database.
_ZONE_PATTERN: Final = r"^(UTC|[A-Z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)+)$"
_ZONE_MESSAGE: Final = (
    "timeZone must be UTC or a name of the IANA time zone database with its region, such as Europe/Oslo"
)
_CRON_PATTERN: Final = r"^[0-9A-Za-z*/,#-]+( [0-9A-Za-z*/,#-]+){4}$"
_CRON_MESSAGE: Final = (
    "schedule must be a cron expression of five fields with one blank between them: minute, hour, day "
    "of the month, month, day of the week"
)
_GOVERNOR_MESSAGE: Final = (
    "governor must set at least one of minSpacing, maxPerHour and openAfterFailures"
)
_EXAMPLE: Final = datetime(2026, 1, 1, tzinfo=UTC)


def parse_duration(value: object) -> timedelta:
    """Return what a Go-style duration says; one that is parsed already is passed through.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, timedelta):
        return value
    is_text = isinstance(value, str) and len(value) <= _LONGEST_TEXT
    if not is_text or not re.fullmatch(_DURATION_PATTERN, str(value)):
        raise ValueError(_DURATION_MESSAGE)
    parts = re.findall(r"([0-9.]+)(h|ms|m|s)", str(value))
    seconds = sum(float(number) * _UNIT_SECONDS[unit] for number, unit in parts)
    try:
        return timedelta(seconds=seconds)
    except OverflowError:
        raise ValueError(_DURATION_MESSAGE) from None


def between(least: str, most: str) -> AfterValidator:
    """Return the check that a duration lies between two others, for the operator."""

    def check(value: timedelta) -> timedelta:
        if not parse_duration(least) <= value <= parse_duration(most):
            raise ValueError(_limits(least, most))
        return value

    return AfterValidator(check)


def duration_schema(least: str, most: str) -> WithJsonSchema:
    """Return the same for the CRD."""
    # What is no duration at all is told once, and not by an error of this rule as well.
    matches = f"self.matches('{_DURATION_PATTERN.replace(chr(92), chr(92) * 2)}')"
    fits = f"duration(self) >= duration('{least}') && duration(self) <= duration('{most}')"
    limited = rule(f"!{matches} || {fits}", _limits(least, most))
    rules: list[JsonValue] = [rule(matches, _DURATION_MESSAGE), limited]
    return WithJsonSchema(
        {"type": "string", "maxLength": _LONGEST_TEXT, "x-kubernetes-validations": rules}
    )


def _limits(least: str, most: str) -> str:
    return f"this duration is limited: from {least} to {most}"


Spread = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    between("0s", "24h"),
    duration_schema("0s", "24h"),
]
"""How far rotations that are due together are spread."""
WindowDuration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    between("1m", "744h"),
    duration_schema("1m", "744h"),
]
"""How long a window stays open."""
Ahead = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    between("1s", "744h"),
    duration_schema("1s", "744h"),
]
"""How long before something."""


def _checked_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(_ZONE_MESSAGE) from None
    return name


def _checked_cron(expression: str) -> str:
    try:
        CronSim(expression, _EXAMPLE)
    except CronSimError as fault:
        message = f"schedule is no cron expression: {str(fault).lower()}"
        raise ValueError(message) from None
    return expression


TimeZoneName = Annotated[
    str,
    Field(
        min_length=3,
        max_length=64,
        json_schema_extra={
            "x-kubernetes-validations": [
                # An unknown name is an error of the second half, and so refused as well: one rule, so
                # that nobody is told twice.
                rule(
                    f"self.matches('{_ZONE_PATTERN}') && "
                    "timestamp('2026-01-01T00:00:00Z').getHours(self) >= 0",
                    _ZONE_MESSAGE,
                ),
            ]
        },
    ),
    shape(_ZONE_PATTERN, _ZONE_MESSAGE),
    AfterValidator(_checked_zone),
]
CronExpression = Annotated[
    str,
    Field(min_length=9, max_length=128, json_schema_extra=shape_rule(_CRON_PATTERN, _CRON_MESSAGE)),
    shape(_CRON_PATTERN, _CRON_MESSAGE),
    AfterValidator(_checked_cron),
]


class RotateAt(Image):
    """A time of day in a named time zone."""

    time: Annotated[
        str,
        Field(min_length=5, max_length=5, json_schema_extra=shape_rule(_CLOCK_PATTERN, _CLOCK_MESSAGE)),
        shape(_CLOCK_PATTERN, _CLOCK_MESSAGE),
    ]
    """Time of day by the clock on the wall, as 03:30. One that a clock change leaves out means the
    first instant after it; one that comes twice means the first."""
    time_zone: TimeZoneName
    """Name of the zone in the IANA time zone database, such as Europe/Oslo."""

    @property
    def time_of_day(self) -> clock_time:
        """The time of day, without its zone."""
        return datetime.strptime(self.time, "%H:%M").time()  # noqa: DTZ007 - a time of day only

    @property
    def zone(self) -> ZoneInfo:
        """The zone."""
        return ZoneInfo(self.time_zone)


class WindowKind(StrEnum):
    """What a window does, as Argo CD's syncWindows have it."""

    ALLOW = "allow"
    DENY = "deny"


class RotationWindow(Image):
    """A time that comes again, in which automatic rotations are allowed or denied."""

    kind: WindowKind
    """allow: automatic rotations happen inside of the allowing windows only. deny: never inside of
    this one, whatever else allows it."""
    schedule: CronExpression
    """When it opens: a cron expression of five fields."""
    duration: WindowDuration
    """How long it stays open, such as 2h."""
    time_zone: TimeZoneName = "UTC"
    """The zone in which the schedule is read."""


RotationWindows = Annotated[list[RotationWindow], Field(max_length=16)]


class Governor(Image):
    """How much of a tenant's applications may change at a time."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                rule(
                    "has(self.minSpacing) || has(self.maxPerHour) || has(self.openAfterFailures)",
                    _GOVERNOR_MESSAGE,
                )
            ]
        }
    )

    min_spacing: Ahead | None = None
    """Shortest time between two rotations of this connection, such as 5m. Manual ones count, and do
    not wait."""
    max_per_hour: Annotated[int, Field(ge=1, le=10000, strict=True)] | None = None
    """Most rotations of this connection within any hour. Manual ones count, and do not wait."""
    open_after_failures: Annotated[int, Field(ge=1, le=1000, strict=True)] | None = None
    """After so many failed or unverified rotations in a row automatic rotations stop, until a manual
    one succeeds or the annotation auth0rotator.dev/reset-circuit gets a new value."""

    @model_validator(mode="after")
    def _limits_something(self) -> "Governor":
        limits = (self.min_spacing, self.max_per_hour, self.open_after_failures)
        if all(limit is None for limit in limits):
            raise ValueError(_GOVERNOR_MESSAGE)
        return self
