"""`kill -9` of an operator that stands at one of its effects, before it or after it.

The same stories as in scenario/test_crashes.py, with what only a process has: open connections, a
Lease, watches, memory that is really gone. The proxy or the tenant holds the request; the operator
knows nothing of tests. Each row's last operator is the next row's first victim, for a start costs more
than a story. Wrong would be, beside all that is wrong there, what a cancelled pass can clean up and a
dead process cannot, and a rotation that a later start repeats.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from auth0_rotator.conditions import timestamp
from auth0_simulator import Simulator
from auth0_simulator.faults import Gate
from controlplane import ControlPlane
from harness import Kube, connection, credentials
from harness.crash.endings import PREFIX
from harness.crash.matrix import KILLED, Death, play
from harness.crash.scene import Check, Scene
from harness.crash.table import KILLS, Ledger
from harness.installation import OPERATOR_NAMESPACE
from harness.process import OperatorProcess
from harness.proxy import Proxy
from harness.story import ROTATION

LEASE: Final = f"/apis/coordination.k8s.io/v1/namespaces/{OPERATOR_NAMESPACE}/leases/auth0-rotator"
SECONDS: Final = 60.0


@dataclass
class Processes:
    """Operators in processes of their own, all of which reach the API server through the proxy."""

    kube: Kube
    operator: OperatorProcess
    is_up: bool = False

    async def die_at(self, gate: Gate) -> None:
        """Kill the operator where it stands at the gate."""
        try:
            await gate.reached(SECONDS)
        except TimeoutError:
            raise AssertionError(self.operator.log.read_text()[-5000:]) from None
        await self.kill()

    async def kill(self) -> None:
        """End the operator without a word."""
        self.is_up = False
        await self.operator.kill()

    async def begin_again(self) -> None:
        """Start another operator."""
        self.is_up = True
        await self.operator.start(wait=False)

    async def until(self, check: Check) -> Any:
        """Wait until `check` raises no AssertionError."""
        deadline = asyncio.get_running_loop().time() + SECONDS
        while True:
            try:
                return await check()
            except AssertionError:
                if asyncio.get_running_loop().time() > deadline:
                    raise
            await asyncio.sleep(0.05)

    async def wait_out(self, duration: timedelta) -> None:
        """Wait for as long."""
        await asyncio.sleep(duration.total_seconds())

    async def let_pass(self, scene: Scene, duration: timedelta) -> None:
        """Set the last rotation back in journal and status, as nobody can set the clock on."""
        name = f"{scene.name}.journal"
        found = await self.kube.get("Secret", name)
        assert found is not None
        rotated_at = datetime.fromisoformat(found["metadata"]["annotations"][f"{PREFIX}rotated-at"])
        earlier = {f"{PREFIX}rotated-at": timestamp(rotated_at - duration)}
        await self.kube.merge("Secret", name, {"metadata": {"annotations": earlier}})
        # What status tells of a later rotation makes the journal an old copy, and is kept until somebody
        # sets it back as well, after the operator has seen it.
        told = {"status": {"lastRotatedAt": timestamp(rotated_at - duration)}}

        async def is_seen() -> bool:
            condition = await self.kube.condition(scene.name, "Reconciling")
            return not self.is_up or "status tells of a rotation" in condition["message"]

        await self.kube.eventually(is_seen)
        await self.kube.merge(ROTATION, scene.name, told, part="status")


@dataclass(frozen=True)
class House:
    """What all rows share."""

    kube: Kube
    simulator: Simulator
    proxy: Proxy
    processes: Processes
    played: list[tuple[Scene, int]] = field(default_factory=list)
    """The rows so far, each with its changes."""


@pytest.fixture(scope="module")
async def house(plane: ControlPlane, rights: Path) -> AsyncIterator[House]:
    """A namespace, a tenant, a proxy, and an operator for all of them."""
    kube = Kube(plane, "kills")
    await kube.send("POST", "/api/v1/namespaces", {"metadata": {"name": kube.namespace}})
    async with Simulator() as simulator, Proxy(plane) as proxy:
        await kube.apply(credentials(simulator.tenant), connection(simulator))
        processes = Processes(kube, _operator(kube, proxy, rights))
        yield House(kube, simulator, proxy, processes)
        await processes.kill()
    await kube.close()


def _operator(kube: Kube, proxy: Proxy, rights: Path) -> OperatorProcess:
    """Return an operator with the rights of the real one, which goes through the proxy."""
    folder, flags = kube.plane.folder, ("--namespace", kube.namespace)
    kubeconfig = folder / "kills.kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(proxy.kubeconfig(yaml.safe_load(rights.read_text()))))
    environment = {"POD_NAMESPACE": OPERATOR_NAMESPACE}
    return OperatorProcess(kubeconfig, folder / "kills.log", *flags, environment=environment)


@pytest.fixture
async def scene(house: House) -> AsyncIterator[Scene]:
    """A rotation and a client of its own, and an operator that works."""
    name = f"row-{len(house.played) + 1}"
    app = house.simulator.tenant.add_app(name)
    if not house.processes.is_up:
        # An operator of another test may have left a lease that others would wait for.
        await house.kube.send("DELETE", LEASE)
        await house.processes.begin_again()
    scene = Scene(house.kube, house.simulator, house.proxy, house.processes, name, app)
    yield scene
    house.played.append((scene, scene.changes()))
    house.proxy.clear()
    house.simulator.tenant.faults.clear()


@pytest.mark.parametrize("death", KILLED, ids=str)
async def test_a_process_that_is_killed_costs_no_change_and_loses_no_value(
    scene: Scene, ledger: Ledger, death: Death
) -> None:
    ledger.add(KILLS, await play(scene, death))


async def test_no_row_went_on_when_it_was_over(house: House) -> None:
    """Catches a rotation that is done once more by the operators of the rows that came later."""
    assert [scene.changes() for scene, _ in house.played] == [count for _, count in house.played]
