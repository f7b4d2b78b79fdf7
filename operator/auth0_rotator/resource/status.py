"""Images of the statuses: what the operator reports. They exist for the CRDs; nothing parses them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from auth0_rotator.resource.image import Image

Timestamp = Annotated[datetime, Field(json_schema_extra={"format": "date-time"})]
Count = Annotated[int, Field(ge=0)]


class Condition(Image):
    """One condition, as kstatus understands it."""

    type: Annotated[str, Field(max_length=316)]
    """What it is about."""
    status: Annotated[str, Field(pattern="^(True|False|Unknown)$")]
    """True, False or Unknown."""
    observed_generation: Annotated[int, Field(ge=-1)] | None = None
    """The generation that it speaks of."""
    reason: Annotated[str, Field(max_length=1024)]
    """One word for why; the same word stands in Events, logs and metrics."""
    message: Annotated[str, Field(max_length=32768)]
    """What happened and what the reader can do."""
    last_transition_time: Timestamp
    """When its status last moved."""


Conditions = Annotated[
    list[Condition],
    Field(
        max_length=16,
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
        },
    ),
]


class RotationStatusWord(StrEnum):
    """How the last attempt ended; there is no third value."""

    SUCCESS = "success"
    FAILED = "failed"


class HistoryEntry(Image):
    """One rotation that was finished."""

    id: str
    """Its rotation id."""
    trigger: str
    """Why it ran: creation, schedule, manual or client-changed."""
    started_at: Timestamp
    """When its attempt began."""
    remote_milliseconds: Count | None = None
    """How long the tenant took to accept the value."""
    delivered_milliseconds: Count | None = None
    """From the tenant's acceptance to the written Secret."""
    verified_milliseconds: Count | None = None
    """From the tenant's acceptance to the first login with the value."""
    rolled_milliseconds: Count | None = None
    """From the tenant's acceptance to the last restarted consumer."""
    result: str
    """How it ended."""
    reason: Annotated[str, Field(max_length=256)] | None = None
    """Why a person asked for it, from the annotation rotate-reason."""


class RotationStatus(Image):
    """What happened, what holds, and what comes next. A report: deleting it loses nothing."""

    observed_generation: Annotated[int, Field(ge=-1)] | None = None
    """The generation that this status speaks of."""
    rotation_status: RotationStatusWord | None = None
    """How the last attempt ended: success or failed."""
    last_rotation_attempted_at: Timestamp | None = None
    """When the last attempt ended, whichever way."""
    last_rotated_at: Timestamp | None = None
    """When the last acceptance by the tenant was recorded."""
    next_rotation_at: Timestamp | None = None
    """When the next automatic rotation is; absent while automatic rotation is off."""
    next_retry_at: Timestamp | None = None
    """When the next try after a failure is, at the latest."""
    last_notice_for: Timestamp | None = None
    """The automatic rotation that was told of last by an Event, before it came."""
    is_last_rotation_manual: bool | None = None
    """Whether the last rotation was not one of the schedule; creation counts as manual."""
    last_rotation_id: str | None = None
    """Id of the last rotation."""
    last_rotation_message: Annotated[str, Field(max_length=1024)] | None = Field(
        default=None, json_schema_extra={"nullable": True}
    )
    """Why the last attempt failed; null after success."""
    failed_attempts: Count | None = None
    """Failed attempts in a row."""
    last_handled_rotate_now: str | None = None
    """The last rotate-now annotation that was followed."""
    last_handled_rotation_trigger: str | None = None
    """The last spec.rotationTrigger that was followed."""
    last_handled_reconcile_at: str | None = None
    """The last reconcile.fluxcd.io/requestedAt that was seen."""
    secret_name: str | None = None
    """Name of the target."""
    history: Annotated[list[HistoryEntry], Field(max_length=10)] | None = None
    """The last rotations, newest first."""
    conditions: Conditions | None = None
    """Ready: the target holds what the tenant holds. Reconciling: an attempt is being executed.
    Stalled: a person is needed. Verified: the tenant accepts the delivered value. ConsumersCurrent,
    where there are rolloutRestartTargets: they run on the delivered value."""


class ConnectionStatus(Image):
    """Whether the tenant can be used."""

    observed_generation: Annotated[int, Field(ge=-1)] | None = None
    """The generation that this status speaks of."""
    conditions: Conditions | None = None
    """Ready: the tenant issues tokens with the scope update:client_keys. CircuitOpen, where
    spec.governor sets openAfterFailures: automatic rotations have stopped."""
    granted_scopes: Annotated[list[str], Field(max_length=512)] | None = None
    """The scopes of the last token."""
    failures_in_a_row: Count | None = None
    """Failed and unverified rotations over this connection since the last good one."""
    last_handled_reset_circuit: str | None = None
    """The last reset-circuit annotation that was followed."""
    last_checked_at: Timestamp | None = None
    """When a token was last asked for on behalf of this object."""
