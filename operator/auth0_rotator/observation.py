"""What one pass knows of one rotation: the whole input of a decision, as plain values."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, TypeVar

from auth0_rotator.conditions import Reason
from auth0_rotator.journal import Journal, Plan
from auth0_rotator.record import CommitRecord, Credential
from auth0_rotator.resource import ForeignRotation, RotationWindow
from auth0_rotator.schedule import IntervalUnit
from auth0_rotator.subject import ConnectionKey, Key, Rotation
from auth0_rotator.target import Target


class CredentialsPlace(NamedTuple):
    """A Secret, and the keys in it under which credentials stand."""

    namespace: str
    name: str
    client_id_key: str
    client_secret_key: str


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
    credentials: CredentialsPlace | None = None
    """Where the operator reads its own credentials for it; None where nobody knows."""
    windows: Sequence[RotationWindow] = ()
    """The windows of rotations that name none themselves."""
    foreign: ForeignRotation | None = None
    """What is done about rotations that somebody else makes; None: nothing, between our own."""
    is_circuit_open: bool = False
    """Whether too many rotations in a row came to nothing: no automatic one begins."""


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
    is_powerless: bool = False
    """Whether it stands in another namespace, and no tenant ever let its connection in for the client:
    all that it has may be made up."""

    @property
    def claim(self) -> str:
        """What is contended for, in words."""
        return "client" if self.contest is Contest.CLIENT else "Secret"


@dataclass(frozen=True, slots=True)
class Gate:
    """What a look at the consumers showed, before a rotation that is to wait for them."""

    until: datetime
    """How long that counts; then it is looked again."""
    obstacle: str
    """Why they had better not be restarted; empty where nothing speaks against it."""


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
    is_delivered: bool = False
    """Whether the target was seen, or written, with the accepted value."""
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
    journal_usurper: str = ""
    """The type of a Secret that stands in the journal's place and is none; empty where none does."""
    rivals: Sequence[Rival] = ()
    attempt: Attempt | None = None
    is_cut_short: bool = False
    """Whether something happened that ends a back-off: a connection became Ready."""
    tried_tokens: frozenset[str] = frozenset()
    """Tokens that this process already tried to follow, in vain so far."""
    is_namespace_terminating: bool = False
    is_frozen: bool = False
    """Whether the namespace carries the label that stops all rotations in it."""
    is_freeze_watched: bool = True
    """Whether a watch tells when that label comes and goes."""
    canary: Key | None = None
    """A rotation of the same connection that goes first and has not proven itself yet."""
    is_word_taken_back: bool = False
    """Whether a person took back what was said before this change: said again, it counts."""
    is_verification_done: bool = True
    """Whether there is nothing (more) to ask the tenant about the current value."""
    verify_at: datetime | None = None
    """Not before then the next probe; None where it may come at once."""
    probe_at: datetime | None = None
    """When the current value is probed again though it was verified; None where nobody wants that."""
    is_rolled_out: bool = True
    """Whether there is nothing (more) to be looked after at the consumers of the current value."""
    roll_out_at: datetime | None = None
    """Not before then the next look at them; None where it may come at once."""
    gate: Gate | None = None
    """What the last look at the consumers showed; None where there was none."""
    leaving_seen_at: datetime | None = None
    """When this process first saw that the rotation, or its journal, is being deleted."""
    alone_since: datetime | None = None
    """Since when this process knows of a rotation that it has never seen; None where it has seen it."""
    is_target_refused: bool = False
    """Whether the tenant has said that the target's newer value is not the live one."""
    compare_at: datetime | None = None
    """Not before then the tenant is asked again which of two values is the live one."""
    is_comparison_unclear: bool = False
    """Whether it was asked often enough, and did not say."""
    is_move_refused: bool = False
    """Whether another domain's tenant did not know the current value."""
    move_at: datetime | None = None
    """Not before then that tenant is asked again; None where it may be at once."""
    is_connection_busy: bool = False
    """Whether other rotations of the connection are due or open; looked at for its own client only."""
    repairs: Sequence[datetime] = ()
    """When drift was repaired lately."""
    to_withdraw: Sequence[str] = ()
    """Secrets of others that the keys of a rotation that is gone shall leave."""
    contender: str = ""
    """The field manager that undid our last write."""
    left_by: frozenset[str] = frozenset()
    """Rotations that left their value in our target: they have it elsewhere, and want this Secret no
    more."""

    @property
    def record(self) -> CommitRecord | None:
        """The commit record of the current value, None where there is none."""
        current = self.journal.current if self.journal is not None else None
        return current.record if current is not None else None

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
        """Since when the rotation, or its journal, is being deleted; None where neither is.

        The API server dates a deletion: by a clock that may be hours ahead of ours.
        """
        of_journal = self.journal.meta if self.journal is not None else None
        instants = [
            self.rotation.deleting_since if self.rotation is not None else None,
            of_journal.deleting_since if of_journal is not None else self.journal_deleting_since,
        ]
        dated = min((instant for instant in instants if instant is not None), default=None)
        return (
            dated if dated is None or self.leaving_seen_at is None else min(dated, self.leaving_seen_at)
        )

    @property
    def plan(self) -> Plan | None:
        """What is to be delivered: by the spec, or by the journal where there is no valid one."""
        if self.rotation is not None and self.rotation.plan is not None:
            return self.rotation.plan
        return self.journal.plan if self.journal is not None else None
