"""What one pass knows of one rotation: the whole input of a decision, as plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from auth0_rotator.conditions import ConditionType, Reason, parse_timestamp
from auth0_rotator.journal import Journal, Plan
from auth0_rotator.record import PREFIX, Credential, token_of_annotation, token_of_spec
from auth0_rotator.resource import ConnectionRef, Kind, RotationSpec, SpecInvalid, parse_spec
from auth0_rotator.schedule import IntervalUnit
from auth0_rotator.target import Target

ROTATE_NOW = f"{PREFIX}rotate-now"
SETTLE_DOUBT = f"{PREFIX}settle-doubt"
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
    """The parts of the last written status that a later pass reads. Never what decides on due."""

    observed_generation: int = -1
    failed: bool = False
    failed_attempts: int = 0
    last_attempted_at: datetime | None = None
    next_retry_at: datetime | None = None
    last_handled_reconcile_at: str = ""
    history: Sequence[Mapping[str, Any]] = ()
    raw: Mapping[str, Any] = field(default_factory=dict)

    @property
    def conditions(self) -> Sequence[Mapping[str, Any]]:
        """The conditions as they were written."""
        conditions: Sequence[Mapping[str, Any]] = self.raw.get("conditions") or ()
        return conditions

    def is_verdict_on(self, rotation_id: str) -> bool:
        """Return whether it says that the tenant accepts, or refuses, the value of this rotation."""
        is_about = self.raw.get("lastRotationId") == rotation_id
        return is_about and any(
            condition.get("type") == ConditionType.VERIFIED and condition.get("status") != "Unknown"
            for condition in self.conditions
        )


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
    settle_doubt: str
    reconcile_at: str
    status: PastStatus

    @property
    def tokens(self) -> tuple[str, ...]:
        """The tokens that the object carries, in the form in which handled ones are kept."""
        trigger = self.spec.rotation_trigger if self.spec is not None else None
        return tuple(
            [token_of_annotation(self.rotate_now)] * bool(self.rotate_now)
            + [token_of_spec(trigger or "")] * bool(trigger)
        )

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
        next_retry_at=parse_timestamp(status.get("nextRetryAt")),
        last_handled_reconcile_at=status.get("lastHandledReconcileAt") or "",
        history=status.get("history") or (),
        raw=status,
    )


@dataclass(frozen=True, slots=True)
class Connection:
    """What is known of the connection that a rotation refers to."""

    key: ConnectionKey | None
    """None where nobody says which."""
    is_ready: bool
    reason: Reason
    message: str
    domain: str = ""
    is_stalled: bool = False
    """Whether only a person can make it ready."""
    is_known: bool = False
    """Whether its tenant can be asked what needs no token of the operator's."""
    client_id: str = ""
    """The client as which the operator itself authenticates."""
    scopes: frozenset[str] = frozenset()


T = TypeVar("T")


def given(value: T | None) -> T:
    """Return a part of an observation that the rule which asked for an action has made sure of.

    Raises:
        LookupError: it is not there, so rule and action contradict each other: a bug.
    """
    if value is None:
        message = "an action was asked for without what it needs"
        raise LookupError(message)
    return value


class Contest(StrEnum):
    """What two rotations can contend for."""

    CLIENT = "client"
    TARGET = "target"


@dataclass(frozen=True, slots=True)
class Rival:
    """Another rotation that claims the same client of the same tenant, or the same Secret."""

    key: Key
    uid: str
    created_at: datetime | None
    holds: bool
    """Whether its journal has, or is sending, a value of the contended client or for the Secret."""
    contest: Contest
    domains: frozenset[str] = frozenset()
    """The domains of the values that its journal has or sends, whatever its connection says by now."""
    is_sending: bool = False
    """Whether it is in the middle of a change of this very client: nobody else may begin one."""

    @property
    def claim(self) -> str:
        """What is contended for, in words."""
        return "client" if self.contest is Contest.CLIENT else "Secret"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to rotate, while this process is in the middle of it. Lost in a crash, on purpose:
    whoever comes after starts from the journal."""

    started_at: datetime
    again_at: datetime
    """Not before then the next try."""
    tries: int = 0
    values: int = 1
    """How many values were chosen; one more each time that the tenant refuses the value itself."""
    sent_version: str = ""
    """The journal's resourceVersion after this process's own `sending` write; empty: not written."""
    is_certain: bool = True
    """Whether every answer so far was one that surely changed nothing."""
    accepted: Credential | None = None
    """The value whose acceptance this process saw, with its final record."""
    accepted_at: float = 0.0
    """When that was, by the event loop's clock."""
    remote_milliseconds: int = 0
    """How long the tenant took to accept it."""
    delivered_milliseconds: int = 0
    """How long it took from there to the written Secret."""
    due_at: datetime | None = None
    """Since when the rotation is wanted; None where only the journal tells of it."""


@dataclass(frozen=True, slots=True)
class Observation:
    """All that a decision may look at."""

    now: datetime
    key: Key
    rotation: Rotation | None
    journal: Journal | None
    target: Target | None
    connection: Connection
    unit: IntervalUnit
    process: str
    """Identity of this process, as it stands in `attempted-by`."""
    leading_since: datetime
    """Since when this process is the one that acts."""
    journal_fault: str = ""
    """Why the journal cannot be read; empty where it can, or is absent."""
    journal_deleting_since: datetime | None = None
    """Since when a journal that cannot be read is being deleted."""
    rivals: Sequence[Rival] = ()
    attempt: Attempt | None = None
    is_cut_short: bool = False
    """Whether something happened that ends a back-off: a connection became Ready."""
    tried_tokens: frozenset[str] = frozenset()
    """Tokens that this process already tried to follow, in vain so far."""
    is_namespace_terminating: bool = False
    is_verification_done: bool = True
    """Whether there is nothing (more) to ask the tenant about the current value."""
    verify_at: datetime | None = None
    """Not before then the next probe; None where it may come at once."""
    is_move_refused: bool = False
    """Whether another domain's tenant did not know the current value."""
    move_at: datetime | None = None
    """Not before then that tenant is asked again; None where it may be at once."""
    repairs: Sequence[datetime] = ()
    """When drift was repaired lately."""
    to_withdraw: Sequence[str] = ()
    """Secrets of others that the keys of a rotation that is gone shall leave."""
    contender: str = ""
    """The field manager that undid our last write."""

    @property
    def connection_key(self) -> ConnectionKey:
        """The connection; there is one."""
        return given(self.connection.key)

    @property
    def is_taken_over(self) -> bool:
        """Whether the journal came from elsewhere (a restore) and was not probed yet."""
        return self.journal is not None and self.journal.is_unproven

    @property
    def leaving_since(self) -> datetime | None:
        """Since when the rotation, or its journal, is being deleted; None where neither is."""
        of_journal = self.journal.meta if self.journal is not None else None
        instants = [
            self.rotation.deleting_since if self.rotation is not None else None,
            of_journal.deleting_since if of_journal is not None else self.journal_deleting_since,
        ]
        return min((instant for instant in instants if instant is not None), default=None)

    @property
    def plan(self) -> Plan | None:
        """What is to be delivered: by the spec, or by the journal where there is no valid one."""
        if self.rotation is not None and self.rotation.plan is not None:
            return self.rotation.plan
        return self.journal.plan if self.journal is not None else None
