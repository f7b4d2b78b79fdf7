"""Mutants that no test can kill, each with the reason why it changes nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from mutation.mutant import Mutant

FILE: Final = Path(__file__).resolve().parent / "equivalent.yaml"


@dataclass(frozen=True, slots=True)
class Balance:
    """Survivors, held against the explanations."""

    unexplained: frozenset[Mutant]
    stale: frozenset[Mutant]
    """Explained, but by now a test kills it, or its line is gone."""

    @property
    def is_good(self) -> bool:
        """Whether nothing is unexplained, and nothing explained in vain."""
        return not self.unexplained and not self.stale


def explanations(text: str) -> dict[Mutant, str]:
    """Return the reason for each mutant that the file's `text` explains.

    Raises:
        ValueError: one is explained twice, or without a reason.
    """
    told: dict[Mutant, str] = {}
    for entry in yaml.safe_load(text) or []:
        for mutant in _mutants(entry):
            if mutant in told or not entry["because"].strip():
                message = f"explained twice, or not at all: {mutant}"
                raise ValueError(message)
            told[mutant] = entry["because"]
    return told


def weighed(survivors: Iterable[Mutant], explained: Iterable[Mutant]) -> Balance:
    """Return which survivors are not explained, and which explanations nothing needs any more."""
    found, known = frozenset(survivors), frozenset(explained)
    return Balance(unexplained=found - known, stale=known - found)


def _mutants(entry: Mapping[str, Any]) -> list[Mutant]:
    """Return the mutants of one entry: a line may become several others for the same reason."""
    becomes = entry["becomes"] if isinstance(entry["becomes"], list) else [entry["becomes"]]
    return [Mutant(entry["in"], _flat(entry["line"]), _flat(text or "")) for text in becomes]


def _flat(text: str) -> str:
    return " ".join(text.split())
