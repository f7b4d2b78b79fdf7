"""Connections to a tenant, as far as they need no tenant."""

import ssl

import pytest

from auth0_rotator.auth0.http import Transport


async def test_the_authorities_of_the_system_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches a start that stands still for as long as it has connections: each reading takes 30 ms."""
    read = list[ssl.Purpose]()
    true = ssl.SSLContext.load_default_certs

    def counting(context: ssl.SSLContext, purpose: ssl.Purpose = ssl.Purpose.SERVER_AUTH) -> None:
        read.append(purpose)
        true(context, purpose)

    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", counting)
    for name in ("one", "two", "three"):
        await Transport(f"https://{name}.example.com").close()
    assert len(read) <= 1
