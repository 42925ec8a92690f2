"""WebSocket test client: a visitor at the socket, for benchmarks and end-to-end tests: says, waits for the reply, keeps a book of both."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import orjson
from websockets.asyncio.client import ClientConnection, connect

from conversation.events import JsonObject


@dataclass(slots=True)
class SocketVisitor:
    """One socket and what came over it. `events` are those heard, by number; `acknowledged` maps client_id to seq."""

    socket: ClientConnection
    welcome: JsonObject
    events: dict[int, JsonObject] = field(default_factory=dict)
    acknowledged: dict[str, int] = field(default_factory=dict)

    async def send(self, kind: str, **fields: object) -> str:
        """Send a command; its client_id."""
        client_id = str(fields.pop("client_id", None) or uuid.uuid4())
        await self.socket.send(orjson.dumps({"type": kind, "client_id": client_id, **fields}).decode())
        return client_id

    async def hear(self) -> JsonObject:
        """The next frame, noted in the book. Raises websockets' ConnectionClosed."""
        frame: JsonObject = orjson.loads(await self.socket.recv())
        if frame["type"] == "event":
            seq = frame["seq"]
            assert isinstance(seq, int)
            self.events[seq] = frame
            if "client_id" in frame:
                self.acknowledged[str(frame["client_id"])] = seq
        return frame

    async def until(self, kind: str) -> JsonObject:
        """Hear until an event of this kind; the event."""
        while True:
            frame = await self.hear()
            if frame["type"] == "error":
                message = f"the server refused: {frame}"
                raise AssertionError(message)
            if frame.get("kind") == kind:
                return frame

    async def ask(self, question: str) -> JsonObject:
        """Say something; the bot's reply to it."""
        client_id = await self.send("say", text=question)
        while True:
            reply = await self.until("bot_said")
            answers = reply["answers"]
            assert isinstance(answers, list)
            if self.acknowledged.get(client_id) in answers:
                return reply


@asynccontextmanager
async def visit(chat_url: str, **hello: object) -> AsyncIterator[SocketVisitor]:
    """A visitor who has been welcomed; `hello` are fields of the first frame."""
    async with connect(chat_url, compression=None, ping_interval=None) as socket:
        await socket.send(orjson.dumps({"type": "hello", "protocol": 1, **hello}).decode())
        yield SocketVisitor(socket, orjson.loads(await socket.recv()))
