"""One move of one operator: one decision with its first effect, or one more step of a rotation.

What is decided, which step follows and what each step does is the operator's own code. It is stopped
before each step but the first, so that anything can come in between.
"""

import asyncio
import contextlib
import gc
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeVar, cast

import pytest

from auth0_rotator.auth0 import Permit, Tenant
from auth0_rotator.conditions import Reason
from auth0_rotator.decision import Action, Decision, decide
from auth0_rotator.decision.protocol import Outcome, Step
from auth0_rotator.journal import Journal
from auth0_rotator.observation import Observation
from auth0_rotator.reconciler import Reconciler, acting, change, world
from auth0_rotator.reconciler.attempt import Change
from auth0_rotator.reconciler.observe import observe
from auth0_rotator.reconciler.verification import resume_verification
from auth0_rotator.reconciler.world import Pass
from examples import KEY
from exploration.effects import CONNECTION, PERMIT, AskedTenant, world_of
from exploration.scene import Fate, Scene
from exploration.state import Budget, Parked, State, Stored, Worker, changed
from exploration.things import materialised, plain

Effect = Callable[[Change], Awaitable[Outcome]]

T = TypeVar("T")

# With these a person's word is followed in one go.
_IN_ONE_GO: Final = frozenset({Action.SETTLE})
MANY: Final = 99
_NONE: Final = Budget()
# The steps for which it matters what the worker last saw of the journal.
_RESTS_ON_JOURNAL: Final = frozenset({Step.PROBE, Step.PREPARE, Step.SEND, Step.CHOOSE, Step.PARK})


@dataclass(frozen=True, slots=True)
class Move:
    """What came of one thing that a worker did."""

    words: str
    state: State
    touched: frozenset[str]
    """The effects that it made, as `Fate.point` names them."""
    decision: Decision | None
    """What it decided; None where it stands between two steps."""


class Paused(BaseException):
    """A worker stands before a step."""


class Clockwork(asyncio.SelectorEventLoop):
    """An event loop whose time is that of the state."""

    instant = 0.0

    def time(self) -> float:
        """Return the time in seconds; it stands still during a move."""
        return self.instant


class Stepper:
    """Makes moves, one at a time."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        """Have the operator's own table of effects stop before each step, and its chance count."""
        self._scene: Scene | None = None
        self._steps_left = 0
        self._parked: Parked | None = None
        self._decision: Decision | None = None
        self._known: dict[tuple[State, Fate], Move] = {}
        self._workers: dict[Worker, Worker] = {}
        self._loop = Clockwork()
        effects = {step: self._gated(step, effect) for step, effect in change.EFFECTS.items()}
        patch.setattr(change, "EFFECTS", effects)
        patch.setattr(acting, "ACTIONS", {**acting.ACTIONS, Action.CONTINUE: self._go_on})
        patch.setattr(secrets, "token_urlsafe", lambda _: f"value-{self._number()}")
        patch.setattr(world, "ULID", Ids(self._number))

    def run(self, walk: Coroutine[None, None, T]) -> T:
        """Return what a walk comes to that makes moves."""
        with contextlib.closing(self._loop), _uncollected():
            try:
                return self._loop.run_until_complete(walk)
            finally:
                # Else the search for garbage would look through all of it once more.
                self._known.clear()
                self._workers.clear()

    async def move(self, state: State, number: int, fate: Fate = Fate.FINE) -> Move:
        """Return what comes of it when the worker with this `number` does its next thing.

        It sees nothing of the other one but what that did to the world: so what it does in one state
        is known from any other state that it cannot tell from this one.
        """
        alone = changed(state, workers=(state.workers[number],), budget=_NONE)
        move = self._known.get((alone, fate))
        if move is None:
            self._parked, self._decision = alone.workers[0].parked, None
            move = self._known[alone, fate] = await self._move(alone, fate)
        (worker,) = move.state.workers
        workers = (*state.workers[:number], worker, *state.workers[number + 1 :])
        after = changed(move.state, workers=workers, budget=state.budget)
        return Move(move.words, after, move.touched, move.decision)

    async def _move(self, alone: State, fate: Fate) -> Move:
        self._scene = scene = Scene(alone, fate)
        self._loop.instant = float(alone.at)
        scene.worker = changed(scene.worker, parked=None)
        run = Pass(KEY, world_of(scene), scene.memory, scene.worker.leading_since)
        scene.memory.begin_pass()
        with contextlib.suppress(Paused):
            await self._act(run)
        scene.tell()
        after = scene.after()
        (worker,) = after.workers
        after = changed(after, workers=(self._workers.setdefault(worker, worker),))
        return Move(self.told(fate), after, frozenset(scene.touched), self._decision)

    def told(self, fate: Fate) -> str:
        """Return what the last new move was, for a reader."""
        parked, decision = self._parked, self._decision
        what = "looks"
        if parked is not None:
            what = f"goes on with {parked.step.name}: {parked.step.value}"
        elif decision is not None:
            what = f"decides to {decision.action}: {decision.message}"
        return what + (f" -- {fate.words}" if fate.words else "")

    async def _act(self, run: Pass) -> None:
        """Decide and act, as a pass of the operator does it."""
        reconciler = Reconciler(run.world, leading_since=run.leading_since)
        if self._parked is not None:
            decision = Decision(Action.CONTINUE, Reason.SENDING, "")
            # What it goes on with is what it saw when it decided.
            o = replace(await observe(run), now=self._parked.decided_at, connection=CONNECTION)
        else:
            resume_verification(run)
            o = await observe(run)
            self._decision = decision = decide(o)
            reconciler._drop_idle_attempt(run, o, decision)  # noqa: SLF001 - a part of every pass
        if decision.action is Action.HOLD:
            if decision.is_failure:
                run.fail(decision.reason, decision.message, is_stalled=decision.is_stalled)
            return
        self._steps_left = MANY if decision.action in _IN_ONE_GO else 1
        await acting.act(run, o, decision)
        if decision.action is Action.ABANDON:
            self._abandon()

    def _abandon(self) -> None:
        scene = self._scene_now()
        scene.change(past=changed(scene.state.past, is_abandoned=True))

    async def _go_on(self, run: Pass, o: Observation, decision: Decision) -> None:
        """Go on from where the worker stands, or from what the journal says."""
        parked = self._parked
        if parked is None:
            await change.go_on(run, o, decision)
            return
        taken_up = Change(
            run,
            o,
            tenant=cast("Tenant", AskedTenant(self._scene_now())),
            permit=cast("Permit", PERMIT),
            rests_on=parked.rests_on,
        )
        if parked.journal is not None:
            taken_up.journal = materialised(parked.journal)
        if parked.refusal is not None:
            kind, reason = parked.refusal
            taken_up.error = kind(reason, "told before")
        await change.follow(taken_up, parked.step)

    def _gated(self, step: Step, effect: Effect) -> Effect:
        """Return the effect, made only where the worker may take one more step."""

        async def gated(change: Change) -> Outcome:
            if self._steps_left == 0:
                self._park(step, change)
                raise Paused
            # The preflight changes nothing: what it saw is checked by the write that follows.
            self._steps_left -= step is not Step.PREFLIGHT
            return await effect(change)

        return gated

    def _park(self, step: Step, change: Change) -> None:
        """Keep what the step needs, and no more: so that equal states are equal."""
        scene, parked = self._scene_now(), Parked(step, change.o.now)
        if step in _RESTS_ON_JOURNAL:
            version = int(change.journal.version)
            journal = Stored(
                version,
                plain(change.journal),
                _deleting_since(change.journal),
                scene.state.ask.is_staged,
            )
            parked = changed(parked, journal=journal, rests_on=change.rests_on)
        if step is Step.PARK and change.error is not None:
            parked = changed(parked, refusal=(type(change.error), change.error.reason))
        scene.worker = changed(scene.worker, parked=parked)

    def _number(self) -> int:
        """Return the number of the next value: one that was never stored is as if never chosen."""
        return self._scene_now().state.past.chosen + 1

    def _scene_now(self) -> Scene:
        assert self._scene is not None
        return self._scene


class Ids:
    """Stands in for the class of rotation ids: the id of a value has its number."""

    def __init__(self, number: Callable[[], int]) -> None:
        """Ask for the `number` of each value."""
        self._number = number

    def __call__(self) -> str:
        """Return the id of the next value."""
        return f"id-{self._number():04}"

    @staticmethod
    def from_str(text: str) -> int:
        """Return the number in an id."""
        return int(text[3:7])

    @staticmethod
    def from_int(number: int) -> str:
        """Return the id right before that of the value with this number."""
        return f"id-{number - 1:04}-and-one"


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Leave out the search for garbage: among so much that is kept it takes a sixth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _deleting_since(journal: Journal) -> datetime | None:
    return journal.meta.deleting_since if journal.meta is not None else None
