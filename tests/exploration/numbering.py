"""Versions by their order: which number a write got makes no difference, but which is which does.

Two states that differ in nothing but how many writes it took to come to them are one state. The operator
compares versions for equality, and only those that still stand somewhere.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import TypeVar

from auth0_rotator.observation import Attempt
from exploration.state import Parked, Shown, State, Stored, Worker, changed

Versioned = TypeVar("Versioned", Stored, Shown)


def renumbered(state: State) -> State:
    """Return the state with its versions counted from 1, in the same order."""
    found = {version for version in _versions_of(state) if version}
    if state.written == len(found):
        return state
    places = {version: place for place, version in enumerate(sorted(found), 1)}
    return changed(
        state,
        journal=_placed(state.journal, places),
        target=_placed(state.target, places),
        workers=tuple(_worker(worker, places) for worker in state.workers),
        written=len(found),
    )


def _versions_of(state: State) -> Iterator[int]:
    journals = [state.journal, *(worker.journal for worker in state.workers)]
    targets = [state.target, *(worker.target for worker in state.workers)]
    for held in (*journals, *targets):
        yield held.version if held is not None else 0
    for worker in state.workers:
        if worker.parked is not None and worker.parked.journal is not None:
            yield worker.parked.journal.version
        if worker.attempt is not None and worker.attempt.sent_version:
            yield int(worker.attempt.sent_version)


def _worker(worker: Worker, places: Mapping[int, int]) -> Worker:
    return changed(
        worker,
        journal=_placed(worker.journal, places),
        target=_placed(worker.target, places),
        attempt=worker.attempt and _attempt(worker.attempt, places),
        parked=worker.parked and _parked(worker.parked, places),
    )


def _parked(parked: Parked, places: Mapping[int, int]) -> Parked:
    return parked if parked.journal is None else changed(parked, journal=_placed(parked.journal, places))


def _attempt(attempt: Attempt, places: Mapping[int, int]) -> Attempt:
    if not attempt.sent_version:
        return attempt
    return replace(attempt, sent_version=str(places[int(attempt.sent_version)]))


def _placed(held: Versioned | None, places: Mapping[int, int]) -> Versioned | None:
    return None if held is None else _of_version(held, places[held.version])


@cache
def _of_version(held: Versioned, version: int) -> Versioned:
    return held if held.version == version else changed(held, version=version)
