"""What mutmut passes over: the order of the rules, and which step follows which."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import chdir, redirect_stdout
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import pytest

from auth0_rotator.decision import RULES, protocol
from auth0_rotator.decision.protocol import Outcome, Step
from mutation.mutant import Mutant, Survivor, Trial
from mutation.workshop import DESELECTED

Table = Mapping[tuple[Step, Outcome], Step]

_DECISION: Final = "auth0_rotator.decision"
_PROTOCOL: Final = "auth0_rotator.decision.protocol"
# The tests that stand for a module's tables. What only others would kill is to survive.
_TESTS: Final = {
    _DECISION: "tests/unit/test_decision_order.py",
    _PROTOCOL: "tests/unit/test_decision_protocol.py",
}
_SURVIVED: Final = "survived"
_KILLED: Final = "killed"
_ENDINGS: Final = {pytest.ExitCode.OK: _SURVIVED, pytest.ExitCode.TESTS_FAILED: _KILLED}


@dataclass(frozen=True, slots=True)
class Variant:
    """A table with one entry changed."""

    mutant: Mutant
    module: str
    name: str
    table: Any


def try_tables(workshop: Path) -> Trial:
    """Run the tests against each variant, and return what they did not kill.

    Each run is a process of its own that meets the changed table before it imports a test.
    """
    changed = list(variants())
    with chdir(workshop):
        # For pytest and its plugins to be there already: that takes four times as long as the tests.
        _pytest("--collect-only", "tests/unit/conftest.py")
        with get_context("fork").Pool(os.cpu_count(), maxtasksperchild=1) as pool:
            controls = pool.map(_ending, unchanged(), chunksize=1)
            endings = pool.map(_ending, changed, chunksize=1)
    if set(controls) != {_SURVIVED}:
        message = f"tests that fail as it is would kill every variant: {controls}"
        raise AssertionError(message)
    ended = zip(changed, endings, strict=True)
    survivors = [Survivor(variant.mutant, ending) for variant, ending in ended if ending != _KILLED]
    return Trial(len(changed), survivors)


def variants() -> Iterator[Variant]:
    """Yield every table with one entry changed."""
    yield from _rules()
    yield from _steps("AFTER", protocol.AFTER)
    yield from _steps("AFTER_IN_DOUBT", protocol.AFTER_IN_DOUBT)
    for end in sorted(protocol.ENDS, key=lambda end: end.name):
        mutant = Mutant("decision.protocol.ENDS", end.name, "")
        yield Variant(mutant, _PROTOCOL, "ENDS", protocol.ENDS - {end})


def unchanged() -> Iterator[Variant]:
    """Yield a table of each module as it is."""
    nothing = Mutant("", "", "")
    yield Variant(nothing, _DECISION, "RULES", RULES)
    yield Variant(nothing, _PROTOCOL, "ENDS", protocol.ENDS)


def _rules() -> Iterator[Variant]:
    place = "decision.RULES"
    names = [getattr(rule, "__name__", "") for rule in RULES]
    for at, name in enumerate(names):
        rest = RULES[:at] + RULES[at + 1 :]
        yield Variant(Mutant(place, name, ""), _DECISION, "RULES", rest)
    for at, (first, second) in enumerate(pairwise(names)):
        swapped = (*RULES[:at], RULES[at + 1], RULES[at], *RULES[at + 2 :])
        mutant = Mutant(place, f"{first}, {second}", f"{second}, {first}")
        yield Variant(mutant, _DECISION, "RULES", swapped)


def _steps(name: str, table: Table) -> Iterator[Variant]:
    place = f"decision.protocol.{name}"
    for entry, follows in table.items():
        step, outcome = entry
        line = f"{step.name}, {outcome.name}: "
        rest = {other: then for other, then in table.items() if other != entry}
        yield Variant(Mutant(place, line + follows.name, ""), _PROTOCOL, name, rest)
        for other in Step:
            if other is not follows:
                mutant = Mutant(place, line + follows.name, line + other.name)
                yield Variant(mutant, _PROTOCOL, name, {**table, entry: other})


def _ending(variant: Variant) -> str:
    """Return how the tests end that meet the variant. It stays: each has its process."""
    setattr(sys.modules[variant.module], variant.name, variant.table)
    deselected = [f"--deselect={test}" for test in DESELECTED]
    code = _pytest("-x", *deselected, _TESTS[variant.module])
    return _ENDINGS.get(code, f"pytest ended with {code.name}")


def _pytest(*arguments: str) -> pytest.ExitCode:
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        return pytest.ExitCode(pytest.main(["-q", *arguments]))
