"""The live knowledge base: opened at start, watched, and swapped whole when a file is saved."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import structlog
from watchfiles import awatch

from retrieval.article import Reading, read
from retrieval.encode import Encoder
from retrieval.errors import ArticleError, KbEmpty, KbMissing, KbUnusable
from retrieval.index import Progress, Snapshot, build, kb_version
from retrieval.stored import Stored

log = structlog.stdlib.get_logger(__name__)

Fingerprint = frozenset[tuple[str, int, int, int]]

CHECK_MS = 1000  # a look costs 3 ms for 400 articles, and an edit must be live within 5 s
_GROUPED_FOR = 4  # quiet times after which a change is taken up even if others keep coming


class Knowledge:
    """The knowledge base a process answers from.

    `snapshot` is replaced as a whole: whoever holds one keeps a consistent state. `errors` are those of the last
    reading; while there are any, the snapshot is the one from before them.
    """

    def __init__(self, kb_dir: Path, stored: Stored, encoder: Encoder, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.errors: tuple[ArticleError, ...] = ()
        self._kb_dir = kb_dir
        self._stored = stored
        self._encoder = encoder
        self._refreshing = asyncio.Lock()

    @classmethod
    def open(
        cls, kb_dir: Path, *, index_dir: Path, encoder: Encoder, progress: Progress = lambda _done, _total: None
    ) -> "Knowledge":
        """The knowledge base of a folder: its stored snapshot if that is current, else a new one, stored.

        With broken articles, what was served before is served on; the first time, the good articles are.
        Raises KbMissing and KbEmpty, and KbUnusable when every article is broken and nothing was served before.
        """
        reading = read(kb_dir)
        stored = Stored(index_dir, kb_dir)
        before = stored.active(encoder.name)
        if before is None or not reading.errors:
            if not reading.articles:
                raise KbUnusable(reading.errors)
            snapshot = _current(reading, stored, encoder, before, progress)
        else:
            snapshot = before
        knowledge = cls(kb_dir, stored, encoder, snapshot)
        knowledge._report(reading.errors)
        return knowledge

    async def refresh(self) -> bool:
        """Read the folder again; True if another snapshot is served now.

        Any fault (a broken article, a folder that vanished or is empty) keeps the present snapshot, and is logged.
        The work is done in a thread; one refresh runs at a time.
        """
        async with self._refreshing:
            started = time.perf_counter()
            try:
                reading = await asyncio.to_thread(read, self._kb_dir)
            except (KbMissing, KbEmpty) as error:
                log.warning("kb.kept", kb_version=self.snapshot.kb_version, problem=str(error))
                return False
            if reading.errors:
                self._report(reading.errors)
                return False
            if kb_version(reading.articles, self._encoder) == self.snapshot.kb_version:
                self.errors = ()
                return False
            encoded = _Count()
            self.snapshot = await asyncio.to_thread(
                _current, reading, self._stored, self._encoder, self.snapshot, encoded.note
            )
            self.errors = ()
            log.info(
                "kb.refreshed",
                kb_version=self.snapshot.kb_version,
                articles=len(self.snapshot.articles),
                encoded=encoded.total,
                took_ms=round((time.perf_counter() - started) * 1000),
            )
            return True

    async def watch(self, debounce_s: float = 0.5) -> None:
        """Refresh after every change below the folder, once it has been quiet for `debounce_s`; until cancelled.

        Notifications make it quick; looking at names, sizes and times every second makes it certain (lost
        notifications, network drives, a folder that was moved away and is back).
        """
        seen: Fingerprint | None = None
        async for _ in _ticks(self._kb_dir, debounce_s):
            try:
                found = await asyncio.to_thread(_fingerprint, self._kb_dir)
                if found != seen:
                    await self.refresh()
                seen = found
            except OSError as error:  # a folder that went away while it was listed: look again
                log.warning("kb.kept", kb_version=self.snapshot.kb_version, problem=str(error))

    def _report(self, errors: tuple[ArticleError, ...]) -> None:
        for error in errors if errors != self.errors else ():
            log.warning("kb.kept", kb_version=self.snapshot.kb_version, problem=str(error))
        self.errors = errors


def _current(
    reading: Reading, stored: Stored, encoder: Encoder, before: Snapshot | None, progress: Progress
) -> Snapshot:
    """The snapshot of what was read, from disk or built, made the active one."""
    snapshot = stored.at(kb_version(reading.articles, encoder))
    if snapshot is None:
        snapshot = build(reading.articles, encoder, previous=before, progress=progress)
    stored.activate(snapshot)
    return snapshot


def _fingerprint(kb_dir: Path) -> Fingerprint:
    """What changes when a file is saved, added, renamed or removed; empty without a folder."""
    found = []
    for path in kb_dir.rglob("*.md"):
        with suppress(OSError):  # gone between listing and looking
            status = path.stat()
            found.append((str(path), status.st_mtime_ns, status.st_size, status.st_ino))
    return frozenset(found)


async def _ticks(kb_dir: Path, debounce_s: float) -> AsyncIterator[None]:
    """When to look: at changes, grouped, and every second."""
    quiet_ms = max(1, round(debounce_s * 1000))
    while True:
        try:
            async for _ in awatch(
                kb_dir,
                step=quiet_ms,
                debounce=quiet_ms * _GROUPED_FOR,
                rust_timeout=CHECK_MS,
                yield_on_timeout=True,
                ignore_permission_denied=True,
            ):
                yield
        except OSError:  # no such folder now, or the system has no more watches to give
            yield
            await asyncio.sleep(CHECK_MS / 1000)


class _Count:
    """How many texts a build encoded."""

    def __init__(self) -> None:
        self.total = 0

    def note(self, _done: int, total: int) -> None:
        """Progress, as `build` reports it."""
        self.total = total
