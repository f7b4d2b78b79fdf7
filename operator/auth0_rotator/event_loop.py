"""The event loop, in which a name server that does not answer holds up nobody else."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Any, Final

Answer = list[Any]
"""What `socket.getaddrinfo` returns."""
Question = tuple[Any, ...]
"""What `socket.getaddrinfo` is asked: host, port, family, type, protocol, flags."""


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Return a new event loop, one of uvloop's where there is a build of it, that looks up as below."""
    loop = asyncio.new_event_loop
    with contextlib.suppress(ImportError):
        import uvloop  # noqa: PLC0415 - optional: faster

        loop = uvloop.new_event_loop
    made = loop()
    # type: the loop's own takes the same, and is a method.
    made.getaddrinfo = Lookups().getaddrinfo  # type: ignore[assignment]
    return made


class Lookups:
    """Looks up names, each question in a thread of its own, and one at a time.

    A system's resolver cannot be interrupted, and gives up after half a minute or more. The few
    threads that an event loop has for it would soon all wait for one silent name server, tenants
    that are well would wait with them, and Python would wait at the end for all: it waits for every
    thread but a daemon. A resolver without threads (c-ares) would not read what the system's does,
    such as nsswitch.conf.
    """

    def __init__(self, look_up: Callable[..., Answer] = socket.getaddrinfo) -> None:
        """Ask `look_up`, which may block for as long as it likes."""
        self._look_up: Final = look_up
        self._open: dict[Question, asyncio.Future[Answer]] = {}

    async def getaddrinfo(
        self,
        host: str | bytes | None,
        port: str | int | None,
        *,
        family: int = 0,
        type: int = 0,  # noqa: A002 - as the loop's own has it
        proto: int = 0,
        flags: int = 0,
    ) -> Answer:
        """Return what the system's resolver says; who asks what is being looked up already shares it.

        Raises:
            OSError: there is no such name, or nobody who knows.
        """
        question = (host, port, family, type, proto, flags)
        answer = self._open.get(question) or self._ask(question)
        # Who is cancelled cancels only himself.
        await asyncio.wait({answer})
        return answer.result()

    def _ask(self, question: Question) -> asyncio.Future[Answer]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()

        def settle(outcome: Answer | Exception) -> None:
            del self._open[question]
            if isinstance(outcome, Exception):
                answer.set_exception(outcome)
                # Those who asked may all be gone by now.
                answer.exception()
            else:
                answer.set_result(outcome)

        def ask() -> None:
            try:
                outcome: Answer | Exception = self._look_up(*question)
            except Exception as error:  # noqa: BLE001 - handed over to those who wait
                outcome = error
            # A loop that is closed by now has nobody who waits.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(settle, outcome)

        threading.Thread(target=ask, name=f"look up {question[0]!r}", daemon=True).start()
        self._open[question] = answer
        return answer
