"""The tenant is asked which value is live: the target's with a higher sequence, or the journal's."""

from datetime import datetime, timedelta
from enum import Enum

from auth0_rotator.auth0 import Liveness
from auth0_rotator.conditions import Reason
from auth0_rotator.decision import Decision
from auth0_rotator.decision.comparison import LONGEST_WAIT
from auth0_rotator.decision.wants import is_of_wanted_client, pair_of
from auth0_rotator.journal import LATE_REQUEST, Journal, journal_name
from auth0_rotator.observation import Observation, given
from auth0_rotator.reconciler.memory import Verification
from auth0_rotator.reconciler.upkeep import adopt
from auth0_rotator.reconciler.verification import BELIEVED_AFTER, LONGEST_PAUSE, asked
from auth0_rotator.reconciler.world import Pass
from auth0_rotator.record import CommitRecord


class Verdict(Enum):
    """Which value counts."""

    TARGET = "the target's"
    JOURNAL = "the journal's"
    NEITHER = "the tenant refuses both"
    EARLY = "a change may still spread, or a request still land"
    UNCLEAR = "the tenant does not say"


async def compare(run: Pass, o: Observation, decision: Decision) -> None:
    """Adopt the target's value where it is the live one; else note that the journal's counts.

    What the watches showed may be half of somebody's rotation: only what is read now is compared.
    """
    journal, target = given(o.journal), given(o.target)
    await run.read_secret(journal_name(run.key.name))
    await run.read_secret(given(o.plan).target_name)
    standing, seen = run.world.mirror.target(run.key.namespace, given(o.plan).target_name), run.journal()
    is_same = seen is not None and standing is not None and seen.version == journal.version
    if not is_same or given(standing).resource_version != target.resource_version:
        return
    record, asking = given(target.record), _asking(run, o)
    # What is not of the client that is wanted is no candidate, live or not.
    verdict = await _ask(run, o, record) if is_of_wanted_client(o, record) else Verdict.JOURNAL
    match verdict:
        case Verdict.TARGET:
            run.memory.comparing = None
            message = f"{decision.message}; it is the one that the tenant accepts"
            await adopt(run, o, Decision(decision.action, Reason.ADOPTED, message))
        case Verdict.JOURNAL:
            asking.is_done = True
        case Verdict.NEITHER:
            # With both refused for so long it was rotated elsewhere, which verification tells.
            asked(asking, Liveness.NOT_LIVE, o.now)
        case Verdict.EARLY:
            asking.again_at = o.now + LONGEST_PAUSE
        case Verdict.UNCLEAR:
            if asked(asking, Liveness.UNKNOWN, o.now):
                asking.is_done, asking.is_unclear = False, True
                asking.again_at = o.now + LONGEST_WAIT


def _asking(run: Pass, o: Observation) -> Verification:
    """Return how far the asking about these two values has come."""
    pair = pair_of(o.journal, o.target)
    if run.memory.comparing is None or run.memory.comparing.subject != pair:
        run.memory.comparing = Verification(pair, o.now)
    return run.memory.comparing


async def _ask(run: Pass, o: Observation, record: CommitRecord) -> Verdict:
    journal, tenant = given(o.journal), run.tenant(o)
    held = given(journal.next if journal.is_sending else journal.current)
    ours, client_id = Liveness.NOT_LIVE, record.client_id
    if held.record.is_for(client_id, record.domain):
        ours = await tenant.probe(client_id, held.secret)
        if ours is Liveness.LIVE and journal.is_sending:
            return Verdict.JOURNAL
    theirs = await tenant.probe(client_id, given(given(o.target).recorded_secret))
    return verdict_on(journal, record, ours, theirs, o.now)


def verdict_on(
    journal: Journal, record: CommitRecord, ours: Liveness, theirs: Liveness, now: datetime
) -> Verdict:
    """Return which of two values counts: `ours`, the journal's, or `theirs` with its `record`."""
    if theirs is Liveness.LIVE and ours is not Liveness.LIVE:
        is_early = _is_recent(journal.attempted_at, now, LATE_REQUEST)
        if not journal.is_sending:
            is_early = _is_recent(given(journal.current).record.rotated_at, now, BELIEVED_AFTER)
        return Verdict.EARLY if is_early else Verdict.TARGET
    if ours is Liveness.LIVE and theirs is not Liveness.LIVE:
        return Verdict.EARLY if _is_recent(record.rotated_at, now, BELIEVED_AFTER) else Verdict.JOURNAL
    return Verdict.NEITHER if ours is theirs is Liveness.NOT_LIVE else Verdict.UNCLEAR


def _is_recent(instant: datetime | None, now: datetime, within: timedelta) -> bool:
    return instant is not None and abs(now - instant) < within
