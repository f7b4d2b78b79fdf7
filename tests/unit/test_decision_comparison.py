"""A target that counts further than the journal: which of both is old, only the tenant knows."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from auth0_rotator.conditions import Reason
from auth0_rotator.decision import Action, Decision, decide
from auth0_rotator.decision.wants import pair_of
from auth0_rotator.journal import Journal
from auth0_rotator.target import Target
from examples import (
    BY_HAND,
    CLIENT_ID,
    CURRENT,
    DAY,
    DOMAIN,
    MINUTE,
    NOW,
    SECOND,
    broken_connection,
    connection,
    credential,
    intended,
    invalid_rotation,
    journal,
    missing_connection,
    observation,
    plan,
    rotation,
    sending,
    target,
)

TICK = timedelta(microseconds=1)
OTHER_CLIENT = rotation(spec={"parameters": {"clientId": "new-client"}})
NEWER_WORDS = "the target holds rotation 9, newer than the journal's 7"
SENDING_WORDS = "the target holds rotation 9 of this object, the journal still sends 8"


def held(**changes: Any) -> Target:
    """Return the target as it stands after a rotation with another record."""
    return target(of=journal(current=credential(BY_HAND, **changes)))


GOING: dict[str, Any] = {"rotation": rotation(deletionTimestamp="2026-11-23T09:20:01Z")}
NEWER = held(sequence=9, rotation_id="01OTHER")


def answer(**changes: Any) -> Action:
    """Return what is decided while the outcome of a change is open."""
    return decide(observation(**({"journal": sending(), "target": NEWER} | changes))).action


# At rest ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="ready"),
        pytest.param({"connection": broken_connection()}, id="a-probe-needs-no-token"),
        pytest.param({"rotation": rotation(spec={"suspend": True})}, id="suspended"),
        pytest.param({"rotation": OTHER_CLIENT, "connection": missing_connection()}, id="not-wanted"),
        pytest.param({"compare_at": NOW}, id="asked-before"),
        pytest.param({"compare_at": NOW + 5 * MINUTE + TICK}, id="the-clock-was-set-back"),
    ],
)
def test_of_a_newer_target_the_tenant_is_asked(changes: dict[str, Any]) -> None:
    o = observation(**({"target": NEWER} | changes))
    assert decide(o) == Decision(Action.COMPARE, Reason.VERIFYING, NEWER_WORDS)


def test_the_journals_own_value_with_a_newer_record_is_adopted_without_asking_anyone() -> None:
    same = target(of=journal(current=credential(CURRENT, sequence=9, rotation_id="01OTHER")))
    o = observation(target=same, connection=missing_connection())
    assert decide(o) == Decision(Action.ADOPT, Reason.ADOPTED, NEWER_WORDS)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"client_id": "new-client"}, id="client"),
        pytest.param({"domain": "x.y"}, id="domain"),
    ],
)
def test_the_journals_own_value_under_another_name_is_not_adopted(changes: dict[str, str]) -> None:
    """Adopted, it would make the spec's client look changed, and have it rotated."""
    kept = journal(current=credential(CURRENT, sequence=9, rotation_id="01OTHER", **changes))
    assert decide(observation(target=target(of=kept))).action is not Action.ADOPT


def test_a_target_that_the_tenant_refused_is_written_from_the_journal() -> None:
    assert decide(observation(target=NEWER, is_target_refused=True)).action is Action.PUBLISH


def test_a_newer_target_whose_tenant_is_not_known_is_held() -> None:
    o = observation(target=NEWER, connection=missing_connection())
    assert decide(o) == Decision(
        Action.HOLD,
        Reason.CONNECTION_NOT_READY,
        f"{NEWER_WORDS}; which one works cannot be asked: there is no such connection",
        until=NOW + 5 * MINUTE,
    )


def test_a_newer_target_of_a_tenant_where_nothing_leads_is_held_for_a_person() -> None:
    o = observation(target=NEWER, connection=connection(domain="new.eu.auth0.com"))
    assert decide(o) == Decision(
        Action.HOLD,
        Reason.DOMAIN_CHANGED,
        f"{NEWER_WORDS}, and belongs to {DOMAIN}, where the connection does not lead; let it lead "
        "there, or delete the Secret if the journal's value is right, or the journal web.journal if the "
        "Secret's is",
        is_stalled=True,
    )


@pytest.mark.parametrize("compare_at", [NOW + TICK, NOW + 5 * MINUTE], ids=["soon", "later"])
def test_between_two_questions_nothing_is_done(compare_at: datetime) -> None:
    o = observation(target=NEWER, compare_at=compare_at)
    assert decide(o) == Decision(
        Action.HOLD,
        Reason.VERIFYING,
        f"{NEWER_WORDS}; the tenant is being asked which of the two values works",
        until=compare_at,
    )


def test_a_tenant_that_does_not_say_is_told_with_both_remedies() -> None:
    o = observation(target=NEWER, compare_at=NOW + MINUTE, is_comparison_unclear=True)
    assert decide(o) == Decision(
        Action.HOLD,
        Reason.ADOPTION_UNCLEAR,
        f"{NEWER_WORDS}, and {DOMAIN} does not say which of the two values works; delete the Secret web "
        "if the journal's is right, or the journal web.journal if the Secret's is",
        until=NOW + MINUTE,
        is_stalled=True,
    )


def test_a_due_date_waits_until_it_is_known_which_value_works() -> None:
    o = observation(now=NOW + 30 * DAY, target=NEWER, compare_at=NOW + 30 * DAY + MINUTE)
    assert decide(o).reason is Reason.VERIFYING


# Sending ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stands", "action"),
    [
        pytest.param(held(sequence=7, rotation_id="01OTHER"), Action.CONTINUE, id="older"),
        pytest.param(held(sequence=8, rotation_id="01OTHER"), Action.COMPARE, id="as-old"),
        pytest.param(NEWER, Action.COMPARE, id="newer"),
        pytest.param(held(sequence=8, rotation_id="01NEXT"), Action.CONTINUE, id="delivered-already"),
        pytest.param(held(sequence=9, rotation_id="01NEXT"), Action.CONTINUE, id="of-the-same-rotation"),
        pytest.param(None, Action.CONTINUE, id="missing"),
        pytest.param(target(record=None), Action.CONTINUE, id="without-record"),
    ],
)
def test_of_a_target_that_is_newer_than_what_is_sent_the_tenant_is_asked(
    stands: Target | None, action: Action
) -> None:
    assert answer(target=stands) is action


def test_a_newer_target_says_which_rotation_it_holds() -> None:
    o = observation(journal=sending(), target=NEWER)
    assert decide(o) == Decision(Action.COMPARE, Reason.VERIFYING, SENDING_WORDS)


def test_the_value_from_before_the_change_ends_no_sending_whatever_it_says() -> None:
    """It works until a lost request lands; adopted, it would cost the value that then is live."""
    renumbered = target(of=journal(current=credential(CURRENT, sequence=9, rotation_id="01OTHER")))
    assert answer(target=renumbered) is Action.CONTINUE


def test_a_first_value_yields_to_a_target_as_well() -> None:
    first = sending(current=None, previous=None, next=intended(sequence=1))
    assert answer(journal=first) is Action.COMPARE


def test_a_target_that_the_tenant_refused_does_not_end_the_sending() -> None:
    assert answer(is_target_refused=True) is Action.CONTINUE


def test_a_target_of_another_rotation_tells_nothing() -> None:
    by = plan(rotation="api", target={"name": "web"})
    newer = journal(current=credential(BY_HAND, sequence=12, rotation_id="01OTHER"))
    assert answer(target=target(of=newer, by=by)) is Action.CONTINUE


def test_a_journal_that_sends_nothing_is_not_outdated_by_its_parked_value() -> None:
    parked = journal(next=intended())
    older = observation(journal=parked, target=held(sequence=7, rotation_id="01OTHER"))
    assert decide(older).action is Action.PUBLISH
    assert decide(observation(journal=parked, target=NEWER)).message == NEWER_WORDS


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
    o = observation(rotation=OTHER_CLIENT, journal=first, target=old)
    assert decide(o) == Decision(Action.CONTINUE, Reason.SENDING, "the outcome of a change is open")


@pytest.mark.parametrize(
    ("sent", "stands", "wanted", "action"),
    [
        pytest.param("new-client", CLIENT_ID, CLIENT_ID, Action.CONTINUE, id="wanted-back"),
        pytest.param("new-client", CLIENT_ID, "new-client", Action.CONTINUE, id="of-the-old-client"),
        pytest.param("new-client", "new-client", CLIENT_ID, Action.COMPARE, id="of-what-is-sent"),
        pytest.param(CLIENT_ID, CLIENT_ID, "new-client", Action.COMPARE, id="of-a-client-left-since"),
    ],
)
def test_only_a_value_of_the_client_that_is_sent_outdates_it(
    sent: str, stands: str, wanted: str, action: Action
) -> None:
    """Whatever the spec names by now: it may be edited while an outcome is open."""
    o = observation(
        rotation=rotation(spec={"parameters": {"clientId": wanted}}),
        journal=sending(next=intended(client_id=sent)),
        target=held(sequence=9, rotation_id="01OTHER", client_id=stands),
    )
    assert decide(o).action is action


def test_a_value_of_another_tenant_does_not_outdate_what_is_sent() -> None:
    assert answer(target=held(sequence=9, rotation_id="01OTHER", domain="x.y")) is Action.CONTINUE


def test_a_newer_target_without_its_value_cannot_be_adopted() -> None:
    """Adoption would find no value, do nothing, and be decided again without end."""
    assert answer(target=target(record=NEWER.record, data={})) is Action.CONTINUE


def test_what_is_sent_is_compared_though_its_spec_is_invalid() -> None:
    assert answer(rotation=invalid_rotation()) is Action.COMPARE


@pytest.mark.parametrize(
    ("changes", "until"),
    [
        pytest.param({"compare_at": NOW + 2 * MINUTE}, NOW + 2 * MINUTE, id="asked"),
        pytest.param({"compare_at": NOW + 2 * MINUTE, **GOING}, NOW + SECOND, id="asked-and-going"),
        pytest.param({"connection": missing_connection(), **GOING}, NOW + SECOND, id="going"),
        pytest.param({"connection": connection(domain="x.y")}, NOW + MINUTE, id="leads-elsewhere"),
    ],
)
def test_no_doubt_about_what_is_sent_outlasts_a_deletion(
    changes: dict[str, Any], until: datetime
) -> None:
    """Catches a deletion that waits for an answer that does not come."""
    o = observation(**({"journal": sending(), "target": NEWER} | changes))
    decision = decide(o)
    assert (decision.action, decision.until) == (Action.HOLD, until)


def test_a_doubt_about_what_is_sent_is_told_with_both_remedies() -> None:
    o = observation(journal=sending(), target=NEWER, compare_at=NOW + MINUTE, is_comparison_unclear=True)
    assert decide(o).message == (
        f"{SENDING_WORDS}, and {DOMAIN} does not say which of the two values works; delete the Secret "
        "web if the journal's is right, or, if the Secret's is, annotate the rotation with "
        "auth0rotator.dev/settle-doubt: current, and delete the journal web.journal"
    )


# What is compared ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kept", "stands", "pair"),
    [
        pytest.param(journal(), NEWER, "01CURRENT 01OTHER", id="at-rest"),
        pytest.param(journal(next=intended()), NEWER, "01CURRENT 01OTHER", id="parked"),
        pytest.param(sending(), NEWER, "01NEXT 01OTHER", id="sending"),
        pytest.param(journal(current=None), NEWER, "", id="no-value"),
        pytest.param(None, NEWER, "", id="no-journal"),
        pytest.param(journal(), None, "", id="no-target"),
        pytest.param(journal(), target(record=None), "", id="no-record"),
    ],
)
def test_two_values_are_known_by_their_rotations(
    kept: Journal | None, stands: Target | None, pair: str
) -> None:
    assert pair_of(kept, stands) == pair
