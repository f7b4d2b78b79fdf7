"""Rules for an object that goes, cannot be followed, or is not alone with its claim."""

from auth0_rotator.claims import winner_over
from auth0_rotator.conditions import Reason
from auth0_rotator.decision.model import Action, Decision, hold, stall
from auth0_rotator.decision.wants import awaited_until
from auth0_rotator.observation import Observation
from auth0_rotator.subject import REVOKE_FINALIZER


def absent_rotation_is_awaited(o: Observation) -> Decision | None:
    """Secrets of a rotation that nobody here has seen may be the first that a restore brings back."""
    until = awaited_until(o)
    if until is None:
        return None
    message = "there is no such rotation; what is left of it waits, for a restore may bring it back"
    return hold(Reason.FINALIZING, message, until)


def gone_is_finalized(o: Observation) -> Decision | None:
    """A rotation that is gone or going leaves no journal, and by default everything else."""
    if o.rotation is not None and o.rotation.deleting_since is None:
        return None
    has_duty = o.rotation is not None and REVOKE_FINALIZER in o.rotation.finalizers
    if o.journal is None and not has_duty and not o.to_withdraw:
        return hold(Reason.FINALIZING, "the rotation is gone")
    return Decision(Action.FINALIZE, Reason.FINALIZING, "the rotation was deleted")


def invalid_spec_holds(o: Observation) -> Decision | None:
    """Nothing can be done for a spec that says something impossible."""
    if o.rotation is None or o.rotation.spec is not None:
        return None
    return stall(Reason.SPEC_INVALID, o.rotation.spec_fault)


def guard_follows_spec(o: Observation) -> Decision | None:
    """Only a rotation that shall revoke at its end carries a finalizer, and only while it shall."""
    if o.rotation is None or o.rotation.spec is None:
        return None
    is_wanted = o.rotation.spec.deletion.revoke_generated_credentials
    if is_wanted == (REVOKE_FINALIZER in o.rotation.finalizers):
        return None
    return Decision(Action.GUARD, Reason.PENDING, "the finalizer follows spec.deletion")


def usurped_journal_holds(o: Observation) -> Decision | None:
    """Where a Secret of somebody else has the journal's name, nothing can be written down."""
    if not o.journal_usurper or o.journal is not None:
        return None
    name = f"{o.key.name}.journal"
    message = (
        f"the Secret {name} is of type {o.journal_usurper} and stands where this rotation keeps its "
        "journal; delete it if nobody needs it, or give the rotation another name"
    )
    return stall(Reason.JOURNAL_FOREIGN, message)


def conflict_holds(o: Observation) -> Decision | None:
    """Of two that claim one client or one Secret the one with a journal wins, else the older."""
    if o.rotation is None:
        return None
    winner = winner_over(o.rotation, o.journal, o.rivals)
    if winner is None:
        return None
    # Across namespaces the reader may have no right to know the other's name.
    is_near = winner.key.namespace == o.key.namespace
    name = f"the rotation {winner.key.name}" if is_near else "a rotation in another namespace"
    message = f"{name} already manages this {winner.claim}; delete one of the two"
    return stall(Reason.CONFLICT_DETECTED, message)
