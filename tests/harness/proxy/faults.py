"""What can go wrong on the way to the API server, and the journal of what was asked."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from auth0_simulator import Moment
from auth0_simulator.faults import Gate
from harness.proxy.effects import Effect

_REASONS: Final = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    410: "Expired",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}


@dataclass(slots=True)
class Call:
    """One request, and what became of it."""

    effect: Effect
    method: str
    path: str
    """With its query."""
    namespace: str
    name: str
    """Of the object; a journal has its rotation's, an Event that of the object that it is about."""
    body: Any = None
    is_forwarded: bool = False
    """Whether the API server was asked."""
    status: int = 0
    """What the client was answered; 0 for nothing."""


@dataclass(slots=True)
class Fault:
    """One thing that goes wrong, `times` times."""

    effect: Effect
    moment: Moment
    times: int = 1
    name: str = ""
    following: tuple[Effect, ...] = ()
    """What must be done before; each is taken away when it was."""
    gate: Gate | None = None
    delay: float = 0.0
    is_lost: bool = False
    status: int = 0
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def is_about(self, call: Call, moment: Moment) -> bool:
        """Return whether it strikes this request at this moment."""
        is_meant = (call.effect, moment) == (self.effect, self.moment)
        return is_meant and self.name in {"", call.name} and not self.following

    def note(self, done: Call) -> None:
        """Take away what it waited for, where that was done now."""
        if self.following[:1] == (done.effect,) and self.name in {"", done.name}:
            self.following = self.following[1:]

    async def wait(self) -> None:
        """Pass the delay and the gate."""
        if self.delay:
            await asyncio.sleep(self.delay)
        if self.gate is not None:
            await self.gate._pass()  # noqa: SLF001 - the other half of the gate


def kubernetes_status(
    code: int,
    message: str,
    *,
    causes: Sequence[Mapping[str, str]] = (),
    retry_after: int | None = None,
) -> dict[str, Any]:
    """Return the body of an error of the API server."""
    details: dict[str, Any] = {"causes": list(causes)} if causes else {}
    if retry_after is not None:
        details["retryAfterSeconds"] = retry_after
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": _REASONS.get(code, "Unknown"),
        "details": details,
        "code": code,
    }
