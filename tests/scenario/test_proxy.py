"""The proxy in front of the API server: it changes nothing but what a fault says."""

import asyncio
import contextlib

import aiohttp
import pytest
import yaml

from auth0_rotator.cluster import Api, load_access
from auth0_rotator.errors import Refused, Retry
from auth0_simulator import Moment
from controlplane import ControlPlane
from controlplane.plane import ADMIN_TOKEN
from harness import Kube, rotation
from harness.proxy import Effect, Proxy
from harness.secrets import secret
from harness.stage import staged


def plain(kube: Kube, name: str) -> dict[str, object]:
    """Return a Secret of nobody's, to be written through the operator's client."""
    body = secret(name, KEY="value")
    return body | {"metadata": {"name": name, "namespace": kube.namespace}}


async def apply(api: Api, kube: Kube, name: str) -> None:
    """Write a Secret as the operator writes a target."""
    await api.apply("Secret", plain(kube, name), manager="test", force=True)


async def is_there(kube: Kube, name: str) -> bool:
    """Return whether there is a Secret of this name."""
    return await kube.get("Secret", name) is not None


async def test_a_rotation_through_the_proxy_shows_every_effect_by_its_name(
    plane: ControlPlane, kube: Kube, proxy: Proxy, proxied: Api
) -> None:
    """Wrong: an effect taken for another one, and so a fault that strikes elsewhere."""
    async with staged(plane, kube, proxied) as stage:
        app = await stage.rotated()
        reads = {Effect.LIST, Effect.SECRET_READ, Effect.CONNECTION_STATUS}
        seen = [call.effect for call in proxy.calls if call.effect not in reads]
        assert seen == [
            Effect.TARGET_DRY_RUN,
            Effect.JOURNAL_BEGIN,
            Effect.TARGET_APPLY,
            Effect.JOURNAL_COMMIT,
            Effect.STATUS,
            Effect.EVENT,
            Effect.STATUS,
            Effect.EVENT,
        ]
        assert all(call.is_forwarded and call.status in {200, 201} for call in proxy.calls)
        stage.tenant.answer(403, {"statusCode": 403, "error": "Forbidden", "message": "no"})
        proxy.calls.clear()
        await kube.apply(rotation(app.client_id, annotations={"auth0rotator.dev/rotate-now": "a"}))
        await stage.settle()
        written = {Effect.JOURNAL_BEGIN, Effect.JOURNAL_COMMIT, Effect.JOURNAL_PARK}
        seen = [call.effect for call in proxy.asked(*written, name="web")]
        assert seen == [Effect.JOURNAL_BEGIN, Effect.JOURNAL_PARK]


@pytest.mark.parametrize("moment", Moment)
async def test_a_held_request_of_a_client_that_went_away_is_never_forwarded(
    kube: Kube, proxy: Proxy, proxied: Api, moment: Moment
) -> None:
    """Wrong: a request that lands after the crash of whoever sent it. Held after its effect, it has."""
    gate = proxy.hold(Effect.TARGET_APPLY, moment)
    writing = asyncio.create_task(apply(proxied, kube, "late"))
    await gate.reached()
    writing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await writing
    gate.open()
    await apply(proxied, kube, "next")
    assert await is_there(kube, "next")
    assert await is_there(kube, "late") is (moment is Moment.AFTER)
    assert proxy.calls[0].is_forwarded is (moment is Moment.AFTER)


async def test_a_held_request_goes_on_when_the_gate_is_opened(
    kube: Kube, proxy: Proxy, proxied: Api
) -> None:
    gate = proxy.hold(Effect.TARGET_APPLY)
    writing = asyncio.create_task(apply(proxied, kube, "held"))
    await gate.reached()
    assert not await is_there(kube, "held")
    gate.open()
    await writing
    assert await is_there(kube, "held")


async def test_a_lost_request_has_no_effect_and_a_lost_answer_has_one(
    kube: Kube, proxy: Proxy, proxied: Api
) -> None:
    proxy.lose_request(Effect.TARGET_APPLY, name="a")
    proxy.lose_answer(Effect.TARGET_APPLY, name="b")
    for name in ("a", "b"):
        with pytest.raises(Retry):
            await apply(proxied, kube, name)
    assert not await is_there(kube, "a")
    assert await is_there(kube, "b")


async def test_an_answer_of_the_test_reads_like_one_of_the_api_server(
    kube: Kube, proxy: Proxy, proxied: Api
) -> None:
    proxy.answer(Effect.TARGET_APPLY, 422, message="denied by a policy")
    with pytest.raises(Refused, match="denied by a policy"):
        await apply(proxied, kube, "web")
    proxy.answer(Effect.TARGET_APPLY, 429, retry_after=7)
    with pytest.raises(Retry) as caught:
        await apply(proxied, kube, "web")
    assert caught.value.after is not None
    assert caught.value.after.total_seconds() == 7
    assert not await is_there(kube, "web")
    proxy.answer(Effect.TARGET_APPLY, 500, moment=Moment.AFTER)
    with pytest.raises(Retry):
        await apply(proxied, kube, "web")
    assert await is_there(kube, "web")


async def post_event(api: Api, kube: Kube, name: str) -> None:
    """Post an Event about the Secret `web`."""
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": kube.namespace},
        "involvedObject": {"kind": "Secret", "name": "web", "namespace": kube.namespace},
    }
    await api.create("Event", event, manager="test")


async def test_a_fault_waits_for_the_effects_that_it_follows(
    kube: Kube, proxy: Proxy, proxied: Api
) -> None:
    """Wrong: one that strikes earlier, out of order, or for another object's sake."""
    order = (Effect.TARGET_APPLY, Effect.EVENT)
    proxy.answer(Effect.TARGET_APPLY, 500, name="web", following=order)
    await apply(proxied, kube, "other")
    await post_event(proxied, kube, "one")
    await apply(proxied, kube, "web")
    await apply(proxied, kube, "web")
    await post_event(proxied, kube, "two")
    await apply(proxied, kube, "other")
    with pytest.raises(Retry):
        await apply(proxied, kube, "web")


async def test_a_watch_flows_is_closed_and_is_told_410(kube: Kube, proxy: Proxy) -> None:
    """Wrong: a proxy that keeps the events of a watch until it ends."""
    url = f"{proxy.url}{kube.path('Secret')}?watch=true"
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        async with asyncio.timeout(20), session.get(url) as watch:
            await kube.apply(secret("web", KEY="value"))
            assert b'"ADDED"' in await watch.content.readline()
            proxy.close_watches()
            assert await watch.content.read() == b""
        proxy.expire_watches()
        async with session.get(url) as watch:
            assert b'"code": 410' in await watch.content.read()


async def test_a_kubeconfig_leads_through_the_proxy(
    plane: ControlPlane, kube: Kube, proxy: Proxy
) -> None:
    file = plane.folder / "proxied.kubeconfig"
    file.write_text(yaml.safe_dump(proxy.kubeconfig(plane.kubeconfig_for(ADMIN_TOKEN))))
    api = Api(await load_access({"KUBECONFIG": str(file)}))
    await apply(api, kube, "web")
    await api.close()
    assert [call.effect for call in proxy.calls] == [Effect.TARGET_APPLY]
