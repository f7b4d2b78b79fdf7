"""No secret value outside a Secret: every place that the operator writes to is searched."""

import base64
import json

from auth0_simulator import App, Moment, Operation, Simulator
from controlplane import ControlPlane
from harness import Kube, connection, credentials, rotation
from harness.leaks import found, quote_refusals
from harness.process import NewOperator, OperatorProcess
from harness.waiting import ROTATION, ask


async def places(plane: ControlPlane, kube: Kube, operator: OperatorProcess) -> dict[str, str]:
    """Return everything that the operator wrote, Secrets apart."""
    objects = {kind: json.dumps(await kube.all(kind)) for kind in (ROTATION, "Auth0Connection", "Event")}
    leases = await kube.send("GET", "/apis/coordination.k8s.io/v1/leases")
    return {
        "log": operator.log.read_text(),
        "audit log": plane.audit_log.read_text(),
        "metrics": operator.scrape(),
        "command line": operator.command_line(),
        "leases": leases.text,
        **objects,
    }


async def values_in(kube: Kube, simulator: Simulator) -> set[str]:
    """Return every secret value that was ever there: journals, requests, credentials, tokens."""
    values = {entry.value for entry in simulator.tenant.asked() if entry.value}
    values |= {simulator.tenant.manager.secret, *simulator.tenant.tokens}
    for app in simulator.tenant.apps.values():
        values |= {app.secret, *app.past}
    for secret in await kube.all("Secret"):
        if secret["type"] == "auth0rotator.dev/journal":
            values |= {
                base64.b64decode(value).decode(errors="ignore") for value in secret["data"].values()
            }
    return values


async def test_no_value_stands_anywhere_but_in_secrets(
    plane: ControlPlane, kube: Kube, simulator: Simulator, new_operator: NewOperator
) -> None:
    tenant = simulator.tenant
    await quote_refusals(kube)
    await kube.apply(credentials(tenant), connection(simulator))
    operator = new_operator("--log-level=debug")
    await operator.start()
    app = tenant.add_app("web")
    await kube.apply(rotation(app.client_id))
    await _changed(kube, app, 1)
    # A message that quotes the value, an answer that is lost, one that is no JSON, a 5xx after all.
    tenant.answer(400, quotes_value=True)
    await ask(kube, "quoted")
    await _told(kube, "RotationFailed")
    tenant.lose_answer(Operation.PATCH)
    tenant.answer(502, text="<html>a proxy</html>", moment=Moment.AFTER)
    await ask(kube, "lost")
    await _changed(kube, app, 2)
    # A policy that quotes the value, a drifted value, an unreadable journal.
    refused = tenant.add_app("refused")
    mapping = {"clientId": "ID", "clientSecret": "REFUSED"}
    await kube.apply(rotation(refused.client_id, "refused", secretsMapping=mapping))
    await _told(kube, "RotationFailed", times=2)
    await kube.merge("Secret", "web", {"data": {"SECRET": "bm90LXRoZS12YWx1ZQ=="}})
    await _changed(kube, app, 2)
    await kube.merge("Secret", "web.journal", {"data": {"current": "/w=="}})
    await _told(kube, "JournalUnreadable")
    everywhere = await places(plane, kube, operator)
    values = await values_in(kube, simulator) - {"not-the-value", ""}
    assert len(values) > 5
    # The search itself must be able to find: raw, in base64, and half a value.
    leaked = dict(everywhere) | {"planted": f"oh: {app.secret}"}
    assert found(values, leaked)
    leaked["planted"] = base64.b64encode(app.secret.encode()).decode()
    assert found(values, leaked)
    leaked["planted"] = app.secret[: len(app.secret) // 2]
    assert found(values, leaked)
    assert found(values, everywhere) == []


async def _changed(kube: Kube, app: App, changes: int) -> None:
    async def is_delivered() -> bool:
        return app.changes == changes and (await kube.secret("web")).get("SECRET") == app.secret

    await kube.eventually(is_delivered)


async def _told(kube: Kube, reason: str, *, times: int = 1) -> None:
    async def is_told() -> bool:
        return [told for told, _ in await kube.events()].count(reason) >= times

    await kube.eventually(is_told, what=reason)
