"""The simulated tenant, by the story's clock, and with somebody who looks at every change."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from auth0_simulator import App, Entry, Fault, Gate, Operation, Tenant
from auth0_simulator.faults import Faults
from model.clockwork import TurningClock

# Auth0 documents up to 30 s.
SPREADING = timedelta(seconds=30)

Look = Callable[[App, str, Operation], None]


@dataclass(slots=True)
class Late:
    """A lost request that takes effect all the same."""

    app: App
    entry: Entry
    at: datetime


class WatchedApp(App):
    """An application whose changes are looked at before they count."""

    look: Callable[[App, str], None]
    spread_until: datetime

    def change(self, value: str, now: float) -> bool:
        """Make `value` the secret, once it was looked at."""
        if value != self.secret:
            self.look(self, value)
        return super().change(value, now)


class Trap(Gate):
    """Kills the operator as its request comes by; the request goes on."""

    def __init__(self) -> None:
        """Wait for a victim."""
        super().__init__()
        self.victim: asyncio.Task[None] | None = None

    async def _pass(self) -> None:
        if self.victim is not None:
            self.victim.cancel()


class RemovableFaults(Faults):
    """Faults of which one can be taken back."""

    def drop(self, fault: Fault) -> None:
        """Let a fault that did not strike wait no longer."""
        if fault in self._waiting:
            self._waiting.remove(fault)


class WatchedTenant(Tenant):
    """See the module."""

    faults: RemovableFaults

    def __init__(self, clock: TurningClock, look: Look) -> None:
        """Start without applications but the operator's own."""
        super().__init__()
        self.faults = RemovableFaults()
        self.clock = clock
        self.is_slow = False
        self.late: list[Late] = []
        self._look = look

    def add_watched(self, name: str) -> WatchedApp:
        """Add an application whose changes are looked at."""
        app = WatchedApp(name)
        app.spread_until = self.clock.now
        app.look = self._looked_at
        self.apps[app.client_id] = app
        return app

    def _looked_at(self, app: App, value: str) -> None:
        asked = [entry for entry in self.journal if entry.value == value]
        self._look(app, value, asked[-1].operation)
        if isinstance(app, WatchedApp):
            app.spread_until = self.clock.now + SPREADING * self.is_slow

    def accepts(self, client_id: str, value: str) -> bool:
        """Return whether a login works now: while a change spreads, only that with the old secret."""
        app = self.apps.get(client_id)
        if isinstance(app, WatchedApp) and self.clock.now < app.spread_until:
            return value == app.previous
        return app is not None and value == app.secret

    def change_later(self, app: App, entry: Entry, seconds: float) -> None:
        """Let a lost change take effect after all, by the story's clock."""
        self.late.append(Late(app, entry, self.clock.now + timedelta(seconds=seconds)))

    def next_landing(self) -> datetime | None:
        """Return when the next lost change takes effect."""
        return min((late.at for late in self.late), default=None)

    def land(self) -> None:
        """Let those take effect whose instant has come."""
        due = [late for late in self.late if late.at <= self.clock.now]
        self.late = [late for late in self.late if late not in due]
        for late in due:
            late.app.change(late.entry.value, 0.0)

    def sent(self) -> dict[str, set[str]]:
        """Return every value that was sent for a client, or that it had."""
        values: dict[str, set[str]] = {
            app.client_id: {*app.past, app.secret} for app in self.apps.values()
        }
        for entry in self.asked(Operation.PATCH):
            values.setdefault(entry.client_id, set()).add(entry.value)
        return values
