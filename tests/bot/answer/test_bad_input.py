"""Odd knowledge bases and odd messages: each has an outcome that makes sense."""

import pytest

from bot.answer.policy import Policy
from bot.answer.turn import take_turn
from bot.answer.turn_input import TurnDeps, TurnInput
from retrieval.articles.article import parse
from retrieval.articles.audience import Audience
from retrieval.index.builder import build
from retrieval.model.encoder import HashingEncoder
from tests.builders import RecordingEncode

SHOP = Audience("default")
POLICY = Policy(0.4, suggest_usefulness=0.2)
ONE = {"returns": "# Return a dress\n\nReturn a dress within thirty days with its label."}
THREE_LANGUAGES = {
    "en": "---\nlocale: en\n---\n# Return a dress\n\nReturn a dress within thirty days.",
    "de": "---\nlocale: de\n---\n# Ein Kleid zurückgeben\n\nSie können ein Kleid binnen dreißig Tagen zurückgeben.",
    "fr": "---\nlocale: fr\n---\n# Retourner une robe\n\nVous pouvez retourner une robe sous trente jours.",
}
TWINS = {f"copy-{n}": f"# Return a dress ({n})\n\nReturn a dress within thirty days with its label." for n in range(6)}
FAQ = {f"faq-{n}": f"# Question {n} about thing{n}\n\nThe thing{n} costs {n} euros." for n in range(500)}
MANY = ONE | {f"other-{n}": f"# Subject {n}\n\nWords of matter {n} and nothing more." for n in range(9)}
LOG = "\n".join(f"2026-11-29 10:{n % 60:02} ERROR worker{n} failed with code {n}" for n in range(100))[:4000]


@pytest.fixture
def replied(hashed):
    async def replied(articles, message, policy=POLICY, **how):
        encoder = HashingEncoder()
        snapshot = build([parse(text, path=f"{name}.md") for name, text in articles.items()], encoder)
        deps = TurnDeps(snapshot, RecordingEncode(encoder), "", calibration=hashed)
        return await take_turn(TurnInput(message, Audience("default", how.pop("locale", None)), **how), deps, policy)

    return replied


async def test_an_empty_knowledge_base_offers_a_person(replied):
    reply = await replied({}, "How do I return a dress?")
    assert (reply.outcome, reply.offers_person, reply.shown, reply.confidence) == ("no_answer", True, (), 0)


@pytest.mark.parametrize(
    ("message", "outcomes"),
    [("How do I return a dress?", {"answer", "suggest"}), ("Does the moon sing operas?", {"no_answer"})],
)
async def test_one_article_answers_what_it_is_about_and_nothing_else(replied, message, outcomes):
    reply = await replied(ONE, message)
    assert reply.outcome in outcomes
    assert bool(reply.shown) is ("no_answer" not in outcomes)


@pytest.mark.parametrize(
    ("message", "locale", "article_id"),
    [
        ("How do I return a dress within thirty days?", "en", "en"),
        ("Wie kann ich ein Kleid binnen dreißig Tagen zurückgeben?", "de", "de"),
        ("Comment puis-je retourner une robe sous trente jours ?", "fr", "fr"),
        ("Wie kann ich ein Kleid binnen dreißig Tagen zurückgeben?", "en", "de"),  # written on an English page
    ],
)
async def test_of_three_languages_the_visitors_is_answered(replied, message, locale, article_id):
    reply = await replied(THREE_LANGUAGES, message, locale=locale)
    assert reply.outcome in {"answer", "suggest"}
    assert reply.shown[0] == article_id


async def test_near_duplicates_are_one_answer_and_no_question_back(replied):
    reply = await replied(TWINS, "How do I return a dress with its label?")
    assert reply.outcome in {"answer", "suggest"}
    assert len(reply.shown) == 1


async def test_one_of_five_hundred_lines_is_found(replied):
    reply = await replied(FAQ, "What does the thing321 cost?")
    assert reply.ranked[0] == "faq-321"
    assert reply.outcome in {"answer", "suggest"}


@pytest.mark.parametrize("message", [LOG, "a", "x" * 4000, "?!?!", "\u200b", "q"])
async def test_what_asks_nothing_that_is_known_is_refused_or_chatted_about(replied, message):
    reply = await replied(MANY, message)
    assert reply.outcome in {"no_answer", "small_talk"}
    assert reply.text


@pytest.mark.parametrize(
    "message",
    [
        "dress",
        "RETURN A DRESS WITH ITS LABEL",
        "Hi there,\n\nhow do I return a dress with its label?\n\nKind regards,\nBob",
        "hello!! return a dress with its label pls",
        "  return   a\tdress with its label  ",
    ],
)
async def test_however_it_is_put_the_passage_is_shown(replied, message):
    reply = await replied(MANY, message)
    assert reply.outcome in {"answer", "suggest"}
    assert reply.shown[0] == "returns"
    assert "thirty days" in reply.text
