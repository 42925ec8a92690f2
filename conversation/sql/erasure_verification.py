"""Erasure verification: whether texts that were overwritten are really gone from a SQLite database's files."""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import orjson

from conversation.values import Copy

CHECKPOINT_S = 5.0  # how long readers may keep the write-ahead log from being emptied
TRY_AGAIN_S = 0.05
BLOCK_BYTES = 1024 * 1024
_VACUUM = "the free space of the file holds it, from a time before deleted texts were zeroed: stop the server and run"
_LOG = "another program reads the database; run the command again when it has ended"


def copies_in(path: Path, texts: Sequence[str]) -> tuple[Copy, ...]:
    """Search for remaining copies: the database's files, read byte by byte once the log was emptied."""
    _empty_log(path)
    forms = sorted({form for text in texts for form in _forms(text)})
    log = path.with_name(f"{path.name}-wal")
    return (
        Copy(str(path), _contains(path, forms), f'{_VACUUM}: sqlite3 {path} "VACUUM"'),
        Copy(str(log), _contains(log, forms), _LOG),
    )


def _empty_log(path: Path) -> None:
    """Move what stands in the write-ahead log into the file and cut the log to nothing, as far as readers let us."""
    with closing(sqlite3.connect(path, timeout=CHECKPOINT_S)) as connection:
        until = time.monotonic() + CHECKPOINT_S
        while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] and time.monotonic() < until:
            time.sleep(TRY_AGAIN_S)


def _forms(text: str) -> Iterator[bytes]:
    """A text as it stands in a column, and inside JSON."""
    yield text.encode()
    yield orjson.dumps(text)[1:-1]


def _contains(path: Path, forms: Sequence[bytes]) -> bool:
    if not forms or not path.exists():
        return False
    overlap = max(map(len, forms)) - 1
    with path.open("rb") as file:
        block = b""
        while more := file.read(BLOCK_BYTES):
            block = block[-overlap:] + more if overlap else more
            if any(form in block for form in forms):
                return True
    return False
