"""The target: a projection of the journal into the Secret that applications mount.

Every value is rendered from the journal, never from the spec: the id and the secret in a target
belong together at every instant.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from typing import Any, Final

from auth0_rotator.credential import ClientSecret
from auth0_rotator.journal import Journal, Plan
from auth0_rotator.journal_secret import owner_reference
from auth0_rotator.record import (
    MANAGED_BY,
    MANAGED_BY_LABEL,
    PREFIX,
    ROLE_LABEL,
    ROTATION_ANNOTATION,
    CommitRecord,
    RecordUnreadableError,
    Role,
    parse_record,
    record_annotations,
)
from auth0_rotator.resource import CreationPolicy
from auth0_rotator.resource.rotation import TEMPLATE_REFERENCE

# The API server refuses longer names of field managers.
FIELD_MANAGER_LENGTH: Final = 128
# Says under which key the client secret stands, for whoever must adopt it after the mapping changed.
SECRET_KEY_ANNOTATION: Final = f"{PREFIX}secret-key"
# On a Secret of somebody else: with which rotation (uid) our keys leave it. What an owner reference
# does for a Secret of ours, also while no operator runs.
WITHDRAW_ANNOTATION: Final = f"{PREFIX}withdraw-with"
DEFAULT_TYPE: Final = "Opaque"
# The version of no Secret: etcd writes the cluster's first keys with it.
NO_VERSION: Final = "1"


@dataclass(frozen=True, slots=True)
class Projection:
    """What the target shall hold."""

    namespace: str
    name: str
    type: str
    data: Mapping[str, ClientSecret]
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    record: CommitRecord
    secret_key: str
    """The key under which the client secret itself stands."""
    owner_uid: str
    """The uid of the rotation that takes the target along when it is deleted; empty: none."""
    policy: CreationPolicy
    rotation: str


@dataclass(frozen=True, slots=True)
class Target:
    """The Secret under the target's name, as it stands in the cluster."""

    uid: str
    resource_version: str
    type: str
    is_immutable: bool
    is_deleting: bool
    data: Mapping[str, ClientSecret | None]
    """The values; None for one that is empty or no text."""
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    record: CommitRecord | None
    rotation: str
    """The name of the rotation whose commit record it carries; empty: none."""
    owners: tuple[str, ...]
    """Uids of its owners."""
    controller: str
    """Kind and name of the controller that owns it, unless that is one of our rotations."""
    fields: Mapping[str, frozenset[str]]
    """For each field manager that applies: the fields it holds, as `data/KEY`, `labels/NAME` ..."""

    @property
    def recorded_secret(self) -> ClientSecret | None:
        """The client secret that the commit record speaks of, None where it is gone."""
        return self.data.get(self.annotations.get(SECRET_KEY_ANNOTATION, ""))

    @property
    def is_to_be_withdrawn(self) -> bool:
        """Whether our keys leave it when its rotation is gone."""
        return WITHDRAW_ANNOTATION in self.annotations

    def holds(self, key: str, secret: ClientSecret) -> bool:
        """Return whether `secret` stands under `key`."""
        return self.data.get(key) == secret


class Difference(Enum):
    """How a target differs from its projection, the gravest first."""

    MISSING = "missing"
    SECRET = "secret"
    SHAPE = "shape"
    NONE = "none"


def field_manager(rotation: str) -> str:
    """Return the field manager of the rotation called `rotation`: readable, or hashed where too long."""
    name = f"{MANAGED_BY}/{rotation}"
    if len(name) <= FIELD_MANAGER_LENGTH:
        return name
    return f"{MANAGED_BY}/{sha256(rotation.encode()).hexdigest()}"


def project(journal: Journal, plan: Plan, namespace: str) -> Projection:
    """Return what the target of `plan` shall hold, given the `journal`.

    Raises:
        ValueError: the journal has no current value.
    """
    if journal.current is None:
        message = "a journal without a current value cannot be published"
        raise ValueError(message)
    record, current = journal.current.record, journal.current.secret
    values = {
        "clientId": ClientSecret(record.client_id),
        "clientSecret": current,
        "nextClientSecret": current,
        "previousClientSecret": journal.previous or current,
        "domain": ClientSecret(record.domain),
    }
    mapping, template = plan.secrets_mapping, plan.target.template
    keys = {
        mapping.client_id: "clientId",
        mapping.client_secret: "clientSecret",
        mapping.next_client_secret: "nextClientSecret",
        mapping.previous_client_secret: "previousClientSecret",
    }
    data = {key: values[name] for key, name in keys.items() if key is not None}
    labels, annotations = {ROLE_LABEL: Role.TARGET.value}, {}
    if plan.target.creation_policy is CreationPolicy.CREATE:
        labels[MANAGED_BY_LABEL] = MANAGED_BY
    if template is not None:
        data |= {key: _rendered(text, values) for key, text in template.data.items()}
        labels = template.metadata.labels | labels
        annotations = template.metadata.annotations
    if plan.delete_secrets and not _is_ours(plan):
        annotations = {**annotations, WITHDRAW_ANNOTATION: plan.uid}
    return Projection(
        namespace=namespace,
        name=plan.target_name,
        type=template.type if template is not None else DEFAULT_TYPE,
        data=data,
        labels=labels,
        annotations=annotations
        | record_annotations(record)
        | {ROTATION_ANNOTATION: plan.rotation, SECRET_KEY_ANNOTATION: mapping.client_secret},
        record=record,
        secret_key=mapping.client_secret,
        owner_uid=plan.uid if plan.delete_secrets and _is_ours(plan) else "",
        policy=plan.target.creation_policy,
        rotation=plan.rotation,
    )


def _is_ours(plan: Plan) -> bool:
    return plan.target.creation_policy is CreationPolicy.CREATE


def _rendered(text: str, values: Mapping[str, ClientSecret]) -> ClientSecret:
    """Return `text` with every reference replaced in one go: a value is never read as a template."""

    def replacement(reference: re.Match[str]) -> str:
        if reference["escape"]:
            return f"$({reference['name']})"
        return values[reference["name"]].reveal()

    return ClientSecret(TEMPLATE_REFERENCE.sub(replacement, text))


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


def compare(projection: Projection, target: Target | None) -> Difference:
    """Return how `target` differs from `projection`.

    Fields that are ours but no longer wanted count as a difference as well: an apply removes them.
    """
    if target is None:
        return Difference.MISSING
    if not target.holds(projection.secret_key, projection.data[projection.secret_key]):
        return Difference.SECRET
    held = target.fields.get(field_manager(projection.rotation), frozenset())
    wanted = _field_names(projection)
    is_same = (
        all(target.holds(key, value) for key, value in projection.data.items())
        and projection.labels.items() <= target.labels.items()
        and projection.annotations.items() <= target.annotations.items()
        and (not projection.owner_uid or projection.owner_uid in target.owners)
        and held == wanted
    )
    return Difference.NONE if is_same else Difference.SHAPE


def _field_names(projection: Projection) -> frozenset[str]:
    return frozenset(
        [f"data/{key}" for key in projection.data]
        + [f"labels/{name}" for name in projection.labels]
        + [f"annotations/{name}" for name in projection.annotations]
        + ([f"ownerReferences/{projection.owner_uid}"] if projection.owner_uid else [])
    )


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
        fields=_applied_fields(metadata.get("managedFields") or []),
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
        if owner.get("controller") and not owner.get("apiVersion", "").startswith(PREFIX):
            return f"{owner.get('kind')} {owner.get('name')}"
    return ""


def _applied_fields(managed: Sequence[Mapping[str, Any]]) -> dict[str, frozenset[str]]:
    return {
        entry["manager"]: frozenset(_names_in(entry.get("fieldsV1") or {}))
        for entry in managed
        if entry.get("operation") == "Apply" and entry.get("manager")
    }


def _names_in(fields: Mapping[str, Any]) -> list[str]:
    metadata = fields.get("f:metadata") or {}
    names = [f"data/{name[2:]}" for name in fields.get("f:data") or {} if name.startswith("f:")]
    for part in ("labels", "annotations"):
        held = metadata.get(f"f:{part}") or {}
        names += [f"{part}/{name[2:]}" for name in held if name.startswith("f:")]
    owners = metadata.get("f:ownerReferences") or {}
    names += [f"ownerReferences/{name[10:-2]}" for name in owners if name.startswith('k:{"uid":"')]
    return names
