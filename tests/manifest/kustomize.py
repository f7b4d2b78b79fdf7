"""What `kubectl apply -k` would apply: the few parts of kustomize that deploy/ uses.

Resources, one namespace for all, and patches that delete an object, or replace or add a value. Anything
else in a kustomization is an error here, so that no test passes over it. Where kubectl is
installed, a test holds this against the real thing.
"""

from pathlib import Path
from typing import Any, Final

import yaml

Manifest = dict[str, Any]

_KNOWN: Final = frozenset({"apiVersion", "kind", "namespace", "resources", "patches"})
_CLUSTER_SCOPED: Final = frozenset({"ClusterRole", "ClusterRoleBinding"})


def rendered(folder: Path, *, namespace: str | None = None) -> list[Manifest]:
    """Return the objects of a kustomization, all in `namespace` instead of the one that it names.

    Raises:
        ValueError: it uses a part of kustomize that is not understood here.
    """
    told = yaml.safe_load((folder / "kustomization.yaml").read_text())
    _check_known(told, _KNOWN, folder)
    manifests: list[Manifest] = []
    for name in told["resources"]:
        path = folder / name
        manifests += rendered(path) if path.is_dir() else documents(path)
    for patch in told.get("patches", []):
        manifests = _patched(manifests, patch)
    place = namespace or told.get("namespace")
    return [_moved(manifest, place) for manifest in manifests] if place else manifests


def documents(path: Path) -> list[Manifest]:
    """Return the objects of one file."""
    return [body for body in yaml.safe_load_all(path.read_text()) if body is not None]


def _patched(manifests: list[Manifest], patch: Manifest) -> list[Manifest]:
    _check_known(patch, frozenset({"target", "patch"}), patch)
    _check_known(patch["target"], frozenset({"kind"}), patch)
    kind, change = patch["target"]["kind"], yaml.safe_load(patch["patch"])
    chosen = [manifest for manifest in manifests if manifest["kind"] == kind]
    if not chosen:
        raise ValueError(f"there is no {kind} to patch")
    if isinstance(change, dict) and change.get("$patch") == "delete":
        return [manifest for manifest in manifests if manifest["kind"] != kind]
    for operation in change:
        for manifest in chosen:
            _change(manifest, operation)
    return manifests


def _change(manifest: Manifest, operation: Manifest) -> None:
    if operation["op"] not in {"add", "replace"}:
        raise ValueError(f"{operation} is not understood here")
    *parents, last = operation["path"].removeprefix("/").split("/")
    part: Any = manifest
    for name in parents:
        part = part[int(name)] if isinstance(part, list) else part[name]
    is_new = operation["op"] == "add"
    if is_new and last == "-":
        part.append(operation["value"])
        return
    if (last in part) is is_new:
        # What is added over something that is there would replace it without a word.
        raise ValueError(f"{operation['path']} is {'there already' if is_new else 'not there'}")
    part[last] = operation["value"]


def _moved(manifest: Manifest, namespace: str) -> Manifest:
    if manifest["kind"] not in _CLUSTER_SCOPED:
        manifest["metadata"]["namespace"] = namespace
    for subject in manifest.get("subjects", []):
        subject["namespace"] = namespace
    return manifest


def _check_known(told: Manifest, known: frozenset[str], where: object) -> None:
    if not told.keys() <= known:
        raise ValueError(f"{where}: {sorted(told.keys() - known)} is not understood here")
