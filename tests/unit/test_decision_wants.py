"""What several rules ask: whose record, which tokens, since when due, until when to wait."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from auth0_rotator.decision.wants import due_at, new_tokens, own_record, retry_at, scheduled_at
from auth0_rotator.journal import Journal
from auth0_rotator.record import Trigger
from auth0_rotator.schedule import IntervalUnit
from auth0_rotator.target import Target
from examples import (
    DUE_AT,
    HANDLED,
    MINUTE,
    NOW,
    created,
    credential,
    failed_status,
    foreign_target,
    intended,
    invalid_rotation,
    journal,
    observation,
    plan,
    record,
    rotation,
    target,
)

MONDAY = "annotation:d618fb157a4b382e"
MONDAY_OF_SPEC = "spec:d618fb157a4b382e"
TICK = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("stands", "is_own"),
    [
        pytest.param(target(), True, id="own"),
        pytest.param(None, False, id="no-target"),
        pytest.param(foreign_target(), False, id="no-record"),
        pytest.param(
            target(by=plan(rotation="api", target={"name": "web"})), False, id="of-another-rotation"
        ),
    ],
)
def test_a_record_counts_as_own_by_the_name_of_its_rotation(
    stands: Target | None, *, is_own: bool
) -> None:
    assert own_record(observation(target=stands)) == (record() if is_own else None)


@pytest.mark.parametrize(
    ("handled", "tokens"),
    [
        pytest.param((), (MONDAY, MONDAY_OF_SPEC), id="none-handled"),
        pytest.param((MONDAY,), (MONDAY_OF_SPEC,), id="annotation-handled"),
        pytest.param((MONDAY_OF_SPEC, HANDLED), (MONDAY,), id="spec-handled"),
        pytest.param((HANDLED, MONDAY_OF_SPEC, MONDAY), (), id="both-handled"),
    ],
)
def test_a_token_is_new_until_it_was_handled(handled: tuple[str, ...], tokens: tuple[str, ...]) -> None:
    both = rotation(
        spec={"rotationTrigger": "monday"}, annotations={"auth0rotator.dev/rotate-now": "monday"}
    )
    kept = journal(current=credential(handled=handled))
    assert new_tokens(observation(rotation=both, journal=kept)) == tokens


@pytest.mark.parametrize("changes", [{"journal": None}, {"rotation": None}], ids=["no-journal", "gone"])
def test_without_object_or_journal_no_token_is_new(changes: dict[str, Any]) -> None:
    asking = rotation(annotations={"auth0rotator.dev/rotate-now": "monday"})
    assert new_tokens(observation(**({"rotation": asking, "target": None} | changes))) == ()


# Schedule --------------------------------------------------------------------------------------

FAILED_AT = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, DUE_AT, id="scheduled"),
        pytest.param(
            {"journal": journal(current=credential(trigger=Trigger.MANUAL))},
            DUE_AT + timedelta(days=1),
            id="manual",
        ),
        pytest.param(
            {
                "rotation": rotation(
                    spec={"rotationInterval": 31, "rotateAtUtc": {"hours": 6, "minutes": 5}}
                )
            },
            datetime(2026, 12, 2, 6, 5, tzinfo=UTC),
            id="by-the-spec",
        ),
        pytest.param(
            {"unit": IntervalUnit.MINUTES}, datetime(2026, 11, 1, 0, 30, tzinfo=UTC), id="in-minutes"
        ),
        pytest.param(
            {"rotation": rotation(spec={"isAutoRotationEnabled": False})}, None, id="automation-off"
        ),
        pytest.param({"journal": None}, None, id="never-rotated"),
        pytest.param({"journal": journal(current=None, next=intended())}, None, id="only-parked"),
        pytest.param({"rotation": None}, None, id="gone"),
        pytest.param({"rotation": invalid_rotation()}, None, id="invalid"),
    ],
)
def test_the_schedule_follows_the_spec_and_the_journal(
    changes: dict[str, Any], expected: datetime | None
) -> None:
    assert scheduled_at(observation(**({"target": None} | changes)), failed_at=None) == expected


@pytest.mark.parametrize("o", [observation(), created()], ids=["rotated-before", "never-rotated"])
def test_after_a_failure_the_schedule_is_the_day_after_it(o: Any) -> None:
    expected = datetime(2026, 11, 23, tzinfo=UTC)
    assert scheduled_at(o, failed_at=FAILED_AT) == expected


def test_a_first_rotation_counts_as_manual_while_it_is_not_there() -> None:
    """It makes no difference to a due date, which there is none without a rotation."""
    assert scheduled_at(created(), failed_at=None) is None


# Due -------------------------------------------------------------------------------------------


def failed(at: str = "2026-11-22T20:00:00Z", **spec: Any) -> Any:
    return rotation(spec=spec, status=failed_status(lastRotationAttemptedAt=at))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, DUE_AT, id="ahead"),
        pytest.param({"now": DUE_AT}, DUE_AT, id="come"),
        pytest.param({"now": DUE_AT + 9 * MINUTE}, DUE_AT, id="overdue"),
        pytest.param({"rotation": failed(), "now": DUE_AT}, DUE_AT, id="come-and-failed"),
        pytest.param(
            {"rotation": failed(), "now": DUE_AT - TICK},
            datetime(2026, 11, 23, tzinfo=UTC),
            id="ahead-and-failed",
        ),
        pytest.param(
            {"rotation": failed("2026-11-29T23:59:59Z"), "now": DUE_AT - TICK},
            datetime(2026, 11, 30, tzinfo=UTC),
            id="the-day-after-the-failure-not-after-now",
        ),
        pytest.param(
            {"rotation": rotation(status=failed_status(lastRotationAttemptedAt=None))},
            DUE_AT,
            id="failed-nobody-knows-when",
        ),
        pytest.param(
            {"rotation": rotation(status={"lastRotationAttemptedAt": "2026-11-22T20:00:00Z"})},
            DUE_AT,
            id="attempted-and-succeeded",
        ),
        pytest.param(
            {"rotation": failed(isAutoRotationEnabled=False)}, None, id="failed-automation-off"
        ),
        pytest.param({"rotation": None}, None, id="gone"),
    ],
)
def test_a_due_date_that_has_come_stays_through_failures(
    changes: dict[str, Any], expected: datetime | None
) -> None:
    assert due_at(observation(**changes)) == expected


# Back-off --------------------------------------------------------------------------------------

RETRY_AT = NOW + 4 * MINUTE


def asking(**status: Any) -> Any:
    """Return a failed rotation that carries two new tokens."""
    return rotation(
        spec={"rotationTrigger": "monday"},
        annotations={"auth0rotator.dev/rotate-now": "monday"},
        status=failed_status(**status),
    )


def parked(*handled: str) -> Journal:
    return journal(next=intended(handled=handled))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, RETRY_AT, id="waiting"),
        pytest.param({"rotation": rotation()}, None, id="not-failed"),
        pytest.param(
            {"rotation": rotation(status={"nextRetryAt": "2026-11-23T09:34:00Z"})}, None, id="success"
        ),
        pytest.param(
            {"rotation": rotation(status=failed_status(nextRetryAt=None))}, None, id="no-instant"
        ),
        pytest.param({"rotation": None}, None, id="gone"),
        pytest.param({"is_cut_short": True}, None, id="connection-became-ready"),
        pytest.param(
            {"rotation": rotation(status=failed_status(observedGeneration=2))}, None, id="edited"
        ),
        pytest.param(
            {"rotation": rotation(status=failed_status(), generation=2)}, None, id="generation-went-back"
        ),
        pytest.param({"journal": None}, RETRY_AT, id="no-journal"),
        pytest.param({"journal": parked(HANDLED)}, RETRY_AT, id="parked"),
    ],
)
def test_a_failure_is_retried_when_its_time_comes_or_something_was_mended(
    changes: dict[str, Any], expected: datetime | None
) -> None:
    failing = {"rotation": rotation(status=failed_status()), "target": None}
    assert retry_at(observation(**(failing | changes))) == expected


@pytest.mark.parametrize(
    ("word", "handled", "is_waiting"),
    [
        pytest.param("", "", True, id="never-asked"),
        pytest.param("", "a", True, id="taken-away"),
        pytest.param("a", "a", True, id="followed"),
        pytest.param("b", "a", False, id="another"),
        pytest.param("a", "", False, id="first"),
    ],
)
def test_a_request_to_reconcile_cuts_a_back_off_short_once(
    word: str, handled: str, *, is_waiting: bool
) -> None:
    o = observation(
        rotation=rotation(
            annotations={"reconcile.fluxcd.io/requestedAt": word},
            status=failed_status(lastHandledReconcileAt=handled),
        )
    )
    assert (retry_at(o) == RETRY_AT) is is_waiting


@pytest.mark.parametrize(
    ("changes", "is_waiting"),
    [
        pytest.param({}, False, id="none-tried"),
        pytest.param({"tried_tokens": frozenset({MONDAY})}, False, id="one-tried"),
        pytest.param({"tried_tokens": frozenset({MONDAY, MONDAY_OF_SPEC})}, True, id="both-tried"),
        pytest.param(
            {"journal": parked(MONDAY, MONDAY_OF_SPEC)}, True, id="both-tried-before-a-restart"
        ),
        pytest.param({"journal": parked(MONDAY)}, False, id="one-tried-before-a-restart"),
        pytest.param(
            {"journal": parked(MONDAY), "tried_tokens": frozenset({MONDAY_OF_SPEC})},
            True,
            id="one-tried-each",
        ),
        pytest.param(
            {"journal": journal(current=credential(handled=(MONDAY, MONDAY_OF_SPEC)))},
            True,
            id="both-handled",
        ),
        pytest.param({"journal": None}, False, id="none-tried-before-there-is-a-journal"),
        pytest.param(
            {"journal": None, "tried_tokens": frozenset({MONDAY, MONDAY_OF_SPEC})},
            True,
            id="both-tried-before-there-is-a-journal",
        ),
    ],
)
def test_a_new_token_cuts_a_back_off_short_once(changes: dict[str, Any], *, is_waiting: bool) -> None:
    o = observation(**({"rotation": asking(), "target": None} | changes))
    assert (retry_at(o) == RETRY_AT) is is_waiting
