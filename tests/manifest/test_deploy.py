"""deploy/ on a real API server: base, overlay and image."""

import re
import shutil
import subprocess
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from auth0_rotator.settings import parse_settings, split_address, variable_of
from controlplane import ControlPlane
from harness import Kube
from harness.installation import OPERATOR_NAMESPACE, ROOT
from manifest.kustomize import Manifest, documents, rendered
from manifest.submission import Answer, apply, folder_of, path_of

DEPLOY: Final = ROOT / "deploy"
BASE: Final = DEPLOY / "base"
OVERLAY: Final = DEPLOY / "overlays" / "single-namespace"
WEBHOOK: Final = DEPLOY / "overlays" / "webhook"
SAMPLE: Final = DEPLOY / "samples" / "deployment.yaml"


def of_kind(manifests: list[Manifest], kind: str) -> Manifest:
    [manifest] = [one for one in manifests if one["kind"] == kind]
    return manifest


def pod_of(deployment: Manifest) -> Manifest:
    return deployment["spec"]["template"]["spec"]  # type: ignore[no-any-return]


def create_pod(plane: ControlPlane, spec: dict[str, Any]) -> Answer:
    body = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "tried"}, "spec": spec}
    return plane.request("POST", folder_of("Pod", OPERATOR_NAMESPACE) + "?dryRun=All", body)


def test_the_base_applied_again_changes_nothing(plane: ControlPlane, installed: list[Manifest]) -> None:
    for manifest in installed:
        _, before = plane.request("GET", path_of(manifest))
        status, after = apply(plane, manifest)
        assert status == 200, after
        assert after["metadata"].get("generation") == before["metadata"].get("generation")
    assert [manifest["kind"] for manifest in installed] == [
        # What others stand on comes first.
        "Namespace",
        "ServiceAccount",
        "ClusterRole",
        "ClusterRoleBinding",
        "Role",
        "RoleBinding",
        "Deployment",
        "PodDisruptionBudget",
    ]


def test_everything_of_the_base_is_in_the_operators_namespace(installed: list[Manifest]) -> None:
    names = {one["metadata"]["namespace"] for one in installed if "namespace" in one["metadata"]}
    assert names == {OPERATOR_NAMESPACE}
    assert of_kind(installed, "Namespace")["metadata"]["name"] == OPERATOR_NAMESPACE


def test_no_definition_is_deleted_with_the_base(installed: list[Manifest]) -> None:
    assert "CustomResourceDefinition" not in {one["kind"] for one in installed}


@pytest.mark.parametrize(
    ("manifest", "image"),
    [
        pytest.param(BASE / "deployment.yaml", "auth0-rotator", id="operator"),
        pytest.param(SAMPLE, "REPLACE-WITH-YOUR-IMAGE", id="sample"),
    ],
)
@pytest.mark.usefixtures("installed")
def test_a_pod_is_admitted_where_restricted_is_enforced(
    plane: ControlPlane, manifest: Path, image: str
) -> None:
    [deployment] = documents(manifest)
    spec = pod_of(deployment)
    assert spec["containers"][0]["image"].partition(":")[0] == image
    status, answer = create_pod(plane, spec)
    assert status == 201, answer
    assert spec["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True


@pytest.mark.parametrize(
    "path",
    [
        "securityContext/runAsNonRoot",
        "securityContext/seccompProfile",
        "containers/0/securityContext/allowPrivilegeEscalation",
        "containers/0/securityContext/capabilities",
    ],
)
@pytest.mark.usefixtures("installed")
def test_the_namespace_refuses_a_pod_without(plane: ControlPlane, path: str) -> None:
    """Else the test before this one could not fail."""
    [deployment] = documents(BASE / "deployment.yaml")
    spec = deepcopy(pod_of(deployment))
    *parents, last = path.split("/")
    part: Any = spec
    for name in parents:
        part = part[int(name)] if isinstance(part, list) else part[name]
    del part[last]
    status, answer = create_pod(plane, spec)
    assert status == 403, answer
    assert "PodSecurity" in answer["message"]


async def test_the_deployment_makes_its_pods(kube: Kube, installed: list[Manifest]) -> None:
    """By the controller, as the service account that is named in it."""
    deployment = of_kind(installed, "Deployment")

    async def pods() -> list[dict[str, Any]]:
        answer = await kube.send("GET", folder_of("Pod", OPERATOR_NAMESPACE))
        items: list[dict[str, Any]] = answer.json()["items"]
        return items if len(items) == deployment["spec"]["replicas"] else []

    found = await kube.eventually(pods, what="the Deployment made no pods")
    assert len(found) == 2
    assert {pod["spec"]["serviceAccountName"] for pod in found} == {"auth0-rotator"}


@pytest.mark.parametrize(
    ("folder", "namespaces"),
    [pytest.param(BASE, (), id="base"), pytest.param(OVERLAY, ("team-a",), id="single-namespace")],
)
def test_the_arguments_are_ones_that_the_command_takes(
    folder: Path, namespaces: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    manifests = rendered(folder)
    [container] = pod_of(of_kind(manifests, "Deployment"))["containers"]
    place = of_kind(manifests, "Deployment")["metadata"]["namespace"]
    command, *flags = [text.replace("$(POD_NAMESPACE)", place) for text in container["args"]]
    monkeypatch.delenv("AUTH0_ROTATOR_NAMESPACE", raising=False)
    settings = parse_settings(flags)
    assert command == "run"
    assert settings.all_namespaces is not bool(namespaces)
    assert settings.namespace == namespaces
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports["metrics"] == split_address(settings.metrics_address)[1]
    assert ports["health"] == split_address(settings.health_address)[1]
    told = {entry["name"]: entry["valueFrom"]["fieldRef"]["fieldPath"] for entry in container["env"]}
    assert told == {"POD_NAMESPACE": "metadata.namespace", "POD_NAME": "metadata.name"}
    for probe, path in (("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
        assert container[probe]["httpGet"] == {"path": path, "port": "health"}


@pytest.mark.usefixtures("installed")
def test_the_webhook_is_set_from_a_secret(plane: ControlPlane) -> None:
    spec = pod_of(of_kind(rendered(WEBHOOK), "Deployment"))
    [container] = spec["containers"]
    env = {entry["name"]: entry for entry in container["env"]}
    file = Path(env[variable_of("webhook_secret_file")]["value"])
    url = env[variable_of("webhook_url")]["valueFrom"]["secretKeyRef"]
    [mount], [volume] = container["volumeMounts"], spec["volumes"]
    assert (mount["name"], Path(mount["mountPath"]), mount["readOnly"]) == (
        volume["name"],
        file.parent,
        True,
    )
    assert "subPath" not in mount
    assert volume["secret"] == {
        "secretName": url["name"],
        "items": [{"key": "secret", "path": file.name}],
    }
    heading, _, _ = (WEBHOOK / "kustomization.yaml").read_text().partition("apiVersion")
    assert f"create secret generic {url['name']} " in heading
    assert set(re.findall(r"--from-literal=(\w+)", heading)) == {url["key"], "secret"}
    told = {variable_of("webhook_url"): "https://a", variable_of("webhook_secret_file"): str(file)}
    settings = parse_settings(container["args"][1:], told)
    assert (settings.webhook_url, settings.webhook_secret_file) == ("https://a", file)
    plain = pod_of(of_kind(rendered(BASE), "Deployment"))
    assert [entry["name"] for entry in plain["containers"][0]["env"]] == list(env)[:-2]
    status, answer = create_pod(plane, spec)
    assert status == 201, answer


def test_the_operator_has_time_to_stop() -> None:
    """It ends within 10 s; the kubelet kills it after the grace period."""
    [deployment] = documents(BASE / "deployment.yaml")
    assert pod_of(deployment)["terminationGracePeriodSeconds"] > 10


async def test_the_overlay_stays_within_one_namespace(plane: ControlPlane, kube: Kube) -> None:
    manifests = rendered(OVERLAY, namespace=kube.namespace)
    assert {one["kind"] for one in manifests} == {
        "ServiceAccount",
        "Role",
        "RoleBinding",
        "Deployment",
        "PodDisruptionBudget",
    }
    for manifest in manifests:
        status, answer = apply(plane, manifest)
        assert status == 201, answer
        assert answer["metadata"]["namespace"] == kube.namespace
    for kind in ("Deployment", "PodDisruptionBudget"):
        plane.request("DELETE", path_of(of_kind(manifests, kind)))


@pytest.mark.parametrize("folder", [BASE, OVERLAY, WEBHOOK], ids=lambda path: path.name)
def test_kubectl_sees_the_same(folder: Path) -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not installed; the tests go by their own reading of kustomize")
    command = [kubectl, "kustomize", str(folder)]
    told = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout
    theirs = {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(told)}
    ours = {(one["kind"], one["metadata"]["name"]): one for one in rendered(folder)}
    assert theirs == ours


def test_the_image_runs_as_a_numbered_user_who_is_not_root() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    final = text[text.rindex("FROM ") :]
    user = re.search(r"^USER (\d+):(\d+)$", final, re.MULTILINE)
    assert user is not None
    assert 0 not in {int(number) for number in user.groups()}
    assert 'ENTRYPOINT ["auth0-rotator"]' in final


def test_the_image_installs_by_hash_and_from_no_named_index() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    assert "--require-hashes -r deploy/requirements.txt" in text
    pinned = (DEPLOY / "requirements.txt").read_text()
    for told in (text, pinned):
        assert "index" not in told.replace("--no-index", "")
        assert "://" not in told
    names = re.findall(r"^\S+==\S+", pinned, re.MULTILINE)
    assert len(names) > 10
    assert all(f"{name} \\\n    --hash=" in pinned or f"{name} ;" in pinned for name in names)


def test_the_image_gets_nothing_but_what_it_copies() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    copied = {
        name
        for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE)
        for name in line.split()[:-1]
    }
    allowed = (DEPLOY / "Dockerfile.dockerignore").read_text().split("\n")
    assert copied == {line[1:] for line in allowed if line.startswith("!")}
    assert all((ROOT / name).exists() for name in copied)


def test_the_local_cluster_has_one_node() -> None:
    told = yaml.safe_load((ROOT / "kind-config.yaml").read_text())
    assert (told["kind"], told["apiVersion"]) == ("Cluster", "kind.x-k8s.io/v1alpha4")
    assert [node["role"] for node in told["nodes"]] == ["control-plane"]


# Write down what they are called with, and what they are given to apply. There is no such cluster yet.
_STUB: Final = """#!/bin/sh
case "$*" in "kustomize deploy/base") exec cat deploy/base/deployment.yaml ;; esac
echo "{name} $*" >> {log}
case "$*" in *" -f -") cat >> {log} ;; esac
"""


def make_kind_up(folder: Path, *tools: str) -> subprocess.CompletedProcess[str]:
    """Run `make kind-up` with nothing but stubs of these tools."""
    for name in ("make", "sh", "cat", "sed", "grep"):
        found = shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(found)
    for name in tools:
        (folder / name).write_text(_STUB.format(name=name, log=folder / "log"))
        (folder / name).chmod(0o755)
    return subprocess.run(
        ["make", "kind-up", "IMAGE=registry.example.com/rotator:1"],
        cwd=ROOT,
        env={"PATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_local_cluster_runs_the_image_that_was_asked_for(tmp_path: Path) -> None:
    done = make_kind_up(tmp_path, "docker", "kind", "kubectl")
    assert done.returncode == 0, done.stderr
    log = (tmp_path / "log").read_text()
    assert re.findall(r"image: (.+)", log) == ["registry.example.com/rotator:1"]
    said = [line for line in log.splitlines() if re.match(r"(docker|kind|kubectl) ", line)]
    rollout = "-n auth0-rotator-system rollout"
    assert said == [
        "docker info",
        "docker build --file deploy/Dockerfile --tag registry.example.com/rotator:1 .",
        "kind get clusters",
        "kind create cluster --name auth0-rotator --config kind-config.yaml",
        "kind export kubeconfig --name auth0-rotator",
        "kind load docker-image --name auth0-rotator registry.example.com/rotator:1",
        "kubectl --context kind-auth0-rotator apply --server-side -f crds/",
        "kubectl --context kind-auth0-rotator apply --server-side -f -",
        f"kubectl --context kind-auth0-rotator {rollout} restart deployment/auth0-rotator",
        f"kubectl --context kind-auth0-rotator {rollout} status deployment/auth0-rotator --timeout=3m",
    ]


@pytest.mark.parametrize(
    ("tools", "missing"),
    [
        (("docker", "kubectl"), "make kind-up needs kind"),
        (("docker", "kind"), "make kind-up needs kubectl"),
        (("kind", "kubectl"), "make image needs a running Docker engine"),
    ],
    ids=["kind", "kubectl", "docker"],
)
def test_what_the_local_cluster_lacks_is_told_in_one_sentence(
    tmp_path: Path, tools: tuple[str, ...], missing: str
) -> None:
    done = make_kind_up(tmp_path, *tools)
    assert done.returncode != 0
    told = [line for line in done.stderr.splitlines() if not re.match(r"make(\[1\])?: ", line)]
    assert told == [f"{missing}, and there is none here"]
    assert not (tmp_path / "log").exists()


def test_the_hooks_are_the_targets_of_ci() -> None:
    told = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    [repository] = told["repos"]
    assert repository["repo"] == "local"
    entries = [hook["entry"] for hook in repository["hooks"]]
    assert entries == ["make lint", "make types", "make unit"]
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert {entry.removeprefix("make ") for entry in entries} <= set(targets)
