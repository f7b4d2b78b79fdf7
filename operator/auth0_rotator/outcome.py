"""What one pass did, as far as status tells of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from auth0_rotator.conditions import Condition, Reason


@dataclass(frozen=True, slots=True)
class Failure:
    """An attempt that came to nothing."""

    reason: Reason
    message: str
    is_stalled: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one pass did, as far as status tells of it."""

    rotated: Mapping[str, Any] | None = None
    """The history entry of a rotation that was finished."""
    is_adopted: bool = False
    failure: Failure | None = None
    verified: Condition | None = None
    verified_milliseconds: int | None = None
    consumers: Condition | None = None
    rolled_milliseconds: int | None = None
    noticed_for: datetime | None = None
    """The automatic rotation that people were told of, before it comes."""
