"""An operator whose clock is hours behind that of the API server, which dates every deletion."""

from datetime import timedelta
from typing import Any

import pytest

from auth0_simulator import Operation
from harness import Stage
from harness.deletion import MINUTE, REVOKES, assert_gone, delete, messages
from harness.story import lose, refuse, silence_probes


@pytest.mark.parametrize(
    ("spec", "told"),
    [({}, "Abandoned"), ({"deletion": REVOKES}, "RevocationAbandoned")],
    ids=["open", "revoked"],
)
async def test_a_clock_that_is_behind_holds_no_deletion(
    stage: Stage, spec: dict[str, Any], told: str
) -> None:
    """Catches ten minutes that are counted from an instant which is hours away."""
    stage.clock.advance(timedelta(hours=-6))
    await stage.restart()
    app = await stage.rotated(**spec)
    if not spec:
        silence_probes(stage.tenant)
        await lose(stage, app)
    refuse(stage.tenant)
    stage.tenant.answer(500, {}, operation=Operation.ROTATE, times=100_000)
    await delete(stage)
    await stage.run_for(9 * MINUTE)
    assert told not in await messages(stage)
    await stage.run_for(3 * MINUTE)
    await assert_gone(stage)
    assert told in await messages(stage)
