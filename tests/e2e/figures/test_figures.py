"""Seconds and megabytes of the operator as its own process. Run by itself: nothing else may be slow."""

import time

from auth0_simulator import Moment, Operation, Simulator
from harness import Kube, connection, credentials, rotation
from harness.process import NewOperator
from harness.waiting import begin, delivered, verified


async def test_a_first_rotation_is_delivered_within_five_seconds_of_the_start(
    kube: Kube, simulator: Simulator, new_operator: NewOperator
) -> None:
    app = await begin(kube, simulator)
    await kube.apply(rotation(app.client_id))
    began = time.monotonic()
    await new_operator().start(wait=False)
    await delivered(kube, app, 1)
    assert time.monotonic() - began < 5
    await verified(kube, 1)


async def test_a_hundred_objects_fit_in_ninety_megabytes(
    kube: Kube, simulator: Simulator, new_operator: NewOperator
) -> None:
    await kube.apply(credentials(simulator.tenant), connection(simulator))
    apps = [simulator.tenant.add_app(f"app-{number}") for number in range(100)]
    operator = new_operator()
    await operator.start()
    for app in apps:
        await kube.apply(rotation(app.client_id, app.name))
    for app in apps:
        await delivered(kube, app, 1, app.name)
    assert [app.changes for app in apps] == [1] * 100
    assert operator.resident_megabytes() < 90


async def test_sigterm_ends_it_cleanly_within_ten_seconds(
    kube: Kube, simulator: Simulator, new_operator: NewOperator
) -> None:
    app = await begin(kube, simulator)
    operator = new_operator()
    await operator.start()
    gate = simulator.tenant.hold(Operation.PATCH, Moment.AFTER)
    await kube.apply(rotation(app.client_id))
    await gate.reached()
    began = time.monotonic()
    assert await operator.stop() == 0
    assert time.monotonic() - began < 10
    gate.open()
    assert "Traceback" not in operator.log.read_text()
    await new_operator().start()
    await delivered(kube, app, 1)
    assert app.changes == 1
