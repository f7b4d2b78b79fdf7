"""One rotation, step by step: the only place that changes a client secret.

0 preflight · 1 journal: `next`, state sending · 2 PATCH · 3 target · 4 journal: committed.
Whatever breaks between two steps is taken up from what the journal says, by this process or by
another one; the same value is sent again, never another.
"""

import asyncio
from dataclasses import replace
from datetime import datetime
from enum import Enum
from typing import Final

from auth0_rotator.auth0 import Client, Liveness, Permit, Tenant
from auth0_rotator.conditions import Reason, timestamp
from auth0_rotator.decision import Action, Decision, decide
from auth0_rotator.decision.wants import due_at
from auth0_rotator.errors import Refused, Retry, Stale, Unknown
from auth0_rotator.journal import (
    LATE_REQUEST,
    Journal,
    attempted_again,
    begun,
    committed,
    journal_name,
    refused,
    with_another_value,
)
from auth0_rotator.metrics import DELIVERY_SECONDS, DUE_TO_DELIVERED_SECONDS, ROTATIONS
from auth0_rotator.observation import Attempt, Observation
from auth0_rotator.reconciler.connections import SCOPE_TO_READ
from auth0_rotator.reconciler.observe import observe
from auth0_rotator.reconciler.verify import begin_verification
from auth0_rotator.reconciler.world import ATTEMPT_PATIENCE, Pass, new_rotation_id, new_secret
from auth0_rotator.record import CommitRecord, Credential, Trigger, with_tokens
from auth0_rotator.report import Failure
from auth0_rotator.target import project

# A PATCH begins within this time of the journal write (or read) that it rests on.
SEND_WITHIN_SECONDS: Final = 5.0


async def rotate(run: Pass, o: Observation, decision: Decision) -> None:
    """Steps 0 and 1 for a rotation that is wanted now, then the steps after them."""
    rotation, plan = o.rotation, o.plan
    if rotation is None or rotation.spec is None or plan is None or decision.trigger is None:
        return
    due = due_at(o) if decision.trigger is Trigger.SCHEDULE else o.now
    run.memory.attempt = replace(run.open_attempt(), due_at=due)
    tenant = run.tenant(plan)
    client_id = rotation.spec.parameters.client_id
    if decision.trigger in {Trigger.CREATION, Trigger.CLIENT_CHANGED}:
        await _check_client(run, o, tenant, client_id)
    intended = _intended(o, client_id, decision.trigger)
    preview = committed(
        replace(o.journal or Journal(), next=intended),
        record=replace(intended.record, rotated_at=_whole_second(o.now)),
        late_until=None,
    )
    await run.world.secrets.write_target(
        project(preview, plan, run.key.namespace), o.target, dry_run=True
    )
    permit = await tenant.prepare()
    # The preflight took its time: the object as it is at this instant decides.
    o = await observe(run)
    if decide(o).action is not Action.ROTATE or o.plan != plan:
        return
    journal = begun(
        o.journal,
        intended=intended,
        plan=plan,
        settle_seen=rotation.settle_doubt,
        now=o.now,
        by=run.world.process,
    )
    began = asyncio.get_running_loop().time()
    journal = await run.write_journal(journal, rotation.uid)
    run.memory.attempt = replace(run.open_attempt(), sent_version=_version(journal))
    await _send(run, tenant, permit, journal, began)


def _intended(o: Observation, client_id: str, trigger: Trigger) -> Credential:
    """Return the value to send: the parked one of this client where there is one, else a new one."""
    parked = o.journal.next if o.journal is not None else None
    is_ours = parked is not None and parked.record.is_for(client_id, o.connection.domain)
    handled = o.journal.handled if o.journal is not None else ()
    record = CommitRecord(
        sequence=(o.journal.sequence if o.journal is not None else 0) + 1,
        rotation_id=parked.record.rotation_id if parked and is_ours else new_rotation_id(),
        rotated_at=None,
        trigger=trigger,
        handled=with_tokens(handled, o.rotation.tokens if o.rotation is not None else ()),
        client_id=client_id,
        domain=o.connection.domain,
    )
    return Credential(parked.secret if parked and is_ours else new_secret(), record)


async def _check_client(run: Pass, o: Observation, tenant: Tenant, client_id: str) -> None:
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


async def go_on(run: Pass, o: Observation, _: Decision) -> None:
    """Go on with a value that may have been sent: deliver it where it was accepted, else send it."""
    journal = o.journal
    if journal is None or journal.next is None or journal.plan is None:
        return
    attempt = o.attempt
    if attempt is not None and attempt.accepted is not None:
        await deliver(run)
        return
    record = o.target.record if o.target is not None else None
    if record is not None and record.rotation_id == journal.next.record.rotation_id:
        # Only an accepted value is ever written with its own record.
        run.memory.attempt = replace(
            run.open_attempt(), accepted=Credential(journal.next.secret, record)
        )
        await deliver(run)
        return
    tenant = run.tenant(journal.plan)
    if attempt is not None and attempt.is_certain and attempt.sent_version:
        permit = await tenant.prepare()
        began = asyncio.get_running_loop().time()
        await run.read_secret(journal_name(run.key.name))
        seen = run.journal()
        if seen is not None and _version(seen) == attempt.sent_version:
            await _send(run, tenant, permit, seen, began)
            return
        run.memory.attempt = replace(attempt, is_certain=False)
        message = "the journal was written by somebody else meanwhile"
        raise Stale(Reason.BUSY, message)
    await _send_again(run, o, tenant, journal)


async def _send_again(run: Pass, o: Observation, tenant: Tenant, journal: Journal) -> None:
    """Send a value that may be live already: counted first, and only if a probe does not know it."""
    run.memory.attempt = replace(run.open_attempt(), is_certain=False)
    owner_uid = journal.meta.owner_uid if journal.meta is not None else ""
    permit = await tenant.prepare()
    began = asyncio.get_running_loop().time()
    counted = attempted_again(journal, now=o.now, by=run.world.process)
    journal = await run.write_journal(counted, owner_uid)
    chosen = journal.next
    if chosen is None:
        return
    if await tenant.probe(chosen.record.client_id, chosen.secret) is Liveness.LIVE:
        await _accept(run, chosen, remote_milliseconds=0)
        return
    if asyncio.get_running_loop().time() - began > SEND_WITHIN_SECONDS:
        await run.read_secret(journal_name(run.key.name))
        seen, began = run.journal(), asyncio.get_running_loop().time()
        if seen is None or _version(seen) != _version(journal):
            message = "the journal was written by somebody else meanwhile"
            raise Stale(Reason.BUSY, message)
    await _send(run, tenant, permit, journal, began)


async def _send(run: Pass, tenant: Tenant, permit: Permit, journal: Journal, began: float) -> None:
    """Step 2: one PATCH, and what its outcome asks for."""
    chosen = journal.next
    if chosen is None:
        return
    loop = asyncio.get_running_loop()
    sent = loop.time()
    if sent - began > SEND_WITHIN_SECONDS:
        message = "the process was stopped between the journal write and the change"
        raise Stale(Reason.BUSY, message)
    try:
        await tenant.set_client_secret(permit, chosen.record.client_id, chosen.secret)
    except Retry as pause:
        await _not_now(run, journal, pause)
    except Refused as refusal:
        await _refused(run, journal, refusal)
    except Unknown:
        run.memory.attempt = replace(run.open_attempt(), is_certain=False)
        raise
    else:
        await _accept(run, chosen, remote_milliseconds=round(1000 * (loop.time() - sent)))


async def _accept(run: Pass, chosen: Credential, *, remote_milliseconds: int) -> None:
    """Note the acceptance before anything else can fail, then deliver."""
    accepted_at = _whole_second(run.world.clock())
    run.memory.attempt = replace(
        run.open_attempt(),
        accepted=replace(chosen, record=replace(chosen.record, rotated_at=accepted_at)),
        accepted_at=asyncio.get_running_loop().time(),
        remote_milliseconds=remote_milliseconds,
        tries=0,
    )
    await deliver(run)


async def _not_now(run: Pass, journal: Journal, pause: Retry) -> None:
    """Nothing was changed, and it may be tried again: within a minute, else the attempt has failed.

    Raises:
        Retry: there is patience left, or the value may have been sent before.
        Refused: the attempt is over and the journal idle again.
    """
    attempt = run.open_attempt()
    is_patient = run.world.clock() - attempt.started_at < ATTEMPT_PATIENCE
    if is_patient or not attempt.is_certain:
        raise pause
    await _take_back(run, journal, Failure(Reason(pause.reason), pause.message, is_stalled=False))


async def _refused(run: Pass, journal: Journal, refusal: Refused) -> None:
    """Nothing was changed by this request: take it back where nothing can have been before it."""
    attempt = run.open_attempt()
    if refusal.reason == Reason.VALUE_REFUSED and journal.next is not None and attempt.tries < 2:  # noqa: PLR2004
        owner_uid = journal.meta.owner_uid if journal.meta is not None else ""
        other = replace(
            journal.next,
            secret=new_secret(),
            record=replace(journal.next.record, rotation_id=new_rotation_id()),
        )
        written = await run.write_journal(with_another_value(journal, other), owner_uid)
        run.memory.attempt = replace(attempt, tries=attempt.tries + 1, sent_version=_version(written))
        return
    if attempt.is_certain:
        await _take_back(run, journal, Failure(Reason(refusal.reason), refusal.message, is_stalled=True))
        return
    message = (
        f"{refusal.message}; an earlier request may have taken effect, so the old or the new value "
        "is live. It is tried on; if you know which one is live, annotate the rotation with "
        "auth0rotator.dev/settle-doubt: next (or current)"
    )
    raise Refused(Reason.IN_DOUBT, message)


async def _take_back(run: Pass, journal: Journal, failure: Failure) -> None:
    """End an attempt that surely changed nothing: idle, and the value parked for the next one."""
    owner_uid = journal.meta.owner_uid if journal.meta is not None else ""
    try:
        await run.write_journal(refused(journal), owner_uid)
    except Stale:
        run.memory.attempt = replace(run.open_attempt(), is_certain=False)
        raise
    run.memory.failure = failure


async def deliver(run: Pass) -> None:
    """Steps 3 and 4 for an accepted value; repeated until both stand."""
    attempt, o = run.open_attempt(), await observe(run)
    accepted, plan = attempt.accepted, o.plan
    if accepted is None or plan is None:
        return
    match _standing(o.journal, accepted):
        case Standing.CURRENT:
            _finish(run, attempt, delivered_milliseconds=0)
            return
        case Standing.OVERTAKEN:
            run.memory.attempt = None
            await _send_newest(run, o.journal)
            return
        case Standing.NEXT | Standing.GONE:
            final = committed(
                replace(o.journal or Journal(), next=accepted),
                record=accepted.record,
                late_until=None if attempt.is_certain else o.now + LATE_REQUEST,
            )
    # A target that is deleted with its rotation needs no new value once the rotation is gone.
    if o.rotation is not None or not plan.delete_secrets:
        projection = project(final, plan, run.key.namespace)
        run.saw_secret(await run.world.secrets.write_target(projection, o.target))
    loop = asyncio.get_running_loop()
    delivered = round(1000 * (loop.time() - attempt.accepted_at))
    owner_uid = o.rotation.uid if o.rotation is not None else plan.uid
    await run.write_journal(final, owner_uid)
    _finish(run, attempt, delivered_milliseconds=delivered)


class Standing(Enum):
    """Where an accepted value stands in the journal, as it is found on delivery."""

    NEXT = "to be committed"
    CURRENT = "committed by somebody else"
    GONE = "the journal is gone and is written again"
    OVERTAKEN = "the journal went on to a newer value"


def _standing(journal: Journal | None, accepted: Credential) -> Standing:
    ours = accepted.record.rotation_id
    if journal is None:
        return Standing.GONE
    if journal.next is not None and journal.next.record.rotation_id == ours:
        return Standing.NEXT
    if journal.current is not None and journal.current.record.rotation_id == ours:
        return Standing.CURRENT
    return Standing.OVERTAKEN


def _finish(run: Pass, attempt: Attempt, *, delivered_milliseconds: int) -> None:
    """Note a finished rotation for status, Event and metrics, and have it verified."""
    accepted = attempt.accepted
    if accepted is None:
        return
    record, now = accepted.record, run.world.clock()
    run.memory.attempt = None
    run.memory.tried_tokens = frozenset()
    run.memory.rotated = {
        "id": record.rotation_id,
        "trigger": record.trigger.value,
        "startedAt": timestamp(attempt.started_at),
        "remoteMilliseconds": attempt.remote_milliseconds,
        "deliveredMilliseconds": delivered_milliseconds,
        "result": "success",
    }
    late_until = None if attempt.is_certain else now + LATE_REQUEST
    begin_verification(run, record.rotation_id, late_until=late_until)
    ROTATIONS.labels(trigger=record.trigger.value, result="success").inc()
    DELIVERY_SECONDS.observe(delivered_milliseconds / 1000)
    if attempt.due_at is not None:
        DUE_TO_DELIVERED_SECONDS.observe(max(0.0, (now - attempt.due_at).total_seconds()))
    run.notice(
        Reason.ROTATED,
        f"the client secret of {record.client_id} was changed ({record.trigger.value}) and delivered "
        f"{delivered_milliseconds} ms after the tenant took it",
    )


async def _send_newest(run: Pass, journal: Journal | None) -> None:
    """Make sure that the newest value is the live one: our late change may have undone it.

    Whatever goes wrong here is found by the probe that follows.
    """
    newest = journal.current if journal is not None else None
    if journal is None or newest is None or journal.plan is None or journal.is_sending:
        return
    begin_verification(run, newest.record.rotation_id)
    tenant = run.tenant(journal.plan)
    permit = await tenant.prepare()
    await tenant.set_client_secret(permit, newest.record.client_id, newest.secret)


def _version(journal: Journal) -> str:
    return journal.meta.resource_version if journal.meta is not None else ""


def _whole_second(instant: datetime) -> datetime:
    return instant.replace(microsecond=0)
