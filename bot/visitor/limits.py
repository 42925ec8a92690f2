"""Rate limits of visitors, counted in Redis for all processes or in this one, and connection admission."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from bot.visitor.protocol import TRY_LATER, Hangup
from bot.visitor.sliding_window import SlidingWindow
from conversation.rate_limit import RateLimit

SAYS = RateLimit(20, window_s=60)  # a person types no faster for long
COMMANDS = RateLimit(60, window_s=60)  # ratings, typing and the rest
HELLOS = RateLimit(120, window_s=60)  # many visitors may share one office address

AT_ONCE = 512  # two seconds of work: 250 a second were welcomed by one process on two busy cores, client included


class SharedLimitsAway(Exception):
    """The shared rate limiter does not answer, or did not shortly ago."""


class SharedLimits(Protocol):
    """The port of a shared rate limiter: counts the hits of all processes together."""

    async def hit(self, limit: RateLimit, name: str, key: str) -> float | None:
        """Count one; None where it may pass, else the seconds until one may. Raises SharedAway."""

    async def close(self) -> None:
        """Let go of the connections."""


class Limits:
    """Rate limiter per (limit, name, key), and admission of handshakes; shared by all sockets of the process.

    `enabled` False lets every hit pass, for load tests. With `shared` all processes count together; while that is away
    each counts for itself, from nothing. Without, each has its own windows, one for each limit: a flood of one kind
    makes no other forget.
    """

    def __init__(
        self,
        *,
        enabled: bool = True,
        shared: SharedLimits | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.handshakes = 0  # visitors between their hello and their welcome, in this process
        self._enabled = enabled
        self._shared = shared
        self._monotonic = monotonic
        self._windows: dict[RateLimit, SlidingWindow] = {}

    async def hit(self, limit: RateLimit, name: str, key: str) -> float | None:
        """Count one; None where it may pass, else the seconds after which to try again. Waits briefly for Redis."""
        return await self.count(limit, name, key) if self._enabled else None

    async def count(self, limit: RateLimit, name: str, key: str) -> float | None:
        """As `hit`, for what is limited even where limits are off: guessing passwords."""
        wait_s = await self._wait_s(limit, name, key)
        return None if wait_s is None else max(1.0, math.ceil(wait_s * 10) / 10)

    @contextmanager
    def admission(self) -> Iterator[None]:
        """Connection admission: a place among the handshakes under way. Who has not said hello yet takes none.

        Raises Hangup where AT_ONCE are under way: after a restart or a broken network all come back at once, and it is
        better to come back later than to wait among thousands.
        """
        if self.handshakes >= AT_ONCE:
            raise Hangup(TRY_LATER, "too many visitors connect at once; try again in a few seconds")
        self.handshakes += 1
        try:
            yield
        finally:
            self.handshakes -= 1

    async def close(self) -> None:
        """Let go of the connections."""
        if self._shared is not None:
            await self._shared.close()

    async def _wait_s(self, limit: RateLimit, name: str, key: str) -> float | None:
        if self._shared is not None:
            try:
                return await self._shared.hit(limit, name, key)
            except SharedLimitsAway:
                pass
        return self._window(limit).hit((name, key))

    def _window(self, limit: RateLimit) -> SlidingWindow:
        if limit not in self._windows:
            self._windows[limit] = SlidingWindow(limit, monotonic=self._monotonic)
        return self._windows[limit]
