"""Image of Auth0ClientSecretRotation."""

from datetime import UTC, time, timedelta, tzinfo
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field, StrictBool, field_validator, model_validator

from auth0_rotator.resource.connection import ObjectName
from auth0_rotator.resource.image import Image, Kind, rule, shape, shape_rule
from auth0_rotator.resource.mapping import SecretsMapping
from auth0_rotator.resource.target import OWN_NAMES_MESSAGE, TargetSpec
from auth0_rotator.resource.timing import Ahead, RotateAt, RotationWindows, Spread

# `metadata.name` must leave room for the journal's suffix, and for a field manager that stays readable.
ROTATION_NAME_LENGTH: Final = 200

# How long before a rotation its value is announced, unless somebody says so.
LEAD_TIME: Final = timedelta(hours=24)

_CLIENT_MESSAGE: Final = "clientId must not be blank"
_TEMPLATE_KEYS_MESSAGE: Final = (
    "the keys of target.template.data must differ from those of secretsMapping"
)
_ONE_TIME_MESSAGE: Final = "rotateAt and rotateAtUtc exclude each other: set one of them"


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


class ConsumerKind(StrEnum):
    """The kinds of workloads that can be restarted."""

    DEPLOYMENT = "Deployment"
    STATEFUL_SET = "StatefulSet"
    DAEMON_SET = "DaemonSet"
    ROLLOUT = "argo.Rollout"


class RolloutRestartTarget(Image):
    """A workload that reads the target only when its pods start."""

    kind: ConsumerKind
    """Deployment, StatefulSet, DaemonSet, or argo.Rollout for a Rollout of Argo Rollouts."""
    name: ObjectName
    """Name of the workload, in the namespace of the rotation."""

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


class Discovery(StrEnum):
    """How consumers are found that nobody names."""

    DISCOVER = "discover"


# Among workloads to restart: those that are found.
DISCOVERED: Final = "*"

RolloutRestartTargets = Annotated[
    list[RolloutRestartTarget],
    Field(
        max_length=32,
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["kind", "name"],
        },
    ),
]


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
                rule("!has(self.rotateAt) || !has(self.rotateAtUtc)", _ONE_TIME_MESSAGE, ".rotateAt"),
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
    rotate_at: RotateAt | None = None
    """Instead of rotateAtUtc: time of day of automatic rotations in a named time zone. Days are
    counted by that zone's calendar as well."""
    rotation_windows: RotationWindows | None = None
    """When automatic rotations are allowed or denied. Absent: as the connection says. Manual ones are
    not bound; one that is overdue waits for the next opening."""
    spread: Spread = Field(default=timedelta(0), json_schema_extra={"default": "0s"})
    """Up to how much later than the time of day this rotation comes, by an offset that depends on the
    object alone: so that many that are due together do not come together."""
    canary: StrictBool = False
    """true: of the rotations that are due over the same connection this one goes first, and the others
    wait until it is verified and its consumers are current."""
    notice_before: Ahead | None = None
    """How long before an automatic rotation an Event tells of it, such as 24h."""
    next_secret_lead_time: Ahead | None = None
    """Where secretsMapping has nextClientSecret: how long before an automatic rotation its value is
    published under that key. Absent: 24h."""
    secrets_mapping: SecretsMapping
    """Under which keys of the target the values stand."""
    target: TargetSpec = TargetSpec()
    """The Secret that applications mount."""
    initial_rotation: InitialRotation = InitialRotation.IMMEDIATE
    """Immediate: creation rotates, and the secret that the client had is dead. WhenDue: the value
    that the target already holds is kept until the first due date."""
    rollout_restart_targets: RolloutRestartTargets | None = None
    """Workloads that are restarted after each rotation, once."""
    consumers: Literal[Discovery.DISCOVER] | None = None
    """discover: whoever reads the target is restarted as well: Deployments, StatefulSets, DaemonSets and
    Rollouts of this namespace that have it in their environment or in a volume, but for those that
    another tool restarts already by an annotation of theirs."""
    restart_gate: StrictBool = False
    """true: no automatic rotation while a consumer is rolling out, or a PodDisruptionBudget lets none of
    its pods be missed."""
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
    def time_of_day(self) -> time:
        """The time of day of automatic rotations, in `zone`."""
        if self.rotate_at is not None:
            return self.rotate_at.time_of_day
        return self.rotate_at_utc.time if self.rotate_at_utc is not None else time.min

    @property
    def announces_before(self) -> timedelta | None:
        """How long before an automatic rotation its value is published; None where nobody wants it."""
        if self.secrets_mapping.next_client_secret is None:
            return None
        return self.next_secret_lead_time or LEAD_TIME

    @property
    def to_restart(self) -> tuple[str, ...]:
        """The workloads to restart, as kind/name; DISCOVERED stands for those that are to be found."""
        named = tuple(map(str, self.rollout_restart_targets or ()))
        return (*named, DISCOVERED) if self.consumers is not None else named

    @property
    def zone(self) -> tzinfo:
        """The zone whose calendar and clock count."""
        return self.rotate_at.zone if self.rotate_at is not None else UTC

    @model_validator(mode="after")
    def _has_one_time(self) -> "RotationSpec":
        if self.rotate_at is not None and self.rotate_at_utc is not None:
            raise ValueError(_ONE_TIME_MESSAGE)
        return self

    @model_validator(mode="after")
    def _template_keys_differ(self) -> "RotationSpec":
        template = self.target.template
        if template is not None and set(template.data) & set(self.secrets_mapping.keys):
            raise ValueError(_TEMPLATE_KEYS_MESSAGE)
        return self

    @model_validator(mode="after")
    def _template_leaves_our_names(self) -> "RotationSpec":
        template = self.target.template
        if template is not None and template.metadata.has_own_names:
            raise ValueError(OWN_NAMES_MESSAGE)
        return self
