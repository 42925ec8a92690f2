"""The event log and the outbox of turns in memory. No method awaits, so each is a transaction."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from conversation.errors import AlreadySent, ClientIdReused, LeaseLost, NewerConversation, OverCapacity
from conversation.events import Event, State
from conversation.memory.tables import OwedNotice, OwedTurn, SentCommand, Tables
from conversation.paging import cursor_after, position, read_cursor, serving_order
from conversation.ports import Clock
from conversation.reducer import advance, first_fence, owes_answer, taken_by
from conversation.state import Conversation
from conversation.values import Append, Appended, Head, Key, Page, Subscriptions, TurnLease


class MemoryLog:
    """An event log and turn leases in memory: `ConversationStore` and `TurnStore`."""

    def __init__(
        self, tables: Tables, *, worker: str, clock: Clock, lease_s: float, subscriptions: Subscriptions
    ) -> None:
        self._tables = tables
        self._worker = worker
        self._clock = clock
        self._subscriptions = subscriptions
        self.lease_s = lease_s

    async def append(self, command: Append) -> Appended:
        """Carry out `command`, see `ConversationStore.append`."""
        before = self._tables.conversations.get(command.conversation_id)
        if command.key is not None and (sent := self._sent(command.key)) is not None:
            return self._again(sent, command)
        self._require_lease(command.turn)
        drafts = command.decide(before)
        after, events = advance(
            before,
            drafts,
            conversation_id=command.conversation_id,
            at=command.at,
            client_id=command.key.client_id if command.key else None,
        )
        self._require_only_open(after)
        self._require_place(taken_by(before, after))
        self._keep(command, after, events)
        self._notify(events)
        return Appended(events, after, lease=self._settle_turn(after, command.turn))

    def _sent(self, key: Key) -> SentCommand | None:
        sent = self._tables.sent.get((key.sender, key.client_id))
        if sent is not None and sent.body_hash not in (None, key.body_hash):
            raise ClientIdReused(key.client_id)
        return sent

    def _again(self, sent: SentCommand, command: Append) -> Appended:
        event = sent.event
        if event.conversation_id != command.conversation_id:
            raise AlreadySent(conversation_id=event.conversation_id, seq=event.seq)
        return Appended((event,), self._tables.conversations[event.conversation_id], again=True)

    def _require_lease(self, lease: TurnLease | None) -> None:
        if lease is not None and self._leased(lease) is None:
            raise LeaseLost

    def _leased(self, lease: TurnLease) -> OwedTurn | None:
        turn = self._tables.turns.get(lease.conversation_id)
        return turn if turn and (turn.fence, turn.owner) == (lease.fence, self._worker) else None

    def _require_only_open(self, after: Conversation) -> None:
        open_id = self._tables.open_of.get(after.visitor_id)
        if after.state != "closed" and open_id not in (None, after.conversation_id):
            raise NewerConversation

    def _require_place(self, agent_id: str | None) -> None:
        agent = self._tables.agents.get(agent_id or "")
        if agent is None:
            return
        held = sum(conversation.holder.id == agent_id for conversation in self._tables.conversations.values())
        if held >= agent.capacity:
            raise OverCapacity(held=held, capacity=agent.capacity)

    def _keep(self, command: Append, after: Conversation, events: tuple[Event, ...]) -> None:
        tables = self._tables
        if command.visitor is not None and after.conversation_id not in tables.conversations:
            tables.visitors[command.visitor.visitor_id] = command.visitor
        tables.conversations[after.conversation_id] = after
        tables.events.setdefault(after.conversation_id, []).extend(events)
        if after.state != "closed":
            tables.open_of[after.visitor_id] = after.conversation_id
        elif tables.open_of.get(after.visitor_id) == after.conversation_id:
            del tables.open_of[after.visitor_id]
        bearer = next((event for event in events if event.client_id is not None), None)
        if command.key is not None and bearer is not None:
            tables.sent[command.key.sender, command.key.client_id] = SentCommand(command.key.body_hash, bearer)

    def _notify(self, events: Iterable[Event]) -> None:
        now = self._clock.now()
        for event in events:
            for target in self._subscriptions.get(event.kind, ()):
                self._tables.notices[event.conversation_id, event.seq, target] = OwedNotice(0, 0, now, now)

    def _settle_turn(self, after: Conversation, lease: TurnLease | None) -> TurnLease | None:
        """The outbox rule: a turn exists exactly where an answer is owed; it is born, and renewed, to this worker."""
        turns, conversation_id = self._tables.turns, after.conversation_id
        running = turns.get(conversation_id)
        if not owes_answer(after):
            turns.pop(conversation_id, None)
            return None
        if running is None:
            now = self._clock.now()
            return self._lease(conversation_id, OwedTurn(first_fence(after.seq), self._worker, now, now))
        return self._lease(conversation_id, replace(running, fence=first_fence(after.seq))) if lease else None

    def _lease(self, conversation_id: str, turn: OwedTurn) -> TurnLease:
        until = self._clock.now() + timedelta(seconds=self.lease_s)
        self._tables.turns[conversation_id] = replace(turn, owner=self._worker, leased_until=until)
        return TurnLease(conversation_id, turn.fence)

    async def take_turns(self, limit: int) -> tuple[TurnLease, ...]:
        """Lease up to `limit` turns whose lease has run out, oldest first, to this worker."""
        now = self._clock.now()
        due = [
            (turn.owed_since, conversation_id)
            for conversation_id, turn in self._tables.turns.items()
            if turn.leased_until <= now
        ]
        turns = ((conversation_id, self._tables.turns[conversation_id]) for _, conversation_id in sorted(due)[:limit])
        return tuple(
            self._lease(conversation_id, replace(turn, fence=turn.fence + 1)) for conversation_id, turn in list(turns)
        )

    async def renew(self, lease: TurnLease) -> bool:
        """Extend the lease; False where it is no longer this worker's."""
        turn = self._leased(lease)
        if turn is not None:
            self._lease(lease.conversation_id, turn)
        return turn is not None

    async def events(self, conversation_id: str, *, after: int = 0, limit: int = 500) -> tuple[Event, ...]:
        """The events numbered after+1 and up, ascending, at most `limit`. Empty for an unknown conversation."""
        return tuple(self._tables.events.get(conversation_id, ())[after : after + limit])

    async def conversation(self, conversation_id: str) -> Conversation | None:
        """How the conversation stands."""
        return self._tables.conversations.get(conversation_id)

    async def latest(self, visitor_id: str) -> Conversation | None:
        """The visitor's conversation that changed last, an open one first."""
        open_id = self._tables.open_of.get(visitor_id)
        if open_id is not None:
            return self._tables.conversations[open_id]
        conversations = (
            conversation
            for conversation in self._tables.conversations.values()
            if conversation.visitor_id == visitor_id
        )
        return max(conversations, key=position, default=None)

    async def conversations(
        self,
        *,
        states: Sequence[State] = (),
        holder_id: str | None = None,
        text: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page:
        """Conversations in one of `states` (none: any), held by an agent, whose messages contain `text`."""
        before = read_cursor(cursor) if cursor is not None else None
        matching = [
            conversation
            for conversation in self._tables.conversations.values()
            if (not states or conversation.state in states)
            and (holder_id is None or conversation.holder.id == holder_id)
            and (before is None or position(conversation) < before)
            and (text is None or self._contains(conversation.conversation_id, text.lower()))
        ]
        matching.sort(key=position, reverse=True)
        items = tuple(matching[:limit])
        return Page(items, cursor_after(items[-1]) if len(matching) > limit else None)

    def _contains(self, conversation_id: str, text: str) -> bool:
        messages = (getattr(event.payload, "text", "") for event in self._tables.events[conversation_id])
        return any(text in message.lower() for message in messages)

    async def queue(self) -> tuple[Conversation, ...]:
        """Who waits for a person, in the order they are served: by priority, then by waiting time."""
        waiting = (
            conversation for conversation in self._tables.conversations.values() if conversation.state == "queued"
        )
        return tuple(sorted(waiting, key=serving_order))

    async def heads(self, *, conversation_ids: Sequence[str], visitor_ids: Sequence[str]) -> tuple[Head, ...]:
        """How far the given conversations, and the latest of each given visitor, have come."""
        conversations = {key: self._tables.conversations.get(key) for key in conversation_ids}
        for visitor_id in visitor_ids:
            latest = await self.latest(visitor_id)
            if latest is not None:
                conversations[latest.conversation_id] = latest
        return _heads(conversation for conversation in conversations.values() if conversation is not None)

    async def open_heads(self) -> tuple[Head, ...]:
        """How far every conversation that is not closed has come."""
        return _heads(
            conversation for conversation in self._tables.conversations.values() if conversation.state != "closed"
        )


def _heads(conversations: Iterable[Conversation]) -> tuple[Head, ...]:
    return tuple(
        Head(conversation.conversation_id, conversation.visitor_id, conversation.seq) for conversation in conversations
    )
