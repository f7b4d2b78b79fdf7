"""The scenes: each ends with a login at the tenant, with what the target holds."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final, Self

import httpx
import yaml

from auth0_simulator import App, Moment, Operation, Simulator
from controlplane import ControlPlane
from demo.screen import Scene, Screen
from harness.installation import OPERATOR_NAMESPACE, install_operator
from harness.kube import Kube
from harness.manifests import connection, credentials, rotation
from harness.process import OperatorProcess

NAMESPACE: Final = "demo"
API: Final = "https://api.example"
PATIENCE_SECONDS: Final = 30.0
# In rehearsal units, so long that only the scene with a due date sees one.
NEVER: Final = 36500


class Failed(Exception):
    """A scene did not come to its end."""


class Story:
    """The demo's cluster, tenant and operator, as an async context manager."""

    def __init__(self, plane: ControlPlane, screen: Screen) -> None:
        """Prepare."""
        self.scenes: list[Scene] = []
        self._plane = plane
        self._screen = screen
        self._simulator = Simulator()
        self._kube = Kube(plane, NAMESPACE)
        self._log = plane.folder / "operator.log"
        self._operator: OperatorProcess | None = None
        self._http = httpx.AsyncClient()

    async def __aenter__(self) -> Self:
        await self._simulator.start()
        await self._kube.send("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        token = await asyncio.to_thread(install_operator, self._plane)
        access = self._plane.folder / "operator.kubeconfig"
        access.write_text(yaml.safe_dump(self._plane.kubeconfig_for(token)))
        self._operator = OperatorProcess(
            access,
            self._log,
            "--all-namespaces",
            "--interval-unit=minutes",
            environment={"POD_NAMESPACE": OPERATOR_NAMESPACE},
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._operator is not None:
            await self._operator.stop()
        await self._http.aclose()
        await self._kube.close()
        await self._simulator.close()

    @property
    def _running(self) -> OperatorProcess:
        assert self._operator is not None
        return self._operator

    async def tell(self, start_rest: Callable[[], Awaitable[None]]) -> None:
        """Tell the whole story; `start_rest` brings what makes pods run."""
        began = time.monotonic()
        await self._running.start()
        self._screen.say(f"operator ready after {time.monotonic() - began:.1f} s, log: {self._log}")
        tenant = self._simulator.tenant
        await self._kube.apply(credentials(tenant), connection(self._simulator))
        due = self._add_app("nightly-batch")
        second = (datetime.now(UTC).second + 3) % 60
        await self._kube.apply(
            rotation(due.client_id, due.name, rotationInterval=1, rotateAtUtc={"minutes": second})
        )
        web = self._add_app("web")
        await self._kube.apply(_consumer(web.name))
        await self._scene("creation", web, 1, self._create)
        await self._scene("rotate-now, applied three times", web, 1, self._rotate_now)
        await self._scene("target deleted", web, 0, self._delete_target)
        await self._scene("kill -9 while the tenant answers", web, 1, self._kill)
        self._screen.say("waiting for a due date (a rehearsal counts minutes instead of days) ...")
        await self._scene("due date", due, 1, self._wait_for_due_date, patience=150)
        await start_rest()
        await self._show_pods()

    def _add_app(self, name: str) -> App:
        return self._simulator.tenant.add_app(name, audiences={API: ("read:things",)})

    async def _scene(
        self,
        what: str,
        app: App,
        expected: int,
        act: Callable[[App], Awaitable[None]],
        *,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        """Act, wait until the target holds what the tenant holds, log in with it, and count."""
        changes, began = app.changes, time.monotonic()
        try:
            await act(app)
            await self._kube.eventually(
                lambda: self._is_delivered(app, changes + expected), seconds=patience, what=what
            )
        except (AssertionError, TimeoutError) as error:
            log = "\n".join(self._log.read_text().splitlines()[-15:])
            message = f"{what}: {error}\n{log}"
            raise Failed(message) from error
        seconds = time.monotonic() - began
        data = await self._kube.secret(app.name)
        scene = Scene(what, expected, app.changes - changes, seconds, await self._log_in(data))
        self.scenes.append(scene)
        self._screen.scene(scene)

    async def _is_delivered(self, app: App, changes: int) -> bool:
        data = await self._kube.secret(app.name)
        return app.changes >= changes and data.get("SECRET") == app.secret

    async def _log_in(self, data: dict[str, str]) -> bool:
        """Ask the tenant for a token, as the application does."""
        answer = await self._http.post(
            f"{self._simulator.url}/oauth/token",
            data={
                "grant_type": "client_credentials",
                "client_id": data["ID"],
                "client_secret": data["SECRET"],
                "audience": API,
            },
        )
        return answer.status_code == httpx.codes.OK

    # The scenes --------------------------------------------------------------------------------

    async def _create(self, app: App) -> None:
        await self._kube.apply(rotation(app.client_id, app.name, rotationInterval=NEVER))

    async def _rotate_now(self, app: App) -> None:
        manifest = rotation(
            app.client_id,
            app.name,
            rotationInterval=NEVER,
            annotations={"auth0rotator.dev/rotate-now": "demo-1"},
        )
        for _ in range(3):
            await self._kube.apply(manifest)

    async def _delete_target(self, app: App) -> None:
        await self._kube.delete("Secret", app.name)

    async def _kill(self, app: App) -> None:
        gate = self._simulator.tenant.hold(Operation.PATCH, Moment.AFTER)
        token = {"metadata": {"annotations": {"auth0rotator.dev/rotate-now": "demo-2"}}}
        await self._kube.merge("Auth0ClientSecretRotation", app.name, token)
        await gate.reached()
        await self._running.kill()
        gate.open()
        await self._running.start()

    async def _wait_for_due_date(self, app: App) -> None:
        async def is_due_soon() -> Any:
            return (await self._kube.status(app.name)).get("history")

        await self._kube.eventually(is_due_soon)

    async def _show_pods(self) -> None:
        async def are_running() -> bool:
            found = await self._kube.get("Deployment", "web")
            return ((found or {}).get("status") or {}).get("readyReplicas") == 2

        try:
            await self._kube.eventually(are_running, seconds=60)
        except AssertionError:
            self._screen.fail("the Deployment web has no running pods")
            raise Failed from None
        self._screen.say("Deployment web: 2 of 2 pods run and mount the Secret web")


def _consumer(secret: str) -> dict[str, Any]:
    labels = {"app": "web"}
    container = {
        "name": "web",
        "image": "example/web",
        "volumeMounts": [{"name": "auth0", "mountPath": "/var/run/auth0", "readOnly": True}],
    }
    pod = {
        "containers": [container],
        "volumes": [{"name": "auth0", "secret": {"secretName": secret}}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }
