"""What a console is told comes to what a fresh one is told, however many hints are lost or doubled."""

import asyncio
import contextlib
import uuid

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conversation.bus import LocalBus
from conversation.clock import ManualClock
from conversation.errors import Refused
from conversation.events import Author, HandoffRequested, Opened, VisitorSaid
from conversation.memory import MemoryStore
from conversation.poll import poll
from conversation.publisher import Publisher
from conversation.values import Agent, Draft
from handoff.console.feed import Feed
from handoff.desk import Desk
from handoff.presence import Attendance
from tests.handoff.conftest import NOON

ANA, BEN = (Agent(name.lower(), f"{name.lower()}@example.com", name) for name in ("Ana", "Ben"))
COMMANDS = st.tuples(
    st.integers(0, 2), st.sampled_from(["say", "call", "claim", "claim", "answer", "release", "return_to_bot", "close"])
)
COPIES = st.integers(0, 2)  # of each hint


class Lossy:
    """Passes each hint on as often as it is told to, the last ones once."""

    def __init__(self, bus, copies):
        self.bus, self.copies = bus, iter(copies)

    def publish(self, hint):
        for _ in range(next(self.copies, 1)):
            self.bus.publish(hint)


class Reader:
    """A console's own copy: items by conversation, and the events it watches."""

    def __init__(self, store, bus):
        self.feed, self.items, self.events = Feed(store, bus), {}, {}

    def take(self, frame):
        if frame["type"] == "conversation":
            before = self.items.get(frame["conversation_id"], {"seq": 0})
            assert frame["seq"] > before["seq"]  # never backwards, never twice
            self.items[frame["conversation_id"]] = frame
        else:
            seen = self.events.setdefault(frame["conversation_id"], [])
            assert frame["seq"] == (seen[-1] if seen else 0) + 1
            seen.append(frame["seq"])

    async def begin(self):
        async with contextlib.aclosing(self.feed.everything_open()) as frames:
            async for frame in frames:
                self.take(frame)

    async def follow(self):
        async with contextlib.aclosing(self.feed.changes()) as frames:
            async for frame in frames:
                self.take(frame)


async def carry_out(publisher, desk, chat, command):
    visitor, agent = Author("visitor", None, f"visitor of {chat}"), BEN if command == "close" else ANA
    opened = [] if await publisher.store.conversation(chat) else [Draft(visitor, Opened())]
    payload = {"say": VisitorSaid("hello"), "call": HandoffRequested("visitor_asked")}.get(command)
    if payload is not None:
        await publisher.append(chat, lambda _: [*opened, Draft(visitor, payload)])
    elif command == "answer":
        await desk.say(chat, agent, text="here")
    else:
        await getattr(desk, command)(chat, agent)


async def settle():
    for _ in range(50):
        await asyncio.sleep(0)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    commands=st.lists(COMMANDS, max_size=25),
    cut=st.integers(0, 25),
    copies=st.lists(COPIES, max_size=40),
    polled=st.sets(st.integers(0, 25)),
)
async def test_a_snapshot_and_what_follows_are_a_fresh_snapshot(commands, cut, copies, polled):
    clock = ManualClock(NOON)
    bus = LocalBus()
    publisher = Publisher(MemoryStore(clock=clock), Lossy(bus, copies), clock)
    desk, chats = Desk(publisher, Attendance(publisher.store, clock)), [uuid.uuid4().hex for _ in range(3)]
    for agent in (ANA, BEN):
        await publisher.store.add_agent(agent, None)
    reader = Reader(publisher.store, bus)
    tasks = [asyncio.create_task(poll(publisher.store, bus, clock))]
    with reader.feed.listening():
        for at, (chat, command) in enumerate([*commands, (0, "say"), (0, "say")]):
            if at == min(cut, len(commands)):
                await reader.begin()
                tasks.append(asyncio.create_task(reader.follow()))
            if (now := await publisher.store.conversation(chats[chat])) is not None and at % 3 == 0:
                reader.feed.watch(now, 0 if chats[chat] not in reader.events else reader.events[chats[chat]][-1])
            with contextlib.suppress(Refused):
                await carry_out(publisher, desk, chats[chat], command)
            clock.advance(1.0 if at in polled else 0.01)
            await settle()
        for _ in range(3):  # the polls that find what no hint told
            clock.advance(1)
            await settle()
        await _is_fresh(reader, publisher)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _is_fresh(reader, publisher):
    fresh = Reader(publisher.store, LocalBus())
    await fresh.begin()
    still_open = {chat: item for chat, item in reader.items.items() if item["state"] != "closed"}
    assert still_open == fresh.items
    for chat, seen in reader.events.items():
        assert seen == [event.seq for event in await publisher.store.events(chat)]
