"""In-memory store: the whole of `Store`, for tests, evaluation and `handrail ask`. Nothing survives the process."""

from conversation.memory.event_log import MemoryLog
from conversation.memory.notification_outbox import MemoryNotices
from conversation.memory.people import MemoryPeople
from conversation.memory.records import MemoryRecords
from conversation.memory.tables import Tables
from conversation.ports import Clock
from conversation.values import NOBODY, Subscriptions

__all__ = ["MemoryStore"]


class MemoryStore(MemoryLog, MemoryRecords, MemoryNotices, MemoryPeople):
    """The in-memory `Store`. `worker` owns the turns it leases; leases last `lease_s` by `clock`."""

    def __init__(
        self, *, worker: str = "memory", clock: Clock, lease_s: float = 3.0, subscriptions: Subscriptions = NOBODY
    ) -> None:
        MemoryLog.__init__(self, Tables(), worker=worker, clock=clock, lease_s=lease_s, subscriptions=subscriptions)

    def shared_with(self, worker: str) -> "MemoryStore":
        """The same memory as another worker sees it."""
        other = MemoryStore(worker=worker, clock=self._clock, lease_s=self.lease_s, subscriptions=self._subscriptions)
        other._tables = self._tables
        return other

    async def close(self) -> None:
        """Nothing to let go of."""
