"""A real server tells a web address and a mailbox, and neither a kill nor a restart loses what they are to be told."""

import asyncio
import sqlite3
from contextlib import closing

import orjson
import pytest

from bot.assembly.storage import DATABASE
from tests.handoff.mailroom import sorting
from tests.handoff.receiver import receiving
from tests.harness.running import start
from tests.harness.visitor import visit

pytestmark = pytest.mark.slow

PATIENCE_S = 60
ADDRESS = "ada@example.org"


def owed(path):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT target, fence FROM notices ORDER BY target").fetchall()


def end_leases(path):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE notices SET due_at = 0")


async def nothing_is_owed(path):
    async with asyncio.timeout(PATIENCE_S):
        while await asyncio.to_thread(owed, path):  # noqa: ASYNC110 - another process offers no event
            await asyncio.sleep(0.1)


async def test_a_server_killed_between_telling_and_settling_tells_again_under_the_same_name(data_dir, small_kb):
    path = data_dir / DATABASE
    async with receiving(answer=None) as hook, sorting() as room:
        settings = {
            "HANDRAIL_WEBHOOK_URL": f"http://127.0.0.1:{hook.port}/hook",
            "HANDRAIL_WEBHOOK_SECRET": "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "HANDRAIL_EMAIL_TO": "support@shop.example",
            "HANDRAIL_EMAIL_FROM": "chat@shop.example",
            "HANDRAIL_SMTP_URL": f"smtp://127.0.0.1:{room.port}",
        }
        server = await asyncio.to_thread(start, data_dir, kb=small_kb, settings=settings)
        try:
            async with asyncio.timeout(PATIENCE_S), visit(server.chat_url) as visitor:
                await visitor.send("contact", email=ADDRESS)
                first = await hook.came.get()
        finally:
            server.kill()
        assert ("webhook", 1) in await asyncio.to_thread(owed, path)
        hook.answer = b"HTTP/1.1 204 No Content\r\n\r\n"
        await asyncio.to_thread(end_leases, path)
        server = await asyncio.to_thread(start, data_dir, kb=small_kb, settings=settings)
        try:
            second = await asyncio.wait_for(hook.came.get(), PATIENCE_S)
            await nothing_is_owed(path)
            hook.answer = None
            async with asyncio.timeout(PATIENCE_S), visit(server.chat_url) as visitor:
                await visitor.send("contact", email=ADDRESS)
                await hook.came.get()
        finally:
            assert await asyncio.to_thread(server.stop) == 0  # though the receiver has not answered
        assert ("webhook", 1) in await asyncio.to_thread(owed, path)
    assert second.headers["webhook-id"] == first.headers["webhook-id"]
    assert orjson.loads(second.body) == orjson.loads(first.body)
    assert orjson.loads(first.body)["data"]["email"] == ADDRESS
    assert {mail["Subject"] for mail in room.mails} == {"A visitor left an email address"}
    names = {mail["Message-ID"] for mail in room.mails}
    assert len(names) <= 2  # of two addresses, the second maybe not yet
    assert f"<{first.headers['webhook-id']}@shop.example>" in names
    assert ADDRESS not in server.log_path.read_text(encoding="utf-8")


async def test_with_nothing_set_nothing_is_owed(data_dir, small_kb):
    server = await asyncio.to_thread(start, data_dir, kb=small_kb)
    try:
        async with asyncio.timeout(PATIENCE_S), visit(server.chat_url) as visitor:
            await visitor.send("contact", email=ADDRESS)
            await visitor.until("contact_left")
        assert await asyncio.to_thread(owed, data_dir / DATABASE) == []
    finally:
        assert await asyncio.to_thread(server.stop) == 0
