"""The snapshot store: the snapshots in the data folder, as seen from one folder of articles."""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from retrieval.articles import Article
from retrieval.digest import publish_file
from retrieval.errors import IndexCorrupt
from retrieval.index.builder import Progress, build, compact, configuration_of, kb_version
from retrieval.index.manifest import (
    POINTER,
    is_of_another,
    load_what_is_whole,
    manifest_of,
    save,
    save_segment_in,
)
from retrieval.index.segment import Segment
from retrieval.index.snapshot import Snapshot
from retrieval.model import Encoder

LOCK = ".lock"

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SnapshotStore:
    """A snapshot store: the snapshots in `index_dir`, as seen from the folder `kb_dir`; several folders and processes may share them."""

    index_dir: Path
    kb_dir: Path

    @contextmanager
    def locked(self) -> Iterator[None]:
        """A lock between processes, while others wait: what one has built the others then find, and none removes what another stores.

        Where the disk or its file system refuses a lock, nobody waits: an index is a cache, built again where missing.
        """
        try:
            self.index_dir.mkdir(parents=True, exist_ok=True)
            lock = os.open(self.index_dir / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        except OSError:
            yield
            return
        try:
            with suppress(OSError):
                fcntl.flock(lock, fcntl.LOCK_EX)  # the kernel lets go of it with the process
            yield
        finally:
            os.close(lock)

    def active_version(self) -> str | None:
        """The version that was served last for this folder."""
        try:
            return self._pointer().read_text()
        except (OSError, ValueError):
            return None

    def load_version(self, version: str | None, encoder: Encoder, articles: Iterable[Article] = ()) -> Snapshot | None:
        """What is whole of the stored snapshot of a version, if it was made by this encoder and this configuration.

        Its own version says what it holds. What is corrupt is removed, as if it had never been.
        """
        manifest = manifest_of(self.index_dir, version) if version else None
        if manifest is None or not manifest.is_file() or is_of_another(configuration_of(encoder), manifest):
            return None
        return load_what_is_whole(manifest, articles, _remove, encoder.is_word)

    def current(
        self,
        articles: Sequence[Article],
        encoder: Encoder,
        before: Snapshot | None,
        progress: Progress = lambda _done, _total: None,
    ) -> Snapshot:
        """The snapshot of exactly these articles: `before`, a stored one, or one built with what `before` has."""
        wanted = kb_version(articles, encoder, before)
        if before is None or before.kb_version != wanted:
            stored = self.load_version(wanted, encoder, articles)
            if stored is not None and stored.kb_version == wanted:
                return stored
            before = build(articles, encoder, previous=before or stored, progress=progress, keep=self.keep)
        return before

    def keep(self, segment: Segment, articles: Sequence[Article]) -> Segment:
        """The segment mapped from its files, once it is stored; in memory where the disk refuses."""
        try:
            return save_segment_in(self.index_dir, segment, articles)
        except OSError as error:
            log.warning("kb.index_not_stored", segment=segment.name, problem=str(error))
            return segment

    def activate(self, snapshot: Snapshot) -> None:
        """Stores the snapshot and remembers it for the next start; a disk that refuses is logged, no more."""
        try:
            save(snapshot, self.index_dir)
            publish_file(self._pointer(), snapshot.kb_version.encode())
        except OSError as error:
            log.warning("kb.index_not_stored", kb_version=snapshot.kb_version, problem=str(error))

    def compacted(self, snapshot: Snapshot) -> Snapshot | None:
        """The same snapshot in fewer segments, stored; None where it is well as it is."""
        merged = compact(snapshot, self.keep)
        if merged is not None:
            self.activate(merged)
        return merged

    def _pointer(self) -> Path:
        place = hashlib.sha256(os.fsencode(self.kb_dir.resolve())).hexdigest()[:16]
        return self.index_dir / f"{POINTER}{place}"


def _remove(damaged: Path, problem: IndexCorrupt) -> None:
    log.warning("kb.index_corrupt", path=str(damaged), problem=str(problem))
    shutil.rmtree(damaged, ignore_errors=True) if damaged.is_dir() else damaged.unlink(missing_ok=True)
