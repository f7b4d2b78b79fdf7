"""Consumers that nobody names: found by what they read, and restarted once."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from auth0_rotator.cluster import Api
from auth0_rotator.consumers import parse_workload
from auth0_simulator import App
from controlplane import ControlPlane
from harness import Kube, Stage, rotation
from harness.proxy import Effect, Proxy
from harness.stage import staged
from harness.story import ask
from harness.workloads import begun_long_ago, current, generation, marks, pod, restarts, workload

SECOND = timedelta(seconds=1)
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


NAMES = ("a", "b", "c")


@pytest.fixture
async def readers(
    plane: ControlPlane, kube: Kube, api: Api, proxied: Api
) -> AsyncIterator[tuple[Stage, App]]:
    """A rotation that is found by three workloads, which are current; what it writes can be kept off."""
    async with staged(plane, kube, proxied, lister=api) as stage:
        app = await rotated(stage, *(workload(name=name) for name in NAMES))
        await current(stage)
        yield stage, app


async def test_of_all_that_are_to_be_restarted_each_is_restarted_once(
    readers: tuple[Stage, App], proxy: Proxy
) -> None:
    """Catches a second restart, or a look at a thousand again and again, where the journal has no room
    for the names of those that are left."""
    stage, app = readers
    for name in NAMES[1:]:
        proxy.answer(Effect.OTHER, 403, name=name, times=1000)
    await ask(stage, app, **DISCOVER)
    was = {name: await generation(stage.kube, name=name) for name in NAMES}
    await stage.kube.eventually(lambda: _has_rolled(stage, "a"))
    await stage.run_for(400 * SECOND)
    proxy.calls.clear()
    await owe_all(stage)
    await stage.run_for(400 * SECOND)
    assert {call.name for call in proxy.calls if call.name in NAMES} == set(NAMES[1:])
    proxy.clear()
    await owe_all(stage)
    await stage.restart()
    await current(stage)
    now = {name: await generation(stage.kube, name=name) for name in NAMES}
    assert now == {"a": was["a"], "b": was["b"] + 1, "c": was["c"] + 1}


async def owe_all(stage: Stage) -> None:
    """Have the journal say what it says of more than it has room for."""
    told = {"metadata": {"annotations": {"auth0rotator.dev/to-restart": "*"}}}
    await stage.kube.merge("Secret", "web.journal", told)


async def test_an_api_server_that_asks_for_a_pause_is_left_alone(
    readers: tuple[Stage, App], proxy: Proxy
) -> None:
    """Catches a round that goes on through thousands of workloads, and one that begins anew at once."""
    stage, app = readers
    proxy.calls.clear()
    for name in NAMES:
        proxy.answer(Effect.OTHER, 429, name=name, retry_after=40, times=1000)
    await ask(stage, app, **DISCOVER)
    await stage.run_for(30 * SECOND)
    assert len([call for call in proxy.calls if call.name in NAMES]) == 1
    proxy.clear()
    await stage.run_for(20 * SECOND)
    await current(stage)


async def test_who_is_current_is_not_looked_at_while_another_one_is_not(
    readers: tuple[Stage, App], proxy: Proxy
) -> None:
    """Catches a request for each of a thousand workloads, again and again, while one cannot start."""
    stage, app = readers
    await stage.kube.merge("Deployment", "b", {"spec": {"replicas": 1}})
    await ask(stage, app, **DISCOVER)
    await stage.run_for(120 * SECOND)
    await stage.kube.eventually(lambda: _has_rolled(stage, "a", "c"))
    await stage.run_for(60 * SECOND)
    proxy.calls.clear()
    await stage.run_for(300 * SECOND)
    assert {call.name for call in proxy.calls if call.name in NAMES} == {"b"}


async def _has_rolled(stage: Stage, *names: str) -> bool:
    bodies = [await stage.kube.get("Deployment", name) for name in names]
    return all(body is not None and parse_workload(body).is_rolled_out for body in bodies)
