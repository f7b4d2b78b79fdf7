"""The secret file as the sender reads it, anew each time."""

import os
from pathlib import Path

import pytest

from auth0_rotator.webhook.sender import read_keys
from auth0_rotator.webhook.signature import KeysUnusableError, SigningKey


def refused(file: Path) -> str:
    """Return the sentence by which a file is refused, without its beginning."""
    with pytest.raises(KeysUnusableError) as error:
        read_keys(file)
    beginning = f"the webhook's secret file {file}: "
    assert str(error.value).startswith(beginning)
    return str(error.value).removeprefix(beginning)


def test_a_secret_that_is_changed_in_its_place_is_read_anew(tmp_path: Path) -> None:
    """As the kubelet does it: the name leads to another file."""
    for name in ("old", "new"):
        (tmp_path / name).write_text(f"the {name} one, of 24 letters\n")
    (tmp_path / "secret").symlink_to("old")
    assert read_keys(tmp_path / "secret") == (SigningKey(b"the old one, of 24 letters"),)
    (tmp_path / "next").symlink_to("new")
    (tmp_path / "next").rename(tmp_path / "secret")
    assert read_keys(tmp_path / "secret") == (SigningKey(b"the new one, of 24 letters"),)


def test_what_cannot_be_read_is_told_with_the_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    assert refused(file) == "No such file or directory"
    file.write_bytes(b"")
    assert refused(file) == "it is empty"
    file.write_bytes(b"not long, but secret")
    assert refused(file) == "a secret in it has fewer than 24 bytes"
    file.write_bytes(b"x" * 4096)
    assert len(read_keys(file)) == 1
    file.write_bytes(b"x" * 4097)
    assert refused(file) == "it is no file of up to 4096 bytes"


def test_what_is_no_file_keeps_nobody_waiting(tmp_path: Path) -> None:
    """A pipe that nobody writes to would be read for ever."""
    assert refused(tmp_path) == "it is no file of up to 4096 bytes"
    os.mkfifo(tmp_path / "pipe")
    assert refused(tmp_path / "pipe") == "it is no file of up to 4096 bytes"
