"""Rate limiter cost of counting a hit: ours in memory, beside the memory storage of the package `limits`.

    python -m bench.limiter

CPU microseconds a hit, all threads of the process included, at 10, 1,000 and 10,000 keys that were hit once before:
the median of several rounds, each with new counts. `in a row` is hit after hit. `apart` waits after each until the
timer thread it started, if any, has ended: so it is with fewer than some 100 messages a second, since the package's
thread sleeps 10 ms before it looks at all keys. What an empty loop takes is shown beside both, and is not subtracted.
"""

import asyncio
import statistics
import threading
import time
from collections.abc import Callable
from typing import Protocol

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from rich.console import Console
from rich.table import Table

from bot.visitor.limits import SAYS, Limits
from conversation.rate_limit import RateLimit

KEYS = (10, 1_000, 10_000)
HITS = 100  # a round: 10 keys have 10 each, and none is refused
ROUNDS = 7


class Counts(Protocol):
    """What counts hits."""

    async def hit(self, limit: RateLimit, name: str, key: str) -> float | None:
        """Count one; None where it may pass."""


class Nothing:
    """Counts nothing: what the loop itself costs."""

    async def hit(self, limit: RateLimit, name: str, key: str) -> float | None:
        """Let it pass."""


class Package:
    """Counts as Handrail did before it had a window of its own."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    async def hit(self, limit: RateLimit, name: str, key: str) -> float | None:
        """Count one; None where it may pass."""
        item = RateLimitItemPerSecond(limit.amount, limit.window_s)
        return None if self._limiter.hit(item, name, key) else 1.0


COUNTERS: dict[str, Callable[[], Counts]] = {
    "an empty loop": Nothing,
    "limits' MemoryStorage": Package,
    "bot.visitor.limits.Limits": Limits,
}


async def cpu_us(counts: Counts, keys: int, *, apart: bool) -> float:
    """CPU microseconds a hit of one round. Raises RuntimeError where one was refused."""
    names = [f"visitor {number}" for number in range(keys)]
    passed = [await counts.hit(SAYS, "say", name) is None for name in names]
    _settle()
    began = time.process_time()
    for number in range(HITS):
        passed.append(await counts.hit(SAYS, "say", names[number * 7 % keys]) is None)
        if apart:
            _settle()
    _settle()
    taken_s = time.process_time() - began
    if not all(passed):
        raise RuntimeError("a hit was refused; refusals cost something else")
    return 1e6 * taken_s / HITS


def _settle() -> None:
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.join()


def main() -> None:
    """Measure and print."""
    table = Table("counted by", "keys", "in a row, µs", "apart, µs", title="CPU of a hit")
    for name, make in COUNTERS.items():
        for keys in KEYS:
            in_a_row, after_each = (
                statistics.median(asyncio.run(cpu_us(make(), keys, apart=apart)) for _ in range(ROUNDS))
                for apart in (False, True)
            )
            table.add_row(name, f"{keys:,}", f"{in_a_row:,.1f}", f"{after_each:,.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
