"""The restart gate: whether the consumers can do without pods right now, asked before a rotation."""

from datetime import timedelta
from typing import Final

from auth0_rotator.decision import Decision
from auth0_rotator.decision.limits import GATE_PAUSE
from auth0_rotator.disruption import obstacle_to
from auth0_rotator.observation import Gate, Observation
from auth0_rotator.reconciler.consumers import read_consumers
from auth0_rotator.reconciler.world import Pass

# What was seen open counts for this long: until the rotation has begun.
OPEN_FOR: Final = timedelta(seconds=5)


async def inspect_consumers(run: Pass, o: Observation, _: Decision) -> None:
    """Note whether an automatic rotation, and the restart that follows it, would do harm."""
    there = await read_consumers(run, o)
    budgets = await run.world.workloads.budgets(run.key.namespace) if there else []
    obstacles = [obstacle_to(consumer, workload, budgets) for consumer, workload in there.items()]
    obstacle = next(filter(None, obstacles), "")
    # The look itself may take longer than what it shows counts.
    run.memory.gate = Gate(run.world.clock() + (GATE_PAUSE if obstacle else OPEN_FOR), obstacle)
