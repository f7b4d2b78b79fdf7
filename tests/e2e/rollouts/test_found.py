"""Consumers that nobody names, among real pods and Argo's Rollouts."""

from typing import Any

from auth0_simulator import Simulator
from harness import Kube, connection, credentials, rotation
from harness.process import NewOperator
from harness.waiting import ask, delivered
from harness.workloads import generation, marks, restarts, rolled_out, workload


async def test_who_reads_the_secret_rolls_once_also_when_the_operator_is_killed_between(
    kube: Kube, simulator: Simulator, new_operator: NewOperator
) -> None:
    """Catches readers that only a memory knows of."""
    app = simulator.tenant.add_app("web")
    await kube.apply(credentials(simulator.tenant), connection(simulator), workload(replicas=2))
    await kube.apply(rotation(app.client_id, consumers="discover"))
    operator = new_operator()
    await operator.start()
    await rolled_out(kube)
    was = await generation(kube)
    await ask(kube, "again")

    async def is_written() -> bool:
        return (await kube.secret("web")).get("SECRET") == app.secret and app.changes == 2

    await kube.eventually(is_written)
    await operator.kill()
    await new_operator().start()
    await rolled_out(kube)
    assert await generation(kube) == was + 1
    assert app.changes == 2


async def test_a_rollout_is_found_unless_a_deployment_gives_it_its_pods(
    kube: Kube, simulator: Simulator, new_operator: NewOperator
) -> None:
    """Catches a kind that is left out, and a mark on a template that a Rollout may not have."""
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    referring = workload("Rollout", "referring", workloadRef=reference)
    del referring["spec"]["template"]
    app = simulator.tenant.add_app("web")
    await kube.apply(credentials(simulator.tenant), connection(simulator))
    await kube.apply(referring, workload("Rollout"), workload())
    targets = restarts("argo.Rollout/referring")
    await kube.apply(rotation(app.client_id, consumers="discover", rolloutRestartTargets=targets))
    await new_operator().start()
    await delivered(kube, app, 1)

    async def is_told() -> bool:
        message = (await kube.condition("web", "ConsumersCurrent")).get("message", "")
        words = "argo.Rollout/referring takes its pods from Deployment/web: name that one instead"
        return words in message

    await kube.eventually(is_told)
    assert len(await marks(kube, "Rollout")) == len(await marks(kube)) == 1
    found = await kube.get("Rollout", "referring")
    assert found is not None
    assert "template" not in found["spec"]


async def test_a_workload_that_nobody_can_make_sense_of_hides_no_other(
    kube: Kube, simulator: Simulator, new_operator: NewOperator
) -> None:
    """Catches one mistyped object of somebody else, by which nothing in the namespace rotates again."""
    odd = workload("Rollout", "odd")
    odd["spec"]["template"]["spec"]["volumes"] = [{"name": "v", "secret": "web"}]
    app = simulator.tenant.add_app("web")
    await kube.apply(credentials(simulator.tenant), connection(simulator), odd, workload())
    await kube.apply(rotation(app.client_id, consumers="discover"))
    await new_operator().start()
    await rolled_out(kube)
    assert len(await marks(kube)) == 1
    named: dict[str, Any] = {
        "consumers": "discover",
        "rolloutRestartTargets": restarts("argo.Rollout/odd"),
    }
    await kube.apply(rotation(app.client_id, **named))
    await ask(kube, "again")
    await delivered(kube, app, 2)

    async def is_told() -> bool:
        message = (await kube.condition("web", "ConsumersCurrent")).get("message", "")
        return "argo.Rollout/odd is no workload as the API describes it" in message

    await kube.eventually(is_told)
