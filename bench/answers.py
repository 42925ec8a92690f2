"""How fast a server answers: sockets in a closed loop, each asking as soon as it was answered.

    python -m bench.answers --kb ../shared/data/arduino_help/kb --questions ../shared/data/banking77/dev/questions.jsonl

Prints start to first answer, memory, and answers/s with p50 and p99 for each number of sockets. Every answer is stored
durably before it is sent.
"""

import argparse
import asyncio
import itertools
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson

from bench.running import Running, start
from bench.visitor import visit

SOCKETS = (1, 20, 100)


HEAD = f"{'sockets':>8} {'answers/s':>10} {'p50 ms':>8} {'p99 ms':>8} {'memory MiB':>11}"


def row(sockets: int, took_ms: Sequence[float], seconds: float, rss_mib: float) -> str:
    """A line below HEAD."""
    p50, p99 = statistics.median(took_ms), _percentile(took_ms, 0.99)
    return f"{sockets:8} {len(took_ms) / seconds:10.0f} {p50:8.1f} {p99:8.1f} {rss_mib:11.0f}"


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kb", type=Path, default=Path("kb_articles"))
    parser.add_argument("--questions", type=Path, required=True, help="questions.jsonl; only the questions are used")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long to ask with each number of sockets")
    parser.add_argument("--sockets", type=int, nargs="+", default=SOCKETS)
    parser.add_argument(
        "--workers", type=int, default=1, help="processes; with more than one, memory is the supervisor's"
    )
    args = parser.parse_args()
    questions = [orjson.loads(line)["question"] for line in args.questions.read_text(encoding="utf-8").splitlines()]
    with tempfile.TemporaryDirectory() as data:
        _prepare(Path(data), args.kb)
        measure(Path(data), args.kb.resolve(), questions, args.sockets, seconds=args.seconds, workers=args.workers)


def _prepare(data: Path, kb: Path) -> None:
    """Export the model and build the index once, so that starts are measured as they are from the second on."""
    start(data, kb=kb.resolve()).stop()


def measure(
    data: Path, kb: Path, questions: Sequence[str], sockets: Sequence[int], *, seconds: float, workers: int
) -> None:
    """Start the server and ask."""
    began = time.perf_counter()
    server = start(data, kb=kb, settings={"HANDRAIL_WORKERS": str(workers)})
    endless = itertools.cycle(questions)
    asyncio.run(_ask_for(server, endless, 1, 0.0))
    print(f"start to first answer  {time.perf_counter() - began:6.2f} s")
    print(f"memory then            {server.rss_mib():6.0f} MiB")
    print(HEAD)
    for count in sockets:
        began = time.perf_counter()
        took_ms = asyncio.run(_ask_for(server, endless, count, seconds))
        print(row(count, took_ms, time.perf_counter() - began, server.rss_mib()))
    server.stop()


async def _ask_for(server: Running, questions: Iterator[str], sockets: int, seconds: float) -> list[float]:
    """Milliseconds from each question to its reply; every socket asks once at least."""
    until = time.perf_counter() + seconds
    took_ms: list[float] = []

    async def one() -> None:
        async with visit(server.chat_url) as visitor:
            while True:
                began = time.perf_counter()
                await visitor.ask(next(questions))
                took_ms.append((time.perf_counter() - began) * 1000)
                if began > until:
                    return

    await asyncio.gather(*(one() for _ in range(sockets)))
    return took_ms


def _percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


if __name__ == "__main__":
    main()
