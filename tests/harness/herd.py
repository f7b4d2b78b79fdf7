"""Many rotations that are due at one instant at a tenant that takes a few a second."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from auth0_simulator import App, Operation, Simulator
from harness.kube import Kube
from harness.manifests import connection, credentials, rotation
from harness.process import OperatorProcess
from harness.secrets import changes, secret

ROTATION: Final = "Auth0ClientSecretRotation"
PREFIX: Final = "auth0rotator.dev/"
_MINUTE: Final = timedelta(minutes=1)
_INTERVAL: Final = 30000 * _MINUTE
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

    def _body(self, name: str) -> dict[str, object]:
        return rotation(
            self.apps[name].client_id,
            name,
            rotationInterval=_INTERVAL // _MINUTE,
            rotateAtUtc={"hours": 0, "minutes": self._due.second + self._is_late(name)},
            verification={"enabled": False},
        )

    def _target(self, name: str) -> dict[str, Any]:
        """Return a target as this operator wrote it an interval before the date."""
        app, rotated_at = self.apps[name], self._due - _INTERVAL
        body = secret(name, ID=app.client_id, SECRET=app.secret)
        record = {
            "sequence": "1",
            "rotation-id": "01J00000000000000000000000",
            "rotated-at": f"{rotated_at:%Y-%m-%dT%H:%M:%SZ}",
            "trigger": "schedule",
            "handled": "",
            "client-id": app.client_id,
            "domain": self._tenant.domain,
            "rotation": name,
            "secret-key": "SECRET",
        }
        annotations = {f"{PREFIX}{name}": text for name, text in record.items()}
        body["metadata"] |= {"annotations": annotations, "labels": {f"{PREFIX}role": "target"}}
        return body

    async def gather(self, within: timedelta) -> None:
        """Have every rotation adopt the value that is live; all are due at one instant `within` then
        (half of them a second later), and not again for long."""
        due = datetime.now(UTC).replace(microsecond=0) + within
        # The second half must not fall into the next minute.
        self._due = due.replace(second=min(due.second, 58))
        limit = {"requestsPerSecond": self._rate, "burst": 2}
        self._tenant.limit(burst=2, per_second=self._rate)
        await self._kube.apply(credentials(self._tenant), connection(self._simulator, rateLimit=limit))
        await self._each(self._create)
        for name in self.apps:
            await self._kube.eventually(lambda name=name: self._adopted(name), seconds=120)  # type: ignore[misc]
        assert datetime.now(UTC) < self._due, "the date came before all had adopted their values"

    async def _create(self, name: str) -> None:
        await self._kube.apply(self._target(name))
        await self._kube.apply(self._body(name))

    async def _adopted(self, name: str) -> bool:
        return "lastRotatedAt" in await self._kube.status(name)

    async def _each(self, act: Callable[[str], Awaitable[None]]) -> None:
        """Do something for each, several at a time."""
        names = list(self.apps)
        for start in range(0, len(names), _HURRY):
            await asyncio.gather(*(act(name) for name in names[start : start + _HURRY]))

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
            told_twice=len(self.told_again()),
            out_of_order=sum(
                app.changed_at > late + _NEIGHBOURS
                for name, app in self.apps.items()
                if not self._is_late(name)
            ),
        )

    def told_again(self) -> list[str]:
        """Return who was told of a turn more than once, and what."""
        return [f"{name}: {sorted(told)}" for name, told in self._told.items() if len(told) > 1]

    async def _changed(self, count: int) -> bool:
        return sum(app.changes > 0 for app in self.apps.values()) >= count

    async def _all_told(self) -> bool:
        found = await self._kube.all(ROTATION)
        return all(not (body.get("status") or {}).get("isLastRotationManual", True) for body in found)
