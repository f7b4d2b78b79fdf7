"""Stories by which an attack once broke an invariant: something is deleted, or taken for deleted, and
whom a cluster's connection serves."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from auth0_rotator.resource import Kind
from auth0_rotator.subject import ConnectionKey, Key
from auth0_simulator import Operation
from harness import Stage, connection, credentials, rotation
from harness.kube import GROUP
from harness.secrets import create, saved, secret
from scenario.test_attacks import lose_answer
from scenario.test_conflicts import MINUTES, PREFIX, ROTATION
from scenario.test_what_must_not_rotate import assert_left_alone

MINUTE = timedelta(minutes=1)
REVOKES: dict[str, Any] = {"deletion": {"revokeGeneratedCredentials": True}}
CHANGES = (Operation.PROBE, Operation.PATCH, Operation.ROTATE)


async def is_gone(stage: Stage) -> bool:
    """Return whether neither the rotation nor its journal is there, and nothing is waited for."""
    await stage.settle()
    left = [await stage.kube.get(ROTATION, "web"), await stage.kube.get("Secret", "web.journal")]
    return left == [None, None] and not stage.operator.due


async def is_journal_leaving(stage: Stage) -> bool:
    """Return whether the garbage collector has come by the journal of a rotation that is gone."""
    return "deletionTimestamp" in (await saved(stage.kube, "Secret", "web.journal"))["metadata"]


async def assert_gone(stage: Stage) -> None:
    """All is gone that shall go, and the operator is at rest."""
    await stage.kube.eventually(lambda: is_gone(stage), what="something is still there")


# An open outcome of a rotation that is gone -----------------------------------------------------------


async def test_an_open_outcome_is_known_though_its_rotation_went_while_no_operator_ran(
    stage: Stage,
) -> None:
    """Wrong: a connection that was not checked yet, waited for without an instant to look again."""
    app = await stage.rotated()
    await lose_answer(stage, app)
    await stage.kube.delete(ROTATION, "web")
    await stage.kube.eventually(lambda: is_journal_leaving(stage))
    await stage.restart()
    # The rotation comes first, before the connection was checked.
    await stage.operator.take_stock()
    await stage.operator.work(Key(stage.kube.namespace, "web"))
    stage.operator.wake(ConnectionKey(Kind.CONNECTION, stage.kube.namespace, "acme"))
    await stage.run_for(MINUTES)
    await assert_gone(stage)
    assert app.changes == 2
    await stage.assert_delivered(app)


async def test_an_open_outcome_is_known_though_the_journal_was_orphaned(stage: Stage) -> None:
    """Wrong: a journal that nobody deletes, taken for one that is not to end."""
    app = await stage.rotated()
    await lose_answer(stage, app)
    options = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Orphan"}
    await stage.kube.send("DELETE", stage.kube.path(ROTATION, "web"), options)

    async def is_orphaned() -> bool:
        return await stage.kube.get(ROTATION, "web") is None

    await stage.kube.eventually(is_orphaned)
    await stage.run_for(MINUTES)
    await assert_gone(stage)
    assert app.changes == 2
    await stage.assert_delivered(app)


async def test_what_backs_off_longer_is_given_up_after_ten_minutes_all_the_same(stage: Stage) -> None:
    """Wrong: a deletion that waits for the next try of what has failed for hours."""
    # The API server dates the deletion, by its own clock.
    stage.clock.advance(-30 * MINUTE)
    await stage.restart()
    app = await stage.rotated(**REVOKES)
    old = app.secret
    await lose_answer(stage, app, **REVOKES)
    for operation in CHANGES:
        stage.tenant.answer(503, text="<html>", operation=operation, times=1000)
    await stage.run_for(30 * MINUTE)
    await stage.kube.delete(ROTATION, "web")
    await stage.run_for(9 * MINUTE)
    assert await stage.kube.get(ROTATION, "web") is not None
    await stage.run_for(3 * MINUTE)
    await assert_gone(stage)
    assert (await stage.kube.secret("web"))["SECRET"] == old
    told = dict(await stage.kube.events())
    assert "check it" in told["Abandoned"]
    assert "RevocationAbandoned" in told


# A connection of the cluster --------------------------------------------------------------------------

Connect = Callable[[str], Awaitable[dict[str, Any]]]


@pytest.fixture
async def connect(stage: Stage) -> AsyncIterator[Connect]:
    """Creates a connection of the cluster that serves one client, and returns the reference to it."""
    name = f"shared-{stage.kube.namespace}"
    path = f"{GROUP}/clusterauth0connections"

    async def connect(client_id: str) -> dict[str, Any]:
        serves = {"names": [stage.kube.namespace], "clientIds": [client_id]}
        body = connection(stage.simulator, name, allowedNamespaces=[serves])
        await stage.kube.apply(credentials(stage.tenant))
        answer = await stage.kube.send("POST", path, body | {"kind": "ClusterAuth0Connection"})
        assert answer.is_success, answer.text
        return {"connectionRef": {"kind": "ClusterAuth0Connection", "name": name}}

    yield connect
    await stage.kube.send("DELETE", f"{path}/{name}")


async def test_a_deleted_rotation_is_still_admitted_for_its_client(
    stage: Stage, connect: Connect
) -> None:
    """Wrong: an admission that asks about the client of a spec that is gone."""
    app = stage.tenant.add_app("web")
    reference = await connect(app.client_id)
    await stage.kube.apply(rotation(app.client_id, **reference))
    await stage.settle()
    await lose_answer(stage, app, **reference)
    await stage.kube.delete(ROTATION, "web")
    await stage.kube.eventually(lambda: is_journal_leaving(stage))
    await stage.run_for(MINUTES)
    await assert_gone(stage)
    assert app.changes == 2
    await stage.assert_delivered(app)


async def test_a_forged_journal_changes_no_client_that_its_namespace_is_not_admitted_for(
    stage: Stage, connect: Connect
) -> None:
    """Wrong: an admission that asks about the client of the spec, while a journal names what is sent."""
    web, payroll = stage.tenant.add_app("web"), stage.tenant.add_app("payroll")
    reference = await connect(web.client_id)
    await stage.kube.apply(rotation(web.client_id, suspend=True, **reference))
    await stage.settle()
    owner = await stage.kube.get(ROTATION, "web")
    assert owner is not None
    await create(stage.kube, forged(stage, owner["metadata"]["uid"], payroll.client_id, reference))
    await stage.run_for(MINUTES)
    assert payroll.changes == 0
    assert not stage.tenant.asked(*CHANGES)


def forged(stage: Stage, owner: str, client_id: str, reference: dict[str, Any]) -> dict[str, Any]:
    """Return a journal that is in the middle of sending a value of its maker to a client."""
    plan = reference | {
        "rotation": "web",
        "uid": owner,
        "secretsMapping": {"clientId": "ID", "clientSecret": "SECRET"},
        "target": {},
    }
    annotations = {
        "state": "sending",
        "plan": json.dumps(plan),
        "next-sequence": "1",
        "next-rotation-id": "X",
        "next-trigger": "manual",
        "next-client-id": client_id,
        "next-domain": stage.tenant.domain,
    }
    controller = {"apiVersion": "auth0rotator.dev/v1alpha1", "kind": ROTATION, "controller": True}
    body = secret("web.journal", type_="auth0rotator.dev/journal", next="known-to-its-maker" * 4)
    body["metadata"] |= {
        "labels": {f"{PREFIX}role": "journal"},
        "annotations": {f"{PREFIX}{name}": text for name, text in annotations.items()},
        "ownerReferences": [controller | {"name": "web", "uid": owner}],
    }
    return body


# Held, revoked, let go --------------------------------------------------------------------------------


async def test_a_journal_that_somebody_else_holds_is_waited_for_in_peace(stage: Stage) -> None:
    """Wrong: a journal that is deleted again at once because it is still there."""
    app = await stage.rotated()
    held = {"metadata": {"finalizers": ["example.com/keep"]}}
    await stage.kube.merge("Secret", "web.journal", held)
    await stage.settle()
    await stage.kube.delete(ROTATION, "web")
    await stage.kube.eventually(lambda: is_journal_leaving(stage))
    await stage.run_for(MINUTES)
    await stage.kube.merge("Secret", "web.journal", {"metadata": {"finalizers": None}})
    await assert_gone(stage)
    assert app.changes == 1
    await stage.assert_delivered(app)


@pytest.mark.parametrize("is_at_once", [False, True], ids=["in two edits", "in one edit"])
async def test_a_target_that_shall_not_be_deleted_any_more_outlives_its_new_name_and_its_rotation(
    stage: Stage, *, is_at_once: bool
) -> None:
    """Wrong: a former target that is deleted, or owned until it is collected, by the word of the former
    spec."""
    app = await stage.rotated(deletion={"deleteSecrets": True})
    if not is_at_once:
        await stage.kube.apply(rotation(app.client_id))
        await stage.settle()
    await stage.kube.apply(rotation(app.client_id, target={"name": "elsewhere"}))
    await assert_left_alone(stage, app)
    await stage.assert_delivered(app, "elsewhere")
    assert "ownerReferences" not in (await saved(stage.kube, "Secret", "web"))["metadata"]
