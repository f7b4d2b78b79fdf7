"""The machine that makes up stories: each rule is one step, each step has its sentence."""

from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from controlplane import ControlPlane
from model import checks, people
from model.clockwork import TurningLoop
from model.facts import Facts
from model.figures import Figures
from model.operators import Mishap
from model.weather import LASTING, PASSING
from model.wish import NAMES, Place, Wish
from model.world import WORK, Then, Violation, World

AWAY: Final = Then(" (no operator looks)", is_away=True)
_QUIETLY: Final = Then(is_away=True)
_MISHAPS: Final = [
    Mishap(write, is_done, is_fatal)
    for write in range(1, 9)
    for is_done in (False, True)
    for is_fatal in (False, True)
] + [Mishap(is_done=is_done) for is_done in (False, True)] * 3
_DISTURBED: Final = [Then(f" ({mishap.words()})", mishap=mishap) for mishap in _MISHAPS]
_WAITS: Final = {
    "ten seconds": timedelta(seconds=10),
    "a minute": timedelta(minutes=1),
    "ten minutes": timedelta(minutes=10),
    "an hour": timedelta(hours=1),
}
_DATES: Final = {
    "a day": timedelta(days=1),
    "eight days": timedelta(days=8),
    "forty days": timedelta(days=40),
}

# Strategies draw the plain case first, and often: a shrunk story consists of plain cases.
thens = st.sampled_from([WORK] * 26 + [AWAY] * 6 + _DISTURBED)
names = st.sampled_from(NAMES)
numbers = st.integers(0, 7)
tokens = st.sampled_from(["1", "2", "3"])
places = st.sampled_from([Place.OWN] * 3 + [Place.SPARE, Place.SHARED, Place.MERGED])
shifts = st.sampled_from([0, 0, 0, 1, 2])
rarely = st.sampled_from([False, False, False, True])
often = st.sampled_from([True, True, True, False])
days = st.sampled_from([30, 7, 1])
wishes = st.builds(
    Wish,
    shift=shifts,
    place=places,
    keeps=rarely,
    is_suspended=st.sampled_from([False] * 7 + [True]),
    is_automatic=often,
    days=days,
    is_windowed=rarely,
    deletes=rarely,
    revokes=rarely,
    is_renamed=rarely,
    now=st.sampled_from(["", "", "1", "2"]),
    trigger=st.sampled_from(["", "", "", "1"]),
)
edits = st.one_of(
    st.fixed_dictionaries({"now": tokens}),
    st.fixed_dictionaries({"trigger": tokens}),
    st.fixed_dictionaries({"shift": st.integers(0, 2)}),
    st.fixed_dictionaries({"days": days}),
    st.fixed_dictionaries({"is_windowed": st.booleans()}),
    st.fixed_dictionaries({"is_suspended": st.booleans()}),
    st.fixed_dictionaries({"is_renamed": st.booleans()}),
    st.fixed_dictionaries({"place": places}),
    st.fixed_dictionaries({"label": tokens}),
    st.fixed_dictionaries({"is_automatic": st.booleans()}),
    st.fixed_dictionaries({"deletes": st.booleans(), "revokes": st.booleans()}),
)


class Machine(RuleBasedStateMachine):
    """One story, from an empty namespace to one in which nothing of ours is left."""

    def __init__(
        self, plane: ControlPlane, loop: TurningLoop, figures: Figures, wrong: list[Violation]
    ) -> None:
        """Open the scene; `wrong` takes the stories that go wrong."""
        super().__init__()
        self._loop = loop
        self._wrong = wrong
        self._is_broken = False
        self.world = World(plane, loop, figures)
        self._run(self.world.open())

    def _run(self, awaitable: Coroutine[Any, Any, Any]) -> None:
        """Await on the story's loop.

        Raises:
            Violation: with the story up to here.
        """
        try:
            self._loop.run_until_complete(awaitable)
        except Exception as error:
            what = str(error) if isinstance(error, Violation) else repr(error)
            self._is_broken = True
            self._wrong.append(Violation(self.world.told(what)))
            raise self._wrong[-1] from error

    def _step(self, act: Any, name: str, *args: Any, then: Then = WORK) -> None:
        world, line = self.world, self.world.ledger.lines[name]

        async def acted(facts: Facts) -> str | None:
            told: str | None = await act(world, facts, line, *args)
            return told

        self._run(world.step(acted, then))

    def _live(self, number: int) -> str:
        live = self.world.ledger.live()
        return live[number % len(live)].name

    @property
    def _has_live(self) -> bool:
        return bool(self.world.ledger.live())

    def teardown(self) -> None:
        """Hold the end of the story against the invariants, and close the scene."""
        try:
            if not self._is_broken:
                self.world.story.append("delete everything")
                self._run(checks.end(self.world))
        finally:
            self._loop.run_until_complete(self.world.close())

    # Objects ------------------------------------------------------------------------------------

    @initialize(wish=wishes, then=thens)
    def begin(self, wish: Wish, then: Then) -> None:
        """Begin with one rotation."""
        self._step(people.create, NAMES[0], wish, then=then)

    @rule(name=names, wish=wishes, then=thens)
    def create(self, name: str, wish: Wish, then: Then) -> None:
        """See `people`."""
        self._step(people.create, name, wish, then=then)

    @rule(name=names, then=thens)
    def create_again(self, name: str, then: Then) -> None:
        """See `people`."""
        self._step(people.create_again, name, then=then)

    @rule(name=names, wish=wishes, then=thens)
    def bring(self, name: str, wish: Wish, then: Then) -> None:
        """See `people`."""
        self._step(people.bring, name, wish, then=then)

    @precondition(lambda self: self._has_live)
    @rule(number=numbers, changes=edits, then=thens)
    def edit(self, number: int, changes: dict[str, Any], then: Then) -> None:
        """See `people`."""
        self._step(people.edit, self._live(number), changes, then=then)

    @precondition(lambda self: self._has_live)
    @rule(number=numbers, token=tokens, then=thens)
    def rotate_now(self, number: int, token: str, then: Then) -> None:
        """Ask for a rotation."""
        self._step(people.edit, self._live(number), {"now": token}, then=then)

    @precondition(lambda self: self._has_live)
    @rule(number=numbers, former=numbers, then=thens)
    def go_back(self, number: int, former: int, then: Then) -> None:
        """See `people`."""
        self._step(people.go_back, self._live(number), former, then=then)

    @precondition(lambda self: self._has_live)
    @rule(number=numbers, then=thens)
    def delete(self, number: int, then: Then) -> None:
        """See `people`."""
        self._step(people.delete, self._live(number), then=then)

    @precondition(lambda self: self._has_live)
    @rule(number=numbers, word=tokens, then=thens)
    def ask_to_reconcile(self, number: int, word: str, then: Then) -> None:
        """See `people`."""
        self._step(people.ask_to_reconcile, self._live(number), word, then=then)

    @precondition(lambda self: self._has_live)
    @rule(number=numbers, then=thens)
    def wipe_status(self, number: int, then: Then) -> None:
        """See `people`."""
        self._step(people.wipe_status, self._live(number), then=then)

    # Secrets ------------------------------------------------------------------------------------

    @precondition(lambda self: self._has_live)
    @rule(number=numbers, how=st.sampled_from(list(people.TARGET_MEDDLES)), then=thens)
    def meddle_with_target(self, number: int, how: str, then: Then) -> None:
        """See `people`."""
        self._step(people.meddle_with_target, self._live(number), how, then=then)

    @precondition(lambda self: self._has_live)
    @rule(number=numbers, how=st.sampled_from(list(people.JOURNAL_MEDDLES)), then=thens)
    def meddle_with_journal(self, number: int, how: str, then: Then) -> None:
        """See `people`."""
        self._step(people.meddle_with_journal, self._live(number), how, then=then)

    @rule(then=thens)
    def fill_shared(self, then: Then) -> None:
        """See `people`."""
        world = self.world
        self._run(world.step(lambda facts: people.fill_shared(world, facts), then))

    # Troubles -----------------------------------------------------------------------------------

    @rule(sentence=st.sampled_from(list(PASSING)))
    def pass_trouble(self, sentence: str) -> None:
        """Let the next requests go wrong."""
        self._strike(sentence)

    @rule(sentence=st.sampled_from(list(LASTING)))
    def lasting_trouble(self, sentence: str) -> None:
        """Let something go wrong until it is ended."""
        self._strike(sentence)

    def _strike(self, sentence: str) -> None:
        async def act(_: Facts) -> str:
            await self.world.weather.strike(sentence)
            self.world.figures.faults += 1
            return sentence

        self._run(self.world.step(act, _QUIETLY))

    @rule()
    def clear_up(self) -> None:
        """Let all troubles end."""

        async def act(_: Facts) -> str:
            await self.world.weather.clear()
            return "all troubles end"

        self._run(self.world.step(act))

    # Operators and time -------------------------------------------------------------------------

    @rule(then=thens)
    def restart(self, then: Then) -> None:
        """Start the operator anew."""

        async def act(_: Facts) -> str:
            await self.world.end_operator()
            self.world.start_operator()
            return "restart the operator"

        self._run(self.world.step(act, then))

    @rule(then=thens)
    def join(self, then: Then) -> None:
        """Start a second operator, or end one of two."""

        async def act(_: Facts) -> str:
            if len(self.world.operators) > 1:
                await self.world.end_operator()
                return "one of the operators ends"
            self.world.start_operator()
            return "a second operator starts"

        self._run(self.world.step(act, then))

    @rule(words=st.sampled_from(list(_WAITS)), then=thens)
    def wait(self, words: str, then: Then) -> None:
        """Let a while go by."""
        self._pass_time(words, _WAITS[words], then)

    @rule(words=st.sampled_from(list(_DATES)), then=thens)
    def wait_for_dates(self, words: str, then: Then) -> None:
        """Let days go by."""
        self._pass_time(words, _DATES[words], then)

    def _pass_time(self, words: str, duration: timedelta, then: Then) -> None:
        world = self.world

        async def act(_: Facts) -> str:
            world.story.append(f"{words} {'go' if words[-1] == 's' else 'goes'} by{then.words}")
            if then.is_away:
                await world.turn(world.clock.now + duration)
            else:
                await world.pass_time(duration, then.mishap)
            return ""

        self._run(world.step(act, _QUIETLY))

    @rule()
    def rest(self) -> None:
        """Let all be well, and hold everything against what was asked for."""

        async def act(_: Facts) -> str:
            self.world.story.append("all troubles end and two hours go by")
            await checks.peace(self.world)
            return ""

        self._run(self.world.step(act))
