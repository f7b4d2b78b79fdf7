"""The tenants behind connections: how each is reached, as whom, and at which pace."""

from dataclasses import dataclass
from datetime import timedelta

from auth0_rotator.auth0 import Credentials, Pace, Tenant, Transport
from auth0_rotator.cluster import Secrets
from auth0_rotator.conditions import Reason
from auth0_rotator.errors import Refused
from auth0_rotator.observation import CredentialsPlace
from auth0_rotator.resource import ClusterConnectionSpec, ConnectionSpec, Kind, parse_spec
from auth0_rotator.subject import ConnectionKey
from auth0_rotator.versions import Body


@dataclass(slots=True)
class Link:
    """The tenant behind one connection, as long as its spec stays the same."""

    spec: ConnectionSpec
    tenant: Tenant
    client_id: str = ""
    """As whom the operator last authenticated."""
    was_logged_in: bool = False
    """Whether the tenant ever issued a token for it."""


class Tenants:
    """One link for each connection; those that reach one domain in one way share one pace.

    Not all that name one domain: whoever sets an endpoint of their own could slow down everybody else,
    or stop them by its 429s.
    """

    def __init__(
        self,
        secrets: Secrets,
        *,
        cluster_resource_namespace: str,
        allow_insecure_endpoints: bool,
        is_rehearsal: bool,
    ) -> None:
        """Reach nobody yet."""
        self._secrets = secrets
        self._cluster_resource_namespace = cluster_resource_namespace
        self._allow_insecure = allow_insecure_endpoints
        self._is_rehearsal = is_rehearsal
        self._links: dict[ConnectionKey, Link] = {}
        self._paces: dict[str, Pace] = {}
        self._probe_paces: dict[str, Pace] = {}

    async def close(self) -> None:
        """Close the connections to all tenants."""
        for link in self._links.values():
            await link.tenant.close()

    def get(self, key: ConnectionKey) -> Link | None:
        """Return the link of a connection, None where it is gone or was never opened."""
        return self._links.get(key)

    def interval(self, way: str) -> timedelta:
        """Return how long after one request that goes this way the next may, when many wait."""
        return self._paces[way].interval if way in self._paces else timedelta(0)

    def place(self, key: ConnectionKey, spec: ConnectionSpec) -> CredentialsPlace:
        """Return where the operator reads its credentials for a connection."""
        reference = spec.credentials_secret_ref
        namespace = key.namespace or self._cluster_resource_namespace
        return CredentialsPlace(
            namespace, reference.name, reference.client_id_key, reference.client_secret_key
        )

    async def forget(self, key: ConnectionKey) -> None:
        """Close the connections to a tenant that nobody leads to any more."""
        link = self._links.pop(key, None)
        if link is not None:
            await link.tenant.close()
            self._set_pace(link.spec.way)

    async def open(self, key: ConnectionKey, body: Body) -> Link:
        """Return the link for the spec as it is now; a changed spec gets a new one.

        Raises:
            SpecInvalid, Refused: it cannot be followed, or is not to be.
        """
        image = ClusterConnectionSpec if key.kind is Kind.CLUSTER_CONNECTION else ConnectionSpec
        spec = parse_spec(image, body.get("spec"))
        link = self._links.get(key)
        if link is not None and link.spec == spec:
            return link
        if spec.base_url.startswith("http://") and not self._allow_insecure:
            message = (
                "spec.endpoint is plain http, which would show every secret to the network; use "
                "https (rehearsals: run the operator with --allow-insecure-endpoints)"
            )
            raise Refused(Reason.INSECURE_ENDPOINT, message)
        if self._is_rehearsal and spec.base_url.startswith("https://"):
            message = (
                "the operator counts rotationInterval in minutes, and would rotate the clients of this "
                "tenant all the time: run it without --interval-unit minutes (or, if that is what you "
                "want, with --force-interval-unit)"
            )
            raise Refused(Reason.REHEARSAL_ONLY, message)
        await self.forget(key)
        self._links[key] = link = Link(spec, self._new_tenant(key, spec))
        self._set_pace(spec.way)
        return link

    def _new_tenant(self, key: ConnectionKey, spec: ConnectionSpec) -> Tenant:
        limit = spec.rate_limit
        for paces in (self._paces, self._probe_paces):
            if spec.way not in paces:
                paces[spec.way] = Pace(requests_per_second=limit.requests_per_second, burst=limit.burst)
        return Tenant(
            domain=spec.domain,
            audience=spec.management_audience,
            transport=Transport(spec.base_url, ca_bundle=spec.ca_bundle),
            pace=self._paces[spec.way],
            probe_pace=self._probe_paces[spec.way],
            credentials=lambda: self._credentials(key, spec),
        )

    def note_login(self, key: ConnectionKey) -> None:
        """Let the rate of a connection count from now on: the tenant has issued it a token."""
        link = self._links.get(key)
        if link is not None and not link.was_logged_in:
            link.was_logged_in = True
            self._set_pace(link.spec.way)

    def was_logged_in(self, key: ConnectionKey) -> bool:
        """Return whether the tenant ever issued a token for the connection as it is now."""
        link = self._links.get(key)
        return link is not None and link.was_logged_in

    def _set_pace(self, way: str) -> None:
        """Let the lowest rate count of all connections that go this way and were logged in.

        Anybody may write down a domain and a rate. While nobody was logged in, nobody knows better.
        """
        links = [link for link in self._links.values() if link.spec.way == way]
        known = [link for link in links if link.was_logged_in]
        limits = [link.spec.rate_limit for link in known or links]
        if limits:
            for paces in (self._paces, self._probe_paces):
                paces[way].set_rate(
                    requests_per_second=min(limit.requests_per_second for limit in limits),
                    burst=min(limit.burst for limit in limits),
                )

    async def _credentials(self, key: ConnectionKey, spec: ConnectionSpec) -> Credentials:
        reference = spec.credentials_secret_ref
        namespace = key.namespace or self._cluster_resource_namespace
        client_id, client_secret = await self._secrets.read_credentials(
            namespace, reference.name, (reference.client_id_key, reference.client_secret_key)
        )
        if key in self._links:
            self._links[key].client_id = client_id
        return Credentials(client_id, client_secret)
