"""What a pass works with, and the pass itself: one key, its memory, and what was done so far."""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from ulid import ULID

from auth0_rotator.auth0 import Tenant
from auth0_rotator.budget import entry_of
from auth0_rotator.cluster import Body, Objects, Secrets, Workloads
from auth0_rotator.conditions import Reason
from auth0_rotator.credential import ClientSecret
from auth0_rotator.decision import Decision
from auth0_rotator.decision.value import immutable_message
from auth0_rotator.errors import Refused, Stale
from auth0_rotator.journal import Journal, journal_name
from auth0_rotator.mirror import Mirror
from auth0_rotator.observation import Attempt, Observation, given
from auth0_rotator.outcome import Failure
from auth0_rotator.reconciler.connections import Connections
from auth0_rotator.reconciler.memory import Memory
from auth0_rotator.reconciler.namespaces import Namespaces
from auth0_rotator.reconciler.turns import Turns
from auth0_rotator.resource import Kind
from auth0_rotator.schedule import IntervalUnit
from auth0_rotator.subject import ConnectionKey, Key, Rotation
from auth0_rotator.webhook.message import Message

logger = logging.getLogger(__name__)

# 64 characters of A-Za-z0-9_-, the form of Auth0's own values; 384 bits.
SECRET_BYTES: Final = 48
# Hiccups within one attempt, up to this age, are not a failed attempt.
ATTEMPT_PATIENCE: Final = timedelta(seconds=60)
LONGEST_HICCUP: Final = timedelta(seconds=15)


def new_secret() -> ClientSecret:
    """Return a value that nobody has seen."""
    return ClientSecret(secrets.token_urlsafe(SECRET_BYTES))


def new_rotation_id(after: str = "") -> str:
    """Return an id that sorts by time, and behind the id `after`, whose clock may have been ahead.

    Where `after` is no such id, or the last there is, nothing comes behind it.
    """
    fresh = str(ULID())
    if fresh <= after:
        with contextlib.suppress(ValueError, OverflowError):
            return str(ULID.from_int(int(ULID.from_str(after)) + 1))
    return fresh


@dataclass(frozen=True, slots=True)
class World:
    """Everything outside that a pass can read or change."""

    clock: Callable[[], datetime]
    mirror: Mirror
    objects: Objects
    secrets: Secrets
    workloads: Workloads
    connections: Connections
    namespaces: Namespaces
    turns: Turns
    process: str
    unit: IntervalUnit
    wake: Callable[[Key | ConnectionKey], None]
    """Have another rotation looked at, or a connection checked, soon."""
    tell: Callable[[Message], None] | None = None
    """Have the webhook told, which nobody waits for; None where there is none."""


@dataclass(slots=True)
class Notice:
    """An Event to be posted at the end of the pass."""

    reason: Reason
    message: str
    is_warning: bool


@dataclass(slots=True)
class Pass:
    """One pass over one rotation."""

    key: Key
    world: World
    memory: Memory
    leading_since: datetime
    notices: list[Notice] = field(default_factory=list)
    read: set[str] = field(default_factory=set)
    """Names of the unwatched Secrets that this pass has read."""
    neighbours: list[Rotation] | None = None
    """The other rotations of the namespace that have consumers; None until they were looked for."""
    obstacle: Decision | None = None
    """What keeps this pass from going on, other than what a rule says."""

    # The mirror after a write or a read -------------------------------------------------------

    def saw_secret(self, body: Body) -> None:
        """Take in a Secret as the API server just gave it back."""
        self._pass_on(self.world.mirror.put_secret(body))

    def _pass_on(self, concerned: set[Key]) -> None:
        """Wake the other rotations that something concerns: no watch tells what is known already."""
        for key in concerned - {self.key}:
            self.world.wake(key)

    def journal(self) -> Journal | None:
        """Return the journal as it was last seen."""
        seen = self.world.mirror.journal(self.key)
        return seen.journal if seen is not None else None

    async def write_journal(self, journal: Journal) -> Journal:
        """Write the journal by compare-and-swap and return it as it stands.

        It belongs to the rotation; without one, to whom it belonged before. One that nobody owns may
        wait for its rotation to be restored: with an owner that is gone it would be collected.
        """
        rotation = self.world.mirror.rotations.get(self.key)
        of_plan = journal.plan.uid if journal.plan is not None and journal.meta is None else ""
        owner_uid = rotation.uid if rotation is not None else journal.owner_uid or of_plan
        try:
            body = await self.world.secrets.write_journal(journal, key=self.key, owner_uid=owner_uid)
        except Refused as refusal:
            if refusal.reason != Reason.WRITE_REFUSED or not journal.is_immutable:
                raise
            # Labels, annotations and finalizers could be written: a value was to be.
            raise Refused(Reason.JOURNAL_IMMUTABLE, immutable_message(self.key.name)) from None
        self.saw_secret(body)
        if "deletionTimestamp" in body["metadata"] and not body["metadata"].get("finalizers"):
            # The write took the last finalizer from a deleted journal: it is gone now.
            name = journal_name(self.key.name)
            self._pass_on(self.world.mirror.forget_secret(self.key.namespace, name))
            return journal
        written = self.journal()
        if written is None:
            message = "the journal was changed right after it was written"
            raise Stale(Reason.BUSY, message)
        return written

    async def read_rotation(self) -> None:
        """Read the rotation as it is at this instant."""
        body = await self.world.objects.get(Kind.ROTATION, self.key.name, self.key.namespace)
        if body is None:
            self._pass_on(self.world.mirror.forget_rotation(self.key))
        else:
            self._pass_on(self.world.mirror.put_rotation(body))
        self.memory.seen_at = asyncio.get_running_loop().time()

    async def read_secret(self, name: str) -> None:
        """Read a journal or a target as it is at this instant."""
        body = await self.world.secrets.get(self.key.namespace, name)
        if body is None:
            self._pass_on(self.world.mirror.forget_secret(self.key.namespace, name))
        else:
            self.saw_secret(body)

    async def read_journal_of(self, key: Key) -> None:
        """Read the journal of another rotation, where there is one."""
        body = await self.world.secrets.get(key.namespace, journal_name(key.name))
        if body is not None:
            self.saw_secret(body)

    async def read_all(self, o: Observation) -> None:
        """Read everything that this pass decided by, for something was not as the mirror showed it."""
        await self.read_rotation()
        await self.read_secret(journal_name(self.key.name))
        if o.plan is not None:
            await self.read_secret(o.plan.target_name)

    # How it goes on ---------------------------------------------------------------------------

    def is_over(self) -> bool:
        """Return whether this pass has something to tell before it can go on."""
        memory = self.memory
        is_paused = memory.attempt is not None and memory.attempt.again_at > self.world.clock()
        return (
            self.obstacle is not None
            or memory.failure is not None
            or memory.rotated is not None
            or is_paused
        )

    def fail(self, reason: Reason, message: str, *, is_stalled: bool) -> None:
        """Note that a wanted rotation could not be done."""
        self.memory.failure = Failure(reason, message, is_stalled=is_stalled)

    def postponed(self, after: timedelta | None) -> datetime:
        """Return when to come again after something that was no attempt; longer each time."""
        self.memory.postponements += 1
        wait = timedelta(seconds=2 ** min(self.memory.postponements - 1, 6))
        return self.world.clock() + max(wait, after or timedelta(0))

    # The tenant ------------------------------------------------------------------------------

    def tenant(self, o: Observation) -> Tenant:
        """Return the tenant that the connection leads to; raises Retry while it is not known."""
        return self.world.connections.tenant(o.connection_key)

    # What came of the last rotation ------------------------------------------------------------

    def budget(self, o: Observation) -> Mapping[str, Any]:
        """Return what was measured of the rotation that brought the current value."""
        history = o.rotation.status.history if o.rotation is not None else ()
        return entry_of(history, given(o.record).rotation_id)

    def accepted_at(self, o: Observation) -> datetime:
        """Return when the tenant took the current value: to the second, where another process saw it."""
        record, seen = given(o.record), self.memory.last_acceptance
        if seen is not None and seen.rotation_id == record.rotation_id:
            return seen.at
        return record.rotated_at or o.now

    # The attempt -----------------------------------------------------------------------------

    def open_attempt(self) -> Attempt:
        """Return the attempt that this process is in the middle of, begun now if there is none."""
        if self.memory.attempt is None:
            now = self.world.clock()
            self.memory.attempt = Attempt(started_at=now, again_at=now)
        return self.memory.attempt

    def pause_attempt(self, after: timedelta | None) -> None:
        """Let the next try of the attempt come after a short wait that grows with each."""
        attempt = self.open_attempt()
        wait = min(timedelta(seconds=2 ** min(attempt.tries, 4)), LONGEST_HICCUP)
        again_at = self.world.clock() + max(wait, after or timedelta(0))
        self.memory.attempt = replace(attempt, tries=attempt.tries + 1, again_at=again_at)

    def notice(self, reason: Reason, message: str, *, is_warning: bool = False) -> None:
        """Have an Event posted at the end of the pass."""
        self.notices.append(Notice(reason, message, is_warning))

    async def post_notices(self, uid: str) -> None:
        """Post the Events."""
        identity = {"name": self.key.name, "namespace": self.key.namespace, "uid": uid}
        for notice in self.notices:
            logger.log(
                logging.WARNING if notice.is_warning else logging.INFO,
                "rotation event",
                extra={"key": str(self.key), "reason": notice.reason.value, "cause": notice.message},
            )
            await self.world.objects.post_event(
                Kind.ROTATION,
                identity,
                reason=notice.reason,
                message=notice.message,
                is_warning=notice.is_warning,
                now=self.world.clock(),
                namespace=self.key.namespace,
            )
        self.notices.clear()
