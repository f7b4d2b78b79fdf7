"""The effects that an operator can die at: what the table calls them, and what tells their requests."""

from dataclasses import dataclass
from typing import Final

from auth0_simulator import Moment, Operation, Tenant
from auth0_simulator.faults import Gate
from harness.proxy import Effect, Proxy


@dataclass(frozen=True, slots=True)
class Held:
    """One external effect, as the table calls it, and what tells its request from others."""

    name: str
    effect: Effect | Operation
    following: tuple[Effect, ...] = ()

    def hold(self, proxy: Proxy, tenant: Tenant, moment: Moment) -> Gate:
        """Hold the request, at the proxy or at the tenant."""
        if isinstance(self.effect, Operation):
            return tenant.hold(self.effect, moment)
        return proxy.hold(self.effect, moment, following=self.following)


_COMMITTED: Final = (Effect.JOURNAL_COMMIT,)
_TOLD: Final = (Effect.JOURNAL_COMMIT, Effect.STATUS, Effect.EVENT)

REHEARSAL: Final = Held("dry run of the target", Effect.TARGET_DRY_RUN)
BEGIN: Final = Held("journal: sending", Effect.JOURNAL_BEGIN)
COUNT: Final = Held("journal: one more attempt", Effect.JOURNAL_COUNT)
DOUBT: Final = Held("probe of the value that may be live", Operation.PROBE)
SEND: Final = Held("the change at the tenant", Operation.PATCH)
CHOOSE: Final = Held("journal: another value", Effect.JOURNAL_CHOOSE)
PARK: Final = Held("journal: idle, the value parked", Effect.JOURNAL_PARK)
DELIVER: Final = Held("target", Effect.TARGET_APPLY)
COMMIT: Final = Held("journal: committed", Effect.JOURNAL_COMMIT)
STATUS: Final = Held("status", Effect.STATUS, _COMMITTED)
EVENT: Final = Held("Event", Effect.EVENT, _COMMITTED)
PROBE: Final = Held("probe of the delivered value", Operation.PROBE)
VERDICT: Final = Held("status: verified", Effect.STATUS, _TOLD)
VERDICT_EVENT: Final = Held("Event: verified", Effect.EVENT, (*_TOLD, Effect.STATUS))
GUARD: Final = Held("rotation: finalizer set", Effect.ROTATION_PATCH)
UNGUARD: Final = Held("rotation: finalizer removed", Effect.ROTATION_PATCH)
FORGET_WORD: Final = Held("rotation: annotation removed", Effect.ROTATION_PATCH)
RELEASE: Final = Held("former target: our marks removed", Effect.TARGET_RELEASE)
DELETE_TARGET: Final = Held("former target: deleted", Effect.TARGET_DELETE)
WITHDRAW: Final = Held("target: our keys withdrawn", Effect.TARGET_RELEASE)
DISOWN: Final = Held("target: our marks removed", Effect.TARGET_RELEASE)
ANNOUNCE: Final = Held("journal: the next value", Effect.JOURNAL_ANNOUNCE)
ANNOUNCED: Final = Held("target: the next value", Effect.TARGET_APPLY)
REPLAN: Final = Held("journal: another plan", Effect.JOURNAL_UPDATE)
ADOPT: Final = Held("journal: adopted", Effect.JOURNAL_UPDATE)
READ: Final = Held("the value read at the tenant", Operation.READ)
LET_GO: Final = Held("journal: let go as it is", Effect.JOURNAL_PARK)
DELETE_JOURNAL: Final = Held("journal: deleted", Effect.JOURNAL_DELETE)
PUBLISHED: Final = Held("Event", Effect.EVENT, (Effect.TARGET_APPLY,))
PUBLISHED_STATUS: Final = Held("status", Effect.STATUS, (Effect.TARGET_APPLY,))
REVOKE: Final = Held("the revocation at the tenant", Operation.ROTATE)
REVOKED: Final = Held("Event", Effect.EVENT, (Effect.TARGET_RELEASE,))
LAST_WORD: Final = Held("Event", Effect.EVENT, (Effect.JOURNAL_DELETE,))
