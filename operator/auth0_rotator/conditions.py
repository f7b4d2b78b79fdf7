"""Conditions as kstatus understands them, and the one list of reason words.

A reason is the same word in a condition, an Event, a log line and a metric.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any, Final

# No instant of Kubernetes, Auth0 or this operator lies outside of these years.
_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 8999
# Limits of the API: metav1.Condition.message, and lastRotationMessage (feature.md).
CONDITION_MESSAGE_LENGTH: Final = 32768
ROTATION_MESSAGE_LENGTH: Final = 1024


class ConditionType(StrEnum):
    """The conditions of a rotation; a connection has Ready, and CircuitOpen where it has a governor."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    VERIFIED = "Verified"
    CONSUMERS_CURRENT = "ConsumersCurrent"
    CIRCUIT_OPEN = "CircuitOpen"


class ConditionStatus(StrEnum):
    """The three values of a condition."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Reason(StrEnum):
    """Every reason word, in order of where a reader meets it first."""

    # A connection.
    TOKEN_ISSUED = "TokenIssued"
    SECRET_MISSING = "SecretMissing"
    CREDENTIALS_REFUSED = "CredentialsRefused"
    GRANT_MISSING = "GrantMissing"
    GRANT_TYPE_REFUSED = "GrantTypeRefused"
    AUDIENCE_UNKNOWN = "AudienceUnknown"
    SCOPE_MISSING = "ScopeMissing"
    UNREACHABLE = "Unreachable"
    RATE_LIMITED = "RateLimited"
    UNEXPECTED_ANSWER = "UnexpectedAnswer"
    INSECURE_ENDPOINT = "InsecureEndpoint"
    REHEARSAL_ONLY = "RehearsalOnly"
    CIRCUIT_OPEN = "CircuitOpen"
    CIRCUIT_CLOSED = "CircuitClosed"
    # What keeps a rotation from going on.
    PENDING = "Pending"
    SPEC_INVALID = "SpecInvalid"
    CONNECTION_MISSING = "ConnectionMissing"
    CONNECTION_NOT_READY = "ConnectionNotReady"
    NAMESPACE_NOT_ALLOWED = "NamespaceNotAllowed"
    CONFLICT_DETECTED = "ConflictDetected"
    OWN_CLIENT = "OwnClient"
    CLIENT_UNKNOWN = "ClientUnknown"
    CLIENT_UNSUITABLE = "ClientUnsuitable"
    TOKEN_REFUSED = "TokenRefused"
    VALUE_REFUSED = "ValueRefused"
    REQUEST_REFUSED = "RequestRefused"
    SIGNS_WITH_SECRET = "SignsWithSecret"
    ADOPTION_UNCLEAR = "AdoptionUnclear"
    JOURNAL_IMMUTABLE = "JournalImmutable"
    JOURNAL_UNREADABLE = "JournalUnreadable"
    JOURNAL_FOREIGN = "JournalForeign"
    TARGET_FOREIGN = "TargetForeign"
    TARGET_IMMUTABLE = "TargetImmutable"
    TARGET_TYPE_DIFFERS = "TargetTypeDiffers"
    TARGET_CONTESTED = "TargetContested"
    FORBIDDEN = "Forbidden"
    WRITE_REFUSED = "WriteRefused"
    CLUSTER_UNREACHABLE = "ClusterUnreachable"
    NOT_INSTALLED = "NotInstalled"
    NAMESPACE_TERMINATING = "NamespaceTerminating"
    DOMAIN_CHANGED = "DomainChanged"
    SENDING = "Sending"
    IN_DOUBT = "InDoubt"
    BUSY = "Busy"
    BACKING_OFF = "BackingOff"
    LATE_REQUEST_POSSIBLE = "LateRequestPossible"
    WINDOW_CLOSED = "WindowClosed"
    WINDOWS_NEVER_OPEN = "WindowsNeverOpen"
    CANARY_PENDING = "CanaryPending"
    RESTART_GATE_CLOSED = "RestartGateClosed"
    QUEUED = "Queued"
    # Why a rotation is at rest.
    SUSPENDED = "Suspended"
    FROZEN = "Frozen"
    AUTOMATION_OFF = "AutomationOff"
    WAITING_FOR_DUE_DATE = "WaitingForDueDate"
    DELIVERED = "Delivered"
    NOT_DELIVERED = "NotDelivered"
    # What was done.
    CREATION = "Creation"
    DUE = "Due"
    REQUESTED = "Requested"
    CLIENT_CHANGED = "ClientChanged"
    ROTATION_UPCOMING = "RotationUpcoming"
    ROTATED = "Rotated"
    ROTATION_FAILED = "RotationFailed"
    ANNOUNCED = "Announced"
    PUBLISHED = "Published"
    ADOPTED = "Adopted"
    DRIFT_REPAIRED = "DriftRepaired"
    VERIFIED = "Verified"
    VERIFICATION_OFF = "VerificationOff"
    NOT_VERIFIED = "NotVerified"
    VERIFYING = "Verifying"
    ROTATED_ELSEWHERE = "RotatedElsewhere"
    DOUBT_SETTLED = "DoubtSettled"
    REVOKED = "Revoked"
    REVOCATION_ABANDONED = "RevocationAbandoned"
    ABANDONED = "Abandoned"
    TARGET_RELEASED = "TargetReleased"
    TARGET_KEPT = "TargetKept"
    FINALIZING = "Finalizing"
    # Those who use a value.
    ROLLOUT_RESTARTED = "RolloutRestarted"
    ROLLING_OUT = "RollingOut"
    CONSUMERS_CURRENT = "ConsumersCurrent"
    CONSUMERS_STALE = "ConsumersStale"
    CONSUMER_MISSING = "ConsumerMissing"
    CONSUMER_NOT_RESTARTED = "ConsumerNotRestarted"


@dataclass(frozen=True, slots=True)
class Condition:
    """What one condition shall say; when its status last moved is worked out on merging."""

    type: ConditionType
    status: ConditionStatus
    reason: Reason
    message: str


def merge_conditions(
    existing: Sequence[Mapping[str, Any]],
    wanted: Iterable[Condition],
    *,
    generation: int,
    now: datetime,
) -> list[dict[str, Any]]:
    """Return `wanted` as the API writes conditions, sorted by type.

    `lastTransitionTime` (UTC, whole seconds) is kept from `existing` unless the status moved.
    Conditions that are not wanted are dropped.
    """
    before = {condition.get("type"): condition for condition in existing}
    merged = []
    for condition in sorted(wanted, key=lambda condition: condition.type):
        old = before.get(condition.type, {})
        unmoved = old.get("status") == condition.status and old.get("lastTransitionTime")
        merged.append(
            {
                "type": condition.type.value,
                "status": condition.status.value,
                "observedGeneration": generation,
                "reason": condition.reason.value,
                "message": shortened(condition.message, CONDITION_MESSAGE_LENGTH),
                "lastTransitionTime": old["lastTransitionTime"] if unmoved else timestamp(now),
            }
        )
    return merged


def shortened(text: str, length: int) -> str:
    """Return `text`, cut to `length` characters with three dots at the end where it is longer."""
    return text if len(text) <= length else text[: length - 3] + "..."


def timestamp(instant: datetime) -> str:
    """Return an aware UTC `instant` as Kubernetes writes it: whole seconds and a Z."""
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_timestamp(text: str | None) -> datetime | None:
    """Return the aware UTC datetime that `text` (RFC 3339) says, None for None or nonsense."""
    if not text:
        return None
    try:
        instant = datetime.fromisoformat(text)
        utc = instant.astimezone(UTC) if instant.tzinfo is not None else None
    except (TypeError, ValueError, OverflowError):
        return None
    # At the ends of the calendar no date can be reckoned from an instant.
    return utc if utc is not None and _FIRST_YEAR <= utc.year <= _LAST_YEAR else None


def parse_http_date(text: str | None) -> datetime | None:
    """Return the aware datetime that a header like Date or Retry-After says, None for anything else."""
    if text is None:
        return None
    try:
        instant = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    # "-0000" is UTC as well (RFC 5322), and comes without a zone.
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)
