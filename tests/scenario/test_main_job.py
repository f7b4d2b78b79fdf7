"""The main job: a value is chosen, stored, changed once, delivered, verified."""

from datetime import timedelta

import pytest

from auth0_simulator import Operation
from harness import Stage, rotation


async def test_creation_rotates_once_and_delivers(stage: Stage) -> None:
    """Wrong: a pass after the first that takes the object for a new one."""
    app = await stage.rotated()
    await stage.assert_delivered(app)
    status = await stage.kube.status("web")
    assert status["rotationStatus"] == "success"
    assert status["isLastRotationManual"] is True
    assert status["lastRotationMessage"] is None
    assert [entry["trigger"] for entry in status["history"]] == ["creation"]
    assert (await stage.kube.condition("web", "Ready"))["status"] == "True"
    assert (await stage.kube.condition("web", "Verified"))["status"] == "True"
    assert [reason for reason, _ in await stage.kube.events()] == ["Rotated", "Verified"]
    assert len(stage.tenant.asked(Operation.PATCH)) == 1


async def test_a_due_date_rotates_once(stage: Stage) -> None:
    """Wrong: a due date that stays due after it was followed."""
    app = await stage.rotated()
    await stage.run_for(timedelta(days=29))
    assert app.changes == 1
    await stage.run_for(timedelta(days=2, minutes=1))
    assert app.changes == 2
    await stage.assert_delivered(app)
    status = await stage.kube.status("web")
    assert status["isLastRotationManual"] is False
    assert status["history"][0]["trigger"] == "schedule"


async def test_a_token_rotates_once_however_often_it_is_applied(stage: Stage) -> None:
    """Wrong: a token that counts each time that it is read."""
    app = await stage.rotated()
    manifest = rotation(app.client_id, annotations={"auth0rotator.dev/rotate-now": "monday"})
    for _ in range(3):
        await stage.kube.apply(manifest)
        await stage.settle()
        await stage.restart()
        await stage.settle()
    assert app.changes == 2
    await stage.assert_delivered(app)
    assert (await stage.kube.status("web"))["lastHandledRotateNow"] == "monday"


async def test_a_deleted_target_is_published_without_rotation(stage: Stage) -> None:
    """Wrong: a missing Secret that is taken for a missing value."""
    app = await stage.rotated()
    await stage.kube.delete("Secret", "web")
    await stage.settle()
    assert app.changes == 1
    await stage.assert_delivered(app)
    assert len(stage.tenant.asked(Operation.PATCH)) == 1


@pytest.mark.parametrize("algorithm", ["HS256", "RS256"])
async def test_a_client_whose_id_tokens_hang_on_the_secret_is_rotated_with_a_warning(
    stage: Stage, algorithm: str
) -> None:
    """Wrong: a rotation that breaks every verifier of ID tokens without a word."""
    app = stage.tenant.add_app("web", algorithm=algorithm)
    await stage.connect()
    await stage.kube.apply(rotation(app.client_id))
    await stage.settle()
    assert app.changes == 1
    warned = [message for reason, message in await stage.kube.events() if reason == "SignsWithSecret"]
    assert len(warned) == (algorithm == "HS256")
