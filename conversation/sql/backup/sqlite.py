"""Backup and restore of a SQLite database: copies made while others write to it, checked, and put back."""

import os
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from conversation.errors import BackupRefused, DatabaseUnusable
from conversation.sql import schema

MAGIC = b"SQLite format 3\0"
_FULL = "make room, or name another place"


@dataclass(frozen=True, slots=True)
class Contents:
    """A backup in numbers: what it holds; `bytes` is its size."""

    conversations: int
    events: int
    bytes: int


def back_up(path: Path, out: Path) -> Contents:
    """Copy the database at `path`, as it is at this moment, to the new file `out`; whoever writes goes on meanwhile.

    The copy is read back in whole before it gets its name. Raises BackupRefused, and DatabaseUnusable where there is
    no database.
    """
    if out.exists():
        raise BackupRefused(path=str(out), act="made", problem="there is such a file", remedy="name a new one")
    if not path.exists():
        problem, remedy = "there is no such file", "name the server's data folder with --data"
        raise DatabaseUnusable(path=str(path), problem=problem, remedy=remedy)
    try:
        return _copied(path, out)
    except (OSError, sqlite3.Error) as error:
        raise BackupRefused(path=str(out), act="made", problem=str(error), remedy=_FULL) from error


def restore(file: Path, path: Path) -> Contents:
    """Copy a backup to `path`, where no database is yet. Raises BackupRefused and DatabaseNewer."""
    for existing in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))):
        if existing.exists():
            remedy = "restore into an empty data folder, or move the old database away first"
            problem = f"{str(existing)!r} is already there"
            raise BackupRefused(path=str(file), act="restored", problem=problem, remedy=remedy)
    check(file)
    try:
        return _copied(file, path)
    except (OSError, sqlite3.Error) as error:
        raise BackupRefused(path=str(file), act="restored", problem=str(error), remedy=_FULL) from error


def check(file: Path) -> None:
    """Integrity check of a backup: a whole database of ours. Raises BackupRefused, DatabaseNewer."""
    _require_kind(file)
    engine = sa.create_engine("sqlite://", creator=partial(_untouched, file), poolclass=NullPool)
    try:
        with engine.connect() as connection:
            if not sa.inspect(connection).has_table("conversations"):
                raise _refused(file, "it is a database of something else")
            schema.require_known(connection)
            verdict = connection.exec_driver_sql("PRAGMA integrity_check").scalar()
    except sa.exc.DBAPIError as error:
        raise _refused(file, str(error.orig)) from error
    if verdict != "ok":
        raise _refused(file, str(verdict).split("\n")[0])


def _untouched(file: Path) -> sqlite3.Connection:
    """Opened so that nothing is made beside it."""
    return sqlite3.connect(f"file:{quote(str(file))}?mode=ro&immutable=1", uri=True)


def _require_kind(file: Path) -> None:
    try:
        with file.open("rb") as opened:
            magic = opened.read(len(MAGIC))
    except OSError as error:
        raise _refused(file, error.strerror or str(error)) from error
    if magic != MAGIC:
        raise _refused(file, "it is no SQLite database")


def _refused(file: Path, problem: str) -> BackupRefused:
    remedy = "name a file that `handrail backup` made for this kind of database"
    return BackupRefused(path=str(file), act="restored", problem=problem, remedy=remedy)


def _copied(source: Path, target: Path) -> Contents:
    """Copied under another name, checked, on disk, then renamed: half a copy is never taken for a whole one."""
    draft = target.with_name(f"{target.name}.part")
    draft.unlink(missing_ok=True)
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))  # conversations are for the owner's eyes
    try:
        contents = _fill(source, draft)
        draft.rename(target)
    finally:
        with suppress(OSError):
            draft.unlink()
    _sync(target.parent)
    return contents


def _fill(source: Path, draft: Path) -> Contents:
    with closing(sqlite3.connect(source)) as original, closing(sqlite3.connect(draft)) as copy:
        original.backup(copy)  # in one step: one snapshot, in WAL mode nobody waits for it, and it ends
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
        verdict = copy.execute("PRAGMA integrity_check").fetchone()[0]
        if verdict != "ok":
            raise sqlite3.DatabaseError(f"the copy is damaged: {verdict}")
        conversations, events = (
            copy.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - the names are ours
            for table in ("conversations", "events")
        )
    _sync(draft)
    return Contents(conversations, events, draft.stat().st_size)


def _sync(path: Path) -> None:
    """On disk, not in a cache: a backup is for the day the power fails."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
