"""The order of the steps, and what follows each way in which one can end."""

from dataclasses import replace
from datetime import datetime

import pytest

from auth0_rotator.decision.protocol import (
    AFTER,
    AFTER_IN_DOUBT,
    ENDS,
    MOST_VALUES,
    Outcome,
    Step,
    acceptance,
    after,
    concluded,
    delivery,
    first_step,
)
from auth0_rotator.journal import Journal
from auth0_rotator.observation import Attempt
from auth0_rotator.record import CommitRecord, Credential
from examples import (
    CURRENT,
    MINUTE,
    NEXT,
    NOW,
    SECOND,
    attempt,
    credential,
    intended,
    journal,
    record,
    sending,
)


def told(step: Step, *outcomes: Outcome, is_certain: bool = True) -> list[Step]:
    """Return the steps that follow when each ends as `outcomes` say."""
    steps = [step]
    for outcome in outcomes:
        steps.append(after(steps[-1], outcome, is_certain=is_certain))
    return steps


def test_a_rotation_stores_first_changes_once_delivers_and_commits() -> None:
    done, accepted = Outcome.DONE, Outcome.ACCEPTED
    assert told(Step.PREFLIGHT, done, done, accepted, done, done) == [
        Step.PREFLIGHT,
        Step.BEGIN,
        Step.SEND,
        Step.DELIVER,
        Step.COMMIT,
        Step.END,
    ]


def test_a_value_found_live_is_delivered_without_a_change() -> None:
    taken_up = told(Step.COUNT, Outcome.DONE, Outcome.ACCEPTED)
    assert taken_up == [Step.COUNT, Step.PROBE, Step.DELIVER]


def test_a_value_not_known_to_be_live_is_sent_again() -> None:
    taken_up = told(Step.COUNT, Outcome.DONE, Outcome.NOT_KNOWN, Outcome.DONE)
    assert taken_up == [Step.COUNT, Step.PROBE, Step.PREPARE, Step.SEND]


def test_what_changed_during_the_preflight_ends_the_attempt_before_anything_is_written() -> None:
    assert after(Step.PREFLIGHT, Outcome.OVERTAKEN, is_certain=True) is Step.END


@pytest.mark.parametrize(
    ("outcome", "at_first", "in_doubt"),
    [
        (Outcome.ACCEPTED, Step.DELIVER, Step.DELIVER),
        (Outcome.LATER, Step.WAIT, Step.DOUBT),
        (Outcome.REFUSED, Step.PARK, Step.DOUBT),
        (Outcome.VALUE_REFUSED, Step.CHOOSE, Step.DOUBT),
        (Outcome.UNKNOWN, Step.DOUBT, Step.DOUBT),
    ],
    ids=lambda told: told.name,
)
def test_a_refusal_says_something_only_where_no_request_came_before_it(
    outcome: Outcome, at_first: Step, in_doubt: Step
) -> None:
    assert after(Step.SEND, outcome, is_certain=True) is at_first
    assert after(Step.SEND, outcome, is_certain=False) is in_doubt


@pytest.mark.parametrize(
    ("outcome", "at_first"),
    [(Outcome.LATER, Step.WAIT), (Outcome.REFUSED, Step.PARK)],
    ids=lambda told: told.name,
)
def test_what_cannot_even_be_sent_ends_an_attempt_of_which_nothing_was_sent(
    outcome: Outcome, at_first: Step
) -> None:
    assert after(Step.PREPARE, outcome, is_certain=True) is at_first
    assert after(Step.PREPARE, outcome, is_certain=False) is Step.DOUBT


@pytest.mark.parametrize(
    ("step", "outcome", "follows"),
    [
        (Step.PREPARE, Outcome.DONE, Step.SEND),
        (Step.PARK, Outcome.DONE, Step.END),
        (Step.CHOOSE, Outcome.DONE, Step.WAIT),
        (Step.DELIVER, Outcome.SETTLED, Step.SETTLED),
        (Step.DELIVER, Outcome.OVERTAKEN, Step.RESEND),
        (Step.COMMIT, Outcome.OVERTAKEN, Step.DELIVER),
        (Step.RESEND, Outcome.DONE, Step.END),
    ],
    ids=lambda told: told.name,
)
@pytest.mark.parametrize("is_certain", [True, False], ids=["certain", "in doubt"])
def test_what_follows_does_not_depend_on_certainty(
    step: Step, outcome: Outcome, follows: Step, *, is_certain: bool
) -> None:
    assert after(step, outcome, is_certain=is_certain) is follows


def test_every_step_that_is_no_end_goes_on_and_no_end_does() -> None:
    assert {step for step, _ in AFTER} == set(Step) - ENDS
    assert set(AFTER_IN_DOUBT) <= set(AFTER)
    assert set(AFTER_IN_DOUBT.values()) == {Step.DOUBT}


def test_only_a_first_refusal_lets_go_of_the_state_sending_and_only_the_commit_of_the_value() -> None:
    leads_to = {step: {before for before, follows in AFTER.items() if follows is step} for step in Step}
    assert leads_to[Step.PARK] == {(Step.SEND, Outcome.REFUSED), (Step.PREPARE, Outcome.REFUSED)}
    assert leads_to[Step.CHOOSE] == {(Step.SEND, Outcome.VALUE_REFUSED)}
    assert leads_to[Step.COMMIT] == {(Step.DELIVER, Outcome.DONE)}
    assert leads_to[Step.SEND] == {
        (Step.BEGIN, Outcome.DONE),
        (Step.PREPARE, Outcome.DONE),
    }


def test_a_step_cannot_end_as_another_does() -> None:
    with pytest.raises(KeyError):
        after(Step.BEGIN, Outcome.ACCEPTED, is_certain=True)


def test_a_few_values_are_tried() -> None:
    assert MOST_VALUES == 3


@pytest.mark.parametrize(
    ("under_way", "step"),
    [
        pytest.param(None, Step.COUNT, id="after a restart"),
        pytest.param(attempt(), Step.COUNT, id="nothing written by this process"),
        pytest.param(attempt(sent_version="41"), Step.PREPARE, id="nothing sent so far"),
        pytest.param(attempt(sent_version="41", is_certain=False), Step.COUNT, id="an answer was lost"),
        pytest.param(attempt(accepted=credential()), Step.DELIVER, id="accepted"),
        pytest.param(
            attempt(sent_version="41", accepted=credential()), Step.DELIVER, id="accepted at once"
        ),
    ],
)
def test_a_rotation_is_taken_up_where_it_stands(under_way: Attempt | None, step: Step) -> None:
    assert first_step(under_way) is step


@pytest.mark.parametrize(
    ("found", "shown", "expected"),
    [
        pytest.param(
            sending(), record(rotation_id="01NEXT"), (NEXT, record(rotation_id="01NEXT")), id="accepted"
        ),
        pytest.param(sending(), record(), None, id="another value"),
        pytest.param(sending(), None, None, id="no record"),
        pytest.param(journal(), record(), None, id="nothing to send"),
    ],
)
def test_only_an_accepted_value_stands_in_a_target(
    found: Journal, shown: CommitRecord | None, expected: tuple[object, CommitRecord] | None
) -> None:
    accepted = acceptance(found, shown)
    assert (None if accepted is None else (accepted.secret, accepted.record)) == expected


ACCEPTED = intended()


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        pytest.param(sending(), Outcome.DONE, id="still sending it"),
        pytest.param(journal(next=ACCEPTED), Outcome.DONE, id="parked"),
        pytest.param(None, Outcome.DONE, id="gone"),
        pytest.param(journal(current=ACCEPTED), Outcome.SETTLED, id="committed by somebody else"),
        pytest.param(
            journal(current=ACCEPTED, next=intended(rotation_id="01LATER")),
            Outcome.SETTLED,
            id="committed, and the next one chosen",
        ),
        pytest.param(journal(), Outcome.OVERTAKEN, id="another value"),
        pytest.param(Journal(), Outcome.OVERTAKEN, id="no value"),
        pytest.param(
            journal(next=intended(rotation_id="01LATER")), Outcome.OVERTAKEN, id="a later value"
        ),
    ],
)
def test_an_accepted_value_is_committed_unless_the_journal_went_on(
    found: Journal | None, outcome: Outcome
) -> None:
    accepted = Credential(NEXT, ACCEPTED.record)
    assert delivery(found, accepted) is outcome
    # What was over before the target showed it can have undone nothing that is newer.
    is_later = outcome is Outcome.OVERTAKEN
    assert delivery(found, accepted, is_over=True) is (Outcome.SETTLED if is_later else outcome)


SOON = NOW + 5 * MINUTE
BEFORE = NOW - 5 * MINUTE


@pytest.mark.parametrize(
    ("found", "is_certain", "late_until"),
    [
        pytest.param(sending(), True, None, id="one request, answered"),
        pytest.param(sending(), False, SOON, id="an answer of ours was lost"),
        pytest.param(sending(attempts=2), True, SOON, id="somebody else may have sent it as well"),
        pytest.param(sending(late_until=BEFORE), True, None, id="an older wait is long over"),
        pytest.param(
            sending(late_until=BEFORE + SECOND), True, BEFORE + SECOND, id="an older wait is kept"
        ),
        pytest.param(sending(late_until=NOW), False, SOON, id="an older wait becomes longer"),
    ],
)
def test_the_next_rotation_waits_while_a_request_may_still_land(
    found: Journal,
    is_certain: bool,  # noqa: FBT001 - a column of the table
    late_until: datetime | None,
) -> None:
    """Catches a commit that lets the next rotation begin while an old request can undo it."""
    accepted = Credential(NEXT, replace(ACCEPTED.record, rotated_at=NOW))
    after = concluded(found, accepted, is_certain=is_certain, now=NOW)
    assert after == replace(journal(current=accepted, previous=CURRENT), late_until=late_until)


def test_the_consumers_to_restart_are_noted_by_the_commit_and_replace_those_of_before() -> None:
    accepted = Credential(NEXT, replace(ACCEPTED.record, rotated_at=NOW))
    found = replace(sending(), to_restart=("Deployment/old",))
    after = concluded(found, accepted, is_certain=True, now=NOW, to_restart=("Deployment/web",))
    assert after.to_restart == ("Deployment/web",)
    assert concluded(found, accepted, is_certain=True, now=NOW).to_restart == ()


def test_a_journal_that_is_gone_is_written_again() -> None:
    accepted = Credential(NEXT, replace(ACCEPTED.record, rotated_at=NOW))
    assert concluded(None, accepted, is_certain=True, now=NOW) == Journal(current=accepted)
