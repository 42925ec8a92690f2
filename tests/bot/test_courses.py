"""Which of a visitor's conversations a socket follows: fresh ones, other tabs, signing in, and the desk status."""

import hashlib
import hmac
import json
import uuid

import pytest

from bot.visitor.desk_status import LOOK_EVERY_S

DAY_S = 24 * 3600


def identity(lobby, user_id="u-7"):
    now_s = lobby.clock.now().timestamp()
    claims = json.dumps({"site": "shop", "user_id": user_id, "name": "Ada", "iat": now_s, "exp": now_s + 300})
    secret = b"0123456789abcdef0123456789abcdef"
    return {"claims": claims, "signature": hmac.new(secret, claims.encode(), hashlib.sha256).hexdigest()}


def types(frames):
    return [frame["type"] for frame in frames if frame["type"] != "pong"]


async def said(guest, text="hi", client_id=None):
    """The client_id of a message that was acknowledged."""
    client_id = await guest.say(text, client_id) if client_id else await guest.say(text)
    await guest.until("event", client_id=client_id)
    return client_id


async def closed_talk(lobby):
    guest = lobby.arrive()
    welcome = await guest.hello()
    await guest.ask("hello")
    await guest.command("close")
    await guest.until("event", kind="closed")
    return guest, welcome


async def test_fresh_announces_nothing_to_the_socket_that_asked_for_it(lobby, known):
    old = lobby.arrive()
    before = await old.hello()
    await old.ask(known)
    new = lobby.arrive()
    await new.hello(token=before["token"], fresh=True)
    await new.ask(known)
    await new.settled()
    assert types(new.heard) == ["welcome", "event", "event", "event"]
    assert (await lobby.store.conversation(before["conversation_id"])).state == "closed"


async def test_two_tabs_that_begin_at_once_hear_the_same(lobby, known):
    _, welcome = await closed_talk(lobby)
    lobby.clock.advance(DAY_S + 1)
    tabs = [lobby.arrive(), lobby.arrive()]
    for tab in tabs:
        await tab.hello(token=welcome["token"])
    sent = [await tab.say(known) for tab in tabs]
    for tab, client_id in zip(tabs, sent, strict=True):
        await tab.until("event", client_id=client_id)
    await lobby.idle()
    for tab in tabs:
        await tab.settled()
    assert tabs[0].events() == tabs[1].events()
    assert [event["seq"] for event in tabs[0].events()] == list(range(1, len(tabs[0].events()) + 1))


async def test_a_resend_after_fresh_does_not_close_the_conversation_it_stands_in(quiet_lobby):
    first = quiet_lobby.arrive()
    welcome = await first.hello()
    client_id = await said(first)
    second = quiet_lobby.arrive()
    await second.hello(token=welcome["token"], fresh=True)
    await second.say("hi", client_id)
    assert (await second.until("error"))["code"] == "already_sent"
    assert (await quiet_lobby.store.conversation(welcome["conversation_id"])).state == "bot"


async def test_a_refused_command_after_fresh_closes_nothing(quiet_lobby):
    first = quiet_lobby.arrive()
    welcome = await first.hello()
    await said(first)
    second = quiet_lobby.arrive()
    await second.hello(token=welcome["token"], fresh=True)
    await second.command("survey", score=3)
    await second.until("error")
    assert (await quiet_lobby.store.conversation(welcome["conversation_id"])).state == "bot"


async def test_a_survey_does_not_prolong_the_time_to_reopen(lobby):
    guest, welcome = await closed_talk(lobby)
    lobby.clock.advance(DAY_S - 3600)
    await guest.command("survey", score=3)
    await guest.until("event", kind="surveyed")
    lobby.clock.advance(2 * 3600)
    again = await lobby.arrive().hello(token=welcome["token"])
    assert again["conversation_id"] != welcome["conversation_id"]


async def test_a_note_on_an_old_conversation_does_not_call_back_a_fresh_socket(lobby):
    ana = await lobby.agent()
    _, welcome = await closed_talk(lobby)
    fresh = lobby.arrive()
    await fresh.hello(token=welcome["token"], fresh=True)
    await lobby.desk.note(welcome["conversation_id"], ana, text="x")
    await fresh.settled()
    assert types(fresh.heard) == ["welcome"]


async def test_a_rating_sent_again_in_a_later_conversation_is_already_sent(lobby, known):
    guest = lobby.arrive()
    welcome = await guest.hello()
    reply = await guest.ask(known)
    client_id = await guest.command("rate", seq=reply["seq"], helpful=True)
    await guest.until("event", kind="rated")
    await guest.command("close")
    await guest.until("event", kind="closed")
    lobby.clock.advance(DAY_S + 1)
    later = lobby.arrive()
    await later.hello(token=welcome["token"])
    await later.command("rate", client_id, seq=reply["seq"], helpful=True)
    assert (await later.until("error"))["code"] == "already_sent"


async def test_a_client_id_is_acknowledged_as_it_was_written(quiet_lobby):
    guest = quiet_lobby.arrive()
    await guest.hello()
    client_id = str(uuid.uuid4()).upper()
    await guest.say("hi", client_id)
    assert (await guest.until("event", kind="visitor_said"))["client_id"] == client_id


@pytest.mark.parametrize("has_open", [False, True])
async def test_what_was_sent_before_signing_in_is_known_after_it(quiet_lobby, has_open):
    if has_open:
        elsewhere = quiet_lobby.arrive()
        await elsewhere.hello(site="shop", identity=identity(quiet_lobby))
        await said(elsewhere, "from my phone")
    browser = quiet_lobby.arrive()
    welcome = await browser.hello(site="shop")
    client_id = await said(browser)
    signed_in = quiet_lobby.arrive()
    await signed_in.hello(site="shop", token=welcome["token"], identity=identity(quiet_lobby))
    await signed_in.say("hi", client_id)
    if has_open:
        assert (await signed_in.until("error"))["code"] == "already_sent"
    else:
        assert (await signed_in.until("event", client_id=client_id))["seq"] == 2
    assert await quiet_lobby.kinds(welcome["conversation_id"]) == ["opened", "visitor_said"]


async def test_a_customer_who_has_not_written_yet_may_reload(lobby):
    welcome = await lobby.arrive().hello(site="shop", identity=identity(lobby))
    again = await lobby.arrive().hello(site="shop", token=welcome["token"], identity=identity(lobby))
    assert again["token"] == welcome["token"]


async def test_eight_messages_each_during_a_turn_are_all_answered_for_real(lobby, known):
    guest = lobby.arrive()
    await guest.hello()
    for number in range(8):
        lobby.mind.hold()
        await guest.say(f"{known} {number}")
        if number:
            lobby.mind.release()
        await lobby.mind.thinking()
    lobby.mind.release()
    await lobby.idle()
    await guest.settled()
    replies = [event for event in guest.events() if event["kind"] == "bot_said"]
    asked = [event["seq"] for event in guest.events() if event["kind"] == "visitor_said"]
    assert sorted(seq for reply in replies for seq in reply["answers"]) == asked
    assert len(asked) == 8
    assert replies[0]["outcome"] == "answer"


async def test_the_desk_is_said_to_open_and_to_close(lobby):
    guest = lobby.arrive()
    assert (await guest.hello())["desk_open"] is False
    ana = await lobby.agent()
    lobby.clock.advance(LOOK_EVERY_S)
    assert (await guest.until("desk"))["open"] is True
    await lobby.desk.attendance.announce(ana, "offline")
    lobby.clock.advance(LOOK_EVERY_S)
    assert (await guest.until("desk"))["open"] is False


async def test_a_place_in_the_queue_is_told_once_and_then_at_most_every_ten_seconds(lobby):
    await lobby.agent()
    ben = await lobby.agent("Ben")
    first, second = lobby.arrive(), lobby.arrive()
    before = await first.hello()
    await second.hello()
    for guest in (first, second):
        await guest.command("call_human")
        await guest.until("queue")
        lobby.clock.advance(1)
    resumed = lobby.arrive()
    welcome = await resumed.hello(token=before["token"], conversation_id=before["conversation_id"], after=2)
    assert welcome["queue"] == {"position": 1, "wait_s": None, "overdue": False}
    await lobby.desk.claim(before["conversation_id"], ben)
    assert "queue" not in types(await second.settled()) + types(await resumed.settled())


async def test_who_writes_while_waiting_hears_their_place_after_the_acknowledgement(lobby):
    await lobby.agent()
    guest = lobby.arrive()
    await guest.hello()
    await guest.command("call_human")
    place = await guest.until("queue")
    lobby.clock.advance(11)
    assert types(await guest.settled()) == []
    lobby.clock.advance(11)
    await said(guest, "thanks!")
    assert await guest.frame() == place
    assert types(await guest.settled()) == []


async def test_of_many_messages_within_ten_seconds_one_is_answered_with_the_place(lobby):
    await lobby.agent()
    guest = lobby.arrive()
    before = await guest.hello()
    await guest.command("call_human")
    place = await guest.until("queue")
    for text in ("thanks!", "??", "hello?"):
        await said(guest, text)
    assert types(await guest.settled()) == []
    resumed = lobby.arrive()
    await resumed.hello(token=before["token"], conversation_id=before["conversation_id"], after=2)
    lobby.clock.advance(11)
    assert [frame for frame in await guest.settled() if frame["type"] == "queue"] == [place]
    assert "queue" not in types(await resumed.settled())


async def test_a_verdict_of_one_who_waits_is_kept_and_a_pressed_choice_is_only_said(lobby, known):
    await lobby.agent()
    guest = lobby.arrive()
    await guest.hello()
    reply = await guest.ask(known)
    await guest.command("call_human")
    await guest.until("queue")
    await guest.command("rate", seq=reply["seq"], helpful=True)
    await said(guest, "That helped")
    await guest.settled()
    assert [frame["kind"] for frame in guest.heard if frame["type"] == "event"][-2:] == ["rated", "visitor_said"]


async def test_a_visitor_who_waited_too_long_is_told(lobby):
    await lobby.agent()
    guest = lobby.arrive()
    before = await guest.hello()
    await guest.command("call_human")
    assert (await guest.until("queue"))["overdue"] is False
    lobby.clock.advance(601)
    again = await lobby.arrive().hello(token=before["token"])
    assert again["queue"]["overdue"] is True
