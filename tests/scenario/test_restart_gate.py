"""The restart gate: an automatic rotation waits until its consumers can do without pods."""

from datetime import timedelta
from typing import Any

import pytest

from auth0_rotator.cluster import Api
from auth0_simulator import App
from controlplane import ControlPlane
from harness import Kube, Stage, rotation
from harness.proxy import Effect, Proxy
from harness.stage import staged
from harness.story import ask, assert_at_peace
from harness.workloads import current, install_rollouts, marks, pod, restarts, workload

SECOND = timedelta(seconds=1)
GATE: dict[str, Any] = {"restartGate": True, "rotationInterval": 1}
NAMED: dict[str, Any] = GATE | {"rolloutRestartTargets": restarts("Deployment/web")}
FOUND: dict[str, Any] = GATE | {"consumers": "discover"}


async def due(
    stage: Stage, spec: dict[str, Any], *, kind: str = "Deployment", is_rolling: bool = False
) -> App:
    """Let the due date of a rotation with a consumer come."""
    await stage.kube.apply(workload(kind))
    app = await stage.rotated(**spec)
    await current(stage)
    if is_rolling:
        await stage.kube.merge(kind, "web", {"spec": {"replicas": 1}})
    await stage.run_for(await stage.until_due() + SECOND)
    return app


@pytest.mark.parametrize("spec", [NAMED, FOUND], ids=["named", "found"])
async def test_a_due_date_waits_while_a_consumer_is_rolling_out(
    stage: Stage, spec: dict[str, Any]
) -> None:
    """Catches a gate that does not hold, and one that does not open again."""
    app = await due(stage, spec, is_rolling=True)
    assert app.changes == 1
    told = await stage.kube.condition("web", "Reconciling")
    assert told["reason"] == "RestartGateClosed"
    assert "Deployment/web is rolling out" in told["message"]
    assert (await stage.kube.condition("web", "Stalled"))["status"] == "False"
    await stage.kube.merge("Deployment", "web", {"spec": {"replicas": 0}})

    async def is_rotated() -> bool:
        await stage.run_for(10 * SECOND)
        return app.changes == 2

    await stage.kube.eventually(is_rotated)
    await current(stage)
    assert len(await marks(stage.kube)) == 1
    await assert_at_peace(stage, app, changes=2)


async def test_a_due_date_waits_for_a_budget_that_allows_no_disruption(stage: Stage) -> None:
    """Catches a rotation that takes pods from a service that has none to spare."""
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}},
    }
    await stage.kube.apply(budget, pod("web", name="only"))
    spec = NAMED | {"rolloutRestartTargets": restarts("StatefulSet/web")}

    async def is_counted() -> bool:
        found = await stage.kube.get("PodDisruptionBudget", "web") or {}
        return (found.get("status") or {}).get("expectedPods") == 1

    await stage.kube.eventually(is_counted)
    app = await due(stage, spec, kind="StatefulSet")
    told = await stage.kube.condition("web", "Reconciling")
    assert "the PodDisruptionBudget web lets no pod of StatefulSet/web be missed" in told["message"]
    assert app.changes == 1
    await stage.kube.delete("PodDisruptionBudget", "web")
    await stage.run_for(40 * SECOND)
    assert app.changes == 2


async def test_without_anybody_to_look_at_the_gate_holds_nothing(stage: Stage) -> None:
    """Catches a gate that waits for consumers that nobody named."""
    await stage.kube.apply(workload(replicas=1))
    app = await stage.rotated(**GATE)
    await stage.run_for(await stage.until_due() + SECOND)
    assert app.changes == 2


async def test_who_waits_at_the_gate_keeps_no_turn_from_others(stage: Stage) -> None:
    """Catches a place in the queue that is held by one that may not begin."""
    await stage.kube.apply(workload())
    await stage.connect(governor={"minSpacing": "10m"})
    apps = {name: stage.tenant.add_app(name) for name in ("a", "b", "c")}
    for name, app in apps.items():
        spec = NAMED if name == "a" else {"rotationInterval": 1}
        await stage.kube.apply(rotation(app.client_id, name, **spec))
    await stage.settle()
    await current(stage, name="a")
    await stage.kube.merge("Deployment", "web", {"spec": {"replicas": 1}})
    # Two turns are enough for the other two.
    await stage.run_for(await stage.until_due("a") + 630 * SECOND)
    assert {name: app.changes for name, app in apps.items()} == {"a": 1, "b": 2, "c": 2}
    told = await stage.kube.condition("a", "Reconciling")
    assert told["reason"] == "RestartGateClosed"
    await stage.kube.merge("Deployment", "web", {"spec": {"replicas": 0}})

    async def is_rotated() -> bool:
        await stage.run_for(60 * SECOND)
        return apps["a"].changes == 2

    await stage.kube.eventually(is_rotated)


async def test_an_open_gate_costs_no_time(stage: Stage) -> None:
    """Catches a look that sends a due rotation to another pass."""
    app = await due(stage, NAMED)
    assert app.changes == 2


async def test_who_asks_for_a_rotation_waits_for_nobody(stage: Stage) -> None:
    """Catches a gate that keeps a person from changing what has leaked."""
    app = await due(stage, NAMED, is_rolling=True)
    await ask(stage, app, **NAMED)
    assert app.changes == 2


async def test_a_gate_that_may_not_look_stays_closed_and_says_what_it_needs(
    plane: ControlPlane, kube: Kube, proxy: Proxy, proxied: Api
) -> None:
    """Catches a rotation that takes what cannot be read for nothing that is in the way."""
    async with staged(plane, kube, proxied) as stage:
        proxy.answer(Effect.CONSUMERS, 403, times=1000)
        app = await due(stage, NAMED)
        assert app.changes == 1
        told = await kube.condition("web", "Stalled")
        assert (told["status"], told["reason"]) == ("True", "Forbidden")
        proxy.clear()
        await stage.run_for(120 * SECOND)
        assert app.changes == 2


async def test_consumers_that_cannot_be_found_are_restarted_once_they_can_be(
    plane: ControlPlane, kube: Kube, proxy: Proxy, proxied: Api
) -> None:
    """Catches a restart that is forgotten because a list failed."""
    async with staged(plane, kube, proxied) as stage:
        proxy.answer(Effect.CONSUMERS, 403, times=1000)
        await kube.apply(workload())
        await stage.rotated(consumers="discover")
        told = await current(stage, "False")
        assert told["reason"] == "ConsumerNotRestarted"
        assert "the consumers cannot be found" in told["message"]
        assert (await kube.condition("web", "Ready"))["status"] == "True"
        await stage.restart()
        proxy.clear()
        await stage.run_for(360 * SECOND)
        await current(stage)
        assert len(await marks(kube)) == 1


@pytest.mark.parametrize("spec", [{}, {"consumers": "discover"}], ids=["named", "found as well"])
async def test_one_that_is_no_workload_holds_no_gate(
    stage: Stage, plane: ControlPlane, spec: dict[str, Any]
) -> None:
    """Catches a kind of somebody else's, by which a rotation never comes again. It has no restart that
    could do harm."""
    install_rollouts(plane)
    await stage.kube.apply(workload("Rollout", "odd") | {"spec": {"template": "of another kind"}})
    app = await stage.rotated(**GATE, rolloutRestartTargets=restarts("argo.Rollout/odd"), **spec)
    await stage.run_for(await stage.until_due() + SECOND)
    assert app.changes == 2
    told = await stage.kube.condition("web", "ConsumersCurrent")
    assert (told["status"], told["reason"]) == ("False", "ConsumerNotRestarted")
    assert "argo.Rollout/odd is no workload" in told["message"]
