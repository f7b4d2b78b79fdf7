"""What a pass tells: status where it says something new, Events, and the series of the object."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from auth0_rotator.conditions import ConditionStatus, ConditionType, Reason, parse_timestamp
from auth0_rotator.decision import Decision
from auth0_rotator.decision.value import TARGET_FAULTS
from auth0_rotator.decision.wants import due_at, new_tokens, notice_at, overdue_at
from auth0_rotator.errors import RotatorError, Stale
from auth0_rotator.metrics import (
    LAST_ROTATION,
    NEXT_ROTATION,
    OVERDUE,
    ROTATIONS,
    UPCOMING,
    forget_series,
)
from auth0_rotator.observation import Observation
from auth0_rotator.outcome import Outcome
from auth0_rotator.reconciler.world import Pass
from auth0_rotator.record import Trigger
from auth0_rotator.report import build_status
from auth0_rotator.resource import Kind
from auth0_rotator.subject import Rotation
from auth0_rotator.webhook.message import Type, messages_of, overdue_id

logger = logging.getLogger(__name__)

# Failures that say something about one object, and nothing about its tenant.
_OF_ONE_OBJECT: Final = TARGET_FAULTS | {
    Reason.JOURNAL_IMMUTABLE,
    Reason.CLIENT_UNKNOWN,
    Reason.CLIENT_UNSUITABLE,
    Reason.VALUE_REFUSED,
    Reason.CONNECTION_MISSING,
    Reason.NAMESPACE_NOT_ALLOWED,
    Reason.NAMESPACE_TERMINATING,
    Reason.FORBIDDEN,
    Reason.WRITE_REFUSED,
    Reason.CLUSTER_UNREACHABLE,
}


async def report(run: Pass, o: Observation, decision: Decision) -> None:
    """Write status where it says something new, then post the Events."""
    memory, rotation = run.memory, o.rotation
    memory.uid = rotation.uid if rotation is not None else memory.uid
    if rotation is None:
        plan = o.journal.plan if o.journal is not None else None
        await run.post_notices(memory.uid or (plan.uid if plan is not None else ""))
        return
    if memory.failure is not None:
        memory.tried_tokens = frozenset(new_tokens(o) or rotation.tokens)
        if memory.attempt is not None and memory.attempt.accepted is None:
            memory.attempt = None
        trigger = memory.trigger.value if memory.trigger is not None else "none"
        ROTATIONS.labels(trigger=trigger, result="failed").inc()
        run.notice(Reason.ROTATION_FAILED, memory.failure.message, is_warning=True)
        o = replace(o, attempt=memory.attempt)
    outcome = Outcome(
        rotated=memory.rotated,
        is_adopted=memory.is_adopted,
        failure=memory.failure,
        verified=memory.verified,
        verified_milliseconds=memory.verified_milliseconds,
        consumers=memory.consumers,
        rolled_milliseconds=memory.rolled_milliseconds,
        noticed_for=_notice(run, o, decision),
    )
    status = build_status(o, decision, outcome)
    _tell_stall(run, status)
    _measure(o, decision, status, run.world.clock)
    _tell_webhook(run, o, decision, outcome, status)
    if _said(status) != _said(rotation.status.raw) or memory.unwritten_status is not None:
        await _write_status(run, rotation, status)
    await run.post_notices(rotation.uid)
    await _note_end(run, o, outcome)
    _wake_those_who_wait(run, o)


def _notice(run: Pass, o: Observation, decision: Decision) -> datetime | None:
    """Tell of the next automatic rotation once its notice has come; return which one that is."""
    notice, due = notice_at(o), due_at(o)
    is_ahead = decision.reason is Reason.WAITING_FOR_DUE_DATE
    if notice is None or due is None or notice > o.now or not is_ahead:
        return None
    run.notice(
        Reason.ROTATION_UPCOMING,
        f"the client secret will be changed at {due:%Y-%m-%dT%H:%M:%SZ}; suspend the rotation, or edit "
        "its schedule, to keep it from coming",
    )
    return due.replace(microsecond=0)


def _tell_webhook(
    run: Pass, o: Observation, decision: Decision, outcome: Outcome, status: Mapping[str, Any]
) -> None:
    """Have the webhook told what it was not told yet, before status says it: a crash in between has
    it told again, with the same id."""
    if run.world.tell is None:
        return
    for message in messages_of(o, decision, outcome, status, run.memory.trigger):
        if run.memory.told.get(message.type) != message.id:
            run.memory.told[message.type] = message.id
            run.world.tell(message)


def to_tell_at(run: Pass, o: Observation) -> datetime | None:
    """Return when the webhook is to be told that a rotation is overdue, though nothing else happens;
    None where nobody wants to know, or it was told."""
    if run.world.tell is None or run.memory.told.get(Type.OVERDUE) == overdue_id(o):
        return None
    return overdue_at(o)


async def _note_end(run: Pass, o: Observation, outcome: Outcome) -> None:
    """Have the connection's circuit count how this ended, where it speaks of the tenant."""
    key, failure, verified = o.connection.key, outcome.failure, outcome.verified
    is_unverified = verified is not None and verified.status is ConditionStatus.FALSE
    if is_unverified and o.rotation is not None and o.record is not None:
        # Found refused again: it was counted.
        is_unverified = not o.rotation.status.is_refusal_of(o.record.rotation_id)
    is_failure = is_unverified or (failure is not None and failure.reason not in _OF_ONE_OBJECT)
    if key is None or not (is_failure or outcome.rotated is not None):
        return
    trigger = outcome.rotated["trigger"] if outcome.rotated is not None else None
    concerned = await run.world.connections.note_end(
        key, is_good=not is_failure, is_manual=trigger == Trigger.MANUAL.value
    )
    for other in run.world.mirror.in_order(concerned):
        run.world.wake(other)


def _wake_those_who_wait(run: Pass, o: Observation) -> None:
    """Have those looked at who waited for a canary to go first."""
    spec = o.rotation.spec if o.rotation is not None else None
    if spec is None or not spec.canary or o.connection.key is None:
        return
    mirror, now = run.world.mirror, run.world.clock()
    for key in mirror.in_order(mirror.users_of(o.connection.key) - {run.key}):
        if mirror.is_due(key, now):
            run.world.wake(key)


async def _write_status(run: Pass, rotation: Rotation, status: dict[str, Any]) -> None:
    """Write status; where that fails, remember it, so that a back-off holds all the same."""
    identity = {
        "name": run.key.name,
        "namespace": run.key.namespace,
        "uid": rotation.uid,
    }
    try:
        body = await run.world.objects.write_status(Kind.ROTATION, identity, status)
    except Stale:
        await run.read_rotation()
        return
    except RotatorError as error:
        run.memory.unwritten_status = status
        extra = {"key": str(run.key), "cause": error.message}
        logger.warning("the status of a rotation cannot be written", extra=extra)
        return
    run.memory.unwritten_status = None
    run.world.mirror.put_rotation(body)


def _tell_stall(run: Pass, status: dict[str, Any]) -> None:
    """Post an Event for a stall that was not told yet."""
    stalled = next(
        (
            condition
            for condition in status["conditions"]
            if condition["type"] == ConditionType.STALLED and condition["status"] == "True"
        ),
        None,
    )
    told = (stalled["reason"], stalled["message"]) if stalled is not None else None
    if told is not None and told != run.memory.told_stall and run.memory.failure is None:
        run.notice(Reason(told[0]), told[1], is_warning=True)
    run.memory.told_stall = told


def _measure(
    o: Observation, decision: Decision, status: dict[str, Any], clock: Callable[[], datetime]
) -> None:
    series = {NEXT_ROTATION: "nextRotationAt", LAST_ROTATION: "lastRotatedAt"}
    for gauge, name in series.items():
        instant = parse_timestamp(status.get(name))
        if instant is not None:
            gauge.labels(o.key.namespace, o.key.name).set(instant.timestamp())
        else:
            forget_series(gauge, o.key.namespace, o.key.name)
    # Asked for at each scrape: they come true while nothing happens.
    overdue = partial(_has_come, overdue_at(o), clock)
    OVERDUE.labels(o.key.namespace, o.key.name).set_function(overdue)
    spec = o.rotation.spec if o.rotation is not None else None
    is_coming = decision.reason is Reason.WAITING_FOR_DUE_DATE
    if spec is not None and spec.notice_before is not None and is_coming:
        upcoming = partial(_is_upcoming, due_at(o), spec.notice_before, clock)
        UPCOMING.labels(o.key.namespace, o.key.name).set_function(upcoming)
    else:
        forget_series(UPCOMING, o.key.namespace, o.key.name)


def _is_upcoming(due: datetime | None, before: timedelta, clock: Callable[[], datetime]) -> float:
    return float(due is not None and due - before <= clock() < due)


def _has_come(instant: datetime | None, clock: Callable[[], datetime]) -> float:
    return float(instant is not None and clock() >= instant)


def _said(status: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in status.items() if value is not None}
