"""What was closed for long enough is erased, once an hour, by one process."""

import asyncio
from datetime import timedelta

import pytest

from conversation.bus import LocalBus
from conversation.publisher import Publisher
from conversation.retention import EVERY_S, erase_older, retain
from conversation.values import Visitor


@pytest.fixture
def publisher(cluster):
    return Publisher(cluster.store, LocalBus(), cluster.clock)


async def while_time_passes(cluster, work):
    """What `work` returns, which sleeps by the cluster's clock."""
    running = asyncio.ensure_future(work)
    for _ in range(10_000):
        if running.done():
            break
        cluster.clock.advance(0.01)
        await asyncio.sleep(0.001)
    return await asyncio.wait_for(running, 1)


async def erased(cluster, *names):
    return [name for name in names if (await cluster.store.conversation(name)).erased]


async def test_what_is_old_and_closed_goes_with_its_visitor_and_the_rest_stays(cluster, talk, publisher):
    for name in ("old", "open", "young"):
        visitor = Visitor(name, "default", name.encode() * 8, cluster.clock.now())
        await talk.say(conversation_id=name, visitor_id=name, visitor=visitor)
        if name == "open":
            cluster.clock.advance(timedelta(days=40).total_seconds())
        if name != "open":
            await talk.close(name)
    before = cluster.clock.now() - timedelta(days=30)
    assert await while_time_passes(cluster, erase_older(publisher, before)) == 1
    assert await erased(cluster, "old", "open", "young") == ["old"]
    assert await cluster.store.visitor_by_token(b"old" * 8) is None
    assert await cluster.store.visitor_by_token(b"young" * 8) is not None
    assert await while_time_passes(cluster, erase_older(publisher, before)) == 0


async def test_what_is_reopened_meanwhile_is_left_alone(cluster, talk):
    await talk.say()
    await talk.close()
    cluster.clock.advance(60)
    before = cluster.clock.now()
    assert await cluster.store.closed_before(before, limit=10)
    await talk.say("are you still there?")
    assert await cluster.store.erase("c1", cluster.clock.now(), unless_changed_since=before) is None
    assert [event.payload.text for event in await cluster.store.events("c1") if event.kind == "visitor_said"] == [
        "hello",
        "are you still there?",
    ]


async def test_of_two_processes_one_does_it_and_after_an_hour_again(cluster, talk):
    await talk.say()
    await talk.close()
    cluster.clock.advance(timedelta(days=3).total_seconds())
    taken = []

    class Counting:
        """The store of one process, and whether the chore was its own."""

        def __init__(self, store):
            self.store = store

        def __getattr__(self, name):
            return getattr(self.store, name)

        async def take_chore(self, name, *, every_s):
            assert every_s == EVERY_S
            mine = await self.store.take_chore(name, every_s=every_s)
            taken.append(mine)
            return mine

    running = [
        asyncio.create_task(retain(Publisher(Counting(store), LocalBus(), cluster.clock), days=2))
        for store in (cluster.store, cluster.other)
    ]
    for _ in range(5_000):
        if len(taken) >= 2 and await erased(cluster, "c1"):
            break
        cluster.clock.advance(0.01)
        await asyncio.sleep(0.001)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    assert taken.count(True) == 1
