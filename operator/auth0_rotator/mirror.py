"""The cluster as the watches show it, and how rotations stand to each other in it."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TypeVar

from auth0_rotator.claim_index import target_of
from auth0_rotator.claims import holds_claim
from auth0_rotator.journal import Journal, Plan
from auth0_rotator.observation import Contest, Rival
from auth0_rotator.sightings import Sightings
from auth0_rotator.subject import ConnectionKey, Key, Rotation, referred

AnyKey = Key | ConnectionKey
K = TypeVar("K", bound=AnyKey)


class Mirror(Sightings):
    """Objects as they were last seen. All methods are plain look-ups; none waits."""

    def plan(self, key: Key) -> Plan | None:
        """Return what is to be delivered: by the spec, or by the journal where there is no valid one."""
        rotation, seen = self.rotations.get(key), self._journals.get(key)
        if rotation is not None and rotation.plan is not None:
            return rotation.plan
        return seen.journal.plan if seen is not None and seen.journal is not None else None

    def connection_of(self, key: Key) -> ConnectionKey | None:
        """Return the connection that a rotation goes over, None where nobody knows."""
        plan = self.plan(key)
        return referred(plan.connection_ref, key.namespace) if plan is not None else None

    def keys(self) -> set[Key]:
        """Return every rotation that is there, or has left something to do."""
        return {*self.rotations, *self._journals, *filter(self.to_withdraw, self._targets_of)}

    def is_open(self, key: Key) -> bool:
        """Return whether a change of this rotation has no known outcome yet."""
        seen = self._journals.get(key)
        return seen is not None and seen.journal is not None and seen.journal.is_sending

    def is_due(self, key: Key, now: datetime) -> bool:
        """Return whether, by its status, a rotation is due and not held up by a failure."""
        rotation = self.rotations.get(key)
        if rotation is None or rotation.spec is None or rotation.spec.suspend:
            return False
        due = rotation.status.next_rotation_at
        return due is not None and due <= now and not rotation.status.failed

    def in_order(self, keys: Iterable[K]) -> list[K]:
        """Return keys in the order in which they are due, by what was told; connections come first."""
        return sorted(keys, key=lambda key: (isinstance(key, Key), self._told_date(key), str(key)))

    def _told_date(self, key: AnyKey) -> datetime:
        rotation = self.rotations.get(key) if isinstance(key, Key) else None
        date = rotation.status.next_rotation_at if rotation is not None else None
        return date or datetime.min.replace(tzinfo=UTC)

    def users_of(self, connection: ConnectionKey) -> set[Key]:
        """Return the rotations that refer to the connection, or have an open outcome there."""
        waiting = {
            key
            for key, journal in self._sending()
            if journal.plan is not None
            and referred(journal.plan.connection_ref, key.namespace) == connection
        }
        return waiting | self._claims.of_connection(connection)

    def canaries_of(self, connection: ConnectionKey) -> list[Rotation]:
        """Return the rotations over the connection that go first, in order of their names."""
        return [self.rotations[key] for key in sorted(self._claims.canaries_of(connection), key=str)]

    def rotated_over(self, connection: ConnectionKey) -> list[datetime]:
        """Return when the rotations over the connection were rotated last, the oldest first."""
        journals = [self.journal(key) for key in self._claims.of_connection(connection)]
        held = [seen.journal.current for seen in journals if seen is not None and seen.journal]
        return sorted(one.record.rotated_at for one in held if one and one.record.rotated_at)

    def with_rivals(self, keys: set[Key]) -> set[Key]:
        """Return `keys`, and all who claim a client that one of these claims, has or sends."""
        there = [self.rotations[key] for key in keys if key in self.rotations]
        claimed = {one.spec.parameters.client_id for one in there if one.spec is not None}
        rivals = [self._contenders_of(key) for key in keys]
        return keys.union(*rivals, *map(self._claims.of_client, claimed))

    def rivals_of(self, rotation: Rotation) -> list[Rival]:
        """Return the rotations that claim the same Secret, or the same client over any connection.

        The caller drops those whose connection leads to another domain.
        """
        if rotation.spec is None:
            return []
        keys = self._claims.of_target(*target_of(rotation.key, rotation.spec)) - {rotation.key}
        by_target = [self._rival(self.rotations[key], Contest.TARGET) for key in sorted(keys, key=str)]
        return self.claimants_of(rotation.spec.parameters.client_id, besides=rotation.key) + by_target

    def claimants_of(self, client_id: str, *, besides: Key) -> list[Rival]:
        """Return the rotations whose specs name this client, of whichever tenant."""
        keys = self._claims.of_client(client_id) - {besides}
        return [self._rival(self.rotations[key], Contest.CLIENT) for key in sorted(keys, key=str)]

    def senders_of(self, client_id: str, *, besides: Key) -> list[Rival]:
        """Return who is in the middle of a change of this client, whatever the specs say by now."""
        return [
            Rival(
                key=key,
                uid=journal.owner_uid,
                created_at=None,
                holds=True,
                contest=Contest.CLIENT,
                domains=frozenset({journal.next.record.domain}),
                is_sending=True,
            )
            for key, journal in sorted(self._sending(), key=str)
            if key != besides and journal.next and journal.next.record.client_id == client_id
        ]

    def _rival(self, other: Rotation, contest: Contest) -> Rival:
        seen = self._journals.get(other.key)
        return Rival(
            key=other.key,
            uid=other.uid,
            created_at=other.created_at,
            holds=holds_claim(other, seen.journal if seen else None, contest),
            contest=contest,
            domains=_domains_in(seen.journal if seen else None),
        )

    def _sending(self) -> list[tuple[Key, Journal]]:
        found = ((key, seen.journal) for key, seen in self._journals.items())
        return [(key, journal) for key, journal in found if journal is not None and journal.is_sending]


def _domains_in(journal: Journal | None) -> frozenset[str]:
    """Return the domains of the values that a journal has or sends."""
    held = [journal.current, journal.next] if journal is not None else []
    return frozenset(value.record.domain for value in held if value is not None)
