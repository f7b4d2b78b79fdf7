"""The state of the simulated tenant, its knobs, and what is asked of it in a test."""

import asyncio
import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from auth0_simulator.app import App
from auth0_simulator.faults import Fault, Faults, Gate, Moment, Operation
from auth0_simulator.journal import Entry
from auth0_simulator.rate import Bucket

SCOPES = ("read:clients", "update:client_keys", "read:client_keys")


@dataclass(frozen=True, slots=True)
class Token:
    """An access token that is out."""

    scopes: frozenset[str]
    audience: str
    expires_at: float
    """Monotonic clock."""


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
        self.new_works_at_once = False
        self.least_secret_length = 1
        self.tells_retry_after = True
        self.tells_rate = True
        self.login_refusal = ("access_denied", "Unauthorized")
        self.is_grant_checked_first = False
        self.is_hidden_field_refused = False
        self.are_methods_hidden = False
        self.tokens: dict[str, Token] = {}
        self.management_rate: Bucket | None = None
        self.login_rate: Bucket | None = None
        self._quota: int | None = None
        self._issued: dict[str, int] = {}
        self._late: set[asyncio.Task[None]] = set()
        self.manager = self.add_app(
            "auth0-rotator", audiences={self.audience: ("read:clients", "update:client_keys")}
        )

    @property
    def name(self) -> str:
        """What the tenant is called: the first word of its domain."""
        return self.domain.partition(".")[0]

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
        self.propagation, self.new_works_at_once = seconds, False

    def accept_both_secrets_for(self, seconds: float) -> None:
        """Let every change take so long to spread; meanwhile the old secret works as well."""
        self.propagation, self.new_works_at_once = seconds, True

    def refuse_logins_with(self, error: str, description: str) -> None:
        """Spell the 401 of a wrong credential so: Auth0 has two spellings."""
        self.login_refusal = (error, description)

    def check_grants_before_secrets(self) -> None:
        """Look at the grant type and the audience first, so that a 403 says nothing of the secret."""
        self.is_grant_checked_first = True

    def refuse_hidden_fields(self) -> None:
        """Answer 403 to a read that names a field it may not see, instead of leaving it out."""
        self.is_hidden_field_refused = True

    def hide_authentication_methods(self) -> None:
        """Show `client_authentication_methods` only to who may read keys, as Auth0's OpenAPI
        description has it. Off by default: no recording shows a read without those scopes."""
        self.are_methods_hidden = True

    def limit(self, *, burst: int, per_second: float) -> None:
        """Answer 429 to what goes beyond this rate on the Management API."""
        self.management_rate = Bucket(burst=burst, per_second=per_second)

    def limit_logins(self, *, burst: int, per_second: float) -> None:
        """Answer 429 to what goes beyond this rate on the token endpoint, whoever asks."""
        self.login_rate = Bucket(burst=burst, per_second=per_second)

    def limit_tokens(self, *, per_hour: int) -> None:
        """Answer 429 to an application that had so many tokens for other APIs than Management."""
        self._quota = per_hour

    def expire_tokens(self) -> None:
        """Let every token that is out expire now."""
        self.tokens = {text: replace(token, expires_at=0.0) for text, token in self.tokens.items()}

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

    def rotate_elsewhere(self, app: App) -> str:
        """Change the client's secret as somebody does in Auth0's dashboard, and return the new one."""
        app.change(App("unused").secret, time.monotonic())
        return app.secret

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
        if app is None:
            return False
        return app.accepts(value, time.monotonic(), self.propagation, new_too=self.new_works_at_once)

    def asked(self, *operations: Operation) -> list[Entry]:
        """Return the journal's entries of these operations, of all where none is named."""
        return [entry for entry in self.journal if not operations or entry.operation in operations]

    # What the server uses ----------------------------------------------------------------------

    def issue(self, scopes: Iterable[str], audience: str | None = None) -> str:
        """Return a new access token, for the Management API where no other audience is named."""
        text = secrets.token_urlsafe(64)
        expires_at = time.monotonic() + self.token_seconds
        self.tokens[text] = Token(frozenset(scopes), audience or self.audience, expires_at)
        return text

    def has_api(self, audience: str) -> bool:
        """Return whether there is an API of this name: Management, or one that an application has."""
        return audience == self.audience or any(audience in app.audiences for app in self.apps.values())

    def is_quota_used_up(self, app: App, audience: str) -> bool:
        """Return whether `app` had all its tokens, and count this one if it has not."""
        if self._quota is None or audience == self.audience:
            return False
        count = self._issued.get(app.client_id, 0)
        if count >= self._quota:
            return True
        self._issued[app.client_id] = count + 1
        return False

    def quota_header(self) -> str:
        """Return the value of Auth0-Client-Quota-Limit once the quota is used up."""
        return f"b=per_hour;q={self._quota};r=0;t=3600"

    def change_later(self, app: App, entry: Entry, seconds: float) -> None:
        """Let a lost change take effect after all."""

        async def land() -> None:
            await asyncio.sleep(seconds)
            entry.had_effect = app.change(entry.value, time.monotonic())

        task = asyncio.create_task(land())
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    async def close(self) -> None:
        """Drop what is still to land."""
        self.faults.clear()
        for task in self._late:
            task.cancel()
        await asyncio.gather(*self._late, return_exceptions=True)
