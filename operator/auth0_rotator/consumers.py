"""Workloads that use a target: the mark that restarts them, and whether they run on a value. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from auth0_rotator.conditions import parse_timestamp
from auth0_rotator.discovery import secrets_used
from auth0_rotator.record import PREFIX
from auth0_rotator.resource import DISCOVERED

# In order of the kinds' own words for the same thing.
_UPDATED: Final = ("updatedReplicas", "updatedNumberScheduled")
_AVAILABLE: Final = ("availableReplicas", "numberAvailable")


def mark_of(secret_name: str) -> str:
    """Return the annotation of a pod template that says for which rotation of this Secret it was
    restarted last."""
    return f"{PREFIX}secret-{sha256(secret_name.encode()).hexdigest()[:16]}"


# Annotations have room for 256 KiB, and a consumer takes up to 270 bytes.
MOST_KEPT: Final = 200


@dataclass(frozen=True, slots=True)
class Workload:
    """A workload as it was read."""

    version: str
    marks: Mapping[str, str]
    """The annotations of its pod template."""
    selector: str
    """Which pods are its own, as a label selector."""
    is_rolled_out: bool
    """Whether its controller has replaced all pods, and they are available."""
    is_available: bool
    """Whether none of its pods is missing, on whatever value they run."""
    obstacle: str
    """Why its controller replaces none, or not all, by itself; empty where it does."""
    template_of: str = ""
    """The workload, as kind/name, from which it takes its pod template; empty where it has its own."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """The labels of its pods."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Its own."""
    secrets: frozenset[str] = frozenset()
    """The names of the Secrets that its pods read."""

    def lacks(self, marks: Mapping[str, str]) -> dict[str, str]:
        """Return those of `marks` that it does not carry yet.

        One of a later rotation stays: ids sort by time, and going back would restart once more.
        """
        return {name: id_ for name, id_ in marks.items() if self.marks.get(name, "") < id_}


def parse_workload(body: Mapping[str, Any]) -> Workload:
    """Return a Deployment, StatefulSet, DaemonSet or Rollout as a `Workload`."""
    metadata, spec, status = body["metadata"], body.get("spec") or {}, body.get("status") or {}
    pods = spec.get("template") or {}
    template, reference = pods.get("metadata") or {}, spec.get("workloadRef") or {}
    marks = template.get("annotations") or {}
    return Workload(
        version=metadata["resourceVersion"],
        marks=marks,
        selector=_selector(spec.get("selector") or {}),
        is_rolled_out=_is_rolled_out(metadata, spec, status),
        is_available=_count(status, _AVAILABLE) >= _wanted(spec, status),
        obstacle=_obstacle(spec),
        template_of=f"{reference.get('kind', '')}/{reference.get('name', '')}" if reference else "",
        labels=template.get("labels") or {},
        annotations=metadata.get("annotations") or {},
        secrets=secrets_used(pods.get("spec") or {}),
    )


def _is_rolled_out(
    metadata: Mapping[str, Any], spec: Mapping[str, Any], status: Mapping[str, Any]
) -> bool:
    # Argo writes the generation that it has observed as text, and did so with a hash until 0.9.
    observed = str(status.get("observedGeneration") or 0)
    if observed.isdecimal() and int(observed) < int(metadata.get("generation") or 0):
        return False
    wanted = _wanted(spec, status)
    updated, available = _count(status, _UPDATED), _count(status, _AVAILABLE)
    # Those that are still to go are counted as well.
    standing = int(status.get("replicas") or 0)
    return updated >= wanted and available >= wanted and standing <= max(updated, wanted)


def _wanted(spec: Mapping[str, Any], status: Mapping[str, Any]) -> int:
    return int(status.get("desiredNumberScheduled", spec.get("replicas", 1)))


def _count(status: Mapping[str, Any], names: Sequence[str]) -> int:
    return next((int(status[name]) for name in names if name in status), 0)


def _obstacle(spec: Mapping[str, Any]) -> str:
    if spec.get("paused"):
        return "it is paused"
    strategy = spec.get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete":
        return "its updateStrategy is OnDelete"
    if (strategy.get("rollingUpdate") or {}).get("partition"):
        return "its updateStrategy has a partition"
    return ""


def _selector(selector: Mapping[str, Any]) -> str:
    """Return a selector of the API as text, as a list of pods takes it."""
    parts = [f"{name}={value}" for name, value in (selector.get("matchLabels") or {}).items()]
    for one in selector.get("matchExpressions") or ():
        name, values = one["key"], f"({','.join(one.get('values') or ())})"
        parts.append(
            {
                "In": f"{name} in {values}",
                "NotIn": f"{name} notin {values}",
                "Exists": name,
            }.get(one["operator"], f"!{name}")
        )
    return ",".join(parts)


def older_pods(pods: Sequence[Mapping[str, Any]], since: datetime) -> list[str]:
    """Return the names of the pods that run since before `since`; those that end do not count."""
    return sorted(
        pod["metadata"]["name"]
        for pod in pods
        if not pod["metadata"].get("deletionTimestamp")
        and (pod.get("status") or {}).get("phase") not in {"Succeeded", "Failed"}
        and (began := parse_timestamp((pod.get("status") or {}).get("startTime"))) is not None
        and began < since
    )


def kept_short(left: Sequence[str], named: Collection[str]) -> tuple[str, ...]:
    """Return what a journal has room for of the consumers that are `left` to be restarted.

    Many that nobody named are found again: DISCOVERED stands for all of them.
    """
    if len(left) <= MOST_KEPT:
        return tuple(left)
    return (*(one for one in left if one in named), DISCOVERED)
