"""What several rules ask: which record is ours, which token is new, what is due, what waits."""

from datetime import datetime

from auth0_rotator.observation import Observation
from auth0_rotator.record import CommitRecord
from auth0_rotator.schedule import next_rotation_at


def own_record(o: Observation) -> CommitRecord | None:
    """Return the commit record of the target where it is one of this very rotation."""
    if o.target is None or o.target.rotation != o.key.name:
        return None
    return o.target.record


def new_tokens(o: Observation) -> tuple[str, ...]:
    """Return the tokens that ask for a rotation: present, and not handled before."""
    if o.rotation is None or o.journal is None:
        return ()
    return tuple(token for token in o.rotation.tokens if token not in o.journal.handled)


def scheduled_at(o: Observation, *, failed_at: datetime | None) -> datetime | None:
    """Return the instant of the schedule; after a failure at `failed_at` that is the day after."""
    if o.rotation is None or o.rotation.spec is None:
        return None
    spec = o.rotation.spec
    record = o.journal.current.record if o.journal is not None and o.journal.current else None
    return next_rotation_at(
        last_rotated_at=record.rotated_at if record is not None else None,
        interval=spec.rotation_interval,
        rotate_at_utc=spec.rotate_at,
        automatic=spec.is_auto_rotation_enabled,
        failed=failed_at is not None,
        manual=record is None or record.trigger.is_manual,
        now=failed_at or o.now,
        unit=o.unit,
    )


def due_at(o: Observation) -> datetime | None:
    """Return since or from when an automatic rotation is wanted.

    A due date that has come stays wanted through failures, which only delay it.
    """
    missed = scheduled_at(o, failed_at=None)
    if missed is not None and missed <= o.now:
        return missed
    failed_at = None
    if o.rotation is not None and o.rotation.status.failed:
        failed_at = o.rotation.status.last_attempted_at
    return scheduled_at(o, failed_at=failed_at)


def retry_at(o: Observation) -> datetime | None:
    """Return until when the next try after a failure waits, None where nothing makes it wait.

    An edit, a connection that becomes Ready, a request to reconcile and a new trigger cut it short.
    """
    rotation = o.rotation
    if rotation is None or not rotation.status.failed or rotation.status.next_retry_at is None:
        return None
    status = rotation.status
    parked = o.journal.next.record.handled if o.journal is not None and o.journal.next else ()
    handled = o.journal.handled if o.journal is not None else ()
    known = {*parked, *handled, *o.tried_tokens}
    is_cut_short = (
        o.is_cut_short
        or rotation.generation != status.observed_generation
        or rotation.reconcile_at not in {"", status.last_handled_reconcile_at}
        or any(token not in known for token in rotation.tokens)
    )
    return None if is_cut_short else status.next_retry_at
