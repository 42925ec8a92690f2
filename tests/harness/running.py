"""Server processes: a real `handrail serve` in a process of its own, for benchmarks and end-to-end tests."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

ROOT = Path(__file__).parents[2]
START_WITHIN_S = 180
LEARNED = ("models", "tone")  # what a first start makes of the embedding model, below the data folder


class NotServing(Exception):
    """The server ended before it served, or was to end."""

    def __init__(self, log: str) -> None:
        self.log = log

    def __str__(self) -> str:
        return f"handrail serve ended by itself:\n{self.log}"


@dataclass(frozen=True, slots=True)
class Running:
    """A server that accepts connections at `url`, such as http://127.0.0.1:40123."""

    process: "subprocess.Popen[bytes]"
    url: str
    log_path: Path

    @property
    def chat_url(self) -> str:
        """Where visitors' sockets go."""
        return self.url.replace("http", "ws", 1) + "/v1/chat"

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)

    def rss_mib(self) -> float:
        """Resident memory of the first process now."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1024**2

    def pss_mib(self) -> float:
        """Memory of the server with its workers now; what they share counts once."""
        return pss_mib(self.process.pid)

    def worker_ids(self) -> list[int]:
        """Process ids of the workers of a supervisor; none where the server is one process."""
        family = _family(self.process.pid)
        return [pid for pid in family if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    def logged(self, event: str) -> int:
        """How often the log tells of `event`."""
        lines = self.log_path.read_bytes().splitlines()
        return sum(line[:1] + line[-1:] == b"{}" and orjson.loads(line)["event"] == event for line in lines)

    def require_alive(self) -> None:
        """Raises NotServing where it has ended."""
        if self.process.poll() is not None:
            raise NotServing(self.log_path.read_text(encoding="utf-8"))


def start(data: Path, *, kb: Path, port: int = 0, settings: Mapping[str, str] | None = None) -> Running:
    """Start a server on loopback and wait until it serves. Raises NotServing with what it logged."""
    data.mkdir(parents=True, exist_ok=True)
    log_path = data / f"serve-{os.urandom(4).hex()}.log"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HANDRAIL_")}
    environment |= {"HANDRAIL_LOG_FORMAT": "json", "HANDRAIL_RATE_LIMITS": "off", **(settings or {})}
    command = [sys.executable, str(ROOT / "handrail.py"), "serve", "--port", str(port)]
    command += ["--kb", str(kb), "--data", str(data)]
    with log_path.open("wb") as log:
        process = subprocess.Popen(command, stderr=log, stdout=log, env=environment, cwd=data)
    return Running(process, _await_url(process, log_path), log_path)


def borrow_model(data: Path, owner: Path) -> None:
    """Let the data folder `data` use what was learned of the model in `owner`, which is made there if it is missing."""
    data.mkdir(parents=True, exist_ok=True)
    for made in LEARNED:
        (owner / made).mkdir(parents=True, exist_ok=True)
        (data / made).symlink_to(owner.resolve() / made)


def admin_token(data: Path, settings: Mapping[str, str] | None = None) -> str:
    """The bearer token of a new agent who may do everything."""
    email = "bench@example.com"
    handrail("agent", "add", email, "--name", "Bench", "--role", "admin", data=data, settings=settings)
    return handrail("agent", "token", email, data=data, settings=settings)


def handrail(*args: str, data: Path, stdin: str | None = None, settings: Mapping[str, str] | None = None) -> str:
    """What a `handrail` command prints; raises CalledProcessError where it fails."""
    command: Sequence[str] = [sys.executable, str(ROOT / "handrail.py"), *args, "--data", str(data)]
    environment = {**os.environ, **(settings or {})}
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=True, cwd=data, env=environment)
    return done.stdout.strip()


def pss_mib(pid: int) -> float:
    """Proportional set size of the process and all that come of it: pages that several share are divided up."""
    lines = [line for member in _family(pid) for line in Path(f"/proc/{member}/smaps_rollup").read_bytes().splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith(b"Pss:")) / 1024


def _family(pid: int) -> list[int]:
    """The process, and all that it started and those started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [pid, *(descendant for child in children for descendant in _family(int(child)))]


def _await_url(process: "subprocess.Popen[bytes]", log_path: Path) -> str:
    """Read the log until it says `serving`."""
    deadline = time.monotonic() + START_WITHIN_S
    while process.poll() is None and time.monotonic() < deadline:
        for line in log_path.read_bytes().splitlines():
            if line.startswith(b"{") and line.endswith(b"}") and b'"serving"' in line:
                return str(orjson.loads(line)["url"])
        time.sleep(0.01)
    process.kill()
    process.wait()
    raise NotServing(log_path.read_text(encoding="utf-8"))
