"""What is done about values that are there already: nothing of it changes anything at a tenant."""

from dataclasses import replace
from typing import Final

from auth0_rotator.auth0 import Liveness
from auth0_rotator.conditions import Condition, ConditionStatus, ConditionType, Reason
from auth0_rotator.credential import ClientSecret
from auth0_rotator.decision import Decision
from auth0_rotator.journal import (
    adopted,
    announced,
    moved,
    parked_behind,
    replanned,
    unproven,
    with_restarts_left,
)
from auth0_rotator.metrics import DRIFT_REPAIRS
from auth0_rotator.observation import Observation, given
from auth0_rotator.reconciler.memory import Verification
from auth0_rotator.reconciler.preflight import choose
from auth0_rotator.reconciler.verification import (
    BELIEVED_AFTER,
    LONGEST_WAIT,
    asked,
    begin_verification,
    resume_verification,
)
from auth0_rotator.reconciler.world import Pass, new_rotation_id
from auth0_rotator.record import CommitRecord, Credential, Trigger, with_tokens
from auth0_rotator.target import Difference, compare, contenders, project

REPAIRS_KEPT: Final = 16


async def adopt(run: Pass, o: Observation, decision: Decision) -> None:
    """Take the target's value and commit record into the journal. Zero remote calls."""
    target = given(o.target)
    found, tokens = given(target.record), o.rotation.tokens if o.rotation is not None else ()
    is_first = o.journal is None or o.journal.current is None
    handled = with_tokens(o.journal.handled if o.journal is not None else (), found.handled)
    record = replace(found, handled=with_tokens(handled, tokens if is_first else ()))
    await _adopt(run, o, given(target.recorded_secret), record)
    run.memory.attempt = None
    # It may have died since it was written, and nothing else would bring the next pass.
    resume_verification(run)
    run.notice(Reason.ADOPTED, f"{decision.message}; it was adopted without a rotation")


async def adopt_value(run: Pass, o: Observation, _: Decision) -> None:
    """Take a value that somebody put into the target: it counts as rotated by hand, now."""
    rotation, target = given(o.rotation), given(o.target)
    spec = given(rotation.spec)
    key = spec.secrets_mapping.client_secret
    record = CommitRecord(
        sequence=0,
        rotation_id=new_rotation_id(),
        rotated_at=o.now.replace(microsecond=0),
        trigger=Trigger.CREATION,
        handled=with_tokens((), rotation.tokens),
        client_id=spec.parameters.client_id,
        domain=o.connection.domain,
        is_generated=False,
    )
    await _adopt(run, o, given(target.data.get(key)), record)
    # Nobody has said so far that this value works.
    begin_verification(run, record.rotation_id)
    run.notice(
        Reason.ADOPTED,
        f"the value under {key} in the Secret {given(o.plan).target_name} was kept; it is rotated when "
        "it is due",
    )


async def take_back(run: Pass, o: Observation, former: ClientSecret) -> None:
    """Take the value from before `current` as the current one again: it is the one that works."""
    record = await adopt_working(run, o, former)
    begin_verification(run, record.rotation_id)
    run.notice(
        Reason.ADOPTED,
        "the tenant refuses the value that was delivered and accepts the one before it, which was taken "
        "back without a rotation",
    )


async def _adopt(run: Pass, o: Observation, secret: ClientSecret, record: CommitRecord) -> None:
    """Make a value that is there already the current one."""
    journal = adopted(o.journal, credential=Credential(secret, record), plan=given(o.plan))
    await run.write_journal(journal)
    run.memory.is_adopted = True


async def restore_journal(run: Pass, o: Observation, _: Decision) -> None:
    """Write the journal's label, owner and finalizer again; one that came from elsewhere is to be
    probed."""
    journal, rotation = given(o.journal), o.rotation
    came_from = {journal.owner_uid, journal.plan.uid if journal.plan is not None else ""}
    is_foreign = (
        rotation is not None and not came_from <= {"", rotation.uid} and journal.current is not None
    )
    await run.write_journal(unproven(journal) if is_foreign else journal)
    if is_foreign:
        begin_verification(run, given(journal.current).record.rotation_id)


async def publish(run: Pass, o: Observation, decision: Decision) -> None:
    """Write the target from the journal: after a look at the tenant where the secret itself differs."""
    projection = project(given(o.journal), given(o.plan), run.key.namespace)
    if compare(projection, o.target) is Difference.SECRET and await _is_repaired_by_hand(run, o):
        await _adopt_repair(run, o)
        return
    run.saw_secret(await run.world.secrets.write_target(projection, o.target, left_by=o.left_by))
    if decision.reason is Reason.DRIFT_REPAIRED or _is_announced_again(run, o, decision):
        run.memory.contender = ", ".join(contenders(projection, given(o.target)))
        run.memory.repairs = [*run.memory.repairs, o.now][-REPAIRS_KEPT:]
    if decision.reason is Reason.DRIFT_REPAIRED:
        DRIFT_REPAIRS.inc()
    run.notice(decision.reason, f"{decision.message}; it was written without a rotation")


def _is_announced_again(run: Pass, o: Observation, decision: Decision) -> bool:
    """Return whether somebody undid an announcement: it looks like one that was not made yet."""
    if decision.reason is not Reason.ANNOUNCED:
        return False
    before = run.memory.announced
    run.memory.announced = given(given(o.journal).next).record.rotation_id
    return run.memory.announced == before


async def _is_repaired_by_hand(run: Pass, o: Observation) -> bool:
    """Return whether the tenant refuses the journal's value and accepts the target's."""
    current, standing = given(given(o.journal).current), _standing_secret(o)
    rotated_at = current.record.rotated_at
    # While a change spreads, the former value is the one that works: no refusal is believed yet.
    is_spread = rotated_at is None or abs(o.now - rotated_at) >= BELIEVED_AFTER
    is_there = o.connection.is_ready and o.connection.domain == current.record.domain
    if standing is None or not is_there or not is_spread:
        return False
    tenant, client_id = run.tenant(o), current.record.client_id
    if await tenant.probe(client_id, current.secret) is not Liveness.NOT_LIVE:
        return False
    return await tenant.probe(client_id, standing) is Liveness.LIVE


def _standing_secret(o: Observation) -> ClientSecret | None:
    """Return the client secret that stands in the target, whoever put it there."""
    return given(o.target).data.get(given(o.plan).secrets_mapping.client_secret)


async def _adopt_repair(run: Pass, o: Observation) -> None:
    """Keep the value that a person put into the target after the client was rotated elsewhere."""
    record = await adopt_working(run, o, given(_standing_secret(o)))
    begin_verification(run, record.rotation_id)
    run.notice(
        Reason.ADOPTED,
        f"the tenant refuses the value that was delivered and accepts the one that the Secret "
        f"{given(o.plan).target_name} holds now; it was adopted",
    )


async def adopt_working(run: Pass, o: Observation, secret: ClientSecret) -> CommitRecord:
    """Make a value current that the tenant accepts instead of the one that is current.

    Return its record. Who uses the refused one is to be restarted, which is noted in the same write;
    the value that is to come next stays.
    """
    journal, rotation = given(o.journal), o.rotation
    record = replace(
        given(journal.current).record,
        sequence=journal.sequence + 1,
        rotation_id=new_rotation_id(after=given(journal.current).record.rotation_id),
        rotated_at=o.now.replace(microsecond=0),
        trigger=Trigger.MANUAL,
        is_generated=False,
        reason="",
    )
    base = parked_behind(journal, record, rotation_id=new_rotation_id(after=record.rotation_id))
    taken = adopted(base, credential=Credential(secret, record), plan=given(o.plan))
    consumers = rotation.spec.to_restart if rotation is not None and rotation.spec is not None else ()
    await run.write_journal(with_restarts_left(taken, consumers))
    run.memory.is_adopted = True
    return record


async def announce(run: Pass, o: Observation, _: Decision) -> None:
    """Choose the value of the next rotation; it is published by the next step. Zero remote calls."""
    chosen = choose(o, given(o.record).client_id, Trigger.SCHEDULE)
    await run.write_journal(announced(given(o.journal), chosen))


async def remember_plan(run: Pass, o: Observation, decision: Decision) -> None:
    """Keep in the journal what the spec wants now; let go of the Secret that was the target before."""
    journal, plan = given(o.journal), given(o.plan)
    former = journal.plan
    if former is not None and former.target_name != plan.target_name:
        # Deleted only where the spec wanted that before and wants it now.
        is_unwanted = former.delete_secrets and plan.delete_secrets
        released = former.model_copy(update={"delete_secrets": is_unwanted})
        is_ours = await run.world.secrets.release_target(run.key, released)
        fate = "was withdrawn from" if is_unwanted else "stands, no longer ours, in"
        if is_ours:
            message = f"{decision.message}; the value {fate} the Secret {former.target_name}"
            run.notice(Reason.TARGET_RELEASED, message)
    await run.write_journal(replanned(journal, plan))


async def move(run: Pass, o: Observation, _: Decision) -> None:
    """Ask the tenant that the connection leads to now whether it knows the current value."""
    journal, domain, moving = given(o.journal), o.connection.domain, run.memory.moving
    if moving is None or moving.subject != domain:
        moving = run.memory.moving = Verification(domain, o.now)
    current = given(journal.current)
    liveness = await run.tenant(o).probe(current.record.client_id, current.secret)
    is_believed = asked(moving, liveness, o.now)
    if liveness is Liveness.LIVE:
        await run.write_journal(moved(journal, domain))
        run.memory.moving = None
        message = f"the tenant {domain} accepts the delivered value"
        run.memory.verified = Condition(
            ConditionType.VERIFIED, ConditionStatus.TRUE, Reason.VERIFIED, message
        )
        run.notice(Reason.DOMAIN_CHANGED, message)
    elif is_believed and liveness is Liveness.UNKNOWN:
        # Nobody said anything: asked anew after a while.
        run.memory.moving = Verification(domain, o.now, again_at=o.now + LONGEST_WAIT)
