"""Sets the scene, tells the story, prints the table, and waits for Ctrl-C (not with DEMO_ONCE=1)."""

import asyncio
import os
import signal
import sys
from typing import Final

from controlplane import CannotBuildError, ControlPlane, binaries, resolve
from controlplane.binaries import CORE, TOOLS, find
from controlplane.plane import ControlPlaneError
from demo.screen import Screen
from demo.story import Failed, Story
from harness.installation import install_crds

REST: Final = tuple(tool.name for tool in TOOLS if tool.name not in CORE)


def main() -> int:
    """Return 0 when everything was as it should be."""
    screen = Screen()
    try:
        with ControlPlane(parts=CORE) as plane:
            install_crds(plane)
            screen.say(f"control plane ready: KUBECONFIG={plane.kubeconfig}")
            return asyncio.run(_perform(plane, screen))
    except KeyboardInterrupt:
        return 130
    except (CannotBuildError, ControlPlaneError, Failed) as error:
        screen.fail(str(error))
        return 1


async def _perform(plane: ControlPlane, screen: Screen) -> int:
    rest = _Rest(plane)
    await rest.begin()
    async with Story(plane, screen) as story:
        await story.tell(rest.start)
        screen.table(story.scenes)
        is_good = all(scene.is_good for scene in story.scenes)
        if os.environ.get("DEMO_ONCE") == "1":
            return 0 if is_good else 1
        screen.say(f"look around:  export KUBECONFIG={plane.kubeconfig}")
        screen.say("              kubectl get auth0 -A -o wide; kubectl -n demo describe a0rot")
        screen.say("Ctrl-C ends it and leaves nothing behind")
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        await stop.wait()
        return 0 if is_good else 1


class _Rest:
    """What makes pods run; built and started while the story is told, where it is not there yet."""

    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane
        self._build: asyncio.subprocess.Process | None = None

    async def begin(self) -> None:
        """Build what is missing, beside the story and out of its way."""
        if len(find(REST)) < len(REST):
            self._build = await asyncio.create_subprocess_exec(
                "nice", sys.executable, str(binaries.HERE / "binaries.py"), *REST
            )

    async def start(self) -> None:
        """Start it, once it is there."""
        if self._build is not None and await self._build.wait():
            message = "what makes pods run could not be built"
            raise CannotBuildError(message)
        self._plane.start_parts(REST, resolve())


if __name__ == "__main__":
    sys.exit(main())
