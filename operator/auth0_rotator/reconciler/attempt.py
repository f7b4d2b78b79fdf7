"""What the steps of one rotation hand on to each other, and what several of them do."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta

from auth0_rotator.auth0 import Permit, Tenant
from auth0_rotator.conditions import Reason
from auth0_rotator.errors import Retry, RotatorError, Stale
from auth0_rotator.journal import Journal, journal_name
from auth0_rotator.observation import Observation, given
from auth0_rotator.reconciler.world import ATTEMPT_PATIENCE, Pass
from auth0_rotator.record import Credential, Trigger


@dataclass(slots=True)
class Change:
    """What the steps of one pass hand on to each other."""

    run: Pass
    o: Observation
    trigger: Trigger | None = None
    tenant: Tenant | None = None
    permit: Permit | None = None
    journal: Journal = field(default_factory=Journal)
    """As it was last written or read by a step."""
    rests_on: float = 0.0
    """When that was, by the event loop's clock."""
    intended: Credential | None = None
    error: RotatorError | None = None
    """Why the tenant did not accept."""


def is_patient(change: Change, error: Retry) -> bool:
    """Return whether a hiccup is still no more than that, and is over before it is more."""
    elapsed = change.o.now - change.run.open_attempt().started_at
    return elapsed + (error.after or timedelta(0)) < ATTEMPT_PATIENCE


async def read_journal(change: Change, version: str) -> None:
    """Read the journal as it is at this instant.

    Raises:
        Stale: it is not the one of this `version` any more; nothing is certain now.
    """
    run = change.run
    change.rests_on = clock()
    await run.read_secret(journal_name(run.key.name))
    seen = run.journal()
    if seen is None or seen.version != version:
        raise overtaken(run)
    change.journal = seen


def overtaken(run: Pass) -> Stale:
    """Note that somebody else may have sent the value: nothing is certain any more."""
    run.memory.attempt = replace(run.open_attempt(), is_certain=False)
    return Stale(Reason.BUSY, "the journal was written by somebody else meanwhile")


async def replace_own(change: Change, journal: Journal) -> Journal:
    """Write over this process's own `sending` write, and over nothing else.

    Raises:
        Stale: somebody else wrote in between, and may have sent the value.
    """
    try:
        return await change.run.write_journal(journal)
    except Stale:
        raise overtaken(change.run) from None


def note_acceptance(change: Change, *, remote_seconds: float) -> None:
    """Keep the acceptance before anything else can fail."""
    run, chosen = change.run, given(change.journal.next)
    accepted_at = run.world.clock().replace(microsecond=0)
    run.memory.attempt = replace(
        run.open_attempt(),
        accepted=replace(chosen, record=replace(chosen.record, rotated_at=accepted_at)),
        accepted_at=clock(),
        remote_milliseconds=round(1000 * remote_seconds),
        tries=0,
    )


def clock() -> float:
    """Return the event loop's time in seconds: it is never set."""
    return asyncio.get_running_loop().time()
