"""Requests to the API server on plain dicts, and what their failures mean for the loop."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import aiohttp
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.client.exceptions import ApiException
from kubernetes.aio.dynamic.client import DynamicClient
from kubernetes.aio.dynamic.resource import Resource

from auth0_rotator.cluster.refusals import translated
from auth0_rotator.conditions import Reason
from auth0_rotator.credential import ClientSecret, masked
from auth0_rotator.errors import Refused, Retry, Stale
from auth0_rotator.metrics import KUBERNETES_REQUESTS
from auth0_rotator.resource import GROUP, VERSION, Kind

REQUEST_SECONDS: Final = 10.0
PAGE_LENGTH: Final = 500

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Written:
    """What a server-side apply gave back."""

    body: Body
    is_new: bool


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list."""

    items: list[Body]
    version: int
    """The resourceVersion as of which the whole list holds."""


class Api:
    """One connection pool to the API server.

    Every method raises, besides what it says itself: Retry where the server could not be reached,
    is busy or broken, and Refused where it will not do it, whoever asks again.
    """

    def __init__(self, configuration: Configuration) -> None:
        """Prepare; nothing is sent."""
        self._client = ApiClient(configuration)
        # Never awaited: that would ask the server for all its kinds, and keep them in a file.
        self._dynamic = DynamicClient(self._client)
        self._resources: dict[str, Resource] = {}

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    async def get(self, kind: str, name: str, namespace: str | None = None) -> Body | None:
        """Return the object, None where the server says that there is none."""
        answer = await self._send("get", "get", self._path(kind, namespace, name))
        return None if answer is None else answer.body

    async def pages(
        self,
        kind: str,
        namespace: str | None = None,
        *,
        labels: str | None = None,
        fields: str | None = None,
    ) -> AsyncIterator[Page]:
        """Yield all objects that `labels` and `fields` select, a page at a time.

        Raises:
            Stale: the list grew too old between two pages; start again.
            Refused: with NotInstalled where the server does not know the kind.
        """
        path, token = self._path(kind, namespace), None
        while True:
            answer = await self._send(
                "list",
                "get",
                path,
                label_selector=labels,
                field_selector=fields,
                limit=PAGE_LENGTH,
                _continue=token,
            )
            if answer is None:
                message = f"the API server knows no {kind}: kubectl apply --server-side -f crds/"
                raise Refused(Reason.NOT_INSTALLED, message)
            metadata = answer.body.get("metadata") or {}
            items = answer.body.get("items") or []
            yield Page([{"kind": kind, **item} for item in items], int(metadata["resourceVersion"]))
            token = metadata.get("continue")
            if not token:
                return

    async def create(
        self, kind: str, body: Body, *, manager: str, hidden: Sequence[ClientSecret] = ()
    ) -> Body:
        """Create the object and return it as it stands.

        Raises:
            Stale: there is one already.
        """
        path = self._path(kind, body["metadata"].get("namespace"))
        answer = await self._send(
            "create", "post", path, body=body, field_manager=manager, hidden=hidden
        )
        return _present(answer, "its namespace").body

    async def replace(
        self, kind: str, body: Body, *, manager: str, hidden: Sequence[ClientSecret] = ()
    ) -> Body:
        """Replace the object that has the body's resourceVersion, and return it as it stands.

        Raises:
            Stale: it is another one by now, or gone.
        """
        metadata = body["metadata"]
        path = self._path(kind, metadata.get("namespace"), metadata["name"])
        answer = await self._send("update", "put", path, body=body, field_manager=manager, hidden=hidden)
        return _present(answer, "the object").body

    async def apply(
        self,
        kind: str,
        body: Body,
        *,
        manager: str,
        force: bool,
        dry_run: bool = False,
        part: str = "",
        hidden: Sequence[ClientSecret] = (),
    ) -> Written:
        """Apply the fields of `body`, of the object or of its `part` (`status`).

        Raises:
            Stale: the object is not what the body's resourceVersion or uid says, or is gone.
            Contested: another manager holds one of the fields, and `force` is off.
        """
        metadata = body["metadata"]
        path = self._path(kind, metadata.get("namespace"), metadata["name"], part)
        answer = await self._send(
            "dry-run" if dry_run else "apply",
            "patch",
            path,
            body=body,
            content_type="application/apply-patch+yaml",
            field_manager=manager,
            force_conflicts=force,
            dry_run="All" if dry_run else None,
            hidden=hidden,
        )
        return _present(answer, "the object or its namespace")

    async def merge(
        self,
        kind: str,
        name: str,
        namespace: str,
        patch: Body,
        *,
        manager: str,
        hidden: Sequence[ClientSecret] = (),
    ) -> Body | None:
        """Merge `patch` into the object and return it, None where there is none."""
        answer = await self._send(
            "patch",
            "patch",
            self._path(kind, namespace, name),
            body=patch,
            content_type="application/merge-patch+json",
            field_manager=manager,
            hidden=hidden,
        )
        return None if answer is None else answer.body

    async def delete(
        self,
        kind: str,
        name: str,
        namespace: str,
        *,
        uid: str,
        hidden: Sequence[ClientSecret] = (),
    ) -> None:
        """Delete the object with this uid; nothing happens where it is gone or another one."""
        options = {"preconditions": {"uid": uid}}
        try:
            path = self._path(kind, namespace, name)
            await self._send("delete", "delete", path, body=options, hidden=hidden)
        except Stale:
            return

    async def _send(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        hidden: Sequence[ClientSecret] = (),
        **options: Any,
    ) -> Written | None:
        """Return the answer to one request, None for 404."""
        timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
        try:
            response = await self._dynamic.request(
                method, path, serialize=False, _request_timeout=timeout, **options
            )
            body = await response.json()
        except ApiException as error:
            KUBERNETES_REQUESTS.labels(operation=operation, status=str(error.status)).inc()
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise translated(error, hidden) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # TimeoutError is an OSError; ValueError is a body that is no JSON.
            KUBERNETES_REQUESTS.labels(operation=operation, status="none").inc()
            message = (
                f"the API server gave no answer: {masked(str(error), hidden) or type(error).__name__}"
            )
            raise Retry(Reason.CLUSTER_UNREACHABLE, message) from None
        KUBERNETES_REQUESTS.labels(operation=operation, status=str(response.status)).inc()
        return Written(body, is_new=response.status == HTTPStatus.CREATED)

    def _path(self, kind: str, namespace: str | None, name: str | None = None, part: str = "") -> str:
        if kind not in self._resources:
            self._resources[kind] = _resource(kind, self._dynamic)
        path: str = self._resources[kind].path(name=name, namespace=namespace)
        return f"{path}/{part}" if part else path


def _resource(kind: str, client: DynamicClient) -> Resource:
    if kind in set(Kind):
        custom = Kind(kind)
        return Resource(
            prefix="apis",
            group=GROUP,
            api_version=VERSION,
            kind=kind,
            name=custom.plural,
            namespaced=custom.is_namespaced,
            client=client,
        )
    group, version, namespaced = BUILT_IN[kind]
    return Resource(
        prefix="apis" if group else "api",
        group=group,
        api_version=version,
        kind=kind,
        name=kind.lower() + "s",
        namespaced=namespaced,
        client=client,
    )


BUILT_IN: Final[Mapping[str, tuple[str, str, bool]]] = {
    "Secret": ("", "v1", True),
    "Event": ("", "v1", True),
    "Namespace": ("", "v1", False),
    "Lease": ("coordination.k8s.io", "v1", True),
    "Pod": ("", "v1", True),
    "Deployment": ("apps", "v1", True),
    "StatefulSet": ("apps", "v1", True),
    "DaemonSet": ("apps", "v1", True),
    "Rollout": ("argoproj.io", "v1alpha1", True),
    "PodDisruptionBudget": ("policy", "v1", True),
}


def _present(answer: Written | None, what: str) -> Written:
    if answer is None:
        message = f"{what} is gone"
        raise Stale(Reason.CLUSTER_UNREACHABLE, message)
    return answer
