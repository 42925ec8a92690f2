"""The assignment loops of several processes on one database: what one of them finds happens once."""

import asyncio
import uuid

import pytest

from conversation.bus import LocalBus
from conversation.clock import ManualClock
from conversation.events import Author, HandoffRequested, Opened
from conversation.publisher import Publisher
from conversation.sql.postgres import PostgresStore
from conversation.sql.sqlite import SqliteStore
from conversation.values import Agent, Draft
from handoff.assignment import AssignmentLoop
from handoff.desk import Desk
from handoff.presence import Attendance
from tests.handoff.conftest import NOON

PROCESSES, CHATS, CAPACITY = 4, 12, 3


@pytest.fixture(params=["sqlite", "postgres"])
async def desks(request, tmp_path):
    """A desk for each process."""
    clock, stores = ManualClock(NOON), []
    url = request.getfixturevalue("new_postgres") if request.param == "postgres" else None
    for n in range(PROCESSES):
        opening = PostgresStore.open(url, worker=f"{n}") if url else SqliteStore.open(tmp_path / "db", worker=f"{n}")
        stores.append(await opening)
    yield [Desk(Publisher(store, LocalBus(), clock), Attendance(store, clock)) for store in stores]
    for store in stores:
        await store.close()


async def wait_in_line(desk):
    visitor, conversation_id = Author("visitor", None, uuid.uuid4().hex), uuid.uuid4().hex
    drafts = [Draft(visitor, Opened()), Draft(visitor, HandoffRequested("visitor_asked"))]
    await desk.publisher.append(conversation_id, lambda _: drafts)
    return conversation_id


async def logs(desk, chats):
    return [await desk.publisher.store.events(chat) for chat in chats]


async def test_what_waits_is_assigned_once_and_taken_back_once(desks):
    [desk, *_], clock = desks, desks[0].publisher.clock
    agents = [Agent(f"a{n}", f"a{n}@example.com", f"Agent {n}", capacity=CAPACITY) for n in range(3)]
    for agent in agents:
        await desk.publisher.store.add_agent(agent, None)
        await desk.attendance.renew(agent)
    chats = [await wait_in_line(desk) for _ in range(CHATS)]
    loops = [AssignmentLoop(other, assign=True) for other in desks]
    await asyncio.gather(*(loop.look() for loop in loops))
    given = [[event for event in log if event.kind == "claimed"] for log in await logs(desk, chats)]
    assert sorted(len(claims) for claims in given) == [0] * 3 + [1] * 9
    assert sorted(claims[0].payload.to for claims in given if claims) == ["a0"] * 3 + ["a1"] * 3 + ["a2"] * 3
    for _ in range(4):  # nobody is heard any more
        clock.advance(31)
        await asyncio.gather(*(loop.look() for loop in loops))
    kinds = [[event.kind for event in log][2:] for log in await logs(desk, chats)]
    assert sorted(kinds) == [[]] * 3 + [["claimed", "released"]] * 9
    assert len(await desk.publisher.store.queue()) == CHATS
