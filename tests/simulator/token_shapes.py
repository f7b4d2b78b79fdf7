"""The list of shapes of the token endpoint: how each wrong login is refused."""

from typing import Final

from auth0_simulator import App
from simulator.shapes import API, D, G, R, Refusal, keyed, public, token_request

LOGINS: Final = [
    Refusal("no grant type", D, lambda c, a: c.log_in(a, grant_type=None), 400, "invalid_request"),
    Refusal("no client id", D, lambda c, a: c.log_in(a, client_id=None), 400, "invalid_request"),
    Refusal("no JSON", G, lambda c, _: token_request(c, "{"), 400, "invalid_request"),
    Refusal("no object", G, lambda c, _: token_request(c, "[1]"), 400, "invalid_request"),
    Refusal(
        "a grant type that there is not",
        G,
        lambda c, a: c.log_in(a, grant_type="telepathy"),
        400,
        "unsupported_grant_type",
    ),
    Refusal("a wrong secret", D, lambda c, a: c.log_in(a, client_secret="no"), 401, "access_denied"),
    Refusal("an unknown client", D, lambda c, _: c.log_in(App("nobody")), 401, "access_denied"),
    Refusal("no secret", G, lambda c, a: c.log_in(a, client_secret=None), 401, "access_denied"),
    Refusal(
        "a secret of a client with a key",
        G,
        lambda c, a: c.log_in(keyed(a), audience=API),
        401,
        "access_denied",
    ),
    Refusal(
        "a grant type that is not allowed",
        D,
        lambda c, a: c.log_in(public(a), client_secret=a.secret),
        403,
        "unauthorized_client",
    ),
    Refusal("no grant", D, lambda c, a: c.log_in(a), 403, "access_denied", ('"client-grant"',)),
    Refusal(
        "an audience without its slash",
        D,
        lambda c, a: c.log_in(a, audience=c.tenant.audience.rstrip("/")),
        403,
        "access_denied",
        ("Service not found: https://acme.eu.auth0.com/api/v2",),
    ),
    Refusal(
        "an audience of another tenant",
        D,
        lambda c, a: c.log_in(a, audience="https://other.eu.auth0.com/api/v2/"),
        403,
        "access_denied",
        ("Service not enabled within domain: https://other.eu.auth0.com/api/v2/",),
    ),
    Refusal("no audience", D, lambda c, a: c.log_in(a, audience=None), 403, "access_denied", ("APIv1",)),
    Refusal(
        "a code that is none",
        R,
        lambda c, a: c.log_in(a, grant_type="authorization_code", code="none"),
        403,
        "invalid_grant",
    ),
    Refusal(
        "a code that is none, of a public client with a wrong secret",
        G,
        lambda c, a: c.log_in(
            public(a), grant_type="authorization_code", code="none", client_secret="no"
        ),
        403,
        "invalid_grant",
    ),
]
