"""SQLite adapter of the store, in WAL mode: one writer with group commit, a few readers that never wait for it."""

import asyncio
import os
import sqlite3
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool, QueuePool

from conversation.errors import DatabaseUnusable, StorageUnavailable
from conversation.sql import schema
from conversation.sql.database import T, Work
from conversation.sql.erasure_verification import copies_in
from conversation.sql.statements.turns import StoreWorker
from conversation.sql.store import SqlStore
from conversation.sql.writer import BUSY_ATTEMPT_S, Writer, is_busy, unavailable
from conversation.values import NOBODY, Copy, Subscriptions

BUSY_TIMEOUT_S = 5.0  # how long another process may write before a command fails
READERS = 4  # a page of events takes microseconds; more threads would only wait for each other

_REMEDIES = {  # by what SQLite says
    "not a database": "it is another kind of file: move it away, or name another with --data",
    "malformed": "it is damaged: restore a backup, or move it away to begin with an empty one",
    "full": "free some disk space and start again",
}
_FOLDER_REMEDY = "make the file and its folder writable for this user, or name another folder with --data"


class SqliteStore(SqlStore):
    """A `Store` in a SQLite file, for any number of processes on one machine."""

    _path: Path

    @classmethod
    async def open(
        cls, path: Path, *, worker: str, lease_s: float = 3.0, subscriptions: Subscriptions = NOBODY
    ) -> "SqliteStore":
        """Open the file, create it where it is missing, bring its schema up to date. `worker` is unique to a process.

        Raises DatabaseNewer, DatabaseUnusable (its remedy says what to do), or StorageUnavailable where another
        process holds the file for longer than BUSY_TIMEOUT_S.
        """
        await asyncio.to_thread(_prepare, path)
        store = cls(SqliteDatabase(path), StoreWorker(worker, lease_s, subscriptions))
        store._path = path
        return store

    async def copies(self, texts: Sequence[str]) -> tuple[Copy, ...]:
        """The file itself, searched byte by byte after the write-ahead log was emptied into it."""
        return await asyncio.to_thread(copies_in, self._path, tuple(texts))


class SqliteDatabase:
    """A `Database` in a SQLite file in WAL mode."""

    def __init__(self, path: Path) -> None:
        self._loop = asyncio.get_running_loop()
        self._closed = False
        self._reading = _engine(path, pool_size=READERS)  # each statement by itself: BEGIN and ROLLBACK cost two more
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="handrail-reader")
        self._writer = Writer(_engine(path, busy_timeout_s=BUSY_ATTEMPT_S), self._loop)

    async def read(self, work: Work[T]) -> T:
        """Run `work`; each of its statements sees everything committed so far."""
        if self._closed:
            raise StorageUnavailable("the store is closed")
        return await self._loop.run_in_executor(self._readers, self._read, work)

    def _read(self, work: Work[T]) -> T:
        try:
            with self._reading.connect() as connection:
                return work(connection)
        except SQLAlchemyError as error:
            raise unavailable(error) from error

    async def write(self, work: Work[T]) -> T:
        """Run `work` in the writer's thread and wait for its commit."""
        return await self._writer.write(work)

    async def close(self) -> None:
        """Commit what waits, end the threads, close the file."""
        self._closed = True
        await self._writer.close()
        await self._loop.run_in_executor(None, self._readers.shutdown)
        self._reading.dispose()


def _engine(
    path: Path, *, begin: str | None = None, pool_size: int | None = None, busy_timeout_s: float = BUSY_TIMEOUT_S
) -> Engine:
    """An engine whose transactions start with `begin`; the driver's own implicit ones are off."""
    pool = {"poolclass": NullPool} if pool_size is None else {"poolclass": QueuePool, "pool_size": pool_size}
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        connect_args={"timeout": busy_timeout_s, "check_same_thread": False, "isolation_level": None},
        json_serializer=_json,
        json_deserializer=orjson.loads,
        **pool,
    )
    sa.event.listen(engine, "connect", _set_up)
    if begin is not None:
        sa.event.listen(engine, "begin", partial(_begin, begin))
    return engine


def _begin(statement: str, connection: Connection) -> None:
    connection.exec_driver_sql(statement)


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _set_up(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA synchronous = FULL")  # a commit that was acknowledged survives a power cut
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")  # what is overwritten or deleted is zeroed, not just let go of


def _prepare(path: Path) -> None:
    """Create the file, for its owner alone, switch it to WAL and bring its schema up to date."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise DatabaseUnusable(path=str(path), problem=str(error), remedy=_FOLDER_REMEDY) from error
    try:
        _use_wal(path)
        with _engine(path, begin="BEGIN").begin() as connection:
            if schema.is_current(connection):
                return
        with _engine(path, begin="BEGIN IMMEDIATE").begin() as connection:
            schema.upgrade(connection)
    except DBAPIError as error:
        raise _refusal(path, str(error.orig)) from error
    except sqlite3.Error as error:
        raise _refusal(path, str(error)) from error


def _use_wal(path: Path) -> None:
    mode = _switched_to_wal(path)
    if mode != "wal":
        remedy = "SQLite's write-ahead log needs a local disk, not a network share: name another folder with --data"
        raise DatabaseUnusable(path=str(path), problem=f"journal mode is {mode!r}", remedy=remedy)


def _switched_to_wal(path: Path) -> object:
    """The journal mode after switching. Of processes that switch at once SQLite refuses all but one without waiting."""
    until = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S)
        try:
            return connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() > until:
                raise
        finally:
            connection.close()
        time.sleep(BUSY_ATTEMPT_S)


def _refusal(path: Path, problem: str) -> Exception:
    if "locked" in problem:
        return StorageUnavailable(problem)
    remedy = next((remedy for sign, remedy in _REMEDIES.items() if sign in problem), _FOLDER_REMEDY)
    return DatabaseUnusable(path=str(path), problem=problem, remedy=remedy)
