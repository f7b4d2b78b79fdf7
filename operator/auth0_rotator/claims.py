"""Who may have what two rotations both claim: a client of a tenant, or a Secret."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from auth0_rotator.journal import Journal
from auth0_rotator.observation import Contest, Rival
from auth0_rotator.subject import Rotation

# An object without a creation time would be the youngest of all.
_LATEST: Final = datetime.max.replace(tzinfo=UTC)


def holds_claim(rotation: Rotation, journal: Journal | None, contest: Contest) -> bool:
    """Return whether `journal` backs the claim of `rotation`: it has, or is sending, such a value."""
    if journal is None or rotation.spec is None:
        return False
    if contest is Contest.TARGET:
        name = rotation.spec.target.name or rotation.key.name
        is_there = journal.plan is not None and journal.plan.target_name == name
        return is_there and (journal.current is not None or journal.is_sending)
    held = [journal.current] + ([journal.next] if journal.is_sending else [])
    client = rotation.spec.parameters.client_id
    return any(value is not None and value.record.client_id == client for value in held)


def winner_over(rotation: Rotation, journal: Journal | None, rivals: Sequence[Rival]) -> Rival | None:
    """Return the rival that wins against `rotation`, None where it wins against all."""
    winners = [rival for rival in rivals if _beats(rival, rotation, journal)]
    return min(winners, key=_rank, default=None)


def _beats(rival: Rival, rotation: Rotation, journal: Journal | None) -> bool:
    mine = holds_claim(rotation, journal, rival.contest)
    # What a powerless one has may be made up, and so it stops nobody who has a value as well. But it
    # may have lost its connection: a first rotation of somebody else's would kill what is in use.
    if rival.is_powerless and (mine or not rival.holds):
        return False
    if rival.is_sending:
        return not _is_sending_too(rotation, journal)
    own = (not mine, rotation.created_at or _LATEST, rotation.uid)
    return _rank(rival) < own


def _is_sending_too(rotation: Rotation, journal: Journal | None) -> bool:
    """Return whether this rotation has an open outcome of its own client: that is brought to its end."""
    chosen = journal.next if journal is not None and journal.is_sending else None
    spec = rotation.spec
    return (
        spec is not None and chosen is not None and chosen.record.client_id == spec.parameters.client_id
    )


def _rank(rival: Rival) -> tuple[bool, datetime, str]:
    return (not rival.holds, rival.created_at or _LATEST, rival.uid)
