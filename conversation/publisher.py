"""Append and tell: the one way in which events come about, for chat, bot and desk alike."""

from dataclasses import dataclass
from datetime import datetime

from conversation.ports import Bus, Clock, Store
from conversation.values import Append, Appended, Decide, Erased, Key, Reached, TurnLease, Visitor


@dataclass(frozen=True, slots=True)
class Publisher:
    """A store whose readers are told. The hint goes out after the commit, never before."""

    store: Store
    bus: Bus
    clock: Clock

    async def append(
        self,
        conversation_id: str,
        decide: Decide,
        *,
        key: Key | None = None,
        visitor: Visitor | None = None,
        turn: TurnLease | None = None,
    ) -> Appended:
        """Carry out a command, see `ConversationStore.append`; raises what it raises."""
        command = Append(conversation_id, self.clock.now(), decide, key, visitor, turn)
        appended = await self.store.append(command)
        if appended.events and not appended.again:
            now = appended.conversation
            self.bus.publish(Reached(now.conversation_id, now.visitor_id, now.seq))
        return appended

    async def erase(self, conversation_id: str, *, unless_changed_since: datetime | None = None) -> Erased | None:
        """Overwrite what was written in the conversation, see `RecordStore.erase`; who reads along drops their copies."""
        at = self.clock.now()
        erased = await self.store.erase(conversation_id, at, unless_changed_since=unless_changed_since)
        if erased is not None and erased.count:
            now = erased.conversation
            self.bus.publish(Reached(now.conversation_id, now.visitor_id, now.seq))
        return erased
