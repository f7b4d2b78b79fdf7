"""How many calls the operator makes, from the API server's audit log and the tenant's journal."""

import asyncio
from datetime import UTC, datetime

from auth0_simulator import Operation, Simulator
from controlplane import ControlPlane
from harness import Kube, rotation
from harness.process import NewOperator
from harness.waiting import ask, begin, connected, delivered, verified

# What design.md leaves out of the six: leases, credentials, lists and watches.
NOT_COUNTED = {"list", "watch"}
SIX_CALLS = [
    "patch secrets web (dry run)",
    "update secrets web.journal",
    "patch secrets web",
    "update secrets web.journal",
    "patch auth0clientsecretrotations/status web",
    "create events",
]
# The probe's answer is told apart, and not counted.
VERIFIED = ["patch auth0clientsecretrotations/status web", "create events"]


def calls(plane: ControlPlane, kube: Kube, since: int) -> list[str]:
    """Return the operator's calls in the namespace, as `verb resource name`, from the audit log."""
    told = []
    for event in plane.audit_events()[since:]:
        reference = event.get("objectRef") or {}
        if event["verb"] in NOT_COUNTED or reference.get("namespace") != kube.namespace:
            continue
        part = f"/{reference['subresource']}" if "subresource" in reference else ""
        dry = " (dry run)" if "dryRun=All" in event["requestURI"] else ""
        # An Event's name is its own; nobody asks for it.
        name = f" {reference['name']}" if reference["resource"] != "events" else ""
        told.append(f"{event['verb']} {reference['resource']}{part}{name}{dry}")
    return told


async def test_a_rotation_takes_six_calls_to_the_api_server_and_one_to_the_tenant(
    plane: ControlPlane, kube: Kube, simulator: Simulator, new_operator: NewOperator
) -> None:
    app = await begin(kube, simulator)
    await new_operator().start()
    await connected(kube)
    since = len(plane.audit_events())
    await kube.apply(rotation(app.client_id))
    await verified(kube, 1)
    creation = [SIX_CALLS[0], "create secrets web.journal", *SIX_CALLS[2:], *VERIFIED]
    assert calls(plane, kube, since) == creation
    assert len(simulator.tenant.asked(Operation.PATCH)) == 1
    since = len(plane.audit_events())
    await ask(kube, "one")
    await delivered(kube, app, 2)
    await verified(kube, 2)
    assert calls(plane, kube, since) == SIX_CALLS + VERIFIED
    assert len(simulator.tenant.asked(Operation.PATCH)) == 2


async def test_a_due_rotation_takes_six_calls_after_one_look_before_it_is_due(
    plane: ControlPlane, kube: Kube, simulator: Simulator, new_operator: NewOperator
) -> None:
    app = await begin(kube, simulator)
    await new_operator("--interval-unit=minutes").start()
    second = (datetime.now(UTC).second + 5) % 60
    await kube.apply(rotation(app.client_id, rotationInterval=1, rotateAtUtc={"minutes": second}))
    await verified(kube, 1)
    since = len(plane.audit_events())
    await delivered(kube, app, 2, seconds=130)
    await verified(kube, 2)
    look = "get auth0clientsecretrotations web"
    assert calls(plane, kube, since) == [look, *SIX_CALLS, *VERIFIED]
    assert len(simulator.tenant.asked(Operation.PATCH)) == 2


async def test_an_idle_object_costs_no_calls(
    plane: ControlPlane, kube: Kube, simulator: Simulator, new_operator: NewOperator
) -> None:
    app = await begin(kube, simulator)
    await new_operator().start()
    await kube.apply(rotation(app.client_id))
    await delivered(kube, app, 1)
    await verified(kube, 1)
    since, asked = len(plane.audit_events()), len(simulator.tenant.asked())
    await asyncio.sleep(5)  # the one thing that can only be seen by waiting: that nothing comes
    assert calls(plane, kube, since) == []
    assert len(simulator.tenant.asked()) == asked
