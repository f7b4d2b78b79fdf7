"""What to do next with one rotation: an ordered list of named rules, the first hit wins.

A rule looks at an `Observation` and returns a `Decision` (what to do, one reason word, one
sentence for the reader) or None. Rules are pure. A remote change needs a rule that asks for it;
whatever no rule claims is a hold.
"""

from typing import Final

from auth0_rotator.decision.comparison import newer_target_is_compared, outdated_journal_is_compared
from auth0_rotator.decision.consumers import consumers_are_restarted
from auth0_rotator.decision.lifecycle import (
    absent_rotation_is_awaited,
    conflict_holds,
    gone_is_finalized,
    guard_follows_spec,
    invalid_spec_holds,
    usurped_journal_holds,
)
from auth0_rotator.decision.model import Action, Decision, Rule
from auth0_rotator.decision.rotation import (
    changed_client_rotates,
    changed_domain_is_asked,
    due_date_rotates,
    first_rotation_creates,
    frozen_namespace_holds,
    immutable_journal_holds,
    new_token_rotates,
    next_value_is_announced,
    otherwise_hold,
    suspended_holds,
    unverified_value_is_probed,
)
from auth0_rotator.decision.sending import (
    accepted_value_is_delivered,
    open_journal_is_guarded,
    sending_goes_on,
    sending_in_vain_is_abandoned,
    settled_doubt_ends,
    unreadable_journal_holds,
)
from auth0_rotator.decision.value import (
    existing_value_is_adopted,
    journal_is_kept_in_order,
    plan_is_remembered,
    recorded_value_is_adopted,
    target_is_published,
)
from auth0_rotator.observation import Observation

__all__ = ["RULES", "Action", "Decision", "Rule", "decide"]

RULES: Final[tuple[Rule, ...]] = (
    unreadable_journal_holds,
    # An open outcome comes before everything else, windows, suspension and deletion included.
    accepted_value_is_delivered,
    # Before anything that could delete it.
    open_journal_is_guarded,
    sending_in_vain_is_abandoned,
    settled_doubt_ends,
    # Neither a deletion nor a person's word waits for what the tenant says of a newer target.
    outdated_journal_is_compared,
    sending_goes_on,
    # Whoever goes needs no valid spec; whoever has none can be told nothing else.
    absent_rotation_is_awaited,
    gone_is_finalized,
    invalid_spec_holds,
    guard_follows_spec,
    conflict_holds,
    usurped_journal_holds,
    # A value that is there is taken before a new one is made: re-creation and restore rotate nothing.
    recorded_value_is_adopted,
    existing_value_is_adopted,
    first_rotation_creates,
    # What is there is delivered before it is replaced, also while suspended.
    journal_is_kept_in_order,
    newer_target_is_compared,
    target_is_published,
    plan_is_remembered,
    # Who uses a dead value is served before anything else changes, also while suspended.
    consumers_are_restarted,
    # From here on it is about changes at the tenant, and suspension stops them all.
    suspended_holds,
    frozen_namespace_holds,
    changed_client_rotates,
    changed_domain_is_asked,
    new_token_rotates,
    next_value_is_announced,
    due_date_rotates,
    unverified_value_is_probed,
    immutable_journal_holds,
)


def decide(observation: Observation) -> Decision:
    """Return what to do: the answer of the first rule that has one, else a hold."""
    for rule in RULES:
        decision = rule(observation)
        if decision is not None:
            return decision
    return otherwise_hold(observation)
