"""Starts and stops one control plane: etcd, API server, and what else is asked for.

Everything lives in one temporary folder and on free ports of the loopback. The processes die with
the one that started them, also when that is killed.
"""

import base64
import contextlib
import ctypes
import functools
import json
import os
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any, Final, Self

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from controlplane.binaries import CORE, Binaries, resolve

READY_SECONDS: Final = 60.0
ADMIN_TOKEN: Final = "administrator"
_PDEATHSIG: Final = 1
# A quarter of what the API server does among so few objects would be the search for garbage.
_GARBAGE: Final = {"GOGC": "400"}
# Who is asked one thing at a time spends a seventh on looking for work for a second processor.
_ONE_PROCESSOR: Final = {"GOMAXPROCS": "1"}
_OWN_PORTS: Final = range(12_000, 32_768)
# What the operator's objects meet: their owners, their namespaces, and the workloads that mount them.
_CONTROLLERS: Final = (
    "daemonset-controller",
    "deployment-controller",
    "disruption-controller",
    "garbage-collector-controller",
    "namespace-controller",
    "node-lifecycle-controller",
    "replicaset-controller",
    "resourcequota-controller",
    "serviceaccount-controller",
    "statefulset-controller",
)
# Metadata only: who did what, which is what tests count. Never a body.
_AUDIT_POLICY: Final = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "userGroups": ["system:nodes", "system:masters"]},
        {"level": "None", "users": ["system:apiserver"]},
        {"level": "Metadata"},
    ],
}


class ControlPlaneError(Exception):
    """A part of the control plane did not start; the text says which, and what it said last."""


def free_port() -> int:
    """Return a port of the loopback that nobody has.

    It is none of those that a system gives away by itself (Linux: from 32768, others: from 49152): it
    would, to a server or a connection of another test, before ours listens there or while it is down.
    """
    while True:
        port = secrets.choice(_OWN_PORTS)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent dies (Linux; elsewhere nothing happens)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGKILL)


class ControlPlane:
    """A real Kubernetes API, as a context manager."""

    def __init__(
        self,
        *,
        parts: Iterable[str] = CORE,
        binaries: Binaries | None = None,
        audit: bool = True,
        is_lean: bool = False,
    ) -> None:
        """Prepare a control plane of `parts` (names of binaries, as `binaries.TOOLS` has them).

        One that `is_lean` has no watch cache: etcd answers every list, and one of a kind that was not
        written lately need not wait up to 100 ms until the cache is known to be up to date. And each
        of its parts has one processor.
        """
        self._parts = tuple(parts)
        self._binaries = binaries if binaries is not None else resolve(self._parts)
        self._audit = audit
        self._is_lean = is_lean
        self._environment = _GARBAGE | (_ONE_PROCESSOR if is_lean else {}) | os.environ
        self._processes: list[subprocess.Popen[bytes]] = []
        self._janitor: subprocess.Popen[bytes] | None = None
        self.folder = Path(tempfile.mkdtemp(prefix="auth0-rotator-control-plane-"))
        self.port = free_port()
        self.etcd_url = ""
        """Where etcd listens, once it was started: what stands there is what is stored."""
        self.audit_log = self.folder / "audit.log"
        self.kubeconfig = self.folder / "kubeconfig"

    @property
    def url(self) -> str:
        """Where the API server listens."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def ca_file(self) -> Path:
        """The certificate to trust."""
        return self.folder / "certificates" / "apiserver.crt"

    @functools.cached_property
    def trust(self) -> ssl.SSLContext:
        """That certificate, loaded once."""
        context = ssl.create_default_context(cafile=str(self.ca_file))
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        return context

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start all parts, and return when the API server is ready.

        Raises:
            ControlPlaneError: a part ended or did not become ready.
        """
        self._janitor = janitor(self.folder)
        self._write_keys()
        etcd = self.etcd_url = f"http://127.0.0.1:{free_port()}"
        peer = f"http://127.0.0.1:{free_port()}"
        self._spawn(
            "etcd",
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={etcd}",
            f"--advertise-client-urls={etcd}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",
            "--log-level=error",
        )
        self._spawn("kube-apiserver", *self._apiserver_flags(etcd))
        self.wait("the API server", self._is_ready)
        self.kubeconfig.write_text(yaml.safe_dump(self.kubeconfig_for(ADMIN_TOKEN)))
        self.wait("the namespace default", self._has_default_namespace)
        self.start_parts(part for part in self._parts if part not in CORE)

    def start_parts(self, parts: Iterable[str], binaries: Binaries | None = None) -> None:
        """Start further parts of a control plane that runs."""
        self._binaries = binaries or self._binaries
        flags: dict[str, Callable[[], list[str]]] = {
            "kube-controller-manager": self._controller_manager_flags,
            "kube-scheduler": self._scheduler_flags,
            "kwok": self._kwok_flags,
        }
        for part in parts:
            if part == "kwok":
                self._create_node()
            self._spawn(part, *flags[part]())

    def stop(self) -> None:
        """End all parts and remove the folder. Nothing happens the second time."""
        # Killed: nothing of it is needed any more, and an API server whose etcd is gone ends slowly.
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()
        self._processes.clear()
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._janitor is not None:
            self._janitor.kill()
            self._janitor.communicate()
            self._janitor = None

    def restart_apiserver(self) -> None:
        """Kill the API server and start it again; what it stored is there."""
        process = next(p for p in self._processes if "kube-apiserver" in str(p.args))
        process.kill()
        process.wait()
        self._processes.remove(process)
        self._spawn("kube-apiserver", *[str(flag) for flag in list(process.args)[1:]])  # type: ignore[arg-type]
        self.wait("the API server", self._is_ready)

    # Flags -------------------------------------------------------------------------------------

    def _apiserver_flags(self, etcd: str) -> list[str]:
        flags = [
            f"--etcd-servers={etcd}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self.port}",
            f"--cert-dir={self.folder / 'certificates'}",
            f"--service-account-key-file={self.folder / 'accounts.pub'}",
            f"--service-account-signing-key-file={self.folder / 'accounts.key'}",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--authorization-mode=RBAC",
            f"--token-auth-file={self.folder / 'tokens.csv'}",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--allow-privileged",
            "--shutdown-delay-duration=0s",
            f"--watch-cache={str(not self._is_lean).lower()}",
            "-v=0",
        ]
        if self._audit:
            flags += [
                f"--audit-policy-file={self.folder / 'audit.yaml'}",
                f"--audit-log-path={self.audit_log}",
                "--audit-log-mode=blocking",
            ]
        return flags

    def _controller_manager_flags(self) -> list[str]:
        return [
            f"--kubeconfig={self.kubeconfig}",
            f"--service-account-private-key-file={self.folder / 'accounts.key'}",
            "--use-service-account-credentials=false",
            "--leader-elect=false",
            "--secure-port=0",
            f"--controllers={','.join(_CONTROLLERS)}",
            "-v=0",
        ]

    def _scheduler_flags(self) -> list[str]:
        return [f"--kubeconfig={self.kubeconfig}", "--leader-elect=false", "--secure-port=0", "-v=0"]

    def _kwok_flags(self) -> list[str]:
        stages = sorted(self._binaries.stages.rglob("*.yaml"))
        return [
            f"--kubeconfig={self.kubeconfig}",
            *(f"--config={stage}" for stage in stages),
            "--manage-all-nodes=true",
            "--node-lease-duration-seconds=40",
            "--server-address=",
        ]

    # Access ------------------------------------------------------------------------------------

    def kubeconfig_for(self, token: str) -> dict[str, Any]:
        """Return a kubeconfig for whoever has `token`."""
        authority = base64.b64encode(self.ca_file.read_bytes()).decode()
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": "control-plane",
                    "cluster": {"server": self.url, "certificate-authority-data": authority},
                }
            ],
            "users": [{"name": "user", "user": {"token": token}}],
            "contexts": [{"name": "default", "context": {"cluster": "control-plane", "user": "user"}}],
            "current-context": "default",
        }

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = "application/json",
        token: str = ADMIN_TOKEN,
    ) -> tuple[int, Any]:
        """Send one request and return status and parsed body, whatever the status."""
        request = urllib.request.Request(  # noqa: S310 - always our own https URL
            self.url + path,
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Authorization": f"Bearer {token}", "Content-Type": content_type},
        )
        try:
            with urllib.request.urlopen(request, timeout=30, context=self.trust) as answer:  # noqa: S310
                return answer.status, _parsed(answer)
        except urllib.error.HTTPError as error:
            return error.code, _parsed(error)

    def audit_events(self) -> list[dict[str, Any]]:
        """Return what the audit log has: who did what, in order."""
        if not self.audit_log.exists():
            return []
        return [json.loads(line) for line in self.audit_log.read_text().splitlines() if line]

    # Parts -------------------------------------------------------------------------------------

    def _write_keys(self) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        (self.folder / "accounts.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        (self.folder / "accounts.pub").write_bytes(
            key.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )
        (self.folder / "tokens.csv").write_text(f'{ADMIN_TOKEN},admin,admin,"system:masters"\n')
        (self.folder / "audit.yaml").write_text(yaml.safe_dump(_AUDIT_POLICY))

    def _spawn(self, name: str, *flags: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            process = spawn([self._binaries[name], *flags], log, env=self._environment)
        self._processes.append(process)
        if self._janitor is not None and self._janitor.stdin is not None:
            self._janitor.stdin.write(f"{process.pid}\n".encode())
            self._janitor.stdin.flush()

    def wait(self, what: str, is_there: Callable[[], bool]) -> None:
        """Return when `is_there` says so; raises ControlPlaneError when it does not in time."""
        deadline = time.monotonic() + READY_SECONDS
        while not is_there():
            for process in self._processes:
                if process.poll() is not None:
                    raise ControlPlaneError(self._last_words(process))
            if time.monotonic() > deadline:
                message = f"{what} was not ready within {READY_SECONDS:.0f} s"
                raise ControlPlaneError(message)
            time.sleep(0.05)

    def _last_words(self, process: subprocess.Popen[bytes]) -> str:
        name = Path(str(process.args[0])).name  # type: ignore[index]
        said = (self.folder / f"{name}.log").read_text(errors="replace")[-1500:]
        return f"{name} ended with {process.returncode}:\n{said}"

    def _is_ready(self) -> bool:
        try:
            return self.request("GET", "/readyz")[0] == 200
        except (OSError, ssl.SSLError):
            return False

    def _has_default_namespace(self) -> bool:
        return self.request("GET", "/api/v1/namespaces/default")[0] == 200

    def _create_node(self) -> None:
        size = {"cpu": "64", "memory": "256Gi", "pods": "1000"}
        self.request(
            "POST",
            "/api/v1/nodes",
            {
                "metadata": {
                    "name": "node",
                    "annotations": {"kwok.x-k8s.io/node": "fake"},
                    "labels": {"kubernetes.io/hostname": "node", "type": "kwok"},
                },
                "status": {"allocatable": size, "capacity": size, "phase": "Running"},
                "spec": {"taints": []},
            },
        )


def spawn(command: list[str], log: IO[bytes], **options: Any) -> subprocess.Popen[bytes]:
    """Start a process that dies with this one, in a group of its own, so that Ctrl-C is ours alone."""
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
        preexec_fn=die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
        **options,
    )


def janitor(folder: Path) -> subprocess.Popen[bytes]:
    """Start a shell that outlives this process: it ends the processes whose ids it is told, and
    removes the folder, when this process is gone, however it went."""
    script = 'while read -r id; do ids="$ids $id"; done; kill -9 $ids; rm -rf "$0"'
    return subprocess.Popen(
        ["/bin/sh", "-c", script, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _parsed(answer: IO[bytes]) -> Any:
    text = answer.read()
    try:
        return json.loads(text)
    except ValueError:
        return text.decode(errors="replace")
