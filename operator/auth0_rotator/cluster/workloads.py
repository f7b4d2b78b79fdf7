"""Workloads that use a target: read, found, marked for a restart, their pods and what protects them."""

import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from auth0_rotator.cluster.api import Api
from auth0_rotator.conditions import Reason
from auth0_rotator.consumers import Workload, parse_workload
from auth0_rotator.disruption import DisruptionBudget, parse_budget
from auth0_rotator.errors import Refused
from auth0_rotator.record import MANAGED_BY
from auth0_rotator.resource.rotation import ConsumerKind

logger = logging.getLogger(__name__)

_BUDGET: Final = "PodDisruptionBudget"


class Workloads:
    """Every method raises what `Api` raises. A consumer is kind/name, the kind one of the API's, or
    argo.Rollout."""

    def __init__(self, api: Api) -> None:
        """Work through `api`."""
        self._api = api

    async def get(self, namespace: str, consumer: str) -> Workload | None:
        """Return a workload as it stands now, None where there is none, or no such kind."""
        kind, name = _parted(consumer)
        body = await self._api.get(kind, name, namespace)
        return _parsed(consumer, body) if body is not None else None

    async def find(self, namespace: str, consumer: str) -> Workload | None:
        """Return a workload as `all` would: None as well where nobody can make sense of it."""
        kind, name = _parted(consumer)
        body = await self._api.get(kind, name, namespace)
        return _parsed_or_none(namespace, consumer, body) if body is not None else None

    async def all(self, namespace: str) -> dict[str, Workload]:
        """Return all workloads that can be restarted, as they stand now, by kind/name.

        One that nobody can make sense of is left out: it is somebody else's, as a rule.
        """
        found = dict[str, Workload]()
        for kind in ConsumerKind:
            async for body in self._each(_kind(kind), namespace):
                consumer = f"{kind}/{body['metadata']['name']}"
                workload = _parsed_or_none(namespace, consumer, body)
                if workload is not None:
                    found[consumer] = workload
        return found

    async def budgets(self, namespace: str) -> list[DisruptionBudget]:
        """Return what says how many pods may be missed."""
        return [parse_budget(body) async for body in self._each(_BUDGET, namespace)]

    async def _each(self, kind: str, namespace: str) -> AsyncIterator[Mapping[str, Any]]:
        """Yield all objects of a kind, none where the cluster does not know it."""
        try:
            async for page in self._api.pages(kind, namespace):
                for body in page.items:
                    yield body
        except Refused as refusal:
            if refusal.reason != Reason.NOT_INSTALLED:
                raise

    async def mark(
        self, namespace: str, consumer: str, marks: Mapping[str, str], *, version: str
    ) -> Workload | None:
        """Write `marks` on the pod template, which has all pods replaced; return the workload.

        Raises:
            Stale: it is not what was read any more.
        """
        kind, name = _parted(consumer)
        patch = {
            "metadata": {"resourceVersion": version},
            "spec": {"template": {"metadata": {"annotations": dict(marks)}}},
        }
        body = await self._api.merge(kind, name, namespace, patch, manager=MANAGED_BY)
        return _parsed(consumer, body) if body is not None else None

    async def pods(self, namespace: str, selector: str) -> list[Mapping[str, Any]]:
        """Return the pods that `selector` selects."""
        return [
            body
            async for page in self._api.pages("Pod", namespace, labels=selector)
            for body in page.items
        ]


def _parsed(consumer: str, body: Mapping[str, Any]) -> Workload:
    """Return the workload; Refused where it is none: another kind's schema may admit anything."""
    try:
        return parse_workload(body)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        message = f"{consumer} is no workload as the API describes it ({type(error).__name__}: {error})"
        raise Refused(Reason.CONSUMER_NOT_RESTARTED, message) from None


def _parsed_or_none(namespace: str, consumer: str, body: Mapping[str, Any]) -> Workload | None:
    try:
        return _parsed(consumer, body)
    except Refused as refusal:
        extra = {"key": f"{namespace}/{consumer}", "cause": refusal.message}
        logger.debug("a workload is left out", extra=extra)
        return None


def _parted(consumer: str) -> tuple[str, str]:
    kind, _, name = consumer.partition("/")
    return _kind(kind), name


def _kind(kind: str) -> str:
    return kind.removeprefix("argo.")
