"""What a deleted rotation with `revokeGeneratedCredentials` never touches, and never says untruly."""

import time
from datetime import timedelta

from harness import Stage, connection, rotation
from harness.deletion import MINUTE, REVOKES, assert_gone, delete
from harness.story import ROTATION, lose, reasons, silence_probes, skip


async def test_a_client_that_went_over_to_another_rotation_is_never_revoked(stage: Stage) -> None:
    """Catches rivals that are looked up by the spec's client although the journal's is revoked."""
    app = await stage.rotated(deletion=REVOKES)
    other = stage.tenant.add_app("other")
    await stage.kube.apply(rotation(other.client_id, deletion=REVOKES, suspend=True))
    await stage.settle()
    await stage.kube.apply(rotation(app.client_id, "heir"))
    await stage.settle()
    await stage.assert_delivered(app, "heir")
    changes = app.changes
    silence_probes(stage.tenant)
    await delete(stage)
    await assert_gone(stage)
    assert app.changes == changes
    await stage.assert_delivered(app, "heir")


async def test_a_value_that_was_rotated_elsewhere_is_not_told_as_revoked(stage: Stage) -> None:
    """Catches an Event that claims what nobody did: the live value stays valid."""
    app = await stage.rotated(deletion=REVOKES)
    await stage.run_for(2 * MINUTE)
    app.change("somebody-elses-value", time.monotonic())
    await delete(stage)
    await assert_gone(stage)
    assert app.secret == "somebody-elses-value"
    assert "Revoked" not in await reasons(stage)


async def test_a_late_request_does_not_bring_a_revoked_value_back(stage: Stage) -> None:
    """Catches a revocation that does not wait until no request can take effect any more."""
    app = await stage.rotated(deletion=REVOKES)
    lost = await lose(stage, app, deletion=REVOKES)
    await stage.run_for(timedelta(seconds=30))
    value = app.secret
    await delete(stage)
    await stage.settle()
    await stage.run_for(MINUTE)
    stage.tenant.change_later(app, lost, 0)
    await stage.run_for(11 * MINUTE)
    await assert_gone(stage)
    assert not stage.tenant.accepts(app.client_id, value)


async def test_a_revocation_waits_for_a_connection_that_is_missing(stage: Stage) -> None:
    """Catches a missing connection that is taken for one that leads elsewhere."""
    app = await stage.rotated(deletion=REVOKES)
    await stage.kube.delete("Auth0Connection", "acme")
    await delete(stage)
    await stage.settle()
    await skip(stage, 5 * MINUTE)
    assert await stage.kube.get(ROTATION, "web") is not None
    await stage.kube.apply(connection(stage.simulator))
    await stage.run_for(MINUTE)
    await assert_gone(stage)
    assert app.changes == 2


async def test_a_revoked_value_is_not_told_as_valid(stage: Stage) -> None:
    """Catches a mirror that still shows the commit record that was just taken away."""
    await stage.rotated(deletion=REVOKES)
    await delete(stage)
    await assert_gone(stage)
    assert not [message for _, message in await stage.kube.events() if "stays valid" in message]
