"""Stories by which an attack once broke an invariant: a write that fails, or whose answer is lost."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from auth0_rotator.cluster import Api
from auth0_simulator import Moment, Operation
from controlplane import ControlPlane
from harness import Kube, Stage, rotation
from harness.proxy import Effect, Proxy
from harness.secrets import saved
from harness.stage import staged
from harness.story import refuse
from scenario.test_conflicts import MINUTES, PREFIX, ROTATION, rotate_now
from scenario.test_what_changes import TOKEN
from scenario.test_what_must_not_rotate import DAY, assert_left_alone

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def stage(plane: ControlPlane, kube: Kube, proxied: Api) -> AsyncIterator[Stage]:
    """A stage whose operators know the API server through the proxy alone."""
    async with staged(plane, kube, proxied) as stage:
        yield stage


async def told(stage: Stage) -> list[str]:
    """Return the Events about changes, oldest first."""
    reasons = [reason for reason, _ in await stage.kube.events()]
    return [reason for reason in reasons if reason in {"Rotated", "RotationFailed"}]


async def condition(stage: Stage, type_: str) -> tuple[str, str]:
    """Return status and reason of a condition."""
    found = await stage.kube.condition("web", type_)
    return found["status"], found["reason"]


@pytest.mark.parametrize("is_told", [True, False], ids=["503", "no answer"])
async def test_a_commit_whose_answer_is_lost_is_told_once_and_leaves_nothing_open(
    stage: Stage, proxy: Proxy, *, is_told: bool
) -> None:
    """Wrong: a retry of a commit that stands, which waits for ever for a journal that went on."""
    app = await stage.rotated()
    if is_told:
        proxy.answer(Effect.JOURNAL_COMMIT, 503, moment=Moment.AFTER)
    else:
        proxy.lose_answer(Effect.JOURNAL_COMMIT)
    await rotate_now(stage, app, "web")
    await assert_left_alone(stage, app, changes=2)
    assert await condition(stage, "Reconciling") == ("False", "WaitingForDueDate")
    assert await told(stage) == ["Rotated", "Rotated"]
    assert (await stage.kube.status("web"))["history"][0]["trigger"] == "manual"


async def test_two_operators_agree_on_what_to_tell_after_a_lost_commit(
    stage: Stage, proxy: Proxy
) -> None:
    """Wrong: a memory that outlives its change, by which each rewrites the status of the other."""
    app = await stage.rotated()
    second = stage.new_operator()
    await second.settle()
    proxy.answer(Effect.JOURNAL_COMMIT, 503, moment=Moment.AFTER)
    await rotate_now(stage, app, "web")
    await stage.run_for(MINUTE)
    versions = []
    for _ in range(4):
        await second.settle()
        await stage.settle()
        found = await stage.kube.get(ROTATION, "web")
        assert found is not None
        versions.append(found["metadata"]["resourceVersion"])
    assert len(set(versions[1:])) == 1
    await assert_left_alone(stage, app, changes=2)


async def test_a_client_that_is_changed_during_the_rehearsal_keeps_its_value(
    stage: Stage, proxy: Proxy
) -> None:
    """Wrong: a change for the spec as it was when the rehearsal began."""
    web, api = await stage.rotated(), stage.tenant.add_app("api")
    gate = proxy.hold(Effect.TARGET_DRY_RUN)
    await rotate_now(stage, web, "web")
    rotating = asyncio.create_task(stage.settle())
    await gate.reached()
    await stage.kube.apply(rotation(api.client_id, annotations=TOKEN))
    # A watch tells it while the rehearsal goes on.
    await stage.operator.take_stock()
    gate.open()
    await rotating
    await stage.run_for(MINUTES)
    assert (web.changes, api.changes) == (1, 1)
    await stage.assert_delivered(api)


async def test_a_rotation_that_is_suspended_while_it_cannot_be_rehearsed_is_at_rest(
    stage: Stage, proxy: Proxy
) -> None:
    """Wrong: an attempt of which nothing was sent, and which is told as going on for ever."""
    app = await stage.rotated()
    proxy.answer(Effect.TARGET_DRY_RUN, 503, times=1000)
    await rotate_now(stage, app, "web")
    await stage.settle()
    assert (await condition(stage, "Reconciling"))[0] == "True"
    await rotate_now(stage, app, "web", suspend=True)
    await assert_left_alone(stage, app)
    assert await condition(stage, "Reconciling") == ("False", "Suspended")
    proxy.clear()
    await rotate_now(stage, app, "web", suspend=False)
    await assert_left_alone(stage, app, changes=2)


async def test_a_value_that_cannot_be_delivered_is_told_once_a_minute_and_delivered_in_the_end(
    stage: Stage, proxy: Proxy
) -> None:
    """Wrong: a delivery that is given up, begins the change anew, or is told at every try."""
    app = await stage.rotated()
    proxy.answer(Effect.TARGET_APPLY, 503, times=1000)
    await rotate_now(stage, app, "web")
    await stage.run_for(MINUTES)
    assert app.changes == 2
    assert (await condition(stage, "Ready"))[0] != "True"
    assert 4 <= (await stage.kube.status("web"))["failedAttempts"] <= 6
    assert 4 <= (await told(stage)).count("RotationFailed") <= 6
    proxy.clear()
    await stage.run_for(MINUTE)
    await stage.assert_delivered(app)
    await assert_left_alone(stage, app, changes=2)
    assert len(stage.tenant.asked(Operation.PATCH)) == 2


async def test_an_operator_that_ends_before_the_commit_leaves_word_of_a_request_that_may_land(
    stage: Stage, proxy: Proxy
) -> None:
    """Wrong: a successor that takes the delivered value for the answer to the only request, and does not
    wait for the one that was lost."""
    app = await stage.rotated()
    stage.tenant.lose_request()
    await rotate_now(stage, app, "web")
    await stage.settle()
    proxy.answer(Effect.JOURNAL_COMMIT, 503, times=1000)
    await stage.run_for(MINUTE / 2)
    await stage.assert_delivered(app)
    assert "finalizers" in (await saved(stage.kube, "Secret", "web.journal"))["metadata"]
    await stage.restart()
    proxy.clear()
    await stage.settle()
    history = (await stage.kube.status("web"))["history"]
    assert (history[0]["result"], history[0]["trigger"]) == ("success", "manual")
    token = {f"{PREFIX}rotate-now": "once more"}
    await stage.kube.apply(rotation(app.client_id, annotations=token))
    await stage.run_for(4 * MINUTE)
    assert app.changes == 2
    await assert_left_alone(stage, app, changes=3)


async def test_a_failure_that_was_made_good_untold_asks_for_no_rotation_tomorrow(
    stage: Stage, proxy: Proxy
) -> None:
    """Wrong: a failure that stands in status until the next rotation, which it brings forward."""
    app = await stage.rotated()
    refuse(stage.tenant)
    await rotate_now(stage, app, "web")
    await stage.settle()
    stage.tenant.faults.clear()
    proxy.answer(Effect.STATUS, 503, times=1000)
    stage.clock.advance(2 * DAY)
    await stage.settle()
    assert app.changes == 2
    await stage.restart()
    proxy.clear()
    await assert_left_alone(stage, app, changes=2)
    assert (await stage.kube.status("web"))["rotationStatus"] == "success"


async def test_a_status_that_could_not_be_written_is_written_though_nothing_else_is_to_be_done(
    stage: Stage, proxy: Proxy
) -> None:
    """Wrong: a status that waits for the next event or date, which may be a month away."""
    app = stage.tenant.add_app("web")
    await stage.connect()
    proxy.answer(Effect.STATUS, 503, times=3)
    await stage.kube.apply(rotation(app.client_id, suspend=True))
    await stage.run_for(MINUTE)
    assert await condition(stage, "Ready") == ("False", "Suspended")
