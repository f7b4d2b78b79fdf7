"""The spec of a rotation: what it means, and what is refused."""

from datetime import time
from typing import Any

import pytest

from auth0_rotator.resource import (
    CreationPolicy,
    InitialRotation,
    RotationSpec,
    SecretsMapping,
    SpecInvalid,
    parse_spec,
)
from auth0_rotator.resource.rotation import ConnectionKind
from examples import spec_body

ALL_KEYS = {
    "clientId": "A",
    "clientSecret": "B",
    "nextClientSecret": "C",
    "previousClientSecret": "D",
}


def spec(**changes: Any) -> RotationSpec:
    return parse_spec(RotationSpec, spec_body(**changes))


def fault_of(**changes: Any) -> str:
    with pytest.raises(SpecInvalid) as fault:
        spec(**changes)
    return str(fault.value)


def test_what_is_not_said_has_the_defaults_of_the_contract() -> None:
    found = spec()
    assert found.description is None
    assert found.connection_ref.kind is ConnectionKind.CONNECTION
    assert found.is_auto_rotation_enabled is True
    assert found.rotate_at_utc is None
    assert found.time_of_day == time(0, 0)
    assert found.secrets_mapping.next_client_secret is None
    assert found.secrets_mapping.previous_client_secret is None
    assert found.target.name is None
    assert found.target.creation_policy is CreationPolicy.CREATE
    assert found.target.template is None
    assert found.initial_rotation is InitialRotation.IMMEDIATE
    assert found.rotation_trigger is None
    assert found.suspend is False
    assert found.verification.enabled is True
    assert found.deletion.delete_secrets is False
    assert found.deletion.revoke_generated_credentials is False


def test_a_template_has_the_defaults_of_the_contract() -> None:
    template = spec(target={"template": {}}).target.template
    assert template is not None
    assert template.type == "Opaque"
    assert (template.metadata.labels, template.metadata.annotations, template.data) == ({}, {}, {})


@pytest.mark.parametrize(
    ("rotate_at", "expected"),
    [
        pytest.param({}, time(0, 0), id="empty"),
        pytest.param({"hours": 14}, time(14, 0), id="hours"),
        pytest.param({"minutes": 30}, time(0, 30), id="minutes"),
        pytest.param({"hours": 23, "minutes": 59}, time(23, 59), id="last"),
    ],
)
def test_the_time_of_day_is_in_utc(rotate_at: dict[str, int], expected: time) -> None:
    assert spec(rotateAtUtc=rotate_at).time_of_day == expected


@pytest.mark.parametrize(
    "rotate_at", [{"hours": -1}, {"hours": 24}, {"minutes": -1}, {"minutes": 60}], ids=str
)
def test_there_is_no_such_time_of_day(rotate_at: dict[str, int]) -> None:
    assert fault_of(rotateAtUtc=rotate_at).startswith("spec.rotateAtUtc.")


@pytest.mark.parametrize(
    ("interval", "is_valid"),
    [(0, False), (1, True), (36500, True), (36501, False), (-1, False), (1.5, False)],
)
def test_an_interval_is_whole_days_from_one_to_a_hundred_years(
    interval: float, *, is_valid: bool
) -> None:
    if is_valid:
        assert spec(rotationInterval=interval).rotation_interval == interval
    else:
        assert fault_of(rotationInterval=interval).startswith("spec.rotationInterval: ")


# Client id -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("client_id", "trimmed"),
    [("AbC123", "AbC123"), ("  AbC123\n", "AbC123"), ("A b", "A b"), ("x" * 128, "x" * 128)],
    ids=["plain", "in-spaces", "space-within", "longest"],
)
def test_a_client_id_is_trimmed(client_id: str, trimmed: str) -> None:
    assert spec(parameters={"clientId": client_id}).parameters.client_id == trimmed


@pytest.mark.parametrize(
    "client_id",
    ["", " ", "\t\n", "\u00a0", "\u2003", "\u001c", "\u0085", "x" * 129],
    ids=[
        "empty",
        "space",
        "tab",
        "no-break-space",
        "em-space",
        "file-separator",
        "next-line",
        "too-long",
    ],
)
def test_a_client_id_of_nothing_or_too_much_is_refused(client_id: str) -> None:
    assert fault_of(parameters={"clientId": client_id}).startswith("spec.parameters.clientId: ")


# Keys ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left_out", "keys"),
    [
        pytest.param([], ("A", "B", "C", "D"), id="all"),
        pytest.param(["nextClientSecret"], ("A", "B", "D"), id="without-next"),
        pytest.param(["previousClientSecret"], ("A", "B", "C"), id="without-previous"),
        pytest.param(["nextClientSecret", "previousClientSecret"], ("A", "B"), id="the-required-two"),
    ],
)
def test_a_mapping_knows_its_keys(left_out: list[str], keys: tuple[str, ...]) -> None:
    mapping = {name: key for name, key in ALL_KEYS.items() if name not in left_out}
    assert parse_spec(SecretsMapping, mapping).keys == keys


@pytest.mark.parametrize("name", ["clientId", "clientSecret"])
def test_two_keys_are_required(name: str) -> None:
    mapping = {other: key for other, key in ALL_KEYS.items() if other != name}
    assert fault_of(secretsMapping=mapping) == f"spec.secretsMapping.{name}: field required"


@pytest.mark.parametrize(
    ("one", "other"),
    [(one, other) for number, one in enumerate(ALL_KEYS) for other in list(ALL_KEYS)[number + 1 :]],
)
def test_no_two_keys_are_the_same(one: str, other: str) -> None:
    mapping = ALL_KEYS | {one: ALL_KEYS[other]}
    assert fault_of(secretsMapping=mapping) == (
        "spec.secretsMapping: the keys of secretsMapping must all be different"
    )


@pytest.mark.parametrize(
    "key", ["a", "A-b_c.9", ".a..", "x" * 253], ids=["short", "all-signs", "dots", "longest"]
)
def test_a_key_is_one_of_a_secret(key: str) -> None:
    assert spec(secretsMapping=ALL_KEYS | {"clientId": key}).secrets_mapping.client_id == key


@pytest.mark.parametrize(
    "key",
    ["", "a b", "a/b", "ä", "a\n", "x" * 254],
    ids=["empty", "space", "slash", "umlaut", "line", "too-long"],
)
@pytest.mark.parametrize("name", list(ALL_KEYS))
def test_a_key_that_a_secret_cannot_have_is_refused(name: str, key: str) -> None:
    assert fault_of(secretsMapping=ALL_KEYS | {name: key}).startswith(f"spec.secretsMapping.{name}: ")


# Target ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["web", "a", "web.example.com", "a-b-9", "journal", "web.journals", "x" * 253],
    ids=lambda n: n[:20],
)
def test_a_target_has_the_name_of_a_secret(name: str) -> None:
    assert spec(target={"name": name}).target.name == name


@pytest.mark.parametrize(
    "name",
    ["", "Web", "-web", "web-", ".web", "web_x", "web/x", "web\n", "x" * 254],
    ids=lambda n: n[:20] or "empty",
)
def test_a_name_that_no_secret_can_have_is_refused(name: str) -> None:
    assert fault_of(target={"name": name}).startswith("spec.target.name: ")


@pytest.mark.parametrize("name", ["web.journal", "x.journal"])
def test_a_journal_can_never_be_a_target(name: str) -> None:
    assert fault_of(target={"name": name}) == (
        "spec.target: a target cannot be called *.journal: such names belong to the operator's journals"
    )


def test_merge_needs_the_name_of_the_secret_to_merge_into() -> None:
    assert fault_of(target={"creationPolicy": "Merge"}) == (
        "spec.target: creationPolicy Merge needs the name of the Secret to merge into: set target.name"
    )
    named = spec(target={"creationPolicy": "Merge", "name": "web"}).target
    assert named.creation_policy is CreationPolicy.MERGE
    assert spec(target={"creationPolicy": "Create"}).target.name is None


@pytest.mark.parametrize("policy", ["merge", "Owner", ""])
def test_there_is_no_other_creation_policy(policy: str) -> None:
    assert fault_of(target={"creationPolicy": policy}).startswith("spec.target.creationPolicy: ")


# Template --------------------------------------------------------------------------------------


def templated(**data: str) -> dict[str, Any]:
    return {"template": {"data": data}}


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "$(clientId) $(clientSecret) $(nextClientSecret) $(previousClientSecret) $(domain)",
        "$$(anything)",
        "$$()",
        "${HOME} $HOME (clientId) $",
        "x" * 4096,
    ],
    ids=["plain", "all-names", "escaped", "escaped-nothing", "no-references", "longest"],
)
def test_a_template_refers_to_what_there_is(text: str) -> None:
    template = spec(target=templated(EXTRA=text)).target.template
    assert template is not None
    assert template.data == {"EXTRA": text}


@pytest.mark.parametrize("part", ["labels", "annotations"])
def test_a_template_does_not_speak_for_the_operator(part: str) -> None:
    ours, theirs = "auth0rotator.dev/role", "auth0rotator.dev.example.com/role"
    message = (
        "names that begin with auth0rotator.dev/ are the operator's: target.template.metadata may not "
        "set them"
    )
    assert message in fault_of(target={"template": {"metadata": {part: {"a": "b", ours: "x"}}}})
    assert spec(target={"template": {"metadata": {part: {"a": "b", theirs: "x"}}}})


@pytest.mark.parametrize(
    "text",
    ["$(x)", "$()", "$(clientid)", "$( clientId )", "$$(x) $(y)", "$(clientId) $(x)"],
    ids=["unknown", "empty", "other-case", "spaces", "after-an-escaped-one", "after-a-known-one"],
)
def test_a_template_that_refers_to_nothing_is_refused(text: str) -> None:
    assert fault_of(target=templated(GOOD="plain", EXTRA=text)) == (
        "spec.target.template.data: the key EXTRA refers to a name that is not one of clientId, "
        "clientSecret, domain, nextClientSecret, previousClientSecret"
    )


@pytest.mark.parametrize(
    "key", ["a b", "", "a/b", "a\n", "ä"], ids=["space", "empty", "slash", "line", "umlaut"]
)
def test_a_template_key_that_a_secret_cannot_have_is_refused(key: str) -> None:
    assert fault_of(target=templated(GOOD="plain", **{key: "x"})) == (
        "spec.target.template.data: a key consists of letters, digits, dots, hyphens and underscores, "
        "and is neither a dot nor begins with two of them"
    )


@pytest.mark.parametrize(
    ("text", "place"), [("", "EXTRA"), ("x" * 4097, "EXTRA")], ids=["empty", "too-long"]
)
def test_a_template_of_nothing_or_too_much_is_refused(text: str, place: str) -> None:
    assert fault_of(target=templated(EXTRA=text)).startswith(f"spec.target.template.data.{place}: ")


@pytest.mark.parametrize("key", ["A", "B", "C", "D"])
def test_a_template_cannot_have_a_mapped_key(key: str) -> None:
    assert fault_of(secretsMapping=ALL_KEYS, target=templated(E="x", **{key: "x"})) == (
        "spec: the keys of target.template.data must differ from those of secretsMapping"
    )


def test_a_template_may_have_the_key_of_a_mapping_that_is_not_used() -> None:
    mapping = {"clientId": "A", "clientSecret": "B"}
    assert spec(secretsMapping=mapping, target=templated(C="x", D="y")).target.template is not None


# Other limits ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "longest"),
    [("description", 256), ("rotationTrigger", 256)],
    ids=["description", "trigger"],
)
def test_texts_have_a_limit(field: str, longest: int) -> None:
    spec(**{field: "x" * longest})
    assert fault_of(**{field: "x" * (longest + 1)}).startswith(f"spec.{field}: ")


@pytest.mark.parametrize("kind", ["Auth0Connection", "ClusterAuth0Connection"])
def test_a_rotation_may_refer_to_two_kinds(kind: str) -> None:
    assert spec(connectionRef={"kind": kind, "name": "acme"}).connection_ref.kind.value == kind


@pytest.mark.parametrize(
    "changes",
    [
        {"connectionRef": {"kind": "Secret", "name": "acme"}},
        {"connectionRef": {"name": "Acme"}},
        {"connectionRef": {}},
        {"parameters": {}},
        {"initialRotation": "Never"},
        {"deletion": {"deleteSecrets": "perhaps"}},
    ],
    ids=["other-kind", "name", "no-name", "no-client", "no-such-choice", "neither-true-nor-false"],
)
def test_what_makes_no_sense_is_refused_at_its_place(changes: dict[str, Any]) -> None:
    [place] = changes
    assert fault_of(**changes).startswith(f"spec.{place}")


def test_choices_are_understood() -> None:
    found = spec(
        initialRotation="WhenDue",
        suspend=True,
        isAutoRotationEnabled=False,
        verification={"enabled": False},
        deletion={"deleteSecrets": True, "revokeGeneratedCredentials": True},
        rotationTrigger="2026-11-23.1",
        description="mine",
    )
    assert found.initial_rotation is InitialRotation.WHEN_DUE
    assert found.suspend
    assert not found.is_auto_rotation_enabled
    assert not found.verification.enabled
    assert found.deletion.delete_secrets
    assert found.deletion.revoke_generated_credentials
    assert (found.rotation_trigger, found.description) == ("2026-11-23.1", "mine")


def test_consumers_are_named_by_kind_and_name() -> None:
    """The journal keeps them in these words."""
    kinds = ["Deployment", "StatefulSet", "DaemonSet", "argo.Rollout"]
    found = spec(rolloutRestartTargets=[{"kind": kind, "name": "web"} for kind in kinds])
    assert found.to_restart == tuple(f"{kind}/web" for kind in kinds)
    assert spec().to_restart == ()


def test_consumers_that_are_found_are_kept_as_a_star_beside_those_that_are_named() -> None:
    """The journal keeps it so, until they are known."""
    assert spec(consumers="discover").to_restart == ("*",)
    named = [{"kind": "Deployment", "name": "web"}]
    both = spec(consumers="discover", rolloutRestartTargets=named)
    assert both.to_restart == ("Deployment/web", "*")
    assert "consumers" in fault_of(consumers="all")


def test_a_restart_gate_is_no_default() -> None:
    assert not spec().restart_gate
    assert spec(restartGate=True).restart_gate
    assert "restartGate" in fault_of(restartGate="yes")


def test_a_kind_that_cannot_be_restarted_is_refused() -> None:
    assert "kind" in fault_of(rolloutRestartTargets=[{"kind": "CronJob", "name": "web"}])
