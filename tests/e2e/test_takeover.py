"""One operator after another: killed, ended, and taken over from."""

import time

import pytest

from auth0_simulator import Moment, Operation, Simulator
from harness import Kube, rotation
from harness.process import NewOperator
from harness.waiting import ask, begin, delivered


async def test_a_kill_while_the_tenant_answers_delivers_the_same_value_after_the_restart(
    kube: Kube, simulator: Simulator, new_operator: NewOperator
) -> None:
    """Wrong: a value that only the dead process knew, or one that is chosen anew."""
    app = await begin(kube, simulator)
    operator = new_operator()
    await operator.start()
    gate = simulator.tenant.hold(Operation.PATCH, Moment.AFTER)
    await kube.apply(rotation(app.client_id))
    await gate.reached()
    chosen = app.secret
    await operator.kill()
    gate.open()
    await operator.start()
    await delivered(kube, app, 1)
    assert (app.changes, app.secret) == (1, chosen)


async def test_a_standby_takes_over_at_once_when_the_leader_ends(
    kube: Kube, simulator: Simulator, new_operator: NewOperator
) -> None:
    """Wrong: a Lease that is kept until it expires, and a wish that both follow."""
    app = await begin(kube, simulator)
    leader, standby = new_operator(POD_NAME="a"), new_operator(POD_NAME="b")
    await leader.start()
    await kube.apply(rotation(app.client_id))
    await delivered(kube, app, 1)
    await standby.start()
    assert "auth0_rotator_leader 0.0" in standby.scrape()
    assert await leader.stop() == 0
    began = time.monotonic()
    await ask(kube, "after the change of leader")
    await delivered(kube, app, 2)
    assert time.monotonic() - began < 8
    assert app.changes == 2


@pytest.mark.parametrize("sent", ["SIGTERM", "SIGINT"])
async def test_a_standby_ends_at_once(kube: Kube, new_operator: NewOperator, sent: str) -> None:
    """Wrong: a process that waits for the Lease, deaf to signals."""
    del kube
    leader, standby = new_operator(POD_NAME="a"), new_operator(POD_NAME="b")
    await leader.start()
    await standby.start()
    began = time.monotonic()
    assert await standby.end(sent) == 0
    assert time.monotonic() - began < 3
