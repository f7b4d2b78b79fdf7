"""What can go wrong, as sentences: each fault waits for its operation and is used up by it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Operation(StrEnum):
    """What the tenant can be asked."""

    TOKEN = "token"
    PROBE = "probe"
    LIST = "list"
    READ = "read"
    PATCH = "patch"
    ROTATE = "rotate"
    UNKNOWN = "unknown"
    """Anything that the simulator does not have."""


class Moment(StrEnum):
    """When a fault strikes."""

    BEFORE = "before the effect"
    AFTER = "after the effect"


class Gate:
    """Holds a request: the test sees that it was reached, and lets it go on."""

    def __init__(self) -> None:
        """Start closed."""
        self._reached = asyncio.Event()
        self._open = asyncio.Event()

    async def reached(self, seconds: float = 30.0) -> None:
        """Return when a request stands at the gate.

        Raises:
            TimeoutError: none came.
        """
        async with asyncio.timeout(seconds):
            await self._reached.wait()

    def open(self) -> None:
        """Let the request go on, and all that come later."""
        self._open.set()

    async def _pass(self) -> None:
        self._reached.set()
        await self._open.wait()


@dataclass(slots=True)
class Fault:
    """One thing that goes wrong, `times` times."""

    operation: Operation
    moment: Moment
    times: int = 1
    status: int = 0
    """Answer this status instead; 0 for no answer of its own."""
    body: Any = None
    text: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    is_lost: bool = False
    """Whether the connection is closed without an answer."""
    delay: float = 0.0
    gate: Gate | None = None
    effect_after: float | None = None
    """The request takes effect only so many seconds after its connection was closed."""
    quotes_value: bool = False
    """Whether the body quotes the client secret that was sent."""

    async def wait(self) -> None:
        """Pass the delay and the gate."""
        if self.delay:
            await asyncio.sleep(self.delay)
        if self.gate is not None:
            await self.gate._pass()  # noqa: SLF001 - the other half of the gate


class Faults:
    """The faults that wait."""

    def __init__(self) -> None:
        """Start with none."""
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        """Let `fault` wait for its operation."""
        self._waiting.append(fault)
        return fault

    def take(self, operation: Operation, moment: Moment) -> Fault | None:
        """Return the oldest fault for this operation and moment, and use it up once."""
        for fault in self._waiting:
            if fault.operation is operation and fault.moment is moment:
                fault.times -= 1
                if fault.times <= 0:
                    self._waiting.remove(fault)
                return fault
        return None

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        for fault in self._waiting:
            if fault.gate is not None:
                fault.gate.open()
        self._waiting.clear()
