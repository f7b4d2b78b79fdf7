"""How a story must end, whoever died in the middle of it."""

from dataclasses import dataclass
from typing import Any, Final

from harness.crash.scene import Scene
from harness.proxy import Effect
from harness.secrets import values_of

PREFIX: Final = "auth0rotator.dev/"
ROTATION: Final = "Auth0ClientSecretRotation"
HEALTHY: Final = {"Ready": "True", "Reconciling": "False", "Stalled": "False"}


@dataclass(frozen=True, slots=True)
class End:
    """What a story came to, as the table says it."""

    target: str
    """What the target holds, by what the tenant holds."""
    finalizers: str = "none"
    status: str = "gone"


async def assert_rebuilt(
    scene: Scene, target: str = "", *, is_guarded: bool = False, verified: str = "True"
) -> End:
    """All is delivered, at rest and told: tenant, journal, target and status say the same."""
    kube, name, target = scene.kube, scene.name, target or scene.name
    found, shown = await kube.get("Secret", f"{name}.journal"), await kube.get("Secret", target)
    assert found is not None, "the journal is gone"
    assert shown is not None, "the target is gone"
    journal, values = found["metadata"]["annotations"], values_of(found)
    assert journal[f"{PREFIX}state"] == "idle"
    assert "next" not in values
    assert values["current"] == scene.app.secret
    _assert_equal(scene, shown)
    for record in ("rotation-id", "sequence", "rotated-at", "client-id"):
        assert shown["metadata"]["annotations"][PREFIX + record] == journal[PREFIX + record]
    body = await kube.get(ROTATION, name)
    assert body is not None
    marks = [mark for one in (body, found, shown) for mark in one["metadata"].get("finalizers", [])]
    assert marks == [f"{PREFIX}revoke"] * is_guarded
    status = body.get("status") or {}
    _assert_told(status, journal, target)
    conditions = {entry["type"]: entry["status"] for entry in status["conditions"]}
    assert conditions == HEALTHY | {"Verified": verified}, status["conditions"]
    return End("equal", ", ".join(marks) or "none", "rebuilt")


async def announced(scene: Scene) -> End:
    """The target holds what the tenant holds, and beside it the value that comes next."""
    found, shown = await _secrets_of(scene)
    assert "next" in found, "no value is chosen"
    assert (shown["SECRET"], shown["NEXT"]) == (scene.app.secret, found["next"])
    assert shown["NEXT"] != shown["SECRET"]
    assert scene.announced in {"", shown["NEXT"]}, "another value than before"
    scene.announced = shown["NEXT"]
    return End("equal, and the next value")


async def delivered_as_announced(scene: Scene) -> End:
    """The target holds what the tenant holds: the value that it had announced."""
    assert scene.app.secret == scene.announced, "another value than was announced"
    end = await assert_rebuilt(scene)
    _, shown = await _secrets_of(scene)
    assert shown["NEXT"] == shown["SECRET"]
    return end


async def _secrets_of(scene: Scene) -> tuple[dict[str, str], dict[str, str]]:
    """Return what the journal holds, and what the target shows."""
    names = (f"{scene.name}.journal", scene.name)
    found, shown = [await scene.kube.get("Secret", name) for name in names]
    assert found is not None, "the journal is gone"
    assert shown is not None, "the target is gone"
    return values_of(found), values_of(shown)


async def delivered(scene: Scene) -> End:
    """The target holds what the tenant holds, and all is told."""
    return await assert_rebuilt(scene)


async def delivered_unproven(scene: Scene) -> End:
    """The same, but nobody could say so far whether the value works."""
    return await assert_rebuilt(scene, verified="Unknown")


async def delivered_and_guarded(scene: Scene) -> End:
    """The same, and the rotation has its finalizer."""
    return await assert_rebuilt(scene, is_guarded=True)


async def guarded_first(scene: Scene) -> End:
    """The same, and it was there before the value."""
    asked = scene.proxy.asked(Effect.ROTATION_PATCH, Effect.JOURNAL_BEGIN, name=scene.name)
    ours = [call.effect for call in asked if call.namespace == scene.kube.namespace]
    assert ours[0] is Effect.ROTATION_PATCH
    return await delivered_and_guarded(scene)


async def moved(scene: Scene) -> End:
    """The new target is delivered; the old one stays, and is not ours any more."""
    former = await _released(scene)
    assert values_of(former)["SECRET"] == scene.app.secret
    return await assert_rebuilt(scene, f"{scene.name}-moved")


async def moved_and_deleted(scene: Scene) -> End:
    """The new target is delivered; the old one is gone."""
    assert await scene.kube.get("Secret", scene.name) is None
    return await assert_rebuilt(scene, f"{scene.name}-moved")


async def gone_and_kept(scene: Scene) -> End:
    """The rotation is gone, and the target holds what the tenant holds."""
    await _assert_gone(scene)
    shown = await scene.kube.get("Secret", scene.name)
    assert shown is not None, "the target is gone"
    _assert_equal(scene, shown)
    return End("equal")


async def gone_and_given_up(scene: Scene) -> End:
    """The rotation is gone, and the target holds what it held before the change."""
    await _assert_gone(scene)
    held = await scene.kube.secret(scene.name)
    assert held["SECRET"] == scene.app.previous
    return End("the value from before")


async def gone_and_withdrawn(scene: Scene) -> End:
    """The rotation is gone, and of the shared Secret there is only what others put there."""
    await _assert_gone(scene)
    assert await scene.kube.secret(f"{scene.name}-shared") == {"OTHER": "theirs"}
    return End("our keys withdrawn")


async def gone_and_revoked(scene: Scene) -> End:
    """The rotation is gone, and its value is dead."""
    await _assert_gone(scene)
    held = values_of(await _released(scene))
    assert not scene.tenant.accepts(scene.app.client_id, held["SECRET"])
    return End("the value is dead")


def _assert_told(status: dict[str, Any], journal: dict[str, str], target: str) -> None:
    assert status.get("lastRotationId") == journal[f"{PREFIX}rotation-id"]
    assert status["lastRotatedAt"] == journal[f"{PREFIX}rotated-at"]
    assert status["rotationStatus"] == "success"
    assert status["secretName"] == target
    assert status["history"][0]["id"] == status["lastRotationId"]


def _assert_equal(scene: Scene, target: dict[str, Any]) -> None:
    held = values_of(target)
    assert (held["ID"], held["SECRET"]) == (scene.app.client_id, scene.app.secret)
    assert scene.tenant.accepts(scene.app.client_id, held["SECRET"])


async def _released(scene: Scene) -> dict[str, Any]:
    """Return the former target, which stays without a mark of ours."""
    found = await scene.kube.get("Secret", scene.name)
    assert found is not None, "the former target is gone"
    metadata = found["metadata"]
    marks = [*metadata.get("labels", {}), *metadata.get("annotations", {})]
    assert not [mark for mark in marks if mark.startswith(PREFIX)]
    return found


async def _assert_gone(scene: Scene) -> None:
    assert await scene.kube.get(ROTATION, scene.name) is None, "the rotation is still there"
    assert await scene.kube.get("Secret", f"{scene.name}.journal") is None, "the journal is still there"
