"""The contract of `Store`: everything here holds for every adapter."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from conversation.errors import (
    AlreadyClaimed,
    AlreadySent,
    BadCursor,
    ClientIdReused,
    EmailTaken,
    IllegalTransition,
    LeaseLost,
    NewerConversation,
    NotFound,
    OverCapacity,
)
from conversation.events import (
    BOT,
    AgentSaid,
    Author,
    BotSaid,
    Choice,
    Closed,
    Opened,
    Released,
    Reopened,
    ReturnedToBot,
    Transferred,
    VisitorSaid,
)
from conversation.values import Agent, Append, Credential, Draft, Head, Key, Presence, TurnLease, Visitor

VISITOR = Author("visitor", None, "v1")


async def outcomes(*commands):
    return await asyncio.gather(*commands, return_exceptions=True)


def kinds(events):
    return [event.kind for event in events]


# --- appending and reading


async def test_what_was_acknowledged_is_read_by_every_worker(cluster, talk):
    said = await talk.say("my board does not show up", client_id="k1")
    assert kinds(said.events) == ["opened", "visitor_said"]
    assert [event.client_id for event in said.events] == [None, "k1"]
    assert await cluster.store.events("c1") == said.events
    assert await cluster.other.events("c1") == said.events
    assert await cluster.other.conversation("c1") == said.conversation


async def test_events_are_read_after_a_number_and_in_pages(cluster, talk):
    for text in "abc":
        await talk.say(text)
    assert [event.seq for event in await cluster.store.events("c1", after=1, limit=2)] == [2, 3]
    assert [event.seq for event in await cluster.store.events("c1", after=3)] == [4]
    assert await cluster.store.events("c1", after=4) == ()
    assert await cluster.store.events("nowhere") == ()
    assert await cluster.store.conversation("nowhere") is None


async def test_numbers_have_no_gap_however_many_write_at_once(cluster, talk):
    await talk.say("first")
    workers = (cluster.talk, cluster.other_talk)
    await asyncio.gather(*(workers[n % 2].say(f"message {n}") for n in range(60)))
    events = await cluster.store.events("c1")
    assert [event.seq for event in events] == list(range(1, 63))
    assert Counter(event.payload.text for event in events[1:]) == Counter(
        ["first", *(f"message {n}" for n in range(60))]
    )


async def test_the_visitor_is_stored_with_the_first_event(cluster, talk):
    visitor = Visitor("v1", "default", b"t" * 32, cluster.clock.now() + timedelta(days=90))
    assert await cluster.store.visitor_by_token(b"t" * 32) is None
    await talk.say(visitor=visitor)
    assert await cluster.store.visitor_by_token(b"t" * 32) == visitor


async def test_a_command_may_decide_that_nothing_happens(cluster, talk):
    said = await talk.say()
    nothing = await talk.do(VISITOR)
    assert (nothing.events, nothing.conversation, nothing.lease) == ((), said.conversation, None)


async def test_nothing_is_stored_of_a_command_that_is_refused_half_way(cluster, talk):
    said = await talk.say()
    with pytest.raises(IllegalTransition):
        await talk.do(VISITOR, Closed(), VisitorSaid("too late"))
    assert await cluster.store.conversation("c1") == said.conversation
    assert await cluster.store.events("c1") == said.events


async def test_what_nobody_opened_is_not_found(talk):
    with pytest.raises(NotFound):
        await talk.do(VISITOR, VisitorSaid("hello?"), conversation_id="nowhere")


async def test_a_command_that_breaks_harms_no_other(cluster, talk):
    def broken(now):
        return [Draft(VISITOR, VisitorSaid("x" * (1 // 0)))]

    command = Append("c1", cluster.clock.now(), broken)
    done = await outcomes(talk.say("before"), cluster.store.append(command), talk.say("after"))
    assert isinstance(done[1], ZeroDivisionError)
    assert kinds(await cluster.store.events("c1")) == ["opened", "visitor_said", "visitor_said"]


async def test_a_waiter_who_left_does_no_harm(cluster, talk):
    await talk.say("first")
    leaving = asyncio.ensure_future(talk.say("second"))
    staying = asyncio.ensure_future(talk.say("third"))
    await asyncio.sleep(0)
    leaving.cancel()
    await staying
    events = await cluster.store.events("c1")
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert events[-1].payload.text == "third"


@pytest.mark.parametrize("text", ["😀" * 4000, "'; DROP TABLE events; --", "\u202eevil", '{"hold": 7}'])
async def test_any_text_comes_back_as_it_was(cluster, talk, text):
    await talk.say(text)
    (event,) = await cluster.store.events("c1", after=1)
    assert event.payload == VisitorSaid(text)


# --- the permanent key


async def test_a_repeated_command_gets_the_same_event_and_stores_nothing(cluster, talk):
    first = await talk.say("hello", client_id="k1")
    again = await cluster.other_talk.say("hello", client_id="k1")
    assert again.events == first.events[1:]
    assert (again.again, again.lease) == (True, None)
    assert len(await cluster.store.events("c1")) == 2


async def test_a_key_is_looked_up_before_the_state(cluster, talk):
    first = await talk.do(VISITOR, Opened(), VisitorSaid("hello"), client_id="k1")
    await talk.close()
    again = await talk.do(VISITOR, Opened(), VisitorSaid("hello"), client_id="k1")
    assert again.events == first.events[1:]
    assert again.conversation.state == "closed"


async def test_a_key_with_another_body_is_refused_wherever_it_is_sent(talk):
    await talk.say("hello", client_id="k1")
    with pytest.raises(ClientIdReused) as refused:
        await talk.say("something else", client_id="k1")
    assert refused.value.client_id == "k1"
    with pytest.raises(ClientIdReused):
        await talk.say("something else", client_id="k1", conversation_id="c2")


async def test_a_key_of_an_earlier_conversation_says_where_it_stands(talk):
    await talk.say("hello", client_id="k1")
    await talk.close()
    await talk.say("new", conversation_id="c2")
    with pytest.raises(AlreadySent) as refused:
        await talk.say("hello", client_id="k1", conversation_id="c2")
    assert (refused.value.conversation_id, refused.value.seq) == ("c1", 2)


async def test_two_senders_may_use_the_same_key(talk):
    await talk.say("hello", client_id="k1")
    said = await talk.say("hello", client_id="k1", conversation_id="c2", visitor_id="v2")
    assert not said.again


async def test_of_many_equal_commands_at_once_one_is_carried_out(cluster, talk):
    await talk.say("first")
    workers = (cluster.talk, cluster.other_talk)
    done = await asyncio.gather(*(workers[n % 2].say("once", client_id="k1") for n in range(20)))
    assert sum(not appended.again for appended in done) == 1
    assert len({appended.events[0].event_id for appended in done}) == 1
    assert [event.payload.text for event in await cluster.store.events("c1", after=1)] == ["first", "once"]


# --- who may speak


async def test_of_fifty_claims_at_once_one_wins_and_the_others_learn_who(cluster, talk):
    await talk.queued()
    agents = [Agent(f"a{n}", f"a{n}@example.org", f"Agent {n}") for n in range(50)]
    for agent in agents:
        await cluster.store.add_agent(agent, None)
    workers = (cluster.talk, cluster.other_talk)
    done = await outcomes(*(workers[n % 2].claim(agent) for n, agent in enumerate(agents)))
    lost = [error for error in done if isinstance(error, AlreadyClaimed)]
    (winner,) = [appended for appended in done if not isinstance(appended, Exception)]
    assert len(lost) == 49
    assert {error.claimed_by for error in lost} == {winner.conversation.holder.name}
    assert kinds(await cluster.store.events("c1")).count("claimed") == 1


async def test_nobody_holds_more_than_their_capacity(cluster, talk):
    await cluster.store.add_agent(anna := Agent("a", "a@example.org", "Anna", capacity=3), None)
    for n in range(30):
        await talk.queued(f"c{n}", visitor_id=f"v{n}")
    workers = (cluster.talk, cluster.other_talk)
    done = await outcomes(*(workers[n % 2].claim(anna, f"c{n}") for n in range(30)))
    refused = [error for error in done if isinstance(error, OverCapacity)]
    assert len(refused) == 27
    assert {(error.held, error.capacity) for error in refused} == {(3, 3)}
    held = await cluster.store.conversations(holder_id="a")
    assert len(held.items) == 3
    await talk.close(held.items[0].conversation_id)
    await talk.claim(anna, (await cluster.store.queue())[0].conversation_id)


async def test_a_transfer_counts_against_who_receives_it(cluster, talk, anna, by):
    await cluster.store.add_agent(Agent("full", "full@example.org", "Full", capacity=0), None)
    await talk.queued()
    claimed = await talk.claim(anna)
    with pytest.raises(OverCapacity):
        await talk.do(by(anna), Transferred("full", "Full"))
    assert await cluster.store.conversation("c1") == claimed.conversation


async def test_capacity_does_not_count_what_the_agent_says(cluster, talk, by):
    await cluster.store.add_agent(anna := Agent("a", "a@example.org", "Anna", capacity=1), None)
    await talk.queued()
    await talk.claim(anna)
    said = await talk.do(by(anna), AgentSaid("I am looking into it"))
    assert said.conversation.holder.name == "Anna"


async def test_a_visitor_has_one_open_conversation(cluster, talk):
    first = await talk.say()
    with pytest.raises(NewerConversation):
        await talk.say(conversation_id="c2")
    assert await cluster.store.conversation("c2") is None
    assert await cluster.store.events("c2") == ()
    assert await cluster.store.conversation("c1") == first.conversation


async def test_an_older_conversation_is_not_reopened_beside_a_newer(cluster, talk):
    await talk.say()
    closed = await talk.close()
    await talk.say(conversation_id="c2")
    with pytest.raises(NewerConversation):
        await talk.do(VISITOR, Reopened())
    assert await cluster.store.conversation("c1") == closed.conversation
    await talk.close("c2")
    assert (await talk.do(VISITOR, Reopened())).conversation.state == "bot"


# --- the outbox


async def test_a_message_to_the_bot_leases_its_turn_to_who_stored_it(cluster, talk):
    said = await talk.say()
    assert said.lease.conversation_id == "c1"
    assert await cluster.other.take_turns(10) == ()
    assert await cluster.store.renew(said.lease)
    assert not await cluster.other.renew(said.lease)


async def test_a_message_during_a_turn_leaves_the_turn_where_it_is(talk):
    first = await talk.say("one")
    assert (await talk.say("two")).lease is None
    answered = await talk.answer(first.lease)
    assert answered.events[0].payload.answers == (2, 3)
    assert answered.lease is None


async def test_what_is_still_owed_after_a_reply_is_leased_anew(cluster, talk):
    first = await talk.say("one")
    await talk.say("two")
    answered = await talk.answer(first.lease, answers=(2,))
    assert answered.lease.fence > first.lease.fence
    assert answered.conversation.pending == (3,)
    with pytest.raises(LeaseLost):
        await talk.answer(first.lease)
    assert (await talk.answer(answered.lease)).lease is None
    await cluster.expire_leases()
    assert await cluster.store.take_turns(10) == ()


async def test_a_turn_whose_lease_ran_out_passes_to_another_worker(cluster, talk):
    said = await talk.say()
    await cluster.expire_leases()
    (taken,) = await cluster.other.take_turns(10)
    assert taken.fence > said.lease.fence
    assert not await cluster.store.renew(said.lease)
    with pytest.raises(LeaseLost):
        await talk.answer(said.lease)
    await cluster.other_talk.answer(taken)
    assert kinds(await cluster.store.events("c1")) == ["opened", "visitor_said", "bot_said"]


async def test_a_lease_that_ran_out_still_commits_where_nobody_took_it(cluster, talk):
    said = await talk.say()
    await cluster.expire_leases()
    assert kinds((await talk.answer(said.lease)).events) == ["bot_said"]


async def test_a_renewed_lease_is_not_taken(cluster, talk):
    said = await talk.say()
    await cluster.expire_leases()
    assert await cluster.store.renew(said.lease)
    assert await cluster.other.take_turns(10) == ()


async def test_a_fence_never_comes_twice(cluster, talk):
    """A worker that lost an earlier turn must not commit its reply to a later one."""
    lost = (await talk.say("one")).lease
    await cluster.expire_leases()
    (taken,) = await cluster.other.take_turns(1)
    await cluster.other_talk.answer(taken)
    later = (await talk.say("two")).lease
    assert later.fence > taken.fence > lost.fence
    with pytest.raises(LeaseLost):
        await talk.answer(lost)


async def test_a_person_who_takes_over_ends_the_turn(cluster, talk, anna, by):
    said = await talk.say()
    await talk.claim(anna)
    with pytest.raises(LeaseLost):
        await talk.answer(said.lease)
    await talk.do(by(anna), ReturnedToBot())
    with pytest.raises(LeaseLost):
        await talk.answer(said.lease)
    await cluster.expire_leases()
    assert await cluster.store.take_turns(10) == ()


async def test_what_a_person_is_told_is_not_owed_by_the_bot(cluster, talk, anna):
    await talk.queued()
    assert (await talk.say("are you there?")).lease is None
    await talk.claim(anna)
    assert (await talk.say("hello Anna")).lease is None
    await cluster.expire_leases()
    assert await cluster.store.take_turns(10) == ()


async def test_turns_are_taken_oldest_first_and_by_one_worker_each(cluster, talk):
    for n in range(6):
        await talk.say(conversation_id=f"c{n}", visitor_id=f"v{n}")
        cluster.clock.advance(0.001)
    await cluster.expire_leases()
    first = await cluster.other.take_turns(2)
    assert [lease.conversation_id for lease in first] == ["c0", "c1"]
    taken = await asyncio.gather(*(store.take_turns(2) for store in (cluster.store, cluster.other) * 2))
    assert sorted(lease.conversation_id for some in taken for lease in some) == ["c2", "c3", "c4", "c5"]


async def test_a_lease_nobody_has_is_refused_before_the_command_decides(cluster, talk):
    await talk.say()
    command = Append("c1", cluster.clock.now(), lambda now: pytest.fail("decided"), turn=TurnLease("c1", 7))
    with pytest.raises(LeaseLost):
        await cluster.store.append(command)


# --- lists


async def test_pages_follow_the_order_of_change_without_gap_or_repetition(cluster, talk):
    for n in range(7):
        await talk.say(conversation_id=f"c{n}", visitor_id=f"v{n}")
        if n % 3 == 0:
            cluster.clock.advance(1)
    seen, cursor = [], None
    while True:
        page = await cluster.store.conversations(limit=3, cursor=cursor)
        seen += [now.conversation_id for now in page.items]
        if page.next is None:
            break
        cursor = page.next
    assert seen == ["c6", "c5", "c4", "c3", "c2", "c1", "c0"]


@pytest.mark.parametrize("cursor", ["", "x", "12", "12.", ".c1", "-1.c1", "9" * 30 + ".c1", "²." + "c"])
async def test_a_cursor_from_elsewhere_is_refused(cluster, cursor):
    with pytest.raises(BadCursor):
        await cluster.store.conversations(cursor=cursor)


async def test_conversations_are_found_by_state_holder_and_words(cluster, talk, anna):
    await talk.say("my Portenta is on fire", conversation_id="c1", visitor_id="v1")
    await talk.queued("c2", visitor_id="v2")
    await talk.queued("c3", visitor_id="v3")
    await talk.claim(anna, "c3")
    await talk.say("100% of_it", conversation_id="c4", visitor_id="v4")
    await talk.close("c4")

    async def found(**filters):
        return {now.conversation_id for now in (await cluster.store.conversations(**filters)).items}

    assert await found(states=["queued", "agent"]) == {"c2", "c3"}
    assert await found(holder_id=anna.agent_id) == {"c3"}
    assert await found(text="portenta") == {"c1"}
    assert await found(text="0% OF_") == {"c4"}
    assert await found(text="1%of") == set()
    assert await found(text="_") == {"c4"}
    assert await found(text="visitor_asked") == set()
    assert await found(text="hello", states=["queued"]) == {"c2"}


async def test_the_queue_serves_priority_then_waiting_time(cluster, talk):
    for name, priority in (("late", "normal"), ("low", "low"), ("urgent", "urgent"), ("high", "high")):
        cluster.clock.advance(1)
        await talk.queued(name, visitor_id=name, priority=priority)
    cluster.clock.advance(-10)
    await talk.queued("early", visitor_id="early")
    assert [now.conversation_id for now in await cluster.store.queue()] == ["urgent", "high", "early", "late", "low"]


async def test_a_released_chat_waits_again(cluster, talk, anna, by):
    await talk.queued()
    await talk.claim(anna)
    assert await cluster.store.queue() == ()
    released = await talk.do(by(anna), Released("lunch"))
    assert await cluster.store.queue() == (released.conversation,)


async def test_the_latest_conversation_of_a_visitor_is_an_open_one_first(cluster, talk):
    assert await cluster.store.latest("v1") is None
    await talk.say(conversation_id="old")
    await talk.close("old")
    cluster.clock.advance(5)
    await talk.say(conversation_id="open")
    cluster.clock.advance(5)
    await talk.do(VISITOR, conversation_id="old")
    await talk.say(conversation_id="other", visitor_id="v2")
    assert (await cluster.store.latest("v1")).conversation_id == "open"
    await talk.close("open")
    assert (await cluster.store.latest("v1")).conversation_id == "open"


async def test_heads_say_how_far_conversations_and_visitors_have_come(cluster, talk):
    await talk.say(conversation_id="c1")
    await talk.close("c1")
    await talk.say(conversation_id="c2")
    await talk.say(conversation_id="c3", visitor_id="v2")
    assert set(await cluster.store.open_heads()) == {Head("c2", "v1", 2), Head("c3", "v2", 2)}
    heads = await cluster.store.heads(conversation_ids=["c1", "c3", "nowhere"], visitor_ids=["v1", "v2", "nobody"])
    assert sorted(heads, key=lambda head: head.conversation_id) == [
        Head("c1", "v1", 3),
        Head("c2", "v1", 2),
        Head("c3", "v2", 2),
    ]
    assert await cluster.store.heads(conversation_ids=[], visitor_ids=[]) == ()


# --- visitors


async def test_a_visitor_is_found_by_token_and_by_customer(cluster):
    visitor = Visitor(
        "v1", "shop", b"1" * 32, cluster.clock.now(), user_id="customer-7", name="Ada", email="a@b.example"
    )
    await cluster.store.save_visitor(visitor)
    renewed = replace(visitor, token_hash=b"2" * 32, expires_at=cluster.clock.now() + timedelta(days=90))
    await cluster.store.save_visitor(renewed)
    assert await cluster.store.visitor_by_token(b"1" * 32) is None
    assert await cluster.store.visitor_by_token(b"2" * 32) == renewed
    assert await cluster.store.visitor_by_user("shop", "customer-7") == renewed
    assert await cluster.store.visitor_by_user("elsewhere", "customer-7") is None


async def test_an_open_conversation_moves_to_a_customer_who_has_none(cluster, talk):
    await talk.say(conversation_id="c1", visitor_id="anonymous")
    assert await cluster.store.merge_visitor("anonymous", "customer")
    assert (await cluster.store.latest("customer")).conversation_id == "c1"
    assert await cluster.store.latest("anonymous") is None
    await talk.say(conversation_id="c2", visitor_id="anonymous")
    assert not await cluster.store.merge_visitor("anonymous", "customer")
    assert (await cluster.store.conversation("c2")).visitor_id == "anonymous"
    await talk.close("c2")
    assert not await cluster.store.merge_visitor("anonymous", "someone")
    assert not await cluster.store.merge_visitor("nobody", "someone")


# --- agents


async def test_accounts_are_unique_by_address_without_case(cluster, anna):
    with pytest.raises(EmailTaken):
        await cluster.store.add_agent(Agent("x", "ANNA@example.org", "Another"), None)
    assert await cluster.store.agent_by_email("Anna@Example.ORG") == (anna, "hash of Anna's password")
    assert await cluster.store.agent_by_email("nobody@example.org") is None
    assert await cluster.store.agent("x") is None


async def test_an_account_changes_but_keeps_its_address_and_password(cluster, anna, ben):
    changed = {"role": "lead", "capacity": 9, "disabled": True, "skills": ("billing",), "languages": ("de",)}
    promoted = replace(anna, name="Zoe", **changed)
    await cluster.store.save_agent(replace(promoted, email="other@example.org"))
    assert await cluster.store.agent(anna.agent_id) == promoted
    assert await cluster.store.agent_by_email(anna.email) == (promoted, "hash of Anna's password")
    assert await cluster.store.agents() == (ben, promoted)


async def test_a_one_time_login_is_spent_once(cluster, anna):
    login = Credential(b"s" * 32, "login", anna.agent_id, cluster.clock.now() + timedelta(hours=1))
    await cluster.store.add_credential(login)
    assert await cluster.other.credential(b"s" * 32) == (login, anna)
    stores = (cluster.store, cluster.other)
    spent = await asyncio.gather(*(stores[n % 2].spend_credential(b"s" * 32) for n in range(20)))
    assert sorted(spent, key=bool) == [None] * 19 + [login]
    assert await cluster.store.credential(b"s" * 32) is None


async def test_a_session_keeps_its_csrf_token(cluster, anna):
    session = Credential(b"s" * 32, "session", anna.agent_id, None, csrf="abc")
    await cluster.store.add_credential(session)
    assert await cluster.store.credential(b"s" * 32) == (session, anna)


async def test_presence_is_the_last_that_was_said(cluster, anna, ben):
    await cluster.store.set_presence(Presence(ben.agent_id, "away", cluster.clock.now()))
    await cluster.store.set_presence(Presence(anna.agent_id, "online", cluster.clock.now()))
    cluster.clock.advance(15)
    later = Presence(anna.agent_id, "offline", cluster.clock.now())
    await cluster.other.set_presence(later)
    assert await cluster.store.presences() == (
        later,
        Presence(ben.agent_id, "away", cluster.clock.now() - timedelta(seconds=15)),
    )


async def test_who_is_seen_stays_what_they_said_wherever_they_said_it(cluster, anna, ben):
    for store in (cluster.store, cluster.other):
        await store.renew_presence(anna.agent_id, cluster.clock.now())
    await cluster.other.set_presence(Presence(ben.agent_id, "away", cluster.clock.now()))
    cluster.clock.advance(15)
    await asyncio.gather(
        *(store.renew_presence(ben.agent_id, cluster.clock.now()) for store in (cluster.store, cluster.other))
    )
    assert await cluster.store.presences() == (
        Presence(anna.agent_id, "online", cluster.clock.now() - timedelta(seconds=15)),
        Presence(ben.agent_id, "away", cluster.clock.now()),
    )


# --- the bot's replies keep everything QA reads


async def test_a_reply_comes_back_with_its_trace(cluster, talk):
    said = await talk.say()
    trace = {"query": "board", "hits": [{"article_id": "a", "score": 0.25}], "timings_ms": {"search": 1}}
    reply = BotSaid(
        "Press reset twice.", "answer", (2,), (), 0.875, "kb1", "t1", choices=(Choice("article", "More?"),), trace=trace
    )
    await talk.do(BOT, reply, turn=said.lease)
    (event,) = await cluster.other.events("c1", after=2)
    assert event.payload == reply


async def test_the_same_key_has_the_same_digest_whatever_the_order_of_fields():
    one = Key.of(VISITOR, "k1", {"a": 1, "b": 2})
    assert one == Key.of(VISITOR, "k1", {"b": 2, "a": 1})
    assert one != Key.of(VISITOR, "k1", {"a": 1, "b": 3})
