"""Where keys of both kinds are worked on: a rotation is reconciled, a connection is checked."""

from collections.abc import Callable
from datetime import datetime

from auth0_rotator.observation import ConnectionKey, Key
from auth0_rotator.reconciler.connections import Connections
from auth0_rotator.reconciler.loop import Reconciler

AnyKey = Key | ConnectionKey


class Desk:
    """What the workers do."""

    def __init__(
        self, reconciler: Reconciler, connections: Connections, wake: Callable[[AnyKey], None]
    ) -> None:
        """`wake` is called for the rotations that a checked connection concerns."""
        self._reconciler = reconciler
        self._connections = connections
        self._wake = wake

    async def work(self, key: AnyKey) -> datetime | None:
        """Do what is to be done for `key` now; return when it wants to come again."""
        if isinstance(key, Key):
            return await self._reconciler.reconcile(key)
        concerned, again = await self._connections.check(key)
        for rotation in concerned:
            if self._connections.is_ready(key):
                self._reconciler.cut_short(rotation)
            self._wake(rotation)
        return again
