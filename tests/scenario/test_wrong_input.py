"""Wrong input gets one clear sentence, loses nothing, and never becomes a loop."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from auth0_simulator import Operation
from harness import Stage, connection, credentials, rotation

Setting = Callable[[Stage], Awaitable[str]]


async def no_connection(stage: Stage) -> str:
    return stage.tenant.add_app("web").client_id


async def no_credentials(stage: Stage) -> str:
    await stage.kube.apply(connection(stage.simulator))
    return stage.tenant.add_app("web").client_id


async def no_key(stage: Stage) -> str:
    await stage.connect()
    await stage.kube.merge("Secret", "auth0-management", {"data": {"clientSecret": None}})
    return stage.tenant.add_app("web").client_id


async def wrong_secret(stage: Stage) -> str:
    secret = credentials(stage.tenant)
    secret["stringData"]["clientSecret"] = "not-the-secret"
    await stage.kube.apply(secret, connection(stage.simulator))
    return stage.tenant.add_app("web").client_id


async def no_scope(stage: Stage) -> str:
    stage.tenant.with_scopes("read:clients")
    await stage.connect()
    return stage.tenant.add_app("web").client_id


async def no_grant(stage: Stage) -> str:
    stage.tenant.manager.audiences = {}
    await stage.connect()
    return stage.tenant.add_app("web").client_id


async def wrong_audience(stage: Stage) -> str:
    await stage.connect(audience="https://elsewhere.eu.auth0.com/api/v2/")
    return stage.tenant.add_app("web").client_id


async def no_grant_type(stage: Stage) -> str:
    stage.tenant.manager.grant_types = ("authorization_code",)
    await stage.connect()
    return stage.tenant.add_app("web").client_id


async def unknown_client(stage: Stage) -> str:
    await stage.connect()
    return "NoSuchClient"


async def unknown_client_unread(stage: Stage) -> str:
    stage.tenant.with_scopes("update:client_keys")
    await stage.connect()
    return "NoSuchClient"


async def key_client(stage: Stage) -> str:
    await stage.connect()
    return stage.tenant.add_app("web", uses_key=True).client_id


async def key_client_unseen(stage: Stage) -> str:
    stage.tenant.hide_authentication_methods()
    return await key_client(stage)


async def public_client(stage: Stage) -> str:
    await stage.connect()
    return stage.tenant.add_app("web", auth_method="none").client_id


async def global_client(stage: Stage) -> str:
    await stage.connect()
    return stage.tenant.add_app("web", is_global=True).client_id


async def own_client(stage: Stage) -> str:
    await stage.connect()
    return stage.tenant.manager.client_id


async def unreachable_tenant(stage: Stage) -> str:
    await stage.connect(endpoint="http://127.0.0.1:1")
    return stage.tenant.add_app("web").client_id


async def foreign_secret(stage: Stage) -> str:
    await stage.connect()
    await stage.kube.apply(
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "web"}, "stringData": {"a": "b"}}
    )
    return stage.tenant.add_app("web").client_id


# Nobody wants a rotation there: there is nothing to fail.
NO_ATTEMPT = {own_client}


@dataclass(frozen=True)
class Case:
    """One fault, and what is told of it."""

    setting: Setting
    reason: str
    words: tuple[str, ...]
    is_stalled: bool = False


# What may yet come by itself (a connection, a Secret, a network) needs nobody; the rest is stalled.
CASES = [
    Case(no_connection, "ConnectionMissing", ("Auth0Connection acme", "create it")),
    Case(no_credentials, "ConnectionNotReady", ("SecretMissing", "auth0-management", "create it")),
    Case(no_key, "ConnectionNotReady", ("SecretMissing", "clientSecret")),
    Case(wrong_secret, "ConnectionNotReady", ("CredentialsRefused", "401", "correct"), is_stalled=True),
    Case(
        no_scope, "ConnectionNotReady", ("ScopeMissing", "update:client_keys", "grant"), is_stalled=True
    ),
    Case(no_grant, "ConnectionNotReady", ("GrantMissing", "authorize the application"), is_stalled=True),
    Case(wrong_audience, "ConnectionNotReady", ("AudienceUnknown", "spec.audience"), is_stalled=True),
    Case(
        no_grant_type, "ConnectionNotReady", ("GrantTypeRefused", "client_credentials"), is_stalled=True
    ),
    Case(unreachable_tenant, "ConnectionNotReady", ("Unreachable", "cannot be reached")),
    Case(
        unknown_client,
        "ClientUnknown",
        ("404", "does not exist", "NoSuchClient", "spec.parameters.clientId"),
        is_stalled=True,
    ),
    Case(unknown_client_unread, "ClientUnknown", ("404", "does not exist"), is_stalled=True),
    Case(key_client, "ClientUnsuitable", ("private_key_jwt",), is_stalled=True),
    Case(key_client_unseen, "RequestRefused", ("400", "does not log in by a secret"), is_stalled=True),
    Case(public_client, "ClientUnsuitable", ("none",), is_stalled=True),
    Case(global_client, "ClientUnsuitable", ("global client",), is_stalled=True),
    Case(own_client, "OwnClient", ("operator itself",), is_stalled=True),
    Case(foreign_secret, "TargetForeign", ("Secret web", "target.name"), is_stalled=True),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.setting.__name__)
async def test_a_fault_is_told_in_one_sentence_and_changes_nothing(stage: Stage, case: Case) -> None:
    client_id = await case.setting(stage)
    await stage.kube.apply(rotation(client_id))
    await stage.settle()
    ready = await stage.kube.condition("web", "Ready")
    stalled = await stage.kube.condition("web", "Stalled")
    assert ready["status"] == "False"
    assert ready["reason"] == case.reason
    for word in case.words:
        assert word in ready["message"]
    assert stalled["status"] == str(case.is_stalled)
    assert not [entry for entry in stage.tenant.asked() if entry.had_effect]
    assert await stage.kube.secret("web") in ({}, {"a": "b"})
    assert "Traceback" not in str(await stage.kube.events())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.setting.__name__)
async def test_a_fault_is_retried_with_a_back_off_and_never_in_a_loop(stage: Stage, case: Case) -> None:
    client_id = await case.setting(stage)
    await stage.kube.apply(rotation(client_id))
    await stage.settle()
    await stage.run_for(timedelta(minutes=30))
    # After 1, 2, 4, 8 and 16 minutes, with up to a quarter more: five or six tries in half an hour.
    failures = (await stage.kube.status("web"))["failedAttempts"]
    assert failures in ({0} if case.setting in NO_ATTEMPT else {5, 6})
    assert len(stage.tenant.asked(Operation.PATCH)) <= failures
    assert len(stage.tenant.asked(Operation.READ)) <= failures
    assert sum(1 for reason, _ in await stage.kube.events() if reason == "RotationFailed") == failures


async def test_what_was_missing_is_noticed_when_it_comes(stage: Stage) -> None:
    app = stage.tenant.add_app("web")
    await stage.kube.apply(rotation(app.client_id))
    await stage.settle()
    await stage.kube.apply(connection(stage.simulator))
    await stage.settle()
    assert app.changes == 0
    await stage.kube.apply(credentials(stage.tenant))
    await stage.run_for(timedelta(seconds=61))
    assert app.changes == 1
    await stage.assert_delivered(app)
    assert (await stage.kube.condition("web", "Stalled"))["status"] == "False"


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"rotationInterval": 0}, "greater than or equal to 1"),
        ({"rotationInterval": "30"}, "rotationInterval"),
        ({"secretsMapping": {"clientId": "A", "clientSecret": "A"}}, "must all be different"),
        ({"rotationIntervall": 30}, "unknown field"),
        ({"parameters": {"clientId": "  "}}, "clientId"),
    ],
    ids=["interval 0", "interval as text", "equal keys", "unknown field", "blank client"],
)
async def test_the_api_server_refuses_a_wrong_manifest(
    stage: Stage, spec: dict[str, Any], words: str
) -> None:
    body = rotation("SomeClient", **spec)
    path = stage.kube.path("Auth0ClientSecretRotation") + "?fieldValidation=Strict"
    answer = await stage.kube.send("POST", path, body)
    assert answer.status_code in {400, 422}
    assert words in answer.json()["message"]
