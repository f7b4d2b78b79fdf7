"""One instant of a small world, as a value that can be compared: what an exploration walks over.

Two operators, a journal, a target, a tenant, the requests that are on their way, and a person. What
is the same in every state (the rotation's name, its plan, its connection) stands in `examples`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final, TypeVar

from auth0_rotator.credential import ClientSecret
from auth0_rotator.decision.protocol import Step
from auth0_rotator.errors import RotatorError
from auth0_rotator.journal import Journal
from auth0_rotator.observation import Attempt
from auth0_rotator.reconciler.memory import Verification
from auth0_rotator.record import Credential
from examples import NOW

# The instants at which something can happen, in seconds. A request takes effect within ten minutes,
# so one of the first instant can land at any but the last; the next rotation waits for five.
INSTANTS: Final = (0, 30, 360, 540, 660)
LATEST_EFFECT: Final = 600
# Within so many seconds of a change the tenant may answer by the old value, or by either.
BLUR: Final = 30

T = TypeVar("T")


def hashed_once(kind: type[T]) -> type[T]:
    """Have each value of a frozen class computed its hash once: a search asks for it all the time."""
    computed = kind.__hash__

    def cached(self: T) -> int:
        known: dict[str, int] = self.__dict__
        if "hash" not in known:
            known["hash"] = computed(self)
        return known["hash"]

    kind.__hash__ = cached  # type: ignore[method-assign,assignment]
    return kind


def changed(value: T, **changes: Any) -> T:
    """Return what `dataclasses.replace` does, of a class that is hashed once, and five times as fast."""
    other = object.__new__(type(value))
    other.__dict__.update(value.__dict__, **changes)
    other.__dict__.pop("hash", None)
    return other


@hashed_once
@dataclass(frozen=True)
class Stored:
    """The journal, as it stands in the cluster or in a mirror. Its plan is that of `examples`."""

    version: int
    """How often it was written."""
    journal: Journal
    deleting_since: datetime | None = None
    is_staged: bool = False
    """Whether its plan has a key for the value that comes next."""

    def values(self) -> set[ClientSecret]:
        """Return every value that it holds."""
        one = self.journal
        held = {credential.secret for credential in (one.current, one.next) if credential is not None}
        return held | ({one.previous} if one.previous is not None else set())


@hashed_once
@dataclass(frozen=True)
class Shown:
    """The target: a value with its commit record, and the one that was announced."""

    version: int
    credential: Credential
    is_staged: bool = False
    announced: ClientSecret | None = None


@hashed_once
@dataclass(frozen=True)
class Parked:
    """Where a worker stands between two steps of one rotation."""

    step: Step
    decided_at: datetime
    journal: Stored | None = None
    """As the worker last wrote or read it; None where the step does not rest on that."""
    rests_on: float = 0.0
    """When that was, in seconds."""
    refusal: tuple[type[RotatorError], str] | None = None
    """What the tenant said, where the step is to end the attempt for that."""


@hashed_once
@dataclass(frozen=True)
class Asking:
    """How far a worker has come with the probing of a value; see `Verification`."""

    subject: str
    began_at: datetime
    tries: int
    again_at: datetime | None
    is_done: bool
    once_more_at: datetime | None

    @classmethod
    def of(cls, asked: Verification | None) -> "Asking | None":
        """Return the same as a value."""
        if asked is None:
            return None
        return cls(
            asked.subject,
            asked.began_at,
            min(asked.tries, 6),
            asked.again_at,
            asked.is_done,
            asked.once_more_at,
        )


@hashed_once
@dataclass(frozen=True)
class Worker:
    """One operator: what it remembers, and what its mirror shows (which may be old)."""

    process: str
    leading_since: datetime
    journal: Stored | None
    target: Shown | None
    attempt: Attempt | None = None
    parked: Parked | None = None
    asking: Asking | None = None
    tried: frozenset[str] = frozenset()
    has_seen_rotation: bool = False
    """Whether it has looked while the rotation was there: then it knows that somebody deleted it."""


@dataclass(frozen=True, slots=True)
class Request:
    """A change without an answer: it may take effect within ten minutes, or never."""

    secret: ClientSecret
    sent_at: int
    cause: str
    """What asked for this value: a token, or the creation."""


@hashed_once
@dataclass(frozen=True)
class Tenant:
    """One client at its tenant."""

    live: ClientSecret
    former: ClientSecret | None = None
    changed_at: int = -BLUR

    def is_blurred(self, now: int) -> bool:
        """Return whether a change still spreads."""
        return now - self.changed_at < BLUR


@hashed_once
@dataclass(frozen=True)
class Ask:
    """The rotation object, as far as people and status change it."""

    token: str = ""
    settle_doubt: str = ""
    is_gone: bool = False
    failed_at: datetime | None = None
    retry_at: datetime | None = None
    failed_attempts: int = 0
    is_staged: bool = False
    """Whether the spec has new values announced."""
    is_verifying: bool = False
    """Whether the spec wants new values to be probed."""
    verified: str = ""
    """The rotation id of the value whose verification came to an end."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What may still go wrong, or be done by a person, on the way from here."""

    faults: int = 0
    crashes: int = 0
    asks: int = 0
    target_deletions: int = 0
    journal_deletions: int = 0
    rotation_deletions: int = 0
    settlements: int = 0


@hashed_once
@dataclass(frozen=True)
class Past:
    """What the laws have to know of the way here."""

    chosen: int = 0
    """How many values were chosen."""
    was_live: frozenset[ClientSecret] = frozenset()
    changes: frozenset[tuple[str, ClientSecret]] = frozenset()
    """For which cause the tenant took which value."""
    refused: frozenset[ClientSecret] = frozenset()
    """The values that the tenant refused for themselves."""
    is_abandoned: bool = False


@hashed_once
@dataclass(frozen=True)
class State:
    """See the module."""

    at: int
    journal: Stored | None
    target: Shown | None
    tenant: Tenant
    ask: Ask
    workers: tuple[Worker, ...]
    written: int = 2
    """How often journal and target were written."""
    in_flight: frozenset[Request] = frozenset()
    budget: Budget = Budget()
    past: Past = Past()

    @property
    def now(self) -> datetime:
        """The instant by the world's clock."""
        return instant(self.at)


@cache
def instant(at: float) -> datetime:
    """Return the instant `at` so many seconds."""
    return NOW + timedelta(seconds=at)
