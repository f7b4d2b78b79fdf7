"""The steps of one rotation up to the tenant's answer: the only place that changes a client secret.

Which step follows which stands in `decision.protocol`; what an accepted value needs, in `delivery`.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Final

from auth0_rotator.auth0 import Liveness
from auth0_rotator.conditions import Reason
from auth0_rotator.decision import Action, Decision, decide
from auth0_rotator.decision.protocol import (
    ENDS,
    MOST_VALUES,
    Outcome,
    Step,
    acceptance,
    after,
    first_step,
)
from auth0_rotator.decision.wants import due_at
from auth0_rotator.errors import Refused, Retry, RotatorError, Stale, Unknown
from auth0_rotator.journal import (
    Journal,
    attempted_again,
    begun,
    journal_name,
    refused,
    with_another_value,
)
from auth0_rotator.observation import Observation, given
from auth0_rotator.outcome import Failure
from auth0_rotator.reconciler.attempt import (
    Change,
    clock,
    is_patient,
    note_acceptance,
    overtaken,
    read_journal,
    replace_own,
)
from auth0_rotator.reconciler.delivery import commit_journal, deliver_target, end_settled, send_newest
from auth0_rotator.reconciler.observe import observe
from auth0_rotator.reconciler.preflight import check_client, choose, rehearse
from auth0_rotator.reconciler.world import Pass, new_rotation_id, new_secret
from auth0_rotator.record import Credential, Trigger

# A PATCH begins within this time of the journal write (or read) that it rests on.
SEND_WITHIN_SECONDS: Final = 5.0
# What waited no longer than this since its journal write needs no second look at the journal.
FRESH_SECONDS: Final = 1.0


async def rotate(run: Pass, o: Observation, decision: Decision) -> None:
    """Carry out a rotation that is wanted now."""
    due = due_at(o) if decision.trigger is Trigger.SCHEDULE else o.now
    run.memory.attempt = replace(run.open_attempt(), due_at=due)
    await follow(Change(run, o, decision.trigger), Step.PREFLIGHT)


async def go_on(run: Pass, o: Observation, _: Decision) -> None:
    """Go on with a value that may have been sent: deliver it where it was accepted, else send it."""
    journal, record = o.journal, o.target.record if o.target is not None else None
    accepted = acceptance(journal, record) if journal is not None else None
    if journal is not None and accepted is not None and run.memory.attempt is None:
        # One request was sent, and this is its acceptance; of more than one, any may still land.
        run.memory.attempt = replace(
            run.open_attempt(),
            accepted=accepted,
            accepted_at=clock(),
            is_certain=journal.attempts == 1,
            is_delivered=True,
        )
    change = Change(run, o, journal=journal or Journal())
    await follow(change, first_step(run.memory.attempt))


async def deliver_known(run: Pass, o: Observation, chosen: Credential) -> None:
    """Deliver a value of which a probe or a person says that it is live."""
    record = replace(chosen.record, rotated_at=o.now.replace(microsecond=0))
    run.memory.attempt = replace(
        run.open_attempt(),
        is_certain=False,
        accepted=Credential(chosen.secret, record),
        accepted_at=clock(),
    )
    await follow(Change(run, o), Step.DELIVER)


async def follow(change: Change, step: Step) -> None:
    """Take one step after the other until an end.

    Raises:
        RotatorError: what came in the way. What was done so far stands in journal and memory.
    """
    while step not in ENDS:
        outcome = await EFFECTS[step](change)
        attempt = change.run.memory.attempt
        step = after(step, outcome, is_certain=attempt is None or attempt.is_certain)
    if step is Step.SETTLED:
        end_settled(change.run)
    elif step is Step.DOUBT:
        change.run.memory.attempt = replace(change.run.open_attempt(), is_certain=False)
        raise _in_doubt(given(change.error))
    elif step is Step.WAIT and change.error is not None:
        raise change.error


def _in_doubt(error: RotatorError) -> RotatorError:
    """Return what an open outcome is told as: a refusal says nothing of the requests before it."""
    if not isinstance(error, Refused):
        return error
    message = (
        f"{error.message}; an earlier request may have taken effect, so the old or the new value "
        "is live. It is tried on; if you know which one is live, annotate the rotation with "
        "auth0rotator.dev/settle-doubt: next (or current)"
    )
    return Refused(Reason.IN_DOUBT, message)


# The steps --------------------------------------------------------------------------------------


async def _preflight(change: Change) -> Outcome:
    run, o = change.run, change.o
    plan, spec = given(o.plan), given(given(o.rotation).spec)
    trigger, client_id = given(change.trigger), spec.parameters.client_id
    change.tenant = tenant = run.tenant(o)
    if trigger in {Trigger.CREATION, Trigger.CLIENT_CHANGED}:
        await check_client(run, o, tenant, client_id)
    change.intended = choose(o, client_id, trigger)
    await rehearse(run, o, change.intended, plan)
    change.permit = await tenant.prepare()
    # That took its time: the object as it is at this instant decides.
    change.o = now = await observe(run)
    decision, wanted = decide(now), now.rotation.spec if now.rotation is not None else None
    is_same = (
        decision.trigger is trigger
        and wanted is not None
        and wanted.parameters.client_id == client_id
        and now.connection.domain == change.intended.record.domain
        and now.plan == plan
        and _parked(now) == _parked(o)
    )
    is_wanted = decision.action is Action.ROTATE and is_same
    return Outcome.DONE if is_wanted else Outcome.OVERTAKEN


def _parked(o: Observation) -> Credential | None:
    return o.journal.next if o.journal is not None else None


async def _begin(change: Change) -> Outcome:
    run, o = change.run, change.o
    rotation = given(o.rotation)
    journal = begun(
        o.journal,
        intended=given(change.intended),
        plan=given(o.plan),
        settle_seen=rotation.settle_doubt,
        now=o.now,
        by=run.world.process,
    )
    change.rests_on = clock()
    change.journal = await run.write_journal(journal)
    run.memory.attempt = replace(run.open_attempt(), sent_version=change.journal.version)
    return Outcome.DONE


async def _count(change: Change) -> Outcome:
    run = change.run
    run.memory.attempt = replace(run.open_attempt(), is_certain=False)
    counted = attempted_again(change.journal, now=change.o.now, by=run.world.process)
    change.rests_on = clock()
    change.journal = await run.write_journal(counted)
    return Outcome.DONE


async def _probe(change: Change) -> Outcome:
    """Needs no token of the operator's: a value that is live is delivered without one."""
    chosen, tenant = given(change.journal.next), change.run.tenant(change.o)
    if await tenant.probe(chosen.record.client_id, chosen.secret) is Liveness.LIVE:
        note_acceptance(change, remote_seconds=0.0)
        return Outcome.ACCEPTED
    rotation, name = change.o.rotation, journal_name(change.run.key.name)
    if rotation is not None and rotation.status.tells_of(chosen.record.rotation_id):
        message = (
            f"the journal {name} sends rotation {chosen.record.sequence}, which status tells as done: "
            "it may be an old copy from a backup, and nothing is sent from it. Annotate the rotation "
            "with auth0rotator.dev/settle-doubt: current, then ask for a rotation with rotate-now"
        )
        raise Refused(Reason.IN_DOUBT, message)
    return Outcome.NOT_KNOWN


async def _prepare(change: Change) -> Outcome:
    run, o, attempt = change.run, change.o, given(change.run.memory.attempt)
    try:
        if not o.connection.is_ready:
            raise _not_ready(o)
        change.tenant = run.tenant(o)
        change.permit = await change.tenant.prepare()
    except (Retry, Refused) as error:
        change.error = error
        is_own = change.journal.version == attempt.sent_version
        if attempt.is_certain and not is_own:
            raise overtaken(run) from None
        is_over = isinstance(error, Refused) or not is_patient(change, error)
        return Outcome.REFUSED if is_over else Outcome.LATER
    version = attempt.sent_version if attempt.is_certain else change.journal.version
    if attempt.is_certain or clock() - change.rests_on > FRESH_SECONDS:
        await read_journal(change, version)
    return Outcome.DONE


def _not_ready(o: Observation) -> Retry | Refused:
    kind = Refused if o.connection.is_stalled else Retry
    return kind(o.connection.reason, o.connection.message)


async def _send(change: Change) -> Outcome:
    run, chosen = change.run, given(change.journal.next)
    await given(change.tenant).depart()
    sent = clock()
    if sent - change.rests_on > SEND_WITHIN_SECONDS:
        message = "the process was stopped between the journal write and the change"
        raise Stale(Reason.BUSY, message)
    attempt = run.open_attempt()
    try:
        await given(change.tenant).set_client_secret(
            given(change.permit), chosen.record.client_id, chosen.secret
        )
    except (Retry, Refused, Unknown) as error:
        change.error = error
        if isinstance(error, Unknown):
            return Outcome.UNKNOWN
        if isinstance(error, Retry):
            return Outcome.LATER if is_patient(change, error) else Outcome.REFUSED
        is_value = error.reason == Reason.VALUE_REFUSED and attempt.values < MOST_VALUES
        return Outcome.VALUE_REFUSED if is_value else Outcome.REFUSED
    except BaseException:
        # Whatever it was, the request may have arrived.
        run.memory.attempt = replace(run.open_attempt(), is_certain=False)
        raise
    note_acceptance(change, remote_seconds=clock() - sent)
    return Outcome.ACCEPTED


async def _choose(change: Change) -> Outcome:
    run, journal = change.run, change.journal
    chosen = given(journal.next)
    record = replace(chosen.record, rotation_id=new_rotation_id(chosen.record.rotation_id))
    other = with_another_value(journal, Credential(new_secret(), record))
    change.journal = await replace_own(change, other)
    attempt = run.open_attempt()
    run.memory.attempt = replace(attempt, values=attempt.values + 1, sent_version=change.journal.version)
    change.error = None
    return Outcome.DONE


async def _park(change: Change) -> Outcome:
    """End an attempt that surely changed nothing."""
    error = given(change.error)
    await replace_own(change, refused(change.journal))
    is_stalled = isinstance(error, Refused)
    change.run.memory.failure = Failure(Reason(error.reason), error.message, is_stalled=is_stalled)
    return Outcome.DONE


EFFECTS: Final[Mapping[Step, Callable[[Change], Awaitable[Outcome]]]] = {
    Step.PREFLIGHT: _preflight,
    Step.BEGIN: _begin,
    Step.COUNT: _count,
    Step.PROBE: _probe,
    Step.PREPARE: _prepare,
    Step.SEND: _send,
    Step.CHOOSE: _choose,
    Step.PARK: _park,
    Step.DELIVER: lambda change: deliver_target(change.run),
    Step.COMMIT: lambda change: commit_journal(change.run),
    Step.RESEND: lambda change: send_newest(change.run),
}
