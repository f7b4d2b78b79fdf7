"""What a request to the API server is for, told by method, path, query and body."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

PATH: Final = re.compile(
    r"/apis?/(?:(?P<group>[^/]+\.[^/]+|apps|policy)/)?v[^/]+"
    r"(?:/namespaces/(?P<namespace>[^/]+)(?=/))?/(?P<plural>[^/]+)(?:/(?P<name>[^/]+))?(?:/(?P<part>[^/]+))?"
)
JOURNAL_SUFFIX: Final = ".journal"
_OF_CONSUMERS: Final = {
    "deployments",
    "statefulsets",
    "daemonsets",
    "rollouts",
    "poddisruptionbudgets",
}
_STATE: Final = "auth0rotator.dev/state"
_ANNOUNCED: Final = "auth0rotator.dev/announced"
_ATTEMPTS: Final = "auth0rotator.dev/attempts"


class Effect(StrEnum):
    """What a request to the API server is for."""

    JOURNAL_BEGIN = "journal: a chosen value may be sent"
    JOURNAL_COUNT = "journal: the same value may be sent once more"
    JOURNAL_CHOOSE = "journal: another value"
    JOURNAL_COMMIT = "journal: the value is current"
    JOURNAL_PARK = "journal: idle again, the value kept"
    JOURNAL_ANNOUNCE = "journal: the next value is published ahead"
    JOURNAL_UPDATE = "journal: adopted, or written anew while idle"
    JOURNAL_RELEASE = "journal: the finalizer taken from what cannot be read"
    JOURNAL_DELETE = "journal: deleted"
    JOURNAL_READ = "journal: read"
    TARGET_DRY_RUN = "target: rehearsed"
    TARGET_APPLY = "target: written"
    TARGET_RELEASE = "target: our marks or our keys withdrawn"
    TARGET_DELETE = "target: deleted"
    SECRET_READ = "another Secret read: a target or credentials"
    STATUS = "status of a rotation"
    CONNECTION_STATUS = "status of a connection"
    EVENT = "Event"
    ROTATION_READ = "rotation: read"
    ROTATION_PATCH = "rotation: finalizers or an annotation"
    NAMESPACE_READ = "namespace: read"
    CONSUMERS = "workloads, or what protects them: listed"
    LEASE = "Lease"
    LIST = "list"
    WATCH = "watch"
    OTHER = "anything else"


def effect_of(method: str, path: str, query: Mapping[str, str], body: Any) -> Effect:
    """Return what a request is for; of a write of an idle journal see `journal_effect`."""
    found = PATH.fullmatch(path)
    if found is None:
        return Effect.OTHER
    plural, name, part = found["plural"], found["name"] or "", found["part"] or ""
    if plural == "leases":
        return Effect.LEASE
    if method == "GET" and not name:
        return _effect_of_many(plural, query)
    match plural, method:
        case "secrets", _:
            return _effect_on_secret(method, name or name_in(body), query, body)
        case "events", "POST":
            return Effect.EVENT
        case "namespaces", "GET":
            return Effect.NAMESPACE_READ
        case "auth0clientsecretrotations", "GET":
            return Effect.ROTATION_READ
        case "auth0clientsecretrotations", "PATCH":
            return Effect.STATUS if part == "status" else Effect.ROTATION_PATCH
        case "auth0connections" | "clusterauth0connections", "PATCH":
            return Effect.CONNECTION_STATUS
    return Effect.OTHER


def _effect_of_many(plural: str, query: Mapping[str, str]) -> Effect:
    if query.get("watch") in {"1", "true"}:
        return Effect.WATCH
    return Effect.CONSUMERS if plural in _OF_CONSUMERS else Effect.LIST


def _effect_on_secret(method: str, name: str, query: Mapping[str, str], body: Any) -> Effect:
    is_journal = name.endswith(JOURNAL_SUFFIX)
    is_apply = isinstance(body, dict) and "apiVersion" in body
    match method:
        case "GET":
            return Effect.JOURNAL_READ if is_journal else Effect.SECRET_READ
        case "DELETE":
            return Effect.JOURNAL_DELETE if is_journal else Effect.TARGET_DELETE
        case "POST" | "PUT" if is_journal:
            return journal_effect(body, None)
        case "PATCH" if is_journal:
            return Effect.JOURNAL_RELEASE
        case "PATCH" if is_apply:
            return Effect.TARGET_DRY_RUN if query.get("dryRun") == "All" else Effect.TARGET_APPLY
        case "PATCH":
            return Effect.TARGET_RELEASE
    return Effect.OTHER


def journal_effect(body: Any, before: Any) -> Effect:
    """Return what a write of a journal is for, by what stood there; None for nothing or not known."""
    is_sending, was_sending = _is_sending(body), _is_sending(before)
    if not is_sending and not was_sending:
        is_news = bool(_annotation(body, _ANNOUNCED)) and not _annotation(before, _ANNOUNCED)
        return Effect.JOURNAL_ANNOUNCE if is_news else Effect.JOURNAL_UPDATE
    if not is_sending:
        return Effect.JOURNAL_PARK if "next" in (body.get("data") or {}) else Effect.JOURNAL_COMMIT
    if _annotation(body, _ATTEMPTS) != "1":
        return Effect.JOURNAL_COUNT
    return Effect.JOURNAL_CHOOSE if was_sending else Effect.JOURNAL_BEGIN


def _is_sending(body: Any) -> bool:
    return _annotation(body, _STATE) == "sending"


def _annotation(body: Any, name: str) -> str:
    metadata = body.get("metadata") or {} if isinstance(body, dict) else {}
    return str((metadata.get("annotations") or {}).get(name, ""))


def name_in(body: Any) -> str:
    metadata = body.get("metadata") or {} if isinstance(body, dict) else {}
    return str(metadata.get("name", ""))
