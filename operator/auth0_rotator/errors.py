"""Errors by their consequence: what the loop has to do, not what went wrong below.

Exceptions of libraries are turned into these in `auth0` and `cluster`, and nowhere else.
Whatever is not listed here is a bug and rises to the one place that logs and backs off.
"""

from datetime import timedelta


class RotatorError(Exception):
    """What all errors of this module share: a reason word and a sentence without any secret."""

    def __init__(self, reason: str, message: str) -> None:
        """Keep the `reason` (a word of `conditions.Reason`) and the `message` for the reader."""
        super().__init__(message)
        self.reason = reason
        self.message = message


class Retry(RotatorError):
    """Nothing was changed; the same step may be tried again, not sooner than `after`."""

    def __init__(self, reason: str, message: str, after: timedelta | None = None) -> None:
        """Keep `after`, the shortest wait that the other side asked for, where it asked."""
        super().__init__(reason, message)
        self.after = after


class Refused(RotatorError):
    """Nothing was changed, and the same step will be refused until somebody mends its cause."""


class Unknown(RotatorError):
    """The step may have happened, may yet happen, or may not: nobody can say."""


class Stale(RotatorError):
    """A compare-and-swap lost: the object is not what was seen before. Read it again."""


class Contested(RotatorError):
    """Another field manager holds a field that we write."""

    def __init__(self, reason: str, message: str, managers: tuple[str, ...]) -> None:
        """Keep the names of the `managers` that hold the contested fields."""
        super().__init__(reason, message)
        self.managers = managers
