"""What stands in the namespace, as anybody can read it."""

from base64 import b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from model.wish import PREFIX

JOURNAL = ".journal"


@dataclass(frozen=True, slots=True)
class JournalFact:
    """A journal."""

    is_open: bool
    """Whether the tenant may hold `next`."""
    current: str
    current_client: str
    current_id: str
    """The rotation of `current`."""
    next: str
    next_client: str
    next_id: str
    """The rotation for which `next` is kept: another one, once it was refused and is used again."""
    owners: tuple[str, ...]
    is_going: bool
    finalizers: tuple[str, ...]

    def belongs_to(self, uid: str) -> bool:
        """Return whether it stays as long as the object with this uid."""
        return self.owners in {(), (uid,)} and not self.is_going


@dataclass(frozen=True, slots=True)
class TargetFact:
    """Any other Secret."""

    data: Mapping[str, str]
    client: str
    """The client of its commit record; empty where there is none."""
    rotation: str
    """The rotation of its commit record."""
    rotated_at: datetime | None
    is_ours: bool
    """Whether it carries our label."""
    leaves_with: tuple[str, ...]
    """The uids of the rotations with which it, or our part of it, goes."""


@dataclass(frozen=True, slots=True)
class ObjectFact:
    """A rotation."""

    uid: str
    is_going: bool
    finalizers: tuple[str, ...]
    status: Mapping[str, Any]

    @property
    def failed_at(self) -> datetime | None:
        """When the last attempt failed for good; none where it did not."""
        if self.status.get("rotationStatus") != "failed":
            return None
        return datetime.fromisoformat(self.status["lastRotationAttemptedAt"])

    def condition(self, type_: str) -> tuple[str, str, str]:
        """Return status, reason and message of a condition, empty where it is not there."""
        for entry in self.status.get("conditions") or ():
            if entry["type"] == type_:
                return entry["status"], entry["reason"], entry["message"]
        return "", "", ""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything at one instant."""

    objects: Mapping[str, ObjectFact]
    journals: Mapping[str, JournalFact]
    """By the name of their rotation."""
    targets: Mapping[str, TargetFact]


def facts_of(rotations: Iterable[Mapping[str, Any]], secrets: Iterable[Mapping[str, Any]]) -> Facts:
    """Return what the lists of the API server show."""
    journals, targets = {}, {}
    for body in secrets:
        name = body["metadata"]["name"]
        if name.endswith(JOURNAL):
            journals[name.removesuffix(JOURNAL)] = _journal(body)
        else:
            targets[name] = _target(body)
    return Facts({body["metadata"]["name"]: _object(body) for body in rotations}, journals, targets)


def values(body: Mapping[str, Any]) -> dict[str, str]:
    """Return the data of a Secret as text."""
    return {key: b64decode(value).decode() for key, value in (body.get("data") or {}).items()}


def _journal(body: Mapping[str, Any]) -> JournalFact:
    metadata, data = body["metadata"], values(body)
    told = metadata.get("annotations") or {}
    return JournalFact(
        is_open=told.get(f"{PREFIX}state") == "sending",
        current=data.get("current", ""),
        current_client=told.get(f"{PREFIX}client-id", ""),
        current_id=told.get(f"{PREFIX}rotation-id", ""),
        next=data.get("next", ""),
        next_client=told.get(f"{PREFIX}next-client-id", ""),
        next_id=told.get(f"{PREFIX}next-rotation-id", ""),
        owners=tuple(owner["uid"] for owner in metadata.get("ownerReferences") or ()),
        is_going="deletionTimestamp" in metadata,
        finalizers=tuple(metadata.get("finalizers") or ()),
    )


def _target(body: Mapping[str, Any]) -> TargetFact:
    metadata = body["metadata"]
    told = metadata.get("annotations") or {}
    at, withdrawn = told.get(f"{PREFIX}rotated-at", ""), told.get(f"{PREFIX}withdraw-with", "")
    owners = [owner["uid"] for owner in metadata.get("ownerReferences") or ()]
    return TargetFact(
        data=values(body),
        client=told.get(f"{PREFIX}client-id", ""),
        rotation=told.get(f"{PREFIX}rotation", ""),
        rotated_at=datetime.fromisoformat(at) if at else None,
        is_ours=(metadata.get("labels") or {}).get(f"{PREFIX}role") == "target",
        leaves_with=tuple(filter(None, [*owners, withdrawn])),
    )


def _object(body: Mapping[str, Any]) -> ObjectFact:
    metadata = body["metadata"]
    return ObjectFact(
        uid=metadata["uid"],
        is_going="deletionTimestamp" in metadata,
        finalizers=tuple(metadata.get("finalizers") or ()),
        status=body.get("status") or {},
    )
