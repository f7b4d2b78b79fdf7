"""How an object of the API becomes a value of this program, and what a person is told of a fault."""

from typing import Annotated

import pytest
from pydantic import TypeAdapter, ValidationError

from auth0_rotator.resource import (
    GROUP,
    VERSION,
    ConnectionRef,
    Kind,
    RotationSpec,
    SpecInvalid,
    parse_spec,
)
from auth0_rotator.resource.image import rule, shape, shape_rule
from auth0_rotator.resource.status import ConnectionStatus, RotationStatus
from examples import spec_body


@pytest.mark.parametrize(
    ("kind", "plural", "is_namespaced"),
    [
        (Kind.ROTATION, "auth0clientsecretrotations", True),
        (Kind.CONNECTION, "auth0connections", True),
        (Kind.CLUSTER_CONNECTION, "clusterauth0connections", False),
    ],
    ids=str,
)
def test_a_kind_has_a_plural_and_a_scope(kind: Kind, plural: str, *, is_namespaced: bool) -> None:
    assert kind.plural == plural
    assert kind.is_namespaced is is_namespaced


def test_the_group_and_version_are_those_of_the_contract() -> None:
    assert (GROUP, VERSION) == ("auth0rotator.dev", "v1alpha1")


def test_fields_have_the_names_of_the_api_outside_and_ours_inside() -> None:
    found = parse_spec(ConnectionRef, {"name": "acme"})
    assert found.kind.value == "Auth0Connection"
    spec = parse_spec(RotationSpec, spec_body(rotationInterval=7))
    assert spec.rotation_interval == 7
    assert spec.model_dump(by_alias=True)["rotationInterval"] == 7
    assert RotationSpec.model_validate(spec.model_dump()) == spec


def test_unknown_fields_are_passed_over() -> None:
    """An older operator still reads an object that was written for a newer one."""
    assert parse_spec(RotationSpec, spec_body(fromTheFuture=1)) == parse_spec(RotationSpec, spec_body())


def test_an_image_cannot_be_changed() -> None:
    found = parse_spec(ConnectionRef, {"name": "acme"})
    with pytest.raises(ValueError, match="frozen"):
        found.name = "other"  # type: ignore[misc]


@pytest.mark.parametrize("nothing", [None, {}], ids=["absent", "empty"])
def test_every_fault_is_told_in_one_sentence_by_its_place(nothing: dict[str, object] | None) -> None:
    with pytest.raises(SpecInvalid) as fault:
        parse_spec(RotationSpec, nothing)
    assert str(fault.value) == (
        "spec.connectionRef: field required; spec.parameters: field required; "
        "spec.rotationInterval: field required; spec.secretsMapping: field required"
    )


def test_a_fault_of_a_rule_is_told_in_our_words_at_its_place() -> None:
    with pytest.raises(SpecInvalid) as fault:
        parse_spec(RotationSpec, spec_body(target={"name": "web.journal"}))
    assert str(fault.value) == (
        "spec.target: a target cannot be called *.journal: such names belong to the operator's journals"
    )


def test_a_fault_of_the_whole_is_told_without_a_place() -> None:
    with pytest.raises(SpecInvalid) as fault:
        parse_spec(RotationSpec, spec_body(target={"template": {"data": {"SECRET": "x"}}}))
    assert str(fault.value) == (
        "spec: the keys of target.template.data must differ from those of secretsMapping"
    )


def test_a_fault_in_a_list_or_a_key_is_told_by_its_place() -> None:
    data = {"template": {"data": {"EXTRA": 7}}}
    with pytest.raises(SpecInvalid) as fault:
        parse_spec(RotationSpec, spec_body(target=data))
    assert str(fault.value) == "spec.target.template.data.EXTRA: input should be a valid string"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"parameters": {"clientId": ["s3cret-input"]}}, id="wrong-type"),
        pytest.param({"rotationInterval": "s3cret-input"}, id="not-a-number"),
        pytest.param(
            {"secretsMapping": {"clientId": "s3cret-input/", "clientSecret": "B"}}, id="pattern"
        ),
        pytest.param({"initialRotation": "s3cret-input"}, id="not-a-choice"),
        pytest.param({"target": {"template": {"data": {"X": "$(s3cret-input)"}}}}, id="our-rule"),
    ],
)
def test_a_fault_never_repeats_what_was_put_in(changes: dict[str, object]) -> None:
    with pytest.raises(SpecInvalid) as fault:
        parse_spec(RotationSpec, spec_body(**changes))
    assert "s3cret-input" not in str(fault.value)
    assert fault.value.__suppress_context__


def test_a_rule_of_the_schema_is_written_with_the_sentence_that_a_person_reads() -> None:
    assert rule("self.a != self.b", "they differ") == {
        "rule": "self.a != self.b",
        "message": "they differ",
    }
    assert rule("true", "m", ".a") == {"rule": "true", "message": "m", "fieldPath": ".a"}


@pytest.mark.parametrize(
    ("pattern", "text", "is_right"),
    [
        pytest.param("^[ab]+$", "ab", True, id="right"),
        pytest.param("^[ab]+$", "abc", False, id="wrong"),
        pytest.param("^[ab]+$", "ab\n", False, id="a-line-break-at-the-end"),
        pytest.param(r"\S", " x ", True, id="somewhere"),
        pytest.param(r"\S", " ", False, id="nowhere"),
    ],
)
def test_a_text_has_the_shape_that_the_api_server_would_demand(
    pattern: str, text: str, *, is_right: bool
) -> None:
    checked = TypeAdapter(Annotated[str, shape(pattern, "it must look otherwise")])
    if is_right:
        assert checked.validate_python(text) == text
        return
    with pytest.raises(ValidationError, match="Value error, it must look otherwise "):
        checked.validate_python(text)


def test_a_shape_is_written_for_the_api_server_with_its_sentence() -> None:
    """In CEL a backslash within a text is written twice."""
    written = {"rule": r"self.matches('^a\\.b$')", "message": "m"}
    assert shape_rule(r"^a\.b$", "m") == {"x-kubernetes-validations": [written]}


def test_a_status_has_all_the_fields_of_the_contract() -> None:
    rotation = RotationStatus.model_json_schema(by_alias=True)["properties"].keys()
    assert rotation == {
        "observedGeneration",
        "rotationStatus",
        "lastRotationAttemptedAt",
        "lastRotatedAt",
        "nextRotationAt",
        "nextRetryAt",
        "lastNoticeFor",
        "isLastRotationManual",
        "lastRotationId",
        "lastRotationMessage",
        "failedAttempts",
        "lastHandledRotateNow",
        "lastHandledRotationTrigger",
        "lastHandledReconcileAt",
        "secretName",
        "history",
        "conditions",
    }
    connection = ConnectionStatus.model_json_schema(by_alias=True)["properties"].keys()
    assert connection == {
        "observedGeneration",
        "conditions",
        "grantedScopes",
        "failuresInARow",
        "lastHandledResetCircuit",
        "lastCheckedAt",
    }
