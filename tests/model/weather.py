"""What can go wrong at the tenant, and on the way to it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from auth0_simulator import Fault, Moment, Operation, Simulator
from harness.kube import Kube
from harness.manifests import connection, credentials
from harness.story import refusal
from model.tenant import WatchedTenant

_MANY: Final = 20
_PAGE: Final = "<html>at your service</html>"
_LIMITED: Final = {"Retry-After": "7"}


def governed(simulator: Simulator) -> dict[str, Any]:
    """Return the connection: what is due at once over it comes one after the other."""
    return connection(simulator, governor={"minSpacing": "1m"})


class Weather:
    """The tenant's troubles, of which each has a sentence."""

    def __init__(self, simulator: Simulator, tenant: WatchedTenant, kube: Kube) -> None:
        """Begin with none."""
        self._simulator = simulator
        self._tenant = tenant
        self._kube = kube
        self.is_down = False
        self.is_bad = False
        """Whether something lasts until it is ended."""

    async def strike(self, sentence: str) -> None:
        """Let the trouble of this sentence come."""
        if sentence in PASSING:
            PASSING[sentence](self._tenant)
        else:
            self.is_bad = True
            await LASTING[sentence](self)

    async def clear(self) -> None:
        """Let everything be well again."""
        self._tenant.faults.clear()
        self._tenant.with_scopes("read:clients", "update:client_keys")
        self._tenant.is_slow = False
        if self.is_down:
            await self._simulator.start()
        self.is_down = self.is_bad = False
        await self._kube.apply(credentials(self._tenant), governed(self._simulator))

    async def go_down(self) -> None:
        """Refuse connections."""
        if not self.is_down:
            await self._simulator.stop()
        self.is_down = True

    async def lose_scope(self) -> None:
        """Have nobody's token allow a change any more."""
        self._tenant.without_scope("update:client_keys")
        self._tenant.expire_tokens()

    async def slow_down(self) -> None:
        """Let changes spread slowly."""
        self._tenant.is_slow = True

    async def lose_credentials(self) -> None:
        """Delete the operator's credentials."""
        await self._kube.delete("Secret", "auth0-management")
        self._tenant.expire_tokens()

    async def lose_connection(self) -> None:
        """Delete the connection."""
        await self._kube.delete("Auth0Connection", "acme")


def _late(tenant: WatchedTenant, seconds: float) -> None:
    fault = Fault(Operation.PATCH, Moment.BEFORE, is_lost=True, effect_after=seconds)
    tenant.faults.add(fault)


# The commonest first: a shorter story is one with these.
PASSING: Final[Mapping[str, Callable[[WatchedTenant], None]]] = {
    "lose the next answer": lambda tenant: tenant.lose_answer(),
    "lose the next change": lambda tenant: tenant.lose_request(),
    "the next change fails with 503 and is made": lambda tenant: tenant.answer(
        503, {}, moment=Moment.AFTER
    ),
    "the next change fails with 503": lambda tenant: tenant.answer(503, {}),
    "the next three changes fail with 500": lambda tenant: tenant.answer(500, {}, times=3),
    "the next change is answered with 429": lambda tenant: tenant.answer(
        429, refusal(429, "slow down"), headers=_LIMITED
    ),
    "changes are answered with 429 for a while": lambda tenant: tenant.answer(
        429, refusal(429, "slow down"), headers=_LIMITED, times=_MANY
    ),
    "the next change is refused with 403": lambda tenant: tenant.answer(403, refusal(403, "no")),
    "changes are refused with 403 for a while": lambda tenant: tenant.answer(
        403, refusal(403, "no"), times=_MANY
    ),
    "a page answers the next change": lambda tenant: tenant.answer(200, text=_PAGE),
    "a page answers the next change, which is made": lambda tenant: tenant.answer(
        200, text=_PAGE, moment=Moment.AFTER
    ),
    "the next change is lost and lands after 40 s": lambda tenant: _late(tenant, 40),
    "the next change is lost and lands after 4 minutes": lambda tenant: _late(tenant, 240),
    "logins fail with 503 for a while": lambda tenant: tenant.answer(
        503, {}, operation=Operation.PROBE, times=_MANY
    ),
    "the next login's answer is lost": lambda tenant: tenant.lose_answer(Operation.PROBE),
    "a page answers logins for a while": lambda tenant: tenant.answer(
        403, text=_PAGE, operation=Operation.PROBE, times=_MANY
    ),
    "the operator's token expires": lambda tenant: tenant.expire_tokens(),
    "the operator gets no token, three times": lambda tenant: _no_token(tenant, 503),
    "the operator's login is refused, three times": lambda tenant: _no_token(tenant, 401),
    "the next look at a client fails": lambda tenant: tenant.answer(503, {}, operation=Operation.READ),
    "the next revocation is lost": lambda tenant: tenant.lose_request(Operation.ROTATE),
    "the next revocation's answer is lost": lambda tenant: tenant.lose_answer(Operation.ROTATE),
    "revocations fail with 500 for a while": lambda tenant: tenant.answer(
        500, {}, operation=Operation.ROTATE, times=_MANY
    ),
}
LASTING: Final[Mapping[str, Callable[[Weather], Awaitable[None]]]] = {
    "changes spread slowly from now on": Weather.slow_down,
    "the tenant goes down": Weather.go_down,
    "the scope is taken away": Weather.lose_scope,
    "the operator's credentials are deleted": Weather.lose_credentials,
    "the connection is deleted": Weather.lose_connection,
}


def _no_token(tenant: WatchedTenant, status: int) -> None:
    body = {"error": "access_denied", "error_description": "Unauthorized"}
    tenant.answer(status, body, operation=Operation.TOKEN, times=3)
    tenant.expire_tokens()
