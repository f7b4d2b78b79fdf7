"""Rules that ask for a change at the tenant, and what each of them needs first."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from auth0_rotator.conditions import ConditionType, Reason
from auth0_rotator.decision.limits import (
    closed_gate_holds,
    closed_window_holds,
    open_circuit_holds,
    unproven_canary_holds,
    windows_that_never_open,
)
from auth0_rotator.decision.model import Action, Decision, fail, hold, stall
from auth0_rotator.decision.probe import hold_or_probe
from auth0_rotator.decision.sending import LONGEST_PAUSE
from auth0_rotator.decision.value import TARGET_FAULTS, journal_fault, target_fault
from auth0_rotator.decision.wants import (
    announce_at,
    due_at,
    is_announced,
    is_told_handled,
    new_tokens,
    notice_at,
    retry_at,
    told_later,
)
from auth0_rotator.journal import LATE_REQUEST
from auth0_rotator.observation import CredentialsPlace, Observation, given
from auth0_rotator.record import Trigger
from auth0_rotator.resource import RotationSpec
from auth0_rotator.schedule import LONGEST_BACK_OFF, is_ahead
from auth0_rotator.subject import Rotation

# The last look at a value comes ten minutes after a lost answer.
LONGEST_LOOK: Final = 2 * LATE_REQUEST
# While others are due, the operator's own client is asked about this often.
OWN_CLIENT_PAUSE: Final = timedelta(seconds=5)
# A namespace that may not be watched is read this often while it is frozen.
LOOK_FOR_THAW: Final = timedelta(minutes=1)
_FROZEN: Final = "the namespace is frozen by its label auth0rotator.dev/freeze"


def first_rotation_creates(o: Observation) -> Decision | None:
    """An object without any value gets one, as the original feature does it."""
    if o.rotation is None or o.rotation.spec is None:
        return None
    if o.journal is not None and o.journal.current is not None:
        return None
    if o.rotation.spec.suspend:
        return hold(Reason.SUSPENDED, "suspended before its first rotation")
    if o.is_frozen:
        return hold(Reason.FROZEN, f"{_FROZEN}, before its first rotation", _thaw_at(o))
    return _rotate(o, Trigger.CREATION, Reason.CREATION, "the first rotation of this object")


def suspended_holds(o: Observation) -> Decision | None:
    """Suspended means no rotation at all, manual ones included."""
    if o.rotation is None or o.rotation.spec is None or not o.rotation.spec.suspend:
        return None
    return _hold_or_ask(o, hold(Reason.SUSPENDED, "suspended by spec.suspend"))


def frozen_namespace_holds(o: Observation) -> Decision | None:
    """A frozen namespace is one in which everything is suspended."""
    return _hold_or_ask(o, hold(Reason.FROZEN, _FROZEN, _thaw_at(o))) if o.is_frozen else None


def _no_later(o: Observation, until: datetime | None) -> datetime | None:
    """Return until when to wait, not beyond the next probe of the value that is there."""
    is_probe_ahead = _is_to_be_probed(o) and o.verify_at is not None and o.verify_at > o.now
    instants = [until, o.verify_at if is_probe_ahead else None]
    return min((instant for instant in instants if instant is not None), default=None)


def _thaw_at(o: Observation) -> datetime | None:
    """Return when a frozen namespace is looked at again, where no watch would tell."""
    return None if o.is_freeze_watched else o.now + LOOK_FOR_THAW


def changed_client_rotates(o: Observation) -> Decision | None:
    """A value of another client is of no use: the new client is rotated, and both keys switch."""
    if o.rotation is None or o.rotation.spec is None or o.journal is None:
        return None
    current = o.journal.current
    if current is None or current.record.client_id == o.rotation.spec.parameters.client_id:
        return None
    message = "the spec names another client than the delivered value belongs to"
    return _rotate(o, Trigger.CLIENT_CHANGED, Reason.CLIENT_CHANGED, message)


def changed_domain_is_asked(o: Observation) -> Decision | None:
    """The same client under another domain: its tenant is asked before anything is believed."""
    current = o.journal.current if o.journal is not None else None
    domain = o.connection.domain
    if current is None or not domain or current.record.domain == domain or new_tokens(o):
        return None
    if o.is_move_refused:
        message = (
            f"the connection leads to {domain}, which does not accept the value that was delivered "
            f"for {current.record.domain}; ask for a rotation with auth0rotator.dev/rotate-now"
        )
        return stall(Reason.DOMAIN_CHANGED, message)
    if not o.connection.is_ready:
        return hold(Reason.CONNECTION_NOT_READY, o.connection.message)
    if is_ahead(o.move_at, o.now, at_most=LONGEST_PAUSE):
        return hold(Reason.DOMAIN_CHANGED, f"asking {domain} about the delivered value", o.move_at)
    return Decision(Action.MOVE, Reason.DOMAIN_CHANGED, f"the connection leads to {domain} now")


def new_token_rotates(o: Observation) -> Decision | None:
    """A token that was not handled before asks for one rotation, now."""
    if not new_tokens(o):
        return None
    return _rotate(o, Trigger.MANUAL, Reason.REQUESTED, "a person asked for a rotation")


def next_value_is_announced(o: Observation) -> Decision | None:
    """Applications that try two values are given the next one ahead of an automatic rotation."""
    at = announce_at(o)
    if at is None or at > o.now or not o.connection.domain or journal_fault(o) or target_fault(o):
        return None
    due = due_date_rotates(o)
    is_near = due is not None and due.action in {Action.ROTATE, Action.INSPECT}
    if is_near or (due is not None and (due.is_failure or due.reason is Reason.BUSY)):
        # Nobody would read it in time, and what is in the way of a rotation is to be told as such.
        return None
    return unverified_value_is_probed(o) or Decision(
        Action.ANNOUNCE, Reason.ANNOUNCED, "the next value is published ahead of its change"
    )


def due_date_rotates(o: Observation) -> Decision | None:
    """The due date has come, by the object as it is at this instant."""
    due = due_at(o)
    if due is None or due > o.now:
        return None
    for limit in (closed_window_holds, open_circuit_holds, unproven_canary_holds):
        waits = limit(o)
        if waits is not None:
            return _hold_or_ask(o, waits)
    wanted = _rotate(o, Trigger.SCHEDULE, Reason.DUE, f"due since {due:%Y-%m-%dT%H:%M:%SZ}")
    gate = closed_gate_holds(o) if wanted.action is Action.ROTATE else None
    return _hold_or_ask(o, gate) if gate is not None and gate.action is Action.HOLD else gate or wanted


def _hold_or_ask(o: Observation, waits: Decision) -> Decision:
    """Return the hold, or the verification or probe that is due while no rotation may begin."""
    waits = replace(waits, until=_no_later(o, waits.until))
    return unverified_value_is_probed(o) or hold_or_probe(o, waits)


def unverified_value_is_probed(o: Observation) -> Decision | None:
    """A value that the tenant was not asked about is probed."""
    if not _is_to_be_probed(o) or o.journal is None or o.journal.current is None:
        return None
    # The connection was asked whether it admits the client of the spec, and no other.
    client_id, record = given(given(o.rotation).spec).parameters.client_id, o.journal.current.record
    if not o.connection.is_ready or not record.is_for(client_id, o.connection.domain):
        return None
    if is_ahead(o.verify_at, o.now, at_most=LONGEST_LOOK):
        return None
    return Decision(Action.VERIFY, Reason.VERIFYING, "asking the tenant about the delivered value")


def immutable_journal_holds(o: Observation) -> Decision | None:
    """A journal that can take no new value is told before one is wanted."""
    fault = journal_fault(o)
    return hold_or_probe(o, fault) if fault is not None else None


def otherwise_hold(o: Observation) -> Decision:
    """Nothing is to be done before the next instant."""
    # A probe whose time has come waits for its connection, which wakes everybody when it is ready.
    due = due_at(o)
    announces, fault = announce_at(o), target_fault(o)
    if announces is not None and announces <= o.now:
        # It waits for the end of what keeps the target from being written.
        announces = fault.until if fault is not None else None
    instants = [at for at in (due, notice_at(o), announces) if at is not None and at > o.now]
    until = _no_later(o, min(instants, default=None))
    if due is None:
        never = windows_that_never_open(o)
        if never is not None:
            return hold_or_probe(o, never)
        message = f"rotates only when asked to{_by_status(o)}"
        return hold_or_probe(o, hold(Reason.AUTOMATION_OFF, message, until))
    known = ", and the next value is announced" if is_announced(o) else ""
    message = f"due at {due:%Y-%m-%dT%H:%M:%SZ}{known}{_by_status(o)}"
    return hold_or_probe(o, hold(Reason.WAITING_FOR_DUE_DATE, message, until))


def _by_status(o: Observation) -> str:
    """Return what status knows and the journal does not: why something is not done (again)."""
    told = told_later(o)
    if told is not None:
        return (
            f"; status tells of a rotation at {told:%Y-%m-%dT%H:%M:%SZ}, later than the journal's: that "
            "may be an old copy from a backup, and no date counts twice"
        )
    if is_told_handled(o):
        return "; status tells that the token was followed before, and the journal may be an old copy"
    return ""


def _rotate(o: Observation, trigger: Trigger, reason: Reason, message: str) -> Decision:
    """Return the rotation, or the hold that its first unmet need asks for."""
    rotation = given(o.rotation)
    waits, backs_off, fault = _wait(o), _back_off(o), journal_fault(o) or target_fault(o)
    if fault is not None:
        return fault if waits or backs_off else replace(fault, is_failure=True, trigger=trigger)
    if waits is not None:
        return waits
    if backs_off is not None and not _is_mended(o, rotation):
        return hold_or_probe(o, backs_off)
    own = _own_client(o, rotation.spec)
    if own is not None:
        return own
    if o.connection.reason is Reason.PENDING:
        return hold(Reason.PENDING, o.connection.message)
    if not o.connection.is_ready:
        return fail(
            o.connection.reason,
            o.connection.message,
            trigger=trigger,
            is_stalled=o.connection.is_stalled,
        )
    return Decision(Action.ROTATE, reason, message, trigger=trigger)


def _wait(o: Observation) -> Decision | None:
    """Return the hold for a rotation that is wanted, but not at this instant."""
    if o.attempt is not None and is_ahead(o.attempt.again_at, o.now, at_most=LONGEST_PAUSE):
        return hold(Reason.BUSY, "a short back-off inside the attempt", o.attempt.again_at)
    late_until = o.journal.late_until if o.journal is not None else None
    if late_until is not None and is_ahead(late_until, o.now, at_most=2 * LATE_REQUEST):
        message = "a request of the last rotation may still take effect; waiting it out"
        return hold(Reason.LATE_REQUEST_POSSIBLE, message, late_until)
    return None


def _back_off(o: Observation) -> Decision | None:
    retry = retry_at(o)
    if retry is not None and is_ahead(retry, o.now, at_most=LONGEST_BACK_OFF):
        return hold(Reason.BACKING_OFF, "the last attempt failed; waiting for the next", retry)
    return None


def _is_mended(o: Observation, rotation: Rotation) -> bool:
    """Return whether the last attempt failed for a Secret that is all right now."""
    # Whether a field is contested shows in a write only.
    mendable = TARGET_FAULTS - {Reason.TARGET_CONTESTED}
    # An attempt looks once more before it begins, and must not take itself for one that failed.
    is_first_try = o.attempt is None or not o.attempt.tries
    return is_first_try and any(
        condition.get("type") == ConditionType.STALLED and condition.get("reason") in mendable
        for condition in rotation.status.conditions
    )


def _is_to_be_probed(o: Observation) -> bool:
    """Return whether a probe is open: of what came from elsewhere even where nobody wants any."""
    if o.rotation is None or o.rotation.spec is None or o.is_verification_done:
        return False
    return o.rotation.spec.verification.enabled or o.is_taken_over or told_later(o) is not None


def _own_client(o: Observation, spec: RotationSpec | None) -> Decision | None:
    if spec is None or spec.parameters.client_id != o.connection.client_id:
        return None
    if not spec.allow_own_client:
        message = (
            "this is the client by which the operator itself authenticates; use another application "
            "for the connection, or say spec.allowOwnClient: true"
        )
        return stall(Reason.OWN_CLIENT, message)
    place = o.connection.credentials
    if place is not None and place != _delivery_place(o, spec):
        message = (
            "the operator would lock itself out: a rotation of its own client has to deliver into "
            f"{place.namespace}/{place.name} under the keys {place.client_id_key} and "
            f"{place.client_secret_key}, from where it reads its credentials"
        )
        return stall(Reason.OWN_CLIENT, message)
    if o.is_connection_busy:
        message = "the operator's own client comes last: other rotations of this connection are due"
        return hold(Reason.OWN_CLIENT, message, o.now + OWN_CLIENT_PAUSE)
    return None


def _delivery_place(o: Observation, spec: RotationSpec) -> CredentialsPlace:
    keys = spec.secrets_mapping
    name = spec.target.name or o.key.name
    return CredentialsPlace(o.key.namespace, name, keys.client_id, keys.client_secret)
