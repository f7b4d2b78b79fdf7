"""Which version of each object was seen last: a newer one wins, whichever way it came."""

from collections.abc import Container, Mapping
from typing import Any

Body = Mapping[str, Any]
Name = tuple[str, str, str]
"""Kind, namespace (empty for cluster kinds) and name."""


def name_of(kind: str, body: Body) -> Name:
    """Return the name under which the versions of an object are kept."""
    return kind, body["metadata"].get("namespace", ""), body["metadata"]["name"]


class Versions:
    """Kept for what is gone as well: a late word of it must not bring it back."""

    def __init__(self) -> None:
        """Start with nothing seen."""
        self._seen: dict[Name, int] = {}

    def is_put(self, kind: str, body: Body, *, is_there: bool) -> bool:
        """Return whether this version is news, and remember it. What was dropped may come back as it
        was: a watch drops what lost its label, and a read finds it."""
        name, version = name_of(kind, body), int(body["metadata"]["resourceVersion"])
        seen = self._seen.get(name, 0)
        if version < seen or (version == seen and is_there):
            return False
        self._seen[name] = version
        return True

    def is_drop(self, kind: str, body: Body) -> bool:
        """Return whether the object is gone as of a version that was not overtaken, and remember it."""
        name, version = name_of(kind, body), int(body["metadata"]["resourceVersion"])
        if version < self._seen.get(name, 0):
            return False
        self._seen[name] = version
        return True

    def unlisted(
        self, kind: str, namespace: str | None, listed: Container[tuple[str, str]], version: int
    ) -> dict[Name, int]:
        """Return what a full list as of `version` does not show, with the version seen last."""
        return {
            name: seen
            for name, seen in self._seen.items()
            if name[0] == kind
            and namespace in {None, name[1]}
            and seen < version
            and name[1:] not in listed
        }

    def forget(self, name: Name) -> None:
        """Drop what is long gone."""
        del self._seen[name]
