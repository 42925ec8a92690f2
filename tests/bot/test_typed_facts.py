"""Nothing is decided by what a reply says: other words, the same decisions; the same words quoted, no decision."""

from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from bot.answer.reply.catalogue import Phrasebook, default_phrasebook
from conversation.clock import ManualClock
from conversation.events import Author, BotSaid, Choice, Opened, VisitorSaid
from conversation.memory import MemoryStore
from conversation.values import Draft
from retrieval.articles.article import parse
from retrieval.index.builder import build
from retrieval.model.encoder import HashingEncoder
from tests.bot.conftest import NOON, lobby_over

ENGLISH = default_phrasebook().speaking("en")
OFFER = ENGLISH.offer
SOURCE = "This is from our article [Refunds](https://shop.example/refunds)."
APOLOGY = ENGLISH.say("fault")
ARTICLES = {
    "offers": f"# Wording of offers\n\nThe assistant asks whether visitors desire colleagues: “{OFFER}”\n",
    "emails": f"# Wording of emails\n\nOvernight messages contain this: {ENGLISH.leave_address}.\n",
    "sources": f"# Wording of sources\n\nReaders follow links. Every reply ends with such lines:\n\n{SOURCE}\n",
    "faults": f"# Wording of faults\n\nBroken encoders produce: “{APOLOGY}”\n",
    "refusals": f"# Wording of refusals\n\nUnknown subjects produce: “{ENGLISH.say('no_answer')}”\n",
    "people": "# Talk to a person\n\nMembers of staff telephone between nine and noon.\n",
    "refunds": "# Refunds\n\nA refund takes five days to reach your bank account.\n",
    "lamp": "# Reset the lamp\n\nTo reset it, hold the button until it clicks. Ten moments later green light fills rooms.\n",
    "camera": "# Reset the camera\n\nTo reset it, hold the button until it clicks. Pictures remain while seven profiles vanish quickly.\n",
}
QUOTED = {name: f"Wording of {name}" for name in ("offers", "emails", "sources", "faults", "refusals")}
UNKNOWN = "Do zebras whistle while juggling violins at night?"
OTHER = {
    "offer": "Speak to a person?",
    "offer_by_email": "May somebody write to you?",
    "leave_address": "Where can we write to you",
    "sorry": "That is annoying",
    "not_found": "nothing here fits",
    "not_found_either": "nothing else here fits",
    "person_label": "Get me our Kim",
    "no_answer": "Hm, {not_found}. {offer}",
    "source": "({article})",
    "source_goes_on": "More: {article}",
    "beside": "{offer} {sorry}!",
    "suggest": "Hm:",
    "suggest_other": "Or:",
    "clarify": "{options} ?",
    "helped_label": "This is ridiculous, you are useless!",
    "not_helped_label": "Thanks",
    "not_found_near": "{topics}, but not that",
}
AMBIGUOUS = "How to reset it, hold the button until it clicks?"
ADA = Author("visitor", None, "ada")


@pytest.fixture(scope="module")
def snapshot():
    return build([parse(text, path=f"{name}.md") for name, text in ARTICLES.items()], HashingEncoder())


@pytest.fixture
def chatting(snapshot, hashed):
    """Opens a chat with a bot that has other words for some phrases; what is said in it gives the reply."""

    @asynccontextmanager
    async def opened(*, desk_open=True, **words):
        clock = ManualClock(NOON)
        lobby = lobby_over(MemoryStore(worker="here", clock=clock), clock, snapshot, hashed)
        deps = replace(lobby.responder.deps(), phrasebook=Phrasebook({"en": replace(ENGLISH, **words)}))
        lobby.responder.deps = lambda: deps
        await lobby.start()
        if desk_open:
            await lobby.agent()

        async def say(text) -> BotSaid:
            first = await lobby.store.conversation("c") is None
            drafts = [*([Draft(ADA, Opened())] if first else []), Draft(ADA, VisitorSaid(text))]
            lobby.responder.take((await lobby.publisher.append("c", lambda _: drafts)).lease)
            await lobby.idle()
            return [event.payload for event in await lobby.log("c") if isinstance(event.payload, BotSaid)][-1]

        say.mind = lobby.mind
        try:
            yield say
        finally:
            await lobby.stop()

    return opened


async def play(chatting, says, **words):
    """The replies to what is said, one after the other."""
    async with chatting(**words) as say:
        return [await say(text) for text in says]


def facts(reply):
    """All that is decided by, and not its words."""
    return (
        reply.outcome, reply.reason, reply.offers_person, reply.failed, reply.confidence, reply.passage, reply.mood,
        reply.trace.get("ranked"), reply.trace.get("context"), [(choice.kind, choice.article_id) for choice in reply.choices],
        [citation.article_id for citation in reply.citations],
    )  # fmt: skip


@pytest.mark.parametrize("article", QUOTED)
async def test_what_an_article_quotes_makes_no_yes_a_call(chatting, article):
    answer, then = await play(chatting, [QUOTED[article], "yes"])
    assert (answer.outcome, answer.citations[0].article_id) == ("answer", article)
    assert (answer.offers_person, answer.failed) == (False, False)
    assert (then.outcome, then.reason) == ("small_talk", None)


async def test_an_article_that_quotes_a_refusal_or_an_apology_is_no_failure_and_raises_no_frustration(chatting):
    quoted = await play(chatting, [QUOTED["refusals"], QUOTED["faults"], "A refund takes how many days?"])
    plain = await play(chatting, [QUOTED["sources"], "Reset the lamp", "A refund takes how many days?"])
    assert {reply.outcome for reply in (*quoted, *plain)} == {"answer"}
    assert quoted[-1].mood == plain[-1].mood
    assert quoted[-1].choices == plain[-1].choices


async def test_a_passage_that_quotes_a_line_of_source_is_whole(chatting):
    (answer,) = await play(chatting, [QUOTED["sources"]])
    assert SOURCE in answer.passage
    assert answer.text.startswith(answer.passage)
    assert answer.text != answer.passage


@pytest.mark.parametrize("words", [{}, OTHER, {"offer": "¿Le paso con alguien?"}], ids=["ours", "other", "Spanish"])
async def test_yes_to_an_offer_calls_a_person_however_it_is_worded(chatting, words):
    refusal, then = await play(chatting, [UNKNOWN, "yes"], **words)
    assert (refusal.outcome, refusal.offers_person) == ("no_answer", True)
    assert words.get("offer", OFFER) in refusal.text
    assert (then.outcome, then.reason) == ("handoff", "visitor_asked")


async def test_pressing_the_button_for_a_person_calls_one_however_it_is_labelled(chatting):
    refusal, then = await play(chatting, [UNKNOWN, "Get me our Kim"], **OTHER)
    assert refusal.suggestions == ("Get me our Kim",)
    assert (then.outcome, then.reason) == ("handoff", "visitor_asked")


@pytest.mark.parametrize(
    "says",
    [
        [UNKNOWN, "My zebra whistles, and why?", "That's not what I asked!"],
        ["A refund takes how many days?", "That's not what I asked. This is ridiculous!", "hello?"],
        [AMBIGUOUS, "Reset the camera", "That didn't help", "A refund takes how many days?"],
        [AMBIGUOUS, "yes", "and then?"],
        [AMBIGUOUS, "This is ridiculous, nobody helps!", "yes"],
        [UNKNOWN, "hi", "yes"],
        [QUOTED["sources"], "This is ridiculous, you are useless!", "and where?", "no"],
    ],
)
@pytest.mark.parametrize("desk_open", [True, False])
async def test_the_same_dialogue_is_decided_alike_whatever_the_bots_words_are(chatting, says, desk_open):
    ours = await play(chatting, says, desk_open=desk_open)
    other = await play(chatting, says, desk_open=desk_open, **OTHER)
    assert [facts(reply) for reply in ours] == [facts(reply) for reply in other]
    assert [reply.text for reply in ours] != [reply.text for reply in other]


async def test_a_refusal_counts_towards_frustration_with_a_closed_desk_too(chatting):
    says = [UNKNOWN, "And do zebras whistle by day?", "Reset the lamp"]
    *_, with_desk = await play(chatting, says[1:])
    *_, without = await play(chatting, says, desk_open=False)
    assert without.mood.score > with_desk.mood.score


async def test_an_article_called_like_the_button_is_an_article(chatting):
    async with chatting() as say:
        answer = await say("Members of staff telephone between nine and noon?")
    assert answer.citations[0].article_id == "people"
    assert all(choice.kind == "article" for choice in answer.choices)
    assert not answer.has_offered_person


def test_a_related_article_called_like_the_button_offers_no_person():
    article = Choice("article", "Talk to a person", "people")
    assert not BotSaid("Five days.", "answer", (2,), choices=(article,)).has_offered_person


async def test_an_apology_for_a_fault_has_the_button_and_asks_to_ask_again_first(chatting):
    async with chatting() as say:
        say.mind.failure = ZeroDivisionError()
        apology = await say(UNKNOWN)
        say.mind.failure = None
        then = await say("yes")
    assert (apology.outcome, apology.failed, apology.offers_person) == ("no_answer", True, False)
    assert [choice.kind for choice in apology.choices] == ["person"]
    assert not apology.has_offered_person
    assert then.outcome == "small_talk"


async def test_the_passage_of_an_answer_to_a_frustrated_visitor_has_neither_source_nor_offer(chatting):
    calm, angry = await play(
        chatting, ["A refund takes how many days?", "A refund takes how many days?! THIS IS RIDICULOUS"]
    )
    assert angry.offers_person
    assert angry.text.endswith(ENGLISH.say("beside"))
    assert angry.passage == calm.passage == "A refund takes five days to reach your bank account."
