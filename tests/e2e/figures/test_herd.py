"""A herd at a limited tenant, by the wall clock. Run by itself: nothing else may be slow."""

from collections.abc import Callable
from datetime import timedelta

from auth0_simulator import Simulator
from harness import Kube
from harness.herd import Herd
from harness.process import NewOperator

# Sixty have adopted their values after two seconds.
WITHIN = timedelta(seconds=8)


async def test_sixty_that_are_due_together_are_paced_without_one_429(
    kube: Kube, simulator: Simulator, new_operator: NewOperator, told: Callable[[str], None]
) -> None:
    """Catches a storm at midnight, a queue in no order, and an estimate that is told again and again."""
    operator = new_operator("--interval-unit=minutes")
    await operator.start()
    herd = Herd(kube, simulator, count=60, rate=20.0)
    await herd.gather(WITHIN)
    figures = await herd.run()
    told(figures.line())
    assert (figures.limited, figures.changes, figures.out_of_order) == (0, 60, 0)
    assert figures.told > 0
    assert figures.told_twice == 0
    assert figures.ratio <= 1.15


async def test_a_restart_in_the_middle_of_a_herd_changes_nothing(
    kube: Kube, simulator: Simulator, new_operator: NewOperator, told: Callable[[str], None]
) -> None:
    """Catches turns that are given anew in another order: whoever is looked at before the connection was
    checked would be the last in the queue, and be told of another turn."""
    operator = new_operator("--interval-unit=minutes")
    await operator.start()
    herd = Herd(kube, simulator, count=60, rate=10.0)
    await herd.gather(WITHIN)
    figures = await herd.run(restart=operator)
    told(f"with a restart: {figures.line()}")
    assert (figures.limited, figures.changes, figures.out_of_order) == (0, 60, 0)
    assert figures.told > 0
    assert herd.told_again() == []
