"""Fault injection: whether anything is lost, doubled or answered twice while servers, connections, Redis or PostgreSQL fail.

    python -m bench.fault_injection kill --on sqlite --chats 500 --says 4 --times 20
    python -m bench.fault_injection kill --workers 2         # a worker of one server is killed, and replaced by its supervisor
    python -m bench.fault_injection cut --on postgres        # every 100 ms a tenth of all connections is cut
    python -m bench.fault_injection redis --on postgres      # Redis is killed and comes back empty
    python -m bench.fault_injection postgres --on postgres   # PostgreSQL is stopped for 30 s
    python -m bench.fault_injection rolling --on postgres    # one server after the other is restarted

Two servers, or with `--workers N` one server with so many workers, share one SQLite file, or a PostgreSQL and a Redis;
visitors and agents of `bench.consistency_audit` use either, keep their books, and these are compared with what is stored. The times
are of messages: from sending until the reply is there, over as many reconnects as that takes. A fault that happens after
all chats have ended proves nothing: a line says how many still went on after the last one; `--says` and `--think` make
them longer.
"""

import argparse
import asyncio
import os
import random
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path

from bench.consistency_audit import AuditReport, Book, books, run
from tests.harness.deployment import Deployment, prepare
from tests.harness.running import ROOT, Running, admin_token

SERVERS = 2
LOOK_S = 0.1
CUT_EVERY_S, CUT_SHARE = 0.1, 0.1
REDIS_AWAY_S, POSTGRES_AWAY_S = 1.0, 30.0
DEFAULT_TIMES = {"kill": 20, "cut": 100, "redis": 10, "postgres": 1, "rolling": 10}


async def kill(deployment: Deployment, times: int, pause_s: float) -> None:
    """SIGKILL a server and start it again; or one of its workers, and wait until the supervisor has replaced it."""
    for _ in range(times):
        await asyncio.sleep(pause_s)
        place = random.randrange(len(deployment.servers))
        if workers := deployment.servers[place].worker_ids():
            await _kill_worker(deployment.servers[place], random.choice(workers))
        else:
            await deployment.again(place, Running.kill)


async def _kill_worker(server: Running, pid: int) -> None:
    started = server.logged("worker.serving")
    os.kill(pid, signal.SIGKILL)
    while server.logged("worker.serving") == started:
        server.require_alive()
        await asyncio.sleep(LOOK_S)


async def rolling(deployment: Deployment, times: int, pause_s: float) -> None:
    """Restart one server after the other, as an upgrade does; a single one with all its workers at once."""
    for _ in range(times):
        for place in range(len(deployment.servers)):
            await asyncio.sleep(pause_s)
            await deployment.again(place, Running.stop)


async def redis(deployment: Deployment, times: int, pause_s: float) -> None:
    """Kill Redis; it comes back with nothing in it."""
    assert deployment.redis is not None
    await _away(deployment.redis.kill, deployment.redis.start, REDIS_AWAY_S, times, pause_s)


async def postgres(deployment: Deployment, times: int, pause_s: float) -> None:
    """Stop PostgreSQL for half a minute."""
    assert deployment.postgres is not None
    await _away(deployment.postgres.stop, deployment.postgres.start, POSTGRES_AWAY_S, times, pause_s)


async def _away(stop: Callable[[], None], start: Callable[[], None], away_s: float, times: int, pause_s: float) -> None:
    for _ in range(times):
        await asyncio.sleep(pause_s)
        await asyncio.to_thread(stop)
        await asyncio.sleep(away_s)
        await asyncio.to_thread(start)


class Proxy:
    """Passes bytes on, until it cuts."""

    def __init__(self) -> None:
        self._lines: set[asyncio.StreamWriter] = set()

    @asynccontextmanager
    async def before(self, url: str) -> AsyncIterator[str]:
        """The URL to use instead of `url`."""
        host, port = url.removeprefix("http://").split(":")

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                upstream = await asyncio.open_connection(host, int(port))
            except OSError:
                writer.transport.abort()
                return
            self._lines.add(writer)
            try:
                await asyncio.wait(
                    [asyncio.create_task(_pass(reader, upstream[1])), asyncio.create_task(_pass(upstream[0], writer))],
                    return_when=asyncio.FIRST_COMPLETED,
                )
            except asyncio.CancelledError:
                pass  # the experiment is over; Python 3.11 prints a cancelled handler as a failure
            finally:
                self._lines.discard(writer)
                writer.transport.abort()
                upstream[1].transport.abort()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    def cut(self, share: float) -> None:
        """Cut that share of all connections, without a goodbye."""
        for line in random.sample(sorted(self._lines, key=id), round(share * len(self._lines))):
            line.transport.abort()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        return


async def play(
    deployment: Deployment, fault: str, kept: Sequence[Book], *, times: int, pause_s: float, within_s: float
) -> AuditReport:
    """Let visitors and agents work while the fault happens again and again."""
    token = await asyncio.to_thread(admin_token, deployment.data, deployment.settings)
    async with AsyncExitStack() as stack:
        if fault == "cut":
            proxy = Proxy()
            urls = [await stack.enter_async_context(proxy.before(url)) for url in deployment.urls]

            async def happening() -> None:
                for _ in range(times):
                    await asyncio.sleep(CUT_EVERY_S)
                    proxy.cut(CUT_SHARE)

            addresses: Callable[[], Sequence[str]] = lambda: urls  # noqa: E731 - as the other branch
            failing: Awaitable[None] = happening()
        else:
            faults = {"kill": kill, "redis": redis, "postgres": postgres, "rolling": rolling}
            addresses, failing = (lambda: deployment.urls), faults[fault](deployment, times, pause_s)
        task = asyncio.ensure_future(_until_the_last(failing, kept))
        return await run(kept, addresses, token, within_s=within_s, meanwhile=task)


async def _until_the_last(failing: Awaitable[None], kept: Sequence[Book]) -> None:
    await failing
    print(f"after the last time {sum(not book.is_done for book in kept)} of {len(kept)} chats went on", flush=True)


def main() -> None:
    """Run one experiment and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fault", choices=DEFAULT_TIMES)
    parser.add_argument("--on", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--workers", type=int, help="one server with so many workers, instead of two servers")
    parser.add_argument("--kb", type=Path, default=Path("kb_articles"))
    parser.add_argument("--data", type=Path, default=ROOT / "var", help="where the exported model lies, or is put")
    parser.add_argument("--chats", type=int, default=500)
    parser.add_argument("--says", type=int, default=4, help="messages of each visitor")
    parser.add_argument("--think", type=float, default=15, metavar="S", help="seconds before each, on average")
    parser.add_argument("--times", type=int, help="how often it happens")
    parser.add_argument("--pause", type=float, default=1.0, metavar="S", help="seconds between one time and the next")
    parser.add_argument("--within", type=float, default=900, metavar="S", help="seconds in which all must be done")
    args = parser.parse_args()
    if args.fault in ("redis", "postgres") and args.on == "sqlite":
        parser.error(f"{args.fault} takes --on postgres")
    times = DEFAULT_TIMES[args.fault] if args.times is None else args.times
    shape = f"{SERVERS} servers" if args.workers is None else f"{args.workers} workers of one server"
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        models, workers = args.data.resolve(), args.workers or 1
        deployment = prepare(stack, Path(folder), args.kb.resolve(), args.on, models, workers=workers)
        deployment.open(SERVERS if args.workers is None else 1)
        kept = books(args.chats, args.says, args.think)
        report = asyncio.run(play(deployment, args.fault, kept, times=times, pause_s=args.pause, within_s=args.within))
    print(f"{args.fault} {times} times, {shape} on {args.on}, {args.chats} chats")
    print(report)
    raise SystemExit(bool(report.faults))


if __name__ == "__main__":
    main()
