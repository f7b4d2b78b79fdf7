"""Commit records: where a value comes from, written beside the value wherever it stands.

The journal carries one for `current` and one for `next`; the target carries one for what it
shows. Both are annotations, in the same write as the value.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Final

from auth0_rotator.conditions import parse_timestamp, timestamp
from auth0_rotator.credential import ClientSecret
from auth0_rotator.resource import GROUP

PREFIX: Final = f"{GROUP}/"
ROTATION_ANNOTATION: Final = f"{PREFIX}rotation"
ROLE_LABEL: Final = f"{PREFIX}role"
MANAGED_BY_LABEL: Final = "app.kubernetes.io/managed-by"
MANAGED_BY: Final = "auth0-rotator"

# How many handled tokens are kept: enough to outlive a revert of many commits at once.
HANDLED_TOKENS: Final = 20


class RecordUnreadableError(ValueError):
    """The annotations of a commit record are there, but say something impossible."""


class Role(StrEnum):
    """The value of the label by which the operator's watch selects Secrets."""

    TARGET = "target"
    JOURNAL = "journal"


class Trigger(StrEnum):
    """Why a rotation ran."""

    CREATION = "creation"
    SCHEDULE = "schedule"
    MANUAL = "manual"
    CLIENT_CHANGED = "client-changed"

    @property
    def is_manual(self) -> bool:
        """Whether the schedule counts it as manual: everything but the schedule itself."""
        return self is not Trigger.SCHEDULE


@dataclass(frozen=True, slots=True)
class CommitRecord:
    """Where a value comes from."""

    sequence: int
    """Counts the rotations of this object; a higher one is newer."""
    rotation_id: str
    """One per chosen value."""
    rotated_at: datetime | None
    """When the tenant's acceptance was recorded (aware, UTC); None while it was not."""
    trigger: Trigger
    handled: tuple[str, ...]
    """The tokens that never rotate again, newest last."""
    client_id: str
    domain: str
    is_generated: bool = True
    """Whether the value was chosen here; False for one that a person put into the target."""
    reason: str = ""
    """Why a person asked for it, in their words."""

    @property
    def is_kept(self) -> bool:
        """Whether it stood in the target when the rotation was created, and was kept."""
        return not self.is_generated and self.trigger is Trigger.CREATION

    def is_for(self, client_id: str, domain: str) -> bool:
        """Return whether the value belongs to this client of this tenant."""
        return self.client_id == client_id and self.domain == domain


@dataclass(frozen=True, slots=True)
class Credential:
    """A client secret with its commit record."""

    secret: ClientSecret
    record: CommitRecord


def token_of_annotation(text: str) -> str:
    """Return how the `rotate-now` annotation's `text` is kept among the handled tokens."""
    return "annotation:" + _digest(text)


def token_of_spec(text: str) -> str:
    """Return how a `rotationTrigger`'s `text` is kept among the handled tokens."""
    return "spec:" + _digest(text)


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]


def with_tokens(handled: tuple[str, ...], tokens: tuple[str, ...]) -> tuple[str, ...]:
    """Return `handled` with `tokens` counted as handled now, the oldest dropped past the limit."""
    kept = tuple(token for token in handled if token not in tokens)
    return (kept + tokens)[-HANDLED_TOKENS:]


def record_annotations(record: CommitRecord, *, part: str = "") -> dict[str, str]:
    """Return the annotations that say `record`; `part` goes before each name (`next-`)."""
    written = {
        "sequence": str(record.sequence),
        "rotation-id": record.rotation_id,
        "rotated-at": timestamp(record.rotated_at) if record.rotated_at is not None else "",
        "trigger": record.trigger.value,
        "handled": ",".join(record.handled),
        "client-id": record.client_id,
        "domain": record.domain,
    }
    if not record.is_generated:
        written["generated"] = "false"
    if record.reason:
        written["reason"] = record.reason
    return {f"{PREFIX}{part}{name}": text for name, text in written.items()}


def parse_record(annotations: Mapping[str, str], *, part: str = "") -> CommitRecord | None:
    """Return the record that `annotations` say, None where they say none at all.

    Raises:
        RecordUnreadableError: a part of it is missing or not what it should be.
    """
    names = ("sequence", "rotation-id", "trigger", "client-id", "domain")
    told = {name: annotations.get(f"{PREFIX}{part}{name}") or "" for name in names}
    if not any(told.values()):
        return None
    missing = [name for name, text in told.items() if not text]
    if missing:
        message = f"the annotation {PREFIX}{part}{missing[0]} is missing"
        raise RecordUnreadableError(message)
    try:
        sequence, trigger = int(told["sequence"]), Trigger(told["trigger"])
    except ValueError:
        message = f"the annotation {PREFIX}{part}sequence or {PREFIX}{part}trigger makes no sense"
        raise RecordUnreadableError(message) from None
    at = annotations.get(f"{PREFIX}{part}rotated-at")
    rotated_at = parse_timestamp(at)
    if at and rotated_at is None:
        # Taken for none, there would be no due date any more.
        message = f"the annotation {PREFIX}{part}rotated-at makes no sense"
        raise RecordUnreadableError(message)
    handled = annotations.get(f"{PREFIX}{part}handled", "")
    return CommitRecord(
        sequence=sequence,
        rotation_id=told["rotation-id"],
        rotated_at=rotated_at,
        trigger=trigger,
        handled=tuple(token for token in handled.split(",") if token),
        client_id=told["client-id"],
        domain=told["domain"],
        is_generated=annotations.get(f"{PREFIX}{part}generated") != "false",
        reason=annotations.get(f"{PREFIX}{part}reason", ""),
    )
