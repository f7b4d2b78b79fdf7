"""Workloads that use a target, and what of them a test looks at."""

from datetime import timedelta
from typing import Any, Final

from controlplane import ControlPlane
from harness.installation import apply_manifest
from harness.kube import Kube
from harness.stage import Stage

_SECOND: Final = timedelta(seconds=1)
_API: Final = {"Rollout": "argoproj.io/v1alpha1"}
# Argo's own definition has thousands of lines; of the kind only its shape matters here.
ROLLOUT_CRD: Final[dict[str, Any]] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "rollouts.argoproj.io"},
    "spec": {
        "group": "argoproj.io",
        "names": {"kind": "Rollout", "plural": "rollouts"},
        "scope": "Namespaced",
        "versions": [
            {
                "name": "v1alpha1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "x-kubernetes-preserve-unknown-fields": True,
                    }
                },
            }
        ],
    },
}


def install_rollouts(plane: ControlPlane) -> None:
    """Let the cluster know the kind of Argo Rollouts; no controller comes with it."""
    apply_manifest(plane, ROLLOUT_CRD)
    path = "/apis/argoproj.io/v1alpha1/rollouts"
    plane.wait("rollouts", lambda: plane.request("GET", path)[0] == 200)


def workload(
    kind: str = "Deployment", name: str = "web", *, reads: str = "web", **spec: Any
) -> dict[str, Any]:
    """Return a workload that reads a Secret into its environment."""
    labels = {"app": name}
    reference = {"secretRef": {"name": reads, "optional": True}}
    container = {"name": "main", "image": "web", "envFrom": [reference]}
    pods = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    scale = {} if kind == "DaemonSet" else {"replicas": 0}
    body = scale | {"selector": {"matchLabels": labels}, "template": pods} | spec
    return {
        "apiVersion": _API.get(kind, "apps/v1"),
        "kind": kind,
        "metadata": {"name": name},
        "spec": body,
    }


def pod(app: str, *, name: str) -> dict[str, Any]:
    """Return a pod that nobody made, with the labels of a workload."""
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"name": name, "labels": {"app": app}},
        "spec": {"containers": [{"name": "main", "image": "web"}]},
    }


async def begun_long_ago(kube: Kube, name: str) -> None:
    """Have a pod run since before any rotation."""
    began = {"status": {"phase": "Running", "startTime": "2026-01-01T00:00:00Z"}}
    await kube.merge("Pod", name, began, part="status")


def restarts(*consumers: str) -> list[dict[str, str]]:
    """Return rolloutRestartTargets of kind/name."""
    return [dict(zip(("kind", "name"), one.split("/"), strict=True)) for one in consumers]


async def marks(kube: Kube, kind: str = "Deployment", name: str = "web") -> dict[str, str]:
    """Return the annotations of a pod template."""
    found = await kube.get(kind, name)
    template = found["spec"]["template"]["metadata"] if found is not None else {}
    return dict(template.get("annotations") or {})


async def generation(kube: Kube, kind: str = "Deployment", name: str = "web") -> int:
    """Return how often the spec was changed, its creation included."""
    found = await kube.get(kind, name)
    assert found is not None
    return int(found["metadata"]["generation"])


async def rolled_out(kube: Kube, rotation: str = "web") -> dict[str, Any]:
    """Return the condition once it says that the consumers run on the delivered value."""

    async def is_current() -> dict[str, Any] | None:
        status = await kube.status(rotation)
        told = await kube.condition(rotation, "ConsumersCurrent")
        target = await kube.get("Secret", rotation) or {"metadata": {}}
        newest = (target["metadata"].get("annotations") or {}).get("auth0rotator.dev/rotation-id")
        is_newest = newest == status.get("lastRotationId")
        return told if is_newest and told.get("status") == "True" else None

    found: dict[str, Any] = await kube.eventually(is_current)
    return found


async def current(stage: Stage, status: str = "True", *, name: str = "web") -> dict[str, Any]:
    """Return the condition once it says so: controllers need a moment, and the clock stands still."""

    async def is_told() -> dict[str, Any] | None:
        await stage.run_for(_SECOND)
        told = await stage.kube.condition(name, "ConsumersCurrent")
        return told if told.get("status") == status else None

    found: dict[str, Any] = await stage.kube.eventually(is_told)
    return found
