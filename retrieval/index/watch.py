"""File watching: the live knowledge base, opened at start and swapped whole when a file is saved."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import structlog
from watchfiles import awatch

from retrieval.articles import Article, Fingerprints, Reader
from retrieval.errors import ArticleError, KbEmpty, KbMissing, KbUnusable
from retrieval.index.builder import Progress
from retrieval.index.snapshot import Snapshot
from retrieval.index.snapshot_store import SnapshotStore
from retrieval.model import Encoder

log = structlog.stdlib.get_logger(__name__)

CHECK_MS = 1000  # a look costs 3 ms for 400 articles, and an edit must be live within 5 s
_GROUPED_FOR = 4  # quiet times after which a change is taken up even if others keep coming


class Knowledge:
    """The knowledge base a process answers from.

    `snapshot` is replaced as a whole: whoever holds one keeps a consistent state. `errors` are those of the last
    reading; while there are any, the snapshot is the one from before them.
    """

    def __init__(self, reader: Reader, stored: SnapshotStore, encoder: Encoder, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.errors: tuple[ArticleError, ...] = ()
        self._reader = reader
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
        reader = Reader(kb_dir)
        reading = reader.read()
        stored = SnapshotStore(index_dir, kb_dir)
        with stored.locked():
            version = stored.active_version()
            snapshot = stored.load_version(version, encoder, reading.articles)
            if snapshot is None or snapshot.kb_version != version or not reading.errors:
                if not reading.articles:
                    raise KbUnusable(reading.errors)
                snapshot = stored.current(reading.articles, encoder, snapshot, progress)
            stored.activate(snapshot)
            snapshot = stored.compacted(snapshot) or snapshot
        knowledge = cls(reader, stored, encoder, snapshot)
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
                reading = await asyncio.to_thread(self._reader.read)
            except (KbMissing, KbEmpty) as error:
                log.warning("kb.kept", kb_version=self.snapshot.kb_version, problem=str(error))
                return False
            if reading.errors:
                self._report(reading.errors)
                return False
            encoded = _Count()
            snapshot = await asyncio.to_thread(self._built, reading.articles, encoded)
            before, self.snapshot, self.errors = self.snapshot, snapshot, ()
            if snapshot is before:
                return False
            log.info(
                "kb.refreshed",
                kb_version=self.snapshot.kb_version,
                articles=len(self.snapshot.articles),
                encoded=encoded.total,
                took_ms=round((time.perf_counter() - started) * 1000),
            )
            return True

    async def tidy(self) -> None:
        """Merge segments where there are many; nothing else about the snapshot changes, not even its version."""
        async with self._refreshing:
            merged = await asyncio.to_thread(self._merged)
            if merged is not None:
                self.snapshot = merged

    async def watch(self, debounce_s: float = 0.5) -> None:
        """Refresh after every change below the folder, once it has been quiet for `debounce_s`; until cancelled.

        Notifications make it quick; looking at names, sizes and times every second makes it certain (lost
        notifications, network drives, a folder that was moved away and is back).
        """
        known: Fingerprints | None = None
        async for _ in _ticks(self._reader.kb_dir, debounce_s):
            try:
                fingerprints = await asyncio.to_thread(self._reader.look)
                if fingerprints != known and await self.refresh():
                    await self.tidy()
                known = fingerprints
            except OSError as error:  # a folder that went away while it was listed: look again
                log.warning("kb.kept", kb_version=self.snapshot.kb_version, problem=str(error))

    def _built(self, articles: Sequence[Article], encoded: "_Count") -> Snapshot:
        """The snapshot of these articles, made the active one unless it is already."""
        with self._stored.locked():
            snapshot = self._stored.current(articles, self._encoder, self.snapshot, encoded.note)
            if snapshot is not self.snapshot:
                self._stored.activate(snapshot)
        return snapshot

    def _merged(self) -> Snapshot | None:
        with self._stored.locked():
            return self._stored.compacted(self.snapshot)

    def _report(self, errors: tuple[ArticleError, ...]) -> None:
        for error in errors if errors != self.errors else ():
            log.warning("kb.kept", kb_version=self.snapshot.kb_version, problem=str(error))
        self.errors = errors


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
