"""What the webhook is told of each rotation, over real HTTP, and that it is told once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from auth0_rotator.service import now_utc
from auth0_rotator.webhook.sender import Sender
from harness import Stage, rotation
from harness.leaks import found
from harness.receiver import Receiver
from harness.story import ask, journal, refuse

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


@pytest.fixture
async def receiver(stage: Stage, tmp_path: Path) -> AsyncIterator[Receiver]:
    """A receiver that the stage's operators tell."""
    async with Receiver() as receiver:
        sender = Sender(receiver.url, receiver.write_secret(tmp_path), clock=now_utc)
        running = asyncio.create_task(sender.run())
        stage.tell = sender.tell
        await stage.restart()
        yield receiver
        await sender.finish(5)
        running.cancel()


async def date_of(stage: Stage) -> datetime:
    """Return the date of the next rotation."""
    return datetime.fromisoformat((await stage.kube.status("web"))["nextRotationAt"])


async def test_a_rotation_is_told_as_status_tells_it(stage: Stage, receiver: Receiver) -> None:
    app = await stage.rotated()
    await ask(stage, app)
    first, second = await receiver.has(2)
    status = await stage.kube.status("web")
    body = await stage.kube.get("Auth0ClientSecretRotation", "web")
    assert second.body == {
        "type": "rotation.rotated",
        "timestamp": status["lastRotatedAt"],
        "data": {
            "namespace": stage.kube.namespace,
            "name": "web",
            "uid": (body or {})["metadata"]["uid"],
            "clientId": app.client_id,
            "domain": stage.tenant.domain,
            "rotationId": status["lastRotationId"],
            "trigger": "manual",
            "reason": "Rotated",
            "message": "the client secret was changed and delivered",
            "rotatedAt": status["lastRotatedAt"],
        },
    }
    assert first.data["trigger"] == "creation"
    assert first.id != second.id


async def test_a_failed_attempt_is_told_as_status_tells_it_and_each_one_anew(
    stage: Stage, receiver: Receiver
) -> None:
    app = await stage.rotated()
    refuse(stage.tenant, message="not today")
    await ask(stage, app)
    status = await stage.kube.status("web")
    failed = (await receiver.has(2))[1]
    assert failed.type == "rotation.failed"
    assert failed.body["timestamp"] == status["lastRotationAttemptedAt"]
    assert failed.data["message"] == status["lastRotationMessage"]
    assert (failed.data["failedAttempts"], failed.data["nextRetryAt"]) == (1, status["nextRetryAt"])
    assert (failed.data["reason"], failed.data["trigger"]) == ("ScopeMissing", "manual")
    assert failed.data["domain"] == stage.tenant.domain
    await stage.run_for(90 * SECOND)
    again = (await receiver.has(3))[2]
    assert (again.type, again.data["failedAttempts"]) == ("rotation.failed", 2)
    assert again.data["rotationId"] == failed.data["rotationId"]
    stage.tenant.faults.clear()
    await stage.run_for(5 * MINUTE)
    done = (await receiver.has(4))[3]
    assert (done.type, done.data["rotationId"]) == ("rotation.rotated", failed.data["rotationId"])
    assert len(set(receiver.ids)) == 4


async def test_a_rotation_that_does_not_come_is_told_once_for_its_date(
    stage: Stage, receiver: Receiver
) -> None:
    """Catches one that is told only when something else happens, at each look, or never again."""
    app = await stage.rotated(rotationInterval=1)
    spec: dict[str, Any] = {"rotationInterval": 1, "suspend": True}
    await stage.kube.apply(rotation(app.client_id, **spec))
    due = await date_of(stage)
    await stage.run_for(due + 5 * MINUTE - SECOND - stage.clock.now)
    assert len(await receiver.has(1)) == 1
    await stage.run_for(2 * SECOND)
    overdue = (await receiver.has(2))[1]
    assert overdue.type == "rotation.overdue"
    assert datetime.fromisoformat(overdue.data["dueAt"]) == due
    assert datetime.fromisoformat(overdue.body["timestamp"]) == due + 5 * MINUTE
    assert overdue.data["reason"] == "Suspended"
    await stage.run_for(3 * DAY)
    await stage.kube.apply(rotation(app.client_id, description="looked at", **spec))
    await stage.settle()
    await stage.restart()
    await stage.settle()
    assert (await receiver.has(3))[2].raw == overdue.raw
    assert receiver.ids[1:] == [overdue.id] * 2
    await stage.kube.apply(rotation(app.client_id, rotationInterval=1))
    await stage.settle()
    await stage.kube.apply(rotation(app.client_id, **spec))
    await stage.run_for(2 * DAY)
    assert [one.type for one in (await receiver.has(5))[3:]] == ["rotation.rotated", "rotation.overdue"]
    assert len(set(receiver.ids)) == 4


async def test_one_that_comes_in_time_is_never_overdue(stage: Stage, receiver: Receiver) -> None:
    await stage.rotated(rotationInterval=1)
    await stage.run_for(4 * DAY)
    told = await receiver.has(4)
    assert [one.type for one in told] == ["rotation.rotated"] * 4
    assert [one.data["trigger"] for one in told[1:]] == ["schedule"] * 3


async def test_two_operators_and_a_lost_status_tell_the_same_with_the_same_id(
    stage: Stage, receiver: Receiver
) -> None:
    """Catches an id that is drawn, and one that another process would not find."""
    await stage.rotated()
    await receiver.has(1)
    await stage.restart()
    await stage.settle()
    await stage.run_for(MINUTE)
    assert len(receiver.ids) == 1
    await stage.kube.merge("Auth0ClientSecretRotation", "web", {"status": None}, part="status")
    await stage.restart()
    await stage.settle()
    first, second = await receiver.has(2)
    assert (first.id, first.raw) == (second.id, second.raw)


async def test_a_value_that_is_adopted_is_told_as_no_rotation(stage: Stage, receiver: Receiver) -> None:
    """Catches a rotation that is told whenever GitOps creates an object again."""
    app = await stage.rotated()
    await receiver.has(1)
    await stage.kube.delete("Auth0ClientSecretRotation", "web")
    await stage.run_for(SECOND)
    stage.clock.advance(MINUTE)
    await stage.kube.apply(rotation(app.client_id))
    await stage.run_for(MINUTE)
    assert "Adopted" in [reason for reason, _ in await stage.kube.events()]
    await ask(stage, app)
    assert [one.data["trigger"] for one in await receiver.has(2)] == ["creation", "manual"]


async def test_without_a_webhook_nobody_comes_for_what_is_overdue(stage: Stage) -> None:
    """Catches passes at instants at which nobody is to be told."""
    app = await stage.rotated(rotationInterval=1)
    await stage.kube.apply(rotation(app.client_id, rotationInterval=1, suspend=True))
    await stage.settle()
    assert stage.tell is None
    assert "web" not in {getattr(key, "name", "") for key in stage.operator.due}


async def test_no_value_is_in_any_message(stage: Stage, receiver: Receiver) -> None:
    """Raw, in base64, JSON-escaped, or half of it."""
    app = await stage.rotated(rotationInterval=1)
    stage.tenant.answer(400, quotes_value=True)
    await ask(stage, app, rotationInterval=1)
    stage.tenant.lose_answer()
    await stage.run_for(3 * DAY)
    stage.tenant.faults.clear()
    refuse(stage.tenant)
    await stage.run_for(2 * DAY)
    types = {one.type for one in await receiver.has(5)}
    assert types == {"rotation.rotated", "rotation.failed", "rotation.overdue"}
    values = {entry.value for entry in stage.tenant.asked() if entry.value}
    values |= {app.secret, *app.past, *(await journal(stage)).values.values()}
    values |= {stage.tenant.manager.secret, *stage.tenant.tokens, receiver.secret}
    assert len(values) > 4
    told = {
        f"message {number}": one.raw.decode() + str(dict(one.headers))
        for number, one in enumerate(receiver.received)
    }
    assert found(values, told | {"planted": f'"{app.secret}"'})
    assert found(values, told) == []
