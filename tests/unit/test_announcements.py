"""The next value, published ahead of its change: as journal, rules and target have it."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import pytest

from auth0_rotator.condition_report import conditions_of
from auth0_rotator.conditions import ConditionStatus, ConditionType, Reason
from auth0_rotator.decision import Action, decide
from auth0_rotator.decision.rotation import due_date_rotates
from auth0_rotator.decision.wants import announce_at, due_at, is_announced
from auth0_rotator.journal import (
    Journal,
    adopted,
    announced,
    begun,
    committed,
    moved,
    refused,
    with_another_value,
)
from auth0_rotator.observation import Gate, Observation, given
from auth0_rotator.outcome import Outcome
from auth0_rotator.record import Trigger
from auth0_rotator.target import Difference, compare, project
from examples import (
    BY_HAND,
    CURRENT,
    DAY,
    DUE_AT,
    MINUTE,
    NAMESPACE,
    NEXT,
    NOW,
    PREVIOUS,
    SECOND,
    attempt,
    broken_connection,
    connection,
    credential,
    failed_status,
    intended,
    journal,
    meta,
    missing_connection,
    observation,
    plan,
    record,
    rotation,
    sending,
    target,
)

MAPPING: Final = {"clientId": "ID", "clientSecret": "SECRET", "nextClientSecret": "NEXT"}
STAGED: Final = plan(secretsMapping=MAPPING)
LEAD: Final = timedelta(hours=24)
ANNOUNCED: Final = journal(next=intended(), is_announced=True, plan=STAGED)
TYPED_OVER: Final = target(of=journal(plan=STAGED), by=STAGED)
OTHER_CLIENT: Final = {"parameters": {"clientId": "new-client"}}


def staged(**changes: Any) -> Observation:
    """Return a pass over a rotation that announces its values; `spec` and `status` say what differs."""
    spec = {"secretsMapping": MAPPING} | changes.pop("spec", {})
    subject = rotation(spec=spec, status=changes.pop("status", None), **changes.pop("metadata", {}))
    return observation(**({"rotation": subject, "journal": journal(plan=STAGED)} | changes))


# The journal -----------------------------------------------------------------------------------


def test_an_announced_value_is_kept_as_the_next_one() -> None:
    after = announced(journal(), intended())
    assert after == journal(next=intended(), is_announced=True)
    assert after.announced_secret == NEXT
    assert not after.is_sending


@pytest.mark.parametrize(
    "kept",
    [
        pytest.param(journal(next=intended()), id="parked-and-kept-to-ourselves"),
        pytest.param(journal(is_announced=True), id="no-next"),
        pytest.param(Journal(next=intended(), is_announced=True), id="no-current"),
        pytest.param(journal(next=intended(client_id="other"), is_announced=True), id="other-client"),
        pytest.param(
            journal(next=intended(domain="other.auth0.com"), is_announced=True), id="elsewhere"
        ),
    ],
)
def test_what_is_not_the_next_value_of_this_client_is_not_announced(kept: Journal) -> None:
    """Beside the id of another client it would be of no use, and a parked one nobody was promised."""
    assert kept.announced_secret is None


@pytest.mark.parametrize(
    ("before", "is_announced"),
    [
        pytest.param(ANNOUNCED, True, id="the-announced-value"),
        pytest.param(journal(next=intended(BY_HAND), is_announced=True), False, id="another-value"),
        pytest.param(journal(is_announced=True), False, id="no-value"),
        pytest.param(None, False, id="no-journal"),
    ],
)
def test_a_value_stays_announced_while_it_is_sent(before: Journal | None, *, is_announced: bool) -> None:
    after = begun(before, intended=intended(), plan=STAGED, settle_seen="", now=NOW, by="me")
    assert (after.next, after.is_announced) == (intended(), is_announced)


def test_a_refusal_leaves_it_announced_and_parked() -> None:
    assert refused(sending(is_announced=True)) == replace(journal(next=intended()), is_announced=True)


def test_another_value_was_announced_to_nobody() -> None:
    after = with_another_value(sending(is_announced=True), intended(BY_HAND))
    assert (after.next, after.is_announced) == (intended(BY_HAND), False)


def test_a_commit_leaves_nothing_announced() -> None:
    after = committed(sending(is_announced=True), record=record(sequence=8), late_until=None)
    assert (after.next, after.is_announced, after.announced_secret) == (None, False, None)


@pytest.mark.parametrize(
    ("sequence", "is_announced"),
    [pytest.param(7, True, id="older"), pytest.param(8, False, id="as-new")],
)
def test_adoption_keeps_announced_what_it_keeps(sequence: int, *, is_announced: bool) -> None:
    after = adopted(ANNOUNCED, credential=credential(BY_HAND, sequence=sequence), plan=STAGED)
    assert after.is_announced is is_announced
    assert (after.next is not None) is is_announced


def test_an_announced_value_moves_with_the_current_one() -> None:
    after = moved(ANNOUNCED, "new.eu.auth0.com")
    assert after.announced_secret == NEXT
    assert after.next == intended(domain="new.eu.auth0.com")
    kept = replace(ANNOUNCED, next=intended(domain="other.auth0.com"))
    assert moved(kept, "new.eu.auth0.com").next == intended(domain="other.auth0.com")


# The target ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kept", [ANNOUNCED, sending(is_announced=True)], ids=["idle", "sending"])
def test_an_announced_value_stands_under_its_own_key_only(kept: Journal) -> None:
    data = project(kept, STAGED, NAMESPACE).data
    assert (data["SECRET"], data["NEXT"]) == (CURRENT, NEXT)
    previous = {"previousClientSecret": "PREVIOUS"}
    data = project(kept, plan(secretsMapping=MAPPING | previous), NAMESPACE).data
    assert (data["SECRET"], data["NEXT"], data["PREVIOUS"]) == (CURRENT, NEXT, PREVIOUS)


def test_without_its_key_an_announced_value_stands_nowhere() -> None:
    template = {"template": {"data": {"EXTRA": "$(nextClientSecret)"}}}
    data = project(ANNOUNCED, plan(target=template), NAMESPACE).data
    assert data["EXTRA"] == CURRENT
    assert NEXT not in data.values()
    staged_data = project(ANNOUNCED, plan(target=template, secretsMapping=MAPPING), NAMESPACE).data
    assert staged_data["EXTRA"] == NEXT


def test_a_target_without_the_announced_value_is_written() -> None:
    stands = target(of=journal(plan=STAGED), by=STAGED)
    assert compare(project(ANNOUNCED, STAGED, NAMESPACE), stands) is Difference.SHAPE
    decision = decide(staged(journal=ANNOUNCED, target=stands))
    assert (decision.action, decision.reason) == (Action.PUBLISH, Reason.ANNOUNCED)
    assert decision.message == "the next value is announced in the Secret web"


@pytest.mark.parametrize(
    ("kept", "stands", "reason"),
    [
        pytest.param(
            ANNOUNCED,
            target(of=replace(ANNOUNCED, next=intended(BY_HAND)), by=STAGED),
            Reason.DRIFT_REPAIRED,
            id="another-value-under-the-key",
        ),
        pytest.param(
            journal(plan=STAGED),
            target(of=ANNOUNCED, by=STAGED),
            Reason.DRIFT_REPAIRED,
            id="nothing-is-announced",
        ),
        pytest.param(ANNOUNCED, None, Reason.PUBLISHED, id="no-target"),
        pytest.param(
            ANNOUNCED,
            replace(TYPED_OVER, data=dict(TYPED_OVER.data) | {"SECRET": BY_HAND}),
            Reason.DRIFT_REPAIRED,
            id="typed-over-before-it-was-announced",
        ),
    ],
)
def test_other_differences_are_told_as_what_they_are(kept: Journal, stands: Any, reason: Reason) -> None:
    decision = decide(staged(journal=kept, target=stands))
    assert (decision.action, decision.reason) == (Action.PUBLISH, reason)


def test_a_parked_value_is_announced_to_nobody_by_a_mapping_without_the_key() -> None:
    o = observation(journal=replace(ANNOUNCED, plan=plan()))
    assert not is_announced(o)
    assert is_announced(staged(journal=ANNOUNCED))
    assert not is_announced(staged(journal=None))
    assert not is_announced(observation(rotation=None, journal=None))


# The rule --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "at"),
    [
        pytest.param({}, DUE_AT - LEAD, id="a-day-ahead"),
        pytest.param({"nextSecretLeadTime": "90m"}, DUE_AT - timedelta(minutes=90), id="as-said"),
        pytest.param({"isAutoRotationEnabled": False}, None, id="no-date"),
        pytest.param(
            {"secretsMapping": {"clientId": "ID", "clientSecret": "SECRET"}}, None, id="no-key"
        ),
    ],
)
def test_a_value_is_announced_ahead_of_its_date(spec: dict[str, Any], at: datetime | None) -> None:
    assert announce_at(staged(spec=spec)) == at


def test_the_date_is_that_of_the_object_with_its_spread() -> None:
    o = staged(spec={"spread": "10m"})
    assert announce_at(o) == given(due_at(o)) - LEAD
    assert due_at(o) != DUE_AT


@pytest.mark.parametrize(
    "o",
    [
        pytest.param(staged(journal=ANNOUNCED), id="announced"),
        pytest.param(staged(rotation=None), id="no-object"),
        pytest.param(staged(journal=None), id="no-journal"),
        pytest.param(staged(journal=Journal(next=intended(), plan=STAGED)), id="no-value"),
    ],
)
def test_nothing_is_announced_twice_or_too_early(o: Observation) -> None:
    assert announce_at(o) is None


@pytest.mark.parametrize(
    ("now", "action"),
    [
        pytest.param(DUE_AT - LEAD - SECOND, Action.HOLD, id="before"),
        pytest.param(DUE_AT - LEAD, Action.ANNOUNCE, id="at-the-instant"),
        pytest.param(DUE_AT - SECOND, Action.ANNOUNCE, id="late-is-better-than-never"),
        pytest.param(DUE_AT, Action.ROTATE, id="too-late"),
    ],
)
def test_the_next_value_is_announced_when_its_instant_comes(now: datetime, action: Action) -> None:
    decision = decide(staged(now=now))
    assert decision.action is action
    if action is Action.HOLD:
        assert decision.until == DUE_AT - LEAD
    if action is Action.ANNOUNCE:
        assert decision.reason is Reason.ANNOUNCED
        assert decision.message == "the next value is published ahead of its change"


def test_an_announced_value_waits_for_its_date() -> None:
    o = staged(journal=ANNOUNCED, now=DUE_AT - MINUTE)
    decision = decide(o)
    assert (decision.action, decision.until) == (Action.HOLD, DUE_AT)
    assert decision.message == "due at 2026-12-01T00:00:00Z, and the next value is announced"
    decision = decide(replace(o, now=DUE_AT))
    assert (decision.action, decision.trigger) == (Action.ROTATE, Trigger.SCHEDULE)


def test_without_an_announcement_nothing_is_said_of_one() -> None:
    assert decide(staged()).message == "due at 2026-12-01T00:00:00Z"


def test_a_notice_and_an_announcement_are_both_waited_for() -> None:
    o = staged(spec={"noticeBefore": "48h"})
    assert decide(o).until == DUE_AT - 2 * DAY
    assert decide(replace(o, now=DUE_AT - 2 * DAY)).until == DUE_AT - LEAD


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"spec": {"suspend": True}}, id="suspended"),
        pytest.param({"is_frozen": True}, id="frozen"),
        pytest.param({"connection": missing_connection()}, id="no-domain"),
        pytest.param({"connection": connection(domain="new.eu.auth0.com")}, id="another-tenant"),
        pytest.param({"spec": OTHER_CLIENT}, id="another-client"),
        pytest.param({"journal": sending(plan=STAGED)}, id="sending"),
        pytest.param(
            {"journal": journal(plan=STAGED, meta=meta(is_immutable=True))}, id="immutable-journal"
        ),
        pytest.param(
            {"target": target(of=journal(plan=STAGED), by=STAGED, is_immutable=True)},
            id="immutable-target",
        ),
    ],
)
def test_what_keeps_a_value_from_being_announced(changes: dict[str, Any]) -> None:
    assert decide(staged(now=DUE_AT - MINUTE, **changes)).action is not Action.ANNOUNCE


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"spec": {"canary": False}, "canary": rotation().key}, id="canary"),
        pytest.param({"connection": connection(is_circuit_open=True)}, id="circuit"),
        pytest.param(
            {"spec": {"restartGate": True}, "gate": Gate(DUE_AT + MINUTE + SECOND, "web rolls")},
            id="gate",
        ),
        pytest.param({"status": failed_status(nextRetryAt="2026-12-01T00:04:00Z")}, id="backing-off"),
    ],
)
def test_who_is_held_up_past_the_date_announces_meanwhile(changes: dict[str, Any]) -> None:
    """What is published early lets applications live through the change, whenever it comes."""
    o = staged(now=DUE_AT + MINUTE, **changes)
    held = due_date_rotates(o)
    assert held is not None
    assert held.action is Action.HOLD
    assert decide(o).action is Action.ANNOUNCE


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"connection": broken_connection()}, id="a-failure-is-told"),
        pytest.param({"attempt": attempt(again_at=DUE_AT + 2 * MINUTE)}, id="an-attempt-goes-on"),
        pytest.param({}, id="nobody-would-read-it"),
        pytest.param({"spec": {"restartGate": True}}, id="its-consumers-are-looked-at"),
    ],
)
def test_what_is_to_be_rotated_now_is_not_announced_first(changes: dict[str, Any]) -> None:
    o = staged(now=DUE_AT + MINUTE, **changes)
    assert decide(o) == due_date_rotates(o)


def test_a_value_is_verified_before_the_next_is_announced() -> None:
    """One that can never be announced would keep those waiting for whom it is the canary."""
    o = staged(now=DUE_AT - MINUTE, is_verification_done=False)
    assert decide(o).action is Action.VERIFY


@pytest.mark.parametrize("ahead", [LEAD, LEAD / 2], ids=["just-then", "later"])
def test_an_announcement_waits_for_the_end_of_a_contest(ahead: timedelta) -> None:
    now = DUE_AT - ahead
    o = staged(now=now, repairs=tuple(now - number * SECOND for number in range(5)))
    decision = decide(o)
    assert (decision.action, decision.until) == (Action.HOLD, now - 4 * SECOND + 10 * MINUTE)
    assert decide(replace(o, repairs=())).action is Action.ANNOUNCE


@pytest.mark.parametrize(
    ("kept", "stands", "is_ready"),
    [
        pytest.param(ANNOUNCED, TYPED_OVER, True, id="not-shown-yet"),
        pytest.param(ANNOUNCED, target(of=ANNOUNCED, by=STAGED), True, id="shown"),
        pytest.param(ANNOUNCED, target(), False, id="without-its-key"),
    ],
)
def test_a_target_is_ready_whether_it_shows_what_comes_or_not(
    kept: Journal, stands: Any, *, is_ready: bool
) -> None:
    o = staged(journal=kept, target=stands)
    conditions = conditions_of(o, given(o.rotation), decide(o), Outcome())
    ready = next(one for one in conditions if one.type is ConditionType.READY)
    assert (ready.status is ConditionStatus.TRUE) is is_ready
