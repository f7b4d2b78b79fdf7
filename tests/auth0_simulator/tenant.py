"""The state of the simulated tenant, its knobs, and what is asked of it in a test."""

import asyncio
import secrets
import time
from collections.abc import Iterable, Mapping
from typing import Any

from auth0_simulator.app import App
from auth0_simulator.faults import Fault, Faults, Gate, Moment, Operation
from auth0_simulator.journal import Entry

SCOPES = ("read:clients", "update:client_keys", "read:client_keys")


class Tenant:
    """Applications, tokens, faults and a journal. Faults are named as sentences."""

    def __init__(self, domain: str = "acme.eu.auth0.com") -> None:
        """Start with one machine-to-machine application that may do what the operator needs."""
        self.domain = domain
        self.audience = f"https://{domain}/api/v2/"
        self.apps: dict[str, App] = {}
        self.journal: list[Entry] = []
        self.faults = Faults()
        self.token_seconds = 86400
        self.propagation = 0.0
        self.least_secret_length = 1
        self.tells_retry_after = True
        self.tokens: dict[str, tuple[frozenset[str], float]] = {}
        self._limit: tuple[float, float] | None = None
        self._bucket = 0.0
        self._bucket_at = 0.0
        self._late: set[asyncio.Task[None]] = set()
        self.manager = self.add_app(
            "auth0-rotator", audiences={self.audience: ("read:clients", "update:client_keys")}
        )

    # What a test sets up ----------------------------------------------------------------------

    def add_app(self, name: str, **settings: Any) -> App:
        """Add an application and return it."""
        app = App(name, **settings)
        self.apps[app.client_id] = app
        return app

    def without_scope(self, scope: str) -> None:
        """Take one scope from the operator's application; tokens that are out keep it."""
        granted = self.manager.audiences[self.audience]
        kept = tuple(one for one in granted if one != scope)
        self.manager.audiences = {self.audience: kept}

    def with_scopes(self, *scopes: str) -> None:
        """Grant the operator's application exactly these scopes."""
        self.manager.audiences = {self.audience: scopes}

    def refuse_new_secret_for(self, seconds: float) -> None:
        """Let every change take so long to spread; meanwhile only the old secret works."""
        self.propagation = seconds

    def limit(self, *, burst: int, per_second: float) -> None:
        """Answer 429 to what goes beyond this rate on the Management API."""
        self._limit = (float(burst), per_second)
        self._bucket, self._bucket_at = float(burst), time.monotonic()

    def expire_tokens(self) -> None:
        """Let every token that is out expire now."""
        self.tokens = {text: (scopes, 0.0) for text, (scopes, _) in self.tokens.items()}

    def lose_request(self, operation: Operation = Operation.PATCH, *, times: int = 1) -> None:
        """Close the connection before anything happens."""
        self.faults.add(Fault(operation, Moment.BEFORE, times, is_lost=True))

    def lose_answer(self, operation: Operation = Operation.PATCH, *, times: int = 1) -> None:
        """Do what was asked, then close the connection without an answer."""
        self.faults.add(Fault(operation, Moment.AFTER, times, is_lost=True))

    def answer(
        self,
        status: int,
        body: Any = None,
        *,
        operation: Operation = Operation.PATCH,
        moment: Moment = Moment.BEFORE,
        times: int = 1,
        text: str | None = None,
        headers: Mapping[str, str] | None = None,
        quotes_value: bool = False,
    ) -> None:
        """Answer this instead of the true answer, before or after the effect."""
        self.faults.add(
            Fault(
                operation,
                moment,
                times,
                status=status,
                body=body,
                text=text,
                headers=headers or {},
                quotes_value=quotes_value,
            )
        )

    def delay(
        self,
        seconds: float,
        operation: Operation = Operation.PATCH,
        moment: Moment = Moment.BEFORE,
        *,
        times: int = 1,
    ) -> None:
        """Be slow."""
        self.faults.add(Fault(operation, moment, times, delay=seconds))

    def take_effect_late(self, seconds: float) -> None:
        """Lose the next change, and let it take effect after so many seconds all the same."""
        self.faults.add(Fault(Operation.PATCH, Moment.BEFORE, is_lost=True, effect_after=seconds))

    def hold(self, operation: Operation = Operation.PATCH, moment: Moment = Moment.BEFORE) -> Gate:
        """Hold the next request of this kind at a gate."""
        gate = Gate()
        self.faults.add(Fault(operation, moment, gate=gate))
        return gate

    # What a test asks --------------------------------------------------------------------------

    def changes(self, client_id: str) -> int:
        """Return how often the client's secret really changed."""
        return self.apps[client_id].changes

    def accepts(self, client_id: str, value: str) -> bool:
        """Return whether a login of the client with `value` would work now."""
        app = self.apps.get(client_id)
        return app is not None and app.accepts(value, time.monotonic(), self.propagation)

    def asked(self, *operations: Operation) -> list[Entry]:
        """Return the journal's entries of these operations, of all where none is named."""
        return [entry for entry in self.journal if not operations or entry.operation in operations]

    # What the server uses ----------------------------------------------------------------------

    def issue(self, scopes: Iterable[str]) -> str:
        """Return a new access token."""
        text = secrets.token_urlsafe(64)
        self.tokens[text] = (frozenset(scopes), time.monotonic() + self.token_seconds)
        return text

    def is_over_limit(self) -> bool:
        """Return whether this request goes beyond the rate, and count it if it does not."""
        if self._limit is None:
            return False
        burst, per_second = self._limit
        now = time.monotonic()
        self._bucket = min(burst, self._bucket + (now - self._bucket_at) * per_second)
        self._bucket_at = now
        if self._bucket < 1:
            return True
        self._bucket -= 1
        return False

    def change_later(self, app: App, value: str, seconds: float) -> None:
        """Let a lost request take effect after all."""

        async def land() -> None:
            await asyncio.sleep(seconds)
            app.change(value, time.monotonic())

        task = asyncio.create_task(land())
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    async def close(self) -> None:
        """Drop what is still to land."""
        self.faults.clear()
        for task in self._late:
            task.cancel()
        await asyncio.gather(*self._late, return_exceptions=True)
