"""Step 0: what can refuse a rotation before the journal is written and the tenant touched."""

from dataclasses import replace

from auth0_rotator.auth0 import Client, Tenant
from auth0_rotator.conditions import Reason
from auth0_rotator.decision.wants import own_record
from auth0_rotator.errors import Refused
from auth0_rotator.journal import Journal, Plan, committed
from auth0_rotator.observation import Observation
from auth0_rotator.reconciler.connections import SCOPE_TO_READ
from auth0_rotator.reconciler.world import Pass, new_rotation_id, new_secret
from auth0_rotator.record import CommitRecord, Credential, Trigger, with_tokens
from auth0_rotator.target import project


def choose(o: Observation, client_id: str, trigger: Trigger) -> Credential:
    """Return the value to send: the parked one of this client where there is one, else a new one."""
    journal, shown = o.journal or Journal(), own_record(o)
    parked = journal.next
    if parked is not None and (
        not parked.record.is_for(client_id, o.connection.domain) or _was_current(o, parked)
    ):
        parked = None
    former = [record for record in (o.record, shown) if record is not None]
    # Consumers of an older value are known by the order of ids. One that was chosen before another value
    # was adopted needs an id behind that one's.
    latest = max((record.rotation_id for record in former), default="")
    kept_id = parked.record.rotation_id if parked is not None else ""
    record = CommitRecord(
        sequence=max((record.sequence for record in former), default=0) + 1,
        rotation_id=kept_id if kept_id > latest else new_rotation_id(latest),
        rotated_at=None,
        trigger=trigger,
        handled=with_tokens(journal.handled, o.rotation.tokens if o.rotation is not None else ()),
        client_id=client_id,
        domain=o.connection.domain,
        reason=o.rotation.rotate_reason if o.rotation is not None and trigger is Trigger.MANUAL else "",
    )
    return Credential(parked.secret if parked is not None else new_secret(), record)


def _was_current(o: Observation, parked: Credential) -> bool:
    """Return whether a parked value was the current one once: its journal is an old copy."""
    return o.rotation is not None and o.rotation.status.tells_of(parked.record.rotation_id)


async def rehearse(run: Pass, o: Observation, intended: Credential, plan: Plan) -> None:
    """Have the API server check the exact write of the target that will follow.

    Raises:
        Refused, Contested, Stale, Retry: as the write itself would.
    """
    record = replace(intended.record, rotated_at=o.now.replace(microsecond=0))
    preview = committed(replace(o.journal or Journal(), next=intended), record=record, late_until=None)
    projection = project(preview, plan, run.key.namespace)
    await run.world.secrets.write_target(projection, o.target, left_by=o.left_by, dry_run=True)


async def check_client(run: Pass, o: Observation, tenant: Tenant, client_id: str) -> None:
    """Refuse a client that cannot use a client secret, where the connection may look.

    Warns of one whose ID tokens are signed with the client secret.

    Raises:
        Refused: it does not exist, is the global client, or uses no secret.
    """
    if SCOPE_TO_READ not in o.connection.scopes:
        return
    try:
        client = await tenant.read_client(client_id)
    except Refused as refusal:
        if refusal.reason == Reason.CLIENT_UNKNOWN:
            raise
        return
    fault = _unsuitability(client)
    if fault is not None:
        message = f"the client {client_id} {fault}; there is nothing to rotate"
        raise Refused(Reason.CLIENT_UNSUITABLE, message)
    if client.signs_with_secret:
        message = (
            f"the ID tokens of {client_id} are signed with its client secret (HS256): who verifies them "
            "needs each new value at once; RS256 does away with that"
        )
        run.notice(Reason.SIGNS_WITH_SECRET, message, is_warning=True)


def _unsuitability(client: Client) -> str | None:
    if client.is_global:
        return "is the tenant's global client"
    if client.uses_key:
        return "authenticates by private_key_jwt"
    if client.uses_no_secret:
        return "has the token endpoint authentication method none"
    return None
