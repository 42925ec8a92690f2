"""Where notices go, as an operator writes it, and that half of it stops the start."""

import asyncio
import base64
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from bot.assembly.adapters import open_notifiers
from bot.assembly.storage import open_store, subscriptions
from bot.server.doctor import _notices
from bot.settings.notice_targets import KINDS, mail_server, signing_key
from bot.settings.settings import Settings, SettingsError, load_settings
from conversation.clock import SystemClock
from conversation.events import SYSTEM, Author, Closed, Opened
from conversation.values import Append, Draft
from handoff.outbound.mail_server import MailServer

SECRET = base64.b64encode(bytes(range(32))).decode()
WEBHOOK = {"webhook_url": "https://example.com/hook", "webhook_secret": SECRET}
MAIL = {
    "email_to": ["support@example.com"],
    "email_from": "chat@example.com",
    "smtp_url": "smtp://ada:swordfish@mail.example.com",
}


@pytest.fixture(autouse=True)
def bare(monkeypatch, tmp_path):
    """No variables of the developer's own shell, no handrail.toml."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"HANDRAIL_{name}".upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def problems(**chosen):
    with pytest.raises(SettingsError) as refused:
        load_settings(**chosen)
    return "\n".join(refused.value.problems)


def test_without_a_setting_nobody_outside_is_told():
    assert subscriptions(load_settings()) == {}


async def test_without_a_setting_there_is_no_notifier():
    async with open_notifiers(load_settings(), SimpleNamespace(present=None), SystemClock()) as notifiers:
        assert notifiers == {}


async def test_each_target_that_is_set_has_its_notifier():
    settings = load_settings(**WEBHOOK, **MAIL)
    async with open_notifiers(settings, SimpleNamespace(present=None), SystemClock()) as notifiers:
        assert set(notifiers) == {"webhook", "email"}
        assert {name for names in subscriptions(settings).values() for name in names} == set(notifiers)


def test_a_webhook_is_told_of_calls_addresses_and_ends_and_a_mailbox_of_who_is_not_attended_to():
    assert subscriptions(load_settings(**WEBHOOK, **MAIL)) == {
        "closed": ("webhook",),
        "contact_left": ("webhook", "email"),
        "handoff_requested": ("webhook", "email"),
        "released": ("email",),
    }


def test_the_kinds_of_events_are_chosen(monkeypatch):
    monkeypatch.setenv("HANDRAIL_WEBHOOK_EVENTS", "visitor_said, rated")
    assert subscriptions(load_settings(**WEBHOOK)) == {"rated": ("webhook",), "visitor_said": ("webhook",)}


def test_a_kind_that_is_not_known_is_refused_with_those_that_are():
    messages = problems(webhook_events=["closed", "opend"])
    assert "'opend' is no kind of event" in messages
    assert all(kind in messages for kind in KINDS)
    assert "webhook_events" in problems(webhook_events=[])


@pytest.mark.parametrize(
    "url", ["https://example.com/hook?token=1", "http://127.0.0.1:9/x", "http://[::1]/", "http://localhost/"]
)
def test_a_webhook_is_https_or_on_this_machine(url):
    assert load_settings(**WEBHOOK | {"webhook_url": url}).webhook_url.get_secret_value() == url


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://example.com/hook", "not https"),
        ("http://127.0.0.1.example.com/", "not https"),
        ("http://10.0.0.1/", "not https"),
        ("ftp://example.com", "no web address"),
        ("example.com/hook", "no web address"),
        ("https://", "no web address"),
        ("https://example.com:port/", "no web address"),
        ("https://ada:swordfish@example.com/", "no web address"),
        ("https://example.com/\r\nX: y", "no web address"),
        ("https://example.com/#part", "no web address"),
    ],
)
def test_a_web_address_that_will_not_do_is_refused_and_not_shown(url, problem):
    said = problems(**WEBHOOK | {"webhook_url": url})
    assert f"webhook_url: it is {problem}" in said
    assert "swordfish" not in said


@pytest.mark.parametrize("secret", [SECRET, f"whsec_{SECRET}"])
def test_a_secret_is_base64_with_or_without_the_prefix(secret):
    assert signing_key(
        load_settings(**WEBHOOK | {"webhook_secret": secret}).webhook_secret.get_secret_value()
    ) == bytes(range(32))


@pytest.mark.parametrize(
    "secret", ["", "swordfish", base64.b64encode(b"x" * 23).decode(), base64.b64encode(b"x" * 65).decode(), "ü" * 40]
)
def test_a_secret_too_short_too_long_or_of_another_kind_is_refused_and_not_shown(secret):
    said = problems(**WEBHOOK | {"webhook_secret": secret})
    assert "base64 of 24 to 64 bytes" in said
    assert not secret or secret not in said


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example.com", MailServer("mail.example.com", 587, "starttls")),
        ("smtps://mail.example.com", MailServer("mail.example.com", 465, "tls")),
        ("smtp://a%40b:p%2Fw@mail.example.com:2525", MailServer("mail.example.com", 2525, "starttls", "a@b", "p/w")),
        ("smtp://localhost:25", MailServer("localhost", 25, "none")),
        ("smtps://127.0.0.1", MailServer("127.0.0.1", 465, "tls")),
    ],
)
def test_a_mail_server_elsewhere_is_always_spoken_to_under_tls(url, server):
    assert mail_server(url) == server
    assert load_settings(**MAIL | {"smtp_url": url}).smtp_url.get_secret_value() == url


@pytest.mark.parametrize(
    "url", ["mail.example.com", "http://mail.example.com", "smtp://", "smtp://m:port", "smtp://m/x"]
)
def test_a_mail_server_that_will_not_do_is_refused(url):
    assert "smtp_url: it is no mail server" in problems(**MAIL | {"smtp_url": url})


@pytest.mark.parametrize(
    "address",
    ["nobody", "a@b@c", "a b@c.de", "a@c.de\r\nBcc: x@y.z", "Ada <a@b.de>", "a@b.de,c@d.ef", "@b.de", "ä@b.de"],
)
def test_an_address_that_could_write_a_header_is_refused(address):
    assert "is no e-mail address" in problems(**MAIL | {"email_to": [address]})
    assert "is no e-mail address" in problems(**MAIL | {"email_from": address})


def test_several_mailboxes_are_listed_with_commas(monkeypatch):
    monkeypatch.setenv("HANDRAIL_EMAIL_TO", "a@example.com, b@example.com")
    given = {name: value for name, value in MAIL.items() if name != "email_to"}
    assert load_settings(**given).email_to == ("a@example.com", "b@example.com")


def test_what_is_missing_is_all_told_at_once():
    said = problems(webhook_url="https://example.com/hook", email_to=["support@example.com"])
    assert "webhook_url without webhook_secret: set it too" in said
    assert "email_to without email_from and smtp_url: set them too" in said
    assert "webhook_secret without webhook_url" in problems(webhook_secret=SECRET)


def test_secrets_do_not_show():
    shown = repr(load_settings(**WEBHOOK | {"webhook_url": "https://example.com/swordfish"}, **MAIL))
    assert SECRET not in shown
    assert "swordfish" not in shown


def test_doctor_tells_of_notices_that_could_not_be_told(monkeypatch, tmp_path):
    (none,) = _notices(Settings(data=tmp_path))
    assert (none.status, none.check) == ("ok", "notices")
    settings = Settings(data=tmp_path, **WEBHOOK)
    (fine,) = _notices(settings)
    assert fine.status == "ok"
    assert "told by webhook" in fine.message
    assert list(tmp_path.iterdir()) == []
    asyncio.run(fail_once(settings))
    (failing,) = _notices(settings)
    assert failing.status == "warn"
    assert failing.message.startswith("1 notice to webhook could not be told")


async def fail_once(settings):
    async with open_store(settings) as store:
        drafts = [Draft(Author("visitor", None, "v1"), Opened()), Draft(SYSTEM, Closed())]
        await store.append(Append("c1", datetime.now(UTC), lambda _: drafts))
        (lease,) = await store.take_notices("webhook", 1, lease_s=60)
        await store.put_off_notice(lease, 60, failed=True)
