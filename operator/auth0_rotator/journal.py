"""What the journal means, and what happens to it: pure functions from a journal to the next one.

The journal is the one durable truth about a client secret. While its state is `sending`, the
tenant may hold `current` or `next`; while it is `idle`, the tenant holds `current`. A `next` in
an idle journal is parked: chosen, surely not live, and used by the next attempt. One that was
announced is published ahead of its change, for applications that try both.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from auth0_rotator.credential import ClientSecret
from auth0_rotator.record import CommitRecord, Credential
from auth0_rotator.resource import GROUP, ConnectionRef, SecretsMapping, TargetSpec
from auth0_rotator.resource.image import Image
from auth0_rotator.resource.target import JOURNAL_SUFFIX

JOURNAL_TYPE: Final = f"{GROUP}/journal"
# After a rotation with a lost answer, for so long a late request of it could still land.
LATE_REQUEST: Final = timedelta(minutes=5)
SENDING_FINALIZER: Final = f"{GROUP}/sending"


class State(StrEnum):
    """idle: the tenant holds `current`. sending: the tenant may hold `current` or `next`."""

    IDLE = "idle"
    SENDING = "sending"


class Plan(Image):
    """What is needed to finish a rotation without its object."""

    rotation: str
    uid: str
    connection_ref: ConnectionRef
    secrets_mapping: SecretsMapping
    target: TargetSpec
    delete_secrets: bool = False

    @property
    def target_name(self) -> str:
        """The name of the Secret to deliver into."""
        return self.target.name or self.rotation


@dataclass(frozen=True, slots=True)
class Journal:
    """One journal, as it was read or as it is to be written."""

    state: State = State.IDLE
    current: Credential | None = None
    previous: ClientSecret | None = None
    next: Credential | None = None
    plan: Plan | None = None
    is_announced: bool = False
    """Whether `next` is published ahead of its change."""
    attempts: int = 0
    """How often `next` may have been sent since the state became sending."""
    attempted_at: datetime | None = None
    attempted_by: str = ""
    """Which process counted the last attempt."""
    late_until: datetime | None = None
    """Until then a request of the last rotation, whose answer was lost, may still take effect."""
    is_unproven: bool = False
    """Whether it came from elsewhere (a restore), and the tenant was not asked since about `current`."""
    has_worked: bool = False
    """Whether the tenant has accepted `current` since it was kept; of no other value that is noted."""
    to_restart: tuple[str, ...] = ()
    """The consumers (kind/name) that are still to be restarted for `current`."""
    settle_seen: str = ""
    """What the settle-doubt annotation said when the state became sending: an old word settles
    no new doubt."""
    meta: "JournalMeta | None" = None
    """How it stands in the cluster; None while it was never written."""

    @property
    def version(self) -> str:
        """Its resourceVersion; empty where it was never written."""
        return self.meta.resource_version if self.meta is not None else ""

    @property
    def owner_uid(self) -> str:
        """The uid of the rotation that it belongs to; empty where nobody says."""
        return self.meta.owner_uid if self.meta is not None else ""

    @property
    def is_immutable(self) -> bool:
        """Whether no value in it can be changed, and none be added."""
        return self.meta is not None and self.meta.is_immutable

    @property
    def is_sending(self) -> bool:
        """Whether the tenant may hold `next`."""
        return self.state is State.SENDING

    @property
    def announced_secret(self) -> ClientSecret | None:
        """The value that is published ahead of its change, None where there is none of this client."""
        current, chosen = self.current, self.next
        if not self.is_announced or current is None or chosen is None:
            return None
        record = current.record
        return chosen.secret if chosen.record.is_for(record.client_id, record.domain) else None

    @property
    def sequence(self) -> int:
        """The sequence of `current`, 0 where there is none."""
        return self.current.record.sequence if self.current is not None else 0

    @property
    def handled(self) -> tuple[str, ...]:
        """The tokens handled so far."""
        return self.current.record.handled if self.current is not None else ()


@dataclass(frozen=True, slots=True)
class JournalMeta:
    """What Kubernetes and other people say of a journal's Secret."""

    uid: str
    resource_version: str
    owner_uid: str
    """The uid of the rotation that it belongs to; empty where the owner reference is gone."""
    deleting_since: datetime | None
    is_intact: bool
    """Whether its labels and our finalizer stand as the operator wrote them."""
    foreign: dict[str, Any]
    """Labels, annotations and finalizers of other people, written back as they were found."""
    is_immutable: bool = False
    """Whether somebody made its Secret immutable: no value in it can be changed any more."""


def journal_name(rotation: str) -> str:
    """Return the name of the journal of the rotation called `rotation`."""
    return rotation + JOURNAL_SUFFIX


def rotation_of_journal(name: str) -> str | None:
    """Return the name of the rotation whose journal is called `name`; None for any other name."""
    return name.removesuffix(JOURNAL_SUFFIX) if name.endswith(JOURNAL_SUFFIX) else None


def begun(
    journal: Journal | None,
    *,
    intended: Credential,
    plan: Plan,
    settle_seen: str,
    now: datetime,
    by: str,
) -> Journal:
    """Return the journal that lets the `intended` value be sent: the write before the change."""
    before = journal or Journal()
    is_parked = before.next is not None and before.next.secret == intended.secret
    return replace(
        before,
        state=State.SENDING,
        next=intended,
        is_announced=before.is_announced and is_parked,
        plan=plan,
        settle_seen=settle_seen,
        attempts=1,
        attempted_at=now,
        attempted_by=by,
    )


def attempted_again(journal: Journal, *, now: datetime, by: str) -> Journal:
    """Return the journal that lets the same value be sent once more."""
    return replace(journal, attempts=journal.attempts + 1, attempted_at=now, attempted_by=by)


def committed(journal: Journal, *, record: CommitRecord, late_until: datetime | None) -> Journal:
    """Return the journal in which `next` has become `current`, with its final `record`.

    `previous` is kept only where it belongs to the same client of the same tenant.

    Raises:
        ValueError: there is no `next`.
    """
    chosen, replaced = journal.next, journal.current
    if chosen is None:
        message = "there is nothing to commit"
        raise ValueError(message)
    is_same_client = replaced is not None and replaced.record.is_for(record.client_id, record.domain)
    return replace(
        _at_rest(journal),
        current=Credential(chosen.secret, record),
        previous=replaced.secret if replaced is not None and is_same_client else None,
        next=None,
        is_announced=False,
        late_until=late_until,
        is_unproven=False,
        has_worked=False,
    )


def refused(journal: Journal) -> Journal:
    """Return the journal after a refusal that surely changed nothing: idle, `next` parked."""
    return _at_rest(journal)


def with_another_value(journal: Journal, intended: Credential) -> Journal:
    """Return the journal with another `next`, for the tenant refused the value of the old one."""
    return replace(journal, next=intended, is_announced=False)


def announced(journal: Journal, chosen: Credential) -> Journal:
    """Return the journal whose next value is announced: `chosen`."""
    return replace(journal, next=chosen, is_announced=True)


def adopted(journal: Journal | None, *, credential: Credential, plan: Plan) -> Journal:
    """Return a journal whose `current` is what a target already holds.

    A parked `next` stays, unless it is older than what is adopted. What was current before stays as
    `previous` where it belongs to the same client: it may turn out to be the live one after all.
    """
    base, record = _at_rest(journal or Journal()), credential.record
    parked, replaced = base.next, base.current
    is_newer = parked is not None and parked.record.sequence > record.sequence
    is_same_client = replaced is not None and replaced.record.is_for(record.client_id, record.domain)
    is_other = replaced is not None and replaced.secret != credential.secret
    return replace(
        base,
        current=credential,
        previous=replaced.secret if replaced is not None and is_same_client and is_other else None,
        next=parked if is_newer else None,
        is_announced=base.is_announced and is_newer,
        has_worked=False,
        plan=plan,
    )


def parked_behind(journal: Journal, record: CommitRecord, *, rotation_id: str) -> Journal:
    """Return the journal whose `next` comes after `record`, which another value takes before it: by its
    sequence, and by its id, which is `rotation_id` then."""
    parked = journal.next
    if parked is None:
        return journal
    kept = parked.record
    behind = replace(
        kept,
        sequence=max(kept.sequence, record.sequence + 1),
        rotation_id=kept.rotation_id if kept.rotation_id > record.rotation_id else rotation_id,
    )
    return replace(journal, next=replace(parked, record=behind))


def expecting_late_request(journal: Journal, until: datetime) -> Journal:
    """Return the journal after a request about `current` that may take effect `until` then."""
    return replace(journal, late_until=until)


def unproven(journal: Journal) -> Journal:
    """Return the journal that came from elsewhere: its value is to be probed."""
    return replace(journal, is_unproven=True)


def proven(journal: Journal) -> Journal:
    """Return the journal whose value the tenant accepted since it was kept or came from elsewhere."""
    is_kept = journal.current is not None and journal.current.record.is_kept
    return replace(journal, is_unproven=False, has_worked=is_kept)


def with_restarts_left(journal: Journal, left: tuple[str, ...]) -> Journal:
    """Return the journal after restarts: these consumers are still to be restarted."""
    return replace(journal, to_restart=left)


def replanned(journal: Journal, plan: Plan) -> Journal:
    """Return the journal with another plan: for a new target, or after a change of owner."""
    return replace(journal, plan=plan)


def moved(journal: Journal, domain: str) -> Journal:
    """Return the journal whose `current` is known to be live at another domain's tenant."""
    if journal.current is None:
        message = "there is no value that could have moved"
        raise ValueError(message)
    held = (journal.current, journal.next)
    current, parked = (
        replace(one, record=replace(one.record, domain=domain))
        if one is not None and one.record.domain == journal.current.record.domain
        else one
        for one in held
    )
    return replace(journal, current=current, next=parked)


def _at_rest(journal: Journal) -> Journal:
    return replace(
        journal,
        state=State.IDLE,
        attempts=0,
        attempted_at=None,
        attempted_by="",
        settle_seen="",
    )
