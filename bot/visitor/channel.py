"""The transport of one visitor: a two-way channel of text frames, through which a session knows nothing of sockets."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from starlette.types import Receive, Send

from bot.visitor.protocol import FrameError

SEND_TIMEOUT_S = 10.0  # a reader slower than this is cut off; it resumes from its cursor


class ChannelClosed(Exception):
    """The other side is gone."""


class Channel(Protocol):
    """The transport port: one visitor's channel."""

    @property
    def address(self) -> str:
        """Where the visitor connects from, for rate limits."""

    @property
    def origin(self) -> str | None:
        """The Origin header; None from what is no browser."""

    async def receive(self) -> str:
        """The next frame. Raises ChannelClosed, or FrameError for a frame that is not text."""

    async def send(self, text: str) -> None:
        """Send one frame. Raises ChannelClosed, also where the other side does not read for SEND_TIMEOUT_S."""

    async def close(self, code: int, reason: str = "") -> None:
        """End it; a line that has ended already stays so."""


@dataclass(slots=True)
class SocketChannel:
    """The WebSocket adapter of a channel. Of its handshake it keeps where it comes from, for it may stay for hours."""

    address: str
    origin: str | None
    _receive: Receive
    _send: Send
    _open: bool = True

    async def receive(self) -> str:
        """The next text frame."""
        message = await self._receive() if self._open else {"type": "websocket.disconnect"}
        if message["type"] == "websocket.disconnect":
            self._open = False
            raise ChannelClosed
        text = message.get("text")
        if not isinstance(text, str):
            raise FrameError("the frame is binary; send text")
        return text

    async def send(self, text: str) -> None:
        """Send, or give up on a reader that does not read."""
        if not self._open:
            raise ChannelClosed
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await self._send({"type": "websocket.send", "text": text})
        except (TimeoutError, RuntimeError, OSError) as gone:
            raise ChannelClosed from gone

    async def close(self, code: int, reason: str = "") -> None:
        """Close, if it is still open."""
        if not self._open:
            return
        self._open = False
        with suppress(TimeoutError, RuntimeError, OSError):
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await self._send({"type": "websocket.close", "code": code, "reason": reason})


class LocalChannel:
    """An in-process channel, both ends: `say` and `heard` are the visitor's. A None heard is the close, kept in `closed`."""

    def __init__(self, address: str = "127.0.0.1", origin: str | None = None) -> None:
        self.address, self.origin = address, origin
        self.heard: asyncio.Queue[str | None] = asyncio.Queue()
        self.closed: tuple[int, str] | None = None
        self._said: asyncio.Queue[str | None] = asyncio.Queue()

    def say(self, text: str | None) -> None:
        """What the visitor sends; None hangs up."""
        self._said.put_nowait(text)

    async def receive(self) -> str:
        """The next frame the visitor sent."""
        text = await self._said.get()
        if text is None:
            raise ChannelClosed
        return text

    async def send(self, text: str) -> None:
        """Let the visitor hear it."""
        if self.closed is not None:
            raise ChannelClosed
        self.heard.put_nowait(text)

    async def close(self, code: int, reason: str = "") -> None:
        """Hang up."""
        if self.closed is None:
            self.closed = (code, reason)
            self.heard.put_nowait(None)
