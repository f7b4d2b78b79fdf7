"""The simulator held against recorded exchanges: same state, same request, then compared.

One story is one cassette, and its exchanges are sent in order, so that a change that was recorded
shows in the reads after it. What is compared: the status, the content type and the other headers that
are Auth0's, the whole body of errors and lists, and of client objects the keys, their JSON types and
the values that do not belong to the recording's own tenant. Every endpoint that is left out stands in
a table here, every key and header on which the two sides may differ in one of comparison.py, all with
the reason; each row must be needed.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from auth0_simulator import App, Simulator, Tenant
from simulator.caller import CLIENTS, Caller
from simulator.comparison import TABLES, Comparison
from simulator.recordings import FOLDER, Exchange, exchanges_of, files

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason=f"{FOLDER} is not here; test_shapes.py holds the same facts"
)

_ONE: Final = f"{CLIENTS}/[^/]+"
_KEYS_OF_A_CLIENT: Final = "keys of a client are no concern of the operator"

NOT_SIMULATED: Final = {
    ("POST", CLIENTS): "the operator creates no client; it is the state that a story begins in",
    ("DELETE", _ONE): "the operator deletes no client",
    ("GET", f"{_ONE}/credentials"): _KEYS_OF_A_CLIENT,
    ("POST", f"{_ONE}/credentials"): _KEYS_OF_A_CLIENT,
    ("GET", f"{_ONE}/credentials/[^/]+"): _KEYS_OF_A_CLIENT,
    ("DELETE", f"{_ONE}/credentials/[^/]+"): _KEYS_OF_A_CLIENT,
}
"""Recorded exchanges that are not compared."""

STANDS_IN: Final = {
    ("POST", "/api/v2/device-credentials"): f"{CLIENTS}/any/rotate-secret",
}
"""Where a request goes instead: a missing token is refused before the endpoint is looked at."""

SCOPES: Final = (
    *("read:clients", "read:client_keys"),
    *("update:clients", "update:client_keys", "update:client_credentials"),
)


def is_simulated(exchange: Exchange) -> bool:
    return _row_of(exchange) is None


def _row_of(exchange: Exchange) -> tuple[str, str] | None:
    for method, path in NOT_SIMULATED:
        if exchange.method == method and re.fullmatch(path, exchange.url.path):
            return method, path
    return None


# The recorded state -----------------------------------------------------------------------------


def tenant_of(exchanges: list[Exchange]) -> Tenant:
    """Return a tenant in the state in which the story begins."""
    tenant = Tenant(exchanges[0].url.netloc)
    manager = tenant.manager
    tenant.apps.clear()
    for exchange in exchanges:
        body = exchange.body
        if exchange.url.path == "/oauth/token":
            _add_login(tenant, exchange)
        elif isinstance(body, dict) and "name" in body and body["client_id"] not in tenant.apps:
            _add_client(tenant, body)
        elif isinstance(body, list) and exchange.url.path == CLIENTS:
            _add_pages(tenant, exchange)
    _mark_global(tenant, exchanges)
    tenant.manager = manager
    return tenant


def _add_client(tenant: Tenant, body: Mapping[str, Any]) -> None:
    methods = body.get("client_authentication_methods") or {}
    credentials = methods.get("private_key_jwt", {}).get("credentials", [])
    tenant.add_app(
        body["name"],
        client_id=body["client_id"],
        app_type=body.get("app_type", ""),
        auth_method=body.get("token_endpoint_auth_method", ""),
        algorithm=body["jwt_configuration"].get("alg", ""),
        uses_key=bool(credentials),
        key_ids=tuple(credential["id"] for credential in credentials),
        grant_types=tuple(body.get("grant_types", ())),
        settings={name: body[name] for name in ("description", "custom_login_page") if name in body},
    )


def _add_login(tenant: Tenant, exchange: Exchange) -> None:
    form = httpx.QueryParams(exchange.request_text)
    tenant.add_app(
        "test",
        client_id=form["client_id"],
        secret=form.get("client_secret", "unused"),
        uses_key="client_assertion" in form,
        assertion=form.get("client_assertion", ""),
        grant_types=(form["grant_type"],),
        audiences={form.get("audience", "none"): ()},
    )


def _add_pages(tenant: Tenant, exchange: Exchange) -> None:
    """Add as many clients as the recorded page says that there are; the first is shown."""
    (row,) = exchange.body
    (last,) = re.findall(r'page=(\d+)&per_page=1>;\s+rel="last"', exchange.headers["link"])
    for number in range(int(last) + 1):
        tenant.add_app(row["name"] if number == 0 else f"client {number}")


def _mark_global(tenant: Tenant, exchanges: list[Exchange]) -> None:
    for exchange in exchanges:
        if "is_global=true" in exchange.url.query:
            for row in exchange.body["clients"]:
                tenant.apps[row["client_id"]].is_global = True


# Asked again ------------------------------------------------------------------------------------


async def asked_again(caller: Caller, exchange: Exchange, token: str) -> httpx.Response:
    """Send the recorded request, with a token of this tenant where the recorder took its own out."""
    headers = dict(exchange.request_headers)
    if exchange.url.path.startswith("/api/") and not headers.get("authorization", "").startswith(
        "Basic"
    ):
        headers["authorization"] = f"Bearer {token}"
    target = STANDS_IN.get((exchange.method, exchange.url.path), exchange.target)
    return await caller.send(
        exchange.method, target, headers=headers, content=exchange.request_text or None
    )


# The tests --------------------------------------------------------------------------------------


async def told_again(path: Path) -> Comparison:
    """Tell one story to a simulator and return the comparison."""
    exchanges, comparison = exchanges_of(path), Comparison()
    tenant = tenant_of(exchanges)
    token = tenant.issue(SCOPES)
    async with Simulator(tenant) as simulator, Caller(simulator) as caller:
        for exchange in filter(is_simulated, exchanges):
            comparison.compare(exchange, await asked_again(caller, exchange, token))
    return comparison


@pytest.mark.parametrize("path", files(), ids=lambda path: path.stem)
async def test_the_simulator_answers_as_recorded(path: Path) -> None:
    comparison = await told_again(path)
    assert comparison.differences == []
    assert comparison.compared == sum(is_simulated(exchange) for exchange in exchanges_of(path))
    assert comparison.compared > 0


async def test_every_recorded_exchange_is_compared_or_left_out_for_a_reason(
    told: Callable[[str], None],
) -> None:
    exchanges = [exchange for path in files() for exchange in exchanges_of(path)]
    left_out = [exchange for exchange in exchanges if not is_simulated(exchange)]
    compared = len(exchanges) - len(left_out)
    told(f"{len(files())} cassettes, {len(exchanges)} exchanges, {compared} compared")
    for row in NOT_SIMULATED:
        count = sum(_row_of(exchange) == row for exchange in left_out)
        assert count > 0, f"{row} is needed by no recording"
    assert compared > 0
    endpoints = {(exchange.method, exchange.url.path) for exchange in exchanges}
    assert STANDS_IN.keys() <= endpoints


async def test_every_row_of_a_table_is_needed() -> None:
    used: set[tuple[str, str]] = set()
    for path in files():
        used |= (await told_again(path)).used
    assert {(table, name) for table, rows in TABLES.items() for name in rows} == used


async def test_a_wrong_simulator_would_be_seen() -> None:
    """Each kind of difference is found, so that the comparisons above can fail."""
    exchange = exchanges_of(FOLDER / "tf__TestAccAllowUpdatingTheClientSecret.yaml")[5]
    right = App("any", settings={}).shown(with_keys=True) | exchange.body
    wrong: list[tuple[int, str, dict[str, Any]]] = [
        (201, "application/json; charset=utf-8", right),
        (200, "text/html", right),
        (200, "application/json; charset=utf-8", right | {"name": 5}),
        (200, "application/json; charset=utf-8", right | {"is_first_party": "true"}),
        (200, "application/json; charset=utf-8", right | {"client_secret": "another"}),
        (200, "application/json; charset=utf-8", right | {"invented": True}),
        (200, "application/json; charset=utf-8", {k: v for k, v in right.items() if k != "client_id"}),
    ]
    comparison = Comparison()
    comparison.compare(exchange, httpx.Response(200, json=right, headers={"content-type": wrong[0][1]}))
    assert comparison.differences == []
    for status, content_type, body in wrong:
        comparison = Comparison()
        answer = httpx.Response(status, json=body, headers={"content-type": content_type})
        comparison.compare(exchange, answer)
        assert len(comparison.differences) >= 1, (status, content_type)
