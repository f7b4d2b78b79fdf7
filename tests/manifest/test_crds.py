"""The definitions: what they describe, what they print, what an object shows from the start."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from auth0_rotator.crd import definitions
from controlplane import ControlPlane
from harness import Kube
from harness.installation import ROOT
from manifest.kustomize import Manifest
from manifest.minimal import ALL, CLUSTER_CONNECTION, CONNECTION, ROTATION
from manifest.submission import apply, folder_of, path_of, table

_ROTATED: Final = {
    "rotationStatus": "success",
    "lastRotatedAt": "2026-11-23T00:00:01Z",
    # In the future: a column of type date would print <invalid>.
    "nextRotationAt": "2126-12-23T00:00:00Z",
    "secretName": "web",
    "conditions": [
        {
            "type": "Ready",
            "status": "True",
            "observedGeneration": 1,
            "reason": "Delivered",
            "message": "delivered",
            "lastTransitionTime": "2026-11-23T00:00:01Z",
        }
    ],
}
# Name, and whether it is for `-o wide` only, in the order of the narrow and of the wide table.
_ROTATION_COLUMNS: Final = {
    False: ["Name", "Client", "Status", "Ready", "Last rotated", "Next rotation", "Age"],
    True: ["Connection", "Secret", "Reason"],
}
_CONNECTION_COLUMNS: Final = {False: ["Name", "Domain", "Ready", "Age"], True: []}


@pytest.fixture(params=ALL, ids=lambda body: body["kind"])
def manifest(
    request: pytest.FixtureRequest, plane: ControlPlane, kube: Kube
) -> Iterator[dict[str, Any]]:
    """The smallest object of each kind, in the cluster for the length of a test."""
    body: Manifest = request.param
    status, answer = apply(plane, body, kube.namespace)
    assert status == 201, answer
    yield body
    plane.request("DELETE", path_of(body, kube.namespace))


def test_the_files_are_what_the_images_say(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "auth0_rotator.crd", str(tmp_path)]
    subprocess.run(command, check=True, timeout=60)
    written = {file.name: file.read_text() for file in tmp_path.iterdir()}
    shipped = {file.name: file.read_text() for file in (ROOT / "crds").iterdir()}
    assert shipped == written, "say `make crds`"


def test_the_folder_of_definitions_can_be_applied_as_it_is() -> None:
    """`kubectl apply -f crds/` takes every file: one that is no definition would make it fail."""
    for file in (ROOT / "crds").iterdir():
        assert yaml.safe_load(file.read_text())["kind"] == "CustomResourceDefinition"


@pytest.mark.parametrize("name", sorted(definitions()))
def test_every_field_has_a_description(name: str) -> None:
    schema = definitions()[name]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    fields = dict(_fields(schema, ""))
    assert len(fields) > 10
    # Every object of Kubernetes has these three, and they are described there.
    for common in (".apiVersion", ".kind", ".metadata"):
        fields.pop(common)
    assert schema["description"].endswith(".")
    assert not [path for path, field in fields.items() if not field.get("description", "").endswith(".")]


def _fields(schema: Mapping[str, Any], path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, field in schema.get("properties", {}).items():
        yield f"{path}.{name}", field
        yield from _fields(field, f"{path}.{name}")
        yield from _fields(field.get("items", {}), f"{path}.{name}[]")


def test_short_names_and_category(plane: ControlPlane) -> None:
    status, answer = plane.request("GET", "/apis/auth0rotator.dev/v1alpha1")
    assert status == 200
    served = {part["kind"]: part for part in answer["resources"] if "/" not in part["name"]}
    assert served.keys() == {body["kind"] for body in ALL}
    assert served["Auth0ClientSecretRotation"]["shortNames"] == ["a0rot"]
    assert all(part["categories"] == ["auth0"] for part in served.values())
    short = [name for part in served.values() for name in part.get("shortNames", [])]
    assert len(short) == len(set(short))
    assert not served["ClusterAuth0Connection"]["namespaced"]


def test_ready_is_unknown_from_the_first_instant(
    plane: ControlPlane, kube: Kube, manifest: Manifest
) -> None:
    """A tool that waits for an absent condition takes the object for ready."""
    _, found = plane.request("GET", path_of(manifest, kube.namespace))
    assert found["status"]["observedGeneration"] == -1
    [ready] = found["status"]["conditions"]
    assert (ready["type"], ready["status"], ready["reason"]) == ("Ready", "Unknown", "Pending")
    assert ready["observedGeneration"] == -1


def test_a_deleted_status_is_unknown_again(plane: ControlPlane, kube: Kube, manifest: Manifest) -> None:
    path = path_of(manifest, kube.namespace)
    merge = "application/merge-patch+json"
    status, answer = plane.request(
        "PATCH", f"{path}/status", {"status": {"observedGeneration": 1}}, content_type=merge
    )
    assert status == 200, answer
    status, answer = plane.request("PATCH", f"{path}/status", {"status": None}, content_type=merge)
    assert status == 200, answer
    assert answer["status"]["observedGeneration"] == -1
    assert answer["status"]["conditions"][0]["status"] == "Unknown"


def test_the_spec_and_the_status_are_written_apart(plane: ControlPlane, kube: Kube) -> None:
    """A status in a manifest is no status, and a status write changes no spec."""
    status, answer = apply(plane, {**ROTATION, "status": {"rotationStatus": "success"}}, kube.namespace)
    assert status == 201, answer
    assert "rotationStatus" not in answer["status"]
    path = path_of(ROTATION, kube.namespace)
    body = {"spec": {"suspend": True}, "status": {"rotationStatus": "failed"}}
    status, answer = plane.request(
        "PATCH", f"{path}/status", body, content_type="application/merge-patch+json"
    )
    assert status == 200, answer
    assert answer["status"]["rotationStatus"] == "failed"
    assert answer["spec"]["suspend"] is False
    plane.request("DELETE", path)


@pytest.mark.parametrize(
    ("body", "columns"),
    [
        pytest.param(ROTATION, _ROTATION_COLUMNS, id="rotation"),
        pytest.param(CONNECTION, _CONNECTION_COLUMNS, id="connection"),
        pytest.param(CLUSTER_CONNECTION, _CONNECTION_COLUMNS, id="cluster connection"),
    ],
)
def test_columns_are_those_of_the_contract(
    plane: ControlPlane, kube: Kube, body: Manifest, columns: dict[bool, list[str]]
) -> None:
    told = table(plane, folder_of(body["kind"], kube.namespace))["columnDefinitions"]
    for is_wide, names in columns.items():
        assert [one["name"] for one in told if (one["priority"] > 0) is is_wide] == names


def test_a_rotation_prints_what_its_status_says(plane: ControlPlane, kube: Kube) -> None:
    apply(plane, ROTATION, kube.namespace)
    status, answer = plane.request(
        "PATCH",
        path_of(ROTATION, kube.namespace) + "/status",
        {"status": _ROTATED},
        content_type="application/merge-patch+json",
    )
    assert status == 200, answer
    printed = table(plane, folder_of("Auth0ClientSecretRotation", kube.namespace))
    names = [column["name"] for column in printed["columnDefinitions"]]
    [row] = [dict(zip(names, row["cells"], strict=True)) for row in printed["rows"]]
    assert row.pop("Age") != "<unknown>"
    assert row == {
        "Name": "web",
        "Client": "AbC123",
        "Status": "success",
        "Ready": "True",
        "Last rotated": "2026-11-23T00:00:01Z",
        "Next rotation": "2126-12-23T00:00:00Z",
        "Connection": "acme",
        "Secret": "web",
        "Reason": "Delivered",
    }
    plane.request("DELETE", path_of(ROTATION, kube.namespace))


@pytest.mark.parametrize(
    "status",
    [
        pytest.param({"rotationStatus": "pending"}, id="a third word"),
        pytest.param({"lastRotationMessage": "x" * 1025}, id="a message of 1,025 characters"),
        pytest.param({"failedAttempts": -1}, id="a negative count"),
        pytest.param({"lastRotatedAt": "yesterday"}, id="a date that is none"),
        pytest.param(
            {
                "history": [
                    {
                        "id": str(number),
                        "trigger": "manual",
                        "startedAt": "2026-11-23T00:00:01Z",
                        "result": "success",
                    }
                    for number in range(11)
                ]
            },
            id="eleven rotations",
        ),
    ],
)
def test_a_status_keeps_its_limits(plane: ControlPlane, kube: Kube, status: dict[str, Any]) -> None:
    apply(plane, ROTATION, kube.namespace)
    path = path_of(ROTATION, kube.namespace)
    merge = "application/merge-patch+json"
    code, _ = plane.request("PATCH", f"{path}/status", {"status": status}, content_type=merge)
    assert code == 422
    long_message = {"status": {"lastRotationMessage": "ä" * 1024}}
    code, answer = plane.request("PATCH", f"{path}/status", long_message, content_type=merge)
    assert code == 200, answer
    plane.request("DELETE", path)
