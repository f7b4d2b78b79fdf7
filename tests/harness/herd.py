"""Many rotations that are due at one instant at a tenant that takes a few a second."""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from auth0_simulator import App, Operation, Simulator
from harness.kube import Kube
from harness.manifests import connection, credentials, rotation
from harness.process import OperatorProcess
from harness.secrets import changes, secret

ROTATION: Final = "Auth0ClientSecretRotation"
# Rehearsal units: so many minutes are never over.
_NEVER: Final = 30000
_HURRY: Final = 50
# Those who are at the head of the queue side by side may pass each other, in seconds.
_NEIGHBOURS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Figures:
    """What became of a herd."""

    count: int
    rate: float
    seconds: float
    """From the due date to the last change."""
    limited: int
    """Answers with 429."""
    changes: int
    told: int
    """Rotations that were told when their turn will be."""
    told_twice: int
    out_of_order: int
    """Rotations that came after one that was due later."""

    @property
    def ratio(self) -> float:
        """The time that it took, by the time that the rate alone takes."""
        return self.seconds / (self.count / self.rate)

    def line(self) -> str:
        """Return it in one line."""
        return (
            f"{self.count} rotations at {self.rate:g} a second: {self.seconds:.1f} s, {self.ratio:.2f} "
            f"times N / rate (1.15 allowed), {self.changes} changes, {self.limited} answers 429, "
            f"{self.out_of_order} out of order, {self.told} told of their turn, {self.told_twice} twice"
        )


class Herd:
    """Begins with values that are adopted, so that the tenant is asked nothing before the date."""

    def __init__(self, kube: Kube, simulator: Simulator, count: int, rate: float) -> None:
        """Prepare; every second half is due a second later than the first."""
        self._kube = kube
        self._tenant = simulator.tenant
        self._simulator = simulator
        self._rate = rate
        self.apps: dict[str, App] = {
            name: simulator.tenant.add_app(name) for name in (f"app-{n:04}" for n in range(count))
        }
        self._due = datetime.now(UTC)
        self._told: dict[str, set[str]] = {}

    def _is_late(self, name: str) -> bool:
        return int(name.rpartition("-")[2]) >= len(self.apps) // 2

    def _body(self, name: str, interval: int, second: int) -> dict[str, object]:
        return rotation(
            self.apps[name].client_id,
            name,
            initialRotation="WhenDue",
            rotationInterval=interval,
            rotateAtUtc={"hours": 0, "minutes": second},
            verification={"enabled": False},
        )

    async def gather(self) -> None:
        """Have every rotation adopt the value that is live, with a date far away."""
        limit = {"requestsPerSecond": self._rate, "burst": 2}
        self._tenant.limit(burst=2, per_second=self._rate)
        await self._kube.apply(credentials(self._tenant), connection(self._simulator, rateLimit=limit))
        for name, app in self.apps.items():
            await self._kube.apply(secret(name, ID=app.client_id, SECRET=app.secret))
        await self._each(lambda name: self._kube.apply(self._body(name, _NEVER, 0)))
        for name in self.apps:
            await self._kube.eventually(lambda name=name: self._adopted(name), seconds=120)  # type: ignore[misc]

    async def _adopted(self, name: str) -> bool:
        return "lastRotatedAt" in await self._kube.status(name)

    async def _each(self, act: object) -> None:
        """Do something for each, several at a time."""
        names = list(self.apps)
        for start in range(0, len(names), _HURRY):
            await asyncio.gather(*(act(name) for name in names[start : start + _HURRY]))  # type: ignore[operator]

    async def call(self, within: timedelta) -> None:
        """Edit the dates, so that all are due at one instant (half of them a second later)."""
        due = datetime.now(UTC).replace(microsecond=0) + within
        # The second half must not fall into the next minute.
        self._due = due.replace(second=min(due.second, 58))
        await self._each(self._date)

    async def _date(self, name: str) -> None:
        told = (await self._kube.status(name))["lastRotatedAt"]
        rotated_at, due = datetime.fromisoformat(told), self._due
        second = due.second + self._is_late(name)
        padding = rotated_at.second >= second
        minutes = (due.replace(second=0) - rotated_at.replace(second=0)) // timedelta(minutes=1)
        await self._kube.apply(self._body(name, minutes - padding, second))

    async def run(self, *, restart: OperatorProcess | None = None) -> Figures:
        """Return what became of it; the operator `restart` is started anew in the middle."""
        due = time.monotonic() + (self._due - datetime.now(UTC)).total_seconds()
        patience = 10 + 2 * len(self.apps) / self._rate
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(self._listen())
            figures = await self._run(due, patience, restart)
            listening.cancel()
        return figures

    async def _listen(self) -> None:
        """Note what each rotation is told of its turn."""
        async for body in changes(self._kube, ROTATION):
            for condition in (body.get("status") or {}).get("conditions") or ():
                if condition["reason"] == "Queued":
                    told = self._told.setdefault(body["metadata"]["name"], set())
                    told.add(condition["message"])

    async def _run(self, due: float, patience: float, restart: OperatorProcess | None) -> Figures:
        if restart is not None:
            half = len(self.apps) // 2
            await self._kube.eventually(lambda: self._changed(half), seconds=70 + patience)
            await restart.stop()
            await restart.start()
        await self._kube.eventually(lambda: self._changed(len(self.apps)), seconds=70 + patience)
        last = max(app.changed_at for app in self.apps.values())
        await self._kube.eventually(self._all_told, seconds=30)
        late = min(app.changed_at for name, app in self.apps.items() if self._is_late(name))
        return Figures(
            count=len(self.apps),
            rate=self._rate,
            seconds=last - due,
            limited=sum(entry.status == 429 for entry in self._tenant.asked(Operation.PATCH)),
            changes=sum(app.changes for app in self.apps.values()),
            told=len(self._told),
            told_twice=sum(len(messages) > 1 for messages in self._told.values()),
            out_of_order=sum(
                app.changed_at > late + _NEIGHBOURS
                for name, app in self.apps.items()
                if not self._is_late(name)
            ),
        )

    async def _changed(self, count: int) -> bool:
        return sum(app.changes > 0 for app in self.apps.values()) >= count

    async def _all_told(self) -> bool:
        found = await self._kube.all(ROTATION)
        return all(not (body.get("status") or {}).get("isLastRotationManual", True) for body in found)
