"""The supervisor of several serving processes: starts them, starts anew what died or hangs, and goes down with all."""

import asyncio
import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

import orjson
import structlog
from prometheus_client.multiprocess import mark_process_dead

from bot.errors import WorkersFailed
from bot.metrics import SHARED
from bot.server.serve import FINISH_TURNS_S, GRACE_S, SPREAD_S, take_port
from bot.server.worker import BEAT_S, Announce, WorkerOrder, WorkerReport, work
from bot.settings import Settings
from conversation.clock import SystemClock
from conversation.ports import Clock

log = structlog.get_logger()

PAUSE_S = 0.5  # before a worker that died is replaced; doubles while its successors die young
MAX_PAUSE_S = 15.0
YOUNG_S = 30.0  # whoever served longer had no trouble with starting
DEATHS = 5  # in a row, young, while no other worker serves: then somebody has to look
SILENT_LOOKS = 8  # without a beat, 16 s: no work holds the event loop for long, and visitors notice after 45 s
MANY_BEATS = 65_536  # all that a pipe holds
GONE_WITHIN_S = FINISH_TURNS_S + SPREAD_S + GRACE_S + 2  # the longest way down, and some air

_PROCESSES = get_context("spawn")  # a fork would copy locks that threads of onnxruntime or of the encoder hold


@dataclass(slots=True)
class _Worker:
    """A worker process and its pipe; it reports once, then it beats."""

    process: SpawnProcess
    pipe: Connection

    @classmethod
    def start(cls, order: WorkerOrder) -> "_Worker":
        ours, theirs = _PROCESSES.Pipe(duplex=False)
        name = f"handrail-worker-{order.place}"
        process = _PROCESSES.Process(target=work, args=(order, theirs), name=name, daemon=True)
        process.start()
        theirs.close()  # or its end would never be seen
        return cls(process, ours)

    async def report(self) -> WorkerReport:
        """What it says of its start; a worker that ends without a word has a problem too."""
        await _readable(self.pipe.fileno())
        try:
            return WorkerReport(**orjson.loads(self.pipe.recv_bytes()))
        except EOFError:
            return WorkerReport(problem=f"it ended with status {await self.end()}")

    async def fall_silent(self, clock: Clock) -> None:
        """Until nothing came from it at SILENT_LOOKS looks in a row, BEAT_S apart.

        Looks are counted, not seconds: in a machine that was suspended hours have passed, for supervisor and workers.
        """
        os.set_blocking(self.pipe.fileno(), False)
        missed = 0
        while missed < SILENT_LOOKS:
            await clock.sleep(BEAT_S)
            missed = 0 if self._beat() else missed + 1

    def _beat(self) -> bool:
        try:
            return bool(os.read(self.pipe.fileno(), MANY_BEATS))
        except BlockingIOError:
            return False

    async def end(self) -> int:
        """Until it has ended; its exit status, negative for a signal."""
        if self.process.exitcode is None:
            await _readable(self.process.sentinel)
            self.process.join()
        return self.process.exitcode or 0


@dataclass(slots=True)
class _Crew:
    """The workers by place."""

    settings: Settings
    port: int
    announce: Announce
    metrics: str
    workers: dict[int, _Worker] = field(default_factory=dict)
    serving: set[int] = field(default_factory=set)
    prepared: asyncio.Event = field(default_factory=asyncio.Event)
    complete: bool = False
    clock: Clock = field(default_factory=SystemClock)

    async def work(self) -> None:
        """Keep every place taken. Raises WorkersFailed."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for place in range(self.settings.workers):
                    tasks.create_task(self._keep(place))
        except* WorkersFailed as failed:
            raise failed.exceptions[0] from None

    async def dismiss(self) -> None:
        """Send all away and wait until they are gone."""
        alive = [worker for worker in self.workers.values() if worker.process.is_alive()]
        for worker in alive:
            worker.process.terminate()
        with suppress(TimeoutError):
            async with asyncio.timeout(GONE_WITHIN_S):
                for worker in alive:
                    await worker.end()
        for worker in alive:
            if worker.process.is_alive():
                log.error("worker.killed", pid=worker.process.pid, after_s=GONE_WITHIN_S)
                worker.process.kill()

    async def _keep(self, place: int) -> None:
        """One worker after the other. The first of all prepares what the others then find."""
        order = WorkerOrder(place, self.settings, self.port, self.announce, is_first=place == 0)
        if not order.is_first:
            await self.prepared.wait()
        deaths = 0
        while True:
            began_s = self.clock.monotonic()
            problem = await self._run_one(order)
            lived_s = self.clock.monotonic() - began_s
            deaths = 1 if lived_s > YOUNG_S else deaths + 1
            log.error("worker.died", worker=place, problem=problem, lived_s=round(lived_s, 1))
            if not self.complete or (deaths >= DEATHS and not self.serving):
                raise WorkersFailed(place, problem)
            await self.clock.sleep(min(MAX_PAUSE_S, PAUSE_S * 2 ** (deaths - 1)))
            order = replace(order, is_first=False)

    async def _run_one(self, order: WorkerOrder) -> str:
        """The whole life of one worker; what it ended of."""
        worker = self.workers[order.place] = _Worker.start(order)
        report = await worker.report()
        if report.problem is None:
            self._serves(order.place, report)
        status = await self._end(order.place, worker)
        worker.pipe.close()
        self.serving.discard(order.place)
        mark_process_dead(worker.process.pid, self.metrics)  # type: ignore[no-untyped-call]  # it has no annotations
        return report.problem or f"it ended with status {status}"

    async def _end(self, place: int, worker: _Worker) -> int:
        """Until it has ended, by itself or because it hangs; its exit status."""
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(self._end_silent(place, worker))
            status = await worker.end()
            watching.cancel()
        return status

    async def _end_silent(self, place: int, worker: _Worker) -> None:
        await worker.fall_silent(self.clock)
        log.error("worker.hangs", worker=place, pid=worker.process.pid, silent_s=SILENT_LOOKS * BEAT_S)
        worker.process.kill()  # what hangs, or is stopped, heeds nothing less

    def _serves(self, place: int, report: WorkerReport) -> None:
        self.serving.add(place)
        self.prepared.set()
        if not self.complete and len(self.serving) == self.settings.workers:
            self.complete = True
            kb, workers = str(self.settings.kb), self.settings.workers
            log.info("serving", url=report.url, kb=kb, articles=report.articles, workers=workers)


async def supervise(settings: Settings, announce: Announce) -> None:
    """Until SIGTERM or SIGINT, with `settings.workers` processes on one port. Raises PortTaken and WorkersFailed.

    `announce` is called in the first of them; it must be importable there.
    """
    with _reserved(settings) as port, _metrics_folder() as metrics:
        stopping = asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, stopping.set)
        crew = _Crew(settings, port, announce, metrics)
        working = asyncio.create_task(crew.work())
        ending = asyncio.create_task(stopping.wait())
        try:
            await asyncio.wait({working, ending}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                working.result()
        finally:
            for task in (working, ending):
                task.cancel()
            await asyncio.gather(working, ending, return_exceptions=True)
            await crew.dismiss()


@contextmanager
def _reserved(settings: Settings) -> Iterator[int]:
    """The port, kept for the workers while none of them listens. Raises PortTaken."""
    with take_port(settings.host, settings.port) as alone:  # a shared one would be had beside another server
        port: int = alone.getsockname()[1]
    with take_port(settings.host, port, shared=True):
        yield port


@contextmanager
def _metrics_folder() -> Iterator[str]:
    """A folder in which the workers count together; prometheus_client finds it in a variable, as it is imported."""
    with tempfile.TemporaryDirectory(prefix="handrail-metrics-") as folder:
        os.environ[SHARED] = folder
        try:
            yield folder
        finally:
            del os.environ[SHARED]


async def _readable(file_descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(file_descriptor, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(file_descriptor)
