"""Suggestions over the whole way: what is pressed below one is a message, a verdict, and the next reply."""

from dataclasses import replace

import pytest

from bot.answer.policy import Policy
from bot.answer.reply.catalogue import default_phrasebook
from conversation.events import BotSaid, Rated
from conversation.values import Reached
from retrieval.articles.article import parse
from retrieval.index.builder import build
from retrieval.model.encoder import HashingEncoder
from tests.bot.conftest import CLEANING, dozen

ENGLISH = default_phrasebook().speaking("en")
PRESSES = 10


@pytest.fixture(scope="module")
def snapshot():
    return build([parse(text, path=path) for path, text in dozen().items()], HashingEncoder())


@pytest.fixture
def lobby(lobby):
    """Its bot suggests whatever it finds and is never sure enough to answer."""
    lobby.responder.policy = Policy(answer_confidence=1.0, suggest_usefulness=0.0)
    return lobby


@pytest.fixture
async def guest(lobby):
    guest = lobby.arrive()
    guest.conversation_id = (await guest.hello())["conversation_id"]
    return guest


def kinds(reply):
    return [choice["kind"] for choice in reply["choices"]]


def shown(reply):
    return [citation["article_id"] for citation in reply["citations"]]


async def press(guest, reply, kind):
    """The bot's reply to the button of this kind."""
    return await guest.ask(next(choice["label"] for choice in reply["choices"] if choice["kind"] == kind))


async def test_a_suggestion_has_its_articles_as_citations_and_its_buttons_in_order(guest):
    reply = await guest.ask(CLEANING)
    assert (reply["outcome"], len({*shown(reply)})) == ("suggest", 3)
    assert kinds(reply) == ["article", "article", "helped", "not_helped"]
    assert [choice["article_id"] for choice in reply["choices"][:2]] == shown(reply)[1:]
    assert reply["suggestions"] == [choice["label"] for choice in reply["choices"]]


async def test_pressing_an_article_is_answered_from_it(guest):
    reply = await guest.ask(CLEANING)
    answer = await guest.ask(reply["choices"][1]["label"])
    assert (answer["outcome"], answer["citations"][0]["article_id"]) == ("answer", shown(reply)[2])


@pytest.mark.parametrize(("kind", "helpful"), [("helped", True), ("not_helped", False)])
async def test_a_verdict_is_rated_in_the_commit_of_the_reply_and_by_the_visitor(lobby, guest, kind, helpful):
    first = await guest.ask(CLEANING)
    hints = []  # one of each commit
    unlisten = lobby.publisher.bus.listen(hints.append, conversation_id=guest.conversation_id)
    then = await press(guest, first, kind)
    events = await lobby.log(guest.conversation_id)
    assert [event.kind for event in events[-3:]] == ["visitor_said", "rated", "bot_said"]
    unlisten()
    said, rated, reply = events[-3:]
    assert rated.payload == Rated(first["seq"], helpful)
    assert (rated.by.kind, rated.by.id) == (said.by.kind, said.by.id)
    assert [hint.seq for hint in hints if isinstance(hint, Reached)] == [said.seq, reply.seq]
    assert then["outcome"] == ("small_talk" if helpful else "suggest")


async def test_a_verdict_in_words_counts_like_a_button(lobby, guest):
    first = await guest.ask(CLEANING)
    second = await guest.ask("No.")
    thanked = await guest.ask("yes!")
    assert not {*shown(first)} & {*shown(second)}
    assert (thanked["outcome"], thanked["text"]) == ("small_talk", ENGLISH.helped)
    rated = [event.payload for event in await lobby.log(guest.conversation_id) if event.kind == "rated"]
    assert rated == [Rated(first["seq"], helpful=False), Rated(second["seq"], helpful=True)]


async def test_what_was_not_meant_is_searched_for_again_without_what_was_shown(lobby, guest):
    first = await guest.ask(CLEANING)
    second = await press(guest, first, "not_helped")
    assert (second["outcome"], len(shown(second))) == ("suggest", 3)
    assert not {*shown(first)} & {*shown(second)}
    replies = [event.payload for event in await lobby.log(guest.conversation_id) if isinstance(event.payload, BotSaid)]
    assert [reply.trace["query"] for reply in replies] == [CLEANING, CLEANING]


async def test_asking_the_same_again_after_a_suggestion_shows_something_else(guest):
    first = await guest.ask(CLEANING)
    again = await guest.ask(CLEANING)
    assert first["outcome"] == again["outcome"] == "suggest"
    assert again["text"] != first["text"]
    assert not {*shown(first)[1:]} & {*shown(again)}


async def test_after_two_suggestions_in_vain_a_person_is_called_who_reads_what_was_tried(lobby, guest):
    await lobby.agent()
    first = await guest.ask(CLEANING)
    second = await press(guest, first, "not_helped")
    assert kinds(second)[-1] == "person"
    third = await press(guest, second, "not_helped")
    assert third["outcome"] == "handoff"
    call = (await lobby.log(guest.conversation_id))[-1].payload
    assert call.reason == "repeated_failure"
    assert f"“{CLEANING}”" in call.detail
    assert ENGLISH.not_helped_label not in call.detail
    assert call.detail.count("(marked not helpful)") == 2
    assert "2 replies in a row that did not help" in call.detail


@pytest.mark.parametrize("handoff", ["auto", "on_request"])
@pytest.mark.parametrize("desk_open", [True, False])
async def test_no_reply_is_given_twice_however_often_the_button_is_pressed(lobby, guest, desk_open, handoff):
    lobby.responder.policy = replace(lobby.responder.policy, handoff=handoff)
    if desk_open:
        await lobby.agent()
    replies = [await guest.ask(CLEANING)]
    for _ in range(PRESSES):
        if "not_helped" not in kinds(replies[-1]):
            break
        replies.append(await press(guest, replies[-1], "not_helped"))
    texts = [reply["text"] for reply in replies]
    assert len({*texts}) == len(texts)
    told = [article_id for reply in replies for article_id in shown(reply)]
    assert len({*told}) == len(told)
    if desk_open and handoff == "auto":
        assert [reply["outcome"] for reply in replies] == ["suggest", "suggest", "handoff"]
        return
    assert {reply["outcome"] for reply in replies[:-1]} == {"suggest"}
    assert (replies[-1]["outcome"], replies[-1]["offers_person"]) == ("no_answer", True)
    assert len(told) > 6
    assert (ENGLISH.offer if desk_open else ENGLISH.leave_address) in replies[-1]["text"]


async def test_the_question_is_known_however_many_suggestions_came_after_it(lobby, guest):
    """A press takes three events of the log, of which the bot reads the last ones."""
    lobby.responder.policy = replace(lobby.responder.policy, handoff="on_request")
    await lobby.agent()
    reply = await guest.ask(CLEANING)
    while "not_helped" in kinds(reply):
        reply = await press(guest, reply, "not_helped")
    replies = [event.payload for event in await lobby.log(guest.conversation_id) if isinstance(event.payload, BotSaid)]
    assert {said.trace["query"] for said in replies} == {CLEANING}


@pytest.mark.parametrize(("text", "card"), [("the second please", 1), ("2", 1), ("the first one", 0)])
async def test_a_card_that_is_chosen_by_its_place_answers_what_was_asked(lobby, guest, text, card):
    suggestion = await guest.ask(CLEANING)
    answer = await guest.ask(text)
    assert (answer["outcome"], answer["citations"][0]["article_id"]) == ("answer", shown(suggestion)[card + 1])
    assert (await lobby.log(guest.conversation_id))[-1].payload.trace["query"] == CLEANING


async def test_after_complaints_in_a_row_the_question_is_still_what_is_searched_for(lobby, guest):
    lobby.responder.policy = replace(lobby.responder.policy, handoff="on_request")
    replies = [await guest.ask(text) for text in (CLEANING, "didn't work", "still nothing", "that did not help either")]
    events = await lobby.log(guest.conversation_id)
    assert {event.payload.trace["query"] for event in events if isinstance(event.payload, BotSaid)} == {CLEANING}
    assert len({reply["text"] for reply in replies}) == len(replies)


async def test_ok_after_a_suggestion_rates_nothing_and_chooses_nothing(lobby, guest):
    await guest.ask(CLEANING)
    reply = await guest.ask("ok")
    assert (reply["outcome"], reply["text"]) == ("small_talk", ENGLISH.agreement)
    assert "rated" not in await lobby.kinds(guest.conversation_id)
