"""A webhook's receiver over real HTTP, which checks each message by the specification's own library."""

import asyncio
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from aiohttp import web
from standardwebhooks import Webhook

from auth0_simulator.port import Keeper

SECRET: Final = "whsec_bm90LXRoZS1zZWNyZXQtb2YtYW55LWNsaWVudA=="
# The path is as good as a password at many receivers: it may stand in no log.
PATH: Final = "/in/path-that-nobody-may-read"


@dataclass(frozen=True)
class Received:
    """One request, whatever was answered to it."""

    id: str
    raw: bytes
    body: dict[str, Any]
    headers: Mapping[str, str]
    path: str
    at: float

    @property
    def type(self) -> str:
        """What is told."""
        return str(self.body["type"])

    @property
    def data(self) -> dict[str, Any]:
        """What is told about it."""
        data: dict[str, Any] = self.body["data"]
        return data


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: Mapping[str, str]


class Receiver:
    """Listens on a free port of the loopback, and takes what it gets. Use it as a context manager."""

    def __init__(self, secret: str = SECRET, *, tls: ssl.SSLContext | None = None) -> None:
        """Believe what is signed with `secret`; with `tls` it speaks HTTPS."""
        self.secret = secret
        self._tls = tls
        self.received: list[Received] = []
        self._answers: list[_Answer] = []
        self._open = asyncio.Event()
        self._open.set()
        self._is_endless = False
        self._broken: list[Exception] = []
        self._runner: web.AppRunner | None = None
        self._port = 0
        self._keeper = Keeper()

    @property
    def url(self) -> str:
        """Where it listens."""
        scheme = "http" if self._tls is None else "https"
        return f"{scheme}://127.0.0.1:{self._port}{PATH}"

    def flags(self, folder: Path) -> tuple[str, str]:
        """Return the flags by which an operator tells it."""
        return f"--webhook-url={self.url}", f"--webhook-secret-file={self.write_secret(folder)}"

    def write_secret(self, folder: Path) -> Path:
        """Write the secret as a mount would hold it, and return the file."""
        file = folder / "webhook-secret"
        file.write_text(f"{self.secret}\n")
        return file

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self) -> None:
        """Listen; on the same port again after a stop."""
        application = web.Application()
        application.add_routes([web.route("*", "/{rest:.*}", self._serve)])
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        self._keeper.release()
        site = web.TCPSite(
            self._runner, "127.0.0.1", self._port, reuse_address=True, ssl_context=self._tls
        )
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening: connections are refused from now on, and the port stays.

        Raises:
            ExceptionGroup: a message was not signed as it should be.
        """
        self._open.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
            self._keeper.keep(self._port)
        if self._broken:
            broken, self._broken = self._broken, []
            raise ExceptionGroup("messages that nobody would believe", broken)

    async def close(self) -> None:
        """Stop, for good.

        Raises:
            ExceptionGroup: as `stop`.
        """
        try:
            await self.stop()
        finally:
            self._keeper.release()

    # What goes wrong ---------------------------------------------------------------------------

    def answer(self, status: int, *, times: int = 1, **headers: str) -> None:
        """Answer the next requests so; an underscore in a header stands for a hyphen."""
        told = {name.replace("_", "-"): text for name, text in headers.items()}
        self._answers += [_Answer(status, told)] * times

    def hang(self) -> None:
        """Answer nothing until `recover`."""
        self._open.clear()

    def recover(self) -> None:
        """Answer again, also what waits for it."""
        self._open.set()

    def answer_endlessly(self) -> None:
        """Answer with a body that never ends."""
        self._is_endless = True

    # What is seen ------------------------------------------------------------------------------

    @property
    def ids(self) -> list[str]:
        """The ids in the order in which they came."""
        return [one.id for one in self.received]

    async def has(self, count: int, *, seconds: float = 20.0) -> list[Received]:
        """Return all requests, once there are so many."""
        deadline = time.monotonic() + seconds
        while len(self.received) < count:
            assert time.monotonic() < deadline, f"{len(self.received)} requests of {count}"
            await asyncio.sleep(0.02)
        return self.received

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        try:
            body = Webhook(self.secret).verify(raw, dict(request.headers))
        except Exception as error:
            error.add_note(f"It was {request.method} {request.path}.")
            self._broken.append(error)
            raise
        headers = {name.lower(): text for name, text in request.headers.items()}
        message_id = headers["webhook-id"]
        self.received.append(Received(message_id, raw, body, headers, request.path, time.monotonic()))
        answer = self._answers.pop(0) if self._answers else _Answer(200, {})
        await self._open.wait()
        response = web.StreamResponse(status=answer.status, headers=answer.headers)
        await response.prepare(request)
        while self._is_endless:
            await response.write(b"x" * 65536)
        return response
