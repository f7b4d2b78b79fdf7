"""Secrets as other people make, save, restore and watch them."""

import base64
import contextlib
from collections.abc import AsyncIterator
from typing import Any, Final

from harness.kube import Kube

# What the API server says of an object, and no backup brings back.
_SERVER_SIDE: Final = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields")


def secret(name: str, *, type_: str = "Opaque", **data: str) -> dict[str, Any]:
    """Return a Secret of somebody else. Not as `stringData`: nobody holds what was applied so."""
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": type_}
    return body | {"data": encoded}


async def saved(kube: Kube, kind: str, name: str) -> dict[str, Any]:
    """Return an object as a backup keeps it: labels, annotations, owners and finalizers included."""
    found = await kube.get(kind, name)
    assert found is not None, name
    metadata = {key: value for key, value in found["metadata"].items() if key not in _SERVER_SIDE}
    del metadata["namespace"]
    kept = {key: value for key, value in found.items() if key != "status"}
    return kept | {"metadata": metadata}


async def create(kube: Kube, body: dict[str, Any], *, manager: str = "restore") -> None:
    """Create an object that is not there."""
    path = kube.path(body["kind"])
    answer = await kube.send("POST", f"{path}?fieldManager={manager}", body)
    assert answer.is_success, answer.text


async def version(kube: Kube, name: str) -> str:
    """Return the resourceVersion of a Secret, empty where there is none."""
    found = await kube.get("Secret", name)
    return str(found["metadata"]["resourceVersion"]) if found is not None else ""


async def history(kube: Kube, name: str, *, since: str) -> list[dict[str, str]]:
    """Return the values of every version of a Secret from after `since` to now, oldest first; those of
    a deleted one come once more, when it goes."""
    last, shown = await version(kube, name), list[dict[str, str]]()
    query = {"fieldSelector": f"metadata.name={name}", "resourceVersion": since}
    async with contextlib.aclosing(kube.watch("Secret", **query)) as events:
        while since != last:
            event = await anext(events)
            assert event["type"] in {"ADDED", "MODIFIED", "DELETED"}, event
            since = event["object"]["metadata"]["resourceVersion"]
            shown.append(values_of(event["object"]))
    return shown


async def changes(kube: Kube, kind: str = "Secret") -> AsyncIterator[dict[str, Any]]:
    """Yield every object of a kind in the namespace as it is, and then each time that it is written."""
    async with contextlib.aclosing(kube.watch(kind)) as events:
        async for event in events:
            yield event["object"]


def values_of(body: dict[str, Any]) -> dict[str, str]:
    """Return the values of a Secret as text."""
    return {key: base64.b64decode(value).decode() for key, value in body["data"].items()}
