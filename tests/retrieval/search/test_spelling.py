import asyncio

import pytest

from retrieval.articles.article import parse
from retrieval.articles.audience import Audience
from retrieval.index.builder import build, compact
from retrieval.index.structures.tokens import words
from retrieval.index.watch import Knowledge
from retrieval.model.encoder import HashingEncoder
from retrieval.search.spelling import MOST_WORDS, CorrectedQuery, correct_spelling

EVERYBODY = Audience("default")
ORDINARY = {"sell", "mouse", "many"}


class Lettered(HashingEncoder):
    """Hashing with a few words of a language, as a model's vocabulary has them."""

    def is_word(self, word):
        return word in ORDINARY


ZWSP, JOINER, NON_JOINER = "\u200b", "\u200d", "\u200c"

SHOP = {
    "password": "# Forgotten password\n\nReset your password on the sign-in page, yourself.\n",
    "shipping": "# Shipping\n\nShipping of a recommended parcel: connect an address. Many batteries, 2024 orders.\n",
    "cart": "# Cards\n\nA cart.\n\n## Card\n\nAn old card.\n\n## Last\n\nOne card.\n",
    "secret": "---\nvisibility: internal\n---\n# Falcon\n\nProject Falcon: weekly cartt count.\n",
}


def snapshot(articles=SHOP, encoder=None):
    return build([parse(text, path=f"{name}.md") for name, text in articles.items()], encoder or Lettered())


@pytest.fixture(scope="module")
def shop():
    return snapshot()


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("pasword", "password"),
        ("passsword", "password"),
        ("passwrod", "password"),
        ("apssword", "password"),
        ("passwird", "password"),
        ("PASWORD", "password"),
        ("shiping", "shipping"),
        ("conect", "connect"),
        ("recomanded", "recommended"),
        ("addres", "address"),
        ("bateries", "battery"),
        ("wiht", "with"),
    ],
)
def test_a_mistyped_word_is_read_as_the_nearest_word_of_the_articles(shop, typed, read):
    assert correct_spelling(shop, f"my {typed}, please?", EVERYBODY) == CorrectedQuery(
        f"my {read}, please?", {typed: read}
    )


@pytest.mark.parametrize(
    "text",
    [
        "Reset my passwords",
        "Do you sell a mouse?",  # ordinary words that no article has
        "crt",  # too short
        "2023 ordrs2",  # numbers
        "pas'sword",
        "umbrella",
        "oassword",  # the first letter is hardly ever mistyped
        "pssswrd1",
        "?",
        "",
    ],
)
def test_other_words_stay_as_they_are(shop, text):
    assert correct_spelling(shop, text, EVERYBODY) == CorrectedQuery(text, {})


def test_two_edits_are_looked_for_in_long_words_only(shop):
    assert correct_spelling(shop, "cnnct", EVERYBODY).corrections == {}
    assert correct_spelling(shop, "recomendid", EVERYBODY).text == "recommended"
    assert correct_spelling(shop, "erccommended", EVERYBODY).corrections == {}  # nor behind another first letter


def test_of_equally_near_words_the_more_frequent_one_is_read(shop):
    assert correct_spelling(shop, "carf", EVERYBODY).text == "card"
    assert correct_spelling(shop, "carrt", EVERYBODY).text == "cart"  # the nearer one before the more frequent one


def test_a_word_that_only_agents_may_read_is_read_for_agents_only(shop):
    assert correct_spelling(shop, "falcom", EVERYBODY).text == "falcom"
    assert correct_spelling(shop, "falcom", Audience("default", internal=True)).text == "falcon"


def test_a_word_of_an_internal_article_is_not_taken_for_a_mistyped_one(shop):
    assert correct_spelling(shop, "cartt", EVERYBODY).corrections == {}


def test_a_part_of_the_question_is_read_the_same_way(shop):
    reading = correct_spelling(shop, "Shiping?\nand my pasword", EVERYBODY)
    assert reading.text == "shipping?\nand my password"
    assert reading.applied("and my pasword") == "and my password"


def test_no_more_than_so_many_words_are_looked_up(shop):
    text = " ".join(["pasword", *(f"zzz{letter}zzz" for letter in "abcdefgh"), "shiping"])
    assert len(text.split()) == MOST_WORDS + 2
    assert correct_spelling(shop, text, EVERYBODY).corrections == {"pasword": "password"}


def test_without_a_vocabulary_of_the_language_nothing_is_read_otherwise():
    assert correct_spelling(snapshot(encoder=HashingEncoder()), "pasword", EVERYBODY).corrections == {}


async def test_the_words_of_an_edit_are_known_and_those_it_took_away_are_not(kb, tmp_path):
    kb.write("a.md", "# Shipping\n\nAll parcels.\n")
    kb.write("b.md", "# Vouchers\n\nA voucher.\n")
    knowledge = await asyncio.to_thread(Knowledge.open, kb.path, index_dir=tmp_path / "index", encoder=Lettered())
    assert correct_spelling(knowledge.snapshot, "vouchr refnd", EVERYBODY).text == "voucher refnd"
    kb.write("b.md", "# Refunds\n\nA refund.\n")
    assert await knowledge.refresh()
    assert correct_spelling(knowledge.snapshot, "vouchr refnd", EVERYBODY).text == "vouchr refund"
    again = await asyncio.to_thread(Knowledge.open, kb.path, index_dir=tmp_path / "index", encoder=Lettered())
    assert correct_spelling(again.snapshot, "vouchr refnd", EVERYBODY).text == "vouchr refund"


def test_merged_segments_read_as_before():
    articles = [
        parse(f"# Note {number_of_note}\n\nword{'abcdefghijkl'[number_of_note]}\n", path=f"{number_of_note}.md")
        for number_of_note in range(12)
    ]
    many = None
    for number in range(1, 13):
        many = build(articles[:number], Lettered(), previous=many)
    merged = compact(many)
    assert len(merged.parts) < len(many.parts)
    for snapshot in (many, merged):
        assert correct_spelling(snapshot, "wrodc nnote sell", EVERYBODY).text == "wordc note sell"


@pytest.mark.parametrize("char", [ZWSP, JOINER, NON_JOINER, *"\u00ad\u200e\u200f\u202e\u2060\u2066\ufeff"], ids=ascii)
def test_invisible_characters_are_not_read(shop, char):
    written = f"{char}my pass{char}word, {char}pleas{char}e?{char}"
    assert correct_spelling(shop, written, EVERYBODY) == CorrectedQuery("my password, please?")
    assert correct_spelling(shop, f"pas{char}word", EVERYBODY).text == "password"
    assert correct_spelling(shop, char, EVERYBODY).text == ""


def test_joined_emoji_fall_apart(shop):
    assert (
        correct_spelling(shop, f"\U0001f469{JOINER}\U0001f467 password", EVERYBODY).text
        == "\U0001f469\U0001f467 password"
    )


@pytest.mark.parametrize(
    "text",
    [
        f"\u0645\u06cc{NON_JOINER}\u062e\u0648\u0627\u0647\u0645",  # Persian: two parts of a word
        f"\u0915\u094d{JOINER}\u0937",  # Hindi: the shape of two letters
        f"\u1781\u17d2{ZWSP}\u1789\u17bb\u17c6",  # Khmer: the end of a word
    ],
    ids=["Persian", "Hindi", "Khmer"],
)
def test_joiners_stay_where_scripts_need_them_so_that_question_and_article_have_the_same_words(text):
    written = snapshot({"a": f"# A\n\n{text}\n", "b": "# B\n\nOther words.\n"})
    assert correct_spelling(written, text, EVERYBODY).text == text
    assert all(written.has_word(word) for word in words(text))


@pytest.mark.parametrize(
    ("asked", "read"),
    [
        ("my username", "my user name"),
        ("login fails", "log in fails"),
        ("a Promocode", "a promo code"),
        ("timezone", "time zone"),
    ],
)
def test_a_compound_that_the_articles_write_in_two_words_is_read_as_those(asked, read):
    texts = {"a": "# Sign up\n\nLog in with your user name.\n\n## Promo codes\n\nEach time zone has its own.\n"}
    assert correct_spelling(snapshot(texts), asked, EVERYBODY).text == read


@pytest.mark.parametrize("asked", ["carpet", "sell", "logout", "username"])
def test_words_that_stand_apart_are_no_compound(asked):
    texts = {"a": "# Cars\n\nA car for a pet. The log. Out, or in. User: name.\n"}
    assert correct_spelling(snapshot(texts), asked, EVERYBODY).text == asked


def test_a_compound_of_an_article_that_is_hidden_is_not_read():
    texts = {"a": "---\nvisibility: internal\n---\n# A\n\nThe user name.\n", "b": "# B\n\nA user has a name.\n"}
    assert correct_spelling(snapshot(texts), "username", EVERYBODY).text == "username"
