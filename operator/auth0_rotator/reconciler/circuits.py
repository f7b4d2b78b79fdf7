"""The circuit of each connection: open after too many failures in a row, until somebody has looked.

What it knows stands in the connection's status, so that a restart neither closes nor opens it.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from auth0_rotator.cluster import Objects
from auth0_rotator.conditions import ConditionType
from auth0_rotator.reconciler.verdict import Circuit, circuit_condition, identity_of
from auth0_rotator.subject import ConnectionKey, reset_token
from auth0_rotator.versions import Body

logger = logging.getLogger(__name__)


class Circuits:
    """The circuits of all connections."""

    def __init__(self, objects: Objects, clock: Callable[[], datetime], namespace: str) -> None:
        """Know of none yet. Events about cluster connections are posted in `namespace`."""
        self._objects = objects
        self._clock = clock
        self._namespace = namespace
        self._circuits: dict[ConnectionKey, tuple[str, Circuit]] = {}

    def of(self, key: ConnectionKey, body: Body) -> Circuit:
        """Return the circuit of a connection, by what its status says where this process knows none."""
        uid = body["metadata"]["uid"]
        if key not in self._circuits or self._circuits[key][0] != uid:
            self._circuits[key] = uid, told_circuit(body)
        return self._circuits[key][1]

    async def put(self, key: ConnectionKey, body: Body, circuit: Circuit) -> None:
        """Keep a circuit; tell of it where it was opened or closed."""
        before = self.of(key, body)
        self._circuits[key] = body["metadata"]["uid"], circuit
        if before.is_open != circuit.is_open:
            await self._tell(key, body, circuit)

    async def reset(self, key: ConnectionKey, body: Body) -> bool:
        """Follow a person's word, if there is a new one; return whether that closed the circuit."""
        before = self.of(key, body)
        await self.put(key, body, before.after_reset(reset_token(body)))
        return before.is_open and not self.of(key, body).is_open

    def forget(self, key: ConnectionKey) -> None:
        """Drop what is known of a connection that is gone."""
        self._circuits.pop(key, None)

    async def _tell(self, key: ConnectionKey, body: Body, circuit: Circuit) -> None:
        """Post an Event."""
        condition = circuit_condition(circuit)
        told = {"key": str(key), "reason": condition.reason.value, "cause": condition.message}
        logger.warning("the circuit of a connection changed", extra=told)
        await self._objects.post_event(
            key.kind,
            identity_of(body),
            reason=condition.reason,
            message=condition.message,
            is_warning=circuit.is_open,
            now=self._clock(),
            namespace=key.namespace or self._namespace,
        )


def told_circuit(body: Body) -> Circuit:
    """Return the circuit of a connection by what its status says."""
    status: Mapping[str, Any] = body.get("status") or {}
    conditions = status.get("conditions") or ()
    is_open = any(
        one.get("type") == ConditionType.CIRCUIT_OPEN and one.get("status") == "True"
        for one in conditions
    )
    # A word that is there when nothing was told yet asks for nothing: there is nothing to reset.
    told = status.get("lastHandledResetCircuit")
    handled = told if told is not None else "" if is_open else reset_token(body)
    return Circuit(status.get("failuresInARow") or 0, is_open, handled)
