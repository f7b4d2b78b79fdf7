"""Refusals of the one request that changes a client secret: nothing was changed, and all is told."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from auth0_simulator import App, Moment, Operation, Tenant
from harness import Stage
from harness.story import (
    ROTATION,
    ask,
    assert_at_peace,
    assert_refused,
    journal,
    reasons,
    refusal,
    sent,
)

Strike = Callable[[Tenant], None]

PAGE = "<html><body>Request blocked</body></html>"
FIREWALL = {"text": PAGE, "headers": {"Content-Type": "text/html"}}
MINUTE = timedelta(minutes=1)


SCOPE = refusal(403, "Insufficient scope, expected any of: update:client_keys", "insufficient_scope")
UNKNOWN_CLIENT = refusal(404, "The client does not exist", "inexistent_client")


# First refusals: nothing was changed -----------------------------------------------------------


@pytest.mark.parametrize(
    ("strike", "reason"),
    [
        (lambda tenant: tenant.answer(400, refusal(400, "no")), "RequestRefused"),
        (lambda tenant: tenant.answer(403, SCOPE), "ScopeMissing"),
        (lambda tenant: tenant.answer(404, UNKNOWN_CLIENT), "ClientUnknown"),
        (lambda tenant: tenant.answer(403, **FIREWALL), "UnexpectedAnswer"),
    ],
    ids=["400", "403 scope", "404", "403 page of a firewall"],
)
async def test_a_first_refusal_changes_nothing_and_keeps_the_chosen_value(
    stage: Stage, strike: Strike, reason: str
) -> None:
    """Catches a refusal that stays open, and a next attempt that chooses a second value."""
    app = await stage.rotated()
    strike(stage.tenant)
    await ask(stage, app)
    kept = await assert_refused(stage, app)
    stalled = await stage.kube.condition("web", "Stalled")
    assert (stalled["status"], stalled["reason"]) == ("True", reason)
    await stage.run_for(2 * MINUTE)
    await assert_at_peace(stage, app, changes=2)
    assert app.secret == kept
    assert sent(stage) == [kept, kept]
    # What surely changed nothing keeps the next rotation waiting for no late request.
    await ask(stage, app, "once more")
    await assert_at_peace(stage, app, changes=3)


async def test_an_expired_token_is_renewed_and_costs_no_attempt(stage: Stage) -> None:
    """Catches a 401 that is taken for a refusal of the change, or for an unknown outcome."""
    app = await stage.rotated()
    stage.tenant.expire_tokens()
    await ask(stage, app)
    await stage.run_for(timedelta(seconds=5))
    await assert_at_peace(stage, app, changes=2)
    assert [entry.status for entry in stage.tenant.asked(Operation.PATCH)][1:] == [401, 200]
    assert "RotationFailed" not in await reasons(stage)
    await ask(stage, app, "once more")
    await assert_at_peace(stage, app, changes=3)


async def test_a_token_that_is_refused_for_a_minute_ends_the_attempt(stage: Stage) -> None:
    """Catches an attempt that asks for tokens for ever, and one that stays open without a cause."""
    app = await stage.rotated()
    stage.tenant.answer(401, refusal(401, "Invalid token"), times=100)
    await ask(stage, app)
    await stage.run_for(timedelta(seconds=75))
    kept = await assert_refused(stage, app)
    assert len(sent(stage)) <= 9
    stage.tenant.faults.clear()
    await stage.run_for(5 * MINUTE)
    await assert_at_peace(stage, app, changes=2)
    assert app.secret == kept


async def test_a_busy_tenant_is_asked_again_when_it_said(stage: Stage) -> None:
    """Catches a 429 that is taken for a refusal, for an unknown outcome, or not waited for."""
    app = await stage.rotated()
    stage.tenant.answer(429, refusal(429, "too many"), headers={"Retry-After": "1"})
    await ask(stage, app)
    assert app.changes == 1
    await stage.run_for(timedelta(seconds=5))
    await assert_at_peace(stage, app, changes=2)
    first, second = stage.tenant.asked(Operation.PATCH)[1:]
    assert second.at - first.at >= 1
    assert "RotationFailed" not in await reasons(stage)


async def test_a_busy_tenant_that_names_no_time_is_left_alone_for_five_seconds(stage: Stage) -> None:
    """Catches code that needs the headers, which Auth0 does not promise for its Management API."""
    app = await stage.rotated()
    stage.tenant.answer(429, refusal(429, "too many"))
    await ask(stage, app)
    await _in_real_time(stage, app, changes=2)
    await assert_at_peace(stage, app, changes=2)
    first, second = stage.tenant.asked(Operation.PATCH)[1:]
    assert 4.5 <= second.at - first.at <= 8
    assert "RotationFailed" not in await reasons(stage)


async def test_a_tenant_that_is_busy_for_a_minute_is_a_first_refusal(stage: Stage) -> None:
    """Catches a 429 that leaves the outcome open although nothing was changed."""
    app = await stage.rotated()
    stage.tenant.answer(429, refusal(429, "too many"), headers={"Retry-After": "1"}, times=2)
    await ask(stage, app)
    stage.clock.advance(MINUTE)
    await stage.settle()
    kept = await assert_refused(stage, app)
    await stage.restart()
    await stage.run_for(2 * MINUTE)
    await assert_at_peace(stage, app, changes=2)
    assert app.secret == kept


async def test_a_tenant_that_is_not_there_for_a_minute_is_a_first_refusal(stage: Stage) -> None:
    """Catches a refused connection that leaves the outcome open although nothing was sent."""
    app = await stage.rotated()
    await stage.simulator.stop()
    await ask(stage, app)
    assert (await journal(stage)).state == "sending"
    await stage.run_for(timedelta(seconds=75))
    kept = await assert_refused(stage, app)
    await stage.simulator.start()
    await stage.run_for(3 * MINUTE)
    await assert_at_peace(stage, app, changes=2)
    assert sent(stage) == [kept] == [app.secret]
    await ask(stage, app, "once more")
    await assert_at_peace(stage, app, changes=3)


async def test_a_scope_that_went_with_the_old_token_is_a_first_refusal_and_heals(stage: Stage) -> None:
    """Catches an attempt that stays open because its connection is not ready any more."""
    app = await stage.rotated()
    stage.tenant.without_scope("update:client_keys")
    stage.tenant.expire_tokens()
    await ask(stage, app)
    await stage.run_for(timedelta(seconds=75))
    kept = await assert_refused(stage, app)
    stage.tenant.with_scopes("read:clients", "update:client_keys")
    await stage.run_for(3 * MINUTE)
    await assert_at_peace(stage, app, changes=2)
    assert app.secret == kept


# The value itself is refused -------------------------------------------------------------------


async def test_a_refused_value_gives_way_to_another_one_at_once(stage: Stage) -> None:
    """Catches code that sends a refused value again for ever, or delivers it."""
    app = await stage.rotated()
    stage.tenant.answer(400, refusal(400, "Payload validation error: 'no' on property client_secret."))
    await ask(stage, app)
    await assert_at_peace(stage, app, changes=2)
    refused, accepted = sent(stage)
    assert refused != accepted == app.secret
    assert "RotationFailed" not in await reasons(stage)


async def test_a_tenant_that_refuses_every_value_is_not_asked_without_end(stage: Stage) -> None:
    """Catches a loop over values, which would use up the tenant's rate for all others."""
    app = await stage.rotated()
    stage.tenant.least_secret_length = 65
    await ask(stage, app)
    await assert_refused(stage, app)
    assert (await stage.kube.condition("web", "Stalled"))["reason"] == "ValueRefused"
    assert len(set(sent(stage))) == len(sent(stage)) == 3
    stage.tenant.least_secret_length = 1
    await stage.run_for(2 * MINUTE)
    await assert_at_peace(stage, app, changes=2)


# No value in what is told ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "strike",
    [
        lambda tenant: tenant.answer(400, quotes_value=True),
        lambda tenant: tenant.answer(500, quotes_value=True),
        lambda tenant: tenant.answer(503, quotes_value=True, moment=Moment.AFTER),
        lambda tenant: setattr(tenant, "least_secret_length", 65),
    ],
    ids=["a refusal", "a fault", "a fault after the effect", "a refusal of the value"],
)
async def test_an_answer_that_quotes_the_value_is_told_without_it(stage: Stage, strike: Strike) -> None:
    """Catches an answer's text that goes into status or an Event as it came."""
    app = await stage.rotated()
    # Quoted again in the doubt that follows, where a sentence stands around the answer's text.
    strike(stage.tenant)
    stage.tenant.answer(400, quotes_value=True, times=5)
    await ask(stage, app)
    await stage.run_for(2 * MINUTE)
    told = {kind: json.dumps(await stage.kube.all(kind)) for kind in (ROTATION, "Event")}
    assert all(
        "Not acceptable: ***" in text or "refused the value itself" in text for text in told.values()
    )
    for value in sent(stage):
        assert [kind for kind, text in told.items() if value[:12] in text or value[-12:] in text] == []


async def _in_real_time(stage: Stage, app: App, *, changes: int) -> None:
    """Let the clock of the story keep step with the real one, until the change is there."""
    loop = asyncio.get_running_loop()
    last = loop.time()

    async def is_changed() -> bool:
        nonlocal last
        now = loop.time()
        stage.clock.advance(timedelta(seconds=now - last))
        last = now
        await stage.settle()
        return app.changes == changes

    await stage.kube.eventually(is_changed)


async def test_a_busy_tenant_that_asks_for_more_than_a_minute_is_a_first_refusal(stage: Stage) -> None:
    """Catches an attempt that stays open for as long as the tenant asks to wait."""
    app = await stage.rotated()
    stage.tenant.answer(429, refusal(429, "too many"), headers={"Retry-After": "120"})
    await ask(stage, app)
    await stage.run_for(timedelta(seconds=75))
    kept = await assert_refused(stage, app)
    assert sent(stage) == [kept]
    await stage.restart()
    await stage.run_for(5 * MINUTE)
    await assert_at_peace(stage, app, changes=2)
    assert app.secret == kept


async def test_a_scope_that_is_granted_again_is_used_without_a_restart(stage: Stage) -> None:
    """Catches a token that is kept for a day although a changed grant shows in a new one only."""
    stage.tenant.token_seconds = 60
    app = await stage.rotated()
    stage.tenant.without_scope("update:client_keys")
    stage.tenant.token_seconds = 86400
    await ask(stage, app)
    kept = await assert_refused(stage, app)
    assert (await stage.kube.condition("web", "Stalled"))["reason"] == "ScopeMissing"
    stage.tenant.with_scopes("read:clients", "update:client_keys")
    await stage.run_for(timedelta(hours=3))
    await assert_at_peace(stage, app, changes=2)
    assert app.secret == kept
