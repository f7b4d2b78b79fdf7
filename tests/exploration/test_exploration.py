"""The protocol explored: the states that can be reached from a rotation that is wanted."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import pytest

from auth0_rotator.credential import ClientSecret
from auth0_rotator.decision import protocol
from auth0_rotator.decision.protocol import Outcome, Step
from auth0_rotator.journal import Journal, refused
from auth0_rotator.reconciler import change as changes
from auth0_rotator.reconciler import delivery
from auth0_rotator.reconciler.attempt import Change
from examples import DAY, NOW, credential
from exploration.search import Search, StoryError
from exploration.state import Ask, Budget, Past, Shown, State, Stored, Tenant, Worker
from exploration.worker import Stepper

# There are too many states for each run of the tests: the nearest ones are looked at.
NEAREST: Final = 800


def wanted(budget: Budget, workers: str) -> State:
    """Return a rotation at rest, of which a person has just asked a change."""
    before = ClientSecret("value-0")
    current = credential(before, rotated_at=NOW - DAY)
    journal, target = Stored(1, Journal(current=current)), Shown(2, current)
    return State(
        at=0,
        journal=journal,
        target=target,
        tenant=Tenant(before),
        ask=Ask(token="first"),
        workers=tuple(Worker(name, NOW - DAY, journal, target) for name in workers),
        budget=budget,
        past=Past(was_live=frozenset({before})),
    )


def explored(patch: pytest.MonkeyPatch, start: State, most: int | None) -> int:
    """Return how many states were seen; prints it."""
    stepper = Stepper(patch)
    figures = stepper.run(Search(stepper, start, most).explore())
    print(f"{figures.states} states, {figures.moves} moves")
    return figures.states


@pytest.mark.parametrize(
    ("workers", "budget", "most", "least"),
    [
        pytest.param(
            "a", Budget(faults=1, crashes=1), NEAREST, NEAREST, id="one operator, a fault, a crash"
        ),
        pytest.param("ab", Budget(faults=1, crashes=1), NEAREST, NEAREST, id="two operators"),
    ],
)
def test_no_law_is_broken(
    monkeypatch: pytest.MonkeyPatch, workers: str, budget: Budget, most: int | None, least: int
) -> None:
    """Catches any order of steps, rule or transition of the journal that breaks a law somewhere."""
    assert explored(monkeypatch, wanted(budget, workers), most) >= least


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


def _forget_to_commit(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(delivery, "committed", lambda journal, **_: refused(journal))


@pytest.mark.parametrize(
    ("broken", "law"),
    [
        (_send_first, "the journal does not hold it"),
        (_choose_anew, "there is no rest"),
        (_believe_every_refusal, "for one cause"),
        (_deliver_unproven, "never was live"),
        (_forget_to_commit, "rest"),
    ],
)
def test_a_broken_rule_is_found(
    monkeypatch: pytest.MonkeyPatch, broken: Callable[[pytest.MonkeyPatch], None], law: str
) -> None:
    """Catches an exploration that sees nothing."""
    broken(monkeypatch)
    with pytest.raises(StoryError, match=law):
        explored(monkeypatch, wanted(Budget(faults=2), "a"), 10 * NEAREST)
