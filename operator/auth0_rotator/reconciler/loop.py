"""The loop of one pass: observe, decide, act, until a hold; then report."""

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Final

from auth0_rotator.conditions import Reason
from auth0_rotator.decision import Action, Decision, decide
from auth0_rotator.decision.model import hold
from auth0_rotator.decision.wants import due_at, windows_of
from auth0_rotator.errors import RotatorError
from auth0_rotator.journal import journal_name
from auth0_rotator.metrics import forget_rotation
from auth0_rotator.observation import Observation
from auth0_rotator.reconciler import farewell
from auth0_rotator.reconciler.acting import act
from auth0_rotator.reconciler.memory import Memory
from auth0_rotator.reconciler.observe import observe
from auth0_rotator.reconciler.reporting import report, to_tell_at
from auth0_rotator.reconciler.verification import resume_verification
from auth0_rotator.reconciler.world import Pass, World
from auth0_rotator.record import Trigger
from auth0_rotator.subject import Key

logger = logging.getLogger(__name__)

# A pass that does not come to rest within so many steps is stopped and continued later.
MOST_STEPS: Final = 12
# A due rotation decides on an object that was seen within this time.
FRESH_SECONDS: Final = 1.0
# A little before the due date the object is read, so that nothing has to be read at the date.
LOOK_BEFORE: Final = timedelta(milliseconds=500)
# A Secret without our label is not watched; while one is in the way it is looked at this often.
UNWATCHED: Final = timedelta(seconds=60)

_UNWATCHED: Final = frozenset({Reason.TARGET_FOREIGN, Reason.JOURNAL_FOREIGN})


class Reconciler:
    """Runs passes. One at a time for each key: the scheduler sees to that."""

    def __init__(self, world: World, *, leading_since: datetime) -> None:
        """`leading_since` is when this process became the one that acts."""
        self._world = world
        self._leading_since = leading_since
        self._memories: dict[Key, Memory] = {}

    def saw(self, key: Key) -> None:
        """Note that the mirror shows this rotation as it is right now."""
        self._memory(key).seen_at = asyncio.get_running_loop().time()

    def cut_short(self, key: Key) -> None:
        """End a back-off of this rotation: what it waited for has come."""
        self._memory(key).is_cut_short = True

    def _memory(self, key: Key) -> Memory:
        return self._memories.setdefault(key, Memory())

    async def reconcile(self, key: Key) -> datetime | None:
        """Bring one rotation as far as it can go now; return when it wants to come again."""
        run = Pass(key, self._world, self._memory(key), self._leading_since)
        run.memory.begin_pass()
        try:
            await self._advance(run)
            o = await observe(run)
            await report(run, o, run.obstacle or self._verdict(run, o))
            run.memory.is_cut_short = False
            o = await observe(run)
        except RotatorError as error:
            # The API server is not there: nothing can be decided, and nothing be told.
            extra = {"key": str(key), "reason": str(error.reason), "cause": error.message}
            logger.warning("a pass was broken off", extra=extra)
            return run.postponed(None)
        if o.rotation is None and o.journal is None and not o.journal_fault and not o.to_withdraw:
            self._world.turns.leave(key)
            await farewell.tell_what_stays(run)
            self._memories.pop(key, None)
            forget_rotation(key.namespace, key.name)
            return None
        if run.memory.failure is not None or run.memory.rotated is not None:
            self._world.turns.leave(key)
        again = _no_later(self._next_instant(run, o), o, to_tell_at(run, o))
        if run.memory.unwritten_status is not None:
            # What could not be told is told as soon as it can be, though nothing else is to be done.
            soon = run.postponed(None)
            return min(again, soon) if again is not None else soon
        if run.obstacle is None:
            run.memory.postponements = 0
        return again

    async def _advance(self, run: Pass) -> None:
        """Act until there is nothing to do, something is in the way, or something is to be told."""
        for _ in range(MOST_STEPS):
            resume_verification(run)
            o = await observe(run)
            decision = decide(o)
            self._drop_idle_attempt(run, o, decision)
            if decision.action is Action.HOLD and await self._found_journal(run, o):
                continue
            if decision.action is not Action.HOLD and await self._found_rival(run, o):
                continue
            if decision.action is Action.HOLD:
                if run.memory.attempt is None:
                    # Kept, all turns that pass meanwhile would be spent at once.
                    self._world.turns.leave(run.key)
                await self._look_before_due(run, o, decision)
                if decision.is_failure:
                    run.memory.trigger = decision.trigger
                    run.fail(decision.reason, decision.message, is_stalled=decision.is_stalled)
                return
            # A turn needs no fresh look at the object; its coming does.
            if self._is_queued(run, o, decision):
                return
            if decision.action is Action.ROTATE and not self._is_fresh(run):
                await run.read_rotation()
                continue
            await act(run, o, decision)
            if run.is_over():
                return
        # Something undoes every step as soon as it is done.
        run.obstacle = hold(Reason.BUSY, f"no rest after {MOST_STEPS} steps", run.postponed(None))

    def _is_queued(self, run: Pass, o: Observation, decision: Decision) -> bool:
        """Return whether an automatic rotation waits for its turn among others."""
        turns, key = self._world.turns, o.connection.key
        if decision.action is Action.INSPECT:
            # Those whose gate is closed would take the turns of those who can use them.
            return False
        if decision.trigger is not Trigger.SCHEDULE or key is None:
            turns.leave(run.key)
            return False
        if run.memory.attempt is not None:
            return False
        line = self._world.connections.line(key)
        until = turns.wait(run.key, line, windows_of(o), o.now)
        if until is None:
            return False
        message = f"{decision.message}; its turn is estimated for {until:%Y-%m-%dT%H:%M:%SZ}"
        run.obstacle = hold(Reason.QUEUED, message, until - line.ahead / 2)
        return True

    async def _found_journal(self, run: Pass, o: Observation) -> bool:
        """Return whether there is a journal after all, or another Secret in its place, or none any more:
        one without its label is not watched.

        Asked before a pass rests on there being none. One that acts finds out by its first write.
        """
        name = journal_name(run.key.name)
        if o.journal is not None or o.journal_fault or name in run.read:
            return False
        run.read.add(name)
        await run.read_secret(name)
        mirror = run.world.mirror
        return (
            mirror.journal(run.key) is not None or mirror.journal_usurper(run.key) != o.journal_usurper
        )

    async def _found_rival(self, run: Pass, o: Observation) -> bool:
        """Return whether another rotation that claims the same has a journal after all.

        Asked before anything is done: whoever strips the label of a journal would have its client
        rotated by the one that it keeps away.
        """
        mirror = run.world.mirror
        unseen = [
            rival.key
            for rival in o.rivals
            if not rival.is_powerless and mirror.journal(rival.key) is None
        ]
        for key in unseen:
            name = f"{key.namespace}/{journal_name(key.name)}"
            if name not in run.read:
                run.read.add(name)
                await run.read_journal_of(key)
        return any(mirror.journal(key) is not None for key in unseen)

    def _drop_idle_attempt(self, run: Pass, o: Observation, decision: Decision) -> None:
        """End an attempt of which nothing was sent, once its rotation is not wanted any more."""
        attempt = run.memory.attempt
        is_open = (o.journal is not None and o.journal.is_sending) or (
            attempt is not None and attempt.accepted is not None
        )
        if not is_open and decision.action is not Action.ROTATE and decision.reason is not Reason.BUSY:
            run.memory.attempt = None

    def _verdict(self, run: Pass, o: Observation) -> Decision:
        """Return the decision to report: what holds now, or why the last attempt failed."""
        failure = run.memory.failure
        if failure is not None:
            return hold(failure.reason, failure.message)
        return decide(o)

    def _is_fresh(self, run: Pass) -> bool:
        return asyncio.get_running_loop().time() - run.memory.seen_at <= FRESH_SECONDS

    async def _look_before_due(self, run: Pass, o: Observation, decision: Decision) -> None:
        due = due_at(o) if decision.reason is Reason.WAITING_FOR_DUE_DATE else None
        if due is not None and due - o.now <= LOOK_BEFORE and not self._is_fresh(run):
            await run.read_rotation()

    def _next_instant(self, run: Pass, o: Observation) -> datetime | None:
        """Return when the next pass is wanted, None to wait for an event."""
        if run.obstacle is not None:
            return run.obstacle.until
        decision = decide(o)
        if decision.action is not Action.HOLD:
            return o.now if run.memory.failure is None else run.postponed(None)
        if decision.until is None:
            return o.now + UNWATCHED if decision.reason in _UNWATCHED else None
        if decision.reason is Reason.WAITING_FOR_DUE_DATE and decision.until - o.now > LOOK_BEFORE:
            return decision.until - LOOK_BEFORE
        return decision.until


def _no_later(again: datetime | None, o: Observation, to_tell: datetime | None) -> datetime | None:
    """Return when to come again, not beyond the next look at the consumers, nor what is `to_tell`."""
    look = o.roll_out_at if not o.is_rolled_out else None
    instants = [again, look if look is not None and look > o.now else None, to_tell]
    return min((instant for instant in instants if instant is not None), default=None)
