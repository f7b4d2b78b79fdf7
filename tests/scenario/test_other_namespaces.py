"""What somebody in another namespace can do to a rotation: nothing, without a login at its tenant."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from auth0_simulator import Simulator, Tenant
from harness import Kube, Stage, connection, credentials, rotation
from harness.secrets import create
from harness.story import ROTATION, ask
from scenario.test_attacks_on_deletion import forged
from scenario.test_strangers import forged_idle

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
OVER_NONE: dict[str, Any] = {"connectionRef": {"kind": "Auth0Connection", "name": "no-such"}}
OVER_OWN: dict[str, Any] = {"connectionRef": {"kind": "Auth0Connection", "name": "acme"}}
HARDLY_EVER = {"requestsPerSecond": 0.0001, "burst": 1}


@pytest.fixture
async def fake(stage: Stage) -> AsyncIterator[Simulator]:
    """Another server, of which a stranger says that it is the same tenant."""
    async with Simulator(Tenant(stage.tenant.domain)) as simulator:
        yield simulator


async def claim(theirs: Kube, client_id: str, reference: dict[str, Any]) -> str:
    """Have a stranger claim a client, and return the uid of the rotation that does."""
    await theirs.apply(rotation(client_id, suspend=True, **reference))
    return str((await theirs.get(ROTATION, "web") or {})["metadata"]["uid"])


@pytest.mark.parametrize("is_open", [True, False], ids=["open", "at rest"])
@pytest.mark.parametrize("how", ["no connection", "no credentials", "another tenant"])
async def test_a_journal_that_was_made_up_elsewhere_stalls_nobody(
    stage: Stage, how: str, *, is_open: bool
) -> None:
    """Wrong: a journal that counts for what it says, wherever it stands and whoever wrote it."""
    theirs = await stage.open_namespace()
    reference = OVER_NONE if how == "no connection" else OVER_OWN
    # Created first: of two that have a value the older one wins.
    owner = await claim(theirs, "somebody", reference)
    await asyncio.sleep(1.1)  # objects are as old as their creation time says, in whole seconds
    app = await stage.rotated()
    await claim(theirs, app.client_id, reference)
    async with Simulator(Tenant("their-own.eu.auth0.com")) as own:
        if how == "another tenant":
            await theirs.apply(credentials(own.tenant), connection(own))
        elif how == "no credentials":
            await theirs.apply(connection(stage.simulator))
        make_up = forged if is_open else forged_idle
        await create(theirs, make_up(stage, owner, app.client_id, reference))
        await stage.settle()
        await ask(stage, app)
        await stage.run_for(HOUR)
    assert app.changes == 2, await stage.kube.condition("web", "Stalled")
    await stage.assert_delivered(app)


async def test_a_claim_without_a_login_keeps_nobody_from_a_first_rotation(stage: Stage) -> None:
    """Wrong: an older object that wins though it can do nothing, and has nothing."""
    app = stage.tenant.add_app("web")
    theirs = await stage.open_namespace()
    await claim(theirs, app.client_id, OVER_OWN)
    await theirs.apply(connection(stage.simulator))
    await stage.settle()
    await asyncio.sleep(1.1)  # see above
    await stage.connect()
    await stage.kube.apply(rotation(app.client_id))
    await stage.settle()
    await stage.assert_delivered(app)


async def test_a_rotation_keeps_its_client_while_its_connection_is_away(stage: Stage) -> None:
    """Wrong: another namespace that rotates the client as soon as the first one cannot log in."""
    app = await stage.rotated()
    theirs = await stage.open_namespace()
    await theirs.apply(credentials(stage.tenant), connection(stage.simulator), rotation(app.client_id))
    await stage.settle()
    assert (await theirs.condition("web", "Stalled"))["reason"] == "ConflictDetected"
    await stage.kube.delete("Secret", "auth0-management")
    await stage.kube.delete("Auth0Connection", "acme")
    await stage.run_for(HOUR)
    await stage.restart()
    await stage.run_for(HOUR)
    assert app.changes == 1
    await stage.assert_delivered(app)


async def test_who_lost_a_client_has_it_when_the_winner_can_do_nothing_and_has_nothing(
    stage: Stage,
) -> None:
    """Wrong: a loser whom nobody tells that the connection of the winner has gone."""
    app = stage.tenant.add_app("web")
    theirs = await stage.open_namespace()
    await theirs.apply(credentials(stage.tenant), connection(stage.simulator))
    await claim(theirs, app.client_id, OVER_OWN)
    await stage.settle()
    await asyncio.sleep(1.1)  # see above
    await stage.connect()
    await stage.kube.apply(rotation(app.client_id))
    await stage.settle()
    assert (await stage.kube.condition("web", "Stalled"))["reason"] == "ConflictDetected"
    await theirs.delete("Auth0Connection", "acme")
    await stage.run_for(MINUTE)
    await stage.assert_delivered(app)


@pytest.mark.parametrize("how", ["no credentials", "another endpoint"])
async def test_a_stranger_slows_nobody_down(stage: Stage, fake: Simulator, how: str) -> None:
    """Wrong: a rate that counts because somebody wrote it down beside the name of the domain."""
    app = await stage.rotated()
    theirs = await stage.open_namespace()
    if how == "no credentials":
        await theirs.apply(connection(stage.simulator, rateLimit=HARDLY_EVER))
    else:
        await theirs.apply(credentials(fake.tenant), connection(fake, rateLimit=HARDLY_EVER))
    await stage.settle()
    async with asyncio.timeout(20):
        for token in ("one", "two", "three"):
            await ask(stage, app, token)
    assert app.changes == 4


async def test_of_those_who_were_logged_in_the_slowest_counts_for_all(stage: Stage) -> None:
    """Wrong: a rate of one's own for each connection, so that together they ask too often."""
    await stage.rotated()
    theirs = await stage.open_namespace()
    slow = {"requestsPerSecond": 0.5, "burst": 1}
    await theirs.apply(credentials(stage.tenant), connection(stage.simulator, rateLimit=slow))
    await stage.settle()
    connections, keys = stage.operator.connections, stage.operator.mirror.connections
    assert {connections.line(key).of_way.spacing for key in keys} == {timedelta(seconds=2 / 0.99)}


async def test_a_busy_endpoint_pauses_no_other_way_to_the_tenant(stage: Stage, fake: Simulator) -> None:
    """Wrong: a pause of the whole domain, on the word of whatever answers at one endpoint."""
    app = await stage.rotated()
    theirs = await stage.open_namespace()
    other = fake.tenant.add_app("theirs")
    await theirs.apply(credentials(fake.tenant), connection(fake))
    fake.tenant.answer(429, {"message": "no"}, times=1000, headers={"Retry-After": "300"})
    await theirs.apply(rotation(other.client_id))
    await stage.settle()
    await ask(stage, app)
    assert app.changes == 2
    assert other.changes == 0
