"""What somebody does in Auth0's dashboard, and how it must end where a connection looks out for it."""

import json
from datetime import timedelta
from typing import Any, Final

from auth0_simulator import App, Operation
from harness.stage import Stage
from harness.story import ROTATION, assert_at_peace, reasons

MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
HOURLY: Final[dict[str, Any]] = {"probeInterval": "1h"}
ADOPTS: Final[dict[str, Any]] = {"probeInterval": "1h", "adopt": True}
KEYS: Final = ("read:clients", "update:client_keys", "read:client_keys")


async def watched(stage: Stage, foreign: dict[str, Any] = HOURLY, **spec: Any) -> App:
    """Return a client that was rotated a while ago, over a connection that looks out for others."""
    if foreign.get("adopt"):
        stage.tenant.with_scopes(*KEYS)
    app = await stage.rotated(**spec)
    await stage.connect(foreignRotation=foreign)
    await stage.run_for(10 * MINUTE)
    return app


async def told(stage: Stage, type_: str = "Verified") -> tuple[str, str]:
    """Return status and reason of a condition."""
    found = await stage.kube.condition("web", type_)
    return found["status"], found["reason"]


def probes(stage: Stage, app: App) -> int:
    """Return how often a client secret of the application was tried."""
    asked = stage.tenant.asked(Operation.PROBE)
    return sum(entry.client_id == app.client_id for entry in asked)


def changes_asked(stage: Stage) -> int:
    """Return how many requests there were to change anything."""
    return len(stage.tenant.asked(Operation.PATCH, Operation.ROTATE))


async def assert_adopted(stage: Stage, app: App, *, times: int = 1) -> None:
    """The target holds what was set elsewhere, nothing was sent, and all is told but the value."""
    assert changes_asked(stage) == 1
    words = [await stage.kube.all(kind) for kind in (ROTATION, "Auth0Connection", "Event")]
    assert not [value for value in (app.secret, *app.past) if value in json.dumps(words)]
    await assert_at_peace(stage, app, changes=1 + times)
    assert (await told(stage), await told(stage, "Ready")) == (
        ("True", "Verified"),
        ("True", "Delivered"),
    )
    events = await reasons(stage)
    assert events.count("Adopted") == times
    assert "DriftRepaired" not in events
    assert len((await stage.kube.status("web"))["history"]) == 1 + times
