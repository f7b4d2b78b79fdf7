"""Every death, as a row: in the middle of what, at which effect, before it or after it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from auth0_simulator import Moment
from harness.crash import effects as at
from harness.crash import stories
from harness.crash.effects import Held
from harness.crash.endings import End
from harness.crash.scene import Scene
from harness.crash.stories import STORIES, Story


@dataclass(frozen=True)
class Death:
    """One row."""

    story: Story
    held: Held
    moment: Moment

    @property
    def cells(self) -> tuple[str, str, str]:
        """What tells it from others."""
        return (self.story.name, self.moment.name.lower(), self.held.name)

    def __str__(self) -> str:
        return "{}, {}: {}".format(*self.cells)


@dataclass(frozen=True, slots=True)
class Line:
    """What a row came to."""

    death: Death
    changes: int
    """Real changes at the tenant from the beginning of the story to its end."""
    end: End


def _deaths(chosen: Iterable[tuple[Story, Iterable[Held]]]) -> list[Death]:
    return [
        Death(story, held, moment) for story, effects in chosen for held in effects for moment in Moment
    ]


CANCELLED: Final = _deaths((story, story.effects) for story in STORIES)
# A start costs more than a story: every effect of a rotation, a takeover and a deletion, once. The
# clock of a process cannot be set on, so that none waits for what a restore might bring.
KILLED: Final = _deaths(
    (
        (stories.CREATION, (*stories.CORE, at.PROBE)),
        (stories.LIVE, (at.COUNT, at.DOUBT)),
        (stories.REFUSAL, (at.PARK,)),
        (stories.REVOCATION, (at.REVOKE, at.DISOWN, at.UNGUARD)),
    )
)


async def play(scene: Scene, death: Death) -> Line:
    """Let an operator die at the effect and another one go on, and return what that came to.

    Raises:
        AssertionError: it does not end as it must; or a change that was held, and lands now that its
            sender is dead and all is at rest, changes something.
    """
    story = death.story
    await story.begins(scene)
    before, sent = scene.changes(), scene.sent()
    await story.before(scene)
    gate = scene.hold(death.held, death.moment)
    await story.happens(scene)
    await scene.operators.die_at(gate)
    await scene.operators.begin_again()
    await scene.operators.wait_out(story.waits)
    end = await scene.operators.until(lambda: story.ends(scene))
    await scene.let_changes_land()
    assert await scene.operators.until(lambda: story.ends(scene)) == end
    changes = scene.changes() - before
    assert changes == story.changes, story.wrong
    assert len(scene.sent() - sent) <= story.values, "a value that was chosen anew"
    return Line(death, changes, end)
