"""What the webhook is told, and that the same happening always has the same id.

The ids were made by `printf '%s' "UID TYPE WHAT" | sha256sum`.
"""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from auth0_rotator.conditions import Reason, timestamp
from auth0_rotator.decision import Decision, decide
from auth0_rotator.decision.model import hold
from auth0_rotator.observation import Observation
from auth0_rotator.outcome import Failure, Outcome
from auth0_rotator.record import Trigger
from auth0_rotator.report import build_status
from auth0_rotator.schedule import retry_delay
from auth0_rotator.webhook.message import Message, Type, messages_of, overdue_id
from examples import (
    CURRENT,
    DUE_AT,
    KEY,
    MINUTE,
    NEXT,
    NOW,
    PREVIOUS,
    ROTATED_AT,
    SECOND,
    UID,
    connection,
    created,
    credential,
    failed_status,
    intended,
    invalid_rotation,
    journal,
    observation,
    record,
    rotation,
    sending,
)

HOUR = timedelta(hours=1)
NOTHING = Outcome()
KNOWN = rotation(status={"lastRotationId": "01CURRENT"})
BROKEN = Failure(Reason.UNREACHABLE, "acme.eu.auth0.com cannot be reached", is_stalled=False)
DONE = Outcome(rotated={"id": "01CURRENT", "trigger": "schedule", "result": "success"})


def told(
    o: Observation,
    outcome: Outcome = NOTHING,
    decision: Decision | None = None,
    trigger: Trigger | None = None,
) -> list[Message]:
    """Return the messages of a pass, with the status that it reports."""
    decision = decision if decision is not None else decide(o)
    status = build_status(o, decision, outcome) if o.rotation is not None else {}
    return messages_of(o, decision, outcome, status, trigger)


def only(messages: list[Message]) -> dict[str, Any]:
    """Return what the one message says, and its id beside it."""
    [message] = messages
    assert message.key == KEY
    body: dict[str, Any] = json.loads(message.body)
    assert body["type"] == message.type.value
    assert message.body == json.dumps(body, separators=(",", ":")).encode()
    return body | {"id": message.id}


# Rotated ---------------------------------------------------------------------------------------


def test_a_rotation_that_was_carried_out_is_told() -> None:
    assert only(told(observation(), DONE)) == {
        "id": "msg_39e1c3e735c3df16a1eb3877349e9e0e",
        "type": "rotation.rotated",
        "timestamp": "2026-11-01T00:00:01Z",
        "data": {
            "namespace": "team-a",
            "name": "web",
            "uid": "6b0c7f6e-rotation",
            "clientId": "AbC123xyz",
            "domain": "acme.eu.auth0.com",
            "rotationId": "01CURRENT",
            "trigger": "schedule",
            "reason": "Rotated",
            "message": "the client secret was changed and delivered",
            "rotatedAt": "2026-11-01T00:00:01Z",
        },
    }


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        pytest.param({"rotation": KNOWN}, NOTHING, id="status-knows-it"),
        pytest.param({}, NOTHING, id="long-ago"),
        pytest.param({}, Outcome(rotated={"id": "01OLDER"}), id="the-journal-is-newer"),
        pytest.param({"journal": journal(current=None)}, DONE, id="nothing-is-current"),
        pytest.param(
            {"journal": journal(current=credential(rotated_at=None))}, DONE, id="nobody-knows-when"
        ),
        pytest.param({"rotation": None}, DONE, id="the-object-is-gone"),
        pytest.param({"rotation": KNOWN, "now": DUE_AT - 5 * MINUTE}, NOTHING, id="before-the-date"),
    ],
)
def test_what_did_not_just_happen_is_not_told(changes: dict[str, Any], outcome: Outcome) -> None:
    assert told(observation(**changes), outcome) == []


@pytest.mark.parametrize(
    ("age", "changes", "is_told"),
    [
        pytest.param(SECOND, {}, True, id="just-now"),
        pytest.param(0 * SECOND, {}, True, id="this-instant"),
        pytest.param(HOUR, {}, True, id="an-hour-ago"),
        pytest.param(HOUR + SECOND, {}, False, id="more-than-an-hour-ago"),
        pytest.param(-SECOND, {}, False, id="by-a-clock-that-was-ahead"),
        pytest.param(MINUTE, {"is_generated": False}, False, id="made-by-a-person"),
    ],
)
def test_a_rotation_that_a_killed_operator_did_not_tell_is_told_by_the_next(
    age: timedelta, changes: dict[str, Any], *, is_told: bool
) -> None:
    untold = journal(current=credential(rotated_at=NOW - age, **changes))
    found = told(observation(journal=untold))
    assert [message.type for message in found] == [Type.ROTATED] * is_told
    if is_told:
        of_the_killed = told(observation(journal=untold), DONE)
        assert found == of_the_killed


def test_what_status_tells_of_is_told_no_more() -> None:
    done = journal(current=credential(rotated_at=NOW - MINUTE))
    assert told(observation(journal=done, rotation=KNOWN)) == []
    older = rotation(status={"lastRotationId": "01OLDER", "history": [{"id": "01CURRENT"}]})
    assert told(observation(journal=done, rotation=older)) == []


def test_what_a_pass_adopted_is_no_rotation() -> None:
    """Whatever the clocks of the API server and of the operator say."""
    adopted = journal(current=credential(rotated_at=NOW - MINUTE))
    assert told(observation(journal=adopted), Outcome(is_adopted=True)) == []


@pytest.mark.parametrize(
    ("created_at", "is_told"),
    [
        pytest.param("2026-11-23T09:28:59Z", True, id="before-it"),
        pytest.param("2026-11-23T09:29:00Z", True, id="with-it"),
        pytest.param("2026-11-23T09:30:00Z", True, id="after-it-by-a-clock-that-is-ahead"),
        pytest.param("2026-11-23T09:30:01Z", False, id="after-it"),
        pytest.param(None, False, id="unknown"),
    ],
)
def test_a_value_that_was_adopted_is_no_rotation_of_the_object(
    created_at: str | None, *, is_told: bool
) -> None:
    adopted = journal(current=credential(rotated_at=NOW - MINUTE))
    o = observation(journal=adopted, rotation=rotation(creationTimestamp=created_at))
    assert bool(told(o)) is is_told


# Failed ----------------------------------------------------------------------------------------


def test_an_attempt_that_failed_is_told_with_the_next_one() -> None:
    o = observation(rotation=KNOWN, journal=journal(next=intended()))
    assert only(told(o, Outcome(failure=BROKEN), trigger=Trigger.MANUAL)) == {
        "id": "msg_122f12341da91a7fde0ccc719ae3a00d",
        "type": "rotation.failed",
        "timestamp": "2026-11-23T09:30:00Z",
        "data": {
            "namespace": "team-a",
            "name": "web",
            "uid": "6b0c7f6e-rotation",
            "clientId": "AbC123xyz",
            "domain": "acme.eu.auth0.com",
            "rotationId": "01NEXT",
            "trigger": "manual",
            "reason": "Unreachable",
            "message": "acme.eu.auth0.com cannot be reached",
            "failedAttempts": 1,
            "nextRetryAt": timestamp(NOW + retry_delay(failed_attempts=1, uid=UID)),
        },
    }


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        pytest.param({"journal": None}, {"rotationId"}, id="before-a-value-was-chosen"),
        pytest.param({}, {"rotationId"}, id="without-a-next-value"),
        pytest.param({"connection": connection(domain="")}, {"domain", "rotationId"}, id="no-tenant"),
        pytest.param({"rotation": invalid_rotation()}, {"clientId", "rotationId"}, id="no-spec"),
    ],
)
def test_what_is_not_known_is_left_out(changes: dict[str, Any], missing: set[str]) -> None:
    o = created(**({"rotation": KNOWN, "journal": journal()} | changes))
    every = {"clientId", "domain", "rotationId", "trigger", "reason", "message", "failedAttempts"}
    data = only(told(o, Outcome(failure=BROKEN)))["data"]
    assert (every | {"nextRetryAt"}) - data.keys() == missing | {"trigger"}
    assert data.keys() - every == {"namespace", "name", "uid", "nextRetryAt"}


def test_a_long_message_is_shortened_as_in_status() -> None:
    failure = Failure(Reason.UNREACHABLE, "x" * 2000, is_stalled=False)
    data = only(told(observation(rotation=KNOWN), Outcome(failure=failure)))["data"]
    assert data["message"] == "x" * 1021 + "..."


# Overdue ---------------------------------------------------------------------------------------

LATE = DUE_AT + 5 * MINUTE
SUSPENDED = rotation(spec={"suspend": True}, status={"lastRotationId": "01CURRENT"})


def test_a_rotation_that_does_not_come_is_told_with_the_reason() -> None:
    assert only(told(observation(now=LATE, rotation=SUSPENDED))) == {
        "id": "msg_8d2b18d16e28490370a7944117ce1f77",
        "type": "rotation.overdue",
        "timestamp": "2026-12-01T00:05:00Z",
        "data": {
            "namespace": "team-a",
            "name": "web",
            "uid": "6b0c7f6e-rotation",
            "clientId": "AbC123xyz",
            "domain": "acme.eu.auth0.com",
            "trigger": "schedule",
            "reason": "Suspended",
            "message": decide(observation(now=LATE, rotation=SUSPENDED)).message,
            "dueAt": "2026-12-01T00:00:00Z",
        },
    }


def test_one_that_fails_is_told_with_its_next_attempt() -> None:
    late = rotation(
        status=failed_status(
            lastRotationId="01CURRENT",
            lastRotationAttemptedAt="2026-12-01T00:03:00Z",
            nextRetryAt="2026-12-01T00:08:00Z",
        )
    )
    data = only(told(observation(now=LATE, rotation=late), decision=hold(Reason.BUSY, "y" * 2000)))[
        "data"
    ]
    assert (data["failedAttempts"], data["nextRetryAt"]) == (3, "2026-12-01T00:08:00Z")
    assert (data["reason"], data["message"]) == ("Busy", "y" * 1021 + "...")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"now": LATE - timedelta(microseconds=1)}, id="not-yet"),
        pytest.param({"now": LATE, "rotation": None}, id="gone"),
        pytest.param(
            {
                "now": LATE,
                "rotation": rotation(
                    spec={"isAutoRotationEnabled": False}, status={"lastRotationId": "01CURRENT"}
                ),
            },
            id="no-date",
        ),
    ],
)
def test_what_is_not_overdue_is_not_told(changes: dict[str, Any]) -> None:
    assert told(observation(**({"rotation": SUSPENDED} | changes))) == []


def test_it_is_the_same_message_however_often_it_is_looked_at_and_another_for_another_date() -> None:
    o = observation(now=LATE, rotation=SUSPENDED)
    [first] = told(o)
    assert told(replace(o, now=LATE + 3 * HOUR)) == [first]
    assert overdue_id(o) == overdue_id(replace(o, now=NOW)) == first.id
    later = replace(o, journal=journal(current=credential(rotated_at=ROTATED_AT + 24 * HOUR)))
    assert overdue_id(later) not in {None, first.id}


@pytest.mark.parametrize(
    "rotation_",
    [
        pytest.param(None, id="gone"),
        pytest.param(rotation(spec={"isAutoRotationEnabled": False}), id="no-date"),
    ],
)
def test_what_has_no_date_has_no_id(rotation_: Any) -> None:
    assert overdue_id(observation(rotation=rotation_)) is None


# All of them -----------------------------------------------------------------------------------


def test_one_pass_can_tell_several_things() -> None:
    o = observation(now=LATE, rotation=SUSPENDED)
    found = told(o, replace(DONE, failure=BROKEN))
    assert [message.type for message in found] == list(Type)
    assert len({message.id for message in found}) == 3


def test_an_id_is_of_one_object_one_kind_and_one_happening() -> None:
    """Catches an id in which a part is missing: a receiver would pass over something new."""
    failed = Outcome(failure=BROKEN)
    passes = [
        (observation(rotation=KNOWN), failed),
        (observation(rotation=KNOWN, now=NOW + SECOND), failed),
        (observation(rotation=rotation(uid="another", status=KNOWN.status.raw)), failed),
        (observation(), DONE),
        (
            observation(journal=journal(current=credential(rotation_id="01OTHER"))),
            Outcome(rotated={"id": "01OTHER"}),
        ),
    ]
    ids = [message.id for o, outcome in passes for message in told(o, outcome)]
    assert len(ids) == len(set(ids)) == len(passes)
    assert told(*passes[0])[0].id == told(*passes[0])[0].id


def test_no_value_is_ever_in_a_message() -> None:
    o = replace(observation(now=LATE, rotation=SUSPENDED), journal=sending(current=credential()))
    bodies = b"".join(message.body for message in told(o, replace(DONE, failure=BROKEN)))
    assert record().rotation_id.encode() in bodies
    assert not [value for value in (CURRENT, NEXT, PREVIOUS) if value.reveal().encode() in bodies]
