"""One move of one worker: the state before it, what has come of it so far, and what may go wrong."""

from dataclasses import replace
from enum import Enum
from typing import Any

from auth0_rotator.conditions import ConditionStatus
from auth0_rotator.reconciler.memory import Memory, Verification
from examples import SECOND
from exploration.state import Asking, State, changed
from exploration.things import (
    plain_attempt,
    rotation_of,
)


class Fate(Enum):
    """What happens to one effect of a move, other than what its worker wants."""

    FINE = "", "", 0
    JOURNAL_LOST = "journal", "the journal is written, but the answer is lost", 1
    JOURNAL_FAILED = "journal", "the journal cannot be written", 1
    TARGET_LOST = "target", "the target is written, but the answer is lost", 1
    TARGET_FAILED = "target", "the target cannot be written", 1
    NOT_REACHED = "send", "the tenant cannot be reached", 1
    REFUSED = "send", "the tenant refuses the request", 1
    VALUE_REFUSED = "send", "the tenant refuses the value", 1
    NO_ANSWER = "send", "no answer comes, and the request may yet take effect", 1
    NO_TOKEN = "prepare", "the tenant refuses a token", 1
    PROBE_UNKNOWN = "probe", "the probe's answer says nothing", 1
    PROBE_BLURRED = "blur", "the probe is answered by the other value, while the change spreads", 0

    def __init__(self, point: str, words: str, cost: int) -> None:
        """`point` is the effect that it may happen to, `cost` how many faults it counts as."""
        self.point = point
        self.words = words
        self.cost = cost


class Scene:
    """The state before the move, and what the move has made of it so far."""

    def __init__(self, state: State, fate: Fate) -> None:
        """There is one worker in `state`, the one that moves."""
        self.state = state
        self.fate = fate
        (self.worker,) = state.workers
        self.touched: set[str] = set()
        asking = self.worker.asking
        self.memory = Memory(
            attempt=self.worker.attempt,
            tried_tokens=self.worker.tried,
            first_look_at=self.worker.leading_since,
            has_seen_rotation=self.worker.has_seen_rotation,
            verification=None
            if asking is None
            else Verification(
                asking.subject,
                asking.began_at,
                asking.tries,
                asking.again_at,
                asking.is_done,
                asking.once_more_at,
            ),
        )

    def meets(self, fate: Fate) -> bool:
        """Note that the effect `fate` is about is made, and return whether it has this fate."""
        self.touched.add(fate.point)
        return self.fate is fate

    def next_version(self) -> int:
        """Return a resourceVersion that was never given before."""
        self.change(written=self.state.written + 1)
        return self.state.written

    def change(self, **changes: Any) -> None:
        """Have the state differ from here on."""
        self.state = changed(self.state, **changes)

    def after(self) -> State:
        """Return the state with what the worker remembers now."""
        memory, is_verifying = self.memory, self.state.ask.is_verifying
        worker = changed(
            self.worker,
            attempt=memory.attempt and plain_attempt(memory.attempt, self.state.now),
            asking=Asking.of(memory.verification) if is_verifying else None,
            tried=memory.tried_tokens,
            has_seen_rotation=memory.has_seen_rotation,
        )
        return changed(self.state, workers=(worker,))

    def tell(self) -> None:
        """Note in status what the worker would report, as far as a later pass reads it."""
        memory, ask = self.memory, self.state.ask
        if memory.failure is not None:
            if memory.attempt is not None and memory.attempt.accepted is None:
                memory.attempt = None
            memory.tried_tokens = frozenset(rotation_of(ask).tokens)
            now = self.state.now
            attempts = min(ask.failed_attempts + 1, 2)
            ask = replace(
                ask, failed_at=now, retry_at=now + 60 * attempts * SECOND, failed_attempts=attempts
            )
        if memory.rotated is not None or memory.is_adopted:
            ask = replace(ask, failed_at=None, retry_at=None, failed_attempts=0)
        verified, asking = memory.verified, memory.verification
        if verified is not None and verified.status is not ConditionStatus.UNKNOWN and asking:
            ask = replace(ask, verified=asking.subject)
        self.change(ask=ask)
