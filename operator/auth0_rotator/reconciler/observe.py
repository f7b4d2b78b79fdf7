"""From what the watches said to an `Observation`, with a live read only where nothing else tells."""

from dataclasses import replace

from auth0_rotator.conditions import Reason
from auth0_rotator.journal import Plan
from auth0_rotator.mirror import referred
from auth0_rotator.observation import (
    Connection,
    Contest,
    Observation,
    Rival,
    Rotation,
    parse_status,
)
from auth0_rotator.reconciler.world import Pass
from auth0_rotator.resource import InitialRotation
from auth0_rotator.target import Target

_NO_CONNECTION = Connection(
    kind="",
    name="",
    is_ready=False,
    reason=Reason.PENDING,
    message="no connection is named",
)


async def observe(run: Pass) -> Observation:
    """Return all that the next decision of this pass may look at."""
    world, memory = run.world, run.memory
    rotation, seen = world.mirror.rotations.get(run.key), world.mirror.journal(run.key)
    if rotation is not None and memory.unwritten_status is not None:
        rotation = replace(rotation, status=parse_status(memory.unwritten_status))
    journal = seen.journal if seen is not None else None
    plan = rotation.plan if rotation is not None else None
    if plan is None and journal is not None:
        plan = journal.plan
    connection = await _connection(run, plan, rotation)
    current = journal.current.record if journal is not None and journal.current else None
    verification = memory.verification
    is_leaving = rotation is None or rotation.deleting_since is not None
    return Observation(
        now=world.clock(),
        key=run.key,
        rotation=rotation,
        journal=journal,
        target=await _target(run, plan, rotation) if plan is not None else None,
        connection=connection,
        unit=world.unit,
        process=world.process,
        leading_since=run.leading_since,
        journal_fault=seen.fault if seen is not None else "",
        rivals=_rivals(run, rotation, connection.domain),
        attempt=memory.attempt,
        is_cut_short=memory.is_cut_short,
        tried_tokens=memory.tried_tokens,
        is_namespace_terminating=bool(
            is_leaving
            and journal is not None
            and journal.is_sending
            and await world.objects.is_namespace_terminating(run.key.namespace)
        ),
        is_verification_done=(
            verification is None
            or verification.is_done
            or current is None
            or verification.rotation_id != current.rotation_id
        ),
        is_taken_over=memory.is_taken_over,
        verify_at=verification.again_at if verification is not None else None,
        is_move_refused=bool(connection.domain) and memory.refused_domain == connection.domain,
        repairs=tuple(memory.repairs),
        contender=memory.contender,
        to_withdraw=world.mirror.to_withdraw(run.key) if rotation is None else (),
    )


async def _connection(run: Pass, plan: Plan | None, rotation: Rotation | None) -> Connection:
    if plan is None:
        return _NO_CONNECTION
    client_id = ""
    if rotation is not None and rotation.spec is not None:
        client_id = rotation.spec.parameters.client_id
    return await run.world.connections.view(
        run.connection_key(plan), namespace=run.key.namespace, client_id=client_id
    )


async def _target(run: Pass, plan: Plan, rotation: Rotation | None) -> Target | None:
    """Return the Secret under the target's name.

    One that does not carry our label is not watched, and so it is read: to see that a foreign one
    went away, and, before a first rotation, whether a value is there to be kept.
    """
    namespace, name, mirror = run.key.namespace, plan.target_name, run.world.mirror
    target = mirror.target(namespace, name)
    is_first = mirror.journal(run.key) is None and rotation is not None
    keeps_value = (
        is_first
        and rotation is not None
        and rotation.spec is not None
        and rotation.spec.initial_rotation is InitialRotation.WHEN_DUE
    )
    is_unwatched = target is not None and not mirror.is_watched(namespace, name)
    if (is_unwatched or (keeps_value and target is None)) and name not in run.read:
        run.read.add(name)
        await run.read_secret(name)
    return mirror.target(namespace, name)


def _rivals(run: Pass, rotation: Rotation | None, domain: str) -> list[Rival]:
    """Return who claims the same Secret, or the same client of the same tenant."""
    if rotation is None:
        return []
    return [
        rival
        for rival in run.world.mirror.rivals_of(rotation)
        if rival.contest is Contest.TARGET or (domain and _domain_of(run, rival) == domain)
    ]


def _domain_of(run: Pass, rival: Rival) -> str:
    plan = run.world.mirror.rotations[rival.key].plan
    if plan is None:
        return ""
    reference = referred(plan.connection_ref, rival.key.namespace)
    return run.world.connections.domain_of(reference)
