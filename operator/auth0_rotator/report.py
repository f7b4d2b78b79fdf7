"""Status: what people and tools are told, built from an observation and what a pass did. Pure.

It can be deleted and is built again; nothing here decides whether a rotation is due.
"""

from typing import Any, Final

from auth0_rotator.condition_report import conditions_of
from auth0_rotator.conditions import (
    ROTATION_MESSAGE_LENGTH,
    merge_conditions,
    shortened,
    timestamp,
)
from auth0_rotator.decision import Decision
from auth0_rotator.decision.wants import kept_at, told_later
from auth0_rotator.journal import Journal
from auth0_rotator.observation import Observation
from auth0_rotator.outcome import Outcome
from auth0_rotator.record import CommitRecord, token_of_annotation, token_of_spec
from auth0_rotator.schedule import retry_delay
from auth0_rotator.subject import PastStatus, Rotation

HISTORY_LENGTH: Final = 10


def build_status(o: Observation, decision: Decision, outcome: Outcome) -> dict[str, Any]:
    """Return the whole status of a rotation that is there.

    Raises:
        ValueError: the rotation is gone.
    """
    if o.rotation is None:
        message = "there is no object to report on"
        raise ValueError(message)
    past, record = o.rotation.status, o.record
    status: dict[str, Any] = {"observedGeneration": o.rotation.generation}
    status |= _result(o, o.rotation, record, outcome)
    if record is not None:
        status["lastRotationId"] = record.rotation_id
        status["isLastRotationManual"] = record.trigger.is_manual
        if record.rotated_at is not None:
            status["lastRotatedAt"] = timestamp(record.rotated_at)
    told = told_later(o)
    if told is not None and outcome.rotated is None:
        # The journal is an old copy: what it does not know is known nowhere else.
        status["lastRotatedAt"] = timestamp(told)
        status["isLastRotationManual"] = past.is_last_manual
    failed_at = (outcome.failure and o.now) or (
        past.last_attempted_at if status.get("rotationStatus") == "failed" else None
    )
    kept = kept_at(o, failed_at=failed_at)
    if kept is not None:
        status["nextRotationAt"] = timestamp(kept)
    noticed_for = outcome.noticed_for or past.noticed_for
    if noticed_for is not None:
        status["lastNoticeFor"] = timestamp(noticed_for)
    status |= _handled(o.rotation, o.journal, past)
    if o.plan is not None:
        status["secretName"] = o.plan.target_name
    status["history"] = _history(past, record, outcome)
    status["conditions"] = merge_conditions(
        past.conditions,
        conditions_of(o, o.rotation, decision, outcome),
        generation=o.rotation.generation,
        now=o.now,
    )
    return status


def _result(
    o: Observation, rotation: Rotation, record: CommitRecord | None, outcome: Outcome
) -> dict[str, Any]:
    """Return how the last attempt ended: the feature's fields, and when the next try comes."""
    past = rotation.status
    if outcome.failure is not None:
        attempts = past.failed_attempts + 1
        retry_at = o.now + retry_delay(failed_attempts=attempts, uid=rotation.uid)
        return {
            "rotationStatus": "failed",
            "lastRotationAttemptedAt": timestamp(o.now),
            "lastRotationMessage": shortened(outcome.failure.message, ROTATION_MESSAGE_LENGTH),
            "failedAttempts": attempts,
            "nextRetryAt": timestamp(retry_at),
        }
    is_over = outcome.rotated is not None or outcome.is_adopted
    if past.failed and not is_over:
        kept = ("rotationStatus", "lastRotationAttemptedAt", "lastRotationMessage", "nextRetryAt")
        return {"failedAttempts": past.failed_attempts} | {
            name: past.raw[name] for name in kept if name in past.raw
        }
    if record is None:
        return {"failedAttempts": 0}
    attempted = record.rotated_at or o.now
    if not is_over and past.last_attempted_at is not None:
        attempted = max(attempted, past.last_attempted_at)
    return {
        "rotationStatus": "success",
        "lastRotationAttemptedAt": timestamp(attempted),
        "lastRotationMessage": None,
        "failedAttempts": 0,
    }


def _handled(rotation: Rotation, journal: Journal | None, past: PastStatus) -> dict[str, str]:
    """Return the tokens that the reader gave and that have been followed."""
    handled = journal.handled if journal is not None else ()
    rotate_now = rotation.rotate_now
    trigger = rotation.spec.rotation_trigger if rotation.spec is not None else None
    told = {
        "lastHandledRotateNow": rotate_now
        if rotate_now and token_of_annotation(rotate_now) in handled
        else past.raw.get("lastHandledRotateNow"),
        "lastHandledRotationTrigger": trigger
        if trigger and token_of_spec(trigger) in handled
        else past.raw.get("lastHandledRotationTrigger"),
        "lastHandledReconcileAt": rotation.reconcile_at or None,
    }
    return {name: text for name, text in told.items() if text}


def _history(past: PastStatus, record: CommitRecord | None, outcome: Outcome) -> list[dict[str, Any]]:
    """Return the last rotations, newest first."""
    entries = [dict(entry) for entry in past.history]
    known = {entry.get("id") for entry in entries}
    if outcome.rotated is None and record is not None and record.rotation_id not in known:
        # Delivered by a process that did not live to tell, or taken over from elsewhere.
        entries = [_told_by(record), *entries]
    if outcome.rotated is not None:
        rest = [entry for entry in entries if entry.get("id") != outcome.rotated["id"]]
        entries = [dict(outcome.rotated), *rest]
    later = {
        "verifiedMilliseconds": outcome.verified_milliseconds,
        "rolledMilliseconds": outcome.rolled_milliseconds,
    }
    for entry in entries:
        if record is not None and entry.get("id") == record.rotation_id:
            entry |= {name: took for name, took in later.items() if took is not None}
    return entries[:HISTORY_LENGTH]


def _told_by(record: CommitRecord) -> dict[str, Any]:
    entry = {"id": record.rotation_id, "trigger": record.trigger.value, "result": "success"}
    if record.rotated_at is not None:
        entry["startedAt"] = timestamp(record.rotated_at)
    if record.reason:
        entry["reason"] = record.reason
    return entry
