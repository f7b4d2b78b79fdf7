"""What the receiver's answer means, and when a message is tried again. Pure."""

from datetime import datetime
from enum import Enum
from http import HTTPStatus
from typing import Final

from auth0_rotator.conditions import parse_http_date
from auth0_rotator.schedule import fraction_of

# Waits between the tries of one message: 1, 2, 4 ... 900 seconds.
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 900.0
# The longest wait needs no more.
MOST_DOUBLINGS: Final = 10
# Messages that failed together do not come back together: up to this share later.
SPREAD: Final = 0.25
# A message that would be tried later than this after it was told is given up.
PATIENCE: Final = 3600.0
# Retry-After may name any instant; past this it is no pause but a fault.
LONGEST_ASKED: Final = 300.0
# Enough for any such pause, and never too many for a number.
_MOST_DIGITS: Final = 10

# What another try may mend, beside faults of the receiver itself.
_TRANSIENT: Final = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
)


class Verdict(Enum):
    """What becomes of a message."""

    DELIVERED = "the receiver has it"
    AGAIN = "the receiver may take it later"
    REFUSED = "the receiver will never take it"


def judge(status: int) -> Verdict:
    """Return what an answer with this status means. A redirect is refused: nobody follows it."""
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Verdict.DELIVERED
    if status in _TRANSIENT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Verdict.AGAIN
    return Verdict.REFUSED


def pause_after(tries: int, message_id: str) -> float:
    """Return how many seconds to wait after the `tries`-th try (1 is the first)."""
    wait = min(FIRST_PAUSE * (1 << min(tries - 1, MOST_DOUBLINGS)), LONGEST_PAUSE)
    return wait * (1 + SPREAD * fraction_of(message_id))


def pause_asked(retry_after: str | None, now: datetime) -> float:
    """Return how many seconds the receiver asks to wait, five minutes at most; 0 where it does not."""
    if not retry_after:
        return 0.0
    if retry_after.isdecimal():
        seconds = float(retry_after[:_MOST_DIGITS])
    else:
        until = parse_http_date(retry_after)
        seconds = (until - now).total_seconds() if until is not None else 0.0
    return min(max(0.0, seconds), LONGEST_ASKED)
