"""Connections: whether each is ready, and the tenants behind those that are."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from auth0_rotator.auth0 import Tenant
from auth0_rotator.cluster import Objects, Secrets
from auth0_rotator.conditions import Reason
from auth0_rotator.errors import Refused, Retry, RotatorError, Stale
from auth0_rotator.mirror import AnyKey, Mirror
from auth0_rotator.observation import Connection
from auth0_rotator.planning import Limits
from auth0_rotator.reconciler.admission import Admission
from auth0_rotator.reconciler.circuits import Circuits
from auth0_rotator.reconciler.namespaces import Namespaces
from auth0_rotator.reconciler.specs import Specs
from auth0_rotator.reconciler.tenants import Link, Tenants
from auth0_rotator.reconciler.turns import Line
from auth0_rotator.reconciler.verdict import (
    UNCHECKED,
    Verdict,
    connection_status,
    identity_of,
)
from auth0_rotator.resource import SpecInvalid
from auth0_rotator.subject import ConnectionKey, Key, version_of
from auth0_rotator.versions import Body

logger = logging.getLogger(__name__)

SCOPE_TO_CHANGE: Final = "update:client_keys"
SCOPE_TO_READ: Final = "read:clients"
SCOPE_TO_READ_KEYS: Final = "read:client_keys"
# While a connection is failing, its credentials are read and tried this often.
RECHECK: Final = timedelta(minutes=1)
# What a connection is to a rotation that it does not serve.
_CLOSED: Final = frozenset({Reason.CONNECTION_MISSING, Reason.NAMESPACE_NOT_ALLOWED})


class Connections:
    """Checks connections, and hands out what is known of them."""

    def __init__(
        self,
        *,
        mirror: Mirror,
        objects: Objects,
        secrets: Secrets,
        namespaces: Namespaces,
        clock: Callable[[], datetime],
        cluster_resource_namespace: str,
        allow_insecure_endpoints: bool,
        is_rehearsal: bool = False,
    ) -> None:
        """Start with nothing checked. A rehearsal refuses tenants that are reached by https."""
        self._mirror = mirror
        self._objects = objects
        self._clock = clock
        self._tenants = Tenants(
            secrets,
            cluster_resource_namespace=cluster_resource_namespace,
            allow_insecure_endpoints=allow_insecure_endpoints,
            is_rehearsal=is_rehearsal,
        )
        self._verdicts: dict[ConnectionKey, Verdict] = {}
        self._admission = Admission(namespaces)
        self._specs = Specs(mirror)
        self._circuits = Circuits(objects, clock, cluster_resource_namespace)

    async def close(self) -> None:
        """Close the connections to all tenants."""
        await self._tenants.close()

    # What is known ---------------------------------------------------------------------------

    def tenant(self, key: ConnectionKey) -> Tenant:
        """Return the tenant behind a connection that was checked.

        Raises:
            Retry: it is gone, or was not checked yet.
        """
        link = self._tenants.get(key)
        if link is None:
            message = f"{key} was not checked yet"
            raise Retry(Reason.CONNECTION_NOT_READY, message)
        return link.tenant

    def is_ready(self, key: ConnectionKey) -> bool:
        """Return whether the last check of the connection went well."""
        return self._verdicts.get(key, UNCHECKED).is_ready

    def domain_of(self, key: ConnectionKey) -> str:
        """Return the domain that a connection leads to, empty where nobody knows."""
        return self._specs.domain_of(key)

    def way_of(self, key: ConnectionKey) -> str:
        """Return the tenant of a connection and how it is reached, empty where nobody knows."""
        return self._specs.way_of(key)

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
        link = self._tenants.get(key)
        if not verdict.is_ready or link is None:
            reason = verdict.reason if verdict is UNCHECKED else Reason.CONNECTION_NOT_READY
            message = f"{key} is not ready ({verdict.reason}): {verdict.message}"
            closed = self._closed(key, reason, message, is_stalled=verdict.is_stalled)
            return replace(closed, is_known=verdict is not UNCHECKED and link is not None)
        return Connection(
            key=key,
            is_ready=True,
            is_known=True,
            reason=verdict.reason,
            message=verdict.message,
            domain=self.domain_of(key),
            client_id=link.client_id,
            scopes=verdict.scopes,
            credentials=self._tenants.place(key, link.spec),
            windows=self._specs.windows(key),
            foreign=self._specs.foreign(key),
            is_circuit_open=self._is_watched(key) and self._circuits.of(key, body).is_open,
        )

    async def may_act(self, key: ConnectionKey, *, namespace: str, client_id: str, domain: str) -> bool:
        """Return whether a rotation could change the client at this domain, as far as anybody knows.

        One whose tenant is silent now still could; one that was never let in could not.
        """
        found = await self.view(key, namespace=namespace, client_id=client_id)
        if found.domain != domain or found.reason in _CLOSED:
            return False
        return found.reason is Reason.PENDING or self._tenants.was_logged_in(key)

    def line(self, key: ConnectionKey) -> Line:
        """Return what a rotation over the connection has to share with others."""
        governor, way = self._specs.governor(key), self.way_of(key)
        spacing = governor.min_spacing or timedelta(0)
        is_governed = bool(spacing) or governor.max_per_hour is not None
        return Line(
            connection=key,
            way=way,
            of_connection=Limits(spacing, governor.max_per_hour),
            of_way=Limits(self._tenants.interval(way)),
            past=self._mirror.rotated_over(key) if is_governed else (),
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
            windows=self._specs.windows(key),
            foreign=self._specs.foreign(key),
        )

    # Checking --------------------------------------------------------------------------------

    async def check(self, key: ConnectionKey) -> tuple[set[Key], datetime | None]:
        """Check one connection and report on it; return whom a change concerns, and when again."""
        body = self._mirror.connections.get(key)
        before = self._verdicts.get(key, UNCHECKED)
        if body is None:
            await self._tenants.forget(key)
            self._verdicts.pop(key, None)
            self._circuits.forget(key)
            self._specs.forget(key)
            return self._concerned_by(key), None
        try:
            verdict = await self._try(key, await self._tenants.open(key, body))
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
        is_closed = await self._circuits.reset(key, body)
        is_edited = await self._report(key, body, verdict)
        # A changed spec may admit other namespaces, whatever the tenant says.
        is_news = is_closed or (before.is_ready, before.reason, before.of, before.scopes) != (
            verdict.is_ready,
            verdict.reason,
            verdict.of,
            verdict.scopes,
        )
        again = None if verdict.is_ready else self._clock() + RECHECK
        # The answer to the status write showed it first, and so no watch will tell of it.
        again = self._clock() if is_edited else again
        return (self._concerned_by(key) if is_news else set()), again

    def _concerned_by(self, key: ConnectionKey) -> set[Key]:
        """Return who goes over the connection, and who waits for one of those."""
        return self._mirror.with_rivals(self._mirror.users_of(key))

    async def _try(self, key: ConnectionKey, link: Link) -> Verdict:
        """Return the verdict that a new token gives; a changed grant shows in a new token only."""
        link.tenant.tokens.forget_token()
        token = await link.tenant.tokens.authenticate()
        self._tenants.note_login(key)
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
        message = f"{link.spec.domain} issued a token with {SCOPE_TO_CHANGE}"
        foreign = link.spec.foreign_rotation
        if foreign is not None and foreign.adopt and SCOPE_TO_READ_KEYS not in token.scopes:
            message += f"; foreignRotation.adopt needs {SCOPE_TO_READ_KEYS}, which the token lacks"
        return Verdict(is_ready=True, reason=Reason.TOKEN_ISSUED, message=message, scopes=token.scopes)

    async def _report(self, key: ConnectionKey, body: Body, verdict: Verdict) -> bool:
        """Write the whole status; return whether the object was edited since `body`."""
        circuit = self._circuits.of(key, body) if self._is_watched(key) else None
        written = connection_status(body, verdict, circuit, self._clock())
        try:
            answer = await self._objects.write_status(key.kind, identity_of(body), written)
        except Stale:
            return False
        except RotatorError as error:
            extra = {"key": str(key), "cause": error.message}
            logger.warning("the status of a connection cannot be written", extra=extra)
            return False
        return self._mirror.put_connection(key.kind, answer) is not None

    def _is_watched(self, key: ConnectionKey) -> bool:
        """Return whether failures in a row stop the automatic rotations over a connection."""
        return self._specs.governor(key).open_after_failures is not None

    async def note_end(self, key: ConnectionKey, *, is_good: bool, is_manual: bool) -> set[AnyKey]:
        """Count how a rotation over the connection ended; return whom it concerns if that moved its
        circuit."""
        body, most = self._mirror.connections.get(key), self._specs.governor(key).open_after_failures
        if body is None or most is None:
            return set()
        before = self._circuits.of(key, body)
        after = before.after_success(is_manual=is_manual) if is_good else before.after_failure(most)
        if after == before:
            return set()
        await self._circuits.put(key, body, after)
        is_edited = await self._report(key, body, self._verdicts.get(key, UNCHECKED))
        concerned = self._mirror.users_of(key) if before.is_open != after.is_open else set()
        return {*concerned, key} if is_edited else {*concerned}
