"""The client of docs/zero-downtime.md, as it stands there, against the simulated tenant."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from auth0_simulator import App, Simulator

CLIENT: Final = Path(__file__).resolve().parents[2] / "docs" / "clients" / "try_both.py"
COMING: Final = "the-value-that-comes-next"


class Running:
    """The client, while it logs in."""

    def __init__(self, lines: asyncio.StreamReader) -> None:
        """Read what it prints."""
        self._lines = lines

    async def next(self, count: int) -> list[str]:
        """Return what became of its next logins."""
        async with asyncio.timeout(30):
            return [(await self._lines.readline()).decode().strip() for _ in range(count)]


def mount(folder: Path, app: App, current: str, following: str) -> None:
    values = {"": "_ID", current: "_SECRET", following: "_SECRET_NEXT"}
    for value, name in values.items():
        (folder / f"AUTH0_CLIENT{name}").write_text(value or app.client_id)


@asynccontextmanager
async def running(simulator: Simulator, folder: Path) -> AsyncIterator[Running]:
    url = f"{simulator.url}/oauth/token"
    arguments = (str(CLIENT), str(folder), url, "https://api.example")
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    yield Running(process.stdout)
    process.kill()
    await process.wait()


async def test_it_lives_through_a_change_by_what_was_announced(
    simulator: Simulator, app: App, tmp_path: Path
) -> None:
    """Catches one that reads the files too late, or forgets what it had read."""
    mount(tmp_path, app, app.secret, COMING)
    async with running(simulator, tmp_path) as client:
        assert await client.next(2) == ["ok"] * 2
        app.change(COMING, time.monotonic())
        assert await client.next(3) == ["ok"] * 3


async def test_it_keeps_the_former_value_while_a_change_spreads(
    simulator: Simulator, app: App, tmp_path: Path
) -> None:
    """Catches one that believes the files alone: they show the new value before it works."""
    mount(tmp_path, app, app.secret, COMING)
    async with running(simulator, tmp_path) as client:
        assert await client.next(1) == ["ok"]
        simulator.tenant.refuse_new_secret_for(1.0)
        app.change(COMING, time.monotonic())
        mount(tmp_path, app, COMING, "one-after-that")
        assert await client.next(15) == ["ok"] * 15


async def test_it_reads_the_files_anew_where_nothing_works(
    simulator: Simulator, app: App, tmp_path: Path
) -> None:
    """Catches one that has to be restarted; and one that hides that nothing works."""
    mount(tmp_path, app, app.secret, COMING)
    async with running(simulator, tmp_path) as client:
        assert await client.next(1) == ["ok"]
        app.change("from-elsewhere", time.monotonic())
        told = await client.next(3)
        assert told[-1].startswith("failed")
        mount(tmp_path, app, "from-elsewhere", "one-after-that")
        assert (await client.next(3))[-1] == "ok"
