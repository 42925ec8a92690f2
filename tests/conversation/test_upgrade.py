"""A database made by an earlier version is brought up to date when it is opened, and keeps what it held."""

import asyncio
import sqlite3
import uuid
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import asyncpg
import pytest
import sqlalchemy as sa

from conversation.events import SYSTEM, Author, Closed, VisitorSaid
from conversation.sql import schema
from conversation.sql.postgres import PostgresStore
from conversation.sql.sqlite import SqliteStore
from conversation.sql.tables import REVISION
from conversation.state import fold
from conversation.values import Agent, Append, Draft

SUBSCRIPTIONS = {"closed": ("webhook",)}

# as revision 0001 was written at first
ROWS = """
INSERT INTO agents (agent_id, email, email_folded, name, role, capacity, disabled, password_hash)
VALUES ('anna-id', 'Anna@example.org', 'anna@example.org', 'Anna', 'lead', 7, false, 'hash');
INSERT INTO presence (agent_id, status, seen_at) VALUES ('anna-id', 'away', 1000000);
INSERT INTO conversations (conversation_id, site_id, visitor_id, state, holder_kind, hold, seq, priority,
                           opened_at, updated_at, preview, memo)
VALUES ('c1', 'default', 'v1', 'bot', 'bot', 0, 2, 2, 1000000, 2000000, 'hello',
        '{"locale": "en", "page": null, "tags": ["vip"], "pending": [2], "failures": 0, "contact": null,
          "closed_at": null}');
INSERT INTO events (conversation_id, seq, event_id, at, by_kind, by_id, kind, v, body)
VALUES ('c1', 1, 'e1', 1000000, 'visitor', 'v1', 'opened', 1,
        '{"site": "default", "locale": "en", "page": null, "state": "bot", "hold": 0,
          "holder": {"kind": "bot", "name": null, "id": null}}');
INSERT INTO events (conversation_id, seq, event_id, at, by_kind, by_id, kind, v, body)
VALUES ('c1', 2, 'e2', 2000000, 'visitor', 'v1', 'visitor_said', 1, '{"text": "hello"}');
"""


@pytest.fixture
def old_sqlite(tmp_path, monkeypatch):
    """Opens a SQLite file that revision 0001 made."""
    path = tmp_path / "handrail.db"
    with monkeypatch.context() as earlier:
        earlier.setattr(schema, "REVISION", "0001")
        asyncio.run(_open_and_close(SqliteStore.open(path, worker="maker")))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(ROWS)
    return lambda: SqliteStore.open(path, worker="one", subscriptions=SUBSCRIPTIONS)


@pytest.fixture
def old_postgres(postgres_url, monkeypatch):
    """Opens a PostgreSQL database that revision 0001 made."""
    name = f"handrail_old_{uuid.uuid4().hex}"
    url = sa.make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
    asyncio.run(_execute(postgres_url, f"CREATE DATABASE {name}"))
    with monkeypatch.context() as earlier:
        earlier.setattr(schema, "REVISION", "0001")
        asyncio.run(_open_and_close(PostgresStore.open(url, worker="maker")))
    asyncio.run(_execute(url, ROWS))
    yield lambda: PostgresStore.open(url, worker="one", subscriptions=SUBSCRIPTIONS)
    asyncio.run(_execute(postgres_url, f"DROP DATABASE {name} WITH (FORCE)"))


async def _open_and_close(opening):
    await (await opening).close()


async def _execute(url, script):
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(script)
    finally:
        await connection.close()


def _revision(connection):
    return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_database_of_the_first_revision_is_brought_up_to_date(kind, request):
    old = request.getfixturevalue(f"old_{kind}")
    asyncio.run(_look_around(old))


async def _look_around(old):
    store = await old()
    try:
        assert await store._database.read(_revision) == REVISION
        anna = Agent("anna-id", "Anna@example.org", "Anna", "lead", 7)
        assert await store.agent_by_email("anna@example.org") == (anna, "hash")
        assert [presence.status for presence in await store.presences()] == ["away"]
        await store.save_agent(replace(anna, skills=("billing",), languages=("de", "en")))
        assert (await store.agents())[0].skills == ("billing",)
        assert (await store.agents())[0].languages == ("de", "en")
        now, events = await store.conversation("c1"), await store.events("c1")
        assert [event.payload for event in events[1:]] == [VisitorSaid("hello")]
        assert (now.pending, now.tags, fold(events).pending) == ((2,), ("vip",), (2,))
        assert not now.erased
        assert events[0].by == Author("visitor", None, "v1")
        closing = Append("c1", datetime.now(UTC), lambda now: [Draft(SYSTEM, Closed())])
        await store.append(closing)
        assert [lease.seq for lease in await store.take_notices("webhook", 10, lease_s=60)] == [3]
    finally:
        await store.close()
