"""The cluster and the tenant of a scene, as the operator's code meets them: effects only."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from auth0_rotator.auth0 import Liveness
from auth0_rotator.conditions import Reason
from auth0_rotator.credential import ClientSecret
from auth0_rotator.errors import Refused, Retry, Stale, Unknown
from auth0_rotator.journal import Journal, Plan
from auth0_rotator.journal_secret import SeenJournal
from auth0_rotator.observation import Connection
from auth0_rotator.reconciler.turns import Turns
from auth0_rotator.reconciler.world import World
from auth0_rotator.record import Credential
from auth0_rotator.resource import Kind
from auth0_rotator.schedule import IntervalUnit
from auth0_rotator.subject import Key, Rotation
from auth0_rotator.target import Projection, Target
from examples import DOMAIN, KEY, connection
from exploration.laws import cause_of, check_shown, number_of, taken
from exploration.scene import Fate, Scene
from exploration.state import Request, Shown, Stored, changed
from exploration.things import (
    PLAN,
    body_of,
    deleted,
    materialised,
    no_answer,
    plain,
    plan_of,
    rotation_of,
    target_of,
)

CONNECTION = connection()
TARGET_NAME = PLAN.target_name
PERMIT = "permit"


def world_of(scene: Scene) -> World:
    """Return everything outside that the worker of a scene can read or change."""
    return World(
        clock=lambda: scene.state.now,
        mirror=cast("Any", Mirror(scene)),
        objects=cast("Any", Objects(scene)),
        workloads=cast("Any", None),
        secrets=cast("Any", Secrets(scene)),
        connections=cast("Any", Connections(scene)),
        namespaces=cast("Any", Namespaces()),
        turns=Turns(),
        process=scene.worker.process,
        unit=IntervalUnit.DAYS,
        wake=lambda _: None,
    )


class Mirror:
    """What the worker's watches have shown it."""

    frozen: frozenset[str] = frozenset()

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    @property
    def rotations(self) -> Mapping[Key, Rotation]:
        """The rotation, until it is gone."""
        ask = self._scene.state.ask
        return {} if ask.is_gone else {KEY: rotation_of(ask)}

    def journal(self, _: Key) -> SeenJournal | None:
        """The journal."""
        stored = self._scene.worker.journal
        return None if stored is None else SeenJournal(materialised(stored), "")

    def journal_usurper(self, _: Key) -> str:
        """Nobody's Secret stands in the journal's place."""
        return ""

    def plan(self, _: Key) -> Plan | None:
        """What is to be delivered."""
        scene = self._scene
        ask, journal = scene.state.ask, scene.worker.journal
        is_staged = journal.is_staged if ask.is_gone and journal is not None else ask.is_staged
        return None if ask.is_gone and journal is None else plan_of(is_staged=is_staged)

    def target(self, _: str, __: str) -> Target | None:
        """The target."""
        shown = self._scene.worker.target
        return None if shown is None else target_of(shown)

    def canaries_of(self, _: Any) -> list[Any]:
        """There are none."""
        return []

    def is_watched(self, _: str, __: str) -> bool:
        """Every Secret here is."""
        return True

    def rivals_of(self, _: Rotation) -> list[Any]:
        """There are none."""
        return []

    def senders_of(self, _: str, *, besides: Key) -> list[Any]:
        """There are none."""
        del besides
        return []

    def to_withdraw(self, _: Key) -> tuple[str, ...]:
        """There is nothing."""
        return ()

    def put_rotation(self, _: Any) -> set[Key]:
        """The rotation is always seen as it is."""
        return set()

    def forget_rotation(self, _: Key) -> set[Key]:
        """The rotation is always seen as it is."""
        return set()

    def put_secret(self, body: Mapping[str, Any]) -> set[Key]:
        """Take in a Secret."""
        part = "target" if isinstance(body["stored"], Shown) else "journal"
        self._scene.worker = changed(self._scene.worker, **{part: body["stored"]})
        return set()

    def forget_secret(self, _: str, name: str) -> set[Key]:
        """Take in that a Secret is gone."""
        worker = self._scene.worker
        is_target = name == TARGET_NAME
        self._scene.worker = replace(worker, target=None) if is_target else replace(worker, journal=None)
        return set()


class Secrets:
    """The cluster's Secrets: compare-and-swap, as the API server does it."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    async def get(self, _: str, name: str) -> dict[str, Any] | None:
        """Read the object as it is."""
        state = self._scene.state
        found = state.target if name == TARGET_NAME else state.journal
        return None if found is None else body_of(found)

    async def write_journal(self, journal: Journal, *, key: Key, owner_uid: str) -> dict[str, Any]:
        """Write the journal by compare-and-swap."""
        del key, owner_uid
        scene = self._scene
        if scene.meets(Fate.JOURNAL_FAILED):
            no_answer()
        standing = scene.state.journal
        if journal.version != (str(standing.version) if standing is not None else ""):
            raise Stale(Reason.BUSY, "somebody else was faster")
        deleting = standing.deleting_since if standing is not None else None
        is_staged = scene.state.ask.is_staged
        stored = Stored(scene.next_version(), plain(journal), deleting, is_staged)
        if journal.next is not None:
            past = scene.state.past
            scene.change(past=replace(past, chosen=max(past.chosen, number_of(journal.next.secret))))
        is_last = deleting is not None and not journal.is_sending
        scene.change(journal=None if is_last else stored)
        if scene.meets(Fate.JOURNAL_LOST):
            no_answer()
        return body_of(stored)

    async def delete_journal(self, _: Key, *, uid: str) -> None:
        """Delete the journal."""
        del uid
        journal = self._scene.state.journal
        if journal is not None:
            self._scene.change(journal=deleted(journal, self._scene.state, self._scene.next_version()))

    async def write_target(
        self,
        projection: Projection,
        target: Target | None,
        *,
        left_by: frozenset[str] = frozenset(),
        dry_run: bool = False,
    ) -> dict[str, Any]:
        """Write the target by compare-and-swap."""
        del left_by
        scene = self._scene
        if not dry_run and scene.meets(Fate.TARGET_FAILED):
            no_answer()
        standing, seen = scene.state.target, target.resource_version if target is not None else ""
        if seen != (str(standing.version) if standing is not None else ""):
            raise Stale(Reason.BUSY, "somebody else was faster")
        secret, following = projection.data[projection.secret_key], projection.data.get("NEXT")
        shown = Shown(
            scene.next_version(),
            Credential(secret, projection.record),
            following is not None,
            following if following != secret else None,
        )
        if dry_run:
            return body_of(shown)
        check_shown(scene.state, shown)
        scene.change(target=shown)
        if scene.meets(Fate.TARGET_LOST):
            no_answer()
        return body_of(shown)


class Objects:
    """The rotation object."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    async def get(self, _: Kind, __: str, ___: str) -> dict[str, Any] | None:
        """Read the object as it is."""
        return None if self._scene.state.ask.is_gone else {}

    async def is_namespace_terminating(self, _: str) -> bool:
        """It is not."""
        return False

    async def remove_annotation(self, _: Key, __: str) -> None:
        """Take away a person's word."""
        scene = self._scene
        scene.change(ask=replace(scene.state.ask, settle_doubt=""))


class Namespaces:
    """One namespace, which nobody freezes."""

    async def is_frozen(self, _: str) -> bool:
        """It is not."""
        return False


class Connections:
    """One connection, always ready, to the one tenant."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    async def view(self, _: Any, *, namespace: str, client_id: str) -> Connection:
        """Return the connection."""
        del namespace, client_id
        return CONNECTION

    def domain_of(self, _: Any) -> str:
        """Return the one domain."""
        return DOMAIN

    def tenant(self, _: Any) -> "AskedTenant":
        """Return the one tenant."""
        return AskedTenant(self._scene)


class AskedTenant:
    """The tenant, as one request meets it."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    async def prepare(self) -> str:
        """Return a permit."""
        if self._scene.meets(Fate.NO_TOKEN):
            raise Refused(Reason.SCOPE_MISSING, "no token")
        return PERMIT

    async def probe(self, _: str, secret: ClientSecret) -> Liveness:
        """Answer a login."""
        scene, tenant = self._scene, self._scene.state.tenant
        if scene.meets(Fate.PROBE_UNKNOWN):
            return Liveness.UNKNOWN
        is_live = secret == tenant.live
        if secret in {tenant.live, tenant.former} and tenant.is_blurred(scene.state.at):
            is_live ^= scene.meets(Fate.PROBE_BLURRED)
        return Liveness.LIVE if is_live else Liveness.NOT_LIVE

    async def depart(self) -> None:
        """Nobody else sends."""

    async def set_client_secret(self, _: str, __: str, secret: ClientSecret) -> None:
        """Answer a change."""
        scene = self._scene
        cause = cause_of(scene.state, secret)
        if scene.meets(Fate.REFUSED):
            raise Refused(Reason.REQUEST_REFUSED, "no")
        if scene.meets(Fate.VALUE_REFUSED):
            past = scene.state.past
            scene.change(past=changed(past, refused=past.refused | {secret}))
            raise Refused(Reason.VALUE_REFUSED, "not this one")
        if scene.meets(Fate.NOT_REACHED):
            raise Retry(Reason.UNREACHABLE, "nobody is there")
        request = Request(secret, scene.state.at, cause)
        if scene.meets(Fate.NO_ANSWER):
            scene.change(in_flight=scene.state.in_flight | {request})
            raise Unknown(Reason.UNREACHABLE, "no answer")
        scene.state = taken(scene.state, request)
