"""What an accepted value needs: the target, the commit, and that it is told."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from auth0_rotator.conditions import Reason, timestamp
from auth0_rotator.decision.protocol import Outcome, concluded, delivery
from auth0_rotator.decision.value import immutable_message
from auth0_rotator.errors import Refused
from auth0_rotator.journal import LATE_REQUEST, Journal, expecting_late_request, refused
from auth0_rotator.metrics import DELIVERY_SECONDS, DUE_TO_DELIVERED_SECONDS, ROTATIONS
from auth0_rotator.observation import Attempt, Observation, given
from auth0_rotator.reconciler.memory import Acceptance
from auth0_rotator.reconciler.observe import observe
from auth0_rotator.reconciler.verification import begin_verification
from auth0_rotator.reconciler.world import Pass
from auth0_rotator.target import project


async def deliver_target(run: Pass) -> Outcome:
    """Step 3: write the target. Repeated until it stands."""
    o, attempt = await observe(run), run.open_attempt()
    if o.plan is None:
        # Rotation and journal are gone, and nobody knows any more where to deliver.
        return Outcome.OVERTAKEN
    outcome, plan = delivery(o.journal, given(attempt.accepted), is_over=_is_over(attempt)), o.plan
    # A target that is deleted with its rotation needs no new value once the rotation is gone.
    if outcome is not Outcome.DONE or (o.rotation is None and plan.delete_secrets):
        return outcome
    projection = project(_final(o, attempt), plan, run.key.namespace)
    run.saw_secret(await run.world.secrets.write_target(projection, o.target, left_by=o.left_by))
    delivered_at = asyncio.get_running_loop().time()
    run.memory.attempt = replace(
        attempt,
        is_delivered=True,
        delivered_milliseconds=round(1000 * (delivered_at - attempt.accepted_at)),
    )
    return outcome


async def commit_journal(run: Pass) -> Outcome:
    """Step 4: what was delivered is current."""
    o, attempt = await observe(run), run.open_attempt()
    if delivery(o.journal, given(attempt.accepted)) is not Outcome.DONE:
        return Outcome.OVERTAKEN
    if o.journal is not None and o.journal.is_immutable:
        await _release_immutable(run, o.journal)
        return Outcome.OVERTAKEN
    await run.write_journal(_final(o, attempt))
    _tell(run, attempt)
    return Outcome.DONE


async def _release_immutable(run: Pass, journal: Journal) -> None:
    """Let a journal go that cannot take the value which the target holds by now; it is made anew.

    Raises:
        Refused: nobody has deleted it so far, or somebody else holds it.
    """
    is_going = journal.meta is not None and journal.meta.deleting_since is not None
    if not is_going or not journal.is_sending:
        raise Refused(Reason.JOURNAL_IMMUTABLE, immutable_message(run.key.name))
    await run.write_journal(refused(journal))


def _is_over(attempt: Attempt) -> bool:
    return attempt.is_certain and attempt.is_delivered


def _final(o: Observation, attempt: Attempt) -> Journal:
    spec = o.rotation.spec if o.rotation is not None else None
    return concluded(
        o.journal,
        given(attempt.accepted),
        is_certain=attempt.is_certain,
        now=o.now,
        to_restart=spec.to_restart if spec is not None else (),
    )


def end_settled(run: Pass) -> None:
    """Note a rotation that somebody else committed."""
    _tell(run, run.open_attempt())


def _tell(run: Pass, attempt: Attempt) -> None:
    """Note a finished rotation for status, Event and metrics, and have it verified."""
    record, now = given(attempt.accepted).record, run.world.clock()
    delivered = attempt.delivered_milliseconds
    elapsed = asyncio.get_running_loop().time() - attempt.accepted_at
    accepted_at = now - timedelta(seconds=elapsed)
    run.memory.last_acceptance = Acceptance(record.rotation_id, accepted_at)
    run.memory.attempt = None
    run.memory.tried_tokens = frozenset()
    run.memory.rotated = {
        "id": record.rotation_id,
        "trigger": record.trigger.value,
        "startedAt": timestamp(attempt.started_at),
        "remoteMilliseconds": attempt.remote_milliseconds,
        "deliveredMilliseconds": delivered,
        "result": "success",
    } | ({"reason": record.reason} if record.reason else {})
    begin_verification(run, record.rotation_id)
    ROTATIONS.labels(trigger=record.trigger.value, result="success").inc()
    DELIVERY_SECONDS.observe(delivered / 1000)
    if attempt.due_at is not None:
        DUE_TO_DELIVERED_SECONDS.observe(max(0.0, (now - attempt.due_at).total_seconds()))
    run.notice(
        Reason.ROTATED,
        f"the client secret of {record.client_id} was changed ({record.trigger.value}) and delivered "
        f"{delivered} ms after the tenant took it",
    )


async def send_newest(run: Pass) -> Outcome:
    """Make sure that the newest value is the live one: our late change may have undone it.

    A journal that is sending again has somebody who sees to its value; a probe finds the rest.
    """
    run.memory.attempt = None
    o = await observe(run)
    current = o.journal.current if o.journal is not None and not o.journal.is_sending else None
    spec = o.rotation.spec if o.rotation is not None else None
    # The connection was asked whether it admits the client of the spec, and no other.
    is_admitted = (
        spec is not None
        and current is not None
        and current.record.is_for(spec.parameters.client_id, o.connection.domain)
    )
    if current is not None and is_admitted:
        begin_verification(run, current.record.rotation_id)
        await send_current(run, o)
    return Outcome.DONE


async def send_current(run: Pass, o: Observation) -> None:
    """Send the current value once more, which is no rotation.

    The journal is written first: whoever has a newer one keeps this from being sent over it, and the
    next rotation waits until this request cannot land any more.

    Raises:
        Stale: the journal is not what was seen.
        Retry, Refused, Unknown: as the request itself.
    """
    tenant = run.tenant(o)
    permit = await tenant.prepare()
    marked = expecting_late_request(given(o.journal), o.now + LATE_REQUEST)
    current = given((await run.write_journal(marked)).current)
    await tenant.set_client_secret(permit, current.record.client_id, current.secret)
