"""Rate limits counted in Redis, by the package `limits`, which takes a quarter second to import: only where it is used."""

import asyncio
import time

import structlog
from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.errors import StorageError

from bot.visitor.limits import SharedLimitsAway
from conversation.rate_limit import RateLimit

log = structlog.get_logger()

ASK_S = 0.25  # a visitor who waits longer for a count would rather be counted here
LEAVE_S = 5.0  # how long a Redis that did not answer is left alone: one command of many waits for it


class RedisLimits:
    """The shared rate limiter: moving windows in Redis. It keeps an address or a visitor's id for the window, and nothing else."""

    def __init__(self, redis_url: str) -> None:
        url = redis_url.replace("unix://", "redis+unix://", 1) if redis_url.startswith("unix://") else redis_url
        self._storage = RedisStorage(
            f"async+{url}", wrap_exceptions=True, implementation="redispy", key_prefix="handrail"
        )
        self._limiter = MovingWindowRateLimiter(self._storage)
        self._away_until_s = 0.0

    async def hit(self, limit: RateLimit, name: str, key: str) -> float | None:
        """Count one; None where it may pass, else the seconds until one may. Takes ASK_S at most. Raises SharedAway."""
        if time.monotonic() < self._away_until_s:
            raise SharedLimitsAway
        item = RateLimitItemPerSecond(limit.amount, limit.window_s)
        try:
            async with asyncio.timeout(ASK_S):
                passes = await self._limiter.hit(item, name, key)
                window = None if passes else await self._limiter.get_window_stats(item, name, key)
        except (StorageError, TimeoutError) as problem:
            if not self._away_until_s:
                log.warning("limits.redis_away", problem=str(problem) or f"no answer within {ASK_S:g} s")
            self._away_until_s = time.monotonic() + LEAVE_S
            raise SharedLimitsAway from problem
        if self._away_until_s:
            log.info("limits.redis_back")
            self._away_until_s = 0.0
        return None if window is None else window.reset_time - time.time()

    async def close(self) -> None:
        """Let go of the connections."""
        await self._storage.bridge.storage.aclose()  # type: ignore[attr-defined]  # redispy's bridge has it
