"""Workloads that use a target: read, marked for a restart, and their pods."""

from collections.abc import Mapping
from typing import Any

from auth0_rotator.cluster.api import Api
from auth0_rotator.consumers import Workload, parse_workload
from auth0_rotator.record import MANAGED_BY


class Workloads:
    """Every method raises what `Api` raises. A kind is one of the API's, or argo.Rollout."""

    def __init__(self, api: Api) -> None:
        """Work through `api`."""
        self._api = api

    async def get(self, namespace: str, kind: str, name: str) -> Workload | None:
        """Return a workload as it stands now, None where there is none, or no such kind."""
        body = await self._api.get(_kind(kind), name, namespace)
        return parse_workload(body) if body is not None else None

    async def mark(
        self, namespace: str, kind: str, name: str, marks: Mapping[str, str], *, version: str
    ) -> Workload | None:
        """Write `marks` on the pod template, which has all pods replaced; return the workload.

        Raises:
            Stale: it is not what was read any more.
        """
        patch = {
            "metadata": {"resourceVersion": version},
            "spec": {"template": {"metadata": {"annotations": dict(marks)}}},
        }
        body = await self._api.merge(_kind(kind), name, namespace, patch, manager=MANAGED_BY)
        return parse_workload(body) if body is not None else None

    async def pods(self, namespace: str, selector: str) -> list[Mapping[str, Any]]:
        """Return the pods that `selector` selects."""
        return [
            body
            async for page in self._api.pages("Pod", namespace, labels=selector)
            for body in page.items
        ]


def _kind(kind: str) -> str:
    return kind.removeprefix("argo.")
