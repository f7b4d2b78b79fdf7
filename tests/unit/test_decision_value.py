"""The value that is there: adopted, published, kept in order."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from auth0_rotator.conditions import Reason
from auth0_rotator.credential import ClientSecret
from auth0_rotator.decision import Action, Decision, decide
from auth0_rotator.decision import value as value_rules
from auth0_rotator.journal import Journal
from auth0_rotator.observation import Observation
from auth0_rotator.record import Trigger
from auth0_rotator.subject import Rotation
from auth0_rotator.target import Target
from auth0_rotator.target_secret import parse_target
from examples import (
    BY_HAND,
    CLIENT_ID,
    CURRENT,
    DUE_AT,
    MINUTE,
    NOW,
    SECOND,
    UID,
    broken_connection,
    connection,
    created,
    credential,
    foreign_target,
    intended,
    invalid_rotation,
    journal,
    meta,
    observation,
    plan,
    rotation,
    target,
    target_body,
)

AT_REST = Decision(Action.HOLD, Reason.WAITING_FOR_DUE_DATE, "due at 2026-12-01T00:00:00Z", until=DUE_AT)
# Neither may need the tenant: what is done about a value that is there asks nobody.
OFFLINE = broken_connection(domain="")
MERGE = {"target": {"name": "web", "creationPolicy": "Merge"}}


def when_due(**spec: Any) -> Rotation:
    return rotation(spec={"initialRotation": "WhenDue"} | spec)


def by(**spec: Any) -> Observation:
    """Return a pass over a rotation at rest whose target follows the spec."""
    return observation(rotation=rotation(spec=spec))


# Adoption of a recorded value ------------------------------------------------------------------


@pytest.mark.parametrize(
    "kept", [None, journal(current=None, next=intended())], ids=["no-journal", "parked-only"]
)
@pytest.mark.parametrize("suspend", [False, True], ids=["running", "suspended"])
def test_a_target_with_a_commit_record_is_adopted_without_asking_anyone(
    kept: Journal | None, *, suspend: bool
) -> None:
    o = created(
        journal=kept, target=target(), connection=OFFLINE, rotation=rotation(spec={"suspend": suspend})
    )
    message = "the target holds rotation 7 of this client"
    assert decide(o) == Decision(Action.ADOPT, Reason.ADOPTED, message)


def test_a_record_without_its_value_is_held_for_a_person() -> None:
    assert decide(created(target=target(data={}))) == Decision(
        Action.HOLD,
        Reason.ADOPTION_UNCLEAR,
        "the target holds rotation 7 of this client, but its value is gone from the key that the "
        "record names; put it back, or delete the Secret to have the client rotated anew",
        is_stalled=True,
    )


def test_a_value_under_its_recorded_key_is_adopted_after_the_mapping_changed() -> None:
    renamed = rotation(spec={"secretsMapping": {"clientId": "A", "clientSecret": "B"}})
    assert decide(created(rotation=renamed, target=target())).action is Action.ADOPT


OF_OTHER = target(of=journal(current=credential(client_id="other")))
LEFT = "auth0-rotator/api"


def test_a_kept_value_of_another_client_is_neither_adopted_nor_written_over() -> None:
    """Whoever deleted a rotation and kept its Secret has the value there and nowhere else."""
    assert decide(created(target=OF_OTHER)) == Decision(
        Action.HOLD,
        Reason.TARGET_FOREIGN,
        "the Secret web holds the value of another client, other, which no rotation has elsewhere; "
        "delete it if nobody needs that value, or choose another target.name",
        trigger=Trigger.CREATION,
        is_stalled=True,
        is_failure=True,
    )


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"target": replace(OF_OTHER, data={})}, id="nothing-left-of-it"),
        pytest.param(
            {
                "target": replace(OF_OTHER, rotation="api", fields={LEFT: frozenset()}),
                "left_by": frozenset({"api"}),
            },
            id="its-rotation-has-it-elsewhere",
        ),
        pytest.param({"rotation": rotation(spec=MERGE)}, id="merged"),
    ],
)
def test_what_would_not_be_lost_keeps_no_rotation_from_its_secret(changes: dict[str, Any]) -> None:
    decision = decide(created(**({"target": OF_OTHER} | changes)))
    assert (decision.action, decision.reason) == (Action.ROTATE, Reason.CREATION)


@pytest.mark.parametrize(
    ("kept", "stands", "action"),
    [
        pytest.param(journal(), OF_OTHER, Action.PUBLISH, id="an-old-one-of-its-own"),
        pytest.param(journal(), replace(OF_OTHER, rotation="api"), Action.HOLD, id="of-somebody-else"),
        pytest.param(
            journal(current=credential(client_id="other", sequence=8)),
            replace(OF_OTHER, rotation="api"),
            Action.PUBLISH,
            id="of-its-own-client",
        ),
        pytest.param(
            journal(current=credential(client_id="third")),
            target(rotation="api", of=journal(previous=None)),
            Action.PUBLISH,
            id="of-the-client-to-be",
        ),
    ],
)
def test_a_journal_is_published_over_values_of_its_clients_alone(
    kept: Journal, stands: Target, action: Action
) -> None:
    assert decide(observation(journal=kept, target=stands)).action is action


@pytest.mark.parametrize(
    ("kept", "is_lost"),
    [
        pytest.param(None, True, id="nothing-was-ever-had"),
        pytest.param(journal(), True, id="only-of-another-client"),
        pytest.param(journal(current=credential(client_id="other")), False, id="of-that-client"),
    ],
)
def test_without_its_object_as_well_a_kept_value_is_not_lost(
    kept: Journal | None, *, is_lost: bool
) -> None:
    stands = replace(OF_OTHER, rotation="api")
    o = observation(rotation=None, journal=kept or journal(current=None), target=stands)
    fault = value_rules.target_fault(o)
    assert (fault is not None and fault.reason is Reason.TARGET_FOREIGN) is is_lost


def left(*keys: str, **data: ClientSecret) -> Observation:
    """Return a pass over a Secret without record, of which another rotation holds `keys`."""
    fields = {LEFT: frozenset(f"data/{key}" for key in keys)}
    stands = foreign_target(data, fields=fields)
    return observation(target=stands, left_by=frozenset({"api"}))


def test_a_secret_that_another_rotation_left_is_taken_where_all_in_it_is_left() -> None:
    assert decide(left("A", "B", A=BY_HAND, B=BY_HAND)).action is Action.PUBLISH
    assert decide(left("A", A=BY_HAND, B=BY_HAND)).reason is Reason.TARGET_FOREIGN
    alone = foreign_target({}, fields={})
    assert decide(observation(target=alone)).reason is Reason.TARGET_FOREIGN


def test_what_another_rotation_left_is_taken_out() -> None:
    stands = target()
    both = replace(stands, fields=dict(stands.fields) | {LEFT: frozenset({"data/API", "data/SECRET"})})
    assert decide(observation(target=both)) == AT_REST
    decision = decide(observation(target=both, left_by=frozenset({"api"})))
    assert (decision.action, decision.reason) == (Action.PUBLISH, Reason.DRIFT_REPAIRED)
    shared = replace(stands, fields=dict(stands.fields) | {LEFT: frozenset({"data/SECRET"})})
    assert decide(observation(target=shared, left_by=frozenset({"api"}))) == AT_REST


def test_a_record_that_another_object_left_is_adopted_for_the_same_client() -> None:
    """The rotation was renamed, and its target stayed."""
    left = target(by=plan(rotation="web-old", target={"name": "web"}))
    assert decide(created(target=left)).action is Action.ADOPT


def test_where_there_is_a_value_already_nothing_is_adopted() -> None:
    assert decide(observation()) == AT_REST


# Adoption of a bare value ----------------------------------------------------------------------


def kept_by(data: dict[str, ClientSecret | None], **changes: Any) -> Decision:
    """Return what is decided about a foreign Secret under WhenDue."""
    inputs = {"rotation": when_due(), "target": foreign_target(data)}
    return decide(created(**(inputs | changes)))


ADOPT_VALUE = Decision(Action.ADOPT_VALUE, Reason.ADOPTED, "the value that was there is kept")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({"SECRET": BY_HAND}, id="secret-alone"),
        pytest.param({"SECRET": BY_HAND, "ID": ClientSecret(CLIENT_ID)}, id="with-its-id"),
        pytest.param({"SECRET": BY_HAND, "ID": ClientSecret(f" {CLIENT_ID}\n")}, id="id-with-space"),
        pytest.param({"SECRET": BY_HAND, "ID": None}, id="id-empty"),
        pytest.param({"SECRET": BY_HAND, "THEIRS": CURRENT}, id="beside-others"),
    ],
)
def test_with_when_due_a_value_that_is_there_is_kept(data: dict[str, ClientSecret | None]) -> None:
    assert kept_by(data) == ADOPT_VALUE


@pytest.mark.parametrize("suspend", [False, True], ids=["running", "suspended"])
def test_keeping_a_value_needs_a_domain_but_no_ready_connection(*, suspend: bool) -> None:
    kept = {"rotation": when_due(suspend=suspend), "connection": broken_connection()}
    assert kept_by({"SECRET": BY_HAND}, **kept) == ADOPT_VALUE
    missing = connection(
        is_ready=False,
        domain="",
        reason=Reason.CONNECTION_MISSING,
        message="there is no such connection",
    )
    assert kept_by({"SECRET": BY_HAND}, connection=missing) == Decision(
        Action.HOLD, Reason.CONNECTION_MISSING, "there is no such connection", is_stalled=True
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"rotation": rotation()}, Reason.TARGET_FOREIGN, id="immediate"),
        pytest.param({"target": None}, Reason.CREATION, id="no-target"),
        pytest.param(
            {"target": foreign_target({"ID": ClientSecret(CLIENT_ID)})},
            Reason.TARGET_FOREIGN,
            id="no-value",
        ),
        pytest.param(
            {"target": foreign_target({"SECRET": None})}, Reason.TARGET_FOREIGN, id="empty-value"
        ),
        pytest.param(
            {"target": foreign_target({"OTHER": BY_HAND})}, Reason.TARGET_FOREIGN, id="value-elsewhere"
        ),
        pytest.param({"target": OF_OTHER}, Reason.TARGET_FOREIGN, id="recorded-for-another"),
    ],
)
def test_without_a_bare_value_or_when_due_the_client_is_rotated(
    changes: dict[str, Any], reason: Reason
) -> None:
    """Into a Secret that somebody else made nothing is written: then it fails instead."""
    o = created(**({"rotation": when_due(), "target": foreign_target({"SECRET": BY_HAND})} | changes))
    assert decide(o).reason is reason
    assert (decide(o).action is Action.ROTATE) is (reason is Reason.CREATION)
    assert decide(o).is_failure is (reason is Reason.TARGET_FOREIGN)


def test_where_there_is_a_journal_no_bare_value_is_kept() -> None:
    o = observation(rotation=when_due(), target=foreign_target({"SECRET": BY_HAND}))
    assert decide(o).reason is Reason.TARGET_FOREIGN


def test_a_value_of_another_client_is_not_kept() -> None:
    assert kept_by({"SECRET": BY_HAND, "ID": ClientSecret("other")}) == Decision(
        Action.HOLD,
        Reason.TARGET_FOREIGN,
        "the Secret web holds another client's id under ID; correct it, or choose another target.name",
        is_stalled=True,
    )


@pytest.mark.parametrize(
    "data",
    [{"SECRET": BY_HAND}, {"SECRET": BY_HAND, "ID": ClientSecret("other")}],
    ids=["right-client", "wrong-client"],
)
def test_a_secret_that_a_controller_owns_is_not_taken(data: dict[str, ClientSecret | None]) -> None:
    owned = foreign_target(data, controller="ExternalSecret app")
    assert kept_by(data, target=owned) == Decision(
        Action.HOLD,
        Reason.TARGET_FOREIGN,
        "the Secret web belongs to ExternalSecret app; delete it, choose another target.name, or use "
        "creationPolicy Merge",
        is_stalled=True,
    )


# An old journal, a changed journal -------------------------------------------------------------


def newer(sequence: int = 9, **changes: Any) -> Target:
    kept = journal(current=credential(BY_HAND, sequence=sequence, rotation_id="01OTHER"))
    return target(of=kept, **changes)


@pytest.mark.parametrize(
    "stands",
    [
        pytest.param(newer(7), id="as-old"),
        pytest.param(newer(6), id="older"),
        pytest.param(newer(rotation="api"), id="of-another-rotation"),
        pytest.param(newer(data={}), id="its-value-gone"),
    ],
)
def test_any_other_target_is_written_from_the_journal(stands: Target) -> None:
    assert decide(observation(target=stands)).action is Action.PUBLISH


@pytest.mark.parametrize(
    ("changes", "is_mended"),
    [
        pytest.param({"is_intact": False}, True, id="label-gone"),
        pytest.param({"owner_uid": "old-uid"}, True, id="other-owner"),
        pytest.param({"owner_uid": ""}, True, id="no-owner"),
        pytest.param({"owner_uid": UID}, False, id="intact"),
        pytest.param({"is_intact": False, "deleting_since": NOW}, True, id="held-by-our-finalizer"),
        pytest.param({"deleting_since": NOW}, False, id="held-by-somebody-else"),
        pytest.param({"owner_uid": "", "deleting_since": NOW}, False, id="going-without-owner"),
    ],
)
def test_a_changed_journal_is_written_again(changes: dict[str, Any], *, is_mended: bool) -> None:
    decision = decide(observation(journal=journal(meta=meta(**changes)), connection=OFFLINE))
    mended = Decision(
        Action.RESTORE_JOURNAL,
        Reason.DRIFT_REPAIRED,
        "the journal's label, owner or finalizer was changed",
    )
    assert decision == (mended if is_mended else AT_REST)


def test_a_journal_that_was_never_written_is_not_restored() -> None:
    assert decide(observation(journal=journal(meta=None))) == AT_REST


# Publication -----------------------------------------------------------------------------------


def drifted(**changes: Any) -> Target:
    """Return the target with another value under the client secret's key."""
    stands = target()
    return target(**({"data": {**stands.data, "SECRET": BY_HAND}} | changes))


@pytest.mark.parametrize("suspend", [False, True], ids=["running", "suspended"])
@pytest.mark.parametrize(
    ("stands", "reason", "message"),
    [
        pytest.param(None, Reason.PUBLISHED, "the Secret web was missing", id="missing"),
        pytest.param(
            drifted(),
            Reason.DRIFT_REPAIRED,
            "the Secret web had other value than the journal",
            id="secret",
        ),
        pytest.param(
            target(labels={"auth0rotator.dev/role": "target"}),
            Reason.DRIFT_REPAIRED,
            "the Secret web had other keys, labels or annotations than the journal",
            id="shape",
        ),
    ],
)
def test_a_target_that_differs_is_published_without_asking_anyone(
    stands: Target | None, reason: Reason, message: str, *, suspend: bool
) -> None:
    o = observation(target=stands, connection=OFFLINE, rotation=rotation(spec={"suspend": suspend}))
    assert decide(o) == Decision(Action.PUBLISH, reason, message)


@pytest.mark.parametrize(
    ("shown", "is_generated", "is_other", "is_drift"),
    [
        pytest.param(7, False, True, False, id="an-adopted-value-is-to-be-delivered"),
        pytest.param(8, False, True, True, id="it-was-delivered"),
        pytest.param(9, False, True, True, id="and-has-its-own-number"),
        pytest.param(7, True, True, True, id="a-generated-one-was-delivered-before-it-was-current"),
        pytest.param(7, False, False, True, id="the-value-stands-there-already"),
    ],
)
def test_a_value_that_was_adopted_is_no_drift_of_what_it_replaces(
    shown: int, *, is_generated: bool, is_other: bool, is_drift: bool
) -> None:
    held = journal(current=credential(BY_HAND, sequence=8, is_generated=is_generated))
    stands = target(of=journal(current=credential(CURRENT if is_other else BY_HAND, sequence=shown)))
    decision = decide(observation(journal=held, target=stands, is_target_refused=True))
    assert decision.action is Action.PUBLISH
    assert (decision.reason is Reason.DRIFT_REPAIRED) is is_drift
    if not is_drift:
        assert (decision.reason, decision.message) == (
            Reason.PUBLISHED,
            "the Secret web held the value from before the adopted one",
        )


def test_a_target_of_another_object_is_no_earlier_one_of_ours() -> None:
    held = journal(current=credential(BY_HAND, sequence=8, is_generated=False))
    stands = target(of=journal(), rotation="other")
    decision = decide(observation(journal=held, target=stands))
    assert (decision.action, decision.reason) == (Action.PUBLISH, Reason.DRIFT_REPAIRED)


def test_a_target_under_another_name_is_told_by_it() -> None:
    o = observation(rotation=rotation(spec={"target": {"name": "elsewhere"}}), target=None)
    assert decide(o).message == "the Secret elsewhere was missing"


@pytest.mark.parametrize("kept", [None, journal(current=None)], ids=["no-journal", "no-value"])
def test_without_a_value_nothing_is_published(kept: Journal | None) -> None:
    assert decide(created(journal=kept)).action is Action.ROTATE


@pytest.mark.parametrize(
    "lost",
    [
        pytest.param({"auth0rotator.dev/sequence"}, id="one-annotation"),
        pytest.param(set(target().annotations), id="all-annotations"),
    ],
)
def test_a_target_that_lost_its_record_is_still_ours(lost: set[str]) -> None:
    """Our field manager holds the rest: somebody edited the Secret, nobody else made it."""
    body = target_body()
    left = {name: text for name, text in body["metadata"]["annotations"].items() if name not in lost}
    body["metadata"]["annotations"] = left
    held = body["metadata"]["managedFields"][1]["fieldsV1"]["f:metadata"]["f:annotations"]
    for name in lost:
        del held[f"f:{name}"]
    assert decide(observation(target=parse_target(body))) == Decision(
        Action.PUBLISH,
        Reason.DRIFT_REPAIRED,
        "the Secret web had other keys, labels or annotations than the journal",
    )


def test_a_target_that_lost_its_record_and_its_value_is_still_ours() -> None:
    stands = drifted(record=None, rotation="")
    assert decide(observation(target=stands)) == Decision(
        Action.PUBLISH, Reason.DRIFT_REPAIRED, "the Secret web had other value than the journal"
    )


# Targets that cannot be written ----------------------------------------------------------------

FOREIGN = (
    "the Secret web was made by somebody else; delete it, choose another target.name, or use "
    "creationPolicy Merge"
)
IMMUTABLE = "the Secret web is immutable; delete it, and it is written anew without rotation"
OTHER_TYPE = (
    "the Secret web is of type kubernetes.io/tls, not Opaque; delete it, and it is written anew "
    "without rotation"
)


@pytest.mark.parametrize(
    ("stands", "reason", "message"),
    [
        pytest.param(foreign_target(), Reason.TARGET_FOREIGN, FOREIGN, id="foreign"),
        pytest.param(drifted(is_immutable=True), Reason.TARGET_IMMUTABLE, IMMUTABLE, id="immutable"),
        pytest.param(
            drifted(type="kubernetes.io/tls"), Reason.TARGET_TYPE_DIFFERS, OTHER_TYPE, id="other-type"
        ),
        pytest.param(
            drifted(controller="Certificate web"),
            Reason.TARGET_FOREIGN,
            "the Secret web belongs to Certificate web; delete it, choose another target.name, or use "
            "creationPolicy Merge",
            id="controlled",
        ),
        pytest.param(
            foreign_target(is_immutable=True),
            Reason.TARGET_FOREIGN,
            FOREIGN,
            id="foreign-before-immutable",
        ),
        pytest.param(
            drifted(is_immutable=True, type="kubernetes.io/tls"),
            Reason.TARGET_IMMUTABLE,
            IMMUTABLE,
            id="immutable-before-type",
        ),
    ],
)
def test_a_target_that_must_not_be_written_is_held_for_a_person(
    stands: Target, reason: Reason, message: str
) -> None:
    expected = Decision(Action.HOLD, reason, message, is_stalled=True)
    assert decide(observation(target=stands)) == expected


@pytest.mark.parametrize(
    "stands",
    [
        pytest.param(target(is_immutable=True), id="immutable"),
        pytest.param(target(type="kubernetes.io/tls"), id="other-type"),
        pytest.param(target(controller="Certificate web"), id="controlled"),
    ],
)
def test_a_target_that_holds_what_it_shall_needs_no_writing(stands: Target) -> None:
    assert decide(observation(target=stands)) == AT_REST


@pytest.mark.parametrize(
    ("stands", "reason"),
    [
        pytest.param(foreign_target(), None, id="foreign-is-merged-into"),
        pytest.param(foreign_target(type="kubernetes.io/tls"), None, id="whatever-its-type"),
        pytest.param(foreign_target(is_immutable=True), Reason.TARGET_IMMUTABLE, id="not-if-immutable"),
        pytest.param(foreign_target(controller="Job x"), Reason.TARGET_FOREIGN, id="not-if-controlled"),
    ],
)
def test_merge_writes_into_secrets_of_others(stands: Target, reason: Reason | None) -> None:
    decision = decide(observation(rotation=rotation(spec=MERGE), target=stands))
    assert decision.action is (Action.PUBLISH if reason is None else Action.HOLD)
    assert decision.reason is (reason or Reason.PUBLISHED)


@pytest.mark.parametrize(
    ("type_", "reason"),
    [("example.com/login", Reason.PUBLISHED), ("Opaque", Reason.TARGET_TYPE_DIFFERS)],
)
def test_the_type_of_a_target_is_that_of_the_template(type_: str, reason: Reason) -> None:
    spec = {"target": {"template": {"type": "example.com/login"}}}
    decision = decide(observation(rotation=rotation(spec=spec), target=drifted(type=type_)))
    assert decision.reason is reason


def contested(*ages: timedelta, **changes: Any) -> Decision:
    """Return what is decided about a drifted target that was repaired so long ago."""
    repairs = tuple(NOW - age for age in ages)
    return decide(observation(target=drifted(), repairs=repairs, **changes))


def test_who_undoes_every_repair_is_named() -> None:
    ages = [9 * MINUTE, 8 * MINUTE, 3 * MINUTE, 2 * MINUTE, MINUTE]
    assert contested(*ages, contender="argocd") == Decision(
        Action.HOLD,
        Reason.TARGET_CONTESTED,
        "the field manager argocd undoes every repair of the Secret web; stop it from writing there, "
        "or choose another target.name",
        until=NOW + MINUTE,
        is_stalled=True,
    )
    assert contested(*ages).message.startswith("somebody undoes every repair of the Secret web;")


@pytest.mark.parametrize(
    ("ages", "is_held"),
    [
        pytest.param([MINUTE] * 4, False, id="four-times"),
        pytest.param([MINUTE] * 5, True, id="five-times"),
        pytest.param([MINUTE] * 4 + [10 * MINUTE], False, id="one-of-them-too-long-ago"),
        pytest.param([MINUTE] * 4 + [10 * MINUTE - SECOND], True, id="one-of-them-just-recent"),
        pytest.param([MINUTE] * 4 + [timedelta(0)], True, id="one-of-them-right-now"),
        pytest.param([MINUTE] * 4 + [-SECOND], False, id="one-of-them-by-a-clock-that-was-set-back"),
        pytest.param([], False, id="never"),
    ],
)
def test_five_repairs_in_ten_minutes_are_a_contest(ages: list[timedelta], *, is_held: bool) -> None:
    assert (contested(*ages).reason is Reason.TARGET_CONTESTED) is is_held


def test_a_contest_is_waited_out_from_the_first_repair_that_counts() -> None:
    """A repair of an hour ago is still remembered; by it the wait would be over before it began."""
    decision = contested(60 * MINUTE, *[4 * MINUTE] * 2, *[3 * MINUTE] * 3)
    assert decision.reason is Reason.TARGET_CONTESTED
    assert decision.until == NOW + 6 * MINUTE


def test_a_target_that_was_repaired_often_and_holds_now_is_left_alone() -> None:
    assert decide(observation(repairs=tuple([NOW - MINUTE] * 9))) == AT_REST


# The former target -----------------------------------------------------------------------------


def test_a_target_under_an_old_name_is_let_go_after_the_new_one_stands() -> None:
    renamed = rotation(spec={"target": {"name": "elsewhere"}})
    assert decide(observation(rotation=renamed)) == Decision(
        Action.REMEMBER_PLAN, Reason.TARGET_RELEASED, "the target is elsewhere now, no longer web"
    )
    assert decide(observation(rotation=renamed, target=None)).action is Action.PUBLISH


@pytest.mark.parametrize(
    "o",
    [
        pytest.param(by(target={"name": "web"}), id="named-as-before"),
        pytest.param(observation(journal=journal(plan=None)), id="plan-unknown"),
        pytest.param(by(secretsMapping={"clientId": "A", "clientSecret": "B"}), id="other-mapping"),
    ],
)
def test_a_changed_spec_is_remembered_once_the_target_follows_it(o: Observation) -> None:
    assert decide(o) == Decision(Action.REMEMBER_PLAN, Reason.TARGET_RELEASED, "the spec was changed")


def test_a_spec_that_cannot_be_followed_is_not_remembered() -> None:
    assert value_rules.plan_is_remembered(observation(rotation=invalid_rotation())) is None


@pytest.mark.parametrize(
    ("o", "reason", "words"),
    [
        pytest.param(observation(target=drifted()), Reason.DRIFT_REPAIRED, "had other", id="drift"),
        pytest.param(
            observation(target=drifted(), rotation=rotation(spec={"deletion": {"deleteSecrets": True}})),
            Reason.PUBLISHED,
            "follows the spec",
            id="spec-changed",
        ),
        pytest.param(
            observation(target=foreign_target({"SECRET": CURRENT})),
            Reason.PUBLISHED,
            "did not say yet",
            id="taken-over",
        ),
    ],
)
def test_not_every_write_of_the_target_is_a_repair(o: Observation, reason: Reason, words: str) -> None:
    decision = decide(o)
    assert (decision.action, decision.reason) == (Action.PUBLISH, reason)
    assert words in decision.message


def test_before_a_first_value_no_target_is_let_go() -> None:
    kept = journal(current=None, next=intended())
    renamed = rotation(spec={"target": {"name": "elsewhere"}})
    assert decide(observation(journal=kept, rotation=renamed)).action is Action.ROTATE
