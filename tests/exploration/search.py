"""The search: every state that can be reached, the laws in each of them, and rest from each of them.

Breadth first, so that the first story of a broken law is a shortest one.
"""

import math
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from examples import NOW
from exploration.laws import BrokenLawError, check_kept, check_rest, expired, taken
from exploration.numbering import renumbered
from exploration.scene import Fate
from exploration.state import INSTANTS, Budget, State, Worker, changed
from exploration.things import deleted
from exploration.worker import Move, Stepper

NAMES = "AB"
# A worker that waits for longer has nothing left to do: the next due date is a week away.
FAR = timedelta(days=1)
# A worker begins to lead a little after what was written before it.
MOMENT = timedelta(milliseconds=1)
# From any state there is rest after fewer moves.
MOST_MOVES = 400


@dataclass(frozen=True, slots=True)
class Figures:
    """How much was seen."""

    states: int
    moves: int


class StoryError(AssertionError):
    """A law was broken; says how it came to that."""


class Search:
    """One exploration."""

    def __init__(self, stepper: Stepper, start: State, most: int | None = None) -> None:
        """Begin in `start`, and end after `most` states; None: when there are no more."""
        self._most = most
        self._checked = start
        self._quietly: list[str] = []
        self._stepper = stepper
        self._start = start
        self._before: dict[State, tuple[State, str] | None] = {start: None}
        self._resting: set[State] = set()
        self._moves = 0

    async def explore(self) -> Figures:
        """Return how much was seen.

        Raises:
            StoryError: a law is broken, or there is no rest.
        """
        waiting = deque([self._start])
        while waiting and (self._most is None or len(self._before) < self._most):
            state = waiting.popleft()
            await self._check(state)
            async for words, told in self._successors(state):
                self._moves += 1
                following = renumbered(told)
                if following not in self._before:
                    self._before[following] = state, words
                    waiting.append(following)
        return Figures(len(self._before), self._moves)

    async def _successors(self, state: State) -> AsyncIterator[tuple[str, State]]:
        for words, following in what_happens(state):
            yield words, self._lawful(state, words, following)
        for number in range(len(state.workers)):
            move = await self._moved(state, number, Fate.FINE)
            yield move.words, move.state
            for fate in Fate:
                if fate.point in move.touched and fate.cost <= state.budget.faults:
                    budget = replace(state.budget, faults=state.budget.faults - fate.cost)
                    bad = await self._moved(changed(state, budget=budget), number, fate, before=state)
                    yield bad.words, bad.state

    async def _moved(self, state: State, number: int, fate: Fate, before: State | None = None) -> Move:
        name = NAMES[number]
        try:
            move = await self._stepper.move(state, number, fate)
        except Exception as broken:
            # What is no broken law is a bug of the operator, and breaks the law that there is none.
            law = str(broken) if isinstance(broken, BrokenLawError) else repr(broken)
            words = f"{name} {self._stepper.told(fate)}"
            raise self._story(before or state, law, words) from broken
        return Move(f"{name} {move.words}", move.state, move.touched, move.decision)

    def _lawful(self, state: State, words: str, change: Callable[[], State]) -> State:
        try:
            return change()
        except BrokenLawError as broken:
            raise self._story(state, str(broken), words) from None

    async def _check(self, state: State) -> None:
        """Check what must hold in `state`, and that it comes to rest once nothing fails any more."""
        try:
            check_kept(state)
        except BrokenLawError as broken:
            raise self._story(state, str(broken)) from None
        # What is on its way is lost: that it arrives is a state of its own.
        quiet, walked, told = (
            changed(state, budget=Budget(), in_flight=frozenset()),
            set[State](),
            list[str](),
        )
        self._checked, self._quietly = state, told
        while quiet not in self._resting:
            walked.add(quiet)
            words, following = await self._undisturbed(quiet)
            if following is None:
                break
            told.append(words)
            quiet = renumbered(following)
            if len(told) > MOST_MOVES:
                raise self._story(state, "there is no rest", *told[:12])
        else:
            self._resting |= walked
            return
        try:
            check_rest(quiet)
        except BrokenLawError as broken:
            raise self._story(state, str(broken), *told) from None
        self._resting |= walked

    async def _undisturbed(self, state: State) -> tuple[str, State | None]:
        """Return what happens next where nothing fails; None where there is nothing left to do."""
        untils: list[datetime] = []
        for number, worker in enumerate(state.workers):
            seen = changed(worker, journal=state.journal, target=state.target)
            if seen != worker:
                return f"{NAMES[number]} is told what is there", _with(state, number, seen)
            move = await self._moved(state, number, Fate.FINE)
            if move.state != state:
                return move.words, move.state
            if move.decision is not None and move.decision.until is not None:
                untils.append(move.decision.until)
        until = min(untils, default=state.now + 2 * FAR)
        if until - state.now > FAR:
            return "", None
        later = next((at for at in INSTANTS if at > state.at), None)
        at = later if later is not None else math.ceil((until - NOW).total_seconds())
        return f"{at} s have gone by", expired(changed(state, at=at))

    def _story(self, state: State, law: str, *then: str) -> StoryError:
        """Return the shortest way to `state` in words, and what happens then."""
        if state not in self._before:
            # It lies on the quiet way from a state that was being checked.
            state, then = self._checked, (*self._quietly, *then)
        told, before = list(then[::-1]), self._before[state]
        while before is not None:
            state, words = before
            told.append(words)
            before = self._before[state]
        lines = [f"  {number}. {words}" for number, words in enumerate(reversed(told), 1)]
        return StoryError("\n".join([law, *lines]))


def what_happens(state: State) -> Iterator[tuple[str, Callable[[], State]]]:
    """Yield what can happen to the state without any worker: time, watches, crashes, people."""
    later = next((at for at in INSTANTS if at > state.at), None)
    if later is not None and _is_waiting(state):
        yield f"{later} s have gone by", lambda: expired(changed(state, at=later))
    for request in state.in_flight:
        words = f"the request of {request.sent_at} s takes effect at the tenant"
        yield words, partial(taken, state, request)
    for number, worker in enumerate(state.workers):
        name = NAMES[number]
        seen = changed(worker, journal=state.journal, target=state.target)
        if seen != worker:
            yield f"{name} is told what is there", partial(_with, state, number, seen)
        if state.budget.crashes:
            fresh = Worker(
                f"{worker.process}'", state.now + MOMENT, journal=state.journal, target=state.target
            )
            crashed = _with(_paid(state, "crashes"), number, fresh)
            yield f"{name} crashes, and another one starts in its place", partial(replace, crashed)
    yield from _what_people_do(state)


def _is_waiting(state: State) -> bool:
    """Return whether time makes a difference: before anything has begun, it makes none."""
    journal = state.journal.journal if state.journal is not None else None
    return (
        bool(state.in_flight)
        or state.ask.failed_at is not None
        or (journal is not None and (journal.is_sending or journal.late_until is not None))
        or any(worker.attempt is not None or worker.parked is not None for worker in state.workers)
    )


def _what_people_do(state: State) -> Iterator[tuple[str, Callable[[], State]]]:
    budget, ask, journal = state.budget, state.ask, state.journal
    if budget.asks and not ask.is_gone:
        asked = replace(ask, token=f"token-{budget.asks}")
        yield "a person asks for a rotation", partial(replace, _paid(state, "asks"), ask=asked)
    if budget.target_deletions and state.target is not None:
        paid = _paid(state, "target_deletions")
        yield "a person deletes the target", partial(replace, paid, target=None)
    if budget.journal_deletions and journal is not None and not state.in_flight:
        paid = replace(_paid(state, "journal_deletions"), written=state.written + 1)
        left = deleted(journal, state, state.written + 1)
        yield "a person deletes the journal", partial(replace, paid, journal=left)
    if budget.rotation_deletions and not ask.is_gone:
        paid = replace(
            _paid(state, "rotation_deletions"), written=state.written + 1, ask=replace(ask, is_gone=True)
        )
        left = journal and deleted(journal, state, state.written + 1)
        yield "a person deletes the rotation", partial(replace, paid, journal=left)
    # A person speaks of a doubt, not of a request that is being made.
    is_quiet = not state.in_flight and all(worker.parked is None for worker in state.workers)
    if budget.settlements and journal is not None and journal.journal.is_sending and is_quiet:
        chosen, current = journal.journal.next, journal.journal.current
        for word, credential in (("next", chosen), ("current", current)):
            if credential is not None and credential.secret == state.tenant.live:
                settled = replace(ask, settle_doubt=word)
                paid = _paid(state, "settlements")
                yield f"a person says that {word} is live", partial(replace, paid, ask=settled)


def _paid(state: State, what: str) -> State:
    return changed(state, budget=replace(state.budget, **{what: getattr(state.budget, what) - 1}))


def _with(state: State, number: int, worker: Worker) -> State:
    workers = list(state.workers)
    workers[number] = worker
    return changed(state, workers=tuple(workers))
