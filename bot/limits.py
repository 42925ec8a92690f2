"""How often one visitor or address may do a thing: moving windows, counted in Redis for all processes, or in this one."""

import asyncio
import time

import structlog
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter as SharedRateLimiter
from limits.errors import StorageError
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

log = structlog.get_logger()

SAYS = RateLimitItemPerMinute(20)  # a person types no faster for long
COMMANDS = RateLimitItemPerMinute(60)  # ratings, typing and the rest
HELLOS = RateLimitItemPerMinute(120)  # many visitors may share one office address

ASK_S = 0.25  # a visitor who waits longer for a count would rather be counted here
LEAVE_S = 5.0  # how long a Redis that did not answer is left alone: one command of many waits for it


class Limits:
    """Counts hits per (limit, key); `enabled` False lets everything pass, for load tests.

    With `redis_url` all processes count together. While Redis is away each counts for itself, from nothing.
    """

    def __init__(self, *, enabled: bool = True, redis_url: str | None = None) -> None:
        self._enabled = enabled
        self._here = MovingWindowRateLimiter(MemoryStorage())
        self._shared = None if redis_url is None else _Shared(redis_url)

    async def hit(self, limit: RateLimitItem, name: str, key: str) -> float | None:
        """Count one; None where it may pass, else the seconds after which to try again. Takes ASK_S at most."""
        return await self.count(limit, name, key) if self._enabled else None

    async def count(self, limit: RateLimitItem, name: str, key: str) -> float | None:
        """As `hit`, for what is limited even where limits are off: guessing passwords."""
        if self._shared is not None:
            try:
                return await self._shared.hit(limit, name, key)
            except _Away:
                pass
        if self._here.hit(limit, name, key):
            return None
        return _until(self._here.get_window_stats(limit, name, key).reset_time)

    async def close(self) -> None:
        """Let go of the connections."""
        if self._shared is not None:
            await self._shared.close()


class _Away(Exception):
    """Redis does not answer, or did not shortly ago."""


class _Shared:
    """Windows in Redis. It keeps an address or a visitor's id for a minute, and nothing else."""

    def __init__(self, redis_url: str) -> None:
        url = redis_url.replace("unix://", "redis+unix://", 1) if redis_url.startswith("unix://") else redis_url
        self._storage = RedisStorage(
            f"async+{url}", wrap_exceptions=True, implementation="redispy", key_prefix="handrail"
        )
        self._limiter = SharedRateLimiter(self._storage)
        self._away_until_s = 0.0

    async def hit(self, limit: RateLimitItem, name: str, key: str) -> float | None:
        """As `Limits.hit`. Raises _Away."""
        if time.monotonic() < self._away_until_s:
            raise _Away
        try:
            async with asyncio.timeout(ASK_S):
                passes = await self._limiter.hit(limit, name, key)
                window = None if passes else await self._limiter.get_window_stats(limit, name, key)
        except (StorageError, TimeoutError) as problem:
            if not self._away_until_s:
                log.warning("limits.redis_away", problem=str(problem) or f"no answer within {ASK_S:g} s")
            self._away_until_s = time.monotonic() + LEAVE_S
            raise _Away from problem
        if self._away_until_s:
            log.info("limits.redis_back")
            self._away_until_s = 0.0
        return None if window is None else _until(window.reset_time)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._storage.bridge.storage.aclose()  # type: ignore[attr-defined]  # redispy's bridge has it


def _until(reset_time: float) -> float:
    return round(max(1.0, reset_time - time.time()), 1)
