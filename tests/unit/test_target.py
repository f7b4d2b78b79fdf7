"""The target: what it shall hold, what it holds, and how the two differ."""

from base64 import b64encode
from dataclasses import replace
from typing import Any

import pytest

from auth0_rotator.credential import ClientSecret
from auth0_rotator.journal import Journal
from auth0_rotator.journal_secret import owner_reference
from auth0_rotator.record import record_annotations
from auth0_rotator.resource import CreationPolicy
from auth0_rotator.target import (
    Difference,
    Projection,
    Target,
    compare,
    contenders,
    field_manager,
    left_fields,
    project,
)
from auth0_rotator.target_secret import apply_body, parse_target
from examples import (
    BY_HAND,
    CLIENT_ID,
    CURRENT,
    DOMAIN,
    NAMESPACE,
    NEXT,
    PREVIOUS,
    UID,
    credential,
    intended,
    journal,
    managed_fields,
    plan,
    record,
    sending,
    target,
    target_body,
)

ALL_KEYS = {
    "clientId": "ID",
    "clientSecret": "SECRET",
    "nextClientSecret": "NEXT",
    "previousClientSecret": "PREVIOUS",
}
MERGE = {"name": "web", "creationPolicy": "Merge"}


def projected(of: Journal | None = None, **changes: Any) -> Projection:
    """Return the projection of a journal by a plan with changes."""
    return project(of or journal(), plan(**changes), NAMESPACE)


def templated(**template: Any) -> Projection:
    return projected(target={"template": template})


def revealed(projection: Projection) -> dict[str, str]:
    return {key: value.reveal() for key, value in projection.data.items()}


# Field manager ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rotation", "manager"),
    [
        pytest.param("web", "auth0-rotator/web", id="readable"),
        pytest.param("a" * 114, "auth0-rotator/" + "a" * 114, id="as-long-as-the-api-takes"),
        pytest.param(
            "a" * 115,
            # sha256sum of 115 times a
            "auth0-rotator/64410e651b346524cfe56e68c237ea76c0377921697027eb794a067501fb2910",
            id="hashed-where-too-long",
        ),
    ],
)
def test_each_rotation_has_a_field_manager_of_its_own(rotation: str, manager: str) -> None:
    assert field_manager(rotation) == manager
    assert len(manager) <= 128


# Projection ------------------------------------------------------------------------------------


def test_both_keys_are_rendered_from_the_journal() -> None:
    kept = journal(current=credential(client_id="another-client"))
    assert revealed(projected(kept)) == {"ID": "another-client", "SECRET": CURRENT.reveal()}


def test_every_mapped_key_holds_its_own_value() -> None:
    assert revealed(projected(secretsMapping=ALL_KEYS)) == {
        "ID": CLIENT_ID,
        "SECRET": CURRENT.reveal(),
        "NEXT": CURRENT.reveal(),
        "PREVIOUS": PREVIOUS.reveal(),
    }


def test_where_there_is_no_previous_value_its_key_holds_the_current_one() -> None:
    held = revealed(projected(journal(previous=None), secretsMapping=ALL_KEYS))
    assert held["PREVIOUS"] == CURRENT.reveal()


@pytest.mark.parametrize("kept", [journal(next=intended()), sending()], ids=["parked", "sending"])
def test_a_value_that_is_not_known_to_be_live_is_not_delivered(kept: Journal) -> None:
    held = revealed(projected(kept, secretsMapping=ALL_KEYS))
    assert NEXT.reveal() not in held.values()
    assert held["NEXT"] == CURRENT.reveal()


@pytest.mark.parametrize(
    ("optional", "key"), [("nextClientSecret", "NEXT"), ("previousClientSecret", "PREVIOUS")]
)
def test_a_key_that_is_not_mapped_is_not_there(optional: str, key: str) -> None:
    mapping = {name: text for name, text in ALL_KEYS.items() if name != optional}
    assert revealed(projected(secretsMapping=mapping)).keys() == set(ALL_KEYS.values()) - {key}


def test_without_a_current_value_there_is_nothing_to_project() -> None:
    with pytest.raises(ValueError, match=r"^a journal without a current value cannot be published$"):
        project(sending(current=None), plan(), NAMESPACE)


def test_a_target_carries_our_label_and_the_commit_record() -> None:
    projection = projected()
    assert projection.labels == {
        "auth0rotator.dev/role": "target",
        "app.kubernetes.io/managed-by": "auth0-rotator",
    }
    assert projection.annotations == record_annotations(record()) | {
        "auth0rotator.dev/rotation": "web",
        "auth0rotator.dev/secret-key": "SECRET",
    }
    assert (projection.record, projection.secret_key) == (record(), "SECRET")
    assert (projection.namespace, projection.name, projection.type) == (NAMESPACE, "web", "Opaque")
    assert (projection.rotation, projection.policy) == ("web", CreationPolicy.CREATE)


def test_a_secret_that_others_own_is_not_called_ours() -> None:
    projection = projected(target=MERGE)
    assert projection.labels == {"auth0rotator.dev/role": "target"}
    assert projection.policy is CreationPolicy.MERGE


def test_a_target_has_the_name_of_the_plan() -> None:
    assert projected(target={"name": "elsewhere"}).name == "elsewhere"


@pytest.mark.parametrize(
    ("changes", "owner"),
    [
        pytest.param({}, "", id="kept-by-default"),
        pytest.param({"deleteSecrets": True}, UID, id="deleted-with-its-rotation"),
        pytest.param({"deleteSecrets": True, "target": MERGE}, "", id="never-what-others-own"),
        pytest.param({"target": MERGE}, "", id="merged-and-kept"),
    ],
)
def test_a_target_is_owned_only_where_it_shall_go_with_its_rotation(
    changes: dict[str, Any], owner: str
) -> None:
    assert projected(**changes).owner_uid == owner


@pytest.mark.parametrize(
    ("changes", "is_marked"),
    [
        pytest.param({"deleteSecrets": True, "target": MERGE}, True, id="merged"),
        pytest.param({"deleteSecrets": True}, False, id="ours-is-owned"),
        pytest.param({"target": MERGE}, False, id="merged-and-kept"),
    ],
)
def test_keys_that_shall_leave_with_the_rotation_are_marked(
    changes: dict[str, Any], *, is_marked: bool
) -> None:
    projection = projected(**changes)
    assert projection.annotations.get("auth0rotator.dev/withdraw-with") == (UID if is_marked else None)
    assert target(annotations=projection.annotations).is_to_be_withdrawn is is_marked


# Template --------------------------------------------------------------------------------------


def test_a_template_gives_type_labels_and_annotations() -> None:
    projection = templated(
        type="example.com/login",
        metadata={"labels": {"team": "a"}, "annotations": {"note": "b"}},
    )
    assert projection.type == "example.com/login"
    assert projection.labels["team"] == "a"
    assert projection.annotations["note"] == "b"
    assert projection.annotations.items() >= record_annotations(record()).items()


def test_a_template_cannot_take_away_what_the_operator_needs() -> None:
    ours = {
        "labels": dict.fromkeys([*projected().labels, "auth0rotator.dev/made-up"], "x"),
        "annotations": dict.fromkeys([*projected().annotations, "auth0rotator.dev/withdraw-with"], "x"),
    }
    projection = templated(metadata=ours)
    assert projection.labels == projected().labels
    assert projection.annotations == projected().annotations


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        pytest.param("$(clientId)", CLIENT_ID, id="client-id"),
        pytest.param("$(clientSecret)", CURRENT.reveal(), id="client-secret"),
        pytest.param("$(nextClientSecret)", CURRENT.reveal(), id="next"),
        pytest.param("$(previousClientSecret)", PREVIOUS.reveal(), id="previous"),
        pytest.param("$(domain)", DOMAIN, id="domain"),
        pytest.param("a$(clientId)b$(domain)c", f"a{CLIENT_ID}b{DOMAIN}c", id="two-in-a-text"),
        pytest.param("$(clientId)$(clientId)", CLIENT_ID * 2, id="the-same-twice"),
        pytest.param("$$(clientId)", "$(clientId)", id="escaped"),
        pytest.param("$$(x)", "$(x)", id="escaped-unknown-name"),
        pytest.param("$$(clientId)=$(clientId)", f"$(clientId)={CLIENT_ID}", id="escaped-and-not"),
        pytest.param("$clientId ${clientId} $", "$clientId ${clientId} $", id="no-references"),
        pytest.param("(clientId)", "(clientId)", id="no-dollar"),
        pytest.param("plain", "plain", id="plain"),
        pytest.param("$$()", "$()", id="escaped-nothing"),
    ],
)
def test_references_in_a_template_are_replaced(text: str, rendered: str) -> None:
    assert revealed(templated(data={"EXTRA": text}))["EXTRA"] == rendered


@pytest.mark.parametrize(
    "value", ["a$(clientId)b", "$$(x)", "$(domain)", "back\\1slash\\g<name>", "$(clientSecret)"]
)
def test_a_value_is_never_read_as_a_template(value: str) -> None:
    kept = journal(current=credential(ClientSecret(value)))
    projection = projected(kept, target={"template": {"data": {"EXTRA": "<$(clientSecret)>$(domain)"}}})
    assert revealed(projection) == {"ID": CLIENT_ID, "SECRET": value, "EXTRA": f"<{value}>{DOMAIN}"}


# Apply -----------------------------------------------------------------------------------------


def test_a_new_target_is_applied_only_where_there_is_none() -> None:
    """No Secret has version 1: where one is there already, the API server answers with a conflict."""
    projection = templated(type="example.com/login", data={"EXTRA": "ü"})
    assert apply_body(projection, None) == {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "example.com/login",
        "metadata": {
            "name": "web",
            "namespace": "team-a",
            "labels": dict(projection.labels),
            "annotations": dict(projection.annotations),
            "resourceVersion": "1",
        },
        "data": {
            "ID": b64encode(CLIENT_ID.encode()).decode(),
            "SECRET": b64encode(CURRENT.reveal().encode()).decode(),
            "EXTRA": "w7w=",
        },
    }


def test_an_existing_target_is_applied_on_the_version_that_was_seen_and_keeps_its_type() -> None:
    body = apply_body(projected(), target(resource_version="77", type="kubernetes.io/basic-auth"))
    assert body["metadata"]["resourceVersion"] == "77"
    assert body["type"] == "kubernetes.io/basic-auth"


def test_an_owned_target_is_applied_with_its_owner() -> None:
    body = apply_body(projected(deleteSecrets=True), None)
    assert body["metadata"]["ownerReferences"] == [owner_reference("web", UID)]
    assert "ownerReferences" not in apply_body(projected(), None)["metadata"]


# Comparison ------------------------------------------------------------------------------------

OWNED = plan(deleteSecrets=True)
MAPPED = plan(
    secretsMapping=ALL_KEYS,
    target={"template": {"data": {"EXTRA": "x"}, "metadata": {"labels": {"team": "a"}}}},
)


def with_value(key: str, value: ClientSecret | None, **changes: Any) -> Target:
    """Return the target of `MAPPED` with another value under a key."""
    stands = target(by=MAPPED, **changes)
    return replace(stands, data={**stands.data, key: value})


def without(part: str, name: str) -> Target:
    """Return the target of `MAPPED` without one label, annotation or key."""
    stands = target(by=MAPPED)
    changes: dict[str, Any] = {
        part: {key: value for key, value in getattr(stands, part).items() if key != name}
    }
    return replace(stands, **changes)


def with_text(part: str, name: str, text: str = "x") -> Target:
    """Return the target of `MAPPED` with another label or annotation."""
    stands = target(by=MAPPED)
    changes: dict[str, Any] = {part: {**getattr(stands, part), name: text}}
    return replace(stands, **changes)


def held(**changes: frozenset[str]) -> Target:
    """Return the target of `MAPPED` with other fields held by our manager."""
    return target(by=MAPPED, fields={"auth0-rotator/web": frozenset(), **changes})


FIELDS = target(by=MAPPED).fields["auth0-rotator/web"]


@pytest.mark.parametrize(
    ("stands", "difference"),
    [
        pytest.param(None, Difference.MISSING, id="missing"),
        pytest.param(target(by=MAPPED), Difference.NONE, id="none"),
        pytest.param(with_value("SECRET", BY_HAND), Difference.SECRET, id="other-secret"),
        pytest.param(with_value("SECRET", None), Difference.SECRET, id="secret-empty"),
        pytest.param(without("data", "SECRET"), Difference.SECRET, id="secret-gone"),
        pytest.param(with_value("SECRET", BY_HAND, labels={}), Difference.SECRET, id="secret-and-shape"),
        pytest.param(with_value("ID", ClientSecret("x")), Difference.SHAPE, id="other-client-id"),
        pytest.param(without("data", "ID"), Difference.SHAPE, id="client-id-gone"),
        pytest.param(with_value("PREVIOUS", CURRENT), Difference.SHAPE, id="other-previous"),
        pytest.param(with_value("NEXT", PREVIOUS), Difference.SHAPE, id="other-next"),
        pytest.param(with_value("EXTRA", ClientSecret("y")), Difference.SHAPE, id="other-extra"),
        pytest.param(with_value("THEIRS", BY_HAND), Difference.NONE, id="a-key-of-others"),
        pytest.param(without("labels", "auth0rotator.dev/role"), Difference.SHAPE, id="label-gone"),
        pytest.param(with_text("labels", "team"), Difference.SHAPE, id="other-label"),
        pytest.param(with_text("labels", "theirs"), Difference.NONE, id="a-label-of-others"),
        pytest.param(
            without("annotations", "auth0rotator.dev/sequence"), Difference.SHAPE, id="annotation-gone"
        ),
        pytest.param(
            with_text("annotations", "auth0rotator.dev/handled"), Difference.SHAPE, id="other-annotation"
        ),
        pytest.param(with_text("annotations", "theirs"), Difference.NONE, id="an-annotation-of-others"),
        pytest.param(target(by=MAPPED, fields={}), Difference.SHAPE, id="nothing-held-by-us"),
        pytest.param(
            held(**{"auth0-rotator/web": FIELDS | {"data/OLD"}}), Difference.SHAPE, id="a-key-too-many"
        ),
        pytest.param(
            held(**{"auth0-rotator/web": FIELDS - {"data/NEXT"}}), Difference.SHAPE, id="a-key-not-held"
        ),
        pytest.param(
            held(**{"auth0-rotator/web": FIELDS | {"labels/old"}}),
            Difference.SHAPE,
            id="a-label-too-many",
        ),
        pytest.param(
            held(**{"auth0-rotator/web": FIELDS | {"annotations/old"}}),
            Difference.SHAPE,
            id="an-annotation-too-many",
        ),
        pytest.param(
            held(**{"auth0-rotator/web": FIELDS | {"ownerReferences/x"}}),
            Difference.SHAPE,
            id="an-owner-too-many",
        ),
        pytest.param(
            held(**{"auth0-rotator/web": FIELDS, "helm": frozenset({"data/THEIRS"})}),
            Difference.NONE,
            id="fields-of-others",
        ),
        pytest.param(
            held(**{"auth0-rotator/api": FIELDS}), Difference.SHAPE, id="held-by-another-rotation"
        ),
    ],
)
def test_a_target_is_compared_with_its_projection(stands: Target | None, difference: Difference) -> None:
    assert compare(project(journal(), MAPPED, NAMESPACE), stands) is difference


@pytest.mark.parametrize(
    ("stands", "difference"),
    [
        pytest.param(target(by=OWNED), Difference.NONE, id="owned"),
        pytest.param(target(by=OWNED, owners=()), Difference.SHAPE, id="owner-gone"),
        pytest.param(target(by=OWNED, owners=("other-uid",)), Difference.SHAPE, id="other-owner"),
        pytest.param(target(by=OWNED, owners=("other-uid", UID)), Difference.NONE, id="one-more-owner"),
        pytest.param(target(), Difference.SHAPE, id="not-owned-yet"),
    ],
)
def test_an_owned_target_is_compared_with_its_owner(stands: Target, difference: Difference) -> None:
    assert compare(project(journal(), OWNED, NAMESPACE), stands) is difference


def test_an_owner_that_is_no_longer_wanted_is_a_difference() -> None:
    assert compare(projected(), target(by=OWNED)) is Difference.SHAPE
    assert compare(projected(), target(owners=(UID,))) is Difference.NONE


def test_a_key_that_is_no_longer_mapped_is_a_difference() -> None:
    assert compare(projected(), target(by=MAPPED)) is Difference.SHAPE


def test_a_renamed_key_is_a_difference_of_the_secret_itself() -> None:
    renamed = projected(secretsMapping={"clientId": "ID", "clientSecret": "PASSWORD"})
    assert compare(renamed, target()) is Difference.SECRET


def test_what_others_left_is_what_the_projection_has_no_use_for() -> None:
    stands = held(
        **{
            "auth0-rotator/api": frozenset({"data/SECRET", "data/API", "labels/theirs"}),
            "auth0-rotator/old": frozenset({"ownerReferences/x"}),
            "helm": frozenset({"data/THEIRS"}),
        }
    )
    assert left_fields(projected(), stands, ["api"]) == {"data/API", "labels/theirs"}
    assert left_fields(projected(), stands, ["api", "old", "unseen"]) == {
        "data/API",
        "labels/theirs",
        "ownerReferences/x",
    }
    assert left_fields(projected(), stands, []) == frozenset()


# As it stands in the cluster -------------------------------------------------------------------


def test_a_target_that_was_applied_is_read_as_it_stands() -> None:
    stands = parse_target(target_body(by=OWNED))
    assert stands == Target(
        uid="target-uid",
        resource_version="52",
        type="Opaque",
        is_immutable=False,
        is_deleting=False,
        data={"ID": ClientSecret(CLIENT_ID), "SECRET": CURRENT},
        labels=dict(projected().labels),
        annotations=dict(projected().annotations),
        record=record(),
        rotation="web",
        owners=(UID,),
        controller="",
        fields={
            "auth0-rotator/web": frozenset(
                {"data/ID", "data/SECRET", f"ownerReferences/{UID}"}
                | {f"labels/{name}" for name in projected().labels}
                | {f"annotations/{name}" for name in projected().annotations}
            )
        },
        writers=stands.writers,
    )


def test_those_who_hold_one_of_our_fields_are_named() -> None:
    entries = [
        {"manager": "vault", "operation": "Update", "fieldsV1": {"f:data": {"f:SECRET": {}}}},
        {"manager": "argo", "operation": "Apply", "fieldsV1": {"f:data": {"f:ID": {}}}},
        {"manager": "argo", "operation": "Update", "fieldsV1": {"f:data": {"f:X": {}}}},
        {"manager": "kubectl", "operation": "Update", "fieldsV1": {"f:data": {"f:OTHER": {}}}},
        {"operation": "Update", "fieldsV1": {"f:data": {"f:SECRET": {}}}},
    ]
    stands = parse_target(target_body(managedFields=[*managed_fields(projected()), *entries]))
    assert contenders(projected(), stands) == ("argo", "vault")
    assert stands.writers["argo"] == {"data/ID", "data/X"}
    assert stands.fields["argo"] == {"data/ID"}


def test_a_bare_secret_is_read_as_it_stands() -> None:
    stands = parse_target({"metadata": {"uid": "u", "resourceVersion": "9"}})
    assert (stands.uid, stands.resource_version, stands.type) == ("u", "9", "Opaque")
    assert (stands.data, stands.labels, stands.annotations) == ({}, {}, {})
    assert (stands.record, stands.rotation, stands.controller) == (None, "", "")
    assert (stands.owners, stands.fields) == ((), {})
    assert not stands.is_immutable
    assert not stands.is_deleting
    assert stands.recorded_secret is None


@pytest.mark.parametrize("immutable", [True, False, None], ids=str)
@pytest.mark.parametrize("stamp", ["2026-11-23T09:30:00Z", None], ids=["going", "staying"])
def test_a_secret_says_whether_it_is_immutable_or_going(immutable: object, stamp: str | None) -> None:
    stands = parse_target(target_body(deletionTimestamp=stamp) | {"immutable": immutable})
    assert stands.is_immutable is bool(immutable)
    assert stands.is_deleting is (stamp is not None)


def test_the_type_of_a_secret_is_kept() -> None:
    assert parse_target(target_body() | {"type": "kubernetes.io/tls"}).type == "kubernetes.io/tls"


@pytest.mark.parametrize(
    ("value", "read"),
    [
        pytest.param("cGxhaW4=", ClientSecret("plain"), id="text"),
        pytest.param("w7w=", ClientSecret("ü"), id="not-ascii-text"),
        pytest.param("", None, id="empty"),
        pytest.param("/w==", None, id="bytes"),
        pytest.param("cGxhaW4", None, id="no-padding"),
        pytest.param("cGxh\naW4=", None, id="line-break"),
        pytest.param("cGxh aW4=%", None, id="no-base64"),
        pytest.param("ää==", None, id="not-even-ascii"),
    ],
)
def test_a_value_that_is_no_text_counts_as_none(value: str, read: ClientSecret | None) -> None:
    stands = parse_target(target_body() | {"data": {"KEY": value}})
    assert stands.data == {"KEY": read}


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param({"auth0rotator.dev/sequence": "x"}, id="no-sense"),
        pytest.param({"auth0rotator.dev/domain": ""}, id="incomplete"),
    ],
)
def test_a_broken_commit_record_counts_as_none(broken: dict[str, str]) -> None:
    body = target_body()
    body["metadata"]["annotations"] |= broken
    stands = parse_target(body)
    assert (stands.record, stands.rotation) == (None, "")
    assert stands.annotations["auth0rotator.dev/rotation"] == "web"


def test_a_record_that_names_no_rotation_is_nobodys() -> None:
    body = target_body()
    del body["metadata"]["annotations"]["auth0rotator.dev/rotation"]
    stands = parse_target(body)
    assert (stands.record, stands.rotation) == (record(), "")


def test_what_kubectl_keeps_for_itself_is_left_out() -> None:
    body = target_body(
        annotations={"kubectl.kubernetes.io/last-applied-configuration": "{}", "note": "b"}
    )
    assert parse_target(body).annotations == {"note": "b"}


@pytest.mark.parametrize(
    ("owners", "controller"),
    [
        pytest.param([], "", id="none"),
        pytest.param([owner_reference("web", UID)], "", id="our-rotation"),
        pytest.param(
            [{"apiVersion": "helm.example/v1", "kind": "Release", "name": "app", "uid": "u"}],
            "",
            id="no-controller",
        ),
        pytest.param(
            [
                {"apiVersion": "apps/v1", "kind": "Job", "name": "j", "uid": "u", "controller": False},
                {"kind": "SealedSecret", "name": "app", "uid": "v", "controller": True},
            ],
            "SealedSecret app",
            id="the-second",
        ),
        pytest.param(
            [
                {
                    "apiVersion": "auth0rotator.dev.example/v1",
                    "kind": "Other",
                    "name": "app",
                    "uid": "u",
                    "controller": True,
                }
            ],
            "Other app",
            id="another-group",
        ),
    ],
)
def test_a_controller_is_one_that_is_not_ours(owners: list[dict[str, Any]], controller: str) -> None:
    stands = parse_target(target_body(ownerReferences=owners))
    assert stands.controller == controller
    assert stands.owners == tuple(owner["uid"] for owner in owners)


@pytest.mark.parametrize(
    "secret_key", ["SECRET", "GONE", None], ids=["there", "value-gone", "not-named"]
)
def test_the_recorded_secret_stands_under_the_key_that_the_record_names(secret_key: str | None) -> None:
    body = target_body()
    body["metadata"]["annotations"].pop("auth0rotator.dev/secret-key")
    if secret_key is not None:
        body["metadata"]["annotations"]["auth0rotator.dev/secret-key"] = secret_key
    expected = CURRENT if secret_key == "SECRET" else None
    assert parse_target(body).recorded_secret == expected


@pytest.mark.parametrize(
    ("key", "secret", "is_held"),
    [
        ("SECRET", CURRENT, True),
        ("SECRET", NEXT, False),
        ("ID", CURRENT, False),
        ("GONE", CURRENT, False),
    ],
)
def test_a_target_holds_what_stands_under_the_key(
    key: str, secret: ClientSecret, *, is_held: bool
) -> None:
    assert target().holds(key, secret) is is_held


@pytest.mark.parametrize(
    ("managed", "fields"),
    [
        pytest.param(None, {}, id="none"),
        pytest.param(
            [{"manager": "kubectl", "operation": "Update", "fieldsV1": {"f:data": {}}}], {}, id="update"
        ),
        pytest.param([{"operation": "Apply", "fieldsV1": {}}], {}, id="without-a-name"),
        pytest.param([{"manager": "m", "operation": "Apply"}], {"m": frozenset()}, id="without-fields"),
        pytest.param(
            [
                {"manager": "m", "operation": "Apply", "fieldsV1": {"f:data": {".": {}, "f:A": {}}}},
                {
                    "manager": "n",
                    "operation": "Apply",
                    "fieldsV1": {
                        "f:metadata": {
                            "f:labels": {".": {}, "f:a.b/c": {}},
                            "f:annotations": {"f:d": {}},
                            "f:ownerReferences": {'k:{"uid":"u-1"}': {}, ".": {}},
                            "f:finalizers": {'v:"x"': {}},
                        },
                        "f:type": {},
                    },
                },
            ],
            {
                "m": frozenset({"data/A"}),
                "n": frozenset({"labels/a.b/c", "annotations/d", "ownerReferences/u-1"}),
            },
            id="of-all-parts",
        ),
    ],
)
def test_only_applied_fields_are_kept(
    managed: list[dict[str, Any]] | None, fields: dict[str, frozenset[str]]
) -> None:
    assert parse_target(target_body(managedFields=managed)).fields == fields


def test_the_values_of_a_target_are_all_that_stand_in_it() -> None:
    """Catches a message that hides what is to be written, and quotes what stands there."""
    held = replace(target(), data={"ID": CURRENT, "THEIRS": BY_HAND, "EMPTY": None})
    assert held.values == [CURRENT, BY_HAND]
