"""Wake-ups over a real Redis that comes and goes."""

import asyncio

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from conversation.clock import SystemClock
from conversation.redis_bus import CHANNEL, WAITING, RedisBus, problem_with
from conversation.values import Reached, Relayed

HINT = Reached("c1", "v1", 4)
FRAME = Relayed("c1", "visitor", {"type": "typing", "on": True})
PATIENCE_S = 10


class Ear:
    """What came, in order."""

    def __init__(self, bus, **topic):
        self.heard = asyncio.Queue()
        bus.listen(self.heard.put_nowait, **topic)

    async def next(self):
        async with asyncio.timeout(PATIENCE_S):
            return await self.heard.get()


@pytest.fixture
async def buses(redis_server):
    """The buses of two processes, and their tasks."""
    made = [RedisBus.at(redis_server.url, SystemClock()) for _ in range(2)]
    tasks = [asyncio.create_task(bus.run()) for bus in made]
    yield made
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def linked(bus, other):
    """Both are subscribed once a hint of each has come to the other; earlier ones may get lost."""
    for sender, receiver in ((bus, other), (other, bus)):
        ear = Ear(receiver, conversation_id="probe")
        async with asyncio.timeout(PATIENCE_S):
            while ear.heard.empty():
                sender.publish(Reached("probe", "v0", 1))
                await asyncio.sleep(0.02)


async def test_a_hint_reaches_the_listeners_of_every_process_once(buses):
    one, other = buses
    await linked(one, other)
    here, there = Ear(one), Ear(other, conversation_id="c1", visitor_id="v2")
    for hint in (HINT, FRAME):
        one.publish(hint)
    assert [await here.next(), await here.next()] == [HINT, FRAME]
    assert [await there.next(), await there.next()] == [HINT, FRAME]
    other.publish(Reached("c9", "v9", 1))
    assert await here.next() == Reached("c9", "v9", 1)
    assert here.heard.empty()
    assert there.heard.empty()


async def test_what_is_wrong_with_a_redis_is_said(redis_server):
    async with asyncio.timeout(PATIENCE_S):
        while await problem_with(redis_server.url) is not None:  # it is just starting
            pass
    redis_server.kill()
    assert "connect" in (await problem_with(redis_server.url)).lower()


async def test_many_hints_keep_their_order(buses):
    one, other = buses
    await linked(one, other)
    there = Ear(other, conversation_id="c1")
    for seq in range(1, 1001):
        one.publish(Reached("c1", "v1", seq))
    assert [(await there.next()).seq for _ in range(1000)] == list(range(1, 1001))


async def test_without_redis_the_own_process_is_told_and_with_it_the_others_again(buses, redis_server):
    one, other = buses
    await linked(one, other)
    with capture_logs() as logs:
        redis_server.kill()
        here = Ear(one)
        one.publish(HINT)
        assert await here.next() == HINT
        async with asyncio.timeout(PATIENCE_S):
            while sum(line["event"] == "bus.redis_away" for line in logs) < 2:  # noqa: ASYNC110 - a log has no event
                await asyncio.sleep(0.05)
        await asyncio.sleep(1)  # two more tries, of which nothing is said
        redis_server.start()
        await linked(one, other)
    events = [line["event"] for line in logs]
    assert (events.count("bus.redis_away"), events.count("bus.redis_back")) == (2, 2)


async def test_hints_that_nobody_takes_away_do_not_pile_up():
    bus = RedisBus.at("redis://127.0.0.1:1", SystemClock())
    here = Ear(bus)
    for seq in range(WAITING + 10):
        bus.publish(Reached("c1", "v1", seq))
    assert here.heard.qsize() == WAITING + 10
    assert bus._waiting.qsize() == WAITING


@pytest.mark.parametrize("strange", [b"", b"[]", b'["x", [{"conversation_id": "c1"}]]', b"\xff", b'["x", 3]'])
async def test_what_others_say_on_the_channel_harms_nothing(buses, redis_server, strange):
    one, other = buses
    await linked(one, other)
    there = Ear(other, conversation_id="c1")
    async with Redis.from_url(redis_server.url) as stranger:
        with capture_logs() as logs:
            await stranger.publish(CHANNEL, strange)
            one.publish(HINT)
            assert await there.next() == HINT
    assert {line["event"] for line in logs} == {"bus.strange_message"}
