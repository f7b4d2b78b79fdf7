"""Status: what people and tools are told, built from an observation and what a pass did. Pure.

It can be deleted and is built again; nothing here decides whether a rotation is due.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from auth0_rotator.conditions import (
    ROTATION_MESSAGE_LENGTH,
    Condition,
    ConditionStatus,
    ConditionType,
    Reason,
    merge_conditions,
    shortened,
    timestamp,
)
from auth0_rotator.decision import Decision
from auth0_rotator.decision.wants import kept_at, told_later
from auth0_rotator.journal import Journal
from auth0_rotator.observation import Observation
from auth0_rotator.record import CommitRecord, token_of_annotation, token_of_spec
from auth0_rotator.schedule import retry_delay
from auth0_rotator.subject import PastStatus, Rotation
from auth0_rotator.target import Difference, compare, project

HISTORY_LENGTH: Final = 10
# An open outcome is no news for so long: most are settled within a second.
DOUBT_AFTER: Final = timedelta(minutes=1)
# While one of these holds, what the last failure said is still true.
_WAITING_FOR_A_RETRY: Final = frozenset({Reason.BACKING_OFF, Reason.SENDING, Reason.BUSY})
# What was told of once is not told again, with another estimate.
_TOLD_ONCE: Final = frozenset({Reason.QUEUED})


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


def build_status(o: Observation, decision: Decision, outcome: Outcome) -> dict[str, Any]:
    """Return the whole status of a rotation that is there.

    Raises:
        ValueError: the rotation is gone.
    """
    if o.rotation is None:
        message = "there is no object to report on"
        raise ValueError(message)
    past, record = o.rotation.status, _record(o)
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
        _conditions(o, o.rotation, decision, outcome),
        generation=o.rotation.generation,
        now=o.now,
    )
    return status


def _record(o: Observation) -> CommitRecord | None:
    current = o.journal.current if o.journal is not None else None
    return current.record if current is not None else None


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


def _conditions(
    o: Observation, rotation: Rotation, decision: Decision, outcome: Outcome
) -> list[Condition]:
    is_executing = o.attempt is not None and outcome.failure is None
    verified, consumers = _verified(o, rotation, outcome), _consumers(o, rotation, outcome)
    return [
        _ready(o, rotation.status, decision, outcome, verified),
        _reconciling(rotation.status, decision, is_executing=is_executing),
        _stalled(rotation.status, decision, outcome),
        verified,
        *([consumers] if consumers is not None else []),
    ]


def _reconciling(past: PastStatus, decision: Decision, *, is_executing: bool) -> Condition:
    """While a retry is waited for, why the last attempt failed tells more than that it is waited for."""
    before = _before(past, ConditionType.RECONCILING)
    if before is not None and before.reason is decision.reason and decision.reason in _TOLD_ONCE:
        return before
    is_waiting = decision.reason is Reason.BACKING_OFF and past.failed and not is_executing
    if before is not None and is_waiting and before.status is ConditionStatus.FALSE:
        return before
    status = ConditionStatus.TRUE if is_executing else ConditionStatus.FALSE
    return Condition(ConditionType.RECONCILING, status, decision.reason, decision.message)


def _stalled(past: PastStatus, decision: Decision, outcome: Outcome) -> Condition:
    failure = outcome.failure
    if failure is not None and failure.is_stalled:
        return Condition(ConditionType.STALLED, ConditionStatus.TRUE, failure.reason, failure.message)
    if decision.is_stalled:
        return Condition(ConditionType.STALLED, ConditionStatus.TRUE, decision.reason, decision.message)
    before = _before(past, ConditionType.STALLED)
    if before is not None and before.reason is decision.reason and decision.reason in _TOLD_ONCE:
        return before
    is_waiting = failure is None and decision.reason in _WAITING_FOR_A_RETRY | {Reason.NOT_DELIVERED}
    if before is not None and before.status is ConditionStatus.TRUE and is_waiting and past.failed:
        return before
    return Condition(ConditionType.STALLED, ConditionStatus.FALSE, decision.reason, decision.message)


def _ready(
    o: Observation, past: PastStatus, decision: Decision, outcome: Outcome, verified: Condition
) -> Condition:
    """Ready says that the target holds what the tenant holds, and nothing about plans."""
    said = outcome.failure or decision
    if o.journal is not None and o.journal.is_sending:
        return _ready_while_sending(o, o.journal, past, said.message)
    if o.journal is None or o.journal.current is None or o.plan is None:
        before = _before(past, ConditionType.READY)
        is_waiting = outcome.failure is None and decision.reason in _WAITING_FOR_A_RETRY
        if before is not None and before.status is ConditionStatus.FALSE and is_waiting:
            return before
        return Condition(ConditionType.READY, ConditionStatus.FALSE, said.reason, said.message)
    name = o.plan.target_name
    difference = compare(project(o.journal, o.plan, o.key.namespace), o.target)
    if difference is not Difference.NONE:
        message = f"the Secret {name} does not hold the current value: {said.message}"
        return Condition(ConditionType.READY, ConditionStatus.FALSE, said.reason, message)
    if verified.status is ConditionStatus.FALSE:
        return Condition(ConditionType.READY, ConditionStatus.FALSE, verified.reason, verified.message)
    if o.is_taken_over:
        message = "the journal came from elsewhere; the tenant was not asked yet about its value"
        return Condition(ConditionType.READY, ConditionStatus.UNKNOWN, Reason.VERIFYING, message)
    if told_later(o) is not None and verified.status is not ConditionStatus.TRUE:
        message = (
            "status tells of a later rotation than the journal, which may be an old copy; the tenant "
            "has not said that it accepts its value"
        )
        return Condition(ConditionType.READY, ConditionStatus.UNKNOWN, Reason.VERIFYING, message)
    message = f"the Secret {name} holds the client secret that the tenant accepted"
    return Condition(ConditionType.READY, ConditionStatus.TRUE, Reason.DELIVERED, message)


def _ready_while_sending(o: Observation, journal: Journal, past: PastStatus, message: str) -> Condition:
    if o.attempt is not None and o.attempt.accepted is not None:
        message = f"the tenant took a new value, and it is not delivered yet: {message}"
        return Condition(ConditionType.READY, ConditionStatus.FALSE, Reason.NOT_DELIVERED, message)
    began = journal.attempted_at
    is_long = began is None or o.now - began > DOUBT_AFTER or past.failed
    before = _before(past, ConditionType.READY)
    if before is not None and not is_long:
        return before
    return Condition(ConditionType.READY, ConditionStatus.UNKNOWN, Reason.SENDING, message)


def _verified(o: Observation, rotation: Rotation, outcome: Outcome) -> Condition:
    if outcome.verified is not None:
        return outcome.verified
    spec, past = rotation.spec, rotation.status
    if spec is not None and not spec.verification.enabled and told_later(o) is None:
        message = "spec.verification.enabled is false"
        return Condition(
            ConditionType.VERIFIED, ConditionStatus.UNKNOWN, Reason.VERIFICATION_OFF, message
        )
    before, record = _before(past, ConditionType.VERIFIED), _record(o)
    # A value that status does not know was delivered by a process that did not live to tell.
    is_new = record is not None and past.raw.get("lastRotationId") != record.rotation_id
    if before is not None and not is_new and before.reason is not Reason.VERIFICATION_OFF:
        return before
    message = "the tenant was not asked yet about this value"
    return Condition(ConditionType.VERIFIED, ConditionStatus.UNKNOWN, Reason.PENDING, message)


def _consumers(o: Observation, rotation: Rotation, outcome: Outcome) -> Condition | None:
    """Return nothing where the spec names no consumers: then nobody knows who they are."""
    if outcome.consumers is not None:
        return outcome.consumers
    record = _record(o)
    if rotation.spec is None or not rotation.spec.consumers or record is None:
        return None
    before = _before(rotation.status, ConditionType.CONSUMERS_CURRENT)
    if before is not None and rotation.status.raw.get("lastRotationId") == record.rotation_id:
        return before
    message = "the consumers were not looked at yet since this value was delivered"
    return Condition(ConditionType.CONSUMERS_CURRENT, ConditionStatus.FALSE, Reason.ROLLING_OUT, message)


def _before(past: PastStatus, type_: ConditionType) -> Condition | None:
    """Return a condition as it was written last, None where it was not or makes no sense."""
    for condition in past.conditions:
        if condition.get("type") != type_:
            continue
        try:
            return Condition(
                type_,
                ConditionStatus(str(condition.get("status"))),
                Reason(str(condition.get("reason"))),
                condition.get("message", ""),
            )
        except ValueError:
            return None
    return None
