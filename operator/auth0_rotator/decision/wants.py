"""What several rules ask: which record is ours, which token is new, what is due, what waits."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from auth0_rotator.journal import Journal
from auth0_rotator.observation import Observation
from auth0_rotator.record import CommitRecord
from auth0_rotator.resource import RotationSpec, RotationWindow
from auth0_rotator.schedule import day_of_schedule, is_ahead, next_rotation_in_zone, spread_offset
from auth0_rotator.target import Target
from auth0_rotator.windows import next_opening

# Hiccups and the first retries are over by then: a due rotation that did not come is worth an alarm.
OVERDUE_AFTER: Final = timedelta(minutes=5)
# For so long a restore may take from the first Secret to the last object.
RESTORE_PATIENCE: Final = timedelta(minutes=10)


def own_record(o: Observation) -> CommitRecord | None:
    """Return the commit record of the target where it is one of this very rotation."""
    if o.target is None or o.target.rotation != o.key.name:
        return None
    return o.target.record


def awaited_until(o: Observation) -> datetime | None:
    """Return until when Secrets wait for their rotation to come, None where it is there or was deleted.

    Backup tools bring Secrets back before the objects that own them, without owners and finalizers. A
    journal that still names its owner was left by a deletion: the garbage collector takes it as well.
    """
    if o.rotation is not None or o.alone_since is None or o.leaving_since is not None:
        return None
    if o.journal is not None and o.journal.owner_uid:
        return None
    until = o.alone_since + RESTORE_PATIENCE
    return until if is_ahead(until, o.now, at_most=RESTORE_PATIENCE) else None


def is_of_wanted_client(o: Observation, record: CommitRecord) -> bool:
    """Return whether the value is of the client that is wanted: by the journal while that sends."""
    if o.journal is not None and o.journal.is_sending:
        return True
    spec = o.rotation.spec if o.rotation is not None else None
    return spec is not None and spec.parameters.client_id == record.client_id


def pair_of(journal: Journal | None, target: Target | None) -> str:
    """Return what a comparison is about: the two values, by their rotation ids; empty for none."""
    held = journal and (journal.next if journal.is_sending else journal.current)
    if not held or target is None or target.record is None:
        return ""
    return f"{held.record.rotation_id} {target.record.rotation_id}"


def new_tokens(o: Observation) -> tuple[str, ...]:
    """Return the tokens that ask for a rotation: present, and not handled before."""
    if o.rotation is None or o.journal is None:
        return ()
    known = {*o.journal.handled, *o.rotation.status.handled}
    return tuple(token for token in o.rotation.tokens if token not in known)


def told_later(o: Observation) -> datetime | None:
    """Return when a rotation was that status tells of and the journal does not know; None for none.

    Then the journal is an old copy, from a backup. No date is believed that has not come.
    """
    record = o.record
    told = o.rotation.status.last_rotated_at if o.rotation is not None else None
    if record is None or record.rotated_at is None or told is None:
        return None
    return told if record.rotated_at < told <= o.now else None


def is_told_handled(o: Observation) -> bool:
    """Return whether status says that a token was followed of which the journal does not know."""
    if o.rotation is None or o.journal is None:
        return False
    present = set(o.rotation.tokens) - set(o.journal.handled)
    return not present.isdisjoint(o.rotation.status.handled)


def scheduled_at(o: Observation, *, failed_at: datetime | None) -> datetime | None:
    """Return the instant of the schedule with the object's spread, whatever the windows say.

    After a failure at `failed_at` that is the day after. Where status tells of a later rotation than the
    journal, the later date of both counts: a date that was kept is not kept again.
    """
    if o.rotation is None or o.rotation.spec is None:
        return None
    spec, uid = o.rotation.spec, o.rotation.uid
    record = o.record
    rotated_at = record.rotated_at if record is not None else None
    is_manual = record is None or record.trigger.is_manual
    known = _date_after(o, spec, uid, rotated_at, is_manual=is_manual, failed_at=failed_at)
    told = told_later(o)
    if known is None or told is None:
        return known
    is_manual = o.rotation.status.is_last_manual
    later = _date_after(o, spec, uid, told, is_manual=is_manual, failed_at=failed_at)
    return max(known, later or known)


def _date_after(
    o: Observation,
    spec: RotationSpec,
    uid: str,
    rotated_at: datetime | None,
    *,
    is_manual: bool,
    failed_at: datetime | None,
) -> datetime | None:
    offset = spread_offset(spec.spread, uid)
    if rotated_at is not None and not is_manual:
        rotated_at = day_of_schedule(
            rotated_at, rotate_at=spec.time_of_day, zone=spec.zone, offset=offset
        )
    instant = next_rotation_in_zone(
        last_rotated_at=rotated_at,
        interval=spec.rotation_interval,
        rotate_at=spec.time_of_day,
        zone=spec.zone,
        automatic=spec.is_auto_rotation_enabled,
        failed=failed_at is not None,
        manual=is_manual,
        now=failed_at or o.now,
        unit=o.unit,
    )
    return instant + offset if instant is not None else None


def windows_of(o: Observation) -> Sequence[RotationWindow]:
    """Return the windows that bind the automatic rotations: its own, else the connection's."""
    spec = o.rotation.spec if o.rotation is not None else None
    own = spec.rotation_windows if spec is not None else None
    return own if own is not None else o.connection.windows


def opening(o: Observation, after: datetime) -> datetime | None:
    """Return the first instant from `after` on that the windows allow, None where there is none."""
    return next_opening(windows_of(o), after)


def due_at(o: Observation) -> datetime | None:
    """Return since or from when an automatic rotation is wanted, inside of its windows.

    A due date that has come stays wanted through failures, which only delay it.
    """
    missed = _opened(o, scheduled_at(o, failed_at=None))
    if missed is not None and missed <= o.now:
        return missed
    failed_at = None
    if o.rotation is not None and o.rotation.status.failed:
        failed_at = o.rotation.status.last_attempted_at
    return _opened(o, scheduled_at(o, failed_at=failed_at))


def overdue_at(o: Observation) -> datetime | None:
    """Return from when on it is told that the automatic rotation is due and has not come."""
    due = due_at(o)
    return due + OVERDUE_AFTER if due is not None else None


def kept_at(o: Observation, *, failed_at: datetime | None) -> datetime | None:
    """Return the instant of the schedule as it will be kept: with windows, and no longer in one that
    has closed meanwhile."""
    kept = _opened(o, scheduled_at(o, failed_at=failed_at))
    if kept is None:
        return None
    at = max(kept, o.now)
    again = opening(o, at)
    return kept if again in {None, at} else again


def _opened(o: Observation, instant: datetime | None) -> datetime | None:
    return opening(o, instant) if instant is not None else None


def notice_at(o: Observation) -> datetime | None:
    """Return from when on people are to be told of the next automatic rotation, None where nobody
    wants to know or everybody was told."""
    rotation, due = o.rotation, due_at(o)
    before = rotation.spec.notice_before if rotation is not None and rotation.spec is not None else None
    if rotation is None or before is None or due is None or due <= o.now:
        return None
    return due - before if rotation.status.noticed_for != due.replace(microsecond=0) else None


def is_announced(o: Observation) -> bool:
    """Return whether the target is to show the next value ahead of its change."""
    key = o.plan.secrets_mapping.next_client_secret if o.plan is not None else None
    return key is not None and o.journal is not None and o.journal.announced_secret is not None


def announce_at(o: Observation) -> datetime | None:
    """Return from when on the next value is to be published ahead of its change, None where nobody
    wants it, there is no date, or it is announced already."""
    spec = o.rotation.spec if o.rotation is not None else None
    before = spec.announces_before if spec is not None else None
    if before is None or o.record is None or is_announced(o):
        return None
    due = due_at(o)
    return due - before if due is not None else None


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
    known = {*parked, *handled, *status.handled, *o.tried_tokens}
    is_cut_short = (
        o.is_cut_short
        or rotation.generation != status.observed_generation
        or rotation.reconcile_at not in {"", status.last_handled_reconcile_at}
        or any(token not in known for token in rotation.tokens)
    )
    return None if is_cut_short else status.next_retry_at
