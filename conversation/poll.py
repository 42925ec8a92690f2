"""Polling, the net under the bus: one poll per process finds what no hint told, such as what another process wrote."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

import structlog

from conversation.errors import StorageUnavailable
from conversation.ports import Bus, Clock, ConversationStore
from conversation.values import Head, Reached

log = structlog.get_logger(__name__)

_Topics = tuple[frozenset[str], frozenset[str], bool]


async def poll(store: ConversationStore, bus: Bus, clock: Clock, *, every_s: float = 1.0) -> None:
    """Publish `Reached` for whatever has moved on a topic someone listens to, every `every_s`, until cancelled.

    A topic that is new to the poll is published too. Costs two queries a round however many sockets are open, none
    while nobody listens. Waits out StorageUnavailable.
    """
    poller = _Poller(store, bus)
    available = True
    while True:
        try:
            await poller.look()
        except StorageUnavailable as error:
            if available:
                log.warning("poll.storage_unavailable", problem=error.problem)
            available = False
        else:
            if not available:
                log.info("poll.storage_back")
            available = True
        await clock.sleep(every_s)


@dataclass(slots=True)
class _Poller:
    store: ConversationStore
    bus: Bus
    topics: _Topics = (frozenset(), frozenset(), False)
    heads: dict[str, Head] = field(default_factory=dict)
    open: frozenset[str] = frozenset()

    async def look(self) -> None:
        """Compare with the last look, and tell."""
        topics = self.bus.topics()
        heads = await self._heads(topics)
        for head in heads.values():
            if self.heads.get(head.conversation_id) != head or self._is_new_to(topics, head):
                self.bus.publish(Reached(head.conversation_id, head.visitor_id, head.seq))
        self.topics, self.heads = topics, heads

    async def _heads(self, topics: _Topics) -> dict[str, Head]:
        conversation_ids, visitor_ids, everything = topics
        open_heads = await self.store.open_heads() if everything else ()
        heads_by_id = {head.conversation_id: head for head in open_heads}
        wanted = sorted(conversation_ids | self._closed_since(heads_by_id.keys()))
        if wanted or visitor_ids:
            heads = await self.store.heads(conversation_ids=wanted, visitor_ids=sorted(visitor_ids))
            heads_by_id.update((head.conversation_id, head) for head in heads)
        self.open = frozenset(head.conversation_id for head in open_heads)
        return heads_by_id

    def _closed_since(self, open_now: AbstractSet[str]) -> AbstractSet[str]:
        """What was open at the last look and no longer is: the desk hears of that once more."""
        return self.open - open_now

    def _is_new_to(self, topics: _Topics, head: Head) -> bool:
        conversation_ids, visitor_ids, everything = topics
        before_ids, before_visitors, before_everything = self.topics
        return (
            (everything and not before_everything)
            or (head.conversation_id in conversation_ids and head.conversation_id not in before_ids)
            or (head.visitor_id in visitor_ids and head.visitor_id not in before_visitors)
        )
