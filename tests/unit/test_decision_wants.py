"""What several rules ask: whose record, which tokens, since when due, until when to wait."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from auth0_rotator.decision.wants import (
    due_at,
    is_of_wanted_client,
    is_told_handled,
    kept_at,
    new_tokens,
    notice_at,
    opening,
    overdue_at,
    own_record,
    retry_at,
    scheduled_at,
    told_later,
    windows_of,
)
from auth0_rotator.journal import Journal
from auth0_rotator.record import Trigger
from auth0_rotator.schedule import IntervalUnit, spread_offset
from auth0_rotator.target import Target
from examples import (
    DUE_AT,
    HANDLED,
    MINUTE,
    NOW,
    UID,
    connection,
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
    sending,
    target,
)

OTHER_CLIENT = {"parameters": {"clientId": "new-client"}}
MONDAY = "annotation:d618fb157a4b382e"
MONDAY_OF_SPEC = "spec:d618fb157a4b382e"
TICK = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("changes", "is_wanted"),
    [
        pytest.param({}, True, id="client-of-the-spec"),
        pytest.param({"rotation": rotation(spec=OTHER_CLIENT)}, False, id="another-client"),
        pytest.param(
            {"rotation": rotation(spec=OTHER_CLIENT), "journal": sending()}, True, id="while-sending"
        ),
        pytest.param({"journal": None}, True, id="no-journal"),
        pytest.param({"rotation": None}, False, id="no-object"),
    ],
)
def test_a_value_is_of_the_wanted_client_by_the_spec_or_by_what_is_sent(
    changes: dict[str, Any], *, is_wanted: bool
) -> None:
    assert is_of_wanted_client(observation(**changes), record()) is is_wanted


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
    ("status", "tokens", "is_told"),
    [
        pytest.param({"lastHandledRotateNow": "monday"}, (MONDAY_OF_SPEC,), True, id="annotation"),
        pytest.param({"lastHandledRotationTrigger": "monday"}, (MONDAY,), True, id="spec"),
        pytest.param({"lastHandledRotateNow": "sunday"}, (MONDAY, MONDAY_OF_SPEC), False, id="another"),
        pytest.param({}, (MONDAY, MONDAY_OF_SPEC), False, id="none"),
    ],
)
def test_a_token_that_status_tells_as_followed_is_not_new(
    status: dict[str, str], tokens: tuple[str, ...], *, is_told: bool
) -> None:
    """An old journal that came back from a backup does not know it; the object was never away."""
    annotations = {"auth0rotator.dev/rotate-now": "monday"}
    subject = rotation(spec={"rotationTrigger": "monday"}, annotations=annotations, status=status)
    o = observation(rotation=subject)
    assert (new_tokens(o), is_told_handled(o)) == (tokens, is_told)
    handled = (MONDAY, MONDAY_OF_SPEC)
    assert not is_told_handled(
        observation(rotation=subject, journal=journal(current=credential(handled=handled)))
    )


@pytest.mark.parametrize("changes", [{"rotation": None}, {"journal": None}], ids=["object", "journal"])
def test_without_object_or_journal_status_tells_of_no_token(changes: dict[str, Any]) -> None:
    subject = rotation(
        annotations={"auth0rotator.dev/rotate-now": "monday"}, status={"lastHandledRotateNow": "monday"}
    )
    assert not is_told_handled(observation(**({"rotation": subject} | changes)))


LATER = datetime(2026, 11, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("told", "changes", "later"),
    [
        pytest.param("2026-11-10T12:00:00Z", {}, LATER, id="later"),
        pytest.param("2026-11-01T00:00:01Z", {}, None, id="the-same"),
        pytest.param("2026-10-31T00:00:00Z", {}, None, id="earlier"),
        pytest.param("2026-11-23T09:30:00Z", {}, NOW, id="this-instant"),
        pytest.param("2026-11-23T09:30:01Z", {}, None, id="not-come-yet"),
        pytest.param(None, {}, None, id="nothing"),
        pytest.param("2026-11-10T12:00:00Z", {"journal": None}, None, id="no-journal"),
        pytest.param("2026-11-10T12:00:00Z", {"journal": journal(current=None)}, None, id="no-value"),
        pytest.param(
            "2026-11-10T12:00:00Z",
            {"journal": journal(current=credential(rotated_at=None))},
            None,
            id="no-date",
        ),
    ],
)
def test_status_may_know_of_a_later_rotation_than_the_journal(
    told: str | None, changes: dict[str, Any], later: datetime | None
) -> None:
    o = observation(rotation=rotation(status={"lastRotatedAt": told}), **changes)
    assert told_later(o) == later
    assert told_later(observation(rotation=None)) is None


@pytest.mark.parametrize(
    ("told", "is_manual", "date"),
    [
        pytest.param("2026-11-10T12:00:00Z", False, "2026-12-10T00:00:00Z", id="on-schedule"),
        pytest.param("2026-11-10T12:00:00Z", True, "2026-12-11T00:00:00Z", id="manual"),
        pytest.param("2026-11-01T00:00:00Z", True, "2026-12-01T00:00:00Z", id="earlier"),
    ],
)
def test_a_date_counts_from_the_later_rotation_that_status_tells_of(
    told: str, date: str, *, is_manual: bool
) -> None:
    """An old journal would have the date come once more that was kept since."""
    status = {"lastRotatedAt": told, "isLastRotationManual": is_manual}
    o = observation(rotation=rotation(status=status))
    assert scheduled_at(o, failed_at=None) == datetime.fromisoformat(date)


def test_status_brings_no_date_forward() -> None:
    """A manual rotation counts a day more than the one on schedule that status tells of, hours later."""
    kept = journal(current=credential(trigger=Trigger.MANUAL))
    status = {"lastRotatedAt": "2026-11-01T12:00:00Z", "isLastRotationManual": False}
    o = observation(rotation=rotation(status=status), journal=kept)
    alone = observation(journal=kept)
    assert scheduled_at(o, failed_at=None) == scheduled_at(alone, failed_at=None)


def test_after_a_failure_what_status_tells_makes_no_difference() -> None:
    """Else a rotation that failed would be tried again only after a whole interval."""
    told = {"lastRotatedAt": "2026-11-22T00:00:00Z"} | failed_status()
    o = observation(rotation=rotation(status=told))
    assert scheduled_at(o, failed_at=FAILED_AT) == datetime(2026, 11, 23, tzinfo=UTC)


def test_without_automation_status_brings_no_date() -> None:
    status = {"lastRotatedAt": "2026-11-10T12:00:00Z"}
    o = observation(rotation=rotation(spec={"isAutoRotationEnabled": False}, status=status))
    assert scheduled_at(o, failed_at=None) is None


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
            {"rotation": rotation(spec={"rotateAt": {"time": "06:05", "timeZone": "America/New_York"}})},
            datetime(2026, 11, 30, 11, 5, tzinfo=UTC),
            id="by-the-calendar-of-the-zone",
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


# Spread, windows -------------------------------------------------------------------------------

HOUR = timedelta(hours=1)
OFFSET = spread_offset(12 * HOUR, UID)


@pytest.mark.parametrize("failed_at", [None, FAILED_AT], ids=["scheduled", "failed"])
def test_the_schedule_is_as_much_later_as_the_object_is_spread(failed_at: datetime | None) -> None:
    spread, plain = observation(rotation=rotation(spec={"spread": "12h"})), observation()
    found, expected = (scheduled_at(o, failed_at=failed_at) for o in (spread, plain))
    assert found is not None
    assert expected is not None
    assert found - expected == OFFSET
    assert HOUR < OFFSET < 12 * HOUR


@pytest.mark.parametrize(
    ("trigger", "days"),
    [
        pytest.param(Trigger.SCHEDULE, 30, id="scheduled"),
        pytest.param(Trigger.MANUAL, 31, id="manual"),
    ],
)
def test_a_rotation_that_its_spread_carried_over_midnight_comes_again_after_the_interval(
    trigger: Trigger, days: int
) -> None:
    rotated_at = datetime(2026, 10, 31, 23, 59, tzinfo=UTC) + OFFSET
    o = observation(
        rotation=rotation(spec={"spread": "12h", "rotateAtUtc": {"hours": 23, "minutes": 59}}),
        journal=journal(current=credential(rotated_at=rotated_at, trigger=trigger)),
    )
    assert scheduled_at(o, failed_at=None) == rotated_at + timedelta(days=days)


def test_the_midnight_is_that_of_its_zone() -> None:
    rotated_at = datetime(2026, 10, 31, 14, 59, tzinfo=UTC) + OFFSET
    tokyo = {"time": "23:59", "timeZone": "Asia/Tokyo"}
    o = observation(
        rotation=rotation(spec={"spread": "12h", "rotateAt": tokyo}),
        journal=journal(current=credential(rotated_at=rotated_at)),
    )
    assert scheduled_at(o, failed_at=None) == rotated_at + timedelta(days=30)


def window(kind: str, schedule: str, duration: str = "1h") -> dict[str, str]:
    return {"kind": kind, "schedule": schedule, "duration": duration}


NIGHT = [window("allow", "0 2 * * *")]
NEVER = [window("allow", "0 2 1 1 *"), window("deny", "0 2 1 1 *")]
OPENED_AT = DUE_AT + 2 * HOUR


def within(windows: list[dict[str, str]], **changes: Any) -> Any:
    spec = {"rotationWindows": windows} | changes.pop("spec", {})
    return rotation(spec=spec, **changes)


def parsed(windows: list[dict[str, str]]) -> Any:
    return within(windows).spec.rotation_windows


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, parsed(NEVER), id="those-of-the-connection"),
        pytest.param({"rotation": within(NIGHT)}, parsed(NIGHT), id="its-own"),
        pytest.param({"rotation": within([])}, [], id="its-own-are-none"),
        pytest.param({"rotation": invalid_rotation()}, parsed(NEVER), id="invalid"),
        pytest.param({"rotation": None}, parsed(NEVER), id="gone"),
    ],
)
def test_the_windows_are_its_own_else_those_of_the_connection(
    changes: dict[str, Any], expected: Any
) -> None:
    o = observation(**({"connection": connection(windows=parsed(NEVER)), "target": None} | changes))
    assert windows_of(o) == expected


def test_an_opening_is_looked_for_from_then_on() -> None:
    o = observation(rotation=within(NIGHT))
    assert opening(o, DUE_AT) == OPENED_AT
    assert opening(o, OPENED_AT + MINUTE) == OPENED_AT + MINUTE
    assert opening(observation(rotation=within(NEVER)), DUE_AT) is None


FAILED_LATELY = failed_status(lastRotationAttemptedAt="2026-12-01T02:10:00Z")


@pytest.mark.parametrize(
    ("changes", "failed_at", "expected"),
    [
        pytest.param({}, None, OPENED_AT, id="ahead"),
        pytest.param({"now": OPENED_AT}, None, OPENED_AT, id="open-since-now"),
        pytest.param({"now": OPENED_AT + 59 * MINUTE}, None, OPENED_AT, id="still-open"),
        pytest.param({"now": OPENED_AT + HOUR}, None, OPENED_AT + 24 * HOUR, id="closed"),
        pytest.param({"now": OPENED_AT + 25 * HOUR}, None, OPENED_AT + 48 * HOUR, id="closed-again"),
        pytest.param(
            {"now": OPENED_AT + 10 * MINUTE},
            OPENED_AT + 10 * MINUTE,
            OPENED_AT + 24 * HOUR,
            id="the-day-after-a-failure",
        ),
        pytest.param({"rotation": rotation()}, None, DUE_AT, id="without-windows"),
        pytest.param(
            {"rotation": rotation(), "now": DUE_AT + 9 * HOUR}, None, DUE_AT, id="overdue-without-any"
        ),
        pytest.param({"rotation": within(NEVER)}, None, None, id="never-open"),
        pytest.param(
            {"rotation": within(NIGHT, spec={"isAutoRotationEnabled": False})}, None, None, id="off"
        ),
        pytest.param({"rotation": None}, None, None, id="gone"),
    ],
)
def test_what_is_told_is_when_a_rotation_really_comes(
    changes: dict[str, Any], failed_at: datetime | None, expected: datetime | None
) -> None:
    """The opening that was missed is of no use to whoever reads it."""
    o = observation(**({"rotation": within(NIGHT)} | changes))
    assert kept_at(o, failed_at=failed_at) == expected


# Notices ---------------------------------------------------------------------------------------


def noticing(before: str | None = "24h", told: str = "", **changes: Any) -> Any:
    spec = {"noticeBefore": before} | changes.pop("spec", {})
    return rotation(spec=spec, status={"lastNoticeFor": told}, **changes)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, DUE_AT - 24 * HOUR, id="ahead"),
        pytest.param({"rotation": noticing("90m")}, DUE_AT - 90 * MINUTE, id="as-long-as-it-says"),
        pytest.param({"now": DUE_AT - HOUR}, DUE_AT - 24 * HOUR, id="come"),
        pytest.param({"now": DUE_AT - TICK}, DUE_AT - 24 * HOUR, id="in-the-last-moment"),
        pytest.param({"now": DUE_AT}, None, id="too-late"),
        pytest.param({"rotation": noticing(told="2026-12-01T00:00:00Z")}, None, id="told"),
        pytest.param(
            {"rotation": noticing(told="2026-11-01T00:00:00Z")}, DUE_AT - 24 * HOUR, id="told-of-another"
        ),
        pytest.param(
            {"rotation": noticing(spec={"rotationWindows": NIGHT})},
            OPENED_AT - 24 * HOUR,
            id="inside-of-the-windows",
        ),
        pytest.param({"rotation": noticing(None)}, None, id="nobody-wants-to-know"),
        pytest.param({"rotation": noticing(spec={"isAutoRotationEnabled": False})}, None, id="off"),
        pytest.param({"rotation": invalid_rotation()}, None, id="invalid"),
        pytest.param({"rotation": None}, None, id="gone"),
    ],
)
def test_people_are_told_once_before_a_rotation_comes(
    changes: dict[str, Any], expected: datetime | None
) -> None:
    o = observation(**({"rotation": noticing(), "target": None} | changes))
    assert notice_at(o) == expected


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
        pytest.param({"rotation": within(NIGHT)}, OPENED_AT, id="inside-of-its-windows"),
        pytest.param(
            {"rotation": within(NIGHT), "now": OPENED_AT + 9 * HOUR}, OPENED_AT, id="window-missed"
        ),
        pytest.param(
            {"rotation": within(NIGHT, status=FAILED_LATELY), "now": OPENED_AT + 20 * MINUTE},
            OPENED_AT,
            id="failed-in-the-window",
        ),
        pytest.param(
            {"rotation": within(NIGHT, status=failed_status())},
            datetime(2026, 11, 24, 2, tzinfo=UTC),
            id="failed-before-its-window",
        ),
        pytest.param({"rotation": within(NEVER, status=failed_status())}, None, id="never-open"),
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


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, DUE_AT + 5 * MINUTE, id="ahead"),
        pytest.param({"now": DUE_AT + 9 * MINUTE}, DUE_AT + 5 * MINUTE, id="past"),
        pytest.param({"rotation": rotation(spec={"isAutoRotationEnabled": False})}, None, id="no-date"),
    ],
)
def test_a_rotation_is_overdue_five_minutes_after_its_date(
    changes: dict[str, Any], expected: datetime | None
) -> None:
    assert overdue_at(observation(**changes)) == expected
