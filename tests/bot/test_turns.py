import asyncio
import uuid
from datetime import timedelta

import pytest

from bot.answer.reply.catalogue import default_phrasebook
from bot.turns import ATTEMPTS, HISTORY_EVENTS
from conversation.errors import StorageUnavailable
from conversation.events import Author, BotSaid, HandoffRequested, Opened, Rated, VisitorSaid
from conversation.memory import MemoryStore
from conversation.sql.sqlite import SqliteStore
from conversation.state import fold
from conversation.values import Append, Draft, Visitor

ENGLISH = default_phrasebook().speaking("en")

CONVERSATION = "c1"
ADA = Author("visitor", None, "ada")
ANGRY = "I am really disappointed."


class Broken(Exception):
    """What no one foresaw."""


def opening(clock):
    """The visitor's first message as a worker's process would store it."""
    visitor = Visitor("ada", "default", b"ada", clock.now() + timedelta(days=90))
    return Append(
        CONVERSATION,
        clock.now(),
        lambda _: [Draft(ADA, Opened()), Draft(ADA, VisitorSaid("How many days does a refund take?"))],
        visitor=visitor,
    )


@pytest.fixture
async def dead_worker(store, clock, tmp_path):
    """Another process on the same database whose leases are over as soon as it has died."""
    if isinstance(store, MemoryStore):
        yield store.shared_with("dead")
    else:
        other = await SqliteStore.open(tmp_path / "handrail.db", worker="dead", lease_s=0)
        yield other
        await other.close()


async def replies(lobby, conversation_id=CONVERSATION) -> list[BotSaid]:
    return [e.payload for e in await lobby.log(conversation_id) if isinstance(e.payload, BotSaid)]


async def heard(lobby, conversation_id, kind):
    """Wait until the conversation holds an event of that kind."""
    grown = asyncio.Event()
    leave = lobby.publisher.bus.listen(lambda _: grown.set(), conversation_id=conversation_id)
    async with asyncio.timeout(10):
        while kind not in await lobby.kinds(conversation_id):
            await grown.wait()
            grown.clear()
    leave()


async def said(lobby, text, *, conversation_id=CONVERSATION):
    """The visitor says something, and the bot is given its turn, as `chat` does."""

    def decide(conversation):
        return [*([] if conversation else [Draft(ADA, Opened())]), Draft(ADA, VisitorSaid(text))]

    visitor = Visitor("ada", "default", b"ada", lobby.clock.now() + timedelta(days=90))
    appended = await lobby.publisher.append(conversation_id, decide, visitor=visitor)
    lobby.responder.take(appended.lease)
    return appended


async def test_a_question_is_answered_once_with_a_citation(lobby, known):
    asked = await said(lobby, known)
    await heard(lobby, CONVERSATION, "bot_said")
    (reply,) = await replies(lobby)
    assert (reply.outcome, reply.answers) == ("answer", (2,))
    assert [citation.article_id for citation in reply.citations] == ["refunds"]
    assert reply.kb_version == lobby.responder.deps().snapshot.kb_version
    assert 0.3 <= reply.confidence <= 1
    assert reply.trace["query"] == known
    assert asked.lease is not None


async def test_a_turn_whose_worker_died_is_adopted_once_its_lease_is_over(dead_worker, quiet_lobby):
    appended = await dead_worker.append(opening(quiet_lobby.clock))
    quiet_lobby.clock.advance(dead_worker.lease_s)
    await quiet_lobby.start()
    await heard(quiet_lobby, CONVERSATION, "bot_said")
    (reply,) = await replies(quiet_lobby)
    assert (reply.outcome, reply.answers) == ("answer", (2,))
    assert appended.lease is not None
    assert not await dead_worker.renew(appended.lease)


async def test_a_turn_is_not_adopted_while_its_worker_lives(memory_lobby):
    async with memory_lobby() as lobby:
        other = lobby.store.shared_with("other")
        lease = (await other.append(opening(lobby.clock))).lease
        for _ in range(5):
            lobby.clock.advance(1.0)
            await asyncio.sleep(0)
            assert await other.renew(lease)
        await lobby.idle()
        assert await lobby.kinds(CONVERSATION) == ["opened", "visitor_said"]


async def test_a_worker_that_was_only_slow_loses_its_reply_to_the_one_that_adopted(memory_lobby):
    async with memory_lobby() as lobby:
        slow = lobby.store.shared_with("slow")
        lease = (await slow.append(opening(lobby.clock))).lease
        lobby.clock.advance(slow.lease_s)
        await heard_adopted(lobby)
        other = type(lobby.responder)(lobby.publisher, lobby.desk, lobby.responder.deps, lobby.responder.policy)
        assert await other.answer(lease) is None
        assert len(await replies(lobby)) == 1


async def heard_adopted(lobby):
    lobby.clock.advance(1.0)
    await heard(lobby, CONVERSATION, "bot_said")


async def test_a_long_turn_keeps_its_lease(memory_lobby, known):
    async with memory_lobby() as lobby:
        lobby.mind.hold()
        await said(lobby, known)
        await lobby.mind.thinking()
        for _ in range(20):
            lobby.clock.advance(0.5)
            for _ in range(3):
                await asyncio.sleep(0)
        lobby.mind.release()
        await lobby.idle()
        assert len(lobby.mind.queries) == 1
        assert [reply.answers for reply in await replies(lobby)] == [(2,)]


async def test_a_reply_is_dropped_when_an_agent_claims_during_the_turn(lobby, known):
    ana = await lobby.agent()
    lobby.mind.hold()
    await said(lobby, known)
    await lobby.mind.thinking()
    await lobby.desk.claim(CONVERSATION, ana)
    lobby.mind.release()
    await lobby.idle()
    assert await lobby.kinds(CONVERSATION) == ["opened", "visitor_said", "claimed"]
    assert await lobby.store.take_turns(10) == ()


async def test_a_reply_is_dropped_even_when_the_chat_is_the_bots_again(lobby, known):
    ana = await lobby.agent()
    lobby.mind.hold()
    await said(lobby, known)
    await lobby.mind.thinking()
    await lobby.desk.claim(CONVERSATION, ana)
    await lobby.desk.return_to_bot(CONVERSATION, ana)
    lobby.mind.release()
    await lobby.idle()
    assert await lobby.kinds(CONVERSATION) == ["opened", "visitor_said", "claimed", "returned_to_bot"]
    await said(lobby, known)
    await lobby.idle()
    assert [reply.answers for reply in await replies(lobby)] == [(5,)]


async def test_a_reply_is_dropped_when_the_chat_is_closed_during_the_turn(lobby, known):
    ana = await lobby.agent()
    lobby.mind.hold()
    await said(lobby, known)
    await lobby.mind.thinking()
    await lobby.desk.claim(CONVERSATION, ana)
    await lobby.desk.close(CONVERSATION, ana)
    lobby.mind.release()
    await lobby.idle()
    assert await replies(lobby) == []


async def test_what_is_said_while_a_turn_runs_is_answered_by_the_next(lobby, known):
    lobby.mind.hold()
    await said(lobby, known)
    await lobby.mind.thinking()
    assert (await said(lobby, "and how do I reset a forgotten password?")).lease is None
    assert (await said(lobby, "thanks")).lease is None
    lobby.mind.release()
    await lobby.idle()
    assert [reply.answers for reply in await replies(lobby)] == [(2,), (3, 4)]
    assert await lobby.kinds(CONVERSATION) == ["opened", "visitor_said", "visitor_said", "visitor_said"] + 2 * [
        "bot_said"
    ]
    assert await lobby.store.take_turns(10) == ()


async def test_each_conversation_has_its_own_turn(lobby, known):
    lobby.mind.hold()
    await said(lobby, known)
    await lobby.mind.thinking()
    await lobby.publisher.append(
        "c2",
        lambda _: [Draft(Author("visitor", None, "bob"), Opened())],
        visitor=Visitor("bob", "default", b"bob", lobby.clock.now() + timedelta(days=1)),
    )
    appended = await lobby.publisher.append("c2", lambda _: [Draft(Author("visitor", None, "bob"), VisitorSaid("hi"))])
    lobby.responder.take(appended.lease)
    await heard(lobby, "c2", "bot_said")  # small talk needs no encoder
    assert await replies(lobby) == []
    lobby.mind.release()
    await lobby.idle()
    assert len(await replies(lobby)) == 1


async def test_a_turn_that_fails_apologises_and_offers_a_person(lobby, known):
    lobby.mind.failure = Broken("secret detail")
    await said(lobby, known)
    await lobby.idle()
    (reply,) = await replies(lobby)
    assert (reply.text, reply.outcome, reply.answers) == (ENGLISH.say("fault"), "no_answer", (2,))
    assert reply.suggestions == (ENGLISH.person_label,)
    assert "secret detail" not in str(reply)
    lobby.mind.failure = None
    await said(lobby, known)
    await lobby.idle()
    assert [reply.outcome for reply in await replies(lobby)] == ["no_answer", "answer"]


async def test_an_apology_is_in_the_language_of_the_visitor(lobby):
    lobby.mind.failure = Broken("secret detail")
    await said(lobby, "Wie lange dauert die Erstattung?")
    await lobby.idle()
    german = default_phrasebook().speaking("de")
    assert [(reply.text, *reply.suggestions) for reply in await replies(lobby)] == [(german.fault, german.person_label)]


async def test_a_turn_that_killed_every_worker_is_given_up_with_an_apology(memory_lobby, clock):
    async with memory_lobby() as lobby:
        await lobby.store.shared_with("dead").append(opening(lobby.clock))
        for n in range(ATTEMPTS - 1):
            lobby.clock.advance(3.0)
            (lease,) = await lobby.store.shared_with(f"dead-{n}").take_turns(1)
        assert lease is not None
        lobby.clock.advance(3.0)
        await heard(lobby, CONVERSATION, "bot_said")
        (reply,) = await replies(lobby)
        assert (reply.text, reply.answers) == (ENGLISH.say("fault"), (2,))
        assert lobby.mind.queries == []


async def test_the_last_attempt_is_a_real_one(memory_lobby):
    async with memory_lobby() as lobby:
        await lobby.store.shared_with("dead").append(opening(lobby.clock))
        for n in range(ATTEMPTS - 2):
            lobby.clock.advance(3.0)
            await lobby.store.shared_with(f"dead-{n}").take_turns(1)
        lobby.clock.advance(3.0)
        await heard(lobby, CONVERSATION, "bot_said")
        assert [reply.outcome for reply in await replies(lobby)] == ["answer"]


async def test_a_reply_that_could_not_be_stored_is_given_later(memory_lobby, known):
    async with memory_lobby() as lobby:
        store, attempts = lobby.store, []
        append = store.append

        async def append_later(command):
            if command.turn is not None and not attempts:
                attempts.append(command)
                raise StorageUnavailable("disk full")
            return await append(command)

        store.append = append_later
        await said(lobby, known)
        await lobby.idle()
        assert await replies(lobby) == []
        lobby.clock.advance(store.lease_s)
        await heard(lobby, CONVERSATION, "bot_said")
        assert [reply.answers for reply in await replies(lobby)] == [(2,)]


async def test_the_bot_lives_on_while_the_store_does_not_answer(memory_lobby, known):
    async with memory_lobby() as lobby:
        take_turns = lobby.store.take_turns

        async def refuse(_):
            raise StorageUnavailable("gone")

        lobby.store.take_turns = refuse
        lobby.clock.advance(1.0)
        await asyncio.sleep(0)
        lobby.store.take_turns = take_turns
        await said(lobby, known)
        await lobby.idle()
        assert len(await replies(lobby)) == 1


async def test_a_call_for_a_person_is_a_reply_and_a_handoff_in_one(lobby):
    await lobby.agent()
    await said(lobby, "I want to talk to a human")
    await lobby.idle()
    *_, reply, request = await lobby.log(CONVERSATION)
    assert (reply.payload.outcome, reply.payload.answers) == ("handoff", (2,))
    assert isinstance(request.payload, HandoffRequested)
    assert request.payload.reason == "visitor_asked"
    assert request.at == reply.at
    conversation = await lobby.store.conversation(CONVERSATION)
    assert (conversation.state, conversation.holder.kind, conversation.hold) == ("queued", "queue", 1)


async def test_with_the_desk_closed_the_bot_keeps_the_chat_and_asks_for_an_address(lobby):
    await said(lobby, "I want to talk to a human")
    await lobby.idle()
    (reply,) = await replies(lobby)
    assert (reply.text, reply.outcome) == (ENGLISH.say("desk_closed"), "no_answer")
    conversation = await lobby.store.conversation(CONVERSATION)
    assert (conversation.state, conversation.holder.kind, conversation.hold) == ("bot", "bot", 0)


async def test_two_questions_in_a_row_without_an_answer_call_a_person(lobby, unknown):
    await lobby.agent()
    for text in (unknown, "May giraffes knit umbrellas?"):
        await said(lobby, text)
        await lobby.idle()
    first, second = await replies(lobby)
    assert (first.outcome, first.suggestions) == ("no_answer", (ENGLISH.person_label,))
    assert second.outcome == "handoff"
    conversation = await lobby.store.conversation(CONVERSATION)
    assert (conversation.reason, conversation.priority) == ("repeated_failure", "normal")


async def test_whoever_minds_that_nothing_helped_is_urgent(lobby, unknown):
    await lobby.agent()
    for text in (unknown, f"This is ridiculous. {unknown}"):
        await said(lobby, text)
        await lobby.idle()
    conversation = await lobby.store.conversation(CONVERSATION)
    assert (conversation.reason, conversation.priority) == ("repeated_failure", "urgent")


async def test_a_frustrated_visitor_gets_the_answer_and_an_offer_and_then_a_person(lobby, known):
    await lobby.agent()
    others = "Do I reset a forgotten password from the sign-in page?", "Download every invoice as a PDF under Billing?"
    for text in (known, *(f"{ANGRY} {other}" for other in others)):
        await said(lobby, text)
        await lobby.idle()
    calm, offered, called = await replies(lobby)
    assert [calm.outcome, offered.outcome, called.outcome] == ["answer", "answer", "handoff"]
    assert (ENGLISH.person_label in calm.suggestions, ENGLISH.person_label in offered.suggestions) == (False, True)
    assert offered.text.endswith(f"\n\n{ENGLISH.say('beside')}")
    *_, request = await lobby.log(CONVERSATION)
    assert (request.payload.reason, called.text) == ("frustrated", ENGLISH.say("handoff_frustrated"))
    assert "Mood: " in request.payload.detail


async def test_yes_to_the_offer_beside_an_answer_calls_a_person(lobby, known):
    await lobby.agent()
    for text in (f"{ANGRY} {known}", "yes please"):
        await said(lobby, text)
        await lobby.idle()
    assert [reply.outcome for reply in await replies(lobby)] == ["answer", "handoff"]


async def test_with_the_desk_closed_yes_to_the_offer_beside_an_answer_asks_for_an_address(lobby, known):
    for text in (f"{ANGRY} {known}", "yes please"):
        await said(lobby, text)
        await lobby.idle()
    answered, asked_for = await replies(lobby)
    assert answered.text.endswith(ENGLISH.say("beside_desk_closed"))
    assert (asked_for.text, asked_for.outcome) == (ENGLISH.say("desk_closed"), "no_answer")


async def test_thanks_after_the_offer_are_taken_as_thanks(lobby, known):
    await lobby.agent()
    for text in (f"{ANGRY} {known}", "thanks", known.replace("many", "few")):
        await said(lobby, text)
        await lobby.idle()
    assert [reply.outcome for reply in await replies(lobby)] == ["answer", "small_talk", "answer"]


@pytest.mark.parametrize(("sign", "helpful", "says"), [("👍", True, "helped"), ("👎", False, "not_helped")])
async def test_a_thumb_after_an_answer_is_stored_as_the_visitors_rating_with_the_reply(
    lobby, known, sign, helpful, says
):
    await lobby.agent()
    for text in (known, sign):
        await said(lobby, text)
        await lobby.idle()
    *_, answered, _, rated, thanked = await lobby.log(CONVERSATION)
    assert rated.payload == Rated(answered.seq, helpful)
    assert (rated.by.kind, rated.by.id) == ("visitor", ADA.id)
    assert (thanked.payload.outcome, thanked.payload.answers) == ("small_talk", (rated.seq - 1,))
    assert thanked.payload.text == ENGLISH.small_talk(says, desk_open=True)
    assert rated.at == thanked.at


async def test_what_is_said_after_a_thumb_down_is_not_answered_from_that_article_again(lobby, known):
    await lobby.agent()
    for text in (known, "👎", known):
        await said(lobby, text)
        await lobby.idle()
    first, _, again = await replies(lobby)
    cited = {citation.article_id for citation in first.citations}
    assert cited
    assert cited.isdisjoint(citation.article_id for citation in again.citations)


async def test_a_thumb_after_no_answer_rates_nothing(lobby, unknown):
    for text in (unknown, "👎"):
        await said(lobby, text)
        await lobby.idle()
    assert "rated" not in await lobby.kinds(CONVERSATION)


async def test_what_an_agent_gave_back_goes_straight_to_a_person_where_the_bot_has_no_answer(lobby, known, unknown):
    ana = await lobby.agent()
    await said(lobby, "hello")
    await lobby.idle()
    await lobby.desk.claim(CONVERSATION, ana)
    await lobby.desk.return_to_bot(CONVERSATION, ana)
    for text in (known, unknown):
        await said(lobby, text)
        await lobby.idle()
    assert [reply.outcome for reply in await replies(lobby)] == ["small_talk", "answer", "handoff"]
    assert (await replies(lobby))[-1].text == ENGLISH.say("handoff_returned")
    conversation = await lobby.store.conversation(CONVERSATION)
    assert (conversation.state, conversation.reason) == ("queued", "repeated_failure")


async def test_what_was_offered_before_an_agent_had_the_chat_is_settled(lobby, known):
    ana = await lobby.agent()
    await said(lobby, f"{ANGRY} {known}")
    await lobby.idle()
    await lobby.desk.claim(CONVERSATION, ana)
    await lobby.desk.return_to_bot(CONVERSATION, ana)
    await said(lobby, f"{ANGRY} {known}")
    await lobby.idle()
    assert [reply.outcome for reply in await replies(lobby)] == ["answer", "answer"]


@pytest.mark.parametrize("after", ["That's not what I asked.", "That did not help. {known}"])
async def test_a_rejected_answer_is_not_given_again(lobby, known, after):
    for text in (known, after.format(known=known), "thanks", known):
        await said(lobby, text)
        await lobby.idle()
    first, second, _, again = await replies(lobby)
    assert [citation.article_id for citation in first.citations] == ["refunds"]
    assert second.text != first.text
    assert "refunds" not in [citation.article_id for reply in (second, again) for citation in reply.citations]
    assert again.trace["ranked"][0] == "refunds"


async def test_an_answer_that_was_marked_as_not_helpful_is_given_to_another_question(lobby, known):
    seq = (await said(lobby, known)).events[-1].seq + 1
    await lobby.idle()
    await lobby.publisher.append(CONVERSATION, lambda _: [Draft(ADA, Rated(seq, helpful=False))])
    for text in (known, "Where do I reset a forgotten password?", "When does a refund reach the bank account?"):
        await said(lobby, text)
        await lobby.idle()
    cited = [[citation.article_id for citation in reply.citations] for reply in await replies(lobby)]
    assert cited == [["refunds"], [], ["passwords"], ["refunds"]]


async def test_what_was_rejected_before_an_agent_had_the_chat_is_settled(lobby, known):
    ana = await lobby.agent()
    await said(lobby, known)
    await lobby.idle()
    await said(lobby, "That's not what I asked.")
    await lobby.idle()
    await lobby.desk.claim(CONVERSATION, ana)
    await lobby.desk.return_to_bot(CONVERSATION, ana)
    await said(lobby, known)
    await lobby.idle()
    first, _, again = await replies(lobby)
    assert again.citations == first.citations != ()


async def test_asking_again_as_the_apology_says_is_answered(lobby, known):
    await lobby.agent()
    for failure in (Broken(), None):
        lobby.mind.failure = failure
        await said(lobby, f"{ANGRY} {known}")
        await lobby.idle()
    assert [reply.outcome for reply in await replies(lobby)] == ["no_answer", "answer"]


async def test_the_call_for_a_person_tells_the_agent_what_is_wanted_and_was_tried(lobby, known, unknown):
    await lobby.agent()
    for text in ("hello", known, unknown, "I want to talk to a human"):
        await said(lobby, text)
        await lobby.idle()
    *_, request = await lobby.log(CONVERSATION)
    assert request.payload.detail.split("\n") == [
        f"Wants: “{known}”, then “{unknown}”",
        "Tried: “Refunds”; 1 question without an answer",
        "Why: the visitor asked for a person",
    ]
    conversation = await lobby.store.conversation(CONVERSATION)
    assert conversation.preview.startswith(f"Wants: “{known}”")


async def test_the_bot_is_silent_while_a_person_is_awaited_or_there(lobby, known):
    ana = await lobby.agent()
    await said(lobby, "I want to talk to a human")
    await lobby.idle()
    assert (await said(lobby, known)).lease is None
    await lobby.desk.claim(CONVERSATION, ana)
    assert (await said(lobby, known)).lease is None
    await lobby.idle()
    assert len(await replies(lobby)) == 1


async def test_a_follow_up_is_understood_from_what_was_said_before(lobby, known):
    await said(lobby, known)
    await lobby.idle()
    await said(lobby, "and why so?")
    await lobby.idle()
    alone, in_context = lobby.mind.queries[-2:]
    assert alone == "and why so?"
    assert in_context.startswith(f"{known}\nRefunds A refund takes five days")
    assert in_context.endswith("\nand why so?")


async def test_a_turn_reads_the_last_events_and_everything_unanswered(lobby):
    for n in range(HISTORY_EVENTS // 2 + 2):
        await said(lobby, f"Does a refund number {n} reach my bank account?")
        await lobby.idle()
    reads = []
    events = lobby.store.events

    async def counted(conversation_id, *, after=0, limit=500):
        reads.append(after)
        return await events(conversation_id, after=after, limit=limit)

    lobby.store.events = counted
    asked = await said(lobby, "Does it?")
    await lobby.idle()
    assert reads == [asked.conversation.seq - HISTORY_EVENTS]


async def test_the_row_stays_what_its_events_add_up_to(lobby, known, unknown):
    await lobby.agent()
    for text in (known, unknown, "thanks", "talk to a human please"):
        await said(lobby, text)
        await lobby.idle()
    assert fold(await lobby.log(CONVERSATION)) == await lobby.store.conversation(CONVERSATION)


async def test_every_message_of_a_busy_visitor_is_answered_exactly_once(lobby, known):
    numbers = []
    for n in range(30):
        appended = await said(lobby, f"{known} {uuid.uuid4()}")
        numbers.append(appended.events[-1].seq)
        if n % 3 == 0:
            await asyncio.sleep(0)
    await lobby.idle()
    answered = [seq for reply in await replies(lobby) for seq in reply.answers]
    assert sorted(answered) == numbers


async def test_a_message_that_is_being_stored_is_waited_for_as_a_running_turn_is(lobby):
    with lobby.responder.expecting():
        idle = asyncio.create_task(lobby.responder.idle())
        await asyncio.wait([idle], timeout=0.05)
        assert not idle.done()
    async with asyncio.timeout(5):
        await idle
