"""What stands inside functions, changed by mutmut."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from mutation.lifting import place_of
from mutation.mutant import Mutant, Survivor, Trial

_PACKAGE: Final = "auth0_rotator."
_RESULT: Final = re.compile(r"^    (?P<name>\S+): (?P<ending>.+)$", re.MULTILINE)
_NAME: Final = re.compile(
    r"(?P<module>.+)\.x(?:_|ǁ(?P<owner>\w+)ǁ)(?P<function>\w+)__mutmut_\d+", re.ASCII
)
# The one ending that counts. A test that takes for ever noticed nothing: on a busy machine any may.
_KILLED: Final = "killed"


def try_functions(workshop: Path) -> Trial:
    """Run mutmut in the workshop, which takes minutes, and return what no test noticed."""
    with (workshop / "mutmut.log").open("w") as log:
        _mutmut(workshop, "run", f"--max-children={os.cpu_count() or 1}", stdout=log.fileno())
    endings = dict(_RESULT.findall(_told(workshop, "results", "--all=true")))
    survivors = [
        Survivor(mutant_of(name, _told(workshop, "show", name)), ending)
        for name, ending in endings.items()
        if ending != _KILLED
    ]
    return Trial(len(endings), survivors)


def mutant_of(name: str, shown: str) -> Mutant:
    """Return the mutant to which mutmut gives this name, and of which it shows this difference."""
    found = _NAME.fullmatch(name)
    if found is None:
        message = f"mutmut calls its mutants otherwise than it did: {name}"
        raise ValueError(message)
    parts = (found["module"].removeprefix(_PACKAGE), found["owner"], place_of(found["function"]))
    lines = [line for line in shown.splitlines() if not line.startswith(("---", "+++"))]
    return Mutant(".".join(part for part in parts if part), _joined(lines, "-"), _joined(lines, "+"))


def _joined(lines: list[str], mark: str) -> str:
    return " ".join(" ".join(line[1:] for line in lines if line.startswith(mark)).split())


def _told(workshop: Path, *arguments: str) -> str:
    return _mutmut(workshop, *arguments, stdout=subprocess.PIPE)


def _mutmut(workshop: Path, *arguments: str, stdout: int) -> str:
    command = [sys.executable, "-m", "mutmut", *arguments]
    done = subprocess.run(command, cwd=workshop, check=True, stdout=stdout, text=True)
    return done.stdout or ""
