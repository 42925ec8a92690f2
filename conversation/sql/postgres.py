"""PostgreSQL adapter of the store: for any number of processes on any number of machines."""

from collections.abc import Sequence

import asyncpg
import orjson
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from conversation.errors import DatabaseUnusable, StorageUnavailable
from conversation.sql import schema
from conversation.sql.database import T, Work
from conversation.sql.statements.turns import StoreWorker
from conversation.sql.store import SqlStore
from conversation.values import NOBODY, Copy, Subscriptions

CONNECTIONS = 10  # a process; each holds a transaction for some milliseconds, and the server has 100 by default
CONNECT_S = 3.0
STATEMENT_S = 5.0  # longer, and the database hangs: whoever waits is told
PATIENT_S = 3600.0  # for commands that read everything, with nobody waiting
ATTEMPTS = 5  # of a transaction that met another one; the second finds what the first one did
_MET = ("40001", "40P01", "23505")  # could not serialize, deadlock, a row that another transaction was adding
_FAULTS = (SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError)  # a connection fails unwrapped
_MIGRATING = 0x48414E445241494C  # the advisory lock of those who bring the schema up to date: "HANDRAIL"

_SERVER = {
    "application_name": "handrail",
    "synchronous_commit": "on",  # a commit that was acknowledged survives a power cut, whatever the server's default
    "idle_in_transaction_session_timeout": "10000",  # ms; what a process that hangs had locked is free again
    "jit": "off",  # compiling costs more than any statement of ours takes
}
_REMEDIES = {  # by SQLSTATE
    "28P01": "correct the password in database_url",
    "28000": "let this user connect (pg_hba.conf), or name another in database_url",
    "3D000": "create the database (createdb), or correct its name in database_url",
    "42501": "give the user the right to create tables in the database",
    "53300": "raise max_connections of the server, or run fewer workers",
}
_REMEDY = "check database_url, and that the server runs and can be reached from here"

COPIES = (
    Copy(
        "old versions of the rows, in the files of the PostgreSQL server",
        None,
        "autovacuum gives their space to new rows; to be rid of them now, run: VACUUM FULL events, conversations, visitors"
        " (nobody can write meanwhile)",
    ),
    Copy(
        "write-ahead log, its archive, and replicas of the PostgreSQL server",
        None,
        "they go when the server recycles them; shorten how long the archive is kept if that is too late",
    ),
)


class PostgresStore(SqlStore):
    """A `Store` in a PostgreSQL database."""

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        worker: str,
        lease_s: float = 3.0,
        statement_s: float = STATEMENT_S,
        subscriptions: Subscriptions = NOBODY,
    ) -> "PostgresStore":
        """Connect, and bring the schema up to date. `url` is postgresql://user:password@host/database.

        Raises DatabaseNewer, or DatabaseUnusable (its remedy says what to do).
        """
        database = PostgresDatabase(_engine(url, statement_s))
        try:
            await database.migrate()
        except BaseException:
            await database.close()
            raise
        return cls(database, StoreWorker(worker, lease_s, subscriptions))

    async def copies(self, texts: Sequence[str]) -> tuple[Copy, ...]:  # noqa: ARG002 - the server's files are out of reach
        """What only those who run the server can look into."""
        return COPIES


class PostgresDatabase:
    """A `Database` in PostgreSQL. A transaction that met another one is run again, so `work` may run several times."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._reading = engine.execution_options(isolation_level="AUTOCOMMIT")  # one round trip instead of three
        self._closed = False

    async def migrate(self) -> None:
        """Bring the schema up to date. Raises DatabaseNewer and DatabaseUnusable."""
        try:
            async with self._engine.begin() as connection:
                await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATING)))
                await connection.run_sync(schema.upgrade)
        except _FAULTS as error:
            where = self._engine.url.render_as_string(hide_password=True)
            remedy = _REMEDIES.get(_sqlstate(error), _REMEDY)
            raise DatabaseUnusable(path=where, problem=_problem(error), remedy=remedy) from error

    async def read(self, work: Work[T]) -> T:
        """What `work` finds; each of its statements sees everything committed before it."""
        self._require_open()
        try:
            async with self._reading.connect() as connection:
                return await connection.run_sync(work)
        except _FAULTS as error:
            raise StorageUnavailable(_problem(error)) from error

    async def write(self, work: Work[T]) -> T:
        """What `work` returns, after the commit."""
        self._require_open()
        for attempts_left in reversed(range(ATTEMPTS)):
            try:
                async with self._engine.begin() as connection:
                    return await connection.run_sync(work)
            except _FAULTS as error:
                if attempts_left and _sqlstate(error) in _MET:
                    continue
                if isinstance(error, IntegrityError):
                    raise
                raise StorageUnavailable(_problem(error)) from error
        raise AssertionError  # the last attempt returns or raises

    def _require_open(self) -> None:
        if self._closed:
            raise StorageUnavailable("the store is closed")

    async def close(self) -> None:
        """Let go of the connections."""
        self._closed = True
        await self._engine.dispose()


def _engine(url: str, statement_s: float) -> AsyncEngine:
    parsed = sa.make_url(url).set(drivername="postgresql+asyncpg")
    tls = parsed.query.get("sslmode")  # as libpq spells it
    if tls is not None:
        parsed = parsed.difference_update_query(["sslmode"]).update_query_dict({"ssl": tls})
    return create_async_engine(
        parsed,
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_timeout=STATEMENT_S,
        connect_args={"timeout": CONNECT_S, "command_timeout": statement_s, "server_settings": _SERVER},
        json_serializer=lambda value: orjson.dumps(value).decode(),
        json_deserializer=orjson.loads,
    )


def _sqlstate(error: BaseException) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return str(getattr(cause, "sqlstate", None) or "")


def _problem(error: BaseException) -> str:
    """What the server or the connection said, without the statement and its parameters: those hold what people wrote."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    origin = (getattr(cause, "__cause__", None) or cause) if isinstance(error, DBAPIError) else cause
    return str(origin).split("\n")[0] or type(origin).__name__
