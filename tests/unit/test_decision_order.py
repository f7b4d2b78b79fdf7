"""Who wins where two rules claim the same observation, and what holds whatever is observed."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auth0_rotator.conditions import Reason
from auth0_rotator.credential import ClientSecret
from auth0_rotator.decision import RULES, Action, Rule, decide
from auth0_rotator.decision import comparison as comparison_rules
from auth0_rotator.decision import consumers as consumer_rules
from auth0_rotator.decision import lifecycle as lifecycle_rules
from auth0_rotator.decision import rotation as rotation_rules
from auth0_rotator.decision import sending as sending_rules
from auth0_rotator.decision import value as value_rules
from auth0_rotator.journal import Journal
from auth0_rotator.observation import Gate, Observation
from examples import (
    BY_HAND,
    CLIENT_ID,
    DAY,
    DUE_AT,
    MINUTE,
    NEXT,
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
    invalid_rotation,
    journal,
    meta,
    missing_connection,
    observation,
    plan,
    rival,
    rotation,
    sending,
    target,
    unchecked_connection,
)

REVOKE = "auth0rotator.dev/revoke"
GOING: dict[str, Any] = {"deletionTimestamp": "2026-11-23T09:29:00Z"}
SETTLING: dict[str, Any] = {"annotations": {"auth0rotator.dev/settle-doubt": "next"}}
ASKING: dict[str, Any] = {"annotations": {"auth0rotator.dev/rotate-now": "monday"}}
OTHER_CLIENT = {"parameters": {"clientId": "new-client"}}
STAGING: dict[str, Any] = {
    "secretsMapping": {"clientId": "ID", "clientSecret": "SECRET", "nextClientSecret": "NEXT"}
}
NAMING: dict[str, Any] = {"rolloutRestartTargets": [{"kind": "Deployment", "name": "web"}]}
WINNER = rival(holds=True, created_at=None)
NEWER = target(of=journal(current=credential(BY_HAND, sequence=9, rotation_id="01OTHER")))
STAGED = journal(plan=plan(**STAGING))
LOST = journal(meta=meta(owner_uid=""))
UNGUARDED = sending(meta=meta(is_intact=False))
IMMUTABLE = journal(meta=meta(is_immutable=True))
MOVED = connection(domain="new.eu.auth0.com")
ACCEPTED = attempt(accepted=credential(NEXT, sequence=8, rotation_id="01NEXT", rotated_at=NOW))
ORPHAN = sending(meta=meta(deleting_since=NOW - MINUTE))

CONFLICTS: list[tuple[Rule, Rule, Observation]] = [
    # What cannot be read comes before all, for nothing else is known to be absent.
    (
        sending_rules.unreadable_journal_holds,
        comparison_rules.outdated_journal_is_compared,
        observation(journal=sending(), target=NEWER, journal_fault="torn"),
    ),
    (
        sending_rules.unreadable_journal_holds,
        lifecycle_rules.gone_is_finalized,
        created(rotation=None, journal_fault="torn"),
    ),
    (
        sending_rules.unreadable_journal_holds,
        value_rules.recorded_value_is_adopted,
        created(target=target(), journal_fault="torn"),
    ),
    (
        sending_rules.unreadable_journal_holds,
        rotation_rules.first_rotation_creates,
        created(journal_fault="torn"),
    ),
    (
        sending_rules.unreadable_journal_holds,
        sending_rules.accepted_value_is_delivered,
        created(attempt=ACCEPTED, journal_fault="torn"),
    ),
    # What the tenant took is delivered before anything else is believed.
    (
        sending_rules.accepted_value_is_delivered,
        comparison_rules.outdated_journal_is_compared,
        observation(attempt=ACCEPTED, journal=sending(), target=NEWER),
    ),
    (
        sending_rules.accepted_value_is_delivered,
        sending_rules.open_journal_is_guarded,
        observation(attempt=ACCEPTED, journal=UNGUARDED),
    ),
    (
        sending_rules.open_journal_is_guarded,
        sending_rules.sending_in_vain_is_abandoned,
        observation(rotation=None, journal=UNGUARDED),
    ),
    (
        sending_rules.open_journal_is_guarded,
        sending_rules.sending_goes_on,
        observation(journal=UNGUARDED),
    ),
    (
        sending_rules.accepted_value_is_delivered,
        sending_rules.sending_in_vain_is_abandoned,
        observation(attempt=ACCEPTED, rotation=None, journal=sending()),
    ),
    (
        sending_rules.accepted_value_is_delivered,
        sending_rules.settled_doubt_ends,
        observation(attempt=ACCEPTED, rotation=rotation(**SETTLING), journal=sending()),
    ),
    (
        sending_rules.accepted_value_is_delivered,
        sending_rules.sending_goes_on,
        observation(attempt=ACCEPTED, journal=sending()),
    ),
    (
        sending_rules.accepted_value_is_delivered,
        lifecycle_rules.gone_is_finalized,
        observation(attempt=ACCEPTED, rotation=rotation(**GOING)),
    ),
    (
        sending_rules.accepted_value_is_delivered,
        lifecycle_rules.invalid_spec_holds,
        observation(attempt=ACCEPTED, rotation=invalid_rotation()),
    ),
    (
        sending_rules.accepted_value_is_delivered,
        lifecycle_rules.conflict_holds,
        created(attempt=ACCEPTED, rivals=[WINNER]),
    ),
    (
        sending_rules.accepted_value_is_delivered,
        value_rules.recorded_value_is_adopted,
        created(attempt=ACCEPTED, target=target()),
    ),
    (
        sending_rules.accepted_value_is_delivered,
        rotation_rules.first_rotation_creates,
        created(attempt=ACCEPTED),
    ),
    # Who uses a dead value is served before anything else changes.
    (
        value_rules.plan_is_remembered,
        consumer_rules.consumers_are_restarted,
        observation(
            rotation=rotation(spec=NAMING | {"target": {"name": "elsewhere"}}),
            is_rolled_out=False,
        ),
    ),
    (
        consumer_rules.consumers_are_restarted,
        rotation_rules.suspended_holds,
        observation(rotation=rotation(spec=NAMING | {"suspend": True}), is_rolled_out=False),
    ),
    (
        sending_rules.accepted_value_is_delivered,
        rotation_rules.suspended_holds,
        observation(attempt=ACCEPTED, rotation=rotation(spec={"suspend": True})),
    ),
    (
        sending_rules.accepted_value_is_delivered,
        rotation_rules.new_token_rotates,
        observation(attempt=ACCEPTED, rotation=rotation(**ASKING)),
    ),
    # An open outcome, from the surest end to the next try.
    (
        sending_rules.sending_in_vain_is_abandoned,
        comparison_rules.outdated_journal_is_compared,
        observation(
            rotation=rotation(**GOING), journal=sending(), target=NEWER, is_namespace_terminating=True
        ),
    ),
    (
        sending_rules.settled_doubt_ends,
        comparison_rules.outdated_journal_is_compared,
        observation(rotation=rotation(**SETTLING), journal=sending(), target=NEWER),
    ),
    (
        comparison_rules.outdated_journal_is_compared,
        sending_rules.sending_goes_on,
        observation(journal=sending(), target=NEWER),
    ),
    (
        sending_rules.sending_in_vain_is_abandoned,
        sending_rules.settled_doubt_ends,
        observation(
            rotation=rotation(**GOING, **SETTLING), journal=sending(), is_namespace_terminating=True
        ),
    ),
    (
        sending_rules.sending_in_vain_is_abandoned,
        sending_rules.sending_goes_on,
        observation(rotation=None, journal=sending()),
    ),
    (
        sending_rules.settled_doubt_ends,
        sending_rules.sending_goes_on,
        observation(rotation=rotation(**SETTLING), journal=sending()),
    ),
    # An open outcome before everything else.
    (
        sending_rules.sending_goes_on,
        lifecycle_rules.gone_is_finalized,
        observation(rotation=rotation(**GOING), journal=sending()),
    ),
    (
        sending_rules.sending_goes_on,
        lifecycle_rules.gone_is_finalized,
        observation(rotation=None, journal=ORPHAN),
    ),
    (
        sending_rules.sending_goes_on,
        lifecycle_rules.invalid_spec_holds,
        observation(rotation=invalid_rotation(), journal=sending()),
    ),
    (
        sending_rules.sending_goes_on,
        lifecycle_rules.guard_follows_spec,
        observation(rotation=rotation(finalizers=[REVOKE]), journal=sending()),
    ),
    (
        sending_rules.sending_goes_on,
        lifecycle_rules.conflict_holds,
        observation(
            journal=sending(current=None, next=intended(client_id="x")), rivals=[WINNER], target=None
        ),
    ),
    (
        sending_rules.sending_goes_on,
        value_rules.journal_is_kept_in_order,
        observation(journal=sending(meta=meta(owner_uid=""))),
    ),
    (
        sending_rules.sending_goes_on,
        value_rules.target_is_published,
        observation(journal=sending(), target=None),
    ),
    (
        sending_rules.sending_goes_on,
        rotation_rules.suspended_holds,
        observation(rotation=rotation(spec={"suspend": True}), journal=sending()),
    ),
    (
        sending_rules.sending_goes_on,
        rotation_rules.new_token_rotates,
        observation(rotation=rotation(**ASKING), journal=sending()),
    ),
    (
        sending_rules.sending_goes_on,
        lifecycle_rules.absent_rotation_is_awaited,
        observation(rotation=None, journal=sending(meta=meta(owner_uid="")), alone_since=NOW),
    ),
    # What may be the first part of a restore is not the last of a deletion.
    (
        lifecycle_rules.absent_rotation_is_awaited,
        lifecycle_rules.gone_is_finalized,
        observation(rotation=None, journal=LOST, alone_since=NOW),
    ),
    # Whoever goes needs no valid spec; whoever has none can be told nothing else.
    (
        lifecycle_rules.gone_is_finalized,
        lifecycle_rules.invalid_spec_holds,
        observation(rotation=invalid_rotation(**GOING)),
    ),
    (
        lifecycle_rules.gone_is_finalized,
        lifecycle_rules.guard_follows_spec,
        observation(rotation=rotation(**GOING, finalizers=[REVOKE])),
    ),
    (
        lifecycle_rules.gone_is_finalized,
        value_rules.target_is_published,
        observation(rotation=rotation(**GOING), target=None),
    ),
    (
        lifecycle_rules.gone_is_finalized,
        value_rules.recorded_value_is_adopted,
        created(rotation=rotation(**GOING), target=target()),
    ),
    (
        lifecycle_rules.invalid_spec_holds,
        lifecycle_rules.conflict_holds,
        observation(rotation=invalid_rotation(), rivals=[WINNER]),
    ),
    (
        lifecycle_rules.invalid_spec_holds,
        value_rules.target_is_published,
        observation(rotation=invalid_rotation(), target=None),
    ),
    (
        lifecycle_rules.guard_follows_spec,
        lifecycle_rules.conflict_holds,
        created(rotation=rotation(finalizers=[REVOKE]), rivals=[WINNER]),
    ),
    # A conflict before anything is taken, made or written.
    (
        lifecycle_rules.conflict_holds,
        value_rules.recorded_value_is_adopted,
        created(rivals=[WINNER], target=target()),
    ),
    (
        lifecycle_rules.conflict_holds,
        value_rules.existing_value_is_adopted,
        created(
            rivals=[WINNER],
            rotation=rotation(spec={"initialRotation": "WhenDue"}),
            target=foreign_target({"SECRET": BY_HAND}),
        ),
    ),
    (
        lifecycle_rules.conflict_holds,
        rotation_rules.first_rotation_creates,
        created(rivals=[WINNER]),
    ),
    (
        lifecycle_rules.conflict_holds,
        value_rules.target_is_published,
        observation(
            rivals=[WINNER], journal=journal(current=credential(client_id="other")), target=None
        ),
    ),
    (
        lifecycle_rules.conflict_holds,
        lifecycle_rules.usurped_journal_holds,
        created(rivals=[WINNER], journal_usurper="Opaque"),
    ),
    # Without a place for a journal nothing is taken and nothing made.
    (
        lifecycle_rules.usurped_journal_holds,
        value_rules.recorded_value_is_adopted,
        created(journal_usurper="Opaque", target=target()),
    ),
    # A value that is there is taken before a new one is made.
    (
        value_rules.recorded_value_is_adopted,
        rotation_rules.first_rotation_creates,
        created(target=target()),
    ),
    (
        value_rules.existing_value_is_adopted,
        rotation_rules.first_rotation_creates,
        created(
            rotation=rotation(spec={"initialRotation": "WhenDue", "suspend": True}),
            target=foreign_target({"SECRET": BY_HAND}),
        ),
    ),
    (
        rotation_rules.first_rotation_creates,
        rotation_rules.new_token_rotates,
        observation(journal=journal(current=None), rotation=rotation(**ASKING)),
    ),
    (
        rotation_rules.first_rotation_creates,
        value_rules.journal_is_kept_in_order,
        observation(journal=journal(current=None, meta=meta(is_intact=False))),
    ),
    # What is there is delivered before it is replaced.
    (
        value_rules.journal_is_kept_in_order,
        comparison_rules.newer_target_is_compared,
        observation(journal=LOST, target=NEWER),
    ),
    (
        comparison_rules.newer_target_is_compared,
        value_rules.target_is_published,
        observation(target=NEWER),
    ),
    (
        value_rules.journal_is_kept_in_order,
        value_rules.target_is_published,
        observation(journal=LOST, target=None),
    ),
    (
        value_rules.target_is_published,
        value_rules.plan_is_remembered,
        observation(rotation=rotation(spec={"target": {"name": "elsewhere"}}), target=None),
    ),
    (
        value_rules.target_is_published,
        rotation_rules.suspended_holds,
        observation(rotation=rotation(spec={"suspend": True}), target=None),
    ),
    (
        value_rules.target_is_published,
        rotation_rules.changed_client_rotates,
        observation(rotation=rotation(spec=OTHER_CLIENT), target=None),
    ),
    (
        value_rules.target_is_published,
        rotation_rules.new_token_rotates,
        observation(rotation=rotation(**ASKING), target=None),
    ),
    (
        value_rules.target_is_published,
        rotation_rules.due_date_rotates,
        observation(target=None, now=DUE_AT),
    ),
    (
        value_rules.plan_is_remembered,
        rotation_rules.suspended_holds,
        observation(rotation=rotation(spec={"target": {"name": "elsewhere"}, "suspend": True})),
    ),
    # Suspension stops every change at the tenant, and so does the label of a whole namespace.
    (
        rotation_rules.suspended_holds,
        rotation_rules.frozen_namespace_holds,
        observation(rotation=rotation(spec={"suspend": True}), is_frozen=True),
    ),
    (
        rotation_rules.frozen_namespace_holds,
        rotation_rules.changed_client_rotates,
        observation(rotation=rotation(spec=OTHER_CLIENT), is_frozen=True),
    ),
    (
        rotation_rules.frozen_namespace_holds,
        rotation_rules.new_token_rotates,
        observation(rotation=rotation(**ASKING), is_frozen=True),
    ),
    (
        rotation_rules.frozen_namespace_holds,
        rotation_rules.due_date_rotates,
        observation(now=DUE_AT, is_frozen=True),
    ),
    (
        rotation_rules.suspended_holds,
        rotation_rules.changed_client_rotates,
        observation(rotation=rotation(spec={"suspend": True} | OTHER_CLIENT)),
    ),
    (
        rotation_rules.suspended_holds,
        rotation_rules.changed_domain_is_asked,
        observation(rotation=rotation(spec={"suspend": True}), connection=MOVED),
    ),
    (
        rotation_rules.suspended_holds,
        rotation_rules.new_token_rotates,
        observation(rotation=rotation(spec={"suspend": True}, **ASKING)),
    ),
    (
        rotation_rules.suspended_holds,
        rotation_rules.due_date_rotates,
        observation(rotation=rotation(spec={"suspend": True}), now=DUE_AT),
    ),
    # One change serves every wish: the widest names it.
    (
        rotation_rules.changed_client_rotates,
        rotation_rules.changed_domain_is_asked,
        observation(rotation=rotation(spec=OTHER_CLIENT), connection=MOVED),
    ),
    (
        rotation_rules.changed_client_rotates,
        rotation_rules.new_token_rotates,
        observation(rotation=rotation(spec=OTHER_CLIENT, **ASKING)),
    ),
    (
        rotation_rules.changed_client_rotates,
        rotation_rules.due_date_rotates,
        observation(rotation=rotation(spec=OTHER_CLIENT), now=DUE_AT),
    ),
    (
        rotation_rules.changed_domain_is_asked,
        rotation_rules.due_date_rotates,
        observation(connection=MOVED, now=DUE_AT),
    ),
    (
        rotation_rules.new_token_rotates,
        rotation_rules.due_date_rotates,
        observation(rotation=rotation(**ASKING), now=DUE_AT),
    ),
    (
        rotation_rules.new_token_rotates,
        rotation_rules.next_value_is_announced,
        observation(rotation=rotation(spec=STAGING, **ASKING), journal=STAGED, now=DUE_AT - SECOND),
    ),
    # What is held up is announced meanwhile.
    (
        rotation_rules.next_value_is_announced,
        rotation_rules.due_date_rotates,
        observation(rotation=rotation(spec=STAGING), journal=STAGED, now=DUE_AT, canary=WINNER.key),
    ),
    (
        rotation_rules.new_token_rotates,
        rotation_rules.unverified_value_is_probed,
        observation(rotation=rotation(**ASKING), is_verification_done=False),
    ),
    (
        rotation_rules.due_date_rotates,
        rotation_rules.unverified_value_is_probed,
        observation(now=DUE_AT, is_verification_done=False),
    ),
    (
        rotation_rules.unverified_value_is_probed,
        rotation_rules.immutable_journal_holds,
        observation(is_verification_done=False, journal=IMMUTABLE),
    ),
    (
        rotation_rules.immutable_journal_holds,
        rotation_rules.otherwise_hold,
        observation(journal=IMMUTABLE),
    ),
]


def spoken(rule: Rule) -> str:
    return getattr(rule, "__name__", str(rule))


@pytest.mark.parametrize(
    ("winner", "loser", "o"),
    CONFLICTS,
    ids=[f"{spoken(winner)}-before-{spoken(loser)}" for winner, loser, _ in CONFLICTS],
)
def test_of_two_rules_that_claim_an_observation_the_first_wins(
    winner: Rule, loser: Rule, o: Observation
) -> None:
    assert winner(o) is not None
    assert loser(o) is not None
    assert winner(o) != loser(o)
    assert decide(o) == winner(o)


def test_every_rule_is_in_the_list_once() -> None:
    modules = (
        sending_rules,
        comparison_rules,
        lifecycle_rules,
        value_rules,
        consumer_rules,
        rotation_rules,
    )
    public = {
        name
        for module in modules
        for name, rule in vars(module).items()
        if callable(rule)
        and not name.startswith("_")
        and getattr(rule, "__module__", "") == module.__name__
    }
    asked = {"target_fault", "otherwise_hold", "before_abandonment"}
    asked |= {"journal_fault", "immutable_message"}
    assert public - asked == {spoken(rule) for rule in RULES}
    assert len(set(RULES)) == len(RULES)


# Rules that cannot both claim an observation need no order; the others must all be above.
EXCLUSIVE = {
    ("invalid_spec_holds", "guard_follows_spec"): "a spec is valid or not",
    ("recorded_value_is_adopted", "existing_value_is_adopted"): "a record is there or not",
    ("changed_domain_is_asked", "new_token_rotates"): "a token ends the question",
}


def test_all_neighbours_are_told_apart() -> None:
    told = {(spoken(winner), spoken(loser)) for winner, loser, _ in CONFLICTS} | set(EXCLUSIVE)
    neighbours = list(zip(map(spoken, RULES), map(spoken, RULES[1:]), strict=False))
    assert [pair for pair in neighbours if pair not in told] == []


def test_what_no_rule_claims_is_a_hold() -> None:
    o = observation()
    assert [rule(o) for rule in RULES] == [None] * len(RULES)
    assert decide(o) == rotation_rules.otherwise_hold(o)


BARE = {"is_verification_done": False, "rivals": [WINNER], "target": None, "connection": MOVED}


@pytest.mark.parametrize(
    ("changes", "claims"),
    [
        pytest.param({"rotation": None, "journal": None}, {"gone_is_finalized"}, id="nothing-is-there"),
        pytest.param(
            {"rotation": invalid_rotation(), "journal": None},
            {"invalid_spec_holds", "conflict_holds"},
            id="nothing-but-an-invalid-spec",
        ),
        pytest.param(
            {"rotation": invalid_rotation(), "journal": journal(plan=None)},
            {"invalid_spec_holds", "conflict_holds", "changed_domain_is_asked"},
            id="an-invalid-spec-and-no-plan",
        ),
        pytest.param(
            {"rotation": invalid_rotation(), "journal": None, "target": NEWER},
            {"invalid_spec_holds", "conflict_holds"},
            id="an-invalid-spec-and-a-target",
        ),
        pytest.param(
            {"rotation": None, "journal": journal(meta=meta(is_intact=False), plan=None)},
            {"gone_is_finalized", "changed_domain_is_asked"},
            id="a-journal-without-an-object",
        ),
        pytest.param(
            {"journal": None}, {"conflict_holds", "first_rotation_creates"}, id="nothing-but-a-spec"
        ),
        pytest.param(
            {
                "rotation": rotation(spec={"target": {"name": "elsewhere"}}),
                "journal": journal(current=None),
            },
            {"conflict_holds", "first_rotation_creates"},
            id="a-new-name-before-a-first-value",
        ),
        pytest.param(
            {"journal": journal(current=None, plan=None, meta=None)},
            {"conflict_holds", "first_rotation_creates"},
            id="a-journal-without-a-value",
        ),
        pytest.param(
            {"journal": sending(next=None, current=None, plan=None), "target": NEWER},
            {"conflict_holds", "recorded_value_is_adopted", "first_rotation_creates"},
            id="a-sending-journal-without-a-value",
        ),
        pytest.param(
            {"rotation": None, "journal": None, "attempt": ACCEPTED},
            {"gone_is_finalized"},
            id="an-accepted-value-and-nowhere-to-deliver-it",
        ),
    ],
)
def test_each_rule_stands_for_itself(changes: dict[str, Any], claims: set[str]) -> None:
    """None relies on one before it to have seen that something is missing."""
    o = observation(**(BARE | changes))
    assert {spoken(rule) for rule in RULES if rule(o) is not None} == claims


def test_without_anything_there_is_nothing_to_wait_for() -> None:
    hold = rotation_rules.otherwise_hold(created(rotation=None))
    assert (hold.action, hold.reason, hold.until) == (Action.HOLD, Reason.AUTOMATION_OFF, None)


# Whatever is observed --------------------------------------------------------------------------

SPECS: list[dict[str, Any]] = [
    {},
    {"suspend": True},
    {"restartGate": True},
    {"isAutoRotationEnabled": False},
    {"rotationInterval": 1},
    {"initialRotation": "WhenDue"},
    {"deletion": {"revokeGeneratedCredentials": True, "deleteSecrets": True}},
    {"target": {"name": "elsewhere", "creationPolicy": "Merge"}},
    {"rotationTrigger": "tuesday"},
    OTHER_CLIENT,
    {"rotationInterval": 0},
]
METADATA: list[dict[str, Any]] = [
    {},
    GOING,
    {"deletionTimestamp": "2026-11-23T09:20:07Z"},
    SETTLING,
    ASKING,
    {"finalizers": [REVOKE]},
]
STATUSES: list[dict[str, Any]] = [
    {},
    failed_status(),
    failed_status(nextRetryAt="2026-11-23T09:00:00Z"),
    failed_status(nextRetryAt="2026-11-24T09:00:00Z"),
]
JOURNALS = [
    None,
    journal(),
    journal(next=intended()),
    journal(current=None, next=intended()),
    journal(late_until=NOW + MINUTE),
    journal(late_until=NOW + DAY),
    journal(is_unproven=True),
    journal(meta=meta(is_intact=False)),
    IMMUTABLE,
    UNGUARDED,
    sending(),
    sending(current=None),
    sending(attempted_by="operator-2", attempted_at=NOW),
    sending(meta=meta(deleting_since=NOW - timedelta(hours=1))),
    sending(meta=meta(deleting_since=NOW - 10 * MINUTE + 5 * SECOND)),
]
TARGETS = [
    None,
    target(),
    target(is_immutable=True),
    NEWER,
    foreign_target({"SECRET": BY_HAND, "ID": ClientSecret(CLIENT_ID)}),
]
CONNECTIONS = [
    connection(),
    broken_connection(),
    unchecked_connection(),
    missing_connection(is_stalled=True),
    MOVED,
    connection(client_id=CLIENT_ID),
    broken_connection(domain=""),
]
ATTEMPTS = [
    None,
    attempt(),
    attempt(again_at=NOW + MINUTE),
    attempt(again_at=NOW + DAY),
    ACCEPTED,
    replace(ACCEPTED, again_at=NOW + MINUTE),
]
SENDER = rival(holds=True, created_at=None, is_sending=True)

rotations = st.one_of(
    st.none(),
    st.builds(
        lambda spec, metadata, status: rotation(spec=spec, status=status, **metadata),
        st.sampled_from(SPECS),
        st.sampled_from(METADATA),
        st.sampled_from(STATUSES),
    ),
)


def observed(*, journal: Journal | None, journal_fault: str, **changes: Any) -> Observation:
    """Return an observation in which a journal is read or cannot be, but never both."""
    seen = None if journal_fault else journal
    return observation(**changes, journal=seen, journal_fault=journal_fault)


observations = st.builds(
    observed,
    rotation=rotations,
    journal=st.sampled_from(JOURNALS),
    target=st.sampled_from(TARGETS),
    connection=st.sampled_from(CONNECTIONS),
    attempt=st.sampled_from(ATTEMPTS),
    rivals=st.sampled_from([(), (rival(),), (WINNER,), (SENDER,)]),
    journal_fault=st.sampled_from(["", "", "", "torn"]),
    journal_deleting_since=st.sampled_from([None, NOW - MINUTE, NOW - 10 * MINUTE]),
    is_namespace_terminating=st.booleans(),
    is_verification_done=st.booleans(),
    verify_at=st.sampled_from([None, NOW, NOW + MINUTE]),
    probe_at=st.sampled_from([None, NOW, NOW + MINUTE]),
    gate=st.sampled_from([None, Gate(NOW + MINUTE / 2, ""), Gate(NOW + MINUTE / 2, "web rolls")]),
    alone_since=st.sampled_from([None, NOW - MINUTE, NOW - 10 * MINUTE]),
    is_target_refused=st.booleans(),
    compare_at=st.sampled_from([None, NOW, NOW + MINUTE]),
    is_comparison_unclear=st.booleans(),
    is_move_refused=st.booleans(),
    move_at=st.sampled_from([None, NOW, NOW + MINUTE, NOW + DAY]),
    is_cut_short=st.booleans(),
)


def is_leaving(o: Observation) -> bool:
    return o.rotation is None or o.rotation.deleting_since is not None


def is_sending(o: Observation) -> bool:
    return o.journal is not None and o.journal.is_sending


@settings(max_examples=300)
@given(o=observations)
def test_rules_that_exclude_each_other_never_claim_the_same(o: Observation) -> None:
    claims = {spoken(rule) for rule in RULES if rule(o) is not None}
    assert [pair for pair in EXCLUSIVE if claims.issuperset(pair)] == []


@settings(max_examples=300)
@given(o=observations)
def test_no_change_is_asked_for_that_must_not_be(o: Observation) -> None:
    decision = decide(o)
    if decision.action is Action.ROTATE:
        assert o.rotation is not None
        assert o.rotation.spec is not None
        assert o.rotation.deleting_since is None
        assert not o.rotation.spec.suspend
        assert not o.journal_fault
        assert not is_sending(o)
        assert o.journal is None or o.journal.late_until in {None, NOW + DAY}
        assert SENDER not in o.rivals
        assert o.connection.is_ready
        assert o.connection.client_id != o.rotation.spec.parameters.client_id
        assert o.attempt is None or o.attempt.again_at != NOW + MINUTE
        assert o.attempt is None or o.attempt.accepted is None
        assert decision.trigger is not None
    else:
        assert decision.trigger is None or decision.is_failure


@settings(max_examples=300)
@given(o=observations)
def test_what_may_be_live_is_never_let_go_without_a_reason(o: Observation) -> None:
    decision, is_accepted = decide(o), o.attempt is not None and o.attempt.accepted is not None
    if decision.action is Action.CONTINUE:
        assert is_sending(o) or is_accepted
    if decision.action is Action.SETTLE:
        assert is_sending(o)
    if decision.action is Action.ABANDON:
        assert is_leaving(o)
        assert is_sending(o) or o.journal_fault
    if is_sending(o):
        assert decision.action in {
            Action.CONTINUE,
            Action.SETTLE,
            Action.ABANDON,
            Action.COMPARE,
            Action.RESTORE_JOURNAL,
            Action.HOLD,
            Action.FINALIZE,
        }
        assert decision.action is not Action.FINALIZE or o.leaving_since is None
    if o.journal_fault:
        assert decision.action is Action.ABANDON or decision.reason is Reason.JOURNAL_UNREADABLE
    elif is_accepted and o.plan is not None and not is_leaving(o):
        assert decision.reason is Reason.NOT_DELIVERED


@settings(max_examples=300)
@given(o=observations)
def test_an_open_outcome_is_never_waited_for_without_end(o: Observation) -> None:
    decision = decide(o)
    if is_sending(o) and decision.action is Action.HOLD:
        assert decision.until is not None
        doubts = {Reason.VERIFYING, Reason.ADOPTION_UNCLEAR, Reason.DOMAIN_CHANGED}
        doubts |= {Reason.SENDING, Reason.CONNECTION_NOT_READY}
        assert decision.reason in doubts | {Reason.NOT_DELIVERED}
        if is_leaving(o) and decision.reason in doubts:
            since = o.leaving_since or o.alone_since
            assert since is not None
            assert decision.until <= since + 10 * MINUTE


@settings(max_examples=300)
@given(o=observations)
def test_a_hold_is_always_told_and_ends_in_the_future(o: Observation) -> None:
    decision = decide(o)
    assert decision.message
    if decision.action is Action.HOLD:
        assert decision.until is None or decision.until > o.now
    else:
        assert decision.until is None
        # A probe is a hold that is used.
        assert not decision.is_stalled or decision.action is Action.PROBE
        assert not decision.is_failure
