"""What must hold in every state, and once everything is quiet. A law that is broken says so in words."""

from dataclasses import replace

from auth0_rotator.credential import ClientSecret
from auth0_rotator.record import token_of_annotation
from exploration.state import LATEST_EFFECT, Request, Shown, State, Tenant

# The next rotation waits for so long after one with a lost answer, in seconds.
WAITED_OUT = 300


class BrokenLawError(Exception):
    """A state that must never be."""


def cause_of(state: State, secret: ClientSecret) -> str:
    """Return what asked for a value that is about to be sent: the journal has it, and says why.

    What is live already is no change, whoever has it.

    Raises:
        BrokenLawError: there would be no durable copy of it.
    """
    if secret == state.tenant.live:
        return next((cause for cause, taken in state.past.changes if taken == secret), "")
    journal = state.journal.journal if state.journal is not None else None
    stored = [journal.next, journal.current] if journal is not None else []
    for credential in stored:
        if credential is not None and credential.secret == secret:
            record = credential.record
            return record.handled[-1] if record.trigger.value == "manual" else record.trigger.value
    message = f"{secret.reveal()} is sent, and the journal does not hold it"
    raise BrokenLawError(message)


def taken(state: State, request: Request) -> State:
    """Return the state after the tenant has taken the value of a request.

    Raises:
        BrokenLawError: it is a second value for one cause; or it comes from a request that a newer
            rotation should have waited out.
    """
    secret, tenant, past = request.secret, state.tenant, state.past
    for cause, other in past.changes:
        if cause == request.cause and other != secret:
            message = f"the tenant took {other.reveal()} and {secret.reveal()} for one cause"
            raise BrokenLawError(message)
    age, newest = state.at - request.sent_at, max(map(number_of, past.was_live))
    if secret != tenant.live and number_of(secret) < newest and age < WAITED_OUT:
        message = f"{secret.reveal()}, sent {age} s ago, undid a newer rotation"
        raise BrokenLawError(message)
    if not age:
        _check_announced(state, secret)
    if secret != tenant.live:
        tenant = Tenant(secret, former=tenant.live, changed_at=state.at)
    past = replace(
        past,
        was_live=past.was_live | {secret},
        changes=past.changes | {(request.cause, secret)},
    )
    return replace(state, tenant=tenant, past=past, in_flight=state.in_flight - {request})


def _check_announced(state: State, secret: ClientSecret) -> None:
    """Whoever tries what the target shows, and what it announces, never fails."""
    shown = state.target
    if shown is None or shown.announced is None or shown.announced in state.past.refused:
        return
    if secret not in {shown.credential.secret, shown.announced}:
        message = f"the tenant took {secret.reveal()}, and {shown.announced.reveal()} was announced"
        raise BrokenLawError(message)


def number_of(secret: ClientSecret) -> int:
    """Return the place of a value among those that were chosen; 0 for what was there before."""
    _, _, number = secret.reveal().partition("-")
    return int(number)


def check_shown(state: State, shown: Shown) -> None:
    """The target never shows a value that never worked."""
    secret = shown.credential.secret
    if secret not in state.past.was_live:
        message = f"the target shows {secret.reveal()}, which never was live"
        raise BrokenLawError(message)
    if state.journal is None or shown.announced is None:
        return
    if shown.announced not in state.journal.values():
        message = f"the target announces {shown.announced.reveal()}, and the journal does not hold it"
        raise BrokenLawError(message)


def check_kept(state: State) -> None:
    """The value that works, or may yet come to work, is held by the cluster."""
    held = state.journal.values() if state.journal is not None else set()
    if state.target is not None:
        held.add(state.target.credential.secret)
    may_work = {state.tenant.live} | {request.secret for request in state.in_flight}
    lost = [one for one in may_work & state.past.was_live - held if number_of(one)]
    if lost and not state.past.is_abandoned:
        message = f"{lost[0].reveal()} may be live, and nobody has it"
        raise BrokenLawError(message)


def check_rest(state: State) -> None:
    """At rest the target shows what the tenant holds, and nothing is left to do."""
    if state.past.is_abandoned:
        return
    shown = state.target.credential.secret if state.target is not None else None
    if shown != state.tenant.live:
        found = shown.reveal() if shown is not None else "nothing"
        message = f"at rest the tenant holds {state.tenant.live.reveal()}, and the target {found}"
        raise BrokenLawError(message)
    if state.ask.is_gone:
        if state.journal is not None:
            message = "at rest there is a journal without a rotation"
            raise BrokenLawError(message)
        return
    journal = state.journal.journal if state.journal is not None else None
    if journal is None or journal.is_sending or journal.current is None:
        message = "at rest the journal is not idle"
        raise BrokenLawError(message)
    if journal.current.secret != state.tenant.live:
        message = "at rest the journal holds another value than the tenant"
        raise BrokenLawError(message)
    announced = state.target.announced if state.target is not None else None
    if announced != journal.announced_secret or (announced is None) is state.ask.is_staged:
        message = "at rest the next value is not announced as it should be"
        raise BrokenLawError(message)
    if state.ask.token and token_of_annotation(state.ask.token) not in journal.handled:
        message = f"at rest nobody has followed the token {state.ask.token}"
        raise BrokenLawError(message)


def expired(state: State) -> State:
    """Return the state without the requests that cannot take effect any more."""
    alive = {one for one in state.in_flight if state.at - one.sent_at <= LATEST_EFFECT}
    return state if alive == state.in_flight else replace(state, in_flight=frozenset(alive))
