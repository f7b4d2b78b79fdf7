"""Every version of every Secret of a namespace, as a watch shows them."""

import asyncio
import contextlib
from typing import Any, Self

from harness.kube import Kube

_MARKER = "last-page"


class Versions:
    """Reads along; an async context manager."""

    def __init__(self, kube: Kube) -> None:
        """Prepare."""
        self._kube = kube
        self._seen: list[dict[str, Any]] = []
        self._reading: asyncio.Task[None] | None = None
        self._is_marked = asyncio.Event()
        self.by_people: set[str] = set()
        """The versions that somebody wrote who is not the operator."""

    async def __aenter__(self) -> Self:
        listed = (await self._kube.send("GET", self._kube.path("Secret"))).json()
        self._reading = asyncio.create_task(self._read(listed["metadata"]["resourceVersion"]))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def all(self) -> list[dict[str, Any]]:
        """Return every version up to this instant, oldest first."""
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": _MARKER}}
        await self._kube.apply(body)
        marked = asyncio.create_task(self._is_marked.wait())
        if self._reading is not None:
            await asyncio.wait({marked, self._reading}, return_when=asyncio.FIRST_COMPLETED)
        if not marked.done():
            marked.cancel()
            message = "the watch of all Secrets broke off"
            raise AssertionError(message)
        return self._seen

    async def _read(self, since: str) -> None:
        async with contextlib.aclosing(self._kube.watch("Secret", resourceVersion=since)) as events:
            async for event in events:
                if event["object"]["metadata"].get("name") == _MARKER:
                    self._is_marked.set()
                elif event["type"] in {"ADDED", "MODIFIED"}:
                    self._seen.append(event["object"])
