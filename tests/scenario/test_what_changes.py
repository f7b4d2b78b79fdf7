"""Another client, other keys, another connection: what the target shows belongs together throughout."""

from collections.abc import AsyncIterator
from datetime import timedelta
from time import monotonic
from typing import Any

import pytest

from auth0_simulator import App, Operation, Simulator, Tenant
from harness import Stage, connection, credentials, rotation
from harness.secrets import history, version

PREFIX = "auth0rotator.dev/"
HOUR = timedelta(hours=1)
TOKEN = {f"{PREFIX}rotate-now": "now"}
# Everything that a target can show of a client.
MAPPING = {"clientId": "ID", "clientSecret": "SECRET", "previousClientSecret": "PREVIOUS"}
WHOLE: dict[str, Any] = {
    "secretsMapping": MAPPING,
    "target": {"template": {"data": {"PAIR": "$(clientId) $(clientSecret)"}}},
}


@pytest.fixture
async def other() -> AsyncIterator[Simulator]:
    """Another tenant, under another domain."""
    async with Simulator(Tenant("other.eu.auth0.com")) as simulator:
        yield simulator


async def connect_to(stage: Stage, simulator: Simulator, name: str) -> None:
    """Create another connection, with credentials of its own."""
    reference = {"name": f"{name}-management"}
    await stage.kube.apply(
        credentials(simulator.tenant, reference["name"]),
        connection(simulator, name, credentialsSecretRef=reference),
    )


async def stalled(stage: Stage) -> tuple[str, str]:
    """Return whether a person is needed, and for what."""
    condition = await stage.kube.condition("web", "Stalled")
    return condition["status"], condition["reason"]


async def assert_paired(stage: Stage, since: str, *apps: App) -> int:
    """No version of the target after `since` shows one client's id with another's secret; return how
    many there were."""
    values = {app.client_id: {*app.past, app.secret} for app in apps}
    versions = await history(stage.kube, "web", since=since)
    for shown in versions:
        of_client = values[shown["ID"]]
        assert shown["SECRET"] in of_client
        assert shown.get("PREVIOUS", shown["SECRET"]) in of_client
        assert (
            shown.get("PAIR", f"{shown['ID']} {shown['SECRET']}") == f"{shown['ID']} {shown['SECRET']}"
        )
    return len(versions)


# Another client ---------------------------------------------------------------------------------------


async def test_another_client_is_rotated_once_and_both_keys_switch_in_one_write(stage: Stage) -> None:
    """Wrong: an id from the spec beside a secret from the journal, or two writes."""
    web = await stage.rotated(**WHOLE)
    api = stage.tenant.add_app("api")
    since = await version(stage.kube, "web")
    await stage.kube.apply(rotation(api.client_id, **WHOLE))
    await stage.run_for(HOUR)
    await stage.restart()
    await stage.run_for(HOUR)
    assert (web.changes, api.changes) == (1, 1)
    await stage.assert_delivered(api)
    assert await assert_paired(stage, since, web, api) == 1
    status = await stage.kube.status("web")
    assert status["history"][0]["trigger"] == "client-changed"


async def test_a_target_that_is_edited_after_the_client_was_changed_shows_the_old_pair_until_the_new_one(
    stage: Stage,
) -> None:
    """Wrong: a repair that renders the spec's id beside the journal's secret."""
    web = await stage.rotated(**WHOLE)
    api = stage.tenant.add_app("api")
    spec = WHOLE | {"suspend": True}
    await stage.kube.apply(rotation(api.client_id, **spec))
    await stage.settle()
    since = await version(stage.kube, "web")
    await stage.kube.delete("Secret", "web")
    await stage.run_for(HOUR)
    assert (web.changes, api.changes) == (1, 0)
    await stage.assert_delivered(web)
    await stage.kube.apply(rotation(api.client_id, **WHOLE))
    await stage.run_for(HOUR)
    assert (web.changes, api.changes) == (1, 1)
    await stage.assert_delivered(api)
    # The deletion itself shows what was deleted.
    assert await assert_paired(stage, since, web, api) == 3


@pytest.mark.parametrize("is_seen", [True, False], ids=["seen", "unseen"])
async def test_a_client_that_is_changed_and_back_ends_with_a_value_that_works(
    stage: Stage, *, is_seen: bool
) -> None:
    """Wrong: an old value of the first client that is taken for its current one, or a rotation for an
    edit that was taken back before anybody saw it."""
    web = await stage.rotated(**WHOLE)
    api = stage.tenant.add_app("api")
    since = await version(stage.kube, "web")
    await stage.kube.apply(rotation(api.client_id, **WHOLE))
    if is_seen:
        await stage.settle()
    await stage.kube.apply(rotation(web.client_id, **WHOLE))
    await stage.run_for(HOUR)
    assert (web.changes, api.changes) == ((2, 1) if is_seen else (1, 0))
    await stage.assert_delivered(web)
    assert await assert_paired(stage, since, web, api) == (2 if is_seen else 0)


@pytest.mark.parametrize("is_live", [True, False], ids=["taken", "not taken"])
async def test_a_client_that_is_changed_in_the_middle_of_a_rotation_is_finished_with_first(
    stage: Stage, *, is_live: bool
) -> None:
    """Wrong: the new client is sent the value that was chosen for the old one, or the old client keeps
    one that nobody knows."""
    web = await stage.rotated(**WHOLE)
    api = stage.tenant.add_app("api")
    since = await version(stage.kube, "web")
    stage.tenant.lose_answer() if is_live else stage.tenant.lose_request()
    await stage.kube.apply(rotation(web.client_id, annotations=TOKEN, **WHOLE))
    await stage.settle()
    await stage.kube.apply(rotation(api.client_id, annotations=TOKEN, **WHOLE))
    await stage.run_for(HOUR)
    await stage.restart()
    await stage.run_for(HOUR)
    assert (web.changes, api.changes) == (2, 1)
    assert len(set(web.past) & {api.secret, *api.past}) == 0
    await stage.assert_delivered(api)
    assert await assert_paired(stage, since, web, api) == 2


async def test_a_client_that_is_changed_and_back_in_the_middle_of_its_rotation_ends_with_its_own(
    stage: Stage,
) -> None:
    """Wrong: an open outcome of the one client that is dropped, or committed for the other."""
    web = await stage.rotated(**WHOLE)
    api = stage.tenant.add_app("api")
    since = await version(stage.kube, "web")
    stage.tenant.lose_answer()
    await stage.kube.apply(rotation(api.client_id, **WHOLE))
    await stage.settle()
    await stage.kube.apply(rotation(web.client_id, **WHOLE))
    await stage.run_for(HOUR)
    assert (web.changes, api.changes) == (2, 1)
    await stage.assert_delivered(web)
    assert await assert_paired(stage, since, web, api) == 2


async def test_a_client_that_does_not_exist_leaves_the_old_pair_in_place(stage: Stage) -> None:
    """Wrong: a target that follows the spec before the tenant took the new value."""
    spec = WHOLE | {"rotateAtUtc": stage.far_hour}
    web = await stage.rotated(**spec)
    since = await version(stage.kube, "web")
    await stage.kube.apply(rotation("NoSuchClient", **spec))
    await stage.run_for(timedelta(minutes=5))
    assert await stalled(stage) == ("True", "ClientUnknown")
    await stage.kube.apply(rotation(web.client_id, **spec))
    await stage.run_for(HOUR)
    assert web.changes == 1
    await stage.assert_delivered(web)
    assert await version(stage.kube, "web") == since
    assert await stalled(stage) == ("False", "WaitingForDueDate")


# Other keys -------------------------------------------------------------------------------------------

RENAMED = {"clientId": "AUTH0_ID", "clientSecret": "AUTH0_SECRET"}
SWAPPED = {"clientId": "SECRET", "clientSecret": "ID"}
TURNED = {"clientId": "ID", "clientSecret": "PREVIOUS", "previousClientSecret": "SECRET"}


@pytest.mark.parametrize(
    ("mapping", "is_journal_lost"),
    [(RENAMED, False), (SWAPPED, False), (TURNED, False), (TURNED, True)],
    ids=["renamed", "swapped", "turned", "turned and the journal lost"],
)
async def test_renamed_keys_are_renamed_in_one_write_without_a_rotation(
    stage: Stage, mapping: dict[str, str], *, is_journal_lost: bool
) -> None:
    """Wrong: a value that is looked for under the new name and is taken for lost, or left under the
    old one."""
    web = await stage.rotated(secretsMapping=MAPPING)
    since = await version(stage.kube, "web")
    if is_journal_lost:
        await stage.kube.delete("Secret", "web.journal")
    await stage.kube.apply(rotation(web.client_id, secretsMapping=mapping))
    await stage.run_for(HOUR)
    assert web.changes == 1
    values = {"clientId": web.client_id, "clientSecret": web.secret}
    expected = {key: values.get(name, web.secret) for name, key in mapping.items()}
    assert await stage.kube.secret("web") == expected
    assert await history(stage.kube, "web", since=since) == [expected]
    assert len(stage.tenant.asked(Operation.PATCH)) == 1


async def test_keys_that_are_renamed_often_are_followed_each_time(stage: Stage) -> None:
    """Wrong: edits of the spec that are counted as repairs of what somebody else undid."""
    web = await stage.rotated()
    for number in range(8):
        mapping = {"clientId": "ID", "clientSecret": f"SECRET_{number}"}
        await stage.kube.apply(rotation(web.client_id, secretsMapping=mapping))
        await stage.settle()
        assert set(await stage.kube.secret("web")) == set(mapping.values())
    assert web.changes == 1


# Another connection -----------------------------------------------------------------------------------


async def test_another_connection_to_the_same_tenant_changes_nothing(stage: Stage) -> None:
    """Wrong: a client that is known by its connection's name."""
    web = await stage.rotated()
    since = await version(stage.kube, "web")
    await connect_to(stage, stage.simulator, "second")
    await stage.kube.apply(rotation(web.client_id, connectionRef={"name": "second"}))
    await stage.run_for(HOUR)
    assert web.changes == 1
    assert await version(stage.kube, "web") == since
    assert await stalled(stage) == ("False", "WaitingForDueDate")
    token = rotation(web.client_id, annotations=TOKEN, connectionRef={"name": "second"})
    await stage.kube.apply(token)
    await stage.settle()
    assert web.changes == 2
    await stage.assert_delivered(web)


async def test_another_domain_whose_tenant_knows_the_value_is_recorded_and_changes_nothing(
    stage: Stage, other: Simulator
) -> None:
    """Wrong: a domain that is believed, or rotated for, without asking its tenant."""
    web = await stage.rotated()
    moved = other.tenant.add_app("web", client_id=web.client_id, secret=web.secret)
    since = await version(stage.kube, "web")
    await connect_to(stage, other, "second")
    await stage.kube.apply(rotation(web.client_id, connectionRef={"name": "second"}))
    await stage.run_for(HOUR)
    assert (web.changes, moved.changes) == (1, 0)
    await stage.assert_delivered(web)
    assert await assert_paired(stage, since, web) == 1
    target = await stage.kube.get("Secret", "web")
    assert target is not None
    assert target["metadata"]["annotations"][f"{PREFIX}domain"] == other.tenant.domain
    assert await stalled(stage) == ("False", "WaitingForDueDate")


async def test_a_domain_that_accepts_the_value_ends_the_alarm_of_one_that_refused_it(
    stage: Stage, other: Simulator
) -> None:
    """Wrong: Ready stays False for ever, because a former tenant refused the value once."""
    web = await stage.rotated()
    other.tenant.add_app("web", client_id=web.client_id, secret=web.secret)
    web.change("rotated in the dashboard", monotonic())
    await stage.kube.merge("Auth0ClientSecretRotation", "web", {"status": None}, part="status")
    await stage.restart()
    await stage.run_for(HOUR)
    assert (await stage.kube.condition("web", "Verified"))["reason"] == "RotatedElsewhere"
    await connect_to(stage, other, "second")
    await stage.kube.apply(rotation(web.client_id, connectionRef={"name": "second"}))
    await stage.run_for(HOUR)
    conditions = [await stage.kube.condition("web", name) for name in ("Verified", "Ready")]
    assert [condition["status"] for condition in conditions] == ["True", "True"]


@pytest.mark.parametrize("has_client", [True, False], ids=["another secret", "no such client"])
async def test_another_domain_whose_tenant_does_not_know_the_value_waits_for_a_person(
    stage: Stage, other: Simulator, *, has_client: bool
) -> None:
    """Wrong: a rotation of a client that happens to have the same id, by date or by the move."""
    web = await stage.rotated(rotationInterval=1)
    there = other.tenant.add_app("web", client_id=web.client_id if has_client else "Another")
    since = await version(stage.kube, "web")
    await connect_to(stage, other, "second")
    there_too: dict[str, Any] = {"connectionRef": {"name": "second"}, "rotationInterval": 1}
    await stage.kube.apply(rotation(web.client_id, **there_too))
    await stage.run_for(timedelta(days=3))
    assert (web.changes, there.changes) == (1, 0)
    assert await version(stage.kube, "web") == since
    assert await stalled(stage) == ("True", "DomainChanged")
    if not has_client:
        await stage.kube.apply(rotation(web.client_id))
        await stage.run_for(HOUR)
        assert web.changes == 1
        assert await stalled(stage) == ("False", "WaitingForDueDate")
        return
    await stage.kube.apply(rotation(web.client_id, annotations=TOKEN, **there_too))
    await stage.settle()
    assert (web.changes, there.changes) == (1, 1)
    assert await stage.kube.secret("web") == {"ID": web.client_id, "SECRET": there.secret}


async def test_another_client_of_another_tenant_is_rotated_there_alone(
    stage: Stage, other: Simulator
) -> None:
    """Wrong: the new client asked for at the old tenant, or the old client at the new one."""
    web = await stage.rotated(**WHOLE)
    there = other.tenant.add_app("there")
    since = await version(stage.kube, "web")
    await connect_to(stage, other, "second")
    await stage.kube.apply(rotation(there.client_id, connectionRef={"name": "second"}, **WHOLE))
    await stage.run_for(HOUR)
    assert (web.changes, there.changes) == (1, 1)
    data = await stage.kube.secret("web")
    assert (data["ID"], data["SECRET"], data["PREVIOUS"]) == (
        there.client_id,
        there.secret,
        there.secret,
    )
    assert await assert_paired(stage, since, web, there) == 1
    assert len(stage.tenant.asked(Operation.PATCH)) == 1


async def in_the_middle(stage: Stage, other: Simulator) -> tuple[App, App]:
    """Return a client whose new value did not reach its tenant, and one of the same id elsewhere, to
    which a second connection leads."""
    web = await stage.rotated()
    there = other.tenant.add_app("web", client_id=web.client_id)
    await connect_to(stage, other, "second")
    stage.tenant.lose_request()
    await stage.kube.apply(rotation(web.client_id, annotations=TOKEN))
    await stage.settle()
    return web, there


async def test_a_connection_that_is_changed_in_the_middle_of_a_rotation_does_not_change_its_tenant(
    stage: Stage, other: Simulator
) -> None:
    """Wrong: a value that is sent again to another tenant than it was chosen for."""
    web, there = await in_the_middle(stage, other)
    reference = {"name": "second"}
    await stage.kube.apply(rotation(web.client_id, annotations=TOKEN, connectionRef=reference))
    await stage.run_for(HOUR)
    assert (web.changes, there.changes) == (2, 0)
    await stage.assert_delivered(web)
    assert await stalled(stage) == ("True", "DomainChanged")
