"""How a journal stands in a Secret: the one place that knows the names of its annotations."""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from auth0_rotator.conditions import parse_timestamp, timestamp
from auth0_rotator.credential import ClientSecret
from auth0_rotator.journal import (
    JOURNAL_TYPE,
    SENDING_FINALIZER,
    Journal,
    JournalMeta,
    Plan,
    State,
    journal_name,
)
from auth0_rotator.record import (
    MANAGED_BY,
    MANAGED_BY_LABEL,
    PREFIX,
    ROLE_LABEL,
    ROTATION_ANNOTATION,
    Credential,
    RecordUnreadableError,
    Role,
    parse_record,
    record_annotations,
)
from auth0_rotator.resource import GROUP, VERSION, Kind, SpecInvalid, parse_spec

_STATE: Final = f"{PREFIX}state"
_PLAN: Final = f"{PREFIX}plan"
_ATTEMPTS: Final = f"{PREFIX}attempts"
_ATTEMPTED_AT: Final = f"{PREFIX}attempted-at"
_ATTEMPTED_BY: Final = f"{PREFIX}attempted-by"
_LATE_UNTIL: Final = f"{PREFIX}late-until"
_ANNOUNCED: Final = f"{PREFIX}announced"
_UNPROVEN: Final = f"{PREFIX}unproven"
_HAS_WORKED: Final = f"{PREFIX}has-worked"
_TO_RESTART: Final = f"{PREFIX}to-restart"
_SETTLE_SEEN: Final = f"{PREFIX}settle-seen"
_NEXT: Final = "next-"


class JournalUnreadableError(Exception):
    """The Secret under the journal's name is no journal, or says something impossible."""


@dataclass(frozen=True, slots=True)
class SeenJournal:
    """A journal, or why it cannot be read."""

    journal: Journal | None
    fault: str
    deleting_since: datetime | None = None


def see_journal(secret: Mapping[str, Any]) -> SeenJournal:
    """Return the journal that `secret` is, or why it cannot be read."""
    try:
        return SeenJournal(parse_journal(secret), "")
    except JournalUnreadableError as error:
        deleting_since = parse_timestamp(secret["metadata"].get("deletionTimestamp"))
        return SeenJournal(None, str(error), deleting_since)


def journal_secret(journal: Journal, *, namespace: str, rotation: str, owner_uid: str) -> dict[str, Any]:
    """Return the Secret that says `journal`, owned by the rotation with `owner_uid`; empty: by none.

    With the journal's own resourceVersion in it, a replacement is a compare-and-swap.
    """
    metadata: dict[str, Any] = {
        "name": journal_name(rotation),
        "namespace": namespace,
        "labels": _labels(),
        "annotations": _annotations(journal) | {ROTATION_ANNOTATION: rotation},
        "finalizers": [SENDING_FINALIZER] if journal.is_sending else [],
        "ownerReferences": [owner_reference(rotation, owner_uid)] if owner_uid else [],
    }
    if journal.meta is not None:
        foreign = journal.meta.foreign
        metadata["uid"] = journal.meta.uid
        metadata["resourceVersion"] = journal.meta.resource_version
        metadata["labels"] = foreign["labels"] | metadata["labels"]
        metadata["annotations"] = foreign["annotations"] | metadata["annotations"]
        metadata["finalizers"] = foreign["finalizers"] + metadata["finalizers"]
    values = {
        "current": journal.current.secret if journal.current is not None else None,
        "previous": journal.previous,
        "next": journal.next.secret if journal.next is not None else None,
    }
    # Once said it cannot be unsaid: without it even a label could not be written any more.
    fixed = {"immutable": True} if journal.is_immutable else {}
    return fixed | {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": JOURNAL_TYPE,
        "metadata": metadata,
        "data": {
            name: b64encode(secret.reveal().encode()).decode()
            for name, secret in values.items()
            if secret is not None
        },
    }


def owner_reference(rotation: str, uid: str) -> dict[str, Any]:
    """Return a reference by which the garbage collector deletes a Secret after its rotation.

    Without `blockOwnerDeletion`: that would need the right to set finalizers on rotations.
    """
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": Kind.ROTATION.value,
        "name": rotation,
        "uid": uid,
        "controller": True,
    }


def is_owned_by(owner: Mapping[str, Any], rotation: str) -> bool:
    """Return whether an owner reference names the rotation called `rotation`, whatever its uid."""
    is_rotation = owner.get("kind") == Kind.ROTATION.value and owner.get("name") == rotation
    return is_rotation and str(owner.get("apiVersion")).startswith(f"{GROUP}/")


def parse_journal(secret: Mapping[str, Any]) -> Journal:
    """Return what the Secret under a journal's name says.

    Raises:
        JournalUnreadableError: with a sentence that shows no value. Whoever gets it must hold:
            what cannot be read is not absent.
    """
    if secret.get("type") != JOURNAL_TYPE:
        message = f"its type is not {JOURNAL_TYPE}"
        raise JournalUnreadableError(message)
    annotations = secret["metadata"].get("annotations") or {}
    values = _values(secret.get("data") or {})
    try:
        journal = Journal(
            state=State(str(annotations.get(_STATE))),
            current=_credential(values.get("current"), annotations, part=""),
            previous=values.get("previous"),
            next=_credential(values.get("next"), annotations, part=_NEXT),
            plan=parse_spec(Plan, json.loads(annotations[_PLAN])) if annotations.get(_PLAN) else None,
            attempts=int(annotations.get(_ATTEMPTS, "0")),
            attempted_at=parse_timestamp(annotations.get(_ATTEMPTED_AT)),
            attempted_by=annotations.get(_ATTEMPTED_BY, ""),
            late_until=parse_timestamp(annotations.get(_LATE_UNTIL)),
            is_announced=annotations.get(_ANNOUNCED) == "true",
            is_unproven=annotations.get(_UNPROVEN) == "true",
            has_worked=annotations.get(_HAS_WORKED) == "true",
            to_restart=tuple(filter(None, annotations.get(_TO_RESTART, "").split(","))),
            settle_seen=annotations.get(_SETTLE_SEEN, ""),
            meta=_meta(
                secret["metadata"],
                is_sending=annotations.get(_STATE) == State.SENDING.value,
                is_immutable=secret.get("immutable") is True,
            ),
        )
    except RecordUnreadableError as error:
        raise JournalUnreadableError(str(error)) from None
    except (ValueError, SpecInvalid, RecursionError):
        message = f"one of its annotations {_STATE}, {_PLAN} or {_ATTEMPTS} makes no sense"
        raise JournalUnreadableError(message) from None
    if journal.is_sending and (journal.next is None or journal.plan is None):
        message = "its state is sending, but there is nothing to send or no plan to follow"
        raise JournalUnreadableError(message)
    return journal


def _labels() -> dict[str, str]:
    return {ROLE_LABEL: Role.JOURNAL.value, MANAGED_BY_LABEL: MANAGED_BY}


def _annotations(journal: Journal) -> dict[str, str]:
    told = {_STATE: journal.state.value}
    if journal.current is not None:
        told |= record_annotations(journal.current.record)
    if journal.next is not None:
        told |= record_annotations(journal.next.record, part=_NEXT)
    if journal.plan is not None:
        told[_PLAN] = journal.plan.model_dump_json(by_alias=True, exclude_none=True)
    if journal.is_sending:
        told[_ATTEMPTS] = str(journal.attempts)
        told[_ATTEMPTED_BY] = journal.attempted_by
        told[_SETTLE_SEEN] = journal.settle_seen
        if journal.attempted_at is not None:
            told[_ATTEMPTED_AT] = timestamp(journal.attempted_at)
    marks = {
        _ANNOUNCED: journal.is_announced,
        _UNPROVEN: journal.is_unproven,
        _HAS_WORKED: journal.has_worked,
    }
    told |= {mark: "true" for mark, is_set in marks.items() if is_set}
    if journal.to_restart:
        told[_TO_RESTART] = ",".join(journal.to_restart)
    if journal.late_until is not None:
        told[_LATE_UNTIL] = timestamp(journal.late_until)
    return told


def _values(data: Mapping[str, str]) -> dict[str, ClientSecret]:
    try:
        return {
            name: ClientSecret(b64decode(data[name], validate=True).decode())
            for name in ("current", "previous", "next")
            if data.get(name)
        }
    except ValueError:
        message = "one of current, previous and next is not text in base64"
        raise JournalUnreadableError(message) from None


def _credential(
    secret: ClientSecret | None, annotations: Mapping[str, str], *, part: str
) -> Credential | None:
    record = parse_record(annotations, part=part)
    if secret is None and record is None:
        return None
    if secret is None or record is None:
        message = "a value and its commit record do not stand together"
        raise JournalUnreadableError(message)
    return Credential(secret, record)


def _meta(metadata: Mapping[str, Any], *, is_sending: bool, is_immutable: bool) -> JournalMeta:
    labels = metadata.get("labels") or {}
    owners = metadata.get("ownerReferences") or []
    ours = [owner for owner in owners if owner.get("kind") == Kind.ROTATION.value]
    is_guarded = SENDING_FINALIZER in (metadata.get("finalizers") or [])
    return JournalMeta(
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        owner_uid=ours[0]["uid"] if ours else "",
        deleting_since=parse_timestamp(metadata.get("deletionTimestamp")),
        is_intact=_labels().items() <= labels.items() and is_guarded == is_sending,
        foreign={
            "labels": labels,
            "annotations": {
                name: text
                for name, text in (metadata.get("annotations") or {}).items()
                if not name.startswith(PREFIX)
            },
            "finalizers": [
                name for name in metadata.get("finalizers") or [] if name != SENDING_FINALIZER
            ],
        },
        is_immutable=is_immutable,
    )
