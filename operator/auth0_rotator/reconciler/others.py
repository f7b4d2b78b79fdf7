"""Other rotations, as far as they bear on one: who contends with it, who goes first, who left what."""

from dataclasses import replace

from auth0_rotator.decision.limits import is_unproven
from auth0_rotator.journal import Journal, Plan
from auth0_rotator.observation import Connection, Contest, Rival
from auth0_rotator.reconciler.world import Pass
from auth0_rotator.record import MANAGED_BY
from auth0_rotator.resource import CreationPolicy
from auth0_rotator.subject import Key, Rotation, referred
from auth0_rotator.target import Target, field_manager


def left_by(run: Pass, plan: Plan | None, target: Target | None) -> frozenset[str]:
    """Return the names of the rotations that left their value in a target that is to be ours alone."""
    if plan is None or target is None or plan.target.creation_policy is not CreationPolicy.CREATE:
        return frozenset()
    others = {name for name in target.fields if name.startswith(f"{MANAGED_BY}/")}
    if not others - {field_manager(run.key.name)}:
        return frozenset()
    namespace = run.key.namespace
    return frozenset(
        key.name
        for key, rotation in run.world.mirror.rotations.items()
        if key != run.key
        and key.namespace == namespace
        and field_manager(key.name) in others
        and _has_moved_on(run, rotation, plan.target_name, target)
    )


def _has_moved_on(run: Pass, other: Rotation, name: str, target: Target) -> bool:
    """Return whether another rotation has what it left in a Secret elsewhere, and delivers elsewhere."""
    seen = run.world.mirror.journal(other.key)
    journal = seen.journal if seen is not None else None
    current = journal.current if journal is not None else None
    if journal is None or current is None or other.plan is None or other.deleting_since is not None:
        return False
    is_there = current.secret in target.values or journal.previous in target.values
    return is_there and other.plan.target_name != name


async def rivals_of(
    run: Pass, rotation: Rotation | None, journal: Journal | None, domain: str
) -> list[Rival]:
    """Return who claims the same Secret, or the same client of the same tenant: for a rotation that
    goes the client of its value, whatever its spec says by now."""
    mirror = run.world.mirror
    current = journal.current if journal is not None else None
    if rotation is not None and current is not None and rotation.deleting_since is not None:
        client_id = current.record.client_id
        rivals = mirror.claimants_of(client_id, besides=run.key)
    elif rotation is not None and rotation.spec is not None:
        client_id = rotation.spec.parameters.client_id
        rivals = mirror.rivals_of(rotation)
    else:
        return []
    rivals += mirror.senders_of(client_id, besides=run.key)
    return [
        await _weighed(run, rival, client_id, domain)
        for rival in rivals
        if rival.contest is Contest.TARGET or (domain and domain in _domains_of(run, rival))
    ]


async def _weighed(run: Pass, rival: Rival, client_id: str, domain: str) -> Rival:
    """Return the rival with what it can do: whoever may write Secrets in a namespace can make up a
    journal there, and whoever may create rotations a claim."""
    if rival.contest is Contest.TARGET or rival.key.namespace == run.key.namespace:
        return rival
    plan = _plan_of(run, rival)
    may_act = plan is not None and await run.world.connections.may_act(
        referred(plan.connection_ref, rival.key.namespace),
        namespace=rival.key.namespace,
        client_id=client_id,
        domain=domain,
    )
    return replace(rival, is_powerless=not may_act)


def _plan_of(run: Pass, rival: Rival) -> Plan | None:
    """Return what a rival goes by: its journal where that is being sent, else its spec."""
    seen, rotation = run.world.mirror.journal(rival.key), run.world.mirror.rotations.get(rival.key)
    if rival.is_sending:
        return seen.journal.plan if seen is not None and seen.journal is not None else None
    return rotation.plan if rotation is not None else None


async def canary_of(run: Pass, rotation: Rotation | None, connection: Connection) -> Key | None:
    """Return the rotation of the same connection that goes first and has not proven itself yet."""
    spec = rotation.spec if rotation is not None else None
    if spec is None or spec.canary or connection.key is None:
        return None
    for canary in run.world.mirror.canaries_of(connection.key):
        is_waited_for = is_unproven(canary, run.world.clock())
        if is_waited_for and not await run.world.namespaces.is_frozen(canary.key.namespace):
            return canary.key
    return None


def is_connection_busy(run: Pass, rotation: Rotation | None, connection: Connection) -> bool:
    """Return whether a rotation of another client of this connection is open, or due and not failed."""
    spec = rotation.spec if rotation is not None else None
    if spec is None or not spec.allow_own_client or connection.key is None:
        return False
    mirror, now = run.world.mirror, run.world.clock()
    others = mirror.users_of(connection.key) - {run.key}
    return any(mirror.is_open(key) or mirror.is_due(key, now) for key in others)


def _domains_of(run: Pass, rival: Rival) -> frozenset[str]:
    """Return where the rival's client is: where its connection leads, and where its values are live."""
    rotation = run.world.mirror.rotations.get(rival.key)
    plan = rotation.plan if rotation is not None else None
    if plan is None or rival.is_sending:
        return rival.domains
    reference = referred(plan.connection_ref, rival.key.namespace)
    return rival.domains | {run.world.connections.domain_of(reference)}
