"""Delivery to one agent socket: outbound queue with backpressure, cursors, snapshot then changes.

Hints only mark conversations as changed; what is sent is read from the store when its turn comes. So a lost, late or
doubled hint costs a delay or a look, never an event; and however slow the socket, what waits for it are a set of ids
and a bounded row of replies, not events.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from conversation.events import JsonObject
from conversation.ports import Bus, Store
from conversation.projections import desk_form
from conversation.state import Conversation
from conversation.values import Hint, Reached, Relayed
from handoff.console.frames import MAX_WATCHED
from handoff.serialisers import item_form

OUTBOUND = 256  # replies and typing that wait for one socket
PAGE_EVENTS = 100
PAGE_ITEMS = 200
OPEN: Final = ("bot", "queued", "agent")


class SocketClosed(Exception):
    """Close of the socket: it ends with `close_code`."""

    def __init__(self, close_code: int, reason: str) -> None:
        self.close_code, self.reason = close_code, reason

    def __str__(self) -> str:
        return f"close {self.close_code}: {self.reason}"


@dataclass(slots=True)
class _Cursor:
    """How far a watched conversation was told, and what ends listening to it."""

    seq: int
    leave: Callable[[], None]


class Feed:
    """Outbound feed: everything open, every change of it, and the events of what is watched, each once and in order."""

    def __init__(self, store: Store, bus: Bus) -> None:
        self._store, self._bus = store, bus
        self._due: deque[str | JsonObject] = deque()  # what to tell next: ids of changed conversations, and replies
        self._changed: set[str] = set()  # the ids in it, each once
        self._replies = 0  # the replies in it
        self._shown: dict[str, int] = {}  # conversation id -> `seq` of the item sent last
        self._watched: dict[str, _Cursor] = {}
        self._ended: SocketClosed | None = None
        self._wake = asyncio.Event()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear of changes; begin before reading anything, so that nothing falls in between."""
        leave = self._bus.listen(self._hear)
        try:
            yield
        finally:
            leave()
            for conversation_id in tuple(self._watched):
                self.unwatch(conversation_id)

    def _hear(self, hint: Hint) -> None:
        if not isinstance(hint, Relayed):
            self._touch(hint.conversation_id)
        elif hint.to == "desk" and hint.conversation_id in self._watched and self._replies < OUTBOUND:
            self.reply(hint.frame | {"conversation_id": hint.conversation_id})

    def _hear_watched(self, hint: Hint) -> None:
        """By its own topic: a closed conversation is not polled for those who listen to everything."""
        if isinstance(hint, Reached):
            self._touch(hint.conversation_id)

    def _touch(self, conversation_id: str) -> None:
        if conversation_id not in self._changed:
            self._changed.add(conversation_id)
            self._due.append(conversation_id)
            self._wake.set()

    def reply(self, frame: JsonObject) -> None:
        """Send `frame` after what is due already; a `pong` therefore says that everything before it was told.

        Raises SocketClosed where too many wait: the client sends but does not read.
        """
        if self._replies >= OUTBOUND:
            raise SocketClosed(1013, "you read too slowly; connect again")
        self._replies += 1
        self._due.append(frame)
        self._wake.set()

    def end(self, close_code: int, reason: str) -> None:
        """Close the socket once its writer comes round."""
        self._ended = SocketClosed(close_code, reason)
        self._wake.set()

    def watch(self, conversation: Conversation, after: int) -> bool:
        """Send the events numbered after+1 and up; from the first where `after` is beyond the end. False: too many."""
        if len(self._watched) >= MAX_WATCHED and conversation.conversation_id not in self._watched:
            return False
        self.unwatch(conversation.conversation_id)
        leave = self._bus.listen(self._hear_watched, conversation_id=conversation.conversation_id)
        self._watched[conversation.conversation_id] = _Cursor(after if after <= conversation.seq else 0, leave)
        self._touch(conversation.conversation_id)
        return True

    def unwatch(self, conversation_id: str) -> None:
        """Send no more of its events."""
        cursor = self._watched.pop(conversation_id, None)
        if cursor is not None:
            cursor.leave()

    async def everything_open(self) -> AsyncGenerator[JsonObject]:
        """An item for each open conversation; one that changes meanwhile comes again."""
        cursor: str | None = None
        while True:
            page = await self._store.conversations(states=OPEN, cursor=cursor, limit=PAGE_ITEMS)
            for conversation in page.items:
                if (frame := self._news_of(conversation)) is not None:
                    yield frame
            cursor = page.next
            if cursor is None:
                return

    async def changes(self) -> AsyncGenerator[JsonObject]:
        """What there is to tell, as long as there is somebody to tell it. Raises SocketClosed."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._due and self._ended is None:
                async for frame in self._next(self._due.popleft()):
                    yield frame
            if self._ended is not None:
                raise self._ended

    async def _next(self, due: str | JsonObject) -> AsyncGenerator[JsonObject]:
        if not isinstance(due, str):
            self._replies -= 1
            yield due
            return
        self._changed.discard(due)  # before reading: what changes from here on is due again
        async for frame in self._read(due):
            yield frame

    async def _read(self, conversation_id: str) -> AsyncGenerator[JsonObject]:
        conversation = await self._store.conversation(conversation_id)
        if conversation is None:
            return
        if (frame := self._news_of(conversation)) is not None:
            yield frame
        async for event in self._events(conversation_id):
            yield event

    def _news_of(self, conversation: Conversation) -> JsonObject | None:
        if conversation.seq <= self._shown.get(conversation.conversation_id, 0):
            return None
        self._shown[conversation.conversation_id] = conversation.seq
        return {"type": "conversation", **item_form(conversation)}

    async def _events(self, conversation_id: str) -> AsyncGenerator[JsonObject]:
        """The one way events reach an agent: everything after the cursor, from the store."""
        cursor = self._watched.get(conversation_id)
        if cursor is None:
            return
        while True:
            page = await self._store.events(conversation_id, after=cursor.seq, limit=PAGE_EVENTS)
            for event in page:
                if self._watched.get(conversation_id) is not cursor:
                    return  # unwatched, or watched anew from elsewhere, while we read
                cursor.seq = event.seq
                yield {"type": "event", "conversation_id": conversation_id, **desk_form(event)}
            if len(page) < PAGE_EVENTS:
                return
