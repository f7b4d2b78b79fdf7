"""Whom a cluster connection serves: its allowedNamespaces, read against the namespaces as they are."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from auth0_rotator.cluster import Objects
from auth0_rotator.errors import RotatorError
from auth0_rotator.resource import ClusterConnectionSpec, Kind, SpecInvalid, parse_spec
from auth0_rotator.subject import ConnectionKey
from auth0_rotator.versions import Body

logger = logging.getLogger(__name__)

# How long the labels of a namespace are believed.
NAMESPACE_FRESH: Final = timedelta(seconds=30)


class Admission:
    """Answers with a reason to refuse. A namespace that cannot be read is not admitted by its labels."""

    def __init__(self, objects: Objects, clock: Callable[[], datetime]) -> None:
        """Know no namespace yet."""
        self._objects = objects
        self._clock = clock
        self._namespaces: dict[str, tuple[datetime, Mapping[str, str]]] = {}

    async def refusal(
        self, key: ConnectionKey, body: Body, namespace: str, client_id: str
    ) -> str | None:
        """Return why a cluster connection does not serve this namespace and client; None if it does."""
        if key.kind is not Kind.CLUSTER_CONNECTION:
            return None
        try:
            spec = parse_spec(ClusterConnectionSpec, body.get("spec"))
        except SpecInvalid as fault:
            return str(fault)
        for entry in spec.allowed_namespaces:
            if entry.client_ids is not None and client_id not in entry.client_ids:
                continue
            if namespace in entry.names:
                return None
            if entry.selector is None:
                continue
            wanted = entry.selector.match_labels.items()
            if not wanted or wanted <= (await self._labels_of(namespace)).items():
                return None
        return f"{key} does not admit namespace {namespace} for this client: see its allowedNamespaces"

    async def _labels_of(self, namespace: str) -> Mapping[str, str]:
        """Return the labels of a namespace; none where it cannot be read, which admits nobody."""
        now = self._clock()
        read_at, labels = self._namespaces.get(namespace, (None, {}))
        if read_at is None or not timedelta(0) <= now - read_at < NAMESPACE_FRESH:
            try:
                labels = await self._objects.namespace_labels(namespace)
            except RotatorError as error:
                logger.warning(
                    "a namespace cannot be read", extra={"key": namespace, "cause": error.message}
                )
                return {}
            self._namespaces[namespace] = (now, labels)
        return labels
