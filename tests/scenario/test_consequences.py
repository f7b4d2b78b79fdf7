"""What follows from an answer of the tenant fails once: it is asked again, until that is done."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Final

import pytest

from auth0_rotator.cluster import Api
from controlplane import ControlPlane
from harness import Kube, Stage, connection, rotation
from harness.foreign import ADOPTS, KEYS, told
from harness.proxy import Effect, Proxy
from harness.secrets import secret
from harness.stage import staged
from harness.story import ROTATION, ask, land, lose, reasons, silence_probes
from harness.workloads import restarts, workload

SECOND: Final = timedelta(seconds=1)
MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
# A server that is busy, and a write that somebody else came before.
FAILURES: Final = pytest.mark.parametrize("status", [503, 409])


@pytest.fixture
async def stage(plane: ControlPlane, kube: Kube, api: Api, proxied: Api) -> AsyncIterator[Stage]:
    """An operator whose requests go through the proxy; what it lists comes directly."""
    async with staged(plane, kube, proxied, lister=api) as stage:
        yield stage


def fail_journal(proxy: Proxy, status: int) -> None:
    """Have the next write of the journal fail."""
    proxy.answer(Effect.JOURNAL_UPDATE, status, times=1)


async def start_anew(stage: Stage) -> None:
    """Have nobody know any more what the tenant said."""
    await stage.kube.merge(ROTATION, "web", {"status": None}, part="status")
    await stage.restart()


@FAILURES
async def test_a_value_is_taken_back_though_the_first_write_fails(
    stage: Stage, proxy: Proxy, status: int
) -> None:
    """Catches a dead value that stays delivered and Ready."""
    app = await stage.rotated()
    former = app.secret
    await ask(stage, app)
    await stage.run_for(20 * MINUTE)
    app.secret = former
    await start_anew(stage)
    fail_journal(proxy, status)
    await stage.run_for(5 * MINUTE)
    await stage.assert_delivered(app)
    assert await told(stage) == ("True", "Verified")


@FAILURES
async def test_a_late_request_is_undone_though_the_first_write_fails(
    stage: Stage, proxy: Proxy, status: int
) -> None:
    """Catches a change that was lost, came late, and stays."""
    app = await stage.rotated()
    lost = await lose(stage, app)
    await stage.run_for(30 * SECOND)
    await ask(stage, app, "once more")
    await stage.run_for(6 * MINUTE)
    newest = app.secret
    await land(stage, app, lost)
    fail_journal(proxy, status)
    await stage.run_for(HOUR)
    assert app.secret == newest
    assert await told(stage) == ("True", "Verified")


@FAILURES
async def test_a_foreign_value_is_adopted_though_the_first_write_fails(
    stage: Stage, proxy: Proxy, status: int
) -> None:
    """Catches applications that are locked out until the next probe."""
    stage.tenant.with_scopes(*KEYS)
    app = await stage.rotated()
    await stage.connect(foreignRotation=ADOPTS | {"probeInterval": "24h"})
    await stage.run_for(20 * MINUTE)
    stage.tenant.rotate_elsewhere(app)
    await start_anew(stage)
    fail_journal(proxy, status)
    await stage.run_for(10 * MINUTE)
    await stage.assert_delivered(app)
    assert "Adopted" in await reasons(stage)


@FAILURES
async def test_a_kept_value_is_verified_though_the_first_write_fails(
    stage: Stage, proxy: Proxy, status: int
) -> None:
    """Catches a canary that everybody waits for in vain."""
    app = stage.tenant.add_app("web")
    await stage.connect()
    await stage.kube.apply(secret("web", ID=app.client_id, SECRET=app.secret))
    silence_probes(stage.tenant)
    await stage.kube.apply(rotation(app.client_id, initialRotation="WhenDue"))
    await stage.settle()
    stage.tenant.faults.clear()
    fail_journal(proxy, status)
    await stage.run_for(10 * MINUTE)
    assert await told(stage) == ("True", "Verified")


@FAILURES
async def test_another_domain_of_the_tenant_is_followed_though_the_first_write_fails(
    stage: Stage, proxy: Proxy, status: int
) -> None:
    """Catches a person who is told to rotate, for nothing."""
    await stage.rotated()
    await stage.run_for(20 * MINUTE)
    fail_journal(proxy, status)
    custom = connection(stage.simulator, domain="login.acme.com", audience=stage.tenant.audience)
    await stage.kube.apply(custom)
    await stage.run_for(20 * MINUTE)
    assert (await stage.kube.condition("web", "Stalled"))["status"] == "False"
    assert "DomainChanged" in await reasons(stage)


async def test_a_repair_that_fails_for_a_while_is_nobodys_contest(stage: Stage, proxy: Proxy) -> None:
    """Catches tries that count as repairs: a wrong value that stays for ten minutes, and a person who
    is sent to look for another writer."""
    app = await stage.rotated()
    await stage.run_for(5 * MINUTE)
    proxy.answer(Effect.TARGET_APPLY, 503, times=8)
    await stage.kube.merge("Secret", "web", {"stringData": {"SECRET": "wrong"}})
    await stage.run_for(2 * MINUTE)
    proxy.clear()
    await stage.run_for(2 * MINUTE)
    await stage.assert_delivered(app)
    assert "TargetContested" not in await reasons(stage)


async def test_one_that_asks_for_a_pause_each_time_keeps_no_other_waiting(
    stage: Stage, proxy: Proxy
) -> None:
    """Catches consumers behind one whose webhook is always busy."""
    await stage.kube.apply(workload(), workload(name="other"))
    consumers = restarts("Deployment/web", "Deployment/other")
    proxy.answer(Effect.OTHER, 429, name="web", retry_after=5, times=1000)
    app = await stage.rotated(rolloutRestartTargets=consumers)
    await stage.run_for(HOUR)
    found = await stage.kube.get("Deployment", "other")
    assert found is not None
    assert found["spec"]["template"]["metadata"].get("annotations")
    assert app.changes == 1


async def test_a_clock_that_is_set_back_begins_the_minute_of_a_refusal_anew(stage: Stage) -> None:
    """Catches a refusal that is not believed for hours."""
    app = await stage.rotated()
    await stage.run_for(20 * MINUTE)
    stage.tenant.rotate_elsewhere(app)
    await start_anew(stage)
    await stage.run_for(20 * SECOND)
    stage.clock.advance(-2 * HOUR)
    await stage.run_for(5 * MINUTE)
    assert await told(stage) == ("False", "RotatedElsewhere")


async def test_a_look_at_the_gate_that_takes_long_counts_all_the_same(
    stage: Stage, proxy: Proxy
) -> None:
    """Catches a gate that is looked at again and again, and a rotation that never comes."""
    gated: dict[str, Any] = {"restartGate": True, "rotationInterval": 1}
    await stage.kube.apply(workload())
    app = await stage.rotated(rolloutRestartTargets=restarts("Deployment/web"), **gated)
    await stage.run_for(5 * MINUTE)
    stage.clock.advance(await stage.until_due() + SECOND)
    async with asyncio.TaskGroup() as group:
        slowing = group.create_task(slow_down(stage, proxy))
        await stage.settle()
        slowing.cancel()
    assert app.changes == 2


async def slow_down(stage: Stage, proxy: Proxy) -> None:
    """Have each look at a consumer take longer than an open gate counts."""
    while True:
        gate = proxy.hold(Effect.OTHER, name="web")
        await gate.reached()
        stage.clock.advance(6 * SECOND)
        gate.open()
