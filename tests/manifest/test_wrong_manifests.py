"""A wrong manifest is refused when it is applied, in words that its writer understands."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest

from auth0_rotator.crd import definitions
from auth0_rotator.resource import SpecInvalid, parse_spec
from controlplane import ControlPlane
from manifest.minimal import IMAGES, ROTATION
from manifest.submission import changed, tried
from manifest.wrong import UNKNOWN_FIELDS, WRONG_NAMES, WRONG_SPECS, Wrong

# What only the one who wrote the rule understands: a regular expression, a rule without a
# sentence, a rule that breaks on its own.
_RIDDLES: Final = re.compile("match '|failed rule|no such key|evaluating rule")
# Two errors of a rule say what is wrong, and our sentence follows them: what no server's database of
# time zones has, and a duration of centuries.
_PLAIN_ERRORS: Final = re.compile(
    r"unknown time zone \S+ evaluating rule: timeZone must be"
    r"|type conversion error from 'string' to 'google.protobuf.Duration' evaluating rule: this duration"
)
_LIMITS: Final = frozenset(
    {"minLength", "maxLength", "minimum", "maximum", "maxItems", "maxProperties", "pattern", "enum"}
)
ALL: Final = (*UNKNOWN_FIELDS, *WRONG_NAMES, *WRONG_SPECS)


@pytest.mark.parametrize("wrong", [pytest.param(row, id=row.id) for row in ALL])
def test_a_wrong_manifest_is_refused_in_plain_words(plane: ControlPlane, wrong: Wrong) -> None:
    status, answer = tried(plane, changed(wrong.base, wrong.changes))
    assert status in {400, 422}, f"accepted: {wrong.changes}"
    assert wrong.says in answer["message"]
    told = _PLAIN_ERRORS.sub("", answer["message"])
    assert not _RIDDLES.search(told), told


@pytest.mark.parametrize("wrong", [pytest.param(row, id=row.id) for row in WRONG_SPECS])
def test_the_operator_refuses_the_same(wrong: Wrong) -> None:
    manifest = changed(wrong.base, wrong.changes)
    with pytest.raises(SpecInvalid) as refusal:
        parse_spec(IMAGES[manifest["kind"]], manifest.get("spec"))
    assert str(refusal.value).startswith("spec")


def test_the_operator_alone_knows_a_certificate() -> None:
    """The API server cannot look into base64; the connection's Ready condition says it."""
    spec = {
        "domain": "acme.eu.auth0.com",
        "credentialsSecretRef": {"name": "auth0-management"},
        "caBundle": "bm8gY2VydGlmaWNhdGU=",
    }
    with pytest.raises(SpecInvalid, match="caBundle must be base64 of PEM certificates"):
        parse_spec(IMAGES["Auth0Connection"], spec)


@pytest.mark.parametrize("schedule", ["99 2 * * *", "0 2 * * 9", "0 2 31-1 * *", "0 2 * * MOO"])
def test_the_operator_alone_reads_a_cron_expression(plane: ControlPlane, schedule: str) -> None:
    """The API server counts its fields; whether they mean anything, the Ready condition says."""
    window = {"kind": "allow", "schedule": schedule, "duration": "2h"}
    manifest = changed(ROTATION, {"spec.rotationWindows": [window]})
    assert tried(plane, manifest)[0] == 201
    with pytest.raises(SpecInvalid, match="schedule is no cron expression: bad"):
        parse_spec(IMAGES["Auth0ClientSecretRotation"], manifest["spec"])


def test_every_rule_is_broken_by_a_row(plane: ControlPlane) -> None:
    answers = " ".join(tried(plane, changed(row.base, row.changes))[1].get("message", "") for row in ALL)
    messages = {
        rule["message"]
        for definition in definitions().values()
        for rule in _rules(definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"])
    }
    assert messages
    assert not {message for message in messages if message not in answers}


def test_every_limit_is_broken_by_a_row() -> None:
    touched = {
        (row.base["kind"], path) for row in ALL for name in row.changes for path in _paths(row, name)
    }
    limited = {
        (definition["spec"]["names"]["kind"], path)
        for definition in definitions().values()
        for path in _limited(definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"], "spec")
    }
    # The cluster kind repeats the fields of the other one, from one and the same image.
    shared = {path for kind, path in limited if kind == "Auth0Connection"}
    limited -= {("ClusterAuth0Connection", path) for path in shared}
    assert len(limited) > 30
    assert not limited - touched


def _rules(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from schema.get("x-kubernetes-validations", ())
    for part in (*schema.get("properties", {}).values(), schema.get("items"), *_values(schema)):
        if part:
            yield from _rules(part)


def _values(schema: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    values = schema.get("additionalProperties")
    return (values,) if isinstance(values, Mapping) else ()


def _limited(schema: Mapping[str, Any], path: str) -> Iterator[str]:
    """Yield the paths of all fields below `path` that have a limit of their own."""
    part = schema["properties"][path] if path == "spec" else schema
    if _LIMITS & part.keys():
        yield path
    for name, field in part.get("properties", {}).items():
        yield from _limited(field, f"{path}.{name}")
    if "items" in part:
        yield from _limited(part["items"], f"{path}[]")
    for field in _values(part):
        yield from _limited(field, f"{path}{{}}")


def _paths(row: Wrong, path: str) -> Iterator[str]:
    """Yield the schema paths that a row's value touches."""
    return _paths_in(path, row.changes[path])


def _paths_in(path: str, value: Any) -> Iterator[str]:
    yield path
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _paths_in(f"{path}.{name}", part)
            yield from _paths_in(f"{path}{{}}", part)
    if isinstance(value, list):
        for part in value:
            yield from _paths_in(f"{path}[]", part)
