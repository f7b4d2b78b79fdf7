"""What is done about values that are there already: nothing of it changes anything at a tenant."""

from dataclasses import replace
from typing import Final

from auth0_rotator.auth0 import Liveness
from auth0_rotator.conditions import Reason
from auth0_rotator.decision import Decision
from auth0_rotator.journal import adopted, moved, replanned
from auth0_rotator.metrics import DRIFT_REPAIRS
from auth0_rotator.observation import Observation
from auth0_rotator.reconciler.verify import ask_again_later, begin_verification
from auth0_rotator.reconciler.world import Pass, new_rotation_id
from auth0_rotator.record import CommitRecord, Credential, Trigger, with_tokens
from auth0_rotator.target import Difference, compare, project

REPAIRS_KEPT: Final = 16


async def adopt(run: Pass, o: Observation, decision: Decision) -> None:
    """Take the target's value and commit record into the journal. Zero remote calls."""
    target, rotation, plan = o.target, o.rotation, o.plan
    if target is None or rotation is None or plan is None or target.record is None:
        return
    secret = target.recorded_secret
    if secret is None:
        return
    is_first = o.journal is None or o.journal.current is None
    handled = with_tokens(target.record.handled, rotation.tokens if is_first else ())
    record = replace(target.record, handled=handled)
    journal = adopted(o.journal, credential=Credential(secret, record), plan=plan)
    await run.write_journal(journal, rotation.uid)
    run.memory.is_adopted = True
    run.memory.attempt = None
    run.notice(Reason.ADOPTED, f"{decision.message}; it was adopted without a rotation")


async def adopt_value(run: Pass, o: Observation, _: Decision) -> None:
    """Take a value that somebody put into the target: it counts as rotated by hand, now."""
    rotation, plan, target = o.rotation, o.plan, o.target
    if rotation is None or rotation.spec is None or plan is None or target is None:
        return
    secret = target.data.get(rotation.spec.secrets_mapping.client_secret)
    if secret is None:
        return
    record = CommitRecord(
        sequence=0,
        rotation_id=new_rotation_id(),
        rotated_at=o.now.replace(microsecond=0),
        trigger=Trigger.CREATION,
        handled=with_tokens((), rotation.tokens),
        client_id=rotation.spec.parameters.client_id,
        domain=o.connection.domain,
    )
    journal = adopted(o.journal, credential=Credential(secret, record), plan=plan)
    await run.write_journal(journal, rotation.uid)
    run.memory.is_adopted = True
    run.notice(
        Reason.ADOPTED,
        f"the value under {rotation.spec.secrets_mapping.client_secret} in the Secret "
        f"{plan.target_name} was kept; it is rotated when it is due",
    )


async def restore_journal(run: Pass, o: Observation, _: Decision) -> None:
    """Write the journal's label and owner again; one that came from elsewhere is to be probed."""
    if o.journal is None or o.journal.meta is None or o.rotation is None:
        return
    came_from = o.journal.meta.owner_uid
    await run.write_journal(o.journal, o.rotation.uid)
    if came_from != o.rotation.uid and o.journal.current is not None:
        run.memory.is_taken_over = True
        record = o.journal.current.record
        begin_verification(run, record.rotation_id)


async def publish(run: Pass, o: Observation, decision: Decision) -> None:
    """Write the target from the journal: after a look at the tenant where the secret itself differs."""
    journal, plan = o.journal, o.plan
    if journal is None or journal.current is None or plan is None:
        return
    projection = project(journal, plan, run.key.namespace)
    if compare(projection, o.target) is Difference.SECRET and await _is_repaired_by_hand(run, o):
        await _adopt_repair(run, o)
        return
    run.saw_secret(await run.world.secrets.write_target(projection, o.target))
    run.memory.repairs = [*run.memory.repairs, o.now][-REPAIRS_KEPT:]
    DRIFT_REPAIRS.inc()
    run.notice(decision.reason, f"{decision.message}; it was written without a rotation")


async def _is_repaired_by_hand(run: Pass, o: Observation) -> bool:
    """Return whether the tenant refuses the journal's value and accepts the target's."""
    journal, target, plan = o.journal, o.target, o.plan
    if journal is None or journal.current is None or target is None or plan is None:
        return False
    standing = target.data.get(plan.secrets_mapping.client_secret)
    if standing is None or not o.connection.is_ready:
        return False
    tenant, client_id = run.tenant(plan), journal.current.record.client_id
    if await tenant.probe(client_id, journal.current.secret) is not Liveness.NOT_LIVE:
        return False
    return await tenant.probe(client_id, standing) is Liveness.LIVE


async def _adopt_repair(run: Pass, o: Observation) -> None:
    """Keep the value that a person put into the target after the client was rotated elsewhere."""
    journal, target, plan, rotation = o.journal, o.target, o.plan, o.rotation
    if journal is None or journal.current is None or target is None or plan is None:
        return
    standing = target.data.get(plan.secrets_mapping.client_secret)
    if standing is None or rotation is None:
        return
    record = replace(
        journal.current.record,
        sequence=journal.sequence + 1,
        rotation_id=new_rotation_id(),
        rotated_at=o.now.replace(microsecond=0),
        trigger=Trigger.MANUAL,
    )
    credential = Credential(standing, record)
    await run.write_journal(adopted(journal, credential=credential, plan=plan), rotation.uid)
    run.memory.is_adopted = True
    run.notice(
        Reason.ADOPTED,
        f"the tenant refuses the value that was delivered and accepts the one that the Secret "
        f"{plan.target_name} holds now; it was adopted",
    )


async def release_target(run: Pass, o: Observation, decision: Decision) -> None:
    """Let go of the Secret that was the target before, and remember the new one."""
    journal, plan, rotation = o.journal, o.plan, o.rotation
    if journal is None or journal.plan is None or plan is None or rotation is None:
        return
    former = journal.plan.target_name
    is_ours = await run.world.secrets.release_target(run.key, journal.plan)
    await run.write_journal(replanned(journal, plan), rotation.uid)
    if is_ours:
        fate = "was withdrawn from" if journal.plan.delete_secrets else "stands, no longer ours, in"
        run.notice(Reason.TARGET_RELEASED, f"{decision.message}; the value {fate} the Secret {former}")


async def move(run: Pass, o: Observation, _: Decision) -> None:
    """Ask the tenant that the connection leads to now whether it knows the current value."""
    journal, plan, rotation = o.journal, o.plan, o.rotation
    if journal is None or journal.current is None or plan is None or rotation is None:
        return
    current, domain = journal.current, o.connection.domain
    liveness = await run.tenant(plan).probe(current.record.client_id, current.secret)
    if liveness is Liveness.LIVE:
        await run.write_journal(moved(journal, domain), rotation.uid)
        run.memory.verification = None
        run.notice(Reason.DOMAIN_CHANGED, f"the tenant {domain} accepts the delivered value")
        return
    is_believed = ask_again_later(run, current.record.rotation_id, liveness)
    if is_believed and liveness is Liveness.NOT_LIVE:
        run.memory.refused_domain = domain
