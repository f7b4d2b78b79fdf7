"""The operator as users run it: start, work, idle, end."""

import asyncio
import time
from datetime import UTC, datetime

import pytest

from auth0_simulator import App, Moment, Operation, Simulator
from controlplane import ControlPlane
from harness import Kube, connection, credentials, rotation
from harness.process import NewOperator

ROTATION = "Auth0ClientSecretRotation"
# What design.md leaves out of the six: leases, credentials, lists and watches.
NOT_COUNTED = {"list", "watch"}


async def begin(kube: Kube, simulator: Simulator) -> App:
    """Create what a rotation needs, and an application."""
    await kube.apply(credentials(simulator.tenant), connection(simulator))
    return simulator.tenant.add_app("web")


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


async def test_a_first_rotation_is_delivered_within_five_seconds_of_the_start(
    kube: Kube, simulator: Simulator, new_operator: NewOperator
) -> None:
    app = await begin(kube, simulator)
    await kube.apply(rotation(app.client_id))
    began = time.monotonic()
    await new_operator().start(wait=False)
    await delivered(kube, app, 1)
    assert time.monotonic() - began < 5
    await verified(kube, 1)


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


async def connected(kube: Kube) -> None:
    """Return when the connection was checked."""

    async def is_ready() -> bool:
        found = await kube.get("Auth0Connection", "acme")
        conditions = ((found or {}).get("status") or {}).get("conditions") or [{}]
        return bool(conditions[0].get("reason") == "TokenIssued")

    await kube.eventually(is_ready)


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
    await _ask(kube, "one")
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


async def _ask(kube: Kube, token: str) -> None:
    await kube.merge(
        ROTATION, "web", {"metadata": {"annotations": {"auth0rotator.dev/rotate-now": token}}}
    )


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


async def test_a_hundred_objects_fit_in_ninety_megabytes(
    kube: Kube, simulator: Simulator, new_operator: NewOperator
) -> None:
    await kube.apply(credentials(simulator.tenant), connection(simulator))
    apps = [simulator.tenant.add_app(f"app-{number}") for number in range(100)]
    operator = new_operator()
    await operator.start()
    for app in apps:
        await kube.apply(rotation(app.client_id, app.name))
    for app in apps:
        await delivered(kube, app, 1, app.name)
    assert [app.changes for app in apps] == [1] * 100
    assert operator.resident_megabytes() < 90


async def test_sigterm_ends_it_cleanly_within_ten_seconds(
    kube: Kube, simulator: Simulator, new_operator: NewOperator
) -> None:
    app = await begin(kube, simulator)
    operator = new_operator()
    await operator.start()
    gate = simulator.tenant.hold(Operation.PATCH, Moment.AFTER)
    await kube.apply(rotation(app.client_id))
    await gate.reached()
    began = time.monotonic()
    assert await operator.stop() == 0
    assert time.monotonic() - began < 10
    gate.open()
    assert "Traceback" not in operator.log.read_text()
    await new_operator().start()
    await delivered(kube, app, 1)
    assert app.changes == 1


async def test_a_kill_while_the_tenant_answers_delivers_the_same_value_after_the_restart(
    kube: Kube, simulator: Simulator, new_operator: NewOperator
) -> None:
    app = await begin(kube, simulator)
    operator = new_operator()
    await operator.start()
    gate = simulator.tenant.hold(Operation.PATCH, Moment.AFTER)
    await kube.apply(rotation(app.client_id))
    await gate.reached()
    chosen = app.secret
    await operator.kill()
    gate.open()
    await operator.start()
    await delivered(kube, app, 1)
    assert (app.changes, app.secret) == (1, chosen)


async def test_a_standby_takes_over_at_once_when_the_leader_ends(
    kube: Kube, simulator: Simulator, new_operator: NewOperator
) -> None:
    app = await begin(kube, simulator)
    leader, standby = new_operator(POD_NAME="a"), new_operator(POD_NAME="b")
    await leader.start()
    await kube.apply(rotation(app.client_id))
    await delivered(kube, app, 1)
    await standby.start()
    assert "auth0_rotator_leader 0.0" in standby.scrape()
    assert await leader.stop() == 0
    began = time.monotonic()
    await _ask(kube, "after the change of leader")
    await delivered(kube, app, 2)
    assert time.monotonic() - began < 8
    assert app.changes == 2


@pytest.mark.parametrize("sent", ["SIGTERM", "SIGINT"])
async def test_a_standby_ends_at_once(kube: Kube, new_operator: NewOperator, sent: str) -> None:
    del kube
    leader, standby = new_operator(POD_NAME="a"), new_operator(POD_NAME="b")
    await leader.start()
    await standby.start()
    began = time.monotonic()
    assert await standby.end(sent) == 0
    assert time.monotonic() - began < 3
