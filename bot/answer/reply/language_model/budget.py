"""The token budget: bounds what a day of replies may cost."""

from datetime import date  # noqa: TC003 - nothing is gained by hiding the standard library

from conversation.ports import Clock

_BYTES_A_TOKEN = 3  # English has about 4, Chinese about 3 bytes a token: estimates come out high, never low by much


def estimate_tokens(text: str) -> int:
    """About how many tokens a model counts in `text`. Exact counts need the model's own tokenizer, often a download."""
    return len(text.encode()) // _BYTES_A_TOKEN + 1


class Budget:
    """A token budget a day (UTC), counted by this process since it started. What is under way is reserved."""

    def __init__(self, clock: Clock, tokens_per_day: int) -> None:
        self._clock = clock
        self._tokens_per_day = tokens_per_day
        self._day: date | None = None
        self._used = 0

    def reserve(self, tokens: int) -> bool:
        """Set `tokens` aside; False where the day has not so many left."""
        self._turn_page()
        if self._used + tokens > self._tokens_per_day:
            return False
        self._used += tokens
        return True

    def settle(self, reserved: int, spent: int) -> None:
        """A call that had reserved tokens has spent so many; one that ran over midnight counts for the new day."""
        self._turn_page()
        self._used = max(0, self._used - reserved) + spent

    def _turn_page(self) -> None:
        today = self._clock.now().date()
        if today != self._day:
            self._day, self._used = today, 0
