"""What the tenant was asked, in order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from auth0_simulator.faults import Operation


@dataclass(frozen=True, slots=True)
class Malformed:
    """A body that is not what its content type says, or of a type that is not taken here."""

    text: str


@dataclass(slots=True)
class Entry:
    """One request."""

    at: float
    """Monotonic clock."""
    operation: Operation
    client_id: str
    """The client that it was about, or the one that asked for a token."""
    status: int = 0
    """What was answered; 0 for a lost answer."""
    value: str = ""
    """The client secret that was sent, tried or made."""
    body: Any = None
    """What was sent, parsed; None for nothing and for the JSON literal null."""
    had_effect: bool = False
    """Whether a client's secret really changed."""
    told: Mapping[str, str] = field(default_factory=dict)
    """The headers about the rate that stand on its answer."""

    def text(self, name: str) -> str:
        """Return the text under `name` in the body, empty where there is none."""
        value = self.body.get(name) if isinstance(self.body, dict) else None
        return value if isinstance(value, str) else ""
