"""Rules for a journal in state `sending`: the tenant may hold `current` or `next`.

They come first, before deletion, windows and suspension: an unknown outcome is worse than a
change out of hours.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from auth0_rotator.conditions import Reason
from auth0_rotator.decision.model import Action, Decision, fail, hold, stall
from auth0_rotator.decision.wants import awaited_until, retry_at
from auth0_rotator.observation import Observation
from auth0_rotator.schedule import LONGEST_BACK_OFF, is_ahead

# A PATCH begins within 5 s of its journal write and is over in 15 s: for so long another process
# that just counted an attempt may be in the middle of it.
TAKEOVER_AFTER: Final = timedelta(seconds=20)
# A tenant may ask for a pause of up to five minutes within an attempt.
LONGEST_PAUSE: Final = timedelta(minutes=6)
# An open outcome is looked at this often at least, whatever events there are.
LOOK_AGAIN: Final = timedelta(minutes=1)
# How long the deletion of a rotation waits for an unknown outcome.
ABANDON_AFTER: Final = timedelta(minutes=10)


def unreadable_journal_holds(o: Observation) -> Decision | None:
    """What cannot be read is not absent, so it is never written over; it only goes with its rotation."""
    if not o.journal_fault:
        return None
    if not _is_leaving(o):
        message = (
            f"the journal {o.key.name}.journal cannot be read: {o.journal_fault}; restore it from a "
            "backup, or delete it and the value that the target holds is adopted"
        )
        return stall(Reason.JOURNAL_UNREADABLE, message)
    awaited, since = awaited_until(o), o.leaving_since
    if awaited is not None:
        message = (
            f"there is no such rotation, and the journal {o.key.name}.journal cannot be read: "
            f"{o.journal_fault}; it waits, for a restore may bring the rotation back"
        )
        return stall(Reason.JOURNAL_UNREADABLE, message, awaited)
    if since is not None and not o.is_namespace_terminating and o.now - since < ABANDON_AFTER:
        message = f"a journal that cannot be read is in the way of the deletion: {o.journal_fault}"
        return stall(Reason.JOURNAL_UNREADABLE, message, since + ABANDON_AFTER)
    message = (
        f"the rotation was deleted and its journal cannot be read ({o.journal_fault}); it is let go, "
        "and the target may hold a value that is dead: check it"
    )
    return Decision(Action.ABANDON, Reason.ABANDONED, message)


def accepted_value_is_delivered(o: Observation) -> Decision | None:
    """What the tenant took is delivered, whatever became of the journal meanwhile."""
    if o.attempt is None or o.attempt.accepted is None or o.plan is None or _is_given_up(o):
        return None
    if is_ahead(o.attempt.again_at, o.now, at_most=LONGEST_PAUSE):
        return hold(Reason.NOT_DELIVERED, "a short back-off of the delivery", o.attempt.again_at)
    return Decision(Action.CONTINUE, Reason.NOT_DELIVERED, "an accepted value is to be delivered")


def open_journal_is_guarded(o: Observation) -> Decision | None:
    """Without its finalizer a journal goes with its rotation, and with it a value that may be live.

    Somebody took it away, or a backup tool left it out.
    """
    meta = o.journal.meta if o.journal is not None and o.journal.is_sending else None
    if meta is None or meta.is_intact or meta.deleting_since is not None or o.is_namespace_terminating:
        return None
    message = "the journal of an open change had lost its finalizer or its label"
    return Decision(Action.RESTORE_JOURNAL, Reason.DRIFT_REPAIRED, message)


def sending_in_vain_is_abandoned(o: Observation) -> Decision | None:
    """A deletion waits for the outcome, but not for ever, and not in a namespace that goes."""
    if o.journal is None or not o.journal.is_sending or not _is_leaving(o):
        return None
    if o.is_namespace_terminating:
        message = "the namespace is being deleted; the journal is released as it is"
        return Decision(Action.ABANDON, Reason.ABANDONED, message)
    # A finalizer may hold the rotation, and with it its journal.
    since = o.leaving_since
    if since is None:
        if awaited_until(o) is not None:
            return None
        # Nobody deletes the journal of a rotation that was deleted as its orphan.
        return Decision(Action.FINALIZE, Reason.FINALIZING, "the rotation was deleted")
    if o.now - since < ABANDON_AFTER:
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
    is_old = word == journal.settle_seen and not o.is_word_taken_back
    if word not in {"next", "current"} or is_old:
        return None
    return Decision(Action.SETTLE, Reason.DOUBT_SETTLED, f"a person says that {word} is live")


def sending_goes_on(o: Observation) -> Decision | None:
    """Send the same value again until a PATCH or a probe says that it is live."""
    journal = o.journal
    if journal is None or journal.next is None or not journal.is_sending:
        return None
    pause = _pause(o)
    if pause is not None:
        return pause
    if o.connection.is_known:
        return Decision(Action.CONTINUE, Reason.SENDING, "the outcome of a change is open")
    message, until = f"the outcome of a change is open, but {o.connection.message}", o.now + LOOK_AGAIN
    if o.connection.reason is Reason.PENDING:
        return _held(o, message, until)
    trigger, is_stalled = journal.next.record.trigger, o.connection.is_stalled
    failure = fail(Reason.SENDING, message, trigger=trigger, is_stalled=is_stalled)
    return replace(failure, until=before_abandonment(o, until))


def before_abandonment(o: Observation, until: datetime) -> datetime:
    """Return `until`; for an object that is being deleted the end of its wait, if that is sooner."""
    since = o.leaving_since
    limit = since + ABANDON_AFTER if since is not None else awaited_until(o)
    return until if limit is None or not _is_leaving(o) else min(until, limit)


def _pause(o: Observation) -> Decision | None:
    journal, attempt = o.journal, o.attempt
    if attempt is not None:
        if is_ahead(attempt.again_at, o.now, at_most=LONGEST_PAUSE):
            return _held(o, "the outcome of a change is open; trying on", attempt.again_at)
        # One that lost the race for the journal write has nothing of its own to go on with.
        if attempt.sent_version or journal is None or journal.attempted_by == o.process:
            return None
    if journal is not None and journal.attempted_at is not None:
        began = journal.attempted_at
        is_other = journal.attempted_by != o.process and o.leading_since <= began <= o.now
        if is_other and o.now < began + TAKEOVER_AFTER:
            return _held(o, "another operator is in the middle of a change", began + TAKEOVER_AFTER)
    retry = retry_at(o)
    if retry is not None and is_ahead(retry, o.now, at_most=LONGEST_BACK_OFF):
        return _held(o, "the outcome of a change is open; the next try backs off", retry)
    return None


def _held(o: Observation, message: str, until: datetime) -> Decision:
    return hold(Reason.SENDING, message, before_abandonment(o, until))


def _is_given_up(o: Observation) -> bool:
    """Return whether a deletion has waited long enough, or its namespace goes."""
    since = o.leaving_since
    is_over = since is not None and o.now - since >= ABANDON_AFTER
    return _is_leaving(o) and (o.is_namespace_terminating or is_over)


def _is_leaving(o: Observation) -> bool:
    return o.rotation is None or o.rotation.deleting_since is not None
