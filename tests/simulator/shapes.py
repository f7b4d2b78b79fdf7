"""The list of shapes: key sets, and how Management refuses each wrong request.

Each refusal says where its shape is known from. What is guessed stands here as well, so that a guess
changes on purpose only; nothing in the operator may depend on more of it than its status.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import httpx

from auth0_simulator import App
from simulator.caller import CLIENTS, NEW, Caller

API: Final = "https://api.example"
ENVELOPE: Final = {"statusCode", "error", "message"}
REASONS: Final = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    501: "Not Implemented",
}
RATE: Final = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")
SETTINGS: Final = frozenset(
    {"tenant", "global", "name", "client_id", "app_type", "is_first_party", "oidc_conformant"}
    | {"is_token_endpoint_ip_header_trusted", "jwt_configuration", "sso_disabled", "grant_types"}
    | {"custom_login_page_on", "refresh_token", "token_endpoint_auth_method"}
)
KEYS: Final = frozenset({"client_secret", "signing_keys"})
SUMMARY: Final = frozenset({"client_id", "name", "app_type"})
WITHOUT_SECRET: Final = frozenset({"client_secret", "token_endpoint_auth_method"})
Ask = Callable[[Caller, App], Awaitable[httpx.Response]]


class Known(StrEnum):
    """Where a shape is known from."""

    RECORDED = "recorded"
    DOCUMENTED = "documented"
    GUESSED = "guessed"


@dataclass(frozen=True)
class Refusal:
    """How one request is refused."""

    what: str
    known: Known
    ask: Ask
    status: int
    code: str = ""
    """`errorCode`, or `error` of the token endpoint; empty for none."""
    words: tuple[str, ...] = ()
    """Error words in the text that a caller may tell cases apart by."""
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.what} ({self.known})"


async def without_token(caller: Caller, headers: Mapping[str, str]) -> httpx.Response:
    return await caller.send("GET", CLIENTS, headers=headers)


async def token_request(caller: Caller, content: str) -> httpx.Response:
    headers = {"Content-Type": "application/json"}
    return await caller.send("POST", "/oauth/token", headers=headers, content=content)


async def with_token_of_an_api(caller: Caller, app: App) -> httpx.Response:
    token = (await caller.log_in(app, audience=API)).json()["access_token"]
    return await without_token(caller, {"Authorization": f"Bearer {token}"})


async def patch(caller: Caller, app: App, body: Any) -> httpx.Response:
    scopes = ("update:clients", "update:client_keys", "update:client_credentials")
    return await caller.ask("PATCH", f"/{app.client_id}", body=body, scopes=scopes)


async def patch_as_text(caller: Caller, app: App, content: str, kind: str) -> httpx.Response:
    token = caller.tenant.issue(("update:client_keys",))
    headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
    return await caller.send("PATCH", f"{CLIENTS}/{app.client_id}", headers=headers, content=content)


def keyed(app: App) -> App:
    """Let `app` log in by a key."""
    app.uses_key, app.assertion = True, "an assertion"
    return app


def public(app: App) -> App:
    """Let `app` log in by nothing, as an application in a browser."""
    app.auth_method, app.grant_types = "none", ("authorization_code",)
    return app


R, D, G = Known.RECORDED, Known.DOCUMENTED, Known.GUESSED

REFUSALS: Final = [
    Refusal(
        "no token", R, lambda c, _: without_token(c, {}), 401, headers={"www-authenticate": "Bearer"}
    ),
    Refusal(
        "Basic",
        R,
        lambda c, _: without_token(c, {"Authorization": "Basic YTpi"}),
        401,
        headers={"www-authenticate": "Bearer"},
    ),
    Refusal("a wrong token", D, lambda c, _: without_token(c, {"Authorization": "Bearer x"}), 401),
    Refusal("a token of another API", G, with_token_of_an_api, 401),
    Refusal(
        "a read without scope",
        D,
        lambda c, a: c.ask("GET", f"/{a.client_id}", scopes=("update:client_keys",)),
        403,
        "insufficient_scope",
        ("read:clients",),
    ),
    Refusal(
        "a list without scope",
        D,
        lambda c, _: c.ask("GET", scopes=("update:client_keys",)),
        403,
        "insufficient_scope",
        ("read:clients",),
    ),
    Refusal(
        "a change without scope",
        D,
        lambda c, a: c.ask(
            "PATCH", f"/{a.client_id}", body={"client_secret": NEW}, scopes=("read:clients",)
        ),
        403,
        "insufficient_scope",
        ("update:client_keys",),
    ),
    Refusal(
        "a change of the secret with the scope for the rest",
        D,
        lambda c, a: c.ask(
            "PATCH", f"/{a.client_id}", body={"client_secret": NEW}, scopes=("update:clients",)
        ),
        403,
        "insufficient_scope",
        ("update:client_keys",),
    ),
    Refusal(
        "a change of the rest with the scope for the secret",
        G,
        lambda c, a: c.ask(
            "PATCH",
            f"/{a.client_id}",
            body={"client_secret": NEW, "name": "other"},
            scopes=("update:client_keys",),
        ),
        403,
        "insufficient_scope",
        ("update:clients",),
    ),
    Refusal(
        "a rotation without scope",
        D,
        lambda c, a: c.ask("POST", f"/{a.client_id}/rotate-secret", scopes=("update:clients",)),
        403,
        "insufficient_scope",
        ("update:client_keys",),
    ),
    Refusal("a read of none", R, lambda c, _: c.ask("GET", "/none"), 404, "inexistent_client"),
    Refusal("a change of none", D, lambda c, _: patch(c, App("a"), {}), 404, "inexistent_client"),
    Refusal(
        "a rotation of none",
        D,
        lambda c, _: c.ask("POST", "/none/rotate-secret"),
        404,
        "inexistent_client",
    ),
    Refusal("an id that is none", R, lambda c, _: c.ask("GET", "/a%2Fb"), 400, "invalid_uri"),
    Refusal("a path that there is not", G, lambda c, _: c.ask("GET", "/a/b/c"), 404),
    Refusal("another property", R, lambda c, a: patch(c, a, {"tenant": "x"}), 400, "invalid_body"),
    Refusal(
        "a read sent back",
        R,
        lambda c, a: patch(c, a, a.shown(with_keys=True)),
        400,
        "invalid_body",
        ("signing_keys",),
    ),
    Refusal(
        "null", G, lambda c, a: patch_as_text(c, a, "null", "application/json"), 400, "invalid_body"
    ),
    Refusal("a list", G, lambda c, a: patch(c, a, [1]), 400, "invalid_body"),
    Refusal(
        "no JSON", G, lambda c, a: patch_as_text(c, a, "{", "application/json"), 400, "invalid_body"
    ),
    Refusal(
        "a form",
        G,
        lambda c, a: patch_as_text(c, a, "client_secret=x", "application/x-www-form-urlencoded"),
        400,
        "invalid_body",
    ),
    Refusal(
        "an empty secret",
        D,
        lambda c, a: patch(c, a, {"client_secret": ""}),
        400,
        "invalid_body",
        ("client_secret",),
    ),
    Refusal(
        "a secret that is no text",
        D,
        lambda c, a: patch(c, a, {"client_secret": 5}),
        400,
        "invalid_body",
        ("client_secret",),
    ),
    Refusal(
        "two ways to log in",
        G,
        lambda c, a: patch(
            c,
            a,
            {
                "token_endpoint_auth_method": "none",
                "client_authentication_methods": {"private_key_jwt": {"credentials": [{"id": "x"}]}},
            },
        ),
        400,
        "invalid_body",
    ),
    Refusal(
        "a secret for a client with a key",
        G,
        lambda c, a: patch(c, keyed(a), {"client_secret": NEW}),
        400,
        "operation_not_supported",
    ),
    Refusal(
        "a rotation of a client with a key",
        G,
        lambda c, a: c.ask("POST", f"/{keyed(a).client_id}/rotate-secret"),
        400,
        "operation_not_supported",
    ),
    Refusal(
        "a rotation with a value",
        G,
        lambda c, a: c.ask("POST", f"/{a.client_id}/rotate-secret", body={"client_secret": NEW}),
        400,
        "invalid_body",
    ),
    *(
        Refusal(f"a list with {query}", known, lambda c, _, q=query: c.ask("GET", f"?{q}"), 400, code)  # type: ignore[misc]
        for query, known, code in [
            ("per_page=101", G, "invalid_query_string"),
            ("per_page=0", G, "invalid_query_string"),
            ("page=-1", G, "invalid_query_string"),
            ("take=101", G, "invalid_query_string"),
            ("from=nowhere", G, "invalid_query_string"),
            ("is_global=perhaps", G, "invalid_query_string"),
            ("name=web", G, "invalid_query_string"),
        ]
    ),
    Refusal("a search, which is not simulated", G, lambda c, _: c.ask("GET", "?q=x"), 501),
]
