"""A store of each kind, a second worker's view of it, and short words for what happens in a conversation."""

import asyncio
import sqlite3
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg
import pytest

from conversation.clock import ManualClock
from conversation.events import (
    BOT,
    SYSTEM,
    Author,
    BotSaid,
    Claimed,
    Closed,
    HandoffRequested,
    Opened,
    Reopened,
    VisitorSaid,
)
from conversation.memory import MemoryStore
from conversation.sql.postgres import PostgresStore
from conversation.sql.sqlite import SqliteStore
from conversation.values import NOBODY, Agent, Append, Draft, Key

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
ANNA = Agent("anna-id", "anna@example.org", "Anna", capacity=5)
SUBSCRIPTIONS = {"handoff_requested": ("webhook", "email"), "closed": ("webhook",), "contact_left": ("email",)}
BEN = Agent("ben-id", "ben@example.org", "Ben", capacity=5)


EXPIRE = ("UPDATE turns SET leased_until = 0", "UPDATE notices SET due_at = 0")


def agent_author(agent):
    return Author("agent", agent.name, agent.agent_id)


@dataclass
class Talk:
    """Commands on a store as chat, bot and desk give them."""

    store: object
    clock: ManualClock

    async def do(self, by, *payloads, conversation_id="c1", client_id=None, turn=None, visitor=None):
        key = None if client_id is None else Key.of(by, client_id, {"payloads": repr(payloads)})
        drafts = [Draft(by, payload) for payload in payloads]
        command = Append(conversation_id, self.clock.now(), lambda now: drafts, key, visitor, turn)
        return await self.store.append(command)

    async def say(self, text="hello", *, conversation_id="c1", visitor_id="v1", client_id=None, visitor=None):
        by = Author("visitor", None, visitor_id)

        def decide(now):
            before = [Draft(by, Opened())] if now is None else []
            if now is not None and now.state == "closed":
                before = [Draft(by, Reopened())]
            return [*before, Draft(by, VisitorSaid(text))]

        key = Key.of(by, client_id or uuid.uuid4().hex, {"text": text})
        return await self.store.append(Append(conversation_id, self.clock.now(), decide, key, visitor))

    async def answer(self, lease, *, answers=None, text="Here is how."):
        def decide(now):
            return [Draft(BOT, BotSaid(text, "answer", now.pending if answers is None else answers))]

        return await self.store.append(Append(lease.conversation_id, self.clock.now(), decide, turn=lease))

    async def queued(self, conversation_id="c1", *, visitor_id="v1", priority="normal"):
        await self.say(conversation_id=conversation_id, visitor_id=visitor_id)
        asked = HandoffRequested("visitor_asked", priority=priority)
        return await self.do(Author("visitor", None, visitor_id), asked, conversation_id=conversation_id)

    async def claim(self, agent, conversation_id="c1"):
        return await self.do(agent_author(agent), Claimed(), conversation_id=conversation_id)

    async def close(self, conversation_id="c1"):
        return await self.do(SYSTEM, Closed("done"), conversation_id=conversation_id)


@dataclass
class Cluster:
    """One store as two workers see it, both at `clock`."""

    store: object
    other: object
    clock: ManualClock
    expire_leases: object

    @property
    def talk(self):
        return Talk(self.store, self.clock)

    @property
    def other_talk(self):
        return Talk(self.other, self.clock)


def _memory_cluster(subscriptions=NOBODY):
    clock = ManualClock(AT)
    store = MemoryStore(worker="one", clock=clock, lease_s=3, subscriptions=subscriptions)

    async def expire_leases():
        clock.advance(3600)

    return Cluster(store, store.shared_with("two"), clock, expire_leases)


async def _sqlite_cluster(path, subscriptions=NOBODY):
    # leases go by the database's clock: long ones, which a test ends in the row itself
    one, two = [
        await SqliteStore.open(path, worker=worker, lease_s=3600, subscriptions=subscriptions)
        for worker in ("one", "two")
    ]

    def expire():
        with sqlite3.connect(path) as connection:
            for statement in EXPIRE:
                connection.execute(statement)
        connection.close()

    async def expire_leases():
        await asyncio.to_thread(expire)

    return Cluster(one, two, ManualClock(AT), expire_leases)


async def _postgres_cluster(url, subscriptions=NOBODY):
    one, two = [
        await PostgresStore.open(url, worker=worker, lease_s=3600, subscriptions=subscriptions)
        for worker in ("one", "two")
    ]

    async def expire_leases():
        connection = await asyncpg.connect(url)
        for statement in EXPIRE:
            await connection.execute(statement)
        await connection.close()

    return Cluster(one, two, ManualClock(AT), expire_leases)


@pytest.fixture
async def sqlite_cluster(new_sqlite):
    cluster = await _sqlite_cluster(new_sqlite)
    yield cluster
    await cluster.store.close()
    await cluster.other.close()


async def _cluster(request, subscriptions=NOBODY):
    match request.param:
        case "memory":
            return _memory_cluster(subscriptions)
        case "sqlite":
            return await _sqlite_cluster(request.getfixturevalue("new_sqlite"), subscriptions)
        case "postgres":
            return await _postgres_cluster(request.getfixturevalue("new_postgres"), subscriptions)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def cluster(request):
    cluster = await _cluster(request)
    yield cluster
    await cluster.store.close()
    await cluster.other.close()


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def notified(request):
    """A cluster from which others outside are told of events."""
    cluster = await _cluster(request, SUBSCRIPTIONS)
    yield cluster
    await cluster.store.close()
    await cluster.other.close()


@pytest.fixture
def talk(cluster):
    return cluster.talk


@pytest.fixture
async def anna(cluster):
    await cluster.store.add_agent(ANNA, "hash of Anna's password")
    return ANNA


@pytest.fixture
async def ben(cluster):
    await cluster.store.add_agent(BEN, None)
    return BEN


@pytest.fixture
def by():
    """The author of an agent's events."""
    return agent_author


@pytest.fixture
def talk_on():
    """Commands on a store that the test opened itself."""
    return lambda store: Talk(store, ManualClock(AT))
