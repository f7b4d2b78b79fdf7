"""Who may have what two rotations both claim."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth0_rotator.claims import holds_claim, winner_over
from auth0_rotator.journal import Journal
from auth0_rotator.observation import Contest, Rival
from auth0_rotator.subject import Key, Rotation
from examples import (
    NAMESPACE,
    credential,
    intended,
    invalid_rotation,
    journal,
    plan,
    rival,
    rotation,
    sending,
)

EARLIER = datetime(2026, 5, 1, tzinfo=UTC)
SAME = datetime(2026, 6, 1, tzinfo=UTC)
LATER = datetime(2026, 7, 1, tzinfo=UTC)

ELSEWHERE = plan(target={"name": "elsewhere"})


@pytest.mark.parametrize(
    ("kept", "is_held"),
    [
        pytest.param(None, False, id="no-journal"),
        pytest.param(journal(), True, id="current"),
        pytest.param(journal(current=credential(client_id="other")), False, id="current-of-another"),
        pytest.param(journal(current=None), False, id="no-value"),
        pytest.param(sending(current=None), True, id="sending-the-first"),
        pytest.param(sending(current=credential(client_id="other")), True, id="sending-a-new-client"),
        pytest.param(
            sending(current=None, next=intended(client_id="other")), False, id="sending-another"
        ),
        pytest.param(sending(next=intended(client_id="other")), True, id="leaving-this-client"),
        pytest.param(journal(current=None, next=intended()), False, id="parked-only"),
        pytest.param(
            journal(current=credential(client_id="other"), next=intended()), False, id="parked-beside"
        ),
    ],
)
def test_a_client_is_held_by_a_value_that_may_be_live(kept: Journal | None, *, is_held: bool) -> None:
    assert holds_claim(rotation(), kept, Contest.CLIENT) is is_held


@pytest.mark.parametrize(
    ("kept", "is_held"),
    [
        pytest.param(None, False, id="no-journal"),
        pytest.param(journal(), True, id="delivered"),
        pytest.param(journal(plan=ELSEWHERE), False, id="delivered-elsewhere"),
        pytest.param(journal(plan=None), False, id="delivered-nowhere-known"),
        pytest.param(journal(current=None), False, id="no-value"),
        pytest.param(journal(current=None, next=intended()), False, id="parked-only"),
        pytest.param(sending(current=None), True, id="sending-the-first"),
        pytest.param(sending(current=None, plan=ELSEWHERE), False, id="sending-for-elsewhere"),
    ],
)
def test_a_secret_is_held_by_what_is_delivered_into_it(kept: Journal | None, *, is_held: bool) -> None:
    assert holds_claim(rotation(), kept, Contest.TARGET) is is_held


@pytest.mark.parametrize(
    ("spec", "is_held"),
    [({"target": {"name": "elsewhere"}}, True), ({}, False)],
    ids=["named", "default-name"],
)
def test_the_claimed_secret_is_that_of_the_spec(spec: dict[str, Any], *, is_held: bool) -> None:
    assert holds_claim(rotation(spec=spec), journal(plan=ELSEWHERE), Contest.TARGET) is is_held


@pytest.mark.parametrize("contest", list(Contest), ids=str)
def test_an_invalid_spec_claims_nothing(contest: Contest) -> None:
    assert not holds_claim(invalid_rotation(), journal(), contest)


# Who wins --------------------------------------------------------------------------------------


def mine(created: datetime | None = SAME, uid: str = "m") -> Rotation:
    stamp = created.strftime("%Y-%m-%dT%H:%M:%SZ") if created is not None else None
    return rotation(creationTimestamp=stamp, uid=uid)


@pytest.mark.parametrize(
    ("own", "kept", "other", "wins"),
    [
        pytest.param(mine(), None, rival(created_at=LATER), True, id="older-wins"),
        pytest.param(mine(), None, rival(created_at=EARLIER), False, id="younger-loses"),
        pytest.param(mine(), journal(), rival(created_at=EARLIER), True, id="holder-beats-older"),
        pytest.param(
            mine(), None, rival(created_at=LATER, holds=True), False, id="older-loses-to-holder"
        ),
        pytest.param(mine(), journal(), rival(created_at=LATER, holds=True), True, id="both-hold-older"),
        pytest.param(
            mine(), journal(), rival(created_at=EARLIER, holds=True), False, id="both-hold-younger"
        ),
        pytest.param(
            mine(uid="a"), None, rival(created_at=SAME, uid="b"), True, id="same-second-by-uid"
        ),
        pytest.param(
            mine(uid="b"), None, rival(created_at=SAME, uid="a"), False, id="same-second-loses"
        ),
        pytest.param(
            mine(uid="a"), None, rival(created_at=SAME, uid="a"), True, id="nobody-loses-to-itself"
        ),
        pytest.param(mine(None), None, rival(created_at=LATER), False, id="without-a-time-loses"),
        pytest.param(mine(), None, rival(created_at=None), True, id="beats-one-without-a-time"),
        pytest.param(
            mine(None, uid="a"), None, rival(created_at=None, uid="b"), True, id="neither-has-a-time"
        ),
        pytest.param(
            mine(),
            sending(plan=ELSEWHERE),
            rival(created_at=EARLIER, contest=Contest.TARGET),
            False,
            id="holding-the-client-does-not-win-the-secret",
        ),
        pytest.param(
            mine(),
            journal(current=credential(client_id="other")),
            rival(created_at=EARLIER, contest=Contest.CLIENT),
            False,
            id="holding-the-secret-does-not-win-the-client",
        ),
    ],
)
def test_of_two_the_one_with_a_journal_wins_else_the_older(
    own: Rotation, kept: Journal | None, other: Rival, *, wins: bool
) -> None:
    assert winner_over(own, kept, [other]) == (None if wins else other)


SENDER = rival(created_at=None, uid="z", holds=True, is_sending=True)


@pytest.mark.parametrize(
    ("own", "kept", "wins"),
    [
        pytest.param(mine(EARLIER), None, False, id="new"),
        pytest.param(mine(EARLIER), journal(), False, id="holds-the-client-for-long"),
        pytest.param(mine(EARLIER), journal(next=intended()), False, id="parked-beside"),
        pytest.param(mine(LATER), sending(), True, id="sends-it-too"),
        pytest.param(mine(LATER), sending(current=None), True, id="sends-its-first-value-too"),
        pytest.param(
            mine(EARLIER), sending(next=intended(client_id="other")), False, id="sends-another-client"
        ),
        pytest.param(
            rotation(spec={"parameters": {"clientId": "other"}}),
            sending(),
            False,
            id="sends-a-client-that-it-left",
        ),
        pytest.param(invalid_rotation(), sending(), False, id="claims-nothing"),
        pytest.param(mine(EARLIER), sending(next=None), False, id="sends-nothing"),
    ],
)
def test_nobody_begins_while_another_is_in_the_middle_of_a_change(
    own: Rotation, kept: Journal | None, *, wins: bool
) -> None:
    """Two changes of one client at a time could land in any order."""
    assert winner_over(own, kept, [SENDER]) == (None if wins else SENDER)


def test_who_sends_loses_to_others_as_anybody_does() -> None:
    older = rival(created_at=EARLIER, holds=True)
    assert winner_over(mine(), sending(), [SENDER, older]) == older


def test_without_rivals_nobody_wins() -> None:
    assert winner_over(mine(), None, []) is None


def test_of_many_winners_the_strongest_is_named() -> None:
    holder = rival(uid="z", created_at=LATER, holds=True)
    oldest = rival(uid="y", created_at=EARLIER)
    younger = rival(uid="a", created_at=LATER)
    assert winner_over(mine(), None, [younger, oldest, holder]) == holder
    assert winner_over(mine(), None, [younger, oldest]) == oldest
    assert winner_over(mine(), None, [younger]) is None


created = st.sampled_from([None, EARLIER, SAME, LATER])
kept = st.sampled_from([None, journal(), journal(current=None)])


@given(created, created, kept, kept, st.sampled_from(Contest))
def test_of_two_rotations_exactly_one_wins(
    one_created: datetime | None,
    other_created: datetime | None,
    one_kept: Journal | None,
    other_kept: Journal | None,
    contest: Contest,
) -> None:
    def as_rival(of: Rotation, held: Journal | None) -> Rival:
        holds = holds_claim(of, held, contest)
        return Rival(Key(NAMESPACE, of.uid), of.uid, of.created_at, holds, contest)

    one, other = mine(one_created, "uid-1"), mine(other_created, "uid-2")
    beaten = winner_over(one, one_kept, [as_rival(other, other_kept)]) is not None
    beats = winner_over(other, other_kept, [as_rival(one, one_kept)]) is not None
    assert beaten is not beats


@pytest.mark.parametrize(
    ("other", "kept", "is_beaten"),
    [
        pytest.param(rival(created_at=EARLIER, holds=True), journal(), False, id="older-and-holds"),
        pytest.param(rival(holds=True, is_sending=True), journal(), False, id="sends"),
        pytest.param(rival(created_at=EARLIER), None, False, id="older"),
        pytest.param(rival(holds=True), None, True, id="holds-against-none"),
        pytest.param(rival(holds=True, is_sending=True), None, True, id="sends-against-none"),
    ],
)
def test_who_was_never_let_in_stops_only_those_who_have_nothing(
    other: Rival, kept: Journal | None, *, is_beaten: bool
) -> None:
    """What it has may be made up; but it may also be the live value of one who lost a connection."""
    powerless = replace(other, is_powerless=True)
    assert (winner_over(mine(), kept, [powerless]) is not None) is is_beaten
    assert winner_over(mine(), kept, [other]) is other
