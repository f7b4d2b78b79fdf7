"""Each fault sentence does what it says, over real HTTP."""

import asyncio
import socket
import time
from collections.abc import Callable

import httpx
import pytest

from auth0_simulator import App, Moment, Operation, Simulator, Tenant
from simulator.caller import DEADLINE_SECONDS, NEW, WINDOW_SECONDS, Caller


async def eventually(is_true: Callable[[], bool]) -> None:
    """Return once it is true.

    Raises:
        TimeoutError: it did not become so.
    """
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not is_true():  # noqa: ASYNC110 - a tenant tells nobody of a change
            await asyncio.sleep(0.01)


# Lost -------------------------------------------------------------------------------------------


async def test_a_lost_request_had_no_effect(caller: Caller, tenant: Tenant, app: App) -> None:
    tenant.lose_request()
    with pytest.raises(httpx.TransportError):
        await caller.change(app, NEW)
    (entry,) = tenant.asked(Operation.PATCH)
    assert (entry.status, entry.value, entry.had_effect) == (0, NEW, False)
    assert app.changes == 0
    assert not await caller.is_accepted(app, NEW)


async def test_a_lost_answer_had_its_effect(caller: Caller, tenant: Tenant, app: App) -> None:
    tenant.lose_answer()
    with pytest.raises(httpx.TransportError):
        await caller.change(app, NEW)
    (entry,) = tenant.asked(Operation.PATCH)
    assert (entry.status, entry.value, entry.had_effect) == (0, NEW, True)
    assert app.changes == 1
    assert await caller.is_accepted(app, NEW)


async def test_a_lost_rotation_leaves_a_value_that_nobody_was_told(
    caller: Caller, tenant: Tenant, app: App
) -> None:
    before = app.secret
    tenant.lose_answer(Operation.ROTATE)
    with pytest.raises(httpx.TransportError):
        await caller.ask("POST", f"/{app.client_id}/rotate-secret")
    assert app.past == [before]
    assert not await caller.is_accepted(app, before)
    assert tenant.asked(Operation.ROTATE)[0].value == app.secret


async def test_a_fault_strikes_as_often_as_it_says_and_only_its_operation(
    caller: Caller, tenant: Tenant, app: App
) -> None:
    tenant.lose_answer(times=2)
    assert (await caller.ask("GET", f"/{app.client_id}")).status_code == 200
    for _ in range(2):
        with pytest.raises(httpx.TransportError):
            await caller.change(app, NEW)
    assert (await caller.change(app, NEW)).status_code == 200


async def test_a_value_that_is_there_already_is_no_change(
    caller: Caller, tenant: Tenant, app: App
) -> None:
    tenant.lose_answer()
    with pytest.raises(httpx.TransportError):
        await caller.change(app, NEW)
    for _ in range(3):
        assert (await caller.change(app, NEW)).status_code == 200
    assert [entry.had_effect for entry in tenant.asked(Operation.PATCH)] == [True, False, False, False]
    assert tenant.changes(app.client_id) == 1
    assert len(app.past) == 1


async def test_a_repeat_does_not_begin_the_propagation_anew(
    caller: Caller, tenant: Tenant, app: App
) -> None:
    old = app.secret
    tenant.refuse_new_secret_for(3600)
    await caller.change(app, NEW)
    began = app.changed_at
    await caller.change(app, NEW)
    assert app.changed_at == began
    assert app.previous == old


# Slow -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", list(Moment))
async def test_a_delay_is_waited_for(caller: Caller, tenant: Tenant, app: App, moment: Moment) -> None:
    tenant.delay(WINDOW_SECONDS, moment=moment)
    assert (await caller.change(app, NEW)).status_code == 200
    ended = time.monotonic()
    (entry,) = tenant.asked(Operation.PATCH)
    waited = {Moment.BEFORE: app.changed_at - entry.at, Moment.AFTER: ended - app.changed_at}
    assert waited[moment] >= WINDOW_SECONDS
    assert app.changes == 1


@pytest.mark.parametrize(("moment", "changes"), [(Moment.BEFORE, 0), (Moment.AFTER, 1)])
async def test_a_gate_holds_a_request_until_it_is_opened(
    caller: Caller, tenant: Tenant, app: App, moment: Moment, changes: int
) -> None:
    gate = tenant.hold(moment=moment)
    asking = asyncio.create_task(caller.change(app, NEW))
    await gate.reached(DEADLINE_SECONDS)
    assert app.changes == changes
    assert not asking.done()
    gate.open()
    assert (await asking).status_code == 200
    assert app.changes == 1


async def test_a_gate_tells_that_nobody_came(tenant: Tenant) -> None:
    gate = tenant.hold()
    with pytest.raises(TimeoutError):
        await gate.reached(0.05)


async def test_an_effect_comes_after_its_connection_was_closed(
    caller: Caller, tenant: Tenant, app: App
) -> None:
    tenant.take_effect_late(WINDOW_SECONDS)
    with pytest.raises(httpx.TransportError):
        await caller.change(app, NEW)
    await eventually(lambda: app.changes == 1)
    (entry,) = tenant.asked(Operation.PATCH)
    assert (entry.status, entry.had_effect) == (0, True)
    assert app.changed_at - entry.at >= WINDOW_SECONDS
    assert await caller.is_accepted(app, NEW)


async def test_what_is_still_to_land_is_dropped_with_the_simulator(app: App) -> None:
    before = asyncio.all_tasks()
    tenant = Tenant()
    tenant.apps[app.client_id] = app
    async with Simulator(tenant) as simulator, Caller(simulator) as caller:
        tenant.take_effect_late(3600)
        with pytest.raises(httpx.TransportError):
            await caller.change(app, NEW)
        assert asyncio.all_tasks() > before
    await eventually(lambda: asyncio.all_tasks() <= before)
    assert app.changes == 0


async def test_a_held_request_ends_with_the_simulator(
    simulator: Simulator, caller: Caller, app: App
) -> None:
    gate = simulator.tenant.hold()
    asking = asyncio.create_task(caller.change(app, NEW))
    await gate.reached(DEADLINE_SECONDS)
    await simulator.stop()
    with pytest.raises(httpx.TransportError):
        await asking
    assert app.changes == 0


async def test_a_broken_simulator_is_no_failing_tenant(app: App) -> None:
    tenant = Tenant()
    tenant.apps[app.client_id] = app
    app.audiences = {"https://api.example": (5,)}  # type: ignore[dict-item]
    simulator = Simulator(tenant)
    await simulator.start()
    async with Caller(simulator) as caller:
        assert (await caller.log_in(app, audience="https://api.example")).status_code == 500
    with pytest.raises(ExceptionGroup, match="the simulator is broken"):
        await simulator.close()


async def test_a_stopped_simulator_refuses_connections_and_keeps_its_state(
    simulator: Simulator, caller: Caller, app: App
) -> None:
    port = simulator.port
    await caller.change(app, NEW)
    await simulator.stop()
    with pytest.raises(httpx.ConnectError):
        await caller.log_in(app)
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", port))
    await simulator.start()
    assert simulator.port == port
    assert await caller.is_accepted(app, NEW)


# Propagation ------------------------------------------------------------------------------------


async def test_a_new_secret_is_refused_until_it_has_spread(
    caller: Caller, tenant: Tenant, app: App
) -> None:
    old = app.secret
    tenant.refuse_new_secret_for(3600)
    await caller.change(app, NEW)
    assert await caller.is_accepted(app, old)
    assert not await caller.is_accepted(app, NEW)
    tenant.refuse_new_secret_for(WINDOW_SECONDS)
    await eventually(lambda: tenant.accepts(app.client_id, NEW))
    assert time.monotonic() - app.changed_at >= WINDOW_SECONDS
    assert await caller.is_accepted(app, NEW)
    assert not await caller.is_accepted(app, old)


async def test_both_secrets_work_until_the_new_one_has_spread(
    caller: Caller, tenant: Tenant, app: App
) -> None:
    old = app.secret
    tenant.accept_both_secrets_for(3600)
    await caller.change(app, NEW)
    assert await caller.is_accepted(app, old)
    assert await caller.is_accepted(app, NEW)
    assert not await caller.is_accepted(app, "neither")
    tenant.accept_both_secrets_for(WINDOW_SECONDS)
    await eventually(lambda: not tenant.accepts(app.client_id, old))
    assert await caller.is_accepted(app, NEW)


# Wrong answers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("moment", "changes"), [(Moment.BEFORE, 0), (Moment.AFTER, 1)])
async def test_another_answer_comes_before_or_after_the_effect(
    caller: Caller, tenant: Tenant, app: App, moment: Moment, changes: int
) -> None:
    tenant.answer(502, {"message": "no"}, moment=moment, headers={"X-Seen": "yes"})
    answer = await caller.change(app, NEW)
    assert (answer.status_code, answer.json()) == (502, {"message": "no"})
    assert answer.headers["x-seen"] == "yes"
    assert app.changes == changes
    assert tenant.asked(Operation.PATCH)[0].status == 502


@pytest.mark.parametrize("status", [200, 403, 503])
async def test_a_page_comes_instead_of_json(
    caller: Caller, tenant: Tenant, app: App, status: int
) -> None:
    tenant.answer(status, text="<html>blocked</html>")
    answer = await caller.change(app, NEW)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.text == "<html>blocked</html>"
    assert app.changes == 0


async def test_a_refusal_quotes_the_value(caller: Caller, tenant: Tenant, app: App) -> None:
    tenant.answer(400, quotes_value=True)
    answer = await caller.change(app, NEW)
    assert answer.status_code == 400
    assert NEW in answer.json()["message"]
    assert "client_secret" not in answer.json()["message"]
    assert answer.json()["errorCode"] == "invalid_body"
    assert app.changes == 0


async def test_a_value_that_is_too_short_is_refused_and_quoted(
    caller: Caller, tenant: Tenant, app: App
) -> None:
    tenant.least_secret_length = 48
    answer = await caller.change(app, "x" * 47)
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "invalid_body")
    assert "x" * 47 in answer.json()["message"]
    assert "client_secret" in answer.json()["message"]
    assert app.changes == 0
    assert (await caller.change(app, "x" * 48)).status_code == 200
