"""Several processes on one port, as operators see them: real processes, sockets and signals."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import httpx
import orjson
import pytest
from websockets.asyncio.client import connect

from bench.running import ROOT, start

pytestmark = pytest.mark.slow

PATIENCE_S = 30
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
        held = Counter(pid for inode in accepted(ports) for pid, own in there.items() if inode in own)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient() as client:
            answers = [(await client.get(f"{server.url}/metrics", headers=headers)).text for _ in range(4)]
        told = {line for text in answers for line in text.splitlines() if line.startswith("handrail_visitor_sockets")}
        return held, told
    finally:
        await asyncio.gather(*(line.close() for line in lines))


def inodes(pid):
    links = (str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir() if entry.is_symlink())
    return {link[8:-1] for link in links if link.startswith("socket:[")}


def accepted(ports):
    """Inodes of the sockets on this machine whose other end has one of `ports`."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {row[9] for row in rows if int(row[2].split(":")[1], 16) in ports}


def test_workers_share_visitors_and_counts_replace_their_dead_and_never_outlive_the_supervisor(data_dir, small_kb):
    server = start(data_dir, kb=small_kb, settings=TWO)
    try:
        (serving,) = logged(server, "serving")
        assert (serving["workers"], serving["articles"]) == (2, 3)
        held, told = asyncio.run(sockets_by_worker(server, 60))
        assert sum(held.values()) == 60
        assert min(held.values()) >= 15  # 99.99 % of fair draws
        assert told == {"handrail_visitor_sockets 60.0"}

        victim, other = workers_of(server)
        os.kill(victim, signal.SIGKILL)
        assert httpx.get(f"{server.url}/readyz").json()["ready"]  # by the other one: the dead one's share is its
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
        server.process.kill()


def test_on_sigterm_all_workers_go_and_the_status_is_0(data_dir, small_kb):
    server = start(data_dir, kb=small_kb, settings=TWO)
    pids = workers_of(server)
    assert server.stop() == 0
    assert all(is_gone(pid) for pid in pids)
    assert len(logged(server, "draining")) == 2


@pytest.mark.parametrize("more", [(), ("--port", "1", "--host", "192.0.2.1")])
def test_workers_that_cannot_start_are_given_up_with_what_to_do(data_dir, tmp_path, more):
    command = [sys.executable, str(ROOT / "handrail.py"), "serve", "--workers", "2", "--port", "0"]
    command += ["--kb", str(tmp_path / "none"), "--data", str(data_dir), *more]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, timeout=PATIENCE_S)
    assert ended.returncode == 1
    last = ended.stderr.strip().splitlines()[-1]
    words = "cannot listen on 192.0.2.1:1" if more else "worker 0 did not start: knowledge base folder"
    assert last.startswith(f"handrail: {words}")
    assert "Traceback" not in ended.stderr
