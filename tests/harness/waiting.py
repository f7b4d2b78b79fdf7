"""What a test of an operator in its own process does and waits for, seen from outside."""

from auth0_simulator import App, Simulator
from harness.kube import Kube
from harness.manifests import connection, credentials

ROTATION = "Auth0ClientSecretRotation"


async def begin(kube: Kube, simulator: Simulator) -> App:
    """Create what a rotation needs, and an application."""
    await kube.apply(credentials(simulator.tenant), connection(simulator))
    return simulator.tenant.add_app("web")


async def ask(kube: Kube, token: str) -> None:
    """Ask for a rotation, as a person does."""
    await kube.merge(
        ROTATION, "web", {"metadata": {"annotations": {"auth0rotator.dev/rotate-now": token}}}
    )


async def delivered(
    kube: Kube, app: App, changes: int, name: str = "web", *, seconds: float = 20
) -> None:
    """Return when the target holds what the tenant holds, and status says so."""

    async def is_there() -> bool:
        data, status = await kube.secret(name), await kube.status(name)
        rotated = status.get("rotationStatus") == "success"
        return app.changes >= changes and data.get("SECRET") == app.secret and rotated

    what = f"{name}: {changes} changes delivered"
    await kube.eventually(is_there, what=what, seconds=seconds)


async def verified(kube: Kube, rotations: int, name: str = "web") -> None:
    """Return when so many rotations were verified and told."""

    async def is_verified() -> bool:
        history = (await kube.status(name)).get("history") or [{}]
        reasons = [reason for reason, _ in await kube.events()]
        told = reasons.count("Verified") == len(history) == rotations
        return told and "verifiedMilliseconds" in history[0]

    await kube.eventually(is_verified)


async def connected(kube: Kube) -> None:
    """Return when the connection was checked."""

    async def is_ready() -> bool:
        found = await kube.get("Auth0Connection", "acme")
        conditions = ((found or {}).get("status") or {}).get("conditions") or [{}]
        return bool(conditions[0].get("reason") == "TokenIssued")

    await kube.eventually(is_ready)
