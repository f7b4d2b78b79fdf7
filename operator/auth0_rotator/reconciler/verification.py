"""How far the probing of a value has come: when to ask again, and when to believe the answer."""

from datetime import datetime, timedelta
from typing import Final

from auth0_rotator.auth0 import Liveness
from auth0_rotator.journal import LATE_REQUEST, Journal
from auth0_rotator.observation import Connection
from auth0_rotator.reconciler.connections import SCOPE_TO_READ_KEYS
from auth0_rotator.reconciler.memory import Probing, Verification
from auth0_rotator.reconciler.world import Pass
from auth0_rotator.schedule import next_probe_at
from auth0_rotator.subject import Rotation

# Auth0 documents a propagation of up to 30 s: a refusal is believed after twice that.
BELIEVED_AFTER: Final = timedelta(seconds=60)
LONGEST_PAUSE: Final = timedelta(seconds=15)
# Where nobody answers at all, a question that something waits for is asked anew after as long.
LONGEST_WAIT: Final = timedelta(minutes=5)
# An answer that says nothing is asked for this often, then it stays unknown.
UNKNOWN_TRIES: Final = 6
# When no late request can take effect any more, the value is asked about once more after as long.
LATE_LOOK: Final = LATE_REQUEST


def asked(verification: Verification, liveness: Liveness, now: datetime) -> bool:
    """Note one answer; return whether it is to be believed, otherwise when to ask again is noted."""
    verification.tries += 1
    # A clock that was set back begins the minute anew, instead of holding it for as long.
    verification.began_at = min(verification.began_at, now)
    is_waited_out = now - verification.began_at >= BELIEVED_AFTER
    verification.is_done = liveness is Liveness.LIVE or (
        is_waited_out if liveness is Liveness.NOT_LIVE else verification.tries >= UNKNOWN_TRIES
    )
    pause = min(timedelta(seconds=2 ** min(verification.tries - 1, 10)), LONGEST_PAUSE)
    verification.again_at = None if verification.is_done else now + pause
    return verification.is_done


def is_verified(run: Pass, rotation_id: str, liveness: Liveness) -> bool:
    """Note one answer about the current value; return whether it is to be believed."""
    now, verification = run.world.clock(), run.memory.verification
    if verification is None or verification.subject != rotation_id:
        verification = Verification(rotation_id, now)
    is_believed = asked(verification, liveness, now)
    if is_believed and verification.once_more_at is not None:
        later = verification.once_more_at
        verification = Verification(rotation_id, later, again_at=later)
    run.memory.verification = verification
    return is_believed


def begin_verification(run: Pass, rotation_id: str) -> None:
    """Have the value probed now; once more where a lost request may yet take effect."""
    journal, now = run.journal(), run.world.clock()
    late_until = journal.late_until if journal is not None else None
    look_at = late_until + LATE_LOOK if late_until is not None else None
    is_ahead = look_at is not None and look_at > now
    run.memory.verification = Verification(rotation_id, now, once_more_at=look_at if is_ahead else None)


def resume_verification(run: Pass) -> None:
    """Have the value probed that a former process did not come to an end with: where status does not
    say how that ended, where the journal lacks the proof that goes with it, and where a lost request may
    have undone it since."""
    journal, rotation = run.journal(), run.world.mirror.rotations.get(run.key)
    current = journal.current if journal is not None else None
    if journal is None or current is None or rotation is None:
        return
    rotation_id, now = current.record.rotation_id, run.world.clock()
    if run.memory.verification is not None and run.memory.verification.subject == rotation_id:
        return
    look_at = journal.late_until + LATE_LOOK if journal.late_until is not None else None
    is_to_be_proven = journal.is_unproven or (current.record.is_kept and not journal.has_worked)
    if is_to_be_proven or not rotation.status.is_verdict_on(rotation_id):
        begin_verification(run, rotation_id)
    elif look_at is not None and now < look_at + LATE_LOOK:
        run.memory.verification = Verification(rotation_id, look_at, again_at=look_at)


def next_probe(
    run: Pass, rotation: Rotation | None, connection: Connection, journal: Journal | None
) -> datetime | None:
    """Return when the current value is probed next, None where nobody wants that.

    A process that begins, an interval that is new and a value that is new (it has a verification of
    its own) wait for the next instant of the object: a thousand are not asked about at once. Only what
    is refused, as far as is known, is probed as soon as that may have changed.
    """
    current, foreign = journal.current if journal is not None else None, connection.foreign
    memory, now = run.memory, run.world.clock()
    if rotation is None or current is None or foreign is None:
        memory.probing = None
        return None
    rotation_id = current.record.rotation_id
    later = next_probe_at(foreign.probe_interval, rotation.uid, after=now)
    probing = memory.probing
    if probing is None or (probing.by, probing.subject) != (foreign, rotation_id):
        is_refused = rotation.status.is_refusal_of(rotation_id)
        probing = memory.probing = Probing(foreign, rotation_id, now if is_refused else later)
    if probing.at > now + (LONGEST_WAIT if probing.asking is not None else foreign.probe_interval):
        # The clock was set back.
        probing.at, probing.asking = now if probing.asking is not None else later, None
    if probing.lacks_scope and SCOPE_TO_READ_KEYS in connection.scopes:
        probing.at, probing.lacks_scope = now, False
    return probing.at
