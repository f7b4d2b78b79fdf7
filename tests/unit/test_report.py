"""What people and tools are told of a rotation."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from auth0_rotator.conditions import Condition, ConditionStatus, ConditionType, Reason, timestamp
from auth0_rotator.decision import Decision, decide
from auth0_rotator.decision.model import hold, stall
from auth0_rotator.observation import Attempt, Observation
from auth0_rotator.outcome import Failure, Outcome
from auth0_rotator.record import Trigger
from auth0_rotator.report import build_status
from auth0_rotator.schedule import retry_delay
from auth0_rotator.subject import Rotation
from examples import (
    CURRENT,
    DUE_AT,
    MINUTE,
    NEXT,
    NOW,
    PREVIOUS,
    SECOND,
    UID,
    attempt,
    created,
    credential,
    failed_status,
    intended,
    invalid_rotation,
    journal,
    observation,
    rotation,
    sending,
)

EARLIER = "2026-11-01T00:00:05Z"
NOTHING = Outcome()
MONDAY = {"auth0rotator.dev/rotate-now": "monday"}
MONDAY_TOKEN = "annotation:d618fb157a4b382e"
MONDAY_TOKEN_OF_SPEC = "spec:d618fb157a4b382e"
TUESDAY_TOKEN_OF_SPEC = "spec:d78d1a3f3bcf22d7"
BROKEN = Failure(Reason.UNREACHABLE, "acme.eu.auth0.com cannot be reached", is_stalled=False)
REFUSED = Failure(Reason.SCOPE_MISSING, "the token lacks a scope", is_stalled=True)


def condition(type_: str, status: str, reason: str, message: str = "as before") -> dict[str, Any]:
    """Return a condition as it was written earlier."""
    return {
        "type": type_,
        "status": status,
        "reason": reason,
        "message": message,
        "observedGeneration": 3,
        "lastTransitionTime": EARLIER,
    }


def with_status(**status: Any) -> Rotation:
    return rotation(status=status)


def with_failure(**status: Any) -> Rotation:
    return rotation(status=failed_status(**status))


def status_of(
    o: Observation, outcome: Outcome = NOTHING, decision: Decision | None = None
) -> dict[str, Any]:
    return build_status(o, decision if decision is not None else decide(o), outcome)


def said(
    type_: str, o: Observation, outcome: Outcome = NOTHING, decision: Decision | None = None
) -> tuple[str, str, str]:
    """Return status, reason and message of one condition."""
    [found] = [
        found for found in status_of(o, outcome, decision)["conditions"] if found["type"] == type_
    ]
    return found["status"], found["reason"], found["message"]


# The whole -------------------------------------------------------------------------------------


def test_a_rotation_at_rest_is_told_in_full() -> None:
    subject = rotation(
        spec={"rotationTrigger": "monday"},
        annotations=MONDAY | {"reconcile.fluxcd.io/requestedAt": "2026-11-23"},
        generation=4,
        status={
            "lastRotationAttemptedAt": "2026-11-02T00:00:00Z",
            "lastRotationId": "01CURRENT",
            "history": [{"id": "01CURRENT", "result": "success"}],
            "conditions": [
                condition("Ready", "True", "Delivered"),
                condition("Verified", "True", "Verified", "accepted"),
            ],
        },
    )
    kept = journal(current=credential(handled=(MONDAY_TOKEN, MONDAY_TOKEN_OF_SPEC)))
    assert status_of(observation(rotation=subject, journal=kept)) == {
        "observedGeneration": 4,
        "rotationStatus": "success",
        "lastRotationAttemptedAt": "2026-11-02T00:00:00Z",
        "lastRotationMessage": None,
        "failedAttempts": 0,
        "lastRotationId": "01CURRENT",
        "isLastRotationManual": False,
        "lastRotatedAt": "2026-11-01T00:00:01Z",
        "nextRotationAt": "2026-12-01T00:00:00Z",
        "lastHandledRotateNow": "monday",
        "lastHandledRotationTrigger": "monday",
        "lastHandledReconcileAt": "2026-11-23",
        "secretName": "web",
        "history": [{"id": "01CURRENT", "result": "success"}],
        "conditions": [
            {
                "type": "Ready",
                "status": "True",
                "observedGeneration": 4,
                "reason": "Delivered",
                "message": "the Secret web holds the client secret that the tenant accepted",
                "lastTransitionTime": EARLIER,
            },
            {
                "type": "Reconciling",
                "status": "False",
                "observedGeneration": 4,
                "reason": "WaitingForDueDate",
                "message": "due at 2026-12-01T00:00:00Z",
                "lastTransitionTime": timestamp(NOW),
            },
            {
                "type": "Stalled",
                "status": "False",
                "observedGeneration": 4,
                "reason": "WaitingForDueDate",
                "message": "due at 2026-12-01T00:00:00Z",
                "lastTransitionTime": timestamp(NOW),
            },
            {
                "type": "Verified",
                "status": "True",
                "observedGeneration": 4,
                "reason": "Verified",
                "message": "accepted",
                "lastTransitionTime": EARLIER,
            },
        ],
    }


def test_a_new_rotation_is_told_without_a_result() -> None:
    status = status_of(created())
    assert {name: value for name, value in status.items() if name != "conditions"} == {
        "observedGeneration": 3,
        "failedAttempts": 0,
        "secretName": "web",
        "history": [],
    }


def test_an_object_that_is_gone_cannot_be_told_of() -> None:
    with pytest.raises(ValueError, match=r"^there is no object to report on$"):
        status_of(observation(rotation=None))


def test_an_invalid_spec_is_told_by_the_journal() -> None:
    status = status_of(observation(rotation=invalid_rotation()))
    assert status["secretName"] == "web"
    assert status["lastRotationId"] == "01CURRENT"
    assert "nextRotationAt" not in status
    assert "secretName" not in status_of(created(rotation=invalid_rotation()))


# Result ----------------------------------------------------------------------------------------


def result(o: Observation, outcome: Outcome = NOTHING) -> dict[str, Any]:
    names = (
        "rotationStatus",
        "lastRotationAttemptedAt",
        "lastRotationMessage",
        "failedAttempts",
        "nextRetryAt",
    )
    status = status_of(o, outcome)
    return {name: status[name] for name in names if name in status}


ROTATED = Outcome(rotated={"id": "01CURRENT", "result": "success"})
ADOPTED = Outcome(is_adopted=True)


@pytest.mark.parametrize(
    ("before", "attempts"),
    [
        pytest.param(rotation(), 1, id="first"),
        pytest.param(with_failure(), 4, id="fourth"),
        pytest.param(with_status(failedAttempts=9), 10, id="tenth"),
    ],
)
def test_a_failure_is_told_with_its_next_try(before: Rotation, attempts: int) -> None:
    assert result(observation(rotation=before), Outcome(failure=BROKEN)) == {
        "rotationStatus": "failed",
        "lastRotationAttemptedAt": timestamp(NOW),
        "lastRotationMessage": "acme.eu.auth0.com cannot be reached",
        "failedAttempts": attempts,
        "nextRetryAt": timestamp(NOW + retry_delay(failed_attempts=attempts, uid=UID)),
    }


@pytest.mark.parametrize(("length", "kept"), [(1023, 1023), (1024, 1024), (1025, 1021), (5000, 1021)])
def test_the_message_of_a_failure_is_cut_as_the_original_cuts_it(length: int, kept: int) -> None:
    failure = Failure(Reason.UNREACHABLE, "x" * length, is_stalled=False)
    message = status_of(observation(), Outcome(failure=failure))["lastRotationMessage"]
    assert message == "x" * kept + "..." * (length > 1024)


def test_a_failure_is_told_until_a_rotation_or_an_adoption_is_over() -> None:
    kept = {
        "rotationStatus": "failed",
        "lastRotationAttemptedAt": "2026-11-23T09:29:00Z",
        "lastRotationMessage": "acme.eu.auth0.com cannot be reached",
        "failedAttempts": 3,
        "nextRetryAt": "2026-11-23T09:34:00Z",
    }
    failing = observation(rotation=with_failure())
    assert result(failing) == kept
    assert result(failing, ROTATED)["rotationStatus"] == "success"
    assert result(failing, ADOPTED)["rotationStatus"] == "success"


def test_of_a_failure_is_told_what_was_told() -> None:
    raw = {"rotationStatus": "failed", "failedAttempts": 2}
    failing = observation(rotation=rotation(status=raw))
    assert result(failing) == {"rotationStatus": "failed", "failedAttempts": 2}


@pytest.mark.parametrize(
    ("rotated_at", "attempted_at", "outcome", "expected"),
    [
        pytest.param(None, "", NOTHING, timestamp(NOW), id="when-nobody-knows"),
        pytest.param(NOW - MINUTE, "", NOTHING, timestamp(NOW - MINUTE), id="when-it-was-recorded"),
        pytest.param(
            NOW - MINUTE, "2026-11-23T09:29:30Z", NOTHING, "2026-11-23T09:29:30Z", id="a-later-attempt"
        ),
        pytest.param(
            NOW - MINUTE,
            "2026-11-23T09:28:00Z",
            NOTHING,
            timestamp(NOW - MINUTE),
            id="an-earlier-attempt",
        ),
        pytest.param(
            NOW - MINUTE, "2026-11-23T09:29:30Z", ROTATED, timestamp(NOW - MINUTE), id="just-rotated"
        ),
        pytest.param(
            NOW - MINUTE, "2026-11-23T09:29:30Z", ADOPTED, timestamp(NOW - MINUTE), id="just-adopted"
        ),
    ],
)
def test_success_is_told_with_when_it_was(
    rotated_at: datetime | None, attempted_at: str, outcome: Outcome, expected: str
) -> None:
    o = observation(
        rotation=with_status(lastRotationAttemptedAt=attempted_at),
        journal=journal(current=credential(rotated_at=rotated_at)),
    )
    assert result(o, outcome) == {
        "rotationStatus": "success",
        "lastRotationAttemptedAt": expected,
        "lastRotationMessage": None,
        "failedAttempts": 0,
    }


def test_a_rotation_whose_time_is_unknown_is_told_without_it() -> None:
    status = status_of(observation(journal=journal(current=credential(rotated_at=None))))
    assert {"lastRotatedAt", "nextRotationAt"}.isdisjoint(status)
    assert status["lastRotationId"] == "01CURRENT"


@pytest.mark.parametrize("trigger", list(Trigger), ids=str)
def test_every_trigger_but_the_schedule_is_told_as_manual(trigger: Trigger) -> None:
    status = status_of(observation(journal=journal(current=credential(trigger=trigger))))
    assert status["isLastRotationManual"] is (trigger is not Trigger.SCHEDULE)


NIGHT = {"kind": "allow", "schedule": "0 2 * * *", "duration": "1h"}
NIGHTLY = rotation(spec={"rotationWindows": [NIGHT]})

# Next rotation ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("o", "outcome", "expected"),
    [
        pytest.param(observation(), NOTHING, "2026-12-01T00:00:00Z", id="scheduled"),
        pytest.param(
            observation(now=DUE_AT + 9 * MINUTE), NOTHING, "2026-12-01T00:00:00Z", id="overdue"
        ),
        pytest.param(
            observation(), Outcome(failure=BROKEN), "2026-11-24T00:00:00Z", id="failed-now-so-tomorrow"
        ),
        pytest.param(
            observation(rotation=with_failure(lastRotationAttemptedAt="2026-11-20T20:00:00Z")),
            NOTHING,
            "2026-11-21T00:00:00Z",
            id="failed-before-so-the-day-after",
        ),
        pytest.param(
            observation(rotation=with_failure(lastRotationAttemptedAt="2026-11-20T20:00:00Z")),
            ROTATED,
            "2026-12-01T00:00:00Z",
            id="rotated-after-a-failure",
        ),
        pytest.param(
            observation(rotation=with_status(lastRotationAttemptedAt="2026-11-20T20:00:00Z")),
            NOTHING,
            "2026-12-01T00:00:00Z",
            id="attempted-with-success",
        ),
        pytest.param(
            observation(rotation=rotation(spec={"isAutoRotationEnabled": False})),
            NOTHING,
            None,
            id="automation-off",
        ),
        pytest.param(
            observation(rotation=rotation(spec={"isAutoRotationEnabled": False})),
            Outcome(failure=BROKEN),
            None,
            id="failed-with-automation-off",
        ),
        pytest.param(created(), NOTHING, None, id="never-rotated"),
        pytest.param(observation(rotation=NIGHTLY), NOTHING, "2026-12-01T02:00:00Z", id="as-it-opens"),
        pytest.param(
            observation(rotation=NIGHTLY, now=DUE_AT + 150 * MINUTE),
            NOTHING,
            "2026-12-01T02:00:00Z",
            id="overdue-and-open",
        ),
        pytest.param(
            observation(rotation=NIGHTLY, now=DUE_AT + 180 * MINUTE),
            NOTHING,
            "2026-12-02T02:00:00Z",
            id="overdue-and-closed",
        ),
        pytest.param(
            observation(rotation=NIGHTLY),
            Outcome(failure=BROKEN),
            "2026-11-24T02:00:00Z",
            id="failed-now-so-tomorrow-as-it-opens",
        ),
    ],
)
def test_the_next_rotation_is_that_of_the_schedule(
    o: Observation, outcome: Outcome, expected: str | None
) -> None:
    assert status_of(o, outcome).get("nextRotationAt") == expected


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        pytest.param(None, None, None, id="nobody-was-told"),
        pytest.param(None, DUE_AT, "2026-12-01T00:00:00Z", id="told-now"),
        pytest.param("2026-11-01T00:00:00Z", None, "2026-11-01T00:00:00Z", id="told-before"),
        pytest.param("2026-11-01T00:00:00Z", DUE_AT, "2026-12-01T00:00:00Z", id="told-again"),
    ],
)
def test_what_people_were_told_of_is_remembered(
    before: str | None, now: datetime | None, expected: str | None
) -> None:
    """Forgotten, the same notice would be given after each restart."""
    o = observation(rotation=with_status(lastNoticeFor=before))
    assert status_of(o, Outcome(noticed_for=now)).get("lastNoticeFor") == expected


# Handled tokens --------------------------------------------------------------------------------


def handled(o: Observation) -> dict[str, str]:
    status = status_of(o)
    names = ("lastHandledRotateNow", "lastHandledRotationTrigger", "lastHandledReconcileAt")
    return {name: status[name] for name in names if name in status}


@pytest.mark.parametrize(
    ("tokens", "before", "expected"),
    [
        pytest.param((), {}, {}, id="not-yet"),
        pytest.param(
            (),
            {"lastHandledRotateNow": "sunday", "lastHandledRotationTrigger": "friday"},
            {"lastHandledRotateNow": "sunday", "lastHandledRotationTrigger": "friday"},
            id="those-before",
        ),
        pytest.param((MONDAY_TOKEN,), {}, {"lastHandledRotateNow": "monday"}, id="annotation"),
        pytest.param((TUESDAY_TOKEN_OF_SPEC,), {}, {"lastHandledRotationTrigger": "tuesday"}, id="spec"),
        pytest.param(
            (MONDAY_TOKEN,),
            {"lastHandledRotateNow": "sunday"},
            {"lastHandledRotateNow": "monday"},
            id="the-newer-one",
        ),
    ],
)
def test_a_token_is_told_when_it_was_followed(
    tokens: tuple[str, ...], before: dict[str, str], expected: dict[str, str]
) -> None:
    subject = rotation(spec={"rotationTrigger": "tuesday"}, annotations=MONDAY, status=before)
    kept = journal(current=credential(handled=tokens))
    assert handled(observation(rotation=subject, journal=kept)) == expected


def test_a_token_that_was_taken_away_stays_told() -> None:
    before = {"lastHandledRotateNow": "sunday", "lastHandledRotationTrigger": "friday"}
    assert handled(observation(rotation=with_status(**before))) == before
    assert handled(created(rotation=with_status(**before))) == before
    assert handled(observation(rotation=invalid_rotation(status=before))) == before


def test_a_request_to_reconcile_is_told_while_it_is_there() -> None:
    asking = {"reconcile.fluxcd.io/requestedAt": "now"}
    assert handled(created(rotation=rotation(annotations=asking))) == {"lastHandledReconcileAt": "now"}
    assert handled(created(rotation=with_status(lastHandledReconcileAt="before"))) == {}


# History ---------------------------------------------------------------------------------------


def entries(*ids: str) -> list[dict[str, Any]]:
    return [{"id": id_, "result": "success"} for id_ in ids]


@pytest.mark.parametrize(
    ("before", "outcome", "expected"),
    [
        pytest.param(entries("01CURRENT", "A"), NOTHING, entries("01CURRENT", "A"), id="kept"),
        pytest.param(
            entries("B", "A"),
            NOTHING,
            [
                {
                    "id": "01CURRENT",
                    "trigger": "schedule",
                    "result": "success",
                    "startedAt": "2026-11-01T00:00:01Z",
                },
                *entries("B", "A"),
            ],
            id="not-told-so-far",
        ),
        pytest.param(
            entries("B", "A"),
            Outcome(rotated=entries("C")[0]),
            entries("C", "B", "A"),
            id="newest-first",
        ),
        pytest.param(
            [{"id": "B", "result": "?"}, *entries("A")],
            Outcome(rotated=entries("B")[0]),
            entries("B", "A"),
            id="told-again",
        ),
        pytest.param(
            entries(*"JIHGFEDCB"), Outcome(rotated=entries("K")[0]), entries(*"KJIHGFEDCB"), id="ten"
        ),
        pytest.param(
            entries(*"JIHGFEDCBA"),
            Outcome(rotated=entries("K")[0]),
            entries(*"KJIHGFEDCB"),
            id="the-last-ten",
        ),
        pytest.param([], Outcome(rotated=entries("A")[0]), entries("A"), id="first"),
    ],
)
def test_the_history_tells_of_the_last_ten_rotations(
    before: list[dict[str, Any]], outcome: Outcome, expected: list[dict[str, Any]]
) -> None:
    as_it_was = deepcopy(before)
    assert status_of(observation(rotation=with_status(history=before)), outcome)["history"] == expected
    assert before == as_it_was


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        pytest.param("it leaked", {"reason": "it leaked"}, id="given"),
        pytest.param("", {}, id="none"),
    ],
)
def test_a_rotation_is_told_with_the_reason_that_a_person_gave(
    reason: str, expected: dict[str, str]
) -> None:
    o = observation(journal=journal(current=credential(reason=reason, rotated_at=None)))
    [entry] = status_of(o)["history"]
    assert entry == {"id": "01CURRENT", "trigger": "schedule", "result": "success"} | expected


@pytest.mark.parametrize(
    ("milliseconds", "expected"),
    [
        pytest.param(1234, {"id": "01CURRENT", "verifiedMilliseconds": 1234}, id="verified"),
        pytest.param(0, {"id": "01CURRENT", "verifiedMilliseconds": 0}, id="at-once"),
        pytest.param(None, {"id": "01CURRENT"}, id="not-verified"),
    ],
)
def test_a_verified_rotation_is_told_with_how_long_it_took(
    milliseconds: int | None, expected: dict[str, Any]
) -> None:
    before = [{"id": "01OTHER"}, {"id": "01CURRENT"}]
    o = observation(rotation=with_status(history=before))
    history = status_of(o, Outcome(verified_milliseconds=milliseconds))["history"]
    assert history == [{"id": "01OTHER"}, expected]
    assert before == [{"id": "01OTHER"}, {"id": "01CURRENT"}]


def test_without_a_value_no_entry_is_verified() -> None:
    o = created(rotation=with_status(history=[{"id": "01CURRENT"}]))
    assert status_of(o, Outcome(verified_milliseconds=7))["history"] == [{"id": "01CURRENT"}]


# Ready -----------------------------------------------------------------------------------------

AT_REST = hold(Reason.WAITING_FOR_DUE_DATE, "due some day")
WAITING = hold(Reason.BACKING_OFF, "the last attempt failed; waiting for the next")


@pytest.mark.parametrize(
    ("o", "outcome", "expected"),
    [
        pytest.param(
            observation(),
            NOTHING,
            ("True", "Delivered", "the Secret web holds the client secret that the tenant accepted"),
            id="delivered",
        ),
        pytest.param(
            observation(rotation=with_failure()),
            Outcome(failure=REFUSED),
            ("True", "Delivered", "the Secret web holds the client secret that the tenant accepted"),
            id="delivered-and-a-later-rotation-refused",
        ),
        pytest.param(
            observation(target=None),
            NOTHING,
            (
                "False",
                "Published",
                "the Secret web does not hold the current value: the Secret web was missing",
            ),
            id="missing",
        ),
        pytest.param(
            observation(target=None),
            Outcome(failure=REFUSED),
            (
                "False",
                "ScopeMissing",
                "the Secret web does not hold the current value: the token lacks a scope",
            ),
            id="missing-and-failed",
        ),
        pytest.param(
            observation(journal=journal(is_unproven=True)),
            NOTHING,
            (
                "Unknown",
                "Verifying",
                "the journal came from elsewhere; the tenant was not asked yet about its value",
            ),
            id="taken-over",
        ),
        pytest.param(
            observation(journal=journal(is_unproven=True), target=None),
            NOTHING,
            (
                "False",
                "Published",
                "the Secret web does not hold the current value: the Secret web was missing",
            ),
            id="taken-over-and-missing",
        ),
        pytest.param(
            created(), NOTHING, ("False", "Creation", "the first rotation of this object"), id="new"
        ),
        pytest.param(
            created(),
            Outcome(failure=BROKEN),
            ("False", "Unreachable", "acme.eu.auth0.com cannot be reached"),
            id="new-and-failed",
        ),
        pytest.param(
            observation(journal=journal(current=None)),
            NOTHING,
            ("False", "Creation", "the first rotation of this object"),
            id="no-value",
        ),
        pytest.param(
            observation(rotation=invalid_rotation(), journal=journal(plan=None), target=None),
            NOTHING,
            (
                "False",
                "SpecInvalid",
                "spec.rotationInterval: input should be greater than or equal to 1",
            ),
            id="no-plan",
        ),
    ],
)
def test_ready_says_that_the_target_holds_what_the_tenant_holds(
    o: Observation, outcome: Outcome, expected: tuple[str, str, str]
) -> None:
    assert said("Ready", o, outcome) == expected


LATER = {"lastRotatedAt": "2026-11-22T00:00:00Z", "isLastRotationManual": True}
PROVEN = condition("Verified", "True", "Verified", "accepted")


def test_a_later_rotation_than_the_journal_knows_of_stays_told() -> None:
    """Nothing else knows of it any more, and the next pass would follow its date again."""
    status = status_of(observation(rotation=with_status(**LATER)))
    assert {name: status[name] for name in LATER} == LATER
    assert status["nextRotationAt"] == "2026-12-23T00:00:00Z"
    assert status["lastRotationId"] == "01CURRENT"


def test_after_a_rotation_its_own_date_is_told() -> None:
    """Catches a date by a clock that was ahead, which would stay for ever."""
    done = Outcome(rotated={"id": "01CURRENT", "trigger": "schedule", "result": "success"})
    status = status_of(observation(rotation=with_status(**LATER)), done)
    assert (status["lastRotatedAt"], status["isLastRotationManual"]) == ("2026-11-01T00:00:01Z", False)


@pytest.mark.parametrize("is_verified", [False, True])
@pytest.mark.parametrize("is_wanted", [False, True], ids=["off", "on"])
def test_a_journal_that_may_be_an_old_copy_is_ready_once_its_value_is_proven(
    *, is_wanted: bool, is_verified: bool
) -> None:
    conditions = [PROVEN] if is_verified else []
    subject = rotation(
        spec={"verification": {"enabled": is_wanted}},
        status=LATER | {"lastRotationId": "01CURRENT", "conditions": conditions},
    )
    status, reason, message = said("Ready", observation(rotation=subject))
    assert (status, reason) == (("True", "Delivered") if is_verified else ("Unknown", "Verifying"))
    if not is_verified:
        assert message == (
            "status tells of a later rotation than the journal, which may be an old copy; the tenant "
            "has not said that it accepts its value"
        )


REFUSED_BEFORE = condition("Verified", "False", "RotatedElsewhere", "it was rotated elsewhere")
REFUSES = Condition(
    ConditionType.VERIFIED,
    ConditionStatus.FALSE,
    Reason.ROTATED_ELSEWHERE,
    "it was rotated elsewhere",
)
ACCEPTS = replace(REFUSES, status=ConditionStatus.TRUE)
SAYS_NOTHING = replace(REFUSES, status=ConditionStatus.UNKNOWN)
READY = ("True", "Delivered", "the Secret web holds the client secret that the tenant accepted")
DEAD = ("False", "RotatedElsewhere", "it was rotated elsewhere")


def refused_before(known: str = "01CURRENT", **spec: Any) -> Rotation:
    return rotation(spec=spec, status={"lastRotationId": known, "conditions": [REFUSED_BEFORE]})


@pytest.mark.parametrize(
    ("changes", "outcome", "expected"),
    [
        pytest.param({}, Outcome(verified=REFUSES), DEAD, id="refused"),
        pytest.param({}, Outcome(verified=SAYS_NOTHING), READY, id="nothing-said"),
        pytest.param({}, Outcome(verified=ACCEPTS), READY, id="accepted"),
        pytest.param({"rotation": refused_before()}, NOTHING, DEAD, id="refused-before"),
        pytest.param(
            {"rotation": refused_before()}, Outcome(verified=ACCEPTS), READY, id="accepted-again"
        ),
        pytest.param({"rotation": refused_before("01BEFORE")}, NOTHING, READY, id="another-value"),
        pytest.param(
            {"rotation": refused_before(verification={"enabled": False})}, NOTHING, READY, id="off-now"
        ),
        pytest.param(
            {"rotation": refused_before()}, Outcome(failure=BROKEN), DEAD, id="refused-and-failed"
        ),
        pytest.param(
            {"journal": journal(is_unproven=True)},
            Outcome(verified=REFUSES),
            DEAD,
            id="refused-and-taken-over",
        ),
        pytest.param(
            {"target": None},
            Outcome(verified=REFUSES),
            (
                "False",
                "Published",
                "the Secret web does not hold the current value: the Secret web was missing",
            ),
            id="refused-and-missing",
        ),
    ],
)
def test_a_value_that_the_tenant_refuses_is_not_ready(
    changes: dict[str, Any], outcome: Outcome, expected: tuple[str, str, str]
) -> None:
    assert said("Ready", observation(**changes), outcome) == expected


@pytest.mark.parametrize(
    ("before", "decision", "outcome", "expected"),
    [
        pytest.param(
            [condition("Ready", "False", "ScopeMissing")],
            WAITING,
            NOTHING,
            ("False", "ScopeMissing", "as before"),
            id="while-waiting-as-before",
        ),
        pytest.param(
            [condition("Ready", "Unknown", "Pending")],
            WAITING,
            NOTHING,
            ("False", "BackingOff", WAITING.message),
            id="not-told-yet",
        ),
        pytest.param([], WAITING, NOTHING, ("False", "BackingOff", WAITING.message), id="nothing-told"),
        pytest.param(
            [condition("Ready", "False", "ScopeMissing")],
            AT_REST,
            NOTHING,
            ("False", "WaitingForDueDate", "due some day"),
            id="no-longer-waiting",
        ),
        pytest.param(
            [condition("Ready", "False", "ScopeMissing")],
            WAITING,
            Outcome(failure=BROKEN),
            ("False", "Unreachable", "acme.eu.auth0.com cannot be reached"),
            id="failed-again",
        ),
    ],
)
def test_before_a_first_value_ready_repeats_why_while_it_waits(
    before: list[dict[str, Any]], decision: Decision, outcome: Outcome, expected: tuple[str, str, str]
) -> None:
    o = created(rotation=with_failure(conditions=before))
    assert said("Ready", o, outcome, decision) == expected


OPEN = hold(Reason.SENDING, "the outcome of a change is open")
DELIVERED_BEFORE = [condition("Ready", "True", "Delivered")]


def doubtful(age: timedelta | None, *, failed: bool = False, told: bool = True) -> Observation:
    status = failed_status() if failed else {}
    conditions = DELIVERED_BEFORE if told else []
    return observation(
        rotation=rotation(status=status | {"conditions": conditions}),
        journal=sending(attempted_at=NOW - age if age is not None else None),
    )


@pytest.mark.parametrize(
    ("o", "expected"),
    [
        pytest.param(doubtful(SECOND), ("True", "Delivered", "as before"), id="a-moment"),
        pytest.param(doubtful(MINUTE), ("True", "Delivered", "as before"), id="a-minute"),
        pytest.param(
            doubtful(MINUTE + timedelta(microseconds=1)),
            ("Unknown", "Sending", "the outcome of a change is open"),
            id="more-than-a-minute",
        ),
        pytest.param(
            doubtful(None),
            ("Unknown", "Sending", "the outcome of a change is open"),
            id="since-when-unknown",
        ),
        pytest.param(
            doubtful(SECOND, failed=True),
            ("Unknown", "Sending", "the outcome of a change is open"),
            id="failed-before",
        ),
        pytest.param(
            doubtful(SECOND, told=False),
            ("Unknown", "Sending", "the outcome of a change is open"),
            id="nothing-told-before",
        ),
    ],
)
def test_ready_is_in_doubt_when_an_outcome_is_open_for_more_than_a_minute(
    o: Observation, expected: tuple[str, str, str]
) -> None:
    assert said("Ready", o, NOTHING, OPEN) == expected


def test_a_doubt_tells_why_the_last_try_failed() -> None:
    found = said("Ready", doubtful(5 * MINUTE), Outcome(failure=BROKEN), OPEN)
    assert found == ("Unknown", "Sending", "acme.eu.auth0.com cannot be reached")


def test_ready_is_false_while_an_accepted_value_is_not_delivered() -> None:
    o = observation(
        rotation=with_status(conditions=DELIVERED_BEFORE),
        journal=sending(attempted_at=NOW),
        attempt=attempt(accepted=intended()),
    )
    message = "the tenant took a new value, and it is not delivered yet: the API server is away"
    failure = Failure(Reason.CLUSTER_UNREACHABLE, "the API server is away", is_stalled=False)
    assert said("Ready", o, Outcome(failure=failure), OPEN) == ("False", "NotDelivered", message)


def test_an_attempt_that_was_not_accepted_yet_leaves_ready_as_it_was() -> None:
    o = observation(
        rotation=with_status(conditions=DELIVERED_BEFORE),
        journal=sending(attempted_at=NOW),
        attempt=attempt(),
    )
    assert said("Ready", o, NOTHING, OPEN) == ("True", "Delivered", "as before")


# Reconciling -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("under_way", "outcome", "status"),
    [
        pytest.param(None, NOTHING, "False", id="at-rest"),
        pytest.param(attempt(), NOTHING, "True", id="an-attempt-under-way"),
        pytest.param(attempt(), Outcome(failure=BROKEN), "False", id="an-attempt-that-failed"),
    ],
)
def test_reconciling_is_true_only_while_an_attempt_is_executed(
    under_way: object, outcome: Outcome, status: str
) -> None:
    o = observation(attempt=under_way)
    assert said("Reconciling", o, outcome, AT_REST) == (status, "WaitingForDueDate", "due some day")


# A place in a queue ----------------------------------------------------------------------------

QUEUED = hold(Reason.QUEUED, "its turn is at 09:45", NOW + 15 * MINUTE)
QUEUED_BEFORE = ("False", "Queued", "as before")
QUEUED_NOW = ("False", "Queued", "its turn is at 09:45")


@pytest.mark.parametrize("type_", ["Reconciling", "Stalled"])
@pytest.mark.parametrize(
    ("reason", "decision", "expected"),
    [
        pytest.param("Queued", QUEUED, QUEUED_BEFORE, id="queued-before"),
        pytest.param("WaitingForDueDate", QUEUED, QUEUED_NOW, id="queued-now"),
        pytest.param(
            "Queued", AT_REST, ("False", "WaitingForDueDate", "due some day"), id="queued-no-more"
        ),
        pytest.param(
            "WaitingForDueDate",
            AT_REST,
            ("False", "WaitingForDueDate", "due some day"),
            id="what-is-no-estimate",
        ),
    ],
)
def test_a_place_in_a_queue_is_told_once(
    type_: str, reason: str, decision: Decision, expected: tuple[str, str, str]
) -> None:
    """Each estimate written anew, a thousand that wait would write a thousand times a second."""
    o = observation(rotation=with_status(conditions=[condition(type_, "False", reason)]))
    assert said(type_, o, NOTHING, decision) == expected


def test_a_failure_is_told_though_a_place_in_a_queue_was() -> None:
    o = observation(rotation=with_status(conditions=[condition("Stalled", "False", "Queued")]))
    found = said("Stalled", o, Outcome(failure=REFUSED), QUEUED)
    assert found == ("True", "ScopeMissing", "the token lacks a scope")


# Stalled ---------------------------------------------------------------------------------------

STALLED_BEFORE = [condition("Stalled", "True", "ScopeMissing")]
CONFLICT = stall(Reason.CONFLICT_DETECTED, "somebody was faster")


@pytest.mark.parametrize(
    ("before", "decision", "outcome", "expected"),
    [
        pytest.param(
            rotation(), AT_REST, NOTHING, ("False", "WaitingForDueDate", "due some day"), id="at-rest"
        ),
        pytest.param(
            rotation(), CONFLICT, NOTHING, ("True", "ConflictDetected", "somebody was faster"), id="held"
        ),
        pytest.param(
            rotation(),
            CONFLICT,
            Outcome(failure=BROKEN),
            ("True", "ConflictDetected", "somebody was faster"),
            id="held-and-failed",
        ),
        pytest.param(
            rotation(),
            AT_REST,
            Outcome(failure=REFUSED),
            ("True", "ScopeMissing", "the token lacks a scope"),
            id="refused",
        ),
        pytest.param(
            rotation(),
            CONFLICT,
            Outcome(failure=REFUSED),
            ("True", "ScopeMissing", "the token lacks a scope"),
            id="held-and-refused",
        ),
        pytest.param(
            rotation(),
            AT_REST,
            Outcome(failure=BROKEN),
            ("False", "WaitingForDueDate", "due some day"),
            id="failed-and-retried",
        ),
        *[
            pytest.param(
                with_failure(conditions=STALLED_BEFORE),
                hold(reason, "waiting"),
                NOTHING,
                ("True", "ScopeMissing", "as before"),
                id=f"refused-before-and-{reason.value}",
            )
            for reason in (Reason.BACKING_OFF, Reason.SENDING, Reason.BUSY, Reason.NOT_DELIVERED)
        ],
        pytest.param(
            with_failure(conditions=STALLED_BEFORE),
            AT_REST,
            NOTHING,
            ("False", "WaitingForDueDate", "due some day"),
            id="mended-and-at-rest",
        ),
        pytest.param(
            with_failure(conditions=STALLED_BEFORE),
            WAITING,
            Outcome(failure=BROKEN),
            ("False", "BackingOff", WAITING.message),
            id="mended-and-failed-otherwise",
        ),
        pytest.param(
            with_status(conditions=STALLED_BEFORE),
            WAITING,
            NOTHING,
            ("False", "BackingOff", WAITING.message),
            id="not-failed-any-more",
        ),
        pytest.param(
            with_failure(conditions=[condition("Stalled", "False", "ScopeMissing")]),
            WAITING,
            NOTHING,
            ("False", "BackingOff", WAITING.message),
            id="not-stalled-before",
        ),
        pytest.param(
            with_failure(), WAITING, NOTHING, ("False", "BackingOff", WAITING.message), id="nothing-told"
        ),
    ],
)
def test_stalled_is_true_while_a_person_is_needed(
    before: Rotation, decision: Decision, outcome: Outcome, expected: tuple[str, str, str]
) -> None:
    assert said("Stalled", observation(rotation=before), outcome, decision) == expected


# Verified --------------------------------------------------------------------------------------

NOT_ASKED = ("Unknown", "Pending", "the tenant was not asked yet about this value")
VERIFIED_BEFORE = [condition("Verified", "True", "Verified")]
OFF = {"verification": {"enabled": False}}
LIVE = Condition(ConditionType.VERIFIED, ConditionStatus.TRUE, Reason.VERIFIED, "accepted")


@pytest.mark.parametrize(
    ("before", "outcome", "expected"),
    [
        pytest.param(rotation(), NOTHING, NOT_ASKED, id="not-asked"),
        pytest.param(rotation(), Outcome(verified=LIVE), ("True", "Verified", "accepted"), id="asked"),
        pytest.param(
            with_status(conditions=VERIFIED_BEFORE, lastRotationId="01CURRENT"),
            NOTHING,
            ("True", "Verified", "as before"),
            id="asked-before",
        ),
        pytest.param(with_status(conditions=VERIFIED_BEFORE), ROTATED, NOT_ASKED, id="a-new-value"),
        pytest.param(with_status(conditions=VERIFIED_BEFORE), ADOPTED, NOT_ASKED, id="an-adopted-value"),
        pytest.param(
            rotation(spec=OFF),
            NOTHING,
            ("Unknown", "VerificationOff", "spec.verification.enabled is false"),
            id="off",
        ),
        pytest.param(
            rotation(spec=OFF, status={"conditions": VERIFIED_BEFORE}),
            NOTHING,
            ("Unknown", "VerificationOff", "spec.verification.enabled is false"),
            id="off-now",
        ),
        pytest.param(
            rotation(spec=OFF),
            Outcome(verified=LIVE),
            ("True", "Verified", "accepted"),
            id="off-but-asked",
        ),
        pytest.param(
            with_status(
                conditions=[condition("Verified", "Unknown", "VerificationOff")],
                lastRotationId="01CURRENT",
            ),
            NOTHING,
            NOT_ASKED,
            id="on-again",
        ),
        pytest.param(
            invalid_rotation(status={"conditions": VERIFIED_BEFORE, "lastRotationId": "01CURRENT"}),
            NOTHING,
            ("True", "Verified", "as before"),
            id="spec-invalid",
        ),
    ],
)
def test_verified_says_what_the_tenant_said_of_this_value(
    before: Rotation, outcome: Outcome, expected: tuple[str, str, str]
) -> None:
    assert said("Verified", observation(rotation=before), outcome, AT_REST) == expected


@pytest.mark.parametrize(
    "nonsense",
    [
        pytest.param({"type": "Verified"}, id="bare"),
        pytest.param(condition("Verified", "Maybe", "Verified"), id="status"),
        pytest.param(condition("Verified", "True", "BecauseISaidSo"), id="reason"),
    ],
)
def test_a_condition_that_makes_no_sense_counts_as_none(nonsense: dict[str, Any]) -> None:
    o = observation(rotation=with_status(conditions=[nonsense], lastRotationId="01CURRENT"))
    assert said("Verified", o, NOTHING, AT_REST) == NOT_ASKED


def test_a_condition_without_a_message_is_repeated_without_one() -> None:
    bare = {"type": "Verified", "status": "True", "reason": "Verified"}
    conditions = [condition("Ready", "True", "Delivered"), bare]
    o = observation(rotation=with_status(conditions=conditions, lastRotationId="01CURRENT"))
    assert said("Verified", o, NOTHING, AT_REST) == ("True", "Verified", "")


@pytest.mark.parametrize("known", [{}, {"lastRotationId": "01BEFORE"}], ids=["wiped", "older"])
def test_a_value_that_status_does_not_know_is_not_verified(known: dict[str, Any]) -> None:
    before = rotation(status={"conditions": [condition("Verified", "True", "Verified")]} | known)
    assert said("Verified", observation(rotation=before), NOTHING, AT_REST) == NOT_ASKED


NO_ANSWER = condition("Reconciling", "False", "Unreachable", "no answer")


@pytest.mark.parametrize(
    ("past", "expected"),
    [
        pytest.param(
            {"conditions": [NO_ANSWER]},
            ("False", "Unreachable", "no answer"),
            id="why-it-failed",
        ),
        pytest.param(
            {"conditions": [condition("Reconciling", "True", "Due", "due")]},
            ("False", "BackingOff", "waits"),
            id="not-what-was-under-way",
        ),
        pytest.param({}, ("False", "BackingOff", "waits"), id="nothing-told-so-far"),
    ],
)
def test_a_back_off_keeps_telling_why(past: dict[str, Any], expected: tuple[str, str, str]) -> None:
    o = observation(rotation=with_failure(**past))
    assert said("Reconciling", o, NOTHING, hold(Reason.BACKING_OFF, "waits")) == expected


@pytest.mark.parametrize(
    ("before", "under_way", "decision"),
    [
        pytest.param(with_failure, None, AT_REST, id="no-back-off"),
        pytest.param(with_status, None, hold(Reason.BACKING_OFF, "waits"), id="no-failure"),
        pytest.param(with_status, None, AT_REST, id="neither"),
        pytest.param(with_failure, attempt(), hold(Reason.BACKING_OFF, "waits"), id="under-way"),
    ],
)
def test_why_an_attempt_failed_is_told_only_while_the_next_is_waited_for(
    before: Callable[..., Rotation], under_way: Attempt | None, decision: Decision
) -> None:
    o = observation(rotation=before(conditions=[NO_ANSWER]), attempt=under_way)
    _, reason, message = said("Reconciling", o, NOTHING, decision)
    assert (reason, message) == (decision.reason, decision.message)


def test_no_value_is_told() -> None:
    o = observation(journal=sending(), attempt=attempt(accepted=intended()))
    told = repr(status_of(o, Outcome(failure=BROKEN)))
    assert not [secret for secret in (CURRENT, PREVIOUS, NEXT) if secret.reveal() in told]


# Consumers -------------------------------------------------------------------------------------

NAMING = {"rolloutRestartTargets": [{"kind": "Deployment", "name": "web"}]}
NOT_LOOKED_AT = (
    "False",
    "RollingOut",
    "the consumers were not looked at yet since this value was delivered",
)


@pytest.mark.parametrize(
    ("o", "outcome", "expected"),
    [
        pytest.param(
            observation(rotation=rotation(spec=NAMING, status={"lastRotationId": "01OTHER"})),
            NOTHING,
            NOT_LOOKED_AT,
            id="not-looked-at",
        ),
        pytest.param(
            observation(
                rotation=rotation(
                    spec=NAMING,
                    status={
                        "lastRotationId": "01CURRENT",
                        "conditions": [condition("ConsumersCurrent", "True", "ConsumersCurrent")],
                    },
                )
            ),
            NOTHING,
            ("True", "ConsumersCurrent", "as before"),
            id="as-before",
        ),
        pytest.param(
            observation(
                rotation=rotation(
                    spec=NAMING,
                    status={
                        "lastRotationId": "01OTHER",
                        "conditions": [condition("ConsumersCurrent", "True", "ConsumersCurrent")],
                    },
                )
            ),
            NOTHING,
            NOT_LOOKED_AT,
            id="of-the-value-before",
        ),
        pytest.param(
            observation(rotation=rotation(spec=NAMING)),
            Outcome(
                consumers=Condition(
                    ConditionType.CONSUMERS_CURRENT,
                    ConditionStatus.FALSE,
                    Reason.CONSUMER_MISSING,
                    "there is no Deployment/web",
                )
            ),
            ("False", "ConsumerMissing", "there is no Deployment/web"),
            id="as-just-seen",
        ),
    ],
)
def test_consumers_are_told_of_by_what_was_seen_of_them(
    o: Observation, outcome: Outcome, expected: tuple[str, str, str]
) -> None:
    assert said("ConsumersCurrent", o, outcome) == expected


@pytest.mark.parametrize(
    "o",
    [
        pytest.param(observation(), id="nobody-is-named"),
        pytest.param(observation(rotation=invalid_rotation()), id="an-invalid-spec"),
        pytest.param(created(rotation=rotation(spec=NAMING)), id="no-value"),
    ],
)
def test_nothing_is_told_of_consumers_that_nobody_knows(o: Observation) -> None:
    told = {one["type"] for one in status_of(o)["conditions"]}
    assert "ConsumersCurrent" not in told


def test_a_restart_is_told_with_how_long_it_took() -> None:
    before: list[dict[str, Any]] = [{"id": "01OTHER"}, {"id": "01CURRENT", "verifiedMilliseconds": 2}]
    o = observation(rotation=with_status(history=before))
    history = status_of(o, Outcome(rolled_milliseconds=0))["history"]
    assert history == [{"id": "01OTHER"}, {**before[1], "rolledMilliseconds": 0}]
