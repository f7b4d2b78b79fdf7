"""The administrator's hands in the cluster: plain requests, plain dicts."""

import asyncio
import base64
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import aiohttp

from controlplane import ControlPlane
from controlplane.plane import ADMIN_TOKEN

GROUP: Final = "/apis/auth0rotator.dev/v1alpha1"
# A garbage collector that just started learns of our kinds after half a minute.
PATIENCE: Final = 60.0
ROTATIONS: Final = "auth0clientsecretrotations"
CONNECTIONS: Final = "auth0connections"
_FOLDERS: Final = {
    "Secret": ("/api/v1", "secrets"),
    "Event": ("/api/v1", "events"),
    "ServiceAccount": ("/api/v1", "serviceaccounts"),
    "Auth0ClientSecretRotation": (GROUP, ROTATIONS),
    "Auth0Connection": (GROUP, CONNECTIONS),
    "Pod": ("/api/v1", "pods"),
    "Deployment": ("/apis/apps/v1", "deployments"),
    "StatefulSet": ("/apis/apps/v1", "statefulsets"),
    "DaemonSet": ("/apis/apps/v1", "daemonsets"),
    "ReplicaSet": ("/apis/apps/v1", "replicasets"),
    "Rollout": ("/apis/argoproj.io/v1alpha1", "rollouts"),
    "PodDisruptionBudget": ("/apis/policy/v1", "poddisruptionbudgets"),
    "Lease": ("/apis/coordination.k8s.io/v1", "leases"),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API server answered."""

    status_code: int
    text: str

    @property
    def is_success(self) -> bool:
        """Whether the request did what it was to do."""
        return HTTPStatus.OK <= self.status_code < HTTPStatus.MULTIPLE_CHOICES

    def json(self) -> Any:
        """Return the body."""
        return json.loads(self.text)


class Kube:
    """Requests as the administrator, in one namespace."""

    def __init__(self, plane: ControlPlane, namespace: str) -> None:
        """Work in `namespace` of `plane`."""
        self.plane = plane
        self.namespace = namespace
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def send(
        self, method: str, path: str, body: Any = None, *, content_type: str = "application/json"
    ) -> Answer:
        """Return the answer, whatever its status."""
        content = json.dumps(body) if body is not None else None
        headers = {"Content-Type": content_type}
        async with self._opened().request(method, path, data=content, headers=headers) as answer:
            return Answer(answer.status, await answer.text())

    async def watch(self, kind: str, **query: str) -> AsyncGenerator[dict[str, Any], None]:
        """Yield the events of a watch of a kind in the namespace, which does not end by itself."""
        unlimited = aiohttp.ClientTimeout(total=None)
        asked = {"watch": "true", **query}
        async with self._opened().get(self.path(kind), params=asked, timeout=unlimited) as answer:
            async for line in answer.content:
                yield json.loads(line)

    def _opened(self) -> aiohttp.ClientSession:
        self._session = self._session or aiohttp.ClientSession(
            self.plane.url,
            connector=aiohttp.TCPConnector(ssl=self.plane.trust),
            headers={"Authorization": f"Bearer {ADMIN_TOKEN}"},
            timeout=aiohttp.ClientTimeout(total=30),
            # An object is a line of a watch.
            read_bufsize=2**21,
        )
        return self._session

    def path(self, kind: str, name: str = "") -> str:
        """Return the API path of a kind in the namespace, or of one object."""
        base, plural = _FOLDERS[kind]
        return f"{base}/namespaces/{self.namespace}/{plural}" + (f"/{name}" if name else "")

    async def apply(self, *bodies: Mapping[str, Any], manager: str = "kubectl") -> None:
        """Apply objects, as `kubectl apply --server-side --force-conflicts` does."""
        for body in bodies:
            path = self.path(body["kind"], body["metadata"]["name"])
            answer = await self.send(
                "PATCH",
                f"{path}?fieldManager={manager}&force=true",
                body,
                content_type="application/apply-patch+yaml",
            )
            assert answer.is_success, answer.text

    async def get(self, kind: str, name: str) -> dict[str, Any] | None:
        """Return an object, None where there is none."""
        answer = await self.send("GET", self.path(kind, name))
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        assert answer.is_success, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def all(self, kind: str) -> list[dict[str, Any]]:
        """Return all objects of a kind in the namespace."""
        answer = await self.send("GET", self.path(kind))
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def merge(self, kind: str, name: str, patch: Any, *, part: str = "") -> dict[str, Any]:
        """Merge a patch into an object, as `kubectl patch --type merge` does."""
        path = self.path(kind, name) + (f"/{part}" if part else "")
        answer = await self.send("PATCH", path, patch, content_type="application/merge-patch+json")
        assert answer.is_success, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def delete(self, kind: str, name: str) -> None:
        """Delete an object."""
        answer = await self.send("DELETE", self.path(kind, name))
        assert answer.status_code in {200, 202, 404}, answer.text

    async def secret(self, name: str) -> dict[str, str]:
        """Return the values of a Secret as text, none where there is no Secret."""
        found = await self.get("Secret", name)
        data = (found or {}).get("data") or {}
        return {key: base64.b64decode(value).decode() for key, value in data.items()}

    async def status(self, name: str) -> dict[str, Any]:
        """Return the status of a rotation."""
        found = await self.get("Auth0ClientSecretRotation", name)
        status: dict[str, Any] = (found or {}).get("status") or {}
        return status

    async def condition(self, name: str, type_: str) -> dict[str, Any]:
        """Return one condition of a rotation, empty where it is not there."""
        conditions = (await self.status(name)).get("conditions") or []
        return next((entry for entry in conditions if entry["type"] == type_), {})

    async def events(self) -> list[tuple[str, str]]:
        """Return reason and message of every Event in the namespace, oldest first."""
        items = sorted(
            await self.all("Event"), key=lambda item: int(item["metadata"]["resourceVersion"])
        )
        return [(item["reason"], item["message"]) for item in items]

    async def eventually(
        self, check: Callable[[], Awaitable[Any]], *, seconds: float = PATIENCE, what: str = ""
    ) -> Any:
        """Return what `check` gives, once that is true in the sense of Python.

        Raises:
            AssertionError: it did not become true in time.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            result = await check()
            if result:
                return result
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(what or f"not within {seconds} s: {check}")
            await asyncio.sleep(0.05)
