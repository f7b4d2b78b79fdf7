"""The protocol explored: the states that can be reached from a rotation that is wanted."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import pytest

from auth0_rotator.credential import ClientSecret
from auth0_rotator.decision import protocol
from auth0_rotator.decision.protocol import Outcome, Step
from auth0_rotator.journal import Journal, refused
from auth0_rotator.observation import Observation
from auth0_rotator.reconciler import change as changes
from auth0_rotator.reconciler import delivery, preflight
from auth0_rotator.reconciler.attempt import Change
from auth0_rotator.record import Credential, Trigger
from examples import DAY, NOW, credential
from exploration.search import Figures, Search, StoryError
from exploration.state import Ask, Budget, Past, Shown, State, Stored, Tenant, Worker
from exploration.worker import Stepper

# Of two operators there are too many states to see all: the nearest ones are looked at.
NEAREST: Final = 25_000
NEARER: Final = 15_000
# A broken rule is found among far fewer.
FOUND_WITHIN: Final = 10_000
# The smallest world has more states than these.
FEWEST: Final = 9_000
ALL: Final = None


def wanted(budget: Budget, workers: str, *, is_staged: bool = False) -> State:
    """Return a rotation at rest, of which a person has just asked a change."""
    before = ClientSecret("value-0")
    current = credential(before, rotated_at=NOW - DAY)
    journal = Stored(1, Journal(current=current), is_staged=is_staged)
    target = Shown(2, current, is_staged)
    return State(
        at=0,
        journal=journal,
        target=target,
        tenant=Tenant(before),
        ask=Ask(token="first", is_verifying=True, is_staged=is_staged),
        workers=tuple(Worker(name, NOW - DAY, journal, target) for name in workers),
        budget=budget,
        past=Past(was_live=frozenset({before})),
    )


def explored(patch: pytest.MonkeyPatch, start: State, most: int | None) -> Figures:
    """Return how much was seen."""
    stepper = Stepper(patch)
    return stepper.run(Search(stepper, start, most).explore())


@pytest.mark.parametrize(
    ("workers", "budget", "most"),
    [
        pytest.param("a", Budget(faults=1, crashes=1), ALL, id="a fault and a crash"),
        pytest.param("a", Budget(faults=1, asks=1), ALL, id="a fault, and asked again"),
        pytest.param("a", Budget(faults=1, rotation_deletions=1), ALL, id="a fault and a deletion"),
        pytest.param("a", Budget(faults=1, target_deletions=1), ALL, id="a fault, no target"),
        pytest.param("a", Budget(faults=2, settlements=1), NEAREST, id="two faults and a word"),
        pytest.param(
            "a",
            Budget(faults=1, crashes=1, journal_deletions=1),
            NEAREST,
            id="a fault, a crash, no journal",
        ),
        pytest.param("ab", Budget(faults=1, crashes=1, asks=1), NEAREST, id="two operators"),
        pytest.param("ab", Budget(faults=1, rotation_deletions=1), NEAREST, id="two and a deletion"),
    ],
)
def test_no_law_is_broken(
    monkeypatch: pytest.MonkeyPatch,
    told: Callable[[str], None],
    workers: str,
    budget: Budget,
    most: int | None,
) -> None:
    """Catches any order of steps, rule or transition of the journal that breaks a law somewhere."""
    figures = explored(monkeypatch, wanted(budget, workers), most)
    told(f"{figures.states} states, {figures.moves} moves" + ("" if most else ", all there are"))
    assert figures.states > FEWEST


@pytest.mark.parametrize(
    ("workers", "budget", "most"),
    [
        pytest.param("a", Budget(faults=1, asks=1), ALL, id="a fault, and asked again"),
        pytest.param("a", Budget(faults=1, crashes=1, asks=1), NEARER, id="a crash as well"),
        pytest.param("a", Budget(faults=1, target_deletions=1, asks=1), NEARER, id="no target"),
        pytest.param("a", Budget(faults=1, journal_deletions=1), NEARER, id="no journal"),
        pytest.param("ab", Budget(faults=1, crashes=1, asks=1), NEARER, id="two operators"),
    ],
)
def test_no_law_is_broken_by_values_that_are_announced(
    monkeypatch: pytest.MonkeyPatch,
    told: Callable[[str], None],
    workers: str,
    budget: Budget,
    most: int | None,
) -> None:
    """Catches a value that is sent though another one was announced, or because it was."""
    figures = explored(monkeypatch, wanted(budget, workers, is_staged=True), most)
    told(f"{figures.states} states, {figures.moves} moves" + ("" if most else ", all there are"))
    assert figures.states > FEWEST


def _announce_and_choose_anew(patch: pytest.MonkeyPatch) -> None:
    """Send a new value, whatever was announced."""
    chosen = preflight.choose

    def anew(o: Observation, client_id: str, trigger: Trigger) -> Credential:
        forgotten = replace(o, journal=o.journal and replace(o.journal, next=None))
        return chosen(forgotten, client_id, trigger)

    patch.setattr(changes, "choose", anew)


def test_a_value_that_was_announced_in_vain_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    _announce_and_choose_anew(monkeypatch)
    with pytest.raises(StoryError, match="announce"):
        explored(monkeypatch, wanted(Budget(asks=1), "a", is_staged=True), FOUND_WITHIN)


async def _begin_in_memory(change: Change) -> Outcome:
    """Choose a value and tell nobody."""
    change.journal = replace(change.o.journal or Journal(), next=change.intended)
    return Outcome.DONE


def _send_first(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(changes, "EFFECTS", {**changes.EFFECTS, Step.BEGIN: _begin_in_memory})


def _choose_anew(patch: pytest.MonkeyPatch) -> None:
    table = {**protocol.AFTER, (Step.PROBE, Outcome.NOT_KNOWN): Step.CHOOSE}
    patch.setattr(protocol, "AFTER", table)


def _believe_every_refusal(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(protocol, "AFTER_IN_DOUBT", {})


def _deliver_unproven(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(changes, "acceptance", lambda journal, _: journal.next)


def _count_for_oneself(patch: pytest.MonkeyPatch) -> None:
    """Commit as if nobody else could have sent the value as well."""

    def forgetful(journal: Journal | None, accepted: Credential, **told: Any) -> Journal:
        return protocol.concluded(journal and replace(journal, attempts=1), accepted, **told)

    patch.setattr(delivery, "concluded", forgetful)


def _forget_to_commit(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(delivery, "concluded", lambda journal, *_, **__: refused(journal))


@pytest.mark.parametrize(
    ("broken", "workers", "budget", "law"),
    [
        (_send_first, "a", Budget(faults=1), "the journal does not hold it"),
        (_choose_anew, "a", Budget(faults=1), "there is no rest"),
        (_believe_every_refusal, "a", Budget(faults=2), "for one cause"),
        (_deliver_unproven, "a", Budget(faults=1), "never was live"),
        (_count_for_oneself, "ab", Budget(crashes=1, asks=1), "the journal does not hold it"),
        (_forget_to_commit, "a", Budget(), "rest"),
    ],
)
def test_a_broken_rule_is_found(
    monkeypatch: pytest.MonkeyPatch,
    broken: Callable[[pytest.MonkeyPatch], None],
    workers: str,
    budget: Budget,
    law: str,
) -> None:
    """Catches an exploration that sees nothing."""
    broken(monkeypatch)
    workers, budget = (
        ("ab", Budget(crashes=1, asks=1)) if broken is _count_for_oneself else ("a", Budget(faults=2))
    )
    with pytest.raises(StoryError, match=law):
        explored(monkeypatch, wanted(budget, workers), FOUND_WITHIN)
