"""What a stranger tried: forged and restored Secrets, policies that quote, endless pauses."""

import asyncio
import base64
import json
import resource
import secrets as chance
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from auth0_rotator.cluster import Api
from auth0_rotator.credential import ClientSecret, masked
from auth0_rotator.resource import Kind
from auth0_rotator.subject import ConnectionKey
from auth0_simulator import Operation
from controlplane import ControlPlane
from harness import Kube, Stage, connection, credentials, rotation
from harness.deletion import REVOKES, assert_gone, delete, messages
from harness.kube import GROUP
from harness.leaks import found
from harness.proxy import Effect, Proxy
from harness.secrets import create, saved, secret
from harness.stage import staged
from harness.story import ROTATION, ask, journal, refuse, silence_probes
from scenario.test_attacks_on_deletion import connect, forged  # noqa: F401 - a fixture

PREFIX = "auth0rotator.dev/"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
async def pstage(plane: ControlPlane, kube: Kube, proxied: Api) -> AsyncIterator[Stage]:
    async with staged(plane, kube, proxied) as stage:
        yield stage


async def annotate(stage: Stage, name: str, kind: str = "Secret", /, **told: str) -> None:
    marks = {f"{PREFIX}{key.replace('_', '-')}": text for key, text in told.items()}
    await stage.kube.merge(kind, name, {"metadata": {"annotations": marks}})


def unset(*fields: str) -> dict[str, Any]:
    return {"metadata": dict.fromkeys(fields)}


def forged_idle(stage: Stage, owner: str, client_id: str, reference: dict[str, Any]) -> dict[str, Any]:
    """A journal at rest: `current` is a value of its maker, committed just now."""
    body = forged(stage, owner, client_id, reference)
    plan = body["metadata"]["annotations"][f"{PREFIX}plan"]
    told = {"state": "idle", "plan": plan, "sequence": "1", "rotation-id": "X", "trigger": "manual",
            "rotated-at": stage.clock.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "client-id": client_id, "domain": stage.tenant.domain}  # fmt: skip
    body["metadata"]["annotations"] = {f"{PREFIX}{key}": text for key, text in told.items()}
    body["data"]["current"] = body["data"].pop("next")
    return body


# A target that counts further ---------------------------------------------------------------------


async def old_target_of_a_longer_life(stage: Stage) -> Any:
    """Return a client with a new life (sequence 1), whose target of sequence 4 was restored."""
    app = await stage.rotated()
    for number in range(3):
        await ask(stage, app, f"t{number}")
    old = await saved(stage.kube, "Secret", "web")
    await delete(stage)
    await assert_gone(stage)
    await stage.kube.delete("Secret", "web")
    await stage.kube.apply(rotation(app.client_id))
    await stage.settle()
    await stage.run_for(10 * MINUTE)
    assert app.changes == 5
    await stage.kube.delete("Secret", "web")
    await create(stage.kube, old)
    await stage.run_for(MINUTE)
    return app


async def test_a_restored_target_of_a_longer_life_is_not_believed_unasked(stage: Stage) -> None:
    app = await old_target_of_a_longer_life(stage)
    await stage.run_for(DAY)
    ready = await stage.kube.condition("web", "Ready")
    data = await stage.kube.secret("web")
    assert data["SECRET"] == app.secret or ready["status"] != "True", ready


async def test_handled_tokens_outlive_an_adoption(stage: Stage) -> None:
    app = await stage.rotated()
    await ask(stage, app, "tuesday")
    await annotate(stage, "web", sequence="9", handled="")
    await stage.run_for(HOUR)
    assert app.changes == 2


# Whom a cluster connection serves -----------------------------------------------------------------


async def test_a_forged_journal_revokes_no_client_that_is_not_admitted(
    stage: Stage,
    connect: Any,  # noqa: F811 - the fixture
) -> None:
    web, payroll = stage.tenant.add_app("web"), stage.tenant.add_app("payroll")
    reference = await connect(web.client_id)
    await stage.kube.apply(rotation(web.client_id, suspend=True, deletion=REVOKES, **reference))
    await stage.settle()
    owner = (await stage.kube.get(ROTATION, "web") or {})["metadata"]["uid"]
    await create(stage.kube, forged_idle(stage, owner, payroll.client_id, reference))
    await delete(stage)
    await stage.run_for(MINUTE)
    assert payroll.changes == 0


async def test_a_forged_journal_gives_its_maker_no_client_that_is_not_admitted(
    pstage: Stage, proxy: Proxy
) -> None:
    stage = pstage
    web, payroll = stage.tenant.add_app("web"), stage.tenant.add_app("payroll")
    name, path = f"shared-{stage.kube.namespace}", f"{GROUP}/clusterauth0connections"
    serves = {"names": [stage.kube.namespace], "clientIds": [web.client_id]}
    await stage.kube.apply(credentials(stage.tenant))
    body = connection(stage.simulator, name, allowedNamespaces=[serves])
    await stage.kube.send("POST", path, body | {"kind": "ClusterAuth0Connection"})
    reference: dict[str, Any] = {"connectionRef": {"kind": "ClusterAuth0Connection", "name": name}}
    await stage.kube.apply(rotation(web.client_id, **reference))
    await stage.settle()
    proxy.answer(Effect.TARGET_APPLY, 503)
    await ask(stage, web, **reference)
    assert web.changes == 2
    owner = (await stage.kube.get(ROTATION, "web") or {})["metadata"]["uid"]
    await stage.kube.merge("Secret", "web.journal", unset("finalizers"))
    await stage.kube.delete("Secret", "web.journal")
    await create(stage.kube, forged_idle(stage, owner, payroll.client_id, reference))
    await stage.run_for(MINUTE)
    await stage.kube.send("DELETE", f"{path}/{name}")
    assert payroll.changes == 0, f"the client's secret is {payroll.secret}"


async def test_a_namespace_that_is_not_admitted_any_more_revokes_nothing(
    stage: Stage,
    connect: Any,  # noqa: F811 - the fixture
) -> None:
    web = stage.tenant.add_app("web")
    reference = await connect(web.client_id)
    await stage.kube.apply(rotation(web.client_id, deletion=REVOKES, **reference))
    await stage.settle()
    path = f"{GROUP}/clusterauth0connections/{reference['connectionRef']['name']}"
    patch: dict[str, Any] = {"spec": {"allowedNamespaces": []}}
    await stage.kube.send("PATCH", path, patch, content_type="application/merge-patch+json")
    await stage.settle()
    await delete(stage)
    await stage.run_for(MINUTE)
    assert web.changes == 1


# Poison -------------------------------------------------------------------------------------------

RECORD = {"sequence": "1", "rotation-id": "x", "trigger": "manual", "client-id": "c", "domain": "d.e"}
POISON = [
    ("poison", "Opaque", RECORD | {"rotated-at": "0001-01-01T00:00:00+01:00"}),
    (
        "poison.journal",
        "auth0rotator.dev/journal",
        {"state": "idle", "late-until": "9999-12-31T23:59:59-01:00"},
    ),
    ("poison.journal", "auth0rotator.dev/journal", {"state": "idle", "plan": "[" * 200_000}),
]


@pytest.mark.parametrize(("name", "type_", "told"), POISON, ids=["target", "journal", "plan"])
async def test_one_secret_keeps_no_operator_from_starting(
    stage: Stage, name: str, type_: str, told: dict[str, str]
) -> None:
    app = await stage.rotated()
    body = secret(name, type_=type_, a="b")
    body["metadata"] |= {
        "labels": {f"{PREFIX}role": "target"},
        "annotations": {f"{PREFIX}{key}": text for key, text in told.items()},
    }
    await create(stage.kube, body)
    await stage.restart()
    await stage.settle()
    await stage.assert_delivered(app)


# Messages -----------------------------------------------------------------------------------------


async def conflict(stage: Stage, data: dict[str, str], *theirs: str, manager: str = "flux") -> None:
    """Merge a template into a Secret in which somebody else holds keys of ours."""
    app = stage.tenant.add_app("web")
    await stage.connect()
    await stage.kube.apply(secret("shared", **dict.fromkeys(theirs, "theirs")), manager=manager)
    target = {"name": "shared", "creationPolicy": "Merge", "template": {"data": data}}
    await stage.kube.apply(rotation(app.client_id, target=target))


def test_a_message_does_not_grow_threefold_with_each_hidden_value() -> None:
    """Catches a mask that masks its own marks."""
    text = 'Apply failed with 1 conflict: conflict with "flux" using v1: .data.SECRET'
    lengths = [len(masked(text, [ClientSecret("flux")] + [ClientSecret("*")] * n)) for n in (1, 5, 9)]
    assert lengths[2] < 1000, lengths


async def test_a_template_costs_no_memory(stage: Stage) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    await conflict(stage, {"A": "flux"} | {f"K{n}": "*" for n in range(16)}, "SECRET")
    await stage.settle()
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < 50


async def test_a_template_does_not_stop_the_event_loop(stage: Stage) -> None:
    data = {f"KEY{n}": chance.token_urlsafe(3072) for n in range(32)}
    await conflict(stage, data, *data, manager="kubectl-client-side-apply")
    longest, last = 0.0, time.monotonic()

    async def tick() -> None:
        nonlocal longest, last
        while True:
            await asyncio.sleep(0.01)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()

    ticking = asyncio.create_task(tick())
    await stage.settle()
    ticking.cancel()
    assert longest < 1


async def test_a_message_stays_readable(stage: Stage) -> None:
    await conflict(stage, {"TRACE": "1", "MODE": "a"}, "SECRET")
    await stage.settle()
    message = (await stage.kube.condition("web", "Stalled"))["message"]
    assert ".data.SECRET" in message, message


# Leaks --------------------------------------------------------------------------------------------

ADMISSION = "/apis/admissionregistration.k8s.io/v1"


async def quoting(stage: Stage, operation: str) -> None:
    """Have a policy that keeps the Secret web as it is, and quotes what stands there."""
    kube = stage.kube
    name = f"h2-{kube.namespace}"
    rules = [
        {"apiGroups": [""], "apiVersions": ["v1"], "operations": [operation], "resources": ["secrets"]}
    ]
    keeps = {
        "expression": "oldObject.metadata.name != 'web'",
        "messageExpression": "'web must stay: ' + string(oldObject.data['SECRET'])",
    }
    place = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": kube.namespace}}}
    policy = {"matchConstraints": {"resourceRules": rules}, "validations": [keeps]}
    binding = {"policyName": name, "validationActions": ["Deny"], "matchResources": place}
    for kind, spec in (
        ("ValidatingAdmissionPolicy", policy),
        ("ValidatingAdmissionPolicyBinding", binding),
    ):
        body = {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": kind,
            "metadata": {"name": name},
        }
        plural = (
            kind.lower().replace("policy", "policies") if kind.endswith("Policy") else kind.lower() + "s"
        )
        answer = await kube.send("POST", f"{ADMISSION}/{plural}", body | {"spec": spec})
        assert answer.is_success, answer.text

    async def is_in_force() -> bool:
        path = kube.path("Secret", "web") + "?dryRun=All"
        patch = ("PATCH", path, {"metadata": {"labels": {"x": "y"}}})
        request = patch if operation == "UPDATE" else ("DELETE", path, None)
        answer = await kube.send(*request, content_type="application/merge-patch+json")
        return answer.status_code in {403, 422}

    await kube.eventually(is_in_force)


async def public(stage: Stage) -> dict[str, str]:
    return {kind: json.dumps(await stage.kube.all(kind)) for kind in (ROTATION, "Event")}


@pytest.mark.parametrize("how", ["rotate", "rename", "rename and delete"])
async def test_a_policy_that_quotes_what_stands_there_leaks_nothing(stage: Stage, how: str) -> None:
    """`rotate` leaks the value that is live, for the dry run comes before the change."""
    spec: dict[str, Any] = {"deletion": {"deleteSecrets": True}} if how == "rename and delete" else {}
    app = await stage.rotated(**spec)
    await quoting(stage, "DELETE" if spec else "UPDATE")
    if how == "rotate":
        await ask(stage, app)
    else:
        await stage.kube.apply(rotation(app.client_id, target={"name": "elsewhere"}, **spec))
    await stage.run_for(MINUTE)
    assert app.changes == 1
    assert not found({app.secret}, await public(stage))


async def test_an_access_token_that_no_header_can_hold_is_not_told(stage: Stage) -> None:
    app = stage.tenant.add_app("web")
    token = "an-access-token-that-nobody-must-ever-read-0123456789"
    body = {"access_token": f"{token}\n", "scope": "update:client_keys", "expires_in": 86400}
    stage.tenant.answer(200, body, operation=Operation.TOKEN, times=1000)
    await stage.connect()
    await stage.kube.apply(rotation(app.client_id))
    await stage.run_for(MINUTE)
    assert not found({token}, await public(stage))


# Revocation ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_young", [True, False], ids=["young", "no probe tells"])
async def test_a_value_is_revoked_once(
    pstage: Stage,
    proxy: Proxy,
    is_young: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """The tenant says 200 at once; what fails is the write that takes our record from the target."""
    stage = pstage
    stage.clock.advance(-30 * MINUTE)
    await stage.restart()
    app = await stage.rotated(deletion=REVOKES)
    if not is_young:
        await stage.run_for(10 * MINUTE)
        silence_probes(stage.tenant)
    proxy.answer(Effect.TARGET_RELEASE, 503, times=2 if is_young else 1000)
    await delete(stage)
    await stage.run_for(35 * MINUTE)
    assert app.changes == 2, (app.changes, await messages(stage))


# Pauses -------------------------------------------------------------------------------------------


async def test_a_token_endpoint_that_asks_for_an_hour_is_left_alone(stage: Stage) -> None:
    stage.tenant.token_seconds = 60  # no token is kept
    app = await stage.rotated()
    hour = {"Retry-After": "3600"}
    stage.tenant.answer(429, {"error": "x"}, operation=Operation.TOKEN, times=10**6, headers=hour)
    before = len(stage.tenant.asked(Operation.TOKEN))
    try:
        await ask(stage, app)
    finally:
        assert len(stage.tenant.asked(Operation.TOKEN)) - before < 20


async def test_a_delivery_that_is_to_wait_for_an_hour_does_not_spin(pstage: Stage, proxy: Proxy) -> None:
    app = await pstage.rotated()
    proxy.answer(Effect.TARGET_APPLY, 429, retry_after=3600, times=10**6)
    try:
        await ask(pstage, app)
    finally:
        assert len(proxy.asked(Effect.TARGET_APPLY)) < 40


@pytest.mark.parametrize("seconds", [86_400, 10**17])
async def test_one_long_pause_of_the_api_server_keeps_no_target_away(
    pstage: Stage, proxy: Proxy, seconds: int
) -> None:
    app = await pstage.rotated()
    proxy.answer(Effect.TARGET_APPLY, 429, retry_after=seconds)
    await pstage.kube.delete("Secret", "web")
    await pstage.run_for(HOUR)
    await pstage.assert_delivered(app)


# Connections --------------------------------------------------------------------------------------


async def test_a_connection_that_is_edited_while_it_is_checked_is_checked_again(stage: Stage) -> None:
    """The answer to the status write shows the new spec first; its event is no news then."""
    app = stage.tenant.add_app("web")
    gate = stage.tenant.hold(Operation.TOKEN)
    await stage.connect()
    await stage.operator.take_stock()
    key = ConnectionKey(Kind.CONNECTION, stage.kube.namespace, "acme")
    checking = asyncio.create_task(stage.operator.work(key))
    await gate.reached()
    await stage.kube.apply(
        connection(stage.simulator, rateLimit={"requestsPerSecond": 500, "burst": 500})
    )
    gate.open()
    await checking
    await stage.kube.apply(rotation(app.client_id))
    await stage.run_for(DAY)
    assert app.changes == 1, await stage.kube.condition("web", "Ready")


PEM = "# Főtanúsítvány\n-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(
    "spec",
    [{"caBundle": base64.b64encode(PEM.encode()).decode()}, {"endpoint": "https://☃☃.example"}],
    ids=["bundle", "endpoint"],
)
async def test_a_connection_that_cannot_be_used_is_told_so(stage: Stage, spec: dict[str, Any]) -> None:
    await stage.kube.apply(credentials(stage.tenant), connection(stage.simulator, **spec))
    await stage.settle()
    found_ = await stage.kube.get("Auth0Connection", "acme") or {}
    assert found_["status"]["conditions"][0]["reason"] == "SpecInvalid"


async def test_a_token_that_lives_for_ever_breaks_nothing(stage: Stage) -> None:
    token = stage.tenant.issue(("update:client_keys",))
    body = {"access_token": token, "scope": "update:client_keys", "expires_in": int("9" * 400)}
    stage.tenant.answer(200, body, operation=Operation.TOKEN, times=1000)
    await stage.connect()
    await stage.settle()


# Smaller things -----------------------------------------------------------------------------------


async def test_current_ends_a_first_doubt_as_the_message_says(stage: Stage) -> None:
    app = stage.tenant.add_app("web")
    await stage.connect()
    silence_probes(stage.tenant)
    stage.tenant.lose_request()
    await stage.kube.apply(rotation(app.client_id))
    await stage.settle()
    refuse(stage.tenant)
    await stage.run_for(2 * MINUTE)
    assert "next (or current)" in (await stage.kube.condition("web", "Stalled"))["message"]
    await annotate(stage, "web", ROTATION, settle_doubt="current")
    await stage.run_for(10 * MINUTE)
    assert (await journal(stage)).state == "idle"
