"""A reply in the making reaches its visitor and nobody else, and is given up as soon as a person takes over."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.answer.reply.language_model.breaker import Breaker
from bot.answer.reply.language_model.budget import Budget
from bot.answer.reply.language_model.generate import Bounds, ModelGenerator
from bot.answer.reply.language_model.provider import StreamChunk
from conversation.errors import StorageUnavailable
from conversation.events import Author, Opened, VisitorSaid
from conversation.reducer import turn_id
from conversation.values import Append, Draft, Relayed, Visitor

PATIENCE_S = 5.0
FIRST, SECOND = "A refund takes five days [1].", " It reaches your bank account [1]."


class Model:
    """Writes two sentences, and waits before the second until it may go on."""

    def __init__(self) -> None:
        self.may_go_on = asyncio.Event()
        self.wrote_first = asyncio.Event()
        self.left = asyncio.Event()
        self.calls = 0

    async def __call__(self, _prompt):
        self.calls += 1
        try:
            yield StreamChunk(f"{FIRST}\n\n")
            self.wrote_first.set()
            await self.may_go_on.wait()
            yield StreamChunk(SECOND.strip(), end="done")
        finally:
            self.left.set()


@pytest.fixture
def model(lobby):
    """The lobby's bot has a model to word its answers."""
    return give_voice(lobby)


def give_voice(lobby):
    model = Model()
    bounds = Bounds(first_token_s=60, whole_s=60, input_tokens=3000, output_tokens=300)
    clock = lobby.clock
    generator = ModelGenerator(model, bounds, clock=clock, breaker=Breaker(clock), budget=Budget(clock, 1_000_000))
    deps = lobby.responder.deps
    lobby.responder.deps = lambda: replace(deps(), generator=generator)
    return model


async def patient(awaitable):
    async with asyncio.timeout(PATIENCE_S):
        return await awaitable


async def test_sentences_are_drafted_as_they_come_and_the_reply_begins_with_them(lobby, model, known):
    guest = lobby.arrive()
    await guest.hello()
    await guest.say(known)
    first = await guest.until("draft")
    model.may_go_on.set()
    second = await guest.until("draft")
    reply = await guest.until("event", kind="bot_said")
    assert first == {
        "type": "draft",
        "turn_id": reply["turn_id"],
        "attempt": 1,
        "offset": 0,
        "text": FIRST,
    }
    assert (second["turn_id"], second["offset"]) == (reply["turn_id"], len(FIRST))
    assert reply["text"].startswith(first["text"] + second["text"])
    assert [citation["article_id"] for citation in reply["citations"]] == ["refunds"]
    assert "trace" not in reply


async def test_a_draft_reaches_every_tab_of_its_visitor_and_nobody_else(lobby, model, known):
    first, stranger = lobby.arrive(), lobby.arrive()
    welcome = await first.hello()
    await stranger.hello()
    await first.say(known)
    await first.until("draft")
    second = lobby.arrive()
    await second.hello(token=welcome["token"])
    model.may_go_on.set()
    assert (await first.until("draft"))["text"] == (await second.until("draft"))["text"]
    assert "draft" not in {frame["type"] for frame in await stranger.settled()}


async def test_drafts_are_not_stored(lobby, model, known):
    guest = lobby.arrive()
    welcome = await guest.hello()
    await guest.say(known)
    await guest.until("draft")
    assert await lobby.kinds(welcome["conversation_id"]) == ["opened", "visitor_said"]
    model.may_go_on.set()
    await guest.until("event", kind="bot_said")


async def test_a_claim_ends_the_model_call_at_once(lobby, model, known):
    """No clock is turned: it is the claim itself that ends it, not the next renewal of the lease."""
    ana = await lobby.agent()
    guest = lobby.arrive()
    welcome = await guest.hello()
    await guest.say(known)
    await guest.until("draft")
    await lobby.desk.claim(welcome["conversation_id"], ana)
    await patient(model.left.wait())
    await lobby.idle()
    assert await lobby.kinds(welcome["conversation_id"]) == ["opened", "visitor_said", "claimed"]


async def test_a_turn_lost_to_another_worker_ends_the_model_call_at_the_next_renewal(memory_lobby, known):
    async with memory_lobby() as lobby:
        model = give_voice(lobby)
        guest = lobby.arrive()
        await guest.hello()
        await guest.say(known)
        await guest.until("draft")
        other = lobby.store.shared_with("other")
        lobby.store.renew = refused  # this worker could not renew, so that another adopts the turn
        lobby.clock.advance(lobby.store.lease_s)
        assert len(await other.take_turns(10)) == 1
        await patient(model.left.wait())


async def refused(_lease):
    return False


async def test_another_message_does_not_end_the_model_call(lobby, model, known):
    guest = lobby.arrive()
    await guest.hello()
    await guest.say(known)
    await guest.until("draft")
    await guest.say("thanks")
    await guest.until("event", kind="visitor_said")
    model.may_go_on.set()
    reply = await guest.until("event", kind="bot_said")
    assert (reply["answers"], model.calls) == ([2], 1)
    assert (await guest.until("event", kind="bot_said"))["outcome"] == "small_talk"


async def test_a_store_that_does_not_answer_does_not_end_the_model_call(memory_lobby, known):
    async with memory_lobby() as lobby:
        model = give_voice(lobby)
        guest = lobby.arrive()
        await guest.hello()
        await guest.say(known)
        await guest.until("draft")
        renew, asked = lobby.store.renew, asyncio.Event()

        async def unavailable(_lease):
            asked.set()
            raise StorageUnavailable("gone")

        lobby.store.renew = unavailable
        lobby.clock.advance(1.0)
        await patient(asked.wait())
        lobby.store.renew = renew
        model.may_go_on.set()
        assert (await guest.until("event", kind="bot_said"))["text"].startswith(FIRST)


async def test_the_next_attempt_at_a_turn_has_its_id_and_the_next_number(memory_lobby, known):
    """The widget throws the draft of the worker that died away and begins anew."""
    async with memory_lobby() as lobby:
        model = give_voice(lobby)
        drafts, changes = [], asyncio.Queue()

        def listen(hint):
            (drafts.append if isinstance(hint, Relayed) else changes.put_nowait)(hint)

        lobby.publisher.bus.listen(listen, conversation_id="c1")
        ada = Author("visitor", None, "ada")
        said = [Draft(ada, Opened()), Draft(ada, VisitorSaid(known))]
        visitor = Visitor("ada", "default", b"ada", lobby.clock.now() + timedelta(days=1))
        died = await lobby.store.shared_with("dead").append(
            Append("c1", lobby.clock.now(), lambda _: said, visitor=visitor)
        )
        assert died.lease is not None
        lobby.clock.advance(lobby.store.lease_s)
        model.may_go_on.set()
        await patient(changes.get())
        *_, reply = await lobby.log("c1")
        assert {draft.frame["turn_id"] for draft in drafts} == {reply.payload.turn_id}
        assert {draft.frame["attempt"] for draft in drafts} == {2}
        assert reply.payload.turn_id == turn_id("c1", died.lease.fence)


async def test_every_turn_of_a_conversation_has_its_own_id(lobby, model, known):
    model.may_go_on.set()
    guest = lobby.arrive()
    await guest.hello()
    replies = [await guest.ask(known), await guest.ask("thanks"), await guest.ask(known)]
    assert len({reply["turn_id"] for reply in replies}) == 3


async def test_only_answers_are_worded_by_the_model(lobby, model, unknown):
    await lobby.agent()
    guest = lobby.arrive()
    await guest.hello()
    outcomes = [(await guest.ask(text))["outcome"] for text in ("hello", unknown, "I want to talk to a human")]
    assert outcomes == ["small_talk", "no_answer", "handoff"]
    assert model.calls == 0
