"""A deleted rotation revokes its value: what delays it, what it never touches, and that it ends."""

from collections.abc import Awaitable, Callable

import pytest

from auth0_simulator import App, Operation, Simulator, Tenant
from harness import Stage, connection, credentials, rotation
from harness.deletion import (
    MINUTE,
    REVOKES,
    TEN_MINUTES,
    assert_gone,
    assert_target,
    delete,
    messages,
    switched,
)
from harness.secrets import secret
from harness.story import ROTATION, ask, reasons, refuse, skip

Breaks = Callable[[Stage, App], Awaitable[None]]


async def tenant_dead(stage: Stage, _: App) -> None:
    await stage.simulator.stop()


async def credentials_gone(stage: Stage, _: App) -> None:
    await stage.kube.delete("Secret", "auth0-management")


async def connection_gone(stage: Stage, _: App) -> None:
    await stage.kube.delete("Auth0Connection", "acme")


async def scope_gone(stage: Stage, _: App) -> None:
    stage.tenant.answer(403, {"message": "Insufficient scope"}, operation=Operation.ROTATE, times=1000)


async def tenant_broken(stage: Stage, _: App) -> None:
    stage.tenant.answer(500, {}, operation=Operation.ROTATE, times=1000)


BREAKS = [tenant_dead, credentials_gone, scope_gone, tenant_broken]


@pytest.mark.parametrize("breaks", BREAKS, ids=lambda breaks: breaks.__name__)
async def test_a_revocation_that_cannot_be_done_is_given_up_after_ten_minutes(
    stage: Stage, breaks: Breaks
) -> None:
    """Catches a deletion that hangs for ever, one that gives up at once, and one that says nothing."""
    app = await stage.rotated(deletion=switched(deletes=True, revokes=True))
    await breaks(stage, app)
    await delete(stage)
    # The operator that saw the connection work is gone, and with it its token.
    await stage.restart()
    await stage.settle()
    await skip(stage, 8 * MINUTE)
    assert await stage.kube.get(ROTATION, "web") is not None
    await skip(stage, 4 * MINUTE)
    await assert_gone(stage)
    assert app.changes == 1
    told = await messages(stage)
    assert "may stay valid" in told["RevocationAbandoned"]
    assert "Revoked" not in told
    await assert_target(stage, app.secret, is_there=False)


@pytest.mark.parametrize(
    "breaks", [tenant_dead, credentials_gone, connection_gone], ids=lambda breaks: breaks.__name__
)
async def test_without_revocation_nothing_at_the_tenant_delays_a_deletion(
    stage: Stage, breaks: Breaks
) -> None:
    """Catches a deletion that asks a tenant for something that nobody asked for."""
    app = await stage.rotated()
    await breaks(stage, app)
    asked = len(stage.tenant.asked(Operation.PROBE, Operation.ROTATE, Operation.PATCH))
    await delete(stage)
    await assert_gone(stage)
    await assert_target(stage, app.secret, is_there=True)
    assert len(stage.tenant.asked(Operation.PROBE, Operation.ROTATE, Operation.PATCH)) == asked


@pytest.mark.parametrize("breaks", BREAKS, ids=lambda breaks: breaks.__name__)
async def test_a_revocation_is_done_when_its_obstacle_goes_away(stage: Stage, breaks: Breaks) -> None:
    """Catches a revocation that is tried once, or that gives up before the ten minutes."""
    app = await stage.rotated(deletion=REVOKES)
    await breaks(stage, app)
    await delete(stage)
    await stage.restart()
    await stage.settle()
    await skip(stage, 5 * MINUTE)
    assert app.changes == 1
    stage.tenant.faults.clear()
    if breaks is tenant_dead:
        await stage.simulator.start()
    await stage.kube.apply(credentials(stage.tenant))
    await stage.run_for(MINUTE)
    await assert_gone(stage)
    assert app.changes == 2
    assert "Revoked" in await reasons(stage)


async def test_a_client_that_is_gone_delays_no_deletion(stage: Stage) -> None:
    """Catches ten minutes of waiting for a client that will not come back, and a false word about it."""
    app = await stage.rotated(deletion=REVOKES)
    del stage.tenant.apps[app.client_id]
    await delete(stage)
    await assert_gone(stage)
    assert "RevocationAbandoned" in await reasons(stage)
    assert "Revoked" not in await reasons(stage)
    await assert_target(stage, app.secret, is_there=True)


@pytest.mark.parametrize("loses", ["lose_request", "lose_answer"])
async def test_a_revocation_whose_answer_is_lost_is_repeated_only_until_the_value_is_dead(
    stage: Stage, loses: str
) -> None:
    """Catches a revocation that is believed without its answer, and one that is done twice."""
    app = await stage.rotated(deletion=REVOKES)
    # A younger value may still spread: then no probe says that it is dead.
    await stage.run_for(2 * MINUTE)
    getattr(stage.tenant, loses)(Operation.ROTATE)
    await delete(stage)
    await stage.settle()
    await stage.run_for(MINUTE)
    await assert_gone(stage)
    assert app.changes == 2
    assert "Revoked" in await reasons(stage)


async def test_a_rotation_that_never_delivered_revokes_nothing(stage: Stage) -> None:
    """Catches a revocation of a value that somebody else made."""
    app = stage.tenant.add_app("web")
    refuse(stage.tenant)
    await stage.connect()
    await stage.kube.apply(rotation(app.client_id, deletion=REVOKES))
    await stage.settle()
    await delete(stage)
    await assert_gone(stage)
    assert app.changes == 0
    assert "nothing was revoked" in (await messages(stage))["RevocationAbandoned"]


async def test_a_client_of_another_rotation_is_never_revoked(stage: Stage) -> None:
    """Catches a revocation that takes the value from under a rotation that waits for the client."""
    app = await stage.rotated(deletion=REVOKES)
    await stage.kube.apply(rotation(app.client_id, "heir", suspend=True))
    await stage.settle()
    await delete(stage)
    await assert_gone(stage)
    assert app.changes == 1
    assert "another rotation" in (await messages(stage))["RevocationAbandoned"]
    await assert_target(stage, app.secret, is_there=True)


async def test_a_client_of_another_namespaces_rotation_is_never_revoked(stage: Stage) -> None:
    """Catches a look at the own namespace only: clients belong to the tenant."""
    elsewhere = await stage.open_namespace()
    app = await stage.rotated(deletion=REVOKES)
    spec = rotation(app.client_id, "heir", suspend=True)
    await elsewhere.apply(credentials(stage.tenant), connection(stage.simulator), spec)
    await stage.settle()
    await delete(stage)
    await assert_gone(stage)
    assert app.changes == 1


async def test_a_value_that_was_there_before_is_not_revoked(stage: Stage) -> None:
    """Catches a revocation of what nobody generated: the value was put there by a person."""
    app = stage.tenant.add_app("web")
    await stage.connect()
    await stage.kube.apply(secret("web", SECRET=app.secret))
    await stage.kube.apply(rotation(app.client_id, initialRotation="WhenDue", deletion=REVOKES))
    await stage.settle()
    await delete(stage)
    await assert_gone(stage)
    assert app.changes == 0
    assert "Revoked" not in await reasons(stage)


async def test_a_value_that_still_spreads_is_revoked_all_the_same(stage: Stage) -> None:
    """Catches a 401 that is believed at once: the value would become valid half a minute later."""
    app = await stage.rotated(deletion=REVOKES)
    stage.tenant.refuse_new_secret_for(3600)
    await ask(stage, app, deletion=REVOKES)
    value = app.secret
    await delete(stage)
    await assert_gone(stage)
    stage.tenant.refuse_new_secret_for(0)
    assert not stage.tenant.accepts(app.client_id, value)


async def test_a_value_of_another_tenant_is_not_told_as_revoked(stage: Stage) -> None:
    """Catches a revocation at the tenant to which the connection leads by now."""
    app = await stage.rotated(deletion=REVOKES)
    async with Simulator(Tenant("other.eu.auth0.com")) as other:
        there = connection(other, "other", credentialsSecretRef={"name": "other"})
        await stage.kube.apply(credentials(other.tenant, "other"), there)
        spec = rotation(app.client_id, deletion=REVOKES, connectionRef={"name": "other"})
        await stage.kube.apply(spec)
        await stage.settle()
        await delete(stage)
        await assert_gone(stage)
        assert not other.tenant.asked(Operation.ROTATE)
    assert app.changes == 1
    assert "Revoked" not in await reasons(stage)


async def test_a_journal_that_cannot_be_read_holds_no_deletion_for_ever(stage: Stage) -> None:
    """Catches a finalizer that waits for a person who does not come."""
    app = await stage.rotated(deletion=REVOKES)
    await stage.kube.merge("Secret", "web.journal", {"data": {"current": "/w=="}})
    await stage.settle()
    await delete(stage)
    await stage.settle()
    assert await stage.kube.get(ROTATION, "web") is not None
    await skip(stage, TEN_MINUTES)
    await assert_gone(stage)
    assert "check it" in (await messages(stage))["Abandoned"]
    assert app.changes == 1


async def test_the_loser_of_a_conflict_revokes_nothing(stage: Stage) -> None:
    """Catches a revocation by an object that never had the client."""
    app = await stage.rotated()
    await stage.kube.apply(rotation(app.client_id, "loser", deletion=REVOKES))
    await stage.settle()
    await delete(stage, "loser")
    await assert_gone(stage, "loser")
    assert app.changes == 1
    await stage.assert_delivered(app)


async def test_a_rotation_that_somebody_else_holds_is_revoked_once(stage: Stage) -> None:
    """Catches a revocation that is repeated as long as the object stays, and a pass without end."""
    app = await stage.rotated(deletion=REVOKES)
    patch = {"metadata": {"finalizers": ["auth0rotator.dev/revoke", "example.com/mine"]}}
    await stage.kube.merge(ROTATION, "web", patch)
    await delete(stage)
    await stage.settle()
    await skip(stage, 30 * MINUTE)
    found = await stage.kube.get(ROTATION, "web")
    assert found is not None
    assert found["metadata"]["finalizers"] == ["example.com/mine"]
    assert app.changes == 2
    await stage.kube.merge(ROTATION, "web", {"metadata": {"finalizers": None}})
    await assert_gone(stage)
    assert app.changes == 2
