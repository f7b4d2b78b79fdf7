"""Our own kinds: read, report, and the few marks that the operator sets on them."""

import logging
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from secrets import token_hex
from typing import Any, Final

from auth0_rotator.cluster.api import Api, Body, Page
from auth0_rotator.conditions import Reason, shortened, timestamp
from auth0_rotator.errors import RotatorError
from auth0_rotator.record import MANAGED_BY
from auth0_rotator.resource import GROUP, VERSION, Kind
from auth0_rotator.subject import FROZEN, Key

logger = logging.getLogger(__name__)

API_VERSION: Final = f"{GROUP}/{VERSION}"
# core/v1 Event.message.
_EVENT_MESSAGE_LENGTH: Final = 1024


class Objects:
    """Every method raises what `Api` raises."""

    def __init__(self, api: Api) -> None:
        """Work through `api`."""
        self._api = api

    async def get(self, kind: Kind, name: str, namespace: str | None = None) -> Body | None:
        """Return the object as it stands now, None where there is none."""
        return await self._api.get(kind.value, name, namespace)

    def pages(self, kind: Kind, namespace: str | None = None) -> AsyncIterator[Page]:
        """Yield all objects of one kind, a page at a time."""
        return self._api.pages(kind.value, namespace if kind.is_namespaced else None)

    async def write_status(
        self, kind: Kind, identity: Mapping[str, str], status: Mapping[str, Any]
    ) -> Body:
        """Write the whole status of the object with this name, namespace and uid; return the object.

        Raises:
            Stale: it is gone, or another object of the same name.
        """
        body = {
            "apiVersion": API_VERSION,
            "kind": kind.value,
            "metadata": dict(identity),
            "status": dict(status),
        }
        written = await self._api.apply(kind.value, body, manager=MANAGED_BY, force=True, part="status")
        return written.body

    async def set_finalizers(
        self, key: Key, finalizers: tuple[str, ...], *, version: str
    ) -> Body | None:
        """Set the finalizers of a rotation that is still as it was read; None where it is gone.

        Raises:
            Stale: it changed since.
        """
        patch = {"metadata": {"finalizers": list(finalizers), "resourceVersion": version}}
        return await self._api.merge(
            Kind.ROTATION.value, key.name, key.namespace, patch, manager=MANAGED_BY
        )

    async def remove_annotation(self, key: Key, name: str) -> Body | None:
        """Remove an annotation of a rotation that has been followed; None where it is gone."""
        patch = {"metadata": {"annotations": {name: None}}}
        return await self._api.merge(
            Kind.ROTATION.value, key.name, key.namespace, patch, manager=MANAGED_BY
        )

    async def is_namespace_terminating(self, name: str) -> bool:
        """Return whether the namespace is being deleted, or gone."""
        found = await self._api.get("Namespace", name)
        return found is None or bool(found["metadata"].get("deletionTimestamp"))

    async def namespace_labels(self, name: str) -> Mapping[str, str]:
        """Return the labels of a namespace, none where it is gone."""
        found = await self._api.get("Namespace", name)
        labels: Mapping[str, str] = found["metadata"].get("labels") or {} if found else {}
        return labels

    def frozen_namespaces(self) -> AsyncIterator[Page]:
        """Yield all namespaces that carry the label by which people freeze them, a page at a time."""
        return self._api.pages("Namespace", labels=FROZEN)

    async def post_event(
        self,
        kind: Kind,
        identity: Mapping[str, str],
        *,
        reason: Reason,
        message: str,
        is_warning: bool,
        now: datetime,
        namespace: str,
    ) -> None:
        """Post one Event about the object. Cluster-scoped objects have theirs in `namespace`.

        One that cannot be posted is logged: nothing may hang on it.
        """
        at = timestamp(now)
        body = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{identity['name'][:200]}.{token_hex(8)}", "namespace": namespace},
            "involvedObject": {"apiVersion": API_VERSION, "kind": kind.value, **identity},
            "reason": reason.value,
            "message": shortened(message, _EVENT_MESSAGE_LENGTH),
            "type": "Warning" if is_warning else "Normal",
            "source": {"component": MANAGED_BY},
            "reportingComponent": MANAGED_BY,
            "firstTimestamp": at,
            "lastTimestamp": at,
            "count": 1,
        }
        try:
            await self._api.create("Event", body, manager=MANAGED_BY)
        except RotatorError as error:
            extra = {"key": f"{namespace}/{identity['name']}", "cause": error.message}
            logger.warning("an Event cannot be posted", extra=extra)
