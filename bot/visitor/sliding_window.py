"""Sliding window log: when each key was last hit, in memory that is bounded, without threads or locks."""

import time
from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable

from conversation.rate_limit import RateLimit

MAX_KEYS = 100_000  # of one limit: 1,600 new addresses a second for a minute; 35 MB, and 130 MB if each hits 120 times
EVICTED_A_HIT = 2  # one key is added at most, so old ones go faster than new ones come, and no hit pays for a flood
Key = tuple[str, str]
"""What is counted, and for whom: ("say", a visitor's id)."""


class SlidingWindow:
    """The rate limiter of one limit, exact: any window of `window_s` holds at most `amount` hits of a key.

    A hit costs the same however many keys there are. At `max_keys` the key whose last hit is longest ago is forgotten.
    Belongs to one event loop.
    """

    def __init__(
        self, limit: RateLimit, *, monotonic: Callable[[], float] = time.monotonic, max_keys: int = MAX_KEYS
    ) -> None:
        self._limit = limit
        self._monotonic = monotonic
        self._max_keys = max_keys
        self._hits: OrderedDict[Key, array[float]] = OrderedDict()  # by last hit, the longest ago first

    def __len__(self) -> int:
        """How many keys are kept; those of expired hits go with the next hits."""
        return len(self._hits)

    def hit(self, key: Key) -> float | None:
        """Count one; None where it may pass, else the seconds until one may. What is refused is not counted."""
        now_s = self._monotonic()
        begin_s = now_s - self._limit.window_s
        self._evict(begin_s)
        hits = self._hits.get(key)
        if hits is None:
            self._remember(key, now_s)
            return None
        del hits[: bisect_right(hits, begin_s)]
        if len(hits) >= self._limit.amount:
            return hits[0] - begin_s
        hits.append(now_s)
        self._hits.move_to_end(key)
        return None

    def _evict(self, begin_s: float) -> None:
        for _ in range(EVICTED_A_HIT):
            if not self._hits or next(iter(self._hits.values()))[-1] > begin_s:
                return
            self._hits.popitem(last=False)

    def _remember(self, key: Key, now_s: float) -> None:
        if len(self._hits) >= self._max_keys:
            self._hits.popitem(last=False)
        self._hits[key] = array("d", (now_s,))
