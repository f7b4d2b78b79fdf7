"""One tenant as one connection sees it: every call that the operator makes, and no other.

A call returns what it was asked for, or raises one of `errors`: Retry and Refused when nothing
was changed, Unknown when nobody can say.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from auth0_rotator.auth0.answers import (
    Answer,
    Change,
    Client,
    Liveness,
    Probe,
    described,
    judge_change,
    judge_probe,
    parse_client,
    refusal_of,
    token_refusal_of,
    wait_asked,
)
from auth0_rotator.auth0.http import LostError, NotSentError, Transport
from auth0_rotator.auth0.pace import Pace
from auth0_rotator.conditions import Reason
from auth0_rotator.credential import ClientSecret
from auth0_rotator.errors import Refused, Retry, Unknown
from auth0_rotator.metrics import REMOTE_CHANGES, TENANT_REQUESTS, TENANT_WAIT

CLIENT_CREDENTIALS: Final = "client_credentials"
# A token is not used in its last minute: clocks differ, and requests take time.
_TOKEN_RESERVE: Final = 60.0
_DEFAULT_TOKEN_SECONDS: Final = 86400.0
# Without any word of the tenant about how long to wait.
_LIMITED_WAIT: Final = timedelta(seconds=5)
# Asked for without its secrets, so that no answer to a read ever carries one.
_CLIENT_QUERY: Final = {
    "fields": "client_secret,signing_keys,encryption_key",
    "include_fields": "false",
}


@dataclass(frozen=True, slots=True)
class Credentials:
    """As whom the operator authenticates."""

    client_id: str
    client_secret: ClientSecret


@dataclass(frozen=True, slots=True)
class Token:
    """An access token for the Management API. Its text is never printed."""

    text: ClientSecret
    scopes: frozenset[str]
    expires_at: float
    """By the event loop's clock."""


@dataclass(frozen=True, slots=True)
class Permit:
    """The right to send one request to the Management API, now."""

    token: Token


class Tenant:
    """Calls to one tenant with one pair of credentials."""

    def __init__(
        self,
        *,
        domain: str,
        audience: str,
        transport: Transport,
        pace: Pace,
        credentials: Callable[[], Awaitable[Credentials]],
    ) -> None:
        """`credentials` is awaited each time a new token is needed, and may raise Refused or Retry."""
        self.domain = domain
        self._audience = audience
        self._transport = transport
        self._pace = pace
        self._credentials = credentials
        self._token: Token | None = None
        self._one_token_request = asyncio.Lock()

    async def close(self) -> None:
        """Close the connections to the tenant."""
        await self._transport.close()

    # Token -----------------------------------------------------------------------------------

    async def authenticate(self) -> Token:
        """Return an access token: the kept one while it lasts.

        However many ask at once, one request is in flight.

        Raises:
            Refused: with the reason for the connection's Ready condition.
            Retry: the tenant could not be reached, or is busy.
        """
        async with self._one_token_request:
            kept = self._token
            if kept is None or kept.expires_at <= asyncio.get_running_loop().time():
                self._token = kept = await self._new_token()
            return kept

    def forget_token(self) -> None:
        """Ask for a new token next time."""
        self._token = None

    async def _new_token(self) -> Token:
        credentials = await self._credentials()
        answer = await self._token_request(
            {
                "grant_type": CLIENT_CREDENTIALS,
                "client_id": credentials.client_id,
                "client_secret": credentials.client_secret.reveal(),
                "audience": self._audience,
            },
            operation="token",
        )
        text = answer.text("access_token")
        if answer.status == HTTPStatus.OK and text:
            lifetime = answer.body.get("expires_in")
            seconds = lifetime if isinstance(lifetime, int | float) else _DEFAULT_TOKEN_SECONDS
            return Token(
                text=ClientSecret(text),
                scopes=frozenset(answer.text("scope").split()),
                expires_at=asyncio.get_running_loop().time() + max(0.0, seconds - _TOKEN_RESERVE),
            )
        reason, advice = token_refusal_of(answer)
        said = described(answer, credentials.client_secret)
        message = f"{self.domain} issued no token ({said}): {advice}"
        if reason is Reason.RATE_LIMITED or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Retry(reason, message, wait_asked(answer))
        raise Refused(reason, message)

    async def _token_request(self, form: Mapping[str, str], *, operation: str) -> Answer:
        """Return the answer of the token endpoint, which has limits of its own at the tenant."""
        try:
            answer = await self._transport.send("POST", "/oauth/token", form=form)
        except (NotSentError, LostError) as error:
            self._count(operation, "none")
            message = f"{self.domain} cannot be reached: {error}"
            raise Retry(Reason.UNREACHABLE, message) from None
        self._count(operation, str(answer.status))
        return answer

    # Change ----------------------------------------------------------------------------------

    async def prepare(self) -> Permit:
        """Return the permit for one request that may go at once: a token, and a turn in the pace.

        Whatever takes time comes before a change is written down, so that nothing but the request
        itself comes after it.

        Raises:
            Refused, Retry: as for `authenticate`; the tenant asked to wait.
        """
        token = await self.authenticate()
        with TENANT_WAIT.labels(domain=self.domain).time():
            await self._pace.turn()
        return Permit(token)

    async def set_client_secret(self, permit: Permit, client_id: str, secret: ClientSecret) -> None:
        """Make `secret` the client's secret. The same call twice is the same as once.

        Raises:
            Refused: nothing was changed; with ValueRefused another value may pass.
            Retry: nothing was changed; the tenant was not reached, is busy, or wants a new token.
            Unknown: the tenant may have taken the value, or may yet take it.
        """
        path, body = _client_path(client_id), {"client_secret": secret.reveal()}
        answer = await self._management(permit, "PATCH", path, operation="patch", body=body)
        self._raise_unless_accepted(answer, client_id, secret)

    async def revoke_client_secret(self, permit: Permit, client_id: str) -> None:
        """Give the client a secret that nobody knows: the answer, which shows it, is dropped.

        Raises:
            Refused, Retry, Unknown: as for `set_client_secret`.
        """
        path = f"{_client_path(client_id)}/rotate-secret"
        answer = await self._management(permit, "POST", path, operation="revoke")
        self._raise_unless_accepted(answer, client_id)

    def _raise_unless_accepted(self, answer: Answer, client_id: str, *hidden: ClientSecret) -> None:
        verdict = judge_change(answer, client_id)
        REMOTE_CHANGES.labels(domain=self.domain, result=verdict.name.lower()).inc()
        message = f"{self.domain} answered {described(answer, *hidden)}"
        match verdict:
            case Change.ACCEPTED:
                return
            case Change.LIMITED | Change.TOKEN_REFUSED:
                raise self._to_be_retried(answer)
            case Change.VALUE_REFUSED:
                raise Refused(Reason.VALUE_REFUSED, f"{self.domain} refused the value itself")
            case Change.REFUSED:
                raise Refused(refusal_of(answer), message)
            case Change.UNKNOWN:
                raise Unknown(Reason.UNEXPECTED_ANSWER, message)

    async def _management(
        self,
        permit: Permit,
        method: str,
        path: str,
        *,
        operation: str,
        body: Any = None,
        query: Mapping[str, str] | None = None,
    ) -> Answer:
        token = permit.token.text.reveal()
        try:
            answer = await self._transport.send(method, path, token=token, json_body=body, query=query)
        except NotSentError as error:
            self._count(operation, "none")
            message = f"{self.domain} cannot be reached: {error}"
            raise Retry(Reason.UNREACHABLE, message) from None
        except LostError as error:
            self._count(operation, "none")
            message = f"{self.domain} gave no answer: {error}"
            raise Unknown(Reason.UNREACHABLE, message) from None
        self._count(operation, str(answer.status))
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            self._pace.pause(wait_asked(answer) or _LIMITED_WAIT)
        if answer.status == HTTPStatus.UNAUTHORIZED and self._token is permit.token:
            self._token = None
        return answer

    def _to_be_retried(self, answer: Answer) -> Retry:
        message = f"{self.domain} answered {described(answer)}"
        if answer.status == HTTPStatus.UNAUTHORIZED:
            return Retry(Reason.TOKEN_REFUSED, message)
        return Retry(Reason.RATE_LIMITED, message, wait_asked(answer) or _LIMITED_WAIT)

    # Read and probe --------------------------------------------------------------------------

    async def read_client(self, client_id: str) -> Client:
        """Return what the tenant tells of the client.

        Raises:
            Refused: there is no such client, or it may not be read.
            Retry: the tenant was not reached, is busy, or gave no sensible answer.
        """
        permit, path = await self.prepare(), _client_path(client_id)
        try:
            answer = await self._management(permit, "GET", path, operation="read", query=_CLIENT_QUERY)
        except Unknown as error:
            raise Retry(error.reason, error.message) from None
        client = parse_client(answer) if answer.status == HTTPStatus.OK else None
        if client is not None:
            return client
        if answer.status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.UNAUTHORIZED}:
            raise self._to_be_retried(answer)
        message = f"{self.domain} answered {described(answer)}"
        if HTTPStatus.BAD_REQUEST <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Refused(refusal_of(answer), message)
        raise Retry(Reason.UNEXPECTED_ANSWER, message)

    async def probe(self, client_id: str, secret: ClientSecret) -> Liveness:
        """Return whether the tenant accepts `secret` for the client, asked by a token request.

        Where the request is refused for another cause, a random secret is tried as well: only if
        that one is refused for itself did the tenant look at the secret at all. Never raises.
        """
        for form in (self._grant_form(), self._code_form()):
            seen = await self._probe_once(client_id, secret, form)
            if seen is not Probe.OTHER_GRANT:
                break
        match seen:
            case Probe.LIVE:
                return Liveness.LIVE
            case Probe.REFUSED:
                return Liveness.NOT_LIVE
            case Probe.PROBABLY_LIVE:
                control = ClientSecret(secrets.token_urlsafe(48))
                is_told_apart = await self._probe_once(client_id, control, form) is Probe.REFUSED
                return Liveness.LIVE if is_told_apart else Liveness.UNKNOWN
            case _:
                return Liveness.UNKNOWN

    async def _probe_once(self, client_id: str, secret: ClientSecret, form: Mapping[str, str]) -> Probe:
        request = {**form, "client_id": client_id, "client_secret": secret.reveal()}
        try:
            return judge_probe(await self._token_request(request, operation="probe"))
        except Retry:
            return Probe.UNKNOWN

    def _grant_form(self) -> dict[str, str]:
        return {"grant_type": CLIENT_CREDENTIALS, "audience": self._audience}

    def _code_form(self) -> dict[str, str]:
        return {
            "grant_type": "authorization_code",
            "code": "not-a-code",
            "redirect_uri": f"https://{self.domain}/",
        }

    def _count(self, operation: str, status: str) -> None:
        TENANT_REQUESTS.labels(domain=self.domain, operation=operation, status=status).inc()


def _client_path(client_id: str) -> str:
    return f"/api/v2/clients/{quote(client_id, safe='')}"
