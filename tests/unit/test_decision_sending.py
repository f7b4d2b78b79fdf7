"""While a journal is in state sending, and where it cannot be read at all."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from auth0_rotator.conditions import Reason
from auth0_rotator.decision import Action, Decision, decide
from auth0_rotator.journal import Journal, JournalMeta
from auth0_rotator.observation import Attempt, Connection
from auth0_rotator.record import Trigger
from auth0_rotator.subject import Rotation
from auth0_rotator.target import Target
from examples import (
    BY_HAND,
    DAY,
    MINUTE,
    NEXT,
    NOW,
    PROCESS,
    SECOND,
    attempt,
    broken_connection,
    created,
    credential,
    failed_status,
    intended,
    invalid_rotation,
    journal,
    meta,
    missing_connection,
    observation,
    rival,
    rotation,
    sending,
    target,
    unchecked_connection,
)

GOES_ON = Decision(Action.CONTINUE, Reason.SENDING, "the outcome of a change is open")
FINALIZE = Decision(Action.FINALIZE, Reason.FINALIZING, "the rotation was deleted")
TICK = timedelta(microseconds=1)


def going(since: str = "09:29:00", **changes: Any) -> Rotation:
    """Return a rotation that was deleted today, and that a finalizer of ours keeps."""
    metadata = {
        "deletionTimestamp": f"2026-11-23T{since}Z",
        "finalizers": ["auth0rotator.dev/revoke"],
    }
    return rotation(**(metadata | changes))


def held(**changes: Any) -> Target:
    """Return the target as it stands after a rotation with another record."""
    return target(of=journal(current=credential(BY_HAND, **changes)))


def settling(word: str, **changes: Any) -> Rotation:
    """Return a rotation on which a person says which value is live."""
    return rotation(annotations={"auth0rotator.dev/settle-doubt": word}, **changes)


def answer(**changes: Any) -> Action:
    """Return what is decided while the outcome of a change is open."""
    return decide(observation(**({"journal": sending()} | changes))).action


# Unreadable ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"target": target()}, id="healthy"),
        pytest.param({"rotation": rotation(status={"rotationStatus": None})}, id="new"),
        pytest.param({"rotation": invalid_rotation()}, id="spec-invalid"),
        pytest.param({"attempt": attempt(accepted=credential())}, id="accepted"),
        pytest.param({"journal_deleting_since": NOW - DAY}, id="only-the-journal-goes"),
        pytest.param({"is_namespace_terminating": True}, id="rotation-still-wanted"),
    ],
)
def test_a_journal_that_cannot_be_read_is_held_and_never_taken_for_none(changes: dict[str, Any]) -> None:
    assert decide(
        observation(**({"journal": None, "journal_fault": "it is torn"} | changes))
    ) == Decision(
        Action.HOLD,
        Reason.JOURNAL_UNREADABLE,
        "the journal web.journal cannot be read: it is torn; restore it from a backup, or delete it "
        "and the value that the target holds is adopted",
        is_stalled=True,
    )


@pytest.mark.parametrize(
    ("changes", "until"),
    [
        pytest.param({"rotation": going("09:20:01")}, NOW + SECOND, id="going-a-while"),
        pytest.param({"rotation": going("09:20:00")}, None, id="going-for-ten-minutes"),
        pytest.param(
            {"rotation": None, "journal_deleting_since": NOW - 10 * MINUTE + TICK},
            NOW + TICK,
            id="gone-a-while",
        ),
        pytest.param(
            {"rotation": None, "journal_deleting_since": NOW - 10 * MINUTE},
            None,
            id="gone-for-ten-minutes",
        ),
        pytest.param(
            {"rotation": going(), "journal_deleting_since": NOW - 10 * MINUTE},
            None,
            id="its-journal-went-first",
        ),
        pytest.param(
            {"rotation": going("09:20:00"), "journal_deleting_since": NOW - MINUTE},
            None,
            id="its-journal-went-last",
        ),
        pytest.param({"rotation": None}, None, id="gone-and-nobody-deletes-the-journal"),
        pytest.param({"rotation": going(), "is_namespace_terminating": True}, None, id="namespace-goes"),
        pytest.param(
            {
                "rotation": None,
                "journal_deleting_since": NOW - MINUTE,
                "is_namespace_terminating": True,
            },
            None,
            id="gone-and-namespace-goes",
        ),
    ],
)
def test_a_journal_that_cannot_be_read_blocks_a_deletion_for_ten_minutes(
    changes: dict[str, Any], until: datetime | None
) -> None:
    waits = Decision(
        Action.HOLD,
        Reason.JOURNAL_UNREADABLE,
        "a journal that cannot be read is in the way of the deletion: it is torn",
        until=until,
        is_stalled=True,
    )
    let_go = Decision(
        Action.ABANDON,
        Reason.ABANDONED,
        "the rotation was deleted and its journal cannot be read (it is torn); it is let go, and the "
        "target may hold a value that is dead: check it",
    )
    o = created(journal_fault="it is torn", **changes)
    assert decide(o) == (let_go if until is None else waits)


# Accepted --------------------------------------------------------------------------------------

ACCEPTED = credential(NEXT, sequence=8, rotation_id="01NEXT", rotated_at=NOW)
DELIVERS = Decision(Action.CONTINUE, Reason.NOT_DELIVERED, "an accepted value is to be delivered")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="as-it-was-sent"),
        pytest.param({"connection": missing_connection()}, id="connection-gone"),
        pytest.param({"connection": unchecked_connection()}, id="connection-unchecked"),
        pytest.param({"journal": sending(attempted_by="operator-2", attempted_at=NOW)}, id="counted"),
        pytest.param({"journal": journal(next=intended())}, id="parked"),
        pytest.param({"journal": journal()}, id="no-longer-chosen"),
        pytest.param({"journal": None, "target": None}, id="journal-gone"),
        pytest.param({"journal": None, "target": target()}, id="journal-gone-and-an-old-value-there"),
        pytest.param({"target": held(sequence=9, rotation_id="01OTHER")}, id="newer-target"),
        pytest.param({"target": None}, id="target-missing"),
        pytest.param({"rotation": settling("current")}, id="settled-otherwise"),
        pytest.param({"rotation": going()}, id="deleted-a-moment-ago"),
        pytest.param({"rotation": None}, id="gone"),
        pytest.param({"rotation": invalid_rotation()}, id="spec-invalid"),
        pytest.param({"rotation": rotation(spec={"suspend": True})}, id="suspended"),
        pytest.param({"rotation": rotation(status=failed_status())}, id="failed-before"),
        pytest.param({"journal": None, "rivals": [rival(holds=True)]}, id="somebody-was-faster"),
    ],
)
def test_what_the_tenant_took_is_delivered_whatever_else_holds(changes: dict[str, Any]) -> None:
    o = observation(**({"journal": sending(), "attempt": attempt(accepted=ACCEPTED)} | changes))
    assert decide(o) == DELIVERS


@pytest.mark.parametrize(
    ("again_at", "is_waiting"),
    [
        pytest.param(NOW - DAY, False, id="long-ago"),
        pytest.param(NOW, False, id="now"),
        pytest.param(NOW + TICK, True, id="not-yet"),
        pytest.param(NOW + 6 * MINUTE, True, id="as-long-as-a-tenant-may-ask"),
        pytest.param(NOW + 6 * MINUTE + TICK, False, id="the-clock-was-set-back"),
    ],
)
def test_a_delivery_backs_off_for_a_short_time(again_at: datetime, *, is_waiting: bool) -> None:
    o = observation(journal=sending(), attempt=attempt(accepted=ACCEPTED, again_at=again_at))
    message = "a short back-off of the delivery"
    waits = Decision(Action.HOLD, Reason.NOT_DELIVERED, message, until=again_at)
    assert decide(o) == (waits if is_waiting else DELIVERS)


def test_without_object_and_journal_nobody_knows_where_to_deliver() -> None:
    o = created(rotation=None, attempt=attempt(accepted=ACCEPTED))
    assert decide(o) == Decision(Action.HOLD, Reason.FINALIZING, "the rotation is gone")


def test_a_value_that_was_not_accepted_is_not_delivered() -> None:
    assert decide(observation(attempt=attempt())).reason is Reason.WAITING_FOR_DUE_DATE


# Abandoned -------------------------------------------------------------------------------------

GONE_FOR_LONG = meta(deleting_since=NOW - 10 * MINUTE)
GONE_A_WHILE = meta(deleting_since=NOW - 10 * MINUTE + timedelta(milliseconds=1))


@pytest.mark.parametrize(
    ("changes", "action"),
    [
        pytest.param(
            {"rotation": None, "journal": sending(meta=GONE_A_WHILE)}, Action.CONTINUE, id="gone-a-while"
        ),
        pytest.param(
            {"rotation": None, "journal": sending(meta=meta(deleting_since=NOW + SECOND))},
            Action.CONTINUE,
            id="gone-by-a-clock-that-is-ahead",
        ),
        pytest.param(
            {"rotation": None, "journal": sending(meta=GONE_FOR_LONG)},
            Action.ABANDON,
            id="gone-for-long",
        ),
        pytest.param(
            {"rotation": going(), "journal": sending(meta=GONE_FOR_LONG)},
            Action.ABANDON,
            id="going-for-long",
        ),
        pytest.param(
            {"rotation": going("09:20:00"), "journal": sending(meta=meta(deleting_since=NOW - MINUTE))},
            Action.ABANDON,
            id="going-for-longer-than-its-journal",
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
            {"rotation": going(), "is_namespace_terminating": True},
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


@pytest.mark.parametrize("found", [meta(), None], ids=["orphan", "never-written"])
@pytest.mark.parametrize("under_way", [None, attempt(again_at=NOW + MINUTE)], ids=["idle", "under-way"])
def test_a_journal_that_nobody_deletes_with_its_rotation_is_deleted_first(
    found: JournalMeta | None, under_way: Attempt | None
) -> None:
    """Else nobody would ever know for how long its outcome has been waited for."""
    o = observation(rotation=None, journal=sending(meta=found), attempt=under_way)
    assert decide(o) == FINALIZE


def test_an_open_change_that_stands_alone_goes_on_before_it_is_deleted() -> None:
    o = observation(rotation=None, journal=sending(meta=meta(owner_uid="")), alone_since=NOW)
    assert decide(o) == GOES_ON


def test_a_journal_that_cannot_be_read_waits_for_its_rotation_as_well() -> None:
    o = created(rotation=None, journal_fault="it is torn", alone_since=NOW)
    assert decide(o) == Decision(
        Action.HOLD,
        Reason.JOURNAL_UNREADABLE,
        "there is no such rotation, and the journal web.journal cannot be read: it is torn; it waits, "
        "for a restore may bring the rotation back",
        until=NOW + 10 * MINUTE,
        is_stalled=True,
    )


@pytest.mark.parametrize(
    ("changes", "action"),
    [
        pytest.param({}, Action.RESTORE_JOURNAL, id="wanted"),
        pytest.param({"rotation": None}, Action.RESTORE_JOURNAL, id="alone"),
        pytest.param({"rotation": going()}, Action.RESTORE_JOURNAL, id="going"),
        pytest.param({"connection": missing_connection()}, Action.RESTORE_JOURNAL, id="no-connection"),
        pytest.param(
            {"rotation": going(), "is_namespace_terminating": True}, Action.ABANDON, id="namespace-goes"
        ),
        pytest.param(
            {"journal": sending(meta=meta(is_intact=False, deleting_since=NOW))},
            Action.CONTINUE,
            id="too-late-for-a-finalizer",
        ),
        pytest.param({"journal": sending(meta=None)}, Action.CONTINUE, id="never-written"),
    ],
)
def test_an_open_journal_gets_its_finalizer_back_before_all_else(
    changes: dict[str, Any], action: Action
) -> None:
    """Catches one that is deleted with its rotation, and with it the value that may be live."""
    assert answer(**({"journal": sending(meta=meta(is_intact=False))} | changes)) is action


def test_what_an_open_journal_had_lost_is_told() -> None:
    assert decide(observation(journal=sending(meta=meta(is_intact=False)))) == Decision(
        Action.RESTORE_JOURNAL,
        Reason.DRIFT_REPAIRED,
        "the journal of an open change had lost its finalizer or its label",
    )


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
    [("09:20:00", Action.ABANDON), ("09:20:01", Action.CONTINUE)],
    ids=["ten-minutes", "a-second-less"],
)
def test_a_deletion_that_a_finalizer_holds_is_given_up_as_well(since: str, action: Action) -> None:
    """With revokeGeneratedCredentials the object stays until it is revoked, and with it its journal:
    a dead tenant must not block the deletion for ever."""
    assert answer(rotation=going(since)) is action


# Settled ---------------------------------------------------------------------------------------


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
        pytest.param("current", sending(current=None), Action.SETTLE, id="current-of-the-first"),
        pytest.param("next", journal(next=intended()), Action.HOLD, id="no-doubt"),
    ],
)
def test_a_person_ends_a_doubt_by_one_of_two_words(word: str, kept: Journal, action: Action) -> None:
    assert decide(observation(rotation=settling(word), journal=kept)).action is action


def test_an_old_word_that_was_taken_back_and_said_again_counts() -> None:
    """Wrong: a word that is useless for as long as the doubt lasts, because it was there before."""
    kept = sending(settle_seen="next")
    o = observation(rotation=settling("next"), journal=kept, is_word_taken_back=True)
    assert decide(o).action is Action.SETTLE


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
        pytest.param({"rotation": going()}, id="deleting"),
        pytest.param({"rotation": None, "journal": sending(meta=GONE_A_WHILE)}, id="gone"),
        pytest.param({"target": None}, id="target-missing"),
        pytest.param({"attempt": attempt()}, id="in-the-middle-of-it"),
        pytest.param({"attempt": attempt(again_at=NOW)}, id="back-off-just-over"),
        pytest.param({"journal": sending(attempted_at=None)}, id="attempt-time-unknown"),
        pytest.param({"journal": sending(current=None)}, id="the-first-value"),
        pytest.param({"connection": broken_connection()}, id="a-probe-needs-no-token-of-ours"),
        pytest.param({"connection": broken_connection(is_stalled=True)}, id="stalled-and-known"),
    ],
)
def test_what_was_sent_is_sent_again_whatever_else_holds(changes: dict[str, Any]) -> None:
    assert decide(observation(**({"journal": sending()} | changes))) == GOES_ON


@pytest.mark.parametrize(
    ("again_at", "is_waiting"),
    [
        pytest.param(NOW + TICK, True, id="not-yet"),
        pytest.param(NOW + 6 * MINUTE, True, id="as-long-as-a-tenant-may-ask"),
        pytest.param(NOW + 6 * MINUTE + TICK, False, id="the-clock-was-set-back"),
    ],
)
def test_a_back_off_inside_an_attempt_is_waited_out(again_at: datetime, *, is_waiting: bool) -> None:
    o = observation(journal=sending(), attempt=attempt(again_at=again_at))
    message = "the outcome of a change is open; trying on"
    waits = Decision(Action.HOLD, Reason.SENDING, message, until=again_at)
    assert decide(o) == (waits if is_waiting else GOES_ON)


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
    assert answer(journal=kept, attempt=attempt(sent_version="41")) is Action.CONTINUE


def test_who_lost_the_race_for_the_journal_leaves_the_winner_alone() -> None:
    """Catches a second operator that counts an attempt at once, so that the next rotation must wait."""
    kept = sending(attempted_by="operator-2", attempted_at=NOW - 5 * SECOND)
    assert answer(journal=kept, attempt=attempt()) is Action.HOLD
    assert answer(journal=sending(), attempt=attempt()) is Action.CONTINUE


@pytest.mark.parametrize(
    ("retry_at", "action"),
    [
        pytest.param("2026-11-23T09:30:01Z", Action.HOLD, id="ahead"),
        pytest.param("2026-11-23T09:30:00Z", Action.CONTINUE, id="come"),
        pytest.param("2026-11-23T10:45:00Z", Action.HOLD, id="the-longest-back-off"),
        pytest.param("2026-11-23T10:45:01Z", Action.CONTINUE, id="the-clock-was-set-back"),
    ],
)
def test_the_next_try_waits_for_its_back_off(retry_at: str, action: Action) -> None:
    failed = rotation(status=failed_status(nextRetryAt=retry_at))
    assert answer(rotation=failed) is action


def test_a_back_off_says_until_when() -> None:
    o = observation(journal=sending(), rotation=rotation(status=failed_status()))
    message = "the outcome of a change is open; the next try backs off"
    assert decide(o) == Decision(Action.HOLD, Reason.SENDING, message, until=NOW + 4 * MINUTE)


@pytest.mark.parametrize("under_way", [None, attempt()], ids=["after-a-crash", "under-way"])
@pytest.mark.parametrize(
    ("found", "is_stalled"),
    [
        pytest.param(missing_connection(), False, id="missing"),
        pytest.param(missing_connection(is_stalled=True), True, id="closed-to-this-namespace"),
    ],
)
def test_without_a_known_tenant_an_open_outcome_is_a_failure(
    found: Connection, under_way: Attempt | None, *, is_stalled: bool
) -> None:
    o = observation(journal=sending(), attempt=under_way, connection=found)
    assert decide(o) == Decision(
        Action.HOLD,
        Reason.SENDING,
        "the outcome of a change is open, but there is no such connection",
        trigger=Trigger.SCHEDULE,
        until=NOW + MINUTE,
        is_stalled=is_stalled,
        is_failure=True,
    )


def test_a_connection_that_was_not_checked_yet_is_waited_for() -> None:
    o = observation(journal=sending(), connection=unchecked_connection())
    message = "the outcome of a change is open, but it was not checked yet"
    assert decide(o) == Decision(Action.HOLD, Reason.SENDING, message, until=NOW + MINUTE)


WAITS: dict[str, tuple[dict[str, Any], timedelta]] = {
    "attempt": ({"attempt": attempt(again_at=NOW + 30 * SECOND)}, 30 * SECOND),
    "another-operator": (
        {"journal": sending(attempted_by="operator-2", attempted_at=NOW - 5 * SECOND)},
        15 * SECOND,
    ),
    "back-off": ({"status": failed_status()}, 4 * MINUTE),
    "unchecked": ({"connection": unchecked_connection()}, MINUTE),
    "unknown": ({"connection": missing_connection()}, MINUTE),
}


@pytest.mark.parametrize("wait", WAITS)
@pytest.mark.parametrize(
    ("deleted_at", "longest"),
    [
        pytest.param(None, DAY, id="wanted"),
        pytest.param("2026-11-23T09:29:00Z", 9 * MINUTE, id="deleted-a-minute-ago"),
        pytest.param("2026-11-23T09:20:07Z", 7 * SECOND, id="deleted-almost-ten-minutes-ago"),
    ],
)
def test_every_wait_for_an_open_outcome_ends_with_that_of_the_deletion(
    wait: str, deleted_at: str | None, longest: timedelta
) -> None:
    changes, lasts = WAITS[wait]
    subject = rotation(status=changes.get("status", {}), deletionTimestamp=deleted_at)
    others = {name: change for name, change in changes.items() if name != "status"}
    decision = decide(observation(**({"rotation": subject, "journal": sending()} | others)))
    assert (decision.action, decision.reason) == (Action.HOLD, Reason.SENDING)
    assert decision.until == NOW + min(lasts, longest)


@pytest.mark.parametrize(
    ("subject", "until"),
    [(None, NOW + SECOND), (rotation(), NOW + MINUTE)],
    ids=["gone", "only-the-journal-goes"],
)
def test_a_journal_that_goes_alone_hurries_nobody(subject: Rotation | None, until: datetime) -> None:
    deleted = sending(meta=meta(deleting_since=NOW - 10 * MINUTE + SECOND))
    o = observation(rotation=subject, journal=deleted, connection=missing_connection())
    assert decide(o).until == until


@pytest.mark.parametrize(
    ("changes", "is_given_up"),
    [
        pytest.param({"is_namespace_terminating": True}, True, id="namespace-goes"),
        pytest.param({"now": NOW + 10 * MINUTE}, True, id="ten-minutes-over"),
        pytest.param({"now": NOW + 10 * MINUTE - TICK}, False, id="ten-minutes-almost-over"),
        pytest.param({}, False, id="just-deleted"),
    ],
)
def test_a_delivery_that_cannot_succeed_does_not_block_a_deletion_for_ever(
    changes: dict[str, Any], *, is_given_up: bool
) -> None:
    going = sending(meta=meta(deleting_since=NOW))
    o = observation(rotation=None, journal=going, attempt=attempt(accepted=credential()), **changes)
    assert (decide(o).action is Action.ABANDON) is is_given_up
