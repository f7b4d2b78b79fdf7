"""People are told before an automatic rotation, and may say why they ask for one themselves."""

from datetime import timedelta
from typing import Any

from harness import Stage, rotation
from harness.story import ask, reasons

HOUR = timedelta(hours=1)


async def test_an_automatic_rotation_is_told_of_once_before_it_comes(stage: Stage) -> None:
    """Catches a notice that comes with each look, after a restart again, or too late."""
    app = await stage.rotated(rotationInterval=1, noticeBefore="6h")
    await stage.run_for(await stage.until_due() - 6 * HOUR - timedelta(seconds=1))
    assert "RotationUpcoming" not in await reasons(stage)
    await stage.run_for(timedelta(seconds=2))
    assert (await reasons(stage)).count("RotationUpcoming") == 1
    await stage.restart()
    await stage.run_for(5 * HOUR)
    assert (await reasons(stage)).count("RotationUpcoming") == 1
    assert app.changes == 1
    await stage.run_for(2 * HOUR)
    assert app.changes == 2


async def test_another_date_is_told_of_again_and_a_suspended_one_not(stage: Stage) -> None:
    """Catches a notice that counts for a date that was moved, or that tells of what will not come."""
    app = await stage.rotated(rotationInterval=1, noticeBefore="100h")
    assert (await reasons(stage)).count("RotationUpcoming") == 1
    late: dict[str, Any] = {"rotationInterval": 1, "noticeBefore": "100h", "rotateAtUtc": {"hours": 7}}
    await stage.kube.apply(rotation(app.client_id, suspend=True, **late))
    await stage.settle()
    assert (await reasons(stage)).count("RotationUpcoming") == 1
    await stage.kube.apply(rotation(app.client_id, **late))
    await stage.settle()
    assert (await reasons(stage)).count("RotationUpcoming") == 2


async def test_the_reason_that_a_person_gives_stands_in_history(stage: Stage) -> None:
    """Catches a reason that is lost with the process, or told of the next rotation as well."""
    app = await stage.rotated(rotationInterval=1)
    why = {"auth0rotator.dev/rotate-reason": "the value was pasted into a chat"}
    await ask(stage, app, "now", rotationInterval=1, annotations=why)
    history = (await stage.kube.status("web"))["history"]
    assert history[0]["reason"] == "the value was pasted into a chat"
    assert "reason" not in history[1]
    await stage.kube.merge("Auth0ClientSecretRotation", "web", {"status": None}, part="status")
    await stage.restart()
    await stage.settle()
    history = (await stage.kube.status("web"))["history"]
    assert history[0]["reason"] == "the value was pasted into a chat"
    await stage.run_for(timedelta(days=3))
    assert "reason" not in (await stage.kube.status("web"))["history"][0]
