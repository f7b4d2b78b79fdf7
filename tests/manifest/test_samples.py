"""deploy/samples: each can be applied as it is, and together they are one story."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from auth0_rotator.crd import definitions
from auth0_rotator.resource import parse_spec
from controlplane import ControlPlane
from harness.installation import OPERATOR_NAMESPACE, ROOT
from manifest.kustomize import Manifest, documents
from manifest.minimal import IMAGES
from manifest.submission import path_of

SAMPLES: Final = ROOT / "deploy" / "samples"
FILES: Final = tuple(sorted(SAMPLES.glob("*.yaml")))


def sample(name: str, kind: str) -> Manifest:
    return next(one for one in documents(SAMPLES / name) if one["kind"] == kind)


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.name)
@pytest.mark.usefixtures("installed")
def test_a_sample_can_be_applied(plane: ControlPlane, file: Path) -> None:
    assert file.read_text().startswith("# "), "a sample begins by saying what it is for"
    for manifest in documents(file):
        status, answer = plane.request(
            "PATCH",
            path_of(manifest) + "?fieldManager=kubectl&fieldValidation=Strict&dryRun=All",
            manifest,
            content_type="application/apply-patch+yaml",
        )
        assert status == 201, answer
        if manifest["kind"] in IMAGES:
            parse_spec(IMAGES[manifest["kind"]], manifest["spec"])


def test_there_is_a_sample_of_every_kind() -> None:
    kinds = {manifest["kind"] for file in FILES for manifest in documents(file)}
    assert kinds == {*IMAGES, "Secret", "Deployment"}


def test_the_full_rotation_has_every_field() -> None:
    definition = definitions()["auth0rotator.dev_auth0clientsecretrotations.yaml"]
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    known = set(_leaves(schema["properties"]["spec"], "spec"))
    in_utc = {path for path in known if path.startswith("spec.rotateAtUtc.")}
    assert len(known) > 20
    first, second = documents(SAMPLES / "rotation-full.yaml")
    # The two times of day exclude each other.
    assert not known - in_utc - set(_said(first["spec"], "spec"))
    assert in_utc
    assert not in_utc - set(_said(second["spec"], "spec"))


def test_the_connection_has_every_field_or_speaks_of_it() -> None:
    definition = definitions()["auth0rotator.dev_auth0connections.yaml"]
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    known = set(_leaves(schema["properties"]["spec"], "spec"))
    text = (SAMPLES / "auth0connection.yaml").read_text()
    # Those that have a right default for nearly everybody stand there as comments.
    assert not {path for path in known if f" {path.rpartition('.')[2]}:" not in text}


def test_the_minimal_rotation_has_no_field_that_may_be_left_out() -> None:
    definition = definitions()["auth0rotator.dev_auth0clientsecretrotations.yaml"]
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    rotation = sample("rotation-minimal.yaml", "Auth0ClientSecretRotation")
    assert set(rotation["spec"]) == set(schema["properties"]["spec"]["required"])


def test_the_samples_belong_together() -> None:
    secret = sample("secret.yaml", "Secret")
    connection = sample("auth0connection.yaml", "Auth0Connection")
    rotation = sample("rotation-minimal.yaml", "Auth0ClientSecretRotation")
    deployment = sample("deployment.yaml", "Deployment")
    assert connection["spec"]["credentialsSecretRef"]["name"] == secret["metadata"]["name"]
    assert secret["stringData"].keys() == {"clientId", "clientSecret"}
    assert rotation["spec"]["connectionRef"]["name"] == connection["metadata"]["name"]
    [volume] = deployment["spec"]["template"]["spec"]["volumes"]
    assert volume["secret"]["secretName"] == rotation["metadata"]["name"]


def test_the_cluster_samples_belong_together() -> None:
    secret = sample("clusterauth0connection.yaml", "Secret")
    connection = sample("clusterauth0connection.yaml", "ClusterAuth0Connection")
    rotation = sample("rotation-full.yaml", "Auth0ClientSecretRotation")
    assert secret["metadata"]["namespace"] == OPERATOR_NAMESPACE
    assert connection["spec"]["credentialsSecretRef"]["name"] == secret["metadata"]["name"]
    assert rotation["spec"]["connectionRef"] == {
        "kind": "ClusterAuth0Connection",
        "name": connection["metadata"]["name"],
    }


def test_no_two_samples_rotate_one_client_or_write_one_secret() -> None:
    rotations = [
        one for file in FILES for one in documents(file) if one["kind"] == "Auth0ClientSecretRotation"
    ]
    clients = [one["spec"]["parameters"]["clientId"] for one in rotations]
    targets = [one["spec"].get("target", {}).get("name", one["metadata"]["name"]) for one in rotations]
    assert len(set(clients)) == len(set(targets)) == len(rotations)


def _leaves(schema: Mapping[str, Any], path: str) -> Iterator[str]:
    fields = schema.get("properties") or schema.get("items", {}).get("properties")
    if not fields:
        yield path
        return
    for name, field in fields.items():
        yield from _leaves(field, f"{path}.{name}")


def _said(value: Any, path: str) -> Iterator[str]:
    yield path
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _said(part, f"{path}.{name}")
    if isinstance(value, list):
        for part in value:
            yield from _said(part, path)
