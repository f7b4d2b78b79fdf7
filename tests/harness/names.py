"""Names that a process of its own looks up: some at once, about some its name server is silent."""

import os
from collections.abc import Collection
from pathlib import Path
from typing import Final

WELL: Final = ".well.example"
"""What ends in this is the loopback."""
SILENT: Final = ".silent.example"
"""What ends in this is looked up for a minute, in vain, as where no name server answers."""
# Python imports a module of this name before anything else.
_MODULE: Final = "sitecustomize.py"
_CODE: Final = f"""
import pathlib
import socket
import time

asked = pathlib.Path(__file__).with_name("asked")
look_up = socket.getaddrinfo


def getaddrinfo(host, *arguments, **options):
    name = host.decode() if isinstance(host, bytes) else str(host)
    if name.endswith({SILENT!r}):
        (asked / name).touch()
        time.sleep(60)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    return look_up("127.0.0.1" if name.endswith({WELL!r}) else host, *arguments, **options)


socket.getaddrinfo = getaddrinfo
"""


class Names:
    """A name server of a process that is started with `environment`."""

    def __init__(self, folder: Path) -> None:
        """Keep in `folder` what the process imports, and what it asked."""
        self._asked = folder / "asked"
        self._asked.mkdir()
        (folder / _MODULE).write_text(_CODE)
        paths = [str(folder), os.environ.get("PYTHONPATH", "")]
        self.environment = {"PYTHONPATH": os.pathsep.join(filter(None, paths))}

    def hung(self) -> Collection[str]:
        """Return the names that were asked for without an answer."""
        return {file.name for file in self._asked.iterdir()}
