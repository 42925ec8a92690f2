"""Publisher, append and notify: the one way in which events come about, for chat, bot and desk alike."""

from dataclasses import dataclass
from datetime import datetime

from conversation.ports import Bus, Clock, Store
from conversation.values import Append, Appended, Decide, Erased, Key, Reached, TurnLease, Visitor


@dataclass(frozen=True, slots=True)
class Publisher:
    """Appends to a store and notifies its readers. The hint goes out after the commit, never before."""

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
            conversation = appended.conversation
            self.bus.publish(Reached(conversation.conversation_id, conversation.visitor_id, conversation.seq))
        return appended

    async def erase(self, conversation_id: str, *, unless_changed_since: datetime | None = None) -> Erased | None:
        """Overwrite what was written in the conversation, see `RecordStore.erase`; who reads along drops their copies."""
        moment = self.clock.now()
        erased = await self.store.erase(conversation_id, moment, unless_changed_since=unless_changed_since)
        if erased is not None and erased.count:
            conversation = erased.conversation
            self.bus.publish(Reached(conversation.conversation_id, conversation.visitor_id, conversation.seq))
        return erased
