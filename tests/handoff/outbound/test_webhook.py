"""Webhooks over a real socket, as the Standard Webhooks specification wants them."""

import asyncio
import base64
import hashlib
import json
import ssl
from dataclasses import replace
from datetime import UTC, datetime

import httpx2
import pytest
import trustme

from conversation.clock import ManualClock
from conversation.events import (
    BOT,
    SYSTEM,
    Author,
    BotSaid,
    Closed,
    ContactLeft,
    Event,
    Holder,
    Opened,
    Standing,
    VisitorSaid,
)
from conversation.projections import desk_form
from conversation.state import fold
from handoff.outbound.dispatcher import Delivered, Failed, Notice
from handoff.outbound.webhook import Webhook, payload, signed
from tests.handoff.receiver import receiving

NOON = datetime(2026, 3, 2, 12, 0, 0, 125000, tzinfo=UTC)
KEY = bytes(range(32))
ADA = Author("visitor", "Ada", "v1")


def happened(*parts):
    events = [
        Event("c1", seq, f"e{seq}", NOON, by, payload, standing=standing)
        for seq, (by, payload, standing) in enumerate(parts, start=1)
    ]
    return Notice(events[-1], fold(events))


OPENED = (ADA, Opened("shop", "en"), Standing("bot", Holder("bot"), 0))
LEFT = happened(OPENED, (ADA, ContactLeft("ada@example.org", "Ada"), None))


def webhook(client, receiver, path="/hook", scheme="http"):
    return Webhook(client, ManualClock(NOON), url=f"{scheme}://127.0.0.1:{receiver.port}{path}", key=KEY)


@pytest.fixture
async def client():
    async with httpx2.AsyncClient(timeout=5) as client:
        yield client


async def told(client, answer, notice=LEFT):
    """What comes of telling a receiver that answers so, and what it got."""
    async with receiving(answer=answer) as receiver:
        verdict = await asyncio.wait_for(webhook(client, receiver).tell(notice), 5)
    return verdict, receiver


def hmac_sha256(key, message):
    """RFC 2104 by hand."""
    key = key.ljust(64, b"\0")
    inner, outer = (bytes(byte ^ pad for byte in key) for pad in (0x36, 0x5C))
    return hashlib.sha256(outer + hashlib.sha256(inner + message).digest()).digest()


async def test_what_arrives_is_one_post_of_json_with_the_three_headers_of_the_specification(client):
    verdict, receiver = await told(client, b"HTTP/1.1 204 No Content\r\n\r\n")
    assert verdict == Delivered()
    (request,) = receiver.requests
    assert request.line == "POST /hook HTTP/1.1"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["webhook-id"] == "msg_e2"
    assert request.headers["webhook-timestamp"] == str(int(NOON.timestamp()))
    content = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    expected = base64.b64encode(hmac_sha256(KEY, content)).decode()
    assert request.headers["webhook-signature"] == f"v1,{expected}"
    assert json.loads(request.body) == {
        "type": "conversation.contact_left",
        "timestamp": "2026-03-02T12:00:00.125000Z",
        "data": {
            "conversation_id": "c1",
            "site": "shop",
            "seq": 2,
            "event_id": "e2",
            "at": "2026-03-02T12:00:00.125000Z",
            "kind": "contact_left",
            "by": {"kind": "visitor", "name": "Ada", "id": "v1"},
            "email": "ada@example.org",
            "name": "Ada",
        },
    }


def test_the_signature_is_that_of_the_specifications_own_libraries():
    """The example that they all test against."""
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = signed(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", datetime.fromtimestamp(1614265330, UTC), b'{"test": 2432232314}', key
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_any_2xx_is_success(client, status):
    answer = f"HTTP/1.1 {status} Fine\r\nContent-Length: 0\r\n\r\n".encode()
    assert (await told(client, answer))[0] == Delivered()


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 502, 503])
async def test_every_other_status_is_put_off(client, status):
    answer = f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode()
    assert (await told(client, answer))[0] == Failed(f"status {status}")


async def test_410_is_for_good(client):
    verdict, _ = await told(client, b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n")
    assert verdict == Failed("status 410", final=True)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(client, status):
    async with receiving() as elsewhere:
        location = f"Location: http://127.0.0.1:{elsewhere.port}/\r\n"
        answer = f"HTTP/1.1 {status} Elsewhere\r\n{location}Content-Length: 0\r\n\r\n".encode()
        verdict, receiver = await told(client, answer)
        assert verdict == Failed(f"status {status}, and redirects are not followed")
        assert (len(receiver.requests), elsewhere.requests) == (1, [])


@pytest.mark.parametrize(
    ("asked", "after_s"),
    [
        ("120", 120),
        ("Mon, 02 Mar 2026 12:10:00 GMT", 600 - 0.125),
        ("Mon, 02 Mar 2026 11:00:00 GMT", -3600 - 0.125),
        ("soon", 0),
        ("", 0),
        ("-5", 0),
        ("²", 0),
        ("9" * 400, float("inf")),
        ("Mon, 99 Mar 99999 12:10:00 GMT", 0),
    ],
)
async def test_retry_after_is_read_as_seconds_or_date(client, asked, after_s):
    answer = f"HTTP/1.1 503 Later\r\nRetry-After: {asked}\r\nContent-Length: 0\r\n\r\n".encode("latin-1", "replace")
    assert (await told(client, answer))[0] == Failed("status 503", after_s)


async def test_the_body_of_an_answer_is_not_read_however_long(client):
    verdict, receiver = await told(client, b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n" + b"x" * 1000)
    assert verdict == Delivered()
    await asyncio.wait_for(receiver.closed.wait(), 5)


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH_9.9\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\0\r\n\r\n"])
async def test_what_is_no_http_is_a_failure(client, answer):
    verdict, _ = await told(client, answer)
    assert isinstance(verdict, Failed)
    assert verdict.problem.startswith("RemoteProtocolError")
    assert not verdict.final


async def test_who_does_not_answer_is_a_failure():
    async with httpx2.AsyncClient(timeout=0.05) as client:
        verdict, receiver = await told(client, None)
    assert verdict == Failed("ReadTimeout")
    assert len(receiver.requests) == 1


async def test_who_is_not_there_is_a_failure_that_does_not_tell_the_address(client):
    async with receiving() as receiver:
        pass
    verdict = await webhook(client, receiver, "/hook?token=secret").tell(LEFT)
    assert isinstance(verdict, Failed)
    assert verdict.problem.startswith("ConnectError")
    assert "secret" not in verdict.problem


async def test_https_is_spoken_with_those_alone_whose_certificate_is_good():
    authority = trustme.CA()
    server, trusting = (
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER),
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
    )
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(trusting)
    async with receiving(tls=server) as receiver:
        async with httpx2.AsyncClient(timeout=5, verify=trusting) as client:
            assert await webhook(client, receiver, scheme="https").tell(LEFT) == Delivered()
        async with httpx2.AsyncClient(timeout=5) as client:
            verdict = await webhook(client, receiver, scheme="https").tell(LEFT)
    assert isinstance(verdict, Failed)
    assert "CERTIFICATE_VERIFY_FAILED" in verdict.problem.upper()
    assert len(receiver.requests) == 1


def test_the_payload_is_the_desks_form_without_what_is_of_no_use_outside():
    said = BotSaid("Here is how.", "answer", (2,), trace={"query": "board", "hits": []})
    notice = happened(OPENED, (ADA, VisitorSaid("where?"), None), (BOT, said, None))
    keyed = replace(notice, event=replace(notice.event, client_id="k1"))
    form = desk_form(keyed.event)
    assert {"trace", "client_id"} <= set(form)
    expected = {name: value for name, value in form.items() if name not in ("trace", "client_id")}
    assert payload(keyed)["data"] == {"conversation_id": "c1", "site": "shop", **expected}


def test_an_event_that_changes_who_holds_the_chat_says_so():
    notice = happened(OPENED, (SYSTEM, Closed("done"), Standing("closed", Holder("nobody"), 1)))
    data = payload(notice)["data"]
    assert (data["state"], data["holder"]["kind"], data["hold"], data["reason"]) == ("closed", "nobody", 1, "done")
