"""A client secret comes out by one named call and by no accident."""

import copy
import io
import json
import logging
import pickle
import traceback
from base64 import b64encode
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest

from auth0_rotator.credential import ClientSecret, masked
from examples import CURRENT, NEXT, credential

TEXT = CURRENT.reveal()


def logged(*arguments: object) -> str:
    """Return what a log line shows of its arguments."""
    written = io.StringIO()
    logger, handler = logging.getLogger("tests.credential"), logging.StreamHandler(written)
    logger.addHandler(handler)
    logger.warning("a secret came by: %s", *arguments)
    logger.removeHandler(handler)
    return written.getvalue()


def raised(value: object) -> str:
    """Return the traceback of an exception that carries the value."""
    with pytest.raises(RuntimeError) as caught:
        raise RuntimeError(value)
    return "".join(traceback.format_exception(caught.value))


def printed(value: object) -> str:
    written = io.StringIO()
    print(value, [value], file=written)
    return written.getvalue()


@pytest.mark.parametrize(
    "show",
    [
        pytest.param(repr, id="repr"),
        pytest.param(str, id="str"),
        pytest.param(ascii, id="ascii"),
        pytest.param(format, id="format"),
        pytest.param(lambda secret: f"{secret}", id="f-string"),
        pytest.param(lambda secret: f"{secret!r} {secret!s} {secret!a} {secret=}", id="f-string-repr"),
        pytest.param(lambda secret: "%s %r %a" % ((secret,) * 3), id="percent"),
        pytest.param("{0} {0!r}".format, id="str-format"),
        pytest.param(lambda secret: repr({"k": [(secret,)], secret: {secret}}), id="containers"),
        pytest.param(lambda secret: repr(credential(secret)), id="dataclass"),
        pytest.param(lambda secret: json.dumps({"k": secret}, default=str), id="json-with-default"),
        pytest.param(logged, id="log"),
        pytest.param(lambda secret: logged({"k": secret}), id="log-of-a-dict"),
        pytest.param(raised, id="traceback"),
        pytest.param(printed, id="print"),
    ],
)
def test_a_secret_is_shown_as_stars(show: Callable[[ClientSecret], str]) -> None:
    shown = show(CURRENT)
    assert "ClientSecret(**********)" in shown
    assert not [start for start in range(len(TEXT) - 3) if TEXT[start : start + 4] in shown]


@pytest.mark.parametrize("show", [logged, raised, printed, repr])
def test_the_search_above_would_find_a_secret_that_is_shown(show: Callable[[object], str]) -> None:
    assert TEXT in show(CURRENT.reveal())


@pytest.mark.parametrize(
    "give_away",
    [
        pytest.param(json.dumps, id="json"),
        pytest.param(pickle.dumps, id="pickle"),
        pytest.param(copy.copy, id="copy"),
        pytest.param(copy.deepcopy, id="deepcopy"),
        pytest.param(vars, id="vars"),
        pytest.param(lambda secret: asdict(credential(secret)), id="asdict"),
        pytest.param(lambda secret: f"{secret:>80}", id="format-spec"),
        pytest.param("".join, id="join"),
        pytest.param(len, id="len"),
        pytest.param(bytes, id="bytes"),
    ],
)
def test_a_secret_cannot_be_taken_out_otherwise(give_away: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError) as refusal:
        give_away(CURRENT)
    assert TEXT not in str(refusal.value)


def test_pickling_says_why_it_is_refused() -> None:
    with pytest.raises(TypeError, match=r"^a client secret is not to be pickled$"):
        pickle.dumps(CURRENT)


def test_a_secret_is_revealed_by_name() -> None:
    assert ClientSecret("s3cret").reveal() == "s3cret"


def test_an_empty_secret_is_none() -> None:
    with pytest.raises(ValueError, match=r"^a client secret cannot be empty$"):
        ClientSecret("")


@pytest.mark.parametrize(
    ("other", "is_equal"),
    [
        pytest.param(ClientSecret(TEXT), True, id="same-text"),
        pytest.param(NEXT, False, id="other-text"),
        pytest.param(ClientSecret(TEXT[:-1]), False, id="shorter"),
        pytest.param(ClientSecret(TEXT + "ä"), False, id="not-ascii"),
        pytest.param(TEXT, False, id="bare-text"),
        pytest.param(None, False, id="none"),
    ],
)
def test_secrets_are_equal_by_their_text(other: object, *, is_equal: bool) -> None:
    assert (other == CURRENT) is is_equal
    assert (other != CURRENT) is not is_equal


def test_equal_secrets_count_once_in_a_set() -> None:
    assert {CURRENT, ClientSecret(TEXT), NEXT} == {NEXT, CURRENT}
    assert len({CURRENT, ClientSecret(TEXT), NEXT}) == 2
    assert len({hash(ClientSecret(text)) for text in "abcdefgh"}) > 1


def test_a_fingerprint_is_sixteen_digits_that_need_the_key() -> None:
    value = ClientSecret("value-to-fingerprint")
    # hmac-sha256 by another implementation: echo -n ... | openssl dgst -sha256 -hmac key
    assert value.fingerprint(b"key") == "798a25b95c29c691"
    assert value.fingerprint(b"other key") != value.fingerprint(b"key")
    assert NEXT.fingerprint(b"key") != CURRENT.fingerprint(b"key")


# masked ----------------------------------------------------------------------------------------

ENCODED = b64encode(TEXT.encode()).decode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(f"refused {TEXT}, sorry", "refused ***, sorry", id="in-clear"),
        pytest.param(f"{TEXT}", "***", id="alone"),
        pytest.param(f"got '{TEXT[:8]}'", "got '***'", id="the-first-eight"),
        pytest.param(f"got '{TEXT[-8:]}'", "got '***'", id="the-last-eight"),
        pytest.param(f"got '{TEXT[20:28]}'", "got '***'", id="eight-from-within"),
        pytest.param(f"got '{TEXT[20:27]}'", f"got '{TEXT[20:27]}'", id="seven-tell-nothing"),
        pytest.param(f"got x{TEXT[20:28]}y", "got ***", id="eight-inside-a-word"),
        pytest.param(f"got xy{TEXT[-7:]}", f"got xy{TEXT[-7:]}", id="the-last-seven-inside-a-word"),
        pytest.param(f"a={ENCODED}", "***", id="base64"),
        pytest.param(f"got {ENCODED[10:18]} there", "got *** there", id="part-of-base64"),
        pytest.param(f"{TEXT} and {TEXT[5:30]}", "*** and ***", id="twice"),
        pytest.param(f"{TEXT} {NEXT.reveal()}", "*** ***", id="two-secrets"),
        pytest.param("client_secret is invalid", "client_secret is invalid", id="no-trace"),
        pytest.param("", "", id="empty"),
    ],
)
def test_no_trace_of_a_secret_is_left_in_a_text(text: str, expected: str) -> None:
    assert masked(text, [CURRENT, NEXT]) == expected


def test_a_text_stays_as_it_is_where_nothing_is_hidden() -> None:
    assert masked(f"refused {TEXT}", []) == f"refused {TEXT}"


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("exactly8", id="eight-characters"),
        pytest.param("p@ss w!rd, with (many) *other* signs", id="signs-that-end-a-word"),
        pytest.param("a!b@c#d$e^f&g*h(i)j", id="hardly-two-letters-in-a-row"),
        pytest.param("hunter2", id="shorter-than-eight"),
        pytest.param("hunt", id="of-four"),
    ],
)
def test_any_secret_that_a_tenant_may_take_is_hidden(value: str) -> None:
    """A value that was adopted is not of our choosing: any text may be one."""
    assert masked(f"the value {value} is refused", [ClientSecret(value)]) == "the value *** is refused"


def test_a_secret_of_three_characters_protects_nothing() -> None:
    assert masked("the value abc is refused", [ClientSecret("abc")]) == "the value abc is refused"


def test_a_part_of_a_short_secret_tells_nothing() -> None:
    assert masked("encounter2", [ClientSecret("hunter2")]) == "encounter2"
