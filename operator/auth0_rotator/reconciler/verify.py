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
from auth0_rotator.metrics import FOREIGN_ROTATIONS, VERIFY_SECONDS
from auth0_rotator.observation import Observation, given
from auth0_rotator.reconciler.adoption import Found, adopt_foreign, find_foreign
from auth0_rotator.reconciler.change import deliver_known
from auth0_rotator.reconciler.delivery import send_current
from auth0_rotator.reconciler.memory import Verification
from auth0_rotator.reconciler.upkeep import take_back
from auth0_rotator.reconciler.verification import (
    BELIEVED_AFTER,
    LONGEST_PAUSE,
    LONGEST_WAIT,
    asked,
    begin_verification,
    is_verified,
)
from auth0_rotator.reconciler.world import Pass
from auth0_rotator.record import CommitRecord
from auth0_rotator.schedule import next_probe_at

# A change that is older than this has come everywhere: twenty times what Auth0 documents.
SPREAD_AFTER: Final = timedelta(minutes=10)
# Two minutes after a refusal is believed nobody tries any more to find what somebody set: reads may lag
# as much as logins.
GIVEN_UP_AFTER: Final = BELIEVED_AFTER + timedelta(minutes=2)


async def verify(run: Pass, o: Observation, _: Decision) -> None:
    """Probe the current value once, and conclude or have it probed again."""
    journal = given(o.journal)
    secret, record = given(journal.current).secret, given(journal.current).record
    liveness = await run.tenant(o).probe(record.client_id, secret)
    if not is_verified(run, record.rotation_id, liveness):
        return
    if liveness is Liveness.LIVE:
        await _prove(run, journal)
        _conclude_live(run, o, record.client_id)
    elif liveness is Liveness.UNKNOWN:
        message = f"{record.domain} did not say whether it accepts the value: check the client's grants"
        _conclude(run, ConditionStatus.UNKNOWN, Reason.VERIFYING, message)
    else:
        await _explain_refusal(run, o, given(run.memory.verification), undoes_late_request=True)


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


async def probe(run: Pass, o: Observation, _: Decision) -> None:
    """Probe a value that was verified before, once; whatever is known already is not told again.

    It waits until no other probe does. A refusal is believed after a minute, as ever.
    """
    probing, tenant, record = given(run.memory.probing), run.tenant(o), given(o.record)
    if not tenant.has_room_for_probe:
        # Where many wait all the time, each comes as seldom as it is to be probed.
        pause = LONGEST_PAUSE * 2 ** min(probing.put_off, 16)
        # A refusal is about to be believed: that waits no longer than the schedule takes for a wait.
        longest = probing.by.probe_interval if probing.asking is None else LONGEST_WAIT
        probing.at = o.now + min(pause, longest)
        probing.put_off += 1
        return
    probing.put_off = 0
    is_refused = given(o.rotation).status.is_refusal_of(record.rotation_id)
    if probing.asking is None:
        # What is known to be refused needs no second minute.
        began_at = o.now - BELIEVED_AFTER if is_refused else o.now
        probing.asking = Verification(record.rotation_id, began_at)
    asking, journal = probing.asking, given(o.journal)
    liveness = await tenant.probe(record.client_id, given(journal.current).secret)
    is_believed = asked(asking, liveness, run.world.clock())
    if is_believed and liveness is Liveness.LIVE:
        await _note_live(run, o, journal, record)
    elif is_believed and liveness is Liveness.NOT_LIVE:
        await _explain_refusal(run, o, asking, undoes_late_request=False)
    probing.at = asking.again_at or next_probe_at(
        probing.by.probe_interval, given(o.rotation).uid, after=run.world.clock()
    )
    probing.asking = None if asking.is_done else asking


async def _note_live(run: Pass, o: Observation, journal: Journal, record: CommitRecord) -> None:
    status = given(o.rotation).status
    if status.is_refusal_of(record.rotation_id) or not status.is_verdict_on(record.rotation_id):
        await _prove(run, journal)
        _conclude_live(run, o, record.client_id)


async def _prove(run: Pass, journal: Journal) -> None:
    """Note that the current value works, where that was not certain."""
    if proven(journal) != journal:
        await run.write_journal(proven(journal))


async def _explain_refusal(
    run: Pass, o: Observation, asking: Verification, *, undoes_late_request: bool
) -> None:
    """The tenant refuses `current`: a late request of ours took effect, or somebody rotated."""
    journal, tenant = given(o.journal), run.tenant(o)
    record, parked, former = given(journal.current).record, journal.next, journal.previous
    is_same_client = parked is not None and parked.record.is_for(record.client_id, record.domain)
    if is_same_client and await tenant.probe(record.client_id, given(parked).secret) is Liveness.LIVE:
        await deliver_known(run, o, given(parked))
        return
    if former is not None and await tenant.probe(record.client_id, former) is Liveness.LIVE:
        await _explain_former(run, o, asking, former, undoes_late_request=undoes_late_request)
        return
    found = await find_foreign(run, o)
    try:
        if found.secret is not None:
            await adopt_foreign(run, o, found.secret)
            return
    except Refused as refusal:
        # The journal takes nothing in; that the delivered value is dead is told nevertheless.
        found = Found(obstacle=refusal.message)
    if found.is_passing and o.now - asking.began_at < GIVEN_UP_AFTER:
        asking.is_done, asking.again_at = False, o.now + LONGEST_PAUSE
    else:
        _tell_foreign(run, o, record, found.obstacle)


def _tell_foreign(run: Pass, o: Observation, record: CommitRecord, obstacle: str) -> None:
    """Tell that somebody rotated, and what a person can do."""
    message = (
        f"{record.domain} refuses the delivered value of {record.client_id}: it was rotated elsewhere. "
        "Put the live value into the Secret by hand (it is adopted), or ask for a rotation with "
        "auth0rotator.dev/rotate-now"
    )
    _alarm(run, o, record, f"{message}; it was not adopted: {obstacle}" if obstacle else message)


def _alarm(run: Pass, o: Observation, record: CommitRecord, message: str) -> None:
    """Say so, and count it once for each time that a value is found dead."""
    _conclude(run, ConditionStatus.FALSE, Reason.ROTATED_ELSEWHERE, message)
    if not given(o.rotation).status.is_refusal_of(record.rotation_id):
        FOREIGN_ROTATIONS.labels(domain=record.domain, result="refused").inc()
        run.notice(Reason.ROTATED_ELSEWHERE, message, is_warning=True)


async def _explain_former(
    run: Pass, o: Observation, asking: Verification, former: ClientSecret, *, undoes_late_request: bool
) -> None:
    """The tenant accepts the value from before `current`: for a while, or again."""
    journal, record = given(o.journal), given(o.record)
    rotated_at = record.rotated_at
    if journal.late_until is not None and undoes_late_request:
        await _undo_late_request(run, o)
    elif rotated_at is not None and abs(o.now - rotated_at) < SPREAD_AFTER:
        # Taken back, it would die as soon as the change has come everywhere.
        asking.is_done, asking.again_at = False, o.now + LONGEST_PAUSE
        message = f"{record.domain} still accepts the value from before the change: it spreads slowly"
        _conclude(run, ConditionStatus.UNKNOWN, Reason.VERIFYING, message)
    else:
        # Nothing of ours can have brought it back: somebody else did, or the current value came from
        # a Secret that was older than it said.
        try:
            await take_back(run, o, former)
        except Refused as refusal:
            message = (
                f"{record.domain} refuses the delivered value of {record.client_id} and accepts the one "
                f"before it, which cannot be taken back: {refusal.message}"
            )
            _alarm(run, o, record, message)


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
