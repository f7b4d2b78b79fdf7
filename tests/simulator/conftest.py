"""Fixtures: a tenant of its own for each test, its simulator, and a caller. No control plane."""

from collections.abc import AsyncIterator

import pytest

from auth0_simulator import App, Simulator, Tenant
from simulator.caller import Caller


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    """A simulator that listens."""
    async with Simulator() as simulator:
        yield simulator


@pytest.fixture
async def caller(simulator: Simulator) -> AsyncIterator[Caller]:
    """Who asks it."""
    async with Caller(simulator) as caller:
        yield caller


@pytest.fixture
def tenant(simulator: Simulator) -> Tenant:
    """Its tenant."""
    return simulator.tenant


@pytest.fixture
def app(tenant: Tenant) -> App:
    """A machine-to-machine application that may log in for an API."""
    return tenant.add_app("web", audiences={"https://api.example": ("read:things",)})
