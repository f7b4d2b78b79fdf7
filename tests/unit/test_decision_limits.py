"""What an automatic rotation waits for when its date has come, and a manual one does not."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from auth0_rotator.conditions import Reason
from auth0_rotator.decision import Action, Decision, decide, limits
from auth0_rotator.observation import Gate, Observation
from auth0_rotator.record import Trigger
from auth0_rotator.subject import Key, Rotation
from examples import (
    DAY,
    DUE_AT,
    MINUTE,
    NOW,
    SECOND,
    attempt,
    broken_connection,
    connection,
    created,
    failed_status,
    invalid_rotation,
    observation,
    rotation,
)

HOUR: Final = timedelta(hours=1)
CANARY: Final = Key("team-a", "first")
ASKING: Final = {"auth0rotator.dev/rotate-now": "monday"}
DUE: Final = Decision(
    Action.ROTATE, Reason.DUE, "due since 2026-12-01T00:00:00Z", trigger=Trigger.SCHEDULE
)


def window(kind: str, schedule: str, duration: str = "1h") -> dict[str, str]:
    return {"kind": kind, "schedule": schedule, "duration": duration}


NIGHT: Final = [window("allow", "0 2 * * *")]
NEVER: Final = [window("allow", "0 2 1 1 *"), window("deny", "0 2 1 1 *")]
ALWAYS_OPEN: Final[list[dict[str, str]]] = []


def within(windows: list[dict[str, str]], **changes: Any) -> Rotation:
    spec = {"rotationWindows": windows} | changes.pop("spec", {})
    return rotation(spec=spec, **changes)


def windows(*bodies: dict[str, str]) -> Any:
    spec = within(list(bodies)).spec
    assert spec is not None
    return spec.rotation_windows


def due(**changes: Any) -> Observation:
    return observation(**({"now": DUE_AT} | changes))


# Windows ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        pytest.param(
            timedelta(0),
            Decision(
                Action.HOLD,
                Reason.WAITING_FOR_DUE_DATE,
                "due at 2026-12-01T02:00:00Z",
                until=DUE_AT + 2 * HOUR,
            ),
            id="at-the-time-of-day",
        ),
        pytest.param(
            2 * HOUR,
            Decision(
                Action.ROTATE, Reason.DUE, "due since 2026-12-01T02:00:00Z", trigger=Trigger.SCHEDULE
            ),
            id="as-it-opens",
        ),
        pytest.param(
            3 * HOUR,
            Decision(
                Action.HOLD,
                Reason.WINDOW_CLOSED,
                "due since 2026-12-01T02:00:00Z; the rotation windows open next at 2026-12-02T02:00:00Z",
                until=DUE_AT + 26 * HOUR,
            ),
            id="as-it-closes",
        ),
        pytest.param(
            26 * HOUR,
            Decision(
                Action.ROTATE, Reason.DUE, "due since 2026-12-01T02:00:00Z", trigger=Trigger.SCHEDULE
            ),
            id="as-it-opens-again",
        ),
    ],
)
def test_an_overdue_rotation_waits_for_the_next_opening(after: timedelta, expected: Decision) -> None:
    """It stays due: one that moved on with each window would never be late."""
    assert decide(due(now=DUE_AT + after, rotation=within(NIGHT))) == expected


@pytest.mark.parametrize(
    ("own", "of_connection", "reason"),
    [
        pytest.param(None, [], Reason.DUE, id="none-at-all"),
        pytest.param(None, NIGHT, Reason.WAITING_FOR_DUE_DATE, id="those-of-the-connection"),
        pytest.param(NIGHT, [], Reason.WAITING_FOR_DUE_DATE, id="its-own"),
        pytest.param([window("allow", "0 0 * * *")], NIGHT, Reason.DUE, id="its-own-instead"),
        pytest.param(ALWAYS_OPEN, NIGHT, Reason.DUE, id="none-of-its-own-instead"),
    ],
)
def test_the_windows_are_its_own_else_those_of_the_connection(
    own: list[dict[str, str]] | None, of_connection: list[dict[str, str]], reason: Reason
) -> None:
    subject = rotation() if own is None else within(own)
    o = due(rotation=subject, connection=connection(windows=windows(*of_connection)))
    assert decide(o).reason is reason


NEVER_OPEN: Final = (
    "the rotation windows allow no automatic rotation, as far as can be seen; correct "
    "spec.rotationWindows, or the connection's"
)


@pytest.mark.parametrize("now", [NOW, DUE_AT, DUE_AT + 90 * DAY], ids=["ahead", "due", "overdue"])
def test_windows_that_never_open_are_left_to_a_person(now: datetime) -> None:
    assert decide(observation(now=now, rotation=within(NEVER))) == Decision(
        Action.HOLD, Reason.WINDOWS_NEVER_OPEN, NEVER_OPEN, until=now + DAY, is_stalled=True
    )


def test_windows_that_never_open_again_are_left_to_a_person_as_well() -> None:
    found = limits.closed_window_holds(due(rotation=within(NEVER)))
    assert found is not None
    assert (found.reason, found.is_stalled) == (Reason.WINDOWS_NEVER_OPEN, True)


@pytest.mark.parametrize(
    "o",
    [
        pytest.param(due(rotation=within(NIGHT)), id="windows-that-open"),
        pytest.param(due(rotation=within(NEVER, spec={"isAutoRotationEnabled": False})), id="off"),
        pytest.param(created(rotation=within(NEVER)), id="never-rotated"),
        pytest.param(due(rotation=invalid_rotation(), target=None), id="invalid"),
    ],
)
def test_who_has_no_date_misses_no_window(o: Observation) -> None:
    assert limits.windows_that_never_open(o) is None


def test_with_automation_off_no_window_is_told_of() -> None:
    off = within(NEVER, spec={"isAutoRotationEnabled": False})
    assert decide(due(rotation=off)).reason is Reason.AUTOMATION_OFF


def test_after_a_failure_the_day_after_is_moved_into_the_windows_as_well() -> None:
    failing = within(NIGHT, status=failed_status(nextRetryAt="2026-11-23T09:00:00Z"))
    assert decide(observation(rotation=failing)) == Decision(
        Action.HOLD,
        Reason.WAITING_FOR_DUE_DATE,
        "due at 2026-11-24T02:00:00Z",
        until=datetime(2026, 11, 24, 2, tzinfo=UTC),
    )


# The circuit -----------------------------------------------------------------------------------

BROKEN: Final = connection(is_circuit_open=True)


def test_an_open_circuit_stops_what_is_due() -> None:
    assert decide(due(connection=BROKEN)) == Decision(
        Action.HOLD,
        Reason.CIRCUIT_OPEN,
        "due since 2026-12-01T00:00:00Z, but rotations over Auth0Connection acme in namespace team-a "
        "failed too often in a row; mend their cause, then rotate one with rotate-now, or give the "
        "connection's annotation auth0rotator.dev/reset-circuit a new value",
        is_stalled=True,
    )


def test_an_open_circuit_says_nothing_before_the_date() -> None:
    assert decide(due(now=DUE_AT - SECOND, connection=BROKEN)).reason is Reason.WAITING_FOR_DUE_DATE


def test_an_open_circuit_stands_for_itself() -> None:
    """It does not rely on the rule before it to have seen that there is a date."""
    off = due(connection=BROKEN, rotation=rotation(spec={"isAutoRotationEnabled": False}))
    found = limits.open_circuit_holds(off)
    assert found is not None
    assert found.message.startswith("due, but rotations over Auth0Connection acme")


# The canary ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("canary", "name"),
    [
        pytest.param(CANARY, "the canary first", id="near"),
        pytest.param(Key("team-b", "first"), "a canary in another namespace", id="far"),
    ],
)
def test_the_others_wait_for_a_canary(canary: Key, name: str) -> None:
    """Whose it is in another namespace is nobody's business here."""
    assert decide(due(canary=canary)) == Decision(
        Action.HOLD,
        Reason.CANARY_PENDING,
        f"due since 2026-12-01T00:00:00Z; {name} goes first, and is not rotated and verified yet",
        until=DUE_AT + 10 * MINUTE,
    )


def said(type_: str, status: str, reason: str = "Whatever") -> dict[str, Any]:
    return {"conditions": [{"type": type_, "status": status, "reason": reason}]}


PENDING: Final = said("Verified", "Unknown", "Pending")


@pytest.mark.parametrize(
    ("spec", "status", "is_waited_for"),
    [
        pytest.param({}, {}, False, id="nothing-told"),
        pytest.param({}, {"nextRotationAt": "2026-11-23T09:30:01Z"}, False, id="not-due-yet"),
        pytest.param({}, {"nextRotationAt": "2026-11-23T09:30:00Z"}, True, id="due"),
        pytest.param({}, {"nextRotationAt": "2026-11-01T00:00:00Z"}, True, id="overdue"),
        pytest.param({}, failed_status(), True, id="failed"),
        pytest.param({}, PENDING, True, id="not-asked-yet"),
        pytest.param({}, said("Verified", "Unknown", "Verifying"), False, id="no-answer"),
        pytest.param({}, said("Ready", "Unknown", "Pending"), False, id="pending-otherwise"),
        pytest.param({"verification": {"enabled": False}}, PENDING, False, id="never-asked"),
        pytest.param({}, said("Verified", "False"), True, id="refused"),
        pytest.param({}, said("Verified", "True"), False, id="accepted"),
        pytest.param({}, said("ConsumersCurrent", "False"), True, id="consumers-behind"),
        pytest.param({}, said("ConsumersCurrent", "Unknown"), False, id="consumers-unknown"),
        pytest.param({}, said("Ready", "False"), False, id="not-ready"),
        pytest.param({"suspend": True}, failed_status(), False, id="suspended"),
        pytest.param({"isAutoRotationEnabled": False}, failed_status(), False, id="automation-off"),
        pytest.param({"rotationInterval": 0}, failed_status(), False, id="invalid"),
    ],
)
def test_a_canary_is_waited_for_until_it_has_proven_itself(
    spec: dict[str, Any], status: dict[str, Any], *, is_waited_for: bool
) -> None:
    canary = rotation(spec={"canary": True} | spec, status=status)
    assert limits.is_unproven(canary, NOW) is is_waited_for


# The restart gate ------------------------------------------------------------------------------

GATED: Final = rotation(spec={"restartGate": True})
INSPECT: Final = Decision(
    Action.INSPECT,
    Reason.RESTART_GATE_CLOSED,
    "due since 2026-12-01T00:00:00Z; its consumers are looked at first",
    trigger=Trigger.SCHEDULE,
)
TICK: Final = timedelta(microseconds=1)


def gated(gate: Gate | None, **changes: Any) -> Observation:
    return due(**({"rotation": GATED, "gate": gate} | changes))


@pytest.mark.parametrize(
    ("gate", "expected"),
    [
        pytest.param(None, INSPECT, id="not-looked-yet"),
        pytest.param(Gate(DUE_AT + 5 * SECOND, ""), DUE, id="open"),
        pytest.param(Gate(DUE_AT, ""), INSPECT, id="looked-too-long-ago"),
        pytest.param(Gate(DUE_AT + limits.GATE_PAUSE + TICK, ""), INSPECT, id="the-clock-was-set-back"),
        pytest.param(
            Gate(DUE_AT + limits.GATE_PAUSE, "web rolls"),
            Decision(
                Action.HOLD,
                Reason.RESTART_GATE_CLOSED,
                "due since 2026-12-01T00:00:00Z; web rolls",
                until=DUE_AT + limits.GATE_PAUSE,
            ),
            id="closed",
        ),
        pytest.param(Gate(DUE_AT, "web rolls"), INSPECT, id="closed-long-ago"),
    ],
)
def test_an_automatic_rotation_waits_for_its_consumers(gate: Gate | None, expected: Decision) -> None:
    assert decide(gated(gate)) == expected


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"rotation": rotation()}, id="nobody-asked-for-a-gate"),
        pytest.param({"attempt": attempt(tries=0)}, id="it-has-begun"),
    ],
)
def test_a_rotation_without_a_gate_or_that_has_begun_looks_at_nobody(changes: dict[str, Any]) -> None:
    assert decide(gated(None, **changes)).action is Action.ROTATE


def test_nobody_is_looked_at_for_a_rotation_that_cannot_be() -> None:
    """Catches calls for each pass of one that backs off, or has failed."""
    backing_off = rotation(
        spec={"restartGate": True}, status=failed_status(nextRetryAt="2026-12-01T00:04:00Z")
    )
    assert decide(gated(None, rotation=backing_off)).reason is Reason.BACKING_OFF
    assert decide(gated(None, connection=broken_connection())).is_failure


def test_a_value_is_proven_while_its_rotation_waits_for_consumers() -> None:
    o = gated(Gate(DUE_AT + 30 * SECOND, "web rolls"), is_verification_done=False)
    assert decide(o).action is Action.VERIFY
    later = replace(o, verify_at=o.now + SECOND)
    assert (decide(later).reason, decide(later).until) == (Reason.RESTART_GATE_CLOSED, o.now + SECOND)


def test_a_gate_is_nothing_where_nothing_is_asked_for() -> None:
    assert limits.closed_gate_holds(due(rotation=None)) is None
    assert limits.closed_gate_holds(due(rotation=invalid_rotation())) is None


# Order, and what is bound by none ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({}, Reason.WINDOW_CLOSED, id="window"),
        pytest.param({"rotation": rotation()}, Reason.CIRCUIT_OPEN, id="circuit"),
        pytest.param(
            {"rotation": rotation(), "connection": broken_connection()},
            Reason.CANARY_PENDING,
            id="canary",
        ),
        pytest.param(
            {"rotation": rotation(), "connection": broken_connection(), "canary": None},
            Reason.SCOPE_MISSING,
            id="what-it-needs",
        ),
    ],
)
def test_of_several_limits_the_first_is_told(changes: dict[str, Any], reason: Reason) -> None:
    """Whoever waits for a window has nothing to fail with before it opens."""
    o = due(
        **{
            "now": DUE_AT + 3 * HOUR,
            "rotation": within(NIGHT),
            "connection": broken_connection(is_circuit_open=True),
            "canary": CANARY,
        }
        | changes
    )
    assert decide(o).reason is reason


MANUAL: Final[dict[str, Callable[..., Observation]]] = {
    "creation": lambda **changes: created(rotation=within(NEVER), **changes),
    "token": lambda **changes: due(
        rotation=within(NEVER, annotations=ASKING, spec={"restartGate": True}), **changes
    ),
    "trigger": lambda **changes: due(
        rotation=within(NEVER, spec={"rotationTrigger": "monday"}), **changes
    ),
    "client-changed": lambda **changes: due(
        rotation=within(NEVER, spec={"parameters": {"clientId": "new-client"}}), **changes
    ),
}


@pytest.mark.parametrize("name", MANUAL)
def test_a_manual_rotation_waits_for_none_of_them(name: str) -> None:
    o = MANUAL[name](connection=BROKEN, canary=CANARY, gate=Gate(DUE_AT + SECOND, "web rolls"))
    assert decide(o).action is Action.ROTATE


def test_what_is_bound_by_none_goes_on() -> None:
    assert decide(due()) == DUE


# A frozen namespace ----------------------------------------------------------------------------

FROZEN: Final = "the namespace is frozen by its label auth0rotator.dev/freeze"


def test_in_a_frozen_namespace_nothing_is_rotated() -> None:
    for o in (due(is_frozen=True), *(make(is_frozen=True) for make in MANUAL.values())):
        before = ", before its first rotation" if o.journal is None else ""
        assert decide(o) == Decision(Action.HOLD, Reason.FROZEN, FROZEN + before)
        unwatched = replace(o, is_freeze_watched=False)
        assert decide(unwatched) == replace(decide(o), until=o.now + MINUTE)


def test_a_value_is_proven_while_a_rotation_waits_for_its_window() -> None:
    """Catches a hold that keeps a value unproven until the window opens."""
    o = due(canary=Key("team-a", "first"), is_verification_done=False)
    assert decide(o).action is Action.VERIFY
    later = replace(o, verify_at=o.now + MINUTE)
    assert (decide(later).reason, decide(later).until) == (Reason.CANARY_PENDING, o.now + MINUTE)


def test_in_a_frozen_namespace_what_is_there_is_still_delivered() -> None:
    assert decide(due(is_frozen=True, target=None)).action is Action.PUBLISH
    assert decide(observation(is_frozen=True, rotation=None)).action is Action.FINALIZE


def test_suspension_is_told_before_a_freeze() -> None:
    suspended = rotation(spec={"suspend": True})
    assert decide(created(is_frozen=True, rotation=suspended)).reason is Reason.SUSPENDED
    assert decide(due(is_frozen=True, rotation=suspended)).reason is Reason.SUSPENDED
