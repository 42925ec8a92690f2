"""Idle connections, what they cost: so many open sockets, the memory of each, and how fast HTTP is answered meanwhile.

    python -m bench.idle --sockets 10000

First the sockets are only welcomed, then each has a conversation with one message in it. Client and server share the
machine.

"""

import argparse
import asyncio
import resource
import statistics
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

import httpx

from eval.metrics.printing import percentile
from tests.harness.running import ROOT, Running, borrow_model, start
from tests.harness.visitor import visit

AT_ONCE = 100  # handshakes
REQUESTS = 500
PAUSE_S = 0.02


async def _open(url: str, count: int, stack: AsyncExitStack, *, say: bool) -> None:
    places = asyncio.Semaphore(AT_ONCE)

    async def one() -> None:
        async with places:
            visitor = await stack.enter_async_context(visit(url))
            if say:
                await visitor.ask("Hello!")

    await asyncio.gather(*(one() for _ in range(count)))


async def measure(server: Running, sockets: int, *, say: bool) -> None:
    """Open the sockets and print what they cost."""
    before = server.rss_mib()
    async with AsyncExitStack() as stack:
        began = time.perf_counter()
        await _open(server.chat_url, sockets, stack, say=say)
        opened_s = time.perf_counter() - began
        await asyncio.sleep(2)
        after = server.rss_mib()
        took_ms = await _requests(server.url)
        print(f"{sockets} sockets open after {opened_s:.0f} s")
        print(f"memory {before:.0f} -> {after:.0f} MiB, {(after - before) * 1024 / sockets:.1f} KiB a socket")
        print(f"HTTP meanwhile: median {statistics.median(took_ms):.1f} ms, p99 {percentile(took_ms, 0.99):.1f} ms")


async def _requests(url: str) -> list[float]:
    """Milliseconds of requests one after the other."""
    took_ms = []
    async with httpx.AsyncClient() as client:
        for _ in range(REQUESTS):
            began = time.perf_counter()
            (await client.get(f"{url}/healthz")).raise_for_status()
            took_ms.append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(PAUSE_S)
    return took_ms


def main() -> None:
    """Start a server and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kb", type=Path, default=Path("kb_articles"))
    parser.add_argument("--data", type=Path, default=ROOT / "var", help="where the exported model lies, or is put")
    parser.add_argument("--sockets", type=int, default=10_000)
    args = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory() as folder:
        borrow_model(Path(folder), args.data)
        for say in (False, True):
            print("after a message each" if say else "welcomed")
            server = start(Path(folder), kb=args.kb.resolve())
            try:
                asyncio.run(measure(server, args.sockets, say=say))
            finally:
                server.stop()


if __name__ == "__main__":
    main()
