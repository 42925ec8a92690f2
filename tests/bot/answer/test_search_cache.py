import pytest

from bot.answer.retrieve import retrieve_passages
from bot.answer.search_cache import SearchCache
from bot.answer.transcript import Said
from retrieval.articles.article import parse
from retrieval.articles.audience import Audience
from retrieval.index.builder import build
from retrieval.model.encoder import HashingEncoder
from tests.builders import RecordingEncode

ENCODER = HashingEncoder()
EVERYONE, STAFF = Audience("default"), Audience("default", internal=True)
HOTELS = {
    name: f"# {name}\n\nBreakfast is served at {name}.\n\n## Wifi\n\nIt has wifi." for name in ("Ashley", "Gonville")
}
VOUCHERS = "---\nvisibility: internal\n---\n# Vouchers\n\nA guest may get a voucher of 20 pounds."
BEFORE = [Said("visitor", "I am at the Gonville")]
LEANING = "does it have wifi?"


def snapshot_of(texts):
    return build([parse(text, path=f"{name}.md") for name, text in texts.items()], ENCODER)


SNAPSHOT = snapshot_of({**HOTELS, "vouchers": VOUCHERS})


@pytest.fixture
def ask():
    """Asks with one cache; gives the ids of the articles found, and the texts that were encoded for it."""
    cache = SearchCache()

    async def ask(question, earlier=(), audience=EVERYONE, snapshot=SNAPSHOT, limit=2):
        encode = RecordingEncode(ENCODER)
        found = await retrieve_passages(question, earlier, audience, snapshot, encode, limit=limit, cache=cache)
        return [hit.article.article_id for hit in found.hits], encode.texts

    return ask


async def test_a_question_asked_again_finds_the_same_and_encodes_nothing(ask):
    found, encoded = await ask("breakfast at the Ashley")
    assert encoded == ["breakfast at the Ashley"]
    assert await ask("breakfast at the Ashley") == (found, [])


async def test_a_question_that_leans_is_searched_anew_after_something_was_said(ask):
    await ask(LEANING)
    found, encoded = await ask(LEANING, BEFORE)
    assert encoded == [LEANING, f"I am at the Gonville\n{LEANING}"]
    assert found[0] == "Gonville"
    assert (await ask(LEANING))[1] == []
    assert (await ask(LEANING, [Said("visitor", "thanks")]))[1] == []  # small talk is no context


async def test_what_was_found_in_a_context_is_not_told_to_others(ask):
    await ask(LEANING, BEFORE)
    _, encoded = await ask(LEANING)
    assert encoded == [LEANING]


@pytest.mark.parametrize(
    ("audience", "limit"), [(STAFF, 2), (Audience("other"), 2), (Audience("default", "de"), 2), (EVERYONE, 1)]
)
async def test_a_question_of_other_readers_is_another_question(ask, audience, limit):
    question = "a voucher for the guest"
    await ask(question)
    found, encoded = await ask(question, audience=audience, limit=limit)
    assert encoded == [question]
    assert ("vouchers" in found) == audience.internal
    assert "vouchers" not in (await ask(question))[0]


async def test_a_new_snapshot_is_asked_anew_at_once(ask):
    await ask("breakfast at the Ashley")
    edited = snapshot_of({"Gonville": HOTELS["Gonville"]})
    found, encoded = await ask("breakfast at the Ashley", snapshot=edited)
    assert encoded == ["breakfast at the Ashley"]
    assert {*found} == {"Gonville"}


def test_what_was_found_in_an_old_snapshot_while_a_new_one_came_is_not_kept():
    cache = SearchCache()
    old, new = snapshot_of(HOTELS), snapshot_of(HOTELS)
    cache.get(old, "q")
    cache.get(new, "q")
    cache.keep(old, "q", "found in the old one")
    assert cache.get(new, "q") is None
    assert len(cache) == 0


def test_ever_new_questions_push_out_the_one_asked_longest_ago():
    cache = SearchCache(max_questions=3)
    for question in ("a", "b", "c"):
        assert cache.get(SNAPSHOT, question) is None
        cache.keep(SNAPSHOT, question, question.upper())
    assert cache.get(SNAPSHOT, "a") == "A"
    cache.keep(SNAPSHOT, "d", "D")
    assert [cache.get(SNAPSHOT, question) for question in "abcd"] == ["A", None, "C", "D"]
    assert len(cache) == 3
