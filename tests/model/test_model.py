"""Stories that nobody thought of: random people, troubles, crashes and dates, held against a model that
counts what may change at the tenant. `make soak` tells them for as long as it is let."""

from collections.abc import Callable

from controlplane import ControlPlane
from model.figures import Figures
from model.run import tell

# The same stories each time, as many as two cores tell in about 40 s.
STORIES = 12
STEPS = 20


def test_no_story_changes_a_client_without_a_cause_or_loses_what_was_changed(
    plane: ControlPlane, told: Callable[[str], None]
) -> None:
    """Wrong: whatever breaks an invariant of the design by a way that no other test goes."""
    figures = Figures()
    tell(plane, figures, stories=STORIES, steps=STEPS, number=1)
    told(figures.line())
    assert figures.checks_at_rest >= STORIES
    assert figures.rotations > STORIES
    assert figures.crashes > 0
    assert figures.faults > 0
