"""Each sentence about a limit does what it says, over real HTTP."""

import asyncio
import time

from auth0_simulator import App, Tenant
from simulator.caller import DEADLINE_SECONDS, NEW, Caller


async def test_what_goes_beyond_the_rate_is_told_when_to_come_again(
    caller: Caller, tenant: Tenant, app: App
) -> None:
    tenant.limit(burst=2, per_second=0.1)
    statuses = [(await caller.change(app, f"{NEW}-{number}")).status_code for number in range(3)]
    answer = await caller.change(app, NEW)
    assert [*statuses, answer.status_code] == [200, 200, 429, 429]
    assert answer.json()["statusCode"] == 429
    # One request comes back every ten seconds, both after twenty.
    assert 5 <= int(answer.headers["retry-after"]) <= 10
    assert answer.headers["x-ratelimit-limit"] == "2"
    assert answer.headers["x-ratelimit-remaining"] == "0"
    assert 12 <= int(answer.headers["x-ratelimit-reset"]) - int(time.time()) <= 20
    assert app.changes == 2


async def test_a_limit_may_say_nothing_of_itself(caller: Caller, tenant: Tenant, app: App) -> None:
    tenant.limit(burst=1, per_second=0.1)
    tenant.tells_retry_after = tenant.tells_rate = False
    await caller.change(app, NEW)
    answer = await caller.ask("GET", f"/{app.client_id}")
    assert answer.status_code == 429
    assert not [name for name in answer.headers if "rate" in name or "retry" in name]


async def test_the_rate_comes_back(caller: Caller, tenant: Tenant, app: App) -> None:
    tenant.limit(burst=1, per_second=1)
    assert (await caller.change(app, NEW)).status_code == 200
    began = time.monotonic()
    answer = await caller.ask("GET", f"/{app.client_id}")
    assert answer.status_code == 429
    while answer.status_code == 429:
        assert time.monotonic() - began < DEADLINE_SECONDS
        await asyncio.sleep(0.02)
        answer = await caller.ask("GET", f"/{app.client_id}")
    assert answer.status_code == 200


async def test_a_429_of_ones_own_has_the_headers_that_it_was_given(
    caller: Caller, tenant: Tenant, app: App
) -> None:
    tenant.answer(429, {"statusCode": 429}, headers={"Retry-After": "7"})
    tenant.answer(429, {"statusCode": 429})
    told, silent = [await caller.change(app, NEW) for _ in range(2)]
    assert told.headers["retry-after"] == "7"
    assert {"retry-after", "x-ratelimit-reset"}.isdisjoint(silent.headers)


async def test_logins_are_limited_apart_from_management(
    caller: Caller, tenant: Tenant, app: App
) -> None:
    tenant.limit_logins(burst=2, per_second=0.1)
    assert (await caller.ask("GET", f"/{app.client_id}")).status_code == 200
    await caller.log_in(app)
    answer = await caller.log_in(app)
    assert (answer.status_code, answer.json()["error"]) == (429, "too_many_requests")
    assert 5 <= int(answer.headers["retry-after"]) <= 10
    assert (await caller.ask("GET", f"/{app.client_id}")).status_code == 200


async def test_a_quota_counts_tokens_for_an_api_and_not_for_management(
    caller: Caller, tenant: Tenant, app: App
) -> None:
    tenant.limit_tokens(per_hour=1)
    statuses = [(await caller.log_in(app, audience="https://api.example")).status_code for _ in range(2)]
    assert statuses == [200, 429]
    answer = await caller.log_in(app, audience="https://api.example")
    assert answer.json() == {"error": "too_many_requests", "error_description": "Client quota exceeded"}
    assert answer.headers["retry-after"] == "3600"
    assert answer.headers["auth0-client-quota-limit"] == "b=per_hour;q=1;r=0;t=3600"
    for _ in range(3):
        assert (await caller.log_in(tenant.manager)).status_code == 200
