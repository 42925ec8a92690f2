"""What a visitor's own line is told of an erasure, and what they can do after it."""

import json

KNOWN = "How many days does a refund take to reach my bank account?"


async def test_an_open_line_is_told_what_to_drop_and_a_new_one_gets_no_text(lobby):
    guest = lobby.arrive()
    welcome = await guest.hello(page={"url": "https://shop.example/secret", "title": "secret"})
    await guest.ask(KNOWN)
    await lobby.idle()
    await lobby.publisher.erase(welcome["conversation_id"])
    redaction = await guest.until("event", kind="redacted")
    assert set(redaction["seqs"]) >= {2, 3}
    again = lobby.arrive()
    await again.hello(token=welcome["token"])
    await again.until("event", kind="redacted")
    frames = json.dumps(again.events())
    assert "refund" not in frames
    assert "secret" not in frames
    assert [event["seq"] for event in again.events()] == list(range(1, redaction["seq"] + 1))


async def test_a_message_that_is_sent_again_after_it_is_acknowledged_and_not_stored(lobby):
    guest = lobby.arrive()
    welcome = await guest.hello()
    client_id = await guest.say(KNOWN)
    await guest.until("event", kind="bot_said")
    await lobby.idle()
    await lobby.publisher.erase(welcome["conversation_id"])
    await guest.until("event", kind="redacted")
    await guest.say(KNOWN, client_id)
    again = await guest.until("event", again=True)
    assert (again["client_id"], again.get("text")) == (client_id, None)
    assert await lobby.store.mentions(["refund"]) == ()


async def test_a_turn_that_runs_meanwhile_brings_nothing_back(lobby):
    lobby.mind.hold()
    guest = lobby.arrive()
    welcome = await guest.hello()
    await guest.say(KNOWN)
    await lobby.mind.thinking()
    await lobby.publisher.erase(welcome["conversation_id"])
    lobby.mind.release()
    await lobby.idle()
    assert (await lobby.kinds(welcome["conversation_id"]))[-1] == "redacted"
    assert await lobby.store.mentions(["refund"]) == ()


async def test_who_goes_on_in_an_erased_conversation_is_answered(lobby):
    guest = lobby.arrive()
    welcome = await guest.hello()
    await guest.ask(KNOWN)
    await lobby.idle()
    await lobby.publisher.erase(welcome["conversation_id"])
    await guest.until("event", kind="redacted")
    reply = await guest.ask(KNOWN)
    assert reply["outcome"] == "answer"


async def test_a_visitor_who_was_forgotten_begins_anew(lobby):
    guest = lobby.arrive()
    welcome = await guest.hello()
    await guest.ask(KNOWN)
    await lobby.idle()
    (event, *_) = await lobby.log(welcome["conversation_id"])
    await lobby.publisher.erase(welcome["conversation_id"])
    assert await lobby.store.forget_visitor(event.by.id)
    known = lobby.arrive()
    await known.send("hello", protocol=1, token=welcome["token"])
    assert await known.closed() == 4401
    assert (await lobby.arrive().hello())["conversation_id"] != welcome["conversation_id"]
