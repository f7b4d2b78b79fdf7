"""From an object of the API to what a pass knows of it."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from auth0_rotator.conditions import ConditionType, Reason
from auth0_rotator.observation import Contest, Observation, given
from auth0_rotator.resource import Kind
from auth0_rotator.resource.rotation import ConnectionKind
from auth0_rotator.subject import ConnectionKey, Key, PastStatus, parse_rotation, parse_status
from examples import (
    CLIENT_ID,
    MINUTE,
    NOW,
    UID,
    connection,
    created,
    failed_status,
    invalid_rotation,
    journal,
    meta,
    observation,
    plan,
    rival,
    rotation,
    rotation_body,
    sending,
)

MONDAY = "annotation:d618fb157a4b382e"
TUESDAY_OF_SPEC = "spec:d78d1a3f3bcf22d7"


VERIFIED = {"type": "Verified", "status": "True"}


def test_a_key_is_written_as_namespace_and_name() -> None:
    assert str(Key("team-a", "web")) == "team-a/web"


# Rotation --------------------------------------------------------------------------------------


def test_a_rotation_is_read_with_all_that_a_pass_needs() -> None:
    found = rotation(
        deletionTimestamp="2026-11-23T09:30:00Z",
        finalizers=["auth0rotator.dev/revoke", "team.example/x"],
        annotations={
            "auth0rotator.dev/rotate-now": "monday",
            "auth0rotator.dev/rotate-reason": "it leaked",
            "auth0rotator.dev/settle-doubt": "next",
            "reconcile.fluxcd.io/requestedAt": "2026-11-23",
        },
    )
    assert (found.key, found.uid) == (Key("team-a", "web"), UID)
    assert (found.resource_version, found.generation) == ("30", 3)
    assert found.created_at == datetime(2026, 6, 1, tzinfo=UTC)
    assert found.deleting_since == NOW
    assert found.finalizers == ("auth0rotator.dev/revoke", "team.example/x")
    assert found.spec is not None
    assert found.spec.parameters.client_id == CLIENT_ID
    assert found.spec_fault == ""
    assert found.rotate_now == "monday"
    assert found.rotate_reason == "it leaked"
    assert found.settle_doubt == "next"
    assert found.reconcile_at == "2026-11-23"


@pytest.mark.parametrize(
    "empty", [{}, {"annotations": None, "finalizers": None}], ids=["absent", "null"]
)
def test_what_an_object_does_not_say_is_empty(empty: dict[str, Any]) -> None:
    body = rotation_body(**empty)
    del body["status"]
    del body["metadata"]["generation"]
    del body["metadata"]["creationTimestamp"]
    found = parse_rotation(body)
    assert (found.generation, found.created_at, found.deleting_since) == (0, None, None)
    assert (found.finalizers, found.tokens) == ((), ())
    assert (found.rotate_now, found.settle_doubt, found.reconcile_at) == ("", "", "")
    assert found.rotate_reason == ""
    assert found.status == PastStatus()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        pytest.param("it leaked", "it leaked", id="as-it-is"),
        pytest.param("  it \n\n leaked\t", "it leaked", id="in-one-line"),
        pytest.param(" \n", "", id="nothing-but-blanks"),
        pytest.param("x" * 256, "x" * 256, id="as-long-as-it-may-be"),
        pytest.param("x" * 257, "x" * 253 + "...", id="too-long"),
    ],
)
def test_a_reason_is_kept_as_one_short_line(text: str, kept: str) -> None:
    """It stands in an annotation, an Event and a history entry, none of which is a diary."""
    assert rotation(annotations={"auth0rotator.dev/rotate-reason": text}).rotate_reason == kept


def test_an_invalid_spec_becomes_a_fault_that_says_what_is_wrong() -> None:
    found = invalid_rotation()
    assert found.spec is None
    assert found.spec_fault == "spec.rotationInterval: input should be greater than or equal to 1"
    assert found.plan is None
    assert found.tokens == ()


def test_an_absent_spec_is_a_fault_as_well() -> None:
    body = rotation_body()
    del body["spec"]
    assert "spec.connectionRef: field required" in parse_rotation(body).spec_fault


@pytest.mark.parametrize(
    ("rotate_now", "trigger", "tokens"),
    [
        pytest.param("", None, (), id="none"),
        pytest.param("monday", None, (MONDAY,), id="annotation"),
        pytest.param("", "tuesday", (TUESDAY_OF_SPEC,), id="spec"),
        pytest.param("monday", "tuesday", (MONDAY, TUESDAY_OF_SPEC), id="both"),
        pytest.param("", "", (), id="empty-is-no-trigger"),
    ],
)
def test_tokens_are_known_by_source_and_digest(
    rotate_now: str, trigger: str | None, tokens: tuple[str, ...]
) -> None:
    found = rotation(
        spec={"rotationTrigger": trigger}, annotations={"auth0rotator.dev/rotate-now": rotate_now}
    )
    assert found.tokens == tokens


def test_a_token_of_an_invalid_spec_still_counts_by_its_annotation() -> None:
    assert invalid_rotation(annotations={"auth0rotator.dev/rotate-now": "monday"}).tokens == (MONDAY,)


def test_the_plan_is_what_the_spec_wants_delivered() -> None:
    found = rotation(
        spec={
            "connectionRef": {"kind": "ClusterAuth0Connection", "name": "shared"},
            "secretsMapping": {"clientId": "A", "clientSecret": "B"},
            "target": {"name": "elsewhere"},
            "deletion": {"deleteSecrets": True},
        }
    ).plan
    assert found is not None
    assert (found.rotation, found.uid, found.target_name) == ("web", UID, "elsewhere")
    assert found.connection_ref.kind is ConnectionKind.CLUSTER_CONNECTION
    assert found.connection_ref.name == "shared"
    assert found.secrets_mapping.keys == ("A", "B")
    assert found.delete_secrets
    assert rotation().plan == plan()


# Status ----------------------------------------------------------------------------------------


def test_the_parts_of_a_status_that_a_later_pass_reads() -> None:
    raw = failed_status(
        observedGeneration=2,
        lastHandledReconcileAt="2026-11-22",
        nextRotationAt="2026-11-24T00:00:00Z",
        lastNoticeFor="2026-11-01T00:00:00Z",
        lastRotatedAt="2026-11-02T00:00:00Z",
        isLastRotationManual=True,
        lastHandledRotateNow="monday",
        lastHandledRotationTrigger="monday",
        history=[{"id": "01A"}],
        conditions=[{"type": "Ready"}],
    )
    assert parse_status(raw) == PastStatus(
        observed_generation=2,
        failed=True,
        failed_attempts=3,
        last_attempted_at=datetime(2026, 11, 23, 9, 29, tzinfo=UTC),
        next_rotation_at=datetime(2026, 11, 24, tzinfo=UTC),
        next_retry_at=datetime(2026, 11, 23, 9, 34, tzinfo=UTC),
        noticed_for=datetime(2026, 11, 1, tzinfo=UTC),
        last_rotated_at=datetime(2026, 11, 2, tzinfo=UTC),
        is_last_manual=True,
        handled=("annotation:d618fb157a4b382e", "spec:d618fb157a4b382e"),
        last_handled_reconcile_at="2026-11-22",
        history=[{"id": "01A"}],
        raw=raw,
    )
    assert parse_status(raw).conditions == [{"type": "Ready"}]


@pytest.mark.parametrize("word", ["success", None, "Failed"], ids=str)
def test_only_the_word_failed_is_a_failure(word: str | None) -> None:
    assert not parse_status({"rotationStatus": word}).failed


def test_an_empty_status_says_nothing() -> None:
    empty = parse_status({"failedAttempts": None, "history": None, "lastHandledReconcileAt": None})
    assert (empty.observed_generation, empty.failed, empty.failed_attempts) == (-1, False, 0)
    assert (empty.last_attempted_at, empty.next_retry_at) == (None, None)
    assert (empty.next_rotation_at, empty.noticed_for) == (None, None)
    assert (empty.last_rotated_at, empty.is_last_manual, empty.handled) == (None, False, ())
    assert (empty.last_handled_reconcile_at, empty.history, empty.conditions) == ("", (), ())


@pytest.mark.parametrize(
    ("status", "is_told"),
    [
        pytest.param({"lastRotationId": "01B"}, True, id="the-last"),
        pytest.param({"lastRotationId": "01C", "history": [{"id": "01B"}]}, True, id="an-earlier"),
        pytest.param({"lastRotationId": "01C", "history": [{}]}, False, id="others"),
        pytest.param({}, False, id="none"),
    ],
)
def test_a_status_tells_of_the_rotations_that_were_carried_out(
    status: dict[str, Any], *, is_told: bool
) -> None:
    assert parse_status(status).tells_of("01B") is is_told


@pytest.mark.parametrize(
    ("status", "is_failure"),
    [
        pytest.param(failed_status(lastRotationId="01B"), True, id="since"),
        pytest.param(failed_status(lastRotationId="01A"), False, id="made-good"),
        pytest.param(failed_status(), False, id="first-made-good"),
        pytest.param({"rotationStatus": "success", "failedAttempts": 3}, False, id="none"),
    ],
)
def test_a_failure_that_a_later_rotation_made_good_counts_no_more(
    status: dict[str, Any], *, is_failure: bool
) -> None:
    past = parse_status(status)
    good = replace(past, failed=False, failed_attempts=0, next_retry_at=None)
    assert past.seen_after("01B") == (past if is_failure or not past.failed else good)


@pytest.mark.parametrize(
    ("status", "is_verdict"),
    [
        pytest.param({"lastRotationId": "01B", "conditions": [VERIFIED]}, True, id="accepted"),
        pytest.param(
            {"lastRotationId": "01B", "conditions": [VERIFIED | {"status": "False"}]}, True, id="refused"
        ),
        pytest.param(
            {"lastRotationId": "01B", "conditions": [VERIFIED | {"status": "Unknown"}]},
            False,
            id="not-said",
        ),
        pytest.param({"lastRotationId": "01A", "conditions": [VERIFIED]}, False, id="of-another"),
        pytest.param(
            {"lastRotationId": "01B", "conditions": [VERIFIED | {"type": "Ready"}]},
            False,
            id="not-asked",
        ),
        pytest.param({}, False, id="wiped"),
    ],
)
def test_a_status_tells_whether_the_tenant_has_spoken(
    status: dict[str, Any], *, is_verdict: bool
) -> None:
    assert parse_status(status).is_verdict_on("01B") is is_verdict


@pytest.mark.parametrize(
    ("rotation_id", "status", "is_refusal"),
    [
        pytest.param("01B", "False", True, id="refused"),
        pytest.param("01B", "True", False, id="accepted"),
        pytest.param("01B", "Unknown", False, id="not-said"),
        pytest.param("01A", "False", False, id="another-refused"),
        pytest.param("01A", "True", False, id="another-accepted"),
    ],
)
def test_a_status_tells_what_the_tenant_has_refused(
    rotation_id: str, status: str, *, is_refusal: bool
) -> None:
    told = {"lastRotationId": rotation_id, "conditions": [VERIFIED | {"status": status}]}
    assert parse_status(told).is_refusal_of("01B") is is_refusal


@pytest.mark.parametrize(
    ("conditions", "has_reason", "says_no"),
    [
        pytest.param([], False, False, id="nothing-said"),
        pytest.param([VERIFIED | {"reason": "Pending"}], True, False, id="with-that-reason"),
        pytest.param([VERIFIED | {"reason": "Verified"}], False, False, id="with-another"),
        pytest.param([VERIFIED | {"status": "False"}], False, True, id="false"),
        pytest.param([VERIFIED | {"status": "Unknown"}], False, False, id="unknown"),
        pytest.param(
            [{"type": "Ready", "status": "False", "reason": "Pending"}], False, False, id="of-another"
        ),
        pytest.param(
            [{"type": "Ready"}, {"type": "Verified", "status": "False", "reason": "Pending"}],
            True,
            True,
            id="beside-another",
        ),
    ],
)
def test_a_status_tells_what_its_conditions_said(
    conditions: list[dict[str, Any]], *, has_reason: bool, says_no: bool
) -> None:
    past = parse_status({"conditions": conditions})
    assert past.has_reason(ConditionType.VERIFIED, Reason.PENDING) is has_reason
    assert past.says_no(ConditionType.VERIFIED) is says_no


# Plan and rivals -------------------------------------------------------------------------------

OTHER = plan(target={"name": "elsewhere"})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, plan(), id="by-the-spec"),
        pytest.param({"journal": journal(plan=OTHER)}, plan(), id="the-spec-before-the-journal"),
        pytest.param({"rotation": None, "journal": sending(plan=OTHER)}, OTHER, id="object-gone"),
        pytest.param(
            {"rotation": invalid_rotation(), "journal": sending(plan=OTHER)}, OTHER, id="spec-invalid"
        ),
        pytest.param({"rotation": None, "journal": journal(plan=None)}, None, id="plan-unknown"),
        pytest.param({"rotation": None, "journal": None}, None, id="nothing-there"),
    ],
)
def test_the_plan_is_that_of_the_spec_else_that_of_the_journal(
    changes: dict[str, Any], expected: object
) -> None:
    assert observation(**(changes | {"target": None})).plan == expected


def test_a_new_object_has_the_plan_of_its_spec() -> None:
    assert created().plan == plan()


# Leaving and taking over ------------------------------------------------------------------------


def left(
    rotation_at: str | None, journal_at: datetime | None, *, unreadable_at: datetime | None = None
) -> Observation:
    """Return what is seen of a rotation and a journal that were deleted then."""
    return observation(
        rotation=rotation(deletionTimestamp=rotation_at),
        journal=journal(meta=meta(deleting_since=journal_at)),
        journal_deleting_since=unreadable_at,
    )


@pytest.mark.parametrize(
    ("seen_at", "since"),
    [
        pytest.param(None, NOW, id="not-noted"),
        pytest.param(NOW - MINUTE, NOW - MINUTE, id="dated-ahead"),
        pytest.param(NOW + MINUTE, NOW, id="seen-late"),
    ],
)
def test_a_deletion_is_no_later_than_it_was_seen(seen_at: datetime | None, since: datetime) -> None:
    """The API server dates it by its own clock: hours ahead of ours, it would never be over."""
    assert replace(left(None, NOW), leaving_seen_at=seen_at).leaving_since == since
    assert replace(left(None, None), leaving_seen_at=seen_at).leaving_since is None


@pytest.mark.parametrize(
    ("o", "since"),
    [
        pytest.param(left(None, None), None, id="neither"),
        pytest.param(left("2026-11-23T09:30:00Z", None), NOW, id="rotation"),
        pytest.param(left(None, NOW), NOW, id="journal"),
        pytest.param(left("2026-11-23T09:30:00Z", NOW - MINUTE), NOW - MINUTE, id="journal-first"),
        pytest.param(left("2026-11-23T09:30:00Z", NOW + MINUTE), NOW, id="rotation-first"),
        pytest.param(
            observation(rotation=None, journal=journal(meta=meta(deleting_since=NOW))),
            NOW,
            id="journal-of-a-rotation-that-is-gone",
        ),
        pytest.param(created(rotation=None, journal_deleting_since=NOW), NOW, id="unreadable-journal"),
        pytest.param(
            observation(journal=journal(meta=None), journal_deleting_since=NOW),
            NOW,
            id="journal-that-was-never-written",
        ),
        pytest.param(
            left(None, None, unreadable_at=NOW - MINUTE), None, id="what-can-be-read-tells-itself"
        ),
        pytest.param(created(rotation=None), None, id="nothing-there"),
    ],
)
def test_who_leaves_does_so_since_the_first_of_both_was_deleted(
    o: Observation, since: datetime | None
) -> None:
    assert o.leaving_since == since


@pytest.mark.parametrize(
    ("o", "is_taken_over"),
    [
        pytest.param(observation(), False, id="our-own"),
        pytest.param(observation(journal=journal(is_unproven=True)), True, id="from-elsewhere"),
        pytest.param(created(), False, id="none"),
    ],
)
def test_a_journal_is_taken_over_until_it_is_proven(o: Observation, *, is_taken_over: bool) -> None:
    assert o.is_taken_over is is_taken_over


def test_the_connection_is_named_where_there_is_one() -> None:
    acme = ConnectionKey(Kind.CONNECTION, "team-a", "acme")
    assert observation().connection_key == acme
    with pytest.raises(LookupError, match=r"^an action was asked for without what it needs$"):
        _ = observation(connection=connection(key=None)).connection_key


@pytest.mark.parametrize(("contest", "word"), [(Contest.CLIENT, "client"), (Contest.TARGET, "Secret")])
def test_a_claim_is_told_in_the_readers_words(contest: Contest, word: str) -> None:
    assert rival(contest=contest).claim == word


def test_what_a_rule_made_sure_of_is_there() -> None:
    assert given("") == ""
    with pytest.raises(LookupError, match=r"^an action was asked for without what it needs$"):
        given(None)


ROLLED_OUT = {"type": "ConsumersCurrent", "status": "True", "observedGeneration": 3}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        pytest.param({"lastRotationId": "01B", "conditions": [ROLLED_OUT]}, True, id="told"),
        pytest.param({"lastRotationId": "01A", "conditions": [ROLLED_OUT]}, False, id="another-value"),
        pytest.param({"lastRotationId": "01B"}, False, id="not-told"),
        pytest.param(
            {"lastRotationId": "01B", "conditions": [ROLLED_OUT | {"status": "False"}]},
            False,
            id="not-yet",
        ),
        pytest.param(
            {"lastRotationId": "01B", "conditions": [ROLLED_OUT | {"observedGeneration": 2}]},
            False,
            id="by-an-older-spec",
        ),
        pytest.param(
            {"lastRotationId": "01B", "conditions": [ROLLED_OUT | {"type": "Verified"}]},
            False,
            id="another-condition",
        ),
    ],
)
def test_consumers_are_seen_to_where_status_says_so_of_this_value_and_spec(
    status: dict[str, Any],
    expected: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert parse_status(status).is_rolled_out("01B", generation=3) is expected
