"""From what the watches said to an `Observation`, with a live read only where nothing else tells."""

from dataclasses import replace
from datetime import datetime

from auth0_rotator.conditions import Reason
from auth0_rotator.decision.wants import pair_of
from auth0_rotator.journal import Journal, Plan
from auth0_rotator.journal_secret import SeenJournal
from auth0_rotator.observation import Connection, Observation
from auth0_rotator.reconciler.consumers import subject_of
from auth0_rotator.reconciler.memory import Memory, Verification
from auth0_rotator.reconciler.others import canary_of, is_connection_busy, left_by, rivals_of
from auth0_rotator.reconciler.verification import next_probe
from auth0_rotator.reconciler.world import Pass
from auth0_rotator.resource import InitialRotation
from auth0_rotator.subject import Rotation, parse_status, referred
from auth0_rotator.target import Target

_NO_CONNECTION = Connection(
    key=None,
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
    _note_word(memory, rotation, journal)
    memory.first_look_at = memory.first_look_at or world.clock()
    _note_deletion(memory, rotation, seen, world.clock())
    memory.has_seen_rotation |= rotation is not None
    plan = world.mirror.plan(run.key)
    connection = await _connection(run, plan, rotation, journal)
    current = journal.current.record.rotation_id if journal is not None and journal.current else ""
    if rotation is not None and current:
        rotation = replace(rotation, status=rotation.status.seen_after(current))
    verification = _about(memory.verification, current)
    moving = _about(memory.moving, connection.domain)
    is_rolled_out, roll_out_at = _roll_out(memory, rotation, journal)
    target = await _target(run, plan, rotation) if plan is not None else None
    comparing = _about(memory.comparing, pair_of(journal, target))
    return Observation(
        now=world.clock(),
        key=run.key,
        rotation=rotation,
        journal=journal,
        target=target,
        connection=connection,
        unit=world.unit,
        process=world.process,
        leading_since=run.leading_since,
        journal_fault=seen.fault if seen is not None else "",
        journal_deleting_since=seen.deleting_since if seen is not None else None,
        journal_usurper=world.mirror.journal_usurper(run.key),
        rivals=await rivals_of(run, rotation, journal, connection.domain),
        attempt=memory.attempt,
        is_cut_short=memory.is_cut_short,
        tried_tokens=memory.tried_tokens,
        is_namespace_terminating=await _is_namespace_terminating(run, rotation, seen),
        is_frozen=rotation is not None and await world.namespaces.is_frozen(run.key.namespace),
        is_freeze_watched=world.mirror.frozen is not None,
        canary=await canary_of(run, rotation, connection),
        is_word_taken_back=memory.is_word_taken_back,
        is_verification_done=verification is None or verification.is_done,
        verify_at=verification.again_at if verification is not None else None,
        probe_at=next_probe(run, rotation, connection, journal),
        is_rolled_out=is_rolled_out,
        roll_out_at=roll_out_at,
        gate=memory.gate,
        leaving_seen_at=memory.leaving_seen_at,
        alone_since=None if memory.has_seen_rotation else memory.first_look_at,
        is_target_refused=comparing is not None and comparing.is_done,
        compare_at=comparing.again_at if comparing is not None else None,
        is_comparison_unclear=comparing is not None and comparing.is_unclear,
        is_move_refused=moving is not None and moving.is_done,
        move_at=moving.again_at if moving is not None else None,
        is_connection_busy=is_connection_busy(run, rotation, connection),
        repairs=tuple(memory.repairs),
        contender=memory.contender,
        to_withdraw=world.mirror.to_withdraw(run.key) if rotation is None else (),
        left_by=left_by(run, plan, target),
    )


def _note_word(memory: Memory, rotation: Rotation | None, journal: Journal | None) -> None:
    """Note whether a person has taken back what was said of an earlier doubt: said again, it counts."""
    if journal is None or not journal.is_sending:
        memory.is_word_taken_back = False
    elif rotation is not None and not rotation.settle_doubt:
        memory.is_word_taken_back = True


def _note_deletion(
    memory: Memory, rotation: Rotation | None, seen: SeenJournal | None, now: datetime
) -> None:
    """Note when a deletion was first seen, by this process's own clock."""
    meta = seen.journal.meta if seen is not None and seen.journal is not None else None
    of_journal = meta.deleting_since if meta is not None else seen and seen.deleting_since
    if not of_journal and (rotation is None or rotation.deleting_since is None):
        memory.leaving_seen_at = None
    elif memory.leaving_seen_at is None or memory.leaving_seen_at > now:
        memory.leaving_seen_at = now


def _about(asking: Verification | None, subject: str) -> Verification | None:
    """Return how far the asking has come where it is about `subject`, else None."""
    return asking if asking is not None and subject and asking.subject == subject else None


def _roll_out(
    memory: Memory, rotation: Rotation | None, journal: Journal | None
) -> tuple[bool, datetime | None]:
    """Return whether the consumers of the current value are seen to, and when they are looked at."""
    current = journal.current if journal is not None else None
    if rotation is None or journal is None or current is None:
        return True, None
    rotation_id, rolling = current.record.rotation_id, memory.roll_out
    if rolling is None:
        # A former process may have come to the end.
        is_done = rotation.status.is_rolled_out(rotation_id, generation=rotation.generation)
        return is_done and not journal.to_restart, None
    if rolling.subject != subject_of(rotation, rotation_id):
        return False, None
    return rolling.is_done, rolling.again_at


async def _is_namespace_terminating(
    run: Pass, rotation: Rotation | None, seen: SeenJournal | None
) -> bool:
    """Return whether the namespace is being deleted; asked only where a journal may be in the way."""
    is_in_the_way = seen is not None and (seen.journal is None or seen.journal.is_sending)
    if not is_in_the_way or not _is_leaving(rotation):
        return False
    return await run.world.objects.is_namespace_terminating(run.key.namespace)


async def _connection(
    run: Pass, plan: Plan | None, rotation: Rotation | None, journal: Journal | None
) -> Connection:
    """Return the connection, as far as it admits the client that a request would be about."""
    spec = rotation.spec if rotation is not None else None
    key = referred(plan.connection_ref, run.key.namespace) if plan is not None else None
    client_id = spec.parameters.client_id if spec is not None else ""
    sent = journal.next if journal is not None and journal.is_sending else None
    if journal is not None and sent is not None:
        # The value may be live where it was sent to, whatever the spec says by now; only another
        # connection to the same tenant will do as well.
        client_id, domain = sent.record.client_id, sent.record.domain
        is_same = key is not None and run.world.connections.domain_of(key) == domain
        if journal.plan is not None and not is_same:
            key = referred(journal.plan.connection_ref, run.key.namespace)
    elif (spec is None or _is_leaving(rotation)) and journal is not None and journal.current is not None:
        client_id = journal.current.record.client_id
    if key is None:
        return _NO_CONNECTION
    connections = run.world.connections
    found = await connections.view(key, namespace=run.key.namespace, client_id=client_id)
    if sent is None or found.domain in {"", sent.record.domain}:
        return found
    message = (
        f"{key} leads to {found.domain} now, and the value may be live at {sent.record.domain}: let it "
        "lead back until the change has come to its end"
    )
    return Connection(
        key=key,
        is_ready=False,
        reason=Reason.DOMAIN_CHANGED,
        message=message,
        domain=sent.record.domain,
        is_stalled=True,
    )


def _is_leaving(rotation: Rotation | None) -> bool:
    return rotation is None or rotation.deleting_since is not None


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
