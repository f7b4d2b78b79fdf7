"""While a journal is in state sending, and where it cannot be read at all."""

from datetime import timedelta
from typing import Any

import pytest

from auth0_rotator.conditions import Reason
from auth0_rotator.decision import Action, Decision, decide
from auth0_rotator.journal import Journal
from auth0_rotator.observation import Rotation
from auth0_rotator.record import Trigger
from auth0_rotator.target import Target
from examples import (
    BY_HAND,
    DAY,
    MINUTE,
    NOW,
    PROCESS,
    SECOND,
    attempt,
    broken_connection,
    connection,
    created,
    credential,
    failed_status,
    intended,
    invalid_rotation,
    journal,
    meta,
    observation,
    plan,
    rotation,
    sending,
    target,
)

GOES_ON = Decision(Action.CONTINUE, Reason.SENDING, "the outcome of a change is open")
DELETED: dict[str, Any] = {
    "deletionTimestamp": "2026-11-23T09:29:00Z",
    "finalizers": ["auth0rotator.dev/revoke"],
}


def held(**changes: Any) -> Target:
    """Return the target as it stands after a rotation with another record."""
    return target(of=journal(current=credential(BY_HAND, **changes)))


def answer(**changes: Any) -> Action:
    """Return what is decided while the outcome of a change is open."""
    return decide(observation(**({"journal": sending()} | changes))).action


# Unreadable ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["healthy", "new", "gone"])
def test_a_journal_that_cannot_be_read_is_held_and_never_taken_for_none(name: str) -> None:
    o = {
        "healthy": observation(journal=None, target=target(), journal_fault="it is torn"),
        "new": created(journal_fault="it is torn"),
        "gone": created(rotation=None, journal_fault="it is torn"),
    }[name]
    assert decide(o) == Decision(
        Action.HOLD,
        Reason.JOURNAL_UNREADABLE,
        "the journal web.journal cannot be read: it is torn; restore it from a backup, or delete it "
        "and the value that the target holds is adopted",
        is_stalled=True,
    )


# Outdated --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stands", "action"),
    [
        pytest.param(held(sequence=7, rotation_id="01OTHER"), Action.CONTINUE, id="older"),
        pytest.param(held(sequence=8, rotation_id="01OTHER"), Action.ADOPT, id="as-old"),
        pytest.param(held(sequence=9, rotation_id="01OTHER"), Action.ADOPT, id="newer"),
        pytest.param(held(sequence=8, rotation_id="01NEXT"), Action.CONTINUE, id="delivered-already"),
        pytest.param(held(sequence=9, rotation_id="01NEXT"), Action.CONTINUE, id="of-the-same-rotation"),
        pytest.param(None, Action.CONTINUE, id="missing"),
        pytest.param(target(record=None), Action.CONTINUE, id="without-record"),
    ],
)
def test_a_target_that_is_newer_than_what_is_sent_ends_the_sending(
    stands: Target | None, action: Action
) -> None:
    assert answer(target=stands) is action


def test_a_newer_target_says_which_rotation_it_holds() -> None:
    o = observation(journal=sending(), target=held(sequence=12, rotation_id="01OTHER"))
    assert decide(o) == Decision(
        Action.ADOPT,
        Reason.ADOPTED,
        "the target holds rotation 12 of this object, the journal still sends 8: an old copy",
    )


def test_a_target_of_another_rotation_tells_nothing() -> None:
    by = plan(rotation="api", target={"name": "web"})
    newer = journal(current=credential(BY_HAND, sequence=12, rotation_id="01OTHER"))
    assert answer(target=target(of=newer, by=by)) is Action.CONTINUE


def test_a_journal_that_sends_nothing_is_not_outdated_by_its_parked_value() -> None:
    parked = journal(next=intended())
    older = observation(journal=parked, target=held(sequence=7, rotation_id="01OTHER"))
    assert decide(older).action is Action.PUBLISH
    newer = observation(journal=parked, target=held(sequence=9, rotation_id="01OTHER"))
    assert decide(newer).message == "the target holds rotation 9, newer than the journal's 7"


def test_a_target_of_another_client_does_not_outdate_what_is_sent() -> None:
    """An object is created anew, for another client, while its old target stands: sequences begin
    again at 1. What may be live at the tenant must not be dropped for a value of the old client."""
    first = sending(
        current=None,
        previous=None,
        next=intended(sequence=1, client_id="new-client"),
        plan=plan(),
    )
    old = held(sequence=3, rotation_id="01OLD")
    o = observation(
        rotation=rotation(spec={"parameters": {"clientId": "new-client"}}), journal=first, target=old
    )
    assert decide(o) == GOES_ON


def test_a_newer_target_without_its_value_cannot_be_adopted() -> None:
    """Adoption would find no value, do nothing, and be decided again without end."""
    stands = held(sequence=12, rotation_id="01OTHER")
    emptied = target(of=None, record=stands.record, data={})
    assert answer(target=emptied) is not Action.ADOPT


# Abandoned -------------------------------------------------------------------------------------

GONE_FOR_LONG = meta(deleting_since=NOW - 10 * MINUTE)
GONE_A_WHILE = meta(deleting_since=NOW - 10 * MINUTE + timedelta(milliseconds=1))


@pytest.mark.parametrize(
    ("changes", "action"),
    [
        pytest.param({"rotation": None}, Action.CONTINUE, id="gone"),
        pytest.param(
            {"rotation": None, "journal": sending(meta=GONE_A_WHILE)}, Action.CONTINUE, id="gone-a-while"
        ),
        pytest.param(
            {"rotation": None, "journal": sending(meta=GONE_FOR_LONG)},
            Action.ABANDON,
            id="gone-for-long",
        ),
        pytest.param(
            {"rotation": None, "journal": sending(meta=None)}, Action.CONTINUE, id="never-written"
        ),
        pytest.param(
            {"rotation": rotation(**DELETED), "journal": sending(meta=GONE_FOR_LONG)},
            Action.ABANDON,
            id="going-for-long",
        ),
        pytest.param(
            {"journal": sending(meta=GONE_FOR_LONG)}, Action.CONTINUE, id="only-the-journal-goes"
        ),
        pytest.param(
            {"rotation": None, "journal": journal(meta=GONE_FOR_LONG)},
            Action.FINALIZE,
            id="nothing-open",
        ),
        pytest.param(
            {"rotation": None, "is_namespace_terminating": True}, Action.ABANDON, id="namespace-goes"
        ),
        pytest.param(
            {"rotation": rotation(**DELETED), "is_namespace_terminating": True},
            Action.ABANDON,
            id="rotation-and-namespace-go",
        ),
        pytest.param({"is_namespace_terminating": True}, Action.CONTINUE, id="rotation-still-wanted"),
        pytest.param(
            {"rotation": None, "journal": journal(), "is_namespace_terminating": True},
            Action.FINALIZE,
            id="namespace-goes-nothing-open",
        ),
    ],
)
def test_a_deletion_waits_ten_minutes_for_an_open_outcome(
    changes: dict[str, Any], action: Action
) -> None:
    assert answer(**changes) is action


def test_who_gives_up_says_what_to_do() -> None:
    o = observation(rotation=None, journal=sending(meta=GONE_FOR_LONG))
    assert decide(o) == Decision(
        Action.ABANDON,
        Reason.ABANDONED,
        "the rotation was deleted, and for ten minutes the tenant did not say whether it took the new "
        "value; the target may hold a value that is dead: check it, and set the client's secret by "
        "hand if it is",
    )


def test_in_a_namespace_that_goes_the_journal_is_released_at_once() -> None:
    o = observation(rotation=None, journal=sending(), is_namespace_terminating=True)
    message = "the namespace is being deleted; the journal is released as it is"
    assert decide(o) == Decision(Action.ABANDON, Reason.ABANDONED, message)


@pytest.mark.parametrize(
    ("since", "action"),
    [("2026-11-23T09:20:00Z", Action.ABANDON), ("2026-11-23T09:20:01Z", Action.CONTINUE)],
    ids=["ten-minutes", "a-second-less"],
)
def test_a_deletion_that_a_finalizer_holds_is_given_up_as_well(since: str, action: Action) -> None:
    """With revokeGeneratedCredentials the object stays until it is revoked, and with it its journal:
    a dead tenant must not block the deletion for ever."""
    going = rotation(deletionTimestamp=since, finalizers=["auth0rotator.dev/revoke"])
    assert answer(rotation=going) is action


# Settled ---------------------------------------------------------------------------------------


def settling(word: str, **changes: Any) -> Rotation:
    return rotation(annotations={"auth0rotator.dev/settle-doubt": word}, **changes)


@pytest.mark.parametrize(
    ("word", "kept", "action"),
    [
        pytest.param("next", sending(), Action.SETTLE, id="next"),
        pytest.param("current", sending(), Action.SETTLE, id="current"),
        pytest.param("", sending(), Action.CONTINUE, id="no-word"),
        pytest.param("Next", sending(), Action.CONTINUE, id="unknown-word"),
        pytest.param("previous", sending(), Action.CONTINUE, id="no-such-choice"),
        pytest.param("next", sending(settle_seen="next"), Action.CONTINUE, id="old-word"),
        pytest.param("current", sending(settle_seen="current"), Action.CONTINUE, id="old-word-current"),
        pytest.param("current", sending(settle_seen="next"), Action.SETTLE, id="another-word-before"),
        pytest.param("next", sending(current=None), Action.SETTLE, id="next-of-the-first"),
        pytest.param("current", sending(current=None), Action.CONTINUE, id="no-current-to-be-live"),
        pytest.param("next", journal(next=intended()), Action.HOLD, id="no-doubt"),
    ],
)
def test_a_person_ends_a_doubt_by_one_of_two_words(word: str, kept: Journal, action: Action) -> None:
    assert decide(observation(rotation=settling(word), journal=kept)).action is action


@pytest.mark.parametrize("word", ["next", "current"])
def test_a_settled_doubt_repeats_the_word(word: str) -> None:
    assert decide(observation(rotation=settling(word), journal=sending())) == Decision(
        Action.SETTLE, Reason.DOUBT_SETTLED, f"a person says that {word} is live"
    )


# Going on --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="after-a-crash"),
        pytest.param({"rotation": rotation(spec={"suspend": True})}, id="suspended"),
        pytest.param({"rotation": rotation(spec={"isAutoRotationEnabled": False})}, id="automation-off"),
        pytest.param({"rotation": invalid_rotation()}, id="spec-invalid"),
        pytest.param({"rotation": rotation(**DELETED)}, id="deleting"),
        pytest.param({"rotation": None}, id="gone"),
        pytest.param({"target": None}, id="target-missing"),
        pytest.param({"attempt": attempt()}, id="in-the-middle-of-it"),
        pytest.param({"attempt": attempt(again_at=NOW)}, id="back-off-just-over"),
        pytest.param({"journal": sending(attempted_at=None)}, id="attempt-time-unknown"),
        pytest.param({"journal": sending(current=None)}, id="the-first-value"),
    ],
)
def test_what_was_sent_is_sent_again_whatever_else_holds(changes: dict[str, Any]) -> None:
    assert decide(observation(**({"journal": sending()} | changes))) == GOES_ON


def test_a_back_off_inside_an_attempt_is_waited_out() -> None:
    again_at = NOW + timedelta(milliseconds=1)
    o = observation(journal=sending(), attempt=attempt(again_at=again_at))
    message = "the outcome of a change is open; trying on"
    assert decide(o) == Decision(Action.HOLD, Reason.SENDING, message, until=again_at)


def test_a_failed_status_does_not_slow_an_attempt_that_is_under_way() -> None:
    failed = rotation(status=failed_status())
    assert answer(rotation=failed, attempt=attempt()) is Action.CONTINUE
    assert answer(rotation=failed) is Action.HOLD


def test_an_attempt_of_another_operator_is_left_alone_for_twenty_seconds() -> None:
    began = NOW - timedelta(seconds=12)
    o = observation(journal=sending(attempted_by="operator-2", attempted_at=began))
    assert decide(o) == Decision(
        Action.HOLD,
        Reason.SENDING,
        "another operator is in the middle of a change",
        until=NOW + timedelta(seconds=8),
    )


@pytest.mark.parametrize(
    ("changes", "is_left_alone"),
    [
        pytest.param({"attempted_at": NOW}, True, id="this-instant"),
        pytest.param({"attempted_at": NOW - 20 * SECOND + timedelta(microseconds=1)}, True, id="recent"),
        pytest.param({"attempted_at": NOW - 20 * SECOND}, False, id="twenty-seconds-ago"),
        pytest.param({"attempted_at": NOW + SECOND}, False, id="in-the-future"),
        pytest.param({"attempted_at": NOW - 5 * SECOND, "attempted_by": PROCESS}, False, id="our-own"),
        pytest.param({"attempted_at": None}, False, id="unknown"),
    ],
)
def test_only_a_recent_attempt_of_another_operator_is_left_alone(
    changes: dict[str, Any], *, is_left_alone: bool
) -> None:
    kept = sending(**({"attempted_by": "operator-2"} | changes))
    assert (answer(journal=kept) is Action.HOLD) is is_left_alone


@pytest.mark.parametrize(
    ("leading_since", "is_left_alone"),
    [
        pytest.param(NOW - 5 * SECOND, True, id="it-began-as-we-took-the-lead"),
        pytest.param(NOW - 5 * SECOND + timedelta(microseconds=1), False, id="it-began-before-that"),
        pytest.param(NOW - DAY, True, id="we-lead-for-long"),
    ],
)
def test_the_attempt_of_the_leader_before_us_is_over(
    leading_since: object, *, is_left_alone: bool
) -> None:
    kept = sending(attempted_by="operator-2", attempted_at=NOW - 5 * SECOND)
    assert (answer(journal=kept, leading_since=leading_since) is Action.HOLD) is is_left_alone


def test_our_own_attempt_goes_on_while_another_operators_count_stands_in_the_journal() -> None:
    kept = sending(attempted_by="operator-2", attempted_at=NOW - 5 * SECOND)
    assert answer(journal=kept, attempt=attempt()) is Action.CONTINUE


@pytest.mark.parametrize(
    ("retry_at", "action"),
    [("2026-11-23T09:30:01Z", Action.HOLD), ("2026-11-23T09:30:00Z", Action.CONTINUE)],
    ids=["ahead", "come"],
)
def test_the_next_try_waits_for_its_back_off(retry_at: str, action: Action) -> None:
    failed = rotation(status=failed_status(nextRetryAt=retry_at))
    assert answer(rotation=failed) is action


def test_a_back_off_says_until_when() -> None:
    o = observation(journal=sending(), rotation=rotation(status=failed_status()))
    message = "the outcome of a change is open; the next try backs off"
    assert decide(o) == Decision(Action.HOLD, Reason.SENDING, message, until=NOW + 4 * MINUTE)


def test_an_accepted_value_is_delivered_without_a_connection() -> None:
    accepted = attempt(accepted=credential())
    o = observation(journal=sending(), attempt=accepted, connection=broken_connection())
    assert decide(o) == GOES_ON


@pytest.mark.parametrize("under_way", [None, attempt()], ids=["after-a-crash", "under-way"])
def test_without_a_connection_an_open_outcome_is_a_failure(under_way: object) -> None:
    o = observation(journal=sending(), attempt=under_way, connection=broken_connection())
    message = "the outcome of a change is open, but the token lacks update:client_keys"
    assert decide(o) == Decision(
        Action.HOLD, Reason.SENDING, message, trigger=Trigger.SCHEDULE, is_failure=True
    )


def test_a_connection_that_was_not_checked_yet_is_waited_for() -> None:
    unchecked = connection(is_ready=False, reason=Reason.PENDING, message="it was not checked yet")
    message = "the outcome of a change is open, but it was not checked yet"
    o = observation(journal=sending(), connection=unchecked)
    assert decide(o) == Decision(Action.HOLD, Reason.SENDING, message)
