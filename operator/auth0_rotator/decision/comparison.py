"""Which of two values is the live one: the target's with a higher sequence, or the journal's own.

A target that counts further than the journal is newer, where the journal came back from a backup; or
it comes from a longer life that is over, or somebody wrote the number there. Only the tenant knows.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from auth0_rotator.conditions import Reason
from auth0_rotator.decision.model import Action, Decision, hold, stall
from auth0_rotator.decision.sending import LOOK_AGAIN, before_abandonment
from auth0_rotator.decision.wants import is_of_wanted_client, own_record
from auth0_rotator.observation import Observation, given
from auth0_rotator.record import CommitRecord
from auth0_rotator.schedule import is_ahead

# Nothing that was to be asked again was to be asked later than after so long.
LONGEST_WAIT: Final = timedelta(minutes=5)


def newer_target_is_compared(o: Observation) -> Decision | None:
    """Of a target with a higher sequence than the journal's one of both is an old copy."""
    record, current = own_record(o), o.journal.current if o.journal is not None else None
    if o.target is None or record is None or current is None:
        return None
    found = o.target.recorded_secret
    if found is None or record.sequence <= current.record.sequence or o.is_target_refused:
        return None
    message = (
        f"the target holds rotation {record.sequence}, newer than the journal's "
        f"{current.record.sequence}"
    )
    if found == current.secret and record.is_for(current.record.client_id, current.record.domain):
        return Decision(Action.ADOPT, Reason.ADOPTED, message)
    return _comparison(o, record, message, f"or the journal {o.key.name}.journal if the Secret's is")


def outdated_journal_is_compared(o: Observation) -> Decision | None:
    """A target newer than what is being sent: the journal may be an old copy (a restore)."""
    journal, record = o.journal, own_record(o)
    if journal is None or journal.next is None or not journal.is_sending or record is None:
        return None
    sent = journal.next.record
    if record.sequence < sent.sequence or record.rotation_id == sent.rotation_id or o.target is None:
        return None
    found, current = o.target.recorded_secret, journal.current
    # A value of another client says nothing about the one that is being sent. The value from before
    # the change is no news, whatever number stands beside it.
    is_news = found is not None and (current is None or found != current.secret)
    if not is_news or not record.is_for(sent.client_id, sent.domain) or o.is_target_refused:
        return None
    message = (
        f"the target holds rotation {record.sequence} of this object, the journal still sends "
        f"{sent.sequence}"
    )
    remedy = (
        "or, if the Secret's is, annotate the rotation with auth0rotator.dev/settle-doubt: current, and "
        f"delete the journal {o.key.name}.journal"
    )
    decision = _comparison(o, record, message, remedy)
    if decision.action is not Action.HOLD:
        return decision
    return replace(decision, until=before_abandonment(o, decision.until or o.now + LOOK_AGAIN))


def _comparison(o: Observation, record: CommitRecord, message: str, remedy: str) -> Decision:
    """Return that the tenant is asked, or the hold that this needs first."""
    if is_ahead(o.compare_at, o.now, at_most=LONGEST_WAIT):
        if not o.is_comparison_unclear:
            waiting = f"{message}; the tenant is being asked which of the two values works"
            return hold(Reason.VERIFYING, waiting, o.compare_at)
        name = given(o.plan).target_name
        unclear = (
            f"{message}, and {record.domain} does not say which of the two values works; delete the "
            f"Secret {name} if the journal's is right, {remedy}"
        )
        return stall(Reason.ADOPTION_UNCLEAR, unclear, o.compare_at)
    is_wanted = is_of_wanted_client(o, record)
    if is_wanted and not o.connection.is_known:
        unasked = f"{message}; which one works cannot be asked: {o.connection.message}"
        return hold(Reason.CONNECTION_NOT_READY, unasked, o.now + LONGEST_WAIT)
    if is_wanted and o.connection.domain != record.domain:
        elsewhere = (
            f"{message}, and belongs to {record.domain}, where the connection does not lead; let it "
            f"lead there, or delete the Secret if the journal's value is right, {remedy}"
        )
        return stall(Reason.DOMAIN_CHANGED, elsewhere)
    return Decision(Action.COMPARE, Reason.VERIFYING, message)
