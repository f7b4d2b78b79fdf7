"""Kopf: events in, keys to the scheduler. The only module that imports kopf.

Raw event handlers only: they need no finalizer and write nothing on users' objects.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any, Final

import kopf

from auth0_rotator.cluster import Access
from auth0_rotator.mirror import Mirror
from auth0_rotator.record import ROLE_LABEL
from auth0_rotator.resource import GROUP, VERSION, Kind
from auth0_rotator.subject import FROZEN, ConnectionKey, Key

logger = logging.getLogger(__name__)

# Kopf keeps a task per object for this long after its last event; half a second halves the memory
# after a big start.
IDLE_SECONDS: Final = 0.5
# Kopf's own last resort, well after ours.
EXIT_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Inbox:
    """Where events go."""

    mirror: Mirror
    saw: Callable[[Key], None]
    """Called for a rotation that the mirror shows as it is right now."""
    wake: Callable[[Key | ConnectionKey], None]
    relisted: Callable[[], None]
    """Called when a watch began anew, so that it may have missed what vanished meanwhile."""


def register(registry: kopf.OperatorRegistry, inbox: Inbox, kinds: Collection[Kind]) -> None:
    """Have every event of `kinds`, and of the Secrets and namespaces that carry our labels, put into
    `inbox`. Namespaces are watched where the mirror counts on it."""

    async def on_rotation(event: kopf.RawEvent, **_: Any) -> None:
        body: dict[str, Any] = dict(event["object"])
        if event["type"] == "DELETED":
            concerned = inbox.mirror.drop_rotation(body)
        else:
            concerned = inbox.mirror.put_rotation(body)
            inbox.saw(Key(body["metadata"]["namespace"], body["metadata"]["name"]))
        _pass_on(inbox, event, concerned)

    async def on_secret(event: kopf.RawEvent, **_: Any) -> None:
        body = dict(event["object"])
        is_gone = event["type"] == "DELETED"
        put = inbox.mirror.drop_secret if is_gone else inbox.mirror.put_secret
        _pass_on(inbox, event, put(body))

    def on_connection_of(kind: Kind) -> Callable[..., Awaitable[None]]:
        async def on_connection(event: kopf.RawEvent, **_: Any) -> None:
            is_gone = event["type"] == "DELETED"
            put = inbox.mirror.drop_connection if is_gone else inbox.mirror.put_connection
            key = put(kind, dict(event["object"]))
            _pass_on(inbox, event, [key] if key is not None else [])

        return on_connection

    kopf.on.event(GROUP, VERSION, Kind.ROTATION.plural, id="rotation", registry=registry)(on_rotation)
    for kind in set(kinds) - {Kind.ROTATION}:
        watch = kopf.on.event(GROUP, VERSION, kind.plural, id=kind.plural, registry=registry)
        watch(on_connection_of(kind))
    kopf.on.event("", "v1", "secrets", id="secret", registry=registry)(on_secret)
    if inbox.mirror.frozen is not None:
        _register_namespaces(registry, inbox)


def _register_namespaces(registry: kopf.OperatorRegistry, inbox: Inbox) -> None:
    async def on_namespace(event: kopf.RawEvent, **_: Any) -> None:
        # One that loses the label is shown as deleted.
        is_frozen = event["type"] != "DELETED"
        concerned = inbox.mirror.put_namespace(dict(event["object"]), is_frozen=is_frozen)
        _pass_on(inbox, event, concerned)

    kopf.on.event("", "v1", "namespaces", id="namespace", registry=registry)(on_namespace)


def _pass_on(inbox: Inbox, event: kopf.RawEvent, concerned: Collection[Key | ConnectionKey]) -> None:
    for key in inbox.mirror.in_order(concerned):
        inbox.wake(key)
    if event["type"] is None:
        inbox.relisted()


def settings() -> kopf.OperatorSettings:
    """Return Kopf's settings: no cluster scan, no peering, no Events, server-side selection."""
    chosen = kopf.OperatorSettings()
    chosen.scanning.disabled = True
    chosen.peering.standalone = True
    chosen.posting.enabled = False
    chosen.queueing.idle_timeout = IDLE_SECONDS
    chosen.process.ultimate_exiting_timeout = EXIT_SECONDS
    chosen.watching.label_selectors["", "v1", "secrets"] = ROLE_LABEL
    chosen.watching.label_selectors["", "v1", "namespaces"] = FROZEN
    return chosen


async def spawn(
    inbox: Inbox,
    *,
    kinds: Collection[Kind],
    namespaces: Collection[str],
    access: Callable[[], Awaitable[Access]],
    stop: asyncio.Event,
) -> Collection[asyncio.Task[None]]:
    """Start Kopf and return its tasks; all namespaces are watched where none are named.

    Kopf installs signal handlers of its own: set yours after this.
    """
    registry = kopf.OperatorRegistry()
    register(registry, inbox, kinds)

    async def login(**_: Any) -> kopf.ConnectionInfo:
        """Log in as the rest of the operator does; called again when the API server says 401."""
        found = await access()
        return kopf.ConnectionInfo(
            server=found.server,
            ca_path=found.ca_path,
            insecure=found.is_insecure,
            scheme=found.scheme,
            token=found.token,
            certificate_path=found.certificate_path,
            private_key_path=found.private_key_path,
        )

    kopf.on.login(id="login", registry=registry)(login)
    tasks = await kopf.spawn_tasks(
        registry=registry,
        settings=settings(),
        namespaces=tuple(namespaces),
        clusterwide=not namespaces,
        stop_flag=stop,
    )
    return list(tasks)


async def run(tasks: Collection[asyncio.Task[None]], ignored: Collection[asyncio.Task[Any]]) -> None:
    """Run Kopf's tasks until the first ends; tasks in `ignored` are not Kopf's to end."""
    await kopf.run_tasks(tasks, ignored=ignored)
