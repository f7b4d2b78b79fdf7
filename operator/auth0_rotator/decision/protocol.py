"""One rotation, step by step, as a table: what follows a step, given how it ended. Pure.

0 preflight · 1 journal: `next`, state sending · 2 PATCH · 3 target · 4 journal: committed.
Whatever breaks between two steps is taken up from what the journal says, by this process or by
another one: `first_step`. An error that is not in the table ends the pass and changes nothing here.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from enum import Enum
from typing import Final

from auth0_rotator.journal import LATE_REQUEST, Journal, committed
from auth0_rotator.observation import Attempt
from auth0_rotator.record import CommitRecord, Credential

# How often another value is chosen in one attempt before the tenant is told to be refusing them all.
MOST_VALUES: Final = 3


class Step(Enum):
    """One effect, or an end."""

    PREFLIGHT = "everything that can refuse the rotation before the tenant is touched"
    BEGIN = "journal: the chosen value, and that it may be sent"
    COUNT = "journal: the same value may be sent once more"
    PROBE = "a login with the chosen value"
    PREPARE = "a token, a turn, and a live read of the journal: it still is as it was written"
    SEND = "the one request that changes the client secret"
    CHOOSE = "journal: another value, for the tenant refused this one"
    PARK = "journal: idle again, the value kept for the next attempt"
    DELIVER = "target: the accepted value with its record"
    COMMIT = "journal: the accepted value is current"
    RESEND = "the newest value once more, for a late request of ours may have undone it"
    SETTLED = "an end: somebody else committed the value"
    WAIT = "an end: nothing was sent; the same step again shortly"
    DOUBT = "an end: the outcome is open until the tenant or a person says which value is live"
    END = "an end: nothing is left of this attempt"


ENDS: Final = frozenset({Step.SETTLED, Step.WAIT, Step.DOUBT, Step.END})


class Outcome(Enum):
    """How a step ended."""

    DONE = "done"
    OVERTAKEN = "something newer stands there"
    SETTLED = "somebody else did it"
    ACCEPTED = "the tenant has the value"
    NOT_KNOWN = "the tenant did not say that it has the value"
    LATER = "nothing was changed; the tenant asks to come again"
    REFUSED = "nothing was changed; the tenant refuses the request"
    VALUE_REFUSED = "nothing was changed; the tenant refuses the value itself"
    UNKNOWN = "the value may be live, or may yet become so"


AFTER: Final[Mapping[tuple[Step, Outcome], Step]] = {
    (Step.PREFLIGHT, Outcome.DONE): Step.BEGIN,
    (Step.PREFLIGHT, Outcome.OVERTAKEN): Step.END,
    (Step.BEGIN, Outcome.DONE): Step.SEND,
    (Step.COUNT, Outcome.DONE): Step.PROBE,
    (Step.PROBE, Outcome.ACCEPTED): Step.DELIVER,
    (Step.PROBE, Outcome.NOT_KNOWN): Step.PREPARE,
    (Step.PREPARE, Outcome.DONE): Step.SEND,
    (Step.PREPARE, Outcome.LATER): Step.WAIT,
    (Step.PREPARE, Outcome.REFUSED): Step.PARK,
    (Step.SEND, Outcome.ACCEPTED): Step.DELIVER,
    (Step.SEND, Outcome.LATER): Step.WAIT,
    (Step.SEND, Outcome.REFUSED): Step.PARK,
    (Step.SEND, Outcome.VALUE_REFUSED): Step.CHOOSE,
    (Step.SEND, Outcome.UNKNOWN): Step.DOUBT,
    (Step.PARK, Outcome.DONE): Step.END,
    (Step.CHOOSE, Outcome.DONE): Step.WAIT,
    (Step.DELIVER, Outcome.DONE): Step.COMMIT,
    (Step.DELIVER, Outcome.SETTLED): Step.SETTLED,
    (Step.DELIVER, Outcome.OVERTAKEN): Step.RESEND,
    (Step.COMMIT, Outcome.DONE): Step.END,
    # Somebody else wrote the journal after the target was written: taken up from what stands there.
    (Step.COMMIT, Outcome.OVERTAKEN): Step.DELIVER,
    (Step.RESEND, Outcome.DONE): Step.END,
}

# Once a request of this value may have arrived, no refusal says that it did not.
AFTER_IN_DOUBT: Final[Mapping[tuple[Step, Outcome], Step]] = {
    (Step.PREPARE, Outcome.LATER): Step.DOUBT,
    (Step.PREPARE, Outcome.REFUSED): Step.DOUBT,
    (Step.SEND, Outcome.LATER): Step.DOUBT,
    (Step.SEND, Outcome.REFUSED): Step.DOUBT,
    (Step.SEND, Outcome.VALUE_REFUSED): Step.DOUBT,
}


def after(step: Step, outcome: Outcome, *, is_certain: bool) -> Step:
    """Return the step that follows.

    `is_certain`: every answer so far to a request of this value was one that surely changed nothing.

    Raises:
        KeyError: no step can end so.
    """
    if not is_certain and (step, outcome) in AFTER_IN_DOUBT:
        return AFTER_IN_DOUBT[step, outcome]
    return AFTER[step, outcome]


def first_step(attempt: Attempt | None) -> Step:
    """Return where a rotation is taken up whose journal is found in state `sending`."""
    if attempt is None:
        return Step.COUNT
    if attempt.accepted is not None:
        return Step.DELIVER
    # In the middle of an attempt of its own a process has nothing to probe: nothing was sent yet.
    return Step.PREPARE if attempt.is_certain and attempt.sent_version else Step.COUNT


def acceptance(journal: Journal, record: CommitRecord | None) -> Credential | None:
    """Return the value that is being sent, with its final record, where the target shows that the
    tenant took it: only an accepted value is ever written with its own record."""
    chosen = journal.next
    if chosen is None or record is None or record.rotation_id != chosen.record.rotation_id:
        return None
    return Credential(chosen.secret, record)


def delivery(journal: Journal | None, accepted: Credential, *, is_over: bool = False) -> Outcome:
    """Return what an accepted value finds in the journal: DONE where it is to be delivered.

    A journal that is gone is written again; one that went on to a newer value stays.
    `is_over`: the one request of this value was answered before the target showed it. A newer value
    is committed after that, so that it was sent later and nothing of ours can have undone it.
    """
    ours = accepted.record.rotation_id
    if journal is None or (journal.next is not None and journal.next.record.rotation_id == ours):
        return Outcome.DONE
    if journal.current is not None and journal.current.record.rotation_id == ours:
        return Outcome.SETTLED
    return Outcome.SETTLED if is_over else Outcome.OVERTAKEN


def concluded(
    journal: Journal | None,
    accepted: Credential,
    *,
    is_certain: bool,
    now: datetime,
    to_restart: tuple[str, ...] = (),
) -> Journal:
    """Return the journal in which an accepted value is current, written again where it is gone.

    The next rotation waits where a request of this value may still land: one of this process
    (`is_certain` as in `after`), or one of whoever counted an attempt as well. The consumers
    `to_restart` are noted in the same write, so that no crash forgets them.
    """
    found = journal or Journal()
    late_until = found.late_until
    if not is_certain or found.attempts > 1:
        late_until = now + LATE_REQUEST
    elif late_until is not None and late_until + LATE_REQUEST <= now:
        late_until = None
    after = committed(replace(found, next=accepted), record=accepted.record, late_until=late_until)
    return replace(after, to_restart=to_restart)
