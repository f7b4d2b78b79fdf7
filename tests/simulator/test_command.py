"""`python -m auth0_simulator` as a user starts it."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest

TESTS: Final = Path(__file__).resolve().parent.parent
SECONDS: Final = 30.0


def command(*flags: str) -> list[str]:
    """Return the command line."""
    return [sys.executable, "-m", "auth0_simulator", *flags]


def environment() -> dict[str, str]:
    """Return an environment in which the simulator is found as the README says."""
    return {**os.environ, "PYTHONPATH": str(TESTS)}


@contextmanager
def started(*flags: str) -> Iterator[subprocess.Popen[str]]:
    """Yield the process, and end it whatever happens."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command(*flags), env=environment(), stdout=pipe, stderr=pipe, text=True
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def lines_of(process: subprocess.Popen[str], count: int) -> list[str]:
    """Return the first lines that it prints."""
    assert process.stdout is not None
    return [process.stdout.readline().strip() for _ in range(count)]


def test_it_prints_its_address_serves_a_token_and_ends_on_ctrl_c() -> None:
    with started("--port=0", "--clients=2", "--domain=demo.us.auth0.com") as process:
        first, second, *apps = lines_of(process, 4)
        (url,) = re.findall(r"^tenant demo\.us\.auth0\.com at (http://127\.0\.0\.1:\d+)$", first)
        ((client_id, secret),) = re.findall(r"clientId (\w+) clientSecret ([\w-]+)$", second)
        assert [re.sub(r"clientId \w{32}$", "", line) for line in apps] == [
            "application 1: ",
            "application 2: ",
        ]
        answer = httpx.post(
            f"{url}/oauth/token",
            data={
                "grant_type": "client_credentials",
                "client_id": client_id,
                "client_secret": secret,
                "audience": "https://demo.us.auth0.com/api/v2/",
            },
        )
        assert answer.status_code == 200
        assert answer.json()["scope"] == "read:clients update:client_keys"
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=SECONDS)
        assert process.returncode == 0
        assert complaints == ""


def test_a_rate_and_a_propagation_are_taken_from_the_flags() -> None:
    flags = ("--port=0", "--clients=1", "--rate=0.01", "--burst=1", "--propagation=3600")
    with started(*flags) as process:
        first, second, third = lines_of(process, 3)
        url = first.rpartition(" ")[2]
        client_id, secret = second.split()[-3], second.split()[-1]
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        form["audience"] = "https://acme.eu.auth0.com/api/v2/"
        token = httpx.post(f"{url}/oauth/token", data=form).json()["access_token"]
        app = third.rpartition(" ")[2]
        path, headers = f"{url}/api/v2/clients/{app}", {"Authorization": f"Bearer {token}"}
        change = {"client_secret": "new"}
        assert httpx.patch(path, json=change, headers=headers).status_code == 200
        assert httpx.get(path, headers=headers).status_code == 429
        new = form | {"client_id": app, "client_secret": "new"}
        assert httpx.post(f"{url}/oauth/token", data=new).status_code == 401


def test_a_taken_port_is_told_in_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = subprocess.run(
            command(f"--port={port}"),
            env=environment(),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    assert ended.returncode == 1
    assert ended.stdout == ""
    (sentence,) = ended.stderr.splitlines()
    assert f"127.0.0.1:{port}" in sentence
    assert "in use" in sentence


@pytest.mark.parametrize("flag", ["--prot=1", "--port=word", "--port=65536", "--clients=many"])
def test_a_wrong_flag_ends_with_2(flag: str) -> None:
    ended = subprocess.run(
        command(flag), env=environment(), capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert ended.returncode == 2
    assert "usage:" in ended.stderr
    assert "Traceback" not in ended.stderr
