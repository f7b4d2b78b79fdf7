"""What people can ask for: one manifest of a rotation, and the words for it."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from harness.manifests import rotation

NAMES: Final = ("a", "b", "c")
CLIENTS: Final = 3
HOUR: Final = timedelta(hours=1)
PREFIX: Final = "auth0rotator.dev/"
ROTATE_NOW: Final = f"{PREFIX}rotate-now"
PLAIN: Final = {"clientId": "ID", "clientSecret": "SECRET"}
NEXT_KEY: Final = "AUTH0_NEXT"
RENAMED: Final = {
    "clientId": "AUTH0_ID",
    "clientSecret": "AUTH0_SECRET",
    "previousClientSecret": "AUTH0_PREVIOUS",
    "nextClientSecret": NEXT_KEY,
}
# How long ahead of its date a value is announced, where it is.
LEAD: Final = timedelta(days=10)


# Open at some time of every day.
WINDOWS: Final = [
    {"kind": "allow", "schedule": "0 1 * * *", "duration": "4h"},
    {"kind": "deny", "schedule": "30 1 * * *", "duration": "1h"},
]
SPREAD: Final = "3h"


class Place(StrEnum):
    """Where a rotation delivers."""

    OWN = "its own Secret"
    SPARE = "another Secret of its own"
    SHARED = "the Secret shared"
    MERGED = "the Secret shared, beside the keys of others"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a manifest says, as far as the model cares. The defaults are the simplest one."""

    shift: int = 0
    """Which client: that of its own name, or one of the other two."""
    place: Place = Place.OWN
    keeps: bool = False
    """WhenDue: a value that is there is kept."""
    is_suspended: bool = False
    is_automatic: bool = True
    days: int = 30
    is_windowed: bool = False
    """Whether its dates are spread, and wait for windows."""
    deletes: bool = False
    revokes: bool = False
    is_renamed: bool = False
    """Whether it uses the other mapping, and has its values announced."""
    label: str = ""
    now: str = ""
    """The token in the annotation."""
    trigger: str = ""
    """The token in the spec."""

    def client(self, name: str) -> int:
        """Return the number of the client that the rotation `name` names."""
        return (NAMES.index(name) + self.shift) % CLIENTS

    def target(self, name: str) -> str:
        """Return the name of the Secret that it delivers into."""
        if self.place in {Place.SHARED, Place.MERGED}:
            return "shared"
        return name if self.place is Place.OWN else f"spare-{name}"

    @property
    def tokens(self) -> frozenset[str]:
        """The tokens that ask for a rotation."""
        told = {"rotate-now": self.now, "rotationTrigger": self.trigger}
        return frozenset(f"{kind} {text}" for kind, text in told.items() if text)

    @property
    def mapping(self) -> dict[str, str]:
        """Under which keys the values stand."""
        return RENAMED if self.is_renamed else PLAIN

    def manifest(self, name: str, client_id: str) -> dict[str, Any]:
        """Return the object as people apply it."""
        body = rotation(
            client_id,
            name,
            annotations={ROTATE_NOW: self.now} if self.now else {},
            rotationInterval=self.days,
            secretsMapping=self.mapping,
            suspend=self.is_suspended,
            isAutoRotationEnabled=self.is_automatic,
            initialRotation="WhenDue" if self.keeps else "Immediate",
            deletion={"deleteSecrets": self.deletes, "revokeGeneratedCredentials": self.revokes},
            target=self._target(name),
            **({"rotationTrigger": self.trigger} if self.trigger else {}),
            **({"nextSecretLeadTime": f"{LEAD // HOUR}h"} if self.is_renamed else {}),
            **({"rotationWindows": WINDOWS, "spread": SPREAD} if self.is_windowed else {}),
        )
        body["metadata"]["labels"] = {"team": self.label} if self.label else {}
        return body

    def _target(self, name: str) -> dict[str, str]:
        if self.place is Place.OWN:
            return {}
        policy = "Merge" if self.place is Place.MERGED else "Create"
        return {"name": self.target(name), "creationPolicy": policy}

    def words(self, name: str) -> str:
        """Return what is not the default, as part of a sentence."""
        told = [
            f"into {self.place}" if self.place is not Place.OWN else "",
            "keeping a value that is there" if self.keeps else "",
            "suspended" if self.is_suspended else "",
            "" if self.is_automatic else "without dates",
            f"every {self.days} days" if self.days != DEFAULT.days else "",
            "within windows" if self.is_windowed else "",
            "deleting its Secret with it" if self.deletes else "",
            "revoking at its end" if self.revokes else "",
            "under other keys, announcing its values" if self.is_renamed else "",
            f"with the label {self.label}" if self.label else "",
            *(f"with {token}" for token in sorted(self.tokens)),
        ]
        return ", ".join([f"client {self.client(name) + 1}", *filter(None, told)])


DEFAULT: Final = Wish()
