"""The operator as its own process, as users run it."""

import asyncio
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from controlplane.plane import free_port, spawn

READY_SECONDS: Final = 30.0
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


class OperatorProcess:
    """`auth0-rotator run` with its log in a file."""

    def __init__(
        self,
        kubeconfig: Path,
        log: Path,
        *flags: str,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare; `flags` are added to those that every test needs."""
        self.log = log
        self.health = f"127.0.0.1:{free_port()}"
        self.metrics = f"127.0.0.1:{free_port()}"
        self._command = [
            str(Path(sys.executable).with_name("auth0-rotator")),
            "run",
            f"--health-address={self.health}",
            f"--metrics-address={self.metrics}",
            "--allow-insecure-endpoints",
            "--log-format=text",
            *flags,
        ]
        self._environment = {**os.environ, "KUBECONFIG": str(kubeconfig), **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process is not None
        return self._process.pid

    async def start(self, *, wait: bool = True) -> None:
        """Start it, and return when it is ready."""
        with self.log.open("ab") as log:
            self._process = spawn(self._command, log, env=self._environment)
        deadline = asyncio.get_running_loop().time() + READY_SECONDS
        while wait and not await asyncio.to_thread(self.is_ready):
            assert self._process.poll() is None, self.log.read_text()[-3000:]
            assert asyncio.get_running_loop().time() < deadline, self.log.read_text()[-3000:]
            await asyncio.sleep(0.05)

    def is_ready(self) -> bool:
        """Return whether /readyz says so."""
        try:
            with urllib.request.urlopen(f"http://{self.health}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def has_loaded(self, library: str) -> bool:
        """Return whether the process has come so far as to load a library (Linux)."""
        return library in Path(f"/proc/{self.pid}/maps").read_text()

    def scrape(self) -> str:
        """Return what /metrics says."""
        with urllib.request.urlopen(f"http://{self.metrics}/metrics", timeout=5) as answer:
            text: str = answer.read().decode()
            return text

    def resident_megabytes(self) -> float:
        """Return the resident memory."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * _PAGE / 1e6

    def command_line(self) -> str:
        """Return what a neighbour sees of it: its arguments and environment."""
        folder = Path(f"/proc/{self.pid}")
        return "\n".join((folder / part).read_text() for part in ("cmdline", "environ"))

    async def stop(self) -> int:
        """Ask it to end, and return its exit code."""
        return await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """End it without a word."""
        await self._end(signal.SIGKILL)

    async def end(self, name: str) -> int:
        """Send the signal called `name`, and return the exit code."""
        return await self._end(signal.Signals[name])

    async def _end(self, number: signal.Signals) -> int:
        if self._process is None:
            return 0
        process, self._process = self._process, None
        if process.poll() is None:
            process.send_signal(number)
        return await asyncio.to_thread(process.wait, 15)

    async def wait(self, seconds: float = 20.0) -> int:
        """Return the exit code, once it has ended by itself."""
        assert self._process is not None
        return await asyncio.to_thread(self._process.wait, seconds)


NewOperator = Callable[..., OperatorProcess]
