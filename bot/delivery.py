"""Everything that is sent to one visitor's socket, in order: a cursor over the log, and frames that may get lost."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.channel import Channel
from bot.protocol import TRY_LATER, Hangup, encode, event_frame
from conversation.events import Event, JsonObject, State
from conversation.ports import Bus, Hint, Reached, Store
from handoff.desk import Desk

QUEUED_FRAMES = 256  # ephemeral frames a slow reader may owe; events are paged from the store instead
PAGE_EVENTS = 100
QUEUE_EVERY_S = 10.0  # how often a waiting visitor hears of their place, at most


@dataclass(slots=True)
class Delivery:
    """Sends what is after `cursor` whenever something wakes it; live delivery and resume are the same read."""

    channel: Channel
    store: Store
    bus: Bus
    desk: Desk
    visitor_id: str
    conversation_id: str = ""
    cursor: int = 0
    state: State = "bot"
    elsewhere: str | None = None
    _head: int = 0
    _place: tuple[int, float | None] | None = None
    _frames: deque[JsonObject] = field(default_factory=deque)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _unlisten: Callable[[], None] | None = None

    def follow(self, conversation_id: str, *, after: int, head: int, state: State) -> None:
        """Deliver this conversation from `after` on, up to `head` at once and further when hints come."""
        self.conversation_id, self.cursor, self._head, self.state = conversation_id, after, head, state
        self.elsewhere = None
        self._place = None
        self.end()
        self._unlisten = self.bus.listen(self._hint, conversation_id=conversation_id, visitor_id=self.visitor_id)
        self._wake.set()

    def end(self) -> None:
        """Listen no longer."""
        if self._unlisten is not None:
            self._unlisten()

    def _hint(self, hint: Hint) -> None:
        """A hint of another conversation of this visitor means that a new one began."""
        if not isinstance(hint, Reached):
            if hint.to == "visitor" and hint.conversation_id == self.conversation_id:
                self.offer(hint.frame)
        elif hint.conversation_id == self.conversation_id:
            self._head = max(self._head, hint.seq)
            self._wake.set()
        elif hint.visitor_id == self.visitor_id:
            self.elsewhere = hint.conversation_id
            self._wake.set()

    def offer(self, frame: JsonObject) -> None:
        """Send a frame soon, before any further event; one too many ends the socket at the next `flush`."""
        if len(self._frames) <= QUEUED_FRAMES:
            self._frames.append(frame)
        self._wake.set()

    async def wait(self) -> None:
        """Until there is something to send."""
        timeout = QUEUE_EVERY_S if self.state == "queued" else None
        try:
            async with asyncio.timeout(timeout):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()

    async def flush(self) -> None:
        """Send frames, then events, then the place in the queue. Raises Hangup, ChannelClosed, StorageUnavailable."""
        if len(self._frames) > QUEUED_FRAMES:
            raise Hangup(TRY_LATER, "the socket is read too slowly; reconnect and resume")
        while self._frames:
            await self.channel.send(encode(self._frames.popleft()))
        while self._head > self.cursor:
            page = await self.store.events(self.conversation_id, after=self.cursor, limit=PAGE_EVENTS)
            if not page:
                break
            for event in page:
                await self._deliver(event)
        if self.state == "queued":
            await self._tell_place()

    async def _deliver(self, event: Event) -> None:
        await self.channel.send(encode(event_frame(event)))
        self.cursor = event.seq
        if event.standing is not None:
            self.state = event.standing.state
            self._place = None

    async def _tell_place(self) -> None:
        place = await self.desk.queue_place(self.conversation_id)
        if place is None or (place.position, place.wait_s) == self._place:
            return
        self._place = (place.position, place.wait_s)
        await self.channel.send(encode({"type": "queue", "position": place.position, "wait_s": place.wait_s}))
