"""Value types that cannot be printed by accident.

A client secret travels through the operator only as a `ClientSecret`. Its text comes out by
one named call, `reveal`, so that a reader (and a search) finds every place that uses it.
"""

import hashlib
import hmac
import re
from base64 import b64encode
from collections.abc import Iterable
from typing import Final, NoReturn, final

_HIDDEN: Final = "ClientSecret(**********)"
# Parts of a value this long are recognised in a text; shorter ones tell nothing.
_SHORTEST_TRACE: Final = 8
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
    shares eight characters in a row with one of them."""
    clear = [secret.reveal() for secret in hidden]
    values = clear + [b64encode(value.encode()).decode() for value in clear]
    traces = {
        value[start : start + _SHORTEST_TRACE]
        for value in values
        for start in range(max(1, len(value) - _SHORTEST_TRACE + 1))
    }

    def replacement(word: re.Match[str]) -> str:
        return "***" if any(trace in word[0] for trace in traces) else word[0]

    text = _WORD.sub(replacement, text)
    for value in values:
        text = text.replace(value, "***")
    return text
