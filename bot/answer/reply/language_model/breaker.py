"""A circuit breaker: leaves a service that fails alone for a while, so that visitors need not wait for it in vain."""

from conversation.ports import Clock

FAILURES = 3  # in a row; two can be chance, and each one lets a visitor wait
REST_S = 30.0  # about as long as a provider's hiccup or restart lasts
MAX_REST_S = 600.0  # whatever the service asks for, it is tried again after ten minutes


class Breaker:
    """A circuit breaker. Closed, it lets every call through; open, none; after its rest one call, whose outcome decides."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures = 0
        self._rests_until = 0.0
        self._probing = False

    @property
    def open(self) -> bool:
        """Whether calls are held back, or a single one tries whether the service is back."""
        return self._failures >= FAILURES

    def admit(self) -> bool:
        """Whether a call may be made; whoever gets yes reports how it went."""
        if not self.open:
            return True
        if self._probing or self._clock.monotonic() < self._rests_until:
            return False
        self._probing = True
        return True

    def succeeded(self) -> None:
        """The call was answered."""
        self._failures, self._probing = 0, False

    def failed(self, rest_s: float | None = None) -> None:
        """The call failed. `rest_s`: the service itself asks to be left alone for so many seconds."""
        self._failures = max(self._failures + 1, FAILURES if rest_s is not None else 0)
        self._probing = False
        rest_s = REST_S if rest_s is None else min(rest_s, MAX_REST_S)
        self._rests_until = self._clock.monotonic() + rest_s

    def abandoned(self) -> None:
        """The call was given up for reasons of our own."""
        self._probing = False
