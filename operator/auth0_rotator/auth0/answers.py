"""What an answer of Auth0 means: the one table of statuses and error words. Pure.

Sources: Auth0's OpenAPI description and documentation, recorded exchanges, issue threads; the
message texts differ between tenants and years, so the status decides wherever it can.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from http import HTTPStatus
from typing import Any, Final

from auth0_rotator.conditions import Reason, parse_http_date
from auth0_rotator.credential import ClientSecret, masked

# Retry-After and reset may name any instant; past this they are no pause but a fault.
LONGEST_WAIT: Final = timedelta(minutes=5)
# Enough for an epoch until the year 2286, and never too many for a timedelta.
_MOST_DIGITS: Final = 10


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Its body is never printed: it may hold a client secret."""

    status: int
    headers: Mapping[str, str]
    body: Any
    """The parsed JSON, None where the answer is not JSON."""

    def __repr__(self) -> str:
        return f"Answer(status={self.status})"

    def text(self, name: str) -> str:
        """Return the string under `name` in a JSON object, empty where there is none."""
        value = self.body.get(name) if isinstance(self.body, dict) else None
        return value if isinstance(value, str) else ""


class Change(Enum):
    """What the answer to a change of a client secret means."""

    ACCEPTED = "accepted"
    TOKEN_REFUSED = "the access token is not accepted (any more)"
    LIMITED = "too many requests; nothing was changed"
    VALUE_REFUSED = "the value itself is refused; nothing was changed"
    REFUSED = "refused; nothing was changed"
    UNKNOWN = "nobody can say"


class Liveness(Enum):
    """What a probe says of a client secret."""

    LIVE = "live"
    NOT_LIVE = "not live"
    UNKNOWN = "unknown"


class Probe(Enum):
    """What one token request with a client's own secret tells, before the control request."""

    LIVE = "live"
    REFUSED = "the secret is not accepted"
    PROBABLY_LIVE = "refused for another cause, so the secret was probably accepted"
    OTHER_GRANT = "the client may not use this grant; ask by another"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Client:
    """What the Management API tells of a client, without its keys."""

    client_id: str
    name: str
    is_global: bool
    uses_no_secret: bool
    uses_key: bool
    signs_with_secret: bool
    """HS256: the client secret is the key that signs ID tokens as well."""


def judge_change(answer: Answer, client_id: str) -> Change:
    """Return what `answer` says of a PATCH of `client_secret` or of a POST to rotate-secret."""
    match answer.status:
        case HTTPStatus.OK if answer.text("client_id") == client_id:
            return Change.ACCEPTED
        case HTTPStatus.UNAUTHORIZED:
            return Change.TOKEN_REFUSED
        case HTTPStatus.TOO_MANY_REQUESTS:
            return Change.LIMITED
        case HTTPStatus.BAD_REQUEST if "client_secret" in answer.text("message"):
            return Change.VALUE_REFUSED
        case HTTPStatus.REQUEST_TIMEOUT:
            return Change.UNKNOWN
        case status if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return Change.REFUSED
        case _:
            return Change.UNKNOWN


def refusal_of(answer: Answer) -> tuple[Reason, str]:
    """Return the reason word of a refusal by the Management API, and what the reader can do."""
    match answer.status:
        case HTTPStatus.UNAUTHORIZED:
            return Reason.TOKEN_REFUSED, "a new token is asked for"
        case HTTPStatus.FORBIDDEN if answer.text("message"):
            return Reason.SCOPE_MISSING, "grant the operator's application what the tenant names"
        case HTTPStatus.NOT_FOUND:
            return Reason.CLIENT_UNKNOWN, "correct spec.parameters.clientId or the connection"
        case HTTPStatus.TOO_MANY_REQUESTS:
            return Reason.RATE_LIMITED, "it is tried again later"
        case HTTPStatus.FORBIDDEN:
            return Reason.UNEXPECTED_ANSWER, "this is no answer of Auth0: look for a proxy or firewall"
        case status if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return Reason.REQUEST_REFUSED, "mend what the tenant names"
        case _:
            return Reason.UNEXPECTED_ANSWER, "it is tried on"


def token_refusal_of(answer: Answer) -> tuple[Reason, str]:
    """Return the reason why no Management token was issued, and what the reader can do."""
    error, description = answer.text("error"), answer.text("error_description")
    match answer.status:
        case HTTPStatus.UNAUTHORIZED:
            return Reason.CREDENTIALS_REFUSED, "correct the client id and secret in the Secret"
        case HTTPStatus.FORBIDDEN if error == "unauthorized_client":
            return (
                Reason.GRANT_TYPE_REFUSED,
                "allow the grant type client_credentials for the application",
            )
        case HTTPStatus.FORBIDDEN if description.startswith("Service not"):
            return Reason.AUDIENCE_UNKNOWN, "correct spec.audience or spec.domain"
        case HTTPStatus.FORBIDDEN:
            return (
                Reason.GRANT_MISSING,
                "authorize the application for the Auth0 Management API with update:client_keys",
            )
        case HTTPStatus.TOO_MANY_REQUESTS:
            return Reason.RATE_LIMITED, "it is asked again later"
        case _:
            return Reason.UNEXPECTED_ANSWER, "check spec.domain and spec.endpoint"


def judge_probe(answer: Answer) -> Probe:
    """Return what `answer` says of the client secret in a token request.

    Only an OAuth error body is believed: a firewall's page says nothing about a secret.
    """
    error = answer.text("error")
    match answer.status:
        case HTTPStatus.OK if answer.text("access_token"):
            return Probe.LIVE
        case HTTPStatus.UNAUTHORIZED if error:
            return Probe.REFUSED
        case HTTPStatus.FORBIDDEN if error == "unauthorized_client":
            return Probe.OTHER_GRANT
        case HTTPStatus.FORBIDDEN if error:
            return Probe.PROBABLY_LIVE
        case _:
            return Probe.UNKNOWN


def parse_client(answer: Answer) -> Client | None:
    """Return the client that the answer shows, None where it shows none."""
    body = answer.body
    if not isinstance(body, dict) or not answer.text("client_id"):
        return None
    signing = body.get("jwt_configuration")
    return Client(
        client_id=answer.text("client_id"),
        name=answer.text("name"),
        is_global=body.get("global") is True,
        uses_no_secret=body.get("token_endpoint_auth_method") == "none",
        uses_key=bool(body.get("client_authentication_methods")),
        signs_with_secret=isinstance(signing, dict) and signing.get("alg") == "HS256",
    )


def parse_secret(answer: Answer, client_id: str) -> ClientSecret | None:
    """Return the client secret of the client that the answer shows, None where it shows none."""
    text = answer.text("client_secret")
    return ClientSecret(text) if text and answer.text("client_id") == client_id else None


def described(answer: Answer, *hidden: ClientSecret) -> str:
    """Return what the other side says, in one line and without any trace of the `hidden` values."""
    text = answer.text("message") or answer.text("error_description") or answer.text("error")
    return masked(" ".join(f"{answer.status} {text}".split())[:512], hidden)


def wait_asked(answer: Answer) -> timedelta | None:
    """Return how long the other side asks to wait, five minutes at most; None where it does not say.

    Retry-After (seconds) comes first; else x-ratelimit-reset (epoch seconds) by the answer's own
    Date, so that a wrong clock on either side does no harm.
    """
    told = _number(answer.headers.get("retry-after"))
    if told is not None:
        return min(timedelta(seconds=told), LONGEST_WAIT)
    reset = _number(answer.headers.get("x-ratelimit-reset"))
    sent = parse_http_date(answer.headers.get("date"))
    if reset is None or sent is None:
        return None
    return min(timedelta(seconds=max(0.0, reset - sent.timestamp())), LONGEST_WAIT)


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and len(text) <= _MOST_DIGITS else None
