"""Group commit: SQLite's one writer, a thread that commits for everyone who waits at that moment, with one fsync."""

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from conversation.errors import StorageUnavailable
from conversation.sql.database import T, Work

COMMANDS_A_COMMIT = 64  # bounds how long the first of a group waits for the last
COMMANDS_WAITING = 4096  # more than a second's work: better to say so than to grow

# SQLite's own way of waiting polls ever more rarely, so a process that commits without pause starves another for
# seconds. Ours tries often, and who had to wait lets the others in after its own commit.
BUSY_ATTEMPT_S = 0.02
BUSY_ATTEMPTS = 250  # 5 s: then another process hangs or the disk does
YIELD_S = 0.005  # longer than the pauses between polls

_Settle = Callable[[], None]  # tells the waiter, in the event loop


@dataclass(frozen=True, slots=True)
class _WriteCommand:
    attempt: Callable[[Connection], _Settle]
    fail: Callable[[Exception], None]


class Writer:
    """Commands run in the order they came, each in a savepoint of a shared transaction; waiters hear after the commit.

    A command that raises is rolled back alone. A commit that fails fails all of its group, with StorageUnavailable;
    the next group starts over on a fresh connection.
    """

    def __init__(self, engine: Engine, loop: asyncio.AbstractEventLoop) -> None:
        self._engine = engine
        self._loop = loop
        self._connection: Connection | None = None
        self._waiting: queue.SimpleQueue[_WriteCommand | None] = queue.SimpleQueue()
        self._closing = False
        self._contended = False
        self._thread = threading.Thread(target=self._run, name="handrail-writer", daemon=True)
        self._thread.start()

    async def write(self, work: Work[T]) -> T:
        """What `work` returns, once it is on disk. Raises what `work` raises, or StorageUnavailable."""
        if self._closing:
            raise StorageUnavailable("the store is closed")
        if self._waiting.qsize() >= COMMANDS_WAITING:
            raise StorageUnavailable(f"{COMMANDS_WAITING} commands are waiting")
        future: asyncio.Future[T] = self._loop.create_future()
        self._waiting.put(_WriteCommand(partial(_attempt, work, future), partial(_fail, future)))
        return await future

    async def close(self) -> None:
        """Commit what waits, end the thread and let go of the file."""
        if not self._closing:
            self._closing = True
            self._waiting.put(None)
        await self._loop.run_in_executor(None, self._thread.join)

    def _run(self) -> None:
        while group := self._next_group():
            if self._contended:
                time.sleep(YIELD_S)
            settled = self._commit(group)
            with suppress(RuntimeError):  # the event loop is gone: nobody waits
                self._loop.call_soon_threadsafe(_tell, settled)
        self._drop_connection()

    def _next_group(self) -> list[_WriteCommand]:
        """Whatever waits, at most COMMANDS_A_COMMIT; blocks for the first. Empty at the end."""
        group: list[_WriteCommand] = []
        while len(group) < COMMANDS_A_COMMIT:
            try:
                command = self._waiting.get(block=not group)
            except queue.Empty:
                break
            if command is None:
                if group:
                    self._waiting.put(None)
                break
            group.append(command)
        return group

    def _commit(self, group: list[_WriteCommand]) -> list[_Settle]:
        try:
            connection = self._connected()
            with connection.begin():
                self._lock(_driver(connection))
                return [command.attempt(connection) for command in group]
        except (SQLAlchemyError, sqlite3.Error) as error:
            self._drop_connection()
            return [partial(command.fail, unavailable(error)) for command in group]

    def _lock(self, driver: sqlite3.Connection) -> None:
        """Begin to write; wait for other processes, and remember that there are some."""
        for attempt in range(BUSY_ATTEMPTS):
            try:
                driver.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if not is_busy(error) or attempt == BUSY_ATTEMPTS - 1:
                    raise
            else:
                self._contended = attempt > 0
                return

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(SQLAlchemyError):  # it is being thrown away
                connection.close()


def unavailable(error: SQLAlchemyError | sqlite3.Error) -> StorageUnavailable:
    """What the database itself said, without the statement and its parameters: those hold what people wrote."""
    return StorageUnavailable(str(error.orig if isinstance(error, DBAPIError) else error))


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another process writes."""
    return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY  # the rest says how it is busy


def _attempt(work: Work[T], future: "asyncio.Future[T]", connection: Connection) -> _Settle:
    """Run `work` in a savepoint. Faults of the database itself are raised: they end the whole transaction."""
    savepoint = _driver(connection).execute  # without SQLAlchemy, which costs ten times the statement itself
    savepoint("SAVEPOINT command")
    try:
        result = work(connection)
    except Exception as error:
        if isinstance(error, DBAPIError) and not isinstance(error, IntegrityError):
            raise
        savepoint("ROLLBACK TO command")
        savepoint("RELEASE command")
        return partial(_fail, future, error)
    savepoint("RELEASE command")
    return partial(_succeed, future, result)


def _driver(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


def _succeed(future: "asyncio.Future[T]", result: T) -> None:
    if not future.done():  # the waiter may have been cancelled; the command stands
        future.set_result(result)


def _fail(future: "asyncio.Future[T]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)


def _tell(settled: list[_Settle]) -> None:
    for settle in settled:
        settle()
