"""`make bench-cutover`: what one rotation costs applications of four kinds, beside a script that changes
first and writes after.

The tenant takes CUTOVER_SPREAD seconds (20) to spread a change, and accepts only the former secret
meanwhile. Each client logs in ten times a second, through one rotation. Ends with 1 where the one that
tries both values fails once.
"""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
import yaml
from rich.console import Console
from rich.table import Table

from auth0_simulator import App, Simulator
from controlplane import ControlPlane
from harness.installation import OPERATOR_NAMESPACE, install_crds, install_operator
from harness.kube import Kube
from harness.manifests import connection, credentials, rotation
from harness.process import OperatorProcess
from harness.workloads import marks, restarts, workload

NAMESPACE: Final = "cutover"
API: Final = "https://api.example"
SPREAD_SECONDS: Final = 20.0
PAUSE_SECONDS: Final = 0.1
# So often a mounted volume shows what the Secret holds, and so long after it did the rotation comes.
MOUNT_SECONDS: Final = 60.0
ROTATION_AFTER_SECONDS: Final = 5.0
MAPPING: Final = {
    "clientId": "AUTH0_CLIENT_ID",
    "clientSecret": "AUTH0_CLIENT_SECRET",
    "nextClientSecret": "AUTH0_CLIENT_SECRET_NEXT",
}
CLIENTS: Final = (
    "reads a mounted file every 60 s",
    "is restarted",
    "reads the Secret before each login",
    "tries current and next",
)
CURRENT: Final = MAPPING["clientSecret"]
CLIENT: Final = Path(__file__).resolve().parents[2] / "docs" / "clients" / "try_both.py"


@dataclass
class Count:
    """What became of the logins of one client."""

    what: str
    logins: int = 0
    failures: int = 0
    longest: float = 0.0
    """Seconds from one login to the next, at the most."""
    worked_at: float = field(default_factory=time.monotonic)

    def note(self, *, is_in: bool) -> None:
        """Note one login."""
        now = time.monotonic()
        self.logins += 1
        self.failures += not is_in
        if is_in:
            self.longest = max(self.longest, now - self.worked_at)
            self.worked_at = now


class House:
    """One application's Secret, and the four clients that use it."""

    def __init__(self, kube: Kube, simulator: Simulator, name: str, folder: Path) -> None:
        """Prepare; `folder` is where the Secret is mounted."""
        self.kube, self.name, self.folder = kube, name, folder
        self.app: App = simulator.tenant.add_app(name, audiences={API: ("read:things",)})
        self.url = f"{simulator.url}/oauth/token"
        self.counts: list[Count] = []
        self._at_start = ""
        folder.mkdir()

    async def mount(self) -> None:
        """Show in the volume what the Secret holds."""
        for key, value in (await self.kube.secret(self.name)).items():
            (self.folder / key).write_text(value)

    async def start(self, stack: AsyncExitStack, group: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """Have all clients log in from now on."""
        self.counts = [Count(what) for what in CLIENTS]
        await self.mount()
        self._at_start = (await self.kube.secret(self.name))[CURRENT]
        http = await stack.enter_async_context(httpx.AsyncClient())
        file = self.folder / CURRENT

        async def from_file() -> str:
            return file.read_text()

        async def from_start() -> str:
            return self._at_start

        async def from_secret() -> str:
            return (await self.kube.secret(self.name))[CURRENT]

        reads = (from_file, from_start, from_secret)
        work = [self._log_in(http, count, read) for count, read in zip(self.counts, reads, strict=False)]
        work += [self._try_both(self.counts[-1]), self._keep_mounted()]
        return [group.create_task(one) for one in work]

    async def restart(self) -> None:
        """Start the client anew that reads the Secret at its start only."""
        self._at_start = (await self.kube.secret(self.name))[CURRENT]

    async def _keep_mounted(self) -> None:
        while True:
            await asyncio.sleep(MOUNT_SECONDS)
            await self.mount()

    async def _log_in(
        self, http: httpx.AsyncClient, count: Count, read: Callable[[], Awaitable[str]]
    ) -> None:
        while True:
            form = {
                "grant_type": "client_credentials",
                "client_id": self.app.client_id,
                "client_secret": await read(),
                "audience": API,
            }
            answer = await http.post(self.url, data=form)
            count.note(is_in=answer.status_code == httpx.codes.OK)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _try_both(self, count: Count) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(CLIENT), str(self.folder), self.url, API, stdout=asyncio.subprocess.PIPE
        )
        try:
            assert process.stdout is not None
            async for line in process.stdout:
                count.note(is_in=line == b"ok\n")
        finally:
            process.kill()
            await process.wait()


async def rotate_and_write(house: House, simulator: Simulator) -> None:
    """Do as the usual scripts do: have the tenant choose a secret, then write it into the Secret."""
    tenant, app = simulator.tenant, house.app
    async with httpx.AsyncClient(base_url=simulator.url) as http:
        form = {
            "grant_type": "client_credentials",
            "client_id": tenant.manager.client_id,
            "client_secret": tenant.manager.secret,
            "audience": tenant.audience,
        }
        token = (await http.post("/oauth/token", data=form)).json()["access_token"]
        path = f"/api/v2/clients/{app.client_id}/rotate-secret"
        answer = await http.post(path, headers={"Authorization": f"Bearer {token}"})
    await house.kube.apply(_by_script(house, answer.json()["client_secret"]))
    await house.restart()


def _by_script(house: House, value: str) -> dict[str, Any]:
    keys = {MAPPING["clientId"]: house.app.client_id, CURRENT: value, MAPPING["nextClientSecret"]: value}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": house.name},
        "stringData": keys,
    }


async def restart_when_told(house: House) -> None:
    """Start the client anew when the operator marks its Deployment."""
    before = await marks(house.kube, name=house.name)

    async def is_marked() -> bool:
        return await marks(house.kube, name=house.name) != before

    await house.kube.eventually(is_marked)
    await house.restart()


def _manifest(house: House, **annotations: str) -> dict[str, Any]:
    return rotation(
        house.app.client_id,
        house.name,
        annotations={
            f"auth0rotator.dev/{name.replace('_', '-')}": one for name, one in annotations.items()
        },
        secretsMapping=MAPPING,
        # Longer than any date is ahead: announced as soon as the first rotation is delivered.
        nextSecretLeadTime="744h",
        rolloutRestartTargets=restarts(f"Deployment/{house.name}"),
    )


async def measure(plane: ControlPlane, spread: float) -> list[House]:
    """Let the operator rotate one application and a script another, at one instant."""
    kube = Kube(plane, NAMESPACE)
    await kube.send("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
    access = Path(plane.folder) / "operator.kubeconfig"
    access.write_text(
        yaml.safe_dump(plane.kubeconfig_for(await asyncio.to_thread(install_operator, plane)))
    )
    operator = OperatorProcess(
        access,
        Path(plane.folder) / "operator.log",
        "--all-namespaces",
        environment={"POD_NAMESPACE": OPERATOR_NAMESPACE},
    )
    async with AsyncExitStack() as stack:
        stack.push_async_callback(kube.close)
        simulator = await stack.enter_async_context(Simulator())
        stack.push_async_callback(operator.kill)
        ours, theirs = (
            House(kube, simulator, name, Path(plane.folder) / name) for name in ("operator", "script")
        )
        await operator.start()
        await kube.apply(credentials(simulator.tenant), connection(simulator))
        await kube.apply(
            workload(name=ours.name), _manifest(ours), _by_script(theirs, theirs.app.secret)
        )

        async def is_announced() -> bool:
            held = await kube.secret(ours.name)
            return len({held.get(key) for key in MAPPING.values()} - {None}) == len(MAPPING)

        await kube.eventually(is_announced)
        simulator.tenant.refuse_new_secret_for(spread)
        # The first rotation has to be over for everybody.
        await asyncio.sleep(spread)
        async with asyncio.TaskGroup() as group:
            clients = await ours.start(stack, group) + await theirs.start(stack, group)
            waiting = group.create_task(restart_when_told(ours))
            await asyncio.sleep(ROTATION_AFTER_SECONDS)
            now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
            await kube.apply(_manifest(ours, rotate_now=now))
            await rotate_and_write(theirs, simulator)
            await waiting
            # Until the volume was shown anew, and what that brings has worked for a while.
            await asyncio.sleep(max(spread, MOUNT_SECONDS) + ROTATION_AFTER_SECONDS)
            for client in clients:
                client.cancel()
        assert (ours.app.changes, theirs.app.changes) == (2, 1)
    return [ours, theirs]


def show(houses: list[House], spread: float) -> None:
    """Print the table."""
    table = Table(title=f"one rotation, at a tenant that takes {spread:g} s to spread it")
    for name in ("an application that", "by the operator", "by a script"):
        table.add_column(name)
    for counts in zip(*(house.counts for house in houses), strict=True):
        cells = [f"{one.failures} of {one.logins} failed, {one.longest:.1f} s" for one in counts]
        table.add_row(counts[0].what, *cells)
    Console(width=110).print(table)


def main() -> int:
    """Return 0 where whoever tries both values never failed."""
    spread = float(os.environ.get("CUTOVER_SPREAD", SPREAD_SECONDS))
    with ControlPlane(parts=("etcd", "kube-apiserver", "kube-controller-manager")) as plane:
        install_crds(plane)
        houses = asyncio.run(measure(plane, spread))
    show(houses, spread)
    return 0 if houses[0].counts[-1].failures == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
