"""What the webhook is told: a message for each happening, with an id that every teller finds. Pure.

Whoever tells the same happening again (after a restart, or as one of two operators) gives it the same
id, so that a receiver that knows the id can pass over it. A message never holds a client secret:
nothing here ever sees one.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from auth0_rotator.conditions import ROTATION_MESSAGE_LENGTH, Reason, shortened, timestamp
from auth0_rotator.decision import Decision
from auth0_rotator.decision.wants import OVERDUE_AFTER, due_at
from auth0_rotator.observation import Observation
from auth0_rotator.outcome import Outcome
from auth0_rotator.record import CommitRecord, Trigger
from auth0_rotator.subject import Key, Rotation

# A rotation that status does not know was carried out by a process that did not live to tell, or its
# status was deleted: past this it is no news.
NEWS: Final = timedelta(hours=1)
# The API server dates a creation by its own clock.
SKEW: Final = timedelta(minutes=1)
# Half of a SHA-256 in hex digits: no two happenings share it.
_ID_DIGITS: Final = 32


class Type(StrEnum):
    """What can happen."""

    ROTATED = "rotation.rotated"
    FAILED = "rotation.failed"
    OVERDUE = "rotation.overdue"


@dataclass(frozen=True, slots=True)
class Message:
    """One happening, as it is sent."""

    key: Key
    type: Type
    id: str
    body: bytes


def messages_of(
    o: Observation,
    decision: Decision,
    outcome: Outcome,
    status: Mapping[str, Any],
    trigger: Trigger | None,
) -> list[Message]:
    """Return what is to be told of a rotation after a pass, told before or not.

    `status` is the one that the pass reports; `trigger` is why it tried to rotate, where it did.
    """
    rotation = o.rotation
    if rotation is None:
        return []
    told = (
        _rotated(o, rotation, outcome),
        _failed(o, rotation, outcome, status, trigger),
        _overdue(o, rotation, decision, status),
    )
    return [message for message in told if message is not None]


def overdue_id(o: Observation) -> str | None:
    """Return the id by which it is told that the automatic rotation is overdue; None without a date."""
    due = due_at(o)
    return _id(o.rotation, Type.OVERDUE, due) if o.rotation is not None and due is not None else None


def _rotated(o: Observation, rotation: Rotation, outcome: Outcome) -> Message | None:
    record = o.record
    if record is None or record.rotated_at is None:
        return None
    is_done_here = outcome.rotated is not None and outcome.rotated["id"] == record.rotation_id
    is_news = not outcome.is_adopted and _is_news(o, rotation, record, record.rotated_at)
    if not is_news and not is_done_here:
        return None
    return _message(
        rotation,
        Type.ROTATED,
        identity=record.rotation_id,
        at=record.rotated_at,
        data={
            "clientId": record.client_id,
            "domain": record.domain,
            "rotationId": record.rotation_id,
            "trigger": record.trigger.value,
            "reason": Reason.ROTATED.value,
            "message": "the client secret was changed and delivered",
            "rotatedAt": timestamp(record.rotated_at),
        },
    )


def _is_news(o: Observation, rotation: Rotation, record: CommitRecord, rotated_at: datetime) -> bool:
    """Return whether this object's own rotation was carried out lately and is told nowhere yet."""
    is_told = rotation.status.tells_of(record.rotation_id)
    # What is older than the object was adopted, by it or by one of its name before.
    created_at = rotation.created_at
    is_own = record.is_generated and created_at is not None and created_at <= rotated_at + SKEW
    return not is_told and is_own and timedelta(0) <= o.now - rotated_at <= NEWS


def _failed(
    o: Observation,
    rotation: Rotation,
    outcome: Outcome,
    status: Mapping[str, Any],
    trigger: Trigger | None,
) -> Message | None:
    failure = outcome.failure
    if failure is None:
        return None
    chosen = o.journal.next if o.journal is not None else None
    return _message(
        rotation,
        Type.FAILED,
        identity=o.now,
        at=o.now,
        data=_wanted(o, rotation)
        | {
            "rotationId": chosen.record.rotation_id if chosen is not None else None,
            "trigger": trigger.value if trigger is not None else None,
            "reason": failure.reason.value,
            "message": shortened(failure.message, ROTATION_MESSAGE_LENGTH),
            "failedAttempts": status.get("failedAttempts"),
            "nextRetryAt": status.get("nextRetryAt"),
        },
    )


def _overdue(
    o: Observation, rotation: Rotation, decision: Decision, status: Mapping[str, Any]
) -> Message | None:
    due = due_at(o)
    if due is None or o.now < due + OVERDUE_AFTER:
        return None
    return _message(
        rotation,
        Type.OVERDUE,
        identity=due,
        at=due + OVERDUE_AFTER,
        data=_wanted(o, rotation)
        | {
            "trigger": Trigger.SCHEDULE.value,
            "reason": decision.reason.value,
            "message": shortened(decision.message, ROTATION_MESSAGE_LENGTH),
            "dueAt": timestamp(due),
            # None has failed where it is held back.
            "failedAttempts": status.get("failedAttempts") or None,
            "nextRetryAt": status.get("nextRetryAt"),
        },
    )


def _wanted(o: Observation, rotation: Rotation) -> dict[str, Any]:
    """Return whose client secret was to be changed, as far as that is known."""
    client_id = rotation.spec.parameters.client_id if rotation.spec is not None else None
    return {"clientId": client_id, "domain": o.connection.domain or None}


def _message(
    rotation: Rotation, type_: Type, *, identity: str | datetime, at: datetime, data: Mapping[str, Any]
) -> Message:
    key = rotation.key
    subject = {"namespace": key.namespace, "name": key.name, "uid": rotation.uid}
    known = {name: value for name, value in data.items() if value is not None}
    body = {"type": type_.value, "timestamp": timestamp(at), "data": subject | known}
    text = json.dumps(body, separators=(",", ":"))
    return Message(key, type_, _id(rotation, type_, identity), text.encode())


def _id(rotation: Rotation, type_: Type, identity: str | datetime) -> str:
    """Return the id of what happened to this object: by the rotation's own id, or its instant."""
    what = timestamp(identity) if isinstance(identity, datetime) else identity
    digest = hashlib.sha256(f"{rotation.uid} {type_.value} {what}".encode()).hexdigest()
    return f"msg_{digest[:_ID_DIGITS]}"
