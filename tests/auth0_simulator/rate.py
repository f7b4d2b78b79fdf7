"""How many requests the tenant takes: one token bucket, as Auth0 documents its limits."""

import math
import time


class Bucket:
    """Holds `burst` requests and gets `per_second` back."""

    def __init__(self, *, burst: int, per_second: float) -> None:
        """Start full."""
        self._burst = float(burst)
        self._per_second = per_second
        self._level = float(burst)
        self._level_at = time.monotonic()

    def take(self) -> bool:
        """Return whether one more request goes in, and count it if it does."""
        now = time.monotonic()
        self._level = min(self._burst, self._level + (now - self._level_at) * self._per_second)
        self._level_at = now
        if self._level < 1:
            return False
        self._level -= 1
        return True

    def seconds_to_next(self) -> int:
        """Return after how many whole seconds the next request goes in: the value of Retry-After."""
        return max(1, math.ceil((1 - self._level) / self._per_second))

    def headers(self) -> dict[str, str]:
        """Return the x-ratelimit headers: its size, what is left, the epoch second when it is full."""
        full_in = (self._burst - self._level) / self._per_second
        return rate_headers(int(self._burst), int(self._level), full_in)


def rate_headers(limit: int, remaining: int, reset_in_seconds: float) -> dict[str, str]:
    """Return the x-ratelimit headers. The reset is at least one second ahead, as recorded."""
    return {
        "X-Ratelimit-Limit": str(limit),
        "X-Ratelimit-Remaining": str(remaining),
        "X-Ratelimit-Reset": str(int(time.time()) + max(1, math.ceil(reset_in_seconds))),
    }
