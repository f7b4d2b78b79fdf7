"""Who wins where two rules claim the same observation, and what holds whatever is observed."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auth0_rotator.conditions import Reason
from auth0_rotator.credential import ClientSecret
from auth0_rotator.decision import RULES, Action, Rule, decide
from auth0_rotator.decision import lifecycle as lifecycle_rules
from auth0_rotator.decision import rotation as rotation_rules
from auth0_rotator.decision import sending as sending_rules
from auth0_rotator.decision import value as value_rules
from auth0_rotator.observation import Observation
from examples import (
    BY_HAND,
    CLIENT_ID,
    DUE_AT,
    MINUTE,
    NOW,
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
    observation,
    rival,
    rotation,
    sending,
    target,
)

REVOKE = "auth0rotator.dev/revoke"
GOING: dict[str, Any] = {"deletionTimestamp": "2026-11-23T09:29:00Z"}
SETTLING: dict[str, Any] = {"annotations": {"auth0rotator.dev/settle-doubt": "next"}}
ASKING: dict[str, Any] = {"annotations": {"auth0rotator.dev/rotate-now": "monday"}}
OTHER_CLIENT = {"parameters": {"clientId": "new-client"}}
WINNER = rival(holds=True, created_at=None)
NEWER = target(of=journal(current=credential(BY_HAND, sequence=9, rotation_id="01OTHER")))
LOST = journal(meta=meta(owner_uid=""))
MOVED = connection(domain="new.eu.auth0.com")

CONFLICTS: list[tuple[Rule, Rule, Observation]] = [
    # What cannot be read comes before all, for nothing else is known to be absent.
    (
        sending_rules.unreadable_journal_holds,
        sending_rules.outdated_journal_yields,
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
    # An open outcome, from the surest end to the next try.
    (
        sending_rules.outdated_journal_yields,
        sending_rules.sending_in_vain_is_abandoned,
        observation(
            rotation=rotation(**GOING), journal=sending(), target=NEWER, is_namespace_terminating=True
        ),
    ),
    (
        sending_rules.outdated_journal_yields,
        sending_rules.settled_doubt_ends,
        observation(rotation=rotation(**SETTLING), journal=sending(), target=NEWER),
    ),
    (
        sending_rules.outdated_journal_yields,
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
        observation(rotation=None, journal=sending()),
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
        observation(journal=sending(meta=meta(is_intact=False))),
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
    # A value that is there is taken before a new one is made.
    (
        value_rules.recorded_value_is_adopted,
        rotation_rules.first_rotation_creates,
        created(target=target()),
    ),
    (
        value_rules.recorded_value_is_adopted,
        value_rules.newer_target_is_adopted,
        observation(journal=journal(current=None), target=target()),
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
        value_rules.newer_target_is_adopted,
        observation(
            journal=journal(current=None), target=target(of=journal(current=credential(client_id="old")))
        ),
    ),
    (
        rotation_rules.first_rotation_creates,
        rotation_rules.new_token_rotates,
        observation(journal=journal(current=None), rotation=rotation(**ASKING)),
    ),
    # What is there is delivered before it is replaced.
    (
        value_rules.newer_target_is_adopted,
        value_rules.journal_is_kept_in_order,
        observation(journal=LOST, target=NEWER),
    ),
    (
        value_rules.newer_target_is_adopted,
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
    # Suspension stops every change at the tenant.
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
    (
        rotation_rules.suspended_holds,
        rotation_rules.unverified_value_is_probed,
        observation(rotation=rotation(spec={"suspend": True}), is_verification_done=False),
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
        rotation_rules.changed_domain_is_asked,
        rotation_rules.unverified_value_is_probed,
        observation(connection=MOVED, is_verification_done=False),
    ),
    (
        rotation_rules.new_token_rotates,
        rotation_rules.due_date_rotates,
        observation(rotation=rotation(**ASKING), now=DUE_AT),
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
    modules = (sending_rules, lifecycle_rules, value_rules, rotation_rules)
    public = {
        name
        for module in modules
        for name, rule in vars(module).items()
        if callable(rule)
        and not name.startswith("_")
        and getattr(rule, "__module__", "") == module.__name__
    }
    assert public - {"target_fault", "otherwise_hold"} == {spoken(rule) for rule in RULES}
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
            {"sending_goes_on", "conflict_holds", "recorded_value_is_adopted"}
            | {"first_rotation_creates", "newer_target_is_adopted"},
            id="a-sending-journal-without-a-value",
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
    {"isAutoRotationEnabled": False},
    {"rotationInterval": 1},
    {"initialRotation": "WhenDue"},
    {"deletion": {"revokeGeneratedCredentials": True, "deleteSecrets": True}},
    {"target": {"name": "elsewhere", "creationPolicy": "Merge"}},
    {"rotationTrigger": "tuesday"},
    OTHER_CLIENT,
    {"rotationInterval": 0},
]
METADATA: list[dict[str, Any]] = [{}, GOING, SETTLING, ASKING, {"finalizers": [REVOKE]}]
STATUSES: list[dict[str, Any]] = [{}, failed_status(), failed_status(nextRetryAt="2026-11-23T09:00:00Z")]
JOURNALS = [
    None,
    journal(),
    journal(next=intended()),
    journal(current=None, next=intended()),
    journal(late_until=NOW + MINUTE),
    journal(meta=meta(is_intact=False)),
    sending(),
    sending(current=None),
    sending(attempted_by="operator-2", attempted_at=NOW),
    sending(meta=meta(deleting_since=NOW - timedelta(hours=1))),
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
    connection(is_ready=False, reason=Reason.PENDING),
    MOVED,
    connection(client_id=CLIENT_ID),
    broken_connection(domain=""),
]
ATTEMPTS = [None, attempt(), attempt(again_at=NOW + MINUTE), attempt(accepted=intended())]

rotations = st.one_of(
    st.none(),
    st.builds(
        lambda spec, metadata, status: rotation(spec=spec, status=status, **metadata),
        st.sampled_from(SPECS),
        st.sampled_from(METADATA),
        st.sampled_from(STATUSES),
    ),
)
observations = st.builds(
    observation,
    rotation=rotations,
    journal=st.sampled_from(JOURNALS),
    target=st.sampled_from(TARGETS),
    connection=st.sampled_from(CONNECTIONS),
    attempt=st.sampled_from(ATTEMPTS),
    rivals=st.sampled_from([(), (rival(),), (WINNER,)]),
    journal_fault=st.sampled_from(["", "", "", "torn"]),
    is_namespace_terminating=st.booleans(),
    is_verification_done=st.booleans(),
    is_cut_short=st.booleans(),
)


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
        assert o.journal is None or not o.journal.is_sending
        assert o.journal is None or o.journal.late_until is None
        assert o.connection.is_ready
        assert o.connection.client_id != o.rotation.spec.parameters.client_id
        assert o.attempt is None or o.attempt.again_at <= o.now
        assert decision.trigger is not None
    else:
        assert decision.trigger is None or decision.is_failure


@settings(max_examples=300)
@given(o=observations)
def test_what_may_be_live_is_never_let_go_without_a_reason(o: Observation) -> None:
    decision = decide(o)
    is_sending = o.journal is not None and o.journal.is_sending
    if decision.action in {Action.CONTINUE, Action.SETTLE, Action.ABANDON}:
        assert is_sending
    if is_sending and not o.journal_fault:
        assert decision.action in {
            Action.CONTINUE,
            Action.SETTLE,
            Action.ABANDON,
            Action.ADOPT,
            Action.HOLD,
        }
    if o.journal_fault:
        assert decision.action is Action.HOLD


@settings(max_examples=300)
@given(o=observations)
def test_a_hold_is_always_told_and_ends_in_the_future(o: Observation) -> None:
    decision = decide(o)
    assert decision.message
    if decision.action is Action.HOLD:
        assert decision.until is None or decision.until > o.now
    else:
        assert decision.until is None
        assert not decision.is_stalled
        assert not decision.is_failure
