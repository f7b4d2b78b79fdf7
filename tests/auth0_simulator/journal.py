"""What the tenant was asked, in order."""

from dataclasses import dataclass
from typing import Any

from auth0_simulator.faults import Operation


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
    """The client secret that was sent or tried."""
    body: Any = None
    """What was sent, parsed."""
    had_effect: bool = False
    """Whether a client's secret really changed."""
