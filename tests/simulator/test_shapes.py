"""The shapes of Auth0's answers, held without the recordings: statuses, envelopes, headers, key sets."""

import re
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from auth0_simulator import App, Tenant
from simulator.caller import CLIENTS, NEW, Caller, sent_at
from simulator.shapes import (
    API,
    ENVELOPE,
    KEYS,
    RATE,
    REASONS,
    REFUSALS,
    SETTINGS,
    SUMMARY,
    WITHOUT_SECRET,
    Refusal,
    keyed,
    patch,
    token_request,
)
from simulator.token_shapes import LOGINS


@pytest.mark.parametrize("refusal", LOGINS, ids=str)
async def test_a_login_is_refused_in_the_known_shape(caller: Caller, app: App, refusal: Refusal) -> None:
    answer = await refusal.ask(caller, app)
    assert answer.status_code == refusal.status
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert body.keys() == {"error", "error_description"}
    assert body["error"] == refusal.code
    for word in refusal.words:
        assert word in body["error_description"]


@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
async def test_management_refuses_in_the_known_shape_and_changes_nothing(
    caller: Caller, app: App, refusal: Refusal
) -> None:
    before = app.secret
    answer = await refusal.ask(caller, app)
    assert answer.status_code == refusal.status
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    body = answer.json()
    assert body.keys() - {"attributes"} == ENVELOPE | ({"errorCode"} if refusal.code else set())
    assert (body["statusCode"], body["error"]) == (refusal.status, REASONS[refusal.status])
    assert body.get("errorCode", "") == refusal.code
    for word in refusal.words:
        assert word in body["message"]
    for name, value in refusal.headers.items():
        assert answer.headers[name] == value
    assert (app.changes, app.secret, app.name) == (0, before, "web")


# Tokens -----------------------------------------------------------------------------------------


async def test_a_token_tells_its_scopes_where_it_has_some(caller: Caller, app: App) -> None:
    answer = await caller.log_in(app, audience=API)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    body = answer.json()
    assert body.keys() == {"access_token", "expires_in", "token_type", "scope"}
    assert (body["expires_in"], body["token_type"], body["scope"]) == (86400, "Bearer", "read:things")
    app.audiences = {API: ()}
    assert "scope" not in (await caller.log_in(app, audience=API)).json()


async def test_a_token_may_be_asked_for_in_json(caller: Caller, app: App) -> None:
    request = httpx.Request(
        "POST",
        "http://unused",
        json={
            "grant_type": "client_credentials",
            "client_id": app.client_id,
            "client_secret": app.secret,
            "audience": API,
        },
    )
    answer = await token_request(caller, request.content.decode())
    assert (answer.status_code, answer.json()["token_type"]) == (200, "Bearer")


async def test_a_key_is_asked_for_by_its_assertion(caller: Caller, app: App) -> None:
    keyed(app)
    form: dict[str, str | None] = {
        "client_secret": None,
        "audience": API,
        "client_assertion": "an assertion",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }
    assert (await caller.log_in(app, **form)).status_code == 200
    assert (await caller.log_in(app, **form | {"client_assertion": "another"})).status_code == 401
    assert (await caller.log_in(app, **form | {"client_assertion_type": "another"})).status_code == 401


async def test_a_token_endpoint_tells_a_reset_far_ahead(caller: Caller, app: App) -> None:
    answer = await caller.log_in(app, audience=API)
    assert (answer.headers["x-ratelimit-limit"], answer.headers["x-ratelimit-remaining"]) == (
        "100",
        "97",
    )
    ahead = int(answer.headers["x-ratelimit-reset"]) - sent_at(answer.headers)
    assert 42 * 60 <= ahead <= 43 * 60 + 1


# Clients ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scopes", "keys"),
    [
        (("read:clients",), SETTINGS),
        (("read:client_keys",), SETTINGS | KEYS),
        (("read:clients", "read:client_credentials"), SETTINGS | KEYS),
        (("read:client_credentials",), SUMMARY | KEYS),
        (("read:client_summary",), SUMMARY),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, tuple) else "",
)
async def test_a_read_shows_what_the_scopes_allow_and_silently_no_more(
    caller: Caller, app: App, scopes: tuple[str, ...], keys: frozenset[str]
) -> None:
    answer = await caller.ask("GET", f"/{app.client_id}", scopes=scopes)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.json().keys() == keys
    (row,) = [
        one
        for one in (await caller.ask("GET", scopes=scopes)).json()
        if one["client_id"] == app.client_id
    ]
    assert row.keys() == keys


@pytest.mark.parametrize(
    ("settings", "more", "less"),
    [
        ({"auth_method": "none", "app_type": "spa"}, set(), set()),
        ({"is_global": True}, set(), set()),
        ({"uses_key": True}, {"client_authentication_methods"}, WITHOUT_SECRET),
        ({"auth_method": ""}, set(), {"token_endpoint_auth_method"}),
    ],
    ids=["single page application", "global", "key", "nothing chosen"],
)
async def test_a_secret_is_shown_of_each_kind_but_one_with_a_key(
    caller: Caller, tenant: Tenant, settings: Mapping[str, Any], more: set[str], less: set[str]
) -> None:
    app = tenant.add_app("kind", **settings)
    answer = await caller.ask("GET", f"/{app.client_id}", scopes=("read:client_keys",))
    assert answer.json().keys() == (SETTINGS | KEYS | more) - less


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ("fields=client_id", {"client_id"}),
        ("fields=client_id,name&include_fields=true", {"client_id", "name"}),
        ("fields=client_id%2Cname", {"client_id", "name"}),
        ("fields=client_secret", set[str]()),
        ("fields=tenant,refresh_token&include_fields=false", SETTINGS - {"tenant", "refresh_token"}),
        ("include_fields=false", SETTINGS),
    ],
)
async def test_fields_are_chosen_or_left_out(
    caller: Caller, app: App, query: str, keys: set[str]
) -> None:
    assert (await caller.ask("GET", f"/{app.client_id}?{query}")).json().keys() == keys


async def test_a_change_answers_with_the_whole_client(caller: Caller, app: App) -> None:
    answer = await caller.change(app, NEW)
    assert answer.status_code == 200
    assert answer.json().keys() == SETTINGS | KEYS
    assert answer.json()["client_secret"] == app.secret == NEW
    renamed = await caller.ask(
        "PATCH", f"/{app.client_id}", body={"name": "other"}, scopes=("update:clients",)
    )
    assert renamed.json().keys() == SETTINGS
    assert (renamed.json()["name"], app.name, app.changes) == ("other", "other", 1)


async def test_a_change_of_the_way_to_log_in_shows_and_hides_the_secret(
    caller: Caller, app: App
) -> None:
    methods = {"private_key_jwt": {"credentials": [{"id": "cred_1"}]}}
    body = {"client_authentication_methods": methods, "token_endpoint_auth_method": None}
    shown = (await patch(caller, app, body)).json()
    assert shown["client_authentication_methods"] == methods
    assert WITHOUT_SECRET.isdisjoint(shown)
    back = {
        "client_authentication_methods": None,
        "token_endpoint_auth_method": "client_secret_post",
        "client_secret": NEW,
    }
    shown = (await patch(caller, app, back)).json()
    assert shown["client_secret"] == NEW
    assert shown["token_endpoint_auth_method"] == "client_secret_post"
    assert "client_authentication_methods" not in shown


@pytest.mark.parametrize("content", [None, "null", "null\n"], ids=repr)
async def test_a_rotation_makes_a_value_of_auth0s_form(
    caller: Caller, tenant: Tenant, app: App, content: str | None
) -> None:
    old = app.secret
    headers = {"Authorization": f"Bearer {tenant.issue(('update:client_keys',))}"}
    if content is not None:
        headers["Content-Type"] = "application/json"
    path = f"{CLIENTS}/{app.client_id}/rotate-secret"
    answer = await caller.send("POST", path, headers=headers, content=content)
    assert answer.status_code == 200
    assert answer.json().keys() == SETTINGS | KEYS
    assert re.fullmatch(r"[A-Za-z0-9_-]{64}", answer.json()["client_secret"])
    assert (app.changes, app.past) == (1, [old])
    assert await caller.is_accepted(app, answer.json()["client_secret"])
    assert not await caller.is_accepted(app, old)


async def test_management_tells_its_rate_but_not_to_strangers(caller: Caller, app: App) -> None:
    for answer in (
        await caller.ask("GET", f"/{app.client_id}"),
        await caller.change(app, NEW),
        await caller.ask("GET", "/none"),
    ):
        assert (answer.headers[RATE[0]], answer.headers[RATE[1]]) == ("50", "49")
        assert 0 <= int(answer.headers[RATE[2]]) - sent_at(answer.headers) <= 2
    stranger = await caller.send("GET", CLIENTS)
    assert set(RATE).isdisjoint(stranger.headers)
