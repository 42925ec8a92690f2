import pytest

from bot.answer.policy import Policy
from bot.answer.reply.catalogue import default_phrasebook
from bot.answer.transcript import Said
from bot.answer.turn import TurnDeps, TurnInput, take_turn
from conversation.events import Choice
from retrieval.articles.article import parse
from retrieval.articles.audience import Audience
from retrieval.index.builder import build
from retrieval.model.encoder import HashingEncoder
from tests.builders import RecordingEncode

BOOK = default_phrasebook()
ENGLISH, GERMAN = BOOK.speaking("en"), BOOK.speaking("de")
REFUNDS = "# Refunds\n\nA refund takes five days to reach your bank account. You can see it there."
RETURNS = "# Rückgabe\n\nWie lange die Rückgabe dauert, steht auf der Rechnung."
ASKED = "Wie lange dauert die Rückgabe?"
NEVER = Policy(answer_confidence=1.0, suggest_usefulness=1.0)
ALWAYS = Policy(answer_confidence=1.0, suggest_usefulness=0.0)
NOTE = "Unsere Artikel sind in einer anderen Sprache geschrieben (English). "


@pytest.fixture
def shop(hashed):
    """What a bot with these articles says to a message, and what it had to go on."""

    def opened(*texts):
        encoder = HashingEncoder()
        snapshot = build([parse(text, path=f"{number}.md") for number, text in enumerate(texts)], encoder)
        deps = TurnDeps(snapshot, RecordingEncode(encoder), calibration=hashed)

        async def reply(question, policy=NEVER, locale="en", **given):
            return await take_turn(TurnInput(question, Audience("default", locale), **given), deps, policy)

        return reply

    return opened


async def test_a_visitor_is_answered_in_the_language_that_they_write_whatever_the_page_speaks(shop):
    reply = await shop(REFUNDS)("Ich möchte mit einem Menschen sprechen, bitte", locale="en")
    assert (reply.outcome, reply.text) == ("handoff", GERMAN.say("handoff_asked"))
    assert reply.trace["language"] == "de"
    reply = await shop(REFUNDS)("I would like to talk to a person, please", locale="de")
    assert (reply.outcome, reply.text) == ("handoff", ENGLISH.say("handoff_asked"))


async def test_a_short_message_and_a_button_are_answered_in_the_language_of_what_was_said_before(shop):
    button = Choice("person", "Talk to a person, I am in a hurry")
    earlier = [Said("visitor", ASKED), Said("bot", "", choices=(button,))]
    for question in (button.label, "Human!"):
        reply = await shop(REFUNDS)(question, earlier=earlier)
        assert (reply.outcome, reply.text) == ("handoff", GERMAN.say("handoff_asked"))


async def test_a_suggestion_and_a_refusal_say_that_the_articles_are_in_another_language(shop):
    ask = shop(REFUNDS)
    suggested = await ask(f"{ASKED} refund bank account", ALWAYS)
    assert suggested.outcome == "suggest"
    assert suggested.text.startswith(NOTE + GERMAN.suggest)
    refused = await ask(ASKED)
    assert (refused.outcome, refused.text) == ("no_answer", NOTE + GERMAN.refusal(None, desk_open=True))


async def test_nothing_is_said_of_the_language_where_it_is_the_visitors_or_cannot_be_told(shop):
    for text in (
        RETURNS,
        f"---\nlocale: de-CH\n---\n{REFUNDS}",
        "# ISO 9001\n\n4711",
        f"---\nlocale: tlh\n---\n{REFUNDS}",
    ):
        refused = await shop(text)(ASKED)
        assert (refused.outcome, refused.text) == ("no_answer", GERMAN.refusal(None, desk_open=True))
    refused = await shop(REFUNDS)("Where is the zebra that whistles?", locale="de")
    assert refused.text == ENGLISH.refusal(None, desk_open=True)


async def test_a_call_for_a_person_with_nobody_there_is_not_about_articles(shop):
    reply = await shop(REFUNDS)("Ich möchte mit einem Menschen sprechen, bitte", desk_open=False)
    assert reply.text == GERMAN.say("desk_closed")


async def test_articles_of_the_language_that_is_written_are_searched_where_there_are_any(shop):
    english, german = f"---\nlocale: en\n---\n{REFUNDS}", f"---\nlocale: de\n---\n{RETURNS}"
    assert (await shop(english, german)(ASKED)).ranked == ("1",)
    assert (await shop(english, german)("Where is the zebra that whistles?", locale="de")).ranked == ("0",)
    french = f"---\nlocale: fr\n---\n{REFUNDS}"
    assert set((await shop(english, french, RETURNS)(f"{ASKED} refund")).ranked) == {"0", "2"}
