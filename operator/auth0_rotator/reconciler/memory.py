"""What this process remembers of one rotation between two passes.

All of it may be lost at any instant: what must survive stands in the journal.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from auth0_rotator.conditions import Condition
from auth0_rotator.observation import Attempt, Gate
from auth0_rotator.outcome import Failure
from auth0_rotator.record import Trigger
from auth0_rotator.resource import ForeignRotation


@dataclass(slots=True)
class Verification:
    """How far the probing of one value has come."""

    subject: str
    """What it is about: the rotation id of the value, or the domain that it may have moved to, or the
    rotation ids of two values of which one is live."""
    began_at: datetime
    """When the first of these probes was asked."""
    tries: int = 0
    again_at: datetime | None = None
    is_done: bool = False
    once_more_at: datetime | None = None
    """When another round of probes begins, whatever this one says; None: it is the last."""
    is_unclear: bool = False
    """Whether it was asked for often enough, and nobody said."""


@dataclass(slots=True)
class Probing:
    """When a value is probed between two rotations, and how far that has come."""

    by: ForeignRotation
    subject: str
    """The rotation id of the value."""
    at: datetime
    asking: Verification | None = None
    """How far the probe that is under way has come; None where none is."""
    put_off: int = 0
    """How often in a row it found other probes waiting."""
    lacks_scope: bool = False
    """Whether the last probe found what could have been adopted, had the connection had the scope."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """When the tenant took the value of a rotation."""

    rotation_id: str
    at: datetime


@dataclass(slots=True)
class RollOut:
    """How far the consumers of one value have come."""

    subject: str
    """The rotation id of the value, and who its consumers are."""
    tries: int = 0
    again_at: datetime | None = None
    is_restart: bool = False
    """Whether this process restarted one of them."""
    found: Mapping[str, str] | None = None
    """Those that nobody names, each with the annotation by which another tool restarts it (empty: none
    does); None until they were looked for."""
    current: dict[str, str] = field(default_factory=dict)
    """What was told of those who run on the value; they are looked at no more."""
    paused_at: str = ""
    """The consumer of which the API server last asked to be left alone."""
    is_done: bool = False


@dataclass(slots=True)
class Memory:
    """See the module."""

    uid: str = ""
    """The uid of the rotation when it was last reported on."""
    attempt: Attempt | None = None
    first_look_at: datetime | None = None
    """When this process first looked at anything of the rotation."""
    has_seen_rotation: bool = False
    """Whether the object itself was there at some time since."""
    leaving_seen_at: datetime | None = None
    """When the rotation, or its journal, was first seen being deleted."""
    last_acceptance: Acceptance | None = None
    """Of the last rotation that this process carried out."""
    told_delivery_at: datetime | None = None
    """When it was last told that an accepted value cannot be delivered."""
    tried_tokens: frozenset[str] = frozenset()
    is_cut_short: bool = False
    seen_at: float = float("-inf")
    """When the rotation was last known to be as the mirror shows it (event loop's clock)."""
    verification: Verification | None = None
    probing: Probing | None = None
    roll_out: RollOut | None = None
    uses: dict[str, frozenset[str]] = field(default_factory=dict)
    """Which Secrets each consumer reads, as far as it was read."""
    gate: Gate | None = None
    """What the last look at the consumers before a rotation showed."""
    moving: Verification | None = None
    """How far the asking of another domain's tenant has come; done: it does not know the value."""
    comparing: Verification | None = None
    """How far the asking has come which of two values is live; done: the target's is not."""
    is_word_taken_back: bool = False
    """Whether, since this change is open, there was an instant without a person's word about it."""
    is_revocation_sent: bool = False
    """Whether the tenant may have revoked the value of a rotation that goes because we asked for it."""
    is_revoked: bool = False
    """Whether the tenant has said that it revoked it."""
    announced: str = ""
    """The rotation id of the value that this process has announced last."""
    repairs: list[datetime] = field(default_factory=list)
    contender: str = ""
    postponements: int = 0
    """Passes in a row that something other than an attempt was in the way of."""
    unwritten_status: dict[str, Any] | None = None
    """A status that could not be written; it counts as if it had been."""
    told_stall: tuple[str, str] | None = None
    """The stall that an Event was posted for."""
    told: dict[str, str] = field(default_factory=dict)
    """The id of the last message of each type that the webhook was told."""
    # What the pass under way has done; see `begin_pass`.
    failure: Failure | None = None
    trigger: Trigger | None = None
    rotated: dict[str, Any] | None = None
    is_adopted: bool = False
    verified: Condition | None = None
    verified_milliseconds: int | None = None
    consumers: Condition | None = None
    rolled_milliseconds: int | None = None
    stale_reads: int = 0

    def verdicts(self) -> "Verdicts":
        """Return what is known of the tenant's answers, as it is now."""
        probing = self.probing
        if probing is not None:
            probing = replace(probing, asking=_copied(probing.asking))
        return Verdicts(
            _copied(self.verification), probing, _copied(self.moving), _copied(self.comparing)
        )

    def take_back(self, verdicts: "Verdicts") -> None:
        """Know no more than that: what followed from the answers since could not be carried out, and
        nobody would ask again."""
        self.verification, self.probing = verdicts.verification, verdicts.probing
        self.moving, self.comparing = verdicts.moving, verdicts.comparing

    def begin_pass(self) -> None:
        """Forget what the last pass did; it was reported."""
        self.failure = None
        self.trigger = None
        self.rotated = None
        self.is_adopted = False
        self.verified = None
        self.verified_milliseconds = None
        self.consumers = None
        self.rolled_milliseconds = None
        self.stale_reads = 0


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What the tenant has answered so far; see `Memory`."""

    verification: Verification | None
    probing: Probing | None
    moving: Verification | None
    comparing: Verification | None


def _copied(verification: Verification | None) -> Verification | None:
    return replace(verification) if verification is not None else None
