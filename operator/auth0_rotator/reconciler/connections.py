"""Connections: whether each is ready, and the tenants behind those that are."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from auth0_rotator.auth0 import Credentials, Pace, Tenant, Transport
from auth0_rotator.cluster import Objects, Secrets
from auth0_rotator.conditions import (
    Condition,
    ConditionStatus,
    ConditionType,
    Reason,
    merge_conditions,
    timestamp,
)
from auth0_rotator.errors import Refused, Retry, RotatorError, Stale
from auth0_rotator.mirror import Mirror
from auth0_rotator.observation import Connection, CredentialsPlace
from auth0_rotator.reconciler.admission import Admission
from auth0_rotator.reconciler.verdict import UNCHECKED, Verdict, version_of
from auth0_rotator.resource import (
    ClusterConnectionSpec,
    ConnectionSpec,
    Kind,
    SpecInvalid,
    parse_spec,
)
from auth0_rotator.subject import ConnectionKey, Key
from auth0_rotator.versions import Body

logger = logging.getLogger(__name__)

SCOPE_TO_CHANGE: Final = "update:client_keys"
SCOPE_TO_READ: Final = "read:clients"
# While a connection is failing, its credentials are read and tried this often.
RECHECK: Final = timedelta(minutes=1)


@dataclass(slots=True)
class _Line:
    """The tenant behind one connection, as long as its spec stays the same."""

    spec: ConnectionSpec
    tenant: Tenant
    client_id: str = ""
    """As whom the operator last authenticated."""


class Connections:
    """Checks connections, and hands out what is known of them."""

    def __init__(
        self,
        *,
        mirror: Mirror,
        objects: Objects,
        secrets: Secrets,
        clock: Callable[[], datetime],
        cluster_resource_namespace: str,
        allow_insecure_endpoints: bool,
    ) -> None:
        """Start with nothing checked."""
        self._mirror = mirror
        self._objects = objects
        self._secrets = secrets
        self._clock = clock
        self._cluster_resource_namespace = cluster_resource_namespace
        self._allow_insecure = allow_insecure_endpoints
        self._lines: dict[ConnectionKey, _Line] = {}
        self._verdicts: dict[ConnectionKey, Verdict] = {}
        self._paces: dict[str, Pace] = {}
        self._probe_paces: dict[str, Pace] = {}
        self._admission = Admission(objects, clock)

    async def close(self) -> None:
        """Close the connections to all tenants."""
        for line in self._lines.values():
            await line.tenant.close()

    # What is known ---------------------------------------------------------------------------

    def tenant(self, key: ConnectionKey) -> Tenant:
        """Return the tenant behind a connection that was checked.

        Raises:
            Retry: it is gone, or was not checked yet.
        """
        line = self._lines.get(key)
        if line is None:
            message = f"{key} was not checked yet"
            raise Retry(Reason.CONNECTION_NOT_READY, message)
        return line.tenant

    def is_ready(self, key: ConnectionKey) -> bool:
        """Return whether the last check of the connection went well."""
        return self._verdicts.get(key, UNCHECKED).is_ready

    def domain_of(self, key: ConnectionKey) -> str:
        """Return the domain that a connection leads to, empty where nobody knows."""
        body = self._mirror.connections.get(key)
        domain = (body.get("spec") or {}).get("domain", "") if body is not None else ""
        return str(domain)

    async def view(self, key: ConnectionKey, *, namespace: str, client_id: str) -> Connection:
        """Return what a rotation in `namespace` for `client_id` may know of the connection."""
        body = self._mirror.connections.get(key)
        if body is None:
            return self._closed(key, Reason.CONNECTION_MISSING, f"{key} does not exist; create it")
        refusal = await self._admission.refusal(key, body, namespace, client_id)
        if refusal is not None:
            return self._closed(key, Reason.NAMESPACE_NOT_ALLOWED, refusal, is_stalled=True)
        verdict = self._verdicts.get(key, UNCHECKED)
        if verdict.of != version_of(body):
            # What was found of a former spec says nothing of this one.
            verdict = UNCHECKED
        if not verdict.is_ready:
            reason = verdict.reason if verdict is UNCHECKED else Reason.CONNECTION_NOT_READY
            message = f"{key} is not ready ({verdict.reason}): {verdict.message}"
            closed = self._closed(key, reason, message, is_stalled=verdict.is_stalled)
            return replace(closed, is_known=verdict is not UNCHECKED and key in self._lines)
        return Connection(
            key=key,
            is_ready=True,
            is_known=True,
            reason=verdict.reason,
            message=verdict.message,
            domain=self.domain_of(key),
            client_id=self._lines[key].client_id,
            scopes=verdict.scopes,
            credentials=self._place(key),
        )

    def _place(self, key: ConnectionKey) -> CredentialsPlace:
        reference = self._lines[key].spec.credentials_secret_ref
        namespace = key.namespace or self._cluster_resource_namespace
        return CredentialsPlace(
            namespace, reference.name, reference.client_id_key, reference.client_secret_key
        )

    def _closed(
        self, key: ConnectionKey, reason: Reason, message: str, *, is_stalled: bool = False
    ) -> Connection:
        return Connection(
            key=key,
            is_ready=False,
            reason=reason,
            message=message,
            domain=self.domain_of(key),
            is_stalled=is_stalled,
        )

    # Checking --------------------------------------------------------------------------------

    async def check(self, key: ConnectionKey) -> tuple[set[Key], datetime | None]:
        """Check one connection and report on it; return whom a change concerns, and when again."""
        body = self._mirror.connections.get(key)
        before = self._verdicts.get(key, UNCHECKED)
        if body is None:
            await self._forget(key)
            return self._mirror.users_of(key), None
        try:
            line = await self._line(key, body)
            verdict = await self._try(line)
        except SpecInvalid as fault:
            verdict = Verdict(
                is_ready=False, reason=Reason.SPEC_INVALID, message=str(fault), is_stalled=True
            )
        except RotatorError as error:
            reason = Reason(error.reason)
            is_stalled = isinstance(error, Refused) and reason is not Reason.SECRET_MISSING
            verdict = Verdict(
                is_ready=False, reason=reason, message=error.message, is_stalled=is_stalled
            )
        verdict = replace(verdict, of=version_of(body))
        self._verdicts[key] = verdict
        is_edited = await self._report(key, body, verdict)
        # A changed spec may admit other namespaces, whatever the tenant says.
        is_news = (before.is_ready, before.reason, before.of) != (
            verdict.is_ready,
            verdict.reason,
            verdict.of,
        )
        again = None if verdict.is_ready else self._clock() + RECHECK
        # The answer to the status write showed it first, and so no watch will tell of it.
        again = self._clock() if is_edited else again
        return (self._mirror.users_of(key) if is_news else set()), again

    async def _forget(self, key: ConnectionKey) -> None:
        self._verdicts.pop(key, None)
        line = self._lines.pop(key, None)
        if line is not None:
            await line.tenant.close()
            self._set_pace(line.spec.domain)

    async def _line(self, key: ConnectionKey, body: Body) -> _Line:
        """Return the line for the spec as it is now; a changed spec gets a new one."""
        image = ClusterConnectionSpec if key.kind is Kind.CLUSTER_CONNECTION else ConnectionSpec
        spec = parse_spec(image, body.get("spec"))
        line = self._lines.get(key)
        if line is not None and line.spec == spec:
            return line
        if spec.base_url.startswith("http://") and not self._allow_insecure:
            message = (
                "spec.endpoint is plain http, which would show every secret to the network; use "
                "https (rehearsals: run the operator with --allow-insecure-endpoints)"
            )
            raise Refused(Reason.INSECURE_ENDPOINT, message)
        await self._forget(key)
        self._lines[key] = line = _Line(spec, self._new_tenant(key, spec))
        self._set_pace(spec.domain)
        return line

    def _new_tenant(self, key: ConnectionKey, spec: ConnectionSpec) -> Tenant:
        limit = spec.rate_limit
        for paces in (self._paces, self._probe_paces):
            if spec.domain not in paces:
                paces[spec.domain] = Pace(
                    requests_per_second=limit.requests_per_second, burst=limit.burst
                )
        return Tenant(
            domain=spec.domain,
            audience=spec.management_audience,
            transport=Transport(spec.base_url, ca_bundle=spec.ca_bundle),
            pace=self._paces[spec.domain],
            probe_pace=self._probe_paces[spec.domain],
            credentials=lambda: self._credentials(key, spec),
        )

    def _set_pace(self, domain: str) -> None:
        """Let the lowest rate of all connections to `domain` count."""
        limits = [line.spec.rate_limit for line in self._lines.values() if line.spec.domain == domain]
        if limits:
            for paces in (self._paces, self._probe_paces):
                paces[domain].set_rate(
                    requests_per_second=min(limit.requests_per_second for limit in limits),
                    burst=min(limit.burst for limit in limits),
                )

    async def _credentials(self, key: ConnectionKey, spec: ConnectionSpec) -> Credentials:
        reference = spec.credentials_secret_ref
        namespace = key.namespace or self._cluster_resource_namespace
        client_id, client_secret = await self._secrets.read_credentials(
            namespace, reference.name, (reference.client_id_key, reference.client_secret_key)
        )
        if key in self._lines:
            self._lines[key].client_id = client_id
        return Credentials(client_id, client_secret)

    async def _try(self, line: _Line) -> Verdict:
        """Return the verdict that a new token gives; a changed grant shows in a new token only."""
        line.tenant.tokens.forget_token()
        token = await line.tenant.tokens.authenticate()
        if SCOPE_TO_CHANGE not in token.scopes:
            message = (
                f"the application's token lacks the scope {SCOPE_TO_CHANGE}; grant it for the Auth0 "
                "Management API"
            )
            return Verdict(
                is_ready=False,
                reason=Reason.SCOPE_MISSING,
                message=message,
                scopes=token.scopes,
                is_stalled=True,
            )
        message = f"{line.spec.domain} issued a token with {SCOPE_TO_CHANGE}"
        return Verdict(is_ready=True, reason=Reason.TOKEN_ISSUED, message=message, scopes=token.scopes)

    async def _report(self, key: ConnectionKey, body: Body, verdict: Verdict) -> bool:
        """Write the whole status; return whether the object was edited since `body`."""
        metadata, now = body["metadata"], self._clock()
        past = (body.get("status") or {}).get("conditions") or ()
        status = ConditionStatus.TRUE if verdict.is_ready else ConditionStatus.FALSE
        condition = Condition(ConditionType.READY, status, verdict.reason, verdict.message)
        written = {
            "observedGeneration": metadata.get("generation", 0),
            "conditions": merge_conditions(
                past, [condition], generation=metadata.get("generation", 0), now=now
            ),
            "grantedScopes": sorted(verdict.scopes),
            "lastCheckedAt": timestamp(now),
        }
        try:
            answer = await self._objects.write_status(key.kind, _identity(metadata), written)
        except Stale:
            return False
        except RotatorError as error:
            extra = {"key": str(key), "cause": error.message}
            logger.warning("the status of a connection cannot be written", extra=extra)
            return False
        return self._mirror.put_connection(key.kind, answer) is not None


def _identity(metadata: Mapping[str, Any]) -> dict[str, str]:
    return {name: metadata[name] for name in ("name", "namespace", "uid") if name in metadata}
