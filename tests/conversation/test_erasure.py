"""Erasing, for every store: what goes, what stays, and that nothing of it comes back."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conversation import erasure
from conversation.bus import LocalBus
from conversation.errors import ClientIdReused, LeaseLost, Refused
from conversation.events import (
    BOT,
    SYSTEM,
    AgentSaid,
    Author,
    BotSaid,
    Choice,
    Citation,
    Claimed,
    Closed,
    ContactLeft,
    Event,
    HandoffRequested,
    Known,
    Mood,
    NoteAdded,
    Opened,
    PrioritySet,
    Rated,
    Redacted,
    Released,
    Reopened,
    ReturnedToBot,
    Surveyed,
    Tagged,
    Transferred,
    Unknown,
    VisitorSaid,
    revive,
    stored_body,
)
from conversation.projections import VISIBLE, desk_form, visitor_form
from conversation.publisher import Publisher
from conversation.sql import erasure_verification
from conversation.state import fold
from conversation.values import Append, Draft, Head, Holdings, Visitor

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
SECRET = 'Grüße "quoted" 4111-secret'
ADA = Author("visitor", "Ada Secret", "v1")
ANNA_SPEAKS = Author("agent", "Anna", "anna-id")
WROTE = [  # one of every kind that anyone types into
    (ADA, Opened("default", "en", {"url": f"https://example.org/{SECRET}", "title": SECRET})),
    (ADA, VisitorSaid(SECRET)),
    (
        BOT,
        BotSaid(
            f"You wrote {SECRET}",
            "no_answer",
            (2,),
            (Citation("a", SECRET, None, "/help/a", SECRET),),
            0.4,
            "k1",
            "t1",
            choices=(Choice("article", SECRET, "a"),),
            passage=SECRET,
            failed=True,
            mood=Mood(0.9, SECRET),
            trace={"query": SECRET},
        ),
    ),
    (ADA, Rated(3, helpful=False, comment=SECRET)),
    (ADA, HandoffRequested("visitor_asked", f"Wants: {SECRET}", "high")),
    (ANNA_SPEAKS, Claimed()),
    (ANNA_SPEAKS, AgentSaid(f"about {SECRET}")),
    (ANNA_SPEAKS, NoteAdded(SECRET)),
    (ANNA_SPEAKS, Tagged((SECRET,))),
    (ANNA_SPEAKS, PrioritySet("urgent")),
    (ANNA_SPEAKS, Transferred("ben-id", "Ben", SECRET)),
    (Author("agent", "Ben", "ben-id"), Released(SECRET)),
    (ADA, ReturnedToBot()),
    (ADA, ContactLeft("ada@secret.example", SECRET)),
    (ADA, Closed(SECRET)),
    (ADA, Reopened()),
    (SYSTEM, Closed("visitor")),
    (ADA, Surveyed(2, SECRET)),
]


@pytest.fixture
async def wrote(cluster, talk, anna, ben):
    """A conversation in which the secret stands everywhere it can, ended by an agent."""
    for by, payload in WROTE:
        by_ = ANNA_SPEAKS if payload == Closed(SECRET) else by
        if payload == Closed(SECRET):
            await talk.do(Author("visitor", "Ada Secret", "v1"), HandoffRequested("policy"))
            await talk.do(ANNA_SPEAKS, Claimed())
        cluster.clock.advance(1)
        await talk.do(by_, payload, client_id=uuid.uuid4().hex)
    visitor = Visitor(
        "v1", "default", b"t" * 32, cluster.clock.now(), "user-secret", "Ada Secret", "ada@secret.example"
    )
    await cluster.store.save_visitor(visitor)
    return await cluster.store.events("c1")


def texts(event):
    return f"{desk_form(event)} {visitor_form(event)}"


async def test_no_text_is_left_and_every_number_is(cluster, wrote):
    assert sum("ecret" in texts(event) for event in wrote) > 14
    done = await cluster.store.erase("c1", cluster.clock.now())
    events = await cluster.other.events("c1")
    assert [event for event in events if "ecret" in texts(event)] == []
    assert [event.seq for event in events] == list(range(1, len(wrote) + 2))
    for before, after in zip(wrote, events, strict=False):
        assert (before.event_id, before.at, before.kind, before.client_id, before.standing) == (
            after.event_id,
            after.at,
            after.kind,
            after.client_id,
            after.standing,
        )
        assert (before.by.kind, before.by.id) == (after.by.kind, after.by.id)
    (last,) = events[len(wrote) :]
    changed = [before.seq for before, after in zip(wrote, events, strict=False) if before != after]
    assert last.payload == Redacted(tuple(changed))
    assert done.count == len(changed)


async def test_the_row_is_the_fold_of_what_is_left(cluster, wrote):
    done = await cluster.store.erase("c1", cluster.clock.now())
    now = await cluster.other.conversation("c1")
    assert now == done.conversation == fold(await cluster.store.events("c1"))
    assert (now.preview, now.page, now.contact, now.tags, now.erased) == ("", None, None, (), True)


async def test_what_is_not_typed_stays_for_those_who_count(cluster, wrote):
    await cluster.store.erase("c1", cluster.clock.now())
    forms = {event.kind: desk_form(event) for event in await cluster.store.events("c1")}
    said = forms["bot_said"]
    assert (said["outcome"], said["answers"], said["confidence"], said["kb_version"]) == ("no_answer", [2], 0.4, "k1")
    assert (forms["rated"]["helpful"], forms["surveyed"]["score"]) == (False, 2)
    assert (forms["opened"]["site"], forms["transferred"]["to_name"]) == ("default", "Ben")
    assert forms["visitor_said"]["erased"] is True
    assert forms["priority_set"] == {**forms["priority_set"], "priority": "urgent"}


async def test_nothing_of_it_is_found_in_any_table(cluster, wrote):
    before = {(mention.table, mention.column) for mention in await cluster.store.mentions(["secret"])}
    assert {table for table, _ in before} == {"conversations", "events", "visitors"}
    assert await cluster.store.mentions([SECRET.replace("secret", "SECRET")])
    await cluster.store.erase("c1", cluster.clock.now())
    assert await cluster.store.forget_visitor("v1")
    assert await cluster.other.mentions(["secret", SECRET, "Ada"]) == ()
    assert not await cluster.store.forget_visitor("v1")
    assert await cluster.store.visitor_by_token(b"t" * 32) is None


async def test_a_second_erasure_changes_nothing(cluster, wrote):
    first = await cluster.store.erase("c1", cluster.clock.now())
    events = await cluster.store.events("c1")
    again = await cluster.other.erase("c1", cluster.clock.now())
    assert (again.conversation, again.count) == (first.conversation, 0)
    assert await cluster.store.events("c1") == events
    assert await cluster.store.erase("nowhere", cluster.clock.now()) is None


async def test_what_came_after_an_erasure_is_erased_by_the_next(cluster, talk, wrote):
    await cluster.store.erase("c1", cluster.clock.now())
    await talk.say("secret again")
    assert not (await cluster.store.conversation("c1")).erased
    assert (await cluster.store.erase("c1", cluster.clock.now())).count > 0
    assert await cluster.store.mentions(["secret again"]) == ()


async def test_an_open_conversation_is_closed_and_its_turn_is_dropped(cluster, talk):
    said = await talk.say("secret")
    now = (await cluster.store.erase("c1", cluster.clock.now())).conversation
    assert (now.state, now.pending, now.erased) == ("closed", (), True)
    with pytest.raises(LeaseLost):
        await talk.answer(said.lease)
    await cluster.expire_leases()
    assert await cluster.store.take_turns(10) == ()
    await talk.say("anew", conversation_id="c2")
    assert (await cluster.store.latest("v1")).conversation_id == "c2"


async def test_a_message_that_is_sent_again_does_not_come_back_as_a_new_one(cluster, talk):
    said = await talk.say("secret", client_id="k1")
    await cluster.store.erase("c1", cluster.clock.now())
    again = await cluster.other_talk.say("secret", client_id="k1")
    assert again.again
    assert again.events[0].event_id == said.events[1].event_id
    assert "secret" not in texts(again.events[0])
    assert await cluster.store.mentions(["secret"]) == ()


async def test_a_digest_that_could_be_guessed_from_is_gone_and_others_count(cluster, talk):
    await talk.say("yes", client_id="k1")
    await talk.say("no", conversation_id="c2", visitor_id="v2", client_id="k1")
    await cluster.store.erase("c1", cluster.clock.now())
    assert (await talk.say("another guess", client_id="k1")).again
    with pytest.raises(ClientIdReused):
        await talk.say("another", conversation_id="c2", visitor_id="v2", client_id="k1")


async def test_those_who_read_along_are_told(cluster, talk):
    await talk.say("secret")
    bus, heard = LocalBus(), []
    bus.listen(heard.append, conversation_id="c1")
    publisher = Publisher(cluster.store, bus, cluster.clock)
    done = await publisher.erase("c1")
    await publisher.erase("c1")
    assert [hint.seq for hint in heard] == [done.conversation.seq]


async def test_many_events_are_told_in_several_batches(cluster, talk, monkeypatch):
    monkeypatch.setattr(erasure, "SEQS_AN_EVENT", 4)
    monkeypatch.setattr("conversation.sql.statements.erasing.EVENTS_AT_ONCE", 3)
    for number in range(9):
        await talk.say(f"secret {number}")
    await cluster.store.erase("c1", cluster.clock.now())
    events = await cluster.store.events("c1")
    batches = [event.payload.seqs for event in events if event.kind == "redacted"]
    assert batches == [(2, 3, 4, 5), (6, 7, 8, 9), (10,)]
    assert await cluster.store.conversation("c1") == fold(events)


async def test_an_erasure_and_messages_at_once_leave_a_whole_log(cluster, talk):
    await talk.say("secret 0")
    words = (f"secret {number}" for number in range(1, 15))
    await asyncio.gather(
        *(cluster.other_talk.say(text) for text in words),
        cluster.store.erase("c1", cluster.clock.now()),
        cluster.other.erase("c1", cluster.clock.now()),
    )
    events = await cluster.store.events("c1")
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert await cluster.store.conversation("c1") == fold(events)
    await cluster.store.erase("c1", cluster.clock.now())
    assert await cluster.store.mentions(["secret"]) == ()


def erasable():
    known = [(by, payload) for by, payload in WROTE if payload != Closed(SECRET)]
    return st.lists(st.sampled_from(known[1:]), max_size=12)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(commands=erasable())
async def test_the_row_is_the_fold_after_an_erasure_wherever_the_conversation_stands(cluster, anna, ben, commands):
    conversation_id, visitor = uuid.uuid4().hex, Author("visitor", "Ada Secret", uuid.uuid4().hex)
    for by, payload in [WROTE[0], *commands]:
        drafts = [Draft(visitor if by is ADA else by, payload)]
        try:
            await cluster.store.append(Append(conversation_id, cluster.clock.now(), lambda now, drafts=drafts: drafts))
        except Refused:
            continue
    await cluster.store.erase(conversation_id, cluster.clock.now())
    events = await cluster.store.events(conversation_id)
    assert fold(events) == await cluster.store.conversation(conversation_id)
    assert [event for event in events if "ecret" in texts(event)] == []


def test_every_kind_says_what_of_it_stays():
    kinds = {kind.kind for kind in Known.__args__}
    typed = {"visitor_said", "agent_said", "note_added", "contact_left", "tagged"}
    assert kinds == {*erasure.KEPT, *erasure.REASONED, "opened"} | typed
    assert "text" not in {name for kept in erasure.KEPT.values() for name in kept}


@pytest.mark.parametrize(("by", "payload"), [*WROTE, (SYSTEM, Unknown("call_recorded", {"words": SECRET}))])
def test_an_erased_event_survives_the_store_and_is_not_erased_twice(by, payload):
    once = erasure.erased(Event("c1", 1, "e1", AT, by, payload))
    back, _ = revive(once.kind, 1, stored_body(once))
    assert back == once.payload
    assert erasure.erased(once) == once
    assert set(visitor_form(once)) - {"seq", "event_id", "at", "kind", "by"} <= set(VISIBLE.get(once.kind, ()))


# --- whose it is


async def test_a_visitor_has_all_their_conversations(cluster, talk):
    for number in (1, 2):
        await talk.say(conversation_id=f"c{number}")
        await talk.close(f"c{number}")
    await talk.say(conversation_id="other", visitor_id="v2")
    visitor = Visitor("v1", "default", b"t" * 32, cluster.clock.now())
    await cluster.store.save_visitor(visitor)
    assert await cluster.store.holdings(visitor_id="v1") == Holdings((visitor,), ("c1", "c2"))
    assert await cluster.store.holdings(visitor_id="nobody") == Holdings((), ())
    await cluster.store.erase("c1", cluster.clock.now())
    assert (await cluster.store.holdings(visitor_id="v1")).conversation_ids == ("c2",)


async def test_a_conversation_alone_can_be_named(cluster, talk):
    await talk.say()
    assert await cluster.store.holdings(conversation_id="c1") == Holdings((), ("c1",))
    assert await cluster.store.holdings(conversation_id="nowhere") == Holdings((), ())


@pytest.mark.parametrize("named", ["browser", "customer"])
async def test_what_a_browser_wrote_before_it_signed_in_is_the_customers(cluster, talk, named):
    await talk.say(conversation_id="closed", visitor_id="browser", client_id="k1")
    await talk.close("closed")
    await talk.say(conversation_id="moved", visitor_id="browser", client_id="k2")
    people = [Visitor(who, "default", who.encode() * 4, cluster.clock.now()) for who in ("browser", "customer")]
    for visitor in people:
        await cluster.store.save_visitor(visitor)
    await cluster.store.merge_visitor("browser", "customer")
    holdings = await cluster.store.holdings(visitor_id=named)
    assert holdings == Holdings(tuple(people), ("closed", "moved"))


async def test_an_address_is_found_where_it_was_signed_in_with_and_where_it_was_left(cluster, talk):
    signed = Visitor("v1", "default", b"t" * 32, cluster.clock.now(), "u1", "Ada", "Ada@Example.org")
    await cluster.store.save_visitor(signed)
    await talk.say(conversation_id="c1")
    await talk.say(conversation_id="c2", visitor_id="v2")
    contact = ContactLeft("ada@example.ORG")
    await talk.do(Author("visitor", None, "v2"), contact, conversation_id="c2")
    await talk.say("write to ada@example.org", conversation_id="c3", visitor_id="v3")
    holdings = await cluster.store.holdings(email="ADA@example.org")
    assert holdings == Holdings((signed,), ("c1", "c2"))


# --- everything in order


async def test_everything_is_read_in_pages_by_conversation_and_number(cluster, talk):
    for name in ("b", "a", "c"):
        await talk.say("one", conversation_id=name, visitor_id=name)
        await talk.say("two", conversation_id=name, visitor_id=name)
    whole = await cluster.store.records()
    assert [(event.conversation_id, event.seq) for event in whole] == [(name, n) for name in "abc" for n in (1, 2, 3)]
    batches, after = [], None
    while page := await cluster.other.records(after=after, limit=2):
        batches += page
        after = (page[-1].conversation_id, page[-1].seq)
    assert tuple(batches) == whole


async def test_what_is_written_between_two_pages_leaves_no_gap(cluster, talk):
    for name in ("a", "b"):
        await talk.say(conversation_id=name, visitor_id=name)
    first = await cluster.store.records(limit=3)
    for name in ("a", "b"):
        await talk.say("later", conversation_id=name, visitor_id=name)
    rest = await cluster.store.records(after=(first[-1].conversation_id, first[-1].seq))
    assert [(event.conversation_id, event.seq) for event in rest] == [("b", 2), ("b", 3)]


async def test_only_what_changed_since_is_read(cluster, talk):
    await talk.say(conversation_id="a", visitor_id="a")
    cluster.clock.advance(60)
    since = cluster.clock.now()
    await talk.say(conversation_id="b", visitor_id="b")
    assert {event.conversation_id for event in await cluster.store.records(since=since)} == {"b"}


# --- what is due


async def test_closed_conversations_are_due_oldest_first_until_they_are_erased(cluster, talk):
    for name in ("a", "b", "c"):
        cluster.clock.advance(60)
        await talk.say(conversation_id=name, visitor_id=name)
        if name != "b":
            await talk.close(name)
    assert await cluster.store.closed_before(cluster.clock.now(), limit=10) == (Head("a", "a", 3),)
    later = cluster.clock.now() + timedelta(seconds=1)
    assert [head.conversation_id for head in await cluster.store.closed_before(later, limit=10)] == ["a", "c"]
    assert [head.conversation_id for head in await cluster.store.closed_before(later, limit=1)] == ["a"]
    await cluster.store.erase("a", cluster.clock.now())
    assert [head.conversation_id for head in await cluster.store.closed_before(later, limit=10)] == ["c"]


async def test_a_visitor_is_forgotten_only_with_their_last_conversation(cluster, talk):
    visitor = Visitor("v1", "default", b"t" * 32, cluster.clock.now())
    await talk.say(visitor=visitor)
    await talk.close()
    await talk.say(conversation_id="c2")
    await cluster.store.erase("c1", cluster.clock.now())
    assert not await cluster.store.forget_visitor("v1", unless_in_use=True)
    await cluster.store.erase("c2", cluster.clock.now())
    assert await cluster.store.forget_visitor("v1", unless_in_use=True)


async def test_of_many_who_would_do_a_chore_one_does(cluster):
    workers = (cluster.store, cluster.other)
    done = await asyncio.gather(*(workers[n % 2].take_chore("tidy", every_s=60) for n in range(12)))
    assert sum(done) == 1
    assert not await cluster.store.take_chore("tidy", every_s=60)
    assert await cluster.other.take_chore("sweep", every_s=0)
    assert await cluster.store.take_chore("sweep", every_s=60)


# --- in the files


async def test_what_was_erased_is_in_no_byte_of_the_file_while_others_go_on_writing(sqlite_cluster, tmp_path):
    talk, store, word = sqlite_cluster.talk, sqlite_cluster.store, "unmistakable-4111"
    visitor = Visitor("v0", "default", b"t" * 32, AT, "u1", word, f"{word}@example.org")
    for number in range(40):
        await talk.say(f"{word} {number}", conversation_id=f"c{number}", visitor_id=f"v{number}", visitor=visitor)
    (before, _) = await store.copies([word])
    assert before.found
    stop = asyncio.Event()

    async def write():
        while not stop.is_set():
            await sqlite_cluster.other_talk.say("another", conversation_id="other", visitor_id="other")

    writing = asyncio.create_task(write())
    for number in range(40):
        await store.erase(f"c{number}", AT)
    await store.forget_visitor("v0")
    stop.set()
    await writing
    assert [copy.found for copy in await store.copies([word])] == [False, False]
    assert all(word.encode() not in file.read_bytes() for file in tmp_path.iterdir())


async def test_a_text_is_found_across_the_blocks_in_which_a_file_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(erasure_verification, "BLOCK_BYTES", 7)
    (tmp_path / "file").write_bytes(b"x" * 10 + "Grüße".encode() + b"y" * 10)
    assert erasure_verification._contains(tmp_path / "file", ["Grüße".encode()])
    assert not erasure_verification._contains(tmp_path / "file", ["Grüsse".encode()])


async def test_every_store_says_where_copies_may_be(cluster):
    for copy in await cluster.store.copies(["anything"]):
        assert copy.place
        assert copy.remedy
        assert copy.found in (False, None)
