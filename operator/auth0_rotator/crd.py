"""Writes the CustomResourceDefinitions from the images: `python -m auth0_rotator.crd FOLDER`."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from auth0_rotator.resource import (
    GROUP,
    VERSION,
    ClusterConnectionSpec,
    ConnectionSpec,
    Kind,
    RotationSpec,
)
from auth0_rotator.resource.image import Image, rule
from auth0_rotator.resource.rotation import ROTATION_NAME_LENGTH
from auth0_rotator.resource.status import ConnectionStatus, RotationStatus
from auth0_rotator.resource.target import JOURNAL_SUFFIX

# Parts of a JSON schema that say nothing a structural schema may say.
_DROPPED: Final = frozenset({"title", "$defs", "additionalProperties", "const"})
# What every object shows from its first instant, before the operator has seen it.
_UNSEEN: Final[dict[str, Any]] = {
    "observedGeneration": -1,
    "conditions": [
        {
            "type": "Ready",
            "status": "Unknown",
            "observedGeneration": -1,
            "reason": "Pending",
            "message": "the operator has not seen this object yet",
            "lastTransitionTime": "1970-01-01T00:00:00Z",
        }
    ],
}

_READY: Final = '.status.conditions[?(@.type=="Ready")].status'
_REASON: Final = '.status.conditions[?(@.type=="Ready")].reason'


def column(name: str, path: str, *, kind: str = "string", is_wide: bool = False) -> dict[str, Any]:
    """Return one printer column; a wide one shows with `-o wide` only.

    Instants are strings: a column of type date prints <invalid> for one in the future.
    """
    written: dict[str, Any] = {"name": name, "type": kind, "jsonPath": path}
    return {**written, "priority": 1} if is_wide else written


_AGE: Final = column("Age", ".metadata.creationTimestamp", kind="date")
_CONNECTION_COLUMNS: Final = [column("Domain", ".spec.domain"), column("Ready", _READY), _AGE]
_ROTATION_COLUMNS: Final = [
    column("Client", ".spec.parameters.clientId"),
    column("Status", ".status.rotationStatus"),
    column("Ready", _READY),
    column("Last rotated", ".status.lastRotatedAt"),
    column("Next rotation", ".status.nextRotationAt"),
    column("Connection", ".spec.connectionRef.name", is_wide=True),
    column("Secret", ".status.secretName", is_wide=True),
    column("Reason", _REASON, is_wide=True),
    _AGE,
]
_NAME_RULES: Final = [
    rule(
        f"size(self.metadata.name) <= {ROTATION_NAME_LENGTH}",
        f"metadata.name is limited to {ROTATION_NAME_LENGTH} characters",
    ),
    rule(
        f"has(self.spec.target.name) || !self.metadata.name.endsWith('{JOURNAL_SUFFIX}')",
        f"a rotation whose name ends in {JOURNAL_SUFFIX} needs a target.name of its own",
    ),
]


def definitions() -> dict[str, dict[str, Any]]:
    """Return the definitions by file name."""
    kinds: dict[Kind, dict[str, Any]] = {
        Kind.ROTATION: {
            "spec": RotationSpec,
            "status": RotationStatus,
            "columns": _ROTATION_COLUMNS,
            "rules": _NAME_RULES,
            "short": ["a0rot"],
            "about": "Rotates the client secret of one Auth0 application on schedule and delivers it "
            "into a Secret.",
        },
        Kind.CONNECTION: {
            "spec": ConnectionSpec,
            "status": ConnectionStatus,
            "columns": _CONNECTION_COLUMNS,
            "rules": [],
            "short": ["a0conn"],
            "about": "How to reach one Auth0 tenant from one namespace, and as whom.",
        },
        Kind.CLUSTER_CONNECTION: {
            "spec": ClusterConnectionSpec,
            "status": ConnectionStatus,
            "columns": _CONNECTION_COLUMNS,
            "rules": [],
            "short": ["ca0conn"],
            "about": "How to reach one Auth0 tenant, and which namespaces may use it.",
        },
    }
    return {f"{GROUP}_{kind.plural}.yaml": _definition(kind, **told) for kind, told in kinds.items()}


def _definition(
    kind: Kind,
    *,
    spec: type[Image],
    status: type[Image],
    columns: list[dict[str, Any]],
    rules: list[dict[str, Any]],
    short: list[str],
    about: str,
) -> dict[str, Any]:
    names = {
        "kind": kind.value,
        "listKind": f"{kind.value}List",
        "plural": kind.plural,
        "singular": kind.value.lower(),
        "shortNames": short,
        "categories": ["auth0"],
    }
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": columns,
        "schema": {"openAPIV3Schema": _object(about, structural(spec), structural(status), rules)},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced" if kind.is_namespaced else "Cluster",
            "names": names,
            "versions": [version],
        },
    }


def _object(
    about: str, spec: dict[str, Any], status: dict[str, Any], rules: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return the schema of a whole object."""
    root: dict[str, Any] = {
        "type": "object",
        "description": about,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": spec,
            "status": {**status, "default": _UNSEEN},
        },
    }
    return {**root, "x-kubernetes-validations": rules} if rules else root


def structural(image: type[Image]) -> dict[str, Any]:
    """Return the image's JSON schema as the structural schema that a CRD needs."""
    schema = image.model_json_schema(by_alias=True, mode="validation")
    return _structural(schema, schema.get("$defs", {}))


def _structural(schema: Mapping[str, Any], parts: Mapping[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        part = parts[schema["$ref"].rpartition("/")[2]]
        own = {name: value for name, value in schema.items() if name != "$ref"}
        return _structural({**part, **own}, parts)
    if "anyOf" in schema:
        # An optional field: absent rather than null, unless it says nullable itself.
        chosen = next(part for part in schema["anyOf"] if part.get("type") != "null")
        own = {name: value for name, value in schema.items() if name not in {"anyOf", "default"}}
        return _structural({**chosen, **own}, parts)
    result = {name: value for name, value in schema.items() if name not in _DROPPED}
    if "const" in schema:
        result["enum"] = [schema["const"]]
    if "properties" in schema:
        result["properties"] = {
            name: _structural(part, parts) for name, part in schema["properties"].items()
        }
    if "items" in schema:
        result["items"] = _structural(schema["items"], parts)
    values = schema.get("additionalProperties")
    if isinstance(values, dict):
        result["additionalProperties"] = _structural(values, parts)
    result.pop("propertyNames", None)
    if result.get("type") == "object" and "default" in result:
        # Empty: the defaults of its own parts fill it.
        result["default"] = {}
    if "exclusiveMinimum" in result:
        result |= {"minimum": result["exclusiveMinimum"], "exclusiveMinimum": True}
    if isinstance(result.get("description"), str):
        result["description"] = " ".join(result["description"].split())
    return result


def main(folder: Path) -> None:
    """Write one file a kind into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, definition in definitions().items():
        text = yaml.safe_dump(definition, sort_keys=False, width=100)
        (folder / name).write_text("# Written by `make crds` from the images; do not edit.\n" + text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
