"""What the watches last said: objects by name, with the indexes that tell whom a change concerns.

A mirror is never proof of absence: a write that finds something it did not expect is answered
with a conflict, and the object is then read. A newer resourceVersion wins over an older one,
whichever way it came.
"""

from collections import defaultdict
from collections.abc import Container

from auth0_rotator.claim_index import ClaimIndex
from auth0_rotator.journal import JOURNAL_TYPE, journal_name, rotation_of_journal
from auth0_rotator.journal_secret import SeenJournal, see_journal
from auth0_rotator.record import ROLE_LABEL
from auth0_rotator.resource import Kind
from auth0_rotator.subject import (
    ConnectionKey,
    Key,
    Rotation,
    parse_rotation,
    reset_token,
    version_of,
)
from auth0_rotator.target import Target
from auth0_rotator.target_secret import parse_target
from auth0_rotator.versions import Body, Versions


class Sightings:
    """Takes in what comes, and tells whom it concerns."""

    def __init__(self) -> None:
        """Start empty."""
        self.rotations: dict[Key, Rotation] = {}
        self.connections: dict[ConnectionKey, Body] = {}
        self._journals: dict[Key, SeenJournal] = {}
        self._targets: dict[tuple[str, str], Target] = {}
        self._versions = Versions()
        # Secrets without our label: they were read, and no list and no watch shows them.
        self._unlisted: set[tuple[str, str]] = set()
        self._targets_of: defaultdict[Key, set[str]] = defaultdict(set)
        self._claims = ClaimIndex()
        self.frozen: set[str] | None = None
        """The namespaces in which everything is frozen; None where nobody watches them."""

    # Look-ups --------------------------------------------------------------------------------

    def journal(self, key: Key) -> SeenJournal | None:
        """Return the journal of a rotation, None where none was seen."""
        return self._journals.get(key)

    def journal_usurper(self, key: Key) -> str:
        """Return the type of a Secret that has the journal's name and is no journal, else nothing."""
        found = self._targets.get((key.namespace, journal_name(key.name)))
        return found.type if found is not None else ""

    def target(self, namespace: str, name: str) -> Target | None:
        """Return the Secret under a target's name, None where none was seen."""
        return self._targets.get((namespace, name))

    def targets_of(self, key: Key) -> dict[str, Target]:
        """Return the Secrets that carry a commit record of the rotation, by name."""
        return {name: self._targets[key.namespace, name] for name in self._targets_of.get(key, ())}

    def to_withdraw(self, key: Key) -> tuple[str, ...]:
        """Return the Secrets that the rotation's keys shall leave with it."""
        found = self.targets_of(key).items()
        return tuple(sorted(name for name, target in found if target.is_to_be_withdrawn))

    def _contenders_of(self, key: Key) -> set[Key]:
        """Return the rotations that claim a client which the journal has or sends."""
        seen = self._journals.get(key)
        journal = seen.journal if seen is not None else None
        held = [journal.current, journal.next] if journal is not None else []
        claims = [self._claims.of_client(value.record.client_id) for value in held if value]
        return set[Key]().union(*claims) - {key}

    # What came in ----------------------------------------------------------------------------

    def put_namespace(self, body: Body, *, is_frozen: bool) -> set[Key]:
        """Take in whether everything is frozen in a namespace; return whom that is news for."""
        name = body["metadata"]["name"]
        if self.frozen is None or is_frozen == (name in self.frozen):
            return set()
        self.frozen ^= {name}
        return {key for key in self.rotations if key.namespace == name}

    def put_rotation(self, body: Body) -> set[Key]:
        """Take in a rotation; return whom it concerns: itself, and those with the same claims."""
        key = Key(body["metadata"]["namespace"], body["metadata"]["name"])
        if not self._versions.is_put(Kind.ROTATION.value, body, is_there=key in self.rotations):
            return set()
        rotation = parse_rotation(body)
        before = self.rotations.get(rotation.key)
        concerned = self._unindex(before) | {rotation.key}
        self.rotations[rotation.key] = rotation
        self._claims.add(rotation)
        is_same_claim = before is not None and before.spec == rotation.spec
        return {rotation.key} if is_same_claim else concerned | self._claims.claimants(rotation)

    def drop_rotation(self, body: Body) -> set[Key]:
        """Take in that a rotation is gone; return whom it concerns."""
        key = Key(body["metadata"]["namespace"], body["metadata"]["name"])
        if not self._versions.is_drop(Kind.ROTATION.value, body):
            return set()
        return self._unindex(self.rotations.pop(key, None)) | {key}

    def forget_rotation(self, key: Key) -> set[Key]:
        """Drop a rotation that a live read did not find; return whom it concerns."""
        return self._unindex(self.rotations.pop(key, None)) | {key}

    def put_secret(self, body: Body) -> set[Key]:
        """Take in a Secret, a journal or a target; return whom it concerns."""
        namespace, name = body["metadata"]["namespace"], body["metadata"]["name"]
        if not self._versions.is_put("Secret", body, is_there=self._has_secret(namespace, name)):
            return set()
        if ROLE_LABEL in (body["metadata"].get("labels") or {}):
            self._unlisted.discard((namespace, name))
        else:
            self._unlisted.add((namespace, name))
        rotation = rotation_of_journal(name)
        if rotation is not None and body.get("type") == JOURNAL_TYPE:
            key = Key(namespace, rotation)
            concerned = self._contenders_of(key)
            self._targets.pop((namespace, name), None)
            self._journals[key] = see_journal(body)
            return {key} | concerned | self._contenders_of(key)
        if rotation is not None:
            self._journals.pop(Key(namespace, rotation), None)
        former = self._unlink_target(namespace, name)
        target = self._targets[namespace, name] = parse_target(body)
        own = {Key(namespace, target.rotation)} if target.rotation else set()
        for key in own:
            self._targets_of[key].add(name)
        return former | own | self._claims.of_target(namespace, name)

    def drop_secret(self, body: Body) -> set[Key]:
        """Take in that a Secret is gone, or has lost the label that the watch selects."""
        if not self._versions.is_drop("Secret", body):
            return set()
        return self.forget_secret(body["metadata"]["namespace"], body["metadata"]["name"])

    def forget_secret(self, namespace: str, name: str) -> set[Key]:
        """Drop a Secret that a live read did not find; return whom it concerns."""
        rotation = rotation_of_journal(name)
        if rotation is not None and Key(namespace, rotation) in self._journals:
            concerned = self._contenders_of(Key(namespace, rotation))
            del self._journals[Key(namespace, rotation)]
            return {Key(namespace, rotation)} | concerned
        if (namespace, name) not in self._targets:
            # No news: those who wait for a Secret that is not there would wake each other for ever.
            return set()
        own = self._unlink_target(namespace, name)
        del self._targets[namespace, name]
        return own | self._claims.of_target(namespace, name)

    def _unlink_target(self, namespace: str, name: str) -> set[Key]:
        """Drop a target from the index, and return the rotation whose record it carried."""
        target = self._targets.get((namespace, name))
        if target is None or not target.rotation:
            return set()
        key = Key(namespace, target.rotation)
        self._targets_of[key].discard(name)
        if not self._targets_of[key]:
            del self._targets_of[key]
        return {key}

    def _has_secret(self, namespace: str, name: str) -> bool:
        rotation = rotation_of_journal(name)
        is_journal = rotation is not None and Key(namespace, rotation) in self._journals
        return is_journal or (namespace, name) in self._targets

    def is_watched(self, namespace: str, name: str) -> bool:
        """Return whether the watch would tell of a change to this Secret, as far as it was seen."""
        return (namespace, name) not in self._unlisted

    def put_connection(self, kind: Kind, body: Body) -> ConnectionKey | None:
        """Take in a connection; return its key, None where nothing but its status is new."""
        key = connection_key(kind, body)
        if not self._versions.is_put(kind.value, body, is_there=key in self.connections):
            return None
        before = self.connections.get(key)
        self.connections[key] = body
        return None if before is not None and _asked(before) == _asked(body) else key

    def drop_connection(self, kind: Kind, body: Body) -> ConnectionKey | None:
        """Take in that a connection is gone; return its key, None where this is no news."""
        if not self._versions.is_drop(kind.value, body):
            return None
        key = connection_key(kind, body)
        self.connections.pop(key, None)
        return key

    def missed(
        self, kind: str, namespace: str | None, listed: Container[tuple[str, str]], version: int
    ) -> list[Body]:
        """Return stand-ins for objects that a full list as of `version` does not show any more.

        A watch that was interrupted for long does not tell what vanished meanwhile.
        """
        absent = self._versions.unlisted(kind, namespace, listed, version)
        gone = {name: seen for name, seen in absent.items() if self._is_there(*name)}
        for name in absent.keys() - gone.keys():
            self._versions.forget(name)
        return [
            {"metadata": {"namespace": place, "name": name, "resourceVersion": str(seen)}}
            for (_, place, name), seen in gone.items()
        ]

    def _is_there(self, kind: str, namespace: str, name: str) -> bool:
        """Return whether the object is in the mirror, and a list would show it."""
        if kind == "Secret":
            is_listed = (namespace, name) not in self._unlisted
            return is_listed and self._has_secret(namespace, name)
        if kind == Kind.ROTATION:
            return Key(namespace, name) in self.rotations
        return ConnectionKey(Kind(kind), namespace, name) in self.connections

    def _unindex(self, rotation: Rotation | None) -> set[Key]:
        """Drop the claims of a rotation, and return whom they concerned."""
        if rotation is None:
            return set()
        concerned = self._claims.claimants(rotation)
        self._claims.remove(rotation)
        return concerned


def connection_key(kind: Kind, body: Body) -> ConnectionKey:
    """Return the key of a connection object."""
    metadata = body["metadata"]
    return ConnectionKey(kind, metadata.get("namespace", ""), metadata["name"])


def _asked(connection: Body) -> tuple[object, ...]:
    """Return what people ask of a connection: another object, another spec, another word."""
    return *version_of(connection), reset_token(connection)
