"""What a pass is about: a rotation as it was last seen, and the keys by which objects are known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from auth0_rotator.conditions import ConditionType, Reason, parse_timestamp, shortened
from auth0_rotator.journal import Plan
from auth0_rotator.record import PREFIX, token_of_annotation, token_of_spec
from auth0_rotator.resource import ConnectionRef, Kind, RotationSpec, SpecInvalid, parse_spec

ROTATE_NOW = f"{PREFIX}rotate-now"
ROTATE_REASON = f"{PREFIX}rotate-reason"
SETTLE_DOUBT = f"{PREFIX}settle-doubt"
FREEZE = f"{PREFIX}freeze"
# What selects the namespaces in which everything is frozen.
FROZEN = f"{FREEZE}=true"
RESET_CIRCUIT = f"{PREFIX}reset-circuit"
# Of a person's words so many characters are kept.
REASON_LENGTH = 256
RECONCILE_AT = "reconcile.fluxcd.io/requestedAt"
REVOKE_FINALIZER = f"{PREFIX}revoke"


@dataclass(frozen=True, slots=True)
class Key:
    """Namespace and name of a rotation."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class ConnectionKey:
    """Kind, namespace (empty for the cluster kind) and name of a connection."""

    kind: Kind
    namespace: str
    name: str

    def __str__(self) -> str:
        where = f" in namespace {self.namespace}" if self.namespace else ""
        return f"{self.kind} {self.name}{where}"


def referred(reference: ConnectionRef, namespace: str) -> ConnectionKey:
    """Return the connection that `reference` means in `namespace`."""
    kind = Kind(reference.kind.value)
    return ConnectionKey(kind, namespace if kind.is_namespaced else "", reference.name)


@dataclass(frozen=True, slots=True)
class PastStatus:
    """The parts of the last written status that a later pass reads.

    It can hold a rotation back, for a journal may be an old copy; it never makes one due.
    """

    observed_generation: int = -1
    failed: bool = False
    failed_attempts: int = 0
    last_attempted_at: datetime | None = None
    next_rotation_at: datetime | None = None
    """As it was told; good for an order among rotations, never for whether one is due."""
    next_retry_at: datetime | None = None
    noticed_for: datetime | None = None
    """The automatic rotation that was told of last, before it came."""
    last_rotated_at: datetime | None = None
    is_last_manual: bool = False
    handled: tuple[str, ...] = ()
    """The last tokens that were followed, in the form in which handled ones are kept."""
    last_handled_reconcile_at: str = ""
    history: Sequence[Mapping[str, Any]] = ()
    raw: Mapping[str, Any] = field(default_factory=dict)

    @property
    def conditions(self) -> Sequence[Mapping[str, Any]]:
        """The conditions as they were written."""
        conditions: Sequence[Mapping[str, Any]] = self.raw.get("conditions") or ()
        return conditions

    def tells_of(self, rotation_id: str) -> bool:
        """Return whether it knows of this rotation as one that was carried out."""
        ids = {entry.get("id") for entry in self.history} | {self.raw.get("lastRotationId")}
        return rotation_id in ids

    def seen_after(self, rotation_id: str) -> "PastStatus":
        """Return it without a failure that the rotation with this id has made good.

        Whoever carried that one out may not have lived to tell.
        """
        if not self.failed or self.raw.get("lastRotationId") == rotation_id:
            return self
        return replace(self, failed=False, failed_attempts=0, next_retry_at=None)

    def has_reason(self, type_: ConditionType, reason: Reason) -> bool:
        """Return whether the condition of this type has this reason."""
        return any(
            one.get("type") == type_ and one.get("reason") == reason.value for one in self.conditions
        )

    def says_no(self, type_: ConditionType) -> bool:
        """Return whether the condition of this type is False."""
        return any(one.get("type") == type_ and one.get("status") == "False" for one in self.conditions)

    def is_rolled_out(self, rotation_id: str, *, generation: int) -> bool:
        """Return whether it says that the consumers of this generation run on the value of this
        rotation."""
        told = {
            "type": ConditionType.CONSUMERS_CURRENT,
            "status": "True",
            "observedGeneration": generation,
        }
        is_about = self.raw.get("lastRotationId") == rotation_id
        return is_about and any(told.items() <= one.items() for one in self.conditions)

    def is_verdict_on(self, rotation_id: str) -> bool:
        """Return whether it says that the tenant accepts, or refuses, the value of this rotation."""
        is_about = self.raw.get("lastRotationId") == rotation_id
        return is_about and any(
            condition.get("type") == ConditionType.VERIFIED and condition.get("status") != "Unknown"
            for condition in self.conditions
        )

    def is_refusal_of(self, rotation_id: str) -> bool:
        """Return whether it says that the tenant refuses the value of this rotation."""
        return self.is_verdict_on(rotation_id) and self.says_no(ConditionType.VERIFIED)


@dataclass(frozen=True, slots=True)
class Rotation:
    """An Auth0ClientSecretRotation as it was last seen."""

    key: Key
    uid: str
    resource_version: str
    generation: int
    created_at: datetime | None
    deleting_since: datetime | None
    finalizers: tuple[str, ...]
    spec: RotationSpec | None
    spec_fault: str
    rotate_now: str
    rotate_reason: str
    settle_doubt: str
    reconcile_at: str
    status: PastStatus

    @property
    def tokens(self) -> tuple[str, ...]:
        """The tokens that the object carries, in the form in which handled ones are kept."""
        trigger = self.spec.rotation_trigger if self.spec is not None else None
        return _tokens(self.rotate_now, trigger or "")

    @property
    def plan(self) -> Plan | None:
        """What the spec wants delivered, None where the spec is invalid."""
        if self.spec is None:
            return None
        return Plan(
            rotation=self.key.name,
            uid=self.uid,
            connection_ref=self.spec.connection_ref,
            secrets_mapping=self.spec.secrets_mapping,
            target=self.spec.target,
            delete_secrets=self.spec.deletion.delete_secrets,
        )


def _tokens(rotate_now: str, trigger: str) -> tuple[str, ...]:
    by_annotation = (token_of_annotation(rotate_now),) if rotate_now else ()
    by_spec = (token_of_spec(trigger),) if trigger else ()
    return by_annotation + by_spec


def parse_rotation(body: Mapping[str, Any]) -> Rotation:
    """Return an object of the API as a `Rotation`; an invalid spec becomes its `spec_fault`."""
    metadata = body["metadata"]
    annotations = metadata.get("annotations") or {}
    spec, fault = None, ""
    try:
        spec = parse_spec(RotationSpec, body.get("spec"))
    except SpecInvalid as invalid:
        fault = str(invalid)
    return Rotation(
        key=Key(metadata["namespace"], metadata["name"]),
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        generation=metadata.get("generation", 0),
        created_at=parse_timestamp(metadata.get("creationTimestamp")),
        deleting_since=parse_timestamp(metadata.get("deletionTimestamp")),
        finalizers=tuple(metadata.get("finalizers") or ()),
        spec=spec,
        spec_fault=fault,
        rotate_now=annotations.get(ROTATE_NOW, ""),
        rotate_reason=shortened(" ".join(annotations.get(ROTATE_REASON, "").split()), REASON_LENGTH),
        settle_doubt=annotations.get(SETTLE_DOUBT, ""),
        reconcile_at=annotations.get(RECONCILE_AT, ""),
        status=parse_status(body.get("status") or {}),
    )


def parse_status(status: Mapping[str, Any]) -> PastStatus:
    """Return the parts of a status that a later pass reads."""
    return PastStatus(
        observed_generation=status.get("observedGeneration", -1),
        failed=status.get("rotationStatus") == "failed",
        failed_attempts=status.get("failedAttempts") or 0,
        last_attempted_at=parse_timestamp(status.get("lastRotationAttemptedAt")),
        last_rotated_at=parse_timestamp(status.get("lastRotatedAt")),
        is_last_manual=status.get("isLastRotationManual") is True,
        handled=_tokens(
            status.get("lastHandledRotateNow") or "", status.get("lastHandledRotationTrigger") or ""
        ),
        next_rotation_at=parse_timestamp(status.get("nextRotationAt")),
        next_retry_at=parse_timestamp(status.get("nextRetryAt")),
        noticed_for=parse_timestamp(status.get("lastNoticeFor")),
        last_handled_reconcile_at=status.get("lastHandledReconcileAt") or "",
        history=status.get("history") or (),
        raw=status,
    )


def version_of(connection: Mapping[str, Any]) -> tuple[str, int]:
    """Return the uid and generation of a connection."""
    metadata = connection["metadata"]
    return metadata["uid"], metadata.get("generation", 0)


def reset_token(connection: Mapping[str, Any]) -> str:
    """Return the word by which a person asks to reset the circuit; empty where there is none."""
    annotations: Mapping[str, str] = connection["metadata"].get("annotations") or {}
    return annotations.get(RESET_CIRCUIT, "")
