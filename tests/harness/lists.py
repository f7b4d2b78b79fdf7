"""Lists of what the operator watches, asked of the API server only where something was written.

A test looks at the cluster after each step, and most steps change one object or none. What changed is
asked of etcd itself: how many objects a collection has, and which revision wrote the newest of them.
"""

import base64
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from auth0_rotator.cluster import Api, Body, Page
from auth0_rotator.resource import GROUP, Kind

_CUSTOM: Final = f"/registry/{GROUP}"
_FOLDERS: Final[Mapping[str, str]] = {
    "Secret": "/registry/secrets",
    Kind.ROTATION.value: f"{_CUSTOM}/auth0clientsecretrotations",
    Kind.CONNECTION.value: f"{_CUSTOM}/auth0connections",
}
_NAMESPACE: Final = "Namespace"
_Asked = tuple[str, str | None, str | None, str | None]


@dataclass(frozen=True, slots=True)
class _Collection:
    kind: str
    namespace: str | None
    first: str
    """The first key of etcd that counts."""
    end: str
    """The first one after it that does not."""


@dataclass(frozen=True, slots=True)
class _Stamp:
    count: str
    newest: str


def _within(folder: str) -> tuple[str, str]:
    """Return the first key within a folder, and the first one behind it."""
    return f"{folder}/", f"{folder}0"


_WHOLE_CLUSTER: Final = _Collection(
    Kind.CLUSTER_CONNECTION.value, None, *_within(f"{_CUSTOM}/clusterauth0connections")
)
Stamps = Mapping[_Collection, _Stamp]


class Lists:
    """Stands in for the operator's client where that lists, and remembers what it was shown."""

    def __init__(self, api: Api, etcd_url: str, namespaces: Sequence[str]) -> None:
        """List through `api` what stands in `namespaces`, and what stands in none."""
        self.namespaces = namespaces
        self._api = api
        self._etcd_url = etcd_url
        self._etcd: aiohttp.ClientSession | None = None
        folders = [_folder(kind, namespace) for kind in _FOLDERS for namespace in namespaces]
        places = [_place(namespace) for namespace in namespaces]
        self._collections = [*folders, *places, _WHOLE_CLUSTER]
        self._stamps: Stamps = {}
        self._shown: dict[_Asked, tuple[list[_Stamp], list[tuple[list[Body], int]]]] = {}

    async def close(self) -> None:
        """Close the connection to etcd."""
        if self._etcd is not None:
            await self._etcd.close()

    async def look(self) -> Stamps:
        """Return how everything stands that is listed: the same again where nothing was written."""
        self._stamps = dict(zip(self._collections, await self._ask(), strict=True))
        return self._stamps

    async def pages(
        self,
        kind: str,
        namespace: str | None = None,
        *,
        labels: str | None = None,
        fields: str | None = None,
    ) -> AsyncIterator[Page]:
        """Yield what a list shows; where nothing of its kind was written since, what it showed then."""
        asked = (kind, namespace, labels, fields)
        # Of namespaces there is one list, whichever of them was written.
        stamps = [
            stamp
            for one, stamp in self._stamps.items()
            if one.kind == kind and namespace in {None, one.namespace}
        ]
        before, shown = self._shown.get(asked, ([], []))
        if not stamps or before != stamps:
            pages = self._api.pages(kind, namespace, labels=labels, fields=fields)
            # The operator keeps no page, and a test looks through all that is in memory.
            shown = [(page.items, page.version) async for page in pages]
            self._shown[asked] = stamps, shown
        for items, version in shown:
            yield Page(items, version)

    async def _ask(self) -> list[_Stamp]:
        """Return how each collection stands, all at the same instant."""
        questions = [{"requestRange": _newest_of(one)} for one in self._collections]
        self._etcd = self._etcd or aiohttp.ClientSession(self._etcd_url)
        async with self._etcd.post("/v3/kv/txn", json={"success": questions}) as answer:
            told = await answer.json()
        found = [response.get("response_range") or {} for response in told["responses"]]
        return [
            _Stamp(one.get("count", "0"), next((kv["mod_revision"] for kv in one.get("kvs", ())), ""))
            for one in found
        ]


def _newest_of(one: _Collection) -> dict[str, Any]:
    return {
        "key": _coded(one.first),
        "range_end": _coded(one.end),
        "limit": "1",
        "sort_order": "DESCEND",
        "sort_target": "MOD",
        "keys_only": True,
    }


def _folder(kind: str, namespace: str) -> _Collection:
    return _Collection(kind, namespace, *_within(f"{_FOLDERS[kind]}/{namespace}"))


def _place(namespace: str) -> _Collection:
    key = f"/registry/namespaces/{namespace}"
    return _Collection(_NAMESPACE, namespace, key, f"{key}\0")


def _coded(key: str) -> str:
    return base64.b64encode(key.encode()).decode()
