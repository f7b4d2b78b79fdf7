"""One tenant as one connection sees it: every call that the operator makes, and no other.

A call returns what it was asked for, or raises one of `errors`: Retry and Refused when nothing
was changed, Unknown when nobody can say.
"""

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
    described,
    judge_change,
    parse_client,
    parse_secret,
    refusal_of,
    wait_asked,
)
from auth0_rotator.auth0.http import LostError, NotSentError, Transport
from auth0_rotator.auth0.pace import Pace
from auth0_rotator.auth0.token_endpoint import Credentials, Token, TokenEndpoint, count
from auth0_rotator.conditions import Reason
from auth0_rotator.credential import ClientSecret
from auth0_rotator.errors import Refused, Retry, Unknown
from auth0_rotator.metrics import REMOTE_CHANGES, TENANT_WAIT

# Without any word of the tenant about how long to wait.
_LIMITED_WAIT: Final = timedelta(seconds=5)
# Asked for without its secrets, so that no answer to a read ever carries one.
_CLIENT_QUERY: Final = {
    "fields": "client_secret,signing_keys,encryption_key",
    "include_fields": "false",
}
_SECRET_QUERY: Final = {"fields": "client_id,client_secret,global", "include_fields": "true"}


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
        probe_pace: Pace,
        credentials: Callable[[], Awaitable[Credentials]],
    ) -> None:
        """`credentials` is awaited each time a new token is needed, and may raise Refused or Retry."""
        self.domain = domain
        self._transport = transport
        self._pace = pace
        self.tokens = TokenEndpoint(
            domain=domain,
            audience=audience,
            transport=transport,
            pace=probe_pace,
            credentials=credentials,
        )

    async def probe(self, client_id: str, secret: ClientSecret) -> Liveness:
        """Return whether the tenant accepts `secret` for the client; see `TokenEndpoint.probe`."""
        return await self.tokens.probe(client_id, secret)

    @property
    def has_room_for_probe(self) -> bool:
        """Whether a probe would go at once, and keep no other waiting."""
        return self.tokens.has_room

    async def close(self) -> None:
        """Close the connections to the tenant."""
        await self._transport.close()

    # Change ----------------------------------------------------------------------------------

    async def prepare(self) -> Permit:
        """Return the permit for one request that may go at once: a token, and a turn in the pace.

        Whatever takes time comes before a change is written down, so that nothing but the request
        itself comes after it.

        Raises:
            Refused, Retry: as for `TokenEndpoint.authenticate`; the tenant asked to wait.
        """
        token = await self.tokens.authenticate()
        with TENANT_WAIT.labels(domain=self.domain).time():
            await self._pace.turn()
        return Permit(token)

    async def depart(self) -> None:
        """Return when a request that has a permit may leave: right before it, and before it is asked
        whether what it rests on is still fresh."""
        await self._pace.depart()

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
        reason, advice = refusal_of(answer)
        message = (
            f"{self.domain} answered {described(answer, *hidden)} for the client {client_id}: {advice}"
        )
        match verdict:
            case Change.ACCEPTED:
                return
            case Change.LIMITED | Change.TOKEN_REFUSED:
                raise self._to_be_retried(answer, *hidden)
            case Change.VALUE_REFUSED:
                raise Refused(Reason.VALUE_REFUSED, f"{self.domain} refused the value itself")
            case Change.REFUSED:
                raise Refused(reason, message)
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
            count(self.domain, operation, "none")
            message = f"{self.domain} cannot be reached: {error}"
            raise Retry(Reason.UNREACHABLE, message) from None
        except LostError as error:
            count(self.domain, operation, "none")
            message = f"{self.domain} gave no answer: {error}"
            raise Unknown(Reason.UNREACHABLE, message) from None
        count(self.domain, operation, str(answer.status))
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            self._pace.pause(wait_asked(answer) or _LIMITED_WAIT)
        if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            # A scope that is granted meanwhile shows in a new token only.
            self.tokens.forget_token(permit.token)
        return answer

    def _to_be_retried(self, answer: Answer, *hidden: ClientSecret) -> Retry:
        message = f"{self.domain} answered {described(answer, *hidden)}"
        if answer.status == HTTPStatus.UNAUTHORIZED:
            return Retry(Reason.TOKEN_REFUSED, message)
        return Retry(Reason.RATE_LIMITED, message, wait_asked(answer) or _LIMITED_WAIT)

    # Read ------------------------------------------------------------------------------------

    async def read_client(self, client_id: str) -> Client:
        """Return what the tenant tells of the client.

        Raises:
            Refused: there is no such client, or it may not be read.
            Retry: the tenant was not reached, is busy, or gave no sensible answer.
        """
        answer = await self._read(client_id, _CLIENT_QUERY)
        client = parse_client(answer) if answer.status == HTTPStatus.OK else None
        if client is not None:
            return client
        raise self._read_in_vain(answer, client_id)

    async def read_client_secret(self, client_id: str) -> ClientSecret | None:
        """Return what the tenant shows as the client's secret, None where it shows none: the scope is
        missing, or the client uses no secret. It may lag behind a change.

        Raises:
            Refused, Retry: as for `read_client`; Refused for the global client as well.
        """
        answer = await self._read(client_id, _SECRET_QUERY)
        client = parse_client(answer) if answer.status == HTTPStatus.OK else None
        if client is not None and client.is_global:
            raise Refused(Reason.CLIENT_UNSUITABLE, f"{client_id} is the global client of {self.domain}")
        if client is not None:
            return parse_secret(answer, client_id)
        raise self._read_in_vain(answer, client_id)

    async def _read(self, client_id: str, query: Mapping[str, str]) -> Answer:
        permit, path = await self.prepare(), _client_path(client_id)
        try:
            return await self._management(permit, "GET", path, operation="read", query=query)
        except Unknown as error:
            raise Retry(error.reason, error.message) from None

    def _read_in_vain(self, answer: Answer, client_id: str) -> Retry | Refused:
        """Return what an answer that shows no client is told as."""
        if answer.status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.UNAUTHORIZED}:
            return self._to_be_retried(answer)
        reason, advice = refusal_of(answer)
        message = f"{self.domain} answered {described(answer)} for the client {client_id}: {advice}"
        if HTTPStatus.BAD_REQUEST <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return Refused(reason, message)
        return Retry(Reason.UNEXPECTED_ANSWER, message)


def _client_path(client_id: str) -> str:
    return f"/api/v2/clients/{quote(client_id, safe='')}"
