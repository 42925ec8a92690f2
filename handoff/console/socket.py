"""WebSocket endpoint of agents, `GET /v1/desk`: one console that sees the queue and reads along."""

import asyncio
from collections import deque
from contextlib import aclosing

import orjson
import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from conversation.errors import NotFound, StorageUnavailable
from conversation.events import JsonObject
from conversation.ports import Clock
from conversation.state import Conversation
from conversation.values import Relayed
from handoff.accounts import RequestAuthentication, SignedIn, from_own_page, gate
from handoff.console.feed import Feed, SocketClosed
from handoff.console.frames import (
    MAX_FRAME_BYTES,
    MAX_WATCHED,
    AgentHello,
    AgentPing,
    AgentTyping,
    AgentUnwatch,
    AgentWatch,
    BadFrame,
    error_frame,
    parse,
)
from handoff.desk import Desk
from handoff.errors import NotSignedIn
from handoff.presence import PRESENCE_RENEW_S
from handoff.serialisers import agent_form

PROTOCOL = 1
HELLO_S = 10  # docs/protocol.md, close code 4408
SEND_S = 10  # a console that takes longer for one frame is gone; it resumes from its cursor
RECHECK_S = 5  # how long a socket may outlive its session, or its agent's account
BAD_A_MINUTE = 10  # docs/protocol.md, close code 4400
FRAMES_A_MINUTE = 600  # a person who types, clicks and pings stays far below

log = structlog.get_logger()


class _RateWindow:
    """A rate limit by sliding window: whether something happens for the `most`th time within a minute."""

    def __init__(self, most: int, clock: Clock) -> None:
        self._clock = clock
        self._at: deque[float] = deque(maxlen=most)

    def full(self) -> bool:
        """Count one more."""
        self._at.append(self._clock.monotonic())
        return len(self._at) == self._at.maxlen and self._at[-1] - self._at[0] < 60  # noqa: PLR2004 - a minute


class DeskSockets:
    """WebSocket sessions of agents: the consoles connected to this process."""

    def __init__(self, desk: Desk, authentication: RequestAuthentication) -> None:
        self._desk, self._authentication = desk, authentication
        self._feeds: set[Feed] = set()

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one console until it leaves."""
        if not from_own_page(websocket):
            await websocket.close(4403)  # before accept: the browser sees HTTP 403
            return
        await websocket.accept()
        feed = Feed(self._desk.publisher.store, self._desk.publisher.bus)
        self._feeds.add(feed)
        try:
            await _ConsoleSession(websocket, self._desk, self._authentication, feed).run()
        finally:
            self._feeds.discard(feed)

    async def drain(self, *, within_s: float) -> None:
        """Ask every console to connect anew (1012), spread over `within_s` so that not all come back at once."""
        feeds = tuple(self._feeds)
        for feed in feeds:
            feed.end(1012, "the server restarts")
            await self._desk.publisher.clock.sleep(within_s / len(feeds))


class _ConsoleSession:
    """A session over one connection: a reader, a writer, and a look at the credential every few seconds."""

    def __init__(self, websocket: WebSocket, desk: Desk, authentication: RequestAuthentication, feed: Feed) -> None:
        self._websocket, self._desk, self._authentication, self._feed = websocket, desk, authentication, feed
        self._publisher = desk.publisher
        self._bad, self._frames = (
            _RateWindow(BAD_A_MINUTE, self._publisher.clock),
            _RateWindow(FRAMES_A_MINUTE, self._publisher.clock),
        )

    async def run(self) -> None:
        try:
            hello, who = await self._introduce()
            log.info("desk.connected", agent_id=who.agent.agent_id)
            with self._feed.listening():
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._write(hello, who))
                    tasks.create_task(self._recheck(who))
                    await self._read(who)
        except* SocketClosed as ended:
            first = _first(ended)
            assert isinstance(first, SocketClosed)
            await self._close(first.close_code, first.reason)
        except* NotSignedIn:
            await self._close(4401, "sign in again")
        except* StorageUnavailable:
            await self._close(1013, "the database did not answer; try again later")
        except* WebSocketDisconnect:
            pass

    async def _introduce(self) -> tuple[AgentHello, SignedIn]:
        """The hello frame and whose it is. Raises SocketClosed, NotSignedIn."""
        try:
            async with asyncio.timeout(HELLO_S):
                hello = parse(await self._receive())
        except TimeoutError:
            raise SocketClosed(4408, "no hello came") from None
        except BadFrame as bad:
            raise SocketClosed(4400, str(bad)[:100]) from None
        if not isinstance(hello, AgentHello):
            raise SocketClosed(4400, "the first frame must be hello")
        who = await self._prove(hello.token)
        await self._authentication.attendance.renew(who.agent)
        return hello, who

    async def _prove(self, token: str | None) -> SignedIn:
        if token is None:
            return await self._authentication.by_cookie(self._websocket)
        return await self._authentication.accounts.authenticate(token, "bearer")

    async def _receive(self) -> str:
        """The next frame's text. Raises BadFrame for a binary one, SocketClosed for one too large."""
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        text = message.get("text")
        size = len(message.get("bytes") or b"") if text is None else len(text.encode(errors="surrogatepass"))
        if size > MAX_FRAME_BYTES:
            raise SocketClosed(4413, f"a frame holds {MAX_FRAME_BYTES} bytes at most")
        if not isinstance(text, str):
            raise BadFrame("it is binary; send text")
        return text

    async def _read(self, who: SignedIn) -> None:
        while True:
            try:
                await self._heed(await self._receive(), who)
            except BadFrame as bad:
                if self._bad.full():
                    raise SocketClosed(4400, "too many frames were not understood") from None
                self._feed.reply(error_frame("bad_frame", str(bad)))

    async def _heed(self, text: str, who: SignedIn) -> None:
        if self._frames.full():
            raise SocketClosed(4429, "too many frames; wait a minute")
        await self._authentication.attendance.renew(who.agent)
        match parse(text):
            case AgentPing():
                self._feed.reply({"type": "pong"})
            case AgentWatch(conversation_id=conversation_id, after=after):
                await self._watch(conversation_id, after, who)
            case AgentUnwatch(conversation_id=conversation_id):
                self._feed.unwatch(conversation_id)
            case AgentTyping(conversation_id=conversation_id, on=on):
                await self._typing(conversation_id, who, on=on)
            case AgentHello():
                raise BadFrame("hello comes once, as the first frame")

    async def _gated(self, conversation_id: str, who: SignedIn) -> Conversation | None:
        try:
            return await gate(self._publisher.store, who.agent, conversation_id)
        except NotFound as error:
            self._feed.reply(error_frame(error.code, str(error), conversation_id=conversation_id))
            return None

    async def _watch(self, conversation_id: str, after: int, who: SignedIn) -> None:
        conversation = await self._gated(conversation_id, who)
        if conversation is not None and not self._feed.watch(conversation, after):
            message = f"{MAX_WATCHED} conversations are watched already; unwatch one"
            self._feed.reply(error_frame("too_many_watched", message, conversation_id=conversation_id, final=False))

    async def _typing(self, conversation_id: str, who: SignedIn, *, on: bool) -> None:
        """Only the holder's typing is for the visitor; anybody else's is not worth an error."""
        conversation = await self._gated(conversation_id, who)
        if conversation is not None and conversation.holder.id == who.agent.agent_id:
            by: JsonObject = {"kind": "agent", "name": who.agent.name}
            self._publisher.bus.publish(Relayed(conversation_id, "visitor", {"type": "typing", "by": by, "on": on}))

    async def _write(self, hello: AgentHello, who: SignedIn) -> None:
        status = await self._authentication.attendance.status(who.agent)
        agent = agent_form(who.agent)
        welcome: JsonObject = {"type": "welcome", "protocol": PROTOCOL, "agent": agent, "status": status}
        await self._send(welcome | {"heartbeat_s": PRESENCE_RENEW_S})
        async with aclosing(self._feed.everything_open()) as items:
            async for item in items:
                await self._send(item)
        await self._send({"type": "ready"})
        for conversation_id, after in hello.watch.items():
            await self._watch(conversation_id, after, who)
        async with aclosing(self._feed.changes()) as frames:
            async for frame in frames:
                await self._send(frame)

    async def _send(self, frame: JsonObject) -> None:
        try:
            async with asyncio.timeout(SEND_S):
                await self._websocket.send_text(orjson.dumps(frame).decode())
        except TimeoutError:
            raise SocketClosed(1013, "you read too slowly; connect again") from None

    async def _recheck(self, who: SignedIn) -> None:
        """Whoever signed out, or was disabled in whatever process, is put out."""
        while True:
            await self._publisher.clock.sleep(RECHECK_S)
            await self._authentication.accounts.recall(who.credential.token_hash, who.credential.kind)

    async def _close(self, code: int, reason: str) -> None:
        if self._websocket.application_state is not WebSocketState.CONNECTED:
            return
        try:
            async with asyncio.timeout(1):
                await self._websocket.close(code, reason)
        except (TimeoutError, WebSocketDisconnect, RuntimeError):
            log.info("desk.close_unheard", close_code=code)


def _first(group: BaseExceptionGroup[SocketClosed]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
