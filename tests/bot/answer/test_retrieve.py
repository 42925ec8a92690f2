from datetime import UTC, datetime

import pytest

from bot.answer.retrieve import retrieve_passages
from bot.answer.transcript import Said, transcript_of
from conversation.events import BOT, AgentSaid, BotSaid, Choice, Citation, Event, Opened, Rated, VisitorSaid
from retrieval.articles.article import parse
from retrieval.articles.audience import Audience
from retrieval.index.builder import build
from retrieval.model.encoder import HashingEncoder
from tests.builders import RecordingEncode


class Illiterate(HashingEncoder):
    """Takes no word for an ordinary one."""

    def is_word(self, word):
        return False


ENCODER = Illiterate()
EVERYONE = Audience("default")
HOTELS = {
    name: f"# {name}\n\nBreakfast is served at {name}.\n\n## Wifi\n\nIt has wifi."
    for name in ("Ashley", "Gonville", "Lensfield")
}
TEXTS = {**HOTELS, "invoices": "# Change the address on an invoice\n\nWrite to our accountants."}
SNAPSHOT = build([parse(text, path=f"{name}.md") for name, text in TEXTS.items()], ENCODER)
BEFORE = [Said("visitor", "I am at the Gonville")]


@pytest.fixture
def asked():
    """What a question finds, and what was encoded for it."""

    async def ask(question, earlier):
        encode = RecordingEncode(ENCODER)
        return await retrieve_passages(question, earlier, EVERYONE, SNAPSHOT, encode, limit=2), encode.texts

    return ask


async def test_a_first_question_is_searched_without_a_context(asked):
    found, encoded = await asked("is there wifi?", [])
    assert encoded == [found.reading.text] == ["is there wifi?"]
    assert found.vector.tolist() == ENCODER.encode(encoded)[0].sentence.tolist()
    assert found.context is None


async def test_a_later_question_is_also_searched_in_its_context_as_it_was_read(asked):
    found, encoded = await asked("does it have wifii?", BEFORE)
    assert dict(found.reading.corrections) == {"wifii": "wifi"}
    assert encoded == [found.reading.text, found.context]
    assert found.context == "I am at the Gonville\ndoes it have wifi?"
    assert found.hits[0].article.article_id == "Gonville"


async def test_a_later_question_that_says_all_itself_is_searched_alone(asked):
    found, encoded = await asked("How do I change the address on an invoice", BEFORE)
    assert encoded == [found.reading.text]
    assert found.context is None
    assert found.hits[0].article.article_id == "invoices"


async def test_a_fragment_leans_on_what_was_said_and_one_that_names_a_subject_does_not(asked):
    found, _ = await asked("an invoice from last year", BEFORE)
    assert found.context == "I am at the Gonville\nan invoice from last year"
    found, _ = await asked("Change the address on an invoice", BEFORE)
    assert found.context is None


def events(*payloads):
    return [
        Event("c1", seq, f"e{seq}", datetime(2026, 3, 2, tzinfo=UTC), BOT, payload)
        for seq, payload in enumerate(payloads, start=1)
    ]


def test_what_is_told_is_the_speech_of_all_with_the_titles_that_the_bot_cited():
    cited = Citation("driver", "Install the driver", None, "/help/a/driver", "Download it.")
    payloads = [
        Opened(),
        VisitorSaid("driver?"),
        BotSaid(
            "Download it. Anything else?",
            "answer",
            (2,),
            (cited,),
            offers_person=True,
            choices=(Choice("article", "Ports", "ports"),),
            passage="Download it.",
            failed=True,
        ),
        AgentSaid("I am here."),
    ]
    assert list(transcript_of(events(*payloads))) == [
        Said("visitor", "driver?"),
        Said(
            "bot",
            "Download it. Anything else?",
            ("Install the driver",),
            outcome="answer",
            passage="Download it.",
            failed=True,
            offers_person=True,
            choices=(Choice("article", "Ports", "ports"),),
            seq=3,
        ),
        Said("agent", "I am here."),
    ]


def test_a_reply_is_unhelpful_as_long_as_the_visitor_says_so():
    payloads = [VisitorSaid("driver?"), BotSaid("Download it.", "answer", (1,)), Rated(2, helpful=False)]
    assert [said.unhelpful for said in transcript_of(events(*payloads))] == [False, True]
    assert [said.unhelpful for said in transcript_of(events(*payloads, Rated(2, helpful=True)))] == [False, False]
