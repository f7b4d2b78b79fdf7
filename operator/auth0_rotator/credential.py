"""Value types that cannot be printed by accident.

A client secret travels through the operator only as a `ClientSecret`. Its text comes out by
one named call, `reveal`, so that a reader (and a search) finds every place that uses it.
"""

import hashlib
import hmac
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import Final, NoReturn, final

_HIDDEN: Final = "ClientSecret(**********)"
# Parts of a value this long are recognised in a text; shorter ones tell nothing.
_SHORTEST_TRACE: Final = 8
# Shorter ones than this protect nothing.
_SHORTEST: Final = 4
_WORD: Final = re.compile(r"[A-Za-z0-9_.+=%~/-]{8,}")


@final
class ClientSecret:
    """One Auth0 client secret.

    Equality takes the same time for every pair. Printing, formatting, pickling and JSON
    never show the text.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        """Wrap `text`, which must not be empty.

        Raises:
            ValueError: the text is empty.
        """
        if not text:
            message = "a client secret cannot be empty"
            raise ValueError(message)
        self._text = text

    def reveal(self) -> str:
        """Return the text itself: for a request body or a Secret's data, never for a message."""
        return self._text

    def fingerprint(self, key: bytes) -> str:
        """Return 16 hex digits of a keyed digest: two equal values show as equal, and no more."""
        return hmac.new(key, self._text.encode(), hashlib.sha256).hexdigest()[:16]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ClientSecret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return _HIDDEN

    def __reduce__(self) -> NoReturn:
        message = "a client secret is not to be pickled"
        raise TypeError(message)


def masked(text: str, hidden: Iterable[ClientSecret]) -> str:
    """Return `text` without the hidden values, in clear or in base64, and without any word that
    shares eight characters in a row with one of them.

    Values of a few characters are no secrets: hiding them would make the text unreadable.
    """
    clear = [value for value in (secret.reveal() for secret in hidden) if len(value) >= _SHORTEST]
    values = clear + [b64encode(value.encode()).decode() for value in clear]
    traces = {trace for value in values for trace in _traces(value)}

    def replacement(word: re.Match[str]) -> str:
        return "***" if any(trace in traces for trace in _traces(word[0])) else word[0]

    text = _WORD.sub(replacement, text)
    for value in clear:
        text = text.replace(value, "***")
    return text


def _traces(value: str) -> Iterator[str]:
    """Yield every eight characters in a row."""
    return (value[start : start + _SHORTEST_TRACE] for start in range(len(value) - _SHORTEST_TRACE + 1))
