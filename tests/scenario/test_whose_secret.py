"""Secrets that another rotation had: a kept value that stands nowhere else, targets that are swapped."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from auth0_simulator import App
from harness import Stage, rotation
from harness.deletion import assert_gone, delete
from harness.secrets import secret
from harness.story import ROTATION

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
# Another rotation's mapping, so that what it left behind is seen.
THEIRS: dict[str, Any] = {
    "secretsMapping": {"clientId": "API_ID", "clientSecret": "API_SECRET"},
    "deletion": {"deleteSecrets": True},
}


async def kept(stage: Stage) -> App:
    """Return a client whose rotation is gone: its value stands in the Secret `web` alone."""
    web = await stage.rotated()
    await delete(stage)
    await assert_gone(stage)
    return web


@pytest.mark.parametrize("name", ["web", "other"], ids=["of the same name", "of another name"])
async def test_the_only_copy_of_a_kept_value_is_not_written_over(stage: Stage, name: str) -> None:
    """Wrong: a Secret that counts as ours because one of our records stands in it."""
    web, api = await kept(stage), stage.tenant.add_app("api")
    await stage.kube.apply(rotation(api.client_id, name, target={"name": "web"}))
    await stage.run_for(10 * MINUTE)
    await stage.assert_delivered(web)
    stalled = await stage.kube.condition(name, "Stalled")
    assert stalled["reason"] == "TargetForeign"
    assert web.client_id in stalled["message"]
    assert api.changes == 0
    await stage.kube.delete("Secret", "web")
    await stage.run_for(2 * MINUTE)
    await stage.assert_delivered(api)
    assert api.changes == 1


async def test_a_kept_value_is_adopted_by_another_rotation_of_its_client(stage: Stage) -> None:
    """Wrong: a kept Secret that only the rotation of the same name may have again."""
    web = await kept(stage)
    await stage.kube.apply(rotation(web.client_id, "other", target={"name": "web"}))
    await stage.run_for(MINUTE)
    await stage.assert_delivered(web)
    assert web.changes == 1


async def test_merged_keys_do_not_displace_a_kept_value_under_the_same_keys(stage: Stage) -> None:
    """Wrong: an apply that is forced because one of our records stands there, whoever's it is."""
    web, api = await kept(stage), stage.tenant.add_app("api")
    merge = {"name": "web", "creationPolicy": "Merge"}
    await stage.kube.apply(rotation(api.client_id, "other", target=merge))
    await stage.run_for(MINUTE)
    await stage.assert_delivered(web)
    assert (await stage.kube.condition("other", "Stalled"))["reason"] == "TargetContested"
    assert api.changes == 0
    await stage.kube.apply(rotation(api.client_id, "other", target=merge, **THEIRS))
    await stage.run_for(10 * MINUTE)
    await stage.assert_delivered(web)
    assert (await stage.kube.secret("web"))["API_SECRET"] == api.secret


@pytest.mark.parametrize("order", [("web", "api"), ("api", "web")], ids=["web first", "api first"])
async def test_swapped_targets_keep_nothing_of_the_other(stage: Stage, order: tuple[str, str]) -> None:
    """Wrong: keys of the other that stay and grow old; an owner that takes a target along which is not
    its own any more; a swap in which each waits for the other."""
    web, api = stage.tenant.add_app("web"), stage.tenant.add_app("api")
    await stage.connect()
    for of_web, of_api in (("x", "y"), ("y", "x")):
        bodies = {
            "web": rotation(web.client_id, "web", target={"name": of_web}),
            "api": rotation(api.client_id, "api", target={"name": of_api}, **THEIRS),
        }
        for name in order:
            await stage.kube.apply(bodies[name])
            await stage.settle()
        await stage.run_for(HOUR)
    assert await stage.kube.secret("x") == {"API_ID": api.client_id, "API_SECRET": api.secret}
    assert await stage.kube.secret("y") == {"ID": web.client_id, "SECRET": web.secret}
    assert (web.changes, api.changes) == (1, 1)
    for name in order:
        assert (await stage.kube.condition(name, "Ready"))["status"] == "True"
        assert (await stage.kube.condition(name, "Stalled"))["status"] == "False"
    await stage.kube.delete(ROTATION, "api")
    await stage.run_for(MINUTE)
    await asyncio.sleep(0.5)  # an owner's collection comes by itself, and must not come here
    assert await stage.kube.secret("y") == {"ID": web.client_id, "SECRET": web.secret}


async def test_a_left_secret_that_somebody_else_uses_is_not_taken(stage: Stage) -> None:
    """Wrong: a Secret that counts as left behind though a person put keys of their own there."""
    web, api = await stage.rotated(), stage.tenant.add_app("api")
    await stage.kube.apply(rotation(web.client_id, target={"name": "elsewhere"}))
    await stage.settle()
    await stage.kube.apply(secret("web", THEIRS="one"), manager="somebody")
    await stage.kube.apply(rotation(api.client_id, "api", target={"name": "web"}))
    await stage.run_for(10 * MINUTE)
    assert (await stage.kube.condition("api", "Stalled"))["reason"] == "TargetForeign"
    assert (await stage.kube.secret("web"))["SECRET"] == web.secret
    assert api.changes == 0
