"""Whether a workload can be restarted without harm right now: what a restart gate asks. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from auth0_rotator.consumers import Workload

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DisruptionBudget:
    """A PodDisruptionBudget as it was read."""

    name: str
    selector: Mapping[str, Any] | None
    allows_none: bool
    """Whether not one of its pods may be missed now, as far as its controller has looked."""


def parse_budget(body: Mapping[str, Any]) -> DisruptionBudget:
    """Return a PodDisruptionBudget of the API as a `DisruptionBudget`."""
    metadata, status = body["metadata"], body.get("status") or {}
    has_pods = int(status.get("expectedPods") or 0) > 0
    return DisruptionBudget(
        name=metadata["name"],
        selector=(body.get("spec") or {}).get("selector"),
        allows_none=has_pods and int(status.get("disruptionsAllowed") or 0) <= 0,
    )


def obstacle_to(consumer: str, workload: Workload, budgets: Sequence[DisruptionBudget]) -> str:
    """Return why a workload had better not be restarted now, empty where nothing speaks against it."""
    # One whose controller replaces no pods never comes to the end of a restart.
    is_whole = workload.is_available if workload.obstacle else workload.is_rolled_out
    if not is_whole:
        return f"{consumer} is rolling out, or not all of its pods are available"
    strict = [one.name for one in budgets if one.allows_none and selects(one.selector, workload.labels)]
    if strict:
        return f"the PodDisruptionBudget {strict[0]} lets no pod of {consumer} be missed"
    return ""


def selects(selector: Mapping[str, Any] | None, labels: Labels) -> bool:
    """Return whether a selector of policy/v1 selects pods with these labels: {} all, None none."""
    if selector is None:
        return False
    wanted: Labels = selector.get("matchLabels") or {}
    return wanted.items() <= labels.items() and all(
        _meets(expression, labels) for expression in selector.get("matchExpressions") or ()
    )


def _meets(expression: Mapping[str, Any], labels: Labels) -> bool:
    name, values = expression["key"], expression.get("values") or ()
    is_there, is_listed = name in labels, labels.get(name) in values
    return {
        "In": is_there and is_listed,
        "NotIn": not is_there or not is_listed,
        "Exists": is_there,
        "DoesNotExist": not is_there,
    }[expression["operator"]]
