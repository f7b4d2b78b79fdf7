"""Verification: the tenant is asked whether it accepts what was delivered. Never a reason to rotate."""

from datetime import timedelta
from typing import Final

from auth0_rotator.auth0 import Liveness
from auth0_rotator.budget import VERIFIED, has_begun, milliseconds_since, told
from auth0_rotator.conditions import Condition, ConditionStatus, ConditionType, Reason
from auth0_rotator.credential import ClientSecret
from auth0_rotator.decision import Decision
from auth0_rotator.errors import Refused, Retry, Unknown
from auth0_rotator.journal import Journal, proven
from auth0_rotator.metrics import VERIFY_SECONDS
from auth0_rotator.observation import Observation, given
from auth0_rotator.reconciler.change import deliver_known
from auth0_rotator.reconciler.delivery import send_current
from auth0_rotator.reconciler.upkeep import take_back
from auth0_rotator.reconciler.verification import LONGEST_PAUSE, begin_verification, is_verified
from auth0_rotator.reconciler.world import Pass

# A change that is older than this has come everywhere: twenty times what Auth0 documents.
SPREAD_AFTER: Final = timedelta(minutes=10)


async def verify(run: Pass, o: Observation, _: Decision) -> None:
    """Probe the current value once, and conclude or have it probed again."""
    journal = given(o.journal)
    secret, record = given(journal.current).secret, given(journal.current).record
    liveness = await run.tenant(o).probe(record.client_id, secret)
    if not is_verified(run, record.rotation_id, liveness):
        return
    if liveness is Liveness.LIVE:
        if journal.is_unproven:
            await run.write_journal(proven(journal))
        _conclude_live(run, o, record.client_id)
    elif liveness is Liveness.UNKNOWN:
        message = f"{record.domain} did not say whether it accepts the value: check the client's grants"
        _conclude(run, ConditionStatus.UNKNOWN, Reason.VERIFYING, message)
    else:
        await _explain_refusal(run, o, journal)


def _conclude_live(run: Pass, o: Observation, client_id: str) -> None:
    message = f"the tenant accepts the delivered value for {client_id}"
    _conclude(run, ConditionStatus.TRUE, Reason.VERIFIED, message)
    entry = run.budget(o)
    if has_begun(entry) and VERIFIED not in entry:
        took = milliseconds_since(run.accepted_at(o), o.now)
        run.memory.verified_milliseconds = took
        VERIFY_SECONDS.observe(took / 1000)
        entry = {**entry, VERIFIED: took}
    run.notice(Reason.VERIFIED, "; ".join(filter(None, [message, told(entry)])))


async def _explain_refusal(run: Pass, o: Observation, journal: Journal) -> None:
    """The tenant refuses `current`: a late request of ours took effect, or somebody rotated."""
    current, tenant = given(journal.current), run.tenant(o)
    client_id, domain, parked = current.record.client_id, current.record.domain, journal.next
    is_same_client = parked is not None and parked.record.is_for(client_id, domain)
    if is_same_client and await tenant.probe(client_id, given(parked).secret) is Liveness.LIVE:
        await deliver_known(run, o, given(parked))
        return
    former = journal.previous
    if former is not None and await tenant.probe(client_id, former) is Liveness.LIVE:
        await _explain_former(run, o, journal, former)
        return
    message = (
        f"{current.record.domain} refuses the delivered value of {client_id}: it was rotated elsewhere. "
        "Put the live value into the Secret by hand (it is adopted), or ask for a rotation with "
        "auth0rotator.dev/rotate-now"
    )
    _conclude(run, ConditionStatus.FALSE, Reason.ROTATED_ELSEWHERE, message)
    run.notice(Reason.ROTATED_ELSEWHERE, message, is_warning=True)


async def _explain_former(run: Pass, o: Observation, journal: Journal, former: ClientSecret) -> None:
    """The tenant accepts the value from before `current`: for a while, or again."""
    record, asking = given(journal.current).record, run.memory.verification
    rotated_at = record.rotated_at
    if journal.late_until is not None:
        await _undo_late_request(run, o)
    elif rotated_at is not None and abs(o.now - rotated_at) < SPREAD_AFTER and asking is not None:
        # Taken back, it would die as soon as the change has come everywhere.
        asking.is_done, asking.again_at = False, o.now + LONGEST_PAUSE
        message = f"{record.domain} still accepts the value from before the change: it spreads slowly"
        _conclude(run, ConditionStatus.UNKNOWN, Reason.VERIFYING, message)
    else:
        # Nothing of ours can have brought it back: somebody else did, or the current value came from
        # a Secret that was older than it said.
        await take_back(run, o, former)


async def _undo_late_request(run: Pass, o: Observation) -> None:
    """Send the delivered value again, which is no rotation, and have it probed again."""
    try:
        await send_current(run, o)
    except (Retry, Refused, Unknown) as error:
        message = f"a late request undid the rotation, and sending the value again failed: {error}"
    else:
        message = "a late request undid the rotation; the delivered value was sent again"
    begin_verification(run, given(given(o.journal).current).record.rotation_id)
    run.notice(Reason.NOT_VERIFIED, message, is_warning=True)


def _conclude(run: Pass, status: ConditionStatus, reason: Reason, message: str) -> None:
    run.memory.verified = Condition(ConditionType.VERIFIED, status, reason, message)
