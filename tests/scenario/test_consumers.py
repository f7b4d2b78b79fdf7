"""Consumers: what is in the way of a restart is told, tried again, and never touches the rotation."""

from datetime import timedelta
from typing import Any

import pytest

from auth0_simulator import App
from harness import Stage, rotation
from harness.foreign import ADOPTS, HOUR, KEYS
from harness.story import ask, assert_at_peace
from harness.workloads import begun_long_ago, current, generation, marks, pod, restarts, workload

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
WEB: dict[str, Any] = {"rolloutRestartTargets": restarts("Deployment/web")}


async def rotated(stage: Stage, *workloads: dict[str, Any], **spec: Any) -> App:
    """Create consumers and a rotation that names them."""
    await stage.kube.apply(*workloads)
    return await stage.rotated(**(WEB | spec))


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
async def test_each_kind_is_restarted_once_for_each_rotation(stage: Stage, kind: str) -> None:
    """Catches a mark in the wrong place, and one that is written again and again."""
    spec: dict[str, Any] = {"rolloutRestartTargets": restarts(f"{kind}/web")}
    app = await rotated(stage, workload(kind), **spec)
    await current(stage)
    first = (await stage.kube.status("web"))["lastRotationId"]
    assert list((await marks(stage.kube, kind)).values()) == [first]
    await ask(stage, app, **spec)
    await current(stage)
    assert await generation(stage.kube, kind) == 3
    assert app.changes == 2


async def test_a_consumer_that_is_missing_is_restarted_when_it_comes(stage: Stage) -> None:
    """Catches a rotation that fails with its consumer, and a restart that is forgotten."""
    app = await rotated(stage)
    told = await current(stage, "False")
    assert told["reason"] == "ConsumerMissing"
    assert "there is no Deployment/web" in told["message"]
    assert (await stage.kube.status("web"))["rotationStatus"] == "success"
    assert (await stage.kube.condition("web", "Ready"))["status"] == "True"
    await stage.kube.apply(workload())
    await stage.run_for(6 * MINUTE)
    await current(stage)
    assert len(await marks(stage.kube)) == 1
    await assert_at_peace(stage, app, changes=1)


async def test_a_kind_that_is_not_installed_is_told_and_the_others_are_restarted(stage: Stage) -> None:
    """Catches one consumer that keeps the others from their restart."""
    targets = restarts("argo.Rollout/web", "Deployment/web")
    await rotated(stage, workload(), rolloutRestartTargets=targets)
    told = await current(stage, "False")
    assert (told["reason"], "argo.Rollout/web" in told["message"]) == ("ConsumerMissing", True)
    assert len(await marks(stage.kube)) == 1


async def test_one_that_replaces_no_pods_by_itself_is_told_with_the_pods_that_are_older(
    stage: Stage,
) -> None:
    """Catches a restart that is told as done while pods run on a dead value."""
    app = await rotated(
        stage,
        workload("StatefulSet", updateStrategy={"type": "OnDelete"}),
        rolloutRestartTargets=restarts("StatefulSet/web"),
    )
    await current(stage)
    await stage.kube.apply(pod("web", name="stray"))
    await begun_long_ago(stage.kube, "stray")
    await ask(stage, app, rolloutRestartTargets=restarts("StatefulSet/web"))
    told = await current(stage, "False")
    assert told["reason"] == "ConsumersStale"
    assert "stray; delete them" in told["message"]
    await stage.kube.send("DELETE", f"{stage.kube.path('Pod', 'stray')}?gracePeriodSeconds=0")
    await current(stage)


async def test_a_restart_waits_neither_for_a_suspension_nor_for_the_tenant(stage: Stage) -> None:
    """Catches consumers that are left with a dead value because something else holds."""
    app = await rotated(stage)
    await current(stage, "False")
    await stage.simulator.stop()
    await stage.kube.apply(rotation(app.client_id, suspend=True, **WEB))
    await stage.kube.apply(workload())
    await stage.run_for(6 * MINUTE)
    await current(stage)
    assert len(await marks(stage.kube)) == 1


async def test_an_idle_rotation_looks_at_its_consumers_no_more(stage: Stage) -> None:
    """Catches a look that never ends."""
    await rotated(stage, workload())
    await current(stage)
    due = stage.operator.due
    assert min(due.values()) - stage.clock.now > 20 * 60 * MINUTE, due
    await stage.restart()
    await stage.settle()
    assert min(stage.operator.due.values()) - stage.clock.now > 20 * 60 * MINUTE


async def test_who_is_named_later_is_not_restarted_for_a_rotation_of_before(stage: Stage) -> None:
    """Catches an edit that restarts."""
    app = await stage.rotated()
    await stage.kube.apply(workload())
    await stage.kube.apply(rotation(app.client_id, **WEB))
    await current(stage)
    assert await marks(stage.kube) == {}
    await ask(stage, app, **WEB)
    await current(stage)
    assert len(await marks(stage.kube)) == 1


async def test_a_value_that_is_not_delivered_yet_has_nobody_marked_for_it(stage: Stage) -> None:
    """Catches a consumer that is restarted for a value which its Secret does not hold so far, and is
    taken for current when it does."""
    await stage.kube.apply(workload())
    app = await stage.rotated(**WEB)
    other = stage.tenant.add_app("other")
    await stage.kube.apply(rotation(other.client_id, "other", **WEB))
    await current(stage)
    await current(stage, name="other")
    # The tenant has another value, which a person put into the Secret, and nobody can write it there.
    await stage.run_for(10 * MINUTE)
    await stage.kube.merge("Secret", "other", {"immutable": True})
    value = stage.tenant.rotate_elsewhere(other)
    former = await stage.kube.secret("other")
    stage.tenant.with_scopes(*KEYS)
    await stage.connect(foreignRotation=ADOPTS)
    await stage.run_for(2 * HOUR)
    assert (await stage.kube.secret("other.journal"))["current"] == value
    assert await stage.kube.secret("other") == former
    await ask(stage, app, **WEB)
    await current(stage)
    count = await generation(stage.kube)
    await stage.kube.delete("Secret", "other")
    await stage.settle()
    await stage.assert_delivered(other, "other")
    await current(stage, name="other")
    assert await generation(stage.kube) == count + 1
