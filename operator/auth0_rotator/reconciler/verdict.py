"""What the check of a connection came to, and how its status tells of it."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from auth0_rotator.conditions import (
    Condition,
    ConditionStatus,
    ConditionType,
    Reason,
    merge_conditions,
    timestamp,
)
from auth0_rotator.versions import Body


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the last check of a connection came to."""

    is_ready: bool
    reason: Reason
    message: str
    scopes: frozenset[str] = frozenset()
    is_stalled: bool = False
    """Whether only a person can make it ready. A Secret that is missing may yet come by itself."""
    of: tuple[str, int] = ("", 0)
    """The uid and generation of the connection that was checked."""


UNCHECKED: Final = Verdict(
    is_ready=False, reason=Reason.PENDING, message="the connection was not checked yet"
)


@dataclass(frozen=True, slots=True)
class Circuit:
    """How rotations over one connection have ended lately."""

    failures: int = 0
    """Failed and unverified ones since the last good one."""
    is_open: bool = False
    handled_reset: str = ""
    """The last word to reset it that was followed."""

    def after_failure(self, most: int) -> "Circuit":
        """Return it after one more, where `most` of them in a row open it."""
        failures = self.failures + 1
        return replace(self, failures=failures, is_open=self.is_open or failures >= most)

    def after_success(self, *, is_manual: bool) -> "Circuit":
        """Return it after a good one: of an open circuit only a manual one is believed."""
        if self.is_open and not is_manual:
            return self
        return replace(self, failures=0, is_open=False)

    def after_reset(self, token: str) -> "Circuit":
        """Return it after a person's word, which is good once."""
        return self if token in {"", self.handled_reset} else Circuit(handled_reset=token)


def identity_of(body: Body) -> dict[str, str]:
    """Return name, namespace and uid of an object, as far as it has them."""
    metadata = body["metadata"]
    return {name: metadata[name] for name in ("name", "namespace", "uid") if name in metadata}


def connection_status(
    body: Body, verdict: Verdict, circuit: Circuit | None, now: datetime
) -> dict[str, Any]:
    """Return the whole status of a connection; `circuit` is None where its governor watches none."""
    generation = body["metadata"].get("generation", 0)
    status = ConditionStatus.TRUE if verdict.is_ready else ConditionStatus.FALSE
    conditions = [Condition(ConditionType.READY, status, verdict.reason, verdict.message)]
    written: dict[str, Any] = {
        "observedGeneration": generation,
        "grantedScopes": sorted(verdict.scopes),
        "lastCheckedAt": timestamp(now),
    }
    if circuit is not None:
        conditions.append(circuit_condition(circuit))
        written["failuresInARow"] = circuit.failures
        written["lastHandledResetCircuit"] = circuit.handled_reset
    past = (body.get("status") or {}).get("conditions") or ()
    merged = merge_conditions(past, conditions, generation=generation, now=now)
    return {**written, "conditions": merged}


def circuit_condition(circuit: Circuit) -> Condition:
    """Return what is told of a circuit."""
    if circuit.is_open:
        message = (
            f"{circuit.failures} rotations in a row failed or could not be verified: no automatic one "
            "begins until a manual one succeeds, or the annotation auth0rotator.dev/reset-circuit gets "
            "a new value"
        )
        return Condition(ConditionType.CIRCUIT_OPEN, ConditionStatus.TRUE, Reason.CIRCUIT_OPEN, message)
    message = f"{circuit.failures} rotations in a row failed or could not be verified"
    return Condition(ConditionType.CIRCUIT_OPEN, ConditionStatus.FALSE, Reason.CIRCUIT_CLOSED, message)
