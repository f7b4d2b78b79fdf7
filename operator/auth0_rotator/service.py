"""The running operator: servers, election, first listing, workers and Kopf, begun and ended in order."""

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any, Final

from auth0_rotator import handlers
from auth0_rotator.cluster import (
    Api,
    LeaseLock,
    NoAccessError,
    Objects,
    Secrets,
    Workloads,
    election,
    load_access,
    new_identity,
    own_namespace,
    plain_access,
)
from auth0_rotator.errors import RotatorError
from auth0_rotator.metrics import LEADER, registry
from auth0_rotator.mirror import Mirror
from auth0_rotator.reconciler import (
    AnyKey,
    Connections,
    Desk,
    Namespaces,
    Reconciler,
    Turns,
    World,
)
from auth0_rotator.schedule import IntervalUnit
from auth0_rotator.scheduler import Scheduler
from auth0_rotator.servers import serve_health, serve_metrics
from auth0_rotator.settings import Settings
from auth0_rotator.stock import Stock
from auth0_rotator.tasks import cause_of, cut_off
from auth0_rotator.webhook.sender import Sender
from auth0_rotator.webhook.signature import KeysUnusableError

logger = logging.getLogger(__name__)

# After SIGTERM the process has ten seconds: what is below, and what Python takes to end.
# A step under way may end by itself for so long; then it is abandoned, safely.
DRAIN_SECONDS: Final = 7.0
# The Lease is given back, and the watches end by themselves, until so long after the signal.
END_SECONDS: Final = 8.5
# Watches that do not end by themselves within this time are cut off.
WATCH_END_SECONDS: Final = 1.5
# What the webhook was just told may still leave: what is under way then is dropped.
FAREWELL_SECONDS: Final = 0.3
# Connections and servers have so long for a polite end.
CLOSE_SECONDS: Final = 0.5
# How long a watch that began anew may go on listing before the mirror is compared with a full list.
SETTLE_SECONDS: Final = 1.0


def now_utc() -> datetime:
    """Return the instant of the wall clock."""
    return datetime.now(UTC)


async def run(settings: Settings) -> int:
    """Run the operator until SIGTERM, SIGINT or a fault; return the exit code.

    What cannot work at all (no cluster, no CRDs, no rights, a port that is taken, a secret file without
    a secret) is told in one line.
    """
    stop = asyncio.Event()
    _stop_on_signals(stop)
    stack = contextlib.AsyncExitStack()
    try:
        return await _Service(settings, stop, stack).run()
    except (NoAccessError, RotatorError, OSError, KeysUnusableError) as error:
        sys.stderr.write(f"auth0-rotator: {error}\n")
        return 1
    finally:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await stack.aclose()


def _stop_on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)


class _Service:
    """One life of the operator."""

    def __init__(
        self, settings: Settings, stop: asyncio.Event, stack: contextlib.AsyncExitStack
    ) -> None:
        self._settings = settings
        self._stop = stop
        self._stack = stack
        self._is_ready = False
        self._relisted = asyncio.Event()
        self._process = new_identity()
        self._mirror = Mirror()
        self._background: set[asyncio.Task[None]] = set()
        self._webhook: Sender | None = None
        self._lock: LeaseLock | None = None
        self._lease: asyncio.Task[None] | None = None
        self._workers: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None

    async def run(self) -> int:
        """Start everything in order, watch until it is to end, and end it; return the exit code."""
        starting = self._spawn(self._start(), "start")
        stopping = asyncio.create_task(self._stop.wait(), name="wait for a signal")
        try:
            await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if self._stop.is_set():
                return 0
            await starting
            return await self._watch()
        finally:
            stopping.cancel()
            await self._end()

    async def _start(self) -> None:
        url, secret_file = self._settings.webhook_url, self._settings.webhook_secret_file
        if url is not None and secret_file is not None:
            self._webhook = Sender(url, secret_file, clock=now_utc)
        api = Api(await load_access())
        self._stack.push_async_callback(api.close)
        self._objects, self._secrets, self._workloads = Objects(api), Secrets(api), Workloads(api)
        self._stock = Stock(
            self._mirror, self._objects, self._secrets, namespaces=self._settings.namespace
        )
        await self._stock.check_installation()
        self._is_ready = True
        await self._serve()
        if self._settings.leader_elect:
            await self._lead(api)
        LEADER.set(1)
        await self._act()

    async def _serve(self) -> None:
        health = await serve_health(self._settings.health_address, lambda: self._is_ready)
        self._stack.push_async_callback(health.cleanup)
        metrics = await serve_metrics(self._settings.metrics_address, registry())
        self._stack.push_async_callback(metrics.cleanup)
        for name, server in (("health", health), ("metrics", metrics)):
            host, port, *_ = server.addresses[0]
            address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            logger.info("serving", extra={"server": name, "address": address})

    # Election --------------------------------------------------------------------------------

    async def _lead(self, api: Api) -> None:
        """Return once the lease is ours; it is kept from then on."""
        self._lock = LeaseLock(api, namespace=own_namespace(), identity=self._process)
        contest = election(self._lock)
        await contest.acquire()
        logger.info("leading", extra={"holder": self._process})
        self._lease = self._spawn(contest.renew_loop(), "renew the lease")

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._background.add(task)
        return task

    # Acting ----------------------------------------------------------------------------------

    async def _act(self) -> None:
        settings = self._settings
        namespaces = Namespaces(self._objects, self._mirror, now_utc)
        is_rehearsal = settings.interval_unit is IntervalUnit.MINUTES
        connections = Connections(
            mirror=self._mirror,
            objects=self._objects,
            secrets=self._secrets,
            namespaces=namespaces,
            clock=now_utc,
            cluster_resource_namespace=settings.cluster_resource_namespace or own_namespace(),
            allow_insecure_endpoints=settings.allow_insecure_endpoints,
            is_rehearsal=is_rehearsal and not settings.force_interval_unit,
        )
        self._stack.push_async_callback(connections.close)
        turns = Turns()
        scheduler: Scheduler[AnyKey] = Scheduler(
            self._work,
            clock=now_utc,
            concurrency=settings.concurrency,
            lane=lambda key: self._desk.lane(key),  # noqa: PLW0108 - the desk needs the scheduler first
            # Whoever was told of a turn is ready for it.
            is_urgent=turns.is_promised,
        )
        world = World(
            clock=now_utc,
            mirror=self._mirror,
            objects=self._objects,
            secrets=self._secrets,
            workloads=self._workloads,
            connections=connections,
            namespaces=namespaces,
            turns=turns,
            process=self._process,
            unit=settings.interval_unit,
            wake=scheduler.wake,
            tell=self._webhook.tell if self._webhook is not None else None,
        )
        self._scheduler = scheduler
        self._reconciler = Reconciler(world, leading_since=now_utc())
        self._desk = Desk(self._mirror, self._reconciler, connections, scheduler.wake)
        await self._stock.take()
        await self._stock.take_strays()
        self._desk.begin(scheduler.wake_at, now_utc())
        if self._webhook is not None:
            self._spawn(self._webhook.run(), "webhook")
        self._workers = self._spawn(scheduler.run(), "workers")
        await scheduler.started.wait()
        self._spawn(self._take_stock_when_relisted(), "take stock")

    async def _watch(self) -> int:
        """Return the exit code, once the operator is to end or can work no longer."""
        inbox = handlers.Inbox(
            mirror=self._mirror,
            saw=self._reconciler.saw,
            wake=self._scheduler.wake,
            relisted=self._relisted.set,
        )
        # Born before Kopf looks for its own, so that it does not end it.
        stopping = asyncio.create_task(self._stop.wait(), name="wait for the end")
        ours = asyncio.all_tasks()
        tasks = await handlers.spawn(
            inbox,
            kinds=self._stock.kinds,
            namespaces=self._settings.namespace,
            access=plain_access,
            stop=self._stop,
        )
        _stop_on_signals(self._stop)
        # What ends it all.
        for task in (self._lease, self._workers):
            if task is not None:
                task.add_done_callback(lambda _: self._stop.set())
        self._watching = asyncio.create_task(handlers.run(tasks, ignored=ours), name="watch the cluster")
        # Kopf itself takes seconds to end once one of its tasks has failed, and sees nothing meanwhile.
        done, _ = await asyncio.wait({*tasks, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        is_lost = self._lease is not None and self._lease.done()
        if is_lost:
            logger.error("the lease was lost")
        if self._stop.is_set():
            return 1 if is_lost else 0
        logger.error("watching the cluster ended", extra={"cause": cause_of(done)})
        return 1

    async def _end(self) -> None:
        """End what was begun: passes first, then the lease, then the watches."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + END_SECONDS
        self._is_ready = False
        LEADER.set(0)
        self._stop.set()
        if self._workers is not None:
            await self._scheduler.drain(DRAIN_SECONDS)
        if self._webhook is not None:
            await self._webhook.finish(FAREWELL_SECONDS)
        # Whoever leads next meets neither our workers nor a renewal of ours.
        await cut_off(self._background)
        if self._lock is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(deadline):
                    await self._lock.release()
        if self._watching is not None:
            # Kopf waits for every task that it does not know, an open health check included.
            left = min(WATCH_END_SECONDS, max(0.0, deadline - clock()))
            await asyncio.wait({self._watching}, timeout=left)
            await cut_off({self._watching})

    async def _work(self, key: AnyKey) -> datetime | None:
        return await self._desk.work(key)

    async def _take_stock_when_relisted(self) -> None:
        while True:
            await self._relisted.wait()
            await asyncio.sleep(SETTLE_SECONDS)
            self._relisted.clear()
            try:
                concerned = await self._stock.take() | await self._stock.take_strays()
                for key in self._mirror.in_order(concerned):
                    self._scheduler.wake(key)
            except RotatorError as error:
                logger.warning("taking stock failed", extra={"cause": error.message})
                self._relisted.set()
