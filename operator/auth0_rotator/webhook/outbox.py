"""Messages that wait to be delivered: so many and no more, in order for each object. Pure.

All instants are seconds of one clock that is never set: the event loop's.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from auth0_rotator.subject import Key
from auth0_rotator.webhook.message import Message

# Some kilobytes each. A receiver that takes nothing must not cost the operator its memory.
SIZE: Final = 1000


@dataclass(slots=True, eq=False)
class Letter:
    """A message on its way."""

    message: Message
    told_at: float
    again_at: float
    """Not before then the next try."""
    tries: int = 0
    is_under_way: bool = False


class Outbox:
    """The messages in the order in which they were told."""

    def __init__(self, size: int = SIZE) -> None:
        """Hold up to `size` messages."""
        self._size = size
        self._letters: list[Letter] = []
        self._paused_until = -math.inf

    def __len__(self) -> int:
        return len(self._letters)

    def put(self, message: Message, now: float) -> Message | None:
        """Take a message in; return the one that went for it: the oldest that is not under way."""
        dropped = None
        if len(self._letters) >= self._size:
            dropped = next((one for one in self._letters if not one.is_under_way), None)
        if dropped is not None:
            self._letters.remove(dropped)
        self._letters.append(Letter(message, told_at=now, again_at=now))
        return dropped.message if dropped is not None else None

    def take(self, now: float) -> Letter | None:
        """Return the first message that may be sent now, which is under way from then on.

        Of each object it is the oldest one, whatever becomes of it: the later ones come after.
        """
        if now < self._paused_until:
            return None
        found = next((letter for letter in self._heads() if letter.again_at <= now), None)
        if found is not None:
            found.is_under_way = True
        return found

    def next_at(self) -> float | None:
        """Return from when on `take` has something, None while nothing waits."""
        first = min((letter.again_at for letter in self._heads()), default=None)
        return max(first, self._paused_until) if first is not None else None

    def is_idle(self, now: float) -> bool:
        """Return whether nothing is under way, and nothing may be sent now."""
        next_at = self.next_at()
        is_waiting = next_at is None or next_at > now
        return is_waiting and not any(letter.is_under_way for letter in self._letters)

    def put_back(self, letter: Letter, again_at: float) -> None:
        """Have a message tried again, in its old place."""
        letter.again_at = again_at
        letter.is_under_way = False

    def remove(self, letter: Letter) -> None:
        """Let a message go that is delivered, or given up."""
        self._letters.remove(letter)

    def pause(self, until: float) -> None:
        """Let nothing be taken before `until`, unless a longer pause was said."""
        self._paused_until = max(self._paused_until, until)

    def _heads(self) -> Iterator[Letter]:
        """Yield the oldest message of each object, unless it is under way."""
        seen: set[Key] = set()
        for letter in self._letters:
            key = letter.message.key
            if key not in seen and not letter.is_under_way:
                yield letter
            seen.add(key)
