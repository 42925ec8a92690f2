"""How often one visitor or address may do a thing: moving windows, counted in this process."""

import time

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

SAYS = RateLimitItemPerMinute(20)  # a person types no faster for long
COMMANDS = RateLimitItemPerMinute(60)  # ratings, typing and the rest
HELLOS = RateLimitItemPerMinute(120)  # many visitors may share one office address


class Limits:
    """Counts hits per (limit, key); `enabled` False lets everything pass, for load tests."""

    def __init__(self, *, enabled: bool = True) -> None:
        self._enabled = enabled
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def hit(self, limit: RateLimitItem, name: str, key: str) -> float | None:
        """Count one; None where it may pass, else the seconds after which to try again."""
        if not self._enabled or self._limiter.hit(limit, name, key):
            return None
        window = self._limiter.get_window_stats(limit, name, key)
        return round(max(1.0, window.reset_time - time.time()), 1)
