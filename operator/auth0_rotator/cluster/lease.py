"""The Lease by which one of several operators acts: the library's election over plain dicts."""

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Any, Final

from kubernetes.aio.client.exceptions import ApiException
from kubernetes.aio.leaderelection.electionconfig import Config
from kubernetes.aio.leaderelection.leaderelection import LeaderElection
from kubernetes.aio.leaderelection.leaderelectionrecord import LeaderElectionRecord
from kubernetes.aio.leaderelection.resourcelock.baselock import BaseLock

from auth0_rotator.cluster.api import Api, Body
from auth0_rotator.errors import RotatorError, Stale
from auth0_rotator.record import MANAGED_BY

logger = logging.getLogger(__name__)

LEASE_NAME: Final = "auth0-rotator"
# The customary figures of Kubernetes' own controllers.
LEASE_SECONDS: Final = 15
RENEW_SECONDS: Final = 10
RETRY_SECONDS: Final = 2
# One hanging request must not cost more than two of the five tries to renew.
_CALL_SECONDS: Final = 4


class LeaseLock(BaseLock):
    """The library's own lock for Leases needs the typed models (30 MB) and cannot create one.

    Errors of the network count as "not obtained": the election tries again.
    """

    def __init__(self, api: Api, *, namespace: str, identity: str) -> None:
        """Contend for the Lease in `namespace` under a process-unique `identity`."""
        super().__init__(LEASE_NAME, namespace, identity)
        self._api = api
        self._seen: Body | None = None
        self._is_away = False
        self._may_be_ours = False

    async def get(
        self, name: str, namespace: str
    ) -> tuple[bool, LeaderElectionRecord] | tuple[bool, Exception] | tuple[bool, None]:
        """Return the record of the Lease, or (False, error) with the status in the error's body."""
        try:
            found = await self._limited(self._api.get("Lease", name, namespace))
        except (RotatorError, TimeoutError) as error:
            cause = str(error) or "timed out"
            if not self._is_away:
                logger.warning("the lease cannot be read; trying on", extra={"cause": cause})
            self._is_away = True
            return False, _error(503, cause)
        self._is_away = False
        if found is None:
            return False, _error(404, "not found")
        self._seen = found
        record = _record(found.get("spec") or {})
        holder = record.holder_identity
        if holder is not None and holder != self.identity and is_of_dead_neighbour(holder):
            record.holder_identity = None
        return True, record

    async def create(self, name: str, namespace: str, election_record: LeaderElectionRecord) -> bool:
        """Create the Lease; False where somebody was faster."""
        body = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": name, "namespace": namespace},
            "spec": _spec(election_record),
        }
        return await self._wrote(self._api.create("Lease", body, manager=MANAGED_BY))

    async def update(self, name: str, namespace: str, updated_record: LeaderElectionRecord) -> bool:
        """Replace the Lease as it was read; False where it is another one by now."""
        del name, namespace
        if self._seen is None:
            return False
        spec = (self._seen.get("spec") or {}) | _spec(updated_record)
        body = {**self._seen, "spec": spec}
        return await self._wrote(self._api.replace("Lease", body, manager=MANAGED_BY))

    async def release(self) -> None:
        """Give the Lease back, so that the next one starts at once; only where it is ours.

        Where no write of it was ever sent, nobody is asked.
        """
        if not self._may_be_ours:
            return
        found, record = await self.get(self.name, self.namespace)
        is_ours = isinstance(record, LeaderElectionRecord) and (record.holder_identity == self.identity)
        if found and is_ours and self._seen is not None:
            spec = {**self._seen["spec"], "holderIdentity": ""}
            body = {**self._seen, "spec": spec}
            await self._wrote(self._api.replace("Lease", body, manager=MANAGED_BY))

    async def _wrote(self, write: Awaitable[Body]) -> bool:
        # Even one that is cancelled may have arrived.
        self._may_be_ours = True
        try:
            self._seen = await self._limited(write)
        except Stale:
            return False
        except (RotatorError, TimeoutError) as error:
            logger.warning("the lease could not be written", extra={"cause": str(error)})
            return False
        return True

    @staticmethod
    async def _limited(call: Awaitable[Any]) -> Any:
        async with asyncio.timeout(_CALL_SECONDS):
            return await call


def new_identity() -> str:
    """Return an identity that no other process has: pod (else host), process id, chance."""
    return f"{_place()}_{os.getpid()}_{os.urandom(4).hex()}"


def _place() -> str:
    # Not the host name alone: pods in the host's network share it.
    return os.environ.get("POD_NAME") or socket.gethostname()


def is_of_dead_neighbour(identity: str) -> bool:
    """Return whether `identity` was a process of this very pod (else host) that is gone.

    A container that is restarted in its pod need not wait for the lease of its former life.
    """
    place, _, process = identity.rpartition("_")[0].rpartition("_")
    if place != _place() or not process.isdecimal():
        return False
    if int(process) == os.getpid():
        return True
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def election(lock: LeaseLock) -> LeaderElection:
    """Return the election: await `acquire()`, then run `renew_loop()`, which ends with the lease."""

    async def nothing() -> None:
        """Stand in for callbacks that only `run()` would call."""

    return LeaderElection(Config(lock, LEASE_SECONDS, RENEW_SECONDS, RETRY_SECONDS, nothing, nothing))


def _record(spec: Body) -> LeaderElectionRecord:
    seconds = spec.get("leaseDurationSeconds")
    return LeaderElectionRecord(
        spec.get("holderIdentity") or None,
        str(seconds) if seconds else None,
        spec.get("acquireTime"),
        spec.get("renewTime"),
    )


def _spec(record: LeaderElectionRecord) -> Body:
    return {
        "holderIdentity": record.holder_identity,
        "leaseDurationSeconds": int(float(record.lease_duration or LEASE_SECONDS)),
        "acquireTime": _micro_time(record.acquire_time),
        "renewTime": _micro_time(record.renew_time),
    }


def _micro_time(text: str | None) -> str:
    """Return an instant as a Lease holds it: UTC with microseconds.

    The election hands out the local time without a zone; what came from a Lease has one.
    """
    instant = datetime.fromisoformat(text) if text else datetime.now(UTC)
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _error(status: int, message: str) -> ApiException:
    error = ApiException(status=status, reason=message)
    error.body = f'{{"code": {status}}}'
    return error
