"""Verification: the tenant is asked whether it accepts what was delivered. Never a reason to rotate."""

from datetime import datetime, timedelta
from typing import Final

from auth0_rotator.auth0 import Liveness
from auth0_rotator.conditions import Condition, ConditionStatus, ConditionType, Reason
from auth0_rotator.decision import Decision
from auth0_rotator.errors import RotatorError
from auth0_rotator.journal import LATE_REQUEST, Journal
from auth0_rotator.observation import Observation
from auth0_rotator.reconciler.memory import Verification
from auth0_rotator.reconciler.world import Pass

# Auth0 documents a propagation of up to 30 s: a refusal is believed after twice that.
BELIEVED_AFTER: Final = timedelta(seconds=60)
LONGEST_PAUSE: Final = timedelta(seconds=15)
# An answer that says nothing is asked for this often, then it stays unknown.
UNKNOWN_TRIES: Final = 6
# When no late request can take effect any more, the value is asked about once more after as long.
LATE_LOOK: Final = LATE_REQUEST


async def verify(run: Pass, o: Observation, _: Decision) -> None:
    """Probe the current value once, and conclude or have it probed again."""
    journal, plan = o.journal, o.plan
    if journal is None or journal.current is None or plan is None:
        return
    record = journal.current.record
    liveness = await run.tenant(plan).probe(record.client_id, journal.current.secret)
    if not ask_again_later(run, record.rotation_id, liveness):
        return
    run.memory.is_taken_over = False
    if liveness is Liveness.LIVE:
        _conclude_live(run, o, record.client_id)
    elif liveness is Liveness.UNKNOWN:
        message = f"{record.domain} did not say whether it accepts the value: check the client's grants"
        _conclude(run, ConditionStatus.UNKNOWN, Reason.VERIFYING, message)
    else:
        await _explain_refusal(run, o, journal)


def ask_again_later(run: Pass, rotation_id: str, liveness: Liveness) -> bool:
    """Return whether the answer is to be believed; otherwise note when to ask again."""
    now, verification = run.world.clock(), run.memory.verification
    if verification is None or verification.rotation_id != rotation_id:
        verification = Verification(rotation_id, now)
    verification.tries += 1
    is_waited_out = now - verification.began_at >= BELIEVED_AFTER
    verification.is_done = liveness is Liveness.LIVE or (
        is_waited_out if liveness is Liveness.NOT_LIVE else verification.tries >= UNKNOWN_TRIES
    )
    pause = min(timedelta(seconds=2 ** min(verification.tries - 1, 10)), LONGEST_PAUSE)
    verification.again_at = None if verification.is_done else now + pause
    is_believed, once_more_at = verification.is_done, verification.once_more_at
    if is_believed and once_more_at is not None:
        verification = Verification(rotation_id, once_more_at, again_at=once_more_at)
    run.memory.verification = verification
    return is_believed


def begin_verification(run: Pass, rotation_id: str, *, late_until: datetime | None = None) -> None:
    """Have the value probed now; once more where until `late_until` a lost request may take effect."""
    once_more_at = late_until + LATE_LOOK if late_until is not None else None
    run.memory.verification = Verification(rotation_id, run.world.clock(), once_more_at=once_more_at)


def expect_late_request(run: Pass) -> None:
    """After a restart, have the value probed once more where a lost request may have undone it."""
    journal = run.journal()
    if run.memory.verification is not None or journal is None or journal.current is None:
        return
    look_at = journal.late_until + LATE_LOOK if journal.late_until is not None else None
    if look_at is not None and run.world.clock() < look_at + LATE_LOOK:
        rotation_id = journal.current.record.rotation_id
        run.memory.verification = Verification(rotation_id, look_at, again_at=look_at)


def _conclude_live(run: Pass, o: Observation, client_id: str) -> None:
    current = o.journal.current if o.journal is not None else None
    if current is not None and current.record.rotated_at is not None:
        took = o.now - current.record.rotated_at
        run.memory.verified_milliseconds = max(0, round(took.total_seconds() * 1000))
    message = f"the tenant accepts the delivered value for {client_id}"
    _conclude(run, ConditionStatus.TRUE, Reason.VERIFIED, message)
    run.notice(Reason.VERIFIED, message)


async def _explain_refusal(run: Pass, o: Observation, journal: Journal) -> None:
    """The tenant refuses `current`: `previous` came back by a late request, or somebody rotated."""
    current, plan = journal.current, o.plan
    if current is None or plan is None:
        return
    tenant, client_id = run.tenant(plan), current.record.client_id
    if journal.previous is not None and (
        await tenant.probe(client_id, journal.previous) is Liveness.LIVE
    ):
        try:
            permit = await tenant.prepare()
            await tenant.set_client_secret(permit, client_id, current.secret)
        except RotatorError as error:
            message = f"a late request undid the rotation, and sending the value again failed: {error}"
        else:
            message = "a late request undid the rotation; the delivered value was sent again"
        run.memory.verification = Verification(current.record.rotation_id, run.world.clock())
        run.notice(Reason.NOT_VERIFIED, message, is_warning=True)
        return
    message = (
        f"{current.record.domain} refuses the delivered value of {client_id}: it was rotated elsewhere. "
        "Put the live value into the Secret by hand (it is adopted), or ask for a rotation with "
        "auth0rotator.dev/rotate-now"
    )
    _conclude(run, ConditionStatus.FALSE, Reason.ROTATED_ELSEWHERE, message)
    run.notice(Reason.ROTATED_ELSEWHERE, message, is_warning=True)


def _conclude(run: Pass, status: ConditionStatus, reason: Reason, message: str) -> None:
    run.memory.verified = Condition(ConditionType.VERIFIED, status, reason, message)
