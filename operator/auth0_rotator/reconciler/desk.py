"""Where keys of both kinds are worked on: a rotation is reconciled, a connection is checked."""

from collections.abc import Callable
from datetime import datetime

from auth0_rotator.mirror import AnyKey, Mirror
from auth0_rotator.reconciler.connections import Connections
from auth0_rotator.reconciler.loop import Reconciler
from auth0_rotator.subject import ConnectionKey, Key, referred


class Desk:
    """What the workers do."""

    def __init__(
        self,
        mirror: Mirror,
        reconciler: Reconciler,
        connections: Connections,
        wake: Callable[[AnyKey], None],
    ) -> None:
        """`wake` is called for the rotations that a checked connection concerns."""
        self._mirror = mirror
        self._reconciler = reconciler
        self._connections = connections
        self._wake = wake

    def lane(self, key: AnyKey) -> str | None:
        """Return the tenant that the work on `key` may have to wait for, None where nobody knows."""
        if isinstance(key, ConnectionKey):
            return self._connections.way_of(key) or None
        plan = self._mirror.plan(key)
        if plan is None:
            return None
        return self._connections.way_of(referred(plan.connection_ref, key.namespace)) or None

    async def work(self, key: AnyKey) -> datetime | None:
        """Do what is to be done for `key` now; return when it wants to come again."""
        if isinstance(key, Key):
            return await self._reconciler.reconcile(key)
        concerned, again = await self._connections.check(key)
        users = self._mirror.users_of(key) if self._connections.is_ready(key) else set()
        for rotation in self._mirror.in_order(concerned):
            if isinstance(rotation, Key) and rotation in users:
                self._reconciler.cut_short(rotation)
            self._wake(rotation)
        return again
