"""What cannot work is told in one line, and the process ends."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from controlplane import ControlPlane
from controlplane.plane import free_port
from harness import Kube

PROGRAM = str(Path(sys.executable).with_name("auth0-rotator"))


def run(
    *flags: str, kubeconfig: Path | None = None, home: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the operator to its end."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(home or "/nonexistent")}
    if kubeconfig is not None:
        environment["KUBECONFIG"] = str(kubeconfig)
    return subprocess.run(
        [PROGRAM, *flags], env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line that it said."""
    assert "Traceback" not in done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith("auth0-rotator:")]
    assert len(said) == 1, done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    return said[0]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["run"], "say either --all-namespaces or --namespace"),
        (["run", "--all-namespaces", "--namespace", "a"], "say either"),
        (["run", "--all-namespace"], "--all-namespace"),
        (["run", "--all-namespaces", "--concurrency", "0"], "--concurrency"),
        (["run", "--all-namespaces", "--concurrency", "many"], "--concurrency"),
        (["run", "--all-namespaces", "--health-address", "8080"], "8080 is not host:port"),
        (["run", "--all-namespaces", "--metrics-address", "a:b"], "a:b is not host:port"),
        (["run", "--all-namespaces", "--log-format", "xml"], "--log-format"),
        (["run", "--all-namespaces", "--interval-unit", "hours"], "--interval-unit"),
        (["run", "--all-namespaces", "--webhook-url", "http://a"], "--webhook-secret-file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_bad_flag_is_told_in_one_line(flags: list[str], words: str) -> None:
    done = run(*flags)
    assert done.returncode == 2
    assert words in one_line(done)


def test_a_webhook_secret_that_cannot_be_used_is_told_in_one_line(tmp_path: Path) -> None:
    """Before the cluster is looked for, and without the secret."""
    file = tmp_path / "secret"
    flags = (
        "run",
        "--all-namespaces",
        "--webhook-url=https://example.com",
        f"--webhook-secret-file={file}",
    )
    done = run(*flags)
    assert done.returncode == 1
    assert f"the webhook's secret file {file}: No such file" in one_line(done)
    file.write_text("whsec_nobody-shall-read-it")
    done = run(*flags)
    assert done.returncode == 1
    assert "after whsec_ it does not hold 24 to 64 bytes in base64" in one_line(done)
    assert "nobody" not in done.stderr


def test_without_a_command_the_usage_is_told() -> None:
    done = run()
    assert done.returncode == 2
    assert done.stderr.startswith("usage: auth0-rotator run")


@pytest.mark.parametrize(
    "content",
    ["", "not: [yaml", "just text", "apiVersion: v1\nkind: Config\n", "a: {b: c}\n"],
    ids=["empty", "broken", "text", "no context", "something else"],
)
def test_no_cluster_in_the_kubeconfig_is_told_in_one_line(tmp_path: Path, content: str) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(content)
    done = run("run", "--all-namespaces", kubeconfig=file)
    assert done.returncode == 1
    assert "KUBECONFIG" in one_line(done)


def test_no_kubeconfig_at_all_is_told_in_one_line(tmp_path: Path) -> None:
    done = run("run", "--all-namespaces", home=tmp_path)
    assert done.returncode == 1
    assert "KUBECONFIG" in one_line(done)


@pytest.mark.parametrize(
    ("kubeconfig", "words"),
    [
        ("/no/such/file", "KUBECONFIG=/no/such/file: this file does not exist"),
        ("/no/such/file:/nor/this", "KUBECONFIG=/no/such/file:/nor/this: none of these files exists"),
    ],
    ids=["one", "list"],
)
def test_a_kubeconfig_that_does_not_exist_is_named(kubeconfig: str, words: str) -> None:
    done = run("run", "--all-namespaces", kubeconfig=Path(kubeconfig))
    assert done.returncode == 1
    assert words in one_line(done)


def test_of_several_kubeconfigs_one_must_exist(tmp_path: Path, plane: ControlPlane) -> None:
    """It gets as far as the API server."""
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(plane.kubeconfig_for("wrong")))
    done = run("run", "--all-namespaces", kubeconfig=Path(f"/no/such/file:{file}"))
    assert done.returncode == 1
    assert "Unauthorized" in one_line(done)


def test_a_cluster_that_does_not_answer_is_told_in_one_line(tmp_path: Path, plane: ControlPlane) -> None:
    access = plane.kubeconfig_for("any")
    access["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{free_port()}"
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(access))
    done = run("run", "--all-namespaces", kubeconfig=file)
    assert done.returncode == 1
    assert "the API server gave no answer" in one_line(done)


def test_a_token_that_is_not_accepted_is_told_in_one_line(tmp_path: Path, plane: ControlPlane) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(plane.kubeconfig_for("wrong")))
    done = run("run", "--all-namespaces", kubeconfig=file)
    assert done.returncode == 1
    assert "Unauthorized" in one_line(done)


async def test_missing_rights_are_told_in_one_line(
    tmp_path: Path, plane: ControlPlane, kube: Kube
) -> None:
    await kube.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "nobody"}})
    path = f"{kube.path('ServiceAccount', 'nobody')}/token"
    answer = await kube.send("POST", path, {"kind": "TokenRequest", "spec": {}})
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(plane.kubeconfig_for(answer.json()["status"]["token"])))
    done = run("run", "--all-namespaces", kubeconfig=file)
    assert done.returncode == 1
    assert "forbidden" in one_line(done)
    assert "nobody" in one_line(done)


def test_missing_crds_are_told_in_one_line() -> None:
    with ControlPlane() as empty:
        done = run("run", "--all-namespaces", kubeconfig=empty.kubeconfig)
    assert done.returncode == 1
    assert "kubectl apply --server-side -f crds/" in one_line(done)


def test_a_port_that_is_taken_is_told_in_one_line(plane: ControlPlane) -> None:
    taken = f"127.0.0.1:{plane.port}"
    done = run("run", "--all-namespaces", "--health-address", taken, kubeconfig=plane.kubeconfig)
    assert done.returncode == 1
    assert "address already in use" in one_line(done)
