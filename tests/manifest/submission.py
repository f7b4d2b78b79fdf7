"""Objects of any kind, sent as kubectl sends them."""

import json
import urllib.request
from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final

from controlplane import ControlPlane
from controlplane.plane import ADMIN_TOKEN

Answer = tuple[int, Any]

_GROUP: Final = "/apis/auth0rotator.dev/v1alpha1"
_RBAC: Final = "/apis/rbac.authorization.k8s.io/v1"
# Where each kind is served; the namespace goes between the two where there is one.
_FOLDERS: Final = {
    "Namespace": ("/api/v1", "namespaces"),
    "Pod": ("/api/v1", "pods"),
    "Secret": ("/api/v1", "secrets"),
    "ServiceAccount": ("/api/v1", "serviceaccounts"),
    "Deployment": ("/apis/apps/v1", "deployments"),
    "PodDisruptionBudget": ("/apis/policy/v1", "poddisruptionbudgets"),
    "ClusterRole": (_RBAC, "clusterroles"),
    "ClusterRoleBinding": (_RBAC, "clusterrolebindings"),
    "Role": (_RBAC, "roles"),
    "RoleBinding": (_RBAC, "rolebindings"),
    "Auth0ClientSecretRotation": (_GROUP, "auth0clientsecretrotations"),
    "Auth0Connection": (_GROUP, "auth0connections"),
    "ClusterAuth0Connection": (_GROUP, "clusterauth0connections"),
}
_CLUSTER_SCOPED: Final = frozenset(
    {"Namespace", "ClusterRole", "ClusterRoleBinding", "ClusterAuth0Connection"}
)


def folder_of(kind: str, namespace: str) -> str:
    """Return the API path of the objects of a kind; `namespace` counts where the kind has one."""
    base, plural = _FOLDERS[kind]
    return f"{base}/{plural}" if kind in _CLUSTER_SCOPED else f"{base}/namespaces/{namespace}/{plural}"


def path_of(manifest: Mapping[str, Any], namespace: str = "default") -> str:
    """Return the API path of an object, in `namespace` where it names none."""
    metadata = manifest["metadata"]
    return f"{folder_of(manifest['kind'], metadata.get('namespace', namespace))}/{metadata['name']}"


def apply(plane: ControlPlane, manifest: Mapping[str, Any], namespace: str = "default") -> Answer:
    """Apply an object as `kubectl apply --server-side` does, unknown fields refused."""
    return plane.request(
        "PATCH",
        path_of(manifest, namespace) + "?fieldManager=kubectl&fieldValidation=Strict",
        manifest,
        content_type="application/apply-patch+yaml",
    )


def tried(plane: ControlPlane, manifest: Mapping[str, Any]) -> Answer:
    """Have the API server check and default a new object as `kubectl create` does; nothing is kept."""
    folder = folder_of(manifest["kind"], "default")
    return plane.request("POST", f"{folder}?dryRun=All&fieldValidation=Strict", manifest)


def changed(manifest: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a manifest with other values under these dotted paths; None takes a field away."""
    result: dict[str, Any] = deepcopy(dict(manifest))
    for path, value in changes.items():
        *parents, last = path.split(".")
        part = result
        for name in parents:
            part = part.setdefault(name, {})
        if value is None:
            part.pop(last, None)
        else:
            part[last] = value
    return result


def table(plane: ControlPlane, folder: str) -> dict[str, Any]:
    """Return what `kubectl get` prints, as the API server hands it out."""
    request = urllib.request.Request(  # noqa: S310 - always our own https URL
        plane.url + folder,
        headers={
            "Authorization": f"Bearer {ADMIN_TOKEN}",
            "Accept": "application/json;as=Table;v=v1;g=meta.k8s.io",
        },
    )
    with urllib.request.urlopen(request, timeout=30, context=plane.trust) as answer:  # noqa: S310
        body: dict[str, Any] = json.loads(answer.read())
    return body
