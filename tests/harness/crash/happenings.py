"""What happens in a story: what there is, what came in between, and what the operator is to die of."""

from datetime import timedelta
from typing import Any, Final

from auth0_simulator import Moment, Operation
from harness.crash.effects import SEND
from harness.crash.endings import (
    PREFIX,
    ROTATION,
    announced,
    assert_rebuilt,
    delivered_and_guarded,
)
from harness.crash.scene import Scene
from harness.manifests import connection
from harness.secrets import secret

TOKEN: Final = {f"{PREFIX}rotate-now": "now"}
DELETES: Final = {"deleteSecrets": True}
REVOKES: Final = {"revokeGeneratedCredentials": True}
STAGED: Final[dict[str, Any]] = {
    "secretsMapping": {"clientId": "ID", "clientSecret": "SECRET", "nextClientSecret": "NEXT"},
    "nextSecretLeadTime": "48h",
}
READS: Final = ("read:clients", "update:client_keys", "read:client_keys")
WATCHES: Final[dict[str, Any]] = {"probeInterval": "1m"}
VALUE_REFUSED: Final = {
    "statusCode": 400,
    "error": "Bad Request",
    "message": "Payload validation error: 'no' on property client_secret.",
    "errorCode": "invalid_body",
}


# How it begins ----------------------------------------------------------------------------------


async def nothing(_: Scene) -> None:
    """Go on at once."""


async def one_rotation(scene: Scene) -> None:
    """It was carried out once."""
    await _carried_out(scene)


async def one_that_deletes(scene: Scene) -> None:
    """Its target goes with it."""
    await _carried_out(scene, deletion=DELETES)


async def one_that_revokes(scene: Scene) -> None:
    """Its value dies with it; the last rotation was yesterday, so that a refusal is believed."""
    await _carried_out(scene, deletion=REVOKES)
    await scene.operators.let_pass(scene, timedelta(days=1))
    await scene.operators.until(lambda: delivered_and_guarded(scene))


async def one_that_merges(scene: Scene) -> None:
    """Its values stand in a Secret of somebody else."""
    shared = f"{scene.name}-shared"
    await scene.kube.apply(secret(shared, OTHER="theirs"), manager="somebody")
    target = {"name": shared, "creationPolicy": "Merge"}
    await _carried_out(scene, shared, target=target, deletion=DELETES)


async def one_that_announces(scene: Scene) -> None:
    """Its next value is to be published two days ahead, and that instant has not come."""
    await _carried_out(scene, **STAGED)


async def one_that_has_announced(scene: Scene) -> None:
    """Its next value is published."""
    await one_that_announces(scene)
    await nearly_due(scene)
    await scene.operators.until(lambda: announced(scene))


async def one_that_is_locked_out(scene: Scene) -> None:
    """Somebody rotated it in Auth0's dashboard, and that was noticed."""
    scene.tenant.with_scopes(*READS)
    await _carried_out(scene)
    await scene.kube.apply(connection(scene.simulator, foreignRotation=WATCHES))
    scene.tenant.rotate_elsewhere(scene.app)
    await scene.operators.wait_out(timedelta(minutes=3))
    verified = await scene.kube.condition(scene.name, "Verified")
    assert (verified["status"], verified["reason"]) == ("False", "RotatedElsewhere")


async def _carried_out(scene: Scene, /, into: str = "", **spec: Any) -> None:
    await scene.apply(**spec)
    is_guarded = spec.get("deletion") == REVOKES
    await scene.operators.until(lambda: assert_rebuilt(scene, into, is_guarded=is_guarded))
    assert scene.app.changes == 1


# What has happened before -----------------------------------------------------------------------


async def taken(scene: Scene) -> None:
    """An operator died after the tenant took the value."""
    gate = scene.hold(SEND, Moment.AFTER)
    await demand(scene)
    await scene.operators.die_at(gate)


async def not_taken(scene: Scene) -> None:
    """An operator died before its request came to the tenant."""
    gate = scene.hold(SEND, Moment.BEFORE)
    await demand(scene)
    await scene.operators.die_at(gate)


async def taken_and_deleted(scene: Scene) -> None:
    """An operator died after the tenant took the value, and then the rotation was deleted."""
    await taken(scene)
    await scene.kube.delete(ROTATION, scene.name)


async def refusal_to_come(scene: Scene) -> None:
    """The tenant will refuse the next change."""
    scene.tenant.answer(400, quotes_value=True)


async def refusal_of_the_value_to_come(scene: Scene) -> None:
    """The tenant will refuse the next value."""
    scene.tenant.answer(400, VALUE_REFUSED)


async def lost_answer(scene: Scene) -> None:
    """The tenant took the value, its answer was lost, and now it says nothing at all."""
    scene.tenant.lose_answer()
    await demand(scene)

    async def is_in_doubt() -> None:
        assert scene.app.changes == 2

    await scene.operators.until(is_in_doubt)
    for operation in (Operation.PATCH, Operation.PROBE):
        scene.tenant.answer(503, operation=operation, text="<html>", times=1000)


# What happens now -------------------------------------------------------------------------------


async def creation(scene: Scene) -> None:
    """It is created."""
    await scene.apply()


async def creation_with_a_guard(scene: Scene) -> None:
    """It is created, and shall revoke at its end."""
    await scene.apply(deletion=REVOKES)


async def demand(scene: Scene) -> None:
    """A person asks for a rotation."""
    await scene.apply(annotations=TOKEN)


async def due_date(scene: Scene) -> None:
    """The due date comes."""
    await scene.operators.let_pass(scene, timedelta(days=31))


async def nearly_due(scene: Scene) -> None:
    """The due date is near."""
    await scene.operators.let_pass(scene, timedelta(days=29, hours=12))


async def announced_due_date(scene: Scene) -> None:
    """The due date comes, and the value is published already."""
    await scene.operators.let_pass(scene, timedelta(days=2))


async def announced_demand(scene: Scene) -> None:
    """A person asks for a rotation, and the value is published already."""
    await scene.apply(annotations=TOKEN, **STAGED)


async def other_client(scene: Scene) -> None:
    """The spec names another client."""
    scene.others.append(scene.app)
    scene.app = scene.tenant.add_app(f"{scene.name}-other")
    await scene.apply()


async def another_operator(scene: Scene) -> None:
    """The next operator begins."""
    await scene.operators.begin_again()


async def another_operator_much_later(scene: Scene) -> None:
    """Ten minutes go by before the next operator begins."""
    await scene.operators.let_pass(scene, timedelta(minutes=11))
    await scene.operators.begin_again()


async def word_of_a_person(scene: Scene) -> None:
    """A person says that the new value is live."""
    await scene.apply(annotations=TOKEN | {f"{PREFIX}settle-doubt": "next"})


async def other_target(scene: Scene) -> None:
    """The target gets another name."""
    await scene.apply(target={"name": f"{scene.name}-moved"})


async def other_target_of_one_that_deletes(scene: Scene) -> None:
    """The target gets another name, and the old one goes."""
    await scene.apply(target={"name": f"{scene.name}-moved"}, deletion=DELETES)


async def loss_of_the_target(scene: Scene) -> None:
    """Somebody deletes the target."""
    await scene.kube.delete("Secret", scene.name)


async def loss_of_the_journal(scene: Scene) -> None:
    """Somebody deletes the journal."""
    await scene.kube.delete("Secret", f"{scene.name}.journal")


async def choice_to_adopt(scene: Scene) -> None:
    """Somebody chooses that what was set elsewhere is adopted."""
    adopts = WATCHES | {"adopt": True}
    await scene.kube.apply(connection(scene.simulator, foreignRotation=adopts))


async def deletion(scene: Scene) -> None:
    """The rotation is deleted, as an orphan's parent: the journal is left to the operator alone."""
    path = scene.kube.path(ROTATION, scene.name)
    await scene.kube.send("DELETE", path, {"propagationPolicy": "Orphan"})

    async def is_gone() -> bool:
        return await scene.kube.get(ROTATION, scene.name) is None

    await scene.kube.eventually(is_gone)


async def deletion_with_a_guard(scene: Scene) -> None:
    """The rotation is deleted, and its finalizer holds it until the value is revoked."""
    await scene.kube.delete(ROTATION, scene.name)
