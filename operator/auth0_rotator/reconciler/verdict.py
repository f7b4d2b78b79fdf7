"""What the check of a connection came to."""

from dataclasses import dataclass
from typing import Final

from auth0_rotator.conditions import Reason
from auth0_rotator.versions import Body


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the last check of a connection came to."""

    is_ready: bool
    reason: Reason
    message: str
    scopes: frozenset[str] = frozenset()
    is_stalled: bool = False
    """Whether only a person can make it ready. A Secret that is missing may yet come by itself."""
    of: tuple[str, int] = ("", 0)
    """The uid and generation of the connection that was checked."""


UNCHECKED: Final = Verdict(
    is_ready=False, reason=Reason.PENDING, message="the connection was not checked yet"
)


def version_of(body: Body) -> tuple[str, int]:
    """Return the uid and generation of a connection."""
    metadata = body["metadata"]
    return metadata["uid"], metadata.get("generation", 0)
