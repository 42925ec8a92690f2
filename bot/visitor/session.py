"""The session of one visitor's socket: hello, welcome, then commands in and events out until the line ends."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field

import structlog

from bot.answer import handover, transcript_of
from bot.answer.language import spoken_language
from bot.answer.reply import Phrasebook, default_phrasebook
from bot.turns import HISTORY_EVENTS, Responder
from bot.visitor.channel import Channel, ChannelClosed
from bot.visitor.commands import CommandContext, ConversationEnded, RateLimited, decision, may_reopen
from bot.visitor.delivery import Delivery, Subscription, place_form
from bot.visitor.desk_status import DeskStatus
from bot.visitor.identity import Admitted, VisitorAuthentication
from bot.visitor.limits import COMMANDS, HELLOS, SAYS, Limits
from bot.visitor.protocol import (
    BAD_FRAME,
    HEARTBEAT_S,
    MAX_TEXT_CHARS,
    NO_HELLO,
    PROTOCOL,
    TOO_MANY,
    TRY_LATER,
    AnyCommand,
    CallHuman,
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
from conversation.errors import AlreadySent, NewerConversation, Refused, StorageUnavailable
from conversation.events import SYSTEM, Author, BotSaid, Closed, Event, HandoffRequested, JsonObject, Opened
from conversation.publisher import Publisher
from conversation.state import Conversation
from conversation.values import Appended, Draft, Key, Relayed
from handoff.desk import Desk

log = structlog.get_logger()

HELLO_WITHIN_S = 10.0
BAD_FRAMES_A_MINUTE = 10
MINUTE_S = 60.0
TRIES = 3  # a visitor's conversation may end or begin elsewhere while a command is under way


@dataclass(frozen=True, slots=True)
class ChatServices:
    """The services a chat session uses; shared by all sockets of the process."""

    publisher: Publisher
    desk: Desk
    responder: Responder
    desk_status: DeskStatus
    authentication: VisitorAuthentication
    limits: Limits
    reopen_h: float
    phrasebook: Phrasebook = field(default_factory=default_phrasebook)
    chats: set["ChatSession"] = field(default_factory=set)


class ChatSession:
    """One visitor's session, from hello to hang-up."""

    def __init__(self, channel: Channel, services: ChatServices, own_origin: str) -> None:
        self._channel = channel
        self._services = services
        self._own_origin = own_origin
        self._bad_frames: list[float] = []
        self._admitted: Admitted
        self._conversation_id = ""
        self._hello: Hello
        self._delivery: Delivery
        self._replaces: str | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._writing: asyncio.Task[None] | None = None
        self._stirred = False

    async def serve(self) -> None:
        """Until either side hangs up; ends the line with a close code of docs/protocol.md."""
        self._services.chats.add(self)
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
            self._services.chats.discard(self)

    async def hang_up(self, code: int, reason: str) -> None:
        """End the line from outside, at shutdown."""
        await self._channel.close(code, reason)

    # Hello

    async def _greet(self) -> None:
        if await self._services.limits.hit(HELLOS, "hello", self._channel.address) is not None:
            raise Hangup(TOO_MANY, "too many connections from this address; try again in a minute")
        self._hello = await self._first_frame()
        with self._services.limits.admission():
            await self._admit()

    async def _admit(self) -> None:
        self._admitted = await self._services.authentication.admit(self._hello, self._channel.origin, self._own_origin)
        if self._admitted.moved_from is not None:
            await self._sign_in(self._admitted.moved_from.visitor_id)
        visitor_id = self._admitted.visitor.visitor_id
        publisher = self._services.publisher
        self._delivery = Delivery(
            self._channel, publisher, self._services.desk, self._services.desk_status, visitor_id, self._stir
        )
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
        """What the browser's visitor sent and has open is the customer's from now on."""
        store = self._services.publisher.store
        await store.save_visitor(self._admitted.visitor)
        await store.merge_visitor(anonymous_id, self._admitted.visitor.visitor_id)

    async def _current(self) -> Conversation | None:
        """The conversation that a command would go to: open, or closed so recently that it would reopen."""
        latest = await self._services.publisher.store.latest(self._admitted.visitor.visitor_id)
        if latest is None or latest.state != "closed":
            return latest
        moment = self._services.publisher.clock.now()
        return latest if may_reopen(latest, moment, self._services.reopen_h) else None

    async def _welcome(self, conversation: Conversation | None, *, resume: bool = False) -> None:
        """Say where things stand, then deliver from where the client is; nothing is stored for it."""
        self._conversation_id = secrets.token_urlsafe(16) if conversation is None else conversation.conversation_id
        seq = 0 if conversation is None else conversation.seq
        resumes = resume and self._hello.conversation_id == self._conversation_id and self._hello.after <= seq
        waits = conversation is not None and conversation.state == "queued"
        place = await self._services.desk.queue_place(self._conversation_id) if waits else None
        welcome: JsonObject = {
            "type": "welcome",
            "protocol": PROTOCOL,
            "conversation_id": self._conversation_id,
            "token": self._admitted.token,
            "seq": seq,
            "state": "bot" if conversation is None else conversation.state,
            "holder": {"kind": "bot", "name": None} if conversation is None else _shown(conversation),
            "queue": None if place is None else place_form(place),
            "desk_open": await self._services.desk_status.look(),
            "limits": {"max_text_chars": MAX_TEXT_CHARS, "heartbeat_s": HEARTBEAT_S},
        }
        state = "bot" if conversation is None else conversation.state
        after = self._hello.after if resumes else 0
        self._delivery.follow(Subscription(self._conversation_id, welcome, after, seq, state, place))

    # Conversing

    async def _converse(self) -> None:
        """Read until the line ends, and write side by side; whichever fails ends both."""
        try:
            async with asyncio.TaskGroup() as self._tasks:
                self._delivery.begin()
                self._stir()
                await self._read()
        except BaseExceptionGroup as ended:
            raise ended.exceptions[0] from None
        finally:
            self._delivery.end()

    def _stir(self) -> None:
        """Let what there is be written. A writer works only as long as it has work: most lines are silent, and many."""
        self._stirred = True
        if self._tasks is not None and self._writing is None:
            self._writing = self._tasks.create_task(self._write())

    async def _write(self) -> None:
        """Until there is nothing left; one that fails has no successor."""
        while self._stirred:
            self._stirred = False
            await self._delivery.flush()
            if self._delivery.elsewhere:
                await self._follow_newest()
        self._writing = None

    async def _follow_newest(self) -> None:
        """Another socket of this visitor began a conversation: announce it here too."""
        self._delivery.elsewhere = False
        current = await self._current()
        if current is None or current.state == "closed":
            return
        if current.conversation_id not in (self._conversation_id, self._replaces):
            await self._welcome(current)

    async def _read(self) -> None:
        while True:
            try:
                await self._handle(parse(await self._channel.receive()))
            except FrameError as bad:
                self._count_bad_frame()
                frame = error_frame(bad.code, str(bad), final=bad.final, client_id=bad.client_id)
                self._delivery.offer(frame)

    def _count_bad_frame(self) -> None:
        now_s = self._services.publisher.clock.monotonic()
        self._bad_frames = [at_s for at_s in self._bad_frames if now_s - at_s < MINUTE_S] + [now_s]
        if len(self._bad_frames) >= BAD_FRAMES_A_MINUTE:
            raise Hangup(BAD_FRAME, "too many bad frames")

    async def _handle(self, frame: ClientFrame) -> None:
        match frame:
            case Ping():
                self._delivery.offer({"type": "pong", "seq": self._delivery.cursor})
            case Typing(on=on):
                await self._relay_typing(on=on)
            case Hello():
                raise FrameError("hello was said already; open a new socket to start over")
            case _:
                await self._command(frame)

    async def _relay_typing(self, *, on: bool) -> None:
        if await self._services.limits.hit(COMMANDS, "typing", self._admitted.visitor.visitor_id) is None:
            relayed = Relayed(self._conversation_id, "desk", {"type": "typing", "by": "visitor", "on": on})
            self._services.publisher.bus.publish(relayed)

    # Commands

    async def _command(self, command: AnyCommand) -> None:
        """Carry it out; the event that acknowledges it comes through delivery, a refusal at once."""
        try:
            with self._services.responder.expecting():
                appended = await self._append(command)
                self._services.responder.take(appended.lease)
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
            if appended.again:
                self._delivery.offer(event_frame(appended.events[0], again=True))

    async def _append(self, command: AnyCommand) -> Appended:
        """Append to the conversation this line follows or, where that has ended, to the one that comes after it."""
        context = await self._context(command)
        key = Key.of(context.by, command.client_id, command.model_dump(mode="json", exclude={"client_id"}))
        for _ in range(TRIES):
            try:
                appended = await self._services.publisher.append(
                    self._conversation_id, decision(command, context), key=key, visitor=self._admitted.visitor
                )
            except ConversationEnded:
                await self._welcome(None)
            except NewerConversation:
                await self._make_room()
            else:
                self._replaces = None
                return appended
        raise NewerConversation

    async def _make_room(self) -> None:
        """A visitor has one open conversation: with `fresh` the old one ends now, else it is the one to go on with."""
        if self._replaces is None:
            await self._welcome(await self._current())
        else:
            await self._services.publisher.append(self._replaces, _closing)

    async def _context(self, command: AnyCommand) -> CommandContext:
        visitor, services = self._admitted.visitor, self._services
        limit = SAYS if isinstance(command, Say) else COMMANDS
        page = self._hello.page.model_dump(exclude_none=True) if self._hello.page else None
        transcript = await self._transcript() if isinstance(command, CallHuman) else ()
        language = spoken_language(list(transcript_of(transcript)), self._hello.locale)
        return CommandContext(
            by=Author("visitor", visitor.name, visitor.visitor_id),
            opened=Opened(self._hello.site, self._hello.locale, page),
            at=services.publisher.clock.now(),
            desk_open=isinstance(command, CallHuman) and await services.desk_status.look(),
            reopen_h=services.reopen_h,
            phrases=services.phrasebook.speaking(language),
            retry_after_s=await services.limits.hit(limit, command.type, visitor.visitor_id),
            rates_reply=not isinstance(command, Rate) or await self._is_reply(command.seq),
            call=self._call(transcript),
        )

    async def _transcript(self) -> Sequence[Event]:
        """The last events of the conversation; none of one that has not begun."""
        conversation = await self._services.publisher.store.conversation(self._conversation_id)
        if conversation is None:
            return ()
        return await self._services.publisher.store.events(
            self._conversation_id, after=max(0, conversation.seq - HISTORY_EVENTS)
        )

    def _call(self, transcript: Sequence[Event]) -> Callable[[], HandoffRequested]:
        """The visitor's own call for a person; where a new conversation begins with it, nothing of the one before."""
        with_transcript, blank = (
            handover(events, "visitor_asked", "the visitor pressed the button") for events in (transcript, ())
        )
        return lambda: (
            with_transcript if transcript and transcript[0].conversation_id == self._conversation_id else blank
        )

    async def _is_reply(self, seq: int) -> bool:
        rated = await self._services.publisher.store.events(self._conversation_id, after=seq - 1, limit=1)
        return bool(rated) and isinstance(rated[0].payload, BotSaid)

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
        details = more or {}
        self._delivery.offer(
            error_frame(code, message, final=final, client_id=command.client_id, retry_after_s=retry_after_s, **details)
        )


def _closing(conversation: Conversation | None) -> list[Draft]:
    return [] if conversation is None or conversation.state == "closed" else [Draft(SYSTEM, Closed("new conversation"))]


def _shown(conversation: Conversation) -> JsonObject:
    """Who holds the chat, as a visitor may know it."""
    return {name: value for name, value in asdict(conversation.holder).items() if name != "id"}
