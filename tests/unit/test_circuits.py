"""When the circuit of a connection opens and closes, and what is told of it."""

from datetime import timedelta
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth0_rotator.conditions import Reason
from auth0_rotator.reconciler.circuits import told_circuit
from auth0_rotator.reconciler.verdict import UNCHECKED, Circuit, Verdict, connection_status
from auth0_rotator.subject import reset_token, version_of
from examples import NOW

OPEN: Final = Circuit(failures=3, is_open=True, handled_reset="monday")
CLOSED: Final = Circuit(failures=2, handled_reset="monday")
READY: Final = Verdict(
    is_ready=True, reason=Reason.TOKEN_ISSUED, message="it issued a token", scopes=frozenset("ba")
)


def body(reset: str | None = None, **status: Any) -> dict[str, Any]:
    annotations = {"auth0rotator.dev/reset-circuit": reset} if reset is not None else None
    return {"metadata": {"name": "acme", "generation": 4, "annotations": annotations}, "status": status}


# How it goes on --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "most", "after"),
    [
        pytest.param(Circuit(), 3, Circuit(failures=1), id="first"),
        pytest.param(CLOSED, 4, Circuit(failures=3, handled_reset="monday"), id="one-less"),
        pytest.param(CLOSED, 3, OPEN, id="as-many-as-open-it"),
        pytest.param(Circuit(), 1, Circuit(failures=1, is_open=True), id="the-first-opens-it"),
        pytest.param(CLOSED, 2, OPEN, id="more-than-are-allowed-by-now"),
        pytest.param(
            OPEN, 9, Circuit(failures=4, is_open=True, handled_reset="monday"), id="open-stays-open"
        ),
    ],
)
def test_so_many_failures_in_a_row_open_a_circuit(before: Circuit, most: int, after: Circuit) -> None:
    assert before.after_failure(most) == after


@pytest.mark.parametrize(
    ("before", "is_manual", "after"),
    [
        pytest.param(CLOSED, False, Circuit(handled_reset="monday"), id="closed-scheduled"),
        pytest.param(CLOSED, True, Circuit(handled_reset="monday"), id="closed-manual"),
        pytest.param(OPEN, False, OPEN, id="open-scheduled"),
        pytest.param(OPEN, True, Circuit(handled_reset="monday"), id="open-manual"),
    ],
)
def test_of_an_open_circuit_only_a_manual_success_is_believed(
    before: Circuit, after: Circuit, *, is_manual: bool
) -> None:
    """One that was under way as it opened has looked at nothing."""
    assert before.after_success(is_manual=is_manual) == after


@pytest.mark.parametrize(
    ("before", "token", "after"),
    [
        pytest.param(OPEN, "", OPEN, id="no-word"),
        pytest.param(OPEN, "monday", OPEN, id="the-same-word"),
        pytest.param(OPEN, "tuesday", Circuit(handled_reset="tuesday"), id="another-word"),
        pytest.param(CLOSED, "tuesday", Circuit(handled_reset="tuesday"), id="while-it-is-closed"),
    ],
)
def test_a_word_closes_a_circuit_once(before: Circuit, token: str, after: Circuit) -> None:
    assert before.after_reset(token) == after
    assert before.after_reset(token).after_reset(token) == after


@given(st.lists(st.booleans()), st.integers(1, 5))
def test_a_circuit_is_open_since_the_first_row_of_failures(ends: list[bool], most: int) -> None:
    """Scheduled rotations that end well or not, none of which closes it again."""
    circuit, row, is_open = Circuit(), 0, False
    for is_good in ends:
        circuit = circuit.after_success(is_manual=False) if is_good else circuit.after_failure(most)
        row = 0 if is_good else row + 1
        is_open = is_open or row >= most
        assert circuit.is_open is is_open
        assert is_open or circuit.failures == row


# What a restart finds --------------------------------------------------------------------------


def said(type_: str, status: str) -> list[dict[str, str]]:
    return [{"type": "Ready", "status": "True"}, {"type": type_, "status": status}]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(body(), Circuit(), id="nothing-told"),
        pytest.param(
            body(failuresInARow=2, lastHandledResetCircuit="monday"), CLOSED, id="closed-by-its-numbers"
        ),
        pytest.param(
            body(
                failuresInARow=3,
                lastHandledResetCircuit="monday",
                conditions=said("CircuitOpen", "True"),
            ),
            OPEN,
            id="open",
        ),
        pytest.param(
            body(failuresInARow=3, lastHandledResetCircuit="", conditions=said("CircuitOpen", "False")),
            Circuit(failures=3),
            id="closed",
        ),
        pytest.param(body(conditions=said("Ready", "True")), Circuit(), id="another-condition"),
        pytest.param(body("monday"), Circuit(handled_reset="monday"), id="a-word-before-anything"),
        pytest.param(
            body("monday", lastHandledResetCircuit=""), Circuit(), id="a-word-that-came-meanwhile"
        ),
        pytest.param(
            body("monday", conditions=said("CircuitOpen", "True")),
            Circuit(is_open=True),
            id="a-word-while-it-was-open",
        ),
        pytest.param({"metadata": {"name": "acme"}}, Circuit(), id="no-status"),
    ],
)
def test_a_circuit_is_what_status_told_of_it(found: dict[str, Any], expected: Circuit) -> None:
    assert told_circuit(found) == expected


@pytest.mark.parametrize(
    ("found", "token"),
    [(body("monday"), "monday"), (body(), ""), ({"metadata": {}}, "")],
    ids=["word", "none", "no-annotations"],
)
def test_a_word_is_that_of_the_annotation(found: dict[str, Any], token: str) -> None:
    assert reset_token(found) == token


@pytest.mark.parametrize("circuit", [OPEN, CLOSED, Circuit()], ids=["open", "closed", "new"])
def test_a_circuit_that_was_told_of_is_found_again(circuit: Circuit) -> None:
    told = connection_status(body(), READY, circuit, NOW)
    assert told_circuit(body("tuesday", **told)) == circuit


WHY_OPEN: Final = (
    "3 rotations in a row failed or could not be verified: no automatic one begins until a manual one "
    "succeeds, or the annotation auth0rotator.dev/reset-circuit gets a new value"
)

# What is told ----------------------------------------------------------------------------------


def test_without_a_governor_nothing_is_told_of_a_circuit() -> None:
    assert connection_status(body(), READY, None, NOW) == {
        "observedGeneration": 4,
        "grantedScopes": ["a", "b"],
        "lastCheckedAt": "2026-11-23T09:30:00Z",
        "conditions": [
            {
                "type": "Ready",
                "status": "True",
                "observedGeneration": 4,
                "reason": "TokenIssued",
                "message": "it issued a token",
                "lastTransitionTime": "2026-11-23T09:30:00Z",
            }
        ],
    }


def test_a_connection_that_is_not_ready_says_so() -> None:
    [ready] = connection_status({"metadata": {}}, UNCHECKED, None, NOW)["conditions"]
    assert (ready["status"], ready["reason"]) == ("False", "Pending")


@pytest.mark.parametrize(
    ("circuit", "expected"),
    [
        pytest.param(
            OPEN,
            (
                "True",
                "CircuitOpen",
                WHY_OPEN,
            ),
            id="open",
        ),
        pytest.param(
            CLOSED,
            ("False", "CircuitClosed", "2 rotations in a row failed or could not be verified"),
            id="closed",
        ),
    ],
)
def test_a_circuit_is_told_with_how_it_came_to_that(
    circuit: Circuit, expected: tuple[str, str, str]
) -> None:
    told = connection_status(body(), READY, circuit, NOW)
    [found] = [one for one in told["conditions"] if one["type"] == "CircuitOpen"]
    assert (found["status"], found["reason"], found["message"]) == expected
    assert told["failuresInARow"] == circuit.failures
    assert told["lastHandledResetCircuit"] == "monday"


def test_since_when_a_circuit_is_open_stays() -> None:
    before = connection_status(body(), READY, OPEN, NOW)
    after = connection_status(body(**before), READY, OPEN.after_failure(3), NOW + timedelta(hours=1))
    [found] = [one for one in after["conditions"] if one["type"] == "CircuitOpen"]
    assert found["lastTransitionTime"] == "2026-11-23T09:30:00Z"
    assert after["failuresInARow"] == 4


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        pytest.param({"uid": "a", "generation": 3}, ("a", 3), id="told"),
        pytest.param({"uid": "a"}, ("a", 0), id="no-generation"),
    ],
)
def test_a_connection_is_told_from_its_earlier_self(
    metadata: dict[str, Any], expected: tuple[str, int]
) -> None:
    assert version_of({"metadata": metadata}) == expected
