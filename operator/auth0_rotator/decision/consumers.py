"""When the consumers of a value are looked after: it never touches the rotation itself."""

from datetime import timedelta
from typing import Final

from auth0_rotator.conditions import Reason
from auth0_rotator.decision.model import Action, Decision
from auth0_rotator.observation import Observation
from auth0_rotator.schedule import is_ahead

# What is in the way of a restart is looked at again this often at least.
LONGEST_PAUSE: Final = timedelta(minutes=5)


def consumers_are_restarted(o: Observation) -> Decision | None:
    """Whoever reads the target at its start only is restarted once for each rotation."""
    if o.rotation is None or o.rotation.spec is None or o.journal is None or o.journal.current is None:
        return None
    if not o.rotation.spec.to_restart or o.is_rolled_out:
        return None
    if is_ahead(o.roll_out_at, o.now, at_most=LONGEST_PAUSE):
        return None
    return Decision(
        Action.ROLL_OUT, Reason.ROLLING_OUT, "seeing to the consumers of the delivered value"
    )
