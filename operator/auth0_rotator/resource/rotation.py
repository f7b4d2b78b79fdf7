"""Image of Auth0ClientSecretRotation."""

import re
from datetime import time
from enum import StrEnum
from typing import Annotated, Final

from pydantic import ConfigDict, Field, StrictBool, field_validator, model_validator

from auth0_rotator.resource.connection import DATA_KEY_MESSAGE, ObjectName
from auth0_rotator.resource.image import DATA_KEY_PATTERN, Image, Kind, rule, shape, shape_rule
from auth0_rotator.resource.mapping import SecretsMapping

JOURNAL_SUFFIX: Final = ".journal"
# `metadata.name` must leave room for the journal's suffix, and for a field manager that stays readable.
ROTATION_NAME_LENGTH: Final = 200

# What a template may refer to; `$$(x)` stays `$(x)`.
TEMPLATE_NAMES: Final = frozenset(
    {"clientId", "clientSecret", "nextClientSecret", "previousClientSecret", "domain"}
)
TEMPLATE_REFERENCE: Final = re.compile(r"\$(?P<escape>\$?)\((?P<name>[^()]*)\)")

_DATA_KEY_IN_CEL: Final = DATA_KEY_PATTERN.replace("\\", "\\\\")
# A dollar sign begins nothing, an escape, a known name, or a bracket that is not closed. One regular
# expression, for a list of references would cost more than the API server allows.
_KNOWN_NAMES: Final = (
    "self.all(k, self[k].matches('^([^$]|[$]+[^$(]|[$][$]+[(]|"
    "[$][(](clientId|clientSecret|nextClientSecret|previousClientSecret|domain)[)]|"
    "[$][(][^()]*[(]|[$][(][^()]*$)*[$]*$'))"
)
_NAMES_MESSAGE: Final = (
    "a value of target.template.data may refer to $(clientId), $(clientSecret), "
    "$(nextClientSecret), $(previousClientSecret) and $(domain); $$(x) stays $(x)"
)
_CLIENT_MESSAGE: Final = "clientId must not be blank"
_TEMPLATE_KEYS_MESSAGE: Final = (
    "the keys of target.template.data must differ from those of secretsMapping"
)
_JOURNAL_MESSAGE: Final = (
    "a target cannot be called *.journal: such names belong to the operator's journals"
)
_MERGE_MESSAGE: Final = (
    "creationPolicy Merge needs the name of the Secret to merge into: set target.name"
)


class CreationPolicy(StrEnum):
    """Whose the target is."""

    CREATE = "Create"
    MERGE = "Merge"


class InitialRotation(StrEnum):
    """What happens to a client when its rotation is created."""

    IMMEDIATE = "Immediate"
    WHEN_DUE = "WhenDue"


class ConnectionKind(StrEnum):
    """The kinds that a rotation may refer to."""

    CONNECTION = Kind.CONNECTION.value
    CLUSTER_CONNECTION = Kind.CLUSTER_CONNECTION.value


class ConnectionRef(Image):
    """The connection to the tenant that the client belongs to."""

    kind: ConnectionKind = ConnectionKind.CONNECTION
    """Auth0Connection (in the same namespace) or ClusterAuth0Connection."""
    name: ObjectName
    """Name of the connection."""


class Parameters(Image):
    """What to rotate."""

    client_id: Annotated[
        str,
        Field(
            min_length=1,
            max_length=128,
            json_schema_extra=shape_rule(r"\S", _CLIENT_MESSAGE),
        ),
        shape(r"\S", _CLIENT_MESSAGE),
    ]
    """Client id of the Auth0 application whose client secret is rotated. Changing it rotates the
    new client at once; both keys of the target switch in one write."""

    @field_validator("client_id")
    @classmethod
    def _trimmed(cls, value: str) -> str:
        return value.strip()


class RotateAtUtc(Image):
    """A time of day in UTC."""

    hours: Annotated[int, Field(ge=0, le=23, strict=True)] = 0
    """Hour of the day."""
    minutes: Annotated[int, Field(ge=0, le=59, strict=True)] = 0
    """Minute of the hour."""

    @property
    def time(self) -> time:
        """The same as a `datetime.time`."""
        return time(self.hours, self.minutes)


class TemplateMetadata(Image):
    """Labels and annotations for the target. Those of the rotation itself are never copied."""

    labels: Annotated[dict[str, str], Field(max_length=64)] = Field(default_factory=dict)
    """Labels of the target."""
    annotations: Annotated[dict[str, str], Field(max_length=64)] = Field(default_factory=dict)
    """Annotations of the target."""


class TargetTemplate(Image):
    """What the target carries besides the mapped keys."""

    type: Annotated[str, Field(min_length=1, max_length=253)] = "Opaque"
    """Type of the Secret; it cannot be changed later (Kubernetes forbids it)."""
    metadata: TemplateMetadata = TemplateMetadata()
    """Labels and annotations."""
    data: Annotated[
        dict[str, Annotated[str, Field(min_length=1, max_length=4096)]],
        Field(
            max_length=32,
            json_schema_extra={
                "x-kubernetes-validations": [
                    rule(f"self.all(k, k.matches('{_DATA_KEY_IN_CEL}'))", DATA_KEY_MESSAGE),
                    rule(_KNOWN_NAMES, _NAMES_MESSAGE),
                ]
            },
        ),
    ] = Field(default_factory=dict)
    """More keys, as text. $(clientId), $(clientSecret), $(nextClientSecret),
    $(previousClientSecret) and $(domain) are replaced; $$(x) stays $(x)."""

    @field_validator("data")
    @classmethod
    def _names_are_known(cls, value: dict[str, str]) -> dict[str, str]:
        if not all(re.fullmatch(DATA_KEY_PATTERN, key) for key in value):
            raise ValueError(DATA_KEY_MESSAGE)
        for key, text in value.items():
            for reference in TEMPLATE_REFERENCE.finditer(text):
                if not reference["escape"] and reference["name"] not in TEMPLATE_NAMES:
                    known = ", ".join(sorted(TEMPLATE_NAMES))
                    message = f"the key {key} refers to a name that is not one of {known}"
                    raise ValueError(message)
        return value


class TargetSpec(Image):
    """The Secret that applications mount."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                rule("!has(self.name) || !self.name.endsWith('.journal')", _JOURNAL_MESSAGE, ".name"),
                rule(
                    "!has(self.creationPolicy) || self.creationPolicy != 'Merge' || has(self.name)",
                    _MERGE_MESSAGE,
                    ".name",
                ),
            ]
        }
    )

    name: ObjectName | None = None
    """Name of the Secret. Default: the rotation's own name."""
    creation_policy: CreationPolicy = CreationPolicy.CREATE
    """Create: the Secret is ours alone, and one that somebody else made is refused. Merge: only our
    keys in a Secret that others own; it is created where it is missing."""
    template: TargetTemplate | None = None
    """What the target carries besides the mapped keys."""

    @model_validator(mode="after")
    def _name_fits(self) -> "TargetSpec":
        if self.name is not None and self.name.endswith(JOURNAL_SUFFIX):
            raise ValueError(_JOURNAL_MESSAGE)
        if self.creation_policy is CreationPolicy.MERGE and self.name is None:
            raise ValueError(_MERGE_MESSAGE)
        return self


class Verification(Image):
    """Whether the delivered value is tried at the tenant."""

    enabled: StrictBool = True
    """After each rotation ask the tenant whether it accepts the delivered value (one or two token
    requests; the answer is dropped)."""


class DeletionPolicy(Image):
    """What goes when the rotation is deleted."""

    delete_secrets: StrictBool = False
    """The target goes too. By default it stays, so that applications go on."""
    revoke_generated_credentials: StrictBool = False
    """The client gets a secret that nobody knows. By default the value stays valid."""


class RotationSpec(Image):
    """Which client secret is rotated, when, and where it is delivered."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                rule(
                    "!has(self.target.template) || !has(self.target.template.data) || "
                    "self.target.template.data.all(k, !(k in [self.secretsMapping.clientId, "
                    "self.secretsMapping.clientSecret, "
                    "has(self.secretsMapping.nextClientSecret) ? "
                    "self.secretsMapping.nextClientSecret : '', "
                    "has(self.secretsMapping.previousClientSecret) ? "
                    "self.secretsMapping.previousClientSecret : '']))",
                    _TEMPLATE_KEYS_MESSAGE,
                    ".target",
                ),
            ]
        }
    )

    description: Annotated[str, Field(max_length=256)] | None = None
    """What this rotation is for, in your words."""
    connection_ref: ConnectionRef
    """The connection to the tenant."""
    parameters: Parameters
    """What to rotate."""
    is_auto_rotation_enabled: StrictBool = True
    """false: rotate only when asked to (rotate-now, rotationTrigger)."""
    rotation_interval: Annotated[int, Field(ge=1, le=36500, strict=True)]
    """Whole days between rotations."""
    rotate_at_utc: RotateAtUtc | None = None
    """Time of day of automatic rotations, in UTC. Absent: 00:00."""
    secrets_mapping: SecretsMapping
    """Under which keys of the target the values stand."""
    target: TargetSpec = TargetSpec()
    """The Secret that applications mount."""
    initial_rotation: InitialRotation = InitialRotation.IMMEDIATE
    """Immediate: creation rotates, and the secret that the client had is dead. WhenDue: the value
    that the target already holds is kept until the first due date."""
    rotation_trigger: Annotated[str, Field(max_length=256)] | None = None
    """A value that was not handled before means: rotate now, once."""
    suspend: StrictBool = False
    """No rotation at all, manual ones included. Drift is still repaired."""
    allow_own_client: StrictBool = False
    """true: the client may be the one as which the operator itself authenticates, if the target is
    the connection's own credentials Secret."""
    verification: Verification = Verification()
    """Whether the delivered value is tried at the tenant."""
    deletion: DeletionPolicy = DeletionPolicy()
    """What goes when the rotation is deleted."""

    @property
    def rotate_at(self) -> time:
        """The time of day of automatic rotations, in UTC."""
        return self.rotate_at_utc.time if self.rotate_at_utc is not None else time.min

    @model_validator(mode="after")
    def _template_keys_differ(self) -> "RotationSpec":
        template = self.target.template
        if template is not None and set(template.data) & set(self.secrets_mapping.keys):
            raise ValueError(_TEMPLATE_KEYS_MESSAGE)
        return self
