"""What a decision is."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from auth0_rotator.conditions import Reason
from auth0_rotator.observation import Observation
from auth0_rotator.record import Trigger


class Action(StrEnum):
    """What a pass can do."""

    HOLD = "hold"
    """Nothing, until `until` or the next event."""
    CONTINUE = "continue"
    """Go on with a value that may have been sent."""
    SETTLE = "settle"
    """End a doubt by a person's word."""
    ABANDON = "abandon"
    """Let go of a journal whose outcome nobody will tell."""
    FINALIZE = "finalize"
    """Do what a deleted rotation asks for, then let it go."""
    GUARD = "guard"
    """Set or remove the finalizer that a revocation needs."""
    ADOPT = "adopt"
    """Take the target's value and record into the journal."""
    COMPARE = "compare"
    """Ask the tenant which of two values is the live one, the target's or the journal's."""
    ADOPT_VALUE = "adopt-value"
    """Take a value without record from a Secret that somebody else made."""
    RESTORE_JOURNAL = "restore-journal"
    """Write the journal's label and owner again."""
    PUBLISH = "publish"
    """Write the target from the journal."""
    REMEMBER_PLAN = "remember-plan"
    """Keep what the spec wants now, and let go of the Secret that was the target before."""
    ANNOUNCE = "announce"
    """Choose the next value, to be published ahead of its change."""
    ROTATE = "rotate"
    """Change the client secret at the tenant."""
    MOVE = "move"
    """Ask another domain's tenant whether it knows the current value."""
    INSPECT = "inspect"
    """See whether the consumers can be restarted, before a rotation begins."""
    ROLL_OUT = "roll-out"
    """Restart the consumers of the current value, and see whether they run on it."""
    VERIFY = "verify"
    """Ask the tenant whether it accepts the current value."""
    PROBE = "probe"
    """Ask the tenant whether it still accepts it. A hold that is used: what it says of why nothing else
    is done goes on to hold."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, why, and, for a hold, until when at the latest."""

    action: Action
    reason: Reason
    message: str
    trigger: Trigger | None = None
    until: datetime | None = None
    is_stalled: bool = False
    """Whether only a person can end it."""
    is_failure: bool = False
    """Whether a wanted rotation could not be done: rotationStatus becomes failed."""


Rule = Callable[[Observation], Decision | None]


def hold(reason: Reason, message: str, until: datetime | None = None) -> Decision:
    """Return a hold that ends by itself."""
    return Decision(Action.HOLD, reason, message, until=until)


def stall(reason: Reason, message: str, until: datetime | None = None) -> Decision:
    """Return a hold that a person must end."""
    return Decision(Action.HOLD, reason, message, until=until, is_stalled=True)


def fail(reason: Reason, message: str, *, trigger: Trigger, is_stalled: bool) -> Decision:
    """Return a hold instead of a rotation that was wanted."""
    return Decision(
        Action.HOLD, reason, message, trigger=trigger, is_stalled=is_stalled, is_failure=True
    )
