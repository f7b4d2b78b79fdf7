"""How a target stands in a Secret of the API: the apply that writes it, and what is read back."""

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from typing import Any, Final

from auth0_rotator.credential import ClientSecret
from auth0_rotator.journal_secret import owner_reference
from auth0_rotator.record import (
    PREFIX,
    ROTATION_ANNOTATION,
    RecordUnreadableError,
    parse_record,
)
from auth0_rotator.target import DEFAULT_TYPE, Projection, Target

# The version of no Secret: etcd writes the cluster's first keys with it.
NO_VERSION: Final = "1"


def apply_body(projection: Projection, target: Target | None) -> dict[str, Any]:
    """Return the body of a server-side apply of `projection` over `target`, or of a new Secret.

    The resourceVersion makes it a compare-and-swap: where the Secret is not what was seen, the API
    server answers with a conflict. For a new Secret a version that no Secret can have does the
    same: an apply creates what is missing, and is refused where somebody was faster.
    """
    metadata: dict[str, Any] = {
        "name": projection.name,
        "namespace": projection.namespace,
        "labels": dict(projection.labels),
        "annotations": dict(projection.annotations),
        "resourceVersion": target.resource_version if target is not None else NO_VERSION,
    }
    if projection.owner_uid:
        metadata["ownerReferences"] = [owner_reference(projection.rotation, projection.owner_uid)]
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        # Said again on an existing Secret: an applier that leaves its type out would unset it.
        "type": target.type if target is not None else projection.type,
        "metadata": metadata,
        "data": {
            key: b64encode(value.reveal().encode()).decode() for key, value in projection.data.items()
        },
    }


def parse_target(secret: Mapping[str, Any]) -> Target:
    """Return the Secret under a target's name; a broken commit record counts as none."""
    metadata = secret["metadata"]
    annotations = metadata.get("annotations") or {}
    owners = metadata.get("ownerReferences") or []
    try:
        record = parse_record(annotations)
    except RecordUnreadableError:
        record = None
    return Target(
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        type=secret.get("type") or DEFAULT_TYPE,
        is_immutable=bool(secret.get("immutable")),
        is_deleting=bool(metadata.get("deletionTimestamp")),
        data={key: _text(value) for key, value in (secret.get("data") or {}).items()},
        labels=metadata.get("labels") or {},
        annotations={name: text for name, text in annotations.items() if _is_small(name)},
        record=record,
        rotation=annotations.get(ROTATION_ANNOTATION, "") if record is not None else "",
        owners=tuple(owner["uid"] for owner in owners),
        controller=_other_controller(owners),
        fields=_held_fields(metadata.get("managedFields") or [], operations=("Apply",)),
        writers=_held_fields(metadata.get("managedFields") or [], operations=("Apply", "Update")),
    )


def _is_small(annotation: str) -> bool:
    """Leave out what kubectl keeps for itself: it may be as large as the Secret."""
    return annotation != "kubectl.kubernetes.io/last-applied-configuration"


def _text(value: str) -> ClientSecret | None:
    try:
        text = b64decode(value, validate=True).decode()
    except ValueError:
        return None
    return ClientSecret(text) if text else None


def _other_controller(owners: Sequence[Mapping[str, Any]]) -> str:
    for owner in owners:
        if owner.get("controller") and not str(owner.get("apiVersion")).startswith(PREFIX):
            return f"{owner.get('kind')} {owner.get('name')}"
    return ""


def _held_fields(
    managed: Sequence[Mapping[str, Any]], *, operations: tuple[str, ...]
) -> dict[str, frozenset[str]]:
    held: dict[str, frozenset[str]] = {}
    for entry in managed:
        manager = entry.get("manager")
        if manager and entry.get("operation") in operations:
            names = frozenset(_names_in(entry.get("fieldsV1") or {}))
            held[manager] = held.get(manager, frozenset()) | names
    return held


def _names_in(fields: Mapping[str, Any]) -> list[str]:
    metadata = fields.get("f:metadata") or {}
    names = [f"data/{name[2:]}" for name in fields.get("f:data") or {} if name.startswith("f:")]
    for part in ("labels", "annotations"):
        held = metadata.get(f"f:{part}") or {}
        names += [f"{part}/{name[2:]}" for name in held if name.startswith("f:")]
    owners = metadata.get("f:ownerReferences") or {}
    names += [f"ownerReferences/{name[10:-2]}" for name in owners if name.startswith('k:{"uid":"')]
    return names
