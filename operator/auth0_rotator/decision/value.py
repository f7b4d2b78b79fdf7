"""Rules about the value that is there: adopt it, publish it, keep its surroundings in order."""

from datetime import timedelta
from typing import Final

from auth0_rotator.conditions import Reason
from auth0_rotator.decision.model import Action, Decision, stall
from auth0_rotator.decision.wants import is_announced, own_record
from auth0_rotator.journal import Plan
from auth0_rotator.observation import Observation, given
from auth0_rotator.record import CommitRecord
from auth0_rotator.resource import CreationPolicy, InitialRotation
from auth0_rotator.target import (
    DEFAULT_TYPE,
    Difference,
    Target,
    compare,
    field_manager,
    left_fields,
    project,
)

# After so many repairs within the window, somebody is undoing them.
CONTESTED_REPAIRS: Final = 5
CONTESTED_WINDOW: Final = timedelta(minutes=10)
# What can be wrong with the Secret itself.
TARGET_FAULTS: Final = frozenset(
    {
        Reason.TARGET_FOREIGN,
        Reason.TARGET_IMMUTABLE,
        Reason.TARGET_TYPE_DIFFERS,
        Reason.TARGET_CONTESTED,
    }
)


def recorded_value_is_adopted(o: Observation) -> Decision | None:
    """A target that carries a commit record for this client needs no rotation, only a journal."""
    if _has_value(o) or o.rotation is None or o.rotation.spec is None or o.target is None:
        return None
    record = o.target.record
    if record is None or record.client_id != o.rotation.spec.parameters.client_id:
        return None
    message = f"the target holds rotation {record.sequence} of this client"
    if o.target.recorded_secret is None:
        message = (
            f"{message}, but its value is gone from the key that the record names; put it back, or "
            "delete the Secret to have the client rotated anew"
        )
        return stall(Reason.ADOPTION_UNCLEAR, message)
    return Decision(Action.ADOPT, Reason.ADOPTED, message)


def existing_value_is_adopted(o: Observation) -> Decision | None:
    """With WhenDue, a value that somebody put into the target counts as rotated now."""
    if _has_value(o) or o.rotation is None or o.rotation.spec is None or o.target is None:
        return None
    spec = o.rotation.spec
    if spec.initial_rotation is not InitialRotation.WHEN_DUE or o.target.record is not None:
        return None
    mapping, client_id = spec.secrets_mapping, spec.parameters.client_id
    if o.target.data.get(mapping.client_secret) is None:
        return None
    name = given(o.plan).target_name
    if o.target.controller:
        return stall(Reason.TARGET_FOREIGN, _foreign_message(o.target, name))
    stated = o.target.data.get(mapping.client_id)
    if stated is not None and stated.reveal().strip() != client_id:
        message = (
            f"the Secret {name} holds another client's id under {mapping.client_id}; "
            "correct it, or choose another target.name"
        )
        return stall(Reason.TARGET_FOREIGN, message)
    if not o.connection.domain:
        return stall(o.connection.reason, o.connection.message)
    return Decision(Action.ADOPT_VALUE, Reason.ADOPTED, "the value that was there is kept")


def journal_is_kept_in_order(o: Observation) -> Decision | None:
    """A journal without its label is not watched; one without its owner is not collected. One with
    our finalizer while nothing is open would never go."""
    meta = o.journal.meta if o.journal is not None else None
    if meta is None or o.rotation is None:
        return None
    is_owned = meta.owner_uid == o.rotation.uid or meta.deleting_since is not None
    if meta.is_intact and is_owned:
        return None
    message = "the journal's label, owner or finalizer was changed"
    return Decision(Action.RESTORE_JOURNAL, Reason.DRIFT_REPAIRED, message)


def target_is_published(o: Observation) -> Decision | None:
    """A target that is missing or differs is written from the journal."""
    if o.journal is None or o.journal.current is None or o.plan is None:
        return None
    projection = project(o.journal, o.plan, o.key.namespace)
    difference = compare(projection, o.target)
    is_clean = o.target is None or not left_fields(projection, o.target, o.left_by)
    if difference is Difference.NONE and is_clean:
        return None
    fault = target_fault(o)
    if fault is not None:
        return fault
    reason, message = _why_it_differs(o, o.plan.target_name, difference)
    return Decision(Action.PUBLISH, reason, message)


def _why_it_differs(o: Observation, name: str, difference: Difference) -> tuple[Reason, str]:
    """Return the reason and the sentence for a write of the target: not every one is a repair."""
    if difference is Difference.MISSING:
        return Reason.PUBLISHED, f"the Secret {name} was missing"
    if o.journal is not None and o.journal.plan != o.plan:
        return Reason.PUBLISHED, f"the Secret {name} follows the spec that was changed"
    if difference is Difference.SHAPE and _is_announcement(o):
        return Reason.ANNOUNCED, f"the next value is announced in the Secret {name}"
    if difference is Difference.SECRET and _is_behind_adoption(o):
        return Reason.PUBLISHED, f"the Secret {name} held the value from before the adopted one"
    if o.target is not None and field_manager(o.key.name) not in o.target.fields:
        return Reason.PUBLISHED, f"the Secret {name} did not say yet where its value comes from"
    what = "value" if difference is Difference.SECRET else "keys, labels or annotations"
    return Reason.DRIFT_REPAIRED, f"the Secret {name} had other {what} than the journal"


def _is_behind_adoption(o: Observation) -> bool:
    """Return whether the target shows an earlier rotation than the one whose value was adopted."""
    shown, record = own_record(o), o.record
    is_older = shown is not None and record is not None and shown.sequence < record.sequence
    return is_older and not given(record).is_generated


def _is_announcement(o: Observation) -> bool:
    """Return whether the target holds the current value where the next one is to stand."""
    if not is_announced(o) or o.target is None:
        return False
    key, current = given(o.plan).secrets_mapping.next_client_secret, given(given(o.journal).current)
    return o.target.holds(given(key), current.secret)


def plan_is_remembered(o: Observation) -> Decision | None:
    """The journal knows what the spec wants, to finish without it. Where target.name changed, the Secret
    under the old name is let go, after the new one stands."""
    if o.journal is None or o.journal.current is None or o.plan is None or o.journal.plan == o.plan:
        return None
    message = "the spec was changed"
    if o.journal.plan is not None and o.journal.plan.target_name != o.plan.target_name:
        message = f"the target is {o.plan.target_name} now, no longer {o.journal.plan.target_name}"
    return Decision(Action.REMEMBER_PLAN, Reason.TARGET_RELEASED, message)


def journal_fault(o: Observation) -> Decision | None:
    """Return the hold for a journal that cannot take a new value: none is chosen then, and none sent."""
    if o.journal is None or not o.journal.is_immutable:
        return None
    return stall(Reason.JOURNAL_IMMUTABLE, immutable_message(o.key.name))


def immutable_message(rotation: str) -> str:
    """Return what is told of a journal that somebody made immutable."""
    return (
        f"the journal {rotation}.journal was made immutable, so that no new value can be stored in it; "
        "delete it, and the value that the target holds is adopted without a rotation"
    )


def target_fault(o: Observation) -> Decision | None:
    """Return the hold for a Secret that must not or cannot be written; None where it can be."""
    target, plan = o.target, o.plan
    if target is None or plan is None:
        return None
    name, is_ours_alone = plan.target_name, plan.target.creation_policy is CreationPolicy.CREATE
    if target.controller or (is_ours_alone and _is_foreign(o, target, plan)):
        return stall(Reason.TARGET_FOREIGN, _foreign_message(target, name))
    if is_ours_alone and target.record is not None and _is_only_copy(o, target, target.record):
        message = (
            f"the Secret {name} holds the value of another client, {target.record.client_id}, which no "
            "rotation has elsewhere; delete it if nobody needs that value, or choose another target.name"
        )
        return stall(Reason.TARGET_FOREIGN, message)
    if target.is_immutable:
        message = f"the Secret {name} is immutable; delete it, and it is written anew without rotation"
        return stall(Reason.TARGET_IMMUTABLE, message)
    wanted = plan.target.template.type if plan.target.template is not None else DEFAULT_TYPE
    if is_ours_alone and target.type != wanted:
        message = (
            f"the Secret {name} is of type {target.type}, not {wanted}; delete it, and it is "
            "written anew without rotation"
        )
        return stall(Reason.TARGET_TYPE_DIFFERS, message)
    since = o.now - CONTESTED_WINDOW
    lately = [repair for repair in o.repairs if since < repair <= o.now]
    if len(lately) >= CONTESTED_REPAIRS:
        who = f"the field manager {o.contender}" if o.contender else "somebody"
        message = (
            f"{who} undoes every repair of the Secret {name}; stop it from writing there, or choose "
            "another target.name"
        )
        return stall(Reason.TARGET_CONTESTED, message, min(lately) + CONTESTED_WINDOW)
    return None


def _has_value(o: Observation) -> bool:
    return o.journal is not None and o.journal.current is not None


def _is_foreign(o: Observation, target: Target, plan: Plan) -> bool:
    """Return whether somebody else made the Secret: no record of ours stands, and no field is ours."""
    if target.record is not None or _is_left(o, target):
        return False
    # A value that is the journal's own was adopted from there.
    current = o.journal.current if o.journal is not None else None
    key = plan.secrets_mapping.client_secret
    is_adopted = current is not None and target.holds(key, current.secret)
    return not is_adopted and field_manager(o.key.name) not in target.fields


def _is_left(o: Observation, target: Target) -> bool:
    """Return whether all that stands in the Secret was left there by rotations that moved on."""
    held = [target.fields[field_manager(name)] for name in o.left_by]
    keys = {f"data/{key}" for key in target.data}
    return bool(held) and keys <= frozenset[str]().union(*held)


def _is_only_copy(o: Observation, target: Target, record: CommitRecord) -> bool:
    """Return whether a kept value would be lost: one of another client than this rotation ever had."""
    is_own = target.rotation == o.key.name and _has_value(o)
    if is_own or target.rotation in o.left_by or target.recorded_secret is None:
        return False
    spec = o.rotation.spec if o.rotation is not None else None
    current = o.journal.current if o.journal is not None else None
    is_current = current is not None and current.record.client_id == record.client_id
    return not is_current and (spec is None or spec.parameters.client_id != record.client_id)


def _foreign_message(target: Target, name: str) -> str:
    who = f"belongs to {target.controller}" if target.controller else "was made by somebody else"
    return f"the Secret {name} {who}; delete it, choose another target.name, or use creationPolicy Merge"
