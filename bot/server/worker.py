"""A worker process, one of several on the same port: what it is told, what it reports, its heartbeat, and how it ends."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import parent_process
from multiprocessing.connection import Connection

import orjson
import structlog
import uvloop

from bot.assembly.compose import Application, prepare
from bot.log import configure_logging
from bot.server.serve import run_server, take_port
from bot.settings import Settings

log = structlog.get_logger()

BEAT_S = 2.0  # often enough for the supervisor to tell a worker that is silent from one that is busy

Announce = Callable[[Application, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class WorkerOrder:
    """The supervisor's order to a worker. It reaches the process through a pipe: no secret stands in a command line.

    `is_first` is the one that is started before all others and prepares model, index and database for them.
    """

    place: int
    settings: Settings
    port: int
    announce: Announce
    is_first: bool = False


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """A worker's first report: that it serves, with how many articles, or else its `problem`. Beats follow."""

    url: str = ""
    articles: int = 0
    problem: str | None = None


def work(order: WorkerOrder, pipe: Connection) -> None:
    """Serve until SIGTERM, or until the supervisor is gone. The only thing that a worker's process does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal's Ctrl-C the supervisor tells us
    configure_logging(order.settings.log_format)
    structlog.contextvars.bind_contextvars(worker=order.place)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(order, pipe))
    except Exception as problem:
        if not hasattr(problem, "code"):  # those that have one say themselves what is wrong and what to do
            log.exception("worker.crashed")
        _tell(pipe, WorkerReport(problem=str(problem) or type(problem).__name__))
        raise SystemExit(1) from None


async def _serve(order: WorkerOrder, pipe: Connection) -> None:
    settings = order.settings
    if order.is_first:
        take_port(settings.host, order.port).close()  # refuses a port that another server shares already
    with take_port(settings.host, order.port, shared=True) as listener:
        encoder, knowledge = prepare(settings)

        async def report(application: Application, url: str) -> None:
            _end_with_the_supervisor()
            log.info("worker.serving")
            _tell(pipe, WorkerReport(url, len(knowledge.snapshot.articles)))
            _beat(pipe)
            if order.is_first:
                await order.announce(application, url)

        await run_server(settings, listener, encoder, knowledge, report)


def _end_with_the_supervisor() -> None:
    """Go down as after SIGTERM when the supervisor ends, however it ends: nobody else would ever tell us."""
    supervisor = parent_process()
    if supervisor is not None:
        loop = asyncio.get_running_loop()

        def leave() -> None:
            loop.remove_reader(supervisor.sentinel)
            log.error("worker.orphaned")
            os.kill(os.getpid(), signal.SIGTERM)

        loop.add_reader(supervisor.sentinel, leave)


def _tell(pipe: Connection, report: WorkerReport) -> None:
    try:
        pipe.send_bytes(orjson.dumps(report))
    except OSError:
        log.warning("worker.not_heard")  # the supervisor is gone, or has heard that we serve and closed the line


def _beat(pipe: Connection) -> None:
    """Say that the event loop still turns, now and every BEAT_S: a process that hangs looks like one that works."""
    os.set_blocking(pipe.fileno(), False)
    with suppress(OSError):  # a supervisor that reads nothing holds nobody up
        os.write(pipe.fileno(), b".")
    asyncio.get_running_loop().call_later(BEAT_S, _beat, pipe)
