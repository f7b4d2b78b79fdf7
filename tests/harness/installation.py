"""What an administrator installs: CRDs, and the rights of the operator's service account."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from controlplane import ControlPlane

ROOT: Final = Path(__file__).resolve().parent.parent.parent
OPERATOR_NAMESPACE: Final = "auth0-rotator-system"
SERVICE_ACCOUNT: Final = "auth0-rotator"
_PLURALS: Final = ("auth0clientsecretrotations", "auth0connections", "clusterauth0connections")
_PATHS: Final = {
    "CustomResourceDefinition": "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    "Namespace": "/api/v1/namespaces",
    "ServiceAccount": "/api/v1/namespaces/{namespace}/serviceaccounts",
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/roles",
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings",
}


@contextlib.contextmanager
def installed(*, is_lean: bool = False) -> Iterator[ControlPlane]:
    """Yield a control plane with garbage collection and our CRDs."""
    parts = ("etcd", "kube-apiserver", "kube-controller-manager")
    with ControlPlane(parts=parts, is_lean=is_lean) as plane:
        install_crds(plane)
        yield plane


def apply_manifest(plane: ControlPlane, body: dict[str, Any]) -> None:
    """Apply one object, as `kubectl apply --server-side` does."""
    metadata = body["metadata"]
    folder = _PATHS[body["kind"]].format(namespace=metadata.get("namespace", ""))
    status, answer = plane.request(
        "PATCH",
        f"{folder}/{metadata['name']}?fieldManager=installer&force=true",
        body,
        content_type="application/apply-patch+yaml",
    )
    assert status in {200, 201}, answer


def manifests(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects that a folder's kustomization lists, in its order."""
    listed = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
    for name in listed:
        if (folder / name).is_file():
            yield from filter(None, yaml.safe_load_all((folder / name).read_text()))


def install_crds(plane: ControlPlane) -> None:
    """Apply crds/, and return when the API server serves the kinds."""
    for file in sorted((ROOT / "crds").glob("*.yaml")):
        body = yaml.safe_load(file.read_text())
        if body["kind"] == "CustomResourceDefinition":
            apply_manifest(plane, body)
    for plural in _PLURALS:
        path = f"/apis/auth0rotator.dev/v1alpha1/{plural}"
        plane.wait(plural, lambda path=path: plane.request("GET", path)[0] == 200)  # type: ignore[misc]


def install_operator(plane: ControlPlane) -> str:
    """Apply what of deploy/base gives rights, and return a token of the service account."""
    for body in manifests(ROOT / "deploy" / "base"):
        if body["kind"] in _PATHS:
            apply_manifest(plane, body)
    status, answer = plane.request(
        "POST",
        f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/serviceaccounts/{SERVICE_ACCOUNT}/token",
        {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}},
    )
    assert status == 201, answer
    token: str = answer["status"]["token"]
    return token


def operator_kubeconfig(plane: ControlPlane) -> Path:
    """Return a kubeconfig of the operator's service account, which is installed for it."""
    file = plane.folder / "service-account.kubeconfig"
    file.write_text(yaml.safe_dump(plane.kubeconfig_for(install_operator(plane))))
    return file
