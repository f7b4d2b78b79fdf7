"""Consumers that nobody names: found by what they read, and restarted once."""

from typing import Any

import pytest

from auth0_simulator import App
from harness import Stage, rotation
from harness.story import ask
from harness.workloads import begun_long_ago, current, generation, marks, pod, restarts, workload

DISCOVER: dict[str, Any] = {"consumers": "discover"}
RELOADER = "reloader.stakater.com/auto"


def reading(how: dict[str, Any], kind: str = "Deployment", name: str = "web") -> dict[str, Any]:
    """Return a workload whose pods read what this part of a pod's spec says."""
    body = workload(kind, name)
    main = {"name": "main", "image": "web"}
    body["spec"]["template"]["spec"] = {"containers": [main]} | how
    return body


def container(**parts: Any) -> list[dict[str, Any]]:
    return [{"name": "one", "image": "web"} | parts]


WAYS: dict[str, dict[str, Any]] = {
    "env": {
        "containers": container(
            env=[{"name": "A", "valueFrom": {"secretKeyRef": {"name": "web", "key": "SECRET"}}}]
        )
    },
    "envFrom": {"containers": container(envFrom=[{"secretRef": {"name": "web"}}])},
    "volume": {"volumes": [{"name": "v", "secret": {"secretName": "web"}}]},
    "projected volume": {
        "volumes": [{"name": "v", "projected": {"sources": [{"secret": {"name": "web"}}]}}]
    },
    "init container": {"initContainers": container(envFrom=[{"secretRef": {"name": "web"}}])},
}


async def rotated(stage: Stage, *workloads: dict[str, Any]) -> App:
    """Create workloads and a rotation that finds them."""
    await stage.kube.apply(*workloads)
    return await stage.rotated(**DISCOVER)


@pytest.mark.parametrize("way", WAYS)
async def test_who_reads_the_secret_is_restarted_once_for_each_rotation(stage: Stage, way: str) -> None:
    """Catches a way to read a Secret that nobody looks for, and a mark that is written again."""
    app = await rotated(stage, reading(WAYS[way]))
    await current(stage)
    assert len(await marks(stage.kube)) == 1
    await ask(stage, app, **DISCOVER)
    await current(stage)
    assert await generation(stage.kube) == 3
    assert list((await marks(stage.kube)).values()) == [
        (await stage.kube.status("web"))["lastRotationId"]
    ]


async def test_each_kind_is_found_and_nobody_else(stage: Stage) -> None:
    """Catches a kind that is left out, and a restart of who reads another Secret."""
    kinds = ["Deployment", "StatefulSet", "DaemonSet"]
    other = reading({"containers": container(envFrom=[{"secretRef": {"name": "other"}}])}, name="other")
    await rotated(stage, *(workload(kind) for kind in kinds), other)
    await stage.settle()
    for kind in kinds:
        assert len(await marks(stage.kube, kind)) == 1, kind
    assert await marks(stage.kube, name="other") == {}


async def test_who_is_restarted_by_another_tool_is_left_to_it(stage: Stage) -> None:
    """Catches a workload that rolls twice for one rotation."""
    left = workload(name="left")
    left["metadata"]["annotations"] = {RELOADER: "true"}
    app = await rotated(stage, workload(), left)
    await current(stage)
    await stage.kube.apply(pod("left", name="old"))
    await begun_long_ago(stage.kube, "old")
    await ask(stage, app, **DISCOVER)
    told = await current(stage, "False")
    assert told["reason"] == "ConsumersStale"
    assert f"Deployment/left: it is left to the tool of its annotation {RELOADER}" in told["message"]
    assert "old" in told["message"]
    assert await marks(stage.kube, name="left") == {}
    assert len(await marks(stage.kube)) == 1


async def test_who_is_named_is_restarted_whatever_its_annotations_say(stage: Stage) -> None:
    """Catches a word of a person that counts less than a guess."""
    named = workload()
    named["metadata"]["annotations"] = {RELOADER: "true"}
    await stage.kube.apply(named)
    await stage.rotated(rolloutRestartTargets=restarts("Deployment/web"), **DISCOVER)
    await current(stage)
    assert len(await marks(stage.kube)) == 1


async def test_who_comes_later_and_who_goes_are_no_matter(stage: Stage) -> None:
    """Catches a restart of who began with the value, and a wait for who is gone."""
    app = await rotated(stage, workload())
    await current(stage)
    await stage.kube.apply(workload(name="late"))
    await stage.restart()
    await stage.settle()
    assert await marks(stage.kube, name="late") == {}
    await stage.kube.delete("Deployment", "web")
    await ask(stage, app, **DISCOVER)
    await current(stage)
    assert len(await marks(stage.kube, name="late")) == 1


async def test_switched_on_later_it_restarts_nobody_for_a_rotation_of_before(stage: Stage) -> None:
    """Catches an edit that restarts."""
    app = await stage.rotated()
    await stage.kube.apply(workload())
    await stage.kube.apply(rotation(app.client_id, **DISCOVER))
    await current(stage)
    assert await marks(stage.kube) == {}


async def test_without_a_reader_all_is_current(stage: Stage) -> None:
    """Catches a condition that waits for somebody who does not exist."""
    await rotated(stage)
    told = await current(stage)
    assert told["message"] == "no workload of this namespace reads the Secret"


async def test_two_secrets_of_one_reader_that_change_together_restart_it_once(stage: Stage) -> None:
    """Catches a workload that rolls once for each of its Secrets."""
    sources = [{"secretRef": {"name": name}} for name in ("web", "two")]
    await stage.kube.apply(reading({"containers": container(envFrom=sources)}))
    await stage.connect()
    apps = {name: stage.tenant.add_app(name) for name in ("web", "two")}
    await stage.kube.apply(*(rotation(app.client_id, name, **DISCOVER) for name, app in apps.items()))
    await current(stage)
    await current(stage, name="two")
    was = await generation(stage.kube)
    annotations = {"auth0rotator.dev/rotate-now": "together"}
    for name, app in apps.items():
        await stage.kube.apply(rotation(app.client_id, name, annotations=annotations, **DISCOVER))
    await stage.settle()
    await current(stage)
    await current(stage, name="two")
    assert [app.changes for app in apps.values()] == [2, 2]
    assert await generation(stage.kube) == was + 1


async def test_readers_of_different_secrets_carry_their_own_mark_only(stage: Stage) -> None:
    """Catches a mark for a Secret that a workload does not read, by which it rolls for nothing."""
    await stage.kube.apply(workload(), workload(name="two", reads="two"))
    await stage.connect()
    for name in ("web", "two"):
        app = stage.tenant.add_app(name)
        await stage.kube.apply(rotation(app.client_id, name, **DISCOVER))
    await current(stage)
    await current(stage, name="two")
    for name in ("web", "two"):
        own = [(await stage.kube.status(name))["lastRotationId"]]
        assert list((await marks(stage.kube, name=name)).values()) == own
        assert await generation(stage.kube, name=name) == 2
