"""Several processes on one port, as operators see them: real processes, sockets and signals."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections import Counter
from contextlib import AsyncExitStack
from multiprocessing import Pipe
from pathlib import Path
from types import SimpleNamespace

import httpx
import orjson
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidMessage

from bot.errors import PortTaken, WorkersFailed
from bot.server import supervisor, worker
from bot.server.worker import WorkerReport
from bot.settings.settings import Settings
from tests.harness.running import ROOT, start
from tests.harness.visitor import visit

slow = pytest.mark.slow
PATIENCE_S = 30
QUESTION = "How long do refunds take?"
TOKEN = "0123456789abcdef"
TWO = {"HANDRAIL_WORKERS": "2", "HANDRAIL_METRICS_TOKEN": TOKEN}


def workers_of(server):
    """Process ids of the workers, which are the supervisor's children that take part in serving."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    commands = {int(pid): Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children}
    return {pid for pid, command in commands.items() if b"spawn_main" in command}


def logged(server, event):
    """The lines of the log that tell of `event`."""
    lines = (orjson.loads(line) for line in server.log_path.read_bytes().splitlines() if line.startswith(b"{"))
    return [line for line in lines if line["event"] == event]


def until(found):
    """What `found` finds, once it does."""
    deadline = time.monotonic() + PATIENCE_S
    while not (result := found()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
    return result


def is_ready(server):
    """A connection that the kernel gave to a worker in the moment it is killed is reset: browsers try again."""
    try:
        return httpx.get(f"{server.url}/readyz").json()["ready"]
    except httpx.TransportError:
        return False


def is_gone(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"  # in a container nobody reaps
    except FileNotFoundError:
        return True


async def sockets_by_worker(server, count):
    """How many of `count` sockets each worker has, by the other ends that the kernel lists; and what /metrics says."""
    async with asyncio.TaskGroup() as tasks:
        opened = [tasks.create_task(connect(server.chat_url, proxy=None).__aenter__()) for _ in range(count)]
    lines = [task.result() for task in opened]
    try:
        ports = {line.local_address[1] for line in lines}
        there = {pid: inodes(pid) for pid in workers_of(server)}
        sockets = Counter(pid for inode in accepted(ports) for pid, own in there.items() if inode in own)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient() as client:
            answers = [(await client.get(f"{server.url}/metrics", headers=headers)).text for _ in range(4)]
        metrics = {
            line for text in answers for line in text.splitlines() if line.startswith("handrail_visitor_sockets")
        }
        return sockets, metrics
    finally:
        await asyncio.gather(*(line.close() for line in lines))


def inodes(pid):
    links = (str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir() if entry.is_symlink())
    return {link[8:-1] for link in links if link.startswith("socket:[")}


def accepted(ports):
    """Inodes of the sockets on this machine whose other end has one of `ports`."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {row[9] for row in rows if int(row[2].split(":")[1], 16) in ports}


@slow
def test_workers_share_visitors_and_counts_replace_their_dead_and_never_outlive_the_supervisor(data_dir, small_kb):
    server = start(data_dir, kb=small_kb, settings=TWO)
    try:
        (serving,) = logged(server, "serving")
        assert (serving["workers"], serving["articles"]) == (2, 3)
        sockets, metrics = asyncio.run(sockets_by_worker(server, 60))
        assert sum(sockets.values()) == 60
        assert min(sockets.values()) >= 15  # 99.99 % of fair draws
        assert metrics == {"handrail_visitor_sockets 60.0"}

        victim, other = workers_of(server)
        os.kill(victim, signal.SIGKILL)
        until(lambda: is_ready(server))  # by the other one: the dead one's share is its
        until(lambda: len(logged(server, "worker.serving")) == 3)
        assert logged(server, "worker.died")[0]["problem"] == "it ended with status -9"
        assert len(logged(server, "serving")) == 1

        pids = workers_of(server)
        assert other in pids
        assert len(pids) == 2
        server.kill()
        until(lambda: all(is_gone(pid) for pid in pids))
        assert len(logged(server, "worker.orphaned")) == 2
    finally:
        server.kill()


async def welcomed(server, stack, at_least):
    """Visitors who were answered once, until every worker has `at_least` so many; by worker."""
    sockets = {pid: [] for pid in workers_of(server)}
    while min(len(visitors) for visitors in sockets.values()) < at_least:
        visitor = await stack.enter_async_context(visit(server.chat_url))
        await visitor.ask(QUESTION)
        theirs = accepted({visitor.socket.local_address[1]})
        sockets[next(pid for pid in sockets if theirs & inodes(pid))].append(visitor)
    return sockets


def is_answered(visitor, client_id):
    said = visitor.acknowledged.get(client_id)
    return any(said in event.get("answers", ()) for event in visitor.events.values())


async def insist(visitor, client_id):
    """Say it until it is answered, as the widget does: a process that stops amid a write keeps SQLite's lock."""
    await visitor.send("say", text=QUESTION, client_id=client_id)
    while not is_answered(visitor, client_id):
        if (await visitor.hear())["type"] == "error":
            await visitor.send("say", text=QUESTION, client_id=client_id)
    return [event["kind"] for _, event in sorted(visitor.events.items())]


async def answered_in_the_end(server, stack, gone, client_id):
    """What a visitor hears whose socket breaks, who comes back and says it again as the widget does; kinds of events."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            await gone.hear()
    resumed = {"token": gone.welcome["token"], "conversation_id": gone.welcome["conversation_id"]}
    back = None
    while back is None:
        with contextlib.suppress(InvalidMessage, OSError):  # the dying worker's listener may outlive its sockets
            back = await stack.enter_async_context(visit(server.chat_url, **resumed, after=len(gone.events)))
    back.events |= gone.events
    return await insist(back, client_id)


async def stop_amid_turns(server):
    """Stop one of two workers as it acknowledges; which it was, and what each visitor got in the end."""
    async with AsyncExitStack() as stack, asyncio.timeout(PATIENCE_S):
        sockets = await welcomed(server, stack, at_least=2)
        (victim, lost), (_, kept) = sockets.items()
        asked = [(visitor, await visitor.send("say", text=QUESTION)) for visitor in lost]
        await lost[0].hear()
        os.kill(victim, signal.SIGSTOP)
        kept_up = [insist(visitor, str(uuid.uuid4())) for visitor in kept]
        return victim, await asyncio.gather(
            *kept_up, *(answered_in_the_end(server, stack, visitor, client_id) for visitor, client_id in asked)
        )


@slow
def test_a_worker_that_hangs_is_replaced_and_each_visitor_is_answered_once(data_dir, small_kb):
    server = start(data_dir, kb=small_kb, settings=TWO)
    try:
        victim, logs = asyncio.run(stop_amid_turns(server))
        assert logs == [["opened", *["visitor_said", "bot_said"] * 2]] * len(logs)
        (hangs,) = logged(server, "worker.hangs")
        assert (hangs["pid"], hangs["silent_s"]) == (victim, 16.0)
        until(lambda: len(logged(server, "worker.serving")) == 3)
        assert logged(server, "worker.died")[0]["problem"] == "it ended with status -9"
        assert len(workers_of(server) - {victim}) == 2
        sockets, _ = asyncio.run(sockets_by_worker(server, 40))
        assert set(sockets) == workers_of(server)
        assert server.stop() == 0
    finally:
        server.kill()


@slow
def test_workers_that_cannot_start_are_given_up_with_what_to_do(data_dir, tmp_path):
    command = [sys.executable, str(ROOT / "handrail.py"), "serve", "--workers", "2", "--port", "0"]
    command += ["--kb", str(tmp_path / "none"), "--data", str(data_dir)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, timeout=PATIENCE_S)
    assert ended.returncode == 1
    last = ended.stderr.strip().splitlines()[-1]
    assert last.startswith("handrail: worker 0 cannot serve: knowledge base folder")
    assert "Traceback" not in ended.stderr


async def test_a_port_that_is_taken_is_refused_before_any_worker_starts():
    with socket.create_server(("127.0.0.1", 0)) as other:
        settings = Settings(port=other.getsockname()[1], workers=2)
        with pytest.raises(PortTaken):
            await supervisor.supervise(settings, None)


class Short:
    """A worker of made-up lives: serves, or says what is wrong, and is dead after some time."""

    def __init__(self, clock, problem, lives_s):
        self._clock, self._problem, self._lives_s = clock, problem, lives_s
        self.process = SimpleNamespace(pid=1, is_alive=lambda: False)
        self.pipe = SimpleNamespace(close=lambda: None)

    async def report(self):
        return WorkerReport("http://here", 3, self._problem)

    async def fall_silent(self, _clock):
        await asyncio.Event().wait()

    async def end(self):
        await asyncio.sleep(0)
        self._clock.now_s += self._lives_s
        return 9


class Clock:
    """Sleeps at once, and keeps how long."""

    def __init__(self):
        self.now_s, self.slept = 0.0, []

    def monotonic(self):
        return self.now_s

    async def sleep(self, seconds):
        self.slept.append(seconds)
        await asyncio.sleep(0)


@pytest.fixture
def crew(monkeypatch, tmp_path):
    """A crew of one whose workers live as `lives` says, problem and seconds each."""
    clock = Clock()

    def of(*lives):
        coming = iter(lives)
        monkeypatch.setattr(supervisor._Worker, "start", lambda _order: Short(clock, *next(coming)))
        return supervisor._Crew(Settings(workers=1), 1, None, str(tmp_path), clock=clock)

    return of


async def test_a_worker_that_keeps_dying_is_replaced_ever_more_slowly_and_given_up_when_nobody_serves(crew):
    young = (None, 1.0)
    with pytest.raises(WorkersFailed, match="worker 0 cannot serve: it ended with status 9"):
        await (dying := crew(*[young] * 5)).work()
    assert dying.clock.slept == [0.5, 1.0, 2.0, 4.0]


async def test_a_worker_that_served_for_a_while_is_replaced_quickly_however_often(crew):
    old, young, unfit = (None, 60.0), (None, 1.0), ("no memory", 0.1)
    with pytest.raises(WorkersFailed, match="worker 0 cannot serve: no memory"):
        await (dying := crew(old, old, young, old, *[unfit] * 5)).work()
    assert dying.clock.slept == [0.5, 0.5, 1.0, 0.5, 1.0, 2.0, 4.0]


async def test_a_first_worker_that_cannot_start_is_not_tried_again(crew):
    with pytest.raises(WorkersFailed, match="no memory"):
        await (unfit := crew(("no memory", 0.1))).work()
    assert unfit.clock.slept == []


class Looks:
    """A clock whose seconds pass at once; at each look the worker has beaten, or not, and hours may have passed."""

    def __init__(self, pipe, beats):
        self._pipe, self._beats, self.looks = pipe, iter(beats), 0

    async def sleep(self, _seconds):
        self.looks += 1
        self._pipe.send_bytes(b"beat") if next(self._beats) else None


@pytest.mark.parametrize(
    ("beats", "looks"),
    [
        ([False] * 8, 8),
        ([True] * 3 + [False] * 8, 11),
        ([False] * 7 + [True] + [False] * 8, 16),  # such as after the machine was suspended in the middle
    ],
)
async def test_a_worker_is_silent_after_eight_looks_in_a_row_without_a_beat(beats, looks):
    ours, theirs = Pipe(duplex=False)
    with ours, theirs:
        clock = Looks(theirs, beats)
        await supervisor._Worker(None, ours).fall_silent(clock)
    assert clock.looks == looks


async def test_a_supervisor_that_reads_nothing_holds_no_worker_up():
    ours, theirs = Pipe(duplex=False)
    with ours, theirs:
        os.set_blocking(theirs.fileno(), False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(theirs.fileno(), bytes(4096))
        worker._beat(theirs)
        assert len(os.read(ours.fileno(), 65_536)) == 65_536
