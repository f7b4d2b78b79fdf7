"""The operator in this process, driven step by step: real reconciler, real API server, real HTTP.

Kopf and the scheduler are left out: lists stand in for the watches, and the clock is the
test's. What is left is every decision and every effect, at the test's pace.
"""

import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from auth0_rotator.cluster import Api, Objects, Secrets, Workloads
from auth0_rotator.mirror import Mirror
from auth0_rotator.reconciler import (
    AnyKey,
    Connections,
    Desk,
    Namespaces,
    Reconciler,
    Turns,
    World,
)
from auth0_rotator.schedule import IntervalUnit
from auth0_rotator.stock import Stock
from auth0_rotator.subject import Key
from auth0_rotator.webhook.message import Message
from auth0_simulator import App, Simulator
from controlplane import ControlPlane
from harness.kube import Kube
from harness.lists import Lists, Stamps
from harness.manifests import connection, credentials, rotation

# A story that needs more passes than this does not come to rest.
MOST_PASSES = 200


class Clock:
    """A wall clock that stands still until a test moves it."""

    def __init__(self) -> None:
        """Start in the middle of a minute, away from every boundary."""
        self.now = datetime.now(UTC).replace(second=30, microsecond=250_000)

    def __call__(self) -> datetime:
        """Return the instant."""
        return self.now

    def advance(self, by: timedelta) -> None:
        """Move on, or back."""
        self.now += by


class Operator:
    """One process's worth of operator. A second one on the same cluster is a second process."""

    def __init__(
        self,
        api: Api,
        lists: Lists,
        clock: Clock,
        *,
        unit: IntervalUnit,
        name: str,
        tell: Callable[[Message], None] | None = None,
    ) -> None:
        """Begin with an empty mirror, as after a start."""
        namespaces = lists.namespaces
        self._lists = lists
        self._stamps: Stamps = {}
        self.clock = clock
        self.mirror = Mirror()
        self.due: dict[AnyKey, datetime] = {}
        self._ready: list[AnyKey] = []
        objects, secrets = Objects(api), Secrets(api)
        labels = Namespaces(objects, self.mirror, clock)
        self.connections = Connections(
            mirror=self.mirror,
            objects=objects,
            secrets=secrets,
            namespaces=labels,
            clock=clock,
            cluster_resource_namespace=namespaces[0],
            allow_insecure_endpoints=True,
        )
        self.world = World(
            clock=clock,
            mirror=self.mirror,
            objects=objects,
            secrets=secrets,
            workloads=Workloads(api),
            connections=self.connections,
            namespaces=labels,
            turns=Turns(),
            process=name,
            unit=unit,
            wake=self.wake,
            tell=tell,
        )
        self.reconciler = Reconciler(self.world, leading_since=clock.now)
        self._desk = Desk(self.mirror, self.reconciler, self.connections, self.wake)
        self._latest = clock.now
        self._has_begun = False
        # It does nothing but list.
        lister = cast("Api", lists)
        self._stock = Stock(self.mirror, Objects(lister), Secrets(lister), namespaces=namespaces)

    async def take_stock(self) -> set[AnyKey]:
        """Take in what stands in the cluster at this instant, and return whom that concerns."""
        stamps = await self._lists.look()
        if stamps == self._stamps:
            return set()
        found = await self._stock.take()
        self._stamps = stamps
        return found

    def wake(self, key: AnyKey) -> None:
        """Have a key worked on."""
        if key not in self._ready:
            self._ready.append(key)

    async def settle(self) -> None:
        """Work until nothing is to be done at this instant."""
        for _ in range(MOST_PASSES):
            if not self._ready:
                await self._look()
            if not self._ready:
                return
            await self.work(self._ready.pop(0))
        message = f"no rest after {MOST_PASSES} passes"
        raise AssertionError(message)

    async def _look(self) -> None:
        """Have those keys worked on that something happened to, or whose instant has come."""
        found = set[AnyKey]()
        if not self._has_begun:
            # What the check lists is then known to be what the stock lists.
            await self._lists.look()
            await self._stock.check_installation()
        found |= await self.take_stock()
        if not self._has_begun:
            self._has_begun = True
            found |= await self._stock.take_strays()
        for key in self.mirror.in_order(found):
            self.wake(key)
            if isinstance(key, Key):
                self.reconciler.saw(key)
        # As the scheduler does it: a clock that was set back wakes everybody.
        is_set_back = self.clock.now < self._latest
        self._latest = self.clock.now
        for key, instant in list(self.due.items()):
            if is_set_back or instant <= self.clock.now:
                self.wake(key)

    async def work(self, key: AnyKey) -> None:
        """Do one pass for one key."""
        again = await self._desk.work(key)
        self.due.pop(key, None)
        if again is not None:
            self.due[key] = again

    async def run_for(self, duration: timedelta) -> None:
        """Let the clock go on by `duration`, from one wanted instant to the next."""
        end = self.clock.now + duration
        await self.settle()
        while True:
            upcoming = [instant for instant in self.due.values() if instant <= end]
            if not upcoming:
                break
            self.clock.now = max(self.clock.now, min(upcoming))
            await self.settle()
        self.clock.now = end

    async def close(self) -> None:
        """Close the connections to tenants."""
        await self.connections.close()


class Stage:
    """One namespace, one tenant, one operator, and what a test says about them."""

    def __init__(
        self, plane: ControlPlane, kube: Kube, simulator: Simulator, api: Api, lister: Api
    ) -> None:
        """Set up by the fixture."""
        self.plane = plane
        self.kube = kube
        self.simulator = simulator
        self.tenant = simulator.tenant
        self.clock = Clock()
        self.api = api
        self._lister = lister
        self.unit = IntervalUnit.DAYS
        self.tell: Callable[[Message], None] | None = None
        self._kubes = [kube]
        self._lists = Lists(lister, plane.etcd_url, [kube.namespace])
        self._operators: list[Operator] = []
        self.operator = self.new_operator()

    def new_operator(self) -> Operator:
        """Start another operator process, which knows nothing."""
        name = f"operator-{len(self._operators) + 1}"
        operator = Operator(self.api, self._lists, self.clock, unit=self.unit, name=name, tell=self.tell)
        self._operators.append(operator)
        return operator

    async def restart(self) -> None:
        """End the operator, whatever it was doing, and start another."""
        self.operator = self.new_operator()

    async def open_namespace(self) -> Kube:
        """Create another namespace, and start an operator that looks after it as well."""
        kube = Kube(self.plane, f"{self.kube.namespace}-{len(self._kubes) + 1}")
        await kube.send("POST", "/api/v1/namespaces", {"metadata": {"name": kube.namespace}})
        self._kubes.append(kube)
        await self._lists.close()
        namespaces = [kube.namespace for kube in self._kubes]
        self._lists = Lists(self._lister, self.plane.etcd_url, namespaces)
        await self.restart()
        return kube

    async def close(self) -> None:
        """End all operators."""
        for operator in self._operators:
            await operator.close()
        await self._lists.close()
        for kube in self._kubes[1:]:
            await kube.close()

    async def until_due(self, name: str = "web") -> timedelta:
        """Return how far away the next automatic rotation is, at whatever time of day the tests run."""
        due = datetime.fromisoformat((await self.kube.status(name))["nextRotationAt"])
        return due - self.clock.now

    @property
    def far_hour(self) -> dict[str, int]:
        """A time of day that is half a day away: what fails now is not due again before then."""
        return {"hours": (self.clock.now.hour + 12) % 24, "minutes": 0}

    async def connect(self, **spec: Any) -> None:
        """Create the credentials and the connection."""
        await self.kube.apply(credentials(self.tenant), connection(self.simulator, **spec))

    async def rotated(self, name: str = "web", **spec: Any) -> App:
        """Create an application with a rotation, and return it after the first rotation."""
        app = self.tenant.add_app(name)
        await self.connect()
        await self.kube.apply(rotation(app.client_id, name, **spec))
        await self.operator.settle()
        assert app.changes == 1, await self.kube.status(name)
        return app

    async def settle(self) -> None:
        """Let the operator do all there is to do now."""
        await self.operator.settle()

    async def run_for(self, duration: timedelta) -> None:
        """Let the operator and the clock go on."""
        await self.operator.run_for(duration)

    async def assert_delivered(self, app: App, name: str = "web", *, kube: Kube | None = None) -> None:
        """The target holds what the tenant holds, under the client's own id, and it works."""
        data = await (kube or self.kube).secret(name)
        assert data.get("ID") == app.client_id
        assert data.get("SECRET") == app.secret
        assert self.tenant.accepts(app.client_id, data["SECRET"])


@contextlib.asynccontextmanager
async def staged(
    plane: ControlPlane, kube: Kube, api: Api, *, lister: Api | None = None
) -> AsyncIterator[Stage]:
    """Yield a stage with a tenant of its own; its operator lists through `lister` where one is given."""
    async with Simulator() as simulator:
        stage = Stage(plane, kube, simulator, api, lister or api)
        try:
            yield stage
        finally:
            await stage.close()
