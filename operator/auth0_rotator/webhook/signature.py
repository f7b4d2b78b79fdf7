"""Signatures by the Standard Webhooks specification (www.standardwebhooks.com), version `v1`. Pure."""

import hashlib
import hmac
from base64 import b64decode, b64encode
from codecs import BOM_UTF8
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

# The specification's own limits for the key of a `whsec_`.
KEY_BYTES: Final = range(24, 65)
_PREFIX: Final = "whsec_"
# The specification's private keys sign as `v1a`, which is not done here.
_ASYMMETRIC: Final = "whsk_"
# Without the prefix a secret is what it says; shorter ones can be guessed.
LEAST_BYTES: Final = KEY_BYTES.start


class KeysUnusableError(ValueError):
    """The secret that signs messages is not there, or is none. The text never shows it."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key. Printing never shows it."""

    octets: bytes = field(repr=False)

    def sign(self, content: bytes) -> str:
        """Return the signature of `content` with its version."""
        digest = hmac.new(self.octets, content, hashlib.sha256).digest()
        return f"v1,{b64encode(digest).decode()}"


def signed_headers(
    message_id: str, body: bytes, keys: Sequence[SigningKey], now: datetime
) -> Mapping[str, str]:
    """Return the three headers of one try at `now`, with a signature by each key."""
    seconds = str(int(now.timestamp()))
    content = f"{message_id}.{seconds}.".encode() + body
    return {
        "webhook-id": message_id,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(key.sign(content) for key in keys),
    }


def parse_keys(content: bytes) -> tuple[SigningKey, ...]:
    """Return the keys that a secret file holds, one a line: while a secret is changed there are two.

    Raises:
        KeysUnusableError: there is none, or one of them is none.
    """
    try:
        lines = content.removeprefix(BOM_UTF8).decode().split("\n")
    except UnicodeDecodeError:
        message = "it is no text"
        raise KeysUnusableError(message) from None
    keys = tuple(_key(line.strip()) for line in lines if line.strip())
    if not keys:
        message = "it is empty"
        raise KeysUnusableError(message)
    return keys


def _key(text: str) -> SigningKey:
    if text.startswith(_ASYMMETRIC):
        message = (
            f"a key that begins with {_ASYMMETRIC} cannot be used: give one that begins with {_PREFIX}"
        )
        raise KeysUnusableError(message)
    if text.startswith(_PREFIX):
        return SigningKey(_decoded(text.removeprefix(_PREFIX)))
    octets = text.encode()
    if len(octets) < LEAST_BYTES:
        message = f"a secret in it has fewer than {LEAST_BYTES} bytes"
        raise KeysUnusableError(message)
    return SigningKey(octets)


def _decoded(text: str) -> bytes:
    """Return what base64 says; its padding may be missing, as the specification's libraries allow."""
    message = (
        f"after {_PREFIX} it does not hold {KEY_BYTES.start} to {KEY_BYTES.stop - 1} bytes in base64"
    )
    try:
        octets = b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise KeysUnusableError(message) from None
    if len(octets) not in KEY_BYTES:
        raise KeysUnusableError(message)
    return octets
