"""What is searched for: several questions in one message, and what a visitor still asks who says that a reply did not help."""

from dataclasses import replace

import pytest

from bot.answer.policy import Policy
from bot.answer.rejection.rejected_answers import Rejected
from bot.answer.reply.catalogue import default_phrasebook
from bot.answer.search_cache import SearchCache
from bot.answer.transcript import Said
from bot.answer.turn import take_turn
from bot.answer.turn_input import TurnDeps, TurnInput
from conversation.events import Choice
from retrieval.articles.article import parse
from retrieval.articles.audience import Audience
from retrieval.index.builder import build
from retrieval.model.encoder import HashingEncoder
from tests.builders import RecordingEncode

ENGLISH = default_phrasebook().speaking("en")
SHOP = Audience("default")
SURE, UNSURE = Policy(0.0, suggest_usefulness=0.3), Policy(1.0, suggest_usefulness=0.3)
ARTICLES = {
    "returns": "# Return a dress\n\nReturn a dress within thirty days with its label.",
    "invoices": "# Change the address of an invoice\n\nWrite the right address of the invoice into the form.",
    "password": "# I forgot my password\n\nPress the link on the login page.\n\n## The email does not arrive\n\n"
    "Look into the spam folder.\n\n## My account is locked\n\nWait for an hour.",
    "lamps": "# Reset the lamp\n\nHold the switch until the lamp blinks twice.",
}
BOTH = "return a dress and also change the address of an invoice"


@pytest.fixture
def knows(hashed):
    encoder = HashingEncoder()
    snapshot = build([parse(text, path=f"{name}.md") for name, text in ARTICLES.items()], encoder)
    return TurnDeps(snapshot, RecordingEncode(encoder), "", calibration=hashed)


@pytest.mark.parametrize(("policy", "outcome"), [(SURE, "answer"), (UNSURE, "suggest")])
async def test_each_question_of_a_message_stands_above_what_answers_it(knows, policy, outcome):
    reply = await take_turn(TurnInput(BOTH, SHOP), knows, policy)
    assert reply.outcome == outcome
    assert [citation.article_id for citation in reply.citations] == ["returns", "invoices"]
    first, second = reply.text.index("**return a dress**"), reply.text.index("**change the address of an invoice**")
    assert first < reply.text.index("thirty days") < second < reply.text.index("into the form")
    assert reply.ranked[:2] == ("returns", "invoices")
    assert reply.trace["parts"] == ["return a dress", "change the address of an invoice"]
    assert reply.text.startswith(ENGLISH.hedge(rejected=False)) is (outcome == "suggest")


async def test_what_one_visitor_asked_is_not_searched_again_for_the_next(knows):
    deps = replace(knows, cache=SearchCache())
    first, second = [await take_turn(TurnInput("how do I reset the lamp", SHOP), deps, SURE) for _ in range(2)]
    assert knows.encode.texts == ["how do I reset the lamp"]
    assert (second.text, second.confidence, second.ranked) == (first.text, first.confidence, first.ranked)


async def test_of_two_questions_the_one_for_which_nothing_was_found_is_named(knows):
    question = "How do I return a dress? Do zebras whistle operas?"
    reply = await take_turn(TurnInput(question, SHOP), knows, SURE)
    assert (reply.outcome, reply.citations[0].article_id) == ("answer", "returns")
    assert reply.text.endswith(ENGLISH.say("left_open", question="Do zebras whistle operas?"))


async def test_two_questions_about_one_article_get_one_answer(knows):
    reply = await take_turn(TurnInput("Where do I return a dress? When do I return a dress?", SHOP), knows, SURE)
    assert reply.text.count("thirty days") == 1
    assert reply.trace["parts"] == []


async def test_whoever_says_that_it_did_not_help_is_told_another_section_of_the_article(knows):
    asked = "I forgot my password and cannot log in"
    first = await take_turn(TurnInput(asked, SHOP), knows, SURE)
    assert first.citations[0].article_id == "password"
    told = frozenset({("password", first.citations[0].heading)})
    earlier = [Said("visitor", asked), Said("bot", first.text, outcome="answer", passage=first.passage)]
    again = TurnInput("still no email", SHOP, earlier, failures=1, rejected=Rejected(sections=told))
    second = await take_turn(again, knows, SURE)
    assert (second.outcome, second.citations[0].article_id) == ("suggest", "password")
    assert second.citations[0].heading == "The email does not arrive"
    assert second.trace["query"] == f"{asked}\nstill no email"


async def test_whoever_chooses_an_article_is_told_what_it_says_of_their_question(knows):
    choice = Choice("article", "Password", "password")
    asked_back = Said("bot", "Which?", outcome="clarify", choices=(choice,))
    earlier = [Said("visitor", "the email does not arrive"), asked_back]
    reply = await take_turn(TurnInput("Password", SHOP, earlier, clarified=True), knows, UNSURE)
    assert (reply.outcome, reply.citations[0].heading) == ("answer", "The email does not arrive")
