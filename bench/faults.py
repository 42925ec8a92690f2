"""Whether anything is lost, doubled or answered twice while servers, connections, Redis or PostgreSQL fail.

    python -m bench.faults kill --on sqlite --chats 500 --says 4 --times 20
    python -m bench.faults cut --on postgres        # every 100 ms a tenth of all connections is cut
    python -m bench.faults redis --on postgres      # Redis is killed and comes back empty
    python -m bench.faults postgres --on postgres   # PostgreSQL is stopped for 30 s
    python -m bench.faults rolling --on postgres    # one server after the other is restarted

Two servers share one SQLite file, or a PostgreSQL and a Redis; visitors and agents of `bench.ledger` use either, keep
their books, and these are compared with what is stored. The times are of messages: from sending until the reply is
there, over as many reconnects as that takes.
"""

import argparse
import asyncio
import random
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.backing import Postgres, Redis
from bench.ledger import Book, Report, books, run
from bench.running import ROOT, Running, admin_token, borrow_model, start

SERVERS = 2
CUT_EVERY_S, CUT_SHARE = 0.1, 0.1
REDIS_AWAY_S, POSTGRES_AWAY_S = 1.0, 30.0
DEFAULT_TIMES = {"kill": 20, "cut": 100, "redis": 10, "postgres": 1, "rolling": 10}


@dataclass(slots=True)
class Site:
    """Servers on one database, and what they stand on."""

    data: Path
    kb: Path
    settings: Mapping[str, str]
    postgres: Postgres | None = None
    redis: Redis | None = None
    servers: list[Running] = field(default_factory=list)

    @property
    def urls(self) -> Sequence[str]:
        """Where the servers are, or were a moment ago."""
        return [server.url for server in self.servers]

    def open(self, count: int) -> None:
        """Start so many servers."""
        self.servers += [start(self.data, kb=self.kb, settings=self.settings) for _ in range(count)]

    async def again(self, place: int, end: Callable[[Running], object]) -> None:
        """End a server and start it again at its port."""
        server = self.servers[place]
        port = int(server.url.rsplit(":", 1)[1])
        await asyncio.to_thread(end, server)
        self.servers[place] = await asyncio.to_thread(start, self.data, kb=self.kb, port=port, settings=self.settings)


async def kill(site: Site, times: int, pause_s: float) -> None:
    """SIGKILL a server and start it again."""
    for _ in range(times):
        await asyncio.sleep(pause_s)
        await site.again(random.randrange(len(site.servers)), Running.kill)


async def rolling(site: Site, times: int, pause_s: float) -> None:
    """Restart one server after the other, as an upgrade does."""
    for _ in range(times):
        for place in range(len(site.servers)):
            await asyncio.sleep(pause_s)
            await site.again(place, Running.stop)


async def redis(site: Site, times: int, pause_s: float) -> None:
    """Kill Redis; it comes back with nothing in it."""
    assert site.redis is not None
    await _away(site.redis.kill, site.redis.start, REDIS_AWAY_S, times, pause_s)


async def postgres(site: Site, times: int, pause_s: float) -> None:
    """Stop PostgreSQL for half a minute."""
    assert site.postgres is not None
    await _away(site.postgres.stop, site.postgres.start, POSTGRES_AWAY_S, times, pause_s)


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


async def play(site: Site, fault: str, kept: Sequence[Book], *, times: int, pause_s: float, within_s: float) -> Report:
    """Let visitors and agents work while the fault happens again and again."""
    token = await asyncio.to_thread(admin_token, site.data, site.settings)
    async with AsyncExitStack() as stack:
        if fault == "cut":
            proxy = Proxy()
            urls = [await stack.enter_async_context(proxy.before(url)) for url in site.urls]

            async def happening() -> None:
                for _ in range(times):
                    await asyncio.sleep(CUT_EVERY_S)
                    proxy.cut(CUT_SHARE)

            addresses: Callable[[], Sequence[str]] = lambda: urls  # noqa: E731 - as the other branch
            failing: Awaitable[None] = happening()
        else:
            faults = {"kill": kill, "redis": redis, "postgres": postgres, "rolling": rolling}
            addresses, failing = (lambda: site.urls), faults[fault](site, times, pause_s)
        task = asyncio.ensure_future(failing)
        return await run(kept, addresses, token, within_s=within_s, meanwhile=task)


def prepare(stack: ExitStack, folder: Path, kb: Path, on: str, models: Path) -> Site:
    """Databases for servers, on sqlite or postgres; what is learned of the model is taken from the folder `models`."""
    borrow_model(folder / "data", models)
    if on == "sqlite":
        site = Site(folder / "data", kb, {})
    else:
        backing = Postgres.make(folder / "postgres"), Redis.make(folder)
        stack.callback(backing[1].kill)
        settings = {"HANDRAIL_DATABASE_URL": backing[0].url, "HANDRAIL_REDIS_URL": backing[1].url}
        site = Site(folder / "data", kb, settings, *backing)
    stack.callback(lambda: [server.stop() for server in site.servers])
    return site


def main() -> None:
    """Run one experiment and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fault", choices=DEFAULT_TIMES)
    parser.add_argument("--on", choices=("sqlite", "postgres"), default="sqlite")
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
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        site = prepare(stack, Path(folder), args.kb.resolve(), args.on, args.data.resolve())
        site.open(SERVERS)
        kept = books(args.chats, args.says, args.think)
        report = asyncio.run(play(site, args.fault, kept, times=times, pause_s=args.pause, within_s=args.within))
    print(f"{args.fault} {times} times, {SERVERS} servers on {args.on}, {args.chats} chats")
    print(report)
    raise SystemExit(bool(report.faults))


if __name__ == "__main__":
    main()
