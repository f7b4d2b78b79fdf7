"""Tenants behind TLS, as all real ones are: here by an authority that only `caBundle` trusts."""

from datetime import timedelta
from ssl import SSLContext
from typing import Any, Final

import pytest

from auth0_simulator import App, Simulator
from harness import Stage, connection, credentials, rotation
from harness.authority import Authority
from harness.story import ask

MINUTE: Final = timedelta(minutes=1)
TRUSTED: Final = Authority()
OTHER: Final = Authority()
BY_BUNDLE: Final = {"caBundle": TRUSTED.bundle}


async def connect(stage: Stage, simulator: Simulator, **spec: Any) -> App:
    """Create a rotation over TLS, and return its application."""
    app = simulator.tenant.add_app("web")
    body = connection(simulator, **spec)
    await stage.kube.apply(credentials(simulator.tenant), body, rotation(app.client_id))
    await stage.settle()
    return app


async def assert_delivered(stage: Stage, app: App, *, changes: int) -> None:
    assert app.changes == changes
    assert (await stage.kube.secret("web")).get("SECRET") == app.secret


async def test_a_tenant_is_trusted_by_the_bundle_of_its_connection(stage: Stage) -> None:
    """Catches a bundle that is parsed, and trusted by nobody."""
    async with Simulator(tls=TRUSTED.serving()) as simulator:
        app = await connect(stage, simulator, **BY_BUNDLE)
        await assert_delivered(stage, app, changes=1)
        await ask(stage, app)
        await assert_delivered(stage, app, changes=2)


@pytest.mark.parametrize(
    ("tls", "spec", "why"),
    [
        pytest.param(TRUSTED.serving(), {}, "unable to get local issuer", id="no bundle"),
        pytest.param(OTHER.serving(), BY_BUNDLE, "verify failed", id="another authority"),
        pytest.param(TRUSTED.serving("127.0.0.2"), BY_BUNDLE, "IP address mismatch", id="another host"),
        pytest.param(TRUSTED.serving(valid_for=-MINUTE), BY_BUNDLE, "has expired", id="expired"),
    ],
)
async def test_who_is_not_to_be_trusted_is_told_nothing(
    stage: Stage, tls: SSLContext, spec: dict[str, Any], why: str
) -> None:
    """Catches credentials, and new client secrets, that go to whoever answers."""
    async with Simulator(tls=tls) as simulator:
        app = await connect(stage, simulator, **spec)
        await stage.run_for(10 * MINUTE)
        found = await stage.kube.get("Auth0Connection", "acme")
        assert found is not None
        [ready] = [one for one in found["status"]["conditions"] if one["type"] == "Ready"]
        assert (ready["status"], ready["reason"]) == ("False", "Unreachable")
        assert why in ready["message"]
        assert simulator.tenant.asked() == []
        assert await stage.kube.get("Secret", "web") is None
        assert app.changes == 0


async def test_a_new_authority_is_trusted_once_the_bundle_names_it(stage: Stage) -> None:
    """Catches a bundle that is read once, and a value that is lost with the trust."""
    tenant, port = stage.tenant, stage.simulator.port
    await stage.simulator.close()
    async with Simulator(tenant, port=port, tls=TRUSTED.serving()) as simulator:
        app = await connect(stage, simulator, **BY_BUNDLE)
    async with Simulator(tenant, port=port, tls=OTHER.serving()) as simulator:
        await ask(stage, app)
        await stage.run_for(10 * MINUTE)
        await assert_delivered(stage, app, changes=1)
        await stage.kube.apply(connection(simulator, caBundle=OTHER.bundle))
        await stage.run_for(10 * MINUTE)
        await assert_delivered(stage, app, changes=2)
