"""The Secret that applications mount: whose it is, what is kept of it, what is let go."""

from datetime import timedelta
from typing import Any

import pytest

from harness import Stage, rotation


def secret(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}


MERGE = {"name": "shared", "creationPolicy": "Merge"}


async def test_when_due_keeps_a_value_that_somebody_else_put_there(stage: Stage) -> None:
    """Wrong: a first rotation that kills the value which applications use."""
    app = stage.tenant.add_app("web")
    await stage.connect()
    await stage.kube.apply(secret("web", SECRET=app.secret))
    await stage.kube.apply(rotation(app.client_id, initialRotation="WhenDue"))
    await stage.settle()
    assert app.changes == 0
    await stage.assert_delivered(app)
    assert (await stage.kube.condition("web", "Ready"))["status"] == "True"
    token = {"auth0rotator.dev/rotate-now": "one"}
    await stage.kube.apply(rotation(app.client_id, initialRotation="WhenDue", annotations=token))
    await stage.settle()
    assert app.changes == 1
    await stage.assert_delivered(app)


async def test_two_that_wait_for_one_secret_do_not_wake_each_other(stage: Stage) -> None:
    """Wrong: a read that finds nothing is news to whoever claims the Secret: both read without end."""
    await stage.connect()
    for name in ("web", "api"):
        app = stage.tenant.add_app(name)
        waiting = {"initialRotation": "WhenDue", "suspend": True, "target": MERGE}
        await stage.kube.apply(rotation(app.client_id, name, **waiting))
    await stage.settle()
    reasons = {(await stage.kube.condition(name, "Ready"))["reason"] for name in ("web", "api")}
    assert reasons == {"Suspended", "ConflictDetected"}


@pytest.mark.parametrize("deletes", [False, True], ids=["kept", "deleted"])
async def test_a_secret_that_others_own_is_never_deleted_when_the_target_changes(
    stage: Stage, *, deletes: bool
) -> None:
    """A release that only looks at deleteSecrets would take the users' keys along."""
    await stage.kube.apply(secret("shared", THEIRS="stays"))
    deletion = {"deleteSecrets": deletes}
    app = await stage.rotated(target=MERGE, deletion=deletion)
    assert (await stage.kube.secret("shared"))["THEIRS"] == "stays"
    elsewhere = {"name": "elsewhere", "creationPolicy": "Merge"}
    await stage.kube.apply(rotation(app.client_id, target=elsewhere, deletion=deletion))
    await stage.settle()
    left = await stage.kube.secret("shared")
    assert left["THEIRS"] == "stays"
    assert ("SECRET" in left) is not deletes
    await stage.assert_delivered(app, "elsewhere")
    assert app.changes == 1


async def test_a_renamed_target_leaves_the_old_one_without_our_label(stage: Stage) -> None:
    """Wrong: a Secret that is repaired for ever though no object names it."""
    app = await stage.rotated()
    await stage.kube.apply(rotation(app.client_id, target={"name": "elsewhere"}))
    await stage.settle()
    await stage.assert_delivered(app, "elsewhere")
    old = await stage.kube.get("Secret", "web")
    assert old is not None
    assert "auth0rotator.dev/role" not in old["metadata"].get("labels", {})
    assert app.changes == 1
    assert "TargetReleased" in [reason for reason, _ in await stage.kube.events()]


@pytest.mark.parametrize("is_absent", [False, True], ids=["at once", "after an absence"])
@pytest.mark.parametrize("deletes", [False, True], ids=["kept", "withdrawn"])
async def test_keys_in_a_secret_of_others_leave_with_their_rotation_where_they_shall(
    stage: Stage, *, deletes: bool, is_absent: bool
) -> None:
    """An owner reference would take the whole Secret; a journal that is collected says nothing."""
    await stage.kube.apply(secret("shared", THEIRS="stays"))
    app = await stage.rotated(target=MERGE, deletion={"deleteSecrets": deletes})
    await stage.kube.delete("Auth0ClientSecretRotation", "web")
    if is_absent:
        await stage.kube.eventually(lambda: is_gone(stage, "web.journal"))
        await stage.restart()
        # What nobody has seen a rotation of may be the first part of a restore.
        await stage.run_for(timedelta(minutes=9))
        assert await stage.kube.secret("shared") != {"THEIRS": "stays"}
        await stage.run_for(timedelta(minutes=1))
    await stage.settle()
    left = await stage.kube.secret("shared")
    assert left == {"THEIRS": "stays"} | ({} if deletes else {"ID": app.client_id, "SECRET": app.secret})
    assert app.changes == 1


async def is_gone(stage: Stage, name: str) -> bool:
    return await stage.kube.get("Secret", name) is None


async def test_a_revoked_value_is_not_adopted_by_an_object_of_the_same_name(stage: Stage) -> None:
    """An adoption by the commit record alone would deliver a value that is dead."""
    app = await stage.rotated(deletion={"revokeGeneratedCredentials": True})
    await stage.settle()
    await stage.kube.delete("Auth0ClientSecretRotation", "web")
    await stage.settle()
    assert app.changes == 2
    assert await stage.kube.get("Auth0ClientSecretRotation", "web") is None
    assert app.secret not in (await stage.kube.secret("web")).values()
    await stage.kube.eventually(lambda: is_gone(stage, "web.journal"))
    await stage.kube.apply(rotation(app.client_id))
    await stage.settle()
    assert app.changes == 3
    await stage.assert_delivered(app)
