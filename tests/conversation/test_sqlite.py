"""What only the SQLite store promises: durability, several processes, and clear words when the file is unfit."""

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from contextlib import asynccontextmanager, closing, contextmanager
from itertools import islice
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from conversation.errors import DatabaseNewer, DatabaseUnusable, NewerConversation, StorageUnavailable
from conversation.sql import schema, writer
from conversation.sql.sqlite import SqliteStore
from conversation.sql.tables import REVISION, metadata
from conversation.sql.writer import COMMANDS_A_COMMIT, COMMANDS_WAITING
from conversation.state import fold

ROOT = Path(__file__).parents[2]
PROCESS = Path(__file__).parent / "process.py"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "handrail.db"


@asynccontextmanager
async def held_up(database):
    """The writer is busy meanwhile: what is asked of it inside comes into one group."""
    started, go = threading.Event(), threading.Event()

    def hold(connection):
        started.set()
        assert go.wait(timeout=30)

    holding = asyncio.ensure_future(database.write(hold))
    await asyncio.to_thread(started.wait, 30)
    yield
    await asyncio.sleep(0)  # let the commands reach the queue
    go.set()
    await holding


def pragma(name):
    return lambda connection: connection.exec_driver_sql(f"PRAGMA {name}").scalar()


def set_pragma(setting):
    def work(connection):
        connection.exec_driver_sql(f"PRAGMA {setting}").close()

    return work


@contextmanager
def processes(job, path, *names):
    """A process for each name, all open and waiting to be told to go."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": environment}
    running = [subprocess.Popen([sys.executable, PROCESS, job, path, name], **pipes) for name in names]
    try:
        for process in running:
            assert process.stdout.readline() == '["ready"]\n'
        yield running
    finally:
        for process in running:
            process.kill()
            process.communicate()


def go(running):
    for process in running:
        process.stdin.write("go\n")
        process.stdin.flush()


def told(process):
    return [json.loads(line) for line in process.stdout]


def edit(path, statement):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


# --- the file


async def test_pragmas_are_in_force_where_they_count(sqlite_cluster):
    database = sqlite_cluster.store._database
    for run in (database.write, database.read):
        assert await run(pragma("journal_mode")) == "wal"
        assert await run(pragma("synchronous")) == 2  # FULL
        assert await run(pragma("foreign_keys")) == 1
        assert await run(pragma("secure_delete")) == 1


async def test_the_file_is_for_its_owner_alone(path):
    store = await SqliteStore.open(path, worker="one")
    await store.close()
    assert path.stat().st_mode & 0o077 == 0


async def test_folders_that_are_missing_are_made(tmp_path):
    store = await SqliteStore.open(tmp_path / "a" / "b" / "handrail.db", worker="one")
    await store.close()
    assert (tmp_path / "a" / "b" / "handrail.db").exists()


async def test_what_was_stored_is_there_after_reopening(path, talk_on):
    before = await SqliteStore.open(path, worker="one")
    talk = talk_on(before)
    said = await talk.say("remember me", client_id="k1")
    await before.close()
    store = await SqliteStore.open(path, worker="two")
    assert await store.events("c1") == said.events
    assert (await talk_on(store).say("remember me", client_id="k1")).again
    await store.close()


async def test_closing_carries_out_what_was_asked_before(path, talk_on):
    store = await SqliteStore.open(path, worker="one")
    talk = talk_on(store)
    waiting = [asyncio.ensure_future(talk.say(conversation_id=f"c{n}", visitor_id=f"v{n}")) for n in range(200)]
    await asyncio.sleep(0)
    await store.close()
    assert len(await asyncio.gather(*waiting)) == 200
    with pytest.raises(StorageUnavailable, match="closed"):
        await talk.say()
    with pytest.raises(StorageUnavailable, match="closed"):
        await store.open_heads()


# --- the schema


def _schema_of(engine):
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").all()
    return {name: " ".join(sql.split()) for name, sql in rows if name != "alembic_version"}


async def test_migrations_come_to_the_schema_in_the_code(path):
    await (await SqliteStore.open(path, worker="one")).close()
    migrated, declared = sa.create_engine(f"sqlite:///{path}"), sa.create_engine("sqlite://")
    metadata.create_all(declared)
    with migrated.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata) == []
    indexes = {name: sql for name, sql in _schema_of(declared).items() if sql.startswith("CREATE") and "INDEX" in sql}
    assert indexes.items() <= _schema_of(migrated).items()  # alembic does not compare the conditions of indexes
    assert set(_schema_of(migrated)) == set(_schema_of(declared))
    migrated.dispose()
    declared.dispose()


def test_the_code_expects_the_newest_migration():
    config = Config()
    config.set_main_option("script_location", str(schema._MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [REVISION]


async def test_opening_twice_changes_nothing(path):
    await (await SqliteStore.open(path, worker="one")).close()
    before = path.read_bytes()
    await (await SqliteStore.open(path, worker="one")).close()
    assert path.read_bytes() == before


async def test_opening_does_not_wait_for_who_writes(path):
    await (await SqliteStore.open(path, worker="one")).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        store = await SqliteStore.open(path, worker="two")
        assert await store.queue() == ()
        await store.close()


async def test_stores_that_open_an_empty_file_at_once_do_not_collide(path):
    stores = await asyncio.gather(*(SqliteStore.open(path, worker=str(n)) for n in range(8)))
    assert await asyncio.gather(*(store.queue() for store in stores)) == [()] * 8
    for store in stores:
        await store.close()


async def test_a_newer_database_is_refused_and_left_alone(path):
    await (await SqliteStore.open(path, worker="one")).close()
    edit(path, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseNewer) as refused:
        await SqliteStore.open(path, worker="one")
    assert (refused.value.revision, refused.value.expected) == ("9999", REVISION)
    assert "9999" in str(refused.value)


# --- files that are unfit


async def test_another_kind_of_file_is_refused_with_advice(path):
    path.write_text("these are my notes, not a database at all, and I want to keep them" * 100)
    with pytest.raises(DatabaseUnusable) as refused:
        await SqliteStore.open(path, worker="one")
    assert str(path) in str(refused.value)
    assert "move it away" in str(refused.value)
    assert path.read_text().startswith("these are my notes")


async def test_a_damaged_file_is_refused_with_advice(path):
    await (await SqliteStore.open(path, worker="one")).close()
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + b"\xff" * (len(whole) - 100))
    with pytest.raises(DatabaseUnusable, match="restore a backup"):
        await SqliteStore.open(path, worker="one")


async def test_a_folder_that_cannot_be_written_is_refused_with_advice(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DatabaseUnusable, match="writable"):
        await SqliteStore.open(tmp_path / "file" / "handrail.db", worker="one")
    with pytest.raises(DatabaseUnusable, match="writable"):
        await SqliteStore.open(tmp_path, worker="one")


# --- storage that fails, and comes back


async def test_a_full_disk_fails_the_command_and_heals(sqlite_cluster):
    database, talk = sqlite_cluster.store._database, sqlite_cluster.talk
    said = await talk.say()
    pages = await database.write(pragma("page_count"))
    await database.write(set_pragma(f"max_page_count = {pages}"))
    with pytest.raises(StorageUnavailable, match="full"):
        await talk.say("x" * 100_000, client_id="k1")
    assert await sqlite_cluster.store.events("c1") == said.events
    assert not (await talk.say("x" * 100_000, client_id="k1")).again  # the writer began anew, without the limit


async def test_a_file_that_turned_read_only_fails_the_command_and_heals(sqlite_cluster):
    database, talk = sqlite_cluster.store._database, sqlite_cluster.talk
    await database.write(set_pragma("query_only = 1"))
    with pytest.raises(StorageUnavailable, match="readonly"):
        await talk.say(client_id="k1")
    assert not (await talk.say(client_id="k1")).again


async def test_a_failed_commit_fails_everyone_who_waited_for_it(sqlite_cluster):
    database, talk = sqlite_cluster.store._database, sqlite_cluster.talk

    def fail(connection):
        raise sa.exc.OperationalError("INSERT", {"text": "secret"}, sqlite3.OperationalError("disk I/O error"))

    async with held_up(database):
        commands = [talk.say(conversation_id=f"c{n}", visitor_id=f"v{n}") for n in range(5)]
        group = asyncio.gather(*commands, database.write(fail), return_exceptions=True)
    assert [error.problem for error in await group] == ["disk I/O error"] * 6
    assert await sqlite_cluster.store.open_heads() == ()


async def test_another_process_that_writes_for_too_long_is_reported(sqlite_cluster, path, monkeypatch):
    talk = sqlite_cluster.talk
    monkeypatch.setattr(writer, "BUSY_ATTEMPTS", 3)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageUnavailable, match="locked"):
        await talk.say()
    assert await sqlite_cluster.store.open_heads() == ()  # reading goes on
    other.execute("ROLLBACK")
    other.close()
    assert (await talk.say()).conversation.seq == 2


# --- grouped commits


async def test_commands_that_wait_share_a_commit(sqlite_cluster):
    database, talk = sqlite_cluster.store._database, sqlite_cluster.talk
    commits = []
    sa.event.listen(database._writer._engine, "commit", commits.append)
    async with held_up(database):
        commands = [talk.say(conversation_id=f"c{n}", visitor_id=f"v{n}") for n in range(2 * COMMANDS_A_COMMIT)]
        group = asyncio.gather(*commands)
    await group
    assert len(commits) == 3  # the one that held up the writer, and two full groups


async def test_a_refusal_leaves_the_rest_of_its_group_alone(sqlite_cluster):
    database, talk = sqlite_cluster.store._database, sqlite_cluster.talk
    async with held_up(database):
        commands = [
            talk.say("one"),
            talk.say("refused", conversation_id="c2"),  # the visitor has c1
            talk.say("two"),
            talk.say("three", conversation_id="c3", visitor_id="v3"),
        ]
        group = asyncio.gather(*commands, return_exceptions=True)
    done = await group
    assert isinstance(done[1], NewerConversation)
    assert [event.seq for event in await sqlite_cluster.store.events("c1")] == [1, 2, 3]
    assert len(await sqlite_cluster.store.open_heads()) == 2


async def test_too_many_waiting_commands_are_refused_at_once(sqlite_cluster):
    database, talk = sqlite_cluster.store._database, sqlite_cluster.talk
    async with held_up(database):
        waiting = asyncio.gather(*(database.write(lambda connection: None) for _ in range(COMMANDS_WAITING)))
        await asyncio.sleep(0)
        with pytest.raises(StorageUnavailable, match="waiting"):
            await talk.say()
    await waiting
    await talk.say()


# --- several processes


@pytest.mark.slow
def test_processes_that_start_at_once_on_an_empty_folder_do_not_collide(path):
    with processes("open", path, "one", "two", "three") as running:
        go(running)
        assert [told(process) for process in running] == [[["open", 0]]] * 3


@pytest.mark.slow
async def test_of_fifty_claims_from_two_processes_one_wins(path, talk_on):
    store = await SqliteStore.open(path, worker="desk")
    await talk_on(store).queued()
    with processes("claim", path, "one", "two") as running:
        go(running)
        outcomes = [outcome for process in running for outcome in await asyncio.to_thread(told, process)]
    (winner,) = [name for outcome, name in outcomes if outcome == "won"]
    assert Counter(map(tuple, outcomes)) == {("won", winner): 1, ("lost", winner): 49}
    assert (await store.conversation("c1")).holder.name == winner
    assert [event.kind for event in await store.events("c1")].count("claimed") == 1
    await store.close()


@pytest.mark.slow
async def test_a_killed_process_loses_nothing_it_acknowledged(path):
    with processes("write", path, "one", "two") as running:
        go(running)
        acknowledged = [json.loads(line) for process in running for line in islice(process.stdout, 200)]
        for process in running:
            process.kill()  # SIGKILL, in the middle of a commit as likely as not
        for process in running:
            rest = process.stdout.read().splitlines(keepends=True)
            acknowledged += [json.loads(line) for line in rest if line.endswith("\n")]
    store = await SqliteStore.open(path, worker="after", lease_s=3600)
    stored = {}
    for head in await store.open_heads():
        events = await store.events(head.conversation_id, limit=100_000)
        assert [event.seq for event in events] == list(range(1, head.seq + 1))
        assert fold(events) == await store.conversation(head.conversation_id)
        assert [event.payload.text for event in events[1:]] == [f"message {n}" for n in range(head.seq - 1)]
        stored |= {(head.conversation_id, event.seq): event.client_id for event in events}
    assert len(acknowledged) >= 400
    assert {(name, seq): client_id for name, seq, client_id in acknowledged}.items() <= stored.items()
    edit(path, "UPDATE turns SET leased_until = 0")
    owed = await store.take_turns(1000)
    assert {lease.conversation_id for lease in owed} == {name for name, _ in stored}
    await store.close()
