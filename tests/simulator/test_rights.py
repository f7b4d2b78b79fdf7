"""Each sentence about rights and spellings does what it says, over real HTTP."""

from auth0_simulator import App, Operation, Tenant
from simulator.caller import CLIENTS, NEW, Caller


async def test_a_scope_that_was_taken_counts_for_new_tokens_only(
    caller: Caller, tenant: Tenant, app: App
) -> None:
    assert (await caller.change(app, NEW)).status_code == 200
    tenant.without_scope("update:client_keys")
    assert (await caller.change(app, f"{NEW}-2")).status_code == 200
    answer = await caller.log_in(tenant.manager)
    assert answer.json()["scope"] == "read:clients"
    refusal = await caller.send(
        "POST",
        f"{CLIENTS}/{app.client_id}/rotate-secret",
        headers={"Authorization": f"Bearer {answer.json()['access_token']}"},
    )
    assert (refusal.status_code, refusal.json()["errorCode"]) == (403, "insufficient_scope")
    assert app.changes == 2


async def test_tokens_expire_at_once(caller: Caller, tenant: Tenant, app: App) -> None:
    assert (await caller.ask("GET", f"/{app.client_id}")).status_code == 200
    tenant.expire_tokens()
    answer = await caller.ask("GET", f"/{app.client_id}")
    assert answer.status_code == 401
    assert answer.json()["message"].startswith("Expired token")


async def test_a_wrong_secret_has_two_spellings(caller: Caller, tenant: Tenant, app: App) -> None:
    first = await caller.log_in(app, client_secret="wrong")
    tenant.refuse_logins_with("invalid_client", "Client authentication failed")
    second = await caller.log_in(app, client_secret="wrong")
    assert (first.status_code, second.status_code) == (401, 401)
    assert (first.json()["error"], second.json()["error"]) == ("access_denied", "invalid_client")


async def test_grants_are_looked_at_before_secrets(caller: Caller, tenant: Tenant, app: App) -> None:
    wrong: dict[str, str | None] = {"client_secret": "wrong", "audience": tenant.audience}
    assert (await caller.log_in(app, **wrong)).status_code == 401
    tenant.check_grants_before_secrets()
    assert (await caller.log_in(app, **wrong)).status_code == 403
    assert (
        await caller.log_in(app, client_secret="wrong", audience="https://api.example")
    ).status_code == 401


async def test_a_hidden_field_is_left_out_or_refused(caller: Caller, tenant: Tenant, app: App) -> None:
    path = f"/{app.client_id}?fields=client_secret,client_id"
    answer = await caller.ask("GET", path)
    assert (answer.status_code, answer.json()) == (200, {"client_id": app.client_id})
    tenant.refuse_hidden_fields()
    assert (await caller.ask("GET", path)).status_code == 403
    assert (await caller.ask("GET", f"{path}&include_fields=false")).status_code == 200
    assert (await caller.ask("GET", path, scopes=("read:client_keys",))).json()[
        "client_secret"
    ] == app.secret


async def test_authentication_methods_may_be_hidden(caller: Caller, tenant: Tenant) -> None:
    app = tenant.add_app("keyed", uses_key=True)
    assert "client_authentication_methods" in (await caller.ask("GET", f"/{app.client_id}")).json()
    tenant.hide_authentication_methods()
    assert "client_authentication_methods" not in (await caller.ask("GET", f"/{app.client_id}")).json()
    answer = await caller.ask("GET", f"/{app.client_id}", scopes=("read:client_credentials",))
    assert "client_authentication_methods" in answer.json()


async def test_a_request_for_what_is_not_there_stands_in_the_journal(
    caller: Caller, tenant: Tenant
) -> None:
    assert (await caller.ask("DELETE", "/some-client")).status_code == 404
    assert [entry.operation for entry in tenant.asked(Operation.UNKNOWN)] == [Operation.UNKNOWN]
