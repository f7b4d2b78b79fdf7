"""What a mutant is known by: the place and the words, for mutmut's numbers move with every edit."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Mutant:
    """One change to the code."""

    place: str
    """Module and function, or module and table."""
    line: str
    """What stands there, as one line."""
    becomes: str
    """What the mutant says instead; empty where it says nothing."""

    def __str__(self) -> str:
        return f"{self.place}\n  - {self.line}\n  + {self.becomes}"


@dataclass(frozen=True, slots=True, order=True)
class Survivor:
    """A mutant that no test killed."""

    mutant: Mutant
    ending: str
    """How the tests ended: survived, no tests, timeout ..."""

    def __str__(self) -> str:
        return f"{self.mutant}\n  ({self.ending})"


@dataclass(frozen=True, slots=True)
class Trial:
    """How the unit tests did against many mutants."""

    count: int
    survivors: Sequence[Survivor]
