"""How far the probing of a value has come: when to ask again, and when to believe the answer."""

from datetime import datetime, timedelta
from typing import Final

from auth0_rotator.auth0 import Liveness
from auth0_rotator.journal import LATE_REQUEST
from auth0_rotator.reconciler.memory import Verification
from auth0_rotator.reconciler.world import Pass

# Auth0 documents a propagation of up to 30 s: a refusal is believed after twice that.
BELIEVED_AFTER: Final = timedelta(seconds=60)
LONGEST_PAUSE: Final = timedelta(seconds=15)
# An answer that says nothing is asked for this often, then it stays unknown.
UNKNOWN_TRIES: Final = 6
# When no late request can take effect any more, the value is asked about once more after as long.
LATE_LOOK: Final = LATE_REQUEST


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


def resume_verification(run: Pass) -> None:
    """Have the value probed that a former process rotated: where status does not know of it yet, and
    where a lost request may have undone it since."""
    journal, rotation = run.journal(), run.world.mirror.rotations.get(run.key)
    current = journal.current if journal is not None else None
    if run.memory.verification is not None or journal is None or current is None or rotation is None:
        return
    rotation_id, late_until = current.record.rotation_id, journal.late_until
    if rotation.status.raw.get("lastRotationId") != rotation_id:
        begin_verification(run, rotation_id, late_until=late_until)
    elif late_until is not None and run.world.clock() < late_until + 2 * LATE_LOOK:
        look_at = late_until + LATE_LOOK
        run.memory.verification = Verification(rotation_id, look_at, again_at=look_at)
