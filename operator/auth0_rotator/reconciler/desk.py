"""Where keys of both kinds are worked on: a rotation is reconciled, a connection is checked."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from auth0_rotator.mirror import AnyKey, Mirror
from auth0_rotator.reconciler.connections import Connections
from auth0_rotator.reconciler.loop import Reconciler
from auth0_rotator.subject import ConnectionKey, Key

# So long the first check of a connection may take before those who go over it are looked at without it.
HEAD_START: Final = timedelta(seconds=2)


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

    def begin(self, wake_at: Callable[[datetime, AnyKey], None], now: datetime) -> None:
        """Wake everybody for the first time. The check of a connection wakes who goes over it, in order:
        whoever came before it would find nothing to go by, and be the last in the queue again."""
        mirror, later = self._mirror, now + HEAD_START
        for connection in mirror.connections:
            self._wake(connection)
        for key in mirror.in_order(mirror.keys()):
            over = mirror.connection_of(key)
            if over is not None and over in mirror.connections:
                wake_at(later, key)
            else:
                self._wake(key)

    def lane(self, key: AnyKey) -> str | None:
        """Return the tenant that the work on `key` may have to wait for, None where nobody knows."""
        connection = key if isinstance(key, ConnectionKey) else self._mirror.connection_of(key)
        return self._connections.way_of(connection) or None if connection is not None else None

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
