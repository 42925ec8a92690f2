"""Event delivery to one visitor's socket, in order: a cursor over the log, and ephemeral frames that may get lost."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.visitor.channel import Channel
from bot.visitor.desk_status import DeskStatus
from bot.visitor.protocol import TRY_LATER, Hangup, encode, event_frame
from conversation.events import Event, JsonObject, State, VisitorSaid
from conversation.publisher import Publisher
from conversation.values import Hint, Reached
from handoff.desk import Desk, Place

QUEUED_FRAMES = 256  # ephemeral frames a slow reader may owe; events are paged from the store instead
PAGE_EVENTS = 100
QUEUE_EVERY_S = 10.0  # how often a waiting visitor hears of their place, at most


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription to a conversation: after which event, how far it has come, and the `welcome` that announces it."""

    conversation_id: str
    welcome: JsonObject
    after: int = 0
    head: int = 0
    state: State = "bot"
    place: Place | None = None


@dataclass(slots=True)
class Delivery:
    """Delivers what is after the cursor at each `flush`; live delivery and resume are the same read.

    `stir` is called whenever there is, or may be, something to flush. Only `flush` changes what is delivered, so that a
    page being read and a new subscription cannot cross.
    """

    channel: Channel
    publisher: Publisher
    desk: Desk
    desk_status: DeskStatus
    visitor_id: str
    stir: Callable[[], None]
    cursor: int = 0
    elsewhere: bool = False
    _conversation_id: str = ""
    _state: State = "bot"
    _head: int = 0
    _desk_open: bool = False
    _place: Place | None = None
    _place_read_s: float = 0.0
    _place_due: bool = False  # a waiting visitor wrote, and hears where they stand also where that is no news
    _replayed: int = 0  # the last event that was there at the welcome, which said the place
    _next: Subscription | None = None
    _frames: list[JsonObject] = field(default_factory=list)  # an empty deque weighs 760 bytes, a list 56
    _unlisten: Callable[[], None] | None = None
    _reminder: asyncio.TimerHandle | None = None

    def follow(self, subscription: Subscription) -> None:
        """From the next `flush` on, deliver this conversation instead."""
        self._next = subscription
        self.stir()

    def begin(self) -> None:
        """Watch the desk status; hints are listened to from the first `follow` on."""
        self.desk_status.watchers.add(self.stir)

    def end(self) -> None:
        """Listen no longer."""
        self.desk_status.watchers.discard(self.stir)
        if self._unlisten is not None:
            self._unlisten()
            self._unlisten = None
        if self._reminder is not None:
            self._reminder.cancel()

    def offer(self, frame: JsonObject) -> None:
        """Send a frame soon, before any further event; one too many ends the socket at the next `flush`."""
        if len(self._frames) <= QUEUED_FRAMES:
            self._frames.append(frame)
        self.stir()

    async def flush(self) -> None:
        """Send all there is: frames, then events, then the place in the queue.

        Raises Hangup, ChannelClosed, StorageUnavailable.
        """
        more = True
        while more:
            await self._subscribe()
            await self._send_frames()
            more = await self._send_page() or self._next is not None
        if self.desk_status.open != self._desk_open:
            self._desk_open = self.desk_status.open
            await self._send({"type": "desk", "open": self._desk_open})
        if self._state == "queued":
            await self._send_place()
            self._remind()

    def _hint(self, hint: Hint) -> None:
        """A hint of another conversation of this visitor means that a new one may have begun."""
        if not isinstance(hint, Reached):
            if hint.to == "visitor":
                self.offer(hint.frame)
        elif hint.conversation_id == self._conversation_id:
            self._head = max(self._head, hint.seq)
            self.stir()
        else:
            self.elsewhere = True
            self.stir()

    async def _subscribe(self) -> None:
        """Switch to the newest subscription, announcing it before its first event."""
        if self._next is None:
            return
        subscription, self._next = self._next, None
        self._conversation_id, self._state = subscription.conversation_id, subscription.state
        # one further is looked for: what came between the welcome and the listening had no listener to hint to
        self.cursor, self._head = subscription.after, max(subscription.head, subscription.after + 1)
        self._place, self._place_read_s = subscription.place, self.publisher.clock.monotonic()
        self._place_due, self._replayed = False, subscription.head
        self._desk_open = subscription.welcome["desk_open"] is True
        if self._unlisten is not None:
            self._unlisten()
        listen = self.publisher.bus.listen
        self._unlisten = listen(self._hint, conversation_id=subscription.conversation_id, visitor_id=self.visitor_id)
        await self._send(subscription.welcome)

    async def _send_frames(self) -> None:
        if len(self._frames) > QUEUED_FRAMES:
            raise Hangup(TRY_LATER, "the socket is read too slowly; reconnect and resume")
        while self._frames:
            await self._send(self._frames.pop(0))

    async def _send_page(self) -> bool:
        """The next events; False where there are none, or the subscription has changed while they were read."""
        if self._head <= self.cursor:
            return False
        store = self.publisher.store
        page = await store.events(self._conversation_id, after=self.cursor, limit=PAGE_EVENTS)
        if self._next is not None:
            return False
        if not page:
            self._head = self.cursor
        for event in page:
            await self._deliver(event)
        return bool(page)

    async def _deliver(self, event: Event) -> None:
        await self._send(event_frame(event))
        self.cursor = event.seq
        if event.standing is not None:
            self._state = event.standing.state
            self._place = None
        if isinstance(event.payload, VisitorSaid) and event.seq > self._replayed:
            self._place_due = self._state == "queued"

    async def _send_place(self) -> None:
        """At once when it is news that there is a place, later at most every QUEUE_EVERY_S."""
        now_s = self.publisher.clock.monotonic()
        if self._place is not None and now_s - self._place_read_s < QUEUE_EVERY_S:
            return
        self._place_read_s = now_s
        place = await self.desk.queue_place(self._conversation_id)
        if place is not None and (self._place_due or place != self._place):
            self._place, self._place_due = place, False
            await self._send({"type": "queue", **place_form(place)})

    def _remind(self) -> None:
        """A place changes without anything happening in the conversation."""
        if self._reminder is not None:
            self._reminder.cancel()
        wait_s = self._place_read_s + QUEUE_EVERY_S - self.publisher.clock.monotonic()
        self._reminder = asyncio.get_running_loop().call_later(wait_s, self.stir)

    async def _send(self, frame: JsonObject) -> None:
        await self.channel.send(encode(frame))


def place_form(place: Place) -> JsonObject:
    """A place in the queue as visitors see it."""
    return {"position": place.position, "wait_s": place.wait_s, "overdue": place.overdue}
