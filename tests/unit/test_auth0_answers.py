"""What each answer of Auth0 means. The texts are those of the documentation, recordings and issues."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auth0_rotator.auth0.answers import (
    Answer,
    Change,
    Client,
    Probe,
    described,
    judge_change,
    judge_probe,
    parse_client,
    parse_secret,
    refusal_of,
    token_refusal_of,
    wait_asked,
)
from auth0_rotator.conditions import Reason
from auth0_rotator.credential import ClientSecret
from examples import CLIENT_ID, CURRENT, NEXT

FIREWALL = None  # a page of HTML is no JSON


def answer(status: int, body: Any = FIREWALL, **headers: str) -> Answer:
    """Return an answer; an underscore in a header stands for a hyphen."""
    return Answer(status, {name.replace("_", "-"): text for name, text in headers.items()}, body)


def management(status: int, error: str, message: str, code: str = "") -> Answer:
    """Return an error of the Management API."""
    body = {"statusCode": status, "error": error, "message": message, "errorCode": code}
    return answer(status, {name: value for name, value in body.items() if value})


def oauth(status: int, error: str, description: str = "") -> Answer:
    """Return an error of the token endpoint."""
    return answer(status, {"error": error, "error_description": description})


ACCEPTED = answer(200, {"client_id": CLIENT_ID, "client_secret": CURRENT.reveal(), "name": "web"})
UNKNOWN_CLIENT = management(404, "Not Found", "The client does not exist", "inexistent_client")
NO_SCOPE = management(
    403, "Forbidden", "Insufficient scope, expected any of: update:client_keys", "insufficient_scope"
)
PLAN_LIMIT = management(403, "Forbidden", "Please upgrade your subscription", "insufficient_entitlement")
MISSING = management(401, "Unauthorized", "Missing authentication")
EXPIRED = management(401, "Unauthorized", "Expired token received for JSON Web Token validation")
LIMITED = management(429, "Too Many Requests", "Global limit has been reached", "too_many_requests")
WRONG_PATH = management(400, "Bad Request", "Path validation error: 'Object ...'", "invalid_uri")
WRONG_VALUE = management(
    400,
    "Bad Request",
    "Payload validation error: 'String is too short' on property client_secret",
    "invalid_body",
)
WRONG_BODY = management(
    400, "Bad Request", "Payload validation error: 'Additional properties ...'", "invalid_body"
)


# A change --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "change"),
    [
        pytest.param(ACCEPTED, Change.ACCEPTED, id="accepted"),
        pytest.param(answer(200, {"client_id": CLIENT_ID}), Change.ACCEPTED, id="accepted-without-keys"),
        pytest.param(answer(200, {"client_id": "another"}), Change.UNKNOWN, id="names-another-client"),
        pytest.param(answer(200, {"name": "web"}), Change.UNKNOWN, id="names-no-client"),
        pytest.param(answer(200), Change.UNKNOWN, id="page-of-a-proxy"),
        pytest.param(answer(200, [{"client_id": CLIENT_ID}]), Change.UNKNOWN, id="a-list"),
        pytest.param(answer(201, {"client_id": CLIENT_ID}), Change.UNKNOWN, id="created"),
        pytest.param(answer(204), Change.UNKNOWN, id="no-content"),
        pytest.param(answer(302), Change.UNKNOWN, id="redirect"),
        pytest.param(answer(399), Change.UNKNOWN, id="last-of-the-redirects"),
        pytest.param(MISSING, Change.TOKEN_REFUSED, id="no-token"),
        pytest.param(EXPIRED, Change.TOKEN_REFUSED, id="token-expired"),
        pytest.param(answer(401), Change.TOKEN_REFUSED, id="401-without-body"),
        pytest.param(LIMITED, Change.LIMITED, id="limited"),
        pytest.param(answer(429), Change.LIMITED, id="429-without-body"),
        pytest.param(WRONG_VALUE, Change.VALUE_REFUSED, id="value-refused"),
        pytest.param(WRONG_BODY, Change.REFUSED, id="body-refused"),
        pytest.param(WRONG_PATH, Change.REFUSED, id="path-refused"),
        pytest.param(answer(400), Change.REFUSED, id="400-without-body"),
        pytest.param(NO_SCOPE, Change.REFUSED, id="no-scope"),
        pytest.param(PLAN_LIMIT, Change.REFUSED, id="plan-limit"),
        pytest.param(UNKNOWN_CLIENT, Change.REFUSED, id="no-such-client"),
        pytest.param(answer(404), Change.REFUSED, id="404-without-body"),
        pytest.param(answer(408), Change.UNKNOWN, id="timeout"),
        pytest.param(answer(409), Change.REFUSED, id="conflict"),
        pytest.param(answer(413), Change.REFUSED, id="too-large"),
        pytest.param(answer(499), Change.REFUSED, id="last-of-the-refusals"),
        pytest.param(answer(500), Change.UNKNOWN, id="server-error"),
        pytest.param(answer(502), Change.UNKNOWN, id="bad-gateway"),
        pytest.param(answer(503), Change.UNKNOWN, id="unavailable"),
        pytest.param(answer(504), Change.UNKNOWN, id="gateway-timeout"),
        pytest.param(answer(100), Change.UNKNOWN, id="continue"),
    ],
)
def test_an_answer_to_a_change(said: Answer, change: Change) -> None:
    assert judge_change(said, CLIENT_ID) is change


def test_only_a_400_refuses_the_value_itself() -> None:
    text = "Insufficient scope to set client_secret"
    assert judge_change(management(403, "Forbidden", text), CLIENT_ID) is Change.REFUSED


SCOPE = (Reason.SCOPE_MISSING, "grant the operator's application what the tenant names")
CLIENT = (Reason.CLIENT_UNKNOWN, "correct spec.parameters.clientId or the connection")
PROXY = (Reason.UNEXPECTED_ANSWER, "this is no answer of Auth0: look for a proxy or firewall")
MEND = (Reason.REQUEST_REFUSED, "mend what the tenant names")
ODD = (Reason.UNEXPECTED_ANSWER, "it is tried on")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param(MISSING, (Reason.TOKEN_REFUSED, "a new token is asked for"), id="401"),
        pytest.param(NO_SCOPE, SCOPE, id="403"),
        pytest.param(answer(403), PROXY, id="403-firewall"),
        pytest.param(UNKNOWN_CLIENT, CLIENT, id="404"),
        pytest.param(LIMITED, (Reason.RATE_LIMITED, "it is tried again later"), id="429"),
        pytest.param(WRONG_BODY, MEND, id="400"),
        pytest.param(answer(409), MEND, id="409"),
        pytest.param(answer(499), MEND, id="499"),
        pytest.param(answer(399), ODD, id="399"),
        pytest.param(answer(500), ODD, id="500"),
        pytest.param(answer(200), ODD, id="200"),
    ],
)
def test_the_reason_of_a_refusal_and_what_to_do(said: Answer, expected: tuple[Reason, str]) -> None:
    assert refusal_of(said) == expected


# A token ---------------------------------------------------------------------------------------

CREDENTIALS = (Reason.CREDENTIALS_REFUSED, "correct the client id and secret in the Secret")
GRANT = (
    Reason.GRANT_MISSING,
    "authorize the application for the Auth0 Management API with update:client_keys",
)
AUDIENCE = (Reason.AUDIENCE_UNKNOWN, "correct spec.audience or spec.domain")
GRANT_TYPE = (
    Reason.GRANT_TYPE_REFUSED,
    "allow the grant type client_credentials for the application",
)
LATER = (Reason.RATE_LIMITED, "it is asked again later")
WHAT = (Reason.UNEXPECTED_ANSWER, "check spec.domain and spec.endpoint")
NO_GRANT = 'Client is not authorized to access "https://acme.eu.auth0.com/api/v2/". You need to ...'


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param(oauth(401, "access_denied", "Unauthorized"), CREDENTIALS, id="wrong-secret"),
        pytest.param(
            oauth(401, "invalid_client", "Client authentication failed"),
            CREDENTIALS,
            id="wrong-secret-new-words",
        ),
        pytest.param(answer(401), CREDENTIALS, id="401-without-body"),
        pytest.param(oauth(403, "access_denied", NO_GRANT), GRANT, id="no-grant"),
        pytest.param(
            oauth(403, "access_denied", "Service not found: https://acme.eu.auth0.com/api/v2"),
            AUDIENCE,
            id="audience-typo",
        ),
        pytest.param(
            oauth(403, "access_denied", "Service not enabled within domain: https://x/api/v2/"),
            AUDIENCE,
            id="audience-of-another-tenant",
        ),
        pytest.param(
            oauth(
                403, "unauthorized_client", "Grant type 'client_credentials' not allowed for the client."
            ),
            GRANT_TYPE,
            id="grant-type-off",
        ),
        pytest.param(
            oauth(403, "unauthorized_client", "Service not found"),
            GRANT_TYPE,
            id="grant-type-before-audience",
        ),
        pytest.param(answer(403), GRANT, id="403-without-body"),
        pytest.param(oauth(429, "too_many_requests", "Client quota exceeded"), LATER, id="quota"),
        pytest.param(answer(429), LATER, id="429-without-body"),
        pytest.param(oauth(400, "invalid_request", "Missing required parameter"), WHAT, id="our-bug"),
        pytest.param(oauth(400, "unauthorized_client", "x"), WHAT, id="not-a-403"),
        pytest.param(answer(200), WHAT, id="200-without-token"),
        pytest.param(answer(404), WHAT, id="wrong-host"),
        pytest.param(answer(503), WHAT, id="unavailable"),
    ],
)
def test_why_no_token_was_issued_and_what_to_do(said: Answer, expected: tuple[Reason, str]) -> None:
    assert token_refusal_of(said) == expected


# A probe ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "probe"),
    [
        pytest.param(answer(200, {"access_token": "x", "expires_in": 1}), Probe.LIVE, id="token"),
        pytest.param(answer(200, {"token_type": "Bearer"}), Probe.UNKNOWN, id="200-without-token"),
        pytest.param(answer(200), Probe.UNKNOWN, id="200-page"),
        pytest.param(oauth(401, "access_denied", "Unauthorized"), Probe.REFUSED, id="wrong-secret"),
        pytest.param(oauth(401, "invalid_client"), Probe.REFUSED, id="wrong-secret-new-words"),
        pytest.param(answer(401), Probe.UNKNOWN, id="401-page"),
        pytest.param(answer(401, {"message": "no"}), Probe.UNKNOWN, id="401-of-something-else"),
        pytest.param(oauth(403, "access_denied", NO_GRANT), Probe.PROBABLY_LIVE, id="no-grant"),
        pytest.param(
            oauth(403, "invalid_grant", "Invalid authorization code"),
            Probe.PROBABLY_LIVE,
            id="invalid-code",
        ),
        pytest.param(oauth(403, "unauthorized_client"), Probe.OTHER_GRANT, id="grant-type-off"),
        pytest.param(answer(403), Probe.UNKNOWN, id="page-of-a-firewall"),
        pytest.param(answer(403, {"error": 7}), Probe.UNKNOWN, id="403-with-a-number"),
        pytest.param(oauth(400, "invalid_request"), Probe.UNKNOWN, id="our-bug"),
        pytest.param(oauth(429, "too_many_requests"), Probe.UNKNOWN, id="limited"),
        pytest.param(oauth(500, "server_error"), Probe.UNKNOWN, id="server-error"),
        pytest.param(answer(503), Probe.UNKNOWN, id="unavailable"),
    ],
)
def test_what_a_probe_tells(said: Answer, probe: Probe) -> None:
    assert judge_probe(said) is probe


# A client --------------------------------------------------------------------------------------


def client(**changes: Any) -> Client | None:
    return parse_client(answer(200, {"client_id": CLIENT_ID, "name": "web"} | changes))


def test_a_plain_client_is_told_as_it_is() -> None:
    assert client(
        token_endpoint_auth_method="client_secret_post",
        jwt_configuration={"alg": "RS256"},
    ) == Client(
        client_id=CLIENT_ID,
        name="web",
        is_global=False,
        uses_no_secret=False,
        uses_key=False,
        signs_with_secret=False,
    )


@pytest.mark.parametrize(
    ("changes", "traits"),
    [
        pytest.param({}, set(), id="plain"),
        pytest.param({"global": True}, {"is_global"}, id="global"),
        pytest.param({"global": "true"}, set(), id="not-really-global"),
        pytest.param({"token_endpoint_auth_method": "none"}, {"uses_no_secret"}, id="method-none"),
        pytest.param({"client_authentication_methods": {"private_key_jwt": {}}}, {"uses_key"}, id="key"),
        pytest.param({"client_authentication_methods": None}, set(), id="no-key"),
        pytest.param({"jwt_configuration": {"alg": "HS256"}}, {"signs_with_secret"}, id="hs256"),
        pytest.param({"jwt_configuration": {}}, set(), id="no-algorithm"),
        pytest.param({"jwt_configuration": "HS256"}, set(), id="not-an-object"),
    ],
)
def test_what_makes_a_client_unsuitable_is_told(changes: dict[str, Any], traits: set[str]) -> None:
    found = client(**changes)
    assert found is not None
    names = ("is_global", "uses_no_secret", "uses_key", "signs_with_secret")
    assert {name for name in names if getattr(found, name)} == traits


@pytest.mark.parametrize(
    "body",
    [None, [], "text", {}, {"name": "web"}, {"client_id": ""}, {"client_id": 7}],
    ids=["no-json", "list", "text", "empty", "no-id", "empty-id", "number"],
)
def test_an_answer_without_a_client_shows_none(body: object) -> None:
    assert parse_client(answer(200, body)) is None


def test_a_client_without_a_name_is_a_client() -> None:
    found = client(name=None)
    assert found is not None
    assert (found.client_id, found.name) == (CLIENT_ID, "")


@pytest.mark.parametrize(
    ("body", "secret"),
    [
        pytest.param({"client_id": CLIENT_ID, "client_secret": CURRENT.reveal()}, CURRENT, id="shown"),
        pytest.param({"client_id": CLIENT_ID}, None, id="hidden"),
        pytest.param({"client_id": CLIENT_ID, "client_secret": ""}, None, id="empty"),
        pytest.param({"client_id": CLIENT_ID, "client_secret": 7}, None, id="number"),
        pytest.param({"client_id": "x", "client_secret": CURRENT.reveal()}, None, id="another-client"),
        pytest.param({"client_secret": CURRENT.reveal()}, None, id="of-nobody"),
        pytest.param(FIREWALL, None, id="firewall"),
    ],
)
def test_a_client_secret_is_taken_from_its_own_client_alone(
    body: Any, secret: ClientSecret | None
) -> None:
    assert parse_secret(answer(200, body), CLIENT_ID) == secret


# Words -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "text"),
    [
        pytest.param({"a": "b"}, "b", id="text"),
        pytest.param({"a": ""}, "", id="empty"),
        pytest.param({"a": 7}, "", id="number"),
        pytest.param({"a": None}, "", id="null"),
        pytest.param({"b": "a"}, "", id="absent"),
        pytest.param(["a"], "", id="list"),
        pytest.param("a", "", id="bare-text"),
        pytest.param(None, "", id="no-json"),
    ],
)
def test_only_a_text_in_an_object_is_read(body: object, text: str) -> None:
    assert answer(200, body).text("a") == text


def test_the_body_of_an_answer_is_never_printed() -> None:
    assert repr(ACCEPTED) == str(ACCEPTED) == "Answer(status=200)"
    assert CURRENT.reveal() in repr(ACCEPTED.body)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        pytest.param(UNKNOWN_CLIENT, "404 The client does not exist", id="message"),
        pytest.param(oauth(401, "access_denied", "Unauthorized"), "401 Unauthorized", id="description"),
        pytest.param(oauth(401, "invalid_client"), "401 invalid_client", id="error"),
        pytest.param(
            answer(400, {"message": "m", "error_description": "d", "error": "e"}),
            "400 m",
            id="message-first",
        ),
        pytest.param(
            answer(400, {"error_description": "d", "error": "e"}), "400 d", id="description-next"
        ),
        pytest.param(answer(502), "502", id="nothing"),
        pytest.param(answer(400, {"message": " two\r\n  lines\t"}), "400 two lines", id="one-line"),
        pytest.param(answer(400, {"message": "x " * 400}), ("400 " + "x " * 400)[:512], id="cut"),
        pytest.param(
            answer(400, {"message": f"'{NEXT.reveal()}' is too weak"}),
            "400 '***' is too weak",
            id="quoted-value",
        ),
        pytest.param(
            answer(400, {"message": f"{NEXT.reveal()[:12]}... {CURRENT.reveal()}"}),
            "400 *** ***",
            id="both-values",
        ),
    ],
)
def test_an_answer_is_described_in_one_line_without_a_value(said: Answer, sentence: str) -> None:
    assert described(said, NEXT, CURRENT) == sentence


def test_a_value_that_the_cut_breaks_is_hidden_as_well() -> None:
    """It is cut to 512 characters before it is searched: eight of a value are a trace, seven are not."""
    for kept in range(65):
        padding = "x " * 600
        text = padding[: 512 - len("400 ") - kept - 1] + " " + NEXT.reveal()
        told = described(answer(400, {"message": text}), NEXT)
        assert NEXT.reveal()[:8] not in told


def test_without_values_to_hide_everything_is_told() -> None:
    assert described(answer(400, {"message": f"a {CURRENT.reveal()}"})) == f"400 a {CURRENT.reveal()}"
    assert described(answer(400, {"message": "b"}), ClientSecret("unrelated")) == "400 b"


# Waits -----------------------------------------------------------------------------------------

DATE = "Mon, 23 Nov 2026 09:30:00 GMT"
EPOCH = 1795426200


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({}, None, id="nothing-said"),
        pytest.param({"retry_after": "7"}, 7, id="retry-after"),
        pytest.param({"retry_after": "0"}, 0, id="at-once"),
        pytest.param(
            {"retry_after": "7", "x_ratelimit_reset": str(EPOCH + 3), "date": DATE}, 7, id="both"
        ),
        pytest.param({"retry_after": "soon"}, None, id="retry-after-in-words"),
        pytest.param({"retry_after": "-7"}, None, id="retry-after-negative"),
        pytest.param({"retry_after": "1.5"}, None, id="retry-after-not-whole"),
        pytest.param({"retry_after": ""}, None, id="retry-after-empty"),
        pytest.param({"retry_after": "300"}, 300, id="five-minutes"),
        pytest.param({"retry_after": "301"}, 300, id="more-than-five-minutes"),
        pytest.param({"retry_after": "9" * 10}, 300, id="retry-after-of-ten-digits"),
        pytest.param({"retry_after": "9" * 11}, None, id="retry-after-of-eleven-digits"),
        pytest.param(
            {"retry_after": "soon", "x_ratelimit_reset": str(EPOCH + 3), "date": DATE},
            3,
            id="reset-instead",
        ),
        pytest.param({"x_ratelimit_reset": str(EPOCH + 3), "date": DATE}, 3, id="reset"),
        pytest.param({"x_ratelimit_reset": str(EPOCH + 301), "date": DATE}, 300, id="reset-far-ahead"),
        pytest.param({"x_ratelimit_reset": str(EPOCH - 3), "date": DATE}, 0, id="reset-over"),
        pytest.param({"x_ratelimit_reset": str(EPOCH), "date": DATE}, 0, id="reset-now"),
        pytest.param({"x_ratelimit_reset": str(EPOCH + 3)}, None, id="reset-without-date"),
        pytest.param({"x_ratelimit_reset": "soon", "date": DATE}, None, id="reset-in-words"),
        pytest.param({"x_ratelimit_reset": str(EPOCH + 3), "date": "today"}, None, id="date-in-words"),
        pytest.param({"date": DATE}, None, id="date-alone"),
        pytest.param(
            {"x_ratelimit_reset": str(EPOCH + 3), "date": "Mon, 23 Nov 2026 11:30:00 +0200"},
            3,
            id="offset",
        ),
    ],
)
def test_how_long_the_other_side_asks_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    expected = timedelta(seconds=seconds) if seconds is not None else None
    assert wait_asked(answer(429, **headers)) == expected


@pytest.mark.usefixtures("far_from_utc")
@pytest.mark.parametrize("zone", ["GMT", "+0000", "-0000"])
def test_a_date_is_that_of_utc_wherever_the_process_lives(zone: str) -> None:
    """By RFC 5322 -0000 is UTC of an unknown place, and Python gives it without a zone."""
    headers = {"x_ratelimit_reset": str(EPOCH + 3), "date": f"Mon, 23 Nov 2026 09:30:00 {zone}"}
    assert wait_asked(answer(429, **headers)) == timedelta(seconds=3)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"retry_after": "9" * 20}, id="retry-after"),
        pytest.param({"retry_after": "9" * 5000}, id="retry-after-longer-than-python-reads"),
        pytest.param({"x_ratelimit_reset": "9" * 20, "date": DATE}, id="reset"),
    ],
)
def test_an_absurd_wait_is_no_error(headers: dict[str, str]) -> None:
    """Whoever answers 429 may say anything; a bug it must not become."""
    wait = wait_asked(answer(429, **headers))
    assert wait is None or wait >= timedelta(0)


words = st.text("0129 .:-+,xGMTNovMonä٣", max_size=12)


@settings(max_examples=50)
@given(told=words, reset=words, date=words)
def test_no_header_makes_it_fail(told: str, reset: str, date: str) -> None:
    wait = wait_asked(answer(429, retry_after=told, x_ratelimit_reset=reset, date=date))
    assert wait is None or wait >= timedelta(0)
