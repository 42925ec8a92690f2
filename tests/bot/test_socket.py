"""The visitor socket as clients see it: a real server on loopback, a real WebSocket client."""

import asyncio
import socket
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from bot.assembly.compose import Application, assemble
from bot.server.app import create_app
from bot.server.serve import MAX_SOCKET_FRAME_BYTES, _Server, server_config
from bot.server.websocket import Draining
from bot.settings.settings import Settings, Site
from bot.visitor import channel
from bot.visitor.protocol import MAX_FRAME_BYTES
from conversation.events import Author, Opened, VisitorSaid
from conversation.values import Draft, Visitor
from retrieval.index.watch import Knowledge
from retrieval.model.encoder import HashingEncoder

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOME = "https://www.example"
SHOP = "https://shop.example"
SITES = {"shop": Site(allowed_origins=(SHOP,))}
ARTICLE = "# Refunds\n\nA refund takes five days to reach your bank account.\n"
SAY = '{"type":"say","client_id":"%s","text":"%s"}'
QUESTION = "How many days does a refund take to reach my bank account?"


UPGRADE = (  # by hand, as every client library answers the server's pings
    "GET /v1/chat HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


@dataclass
class Served:
    """A server that runs in this event loop."""

    application: Application
    draining: Draining
    address: str

    @property
    def own_origin(self) -> str:
        return f"http://{self.address}"


@dataclass
class SocketLine:
    """A visitor's line over the network."""

    connection: ClientConnection

    async def put(self, text: str) -> None:
        await self.connection.send(text)

    async def get(self) -> str | None:
        try:
            return await self.connection.recv(decode=True)
        except ConnectionClosed:
            return None

    async def hang_up(self) -> None:
        await self.connection.close()

    @property
    def closed(self) -> tuple[int, str] | None:
        code = self.connection.close_code
        return None if code is None else (code, self.connection.close_reason or "")


@asynccontextmanager
async def serving(folder, **chosen) -> AsyncIterator[Served]:
    kb = folder / "kb"
    kb.mkdir()
    (kb / "refunds.md").write_text(ARTICLE, encoding="utf-8")
    settings = Settings(
        host="127.0.0.1",
        port=0,
        kb=kb,
        data=folder / "var",
        answer_confidence=0.1,
        allowed_origins=[HOME],
        sites=SITES,
        **chosen,
    )
    encoder = HashingEncoder()
    knowledge = Knowledge.open(kb, index_dir=settings.data / "index", encoder=encoder)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with assemble(settings, encoder, knowledge) as application:
            draining = Draining()
            server = _Server(server_config(create_app(application, draining), settings))
            running = asyncio.create_task(server.serve(sockets=[listener]))
            try:
                yield Served(application, draining, f"127.0.0.1:{listener.getsockname()[1]}")
            finally:
                server.should_exit = True
                await running


async def hold_open(folder, chosen, started: asyncio.Future, ended: asyncio.Event) -> None:
    """One task for the whole life of a server, as its task groups ask."""
    async with serving(folder, **chosen) as served:
        started.set_result(served)
        await ended.wait()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(tmp_path_factory):
    started, ended = asyncio.get_running_loop().create_future(), asyncio.Event()
    life = asyncio.create_task(hold_open(tmp_path_factory.mktemp("served"), {"rate_limits": "off"}, started, ended))
    await asyncio.wait({life, started}, return_when=asyncio.FIRST_COMPLETED)
    yield started.result() if started.done() else life.result()
    ended.set()
    await life


@pytest_asyncio.fixture(loop_scope="module")
async def dial(served, guest_on):
    """Opens a socket to the server; it is closed with the test."""
    lines: list[SocketLine] = []

    async def opened(address=None, *, origin=None, **options):
        uri = f"ws://{address or served.address}/v1/chat"
        lines.append(SocketLine(await connect(uri, origin=origin, proxy=None, compression=None, **options)))
        return guest_on(lines[-1])

    yield opened
    await asyncio.gather(*(line.hang_up() for line in lines))


async def say_hello(dial, **fields):
    guest = await dial()
    welcome = await guest.hello(**fields)
    return guest, welcome


def numbers(events) -> list[int]:
    return [event["seq"] for event in events]


# Before the welcome


@pytest.mark.parametrize(("trusted", "counted"), [((), "127.0.0.2"), (["127.0.0.0/8"], "203.0.113.7")])
async def test_a_visitors_address_is_believed_from_listed_proxies_alone(dial, tmp_path, trusted, counted):
    async with serving(tmp_path, public_url="https://chat.example", trusted_proxies=trusted) as behind:
        forwarded = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"}
        guest = await dial(behind.address, local_addr=("127.0.0.2", 0), additional_headers=forwarded)
        await guest.hello()
        (chat,) = behind.application.services.chats
        assert chat._channel.address == counted
        await guest.line.hang_up()


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://www.example", HOME + ".evil.example"])
async def test_a_foreign_origin_is_refused_before_the_handshake(dial, origin):
    with pytest.raises(InvalidStatus) as refused:
        await dial(origin=origin)
    assert refused.value.response.status_code == 403


async def test_own_and_allowed_origins_and_no_origin_are_served(dial, served):
    for origin in (None, HOME, served.own_origin):
        guest = await dial(origin=origin)
        assert (await guest.hello())["type"] == "welcome"
        await guest.line.hang_up()


async def test_another_sites_origin_passes_the_door_but_not_the_hello(dial):
    guest = await dial(origin=SHOP)
    await guest.send("hello", protocol=1)
    assert await guest.closed() == 4403
    guest = await dial(origin=SHOP)
    assert (await guest.hello(site="shop"))["type"] == "welcome"


@pytest.mark.parametrize(
    ("first", "code"),
    [
        ('{"type":"ping"}', 4400),
        ("{", 4400),
        (b'{"type":"hello","protocol":1}', 4400),
        ('{"type":"hello","protocol":1,"token":"made-up"}', 4401),
        ('{"type":"hello","protocol":1,"identity":{"claims":"{}","signature":""}}', 4403),
        ('{"type":"hello","protocol":1,"site":"attic"}', 4404),
        ('{"type":"hello","protocol":1,"pad":"' + "a" * MAX_FRAME_BYTES + '"}', 4413),
        ('{"type":"hello","protocol":1,"pad":"' + "a" * MAX_SOCKET_FRAME_BYTES + '"}', 1009),
    ],
)
async def test_a_first_frame_that_is_no_good_hello_closes_with_its_code(dial, first, code):
    guest = await dial()
    await guest.line.connection.send(first)
    assert await guest.closed() == code
    assert guest.heard == []


async def test_no_hello_in_time_closes_with_4408(dial, monkeypatch):
    monkeypatch.setattr("bot.visitor.session.HELLO_WITHIN_S", 0.05)
    assert await (await dial()).closed() == 4408


async def test_a_server_that_goes_down_sends_newcomers_away_with_1012(dial, served):
    served.draining.open = False
    try:
        assert await (await dial()).closed() == 1012
    finally:
        served.draining.open = True


async def test_too_many_sockets_from_one_address_are_4429(dial, tmp_path):
    async with serving(tmp_path) as strict:
        for _ in range(120):
            guest = await dial(strict.address)
            await guest.hello()
            await guest.line.hang_up()
        assert await (await dial(strict.address)).closed() == 4429


async def test_more_newcomers_than_fit_are_sent_away_with_1013_and_let_in_later(dial, served, monkeypatch):
    monkeypatch.setattr("bot.visitor.limits.AT_ONCE", 2)
    store, look = served.application.publisher.store, asyncio.Event()
    latest = store.latest

    async def slowly(visitor_id):
        await look.wait()
        return await latest(visitor_id)

    monkeypatch.setattr(store, "latest", slowly)
    silent, *inside = [await dial() for _ in range(3)]  # who has not said hello takes no place
    for guest in inside:
        await guest.send("hello", protocol=1)
    late = await dial()
    async with asyncio.timeout(5):
        while served.application.services.limits.handshakes < 2:  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0)
    await late.send("hello", protocol=1)
    assert await late.closed() == 1013
    look.set()
    for guest in inside:
        await guest.until("welcome")
    await silent.hello()
    assert served.application.services.limits.handshakes == 0


# After it


async def test_a_client_that_is_gone_without_a_word_is_noticed(dial, served, tmp_path, monkeypatch):
    monkeypatch.setattr("bot.server.serve.PING_S", 0.2)
    monkeypatch.setattr("bot.server.serve.PING_TIMEOUT_S", 0.2)
    async with serving(tmp_path, rate_limits="off") as short:
        alive = await dial(short.address)
        await alive.hello()
        reader, writer = await asyncio.open_connection(*short.address.split(":"))
        writer.write(UPGRADE.encode())
        await reader.readuntil(b"\r\n\r\n")
        hello = b'{"type":"hello","protocol":1}'
        writer.write(bytes([0x81, 0x80 | len(hello), 0, 0, 0, 0]) + hello)  # a masked text frame, the mask being zero
        chats = short.application.services.chats
        async with asyncio.timeout(5):
            await reader.readuntil(b'"heartbeat_s":25}}')
            assert len(chats) == 2
            while len(chats) > 1:  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.02)
        writer.close()
        assert await alive.settled() == []


async def test_a_question_is_acknowledged_and_answered(dial, served):
    guest, welcome = await say_hello(dial)
    reply = await guest.ask(QUESTION)
    assert (reply["outcome"], reply["answers"]) == ("answer", [2])
    assert [citation["article_id"] for citation in reply["citations"]] == ["refunds"]
    log = await served.application.publisher.store.events(welcome["conversation_id"])
    assert [event.event_id for event in log] == [event["event_id"] for event in guest.events()]


async def test_opening_and_pinging_store_nothing(dial, served):
    guest, welcome = await say_hello(dial)
    await guest.send("ping")
    assert await guest.until("pong") == {"type": "pong", "seq": 0}
    assert await served.application.publisher.store.conversation(welcome["conversation_id"]) is None


async def test_the_tenth_bad_frame_in_a_minute_closes_with_4400(dial):
    guest, _ = await say_hello(dial)
    for n in range(9):
        await guest.line.put("{" * (n + 1))
        assert (await guest.until("error"))["code"] == "bad_frame"
    await guest.line.put("[]")
    assert await guest.closed() == 4400


@pytest.mark.parametrize(("size", "code"), [(MAX_FRAME_BYTES + 1, 4413), (MAX_SOCKET_FRAME_BYTES + 1, 1009)])
async def test_a_frame_that_is_too_big_closes(dial, size, code):
    guest, _ = await say_hello(dial)
    await guest.line.put("a" * size)
    assert await guest.closed() == code


@pytest.mark.parametrize("sent", ["a" * 4_000, "😀" * 4_000, "\u202e<script>alert(1)</script>"])
async def test_text_comes_back_unchanged(dial, sent):
    guest, _ = await say_hello(dial)
    client_id = await guest.say(sent)
    assert (await guest.until("event", client_id=client_id))["text"] == sent


async def test_a_text_of_4001_code_points_is_refused(dial):
    guest, _ = await say_hello(dial)
    client_id = await guest.say("😀" * 4_001)
    error = await guest.until("error")
    assert (error["code"], error["client_id"]) == ("text_too_long", client_id)


async def test_escaped_nul_is_replaced_and_an_escaped_lone_surrogate_refused(dial):
    guest, _ = await say_hello(dial)
    await guest.line.put(SAY % (uuid.uuid4(), r"a\u0000b"))
    assert (await guest.until("event", kind="visitor_said"))["text"] == "a\ufffdb"
    await guest.line.put(SAY % (uuid.uuid4(), r"\ud800"))
    assert (await guest.until("error"))["code"] == "bad_frame"


async def test_a_resume_at_any_point_brings_exactly_what_is_after_it(dial):
    guest, welcome = await say_hello(dial)
    for _ in range(3):
        await guest.ask(QUESTION)
    events = guest.events()
    assert numbers(events) == list(range(1, 8))
    for after in range(9):
        again, _ = await say_hello(
            dial, token=welcome["token"], conversation_id=welcome["conversation_id"], after=after
        )
        assert await again.settled() == (events[after:] if after <= 7 else events)
        await again.line.hang_up()


async def test_a_repeat_after_a_lost_connection_is_the_same_event_again(dial):
    guest, welcome = await say_hello(dial)
    client_id = await guest.say(QUESTION)
    first = await guest.until("event", client_id=client_id)
    guest.line.connection.transport.abort()
    back, _ = await say_hello(dial, token=welcome["token"], conversation_id=welcome["conversation_id"], after=2)
    await back.say(QUESTION, client_id)
    assert await back.until("event", client_id=client_id) == first | {"again": True}


async def test_two_tabs_see_the_same_conversation(dial):
    first, welcome = await say_hello(dial)
    await first.ask(QUESTION)
    second, _ = await say_hello(dial, token=welcome["token"])
    await asyncio.gather(first.say("thanks"), second.say("hello"))
    for tab in (first, second):
        await tab.until("event", seq=5)
        while sum(len(event.get("answers", ())) for event in tab.events()) < 3:
            await tab.until("event", kind="bot_said")
        assert numbers(tab.events()) == list(range(1, len(tab.events()) + 1))
    assert first.events() == second.events()


async def test_fifty_visitors_at_once_are_each_answered_once(dial):
    guests = [await say_hello(dial) for _ in range(50)]
    replies = await asyncio.gather(*(guest.ask(QUESTION) for guest, _ in guests))
    assert [reply["answers"] for reply in replies] == [[2]] * 50
    assert len({welcome["conversation_id"] for _, welcome in guests}) == 50
    for guest, _ in guests:
        assert numbers(guest.events()) == [1, 2, 3]


async def test_a_reader_that_does_not_read_is_cut_off_harms_nobody_and_resumes(dial, served, monkeypatch):
    monkeypatch.setattr(channel, "SEND_TIMEOUT_S", 0.2)
    first, welcome = await say_hello(dial)
    await first.ask(QUESTION)
    await first.line.hang_up()
    publisher = served.application.publisher
    conversation = await publisher.store.conversation(welcome["conversation_id"])
    author = Author("visitor", None, conversation.visitor_id)
    flood = [Draft(author, VisitorSaid("😀" * 4_000))] * 1_000  # 16 MB: more than the kernel keeps for a reader
    await publisher.append(welcome["conversation_id"], lambda _: flood)
    slow = await dial(max_queue=1)
    await slow.send("hello", protocol=1, token=welcome["token"])
    other, _ = await say_hello(dial)
    chats = served.application.services.chats
    assert (await other.ask(QUESTION))["outcome"] == "answer"
    async with asyncio.timeout(10):
        while len(chats) > 1:
            await other.settled()
    slow.line.connection.transport.abort()
    back, again = await say_hello(dial, token=welcome["token"], conversation_id=welcome["conversation_id"], after=1_000)
    await back.until("event", seq=again["seq"])
    assert numbers(back.events()) == list(range(1_001, again["seq"] + 1))


async def test_a_conversation_of_another_visitor_cannot_be_opened_by_its_id(dial, served):
    visitor = Visitor("bob", "default", b"bob", served.application.publisher.clock.now() + timedelta(days=1))
    bob = Author("visitor", None, "bob")
    secret = [Draft(bob, Opened()), Draft(bob, VisitorSaid("my secret"))]
    await served.application.publisher.append("bobs", lambda _: secret, visitor=visitor)
    guest, welcome = await say_hello(dial, conversation_id="bobs", after=0)
    assert welcome["conversation_id"] != "bobs"
    assert await guest.settled() == []
