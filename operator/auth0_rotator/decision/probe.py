"""The probe of a value between two rotations: it comes while nothing else is to be done."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from auth0_rotator.conditions import Reason
from auth0_rotator.decision.model import Action, Decision
from auth0_rotator.observation import Observation

# A probe is over by then, though the tenant is slow: what is to come within that time comes first.
PROBE_ROOM: Final = timedelta(minutes=1)


def hold_or_probe(o: Observation, waits: Decision) -> Decision:
    """Return a hold, no longer than until the next probe of the value; or that probe, once it is due.

    What the hold waits for comes first where it is near; a closed gate may stay closed for days.
    """
    at = _probe_at(o)
    if at is None:
        return waits
    if at > o.now:
        return replace(waits, until=min(at, waits.until or at))
    is_at_gate = waits.reason is Reason.RESTART_GATE_CLOSED
    is_near = not is_at_gate and waits.until is not None and waits.until < o.now + PROBE_ROOM
    return waits if is_near else replace(waits, action=Action.PROBE, until=None)


def _probe_at(o: Observation) -> datetime | None:
    """Return when the value is probed; None where it cannot or shall not be."""
    spec, record = o.rotation.spec if o.rotation is not None else None, o.record
    if spec is None or record is None or not spec.verification.enabled or not o.connection.is_ready:
        return None
    if not record.is_for(spec.parameters.client_id, o.connection.domain):
        return None
    return o.probe_at if o.is_verification_done else None
