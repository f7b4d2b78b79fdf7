"""What an automatic rotation waits for when its date has come: windows, the circuit, a canary, a gate.

A manual rotation is bound by none of them. Each says until when it waits, or who ends it.
"""

from datetime import datetime, timedelta
from typing import Final

from auth0_rotator.conditions import ConditionType, Reason
from auth0_rotator.decision.model import Action, Decision, hold, stall
from auth0_rotator.decision.wants import due_at, opening, scheduled_at
from auth0_rotator.observation import Observation
from auth0_rotator.record import Trigger
from auth0_rotator.schedule import is_ahead
from auth0_rotator.subject import Rotation

# Whoever is waited for wakes those who wait; this is for one that is a canary no more.
LOOK_AGAIN: Final = timedelta(minutes=10)
# Windows are looked ahead for so far that only another day tells more.
LOOK_FOR_OPENING: Final = timedelta(days=1)
# Consumers that are in the way of a rotation are looked at this often.
GATE_PAUSE: Final = timedelta(seconds=30)


def closed_window_holds(o: Observation) -> Decision | None:
    """An overdue rotation waits for the next opening, and says when that is."""
    opens_at = opening(o, o.now)
    if opens_at is None:
        return windows_that_never_open(o)
    if opens_at <= o.now:
        return None
    message = f"{_since(o)}; the rotation windows open next at {opens_at:%Y-%m-%dT%H:%M:%SZ}"
    return hold(Reason.WINDOW_CLOSED, message, opens_at)


def windows_that_never_open(o: Observation) -> Decision | None:
    """Return the hold for a schedule that no window can ever meet, None where it is not so."""
    scheduled = scheduled_at(o, failed_at=None)
    if scheduled is None or opening(o, max(scheduled, o.now)) is not None:
        return None
    message = (
        "the rotation windows allow no automatic rotation, as far as can be seen; correct "
        "spec.rotationWindows, or the connection's"
    )
    return stall(Reason.WINDOWS_NEVER_OPEN, message, o.now + LOOK_FOR_OPENING)


def open_circuit_holds(o: Observation) -> Decision | None:
    """After too many failures in a row nothing is tried until somebody has looked."""
    if not o.connection.is_circuit_open:
        return None
    message = (
        f"{_since(o)}, but rotations over {o.connection.key} failed too often in a row; mend their "
        "cause, then rotate one with rotate-now, or give the connection's annotation "
        "auth0rotator.dev/reset-circuit a new value"
    )
    return stall(Reason.CIRCUIT_OPEN, message)


def unproven_canary_holds(o: Observation) -> Decision | None:
    """The others wait until the one that goes first has shown that it works."""
    if o.canary is None:
        return None
    is_near = o.canary.namespace == o.key.namespace
    name = f"the canary {o.canary.name}" if is_near else "a canary in another namespace"
    message = f"{_since(o)}; {name} goes first, and is not rotated and verified yet"
    return hold(Reason.CANARY_PENDING, message, o.now + LOOK_AGAIN)


def closed_gate_holds(o: Observation) -> Decision | None:
    """A rotation that is to be harmless waits until its consumers can be restarted.

    They are looked at right before it begins; one that has begun waits for nobody.
    """
    spec = o.rotation.spec if o.rotation is not None else None
    if spec is None or not spec.restart_gate or o.attempt is not None:
        return None
    if o.gate is None or not is_ahead(o.gate.until, o.now, at_most=GATE_PAUSE):
        message = f"{_since(o)}; its consumers are looked at first"
        return Decision(Action.INSPECT, Reason.RESTART_GATE_CLOSED, message, trigger=Trigger.SCHEDULE)
    if not o.gate.obstacle:
        return None
    return hold(Reason.RESTART_GATE_CLOSED, f"{_since(o)}; {o.gate.obstacle}", o.gate.until)


def is_unproven(canary: Rotation, now: datetime) -> bool:
    """Return whether those who wait for a canary still have to.

    That is while it is due or its last attempt failed, and until its value is verified and its
    consumers are current. An answer that says nothing about the value holds nobody up, nor does one
    that rotates only when asked to.
    """
    spec, status = canary.spec, canary.status
    if spec is None or spec.suspend or not spec.is_auto_rotation_enabled:
        return False
    is_due = status.next_rotation_at is not None and status.next_rotation_at <= now
    is_asked = spec.verification.enabled and status.has_reason(ConditionType.VERIFIED, Reason.PENDING)
    refused = (ConditionType.VERIFIED, ConditionType.CONSUMERS_CURRENT)
    return is_due or status.failed or is_asked or any(status.says_no(type_) for type_ in refused)


def _since(o: Observation) -> str:
    due = due_at(o)
    return f"due since {due:%Y-%m-%dT%H:%M:%SZ}" if due is not None else "due"
