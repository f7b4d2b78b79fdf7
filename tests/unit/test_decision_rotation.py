"""What asks for a change at the tenant, and what keeps it from coming."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from auth0_rotator.conditions import Reason
from auth0_rotator.decision import Action, Decision, decide
from auth0_rotator.decision import rotation as rotation_rules
from auth0_rotator.journal import Journal
from auth0_rotator.observation import CredentialsPlace, Observation
from auth0_rotator.record import Trigger
from auth0_rotator.schedule import IntervalUnit
from auth0_rotator.subject import Rotation
from examples import (
    CLIENT_ID,
    DAY,
    DUE_AT,
    HANDLED,
    MINUTE,
    NOW,
    SECOND,
    attempt,
    broken_connection,
    connection,
    created,
    credential,
    failed_status,
    foreign_target,
    intended,
    journal,
    meta,
    observation,
    rotation,
    target,
    unchecked_connection,
)

NEW_DOMAIN = "new.eu.auth0.com"
TICK = timedelta(microseconds=1)


def asked(word: str = "monday", **changes: Any) -> Rotation:
    """Return a rotation that a person asks to be rotated now."""
    return rotation(annotations={"auth0rotator.dev/rotate-now": word}, **changes)


def renamed(**spec: Any) -> Rotation:
    """Return a rotation whose spec names another client than was delivered."""
    return rotation(spec={"parameters": {"clientId": "new-client"}} | spec)


def due(**changes: Any) -> Observation:
    return observation(**({"now": DUE_AT} | changes))


CREATION = Decision(
    Action.ROTATE, Reason.CREATION, "the first rotation of this object", trigger=Trigger.CREATION
)
MANUAL = Decision(
    Action.ROTATE, Reason.REQUESTED, "a person asked for a rotation", trigger=Trigger.MANUAL
)
CLIENT_CHANGED = Decision(
    Action.ROTATE,
    Reason.CLIENT_CHANGED,
    "the spec names another client than the delivered value belongs to",
    trigger=Trigger.CLIENT_CHANGED,
)
DUE = Decision(Action.ROTATE, Reason.DUE, "due since 2026-12-01T00:00:00Z", trigger=Trigger.SCHEDULE)
SUSPENDED = Decision(Action.HOLD, Reason.SUSPENDED, "suspended by spec.suspend")


# Creation --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="new"),
        pytest.param({"journal": journal(current=None, next=intended())}, id="after-a-refusal"),
        pytest.param({"rotation": rotation(spec={"isAutoRotationEnabled": False})}, id="automation-off"),
        pytest.param({"rotation": asked()}, id="with-a-token"),
    ],
)
def test_an_object_without_a_value_gets_one(changes: dict[str, Any]) -> None:
    assert decide(created(**changes)) == CREATION


@pytest.mark.parametrize("kept", [None, journal(current=None)], ids=["no-journal", "no-value"])
def test_a_suspended_object_waits_for_its_first_rotation(kept: Journal | None) -> None:
    o = created(rotation=rotation(spec={"suspend": True}), journal=kept)
    assert decide(o) == Decision(Action.HOLD, Reason.SUSPENDED, "suspended before its first rotation")


# Suspension ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "o",
    [
        pytest.param(observation(rotation=rotation(spec={"suspend": True})), id="at-rest"),
        pytest.param(observation(rotation=asked(spec={"suspend": True})), id="token"),
        pytest.param(observation(rotation=renamed(suspend=True)), id="client-changed"),
        pytest.param(due(rotation=rotation(spec={"suspend": True})), id="due"),
        pytest.param(
            observation(
                rotation=rotation(spec={"suspend": True}), connection=connection(domain=NEW_DOMAIN)
            ),
            id="domain-changed",
        ),
    ],
)
def test_suspended_means_no_rotation_at_all(o: Observation) -> None:
    assert decide(o) == SUSPENDED


# Another client, another domain ----------------------------------------------------------------


def test_a_changed_client_is_rotated() -> None:
    assert decide(observation(rotation=renamed())) == CLIENT_CHANGED
    assert decide(observation(rotation=renamed(isAutoRotationEnabled=False))) == CLIENT_CHANGED


def test_a_client_id_in_spaces_is_the_same_client() -> None:
    spaced = rotation(spec={"parameters": {"clientId": f"  {CLIENT_ID} "}})
    assert decide(observation(rotation=spaced)).reason is Reason.WAITING_FOR_DUE_DATE


def moved(**changes: Any) -> Observation:
    inputs = {"connection": connection(domain=NEW_DOMAIN)}
    return observation(**(inputs | changes))


MOVE = Decision(Action.MOVE, Reason.DOMAIN_CHANGED, f"the connection leads to {NEW_DOMAIN} now")


@pytest.mark.parametrize(
    "move_at",
    [
        pytest.param(None, id="at-once"),
        pytest.param(NOW, id="now"),
        pytest.param(NOW - SECOND, id="overdue"),
        pytest.param(NOW + 6 * MINUTE + TICK, id="the-clock-was-set-back"),
    ],
)
def test_another_domain_is_asked_before_anything_is_believed(move_at: datetime | None) -> None:
    assert decide(moved(move_at=move_at)) == MOVE


@pytest.mark.parametrize("wait", [TICK, 6 * MINUTE], ids=["a-moment", "as-long-as-it-may"])
@pytest.mark.parametrize("verify_at", [None, NOW + MINUTE], ids=["no-probe", "a-probe-to-come"])
def test_asking_another_domain_takes_its_time(wait: timedelta, verify_at: datetime | None) -> None:
    o = moved(move_at=NOW + wait, verify_at=verify_at, is_verification_done=False)
    assert decide(o) == Decision(
        Action.HOLD,
        Reason.DOMAIN_CHANGED,
        f"asking {NEW_DOMAIN} about the delivered value",
        until=NOW + wait,
    )


def test_a_probe_of_the_value_does_not_keep_another_domain_from_being_asked() -> None:
    assert decide(moved(verify_at=NOW + MINUTE, is_verification_done=False)) == MOVE


def test_another_domain_is_asked_when_its_connection_is_ready() -> None:
    unready = broken_connection(domain=NEW_DOMAIN)
    assert decide(moved(connection=unready)) == Decision(
        Action.HOLD, Reason.CONNECTION_NOT_READY, "the token lacks update:client_keys"
    )


@pytest.mark.parametrize("is_ready", [True, False], ids=["ready", "unready"])
def test_a_domain_that_does_not_know_the_value_is_left_to_a_person(*, is_ready: bool) -> None:
    o = moved(is_move_refused=True, connection=connection(domain=NEW_DOMAIN, is_ready=is_ready))
    assert decide(o) == Decision(
        Action.HOLD,
        Reason.DOMAIN_CHANGED,
        f"the connection leads to {NEW_DOMAIN}, which does not accept the value that was delivered for "
        "acme.eu.auth0.com; ask for a rotation with auth0rotator.dev/rotate-now",
        is_stalled=True,
    )


@pytest.mark.parametrize("is_move_refused", [True, False], ids=["refused", "not-asked"])
def test_a_token_ends_the_question_by_a_rotation(*, is_move_refused: bool) -> None:
    assert decide(moved(is_move_refused=is_move_refused, rotation=asked())) == MANUAL


def test_a_connection_that_leads_nowhere_changes_nothing() -> None:
    o = observation(connection=broken_connection(domain=""))
    assert decide(o).reason is Reason.WAITING_FOR_DUE_DATE


# Tokens ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subject", "decision"),
    [
        pytest.param(asked(), MANUAL, id="annotation"),
        pytest.param(rotation(spec={"rotationTrigger": "monday"}), MANUAL, id="spec"),
        pytest.param(asked(spec={"isAutoRotationEnabled": False}), MANUAL, id="automation-off"),
        pytest.param(asked(spec={"rotationTrigger": "tuesday"}), MANUAL, id="both-at-once"),
    ],
)
def test_a_token_asks_for_one_rotation_now(subject: Rotation, decision: Decision) -> None:
    assert decide(observation(rotation=subject)) == decision


@pytest.mark.parametrize(
    "subject",
    [
        pytest.param(asked(), id="annotation"),
        pytest.param(rotation(spec={"rotationTrigger": "monday"}), id="spec"),
        pytest.param(asked(spec={"rotationTrigger": "monday"}), id="both"),
        pytest.param(asked(""), id="empty"),
    ],
)
def test_a_handled_token_asks_for_nothing(subject: Rotation) -> None:
    handled = (HANDLED, "annotation:d618fb157a4b382e", "spec:d618fb157a4b382e")
    kept = journal(current=credential(handled=handled))
    assert decide(observation(rotation=subject, journal=kept)).reason is Reason.WAITING_FOR_DUE_DATE


def test_a_token_is_handled_for_its_own_source_only() -> None:
    kept = journal(current=credential(handled=("annotation:d618fb157a4b382e",)))
    assert (
        decide(observation(rotation=rotation(spec={"rotationTrigger": "monday"}), journal=kept))
        == MANUAL
    )


# Due dates -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "decision"),
    [
        pytest.param(
            DUE_AT - TICK,
            Decision(
                Action.HOLD, Reason.WAITING_FOR_DUE_DATE, "due at 2026-12-01T00:00:00Z", until=DUE_AT
            ),
            id="a-microsecond-before",
        ),
        pytest.param(DUE_AT, DUE, id="at-the-instant"),
        pytest.param(DUE_AT + 40 * DAY, DUE, id="long-overdue"),
    ],
)
def test_a_due_date_rotates(now: datetime, decision: Decision) -> None:
    assert decide(observation(now=now)) == decision


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        pytest.param({"rotationInterval": 22}, Reason.DUE, id="shortened"),
        pytest.param({"rotationInterval": 23}, Reason.WAITING_FOR_DUE_DATE, id="not-short-enough"),
        pytest.param(
            {"rotationInterval": 22, "rotateAtUtc": {"hours": 9, "minutes": 30}},
            Reason.DUE,
            id="this-minute",
        ),
        pytest.param(
            {"rotationInterval": 22, "rotateAtUtc": {"hours": 9, "minutes": 31}},
            Reason.WAITING_FOR_DUE_DATE,
            id="next-minute",
        ),
        pytest.param(
            {"rotationInterval": 22, "rotateAt": {"time": "10:30", "timeZone": "Europe/Oslo"}},
            Reason.DUE,
            id="this-minute-in-a-zone",
        ),
        pytest.param(
            {"rotationInterval": 22, "rotateAt": {"time": "10:31", "timeZone": "Europe/Oslo"}},
            Reason.WAITING_FOR_DUE_DATE,
            id="next-minute-in-a-zone",
        ),
        pytest.param({"rotationInterval": 22, "spread": "9h"}, Reason.DUE, id="spread-a-little"),
        pytest.param(
            {"rotationInterval": 22, "rotateAtUtc": {"hours": 9}, "spread": "24h"},
            Reason.WAITING_FOR_DUE_DATE,
            id="spread-further",
        ),
        pytest.param(
            {"rotationInterval": 1, "isAutoRotationEnabled": False},
            Reason.AUTOMATION_OFF,
            id="automation-off",
        ),
    ],
)
def test_the_object_as_it_is_now_says_when_it_is_due(spec: dict[str, Any], reason: Reason) -> None:
    assert decide(observation(rotation=rotation(spec=spec))).reason is reason


def test_in_minutes_an_interval_is_soon_over() -> None:
    assert decide(observation(unit=IntervalUnit.MINUTES)).reason is Reason.DUE


def test_with_automation_off_only_people_rotate() -> None:
    o = observation(rotation=rotation(spec={"isAutoRotationEnabled": False}), now=DUE_AT + 400 * DAY)
    assert decide(o) == Decision(Action.HOLD, Reason.AUTOMATION_OFF, "rotates only when asked to")


# What a wanted rotation needs ------------------------------------------------------------------

WANTED: dict[str, Callable[..., Observation]] = {
    "creation": created,
    "token": lambda **changes: observation(**({"rotation": asked()} | changes)),
    "client-changed": lambda **changes: observation(**({"rotation": renamed()} | changes)),
    "due": lambda **changes: observation(
        **({"rotation": rotation(spec={"rotationInterval": 1})} | changes)
    ),
}


@pytest.mark.parametrize("trigger", WANTED)
@pytest.mark.parametrize("wait", [TICK, 6 * MINUTE], ids=["a-moment", "as-long-as-a-tenant-may-ask"])
def test_a_back_off_inside_an_attempt_keeps_a_rotation_waiting(trigger: str, wait: timedelta) -> None:
    o = WANTED[trigger](attempt=attempt(again_at=NOW + wait), connection=broken_connection())
    assert decide(o) == Decision(
        Action.HOLD, Reason.BUSY, "a short back-off inside the attempt", until=NOW + wait
    )


@pytest.mark.parametrize("trigger", WANTED)
@pytest.mark.parametrize(
    "again_at", [NOW, NOW + 6 * MINUTE + TICK], ids=["over", "the-clock-was-set-back"]
)
def test_an_attempt_goes_on_after_its_back_off(trigger: str, again_at: datetime) -> None:
    assert decide(WANTED[trigger](attempt=attempt(again_at=again_at))).action is Action.ROTATE


@pytest.mark.parametrize(
    ("late", "is_waiting"),
    [
        pytest.param(timedelta(0), False, id="over"),
        pytest.param(TICK, True, id="not-over"),
        pytest.param(10 * MINUTE, True, id="as-long-as-it-may-take"),
        pytest.param(10 * MINUTE + TICK, False, id="the-clock-was-set-back"),
    ],
)
def test_a_late_request_of_the_last_rotation_is_waited_out(late: timedelta, *, is_waiting: bool) -> None:
    kept = journal(late_until=NOW + late)
    decision = decide(WANTED["token"](journal=kept))
    waiting = Decision(
        Action.HOLD,
        Reason.LATE_REQUEST_POSSIBLE,
        "a request of the last rotation may still take effect; waiting it out",
        until=NOW + late,
    )
    assert decision == (waiting if is_waiting else MANUAL)


def test_a_late_request_may_belong_to_a_first_rotation_as_well() -> None:
    kept = journal(current=None, late_until=NOW + MINUTE)
    assert decide(created(journal=kept)).reason is Reason.LATE_REQUEST_POSSIBLE


@pytest.mark.parametrize(
    ("retry_at", "reason"),
    [
        pytest.param("2026-11-23T09:30:01Z", Reason.BACKING_OFF, id="ahead"),
        pytest.param("2026-11-23T09:30:00Z", Reason.DUE, id="come"),
        pytest.param("2026-11-23T10:45:00Z", Reason.BACKING_OFF, id="the-longest-back-off"),
        pytest.param("2026-11-23T10:45:01Z", Reason.DUE, id="the-clock-was-set-back"),
    ],
)
def test_a_failed_rotation_waits_for_its_next_try(retry_at: str, reason: Reason) -> None:
    failed = rotation(spec={"rotationInterval": 1}, status=failed_status(nextRetryAt=retry_at))
    assert decide(observation(rotation=failed)).reason is reason


def test_a_back_off_after_a_failure_says_until_when() -> None:
    failed = rotation(spec={"rotationInterval": 1}, status=failed_status())
    message = "the last attempt failed; waiting for the next"
    assert decide(observation(rotation=failed)) == Decision(
        Action.HOLD, Reason.BACKING_OFF, message, until=NOW + 4 * MINUTE
    )


IMMUTABLE = journal(meta=meta(is_immutable=True))
IMMUTABLE_WORDS = (
    "the journal web.journal was made immutable, so that no new value can be stored in it; delete it, "
    "and the value that the target holds is adopted without a rotation"
)


@pytest.mark.parametrize(
    ("changes", "trigger"),
    [
        pytest.param({"now": DUE_AT}, Trigger.SCHEDULE, id="due"),
        pytest.param({"rotation": asked("monday")}, Trigger.MANUAL, id="asked"),
        pytest.param({}, None, id="at-rest"),
        pytest.param({"connection": broken_connection()}, None, id="at-rest-offline"),
    ],
)
def test_a_journal_that_can_take_no_value_lets_none_be_chosen(
    changes: dict[str, Any], trigger: Trigger | None
) -> None:
    assert decide(observation(**({"journal": IMMUTABLE} | changes))) == Decision(
        Action.HOLD,
        Reason.JOURNAL_IMMUTABLE,
        IMMUTABLE_WORDS,
        trigger=trigger,
        is_stalled=True,
        is_failure=trigger is not None,
    )


def test_a_target_that_cannot_be_written_fails_a_rotation_before_the_tenant_is_touched() -> None:
    foreign = foreign_target()
    assert decide(created(target=foreign)) == Decision(
        Action.HOLD,
        Reason.TARGET_FOREIGN,
        "the Secret web was made by somebody else; delete it, choose another target.name, or use "
        "creationPolicy Merge",
        trigger=Trigger.CREATION,
        is_failure=True,
        is_stalled=True,
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"is_immutable": True}, Reason.TARGET_IMMUTABLE, id="immutable"),
        pytest.param({"type": "kubernetes.io/tls"}, Reason.TARGET_TYPE_DIFFERS, id="other-type"),
    ],
)
def test_a_delivered_target_that_cannot_be_written_again_is_not_rotated(
    changes: dict[str, Any], reason: Reason
) -> None:
    decision = decide(WANTED["token"](target=target(**changes)))
    assert (decision.action, decision.reason) == (Action.HOLD, reason)
    assert decision.is_failure


@pytest.mark.parametrize(
    ("client_id", "is_own"),
    [(CLIENT_ID, True), ("operators-own-client", False), ("", False)],
    ids=["own", "another", "unknown"],
)
def test_the_operators_own_client_is_not_rotated(client_id: str, *, is_own: bool) -> None:
    o = created(connection=connection(client_id=client_id))
    refused = Decision(
        Action.HOLD,
        Reason.OWN_CLIENT,
        "this is the client by which the operator itself authenticates; use another application for "
        "the connection, or say spec.allowOwnClient: true",
        is_stalled=True,
    )
    assert decide(o) == (refused if is_own else CREATION)


@pytest.mark.parametrize(
    ("place", "is_busy", "reason"),
    [
        pytest.param(("team-a", "web", "ID", "SECRET"), False, Reason.CREATION, id="allowed"),
        pytest.param(None, False, Reason.CREATION, id="place-not-known"),
        pytest.param(("team-a", "web", "ID", "SECRET"), True, Reason.OWN_CLIENT, id="others-first"),
        pytest.param(("team-b", "web", "ID", "SECRET"), False, Reason.OWN_CLIENT, id="namespace"),
        pytest.param(("team-a", "api", "ID", "SECRET"), False, Reason.OWN_CLIENT, id="name"),
        pytest.param(("team-a", "web", "id", "SECRET"), False, Reason.OWN_CLIENT, id="id-key"),
        pytest.param(("team-a", "web", "ID", "secret"), False, Reason.OWN_CLIENT, id="secret-key"),
    ],
)
def test_the_operators_own_client_is_rotated_last_and_only_into_the_credentials_that_it_reads(
    place: tuple[str, str, str, str] | None, *, is_busy: bool, reason: Reason
) -> None:
    own = connection(
        client_id=CLIENT_ID, credentials=CredentialsPlace(*place) if place is not None else None
    )
    subject = rotation(spec={"allowOwnClient": True})
    decision = decide(created(rotation=subject, connection=own, is_connection_busy=is_busy))
    assert decision.reason is reason
    assert decision.is_stalled is (reason is Reason.OWN_CLIENT and not is_busy)
    assert decision.until == (NOW + timedelta(seconds=5) if is_busy else None)


@pytest.mark.parametrize(
    ("place", "message"),
    [
        pytest.param(
            ("team-b", "operator", "clientId", "clientSecret"),
            "the operator would lock itself out: a rotation of its own client has to deliver into "
            "team-b/operator under the keys clientId and clientSecret, from where it reads its "
            "credentials",
            id="elsewhere",
        ),
        pytest.param(
            ("team-a", "web", "ID", "SECRET"),
            "the operator's own client comes last: other rotations of this connection are due",
            id="others-first",
        ),
    ],
)
def test_why_the_operators_own_client_is_not_rotated_is_told(
    place: tuple[str, str, str, str], message: str
) -> None:
    own = connection(client_id=CLIENT_ID, credentials=CredentialsPlace(*place))
    subject = rotation(spec={"allowOwnClient": True})
    o = created(rotation=subject, connection=own, is_connection_busy=True)
    assert decide(o).message == message


@pytest.mark.parametrize("trigger", WANTED)
def test_a_broken_connection_fails_a_rotation(trigger: str) -> None:
    wanted = decide(WANTED[trigger]())
    assert decide(WANTED[trigger](connection=broken_connection())) == Decision(
        Action.HOLD,
        Reason.SCOPE_MISSING,
        "the token lacks update:client_keys",
        trigger=wanted.trigger,
        is_failure=True,
    )


@pytest.mark.parametrize("trigger", WANTED)
def test_a_connection_that_was_not_checked_yet_is_waited_for(trigger: str) -> None:
    assert decide(WANTED[trigger](connection=unchecked_connection())) == Decision(
        Action.HOLD, Reason.PENDING, "it was not checked yet"
    )


NEEDS = [
    pytest.param({"target": target(is_immutable=True)}, Reason.TARGET_IMMUTABLE, id="target"),
    pytest.param({"attempt": attempt(again_at=NOW + SECOND)}, Reason.BUSY, id="attempt"),
    pytest.param({"journal": journal(late_until=NOW + SECOND)}, Reason.LATE_REQUEST_POSSIBLE, id="late"),
    pytest.param(
        {
            "rotation": rotation(
                spec={"rotationInterval": 1}, status=failed_status(nextRetryAt="2026-11-23T09:30:01Z")
            )
        },
        Reason.BACKING_OFF,
        id="back-off",
    ),
    pytest.param(
        {"connection": broken_connection(client_id=CLIENT_ID)}, Reason.OWN_CLIENT, id="own-client"
    ),
    pytest.param({"connection": broken_connection()}, Reason.SCOPE_MISSING, id="connection"),
]


@pytest.mark.parametrize("first", range(len(NEEDS)), ids=[str(need.id) for need in NEEDS])
def test_the_first_unmet_need_is_told(first: int) -> None:
    """All needs from this one on are unmet."""
    unmet: dict[str, Any] = {"rotation": rotation(spec={"rotationInterval": 1})}
    for need in reversed(NEEDS[first:]):
        changes = need.values[0]
        assert isinstance(changes, dict)
        unmet |= changes
    assert decide(observation(**unmet)).reason is NEEDS[first].values[1]


# A Secret that was mended ----------------------------------------------------------------------


def stalled_by(reason: Reason, type_: str = "Stalled", **status: Any) -> dict[str, Any]:
    """Return the status after a failure that a person had to mend."""
    condition = {"type": type_, "status": "True", "reason": reason.value, "message": "mend it"}
    return failed_status(conditions=[condition], **status)


def backing_off(status: dict[str, Any], **changes: Any) -> Observation:
    return observation(rotation=rotation(spec={"rotationInterval": 22}, status=status), **changes)


DUE_TODAY = replace(DUE, message="due since 2026-11-23T00:00:00Z")


@pytest.mark.parametrize(
    "reason",
    [
        Reason.TARGET_FOREIGN,
        Reason.TARGET_IMMUTABLE,
        Reason.TARGET_TYPE_DIFFERS,
    ],
    ids=str,
)
def test_a_secret_that_is_all_right_again_ends_the_back_off(reason: Reason) -> None:
    """Also for the second look, right before the change, when the attempt has begun."""
    assert decide(backing_off(stalled_by(reason))) == DUE_TODAY
    assert decide(backing_off(stalled_by(reason), attempt=attempt(again_at=NOW))) == DUE_TODAY


@pytest.mark.parametrize(
    ("status", "changes"),
    [
        pytest.param(stalled_by(Reason.SCOPE_MISSING), {}, id="another-cause"),
        pytest.param(stalled_by(Reason.TARGET_CONTESTED), {}, id="a-contest-shows-in-a-write-only"),
        pytest.param(stalled_by(Reason.TARGET_FOREIGN, "Ready"), {}, id="another-condition"),
        pytest.param(
            stalled_by(Reason.TARGET_FOREIGN),
            {"attempt": attempt(again_at=NOW, tries=1)},
            id="an-attempt-that-met-something",
        ),
        pytest.param(failed_status(), {}, id="no-conditions"),
    ],
)
def test_any_other_failure_keeps_its_back_off(status: dict[str, Any], changes: dict[str, Any]) -> None:
    assert decide(backing_off(status, **changes)).reason is Reason.BACKING_OFF


def test_a_mended_secret_does_not_hurry_past_a_late_request() -> None:
    """The wait is not for the Secret: a request of the last rotation could land on the new value."""
    kept = journal(late_until=NOW + 4 * MINUTE)
    decision = decide(backing_off(stalled_by(Reason.TARGET_FOREIGN), journal=kept))
    assert decision.reason is Reason.LATE_REQUEST_POSSIBLE


def test_a_fault_is_told_but_fails_nothing_while_the_rotation_waits_anyhow() -> None:
    o = backing_off(stalled_by(Reason.TARGET_IMMUTABLE), target=target(is_immutable=True))
    decision = decide(o)
    assert decision.reason is Reason.TARGET_IMMUTABLE
    assert decision.is_stalled
    assert not decision.is_failure


def test_a_contested_target_keeps_its_instant_when_it_fails_a_rotation() -> None:
    o = WANTED["token"](repairs=(NOW - MINUTE,) * 5)
    decision = decide(o)
    assert (decision.reason, decision.until) == (Reason.TARGET_CONTESTED, NOW + 9 * MINUTE)
    assert decision.is_failure
    assert decision.is_stalled


# Verification ----------------------------------------------------------------------------------

VERIFY = Decision(Action.VERIFY, Reason.VERIFYING, "asking the tenant about the delivered value")


@pytest.mark.parametrize(
    ("changes", "is_asked"),
    [
        pytest.param({}, True, id="at-once"),
        pytest.param({"verify_at": NOW}, True, id="now"),
        pytest.param({"verify_at": NOW + TICK}, False, id="not-yet"),
        pytest.param({"verify_at": NOW + 10 * MINUTE}, False, id="the-last-look"),
        pytest.param({"verify_at": NOW + 10 * MINUTE + TICK}, True, id="the-clock-was-set-back"),
        pytest.param({"is_verification_done": True}, False, id="done"),
        pytest.param({"is_verification_done": True, "verify_at": NOW}, False, id="done-at-an-instant"),
        pytest.param({"connection": broken_connection()}, False, id="connection-broken"),
        pytest.param({"connection": connection(domain="")}, False, id="connection-leads-nowhere"),
        pytest.param({"rotation": rotation(spec={"suspend": True})}, True, id="suspended"),
        pytest.param({"is_frozen": True}, True, id="frozen"),
    ],
)
def test_a_value_that_was_not_verified_is_probed(changes: dict[str, Any], *, is_asked: bool) -> None:
    o = observation(**({"is_verification_done": False} | changes))
    assert (decide(o) == VERIFY) is is_asked
    assert (decide(o).action is Action.HOLD) is not is_asked


@pytest.mark.parametrize(
    "changes",
    [{"rotation": rotation(spec={"suspend": True})}, {"is_frozen": True}],
    ids=["suspended", "frozen"],
)
def test_who_may_not_rotate_comes_again_for_the_next_probe(changes: dict[str, Any]) -> None:
    """Catches a dead value that is told as good for as long as a suspension lasts."""
    o = observation(is_verification_done=False, verify_at=NOW + MINUTE, **changes)
    assert (decide(o).action, decide(o).until) == (Action.HOLD, NOW + MINUTE)


def test_a_value_is_probed_only_where_it_was_delivered_for() -> None:
    """What another domain says of it is asked, and told, by a rule of its own."""
    o = moved(is_verification_done=False)
    assert rotation_rules.unverified_value_is_probed(o) is None
    refused = moved(is_verification_done=False, is_move_refused=True)
    assert decide(refused).reason is Reason.DOMAIN_CHANGED


def test_a_value_of_a_client_that_the_connection_was_not_asked_about_is_not_probed() -> None:
    other = rotation(spec={"suspend": True, "parameters": {"clientId": "other"}})
    o = observation(rotation=other, is_verification_done=False)
    assert decide(o).reason is Reason.SUSPENDED


@pytest.mark.parametrize(
    ("enabled", "is_unproven", "is_asked"),
    [
        pytest.param(True, False, True, id="wanted"),
        pytest.param(False, False, False, id="not-wanted"),
        pytest.param(False, True, True, id="not-wanted-and-from-elsewhere"),
    ],
)
def test_what_came_from_elsewhere_is_probed_even_where_nobody_wants_any(
    *, enabled: bool, is_unproven: bool, is_asked: bool
) -> None:
    o = observation(
        rotation=rotation(spec={"verification": {"enabled": enabled}}),
        journal=journal(is_unproven=is_unproven),
        is_verification_done=False,
    )
    assert (decide(o) == VERIFY) is is_asked


# Otherwise -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "until"),
    [
        pytest.param({}, DUE_AT, id="due-date"),
        pytest.param(
            {"is_verification_done": False, "verify_at": NOW + MINUTE}, NOW + MINUTE, id="probe-first"
        ),
        pytest.param(
            {
                "now": DUE_AT - MINUTE,
                "is_verification_done": False,
                "verify_at": DUE_AT + MINUTE,
            },
            DUE_AT,
            id="due-date-first",
        ),
        pytest.param(
            {
                "connection": broken_connection(),
                "is_verification_done": False,
                "verify_at": NOW + MINUTE,
            },
            NOW + MINUTE,
            id="probe-first-if-the-tenant-is-known-by-then",
        ),
        pytest.param(
            {"connection": broken_connection(), "is_verification_done": False, "verify_at": NOW},
            DUE_AT,
            id="a-probe-that-waits-for-its-connection",
        ),
        pytest.param({"is_verification_done": True, "verify_at": NOW + MINUTE}, DUE_AT, id="probed"),
    ],
)
def test_a_rotation_at_rest_waits_for_what_comes_first(changes: dict[str, Any], until: datetime) -> None:
    assert decide(observation(**changes)) == Decision(
        Action.HOLD, Reason.WAITING_FOR_DUE_DATE, "due at 2026-12-01T00:00:00Z", until=until
    )


@pytest.mark.parametrize(
    ("now", "told", "until"),
    [
        pytest.param(DUE_AT - 3 * DAY, "", DUE_AT - 2 * DAY, id="notice-first"),
        pytest.param(DUE_AT - 2 * DAY, "", DUE_AT, id="notice-has-come"),
        pytest.param(DUE_AT - 3 * DAY, "2026-12-01T00:00:00Z", DUE_AT, id="told-already"),
    ],
)
def test_a_rotation_at_rest_waits_for_the_notice_that_it_is_to_give(
    now: datetime, told: str, until: datetime
) -> None:
    subject = rotation(spec={"noticeBefore": "48h"}, status={"lastNoticeFor": told})
    decision = decide(observation(now=now, rotation=subject))
    assert (decision.reason, decision.until) == (Reason.WAITING_FOR_DUE_DATE, until)


def test_without_automation_the_next_probe_is_still_waited_for() -> None:
    off = rotation(spec={"isAutoRotationEnabled": False})
    o = observation(rotation=off, is_verification_done=False, verify_at=NOW + MINUTE)
    assert decide(o) == Decision(
        Action.HOLD, Reason.AUTOMATION_OFF, "rotates only when asked to", until=NOW + MINUTE
    )


@pytest.mark.parametrize("automatic", [True, False], ids=["automatic", "manual"])
def test_a_rotation_that_status_holds_back_says_so(*, automatic: bool) -> None:
    spec = {"isAutoRotationEnabled": automatic}
    told = rotation(spec=spec, status={"lastRotatedAt": "2026-11-22T00:00:00Z"})
    words = "due at 2026-12-22T00:00:00Z" if automatic else "rotates only when asked to"
    assert decide(observation(rotation=told)).message == (
        f"{words}; status tells of a rotation at 2026-11-22T00:00:00Z, later than the journal's: that "
        "may be an old copy from a backup, and no date counts twice"
    )
    followed = rotation(
        spec=spec,
        annotations={"auth0rotator.dev/rotate-now": "monday"},
        status={"lastHandledRotateNow": "monday"},
    )
    words = "due at 2026-12-01T00:00:00Z" if automatic else "rotates only when asked to"
    assert decide(observation(rotation=followed)).message == (
        f"{words}; status tells that the token was followed before, and the journal may be an old copy"
    )


def test_a_value_that_status_tells_as_replaced_is_probed_even_where_nobody_wants_any() -> None:
    spec = {"verification": {"enabled": False}}
    told = rotation(spec=spec, status={"lastRotatedAt": "2026-11-22T00:00:00Z"})
    assert decide(observation(rotation=told, is_verification_done=False)).action is Action.VERIFY


def test_a_journal_that_was_never_written_can_be_decided_on_as_well() -> None:
    assert decide(observation(journal=journal(meta=None), rotation=asked())) == MANUAL
    assert decide(observation(journal=journal(meta=meta()), rotation=asked())) == MANUAL
