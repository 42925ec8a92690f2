"""Runs the server: takes the port, says when it serves, and goes down without losing a turn."""

import asyncio
import contextlib
import random
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator

import structlog
import uvicorn
from starlette.types import ASGIApp

from bot.assembly.compose import Application, assemble
from bot.errors import PortTaken
from bot.server.app import create_app
from bot.server.websocket import Draining
from bot.settings import Settings
from bot.visitor import RESTART
from retrieval.index import Knowledge
from retrieval.model import Encoder

log = structlog.get_logger()

FINISH_TURNS_S = 8.0
GRACE_S = 3  # for requests that are under way when all else is done
SPREAD_S = 5.0  # the longest over which visitors are sent away, so that they do not all return at once
SPREAD_PER_CHAT_S = 0.01
PING_S = 25.0  # with the timeout, a half-open socket is found within 45 s
PING_TIMEOUT_S = 20.0
MAX_SOCKET_FRAME_BYTES = 64 * 1024  # larger ones end with 1009 before they are read
OWN = ("127.0.0.1", "::1")  # a proxy on this machine is always believed


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: it would exit 143 and close sockets before turns are finished."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def take_port(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A bound socket, before any slow work begins; `shared` with other processes that say so too. Raises PortTaken.

    Of sockets that share a port, the kernel gives each connection to one that listens, by a hash of the addresses.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind((host, port))
    except OSError as problem:
        listener.close()
        raise PortTaken(host, port, problem.strerror or str(problem)) from problem
    return listener


async def run_server(
    settings: Settings,
    listener: socket.socket,
    encoder: Encoder,
    knowledge: Knowledge,
    on_serving: Callable[[Application, str], Awaitable[None]],
) -> None:
    """Until SIGTERM or SIGINT. `on_serving` is called with the URL once connections are accepted; it says so."""
    async with assemble(settings, encoder, knowledge) as application:
        draining = Draining()
        server = _Server(server_config(create_app(application, draining), settings))
        stopping = asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, stopping.set)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await _until_started(server, serving)
        await on_serving(application, url_of(listener, settings))
        ending = asyncio.create_task(stopping.wait())
        await asyncio.wait({serving, ending}, return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
        await _drain(application, draining)
        server.should_exit = True
        await serving


async def _until_started(server: uvicorn.Server, serving: asyncio.Task[None]) -> None:
    while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn offers no event for it
        await asyncio.sleep(0.005)


async def _drain(application: Application, draining: Draining) -> None:
    """Let no one in, finish running turns, then send visitors away, spread out."""
    draining.open = False
    log.info("draining", visitors=len(application.services.chats))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(FINISH_TURNS_S):
            await application.responder.idle()
    chats = list(application.services.chats)
    spread_s = min(SPREAD_S, SPREAD_PER_CHAT_S * len(chats))

    async def send_away(after_s: float, hang_up: Callable[[int, str], Awaitable[None]]) -> None:
        await asyncio.sleep(after_s)
        await hang_up(RESTART, "the server restarts; reconnect")

    jitter = random.SystemRandom()
    leaving = [send_away(jitter.uniform(0, spread_s), chat.hang_up) for chat in chats]
    await asyncio.gather(application.console.drain(within_s=spread_s), *leaving)


def server_config(app: ASGIApp, settings: Settings) -> uvicorn.Config:
    """How uvicorn serves `app`: bounds on frames, pings, nothing logged by itself."""
    return uvicorn.Config(
        app,
        interface="asgi3",  # uvicorn takes what is no coroutine function for an older one
        lifespan="off",
        ws="websockets-sansio",
        ws_max_size=MAX_SOCKET_FRAME_BYTES,
        ws_ping_interval=PING_S,
        ws_ping_timeout=PING_TIMEOUT_S,
        ws_per_message_deflate=False,  # idle sockets cost 24 KiB without it, much more with it
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
        proxy_headers=settings.public_url is not None,
        forwarded_allow_ips=[*OWN, *settings.trusted_proxies],
    )


def url_of(listener: socket.socket, settings: Settings) -> str:
    """Where visitors reach the server."""
    host, port = listener.getsockname()[:2]
    return settings.public_url or f"http://{f'[{host}]' if ':' in host else host}:{port}"
