"""Whose turn it is when more rotations are due than a tenant takes at once: slots, given out in order.

A slot is given once, when a rotation is due and wants it, and is kept until the rotation was tried.
That the tenant is never asked more often than it allows is seen to by its pace, not here: this is
for the order, for a governor's limits, and for telling beforehand.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from auth0_rotator.planning import Limits
from auth0_rotator.resource import RotationWindow
from auth0_rotator.subject import ConnectionKey, Key

# So close to its slot a rotation begins, and is ready when the tenant's pace lets it go. Whoever begins
# earlier keeps a worker from those who were not even told yet when their turn will be.
AHEAD: Final = timedelta(milliseconds=250)


@dataclass(frozen=True, slots=True)
class Line:
    """What one rotation has to share, and with whom."""

    connection: ConnectionKey
    way: str
    """The tenant, and how it is reached."""
    of_connection: Limits
    of_way: Limits
    past: Sequence[datetime] = ()
    """When rotations of the connection were accepted lately."""

    @property
    def ahead(self) -> timedelta:
        """How long before its slot a rotation may begin: not at all where people set the distance."""
        return AHEAD if self.of_connection == Limits() else timedelta(0)


@dataclass(frozen=True, slots=True)
class _Slot:
    at: datetime
    connection: ConnectionKey
    way: str
    has_come: bool = False


class Turns:
    """The slots of all connections. Lost in a restart, on purpose: they are given out anew."""

    def __init__(self) -> None:
        """Start with nobody waiting."""
        self._slots: dict[Key, _Slot] = {}
        self._latest: datetime | None = None

    def wait(
        self, key: Key, line: Line, windows: Sequence[RotationWindow], now: datetime
    ) -> datetime | None:
        """Return until when a rotation that is due waits for its turn, None where it has come.

        A slot that the windows leave no room for is one that has come: the windows say why it waits.
        """
        if self._latest is not None and now < self._latest:
            # The clock was set back: every slot is further ahead than it was meant to be.
            self._slots.clear()
        self._latest = now
        slot = self._slots.get(key)
        if slot is None or slot.connection != line.connection or slot.way != line.way:
            at = self._first_free(key, line, windows, now)
            if at is None:
                return None
            slot = self._slots[key] = _Slot(at, line.connection, line.way)
        if slot.at > now + line.ahead:
            return slot.at
        # What was before it may have taken longer than its own slot, and may still be under way.
        others = self._others(key)
        begun = [one.at for one in others if one.has_come and one.connection == line.connection]
        come = max(slot.at, now)
        at = line.of_connection.first_free(sorted([*line.past, *begun]), come, windows)
        if at is None or at <= now + line.ahead:
            self._slots[key] = _Slot(come, line.connection, line.way, has_come=True)
            return None
        self._slots[key] = _Slot(at, line.connection, line.way)
        return at

    def is_promised(self, key: Key | ConnectionKey) -> bool:
        """Return whether a rotation was given a slot."""
        return key in self._slots

    def leave(self, key: Key) -> None:
        """Give up the slot of a rotation that was tried, or is not wanted any more."""
        self._slots.pop(key, None)

    def _others(self, key: Key) -> list[_Slot]:
        return [slot for waiting, slot in self._slots.items() if waiting != key]

    def _first_free(
        self, key: Key, line: Line, windows: Sequence[RotationWindow], now: datetime
    ) -> datetime | None:
        others = self._others(key)
        of_way = sorted(slot.at for slot in others if slot.way == line.way)
        of_connection = sorted(
            [slot.at for slot in others if slot.connection == line.connection] + list(line.past)
        )
        at: datetime | None = now
        while at is not None:
            moved = line.of_connection.first_free(of_connection, at, windows)
            at = line.of_way.first_free(of_way, moved, windows) if moved is not None else None
            if at == moved:
                return at
        return None
