"""What connections say, as they are now: parsed once for each version, whether checked or not."""

from collections.abc import Sequence

from auth0_rotator.mirror import Mirror
from auth0_rotator.resource import (
    ConnectionSpec,
    ForeignRotation,
    Governor,
    RotationWindow,
    SpecInvalid,
    parse_spec,
)
from auth0_rotator.subject import ConnectionKey, version_of


class Specs:
    """The specs of all connections in a mirror."""

    def __init__(self, mirror: Mirror) -> None:
        """Read from `mirror`."""
        self._mirror = mirror
        self._parsed: dict[ConnectionKey, tuple[tuple[str, int], ConnectionSpec]] = {}

    def domain_of(self, key: ConnectionKey) -> str:
        """Return the domain that a connection leads to, empty where nobody knows."""
        body = self._mirror.connections.get(key)
        domain = (body.get("spec") or {}).get("domain", "") if body is not None else ""
        return str(domain)

    def way_of(self, key: ConnectionKey) -> str:
        """Return the tenant of a connection and how it is reached, empty where nobody knows."""
        spec = self._spec(key)
        return spec.way if spec is not None else ""

    def windows(self, key: ConnectionKey) -> Sequence[RotationWindow]:
        """Return the windows for rotations that name none themselves."""
        spec = self._spec(key)
        return (spec.rotation_windows if spec is not None else None) or ()

    def governor(self, key: ConnectionKey) -> Governor:
        """Return what limits the rotations over a connection; without a governor nothing does."""
        spec = self._spec(key)
        # Unchecked: nobody may write one that limits nothing.
        return (spec.governor if spec is not None else None) or Governor.model_construct()

    def foreign(self, key: ConnectionKey) -> ForeignRotation | None:
        """Return what is done about rotations that somebody else makes; None for nothing."""
        spec = self._spec(key)
        return spec.foreign_rotation if spec is not None else None

    def forget(self, key: ConnectionKey) -> None:
        """Drop what is known of a connection that is gone."""
        self._parsed.pop(key, None)

    def _spec(self, key: ConnectionKey) -> ConnectionSpec | None:
        """Return the spec, None where there is no valid one."""
        body = self._mirror.connections.get(key)
        if body is None:
            return None
        version = version_of(body)
        if key not in self._parsed or self._parsed[key][0] != version:
            try:
                self._parsed[key] = version, parse_spec(ConnectionSpec, body.get("spec"))
            except SpecInvalid:
                return None
        return self._parsed[key][1]
