"""Who takes part when an operator dies: one rotation, its client, and one operator after the other."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from auth0_simulator import App, Moment, Operation, Simulator, Tenant
from auth0_simulator.faults import Gate
from harness.crash.effects import Held
from harness.kube import Kube
from harness.manifests import rotation
from harness.proxy import Proxy

Check = Callable[[], Awaitable[Any]]


class Operators(Protocol):
    """The operators of one story, one after the other."""

    async def die_at(self, gate: Gate) -> None:
        """Let the operator work, and end it without a word where it stands at the gate."""

    async def begin_again(self) -> None:
        """Start another one."""

    async def until(self, check: Check) -> Any:
        """Let the operator work until `check` raises no AssertionError, and return what it gives."""

    async def wait_out(self, time: timedelta) -> None:
        """Let the operator go on for so long by its own clock."""

    async def let_pass(self, scene: "Scene", time: timedelta) -> None:
        """Let so much time pass since the last rotation."""


@dataclass
class Scene:
    """One story: one rotation, its client, and who takes part."""

    kube: Kube
    simulator: Simulator
    proxy: Proxy
    operators: Operators
    name: str
    """Of the rotation, and so of its target."""
    app: App
    """Whose value the target shall hold in the end."""
    others: list[App] = field(default_factory=list)
    announced: str = ""
    """The value that the target has shown ahead of its change."""
    changes_held: list[Gate] = field(default_factory=list)

    @property
    def tenant(self) -> Tenant:
        """Where the changes are counted."""
        return self.simulator.tenant

    def changes(self) -> int:
        """Return how many real changes there were."""
        return sum(app.changes for app in [self.app, *self.others])

    def sent(self) -> set[tuple[str, str]]:
        """Return every value that was sent to the tenant, by its client."""
        ours = {app.client_id for app in [self.app, *self.others]}
        asked = self.tenant.asked(Operation.PATCH)
        return {(entry.client_id, entry.value) for entry in asked if entry.client_id in ours}

    def hold(self, held: Held, moment: Moment) -> Gate:
        """Hold the next request of this kind."""
        gate = held.hold(self.proxy, self.tenant, moment)
        if held.effect is Operation.PATCH:
            self.changes_held.append(gate)
        return gate

    async def apply(self, **spec: Any) -> None:
        """Apply the rotation, as a person does."""
        await self.kube.apply(rotation(self.app.client_id, self.name, **spec))

    async def let_changes_land(self) -> None:
        """Let the changes that are held take effect after all, though their senders are dead."""
        for gate in self.changes_held:
            gate.open()

        async def have_landed() -> bool:
            sent = self.tenant.asked(Operation.PATCH)
            return all(entry.status for entry in sent if entry.client_id == self.app.client_id)

        if self.changes_held:
            await self.kube.eventually(have_landed)
