import asyncio
import random
from contextlib import asynccontextmanager

import orjson
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from conversation.bus import LocalBus
from conversation.errors import StorageUnavailable
from conversation.events import Author, VisitorSaid
from conversation.values import Reached, Relayed
from handoff.console.feed import Feed, SocketClosed

PASSWORD = "correct horse battery"


class Wire:
    """A console's side of the socket."""

    def __init__(self, connection):
        self.connection = connection

    async def send(self, **frame):
        await self.connection.send(orjson.dumps(frame).decode())

    async def receive(self):
        async with asyncio.timeout(5):
            return orjson.loads(await self.connection.recv())

    async def until(self, kind):
        """The frames up to the first of `kind`, and that one."""
        frames = [await self.receive()]
        while frames[-1]["type"] != kind:
            frames.append(await self.receive())
        return frames

    async def hello(self, **fields):
        await self.send(type="hello", **fields)
        return await self.until("ready")

    async def settled(self):
        """Everything that was on its way."""
        await self.send(type="ping")
        return (await self.until("pong"))[:-1]

    async def closed(self):
        """The close code, after whatever came before it."""
        try:
            while True:
                await self.receive()
        except ConnectionClosed as closing:
            return closing.rcvd.code


@pytest.fixture
def wire(server):
    @asynccontextmanager
    async def dial(**options):
        async with connect(f"ws://{server}/v1/desk", **options) as connection:
            yield Wire(connection)

    return dial


@pytest.fixture
async def bearer(office):
    agent = await office.agent()
    return await office.accounts.bearer_token(agent.email)


async def visitor_says(office, conversation_id, *texts):
    now = await office.store.conversation(conversation_id)
    who = Author("visitor", None, now.visitor_id)
    for text in texts:
        await office.append(conversation_id, (who, VisitorSaid(text)))


def seqs(frames, conversation_id):
    return [f["seq"] for f in frames if f["type"] == "event" and f["conversation_id"] == conversation_id]


class TestDoor:
    @pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
    async def test_foreign_page_is_refused_before_accept(self, wire, origin):
        with pytest.raises(InvalidStatus) as refused:
            async with wire(origin=origin):
                pass
        assert refused.value.response.status_code == 403

    async def test_own_page_with_its_session_cookie_is_welcomed(self, wire, office, server):
        await office.agent()
        issued = await office.accounts.spend_login_link(await office.accounts.login_link_token("ana@example.com"))
        cookie = {"Cookie": f"handrail_session={issued.token}"}
        async with wire(origin=f"http://{server}", additional_headers=cookie) as console:
            welcome, ready = await console.hello()
        assert (welcome["type"], welcome["protocol"], welcome["agent"]["name"]) == ("welcome", 1, "Ana")
        assert ready == {"type": "ready"}

    @pytest.mark.parametrize("token", [None, "guess"])
    async def test_nobody_in_particular_is_put_out(self, wire, token):
        async with wire() as console:
            await console.send(type="hello", **({"token": token} if token else {}))
            assert await console.closed() == 4401

    @pytest.mark.parametrize(
        "frame",
        ["{", "[]", '{"type":"ping"}', '{"type":"hello","token":7}', '{"type":"hello","watch":{"c":-1}}', b"{}"],
    )
    async def test_first_frame_that_is_no_hello_closes(self, wire, frame):
        async with wire() as console:
            await console.connection.send(frame)
            assert await console.closed() == 4400

    async def test_without_hello_the_socket_is_not_kept(self, wire, monkeypatch):
        monkeypatch.setattr("handoff.console.socket.HELLO_S", 0.05)
        async with wire() as console:
            assert await console.closed() == 4408

    async def test_signing_out_anywhere_closes_within_seconds(self, wire, office, server):
        await office.agent()
        issued = await office.accounts.spend_login_link(await office.accounts.login_link_token("ana@example.com"))
        async with wire(additional_headers={"Cookie": f"handrail_session={issued.token}"}) as console:
            await console.hello()
            await office.accounts.sign_out(await office.accounts.authenticate(issued.token, "session"))
            office.clock.advance(5)
            assert await console.closed() == 4401

    async def test_disabled_agent_is_put_out_within_seconds(self, wire, office, bearer):
        async with wire() as console:
            await console.hello(token=bearer)
            await office.accounts.disable("ana@example.com")
            office.clock.advance(5)
            assert await console.closed() == 4401


class TestFrames:
    async def test_ping_is_answered_and_renews_presence(self, wire, office, bearer):
        async with wire() as console:
            await console.hello(token=bearer)
            office.clock.advance(44)
            await console.settled()
            office.clock.advance(44)
            assert await office.desk.is_open("default")
            office.clock.advance(2)
            assert not await office.desk.is_open("default")

    @pytest.mark.parametrize(
        "frame",
        [
            "{",
            '{"type":"dance"}',
            '{"type":"watch"}',
            '{"type":"hello"}',
            b"x",
            '{"type":"watch","conversation_id":"\\ud800"}',
        ],
    )
    async def test_frame_that_is_not_understood_gets_an_error_and_the_socket_stays(self, wire, bearer, frame):
        async with wire() as console:
            await console.hello(token=bearer)
            await console.connection.send(frame)
            error = (await console.until("error"))[-1]
            assert (error["code"], error["final"]) == ("bad_frame", True)
            assert await console.settled() == []

    async def test_tenth_bad_frame_within_a_minute_closes(self, wire, bearer):
        async with wire() as console:
            await console.hello(token=bearer)
            for _ in range(10):
                await console.connection.send("nonsense")
            assert await console.closed() == 4400

    async def test_nine_bad_frames_a_minute_are_borne(self, wire, office, bearer):
        async with wire() as console:
            await console.hello(token=bearer)
            for _ in range(2):
                for _ in range(9):
                    await console.connection.send("nonsense")
                assert len(await console.settled()) == 9
                office.clock.advance(60)

    @pytest.mark.parametrize(("size", "code"), [(32 * 1024 + 1, 4413), (64 * 1024 + 1, 1009)])
    async def test_frame_that_is_too_large_closes(self, wire, bearer, size, code):
        async with wire() as console:
            await console.hello(token=bearer)
            await console.connection.send("x" * size)
            assert await console.closed() == code

    async def test_unknown_conversation_cannot_be_watched(self, wire, bearer):
        async with wire() as console:
            await console.hello(token=bearer, watch={"nowhere": 0})
            error = (await console.until("error"))[-1]
            assert (error["code"], error["conversation_id"]) == ("not_found", "nowhere")

    async def test_fields_of_a_later_version_are_skipped(self, wire, bearer):
        async with wire() as console:
            await console.hello(token=bearer, colour="blue")
            await console.send(type="ping", colour="blue")
            assert await console.until("pong")

    async def test_more_frames_than_a_person_sends_close(self, wire, bearer):
        async with wire() as console:
            await console.hello(token=bearer)
            for _ in range(600):
                await console.send(type="unwatch", conversation_id="c")
            assert await console.closed() == 4429


class TestQueue:
    async def test_everything_open_comes_between_welcome_and_ready(self, wire, office, bearer):
        opened = {await office.open(f"{n}", waiting=n % 2 == 0) for n in range(7)}
        closed = await office.open("done", waiting=True)
        ben = await office.agent("Ben")
        await office.desk.claim(closed, ben)
        await office.desk.close(closed, ben)
        async with wire() as console:
            welcome, *items, ready = await console.hello(token=bearer)
        assert (welcome["type"], ready["type"]) == ("welcome", "ready")
        assert {item["conversation_id"] for item in items} == opened
        assert {item["type"] for item in items} == {"conversation"}

    async def test_every_change_is_told_and_leaving_too(self, wire, office, bearer):
        ben = await office.agent("Ben")
        async with wire() as console:
            await console.hello(token=bearer)
            conversation_id = await office.open("hello", waiting=True)
            [item] = [f for f in await console.settled() if f["conversation_id"] == conversation_id]
            assert (item["type"], item["state"], item["reason"]) == ("conversation", "queued", "visitor_asked")
            await office.desk.claim(conversation_id, ben)
            [item] = await console.settled()
            assert item["holder"] == {"kind": "agent", "name": "Ben", "id": ben.agent_id}
            await office.desk.close(conversation_id, ben)
            [item] = await console.settled()
            assert item["state"] == "closed"

    async def test_hint_that_tells_nothing_new_sends_nothing(self, wire, office, bearer):
        conversation_id = await office.open("hello")
        now = await office.store.conversation(conversation_id)
        async with wire() as console:
            await console.hello(token=bearer)
            for seq in (1, 2, 2, 99):
                office.bus.publish(Reached(conversation_id, now.visitor_id, seq))
            assert await console.settled() == []


class TestWatching:
    async def test_history_after_n_then_what_is_new(self, wire, office, bearer):
        conversation_id = await office.open("one", "two", "three")
        async with wire() as console:
            await console.hello(token=bearer, watch={conversation_id: 2})
            assert seqs(await console.settled(), conversation_id) == [3, 4]
            await visitor_says(office, conversation_id, "four")
            frames = await console.settled()
        [event] = [frame for frame in frames if frame["type"] == "event"]
        assert (event["seq"], event["kind"], event["text"]) == (5, "visitor_said", "four")

    async def test_number_beyond_the_end_reads_from_the_first(self, wire, office, bearer):
        conversation_id = await office.open("one")
        async with wire() as console:
            await console.hello(token=bearer)
            await console.send(type="watch", conversation_id=conversation_id, after=3)
            assert seqs(await console.settled(), conversation_id) == [1, 2]

    async def test_unwatched_conversation_sends_no_more_events(self, wire, office, bearer):
        conversation_id = await office.open("one")
        async with wire() as console:
            await console.hello(token=bearer, watch={conversation_id: 0})
            await console.settled()
            await console.send(type="unwatch", conversation_id=conversation_id)
            await console.settled()
            await visitor_says(office, conversation_id, "two")
            assert [frame["type"] for frame in await console.settled()] == ["conversation"]

    async def test_fifty_first_watched_conversation_is_refused(self, wire, office, bearer):
        ids = [await office.open(f"{n}") for n in range(51)]
        async with wire() as console:
            await console.hello(token=bearer, watch=dict.fromkeys(ids[:50], 2))
            await console.send(type="watch", conversation_id=ids[50], after=2)
            assert (await console.until("error"))[-1]["code"] == "too_many_watched"

    async def test_typing_of_the_visitor_reaches_who_watches_and_nobody_else(self, wire, office, bearer):
        conversation_id, other = await office.open("one"), await office.open("two")
        async with wire() as console:
            await console.hello(token=bearer, watch={conversation_id: 2})
            for watched in (conversation_id, other):
                office.bus.publish(Relayed(watched, "desk", {"type": "typing", "on": True}))
            office.bus.publish(Relayed(conversation_id, "visitor", {"type": "draft", "text": "secret"}))
            assert await console.settled() == [{"type": "typing", "on": True, "conversation_id": conversation_id}]

    async def test_typing_of_the_holder_alone_is_relayed_to_the_visitor(self, wire, office, bearer):
        ana = (await office.accounts.authenticate(bearer, "bearer")).agent
        mine, other = await office.open("one", waiting=True), await office.open("two", waiting=True)
        await office.desk.claim(mine, ana)
        heard = []
        async with wire() as console:
            await console.hello(token=bearer)
            office.bus.listen(heard.append)
            for conversation_id in (mine, other):
                await console.send(type="typing", conversation_id=conversation_id, on=True)
            await console.settled()
        frame = {"type": "typing", "by": {"kind": "agent", "name": "Ana"}, "on": True}
        assert heard == [Relayed(mine, "visitor", frame)]

    async def test_hostile_text_arrives_as_it_was_said(self, wire, office, bearer):
        hostile = '"}]<script>alert(1)</script>\u2028\u202e\x1b[2J{{7*7}}'
        conversation_id = await office.open(hostile)
        async with wire() as console:
            await console.hello(token=bearer, watch={conversation_id: 1})
            [event] = [frame for frame in await console.settled() if frame["type"] == "event"]
        assert event["text"] == hostile


class FickleBus(LocalBus):
    """Loses a third of the hints, doubles a third, and brings some late."""

    def __init__(self, chance):
        super().__init__()
        self.chance, self.late = chance, []

    def publish(self, hint):
        match self.chance.randrange(4):
            case 0:
                return
            case 1:
                super().publish(hint)
            case 2:
                self.late.append(hint)
        super().publish(hint)
        if self.late and self.chance.random() < 0.3:
            super().publish(self.late.pop(self.chance.randrange(len(self.late))))

    def poll(self, hint):
        super().publish(hint)


@pytest.mark.parametrize("seed", range(4))
async def test_resumed_anywhere_each_event_is_seen_once_and_in_order(wire, office, bearer, seed):
    chance = random.Random(seed)
    fickle = FickleBus(chance)
    object.__setattr__(office.publisher, "bus", fickle)
    conversation_id = await office.open("begin")
    visitor_id = (await office.store.conversation(conversation_id)).visitor_id
    last, seen = 150, []

    async def talk():
        for n in range(last - 2):
            await visitor_says(office, conversation_id, f"{n}")
            if chance.random() < 0.2:
                await asyncio.sleep(0)

    talking = asyncio.create_task(talk())
    while len(seen) < last:
        async with wire() as console:
            await console.hello(token=bearer, watch={conversation_id: seen[-1] if seen else 0})
            for _ in range(chance.randrange(1, 40)):
                fickle.poll(Reached(conversation_id, visitor_id, 0))
                frames = await console.settled()
                seen += seqs(frames, conversation_id)
                if len(seen) >= last or chance.random() < 0.1:
                    break
    await talking
    assert seen == list(range(1, last + 1))


class TestFeed:
    async def test_client_that_asks_without_reading_is_cut_off(self, office):
        feed = Feed(office.store, office.bus)
        for _ in range(256):
            feed.reply({"type": "pong"})
        with pytest.raises(SocketClosed) as ended:
            feed.reply({"type": "pong"})
        assert ended.value.close_code == 1013

    async def test_flood_of_typing_is_dropped_rather_than_kept(self, office):
        conversation_id = await office.open("one")
        feed = Feed(office.store, office.bus)
        with feed.listening():
            feed.watch(await office.store.conversation(conversation_id), 2)
            for _ in range(1000):
                office.bus.publish(Relayed(conversation_id, "desk", {"type": "typing", "on": True}))
        assert len(feed._due) == 257  # with the history that was asked for

    async def test_nothing_is_listened_to_after_the_end(self, office):
        conversation_id = await office.open("one")
        feed = Feed(office.store, office.bus)
        with feed.listening():
            feed.watch(await office.store.conversation(conversation_id), 0)
            assert office.bus.topics() == (frozenset({conversation_id}), frozenset(), True)
        assert office.bus.topics() == (frozenset(), frozenset(), False)


async def test_draining_asks_every_console_to_come_back(wire, office, bearer, console):
    async with wire() as one, wire() as two:
        await one.hello(token=bearer)
        await two.hello(token=bearer)
        await console.drain(within_s=0)
        assert {await one.closed(), await two.closed()} == {1012}


async def test_database_that_does_not_answer_asks_to_come_back(wire, office, bearer, monkeypatch):
    async def fails(*_, **__):
        raise StorageUnavailable("gone")

    async with wire() as console:
        await console.hello(token=bearer)
        monkeypatch.setattr(office.store, "conversation", fails)
        await console.send(type="watch", conversation_id="c")
        assert await console.closed() == 1013
