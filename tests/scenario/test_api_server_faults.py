"""Faults of the API server at each write of a rotation: singly, in pairs, and beside the tenant's.

One rotation stands for each row: all are asked for a rotation at once, and each meets its own fault.
"""

import itertools
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import pytest

from auth0_rotator.cluster import Api
from auth0_simulator import App, Moment, Tenant
from controlplane import ControlPlane
from harness import Kube, rotation
from harness.proxy import Effect, Proxy
from harness.stage import Stage, staged
from harness.story import ANNOUNCING, assert_all_at_peace, refusal, sent_of

MINUTES = timedelta(minutes=1)
T = TypeVar("T")
# In the order in which a rotation makes them.
WRITES = [
    Effect.TARGET_DRY_RUN,
    Effect.JOURNAL_BEGIN,
    Effect.TARGET_APPLY,
    Effect.JOURNAL_COMMIT,
    Effect.STATUS,
    Effect.EVENT,
]
# Those that come after the request to the tenant, whatever it answers.
WRITES_AFTER = [
    Effect.JOURNAL_COUNT,
    Effect.JOURNAL_PARK,
    Effect.TARGET_APPLY,
    Effect.JOURNAL_COMMIT,
]
LASTING = 10_000
# How the names of rotations end that announce their values.
ANNOUNCED = "-announced"
# Of what the operator may ask about one object in three minutes in which nothing is answered well.
MOST_CALLS = 250


@dataclass(frozen=True)
class Fault:
    """One fault of the API server."""

    name: str
    strike: Callable[[Proxy, Effect, str, int], None]


def answers(status: int, moment: Moment = Moment.BEFORE, **options: Any) -> Fault:
    """Return the fault that answers a Kubernetes Status."""

    def strike(proxy: Proxy, effect: Effect, name: str, times: int) -> None:
        proxy.answer(effect, status, moment=moment, name=name, times=times, **options)

    return Fault(f"{status} {moment}", strike)


LOST = Fault(
    "lost before the effect",
    lambda proxy, effect, name, times: proxy.lose_request(effect, name=name, times=times),
)
ANSWER_LOST = Fault(
    "lost after the effect",
    lambda proxy, effect, name, times: proxy.lose_answer(effect, name=name, times=times),
)
FAULTS = [
    answers(401),
    answers(403),
    answers(404),
    answers(409),
    answers(422),
    answers(429, retry_after=7),
    answers(500),
    answers(503),
    answers(500, Moment.AFTER),
    answers(504, Moment.AFTER),
    LOST,
    ANSWER_LOST,
]
# Those that the operator tells apart: not done, done by nobody knows whom, perhaps done.
KINDS = [answers(503), answers(409), ANSWER_LOST]


@pytest.fixture
async def stage(plane: ControlPlane, kube: Kube, api: Api, proxied: Api) -> AsyncIterator[Stage]:
    """An operator whose writes go through the proxy; what it lists and watches comes directly."""
    async with staged(plane, kube, proxied, lister=api) as stage:
        await stage.connect()
        yield stage


def with_announced(rows: Mapping[str, T]) -> dict[str, T]:
    """Return each row twice: once more for a rotation that announces its values."""
    return {**rows, **{f"{name}{ANNOUNCED}": row for name, row in rows.items()}}


def spec_of(name: str) -> dict[str, Any]:
    return ANNOUNCING if name.endswith(ANNOUNCED) else {}


async def rotated(stage: Stage, names: Iterable[str]) -> dict[str, App]:
    """Return an application by each name, after its first rotation."""
    apps = {name: stage.tenant.add_app(name) for name in names}
    bodies = [rotation(app.client_id, name, **spec_of(name)) for name, app in apps.items()]
    await stage.kube.apply(*bodies)
    await stage.run_for(2 * MINUTES)
    assert {app.changes for app in apps.values()} == {1}
    return apps


async def ask(stage: Stage, name: str, app: App) -> None:
    """Ask for a rotation, which the operator does not see yet."""
    token = {"auth0rotator.dev/rotate-now": "again"}
    await stage.kube.apply(rotation(app.client_id, name, annotations=token, **spec_of(name)))


async def assert_all_changed(stage: Stage, apps: dict[str, App]) -> None:
    """Each was changed once more, to the one value that was chosen, and all is told."""
    await assert_all_at_peace(stage, apps, changes=2)
    for name, app in apps.items():
        assert set(sent_of(stage, app)) == {app.secret}, name


@pytest.mark.parametrize("times", [1, LASTING], ids=["once", "for three minutes"])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_a_fault_at_any_write_costs_no_second_change_and_loses_no_value(
    stage: Stage, proxy: Proxy, fault: Fault, times: int
) -> None:
    """Catches a change without a stored value, a second one, a value that stays undelivered, and a
    loop that never rests."""
    effects = with_announced({effect.name.lower().replace("_", "-"): effect for effect in WRITES})
    apps = await rotated(stage, effects)
    proxy.calls.clear()
    for name, effect in effects.items():
        fault.strike(proxy, effect, name, times)
        await ask(stage, name, apps[name])
    await stage.run_for(3 * MINUTES)
    for name in effects:
        assert len(proxy.asked(name=name)) < MOST_CALLS, name
    proxy.clear()
    await stage.run_for(10 * MINUTES)
    await assert_all_changed(stage, apps)


async def test_an_answer_that_comes_too_late_costs_no_second_change(
    stage: Stage, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Catches a write that is believed to have failed because nobody waited for its answer."""
    monkeypatch.setattr("auth0_rotator.cluster.api.REQUEST_SECONDS", 0.5)
    rows = list(itertools.product(WRITES, Moment))
    effects = with_announced({f"row-{number}": row for number, row in enumerate(rows)})
    apps = await rotated(stage, effects)
    for name, (effect, moment) in effects.items():
        proxy.delay(effect, 1.5, moment=moment, name=name)
        await ask(stage, name, apps[name])
    await stage.run_for(10 * MINUTES)
    await assert_all_changed(stage, apps)


@pytest.mark.parametrize(
    ("first", "second"),
    list(itertools.product(KINDS, KINDS)),
    ids=[f"{first.name}, {second.name}" for first, second in itertools.product(KINDS, KINDS)],
)
async def test_two_faults_of_one_rotation_cost_no_second_change(
    stage: Stage, proxy: Proxy, first: Fault, second: Fault
) -> None:
    """Catches what one fault leaves behind (a version, a pause, a certainty) and the next one meets."""
    pairs = list(itertools.combinations_with_replacement(WRITES[:4], 2))
    effects = with_announced({f"row-{number}": pair for number, pair in enumerate(pairs)})
    apps = await rotated(stage, effects)
    for name, (early, late) in effects.items():
        first.strike(proxy, early, name, 1)
        second.strike(proxy, late, name, 1)
        await ask(stage, name, apps[name])
    await stage.run_for(15 * MINUTES)
    await assert_all_changed(stage, apps)


TENANTS: dict[str, Callable[[Tenant], None]] = {
    "request lost": lambda tenant: tenant.lose_request(),
    "answer lost": lambda tenant: tenant.lose_answer(),
    "refused": lambda tenant: tenant.answer(403, refusal(403, "Insufficient scope")),
    "broken after the effect": lambda tenant: tenant.answer(503, moment=Moment.AFTER),
}


@pytest.mark.parametrize("strikes", TENANTS.values(), ids=TENANTS)
@pytest.mark.parametrize("fault", KINDS, ids=lambda fault: fault.name)
async def test_a_fault_of_the_tenant_and_one_of_the_api_server_cost_no_second_change(
    stage: Stage, proxy: Proxy, fault: Fault, strikes: Callable[[Tenant], None]
) -> None:
    """Catches a refusal or a doubt whose write is refused, and a value that is chosen anew for it."""
    effects = with_announced({effect.name.lower().replace("_", "-"): effect for effect in WRITES_AFTER})
    apps = await rotated(stage, effects)
    for name, effect in effects.items():
        fault.strike(proxy, effect, name, 1)
        strikes(stage.tenant)
        await ask(stage, name, apps[name])
        await stage.settle()
        stage.tenant.faults.clear()
    await stage.run_for(15 * MINUTES)
    await assert_all_changed(stage, apps)
