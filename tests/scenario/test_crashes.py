"""A pass that is cut off at each of its effects, before it or after it: the next process mends it all.

The effect is held, at the proxy or at the tenant, the pass is cancelled there, and another operator,
which knows nothing, begins. Wrong would be: a value that is sent before it is
stored, or chosen anew after a crash; a target or a commit that only the process can write whose request
was accepted; a finalizer that only its setter removes; a report that is lost with who was to write it.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Final

import pytest

from auth0_rotator.cluster import Api
from auth0_simulator.faults import Gate
from controlplane import ControlPlane
from harness import Kube, Stage
from harness.crash.matrix import CANCELLED, Death, play
from harness.crash.scene import Check, Scene
from harness.crash.table import CANCELS, Ledger
from harness.proxy import Proxy
from harness.stage import staged

# Nothing but the cluster is waited for: the operator's clock stands still.
SECONDS: Final = 20.0


class Passes:
    """Operators in this process: a new one knows nothing of what its forerunner did."""

    def __init__(self, stage: Stage) -> None:
        """Begin with the stage's own operator."""
        self.stage = stage

    async def die_at(self, gate: Gate) -> None:
        """Let the operator work, and cancel its pass where it stands at the gate."""
        working = asyncio.create_task(self.stage.settle())
        standing = asyncio.create_task(gate.reached())
        await asyncio.wait({working, standing}, return_when=asyncio.FIRST_COMPLETED)
        try:
            assert not working.done(), f"the effect was never reached: {working.exception()}"
            await standing
        finally:
            working.cancel()
            standing.cancel()
            await asyncio.gather(working, standing, return_exceptions=True)

    async def begin_again(self) -> None:
        """Start another operator."""
        await self.stage.restart()

    async def until(self, check: Check) -> Any:
        """Let the operator do all there is to do; what the cluster does by itself is waited for."""
        deadline = time.monotonic() + SECONDS
        while True:
            await self.stage.settle()
            try:
                return await check()
            except AssertionError:
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(0.05)

    async def wait_out(self, duration: timedelta) -> None:
        """Let the new operator and the clock go on."""
        if duration:
            await self.stage.run_for(duration)

    async def let_pass(self, _: Scene, duration: timedelta) -> None:
        """Set the clock on."""
        self.stage.clock.advance(duration)


@pytest.fixture(scope="module")
async def door(plane: ControlPlane) -> AsyncIterator[tuple[Proxy, Api]]:
    """A proxy, and a client that goes through it."""
    async with Proxy(plane) as proxy:
        api = Api(proxy.configuration())
        yield proxy, api
        await api.close()


@pytest.fixture
async def scene(plane: ControlPlane, kube: Kube, door: tuple[Proxy, Api]) -> AsyncIterator[Scene]:
    """A namespace, a tenant, and operators that can be held."""
    proxy, api = door
    async with staged(plane, kube, api) as stage:
        await stage.connect()
        app = stage.tenant.add_app("web")
        yield Scene(kube, stage.simulator, proxy, Passes(stage), "web", app)
        proxy.clear()


@pytest.mark.parametrize("death", CANCELLED, ids=str)
async def test_a_pass_that_dies_costs_no_change_and_loses_no_value(
    scene: Scene, ledger: Ledger, death: Death
) -> None:
    ledger.add(CANCELS, await play(scene, death))
