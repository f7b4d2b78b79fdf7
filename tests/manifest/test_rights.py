"""The shipped roles are enough for every call that the operator makes, and for nothing else.

The operator runs as a process under its own service account; the audit log says what it asked for.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from auth0_rotator.cluster.lease import LEASE_NAME
from auth0_rotator.subject import FREEZE
from auth0_simulator import App, Operation, Simulator
from controlplane import ControlPlane
from harness import Kube, connection, credentials, rotation
from harness.installation import OPERATOR_NAMESPACE, ROOT
from harness.process import OperatorProcess
from harness.secrets import secret
from harness.workloads import install_rollouts, restarts, workload
from manifest.kustomize import Manifest, rendered
from manifest.rights import Audit, Right, granted, token_for
from manifest.submission import apply, path_of

OVERLAY: Final = ROOT / "deploy" / "overlays" / "single-namespace"
GROUP: Final = "auth0rotator.dev"
RBAC: Final = "rbac.authorization.k8s.io"
ROTATION: Final = "Auth0ClientSecretRotation"
LEASE: Final = f"/apis/coordination.k8s.io/v1/namespaces/{{namespace}}/leases/{LEASE_NAME}"
# What of the overlay gives rights, and to whom.
_GIVES: Final = frozenset({"ServiceAccount", "Role", "RoleBinding"})
# A rotation is decided on an object that was seen within a second; one that waited longer is read.
LONGER_THAN_FRESH: Final = 1.2


@pytest.fixture(scope="module")
def token(plane: ControlPlane, installed: list[Manifest]) -> str:
    """A token of the service account of deploy/base."""
    assert installed
    return token_for(plane, OPERATOR_NAMESPACE)


@pytest.fixture(scope="module", autouse=True)
def _rollouts(plane: ControlPlane) -> None:
    install_rollouts(plane)


@asynccontextmanager
async def running(
    plane: ControlPlane, folder: Path, token: str, namespace: str, *flags: str
) -> AsyncIterator[OperatorProcess]:
    """Yield the operator, run as the bearer of `token` from `namespace`; stop it in the end."""
    # One that another test left would only be updated.
    plane.request("DELETE", LEASE.format(namespace=namespace))
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(json.dumps(plane.kubeconfig_for(token)))
    environment = {"POD_NAMESPACE": namespace}
    operator = OperatorProcess(kubeconfig, folder / "log", *flags, environment=environment)
    await operator.start()
    try:
        yield operator
    finally:
        code = await operator.stop()
    assert code == 0, operator.log.read_text()


async def tell_story(kube: Kube, simulator: Simulator) -> None:
    """Have the operator do everything that it can do in one namespace."""
    tenant = simulator.tenant
    app, leaving = tenant.add_app("web"), tenant.add_app("leaving")
    gone = {"deleteSecrets": True, "revokeGeneratedCredentials": True}
    await kube.apply(rotation(app.client_id, deletion=gone))
    await kube.eventually(lambda: told(kube, "web", "Ready", "ConnectionMissing"))
    await asyncio.sleep(LONGER_THAN_FRESH)
    await kube.apply(credentials(tenant), connection(simulator))
    await delivered(kube, "web", app)

    # Consumers of each kind; one of them replaces no pods by itself.
    await kube.apply(
        *(workload(kind) for kind in ("Deployment", "DaemonSet", "Rollout")),
        workload("StatefulSet", updateStrategy={"type": "OnDelete"}),
    )
    kinds = ("Deployment", "DaemonSet", "argo.Rollout", "StatefulSet")
    targets = restarts(*(f"{kind}/web" for kind in kinds))
    api = tenant.add_app("api")
    await kube.apply(rotation(api.client_id, "api", rolloutRestartTargets=targets))
    await kube.eventually(lambda: told(kube, "api", "ConsumersCurrent", "RollingOut"))

    # Consumers that nobody names, and what is looked at before an automatic rotation.
    gated = tenant.add_app("gated")
    await kube.apply(overdue("gated", gated, tenant.domain), workload(name="gated", reads="gated"))
    await kube.apply(rotation(gated.client_id, "gated", consumers="discover", restartGate=True))
    await delivered(kube, "gated", gated)
    await kube.eventually(lambda: told(kube, "gated", "ConsumersCurrent", "ConsumersCurrent"))

    # A target that is edited, moved, and given up.
    await kube.merge("Secret", "web", {"stringData": {"SECRET": "drift"}})
    await delivered(kube, "web", app)
    await kube.merge(ROTATION, "web", {"spec": {"target": {"name": "moved"}}})
    await delivered(kube, "moved", app)
    await kube.eventually(lambda: absent(kube, "Secret", "web"))

    # A rotation that is deleted in the middle of a change, in a namespace that stays.
    gate = tenant.hold(Operation.PATCH)
    await kube.apply(rotation(leaving.client_id, "leaving"))
    await gate.reached()
    await kube.delete(ROTATION, "leaving")
    gate.open()
    await kube.eventually(lambda: absent(kube, "Secret", "leaving.journal"))
    await delivered(kube, "leaving", leaving)

    # A rotation that takes everything along.
    await kube.delete(ROTATION, "web")
    await kube.eventually(lambda: absent(kube, ROTATION, "web"))
    await kube.eventually(lambda: absent(kube, "Secret", "web.journal"))
    assert tenant.asked(Operation.ROTATE)


def overdue(name: str, app: App, domain: str) -> dict[str, Any]:
    """Return the target that an older rotation left, years ago."""
    record = {
        "sequence": "1",
        "rotation-id": "01",
        "rotated-at": "2020-01-01T00:00:00Z",
        "trigger": "creation",
        "handled": "",
        "client-id": app.client_id,
        "domain": domain,
        "rotation": name,
        "secret-key": "SECRET",
    }
    body = secret(name, ID=app.client_id, SECRET=app.secret)
    body["metadata"] |= {
        "annotations": {f"auth0rotator.dev/{key}": text for key, text in record.items()},
        "labels": {"auth0rotator.dev/role": "target"},
    }
    return body


async def told(kube: Kube, name: str, condition: str, reason: str) -> bool:
    return (await kube.condition(name, condition)).get("reason") == reason


async def delivered(kube: Kube, name: str, app: App) -> None:
    async def holds_what_the_tenant_holds() -> bool:
        return app.changes > 0 and (await kube.secret(name)).get("SECRET") == app.secret

    await kube.eventually(holds_what_the_tenant_holds)


async def absent(kube: Kube, kind: str, name: str) -> bool:
    return await kube.get(kind, name) is None


async def test_the_base_is_all_that_is_needed_and_nothing_else(
    plane: ControlPlane, kube: Kube, installed: list[Manifest], token: str, tmp_path: Path
) -> None:
    audit = Audit.begin(plane, OPERATOR_NAMESPACE)
    try:
        async with (
            Simulator() as simulator,
            running(plane, tmp_path, token, OPERATOR_NAMESPACE, "--all-namespaces"),
            shared_connection(plane, kube, simulator) as name,
        ):
            await tell_story(kube, simulator)
            app = simulator.tenant.add_app("shared")
            reference = {"kind": "ClusterAuth0Connection", "name": name}
            await kube.apply(rotation(app.client_id, "shared", connectionRef=reference))
            await kube.eventually(lambda: told(kube, "shared", "Ready", "Delivered"))
            await kube.delete(ROTATION, "shared")
            await kube.eventually(lambda: absent(kube, "Secret", "shared.journal"))
    finally:
        # First, also where the story broke off: a refusal is why.
        assert not audit.asked(refused=True)
    assert audit.asked(refused=False) == granted(installed)


@asynccontextmanager
async def shared_connection(plane: ControlPlane, kube: Kube, simulator: Simulator) -> AsyncIterator[str]:
    """Yield the name of a cluster connection that admits the namespace by its label."""
    name = f"shared-{kube.namespace}"
    secret = credentials(simulator.tenant, name)
    secret["metadata"]["namespace"] = OPERATOR_NAMESPACE
    labels = {"kubernetes.io/metadata.name": kube.namespace}
    body = connection(
        simulator,
        name,
        credentialsSecretRef={"name": name},
        allowedNamespaces=[{"selector": {"matchLabels": labels}}],
    )
    body["kind"] = "ClusterAuth0Connection"
    for manifest in (secret, body):
        status, answer = apply(plane, manifest)
        assert status == 201, answer
    yield name
    for manifest in (body, secret):
        plane.request("DELETE", path_of(manifest))


async def test_the_overlay_is_all_that_one_namespace_needs(
    plane: ControlPlane, kube: Kube, overlay: list[Manifest], tmp_path: Path
) -> None:
    audit = Audit.begin(plane, kube.namespace)
    own = token_for(plane, kube.namespace)
    try:
        async with (
            Simulator() as simulator,
            running(plane, tmp_path, own, kube.namespace, f"--namespace={kube.namespace}"),
        ):
            await tell_story(kube, simulator)
    finally:
        # It asks once whether it may use cluster connections and watch namespaces, and takes no for
        # an answer.
        assert audit.asked(refused=True) == {
            Right(GROUP, "clusterauth0connections", "list"),
            Right("", "namespaces", "list"),
        }
    assert audit.asked(refused=False) == granted(overlay)
    for path in ("/api/v1/secrets", f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/secrets"):
        assert plane.request("GET", path, token=own)[0] == 403
    assert plane.request("GET", "/api/v1/namespaces/kube-system", token=own)[0] == 403


@pytest.mark.usefixtures("overlay")
async def test_the_overlay_lets_the_operator_see_that_its_namespace_is_frozen(
    plane: ControlPlane, kube: Kube, tmp_path: Path
) -> None:
    """Catches a freeze that holds only where namespaces may be watched."""
    freeze(plane, kube.namespace)
    own = token_for(plane, kube.namespace)
    async with (
        Simulator() as simulator,
        running(plane, tmp_path, own, kube.namespace, f"--namespace={kube.namespace}"),
    ):
        app = simulator.tenant.add_app("web")
        await kube.apply(credentials(simulator.tenant), connection(simulator), rotation(app.client_id))
        await kube.eventually(lambda: told(kube, "web", "Reconciling", "Frozen"))
        assert app.changes == 0


async def test_the_base_lets_the_operator_see_that_a_namespace_is_frozen_and_thaws(
    plane: ControlPlane, kube: Kube, token: str, tmp_path: Path
) -> None:
    """Catches a watch that shows no namespace that was frozen before the start, or only those."""
    freeze(plane, kube.namespace)
    async with (
        Simulator() as simulator,
        running(plane, tmp_path, token, OPERATOR_NAMESPACE, "--all-namespaces"),
    ):
        app = simulator.tenant.add_app("web")
        await kube.apply(credentials(simulator.tenant), connection(simulator), rotation(app.client_id))
        await kube.eventually(lambda: told(kube, "web", "Reconciling", "Frozen"))
        assert app.changes == 0
        freeze(plane, kube.namespace, None)
        await delivered(kube, "web", app)
        freeze(plane, kube.namespace)
        await kube.eventually(lambda: told(kube, "web", "Reconciling", "Frozen"))


@pytest.fixture
def overlay(plane: ControlPlane, kube: Kube) -> list[Manifest]:
    """What deploy/overlays/single-namespace gives to one namespace, applied."""
    manifests = [
        one for one in rendered(OVERLAY, namespace=kube.namespace) if one["kind"] != "Deployment"
    ]
    for manifest in manifests:
        status, answer = apply(plane, manifest)
        assert status == 201, answer
    return manifests


def freeze(plane: ControlPlane, namespace: str, value: str | None = "true") -> None:
    """Label a namespace, or take the label away."""
    status, answer = plane.request(
        "PATCH",
        f"/api/v1/namespaces/{namespace}",
        {"metadata": {"labels": {FREEZE: value}}},
        content_type="application/merge-patch+json",
    )
    assert status == 200, answer


# What the operator has no business with: verb, group, resource with subresource, namespace.
FORBIDDEN: Final = (
    # Its own kinds belong to users: it reports on them, and no more.
    ("create", GROUP, "auth0clientsecretrotations", "default"),
    ("update", GROUP, "auth0clientsecretrotations", "default"),
    ("delete", GROUP, "auth0clientsecretrotations", "default"),
    ("deletecollection", GROUP, "auth0clientsecretrotations", "default"),
    ("update", GROUP, "auth0clientsecretrotations/status", "default"),
    ("patch", GROUP, "auth0connections", "default"),
    ("delete", GROUP, "auth0connections", "default"),
    ("create", GROUP, "clusterauth0connections", ""),
    ("patch", GROUP, "clusterauth0connections", ""),
    ("delete", GROUP, "clusterauth0connections", ""),
    ("update", "apiextensions.k8s.io", "customresourcedefinitions", ""),
    ("get", "apiextensions.k8s.io", "customresourcedefinitions", ""),
    # Secrets it handles one by one.
    ("deletecollection", "", "secrets", "default"),
    # Events it posts, and reads none.
    ("list", "", "events", "default"),
    ("patch", "", "events", "default"),
    # Namespaces it reads; who freezes or admits them is for others to say.
    ("update", "", "namespaces", ""),
    ("patch", "", "namespaces", ""),
    ("create", "", "namespaces", ""),
    ("delete", "", "namespaces", ""),
    # Everything else is none of its business.
    ("get", "", "pods", "default"),
    ("create", "", "pods", "default"),
    ("create", "", "pods/exec", "default"),
    ("list", "", "nodes", ""),
    ("get", "", "configmaps", "default"),
    ("get", "", "serviceaccounts", "default"),
    ("create", "", "serviceaccounts/token", OPERATOR_NAMESPACE),
    # Workloads it finds and marks; none is watched, made, scaled or deleted by it.
    ("watch", "apps", "deployments", "default"),
    ("patch", "policy", "poddisruptionbudgets", "default"),
    ("update", "apps", "statefulsets", "default"),
    ("delete", "apps", "daemonsets", "default"),
    ("patch", "apps", "deployments/scale", "default"),
    ("get", "apps", "replicasets", "default"),
    ("get", "coordination.k8s.io", "leases", "default"),
    ("create", "coordination.k8s.io", "leases", "default"),
    ("list", "coordination.k8s.io", "leases", OPERATOR_NAMESPACE),
    ("delete", "coordination.k8s.io", "leases", OPERATOR_NAMESPACE),
    ("get", "coordination.k8s.io", "leases", "kube-system"),
    ("create", RBAC, "clusterrolebindings", ""),
    ("escalate", RBAC, "clusterroles", ""),
    ("bind", RBAC, "clusterroles", ""),
    ("impersonate", "", "users", ""),
    ("create", "admissionregistration.k8s.io", "validatingwebhookconfigurations", ""),
)


def may(plane: ControlPlane, token: str, right: Right, namespace: str, name: str = "") -> bool:
    """Return what the API server says to the bearer of `token` who asks whether it may."""
    resource, _, part = right.resource.partition("/")
    attributes = {
        "verb": right.verb,
        "group": right.group,
        "resource": resource,
        "subresource": part,
        "namespace": namespace,
        "name": name,
    }
    body = {"spec": {"resourceAttributes": attributes}}
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    status, answer = plane.request("POST", path, body, token=token)
    assert status == 201, answer
    return bool(answer["status"]["allowed"])


@pytest.mark.parametrize(
    ("right", "namespace"),
    [
        pytest.param(
            Right(group, resource, verb), namespace, id=f"{verb} {resource} {namespace}".strip()
        )
        for verb, group, resource, namespace in FORBIDDEN
    ],
)
def test_the_operator_may_not(plane: ControlPlane, token: str, right: Right, namespace: str) -> None:
    assert not may(plane, token, right, namespace)


def test_the_only_lease_is_its_own(plane: ControlPlane, token: str) -> None:
    update = Right("coordination.k8s.io", "leases", "update")
    assert may(plane, token, update, OPERATOR_NAMESPACE, LEASE_NAME)
    assert not may(plane, token, update, OPERATOR_NAMESPACE, "another")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", f"/apis/{GROUP}/v1alpha1/namespaces/default/auth0clientsecretrotations/web"),
        ("GET", "/api/v1/namespaces/default/pods/web"),
        ("POST", "/api/v1/namespaces/default/pods"),
        ("GET", "/api/v1/nodes"),
        ("GET", "/api/v1/namespaces/default/configmaps/kube-root-ca.crt"),
        ("GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"),
    ],
    ids=lambda text: text.rpartition("/")[2],
)
def test_a_real_call_is_refused(plane: ControlPlane, token: str, method: str, path: str) -> None:
    status, answer = plane.request(method, path, {} if method == "POST" else None, token=token)
    assert status == 403, answer


def test_every_role_says_why() -> None:
    """A rule without its reason is one that nobody dares to take away."""
    for file in (ROOT / "deploy").rglob("*role.yaml"):
        lines = file.read_text().splitlines()
        rules = [number for number, line in enumerate(lines) if line.startswith("- apiGroups")]
        assert rules
        for number in rules:
            assert lines[number - 1].startswith("# "), f"{file}:{number + 1}"
