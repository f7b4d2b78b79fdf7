"""One action, and what becomes of the pass when something comes in its way."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from auth0_rotator.conditions import Reason
from auth0_rotator.decision import Action, Decision
from auth0_rotator.decision.model import hold, stall
from auth0_rotator.errors import Contested, Refused, Retry, RotatorError, Stale, Unknown
from auth0_rotator.observation import Observation
from auth0_rotator.reconciler import change, comparison, farewell, gate, roll_out, upkeep, verify
from auth0_rotator.reconciler.world import ATTEMPT_PATIENCE, Pass

MOST_STALE_READS: Final = 5

# The actions that are an attempt to rotate.
_ATTEMPTS: Final = frozenset({Action.ROTATE, Action.CONTINUE})
# What makes a connection doubtful that was ready before.
_CAST_DOUBT: Final = frozenset(
    {
        Reason.UNREACHABLE,
        Reason.SCOPE_MISSING,
        Reason.TOKEN_REFUSED,
        Reason.SECRET_MISSING,
        Reason.CREDENTIALS_REFUSED,
        Reason.GRANT_MISSING,
        Reason.GRANT_TYPE_REFUSED,
        Reason.AUDIENCE_UNKNOWN,
    }
)

Act = Callable[[Pass, Observation, Decision], Awaitable[None]]

ACTIONS: Final[Mapping[Action, Act]] = {
    Action.CONTINUE: change.go_on,
    Action.SETTLE: farewell.settle,
    Action.ABANDON: farewell.abandon,
    Action.FINALIZE: farewell.finalize,
    Action.GUARD: farewell.guard,
    Action.ADOPT: upkeep.adopt,
    Action.COMPARE: comparison.compare,
    Action.ADOPT_VALUE: upkeep.adopt_value,
    Action.RESTORE_JOURNAL: upkeep.restore_journal,
    Action.ANNOUNCE: upkeep.announce,
    Action.REMEMBER_PLAN: upkeep.remember_plan,
    Action.PUBLISH: upkeep.publish,
    Action.ROTATE: change.rotate,
    Action.MOVE: upkeep.move,
    Action.INSPECT: gate.inspect_consumers,
    Action.ROLL_OUT: roll_out.roll_out,
    Action.VERIFY: verify.verify,
    Action.PROBE: verify.probe,
}


async def act(run: Pass, o: Observation, decision: Decision) -> None:
    """Do what was decided, and note what came in the way."""
    sent = o.journal.next if o.journal is not None else None
    run.memory.trigger = decision.trigger or (sent.record.trigger if sent is not None else None)
    attempt = run.memory.attempt
    try:
        await _carry_out(run, o, decision)
    except Stale as stale:
        run.memory.stale_reads += 1
        # Once is a race. What was postponed for it before is in the way of every write.
        is_calm = not run.memory.postponements and (attempt is None or not attempt.tries)
        if run.memory.stale_reads > (MOST_STALE_READS if is_calm else 1):
            _postpone(run, o, decision, Retry(Reason.BUSY, stale.message))
        await run.read_all(o)
    except (Retry, Unknown) as pause:
        _postpone(run, o, decision, pause)
    except Contested as contested:
        if o.target is None:
            # A Secret without our label was in the way: what it is tells more than its fields.
            await run.read_all(o)
            return
        run.memory.contender = ", ".join(sorted(set(contested.managers)))
        _refuse(run, o, decision, Reason.TARGET_CONTESTED, contested.message)
    except Refused as refusal:
        _refuse(run, o, decision, Reason(refusal.reason), refusal.message)


async def _carry_out(run: Pass, o: Observation, decision: Decision) -> None:
    verdicts = run.memory.verdicts()
    try:
        await ACTIONS[decision.action](run, o, decision)
    except RotatorError:
        run.memory.take_back(verdicts)
        raise


def _postpone(run: Pass, o: Observation, decision: Decision, pause: Retry | Unknown) -> None:
    """Try the same again shortly; past a minute an attempt counts as failed."""
    reason, after = Reason(pause.reason), pause.after if isinstance(pause, Retry) else None
    _recheck(run, o, reason)
    attempt = run.memory.attempt
    if decision.action not in _ATTEMPTS or attempt is None:
        run.obstacle = hold(reason, pause.message, run.postponed(after))
        return
    run.pause_attempt(after)
    if run.world.clock() - attempt.started_at >= ATTEMPT_PATIENCE:
        _fail(run, reason, pause.message, is_stalled=False)


def _refuse(run: Pass, o: Observation, decision: Decision, reason: Reason, message: str) -> None:
    """Somebody has to mend something: a wanted rotation has failed, anything else is stalled."""
    _recheck(run, o, reason)
    if decision.action in _ATTEMPTS:
        run.pause_attempt(None)
        _fail(run, reason, message, is_stalled=True)
    else:
        run.obstacle = stall(reason, message, run.postponed(None))


def _fail(run: Pass, reason: Reason, message: str, *, is_stalled: bool) -> None:
    """Count the attempt as failed. A delivery is tried on in seconds, and told once a minute."""
    now, attempt = run.world.clock(), run.memory.attempt
    is_delivery = attempt is not None and attempt.accepted is not None
    told_at = run.memory.told_delivery_at
    if is_delivery and told_at is not None and abs(now - told_at) < ATTEMPT_PATIENCE:
        return
    run.memory.told_delivery_at = now if is_delivery else None
    run.fail(reason, message, is_stalled=is_stalled)


def _recheck(run: Pass, o: Observation, reason: Reason) -> None:
    """Have the connection checked where what happened casts doubt on it."""
    key = o.connection.key
    if reason in _CAST_DOUBT and key is not None:
        run.world.wake(key)
