"""Two operators that both believe they are the only one: each wish is followed once, by either."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from auth0_rotator.cluster import Api
from auth0_simulator import App, Moment
from controlplane import ControlPlane
from harness import Kube, rotation
from harness.proxy import Effect, Proxy
from harness.stage import Operator, Stage, staged
from harness.story import assert_at_peace, sent_of

MINUTE = timedelta(minutes=1)
DAYS = timedelta(days=40)
NAMES = [f"web-{number}" for number in range(6)]
TOKEN = {"auth0rotator.dev/rotate-now": "again"}
HELD = [
    Effect.TARGET_DRY_RUN,
    Effect.JOURNAL_BEGIN,
    Effect.TARGET_APPLY,
    Effect.JOURNAL_COMMIT,
    Effect.STATUS,
]


async def together(*operators: Operator) -> None:
    """Let all work at once until each is at rest."""
    await asyncio.gather(*(operator.settle() for operator in operators))


async def create(stage: Stage) -> dict[str, App]:
    """Create applications with their rotations, which nobody has seen yet."""
    await stage.connect()
    apps = {name: stage.tenant.add_app(name) for name in NAMES}
    await stage.kube.apply(*(rotation(app.client_id, name) for name, app in apps.items()))
    return apps


async def assert_changed(stage: Stage, apps: dict[str, App], changes: int) -> None:
    """All were changed so often, and are at peace for each of the operators."""
    for name, app in apps.items():
        await assert_at_peace(stage, app, changes=changes, name=name)


async def test_two_operators_that_see_a_creation_a_wish_and_a_date_at_once_change_once_for_each(
    stage: Stage,
) -> None:
    """Catches a lock that is only in memory, a write without a version, a value that each chooses."""
    first, second = stage.operator, stage.new_operator()
    apps = await create(stage)
    await together(first, second)
    for _ in range(3):
        stage.clock.advance(MINUTE)
        await together(first, second)
    await assert_changed(stage, apps, 1)
    wishes = [rotation(app.client_id, name, annotations=TOKEN) for name, app in apps.items()]
    await stage.kube.apply(*wishes)
    await together(first, second)
    for _ in range(3):
        stage.clock.advance(MINUTE)
        await together(first, second)
    await assert_changed(stage, apps, 2)
    stage.clock.advance(DAYS)
    await together(first, second)
    for _ in range(3):
        stage.clock.advance(MINUTE)
        await together(first, second)
    await assert_changed(stage, apps, 3)


@pytest.fixture
async def held(plane: ControlPlane, kube: Kube, proxied: Api) -> AsyncIterator[Stage]:
    """An operator that goes through the proxy."""
    async with staged(plane, kube, proxied) as stage:
        yield stage


@pytest.mark.parametrize("moment", Moment)
@pytest.mark.parametrize("effect", HELD, ids=lambda effect: effect.name.lower())
async def test_an_operator_that_stops_in_the_middle_and_goes_on_later_changes_nothing_again(
    held: Stage, api: Api, proxy: Proxy, effect: Effect, moment: Moment
) -> None:
    """Catches a pass that goes on by what it saw before it was stopped, after another one came."""
    stage = held
    app = await stage.rotated()
    stopped = stage.operator
    stage.api = api
    other = stage.new_operator()
    await other.settle()
    await stage.kube.apply(rotation(app.client_id, annotations=TOKEN))
    gate = proxy.hold(effect, moment)
    working = asyncio.create_task(stopped.settle())
    await gate.reached()
    # Long enough for another one to take over what it finds open.
    stage.clock.advance(timedelta(seconds=25))
    await other.settle()
    assert app.changes <= 2
    gate.open()
    await working
    for _ in range(12):
        stage.clock.advance(MINUTE)
        await together(stopped, other)
    await assert_at_peace(stage, app, changes=2)
    assert set(sent_of(stage, app)) == {app.secret}


async def test_a_list_that_is_older_than_what_was_done_leads_to_no_second_change(
    held: Stage, proxy: Proxy
) -> None:
    """Catches an operator that believes an API server that lags: an old journal, a wish to follow."""
    stage = held
    app = await stage.rotated()
    fresh = stage.tenant.add_app("fresh")
    await stage.kube.apply(rotation(app.client_id, annotations=TOKEN))
    await stage.kube.apply(rotation(fresh.client_id, "fresh"))
    changed = await stage.operator.take_stock()
    proxy.lag()
    for key in changed:
        stage.operator.wake(key)
    await stage.settle()
    await stage.restart()
    await stage.settle()
    assert (app.changes, fresh.changes) == (2, 1)
    assert not all(call.is_forwarded for call in proxy.asked(Effect.LIST))
    proxy.clear()
    await stage.run_for(3 * MINUTE)
    await assert_at_peace(stage, app, changes=2)
    await assert_at_peace(stage, fresh, changes=1, name="fresh")
