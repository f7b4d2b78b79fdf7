"""Full lists of everything that is watched: at the start, and when a watch had to begin anew."""

import logging
from collections.abc import AsyncIterator, Callable, Collection, Iterable

from auth0_rotator.cluster import Body, Objects, Page, Secrets
from auth0_rotator.conditions import Reason
from auth0_rotator.errors import Refused
from auth0_rotator.metrics import UNEXPECTED_ERRORS
from auth0_rotator.mirror import AnyKey, Mirror
from auth0_rotator.resource import Kind

logger = logging.getLogger(__name__)

Take = Callable[[Body], Iterable[AnyKey]]


class Stock:
    """Brings a mirror in line with the API server."""

    def __init__(
        self, mirror: Mirror, objects: Objects, secrets: Secrets, *, namespaces: Collection[str]
    ) -> None:
        """Look at `namespaces`, at all where none is named."""
        self._mirror = mirror
        self._objects = objects
        self._secrets = secrets
        self._namespaces: tuple[str | None, ...] = tuple(namespaces) or (None,)
        self.kinds: tuple[Kind, ...] = tuple(Kind)
        """The kinds that the operator may read, after `check_installation`."""

    async def check_installation(self) -> None:
        """Find out which kinds are there and may be read.

        A namespaced operator works without the right to read cluster connections and to watch
        namespaces.

        Raises:
            Refused: a kind is not installed, or may not be read.
            Retry: the API server cannot be reached.
        """
        for kind in Kind:
            try:
                async for _ in self._objects.pages(kind, self._namespaces[0]):
                    break
            except Refused as refusal:
                is_optional = kind is Kind.CLUSTER_CONNECTION and None not in self._namespaces
                if not is_optional or refusal.reason == Reason.NOT_INSTALLED:
                    raise
                extra = {"key": kind.value, "cause": refusal.message}
                logger.warning("cluster connections cannot be used", extra=extra)
                self.kinds = (Kind.ROTATION, Kind.CONNECTION)
        try:
            async for _ in self._objects.frozen_namespaces():
                break
        except Refused as refusal:
            logger.info("namespaces are not watched", extra={"cause": refusal.message})
        else:
            self._mirror.frozen = set()

    async def take(self) -> set[AnyKey]:
        """Take in what is there, drop what has vanished, and return whom that concerns."""
        mirror, concerned = self._mirror, set[AnyKey]()
        for namespace in self._namespaces:
            rotations = self._objects.pages(Kind.ROTATION, namespace)
            concerned |= await self._take(
                Kind.ROTATION.value, namespace, rotations, mirror.put_rotation, mirror.drop_rotation
            )
            secrets = self._secrets.pages(namespace)
            concerned |= await self._take(
                "Secret", namespace, secrets, mirror.put_secret, mirror.drop_secret
            )
            concerned |= await self._take_connections(Kind.CONNECTION, namespace)
        if Kind.CLUSTER_CONNECTION in self.kinds:
            concerned |= await self._take_connections(Kind.CLUSTER_CONNECTION, None)
        return concerned | await self._take_frozen()

    async def _take_frozen(self) -> set[AnyKey]:
        if self._mirror.frozen is None:
            return set()
        found = [body async for page in self._objects.frozen_namespaces() for body in page.items]
        names, concerned = {body["metadata"]["name"] for body in found}, set[AnyKey]()
        for name in names ^ self._mirror.frozen:
            body = {"metadata": {"name": name}}
            concerned |= self._mirror.put_namespace(body, is_frozen=name in names)
        return concerned

    async def take_strays(self) -> set[AnyKey]:
        """Take in the journals that no watch shows, for they lost our label; return whom they concern.

        Nobody else would ever find one whose rotation is gone, and its finalizer would stay.
        """
        concerned = set[AnyKey]()
        for namespace in self._namespaces:
            async for page in self._secrets.stray_journals(namespace):
                for body in page.items:
                    concerned |= self._mirror.put_secret(body)
        return concerned

    async def _take_connections(self, kind: Kind, namespace: str | None) -> set[AnyKey]:
        def put(body: Body) -> list[AnyKey]:
            key = self._mirror.put_connection(kind, body)
            return [key] if key is not None else []

        def drop(body: Body) -> list[AnyKey]:
            key = self._mirror.drop_connection(kind, body)
            return [key] if key is not None else []

        pages = self._objects.pages(kind, namespace)
        return await self._take(kind.value, namespace, pages, put, drop)

    async def _take(
        self, kind: str, namespace: str | None, pages: AsyncIterator[Page], put: Take, drop: Take
    ) -> set[AnyKey]:
        concerned, listed, version = set[AnyKey](), set[tuple[str, str]](), 0
        async for page in pages:
            version = page.version
            for body in page.items:
                metadata = body["metadata"]
                listed.add((metadata.get("namespace", ""), metadata["name"]))
                concerned.update(_put_safely(put, kind, body))
        for gone in self._mirror.missed(kind, namespace, listed, version):
            concerned.update(drop(dict(gone)))
        return concerned


def _put_safely(put: Take, kind: str, body: Body) -> Iterable[AnyKey]:
    """Take in one object; one that breaks this program is logged and counted, and keeps nobody else
    from being served."""
    try:
        return put(body)
    except Exception:
        UNEXPECTED_ERRORS.inc()
        metadata = body["metadata"]
        key = f"{kind} {metadata.get('namespace', '')}/{metadata['name']}"
        logger.exception("an object cannot be taken in", extra={"key": key})
        return ()
