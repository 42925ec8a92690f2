"""Serves one visitor: hello, welcome, then commands in and events out until the line ends."""

import asyncio
import secrets
import time
from collections import deque
from dataclasses import asdict, dataclass, field

import structlog

from bot.channel import Channel, ChannelClosed
from bot.delivery import Delivery
from bot.intake import Arrival, Ended, RateLimited, decision
from bot.limits import COMMANDS, HELLOS, SAYS, Limits
from bot.protocol import (
    BAD_FRAME,
    HEARTBEAT_S,
    MAX_TEXT_CHARS,
    NO_HELLO,
    PROTOCOL,
    TOO_MANY,
    TRY_LATER,
    AnyCommand,
    ClientFrame,
    FrameError,
    Hangup,
    Hello,
    Ping,
    Rate,
    Say,
    Typing,
    error_frame,
    event_frame,
    parse,
)
from bot.respond import Responder
from bot.visitors import Admitted, Reception
from conversation.errors import AlreadySent, NewerConversation, Refused, StorageUnavailable
from conversation.events import SYSTEM, Author, BotSaid, Closed, JsonObject, Opened
from conversation.journal import Journal
from conversation.ports import Appended, Draft, Key, Relayed
from conversation.state import Conversation
from handoff.desk import Desk, requested

log = structlog.get_logger()

HELLO_WITHIN_S = 10.0
BAD_FRAMES_A_MINUTE = 10
TRIES = 3  # a visitor's conversation may end or begin elsewhere while a command is under way


@dataclass(frozen=True, slots=True)
class Counter:
    """What serving visitors takes; shared by all sockets of the process."""

    journal: Journal
    desk: Desk
    responder: Responder
    reception: Reception
    limits: Limits
    reopen_h: float
    chats: set["Chat"] = field(default_factory=set)


class Chat:
    """One visitor's line from hello to hang-up."""

    def __init__(self, channel: Channel, counter: Counter, own_origin: str) -> None:
        self._channel = channel
        self._counter = counter
        self._own_origin = own_origin
        self._bad_frames: deque[float] = deque(maxlen=BAD_FRAMES_A_MINUTE)
        self._admitted: Admitted
        self._hello: Hello
        self._delivery: Delivery
        self._replaces: str | None = None

    async def serve(self) -> None:
        """Until either side hangs up; ends the line with the code of PROTOCOL.md."""
        self._counter.chats.add(self)
        try:
            await self._greet()
            await self._converse()
        except ChannelClosed:
            pass
        except Hangup as hangup:
            await self._channel.close(hangup.code, hangup.reason)
        except StorageUnavailable as unavailable:
            log.warning("chat.storage_unavailable", problem=unavailable.problem)
            await self._channel.close(TRY_LATER, "storage is unavailable; try again later")
        finally:
            self._counter.chats.discard(self)

    async def hang_up(self, code: int, reason: str) -> None:
        """End the line from outside, at shutdown."""
        await self._channel.close(code, reason)

    # Hello

    async def _greet(self) -> None:
        if self._counter.limits.hit(HELLOS, "hello", self._channel.address) is not None:
            raise Hangup(TOO_MANY, "too many connections from this address; try again in a minute")
        self._hello = await self._first_frame()
        self._admitted = await self._counter.reception.admit(self._hello, self._channel.origin, self._own_origin)
        if self._admitted.moved_from is not None:
            await self._sign_in(self._admitted.moved_from.visitor_id)
        visitor_id = self._admitted.visitor.visitor_id
        journal = self._counter.journal
        self._delivery = Delivery(self._channel, journal.store, journal.bus, self._counter.desk, visitor_id)
        current = await self._current()
        if self._hello.fresh and current is not None:
            self._replaces = current.conversation_id if current.state != "closed" else None
            current = None
        await self._welcome(current, resume=True)

    async def _first_frame(self) -> Hello:
        try:
            async with asyncio.timeout(HELLO_WITHIN_S):
                frame = parse(await self._channel.receive())
        except TimeoutError:
            raise Hangup(NO_HELLO, f"no hello within {HELLO_WITHIN_S:g} s") from None
        except FrameError as bad:
            raise Hangup(BAD_FRAME, str(bad)[:100]) from None
        if not isinstance(frame, Hello):
            raise Hangup(BAD_FRAME, "the first frame is hello")
        return frame

    async def _sign_in(self, anonymous_id: str) -> None:
        """What the browser's visitor has open goes on as the customer's, if they have nothing open themselves."""
        store = self._counter.journal.store
        before = await store.latest(anonymous_id)
        if before is not None and before.state != "closed":
            await store.save_visitor(self._admitted.visitor)
            await store.move_conversation(before.conversation_id, self._admitted.visitor.visitor_id)

    async def _current(self) -> Conversation | None:
        """The conversation that a command would go to: open, or closed so recently that it would reopen."""
        latest = await self._counter.journal.store.latest(self._admitted.visitor.visitor_id)
        if latest is None or latest.state != "closed":
            return latest
        age_s = (self._counter.journal.clock.now() - latest.updated_at).total_seconds()
        return latest if age_s <= self._counter.reopen_h * 3600 else None

    async def _welcome(self, now: Conversation | None, *, resume: bool) -> None:
        """Say where things stand, then deliver from where the client is; nothing is stored for it."""
        conversation_id = secrets.token_urlsafe(16) if now is None else now.conversation_id
        seq = 0 if now is None else now.seq
        knows = resume and self._hello.conversation_id == conversation_id and self._hello.after <= seq
        place = await self._counter.desk.queue_place(conversation_id) if now and now.state == "queued" else None
        self._delivery.offer(
            {
                "type": "welcome",
                "protocol": PROTOCOL,
                "conversation_id": conversation_id,
                "token": self._admitted.token,
                "seq": seq,
                "state": "bot" if now is None else now.state,
                "holder": {"kind": "bot", "name": None} if now is None else _shown(now),
                "queue": None if place is None else {"position": place.position, "wait_s": place.wait_s},
                "desk_open": await self._counter.desk.is_open(self._hello.site),
                "limits": {"max_text_chars": MAX_TEXT_CHARS, "heartbeat_s": HEARTBEAT_S},
            }
        )
        after = self._hello.after if knows else 0
        self._delivery.follow(conversation_id, after=after, head=seq, state="bot" if now is None else now.state)

    # Conversing

    async def _converse(self) -> None:
        """Read and write side by side; whichever ends first ends both."""
        reading = asyncio.create_task(self._read())
        writing = asyncio.create_task(self._write())
        try:
            done, _ = await asyncio.wait({reading, writing}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self._delivery.end()
            for task in (reading, writing):
                task.cancel()
            await asyncio.gather(reading, writing, return_exceptions=True)

    async def _write(self) -> None:
        while True:
            await self._delivery.flush()
            if self._delivery.elsewhere is not None:
                await self._follow_newest()
            else:
                await self._delivery.wait()

    async def _follow_newest(self) -> None:
        """Another socket of this visitor began a conversation: announce it here too."""
        current = await self._current()
        self._delivery.elsewhere = None
        if current is not None and current.conversation_id not in (self._delivery.conversation_id, self._replaces):
            await self._welcome(current, resume=False)

    async def _read(self) -> None:
        while True:
            data = await self._channel.receive()
            try:
                await self._handle(parse(data))
            except FrameError as bad:
                self._count_bad_frame()
                frame = error_frame(bad.code, str(bad), final=bad.final, client_id=bad.client_id)
                self._delivery.offer(frame)

    def _count_bad_frame(self) -> None:
        now = time.monotonic()
        self._bad_frames.append(now)
        if len(self._bad_frames) == BAD_FRAMES_A_MINUTE and now - self._bad_frames[0] < 60:  # noqa: PLR2004 - a minute
            raise Hangup(BAD_FRAME, "too many bad frames")

    async def _handle(self, frame: ClientFrame) -> None:
        match frame:
            case Ping():
                self._delivery.offer({"type": "pong", "seq": self._delivery.cursor})
            case Typing(on=on):
                self._relay_typing(on=on)
            case Hello():
                raise FrameError("hello was said already; open a new socket to start over")
            case _:
                await self._command(frame)

    def _relay_typing(self, *, on: bool) -> None:
        if self._counter.limits.hit(COMMANDS, "typing", self._admitted.visitor.visitor_id) is None:
            relayed = Relayed(self._delivery.conversation_id, "desk", {"type": "typing", "by": "visitor", "on": on})
            self._counter.journal.bus.publish(relayed)

    # Commands

    async def _command(self, command: AnyCommand) -> None:
        """Carry it out; the event that acknowledges it comes through delivery, a refusal at once."""
        try:
            if isinstance(command, Rate):
                await self._check_rated(command)
            appended = await self._append(command)
        except RateLimited as limited:
            self._refuse(command, limited.code, str(limited), final=False, retry_after_s=limited.retry_after_s)
        except AlreadySent as sent:
            more: dict[str, str | int] = {"conversation_id": sent.conversation_id, "seq": sent.seq}
            self._refuse(command, sent.code, str(sent), more=more)
        except Refused as refused:
            self._refuse(command, refused.code, str(refused))
        except StorageUnavailable as unavailable:
            log.warning("say.not_stored", problem=unavailable.problem)
            self._refuse(
                command, unavailable.code, "we cannot store messages right now", final=False, retry_after_s=5.0
            )
        else:
            self._counter.responder.take(appended.lease)
            if appended.again:
                self._delivery.offer(event_frame(appended.events[0], again=True))

    async def _append(self, command: AnyCommand) -> Appended:
        """Append to the conversation this line follows or, where that has ended, to the one that comes after it."""
        arrival = await self._arrival(command)
        key = Key.of(arrival.by, str(command.client_id), command.model_dump(mode="json", exclude={"client_id"}))
        await self._close_replaced()
        for _ in range(TRIES):
            try:
                return await self._counter.journal.append(
                    self._delivery.conversation_id,
                    decision(command, arrival),
                    key=key,
                    visitor=self._admitted.visitor,
                )
            except Ended:
                await self._welcome(None, resume=False)
            except NewerConversation:
                await self._welcome(await self._current(), resume=False)
        raise NewerConversation

    async def _arrival(self, command: AnyCommand) -> Arrival:
        visitor, counter = self._admitted.visitor, self._counter
        limit = SAYS if isinstance(command, Say) else COMMANDS
        page = self._hello.page.model_dump(exclude_none=True) if self._hello.page else None
        return Arrival(
            by=Author("visitor", visitor.name, visitor.visitor_id),
            opened=Opened(self._hello.site, self._hello.locale, page),
            at=counter.journal.clock.now(),
            desk_open=await counter.desk.is_open(self._hello.site),
            reopen_h=counter.reopen_h,
            retry_after_s=counter.limits.hit(limit, command.type, visitor.visitor_id),
            call=lambda: requested("visitor_asked", "the visitor pressed the button"),
        )

    async def _close_replaced(self) -> None:
        """A visitor has one open conversation: what `fresh` replaces ends when the new one begins."""
        if self._replaces is None:
            return

        def close(now: Conversation | None) -> list[Draft]:
            return [] if now is None or now.state == "closed" else [Draft(SYSTEM, Closed("new conversation"))]

        await self._counter.journal.append(self._replaces, close)
        self._replaces = None

    async def _check_rated(self, rate: Rate) -> None:
        store, conversation_id = self._counter.journal.store, self._delivery.conversation_id
        rated = await store.events(conversation_id, after=rate.seq - 1, limit=1)
        if not rated or not isinstance(rated[0].payload, BotSaid):
            raise FrameError(f"seq: {rate.seq} is not a reply of the bot", str(rate.client_id))

    def _refuse(
        self,
        command: AnyCommand,
        code: str,
        message: str,
        *,
        final: bool = True,
        retry_after_s: float | None = None,
        more: dict[str, str | int] | None = None,
    ) -> None:
        client_id = str(command.client_id)
        frame = error_frame(
            code, message, final=final, client_id=client_id, retry_after_s=retry_after_s, **(more or {})
        )
        self._delivery.offer(frame)


def _shown(now: Conversation) -> JsonObject:
    """Who holds the chat, as a visitor may know it."""
    return {name: value for name, value in asdict(now.holder).items() if name != "id"}
