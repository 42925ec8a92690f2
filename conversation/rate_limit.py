"""Rate limits as values: what houses agree on before anybody counts."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A rate limit: at most `amount` hits, one or more, in any `window_s` seconds."""

    amount: int
    window_s: int
