"""The conditions of a rotation, built from an observation and what a pass did. Pure."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from auth0_rotator.conditions import Condition, ConditionStatus, ConditionType, Reason
from auth0_rotator.decision import Decision
from auth0_rotator.decision.wants import told_later
from auth0_rotator.journal import Journal
from auth0_rotator.observation import Observation
from auth0_rotator.outcome import Outcome
from auth0_rotator.subject import PastStatus, Rotation
from auth0_rotator.target import Difference, compare, project

# An open outcome is no news for so long: most are settled within a second.
DOUBT_AFTER: Final = timedelta(minutes=1)
# While one of these holds, what the last failure said is still true.
_WAITING_FOR_A_RETRY: Final = frozenset({Reason.BACKING_OFF, Reason.SENDING, Reason.BUSY})
# What was told of once is not told again, with another estimate.
_TOLD_ONCE: Final = frozenset({Reason.QUEUED})


def conditions_of(
    o: Observation, rotation: Rotation, decision: Decision, outcome: Outcome
) -> list[Condition]:
    """Return what each condition of a rotation shall say."""
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
    # What is announced, or is yet to be, says nothing about what works now.
    shapes = (o.journal, replace(o.journal, is_announced=False))
    found = [compare(project(one, o.plan, o.key.namespace), o.target) for one in shapes]
    if Difference.NONE not in found:
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
    before, record = _before(past, ConditionType.VERIFIED), o.record
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
    record = o.record
    if rotation.spec is None or not rotation.spec.to_restart or record is None:
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
