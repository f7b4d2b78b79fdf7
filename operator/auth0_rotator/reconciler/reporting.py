"""What a pass tells: status where it says something new, Events, and the series of the object."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from auth0_rotator.conditions import ConditionType, Reason, parse_timestamp
from auth0_rotator.decision import Decision
from auth0_rotator.decision.wants import due_at, new_tokens
from auth0_rotator.errors import RotatorError, Stale
from auth0_rotator.metrics import LAST_ROTATION, NEXT_ROTATION, OVERDUE, ROTATIONS, forget_series
from auth0_rotator.observation import Observation
from auth0_rotator.reconciler.world import Pass
from auth0_rotator.report import Outcome, build_status
from auth0_rotator.resource import Kind
from auth0_rotator.subject import Rotation

logger = logging.getLogger(__name__)

# Hiccups and the first retries are over by then: a due rotation that did not come is worth an alarm.
OVERDUE_AFTER: Final = timedelta(minutes=5)


async def report(run: Pass, o: Observation, decision: Decision) -> None:
    """Write status where it says something new, then post the Events."""
    memory, rotation = run.memory, o.rotation
    memory.uid = rotation.uid if rotation is not None else memory.uid
    if rotation is None:
        plan = o.journal.plan if o.journal is not None else None
        await run.post_notices(memory.uid or (plan.uid if plan is not None else ""))
        return
    if memory.failure is not None:
        memory.tried_tokens = frozenset(new_tokens(o) or rotation.tokens)
        if memory.attempt is not None and memory.attempt.accepted is None:
            memory.attempt = None
        trigger = memory.trigger.value if memory.trigger is not None else "none"
        ROTATIONS.labels(trigger=trigger, result="failed").inc()
        run.notice(Reason.ROTATION_FAILED, memory.failure.message, is_warning=True)
        o = replace(o, attempt=memory.attempt)
    outcome = Outcome(
        rotated=memory.rotated,
        is_adopted=memory.is_adopted,
        failure=memory.failure,
        verified=memory.verified,
        verified_milliseconds=memory.verified_milliseconds,
    )
    status = build_status(o, decision, outcome)
    _tell_stall(run, status)
    _measure(o, status, run.world.clock)
    if _said(status) != _said(rotation.status.raw) or memory.unwritten_status is not None:
        await _write_status(run, rotation, status)
    await run.post_notices(rotation.uid)


async def _write_status(run: Pass, rotation: Rotation, status: dict[str, Any]) -> None:
    """Write status; where that fails, remember it, so that a back-off holds all the same."""
    identity = {
        "name": run.key.name,
        "namespace": run.key.namespace,
        "uid": rotation.uid,
    }
    try:
        body = await run.world.objects.write_status(Kind.ROTATION, identity, status)
    except Stale:
        await run.read_rotation()
        return
    except RotatorError as error:
        run.memory.unwritten_status = status
        extra = {"key": str(run.key), "cause": error.message}
        logger.warning("the status of a rotation cannot be written", extra=extra)
        return
    run.memory.unwritten_status = None
    run.world.mirror.put_rotation(body)


def _tell_stall(run: Pass, status: dict[str, Any]) -> None:
    """Post an Event for a stall that was not told yet."""
    stalled = next(
        (
            condition
            for condition in status["conditions"]
            if condition["type"] == ConditionType.STALLED and condition["status"] == "True"
        ),
        None,
    )
    told = (stalled["reason"], stalled["message"]) if stalled is not None else None
    if told is not None and told != run.memory.told_stall and run.memory.failure is None:
        run.notice(Reason(told[0]), told[1], is_warning=True)
    run.memory.told_stall = told


def _measure(o: Observation, status: dict[str, Any], clock: Callable[[], datetime]) -> None:
    series = {NEXT_ROTATION: "nextRotationAt", LAST_ROTATION: "lastRotatedAt"}
    for gauge, name in series.items():
        instant = parse_timestamp(status.get(name))
        if instant is not None:
            gauge.labels(o.key.namespace, o.key.name).set(instant.timestamp())
        else:
            forget_series(gauge, o.key.namespace, o.key.name)
    # Asked for at each scrape: it comes true while nothing happens.
    overdue = partial(_is_overdue, due_at(o), clock)
    OVERDUE.labels(o.key.namespace, o.key.name).set_function(overdue)


def _is_overdue(due: datetime | None, clock: Callable[[], datetime]) -> float:
    return float(due is not None and clock() - due > OVERDUE_AFTER)


def _said(status: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in status.items() if value is not None}
