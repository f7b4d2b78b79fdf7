"""Which rotations claim a client, a Secret or a connection, by what their specs say."""

from collections import defaultdict
from collections.abc import Hashable
from typing import Generic, TypeVar

from auth0_rotator.resource import RotationSpec
from auth0_rotator.subject import ConnectionKey, Key, Rotation, referred

H = TypeVar("H", bound=Hashable)


class _Index(Generic[H]):
    """Rotations by one claim. What nobody claims takes no room."""

    def __init__(self) -> None:
        self._keys: defaultdict[H, set[Key]] = defaultdict(set)

    def add(self, claim: H, key: Key) -> None:
        self._keys[claim].add(key)

    def remove(self, claim: H, key: Key) -> None:
        self._keys[claim].discard(key)
        if not self._keys[claim]:
            del self._keys[claim]

    def get(self, claim: H) -> set[Key]:
        return set(self._keys.get(claim, ()))


class ClaimIndex:
    """A rotation whose spec is invalid claims nothing."""

    def __init__(self) -> None:
        """Start empty."""
        self._by_client: _Index[str] = _Index()
        self._by_target: _Index[tuple[str, str]] = _Index()
        self._by_connection: _Index[ConnectionKey] = _Index()
        self._canaries: _Index[ConnectionKey] = _Index()

    def add(self, rotation: Rotation) -> None:
        """Take in what `rotation` claims."""
        key, spec = rotation.key, rotation.spec
        if spec is None:
            return
        self._by_client.add(spec.parameters.client_id, key)
        self._by_target.add(target_of(key, spec), key)
        self._by_connection.add(connection_of(key, spec), key)
        if spec.canary:
            self._canaries.add(connection_of(key, spec), key)

    def remove(self, rotation: Rotation) -> None:
        """Drop what `rotation` claimed."""
        key, spec = rotation.key, rotation.spec
        if spec is None:
            return
        self._by_client.remove(spec.parameters.client_id, key)
        self._by_target.remove(target_of(key, spec), key)
        self._by_connection.remove(connection_of(key, spec), key)
        self._canaries.remove(connection_of(key, spec), key)

    def of_client(self, client_id: str) -> set[Key]:
        """Return who claims this client, of whichever tenant."""
        return self._by_client.get(client_id)

    def of_target(self, namespace: str, name: str) -> set[Key]:
        """Return who claims this Secret."""
        return self._by_target.get((namespace, name))

    def of_connection(self, key: ConnectionKey) -> set[Key]:
        """Return who refers to this connection."""
        return self._by_connection.get(key)

    def canaries_of(self, key: ConnectionKey) -> set[Key]:
        """Return which of those who refer to this connection go first."""
        return self._canaries.get(key)

    def claimants(self, rotation: Rotation) -> set[Key]:
        """Return who claims the client or the Secret of `rotation`."""
        spec = rotation.spec
        if spec is None:
            return set()
        return self.of_client(spec.parameters.client_id) | self.of_target(*target_of(rotation.key, spec))


def connection_of(key: Key, spec: RotationSpec) -> ConnectionKey:
    """Return the connection that a rotation refers to."""
    return referred(spec.connection_ref, key.namespace)


def target_of(key: Key, spec: RotationSpec) -> tuple[str, str]:
    """Return namespace and name of the Secret that a rotation delivers into."""
    return key.namespace, spec.target.name or key.name
