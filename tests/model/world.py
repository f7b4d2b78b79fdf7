"""One story: a namespace, a tenant, operators that can be killed, people, and a ledger."""

import asyncio
import itertools
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from kubernetes.aio.client import Configuration

from auth0_simulator import App, Fault, Moment, Operation, Simulator
from controlplane import ControlPlane
from controlplane.plane import ADMIN_TOKEN
from harness.kube import Kube
from harness.manifests import credentials
from model.clockwork import TurningClock, TurningLoop
from model.facts import Facts, facts_of
from model.figures import Figures
from model.ledger import Ledger, Line
from model.operators import Mishap, MortalOperator, WatchedApi
from model.tenant import Trap, WatchedTenant
from model.versions import Versions
from model.weather import Weather, governed
from model.wish import CLIENTS, NAMES

# Whoever wants to be woken more often is slow: hours of retries would teach nothing new.
MOST_WAKES: Final = 25
# An operator that works this often in a row without time going by does not come to rest.
_ROUNDS: Final = 2
_NO_TIME: Final = timedelta()


class Violation(Exception):
    """An invariant does not hold."""


@dataclass(frozen=True, slots=True)
class Then:
    """What the operators do after a step."""

    words: str = ""
    is_away: bool = False
    mishap: Mishap | None = None


WORK: Final = Then()
Act = Callable[[Facts], Awaitable[str | None]]


class World:
    """See the module. Everything is awaited on the loop of the story."""

    def __init__(self, plane: ControlPlane, loop: TurningLoop, figures: Figures) -> None:
        """Prepare."""
        self.plane = plane
        self.figures = figures
        self.clock = TurningClock(loop)
        self.kube = Kube(plane, f"story-{secrets.token_hex(6)}")
        self.tenant = WatchedTenant(self.clock, self._look)
        self.simulator = Simulator(self.tenant)
        self.weather = Weather(self.simulator, self.tenant, self.kube)
        self.versions = Versions(self.kube)
        self.operators: list[MortalOperator] = []
        self.story: list[str] = []
        self._numbers = itertools.count(1)
        self.apps: list[App] = [self.tenant.add_watched(f"client {n + 1}") for n in range(CLIENTS)]
        lines = {name: Line(name) for name in NAMES}
        self.ledger = Ledger(lines, [app.client_id for app in self.apps])

    async def open(self) -> None:
        """Begin with a tenant that is well, a connection, and an operator."""
        await self.kube.send("POST", "/api/v1/namespaces", {"metadata": {"name": self.kube.namespace}})
        await self.simulator.start()
        await self.versions.__aenter__()
        await self.kube.apply(credentials(self.tenant), governed(self.simulator))
        self.start_operator()
        self.figures.stories += 1

    async def close(self) -> None:
        """End everything; what stands in the namespace goes."""
        self.figures.requests_to_change_a_client_secret += len(self.tenant.asked(Operation.PATCH))
        for operator in self.operators:
            await operator.close()
        await self.versions.__aexit__()
        self.tenant.faults.clear()
        await self.simulator.close()
        for kind in ("Auth0ClientSecretRotation", "Secret", "Event"):
            await self.kube.send("DELETE", self.kube.path(kind))
        await self.kube.close()

    # Looking ------------------------------------------------------------------------------------

    async def facts(self) -> Facts:
        """Return everything as it stands."""
        rotations = await self.kube.all("Auth0ClientSecretRotation")
        return facts_of(rotations, await self.kube.all("Secret"))

    def live_secrets(self) -> dict[str, str]:
        """Return what the tenant holds, by client id."""
        return {app.client_id: app.secret for app in self.apps}

    def _look(self, app: App, value: str, operation: Operation) -> None:
        """Hold a change against the ledger, at the instant before it takes effect."""
        if operation is Operation.ROTATE:
            self.figures.revocations += 1
            self.ledger.revoke(app.client_id)
            return
        self.figures.rotations += 1
        # Nothing else goes on meanwhile, and so what is read is what stands at this instant.
        _, listed = self.plane.request("GET", self.kube.path("Secret"))
        journals = facts_of((), listed["items"]).journals.items()
        found = [
            (name, journal)
            for name, journal in journals
            if value == journal.current or (journal.is_open and value == journal.next)
        ]
        self.ledger.change(self.clock.now, app.client_id, value, found[0] if found else None)

    # Operators ----------------------------------------------------------------------------------

    def start_operator(self) -> None:
        """Start one more operator process, which knows nothing."""
        configuration = Configuration(host=self.plane.url, ssl_ca_cert=str(self.plane.ca_file))
        configuration.api_key["BearerToken"] = f"Bearer {ADMIN_TOKEN}"
        configuration.disable_strict_ssl_verification = True
        api, name = WatchedApi(configuration, self.clock), f"operator-{next(self._numbers)}"
        self.operators.append(MortalOperator(api, self.kube, self.clock, name=name))
        self.figures.operators_started += 1

    async def end_operator(self) -> None:
        """End the oldest operator, whatever it was doing."""
        await self.operators.pop(0).close()
        # What it had sent arrives all the same.
        await asyncio.sleep(0.01)

    async def work(self, mishap: Mishap | None = None) -> bool:
        """Have the operators work until nothing is to be done now; return False if one was killed."""
        for _ in range(_ROUNDS if len(self.operators) > 1 else 1):
            if not await self._round(mishap):
                await self.end_operator()
                self.start_operator()
                self.figures.crashes += 1
                return False
        return True

    async def _round(self, mishap: Mishap | None) -> bool:
        """Have the operators work, side by side; return whether the first one lives."""
        trap, fault = Trap(), None
        if mishap is not None and not mishap.write:
            fault = Fault(Operation.PATCH, Moment.BEFORE, gate=trap, is_lost=not mishap.is_done)
            self.tenant.faults.add(fault)
        first, *others = self.operators
        lost = first.api.lost
        live = [first.live(mishap, trap), *(other.live() for other in others)]
        ends = await asyncio.gather(*live, return_exceptions=True)
        self.figures.faults += first.api.lost - lost
        if fault is not None:
            self.tenant.faults.drop(fault)
        for end in ends:
            if isinstance(end, BaseException):
                raise Violation(f"the operator does not come to rest, or broke: {end!r}") from end
        return ends[0] is True

    # Time ---------------------------------------------------------------------------------------

    async def pass_time(self, duration: timedelta, mishap: Mishap | None = None) -> bool:
        """Let time go by with the operators at work; return False if one was killed on the way."""
        end = self.clock.now + duration
        for _ in range(MOST_WAKES):
            wanted = [instant for one in self.operators for instant in one.due.values()]
            upcoming = [instant for instant in wanted if instant <= end]
            if not upcoming:
                break
            await self.turn(max(self.clock.now, min(upcoming)))
            if not await self.work(mishap):
                return False
        await self.turn(end)
        return await self.work(mishap)

    async def turn(self, to: datetime) -> None:
        """Put the clock forward, with nobody at work."""
        self.figures.pass_time(max(to - self.clock.now, _NO_TIME))
        while (landing := self.tenant.next_landing()) is not None and landing <= to:
            await self.clock.turn(max(landing, self.clock.now))
            self.tenant.land()
        await self.clock.turn(to)

    def told(self, end: str) -> str:
        """Return the story so far, a line a step, and how it ends."""
        lines = [f"{number}. {words}" for number, words in enumerate(self.story, 1)]
        return "\n".join([*lines, f"Then: {end}"])

    # Steps --------------------------------------------------------------------------------------

    async def step(self, act: Act, then: Then = WORK) -> None:
        """Have somebody do something, and then the operators; hold what comes of it against the ledger.

        `act` returns what was done, nothing where it said so itself, None where it makes no sense at
        this point.
        """
        facts = await self.facts()
        self.ledger.begin(facts, self.clock.now)
        done = await act(facts)
        if done is None:
            return
        self.figures.steps += 1
        if done:
            self.story.append(done + then.words)
        if self.ledger.is_unsettled:
            self.ledger.take_stock(await self.facts(), self.clock.now, self.live_secrets())
        is_done = not then.is_away and await self.work(then.mishap)
        # What could not be written is tried again later.
        is_done &= then.mishap is None or then.mishap.is_fatal
        if is_done and self.ledger.is_unsettled:
            self.ledger.end(await self.facts(), self.clock.now, self.live_secrets())
        self.raise_wrongs()

    def raise_wrongs(self) -> None:
        """Say what the ledger found.

        Raises:
            Violation: something.
        """
        if self.ledger.wrongs:
            self.figures.needless_rotations += len(self.ledger.wrongs)
            raise Violation("; ".join(self.ledger.wrongs))
