"""A run of stories, made up from a number: the same number tells the same stories."""

import time
from typing import Final

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.errors import FlakyStrategyDefinition
from hypothesis.stateful import run_state_machine_as_test

from controlplane import ControlPlane
from model.clockwork import TurningLoop
from model.figures import Figures
from model.machine import Machine
from model.world import Violation

_SETTINGS: Final = settings(
    database=None,
    deadline=None,
    verbosity=Verbosity.quiet,
    print_blob=False,
    report_multiple_bugs=False,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)


class _Enough(BaseException):
    """The time is over; hypothesis lets it pass."""


def tell(
    plane: ControlPlane,
    figures: Figures,
    *,
    stories: int,
    steps: int,
    number: int,
    until: float = float("inf"),
    shorten_seconds: float = 60.0,
) -> None:
    """Tell so many stories of so many steps each; begin none after `until`, on the monotonic clock.

    For `shorten_seconds` a shorter story is looked for that goes wrong as well: each try takes seconds.

    Raises:
        Violation: one goes wrong; the text is the shortest that was found.
    """
    wrong: list[Violation] = []
    loop, end = TurningLoop(), until

    def machine() -> Machine:
        nonlocal end
        if wrong and end == until:
            end = time.monotonic() + shorten_seconds
        if time.monotonic() > end:
            raise _Enough
        return Machine(plane, loop, figures, wrong)

    chosen = settings(_SETTINGS, max_examples=stories, stateful_step_count=steps)
    try:
        run_state_machine_as_test(seed(number)(machine), settings=chosen)  # type: ignore[arg-type]
    except (_Enough, FlakyStrategyDefinition):
        # Hypothesis may take the end of the time for a story that began differently the last time.
        pass
    except Exception:
        # Whatever hypothesis says of it: what is not the same each time is no less wrong.
        if not wrong:
            raise
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
    if wrong:
        raise min(wrong, key=lambda one: str(one).count("\n"))
