"""Whom a cluster connection serves: its allowedNamespaces, read against the namespaces as they are."""

from auth0_rotator.reconciler.namespaces import Namespaces
from auth0_rotator.resource import ClusterConnectionSpec, Kind, SpecInvalid, parse_spec
from auth0_rotator.subject import ConnectionKey
from auth0_rotator.versions import Body


class Admission:
    """Answers with a reason to refuse. A namespace that cannot be read is not admitted by its labels."""

    def __init__(self, namespaces: Namespaces) -> None:
        """Read labels by `namespaces`."""
        self._namespaces = namespaces

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
            if not wanted or wanted <= (await self._namespaces.labels_of(namespace)).items():
                return None
        return f"{key} does not admit namespace {namespace} for this client: see its allowedNamespaces"
