"""What may change at the tenant, and why: the model that the operator is held against. Pure.

A change needs a cause that somebody gave: there is no value of the client yet (a creation, another
client), a token that was not handled, a due date. A cause is good for one change. What people do is
written down here before the operator sees it; each change is held against it at the very instant.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from model.facts import Facts, JournalFact, TargetFact
from model.wish import Wish


@dataclass(slots=True)
class Line:
    """One name under which rotations come and go, and what they may still change."""

    name: str
    wish: Wish = field(default_factory=Wish)
    uid: str = ""
    """Of the object that is there; empty where there is none."""
    holds: str = ""
    """The client whose value it has; empty where it has none."""
    rotated_at: datetime | None = None
    """When it was rotated last; at the earliest, where a value is adopted that has no record."""
    is_dated: bool = False
    """Whether that is certain."""
    failed_at: datetime | None = None
    """When an attempt failed for good, if the last one did: the next date is the day after."""
    pending: dict[str, str] = field(default_factory=dict)
    """Tokens not handled so far, each with the rotation that had begun before it was given."""
    handled: set[str] = field(default_factory=set)
    given: set[str] = field(default_factory=set)
    """All tokens there ever were."""
    owed: set[str] = field(default_factory=set)
    """Tokens that must have been followed when all is well."""
    under_way: dict[str, str] = field(default_factory=dict)
    """Values whose rotation has begun with good cause, and their clients."""
    changed: set[str] = field(default_factory=set)
    """Values that it has changed a client to."""
    is_disturbed: bool = False
    """Whether somebody touched what shows that there is a value already."""
    adopts: bool = False
    """Whether the value that is there is still to be adopted: tokens that are present then count as
    handled."""
    may_revoke: bool = False
    """Whether it was deleted with the wish to revoke, and is not gone yet."""
    kept: str = ""
    """The value that it adopts, where that was live when it was found."""
    former: list[Wish] = field(default_factory=list)

    @property
    def is_live(self) -> bool:
        """Whether its object is there and stays."""
        return bool(self.uid)

    def is_due(self, now: datetime, since: datetime | None = None) -> bool:
        """Return whether a date has come, by the UTC day of the last change or of `since`."""
        since = since or self.rotated_at
        if not self.wish.is_automatic or since is None:
            return False
        return now >= _midnight(since) + timedelta(days=self.wish.days)

    def is_due_again(self, now: datetime) -> bool:
        """Return whether the day after a failure has come, whoever had asked for what failed."""
        if not self.wish.is_automatic or self.failed_at is None:
            return False
        return now >= _midnight(self.failed_at) + timedelta(days=1)


def _midnight(instant: datetime) -> datetime:
    return instant.replace(hour=0, minute=0, second=0, microsecond=0)


@dataclass(slots=True)
class Ledger:
    """All lines, and what went wrong."""

    lines: dict[str, Line] = field(default_factory=dict)
    clients: list[str] = field(default_factory=list)
    last_by: dict[str, str] = field(default_factory=dict)
    """By client id: the line that changed it last; empty after a revocation."""
    wrongs: list[str] = field(default_factory=list)

    def live(self) -> list[Line]:
        """Return the lines with an object, by name."""
        return sorted((line for line in self.lines.values() if line.is_live), key=lambda line: line.name)

    @property
    def is_unsettled(self) -> bool:
        """Whether what stands in the cluster tells something that the ledger does not know yet."""
        return any(line.is_disturbed or line.adopts or line.may_revoke for line in self.lines.values())

    def client_of(self, line: Line) -> str:
        """Return the id of the client that the line's object names."""
        return self.clients[line.wish.client(line.name)]

    # What people do ---------------------------------------------------------------------------

    def begin(self, facts: Facts, now: datetime) -> None:
        """Note what is under way, and what failed, before anybody changes what was its cause."""
        for line in self.live():
            found = facts.objects.get(line.name)
            if found is not None and found.status.get("rotationStatus"):
                line.failed_at = found.failed_at
        for name, journal in facts.journals.items():
            line, value = self.lines[name], journal.next
            if not journal.is_open or value in line.changed or value in line.under_way:
                continue
            if not self._is_entitled(line, journal.next_client, now):
                self.wrongs.append(f"{name} began to change {self._client(journal.next_client)} unasked")
            line.under_way[value] = journal.next_client

    def create(self, line: Line, wish: Wish, uid: str, facts: Facts) -> None:
        """An object was made."""
        line.uid, line.is_disturbed, line.may_revoke, line.failed_at = uid, True, False, None
        line.owed.clear()
        self._wish(line, wish, facts)

    def edit(self, line: Line, wish: Wish, facts: Facts) -> None:
        """An object was changed; `facts` as they were before."""
        line.former.append(line.wish)
        fresh = wish.tokens - line.given
        is_elsewhere = wish.target(line.name) != line.wish.target(line.name)
        self._wish(line, wish, facts)
        line.is_disturbed |= is_elsewhere
        journal = facts.journals.get(line.name)
        if journal is not None and journal.belongs_to(line.uid) and journal.current:
            line.owed |= fresh

    def delete(self, line: Line, facts: Facts) -> None:
        """An object was deleted; `facts` as they were before."""
        wish, journal = line.wish, facts.journals.get(line.name)
        if line.is_disturbed and journal is not None and journal.belongs_to(line.uid):
            # What it adopted before somebody could look is what it may revoke.
            line.holds = line.holds if journal.is_open else journal.current_client
        line.former.append(wish)
        line.uid, line.may_revoke, line.adopts = "", wish.revokes, False
        line.owed.clear()
        for other in self.live():
            # Its Secret may go with it, or be taken over.
            other.is_disturbed |= other.wish.target(other.name) == wish.target(line.name)

    def lose_journal(self, line: Line) -> None:
        """Somebody deleted the journal: tokens that are present at the adoption count as handled."""
        line.is_disturbed = True
        line.owed.clear()

    def _wish(self, line: Line, wish: Wish, facts: Facts) -> None:
        journal = facts.journals.get(line.name)
        under_way = journal.next_id if journal is not None and journal.is_open else ""
        # What was taken back is not asked for any more, unless its rotation has begun.
        begun = {token for token, before in line.pending.items() if before != under_way}
        kept = wish.tokens | (begun if under_way else set())
        line.pending = {token: before for token, before in line.pending.items() if token in kept}
        line.owed &= kept
        for token in wish.tokens - line.handled - line.pending.keys():
            line.pending[token] = under_way
        line.given |= wish.tokens
        line.wish = wish

    def take_stock(self, facts: Facts, now: datetime, secrets: Mapping[str, str]) -> None:
        """Look what is left where people removed, renamed or made something; `secrets` by client."""
        for line in self.live():
            if line.is_disturbed:
                self._take_stock(line, facts, now, secrets)

    def _take_stock(self, line: Line, facts: Facts, now: datetime, secrets: Mapping[str, str]) -> None:
        journal, client = facts.journals.get(line.name), self.client_of(line)
        if journal is not None and journal.is_open:
            return
        line.adopts = False
        if journal is not None and journal.belongs_to(line.uid) and journal.current:
            line.holds = journal.current_client
            return
        target = facts.targets.get(line.wish.target(line.name))
        if target is not None and self._is_kept(line, target, client):
            line.holds, line.adopts = client, journal is None
            since = target.rotated_at or now
            line.rotated_at = since if line.rotated_at is None else min(since, line.rotated_at)
            line.is_dated = target.rotated_at is not None
            line.kept = secrets[client] if secrets[client] in target.data.values() else ""
            return
        line.holds = ""
        line.handled.clear()

    def _is_kept(self, line: Line, target: TargetFact, client: str) -> bool:
        """Return whether the value in the target is surely adopted."""
        if any(uid != line.uid for uid in target.leaves_with) or self._is_shared(line):
            return False
        if target.client:
            return target.client == client
        stated = target.data.get(line.wish.mapping["clientId"], client)
        return line.wish.keeps and stated == client and line.wish.mapping["clientSecret"] in target.data

    def _is_shared(self, line: Line) -> bool:
        name = line.wish.target(line.name)
        return any(one is not line and one.wish.target(one.name) == name for one in self.lines.values())

    # What the operator did --------------------------------------------------------------------

    def end(self, facts: Facts, now: datetime, secrets: Mapping[str, str]) -> None:
        """The operator has worked, undisturbed; `secrets` by client."""
        for line in self.lines.values():
            line.may_revoke = line.may_revoke and line.name in facts.objects
        for line in self.live():
            journal = facts.journals.get(line.name)
            if journal is None or not journal.belongs_to(line.uid) or not journal.current:
                continue
            if line.adopts:
                self._settle_tokens(line)
            if line.is_disturbed and not journal.is_open:
                self._settle_value(line, journal, facts, now, secrets)

    def _settle_value(
        self, line: Line, journal: JournalFact, facts: Facts, now: datetime, secrets: Mapping[str, str]
    ) -> None:
        """Note which value was adopted, or was there all the time."""
        line.is_disturbed = False
        target = facts.targets.get(line.wish.target(line.name))
        if journal.current not in line.changed:
            since = target.rotated_at if target is not None and target.rotated_at else now
            line.rotated_at = since if line.rotated_at is None else min(since, line.rotated_at)
            line.kept = journal.current if journal.current == secrets.get(journal.current_client) else ""
        line.holds = journal.current_client

    def rest(self, line: Line) -> None:
        """All is well with a line and nothing is left to do: what was not used cannot be any more."""
        self._settle_tokens(line)
        line.under_way.clear()

    def _settle_tokens(self, line: Line) -> None:
        line.adopts = False
        line.handled |= line.wish.tokens
        line.pending.clear()
        line.owed.clear()

    def change(
        self, now: datetime, client: str, value: str, found: tuple[str, JournalFact] | None
    ) -> None:
        """The tenant changed a client's secret; `found` is the journal that holds the value."""
        if found is None:
            self.wrongs.append(f"{self._client(client)} was changed to a value that no journal holds")
            return
        name, journal = found
        line, of = self.lines[name], self._client(client)
        is_next = journal.next == value
        owner = journal.next_client if is_next else journal.current_client
        if owner != client:
            self.wrongs.append(f"{of} was sent a value that {name} chose for {self._client(owner)}")
        elif value in line.changed:
            self.wrongs.append(f"{name} changed {of} back to a value that it had before")
        elif value not in line.under_way and not self._is_entitled(line, client, now):
            self.wrongs.append(f"{name} changed {of} without a cause")
        self._use(line, now, client, value, journal.next_id if is_next else journal.current_id)

    def _use(self, line: Line, now: datetime, client: str, value: str, rotation: str) -> None:
        line.holds, line.rotated_at, line.adopts, line.kept = client, now, False, ""
        line.is_dated, line.failed_at = True, None
        line.changed.add(value)
        line.under_way.pop(value, None)
        followed = {token for token, begun in line.pending.items() if begun != rotation}
        line.handled |= followed
        line.owed -= followed
        line.pending = {token: begun for token, begun in line.pending.items() if begun == rotation}
        self.last_by[client] = line.name

    def revoke(self, client: str) -> None:
        """The tenant made a secret for the client that nobody knows."""
        asked = [line for line in self.lines.values() if line.may_revoke and line.holds == client]
        users = [line.name for line in self.live() if self.client_of(line) == client]
        if not asked:
            self.wrongs.append(f"{self._client(client)} was revoked unasked")
        elif users:
            self.wrongs.append(f"{self._client(client)} was revoked, and {users[0]} manages it")
        self.last_by[client] = ""

    def give_up(self, name: str) -> None:
        """A deletion did not wait any longer for an outcome that nobody told."""
        self.last_by = {client: "" if by == name else by for client, by in self.last_by.items()}

    def _is_entitled(self, line: Line, client: str, now: datetime) -> bool:
        if not line.is_live or line.wish.is_suspended or self.client_of(line) != client:
            return False
        is_asked = bool(line.pending) and not line.adopts
        return line.holds != client or is_asked or line.is_due(now) or line.is_due_again(now)

    def _client(self, client: str) -> str:
        return (
            f"client {self.clients.index(client) + 1}" if client in self.clients else "nobody's client"
        )
