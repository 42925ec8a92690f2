"""Which stored snapshot a folder of articles was served from last."""

import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import structlog

from retrieval.errors import IndexCorrupt
from retrieval.index import Snapshot, load, save

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Stored:
    """The snapshots in `index_dir`, as seen from the folder `kb_dir`; several folders may share an `index_dir`."""

    index_dir: Path
    kb_dir: Path

    def active(self, encoder_name: str) -> Snapshot | None:
        """The snapshot served last for this folder, if it is whole and was made by this encoder."""
        try:
            version = self._pointer().read_text()
        except OSError:
            return None
        snapshot = self.at(version)
        return snapshot if snapshot and snapshot.encoder_name == encoder_name else None

    def at(self, version: str) -> Snapshot | None:
        """The stored snapshot of a version; a corrupt one is removed, as if it had never been."""
        folder = self.index_dir / version
        if not folder.is_dir():
            return None
        try:
            return load(folder)
        except IndexCorrupt as error:
            log.warning("kb.index_corrupt", kb_version=version, problem=str(error))
            shutil.rmtree(folder, ignore_errors=True)
            return None

    def activate(self, snapshot: Snapshot) -> None:
        """Stores the snapshot and remembers it for the next start; a disk that refuses is logged, no more."""
        try:
            save(snapshot, self.index_dir)
            with tempfile.NamedTemporaryFile("w", dir=self.index_dir, prefix=".active-", delete=False) as stream:
                stream.write(snapshot.kb_version)
            Path(stream.name).replace(self._pointer())
        except OSError as error:
            log.warning("kb.index_not_stored", kb_version=snapshot.kb_version, problem=str(error))

    def _pointer(self) -> Path:
        place = hashlib.sha256(os.fsencode(self.kb_dir.resolve())).hexdigest()[:16]
        return self.index_dir / f"active-{place}"
