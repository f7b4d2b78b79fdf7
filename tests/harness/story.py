"""What many stories say: a person asks for a rotation, time goes by, and how every story must end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from auth0_simulator import App, Entry, Operation, Tenant
from harness.manifests import rotation
from harness.secrets import values_of
from harness.stage import Stage

ROTATION = "Auth0ClientSecretRotation"
# The next value is announced as soon as the last one is delivered: the interval is shorter.
ANNOUNCING: Final[dict[str, Any]] = {
    "rotationInterval": 30,
    "secretsMapping": {"clientId": "ID", "clientSecret": "SECRET", "nextClientSecret": "NEXT"},
    "nextSecretLeadTime": "744h",
}


@dataclass(frozen=True)
class Seen:
    """The journal as it stands in the cluster."""

    state: str
    finalizers: list[str]
    values: dict[str, str]


async def journal(stage: Stage, name: str = "web") -> Seen:
    """Return the journal of a rotation, which must be there."""
    found = await stage.kube.get("Secret", f"{name}.journal")
    assert found is not None, "the journal is gone"
    return seen_of(found)


def seen_of(body: dict[str, Any]) -> Seen:
    """Return the journal that a Secret is."""
    metadata = body["metadata"]
    return Seen(
        state=metadata["annotations"]["auth0rotator.dev/state"],
        finalizers=metadata.get("finalizers", []),
        values=values_of(body),
    )


async def ask(stage: Stage, app: App, token: str = "again", name: str = "web", **spec: Any) -> None:
    """Ask for a rotation, as a person does, and let the operator do what it can at this instant."""
    annotations = {"auth0rotator.dev/rotate-now": token} | spec.pop("annotations", {})
    await stage.kube.apply(rotation(app.client_id, name, annotations=annotations, **spec))
    await stage.settle()


async def skip(stage: Stage, by: timedelta) -> None:
    """Let time go by at once: of all that was wanted meanwhile, the operator does each once."""
    stage.clock.advance(by)
    await stage.settle()


def sent(stage: Stage) -> list[str]:
    """Return every value that was sent for a change after the first rotation, in order."""
    return [entry.value for entry in stage.tenant.asked(Operation.PATCH)][1:]


def sent_of(stage: Stage, app: App) -> list[str]:
    """Return every value that was sent for a change of this client after its first rotation."""
    asked = stage.tenant.asked(Operation.PATCH)
    return [entry.value for entry in asked if entry.client_id == app.client_id][1:]


def refusal(status: int, message: str, code: str = "invalid_body") -> dict[str, object]:
    """Return the Management API's error envelope."""
    return {"statusCode": status, "error": "Refused", "message": message, "errorCode": code}


def refuse(tenant: Tenant, status: int = 403, message: str = "no") -> None:
    """Have the tenant refuse every change until its faults are cleared."""
    tenant.answer(status, refusal(status, message), times=1000)


def silence_probes(tenant: Tenant, status: int = 503, **answer: Any) -> None:
    """Have no probe answered sensibly until the tenant's faults are cleared."""
    tenant.answer(status, operation=Operation.PROBE, times=1000, **({"text": "<html>"} | answer))


async def lose(stage: Stage, app: App, **spec: Any) -> Entry:
    """Ask for a rotation whose request is lost on its way, and return that request."""
    stage.tenant.lose_request()
    await ask(stage, app, **spec)
    assert (await journal(stage)).state == "sending"
    return stage.tenant.asked(Operation.PATCH)[-1]


async def land(stage: Stage, app: App, lost: Entry) -> None:
    """Let a lost request take effect now."""
    stage.tenant.change_later(app, lost, 0)
    await landed(stage, lost)


async def landed(stage: Stage, lost: Entry) -> None:
    """Return when a lost request has taken effect."""

    async def has_landed() -> bool:
        return lost.had_effect

    await stage.kube.eventually(has_landed)


async def reasons(stage: Stage) -> list[str]:
    """Return the reasons of all Events, oldest first."""
    return [reason for reason, _ in await stage.kube.events()]


async def assert_refused(stage: Stage, app: App, name: str = "web") -> str:
    """A first refusal: nothing changed, the old value works, the chosen one is kept. Return that."""
    seen = await journal(stage, name)
    assert (seen.state, seen.finalizers) == ("idle", [])
    assert app.changes == 1
    await stage.assert_delivered(app, name)
    assert (await stage.kube.status(name))["rotationStatus"] == "failed"
    assert (await stage.kube.condition(name, "Ready"))["status"] == "True"
    return seen.values["next"]


async def assert_at_peace(stage: Stage, app: App, *, changes: int, name: str = "web") -> None:
    """All is told and delivered: so many real changes, nothing open, nothing held, nothing wrong."""
    asked = (("Secret", name), ("Secret", f"{name}.journal"), (ROTATION, name))
    found = [await stage.kube.get(kind, name) for kind, name in asked]
    _assert_at_peace(stage, app, changes, found)


async def assert_all_at_peace(stage: Stage, apps: Mapping[str, App], *, changes: int) -> None:
    """The same of each of these, by the names of their rotations."""
    secrets, rotations = [
        {body["metadata"]["name"]: body for body in await stage.kube.all(kind)}
        for kind in ("Secret", ROTATION)
    ]
    for name, app in apps.items():
        found = secrets.get(name), secrets.get(f"{name}.journal"), rotations.get(name)
        _assert_at_peace(stage, app, changes, found)


def _assert_at_peace(
    stage: Stage, app: App, changes: int, found: Sequence[dict[str, Any] | None]
) -> None:
    target, kept, rotation = found
    assert app.changes == changes, app.name
    assert target is not None, app.name
    assert kept is not None, app.name
    assert rotation is not None, app.name
    values, seen = values_of(target), seen_of(kept)
    assert values["ID"] == app.client_id
    assert values["SECRET"] == app.secret
    assert stage.tenant.accepts(app.client_id, app.secret)
    assert (seen.state, seen.finalizers) == ("idle", [])
    assert seen.values["current"] == app.secret
    # What comes next is known only where it is announced.
    following = values.get("NEXT")
    assert following != app.secret
    assert seen.values.get("next") == following
    assert "finalizers" not in rotation["metadata"]
    status = rotation["status"]
    assert status["rotationStatus"] == "success"
    conditions = {entry["type"]: entry["status"] for entry in status["conditions"]}
    assert conditions["Ready"] == "True"
    assert conditions["Stalled"] == "False"
