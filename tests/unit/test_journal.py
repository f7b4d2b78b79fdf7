"""What happens to a journal: from one to the next."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from auth0_rotator.credential import ClientSecret
from auth0_rotator.journal import (
    Journal,
    State,
    adopted,
    attempted_again,
    begun,
    committed,
    expecting_late_request,
    journal_name,
    moved,
    parked_behind,
    proven,
    refused,
    replanned,
    rotation_of_journal,
    unproven,
    with_another_value,
    with_restarts_left,
)
from auth0_rotator.record import Credential, Trigger
from examples import (
    BY_HAND,
    CLIENT_ID,
    CURRENT,
    DOMAIN,
    HANDLED,
    MINUTE,
    NEXT,
    NOW,
    PREVIOUS,
    credential,
    intended,
    journal,
    meta,
    plan,
    record,
    sending,
)

LATER = NOW + 5 * MINUTE


# Names -----------------------------------------------------------------------------------------


def test_a_journal_is_called_after_its_rotation() -> None:
    assert journal_name("web") == "web.journal"


@pytest.mark.parametrize(
    ("name", "rotation"),
    [
        ("web.journal", "web"),
        ("web.journal.journal", "web.journal"),
        ("web", None),
        ("journal", None),
        ("web.journals", None),
        ("web.journal.old", None),
        ("web-journal", None),
    ],
)
def test_only_a_journals_name_leads_to_a_rotation(name: str, rotation: str | None) -> None:
    assert rotation_of_journal(name) == rotation


@pytest.mark.parametrize(
    ("target", "name"),
    [
        pytest.param({}, "web", id="default"),
        pytest.param({"name": "web-credentials"}, "web-credentials", id="named"),
    ],
)
def test_a_plan_delivers_into_the_named_secret_or_one_called_like_the_rotation(
    target: dict[str, str], name: str
) -> None:
    assert plan(target=target).target_name == name


# What it says ----------------------------------------------------------------------------------


def test_a_plan_keeps_the_target_unless_told_otherwise() -> None:
    assert plan().delete_secrets is False
    assert plan(deleteSecrets=True).delete_secrets is True


def test_an_empty_journal_says_nothing() -> None:
    empty = Journal()
    assert not empty.is_sending
    assert (empty.sequence, empty.handled) == (0, ())


def test_a_journal_tells_of_its_current_value() -> None:
    kept = journal(current=credential(sequence=9, handled=(HANDLED, "spec:1")), next=intended())
    assert not kept.is_sending
    assert (kept.sequence, kept.handled) == (9, (HANDLED, "spec:1"))


def test_what_is_sent_is_not_current_yet() -> None:
    kept = sending(next=intended(sequence=8, handled=("spec:1",)))
    assert kept.is_sending
    assert (kept.sequence, kept.handled) == (7, (HANDLED,))


def test_a_first_value_under_way_has_no_sequence_yet() -> None:
    assert sending(current=None).sequence == 0
    assert sending(current=None).handled == ()


# From one to the next --------------------------------------------------------------------------


def test_the_first_rotation_begins_a_journal() -> None:
    chosen = intended(sequence=1)
    begin = begun(None, intended=chosen, plan=plan(), settle_seen="", now=NOW, by="operator-2")
    assert begin == Journal(
        state=State.SENDING,
        next=chosen,
        plan=plan(),
        attempts=1,
        attempted_at=NOW,
        attempted_by="operator-2",
    )


def test_a_later_rotation_keeps_what_is_live() -> None:
    other = plan(target={"name": "elsewhere"})
    before = journal(late_until=NOW, attempts=0)
    begin = begun(
        before, intended=intended(), plan=other, settle_seen="next", now=LATER, by="operator-2"
    )
    assert begin == journal(
        state=State.SENDING,
        next=intended(),
        plan=other,
        attempts=1,
        attempted_at=LATER,
        attempted_by="operator-2",
        late_until=NOW,
        settle_seen="next",
    )


def test_a_new_choice_replaces_a_parked_one() -> None:
    parked = journal(next=intended(BY_HAND))
    begin = begun(parked, intended=intended(), plan=plan(), settle_seen="", now=NOW, by="operator-2")
    assert begin.next == intended()


def test_another_attempt_is_counted_and_sends_the_same_value() -> None:
    before = sending(attempts=3)
    assert attempted_again(before, now=LATER, by="operator-2") == sending(
        attempts=4, attempted_at=LATER, attempted_by="operator-2"
    )


ACCEPTED = record(sequence=8, rotation_id="01NEXT", rotated_at=NOW)


@pytest.mark.parametrize("late_until", [None, LATER], ids=["certain", "late-request-possible"])
def test_a_commit_makes_next_current_and_current_previous(late_until: object) -> None:
    before = sending(attempts=3, settle_seen="next")
    after = committed(before, record=ACCEPTED, late_until=LATER if late_until else None)
    assert after == Journal(
        state=State.IDLE,
        current=credential(NEXT, sequence=8, rotation_id="01NEXT", rotated_at=NOW),
        previous=CURRENT,
        next=None,
        plan=plan(),
        attempts=0,
        attempted_at=None,
        attempted_by="",
        late_until=LATER if late_until else None,
        settle_seen="",
        meta=meta(),
    )


def test_a_commit_ends_what_was_not_proven_before() -> None:
    """The tenant has just said itself that it has the value."""
    before = sending(is_unproven=True)
    assert not committed(before, record=ACCEPTED, late_until=None).is_unproven


def test_a_commit_forgets_until_when_the_last_rotation_was_in_doubt() -> None:
    assert committed(sending(late_until=LATER), record=ACCEPTED, late_until=None).late_until is None


@pytest.mark.parametrize(
    ("changes", "previous"),
    [
        pytest.param({}, CURRENT, id="same-client"),
        pytest.param({"client_id": "other"}, None, id="other-client"),
        pytest.param({"domain": "other.auth0.com"}, None, id="other-domain"),
    ],
)
def test_a_replaced_value_of_another_client_is_not_the_previous_one(
    changes: dict[str, Any], previous: object
) -> None:
    before = sending(current=credential(**changes))
    assert committed(before, record=ACCEPTED, late_until=None).previous == previous


def test_the_first_commit_has_no_previous_value() -> None:
    before = sending(current=None, previous=PREVIOUS)
    after = committed(before, record=ACCEPTED, late_until=None)
    assert (after.previous, after.sequence) == (None, 8)


def test_without_next_there_is_nothing_to_commit() -> None:
    with pytest.raises(ValueError, match=r"^there is nothing to commit$"):
        committed(journal(), record=ACCEPTED, late_until=None)


def test_a_refusal_parks_the_value_that_was_sent() -> None:
    before = sending(attempts=3, settle_seen="next", late_until=LATER)
    assert refused(before) == journal(next=intended(), late_until=LATER)


def test_a_refused_value_is_replaced_while_the_state_stays() -> None:
    other = intended(BY_HAND, rotation_id="01OTHER")
    assert with_another_value(sending(), other) == sending(next=other)


@pytest.mark.parametrize(
    ("sequence", "is_kept"),
    [
        pytest.param(9, True, id="newer-than-what-is-adopted"),
        pytest.param(8, False, id="as-old-as-what-is-adopted"),
        pytest.param(7, False, id="older-than-what-is-adopted"),
    ],
)
@pytest.mark.parametrize("state", list(State), ids=str)
def test_adoption_takes_the_value_and_keeps_a_newer_parked_one(
    state: State, sequence: int, *, is_kept: bool
) -> None:
    parked = intended(sequence=sequence)
    found = credential(BY_HAND, sequence=8, rotation_id="01FOUND", trigger=Trigger.MANUAL)
    other = plan(target={"name": "elsewhere"})
    before = sending(state=state, next=parked, late_until=LATER, settle_seen="next")
    assert adopted(before, credential=found, plan=other) == Journal(
        current=found,
        previous=CURRENT,
        next=parked if is_kept else None,
        plan=other,
        late_until=LATER,
        meta=meta(),
    )


@pytest.mark.parametrize(
    ("replaced", "previous"),
    [
        pytest.param(credential(), CURRENT, id="same-client"),
        pytest.param(credential(client_id="other"), None, id="other-client"),
        pytest.param(credential(domain="other.auth0.com"), None, id="other-domain"),
        pytest.param(credential(BY_HAND), None, id="the-same-value"),
        pytest.param(None, None, id="none"),
    ],
)
def test_what_adoption_replaces_may_be_the_live_one_after_all(
    replaced: Credential | None, previous: ClientSecret | None
) -> None:
    found = credential(BY_HAND, sequence=8, rotation_id="01FOUND")
    after = adopted(journal(current=replaced), credential=found, plan=plan())
    assert (after.current, after.previous) == (found, previous)


def test_adoption_proves_nothing() -> None:
    found = credential(BY_HAND, sequence=8, rotation_id="01FOUND")
    assert adopted(journal(is_unproven=True), credential=found, plan=plan()).is_unproven
    assert not adopted(journal(), credential=found, plan=plan()).is_unproven


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(None, None, id="none"),
        pytest.param(7, 9, id="behind"),
        pytest.param(8, 9, id="beside"),
        pytest.param(9, 9, id="ahead"),
        pytest.param(12, 12, id="far-ahead"),
    ],
)
def test_a_parked_value_comes_after_one_that_is_adopted_before_it(
    before: int | None, after: int | None
) -> None:
    parked, moved_on = (
        intended(sequence=sequence, rotation_id="01LATE") if sequence is not None else None
        for sequence in (before, after)
    )
    kept = journal(next=parked, is_announced=True)
    found = credential(BY_HAND, sequence=8, rotation_id="01FOUND").record
    assert parked_behind(kept, found, rotation_id="01NEW") == replace(kept, next=moved_on)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("01EARLY", "01NEW", id="before"),
        pytest.param("01FOUND", "01NEW", id="the-same"),
        pytest.param("01LATE", "01LATE", id="behind"),
    ],
)
def test_by_its_id_as_well(before: str, after: str) -> None:
    """Consumers that carry the id of what was adopted are to be restarted for what comes next."""
    found = credential(BY_HAND, sequence=8, rotation_id="01FOUND").record
    kept = journal(next=intended(sequence=9, rotation_id=before))
    moved_on = replace(kept, next=intended(sequence=9, rotation_id=after))
    assert parked_behind(kept, found, rotation_id="01NEW") == moved_on


def test_a_request_about_what_is_current_may_be_late_as_well() -> None:
    assert expecting_late_request(journal(late_until=NOW), LATER) == journal(late_until=LATER)


@pytest.mark.parametrize("before", [False, True], ids=["proven", "unproven"])
def test_a_journal_from_elsewhere_is_unproven_until_the_tenant_was_asked(*, before: bool) -> None:
    kept = journal(is_unproven=before)
    assert unproven(kept) == journal(is_unproven=True)
    assert proven(kept) == journal(is_unproven=False)


@pytest.mark.parametrize(
    ("record", "has_worked"),
    [
        pytest.param({"is_generated": False, "trigger": Trigger.CREATION}, True, id="kept"),
        pytest.param({"is_generated": False, "trigger": Trigger.MANUAL}, False, id="put-in-later"),
        pytest.param({"trigger": Trigger.CREATION}, False, id="chosen-here"),
    ],
)
def test_of_a_value_that_was_kept_it_is_noted_that_it_worked(
    record: dict[str, Any], *, has_worked: bool
) -> None:
    kept = journal(current=credential(**record), is_unproven=True)
    assert proven(kept) == replace(kept, is_unproven=False, has_worked=has_worked)


def test_without_a_value_nothing_has_worked() -> None:
    assert not proven(journal(current=None)).has_worked


def test_another_value_has_not_worked_yet() -> None:
    found = credential(BY_HAND, sequence=8, rotation_id="01FOUND")
    assert not adopted(journal(has_worked=True), credential=found, plan=plan()).has_worked
    assert not committed(sending(has_worked=True), record=ACCEPTED, late_until=None).has_worked


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(begun, id="begun"),
        pytest.param(attempted_again, id="attempted-again"),
        pytest.param(refused, id="refused"),
        pytest.param(replanned, id="replanned"),
        pytest.param(expecting_late_request, id="expecting-a-late-request"),
    ],
)
def test_nothing_but_the_tenant_proves_a_journal(after: Callable[..., Journal]) -> None:
    given: dict[Callable[..., Journal], dict[str, Any]] = {
        begun: {"intended": intended(), "plan": plan(), "settle_seen": "", "now": NOW, "by": "x"},
        attempted_again: {"now": NOW, "by": "x"},
        replanned: {"plan": plan()},
        expecting_late_request: {"until": NOW},
    }
    before = sending(is_unproven=True, has_worked=True)
    assert after(before, **given.get(after, {})).is_unproven
    assert after(before, **given.get(after, {})).has_worked


def test_adoption_without_a_journal_begins_one() -> None:
    found = credential()
    assert adopted(None, credential=found, plan=plan()) == Journal(current=found, plan=plan())


def test_a_new_plan_changes_nothing_else() -> None:
    other = plan(target={"name": "elsewhere"})
    assert replanned(sending(), other) == sending(plan=other)


def test_a_moved_value_is_the_same_under_the_other_domain() -> None:
    after = moved(journal(), "new.eu.auth0.com")
    assert after == journal(current=credential(domain="new.eu.auth0.com"))
    assert after.current is not None
    assert after.current.record.is_for(CLIENT_ID, "new.eu.auth0.com")
    assert not after.current.record.is_for(CLIENT_ID, DOMAIN)


def test_without_a_value_nothing_can_have_moved() -> None:
    with pytest.raises(ValueError, match=r"^there is no value that could have moved$"):
        moved(journal(current=None), "new.eu.auth0.com")


def test_no_transition_changes_the_journal_that_it_was_given() -> None:
    before = sending(late_until=NOW + timedelta(hours=1))
    for _ in (
        attempted_again(before, now=NOW, by="x"),
        committed(before, record=ACCEPTED, late_until=None),
        refused(before),
        adopted(before, credential=credential(), plan=plan()),
    ):
        assert before == sending(late_until=NOW + timedelta(hours=1))


@pytest.mark.parametrize(
    ("found", "version", "owner"),
    [(journal(), "41", "6b0c7f6e-rotation"), (Journal(), "", "")],
    ids=["written", "never written"],
)
def test_a_journal_says_how_it_stands(found: Journal, version: str, owner: str) -> None:
    assert (found.version, found.owner_uid) == (version, owner)


def test_restarts_that_are_done_are_taken_off() -> None:
    before = journal(to_restart=("Deployment/web", "StatefulSet/db"))
    after = with_restarts_left(before, ("StatefulSet/db",))
    assert after == replace(before, to_restart=("StatefulSet/db",))
