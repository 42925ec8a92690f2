"""The net under the bus."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from conversation.bus import LocalBus
from conversation.errors import StorageUnavailable
from conversation.poll import poll
from conversation.values import Reached


class Flaky:
    """A store that can be made unavailable."""

    def __init__(self, store):
        self.store, self.down, self.asked = store, False, asyncio.Event()

    def __getattr__(self, name):
        self.asked.set()
        if self.down:
            raise StorageUnavailable("disk on fire")
        return getattr(self.store, name)


class TurnedClock:
    """Time passes when the test says so, and the test knows when a round is over."""

    def __init__(self):
        self.rested, self.go = asyncio.Semaphore(0), asyncio.Semaphore(0)

    async def sleep(self, seconds):
        self.rested.release()
        await self.go.acquire()

    async def round(self):
        self.go.release()
        await self.rested.acquire()


@asynccontextmanager
async def polling(store, bus):
    clock = TurnedClock()
    task = asyncio.ensure_future(poll(store, bus, clock))
    await clock.rested.acquire()
    yield clock
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.fixture
def bus():
    return LocalBus()


async def test_what_another_worker_wrote_is_published_once(cluster, talk, bus):
    await talk.say()
    heard, visitors = [], []
    bus.listen(heard.append, conversation_id="c1")
    async with polling(cluster.store, bus) as clock:
        assert heard == [Reached("c1", "v1", 2)]  # the topic is new to the poll
        await clock.round()
        assert len(heard) == 1
        await cluster.other_talk.say("more")
        await clock.round()
        await clock.round()
        assert heard[1:] == [Reached("c1", "v1", 3)]
        bus.listen(visitors.append, visitor_id="v1")
        await clock.round()
        assert visitors == [Reached("c1", "v1", 3)]


async def test_a_visitors_new_conversation_is_published_to_them(cluster, talk, bus):
    heard = []
    bus.listen(heard.append, visitor_id="v1")
    async with polling(cluster.store, bus) as clock:
        await talk.say(conversation_id="c1")
        await clock.round()
        await talk.close("c1")
        await talk.say(conversation_id="c2")
        await clock.round()
    assert heard == [Reached("c1", "v1", 2), Reached("c2", "v1", 2)]


async def test_the_desk_hears_of_all_that_is_open_and_of_what_closes(cluster, talk, bus):
    await talk.say(conversation_id="c1")
    await talk.say(conversation_id="c2", visitor_id="v2")
    heard = []
    bus.listen(heard.append)
    async with polling(cluster.store, bus) as clock:
        assert {hint.conversation_id for hint in heard} == {"c1", "c2"}
        await talk.close("c1")
        for _ in range(3):
            await clock.round()
    assert heard[2:] == [Reached("c1", "v1", 3)]


async def test_who_stops_listening_is_forgotten(cluster, talk, bus):
    await talk.say()
    heard = []
    end = bus.listen(heard.append, conversation_id="c1")
    async with polling(cluster.store, bus) as clock:
        end()
        await clock.round()
        bus.listen(heard.append, conversation_id="c1")
        await clock.round()
    assert heard == [Reached("c1", "v1", 2)] * 2


async def test_nobody_listening_costs_no_query(cluster, bus):
    store = Flaky(cluster.store)
    async with polling(store, bus) as clock:
        await clock.round()
        assert not store.asked.is_set()


async def test_an_outage_is_logged_once_and_waited_out(cluster, talk, bus):
    store = Flaky(cluster.store)
    heard = []
    bus.listen(heard.append, conversation_id="c1")
    with capture_logs() as logs:
        async with polling(store, bus) as clock:
            store.down = True
            for _ in range(3):
                await clock.round()
            await talk.say()
            store.down = False
            await clock.round()
    assert heard == [Reached("c1", "v1", 2)]
    assert [entry["event"] for entry in logs] == ["poll.storage_unavailable", "poll.storage_back"]
    assert logs[0]["problem"] == "disk on fire"
