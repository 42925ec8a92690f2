"""No reply is given twice word for word."""

import pytest

from bot.answer.policy import Policy
from bot.answer.reply.catalogue import default_phrasebook
from bot.answer.transcript import Said
from bot.answer.turn import take_turn
from bot.answer.turn_input import TurnDeps, TurnInput
from retrieval.articles.article import parse
from retrieval.articles.audience import Audience
from retrieval.index.builder import build
from retrieval.model.encoder import HashingEncoder
from tests.builders import RecordingEncode

ENGLISH = default_phrasebook().speaking("en")
SHOP = Audience("default")
ARTICLES = {
    "returns": "# Return a dress\n\nReturn a dress within thirty days with its label.",
    "lamps": "# Reset the lamp\n\nHold the switch until the lamp blinks twice.",
}


@pytest.fixture
def knows(hashed):
    encoder = HashingEncoder()
    snapshot = build([parse(text, path=f"{name}.md") for name, text in ARTICLES.items()], encoder)
    return TurnDeps(snapshot, RecordingEncode(encoder), "", calibration=hashed)


async def talk(knows, *messages, policy=None, **how):
    """The replies to messages, one after the other."""
    earlier, replies = [], []
    for message in messages:
        turn_input = TurnInput(message, SHOP, list(earlier), **how)
        reply = await take_turn(turn_input, knows, policy or Policy(0.3, handoff="on_request"))
        bot = Said("bot", reply.text, outcome=reply.outcome, passage=reply.passage, choices=reply.choices)
        earlier += [Said("visitor", message), bot]
        replies.append(reply)
    return replies


async def test_the_same_passage_for_another_question_says_that_it_is_the_same(knows):
    first, second = await talk(knows, "Return a dress with its label?", "Within how many days, return a dress?")
    assert first.passage == second.passage
    assert second.text == f"{ENGLISH.say('answer_again')}\n\n{first.text}"


async def test_a_suggestion_of_the_same_passage_is_hedged_in_other_words(knows):
    unsure = Policy(1.0, suggest_usefulness=0.0)
    first, second = await talk(knows, "the dress label", "thirty days dress", policy=unsure)
    assert first.outcome == second.outcome == "suggest"
    assert first.passage == second.passage
    assert first.text.startswith(ENGLISH.hedge(rejected=False))
    assert second.text.startswith(ENGLISH.hedge(rejected=False, again=True))


@pytest.mark.parametrize("desk_open", [True, False])
async def test_a_second_refusal_has_other_words_and_the_same_offer(knows, desk_open):
    asked = ("Zebras whistle?", "Does the moon sing operas?")
    first, second = await talk(knows, *asked, policy=Policy(1.0, 1.0, "on_request"), desk_open=desk_open)
    assert first.outcome == second.outcome == "no_answer"
    assert first.text != second.text
    assert second.text.endswith(ENGLISH.say("offer") if desk_open else f"{ENGLISH.say('leave_address')}.")
    assert second.offers_person


@pytest.mark.parametrize("messages", [("thanks", "thank you!"), ("hello", "hi"), ("ok", "ok")])
async def test_small_talk_is_not_said_twice(knows, messages):
    first, second = await talk(knows, *messages)
    assert (second.outcome, second.text) == ("small_talk", ENGLISH.say("small_talk_again"))
    assert first.text != second.text
