"""What stands under the servers goes away and comes back: Redis, PostgreSQL, room on the disk. Real processes."""

import asyncio
import os
import resource
import signal
import time
import uuid
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from tests.harness.backing import Postgres, Redis
from tests.harness.running import Running, borrow_model, start
from tests.harness.visitor import visit

pytestmark = pytest.mark.slow

QUESTION = "When does the money of a refund arrive?"
PATIENCE_S = 20
POLLED_WITHIN_S = 2.0
BACK_WITHIN_S = 10.0


@dataclass
class Site:
    """Two servers on one PostgreSQL and one Redis, the second of two workers."""

    postgres: Postgres
    redis: Redis
    servers: tuple[Running, Running]


@pytest.fixture(scope="module")
def site(tmp_path_factory, exported_model):
    folder = tmp_path_factory.mktemp("site")
    kb = folder / "kb"
    kb.mkdir()
    (kb / "refunds.md").write_text("# Refunds\n\nThe money of a refund arrives within five working days.\n")
    postgres, redis = Postgres.make(tmp_path_factory.mktemp("postgres")), Redis.make(folder)
    settings = {"HANDRAIL_DATABASE_URL": postgres.url, "HANDRAIL_REDIS_URL": redis.url}
    servers = []
    try:
        for name, workers in (("one", "1"), ("other", "2")):
            data = folder / name
            borrow_model(data, exported_model)
            servers.append(start(data, kb=kb, settings=settings | {"HANDRAIL_WORKERS": workers}))
        yield Site(postgres, redis, tuple(servers))
        assert [server.stop() for server in servers] == [0, 0]
    finally:
        for server in servers:
            server.kill()
        redis.kill()
        postgres.stop()  # its package only stops what it started itself


@dataclass
class Persistent:
    """A visitor as the widget is one: keeps what is not acknowledged, and comes back to whichever server it is sent to."""

    server: Running
    token: str = ""
    conversation_id: str = ""

    async def insist(self, client_id: str, text: str) -> tuple[list[dict], set[str]]:
        """Send until it is acknowledged; all events of the conversation, and the errors on the way."""
        errors: set[str] = set()
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    async with visit(self.server.chat_url, **self._resume()) as visitor:
                        return await self._say(visitor, client_id, text, errors), errors
                except (ConnectionClosed, OSError) as lost:
                    errors.add(str(getattr(getattr(lost, "rcvd", None), "code", "lost")))
                    await asyncio.sleep(0.2)

    async def _say(self, visitor, client_id, text, errors):
        self.token, self.conversation_id = visitor.welcome["token"], visitor.welcome["conversation_id"]
        answered = False
        await visitor.send("say", client_id=client_id, text=text)
        while client_id not in visitor.acknowledged or not answered:
            frame = await visitor.hear()
            if frame["type"] == "error":
                assert not frame["final"]
                errors.add(frame["code"])
                await asyncio.sleep(0.2)
                await visitor.send("say", client_id=client_id, text=text)
            said = visitor.acknowledged.get(client_id)
            answered = any(said in event.get("answers", ()) for event in visitor.events.values())
        return [visitor.events[seq] for seq in sorted(visitor.events)]

    def _resume(self):
        return {"token": self.token} if self.token else {}


def count(events, client_id):
    return sum(event.get("client_id") == client_id for event in events)


# Redis


async def arrival_s(here, there, text):
    """Seconds from the acknowledgement at one server to the arrival at the other."""
    client_id = await here.send("say", text=text)
    while client_id not in here.acknowledged:
        await here.hear()
    acknowledged = time.monotonic()
    while client_id not in there.acknowledged:
        await there.hear()
    return time.monotonic() - acknowledged


async def test_without_redis_messages_reach_other_servers_within_two_seconds_and_with_it_at_once_again(site):
    first, second = site.servers
    async with asyncio.timeout(PATIENCE_S * 2), visit(first.chat_url) as here:
        await here.ask("hello")
        async with visit(second.chat_url, token=here.welcome["token"]) as there:
            await there.until("bot_said")
            assert min([await arrival_s(here, there, "hello") for _ in range(3)]) < 0.5  # half of what the poll takes
            site.redis.kill()
            try:
                taken = [await arrival_s(here, there, "hello") for _ in range(3)]
            finally:
                site.redis.start()
            assert max(taken) < POLLED_WITHIN_S
            while await arrival_s(here, there, "hello") > 0.1:
                pass


# PostgreSQL


@contextmanager
def stopped(postgres):
    postgres.stop()
    try:
        yield
    finally:
        postgres.start()


@contextmanager
def frozen(postgres):
    """Every process of the server stands still, as in a virtual machine that is moved: connections stay, answers don't."""
    parent = int((postgres.folder / "postmaster.pid").read_text().split()[0])
    pids = [parent, *map(int, Path(f"/proc/{parent}/task/{parent}/children").read_text().split())]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("away", [stopped, frozen])
async def test_while_postgresql_is_away_nothing_is_acknowledged_and_then_all_goes_on_by_itself(site, away):
    first, _ = site.servers
    client_id = str(uuid.uuid4())
    async with visit(first.chat_url) as before, visit(first.chat_url) as silent:
        await before.ask(QUESTION)
        with away(site.postgres):
            await before.send("say", client_id=client_id, text=QUESTION)
            refused = await until_refused(before)
            assert (refused["code"], refused["client_id"], refused["final"]) == (
                "storage_unavailable",
                client_id,
                False,
            )
            assert client_id not in before.acknowledged
            async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
                probes = [client.get(f"{first.url}/{probe}") for probe in ("readyz", "healthz")]
                ready, healthy, _ = await asyncio.gather(*probes, newcomer_is_sent_away(first))
            assert (ready.status_code, healthy.status_code) == (503, 200)
            await silent.socket.send('{"type":"ping"}')
            assert (await silent.hear())["type"] == "pong"  # who says nothing notices nothing
        back = time.monotonic()
        visitor = Persistent(first, before.welcome["token"])
        events, _ = await visitor.insist(client_id, QUESTION)
    assert time.monotonic() - back < BACK_WITHIN_S
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert count(events, client_id) == 1


async def newcomer_is_sent_away(server):
    with pytest.raises(ConnectionClosed) as closed:
        async with visit(server.chat_url):
            pass
    assert closed.value.rcvd.code == 1013


async def until_refused(visitor):
    async with asyncio.timeout(PATIENCE_S):
        while (frame := await visitor.hear())["type"] != "error":
            pass
        return frame


# The disk


async def test_on_a_full_disk_reading_goes_on_and_writing_is_refused_until_there_is_room(data_dir, small_kb):
    server = start(data_dir, kb=small_kb)
    try:
        visitor, client_id = Persistent(server), str(uuid.uuid4())
        await visitor.insist(str(uuid.uuid4()), QUESTION)
        wal_bytes = (data_dir / "handrail.db-wal").stat().st_size
        unlimited = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (wal_bytes, resource.RLIM_INFINITY))
        async with visit(server.chat_url, token=visitor.token) as reader:
            await reader.until("bot_said")  # an old chat is read
            await reader.send("say", client_id=client_id, text=QUESTION)
            assert (await until_refused(reader))["code"] == "storage_unavailable"
            assert client_id not in reader.acknowledged
            async with visit(server.chat_url, token=visitor.token) as again:
                await again.until("bot_said")
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, unlimited)
        events, errors = await visitor.insist(client_id, QUESTION)
        assert (count(events, client_id), errors) == (1, set())
        assert server.stop() == 0
    finally:
        server.kill()


# Going down


async def test_on_sigterm_every_visitor_is_sent_away_with_1012_one_after_the_other_and_a_running_turn_ends(site):
    _, second = site.servers
    async with AsyncExitStack() as lines:
        visitors = [await lines.enter_async_context(visit(second.chat_url)) for _ in range(60)]
        await visitors[0].send("say", text=QUESTION)
        second.process.send_signal(signal.SIGTERM)
        closed_at = await asyncio.gather(*map(closing, visitors))
    assert any(event["kind"] == "bot_said" for event in visitors[0].events.values())
    assert max(closed_at) - min(closed_at) > 0.1  # 10 ms for each of a worker's
    assert await asyncio.to_thread(second.process.wait, PATIENCE_S) == 0


async def closing(visitor):
    """When the server closed it, after whatever it still sent."""
    try:
        while True:
            await visitor.hear()
    except ConnectionClosed as closed:
        assert closed.rcvd.code == 1012  # noqa: PT017 - a loop in pytest.raises is not one statement
        return time.monotonic()
