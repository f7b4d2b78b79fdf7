"""The probe of a value between two rotations: when it comes, and what it never comes before."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from auth0_rotator.conditions import Reason
from auth0_rotator.decision import Action, Decision, decide
from auth0_rotator.decision.probe import hold_or_probe
from auth0_rotator.observation import Gate, Observation
from examples import (
    DAY,
    DUE_AT,
    MINUTE,
    NOW,
    broken_connection,
    connection,
    credential,
    failed_status,
    intended,
    invalid_rotation,
    journal,
    meta,
    observation,
    plan,
    rival,
    rotation,
    sending,
    target,
)

TICK = timedelta(microseconds=1)
SUSPENDED = rotation(spec={"suspend": True})
OFF = rotation(spec={"isAutoRotationEnabled": False})
STAGED: dict[str, Any] = {
    "secretsMapping": {"clientId": "ID", "clientSecret": "SECRET", "nextClientSecret": "NEXT"}
}
NEVER = rotation(spec={"rotationWindows": [{"kind": "deny", "schedule": "* * * * *", "duration": "1h"}]})
CLOSED = rotation(
    spec={
        "rotationInterval": 1,
        "rotationWindows": [{"kind": "allow", "schedule": "0 2 * * *", "duration": "1h"}],
    }
)
BACKING_OFF = rotation(
    spec={"rotationInterval": 1}, status=failed_status(nextRetryAt="2026-11-23T10:00:00Z")
)


def probing(**changes: Any) -> Observation:
    """Return a pass over a rotation at rest whose value is to be probed now."""
    return observation(**({"probe_at": NOW} | changes))


# What holds while the value is probed.
HOLDS = [
    pytest.param({}, Reason.WAITING_FOR_DUE_DATE, id="at-rest"),
    pytest.param({"rotation": OFF}, Reason.AUTOMATION_OFF, id="automation-off"),
    pytest.param({"rotation": SUSPENDED}, Reason.SUSPENDED, id="suspended"),
    pytest.param({"is_frozen": True}, Reason.FROZEN, id="frozen"),
    pytest.param({"is_frozen": True, "is_freeze_watched": False}, Reason.FROZEN, id="frozen-unwatched"),
    pytest.param({"rotation": CLOSED}, Reason.WINDOW_CLOSED, id="window-closed"),
    pytest.param({"rotation": NEVER}, Reason.WINDOWS_NEVER_OPEN, id="windows-never-open"),
    pytest.param(
        {"now": DUE_AT, "probe_at": DUE_AT, "connection": connection(is_circuit_open=True)},
        Reason.CIRCUIT_OPEN,
        id="circuit-open",
    ),
    pytest.param(
        {
            "now": DUE_AT,
            "probe_at": DUE_AT,
            "rotation": rotation(spec={"restartGate": True}),
            "gate": Gate(DUE_AT + MINUTE / 2, "a consumer is rolling out"),
        },
        Reason.RESTART_GATE_CLOSED,
        id="gate-closed",
    ),
    pytest.param({"rotation": BACKING_OFF}, Reason.BACKING_OFF, id="backing-off"),
    pytest.param(
        {"journal": journal(meta=meta(is_immutable=True))}, Reason.JOURNAL_IMMUTABLE, id="immutable"
    ),
]


@pytest.mark.parametrize(("changes", "reason"), HOLDS)
def test_a_value_is_probed_while_nothing_else_is_done_and_nothing_else_is_told(
    changes: dict[str, Any], reason: Reason
) -> None:
    """The status says nothing of the probe: else it would be written with each."""
    before = decide(probing(**changes | {"probe_at": None}))
    assert (before.action, before.reason) == (Action.HOLD, reason)
    expected = replace(before, action=Action.PROBE, until=None)
    assert decide(probing(**changes)) == expected


@pytest.mark.parametrize(("changes", "reason"), HOLDS)
def test_until_then_it_is_waited_for(changes: dict[str, Any], reason: Reason) -> None:
    now = changes.get("now", NOW)
    decision = decide(probing(**changes | {"probe_at": now + TICK}))
    assert (decision.action, decision.reason, decision.until) == (Action.HOLD, reason, now + TICK)
    if reason is not Reason.WINDOWS_NEVER_OPEN:
        ended = decide(probing(**changes | {"probe_at": now + 400 * DAY}))
        before = decide(probing(**changes | {"probe_at": None}))
        assert ended.until == (before.until or now + 400 * DAY)


@pytest.mark.parametrize(
    ("ahead", "is_probed"),
    [
        pytest.param(MINUTE, True, id="far-enough"),
        pytest.param(MINUTE - TICK, False, id="too-near"),
        pytest.param(TICK, False, id="in-a-moment"),
    ],
)
def test_a_due_date_that_is_near_comes_first(ahead: timedelta, *, is_probed: bool) -> None:
    o = probing(now=DUE_AT - ahead, probe_at=DUE_AT - DAY)
    decision = decide(o)
    assert (decision.action is Action.PROBE) is is_probed
    if not is_probed:
        assert decision == Decision(
            Action.HOLD, Reason.WAITING_FOR_DUE_DATE, "due at 2026-12-01T00:00:00Z", until=DUE_AT
        )


@pytest.mark.parametrize(
    ("changes", "action"),
    [
        pytest.param({"now": DUE_AT}, Action.ROTATE, id="due"),
        pytest.param(
            {"rotation": rotation(annotations={"auth0rotator.dev/rotate-now": "monday"})},
            Action.ROTATE,
            id="token",
        ),
        pytest.param(
            {
                "rotation": rotation(spec=STAGED | {"nextSecretLeadTime": "744h"}),
                "journal": journal(plan=plan(**STAGED)),
            },
            Action.ANNOUNCE,
            id="announcement",
        ),
        pytest.param({"is_verification_done": False}, Action.VERIFY, id="verification"),
        pytest.param({"target": None}, Action.PUBLISH, id="missing-target"),
        pytest.param({"journal": sending(), "target": target()}, Action.CONTINUE, id="open"),
        pytest.param({"connection": connection(domain="new.eu.auth0.com")}, Action.MOVE, id="moved"),
    ],
)
def test_whatever_is_to_be_done_comes_before_a_probe(changes: dict[str, Any], action: Action) -> None:
    assert decide(probing(**changes)).action is action


WINNER = rival(holds=True, created_at=NOW - 9999 * DAY)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"probe_at": None}, id="nobody-wants-it"),
        pytest.param({"rotation": rotation(spec={"verification": {"enabled": False}})}, id="opted-out"),
        pytest.param({"connection": broken_connection()}, id="connection-broken"),
        pytest.param({"rivals": (WINNER,)}, id="in-conflict"),
        pytest.param(
            {"rotation": rotation(deletionTimestamp="2026-11-23T09:29:00Z", finalizers=["a/b"])},
            id="deleted",
        ),
        pytest.param(
            {"rotation": rotation(spec={"suspend": True, "parameters": {"clientId": "other"}})},
            id="another-client",
        ),
        pytest.param(
            {"rotation": SUSPENDED, "connection": connection(domain="new.eu.auth0.com")},
            id="another-domain",
        ),
        pytest.param({"is_verification_done": False, "verify_at": NOW + MINUTE}, id="being-verified"),
        pytest.param({"rotation": SUSPENDED, "journal": journal(current=None)}, id="no-value"),
        pytest.param({"rotation": SUSPENDED, "journal": None, "target": None}, id="no-journal"),
        pytest.param({"rotation": None}, id="no-rotation"),
    ],
)
def test_a_value_is_not_probed(changes: dict[str, Any]) -> None:
    assert decide(probing(**changes)).action is not Action.PROBE


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"rotation": None}, id="no-rotation"),
        pytest.param({"rotation": invalid_rotation()}, id="invalid"),
        pytest.param({"journal": None}, id="no-journal"),
        pytest.param({"journal": journal(current=None)}, id="no-value"),
    ],
)
def test_where_there_is_nothing_to_probe_a_hold_stays_what_it_is(changes: dict[str, Any]) -> None:
    """Other rules speak of these first: nobody may rest on that."""
    waits = Decision(Action.HOLD, Reason.SUSPENDED, "for a reason", until=NOW + DAY)
    assert hold_or_probe(probing(**changes), waits) == waits


@pytest.mark.parametrize(
    "changes", [{}, {"rotation": SUSPENDED}, {"is_frozen": True}], ids=["at-rest", "suspended", "frozen"]
)
def test_a_value_is_verified_before_it_is_probed(changes: dict[str, Any]) -> None:
    assert decide(probing(is_verification_done=False, **changes)).action is Action.VERIFY


def test_a_parked_value_does_not_keep_the_current_one_from_being_probed() -> None:
    kept = journal(current=credential(), next=intended())
    assert decide(probing(journal=kept)).action is Action.PROBE
