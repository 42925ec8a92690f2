"""Closed-loop load generator: so many lines to a server at once, each asking as soon as it was answered, and what came of it."""

import asyncio
import itertools
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

import uvloop

from bench.encoder_baseline import EncoderBaseline
from eval.metrics.printing import percentile

SOCKETS = (1, 20, 100, 500)
ANSWERED_WITHIN_S = 60.0  # whoever waits for longer will never be answered

Ask = Callable[[str], Awaitable[object]]  # returns with the reply
Line = Callable[[], AbstractAsyncContextManager[Ask]]

HEAD = (
    f"{'sockets':>8} {'answers/s':>10} {'p50 ms':>8} {'p99 ms':>8} {'memory MiB':>11} {'client CPU':>11}"
    f" {'encoder/s':>10} {'ratio':>6} {'in 32s/s':>9} {'ratio':>6}"
)


@dataclass(frozen=True, slots=True)
class Round:
    """Latencies and throughput of a while of asking: `took_ms` of each question to its reply, `answers_per_s` until the last of them.

    `client_cpu` is how much of one core the askers themselves took: near 1, the numbers are theirs.
    """

    took_ms: Sequence[float]
    answers_per_s: float
    client_cpu: float


def ask_for(line: Line, questions: Iterator[str], *, sockets: int, seconds: float, says: int | None = None) -> Round:
    """Ask over so many lines at once; every line asks once at least, and waits for its last reply.

    The clock starts once all lines are open. After `says` questions a line is given up for a new one (None: never),
    which counts in answers/s and in nobody's milliseconds. Raises an ExceptionGroup where a line is refused or breaks,
    and where a reply does not come.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # takes less of the server's processor
        return runner.run(_Loop(line, questions, seconds, says).run(sockets))


@dataclass(slots=True)
class _Loop:
    line: Line
    questions: Iterator[str]
    seconds: float
    says: int | None
    took_ms: list[float] = field(default_factory=list)
    began_s: float | None = None
    cpu_before_s: float = 0.0

    async def run(self, sockets: int) -> Round:
        opened = asyncio.Barrier(sockets)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(sockets):
                tasks.create_task(self._one(opened))
        assert self.began_s is not None
        took_s = time.perf_counter() - self.began_s
        return Round(self.took_ms, len(self.took_ms) / took_s, (time.process_time() - self.cpu_before_s) / took_s)

    async def _one(self, opened: asyncio.Barrier) -> None:
        async with self.line() as ask:
            await opened.wait()
            if self.began_s is None:
                self.began_s, self.cpu_before_s = time.perf_counter(), time.process_time()
            await self._talk(ask)
        while self._goes_on():
            async with self.line() as ask:
                await self._talk(ask)

    async def _talk(self, ask: Ask) -> None:
        for _ in itertools.count() if self.says is None else range(self.says):
            began = time.perf_counter()
            async with asyncio.timeout(ANSWERED_WITHIN_S):
                await ask(next(self.questions))
            self.took_ms.append((time.perf_counter() - began) * 1000)
            if not self._goes_on():
                return

    def _goes_on(self) -> bool:
        return self.began_s is not None and time.perf_counter() < self.began_s + self.seconds


def row(sockets: int, done: Round, memory_mib: float, bare: EncoderBaseline) -> str:
    """A line below HEAD."""
    p50, p99 = statistics.median(done.took_ms), percentile(done.took_ms, 0.99)
    ours = f"{sockets:8} {done.answers_per_s:10.0f} {p50:8.1f} {p99:8.1f} {memory_mib:11.0f} {done.client_cpu:11.0%}"
    alone, batched = done.answers_per_s / bare.alone_per_s, done.answers_per_s / bare.batched_per_s
    return f"{ours} {bare.alone_per_s:10.0f} {alone:6.2f} {bare.batched_per_s:9.0f} {batched:6.2f}"
