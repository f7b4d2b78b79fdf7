"""Consumers are restarted by real controllers: once for each rotation id, whatever happens between."""

import asyncio
from datetime import datetime

from auth0_simulator import App, Simulator
from harness import Kube, connection, credentials, rotation
from harness.process import NewOperator, OperatorProcess
from harness.waiting import ask, delivered, verified
from harness.workloads import generation, marks, restarts, rolled_out, workload

ROTATION = "Auth0ClientSecretRotation"
ROTATE_NOW = "auth0rotator.dev/rotate-now"


async def begin(kube: Kube, simulator: Simulator, operator: OperatorProcess) -> App:
    """Have a Deployment of two run on a value that was delivered, and restarted once for it."""
    app = simulator.tenant.add_app("web")
    await kube.apply(
        credentials(simulator.tenant), connection(simulator), workload(name="web", replicas=2)
    )
    await kube.apply(rotation(app.client_id, rolloutRestartTargets=restarts("Deployment/web")))
    await operator.start()
    await delivered(kube, app, 1)
    await rolled_out(kube)
    return app


async def pods(kube: Kube) -> dict[str, datetime]:
    """Return since when each pod runs that is not being ended."""
    return {
        pod["metadata"]["name"]: datetime.fromisoformat(pod["status"]["startTime"])
        for pod in await kube.all("Pod")
        if not pod["metadata"].get("deletionTimestamp") and "startTime" in pod.get("status", {})
    }


async def restarted(kube: Kube) -> list[str]:
    """Return what was told of restarts."""
    return [message for reason, message in await kube.events() if reason == "RolloutRestarted"]


def budget(entry: dict[str, int]) -> str:
    """Return how an Event tells what a rotation cost."""
    seconds = [entry[f"{part}Milliseconds"] / 1000 for part in ("delivered", "verified", "rolled")]
    return (
        "since the tenant took it: Secret written after {:.3f} s, first login after {:.3f} s, "
        "last consumer restarted after {:.3f} s"
    ).format(*seconds)


async def test_all_pods_are_new_a_few_seconds_after_a_rotation_by_one_restart(
    kube: Kube, simulator: Simulator, new_operator: NewOperator
) -> None:
    """Catches a restart that is told before it is over, or that comes with each look."""
    operator = new_operator()
    app = await begin(kube, simulator, operator)
    before, was = await pods(kube), await generation(kube)
    await ask(kube, "again")
    await delivered(kube, app, 2)
    told = await rolled_out(kube)
    assert told["reason"] == "ConsumersCurrent"
    now = await pods(kube)
    assert len(now) == 2
    assert not now.keys() & before.keys()
    assert await generation(kube) == was + 1
    status = await kube.status("web")
    assert set((await marks(kube)).values()) == {status["lastRotationId"]}
    assert 0 <= status["history"][0]["rolledMilliseconds"] < 10_000
    assert len(await restarted(kube)) == 2
    assert "auth0_rotator_roll_seconds_count 2.0" in operator.scrape()
    assert [
        message
        for reason, message in await kube.events()
        if reason == "ConsumersCurrent" and budget(status["history"][0]) in message
    ]


async def test_an_operator_that_is_killed_before_the_restart_is_followed_by_one_that_restarts_once(
    kube: Kube, simulator: Simulator, new_operator: NewOperator
) -> None:
    """Catches a restart that only a memory knows of."""
    operator = new_operator()
    app = await begin(kube, simulator, operator)
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


async def test_two_rotations_within_a_second_restart_twice_and_the_last_one_stays(
    kube: Kube, simulator: Simulator, new_operator: NewOperator
) -> None:
    """Catches a mark that an older rotation puts back, which rolls a third time."""
    app = await begin(kube, simulator, new_operator())
    was = await generation(kube)
    await ask(kube, "one")
    await kube.eventually(lambda: _changed(app, 2))
    await ask(kube, "two")
    await delivered(kube, app, 3)
    await rolled_out(kube)
    assert was + 1 <= await generation(kube) <= was + 2
    assert set((await marks(kube)).values()) == {(await kube.status("web"))["lastRotationId"]}


async def _changed(app: App, changes: int) -> bool:
    return app.changes >= changes


async def test_nothing_but_a_rotation_restarts(
    kube: Kube, simulator: Simulator, new_operator: NewOperator
) -> None:
    """Catches a restart for a drift, an adoption, a start, an edit, or a mark that is gone."""
    operator = new_operator()
    app = await begin(kube, simulator, operator)
    await verified(kube, 1)
    was = await generation(kube)
    await kube.merge("Secret", "web", {"data": {"SECRET": None}})
    await delivered(kube, app, 1)
    await operator.stop()
    # Re-created, with the journal gone: the target's record is adopted.
    await kube.delete(ROTATION, "web")
    await kube.delete("Secret", "web.journal")
    await kube.apply(rotation(app.client_id, rolloutRestartTargets=restarts("Deployment/web")))
    await new_operator().start()
    await rolled_out(kube)
    assert await generation(kube) == was
    # Somebody's apply takes the mark away, which rolls by itself; nobody puts it back.
    annotations = dict.fromkeys(await marks(kube))
    patch = {"spec": {"template": {"metadata": {"annotations": annotations}}}}
    await kube.merge("Deployment", "web", patch)
    targets = restarts("Deployment/web", "Deployment/other")
    await kube.apply(rotation(app.client_id, rolloutRestartTargets=targets))

    async def is_missing() -> bool:
        return (await kube.condition("web", "ConsumersCurrent")).get("reason") == "ConsumerMissing"

    await kube.eventually(is_missing)
    assert await generation(kube) == was + 1
    assert app.changes == 1


async def test_two_secrets_of_one_workload_that_change_together_restart_it_once(
    kube: Kube, simulator: Simulator, new_operator: NewOperator
) -> None:
    """Catches a workload that rolls once for each of its Secrets."""
    apps = {name: simulator.tenant.add_app(name) for name in ("web", "two")}
    await kube.apply(credentials(simulator.tenant), connection(simulator), workload(replicas=2))
    targets = restarts("Deployment/web")
    await kube.apply(
        *(rotation(app.client_id, name, rolloutRestartTargets=targets) for name, app in apps.items())
    )
    await new_operator().start()
    await asyncio.gather(*(rolled_out(kube, name) for name in apps))
    was = await generation(kube)
    both = [
        rotation(
            app.client_id, name, rolloutRestartTargets=targets, annotations={ROTATE_NOW: "together"}
        )
        for name, app in apps.items()
    ]
    await kube.apply(*both)
    await asyncio.gather(*(delivered(kube, app, 2, name) for name, app in apps.items()))
    await asyncio.gather(*(rolled_out(kube, name) for name in apps))
    assert await generation(kube) == was + 1
    ids = {(await kube.status(name))["lastRotationId"] for name in apps}
    assert set((await marks(kube)).values()) == ids
