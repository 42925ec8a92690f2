import asyncio
from datetime import UTC, datetime

from bot.history import searched_for, told
from bot.understand import Said
from conversation.events import BOT, AgentSaid, BotSaid, Citation, Event, Opened, Rated, VisitorSaid
from retrieval.article import parse
from retrieval.encode import HashingEncoder
from retrieval.index import Audience, build


class Illiterate(HashingEncoder):
    """Takes no word for an ordinary one."""

    def is_word(self, word):
        return False


ENCODER = Illiterate()
EVERYONE = Audience("default")
SNAPSHOT = build([parse("# Install the driver\n\nDownload it for Windows or Linux.", path="driver.md")], ENCODER)


async def encode(text):
    await asyncio.sleep(0)
    return ENCODER.encode([text])[0]


async def test_a_first_question_is_searched_without_a_context():
    reading, query = await searched_for("install the driver", [], EVERYONE, SNAPSHOT, encode)
    assert reading.text == query.text == "install the driver"
    assert query.embedding.sentence.tolist() == ENCODER.encode([query.text])[0].sentence.tolist()
    assert query.context is None


async def test_a_later_question_is_also_searched_in_its_context_as_it_was_read():
    earlier = [Said("visitor", "I have Windows")]
    reading, query = await searched_for("the drivver?", earlier, EVERYONE, SNAPSHOT, encode)
    assert dict(reading.corrections) == {"drivver": "driver"}
    assert query.text == "the driver?"
    assert query.context is not None
    assert query.context.text == "I have Windows\nthe driver?"
    assert query.context.embedding.sentence.tolist() == ENCODER.encode([query.context.text])[0].sentence.tolist()


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
        BotSaid("Download it.", "answer", (2,), (cited,)),
        AgentSaid("I am here."),
    ]
    assert list(told(events(*payloads))) == [
        Said("visitor", "driver?"),
        Said("bot", "Download it.", ("Install the driver",)),
        Said("agent", "I am here."),
    ]


def test_a_reply_is_unhelpful_as_long_as_the_visitor_says_so():
    payloads = [VisitorSaid("driver?"), BotSaid("Download it.", "answer", (1,)), Rated(2, helpful=False)]
    assert [said.unhelpful for said in told(events(*payloads))] == [False, True]
    assert [said.unhelpful for said in told(events(*payloads, Rated(2, helpful=True)))] == [False, False]
