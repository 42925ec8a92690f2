"""The WebSocket endpoint of visitors: an ASGI application of its own, ahead of all the web application's layers.

A socket stays for hours and is silent nearly always. Each layer of the web application around it would keep a frame,
and each frame what it was called with: 12 KiB a socket, without doing anything for it.
"""

from collections.abc import Awaitable
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from bot.assembly.compose import Application
from bot.visitor import RESTART, ChatSession, SocketChannel

PATH = "/v1/chat"


class Draining:
    """The draining flag: whether newcomers are let in; `open` is False while the server goes down."""

    def __init__(self) -> None:
        self.open = True


@dataclass(frozen=True, slots=True)
class WebSocketEndpoint:
    """The ASGI endpoint of visitors' sockets at PATH; it leaves all else to `pages`."""

    application: Application
    draining: Draining
    pages: ASGIApp

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """The ASGI application; no coroutine itself, for it would wait as long as the socket is open."""
        if scope["type"] == "websocket" and scope["path"] == PATH:
            return self._serve(scope, receive, send)
        return self.pages(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        chat = await self._admit(scope, receive, send)
        scope["headers"] = ()  # nobody asks for them any more
        if chat is not None:
            with self.application.metrics.visitors.track_inprogress():
                await chat.serve()

    async def _admit(self, scope: Scope, receive: Receive, send: Send) -> ChatSession | None:
        """Accept the socket; None where it is refused."""
        socket = WebSocket(scope, receive, send)
        own_page_origin, origin = own_origin(self.application, socket), socket.headers.get("origin")
        if not self.application.services.authentication.origin_is_known(origin, own_page_origin):
            await socket.close()  # before accept: HTTP 403
            return None
        await socket.accept()
        channel = SocketChannel(socket.client.host if socket.client else "unknown", origin, receive, send)
        if not self.draining.open:
            await channel.close(RESTART, "the server restarts")
            return None
        return ChatSession(channel, self.application.services, own_page_origin)


def own_origin(application: Application, socket: WebSocket) -> str:
    """The origin of this server's own pages, as the browser sees it."""
    if application.settings.public_url is not None:
        return application.settings.public_url
    scheme = "https" if socket.url.scheme == "wss" else "http"
    return f"{scheme}://{socket.headers.get('host', '')}"
