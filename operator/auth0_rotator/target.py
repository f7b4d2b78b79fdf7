"""The target: a projection of the journal into the Secret that applications mount.

Every value is rendered from the journal, never from the spec: the id and the secret in a target
belong together at every instant.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from hashlib import sha256
from typing import Final

from auth0_rotator.credential import ClientSecret
from auth0_rotator.journal import Journal, Plan
from auth0_rotator.record import (
    MANAGED_BY,
    MANAGED_BY_LABEL,
    PREFIX,
    ROLE_LABEL,
    ROTATION_ANNOTATION,
    CommitRecord,
    Credential,
    Role,
    record_annotations,
)
from auth0_rotator.resource import CreationPolicy
from auth0_rotator.resource.target import TEMPLATE_REFERENCE

# The API server refuses longer names of field managers.
FIELD_MANAGER_LENGTH: Final = 128
# Says under which key the client secret stands, for whoever must adopt it after the mapping changed.
SECRET_KEY_ANNOTATION: Final = f"{PREFIX}secret-key"
# On a Secret of somebody else: with which rotation (uid) our keys leave it. What an owner reference
# does for a Secret of ours, also while no operator runs.
WITHDRAW_ANNOTATION: Final = f"{PREFIX}withdraw-with"
DEFAULT_TYPE: Final = "Opaque"


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
    writers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """The same for every field manager, whichever way it writes."""

    @property
    def recorded_secret(self) -> ClientSecret | None:
        """The client secret that the commit record speaks of, None where it is gone."""
        try:
            return self.data[self.annotations[SECRET_KEY_ANNOTATION]]
        except KeyError:
            return None

    @property
    def is_to_be_withdrawn(self) -> bool:
        """Whether our keys leave it when its rotation is gone."""
        return WITHDRAW_ANNOTATION in self.annotations

    @property
    def values(self) -> list[ClientSecret]:
        """Every value that stands in it."""
        return [value for value in self.data.values() if value is not None]

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
    template = plan.target.template
    return Projection(
        namespace=namespace,
        name=plan.target_name,
        type=template.type if template is not None else DEFAULT_TYPE,
        data=_data(journal, journal.current, plan),
        labels=_labels(plan),
        annotations=_annotations(journal.current.record, plan),
        record=journal.current.record,
        secret_key=plan.secrets_mapping.client_secret,
        owner_uid=plan.uid if plan.delete_secrets and _is_ours(plan) else "",
        policy=plan.target.creation_policy,
        rotation=plan.rotation,
    )


def _data(journal: Journal, current: Credential, plan: Plan) -> dict[str, ClientSecret]:
    mapping, template = plan.secrets_mapping, plan.target.template
    announced = journal.announced_secret if mapping.next_client_secret is not None else None
    values = {
        "clientId": ClientSecret(current.record.client_id),
        "clientSecret": current.secret,
        "nextClientSecret": announced or current.secret,
        "previousClientSecret": journal.previous or current.secret,
        "domain": ClientSecret(current.record.domain),
    }
    keys = {
        mapping.client_id: "clientId",
        mapping.client_secret: "clientSecret",
        mapping.next_client_secret: "nextClientSecret",
        mapping.previous_client_secret: "previousClientSecret",
    }
    texts = template.data if template is not None else {}
    return {key: values[name] for key, name in keys.items() if key is not None} | {
        key: _rendered(text, values) for key, text in texts.items()
    }


def _labels(plan: Plan) -> dict[str, str]:
    labels = {ROLE_LABEL: Role.TARGET.value}
    if _is_ours(plan):
        labels[MANAGED_BY_LABEL] = MANAGED_BY
    template = plan.target.template
    return (_of_people(template.metadata.labels) if template is not None else {}) | labels


def _annotations(record: CommitRecord, plan: Plan) -> dict[str, str]:
    told = record_annotations(record) | {
        ROTATION_ANNOTATION: plan.rotation,
        SECRET_KEY_ANNOTATION: plan.secrets_mapping.client_secret,
    }
    if plan.delete_secrets and not _is_ours(plan):
        told[WITHDRAW_ANNOTATION] = plan.uid
    template = plan.target.template
    return (_of_people(template.metadata.annotations) if template is not None else {}) | told


def _of_people(told: Mapping[str, str]) -> dict[str, str]:
    """Return what a template may set; a plan from before that was refused may speak in our name."""
    return {name: text for name, text in told.items() if not name.startswith(PREFIX)}


def _is_ours(plan: Plan) -> bool:
    return plan.target.creation_policy is CreationPolicy.CREATE


def _rendered(text: str, values: Mapping[str, ClientSecret]) -> ClientSecret:
    """Return `text` with every reference replaced in one go: a value is never read as a template."""

    def replacement(reference: re.Match[str]) -> str:
        if reference["escape"]:
            return f"$({reference['name']})"
        return values[reference["name"]].reveal()

    return ClientSecret(TEMPLATE_REFERENCE.sub(replacement, text))


def compare(projection: Projection, target: Target | None) -> Difference:
    """Return how `target` differs from `projection`.

    Fields that are ours but no longer wanted count as a difference as well: an apply removes them.
    """
    if target is None:
        return Difference.MISSING
    if not target.holds(projection.secret_key, projection.data[projection.secret_key]):
        return Difference.SECRET
    held = target.fields.get(field_manager(projection.rotation))
    wanted = _field_names(projection)
    is_same = (
        all(target.holds(key, value) for key, value in projection.data.items())
        and projection.labels.items() <= target.labels.items()
        and projection.annotations.items() <= target.annotations.items()
        and (not projection.owner_uid or projection.owner_uid in target.owners)
        and held == wanted
    )
    return Difference.NONE if is_same else Difference.SHAPE


def contenders(projection: Projection, target: Target) -> tuple[str, ...]:
    """Return the field managers, other than ours, that hold a field of `projection`, by name."""
    wanted, own = _field_names(projection), field_manager(projection.rotation)
    return tuple(sorted(name for name, held in target.writers.items() if name != own and held & wanted))


def left_fields(projection: Projection, target: Target, rotations: Iterable[str]) -> frozenset[str]:
    """Return what these other `rotations` hold in `target` and `projection` has no use for."""
    held = [target.fields.get(field_manager(rotation), frozenset()) for rotation in rotations]
    return frozenset[str]().union(*held) - _field_names(projection)


def _field_names(projection: Projection) -> frozenset[str]:
    return frozenset(
        [f"data/{key}" for key in projection.data]
        + [f"labels/{name}" for name in projection.labels]
        + [f"annotations/{name}" for name in projection.annotations]
        + ([f"ownerReferences/{projection.owner_uid}"] if projection.owner_uid else [])
    )
