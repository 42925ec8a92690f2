import asyncio
import hashlib
import hmac
import json
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.answer.reply.catalogue import default_phrasebook
from bot.visitor import delivery, session
from conversation.errors import StorageUnavailable
from conversation.events import VisitorSaid

ENGLISH = default_phrasebook().speaking("en")

SECRET = "0123456789abcdef0123456789abcdef"


async def stored(lobby) -> int:
    """How many conversations there are."""
    return len((await lobby.store.conversations()).items)


def numbers(events) -> list[int]:
    return [event["seq"] for event in events]


def identity(lobby, user_id="u-7") -> dict[str, str]:
    now_s = lobby.clock.now().timestamp()
    claims = json.dumps({"site": "shop", "user_id": user_id, "name": "Ada", "iat": now_s, "exp": now_s + 300})
    return {"claims": claims, "signature": hmac.new(SECRET.encode(), claims.encode(), hashlib.sha256).hexdigest()}


# Hello


async def test_hello_is_welcomed_and_stores_nothing(lobby):
    guest = lobby.arrive()
    welcome = await guest.hello(page={"url": "https://help.example/", "title": "Help"}, locale="de")
    assert await guest.settled() == []
    assert welcome == {
        "type": "welcome",
        "protocol": 1,
        "conversation_id": welcome["conversation_id"],
        "token": welcome["token"],
        "seq": 0,
        "state": "bot",
        "holder": {"kind": "bot", "name": None},
        "queue": None,
        "desk_open": False,
        "limits": {"max_text_chars": 4000, "heartbeat_s": 25},
    }
    assert await stored(lobby) == 0
    assert await lobby.store.visitor_by_token(hashlib.sha256(welcome["token"].encode()).digest()) is None


async def test_a_silent_line_costs_one_task_and_keeps_nothing_to_write_with(quiet_lobby):
    before = asyncio.all_tasks()
    guest = quiet_lobby.arrive()
    await guest.hello()
    await guest.settled()
    assert asyncio.all_tasks() - before == {guest.line.serving}


async def test_ping_and_typing_store_nothing_either(lobby):
    guest = lobby.arrive()
    await guest.hello()
    await guest.send("typing", on=True)
    await guest.send("ping")
    assert (await guest.until("pong"))["seq"] == 0
    assert await stored(lobby) == 0


async def test_the_welcome_says_whether_somebody_is_at_the_desk(lobby):
    await lobby.agent()
    assert (await lobby.arrive().hello())["desk_open"] is True
    lobby.clock.advance(46)
    assert (await lobby.arrive().hello())["desk_open"] is False


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ('{"type":"say","client_id":"6f1c6d1e-7f3b-4a5e-9c55-0d8f6f7a9b10","text":"hi"}', 4400),
        ('{"type":"ping"}', 4400),
        ('{"type":"hello"}', 4400),
        ("no JSON", 4400),
        ('{"type":"hello","protocol":1,"token":"made-up"}', 4401),
        ('{"type":"hello","protocol":1,"identity":{"claims":"{}","signature":"00"}}', 4403),
        ('{"type":"hello","protocol":1,"site":"attic"}', 4404),
        ('{"type":"hello","protocol":1,"pad":"' + "a" * 32 * 1024 + '"}', 4413),
    ],
)
async def test_a_first_frame_that_is_no_good_hello_ends_the_line(lobby, data, code):
    guest = lobby.arrive()
    await guest.line.put(data)
    assert await guest.closed() == code
    assert guest.heard == []


async def test_an_origin_counts_for_its_own_site_only(lobby):
    guest = lobby.arrive(origin="https://shop.example")
    await guest.send("hello", protocol=1)
    assert await guest.closed() == 4403
    welcome = await lobby.arrive(origin="https://shop.example").hello(site="shop")
    assert welcome["state"] == "bot"


async def test_whoever_says_no_hello_in_time_is_sent_away(lobby, monkeypatch):
    monkeypatch.setattr(session, "HELLO_WITHIN_S", 0.01)
    assert await lobby.arrive().closed() == 4408


async def test_too_many_hellos_from_one_address_are_4429(strict_lobby):
    for _ in range(120):
        await (await arrived(strict_lobby)).line.hang_up()
    guest = strict_lobby.arrive()
    assert await guest.closed() == 4429
    assert (await strict_lobby.arrive(address="192.0.2.2").hello())["type"] == "welcome"


async def arrived(lobby, **fields):
    guest = lobby.arrive()
    await guest.hello(**fields)
    return guest


# Frames after the welcome


async def test_a_bad_frame_is_an_error_and_the_tenth_in_a_minute_the_end(lobby):
    guest = await arrived(lobby)
    for _ in range(9):
        await guest.line.put('{"type":"shout"}')
        error = await guest.until("error")
        assert (error["code"], error["final"]) == ("bad_frame", True)
        assert error["message"]
    await guest.line.put("{")
    assert await guest.closed() == 4400


async def test_a_second_hello_is_a_bad_frame(lobby):
    guest = await arrived(lobby)
    await guest.send("hello", protocol=1)
    assert (await guest.until("error"))["code"] == "bad_frame"


@pytest.mark.parametrize(("text", "code"), [(" \n ", "empty_text"), ("😀" * 4_001, "text_too_long")])
async def test_a_text_that_does_not_fit_is_refused_by_its_client_id(lobby, text, code):
    guest = await arrived(lobby)
    client_id = await guest.say(text)
    error = await guest.until("error")
    assert (error["code"], error["client_id"], error["final"]) == (code, client_id, True)
    assert await stored(lobby) == 0


async def test_a_frame_that_is_too_big_ends_the_line_with_4413(lobby):
    guest = await arrived(lobby)
    await guest.send("ping", pad="a" * 32 * 1024)
    assert await guest.closed() == 4413


@pytest.mark.parametrize(
    "sent", ["a" * 4_000, "😀" * 4_000, "<b>&amp;</b>", "a\u202eb", "é\u0301", "'; DROP TABLE events;--"]
)
async def test_what_is_said_comes_back_unchanged(quiet_lobby, sent):
    guest = await arrived(quiet_lobby)
    client_id = await guest.say(sent)
    assert (await guest.until("event", client_id=client_id))["text"] == sent


async def test_nul_comes_back_as_the_replacement_character(quiet_lobby):
    guest = await arrived(quiet_lobby)
    client_id = await guest.say("a\x00b")
    assert (await guest.until("event", client_id=client_id))["text"] == "a\ufffdb"


# Talking


async def test_the_first_message_opens_the_conversation_and_is_answered(lobby, known):
    guest = lobby.arrive()
    welcome = await guest.hello(locale="en", page={"url": "https://help.example/billing"})
    reply = await guest.ask(known)
    opened, said, answered = guest.events()
    assert (opened["kind"], opened["site"], opened["locale"], opened["state"]) == ("opened", "default", "en", "bot")
    assert (said["kind"], said["text"], said["by"]) == ("visitor_said", known, {"kind": "visitor", "name": None})
    assert answered == reply
    assert (reply["outcome"], reply["answers"], reply["by"]["kind"]) == ("answer", [2], "bot")
    assert [citation["article_id"] for citation in reply["citations"]] == ["refunds"]
    assert "trace" not in reply
    log = await lobby.log(welcome["conversation_id"])
    assert [event.event_id for event in log] == [event["event_id"] for event in guest.events()]
    assert log[0].payload.page == {"url": "https://help.example/billing"}


async def test_the_event_is_the_acknowledgement_and_comes_after_the_commit(quiet_lobby):
    guest = quiet_lobby.arrive()
    welcome = await guest.hello()
    client_id = await guest.say("hi")
    ack = await guest.until("event", client_id=client_id)
    said = (await quiet_lobby.log(welcome["conversation_id"]))[ack["seq"] - 1]
    assert (said.client_id, said.payload) == (client_id, VisitorSaid("hi"))


async def test_pong_tells_how_far_the_socket_has_come(quiet_lobby):
    guest = await arrived(quiet_lobby)
    client_id = await guest.say("hi")
    ack = await guest.until("event", client_id=client_id)
    await guest.send("ping")
    assert (await guest.until("pong"))["seq"] == ack["seq"] == 2


async def test_a_visitor_and_an_agent_talk(lobby):
    ana = await lobby.agent()
    guest = lobby.arrive()
    conversation_id = (await guest.hello())["conversation_id"]
    client_id = await guest.command("call_human")
    request = await guest.until("event", client_id=client_id)
    assert (request["kind"], request["state"], request["holder"]) == (
        "handoff_requested",
        "queued",
        {"kind": "queue", "name": None},
    )
    assert (await guest.until("queue"))["position"] == 1
    await lobby.desk.claim(conversation_id, ana)
    claimed = await guest.until("event", kind="claimed")
    assert (claimed["state"], claimed["holder"]) == ("agent", {"kind": "agent", "name": "Ana"})
    await lobby.desk.note(conversation_id, ana, text="a secret remark")
    await lobby.desk.say(conversation_id, ana, text="Hello, I am Ana.")
    spoken = await guest.until("event", kind="agent_said")
    assert (spoken["text"], spoken["by"]) == ("Hello, I am Ana.", {"kind": "agent", "name": "Ana"})
    hidden = guest.events()[-2]
    assert set(hidden) == {"type", "seq", "event_id", "at", "kind"}
    assert hidden["kind"] == "hidden"
    assert "secret remark" not in json.dumps(guest.heard)
    assert "detail" not in json.dumps(guest.heard)
    assert numbers(guest.events()) == [1, 2, 3, 4, 5]


async def test_a_visitor_whose_agent_went_away_is_told_so_and_their_place(lobby):
    ana = await lobby.agent()
    guest = lobby.arrive()
    conversation_id = (await guest.hello())["conversation_id"]
    await guest.command("call_human")
    await guest.until("queue")
    await lobby.desk.claim(conversation_id, ana)
    await guest.until("event", kind="claimed")
    conversation = await lobby.desk.publisher.store.conversation(conversation_id)
    await lobby.desk.take_back(conversation, "Ana was not there for 2 minutes")
    released = await guest.until("event", kind="released")
    assert (released["by"], released["state"]) == ({"kind": "system", "name": None}, "queued")
    assert released["holder"] == {"kind": "queue", "name": None}
    assert (await guest.until("queue"))["position"] == 1
    assert "2 minutes" not in json.dumps(guest.heard)
    await lobby.desk.assign(await lobby.desk.publisher.store.conversation(conversation_id), ana)
    given = await guest.until("event", hold=4)
    assert (given["kind"], given["holder"]) == ("claimed", {"kind": "agent", "name": "Ana"})
    assert ana.agent_id not in json.dumps(guest.heard)


async def test_the_button_tells_the_agent_what_is_wanted_and_the_visitor_nothing_of_it(lobby, known):
    await lobby.agent()
    guest = await arrived(lobby)
    conversation_id = guest.heard[-1]["conversation_id"]
    await guest.say(known)
    reply = await guest.until("event", kind="bot_said")
    await guest.command("rate", seq=reply["seq"], helpful=False)
    await guest.until("event", kind="rated")
    await guest.command("call_human")
    await guest.until("event", kind="handoff_requested")
    *_, request = await lobby.log(conversation_id)
    assert request.payload.detail.split("\n") == [
        f"Wants: “{known}”",
        "Tried: “Refunds” (marked not helpful)",
        "Why: the visitor pressed the button",
    ]
    assert "Wants" not in json.dumps(guest.heard)
    assert "pressed" not in json.dumps(guest.heard)


async def test_whoever_calls_it_off_in_words_is_answered_what_else_they_ask(lobby, known):
    await lobby.agent()
    guest = lobby.arrive()
    await guest.hello()
    await guest.ask("I want to talk to a human")
    await guest.until("event", kind="handoff_requested")
    reply = await guest.ask(f"Never mind. {known}")
    assert (reply["outcome"], reply["citations"][0]["article_id"]) == ("answer", "refunds")
    back, said, _ = [event for event in guest.events() if event["seq"] > reply["seq"] - 3]
    assert (back["kind"], back["state"], "client_id" in back) == ("returned_to_bot", "bot", False)
    assert (said["kind"], reply["answers"]) == ("visitor_said", [said["seq"]])


async def test_calling_again_while_waiting_is_refused_and_cancelling_returns_to_the_bot(lobby):
    await lobby.agent()
    guest = await arrived(lobby)
    await guest.command("call_human")
    await guest.until("event", kind="handoff_requested")
    client_id = await guest.command("call_human")
    assert (await guest.until("error"))["client_id"] == client_id
    await guest.command("cancel_human")
    returned = await guest.until("event", kind="returned_to_bot")
    assert (returned["state"], returned["holder"]["kind"]) == ("bot", "bot")


async def test_who_presses_for_a_person_is_answered_in_the_language_that_they_wrote(lobby):
    guest = lobby.arrive()
    await guest.hello(locale="en")
    await guest.command("say", text="Wie lange dauert die Erstattung?")
    await guest.until("event", kind="bot_said")
    client_id = await guest.command("call_human")
    said = await guest.until("event", client_id=client_id)
    assert said["text"] == default_phrasebook().speaking("de").say("desk_closed")


async def test_with_nobody_at_the_desk_the_bot_stays_and_an_address_can_be_left(lobby):
    guest = lobby.arrive()
    conversation_id = (await guest.hello())["conversation_id"]
    client_id = await guest.command("call_human")
    said = await guest.until("event", client_id=client_id)
    assert (said["kind"], said["text"], said["by"]["kind"]) == ("bot_said", ENGLISH.say("desk_closed"), "bot")
    client_id = await guest.command("contact", email="ada@example.com", name="Ada")
    contact = await guest.until("event", client_id=client_id)
    assert (contact["kind"], contact["email"], contact["name"]) == ("contact_left", "ada@example.com", "Ada")
    conversation = await lobby.store.conversation(conversation_id)
    assert (conversation.state, conversation.hold, conversation.contact) == ("bot", 0, "ada@example.com")


async def test_an_agent_hears_that_the_visitor_types(lobby):
    guest = lobby.arrive()
    conversation_id = (await guest.hello())["conversation_id"]
    hints = []
    lobby.publisher.bus.listen(hints.append, conversation_id=conversation_id)
    await guest.send("typing", on=True)
    await guest.settled()
    (hint,) = hints
    assert (hint.to, hint.frame["type"], hint.frame["on"]) == ("desk", "typing", True)
    assert [frame for frame in guest.heard if frame["type"] == "typing"] == []


async def test_a_rating_is_of_a_reply(lobby, known):
    guest = await arrived(lobby)
    reply = await guest.ask(known)
    client_id = await guest.command("rate", seq=reply["seq"], helpful=False, comment="no")
    rated = await guest.until("event", client_id=client_id)
    assert (rated["kind"], rated["of"], rated["helpful"], rated["comment"]) == ("rated", 3, False, "no")
    for seq in (1, 2, 4, 99):
        client_id = await guest.command("rate", seq=seq, helpful=True)
        error = await guest.until("error")
        assert (error["code"], error["client_id"]) == ("bad_frame", client_id)


@pytest.mark.parametrize(
    "command", [("cancel_human", {}), ("survey", {"score": 3}), ("close", {}), ("rate", {"seq": 1, "helpful": True})]
)
async def test_what_needs_a_conversation_is_refused_without_one(lobby, command):
    kind, fields = command
    guest = await arrived(lobby)
    client_id = await guest.command(kind, **fields)
    error = await guest.until("error")
    assert (error["client_id"], error["final"]) == (client_id, True)
    assert await stored(lobby) == 0


# Resume


async def long_talk(lobby, known):
    """A conversation of 12 events of many kinds, at rest; its welcome and its events as one socket saw them."""
    ana = await lobby.agent()
    guest = lobby.arrive()
    welcome = await guest.hello()
    conversation_id = welcome["conversation_id"]
    reply = await guest.ask(known)
    await guest.command("rate", seq=reply["seq"], helpful=True)
    await guest.command("call_human")
    await guest.until("event", kind="handoff_requested")
    await lobby.desk.claim(conversation_id, ana)
    await lobby.desk.note(conversation_id, ana, text="remark")
    await lobby.desk.say(conversation_id, ana, text="Hello")
    await lobby.desk.return_to_bot(conversation_id, ana)
    await guest.ask("thanks")
    await guest.command("survey", score=5)
    await guest.until("event", kind="surveyed")
    assert numbers(guest.events()) == list(range(1, 13))
    return welcome, guest.events()


async def test_a_resume_at_any_point_brings_what_is_after_it_and_nothing_else(lobby, known):
    welcome, events = await long_talk(lobby, known)
    for after in range(len(events) + 1):
        guest = lobby.arrive()
        again = await guest.hello(token=welcome["token"], conversation_id=welcome["conversation_id"], after=after)
        assert (again["conversation_id"], again["seq"]) == (welcome["conversation_id"], 12)
        assert await guest.settled() == events[after:]
        await guest.line.hang_up()


@pytest.mark.parametrize("cursor", [{"after": 13}, {"after": 2**53}, {"after": 5, "conversation_id": "another"}, {}])
async def test_a_cursor_that_does_not_count_brings_everything(lobby, known, cursor):
    welcome, events = await long_talk(lobby, known)
    guest = lobby.arrive()
    await guest.hello(**({"token": welcome["token"], "conversation_id": welcome["conversation_id"]} | cursor))
    assert await guest.settled() == events


async def test_a_resumed_socket_goes_on_live(lobby, known):
    welcome, events = await long_talk(lobby, known)
    guest = lobby.arrive()
    await guest.hello(token=welcome["token"], conversation_id=welcome["conversation_id"], after=12)
    await guest.ask(known)
    assert numbers(guest.events()) == [13, 14]
    assert events[-1]["seq"] == 12


async def test_a_long_conversation_is_resumed_in_pages_without_gaps(quiet_lobby, monkeypatch):
    monkeypatch.setattr(delivery, "PAGE_EVENTS", 3)
    first = quiet_lobby.arrive()
    welcome = await first.hello()
    for n in range(20):
        await first.say(str(n))
    await first.until("event", text="19")
    second = quiet_lobby.arrive()
    await second.hello(token=welcome["token"])
    await second.until("event", text="19")
    assert numbers(second.events()) == list(range(1, 22))


async def test_every_tab_gets_every_event_once_ascending(lobby, known):
    first = lobby.arrive()
    welcome = await first.hello()
    await first.ask(known)
    tabs = [lobby.arrive() for _ in range(3)]
    for tab in tabs:
        await tab.hello(token=welcome["token"])
    for n in range(4):
        await tabs[n % 3].ask(f"{known} {n}")
    await lobby.idle()
    for tab in (first, *tabs):
        await tab.settled()
        assert numbers(tab.events()) == list(range(1, 12))
        assert tab.events() == first.events()


async def test_another_visitor_hears_nothing(lobby, known):
    guest, stranger = await arrived(lobby), lobby.arrive()
    conversation_id = guest.heard[0]["conversation_id"]
    await guest.ask(known)
    welcome = await stranger.hello(conversation_id=conversation_id, after=0)
    assert welcome["conversation_id"] != conversation_id
    assert await stranger.settled() == []


# Idempotency


async def test_a_repeat_gets_the_same_event_again_and_moves_no_cursor(lobby, known):
    guest = await arrived(lobby)
    client_id = await guest.say(known)
    first = await guest.until("event", client_id=client_id)
    await lobby.idle()
    await guest.settled()
    await guest.say(known, client_id)
    again = await guest.until("event")
    assert again == first | {"again": True}
    await guest.send("ping")
    assert (await guest.until("pong"))["seq"] == 3
    await lobby.idle()
    assert await guest.settled() == []


async def test_a_repeat_on_another_socket_is_acknowledged_there(quiet_lobby):
    first = quiet_lobby.arrive()
    welcome = await first.hello()
    client_id = await first.say("hi")
    await first.until("event", client_id=client_id)
    second = quiet_lobby.arrive()
    await second.hello(token=welcome["token"], conversation_id=welcome["conversation_id"], after=2)
    await second.say("hi", client_id)
    assert (await second.until("event"))["again"] is True
    assert await quiet_lobby.kinds(welcome["conversation_id"]) == ["opened", "visitor_said"]
    assert await first.settled() == []


@pytest.mark.parametrize(
    ("kind", "fields"), [("say", {"text": "bye"}), ("call_human", {}), ("contact", {"email": "a@b.example"})]
)
async def test_a_client_id_with_another_body_is_refused(quiet_lobby, kind, fields):
    guest = await arrived(quiet_lobby)
    client_id = await guest.say("hi")
    await guest.until("event", client_id=client_id)
    await guest.command(kind, client_id, **fields)
    error = await guest.until("error")
    assert (error["code"], error["client_id"], error["final"]) == ("client_id_reused", client_id, True)


async def test_visitors_do_not_share_client_ids(quiet_lobby):
    client_id = str(uuid.uuid4())
    for _ in range(2):
        guest = await arrived(quiet_lobby)
        await guest.say("hi", client_id)
        assert "again" not in await guest.until("event", client_id=client_id)


async def test_what_stands_in_an_earlier_conversation_was_already_sent(lobby):
    first = lobby.arrive()
    welcome = await first.hello()
    client_id = await first.say("hi")
    await first.until("event", client_id=client_id)
    await first.command("close")
    await first.until("event", kind="closed")
    lobby.clock.advance(25 * 3600)
    second = lobby.arrive()
    assert (await second.hello(token=welcome["token"]))["conversation_id"] != welcome["conversation_id"]
    await second.say("hi", client_id)
    error = await second.until("error")
    assert (error["code"], error["conversation_id"], error["seq"]) == (
        "already_sent",
        welcome["conversation_id"],
        2,
    )
    assert await stored(lobby) == 1


async def test_a_repeat_is_acknowledged_whatever_the_state_and_the_limits(strict_lobby):
    guest = await arrived(strict_lobby)
    client_id = await guest.say("hi")
    await guest.until("event", client_id=client_id)
    for n in range(19):
        await guest.say(str(n))
    refused = await guest.say("one too many")
    error = await guest.until("error", client_id=refused)
    assert (error["code"], error["final"]) == ("rate_limited", False)
    assert 1 <= error["retry_after_s"] <= 60
    await guest.command("close")
    await guest.until("event", kind="closed")
    await guest.say("hi", client_id)
    assert (await guest.until("event", client_id=client_id))["again"] is True
    assert guest.events()[-1]["kind"] == "closed"


steps = st.lists(
    st.tuples(st.sampled_from(["say", "say", "rush", "reconnect", "lose"]), st.integers(0, 3)), min_size=1, max_size=14
)


@settings(max_examples=40, deadline=None)
@given(steps=steps)
async def test_however_often_it_is_sent_each_command_is_stored_and_answered_once(memory_lobby, steps):
    """Resent at random, over sockets that come and go with and without having been read."""
    async with memory_lobby() as lobby:
        guest = lobby.arrive()
        welcome = await guest.hello()
        ids = [str(uuid.UUID(int=n)) for n in range(4)]
        sent: list[int] = []

        async def reconnect(*, seen: bool):
            await guest.line.hang_up()
            resume = {"conversation_id": welcome["conversation_id"], "after": max(numbers(guest.events()), default=0)}
            later = lobby.arrive()
            await later.hello(**({"token": welcome["token"]} if sent else {}), **(resume if seen else {}))
            return later

        for kind, n in steps:
            if kind in ("say", "rush"):
                await guest.say(f"question {n}", ids[n])
                sent += [n] if n not in sent else []
            if kind == "say":
                await guest.until("event", client_id=ids[n])
            elif kind != "rush":
                guest = await reconnect(seen=kind == "reconnect")
                welcome = guest.heard[0]
        await guest.settled()
        await lobby.idle()
        await guest.settled()
        log = await lobby.log(welcome["conversation_id"])
        assert [e.payload.text for e in log if e.kind == "visitor_said"] == [f"question {n}" for n in sent]
        answered = [seq for e in log if e.kind == "bot_said" for seq in e.payload.answers]
        assert answered == [e.seq for e in log if e.kind == "visitor_said"]
        assert numbers(guest.events()) == list(range(1 + len(log) - len(guest.events()), len(log) + 1))
        assert await stored(lobby) == bool(sent)


# Closing, reopening, starting over


async def closed_talk(lobby):
    guest = lobby.arrive()
    welcome = await guest.hello()
    await guest.ask("hello")
    client_id = await guest.command("close")
    closed = await guest.until("event", client_id=client_id)
    assert (closed["kind"], closed["state"], closed["holder"]["kind"]) == ("closed", "closed", "nobody")
    return guest, welcome


@pytest.mark.parametrize("wait_h", [0, 23.9])
async def test_saying_something_reopens_a_closed_conversation(lobby, wait_h, known):
    guest, welcome = await closed_talk(lobby)
    lobby.clock.advance(wait_h * 3600)
    back = lobby.arrive()
    again = await back.hello(token=welcome["token"])
    assert (again["conversation_id"], again["state"]) == (welcome["conversation_id"], "closed")
    await back.ask(known)
    await lobby.idle()
    await guest.settled()
    assert [event["kind"] for event in guest.events()][-3:] == ["reopened", "visitor_said", "bot_said"]


async def test_calling_a_person_reopens_a_closed_conversation(lobby):
    await lobby.agent()
    guest, _ = await closed_talk(lobby)
    await guest.command("call_human")
    await guest.until("event", kind="handoff_requested")
    assert [event["kind"] for event in guest.events()][-2:] == ["reopened", "handoff_requested"]


async def test_after_a_day_a_new_conversation_begins(lobby, known):
    _, welcome = await closed_talk(lobby)
    lobby.clock.advance(24.1 * 3600)
    back = lobby.arrive()
    again = await back.hello(token=welcome["token"], conversation_id=welcome["conversation_id"], after=4)
    assert again["conversation_id"] != welcome["conversation_id"]
    assert (again["seq"], again["state"]) == (0, "bot")
    await back.ask(known)
    assert numbers(back.events()) == [1, 2, 3]


async def test_a_socket_that_stayed_open_for_a_day_is_welcomed_to_the_new_conversation(lobby, known):
    guest, welcome = await closed_talk(lobby)
    lobby.clock.advance(24.1 * 3600)
    reply = await guest.ask(known)
    welcomes = [frame for frame in guest.heard if frame["type"] == "welcome"]
    assert len(welcomes) == 2
    assert welcomes[1]["conversation_id"] != welcome["conversation_id"]
    assert numbers(guest.events()) == [1, 2, 3]
    assert reply["answers"] == [2]


@pytest.mark.parametrize(
    ("kind", "fields", "event"),
    [
        ("survey", {"score": 4}, "surveyed"),
        ("contact", {"email": "a@b.example"}, "contact_left"),
        ("rate", {"seq": 3, "helpful": True}, "rated"),
    ],
)
async def test_verdicts_and_addresses_are_kept_without_reopening(lobby, kind, fields, event):
    guest, welcome = await closed_talk(lobby)
    client_id = await guest.command(kind, **fields)
    assert (await guest.until("event", client_id=client_id))["kind"] == event
    assert (await lobby.store.conversation(welcome["conversation_id"])).state == "closed"


async def test_fresh_closes_the_open_conversation_when_the_new_one_begins(lobby, known):
    old = lobby.arrive()
    before = await old.hello()
    await old.ask(known)
    new = lobby.arrive()
    welcome = await new.hello(token=before["token"], fresh=True)
    assert (welcome["seq"], welcome["state"]) == (0, "bot")
    await new.settled()
    assert (await lobby.store.conversation(before["conversation_id"])).state == "bot"  # nothing was said yet
    await new.ask(known)
    assert (await lobby.kinds(before["conversation_id"]))[-1] == "closed"
    announced = await old.until("welcome")
    assert announced["conversation_id"] == welcome["conversation_id"]
    await lobby.idle()
    await old.settled()
    assert old.events() == new.events()


async def test_a_conversation_begun_in_one_tab_is_announced_in_the_others(lobby, known):
    _, welcome = await closed_talk(lobby)
    lobby.clock.advance(25 * 3600)
    tabs = [lobby.arrive() for _ in range(3)]
    for tab in tabs:
        await tab.hello(token=welcome["token"])
    await tabs[0].ask(known)
    await lobby.idle()
    for tab in tabs:
        await tab.settled()
        assert numbers(tab.events()) == [1, 2, 3]
        assert tab.events() == tabs[0].events()
        last = [frame for frame in tab.heard if frame["type"] == "welcome"][-1]
        assert last["conversation_id"] == tabs[0].heard[0]["conversation_id"]


# Signing in


async def test_an_anonymous_conversation_goes_on_as_the_customers(lobby, known):
    browser = lobby.arrive()
    anonymous = await browser.hello(site="shop")
    await browser.ask(known)
    customer = lobby.arrive()
    signed_in = await customer.hello(site="shop", token=anonymous["token"], identity=identity(lobby))
    assert signed_in["conversation_id"] == anonymous["conversation_id"]
    assert signed_in["token"] != anonymous["token"]
    await customer.ask("thanks")
    assert numbers(customer.events()) == [1, 2, 3, 4, 5]
    elsewhere = lobby.arrive()
    assert (await elsewhere.hello(site="shop", identity=identity(lobby)))["seq"] == 5


async def test_a_customer_who_has_a_conversation_keeps_it(lobby, known):
    phone = lobby.arrive()
    customer = await phone.hello(site="shop", identity=identity(lobby))
    await phone.ask(known)
    browser = lobby.arrive()
    anonymous = await browser.hello(site="shop")
    await browser.ask(known)
    both = lobby.arrive()
    welcome = await both.hello(site="shop", token=anonymous["token"], identity=identity(lobby))
    assert welcome["conversation_id"] == customer["conversation_id"]
    assert (await lobby.store.conversation(anonymous["conversation_id"])).state == "bot"


async def test_a_customers_token_alone_opens_nothing(lobby, known):
    customer = lobby.arrive()
    welcome = await customer.hello(site="shop", identity=identity(lobby))
    await customer.ask(known)
    thief = lobby.arrive()
    await thief.send("hello", protocol=1, site="shop", token=welcome["token"])
    assert await thief.closed() == 4401


# When things go wrong


async def test_what_could_not_be_stored_may_be_sent_again(lobby, known):
    guest = await arrived(lobby)
    append = lobby.store.append

    async def refuse(command):
        raise StorageUnavailable("disk full")

    lobby.store.append = refuse
    client_id = await guest.say(known)
    error = await guest.until("error")
    assert (error["code"], error["client_id"], error["final"]) == ("storage_unavailable", client_id, False)
    assert error["retry_after_s"] > 0
    assert "disk full" not in error["message"]
    lobby.store.append = append
    await guest.say(known, client_id)
    assert "again" not in await guest.until("event", client_id=client_id)
    await guest.until("event", kind="bot_said")


async def test_a_hello_that_cannot_be_looked_up_is_told_to_try_later(lobby):
    async def refuse(_):
        raise StorageUnavailable("gone")

    lobby.store.latest = refuse
    guest = lobby.arrive()
    await guest.send("hello", protocol=1)
    assert await guest.closed() == 1013


async def test_a_reader_who_owes_too_many_frames_is_closed_and_resumes(memory_lobby, known):
    async with memory_lobby() as lobby:
        slow, other = lobby.arrive(), lobby.arrive()
        welcome = await slow.hello()
        await slow.ask(known)
        await other.hello(token=welcome["token"])
        for _ in range(delivery.QUEUED_FRAMES + 2):
            await slow.send("ping")
        assert await slow.closed() == 1013
        await other.ask(known)
        back = lobby.arrive()
        await back.hello(token=welcome["token"], conversation_id=welcome["conversation_id"], after=3)
        await back.until("event", kind="bot_said")
        assert numbers(back.events()) == [4, 5]


async def test_a_server_that_stops_hangs_up_on_everyone(lobby):
    guest = await arrived(lobby)
    for serving in list(lobby.services.chats):
        await serving.hang_up(1012, "restart")
    assert await guest.closed() == 1012


async def test_whoever_hangs_up_is_forgotten(lobby, known):
    guest = await arrived(lobby)
    await guest.ask(known)
    await guest.line.hang_up()
    assert lobby.services.chats == set()
    assert lobby.publisher.bus.topics() == (frozenset(), frozenset(), False)


async def test_a_visitor_who_leaves_is_answered_all_the_same(lobby, known):
    lobby.mind.hold()
    guest = lobby.arrive()
    welcome = await guest.hello()
    await guest.say(known)
    await lobby.mind.thinking()
    await guest.line.hang_up()
    lobby.mind.release()
    await lobby.idle()
    back = lobby.arrive()
    await back.hello(token=welcome["token"])
    assert (await back.until("event", kind="bot_said"))["answers"] == [2]
