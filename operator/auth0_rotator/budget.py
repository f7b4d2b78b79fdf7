"""The outage of a rotation, in parts: from the tenant's acceptance to who uses the value. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

VERIFIED: Final = "verifiedMilliseconds"
ROLLED: Final = "rolledMilliseconds"
_DELIVERED: Final = "deliveredMilliseconds"
_PARTS: Final = {
    _DELIVERED: "Secret written",
    VERIFIED: "first login",
    ROLLED: "last consumer restarted",
}


def entry_of(history: Sequence[Mapping[str, Any]], rotation_id: str) -> Mapping[str, Any]:
    """Return the entry of a rotation, an empty one where there is none."""
    return next((entry for entry in history if entry.get("id") == rotation_id), {})


def has_begun(entry: Mapping[str, Any]) -> bool:
    """Return whether it was measured from the beginning: not so what was adopted, or delivered by a
    process that did not live to tell."""
    return _DELIVERED in entry


def milliseconds_since(accepted_at: datetime, now: datetime) -> int:
    """Return how long ago the tenant took a value; 0 where the clock was set back since."""
    return max(timedelta(0), now - accepted_at) // timedelta(milliseconds=1)


def told(entry: Mapping[str, Any]) -> str:
    """Return the parts that are known as a sentence without a stop, empty where none is."""
    known = [
        f"{words} after {entry[name] / 1000:.3f} s" for name, words in _PARTS.items() if name in entry
    ]
    return f"since the tenant took it: {', '.join(known)}" if known else ""
