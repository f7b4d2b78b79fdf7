"""Operators that can be killed in the middle, each with its own connections to the API server."""

import asyncio
from dataclasses import dataclass
from typing import Any

from kubernetes.aio.client import Configuration

from auth0_rotator.cluster import Api
from auth0_rotator.cluster.api import Body, Written
from auth0_rotator.conditions import Reason, timestamp
from auth0_rotator.errors import Retry
from auth0_rotator.schedule import IntervalUnit
from harness.kube import Kube
from harness.lists import Lists
from harness.stage import Clock, Operator
from model.tenant import Trap

_WRITES = frozenset({"create", "update", "apply", "patch", "delete"})


@dataclass(frozen=True, slots=True)
class Mishap:
    """Where an operator is disturbed: at a write to the API server, or at its change at the tenant."""

    write: int = 0
    """Which write, counted from 1; 0 for the change."""
    is_done: bool = False
    """Whether the write, or the change, takes effect."""
    is_fatal: bool = True
    """Whether it ends the operator; else the operator only learns that there was no answer."""

    def words(self) -> str:
        """Return it as part of a sentence."""
        if not self.is_fatal:
            what = "the answer to its write" if self.is_done else "its write"
            return f"{what} {self.write} is lost"
        what = "the operator is killed"
        if not self.write:
            return f"{what} as its change {'takes effect' if self.is_done else 'is lost'}"
        return f"{what} {'after' if self.is_done else 'before'} its write {self.write}"


class WatchedApi(Api):
    """Counts writes, and shows the instants of deletions by the story's clock: the API server has its
    own, which does not run ahead."""

    def __init__(self, configuration: Configuration, clock: Clock) -> None:
        """Let everything pass."""
        super().__init__(configuration)
        self._clock = clock
        self._deleted: dict[str, str] = {}
        self.victim: asyncio.Task[None] | None = None
        self.lost = 0
        """How many requests or answers were lost."""
        self._mishap: Mishap | None = None
        self._writes = 0

    def arm(self, mishap: Mishap, victim: asyncio.Task[None]) -> None:
        """Let the mishap come in the work of the victim."""
        self._mishap, self.victim, self._writes = mishap, victim, 0

    async def _send(self, operation: str, method: str, path: str, **options: Any) -> Written | None:
        if operation in _WRITES:
            self._writes += 1
            await self._strike(is_done=False)
        answer = await super()._send(operation, method, path, **options)
        if operation in _WRITES:
            await self._strike(is_done=True)
        if answer is not None:
            for body in [answer.body, *(answer.body.get("items") or [])]:
                self._date(body)
        return answer

    async def _strike(self, *, is_done: bool) -> None:
        mishap, at = self._mishap, (self._writes, is_done)
        if self.victim is None or mishap is None or at != (mishap.write, mishap.is_done):
            return
        if mishap.is_fatal:
            self.victim.cancel()
            await asyncio.sleep(1)
        self.lost += 1
        raise Retry(Reason.CLUSTER_UNREACHABLE, "the API server gave no answer: a mishap of the story")

    def _date(self, body: Body) -> None:
        metadata = body.get("metadata") or {}
        if "deletionTimestamp" in metadata:
            now = timestamp(self._clock.now)
            metadata["deletionTimestamp"] = self._deleted.setdefault(metadata["uid"], now)


class MortalOperator(Operator):
    """An operator process of the story."""

    def __init__(self, api: WatchedApi, kube: Kube, clock: Clock, *, name: str) -> None:
        """Begin with an empty mirror."""
        self._own_lists = Lists(api, kube.plane.etcd_url, [kube.namespace])
        super().__init__(api, self._own_lists, clock, unit=IntervalUnit.DAYS, name=name)
        self.api = api
        self.name = name

    async def live(self, mishap: Mishap | None = None, trap: Trap | None = None) -> bool:
        """Work until there is nothing to do, or until it is killed; return whether it lives."""
        task = asyncio.current_task()
        work = asyncio.create_task(self.settle())
        if mishap is not None and mishap.write:
            self.api.arm(mishap, work)
        if trap is not None:
            trap.victim = work
        try:
            await work
        except asyncio.CancelledError:
            if task is not None and task.cancelling():
                raise
            return False
        finally:
            self.api.victim = None
            if trap is not None:
                trap.victim = None
        return True

    async def close(self) -> None:
        """End all connections."""
        await super().close()
        await self._own_lists.close()
        await self.api.close()
