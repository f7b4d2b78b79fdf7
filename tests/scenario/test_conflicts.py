"""Two that want the same: one wins and goes on, the other says so, and nothing is rotated twice."""

from datetime import timedelta
from typing import Any

import pytest

from auth0_simulator import App, Operation
from harness import Kube, Stage, connection, credentials, rotation
from harness.secrets import saved, secret

ROTATION = "Auth0ClientSecretRotation"
PREFIX = "auth0rotator.dev/"
HOUR = timedelta(hours=1)
MINUTES = timedelta(minutes=5)


async def rotate_now(stage: Stage, app: App, name: str, **spec: Any) -> None:
    annotations = {f"{PREFIX}rotate-now": "now"}
    await stage.kube.apply(rotation(app.client_id, name, annotations=annotations, **spec))


async def stalled(kube: Kube, name: str) -> tuple[str, str]:
    """Return reason and message of what a person has to mend, empty where there is nothing."""
    condition = await kube.condition(name, "Stalled")
    return (condition["reason"], condition["message"]) if condition.get("status") == "True" else ("", "")


async def next_second(kube: Kube, name: str) -> None:
    """Return when whatever is created now is younger than the rotation: the age is in seconds."""

    async def is_past() -> bool:
        probe = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": f"after-{name}"}}
        await kube.delete("ServiceAccount", f"after-{name}")
        answer = await kube.send("POST", kube.path("ServiceAccount"), probe)
        found = await kube.get(ROTATION, name)
        assert found is not None
        age: str = found["metadata"]["creationTimestamp"]
        return bool(answer.json()["metadata"]["creationTimestamp"] > age)

    await kube.eventually(is_past)


# One client -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_restarted", [False, True], ids=["going on", "restarted"])
async def test_who_has_a_client_keeps_it_though_the_label_of_its_journal_goes(
    stage: Stage, *, is_restarted: bool
) -> None:
    """Wrong: an older one, by name and age the first, rotates what it was kept away from, since nobody
    sees the journal of the one that has it."""
    await stage.connect()
    app, other = stage.tenant.add_app("web"), stage.tenant.add_app("other")
    await stage.kube.apply(rotation(other.client_id, "an-old-one"))
    await stage.settle()
    await next_second(stage.kube, "an-old-one")
    await stage.kube.apply(rotation(app.client_id, "young"))
    await stage.settle()
    await stage.kube.apply(rotation(app.client_id, "an-old-one"))
    await stage.run_for(MINUTES)
    assert (await stalled(stage.kube, "an-old-one"))[0] == "ConflictDetected"
    await stage.kube.merge("Secret", "young.journal", {"metadata": {"labels": None}})
    if is_restarted:
        await stage.restart()
    await stage.run_for(HOUR)
    assert app.changes == 1
    await stage.assert_delivered(app, "young")
    assert (await stalled(stage.kube, "an-old-one"))[0] == "ConflictDetected"
    assert await stalled(stage.kube, "young") == ("", "")


async def test_of_two_new_rotations_of_one_client_the_older_rotates_it_and_the_other_names_it(
    stage: Stage,
) -> None:
    """Wrong: both rotate and each kills the other's value, or the first by name wins."""
    app = stage.tenant.add_app("web")
    await stage.connect()
    await stage.kube.apply(rotation(app.client_id, "old"))
    await next_second(stage.kube, "old")
    await stage.kube.apply(rotation(app.client_id, "a-young-one"))
    await stage.run_for(HOUR)
    assert app.changes == 1
    await stage.assert_delivered(app, "old")
    reason, message = await stalled(stage.kube, "a-young-one")
    assert reason == "ConflictDetected"
    assert "the rotation old already manages this client" in message
    assert await stage.kube.secret("a-young-one") == {}
    assert await stalled(stage.kube, "old") == ("", "")


async def test_the_one_that_holds_the_clients_value_wins_against_an_older_one(stage: Stage) -> None:
    """Wrong: age alone decides, and an edit of somebody else's rotation takes the client away."""
    web = await stage.rotated("web")
    await next_second(stage.kube, "web")
    api = stage.tenant.add_app("api")
    await stage.kube.apply(rotation(api.client_id, "young"))
    await stage.settle()
    await stage.kube.apply(rotation(api.client_id, "web"))
    await stage.run_for(HOUR)
    await stage.restart()
    await stage.run_for(HOUR)
    assert (web.changes, api.changes) == (1, 1)
    await stage.assert_delivered(web, "web")
    await stage.assert_delivered(api, "young")
    assert "the rotation young" in (await stalled(stage.kube, "web"))[1]
    await stage.kube.apply(rotation(web.client_id, "web"))
    await stage.run_for(HOUR)
    assert (web.changes, api.changes) == (1, 1)
    assert await stalled(stage.kube, "web") == ("", "")


async def test_the_loser_is_not_rotated_by_a_token_or_a_date(stage: Stage) -> None:
    """Wrong: a conflict that is asked about at the creation only."""
    app = await stage.rotated("web")
    await rotate_now(stage, app, "second", rotationInterval=1)
    await stage.run_for(timedelta(days=3))
    assert app.changes == 1
    await stage.assert_delivered(app, "web")
    assert (await stalled(stage.kube, "second"))[0] == "ConflictDetected"


async def test_a_rival_in_another_namespace_is_told_without_its_names(stage: Stage) -> None:
    """Wrong: a message, Event or status that shows a reader what he has no right to see."""
    app = await stage.rotated("treasure")
    other = await stage.open_namespace()
    await other.apply(credentials(stage.tenant), connection(stage.simulator, name="their-own"))
    reference = {"name": "their-own"}
    await other.apply(rotation(app.client_id, "theirs", connectionRef=reference))
    await stage.run_for(HOUR)
    assert app.changes == 1
    await stage.assert_delivered(app, "treasure")
    reason, message = await stalled(other, "theirs")
    assert reason == "ConflictDetected"
    assert "a rotation in another namespace already manages this client" in message
    told = f"{await other.status('theirs')} {await other.events()}"
    assert "treasure" not in told
    # The name of the other namespace begins with that of the first one.
    assert stage.kube.namespace not in told.replace(other.namespace, "")


async def give_up(stage: Stage, how: str) -> App:
    """Have `web` let its client go; return the other client that it may be edited to."""
    another = stage.tenant.add_app("another")
    if how == "deleted":
        await stage.kube.delete(ROTATION, "web")
    else:
        await stage.kube.apply(rotation(another.client_id, "web"))
    return another


@pytest.mark.parametrize("how", ["deleted", "edited"])
async def test_when_the_winner_gives_the_client_up_the_other_takes_it_over(
    stage: Stage, how: str
) -> None:
    """Wrong: a loser that nothing wakes, or that never looks again."""
    app = await stage.rotated("web")
    await stage.kube.apply(rotation(app.client_id, "second"))
    await stage.settle()
    assert app.changes == 1
    another = await give_up(stage, how)
    await stage.run_for(HOUR)
    assert app.changes == 2
    await stage.assert_delivered(app, "second")
    assert await stalled(stage.kube, "second") == ("", "")
    if how == "edited":
        await stage.assert_delivered(another, "web")


async def test_the_operators_own_client_is_not_rotated_by_date_or_token_even_if_it_became_so_later(
    stage: Stage,
) -> None:
    """Wrong: a look at the creation only, after which the operator locks itself out."""
    app = await stage.rotated("web")
    stage.tenant.manager.audiences, app.audiences = {}, stage.tenant.manager.audiences
    own = {"clientId": app.client_id, "clientSecret": app.secret}
    await stage.kube.apply(credentials(stage.tenant) | {"stringData": own})
    await stage.kube.apply(connection(stage.simulator, rateLimit={"requestsPerSecond": 900}))
    await rotate_now(stage, app, "web", rotationInterval=1)
    await stage.run_for(timedelta(days=3))
    assert app.changes == 1
    await stage.assert_delivered(app, "web")
    reason, message = await stalled(stage.kube, "web")
    assert reason == "OwnClient"
    assert "another application for the connection" in message


OWN: dict[str, Any] = {
    "allowOwnClient": True,
    "target": {"name": "auth0-management", "creationPolicy": "Merge"},
    "secretsMapping": {"clientId": "clientId", "clientSecret": "clientSecret"},
}


@pytest.mark.parametrize("fault", ["none", "answer lost, and a restart"])
async def test_the_operators_own_client_is_rotated_last_where_it_is_allowed(
    stage: Stage, fault: str
) -> None:
    """Wrong: an operator that locks itself out, by a value that only the dead process knew how to
    deliver, or by being changed before those that need its token."""
    app, manager = await stage.rotated("web"), stage.tenant.manager
    token = {f"{PREFIX}rotate-now": "now"}
    await stage.kube.apply(rotation(manager.client_id, "own", **OWN))
    await stage.settle()
    assert manager.changes == 1
    if fault != "none":
        stage.tenant.lose_answer(times=2)
    await stage.kube.apply(rotation(manager.client_id, "own", annotations=token, **OWN))
    await stage.kube.apply(rotation(app.client_id, "web", annotations=token))
    await stage.settle()
    if fault != "none":
        await stage.restart()
    await stage.run_for(HOUR)
    assert (app.changes, manager.changes) == (2, 2)
    held = await stage.kube.secret("auth0-management")
    assert held == {"clientId": manager.client_id, "clientSecret": manager.secret}
    await stage.assert_delivered(app, "web")
    # Who starts anew gets along with what was delivered.
    await stage.restart()
    await stage.kube.apply(rotation(app.client_id, "web", annotations={f"{PREFIX}rotate-now": "again"}))
    await stage.run_for(MINUTES)
    assert app.changes == 3


async def test_the_operators_own_client_waits_until_nobody_else_is_due(stage: Stage) -> None:
    """Wrong: an order by name or by chance."""
    await stage.connect()
    names = ["before", "web", "zebra"]
    apps = [stage.tenant.add_app(name) for name in names]
    manager = stage.tenant.manager
    everyone = [*zip(names, apps, strict=True), ("own", manager)]
    for name, app in everyone:
        await stage.kube.apply(rotation(app.client_id, name, **(OWN if app is manager else {})))
    await stage.run_for(MINUTES)
    assert {app.changes for _, app in everyone} == {1}
    stage.clock.advance(timedelta(days=40))
    await stage.run_for(MINUTES)
    assert {app.changes for _, app in everyone} == {2}
    sent = [entry.client_id for entry in stage.tenant.asked(Operation.PATCH)]
    assert sent[-1] == manager.client_id


# One Secret -------------------------------------------------------------------------------------------


async def test_of_two_rotations_into_one_secret_the_other_is_told_and_its_client_stays_as_it_is(
    stage: Stage,
) -> None:
    """Wrong: two writers of one Secret, or a change at the tenant with nowhere to deliver it."""
    web, api = await stage.rotated("web"), stage.tenant.add_app("api")
    await stage.kube.apply(rotation(api.client_id, "api", target={"name": "web"}))
    await stage.run_for(HOUR)
    assert (web.changes, api.changes) == (1, 0)
    await stage.assert_delivered(web, "web")
    reason, message = await stalled(stage.kube, "api")
    assert reason == "ConflictDetected"
    assert "the rotation web already manages this Secret" in message
    await stage.kube.apply(rotation(api.client_id, "api"))
    await stage.run_for(HOUR)
    assert (web.changes, api.changes) == (1, 1)
    await stage.assert_delivered(api, "api")
    await stage.assert_delivered(web, "web")


async def test_a_secret_that_the_winner_left_behind_is_the_others_once_it_is_gone(stage: Stage) -> None:
    """Wrong: a value that stands nowhere else, written over by whoever comes next; or one who waits on
    when nothing is in its way any more."""
    web, api = await stage.rotated("web"), stage.tenant.add_app("api")
    await stage.kube.apply(rotation(api.client_id, "api", target={"name": "web"}))
    await stage.settle()
    await stage.kube.delete(ROTATION, "web")
    await stage.run_for(MINUTES)
    await stage.assert_delivered(web)
    assert (await stalled(stage.kube, "api"))[0] == "TargetForeign"
    await stage.kube.delete("Secret", "web")
    await stage.run_for(MINUTES)
    assert (web.changes, api.changes) == (1, 1)
    await stage.assert_delivered(api, "web")


@pytest.mark.parametrize("policy", ["Create", "Merge"])
async def test_a_secret_of_another_controller_is_left_to_it(stage: Stage, policy: str) -> None:
    """Wrong: a fight with whoever writes the Secret, or a change that cannot be delivered."""
    app = stage.tenant.add_app("web")
    await stage.connect()
    body = secret("shared", THEIRS="one")
    body["metadata"]["ownerReferences"] = [await owner(stage.kube, "issuer")]
    await stage.kube.apply(body, manager="issuer")
    before = await stage.kube.get("Secret", "shared")
    target = {"name": "shared", "creationPolicy": policy}
    await stage.kube.apply(rotation(app.client_id, target=target))
    await stage.run_for(MINUTES)
    assert app.changes == 0
    assert await stage.kube.get("Secret", "shared") == before
    reason, message = await stalled(stage.kube, "web")
    assert reason == "TargetForeign"
    assert "belongs to ServiceAccount issuer" in message


async def owner(kube: Kube, name: str) -> dict[str, Any]:
    """Create an object that may own a Secret, and return the reference of its controller."""
    body = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}
    answer = await kube.send("POST", kube.path("ServiceAccount"), body)
    uid = answer.json()["metadata"]["uid"]
    reference = {"apiVersion": "v1", "kind": "ServiceAccount", "name": name, "uid": uid}
    return reference | {"controller": True}


MERGE: dict[str, Any] = {"target": {"name": "shared", "creationPolicy": "Merge"}}


async def test_merge_leaves_the_keys_and_marks_of_others_theirs(stage: Stage) -> None:
    """Wrong: a write of the whole Secret, or a manager that claims what it did not set."""
    theirs = secret("shared", THEIRS="one", MORE="two")
    theirs["metadata"] |= {"labels": {"team": "a"}, "annotations": {"note": "b"}}
    await stage.kube.apply(theirs, manager="flux")
    await stage.kube.merge("Secret", "shared", {"data": {"EDITED": "YQ=="}})
    app = await stage.rotated(**MERGE)
    theirs |= {"data": secret("shared", THEIRS="changed")["data"]}
    await stage.kube.apply(theirs, manager="flux")
    await rotate_now(stage, app, "web", **MERGE)
    await stage.run_for(MINUTES)
    assert app.changes == 2
    await stage.assert_delivered(app, "shared")
    values = await stage.kube.secret("shared")
    others = {"THEIRS": "changed", "EDITED": "a"}
    assert values == {"ID": app.client_id, "SECRET": app.secret} | others
    metadata = (await saved(stage.kube, "Secret", "shared"))["metadata"]
    assert metadata["labels"] == {"team": "a", f"{PREFIX}role": "target"}
    assert metadata["annotations"]["note"] == "b"
    assert "ownerReferences" not in metadata
    assert await stalled(stage.kube, "web") == ("", "")


# Somebody who writes against us -----------------------------------------------------------------------


async def undone(stage: Stage, times: int, manager: str = "flux") -> None:
    """Have somebody write his own value into the target again, whenever it was repaired."""
    for _ in range(times):
        await stage.kube.apply(secret("web", SECRET="theirs"), manager=manager)
        await stage.settle()


async def test_a_writer_that_undoes_every_repair_is_not_fought_for_ever_and_rotates_nothing(
    stage: Stage,
) -> None:
    """Wrong: two writers that take turns as fast as they can, or a rotation as a last resort."""
    app = await stage.rotated()
    await undone(stage, 4)
    await stage.assert_delivered(app)
    await undone(stage, 4)
    assert await stage.kube.secret("web") == {"ID": app.client_id, "SECRET": "theirs"}
    reason, message = await stalled(stage.kube, "web")
    assert reason == "TargetContested"
    assert "the field manager flux" in message
    assert (await stage.kube.condition("web", "Ready"))["status"] == "False"
    assert app.changes == 1
    await stage.run_for(HOUR)
    await stage.assert_delivered(app)
    assert await stalled(stage.kube, "web") == ("", "")
    assert app.changes == 1
