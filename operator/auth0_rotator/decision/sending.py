"""Rules for a journal in state `sending`: the tenant may hold `current` or `next`.

They come first, before deletion, windows and suspension: an unknown outcome is worse than a
change out of hours.
"""

from datetime import datetime, timedelta
from typing import Final

from auth0_rotator.conditions import Reason
from auth0_rotator.decision.model import Action, Decision, fail, hold, stall
from auth0_rotator.decision.wants import own_record, retry_at
from auth0_rotator.observation import Observation

# A PATCH begins within 5 s of its journal write and is over in 15 s: for so long another process
# that just counted an attempt may be in the middle of it.
TAKEOVER_AFTER: Final = timedelta(seconds=20)
# How long the deletion of a rotation waits for an unknown outcome.
ABANDON_AFTER: Final = timedelta(minutes=10)


def unreadable_journal_holds(o: Observation) -> Decision | None:
    """What cannot be read is not absent, so it is never written over."""
    if not o.journal_fault:
        return None
    message = (
        f"the journal {o.key.name}.journal cannot be read: {o.journal_fault}; restore it from a "
        "backup, or delete it and the value that the target holds is adopted"
    )
    return stall(Reason.JOURNAL_UNREADABLE, message)


def outdated_journal_yields(o: Observation) -> Decision | None:
    """A target newer than what is being sent shows that the journal is an old copy (a restore)."""
    journal, record = o.journal, own_record(o)
    if journal is None or journal.next is None or not journal.is_sending or record is None:
        return None
    sent = journal.next.record
    if record.sequence < sent.sequence or record.rotation_id == sent.rotation_id:
        return None
    spec = o.rotation.spec if o.rotation is not None else None
    wanted = spec.parameters.client_id if spec is not None else sent.client_id
    if record.client_id != wanted or o.target is None or o.target.recorded_secret is None:
        return None
    message = (
        f"the target holds rotation {record.sequence} of this object, the journal still sends "
        f"{sent.sequence}: an old copy"
    )
    return Decision(Action.ADOPT, Reason.ADOPTED, message)


def sending_in_vain_is_abandoned(o: Observation) -> Decision | None:
    """A deletion waits for the outcome, but not for ever, and not in a namespace that goes."""
    journal = o.journal
    is_wanted = o.rotation is not None and o.rotation.deleting_since is None
    if journal is None or not journal.is_sending or is_wanted:
        return None
    if o.is_namespace_terminating:
        message = "the namespace is being deleted; the journal is released as it is"
        return Decision(Action.ABANDON, Reason.ABANDONED, message)
    # A finalizer may hold the rotation, and with it its journal.
    began = [
        o.rotation.deleting_since if o.rotation is not None else None,
        journal.meta.deleting_since if journal.meta is not None else None,
    ]
    since = min((instant for instant in began if instant is not None), default=None)
    if since is None or o.now - since < ABANDON_AFTER:
        return None
    message = (
        "the rotation was deleted, and for ten minutes the tenant did not say whether it took the "
        "new value; the target may hold a value that is dead: check it, and set the client's "
        "secret by hand if it is"
    )
    return Decision(Action.ABANDON, Reason.ABANDONED, message)


def settled_doubt_ends(o: Observation) -> Decision | None:
    """A person knows which value is live, and says so by an annotation."""
    journal, rotation = o.journal, o.rotation
    if journal is None or not journal.is_sending or rotation is None:
        return None
    word = rotation.settle_doubt
    if word not in {"next", "current"} or word == journal.settle_seen:
        return None
    if word == "current" and journal.current is None:
        return None
    return Decision(Action.SETTLE, Reason.DOUBT_SETTLED, f"a person says that {word} is live")


def sending_goes_on(o: Observation) -> Decision | None:
    """Send the same value again until a PATCH or a probe says that it is live."""
    journal = o.journal
    if journal is None or not journal.is_sending:
        return None
    pause = _pause(o)
    if pause is not None:
        return pause
    is_accepted = o.attempt is not None and o.attempt.accepted is not None
    if not o.connection.is_ready and not is_accepted:
        message = f"the outcome of a change is open, but {o.connection.message}"
        if o.connection.reason is Reason.PENDING:
            return hold(Reason.SENDING, message)
        trigger = journal.next.record.trigger if journal.next is not None else None
        is_stalled = o.connection.is_stalled
        return fail(Reason.SENDING, message, trigger=trigger, is_stalled=is_stalled)
    return Decision(Action.CONTINUE, Reason.SENDING, "the outcome of a change is open")


def _pause(o: Observation) -> Decision | None:
    journal, attempt = o.journal, o.attempt
    if attempt is not None:
        return _until(attempt.again_at, o.now, "the outcome of a change is open; trying on")
    if journal is not None and journal.attempted_at is not None:
        began = journal.attempted_at
        is_other = journal.attempted_by != o.process and o.leading_since <= began <= o.now
        if is_other and o.now < began + TAKEOVER_AFTER:
            message = "another operator is in the middle of a change"
            return hold(Reason.SENDING, message, began + TAKEOVER_AFTER)
    return _until(retry_at(o), o.now, "the outcome of a change is open; the next try backs off")


def _until(instant: datetime | None, now: datetime, message: str) -> Decision | None:
    if instant is None or instant <= now:
        return None
    return hold(Reason.SENDING, message, instant)
