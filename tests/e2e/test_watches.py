"""Watches that end, expire or lie, and two processes that both act: nothing is missed or done twice."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from auth0_simulator import App, Simulator
from controlplane import ControlPlane
from harness import Kube, rotation
from harness.installation import installed, operator_kubeconfig
from harness.process import NewOperator, OperatorProcess
from harness.proxy import Effect, Proxy
from harness.waiting import ask, begin, connected, delivered

ROTATION = "Auth0ClientSecretRotation"
NAMES = [f"web-{number}" for number in range(8)]


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """A control plane whose watches come from its cache, as in life."""
    with installed() as plane:
        yield plane


@pytest.fixture(scope="module")
def rights(plane: ControlPlane) -> Path:
    """The rights in this plane: those of another one would be kept for the whole session."""
    return operator_kubeconfig(plane)


def close(proxy: Proxy) -> None:
    """End every watch; whoever asks for a new one is sent away for a while."""
    proxy.answer(Effect.WATCH, 500, times=3)
    proxy.close_watches()


def expire(proxy: Proxy) -> None:
    """End every watch; where it ended is too old to go on from."""
    proxy.expire_watches(times=5)
    proxy.close_watches()


@pytest.mark.parametrize("ends", [close, expire], ids=lambda ends: ends.__name__)
async def test_what_happens_while_no_watch_is_open_is_seen_afterwards_and_costs_one_change(
    kube: Kube,
    simulator: Simulator,
    proxy: Proxy,
    operator: OperatorProcess,
    ends: Callable[[Proxy], None],
) -> None:
    """Catches an event that is lost with its watch, and a fresh list that is taken for new wishes."""
    app = await begin(kube, simulator)
    other = simulator.tenant.add_app("other")
    await operator.start()
    await kube.apply(rotation(app.client_id), rotation(other.client_id, "other"))
    await delivered(kube, app, 1)
    await delivered(kube, other, 1, "other")
    proxy.answer(Effect.LIST, 503, times=2)
    ends(proxy)
    await ask(kube, "while nobody looked")
    await kube.delete("Secret", "other")
    late = simulator.tenant.add_app("late")
    await kube.apply(rotation(late.client_id, "late"))
    await delivered(kube, app, 2)
    await delivered(kube, late, 1, "late")
    await delivered(kube, other, 1, "other")
    await ask(kube, "afterwards")
    await delivered(kube, app, 3)
    assert (app.changes, other.changes, late.changes) == (3, 1, 1)


async def test_a_watch_that_is_refused_ends_the_process_and_the_next_one_goes_on(
    kube: Kube, simulator: Simulator, proxy: Proxy, operator: OperatorProcess
) -> None:
    """Catches a process that lives on, is ready, and sees nothing of one kind any more."""
    app = await begin(kube, simulator)
    await operator.start()
    await kube.apply(rotation(app.client_id))
    await delivered(kube, app, 1)
    proxy.answer(Effect.WATCH, 410)
    proxy.close_watches()
    assert await operator.wait() == 1
    assert "watching the cluster ended" in operator.log.read_text()
    await ask(kube, "while nobody was there")
    await operator.start()
    await delivered(kube, app, 2)
    assert app.changes == 2


async def test_two_processes_without_an_election_change_once_for_each_wish(
    kube: Kube, simulator: Simulator, new_operator: NewOperator
) -> None:
    """Catches a promise that the Lease keeps instead of the compare-and-swap."""
    await begin(kube, simulator)
    operators = [new_operator("--no-leader-elect", POD_NAME=name) for name in ("a", "b")]
    for operator in operators:
        await operator.start()
    await connected(kube)
    apps = {name: simulator.tenant.add_app(name) for name in NAMES}
    for changes in (1, 2, 3):
        token = {"auth0rotator.dev/rotate-now": str(changes)}
        wishes = [rotation(app.client_id, name, annotations=token) for name, app in apps.items()]
        await kube.apply(*wishes)
        await asyncio.gather(*(followed(kube, app, changes, name) for name, app in apps.items()))
    assert all(1 <= app.changes <= 3 for app in apps.values())


async def followed(kube: Kube, app: App, changes: int, name: str) -> None:
    """Return when the target holds what the tenant holds after so many changes.

    Where both processes counted an attempt of the last one the next waits five minutes, and says so:
    a request of the other one may still land.
    """

    async def is_there() -> bool:
        data, waiting = await kube.secret(name), await kube.condition(name, "Reconciling")
        is_late = waiting.get("reason") == "LateRequestPossible"
        return data.get("SECRET") == app.secret and (app.changes >= changes or is_late)

    await kube.eventually(is_there, what=f"{name}: {changes} changes delivered", seconds=60)
