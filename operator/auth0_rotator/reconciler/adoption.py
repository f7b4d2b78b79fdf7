"""A value that somebody set at the tenant, and that is taken over where the connection chose so."""

from dataclasses import dataclass

from auth0_rotator.auth0 import Liveness
from auth0_rotator.conditions import Condition, ConditionStatus, ConditionType, Reason
from auth0_rotator.credential import ClientSecret
from auth0_rotator.errors import Refused, Retry
from auth0_rotator.journal import LATE_REQUEST
from auth0_rotator.metrics import FOREIGN_ROTATIONS
from auth0_rotator.observation import Observation, given
from auth0_rotator.reconciler.connections import SCOPE_TO_READ_KEYS
from auth0_rotator.reconciler.memory import Verification
from auth0_rotator.reconciler.upkeep import adopt_working
from auth0_rotator.reconciler.world import Pass
from auth0_rotator.record import CommitRecord
from auth0_rotator.schedule import is_ahead


@dataclass(frozen=True, slots=True)
class Found:
    """What the tenant has instead of the delivered value, as far as it may be asked and says."""

    secret: ClientSecret | None = None
    """The value that works; None where none is known."""
    obstacle: str = ""
    """Why none is; empty where nobody chose to have one adopted."""
    is_passing: bool = False
    """Whether that may be over in a moment."""


async def find_foreign(run: Pass, o: Observation) -> Found:
    """Return the value that the tenant shows, where the connection adopts and the tenant accepts it.

    A read may lag behind a change: what is known already is no news, and what is refused is not it.
    """
    journal, record, foreign = given(o.journal), given(o.record), o.connection.foreign
    if foreign is None or not foreign.adopt:
        return Found()
    if record.client_id == o.connection.client_id:
        return Found(obstacle="it is the client by which the operator itself authenticates")
    if not _has_worked(o, record):
        return Found(obstacle="nobody has seen the delivered value work, which a person put in")
    late_until = journal.late_until
    if late_until is not None and is_ahead(late_until, o.now, at_most=2 * LATE_REQUEST):
        return Found(obstacle="a request of the last rotation may still take effect", is_passing=True)
    if SCOPE_TO_READ_KEYS not in o.connection.scopes:
        _ask_for_scope(run, o)
        return Found(obstacle=f"foreignRotation.adopt needs the scope {SCOPE_TO_READ_KEYS}")
    tenant, client_id = run.tenant(o), record.client_id
    try:
        shown = await tenant.read_client_secret(client_id)
    except Retry as error:
        return Found(obstacle=f"the new value could not be read: {error.message}", is_passing=True)
    except Refused as error:
        return Found(obstacle=f"the new value cannot be read: {error.message}")
    if shown is None:
        return Found(obstacle=f"{record.domain} shows no client secret of it that could be adopted")
    parked = journal.next.secret if journal.next is not None else None
    is_known = shown in {given(journal.current).secret, journal.previous, parked}
    if is_known or await tenant.probe(client_id, shown) is not Liveness.LIVE:
        obstacle = f"{record.domain} is not known to accept the value that it shows"
        return Found(obstacle=obstacle, is_passing=True)
    return Found(secret=shown)


def _has_worked(o: Observation, record: CommitRecord) -> bool:
    """Return whether the current value worked once, as far as is known.

    Whoever may write Secrets could otherwise have any value read: by putting in one that is made up.
    """
    return not record.is_kept or given(o.journal).has_worked


def _ask_for_scope(run: Pass, o: Observation) -> None:
    """Have the connection ask for a new token: a scope that was granted meanwhile shows in no other."""
    if run.memory.probing is not None:
        run.memory.probing.lacks_scope = True
    run.world.wake(o.connection_key)


async def adopt_foreign(run: Pass, o: Observation, secret: ClientSecret) -> None:
    """Make the value current that somebody set at the tenant; the next steps deliver it."""
    record = await adopt_working(run, o, secret)
    run.memory.verification = Verification(record.rotation_id, o.now, is_done=True)
    message = f"{record.domain} accepts the value that was set there for {record.client_id}"
    run.memory.verified = Condition(
        ConditionType.VERIFIED, ConditionStatus.TRUE, Reason.VERIFIED, message
    )
    FOREIGN_ROTATIONS.labels(domain=record.domain, result="adopted").inc()
    run.notice(
        Reason.ADOPTED,
        f"the client secret of {record.client_id} was changed elsewhere; the value that {record.domain} "
        "shows and accepts was adopted, which counts as rotated by hand now",
    )
