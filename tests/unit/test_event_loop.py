"""Look-ups of names, with a resolver that blocks until a test lets it go on."""

import asyncio
import contextlib
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from auth0_rotator.event_loop import Answer, Lookups, new_event_loop

PATIENCE_SECONDS = 5.0
FOUND: Answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.7", 443))]


class Resolver:
    """A system's resolver: a name that begins with "silent" is looked up until `wake` is called."""

    def __init__(self) -> None:
        """Nobody has asked."""
        self.asked: Counter[str] = Counter()
        self.threads: list[threading.Thread] = []
        self._is_awake = threading.Event()
        self._changed = threading.Condition()

    def wake(self) -> None:
        """Answer all who wait."""
        self._is_awake.set()

    def has_begun(self, count: int) -> bool:
        """Return whether so many were asked, soon."""
        with self._changed:
            return self._changed.wait_for(lambda: self.asked.total() >= count, PATIENCE_SECONDS)

    def __call__(self, host: str, *_: Any) -> Answer:
        """Answer as `socket.getaddrinfo` does."""
        with self._changed:
            self.asked[host] += 1
            self.threads.append(threading.current_thread())
            self._changed.notify_all()
        if host.startswith("silent"):
            self._is_awake.wait()
        if host.endswith(".nowhere"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return FOUND


@pytest.fixture
def resolver() -> Iterator[Resolver]:
    """A resolver whose threads end with the test."""
    resolver = Resolver()
    yield resolver
    resolver.wake()


@pytest.fixture
def lookups(resolver: Resolver) -> Lookups:
    """Look-ups that ask it."""
    return Lookups(resolver)


async def until_asked(resolver: Resolver, count: int) -> None:
    """Return when so many look-ups have begun."""
    begun = await asyncio.to_thread(resolver.has_begun, count)
    assert begun, resolver.asked


async def test_silent_names_keep_no_other_waiting(resolver: Resolver, lookups: Lookups) -> None:
    """Wrong: a pool of threads, of whatever size below 100."""
    async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as group:
        hung = [group.create_task(lookups.getaddrinfo(f"silent-{n}", 443)) for n in range(100)]
        await until_asked(resolver, 100)
        assert await lookups.getaddrinfo("well", 443) == FOUND
        assert not any(task.done() for task in hung)
        resolver.wake()
    assert [task.result() for task in hung] == [FOUND] * 100


async def test_who_asks_what_is_being_looked_up_shares_the_answer(
    resolver: Resolver, lookups: Lookups
) -> None:
    """Wrong: a thread for each asker, so that one silent name takes ever more."""
    async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as group:
        asking = [group.create_task(lookups.getaddrinfo("silent", 443)) for _ in range(9)]
        other = group.create_task(lookups.getaddrinfo("silent", 443, family=socket.AF_INET6))
        await until_asked(resolver, 2)
        resolver.wake()
    assert resolver.asked == {"silent": 2}
    assert [task.result() for task in (*asking, other)] == [FOUND] * 10


async def test_an_answer_is_not_kept(resolver: Resolver, lookups: Lookups) -> None:
    """Wrong: an address that is used for ever."""
    for _ in range(2):
        assert await lookups.getaddrinfo("well", 443) == FOUND
    assert resolver.asked["well"] == 2


async def test_a_name_that_does_not_exist_is_told_to_all_who_asked(lookups: Lookups) -> None:
    """Wrong: an asker who waits for ever, or is given what is no answer."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        asked = [lookups.getaddrinfo("host.nowhere", 443) for _ in range(2)]
        told = await asyncio.gather(*asked, return_exceptions=True)
        assert [getattr(error, "errno", None) for error in told] == [socket.EAI_NONAME] * 2


async def test_who_gives_up_keeps_nobody_from_the_answer(resolver: Resolver, lookups: Lookups) -> None:
    """Wrong: a look-up that is cancelled with the first who asked."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        first, second = [asyncio.create_task(lookups.getaddrinfo("silent", 1)) for _ in range(2)]
        await until_asked(resolver, 1)
        first.cancel()
        await asyncio.wait({first})
        resolver.wake()
        assert await second == FOUND
    assert first.cancelled()
    assert resolver.asked == {"silent": 1}


def test_a_loop_ends_while_a_look_up_hangs_and_the_answer_is_dropped(resolver: Resolver) -> None:
    """Wrong: a loop, or a process, that waits for the thread; a thread that dies of a closed loop."""
    lookups = Lookups(resolver)

    async def give_up() -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.01):
                await lookups.getaddrinfo("silent.nowhere", 443)

    asyncio.run(give_up())
    (thread,) = resolver.threads
    assert thread.is_alive()
    assert thread.daemon
    resolver.wake()
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()


def test_the_event_loop_looks_up_in_this_way() -> None:
    """Wrong: a loop, plain or uvloop's, that asks its own pool of threads."""
    loop = new_event_loop()
    try:
        assert loop.run_until_complete(loop.getaddrinfo("127.0.0.1", 443, type=socket.SOCK_STREAM))
        assert isinstance(getattr(loop.getaddrinfo, "__self__", None), Lookups)
    finally:
        loop.close()
