"""Mails over a real mail server: when one goes out, what stands in it, and what does not."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta

import pytest
import trustme

from conversation.clock import ManualClock
from conversation.events import (
    BOT,
    SYSTEM,
    Author,
    Claimed,
    ContactLeft,
    Event,
    HandoffRequested,
    Holder,
    Opened,
    Released,
    ReturnedToBot,
    Standing,
    VisitorSaid,
)
from conversation.state import fold, permit
from handoff.outbound.dispatcher import Delivered, Failed, Later, Notice
from handoff.outbound.mail import LOOK_AGAIN_S, MAILS_AN_HOUR, REASONS, Mail
from handoff.outbound.mail_server import MailServer
from tests.handoff.mailroom import Mailroom, sorting

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECRET = "4111-secret\r\nBcc: everyone@example.org"
ADA = Author("visitor", SECRET, "v1")
ANNA = Author("agent", "Anna", "anna-id")
OPENED = (ADA, Opened("shop", "en", {"url": f"https://shop.example/{SECRET}", "title": SECRET}))
CALLED = (BOT, HandoffRequested("frustrated", f"Wants: {SECRET}"))
LEFT = (ADA, ContactLeft(f"{SECRET}@example.org", SECRET))


def happened(*parts, of=-1):
    """A notice of one of these events, in a conversation in which all of them happened."""
    events = []
    for seq, (by, payload) in enumerate((OPENED, (ADA, VisitorSaid(SECRET)), *parts), start=1):
        standing = permit(fold(events), by, payload) if events else Standing("bot", Holder("bot"), 0)
        events.append(Event("c1", seq, f"e{seq}", NOON + timedelta(minutes=seq), by, payload, standing=standing))
    return Notice(events[of], fold(events))


class Desk:
    """Who is at the desk."""

    def __init__(self, *present):
        self.agents = frozenset(present)

    async def present(self):
        return self.agents


def mail(
    room, desk=None, *, security="none", host="127.0.0.1", clock=None, console="https://chat.example/console", **of
):
    server = MailServer(host, room.port, security, **of)
    return Mail(
        server,
        clock or ManualClock(NOON),
        (desk or Desk()).present,
        sender="chat@shop.example",
        recipients=("support@shop.example", "boss@shop.example"),
        console_url=console,
    )


async def test_who_waits_at_an_empty_desk_is_written_about_with_reason_and_link():
    async with sorting() as room:
        assert await mail(room).tell(happened(CALLED)) == Delivered()
    (sent,) = room.mails
    assert room.envelopes == [("chat@shop.example", ["support@shop.example", "boss@shop.example"])]
    assert (sent["Subject"], sent["From"]) == ("A visitor waits for a person", "chat@shop.example")
    assert sent["To"] == "support@shop.example, boss@shop.example"
    assert (sent["Message-ID"], sent["Auto-Submitted"]) == ("<msg_e3@shop.example>", "auto-generated")
    assert sent["Date"].datetime == NOON
    assert sent.get_content().splitlines() == [
        "A visitor waits for a person, and nobody is at the desk.",
        "",
        "Reason: the visitor is frustrated",
        "Waits since: 2026-03-02 12:03 UTC",
        "Conversation: c1",
        "Site: shop",
        "",
        "Open the console: https://chat.example/console",
    ]


async def test_who_left_an_address_is_written_about_also_while_agents_are_there():
    async with sorting() as room:
        assert await mail(room, Desk("anna-id"), console=None).tell(happened(LEFT)) == Delivered()
    (sent,) = room.mails
    assert sent["Subject"] == "A visitor left an email address"
    assert "under To follow up" in sent.get_content()
    assert "https://" not in sent.get_content()


@pytest.mark.parametrize("notice", [happened(CALLED), happened(LEFT)])
async def test_nothing_that_a_visitor_typed_stands_in_a_mail(notice):
    async with sorting() as room:
        await mail(room).tell(notice)
    (sent,) = room.mails
    assert "secret" not in sent.as_string().lower()
    assert "Bcc" not in sent


async def test_while_somebody_is_at_the_desk_it_is_looked_again_until_they_leave_or_help():
    desk, waiting = Desk("anna-id"), happened(CALLED)
    async with sorting() as room:
        mails = mail(room, desk)
        assert await mails.tell(waiting) == Later(LOOK_AGAIN_S)
        assert await mails.tell(happened(CALLED, (ANNA, Claimed()), of=2)) == Delivered(needless=True)
        assert room.mails == []
        desk.agents = frozenset()
        assert await mails.tell(waiting) == Delivered()
    assert len(room.mails) == 1


@pytest.mark.parametrize(
    ("notice", "of"),
    [
        (happened(CALLED, (ADA, ReturnedToBot()), of=2), "a call that was taken back"),
        (happened(CALLED, (ADA, ReturnedToBot()), CALLED, of=2), "a call before the present one"),
        (happened(LEFT, (ANNA, Claimed()), of=2), "an address that was followed up"),
    ],
)
async def test_what_is_over_is_not_written_about(notice, of):
    async with sorting() as room:
        assert await mail(room).tell(notice) == Delivered(needless=True), of
    assert room.mails == []


async def test_who_lost_their_agent_waits_like_one_who_called():
    async with sorting() as room:
        lost = happened(CALLED, (ANNA, Claimed()), (SYSTEM, Released("Anna was not there")))
        assert await mail(room).tell(lost) == Delivered()
    assert "Waits since: 2026-03-02 12:03 UTC" in room.mails[0].get_content()


@pytest.mark.filterwarnings("ignore:Requiring AUTH")  # of the server, which does not see that it is under TLS
@pytest.mark.parametrize("kind", ["starttls", "tls"])
async def test_a_server_elsewhere_is_spoken_to_under_tls_with_its_certificate_checked(kind, monkeypatch, tmp_path):
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    login = {"security": kind, "host": "localhost", "user": "ada", "password": "swordfish"}
    async with sorting(tls=context, implicit=kind == "tls", login=True) as room:
        unknown = await mail(room, **login).tell(happened(CALLED))
        assert isinstance(unknown, Failed)
        assert "SSLCertVerificationError" in unknown.problem
        authority.cert_pem.write_to_path(tmp_path / "authority.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        assert await mail(room, **login).tell(happened(CALLED)) == Delivered()
        wrong = await mail(room, **login | {"password": "guess"}).tell(happened(CALLED))
        assert wrong == Failed("SMTPAuthenticationError 535")
    assert (room.encrypted, room.users) == ([True], ["ada"])


async def test_a_server_that_offers_no_encryption_is_not_told_the_password():
    async with sorting(login=True) as room:
        failed = await mail(room, security="starttls", user="ada", password="swordfish").tell(happened(CALLED))
    assert isinstance(failed, Failed)
    assert (room.users, room.mails) == ([], [])


async def test_what_a_server_says_of_addresses_does_not_reach_the_log():
    async with sorting() as room:
        room.refusal = "554 support@shop.example is unknown here"
        assert await mail(room).tell(happened(CALLED)) == Failed("SMTPDataError 554")


async def test_a_server_that_is_away_is_a_failure():
    async with sorting() as room:
        pass
    assert await mail(room).tell(happened(CALLED)) == Failed("SMTPConnectError (ConnectionRefusedError)")


async def test_visitors_cannot_fill_a_mailbox():
    clock = ManualClock(NOON)
    async with sorting() as room:
        mails = mail(room, clock=clock)
        verdicts = [await mails.tell(happened(LEFT)) for _ in range(MAILS_AN_HOUR)]
        assert set(verdicts) == {Delivered()}
        clock.advance(600)
        assert await mails.tell(happened(LEFT)) == Later(3000)
        clock.advance(3000)
        assert await mails.tell(happened(LEFT)) == Delivered()
    assert len(room.mails) == MAILS_AN_HOUR + 1


async def test_a_mail_that_is_cancelled_leaves_nothing_running():
    async def silent(_reader, writer):
        came.set()
        await gone.wait()
        writer.close()

    came, gone = asyncio.Event(), asyncio.Event()
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    room = Mailroom(port=server.sockets[0].getsockname()[1])
    telling = asyncio.create_task(mail(room).tell(happened(CALLED)))
    await asyncio.wait_for(came.wait(), 5)
    telling.cancel()
    (done,), _ = await asyncio.wait([telling], timeout=5)
    assert done.cancelled()
    gone.set()
    server.close()


def test_every_reason_has_words():
    reasons = HandoffRequested.__dataclass_fields__["reason"].type.__args__
    assert set(REASONS) == set(reasons)
