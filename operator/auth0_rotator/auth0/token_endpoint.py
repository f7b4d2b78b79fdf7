"""The token endpoint of one tenant: the operator's own access token, and probes of client secrets."""

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from auth0_rotator.auth0.answers import (
    Answer,
    Liveness,
    Probe,
    described,
    judge_probe,
    token_refusal_of,
    wait_asked,
)
from auth0_rotator.auth0.http import LostError, NotSentError, Transport
from auth0_rotator.auth0.pace import Pace
from auth0_rotator.conditions import Reason
from auth0_rotator.credential import ClientSecret
from auth0_rotator.errors import Refused, Retry
from auth0_rotator.metrics import TENANT_REQUESTS

CLIENT_CREDENTIALS: Final = "client_credentials"
# A token is not used in its last minute: clocks differ, and requests take time.
_TOKEN_RESERVE: Final = 60.0
_DEFAULT_TOKEN_SECONDS: Final = 86400.0
_LONGEST_TOKEN_SECONDS: Final = 30 * 86400.0
# What a header can hold.
_TOKEN: Final = re.compile(r"[\x21-\x7e]+")


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


class TokenEndpoint:
    """Requests to /oauth/token. It has limits of its own at the tenant."""

    def __init__(
        self,
        *,
        domain: str,
        audience: str,
        transport: Transport,
        pace: Pace,
        credentials: Callable[[], Awaitable[Credentials]],
    ) -> None:
        """`credentials` is awaited each time a new token is needed, and may raise Refused or Retry.

        `pace` is that of probes: they must not keep a change from its turn.
        """
        self._domain = domain
        self._audience = audience
        self._transport = transport
        self._pace = pace
        self._credentials = credentials
        self._token: Token | None = None
        self._one_request = asyncio.Lock()

    async def authenticate(self) -> Token:
        """Return an access token: the kept one while it lasts.

        However many ask at once, one request is in flight.

        Raises:
            Refused: with the reason for the connection's Ready condition.
            Retry: the tenant could not be reached, or is busy.
        """
        async with self._one_request:
            kept = self._token
            if kept is None or kept.expires_at <= asyncio.get_running_loop().time():
                self._token = kept = await self._new_token()
            return kept

    def forget_token(self, token: Token | None = None) -> None:
        """Ask for a new token next time; where a `token` is named, only if it still is the kept one."""
        if token is None or self._token is token:
            self._token = None

    async def _new_token(self) -> Token:
        credentials = await self._credentials()
        answer = await self._request(
            {
                "grant_type": CLIENT_CREDENTIALS,
                "client_id": credentials.client_id,
                "client_secret": credentials.client_secret.reveal(),
                "audience": self._audience,
            },
            operation="token",
        )
        text = answer.text("access_token")
        if answer.status == HTTPStatus.OK and _TOKEN.fullmatch(text):
            lifetime = answer.body.get("expires_in")
            is_number = isinstance(lifetime, int | float)
            seconds = min(lifetime, _LONGEST_TOKEN_SECONDS) if is_number else _DEFAULT_TOKEN_SECONDS
            return Token(
                text=ClientSecret(text),
                scopes=frozenset(answer.text("scope").split()),
                expires_at=asyncio.get_running_loop().time() + max(0.0, seconds - _TOKEN_RESERVE),
            )
        reason, advice = token_refusal_of(answer)
        said = described(answer, credentials.client_secret)
        message = f"{self._domain} issued no token ({said}): {advice}"
        if reason is Reason.RATE_LIMITED or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Retry(reason, message, wait_asked(answer))
        raise Refused(reason, message)

    async def _request(self, form: Mapping[str, str], *, operation: str) -> Answer:
        """Return the answer to one request.

        Raises:
            Retry: there was none.
        """
        try:
            answer = await self._transport.send("POST", "/oauth/token", form=form)
        except (NotSentError, LostError) as error:
            count(self._domain, operation, "none")
            message = f"{self._domain} cannot be reached: {error}"
            raise Retry(Reason.UNREACHABLE, message) from None
        count(self._domain, operation, str(answer.status))
        return answer

    @property
    def has_room(self) -> bool:
        """Whether a probe would go at once."""
        return self._pace.is_free

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
            await self._pace.turn()
            return judge_probe(await self._request(request, operation="probe"))
        except Retry:
            return Probe.UNKNOWN

    def _grant_form(self) -> dict[str, str]:
        return {"grant_type": CLIENT_CREDENTIALS, "audience": self._audience}

    def _code_form(self) -> dict[str, str]:
        return {
            "grant_type": "authorization_code",
            "code": "not-a-code",
            "redirect_uri": f"https://{self._domain}/",
        }


def count(domain: str, operation: str, status: str) -> None:
    """Count one request to a tenant."""
    TENANT_REQUESTS.labels(domain=domain, operation=operation, status=status).inc()
