"""docs/: everything that there is stands there, and nothing that there is not."""

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from auth0_rotator import metrics
from auth0_rotator.conditions import ConditionType, Reason
from auth0_rotator.crd import definitions
from auth0_rotator.journal import SENDING_FINALIZER
from auth0_rotator.logs import FIELDS
from auth0_rotator.resource import Kind, RotationSpec, parse_spec
from auth0_rotator.resource.rotation import ConsumerKind
from auth0_rotator.settings import Settings, flag_of, variable_of
from auth0_rotator.subject import (
    FREEZE,
    RECONCILE_AT,
    RESET_CIRCUIT,
    REVOKE_FINALIZER,
    ROTATE_NOW,
    ROTATE_REASON,
    SETTLE_DOUBT,
)
from auth0_rotator.webhook.message import Type
from auth0_rotator.webhook.signature import parse_keys, signed_headers
from controlplane import ControlPlane
from harness import Kube
from harness.crash.matrix import CANCELLED, KILLED, Death
from harness.crash.table import CANCELS, KILLS, Chapter, rows_of
from harness.installation import ROOT
from harness.receiver import SECRET
from manifest.minimal import ROTATION
from manifest.submission import apply, tried
from model.figures import Figures

DOCS: Final = ROOT / "docs"
PAGES: Final = tuple(sorted(DOCS.glob("*.md")))
OPERATOR_PAGE: Final = DOCS / "operator.md"
PAGE_OF: Final = {kind: DOCS / f"{kind.value.lower()}.md" for kind in Kind}
SERVERS: Final = "operator/auth0_rotator/servers.py"
MESSAGE: Final = "operator/auth0_rotator/webhook/message.py"
# Words in code style that are neither reasons nor conditions nor kinds.
_OTHER_WORDS: Final = frozenset(
    {"Create", "Merge", "Immediate", "WhenDue", "Opaque", "OnDelete", *ConsumerKind}
)
# What the contract has and the product has not yet.
_NOT_YET: Final = (
    "private-key-jwt",
    "kubectl auth0-rotator",
    "make bench`",
)
# Whatever a reader takes for a promise. CHANGELOG.md says itself what is not there yet.
_PROMISES: Final = (
    ROOT / "README.md",
    *PAGES,
    *sorted((ROOT / "crds").glob("*.yaml")),
    *sorted((ROOT / "deploy").rglob("*.yaml")),
)


def _schema(kind: Kind) -> Mapping[str, Any]:
    definition = definitions()[f"auth0rotator.dev_{kind.plural}.yaml"]
    schema: Mapping[str, Any] = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def _leaves(schema: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Yield the fields as the pages write them; conditions are the same everywhere."""
    fields = schema.get("properties") or schema.get("items", {}).get("properties")
    if not fields or path == "conditions":
        yield path
        return
    mark = "[]" if "items" in schema else ""
    for name, field in fields.items():
        yield from _leaves(field, f"{path}{mark}.{name}".lstrip("."))


@pytest.mark.parametrize("part", ["spec", "status"])
@pytest.mark.parametrize("kind", list(Kind))
def test_a_page_has_every_field(kind: Kind, part: str) -> None:
    page = PAGE_OF[kind].read_text()
    fields = set(_leaves(_schema(kind)["properties"][part]))
    assert len(fields) >= 4
    assert not {field for field in fields if f"`{field}`" not in page}


@pytest.mark.parametrize("kind", [Kind.ROTATION, Kind.CONNECTION])
def test_a_page_has_no_field_that_is_not_there(kind: Kind) -> None:
    known = {
        field for part in ("spec", "status") for field in _leaves(_schema(kind)["properties"][part])
    }
    tables = re.findall(r"^\| field .*?(?=\n\n)", PAGE_OF[kind].read_text(), re.MULTILINE | re.DOTALL)
    told = {name for table in tables for name in re.findall(r"^\| `([^`]+)`", table, re.MULTILINE)}
    assert told == known


def test_every_reason_is_explained() -> None:
    pages = "".join(page.read_text() for page in PAGES)
    code = "".join(file.read_text() for file in (ROOT / "operator").rglob("*.py"))
    used = {reason for reason in Reason if f"Reason.{reason.name}" in code}
    assert len(used) > 50
    assert not {reason.value for reason in used if f"`{reason.value}`" not in pages}


def test_every_word_is_one_that_the_operator_uses() -> None:
    known = {*Reason, *ConditionType, *(kind.value for kind in Kind), *_OTHER_WORDS}
    for page in PAGES:
        words = set(re.findall(r"`([A-Z][a-z]+[A-Za-z0-9]*)`", page.read_text()))
        assert not words - known, page.name


def _rows(page: Path, title: str) -> list[list[str]]:
    """Return the cells of the table whose first column has this title."""
    found = re.search(rf"^\| {title} \|.*\n\|[-|]+\n((?:\|.*\n)+)", page.read_text(), re.MULTILINE)
    assert found is not None
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in found.group(1).splitlines()
    ]


def test_the_operators_page_has_every_flag_with_its_variable_and_default() -> None:
    told = {flag: (variable, default) for flag, variable, default, _ in _rows(OPERATOR_PAGE, "flag")}
    defaults = Settings.model_construct().model_dump(mode="json")
    shown = {name: f"`{str(value).lower()}`" for name, value in defaults.items()}
    shown |= {"namespace": "", "cluster_resource_namespace": "the operator's own"}
    shown |= {"webhook_url": "", "webhook_secret_file": ""}
    assert told == {
        f"`{flag_of(name)}`": (f"`{variable_of(name)}`", shown[name]) for name in Settings.model_fields
    }


def test_the_operators_page_has_every_metric_with_its_labels() -> None:
    told = {name: labels for name, labels, _ in _rows(OPERATOR_PAGE, "metric")}
    labels = {"auth0_rotator_build": "`version`"}
    for one in vars(metrics).values():
        if isinstance(one, MetricWrapperBase) and one is not metrics.BUILD_INFO:
            [family] = one.describe()
            # The labels of a series that nobody has counted yet are known to the metric alone.
            labels[family.name] = ", ".join(f"`{label}`" for label in one._labelnames)  # noqa: SLF001
    suffixes = {"counter": "_total", "info": "_info"}
    assert told == {
        f"`{family.name}{suffixes.get(family.type, '')}`": labels[family.name]
        for family in metrics.registry().collect()
        if family.name.startswith("auth0_rotator_")
    }


def test_the_operators_page_has_every_field_of_a_log_line() -> None:
    assert [field for field, _ in _rows(OPERATOR_PAGE, "field")] == [f"`{name}`" for name in FIELDS]


def test_the_operators_page_names_all_that_the_health_server_answers() -> None:
    routes = re.findall(r'web\.get\("(/\w+)", \w+z\)', (ROOT / SERVERS).read_text())
    assert len(routes) == 2
    assert [path for path, _ in _rows(OPERATOR_PAGE, "path")] == [f"`{route}`" for route in routes]


def test_the_operators_page_has_every_member_of_a_message() -> None:
    written = set(re.findall(r'"(\w+)": ', (ROOT / MESSAGE).read_text())) - {"type", "timestamp", "data"}
    told = [name for cell, _, _ in _rows(OPERATOR_PAGE, "member") for name in re.findall(r"\w+", cell)]
    assert len(told) >= 12
    assert sorted(told) == sorted(written)
    assert not [type_ for type_ in Type if f"`{type_}`" not in OPERATOR_PAGE.read_text()]


def test_the_program_of_the_page_believes_what_the_operator_signs() -> None:
    text = OPERATOR_PAGE.read_text()
    [program] = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    [example] = re.findall(r"^```json\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(program, names)  # noqa: S102 - it is ours
    is_genuine, body = names["is_genuine"], example.encode()
    headers = dict(signed_headers("msg_1", body, parse_keys(SECRET.encode()), datetime.now(UTC)))
    assert is_genuine(SECRET, headers, body)
    assert not is_genuine(SECRET, headers, body + b" ")
    late = datetime.now(UTC) - timedelta(minutes=6)
    headers = dict(signed_headers("msg_1", body, parse_keys(SECRET.encode()), late))
    assert not is_genuine(SECRET, headers, body)


@pytest.mark.parametrize(
    ("chapter", "deaths"), [(CANCELS, CANCELLED), (KILLS, KILLED)], ids=["cancelled", "killed"]
)
def test_the_crash_table_has_every_death(chapter: Chapter, deaths: list[Death]) -> None:
    """Catches a table that was not written anew: `make crash-table` does it."""
    assert rows_of(chapter) == [death.cells for death in deaths]


def test_the_page_on_reliability_has_the_table_of_a_run() -> None:
    table = Figures().table().splitlines()
    told = (DOCS / "reliability.md").read_text()
    assert [row.split("|")[1] for row in told.splitlines() if row.startswith("|")] == [
        row.split("|")[1] for row in table
    ]
    assert table[-2:] == ["| needless rotations | 0 |", "| lost values | 0 |"]
    assert "\n".join(table[-2:]) in told


def test_every_page_is_linked_from_the_readme() -> None:
    text = (ROOT / "README.md").read_text()
    assert not [page.name for page in PAGES if f"](docs/{page.name})" not in text]


def test_every_annotation_is_explained() -> None:
    page = PAGE_OF[Kind.ROTATION].read_text()
    for name in (ROTATE_NOW, ROTATE_REASON, SETTLE_DOUBT, RECONCILE_AT, FREEZE):
        assert f"| `{name}` |" in page
    assert f"| `{RESET_CIRCUIT}` |" in PAGE_OF[Kind.CONNECTION].read_text()
    assert f"`{RESET_CIRCUIT}`" in PAGE_OF[Kind.CLUSTER_CONNECTION].read_text()


def test_the_windows_of_the_page_are_accepted(plane: ControlPlane) -> None:
    """They stand there without their manifest, so the other test passes over them."""
    text = PAGE_OF[Kind.ROTATION].read_text()
    blocks = re.findall(r"^```yaml\n(  rotationWindows:\n.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        spec = ROTATION["spec"] | yaml.safe_load(block)
        status, answer = tried(plane, {**ROTATION, "spec": spec})
        assert status == 201, answer
        parse_spec(RotationSpec, spec)


@pytest.mark.parametrize("file", _PROMISES, ids=lambda file: str(file.relative_to(ROOT)))
def test_nothing_is_promised(file: Path) -> None:
    text = " ".join(file.read_text().split())
    assert not [word for word in _NOT_YET if word in text]


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        name, _, anchor = target.partition("#")
        file = (page.parent / name) if name else page
        assert file.is_file(), target
        if anchor:
            titles = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
            assert anchor in {_anchor(title) for title in titles}, target


def _anchor(title: str) -> str:
    return re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")


@pytest.mark.parametrize("kind", list(Kind))
def test_the_manifests_of_a_page_are_accepted(plane: ControlPlane, kind: Kind) -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```", PAGE_OF[kind].read_text(), re.MULTILINE | re.DOTALL)
    manifests = [
        body for block in blocks for body in yaml.safe_load_all(block) if body and "apiVersion" in body
    ]
    assert kind.value in {body["kind"] for body in manifests}
    for body in manifests:
        status, answer = tried(plane, body)
        assert status == 201, answer


def test_one_command_lists_every_finalizer_of_ours(plane: ControlPlane, kube: Kube) -> None:
    text = (DOCS / "uninstall.md").read_text()
    found = re.search(r"kubectl (get \S+ --all-namespaces) -o go-template='(.+)'$", text, re.MULTILINE)
    assert found is not None
    words, template = found.groups()
    for finalizer in (SENDING_FINALIZER, REVOKE_FINALIZER):
        assert f'"{finalizer}"' in template
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not installed; the command itself was not run")
    carriers: list[dict[str, Any]] = [
        {**ROTATION, "metadata": {"name": "going", "finalizers": [REVOKE_FINALIZER]}},
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "going.journal", "finalizers": [SENDING_FINALIZER]},
        },
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "another", "finalizers": ["example.com/not-ours"]},
        },
    ]
    for body in carriers:
        status, answer = apply(plane, body, kube.namespace)
        assert status == 201, answer
    command = [kubectl, f"--kubeconfig={plane.kubeconfig}", *words.split(), f"-o=go-template={template}"]
    told = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    ours = [line for line in told.splitlines() if f" {kube.namespace} " in line]
    assert ours == [
        f"Auth0ClientSecretRotation {kube.namespace} going {REVOKE_FINALIZER}",
        f"Secret {kube.namespace} going.journal {SENDING_FINALIZER}",
    ]
    _release(plane, kube, carriers)


def _release(plane: ControlPlane, kube: Kube, carriers: list[dict[str, Any]]) -> None:
    for body in carriers:
        path = kube.path(body["kind"], body["metadata"]["name"])
        nothing = {"metadata": {"finalizers": None}}
        plane.request("PATCH", path, nothing, content_type="application/merge-patch+json")
        plane.request("DELETE", path)
