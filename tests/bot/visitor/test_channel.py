import asyncio

import pytest

from bot.visitor import channel
from bot.visitor.channel import ChannelClosed, LocalChannel, SocketChannel
from bot.visitor.protocol import FrameError


class Wire:
    """The server's end of an accepted socket: what the client sends is put in, what it gets is taken out."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[dict[str, object]] = asyncio.Queue()
        self.sent: list[dict[str, object]] = []
        self.stuck = False

    async def receive(self):
        return await self.incoming.get()

    async def send(self, message):
        if self.stuck:
            await asyncio.Event().wait()
        self.sent.append(message)


@pytest.fixture
def wire():
    return Wire()


@pytest.fixture
def line(wire):
    return SocketChannel("192.0.2.7", "https://a.example", wire.receive, wire.send)


async def test_a_socket_knows_where_it_comes_from(line):
    assert (line.address, line.origin) == ("192.0.2.7", "https://a.example")


async def test_text_goes_both_ways(line, wire):
    wire.incoming.put_nowait({"type": "websocket.receive", "text": "in"})
    assert await line.receive() == "in"
    await line.send("out")
    assert wire.sent == [{"type": "websocket.send", "text": "out"}]


async def test_a_binary_frame_is_a_bad_frame(line, wire):
    wire.incoming.put_nowait({"type": "websocket.receive", "bytes": b"in"})
    with pytest.raises(FrameError, match="binary"):
        await line.receive()


async def test_a_client_that_hangs_up_closes_the_channel_for_good(line, wire):
    wire.incoming.put_nowait({"type": "websocket.disconnect", "code": 1001})
    for _ in range(2):
        with pytest.raises(ChannelClosed):
            await line.receive()
    await line.close(4400, "too late")


async def test_a_closed_socket_sends_nothing_and_stays_closed(line, wire):
    await line.close(1012, "restart")
    await line.close(4400, "again")
    assert wire.sent == [{"type": "websocket.close", "code": 1012, "reason": "restart"}]
    with pytest.raises(ChannelClosed):
        await line.send("late")


async def test_a_reader_that_does_not_read_is_cut_off(line, wire, monkeypatch):
    monkeypatch.setattr(channel, "SEND_TIMEOUT_S", 0.01)
    wire.stuck = True
    with pytest.raises(ChannelClosed):
        await line.send("hello?")
    await line.close(1013, "too slow")


async def test_both_ends_of_a_local_channel_hear_each_other():
    local = LocalChannel("192.0.2.8", "https://b.example")
    local.say("in")
    assert await local.receive() == "in"
    await local.send("out")
    assert local.heard.get_nowait() == "out"
    assert (local.address, local.origin) == ("192.0.2.8", "https://b.example")


async def test_a_local_visitor_who_hangs_up_closes_the_channel():
    local = LocalChannel()
    local.say(None)
    with pytest.raises(ChannelClosed):
        await local.receive()


async def test_a_local_channel_is_closed_once():
    local = LocalChannel()
    await local.close(4400, "bad")
    await local.close(1012, "restart")
    assert (local.closed, local.heard.get_nowait(), local.heard.empty()) == ((4400, "bad"), None, True)
    with pytest.raises(ChannelClosed):
        await local.send("late")
