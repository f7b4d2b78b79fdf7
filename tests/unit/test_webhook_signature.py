"""Signatures, held against the specification's own library, and secret files that hold none."""

import json
from base64 import b64encode
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from auth0_rotator.webhook.signature import KeysUnusableError, SigningKey, parse_keys, signed_headers

KEY = bytes(range(24))
OTHER = bytes(range(100, 164))
BODY = json.dumps({"type": "rotation.rotated", "data": {"name": "wüb"}}).encode()


def whsec(octets: bytes) -> str:
    return f"whsec_{b64encode(octets).decode()}"


def test_the_example_of_the_specification_has_its_signature() -> None:
    """From github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md."""
    [key] = parse_keys(b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    assert signed_headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", body, [key], datetime.fromtimestamp(1614265330.9, UTC)
    ) == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@pytest.mark.parametrize("octets", [KEY, OTHER], ids=["shortest", "longest"])
def test_the_library_of_the_specification_accepts_a_message(octets: bytes) -> None:
    keys = parse_keys(whsec(octets).encode())
    headers = dict(signed_headers("msg_1", BODY, keys, datetime.now(UTC)))
    assert Webhook(whsec(octets)).verify(BODY, headers) == json.loads(BODY)
    with pytest.raises(WebhookVerificationError):
        Webhook(whsec(octets)).verify(BODY + b" ", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(whsec(octets)).verify(BODY, headers | {"webhook-id": "msg_2"})


def test_while_a_secret_is_changed_a_message_is_signed_with_both() -> None:
    keys = parse_keys(f"{whsec(KEY)}\n\n  {whsec(OTHER)}\r\n".encode())
    headers = dict(signed_headers("msg_1", BODY, keys, datetime.now(UTC)))
    assert headers["webhook-signature"].count("v1,") == 2
    for octets in (KEY, OTHER):
        assert Webhook(whsec(octets)).verify(BODY, headers) == json.loads(BODY)
    with pytest.raises(WebhookVerificationError):
        Webhook(whsec(bytes(24))).verify(BODY, headers)


@pytest.mark.parametrize(
    ("content", "octets"),
    [
        pytest.param(whsec(KEY).encode(), KEY, id="whsec"),
        pytest.param(b"\xef\xbb\xbf" + whsec(KEY).encode(), KEY, id="whsec-behind-a-byte-order-mark"),
        pytest.param(whsec(OTHER).encode() + b"\n", OTHER, id="whsec-with-line-end"),
        pytest.param(whsec(bytes(25)).rstrip("=").encode(), bytes(25), id="without-padding"),
        pytest.param(whsec(bytes(26)).rstrip("=").encode(), bytes(26), id="without-one-letter"),
        pytest.param(whsec(b"\xfb\xff" * 12).encode(), b"\xfb\xff" * 12, id="plus-and-slash"),
        pytest.param(b"\t a secret of 24 letters..\n", b"a secret of 24 letters..", id="trimmed"),
        pytest.param(b"x" * 24, b"x" * 24, id="text-of-24"),
        pytest.param("ü".encode() * 12, "ü".encode() * 12, id="24-bytes"),
    ],
)
def test_a_secret_is_the_key_that_it_says(content: bytes, octets: bytes) -> None:
    assert parse_keys(content) == (SigningKey(octets),)


BASE64 = "after whsec_ it does not hold 24 to 64 bytes in base64"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param(b"", "it is empty", id="empty"),
        pytest.param(b" \n\t\n", "it is empty", id="blank"),
        pytest.param(b"\xff" * 30, "it is no text", id="binary"),
        pytest.param(b"x" * 23, "a secret in it has fewer than 24 bytes", id="short"),
        pytest.param(
            b"x" * 24 + b"\nx", "a secret in it has fewer than 24 bytes", id="one-of-two-short"
        ),
        pytest.param(whsec(bytes(23)).encode(), BASE64, id="whsec-short"),
        pytest.param(whsec(bytes(65)).encode(), BASE64, id="whsec-long"),
        pytest.param(b"whsec_", BASE64, id="whsec-alone"),
        pytest.param(b"whsec_" + b"-_" * 20, BASE64, id="base64-of-urls"),
        pytest.param(whsec(KEY).encode() + b"----", BASE64, id="other-letters"),
        pytest.param(b"whsec_" + b"A" * 33, BASE64, id="no-base64"),
        pytest.param(b"whsec_" + "ü".encode() * 30, BASE64, id="no-ascii"),
        pytest.param(
            b"whsk_" + b64encode(OTHER),
            "a key that begins with whsk_ cannot be used: give one that begins with whsec_",
            id="private-key",
        ),
    ],
)
def test_what_is_no_secret_is_refused_in_a_sentence(content: bytes, sentence: str) -> None:
    with pytest.raises(KeysUnusableError) as refused:
        parse_keys(content)
    assert str(refused.value) == sentence


def test_a_key_is_not_printed() -> None:
    [key] = parse_keys(b"not to be seen by anybody")
    assert repr(key) == str(key) == f"{key}" == "SigningKey()"
