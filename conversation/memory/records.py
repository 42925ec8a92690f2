"""Export, erasure and scheduled chores in memory: everything at once, for those who hand it over or erase it."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, is_dataclass, replace
from datetime import datetime, timedelta

from conversation.erasure import RANDOM_IDS, erased, is_due, last_words
from conversation.events import ContactLeft, Event
from conversation.memory.tables import SentCommand, Tables
from conversation.ports import Clock
from conversation.reducer import advance
from conversation.state import fold
from conversation.values import Copy, Erased, Head, Holdings, Mention


class MemoryRecords:
    """A record store in memory: `RecordStore`."""

    _tables: Tables
    _clock: Clock

    async def records(
        self, *, after: tuple[str, int] | None = None, since: datetime | None = None, limit: int = 500
    ) -> tuple[Event, ...]:
        """Events of all conversations, or of those that changed at `since` or later, by conversation and number."""
        conversation_ids = sorted(
            conversation_id
            for conversation_id, conversation in self._tables.conversations.items()
            if since is None or conversation.updated_at >= since
        )
        events = (event for conversation_id in conversation_ids for event in self._tables.events[conversation_id])
        wanted = (event for event in events if after is None or (event.conversation_id, event.seq) > after)
        return tuple(event for _, event in zip(range(limit), wanted, strict=False))

    async def holdings(
        self, *, visitor_id: str | None = None, email: str | None = None, conversation_id: str | None = None
    ) -> Holdings:
        """What is kept of a person, see `RecordStore.holdings`."""
        if conversation_id is not None:
            return Holdings((), self._unerased({conversation_id}))
        people = {visitor_id} if visitor_id is not None else set[str]()
        left_by = {} if email is None else self._left(email.lower())
        people |= set(left_by.values()) | self._named(email)
        conversation_ids, known = set[str](), set[str]()
        while people - known:
            known |= people
            conversation_ids |= {other for other in self._tables.conversations if self._people_in(other) & people}
            people = people.union(*map(self._people_in, conversation_ids))
        rows = (self._tables.visitors.get(person) for person in sorted(known))
        ordered = sorted(self._unerased(conversation_ids), key=lambda name: (name in left_by, name))
        return Holdings(tuple(row for row in rows if row is not None), tuple(ordered))

    def _named(self, email: str | None) -> set[str]:
        """Visitors who have the address."""
        named = {
            visitor.visitor_id: visitor.email.lower()
            for visitor in self._tables.visitors.values()
            if visitor.email is not None
        }
        return {visitor_id for visitor_id, address in named.items() if email is not None and address == email.lower()}

    def _left(self, email: str) -> dict[str, str]:
        """Conversations in which the address was left, and whose they are."""
        return {
            conversation_id: self._tables.conversations[conversation_id].visitor_id
            for conversation_id, events in self._tables.events.items()
            for event in events
            if isinstance(event.payload, ContactLeft) and event.payload.email.lower() == email
        }

    def _people_in(self, conversation_id: str) -> set[str]:
        """Whose it is, who opened it, and whose commands stand in it: signing in moves some of these."""
        opener = self._tables.events[conversation_id][0].by.id
        senders = {
            sender for (sender, _), sent in self._tables.sent.items() if sent.event.conversation_id == conversation_id
        }
        visitors = {sender.removeprefix("visitor:") for sender in senders if sender.startswith("visitor:")}
        return visitors | {self._tables.conversations[conversation_id].visitor_id} | ({opener} if opener else set())

    def _unerased(self, conversation_ids: set[str]) -> tuple[str, ...]:
        conversations = {
            conversation_id: self._tables.conversations.get(conversation_id) for conversation_id in conversation_ids
        }
        return tuple(
            sorted(
                conversation_id
                for conversation_id, conversation in conversations.items()
                if conversation is not None and not conversation.erased
            )
        )

    async def erase(
        self, conversation_id: str, at: datetime, *, unless_changed_since: datetime | None = None
    ) -> Erased | None:
        """Overwrite what was written in the conversation, see `RecordStore.erase`."""
        tables = self._tables
        before = tables.conversations.get(conversation_id)
        if before is None or not is_due(before, unless_changed_since):
            return None
        if before.erased:
            return Erased(before, 0)
        stored = tables.events[conversation_id]
        remains = [erased(event) for event in stored]
        seqs = [new.seq for old, new in zip(stored, remains, strict=True) if new != old]
        words = list(last_words(seqs, is_open=before.state != "closed"))
        after, new = advance(fold(remains), words, conversation_id=conversation_id, at=at, client_id=None)
        tables.events[conversation_id] = [*remains, *new]
        tables.conversations[conversation_id] = after = replace(after, visitor_id=before.visitor_id)
        tables.turns.pop(conversation_id, None)
        tables.notices = {name: owed for name, owed in tables.notices.items() if name[0] != conversation_id}
        if tables.open_of.get(before.visitor_id) == conversation_id:
            del tables.open_of[before.visitor_id]
        self._forget_digests(conversation_id, remains)
        return Erased(after, len(seqs))

    def _forget_digests(self, conversation_id: str, remains: Sequence[Event]) -> None:
        for key, sent in self._tables.sent.items():
            if sent.event.conversation_id == conversation_id:
                self._tables.sent[key] = SentCommand(None, remains[sent.event.seq - 1])

    async def forget_visitor(self, visitor_id: str, *, unless_in_use: bool = False) -> bool:
        """Delete the visitor's row; True where there was one."""
        conversations = (
            conversation
            for conversation in self._tables.conversations.values()
            if conversation.visitor_id == visitor_id
        )
        if unless_in_use and any(not conversation.erased for conversation in conversations):
            return False
        return self._tables.visitors.pop(visitor_id, None) is not None

    async def closed_before(self, moment: datetime, *, limit: int) -> tuple[Head, ...]:
        """Conversations that are closed, have texts left and have not changed since `at`, oldest first."""
        conversations = self._tables.conversations.values()
        due = [
            conversation
            for conversation in conversations
            if conversation.state == "closed" and not conversation.erased and conversation.updated_at < moment
        ]
        due.sort(key=lambda conversation: conversation.updated_at)
        return tuple(
            Head(conversation.conversation_id, conversation.visitor_id, conversation.seq)
            for conversation in due[:limit]
        )

    async def mentions(self, texts: Sequence[str]) -> tuple[Mention, ...]:
        """Where `texts` still stand, without regard to case; tables and columns are those of the values."""
        tables = self._tables
        rows_by_table: dict[str, Sequence[object]] = {
            "conversations": list(tables.conversations.values()),
            "events": [event for events in tables.events.values() for event in events],
            "visitors": list(tables.visitors.values()),
            "agents": list(tables.agents.values()),
        }
        mentions = (
            Mention(text, table, column, count)
            for text in texts
            for table, rows in rows_by_table.items()
            for column, count in _counts(text.lower(), rows).items()
        )
        return tuple(mentions)

    async def copies(self, texts: Sequence[str]) -> tuple[Copy, ...]:  # noqa: ARG002 - there are no files
        """Nowhere."""
        return ()

    async def take_chore(self, name: str, *, every_s: float) -> bool:
        """Whether it is this process that has to do the chore now; then it is due again in `every_s`."""
        now = self._clock.now()
        if self._tables.due.get(name, now) > now:
            return False
        self._tables.due[name] = now + timedelta(seconds=every_s)
        return True


def _counts(text: str, values: Sequence[object]) -> dict[str, int]:
    """How many of `values` hold `text`, by the name of the field."""
    counts: dict[str, int] = {}
    for value in values:
        assert is_dataclass(value)
        assert not isinstance(value, type)
        for name, content in asdict(value).items():
            if name not in RANDOM_IDS and any(text in words.lower() for words in _words(content)):
                counts[name] = counts.get(name, 0) + 1
    return counts


def _words(content: object) -> Iterator[str]:
    match content:
        case str():
            yield content
        case dict():
            for inner in content.values():
                yield from _words(inner)
        case list() | tuple():
            for inner in content:
                yield from _words(inner)
