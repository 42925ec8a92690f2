import re
from pathlib import Path

import pytest

from bot.answer.reply.catalogue import default_phrasebook, read_phrasebook
from bot.answer.reply.catalogue.catalogue import KEYS, PLACEHOLDERS
from bot.errors import CatalogueUnusable

ENGLISH = default_phrasebook().speaking("en")
SHIPPED = pytest.mark.parametrize(
    "phrases", default_phrasebook().catalogues.values(), ids=default_phrasebook().catalogues
)
ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture
def own(tmp_path):
    """A phrasebook with an operator's file."""

    def write(text):
        path = tmp_path / "phrases.toml"
        path.write_text(text, "utf-8")
        return read_phrasebook(path)

    return write


def whole(**changed):
    """A table with every phrase."""
    phrases = {key: getattr(ENGLISH, key) for key in KEYS} | changed
    return "".join(f'{key} = """{text}"""\n' for key, text in phrases.items())


@SHIPPED
def test_every_phrase_can_be_said_and_nothing_is_left_in_braces(phrases):
    given = dict.fromkeys(("topics", "options", "question", "language", "article", "articles"), "X")
    for key in KEYS:
        said = phrases.say(key, **{name: given[name] for name in PLACEHOLDERS.get(key, ()) if name in given})
        assert said
        assert not re.search(r"[{}]", said), key


@SHIPPED
@pytest.mark.parametrize("desk_open", [True, False])
@pytest.mark.parametrize("frustrated", [True, False])
@pytest.mark.parametrize("reason", ["visitor_asked", "low_confidence", None])
def test_every_refusal_holds_an_offer(phrases, desk_open, frustrated, reason):
    said = phrases.refusal(reason, desk_open=desk_open, frustrated=frustrated)
    assert (phrases.offer if desk_open else phrases.leave_address) in said
    assert phrases.sorry in said if frustrated else phrases.sorry not in said


def test_an_operators_phrase_takes_the_place_of_ours_and_of_all_that_are_made_of_it(own):
    phrases = own('[en]\noffer = "Speak to a person?"').speaking("en-GB")
    assert phrases.refusal(None, desk_open=True).endswith("articles. Speak to a person?")
    assert phrases.offer_beside(desk_open=True, frustrated=True) == "I am sorry for the trouble. Speak to a person?"
    assert phrases.say("greeting") == ENGLISH.say("greeting")
    assert default_phrasebook().speaking("en").offer == ENGLISH.offer


def test_doubled_braces_are_said_as_braces_also_within_another_phrase(own):
    phrases = own("[en]\noffer = 'Write {{human}}?'\ngreeting = 'Hi {{you}}'").speaking(None)
    assert phrases.say("greeting") == "Hi {you}"
    assert phrases.offer_beside(desk_open=True, frustrated=True) == "I am sorry for the trouble. Write {human}?"


def test_what_is_filled_in_may_have_braces():
    asked = ENGLISH.ask_which([("{offer}", "Press {it}."), ("Ports {0}", "")])
    assert "- **{offer}**: Press {it}.\n- **Ports {0}**\n" in asked
    assert "about {offer}, {0}. " in ENGLISH.refusal(None, desk_open=True, topics=["{offer}", "{0}"])
    assert ENGLISH.source_line("[{x}](/help/x)", more=True) == "You can read on in our article [{x}](/help/x)."


@SHIPPED
def test_the_hedge_of_a_second_suggestion_is_another_one(phrases):
    assert phrases.hedge(rejected=False) != phrases.hedge(rejected=True)


def test_a_refusal_says_what_the_nearest_articles_are_about_unless_one_was_rejected():
    assert ENGLISH.refusal(None, desk_open=True, topics=["Billing"]).count("about Billing") == 1
    rejected = ENGLISH.refusal(None, desk_open=True, topics=["Billing"], rejected=True)
    assert "Billing" not in rejected
    assert ENGLISH.not_found_either in rejected


def test_the_nearest_language_is_spoken_else_english(own):
    book = own(f"[sjn]\n{whole(greeting='Mae govannen!')}\n[pt-BR]\n{whole(greeting='Oi!')}")
    for locale, greeting in (
        ("sjn", "Mae govannen!"),
        ("sjn-CH", "Mae govannen!"),
        ("SJN_ch", "Mae govannen!"),
        ("pt-br", "Oi!"),
        ("pt-PT", book.catalogues["pt"].greeting),
        ("de-AT", book.catalogues["de"].greeting),
        ("tlh", ENGLISH.greeting),
        ("", ENGLISH.greeting),
        (None, ENGLISH.greeting),
    ):
        assert book.speaking(locale).say("greeting") == greeting


def test_what_language_articles_are_in_is_said_to_readers_of_another_one_alone(own):
    book = own(f"[sjn]\n{whole(language='Sindarin')}\n[en-GB]\n{whole(language='British English')}")
    assert book.other_language("de-AT", "en") == "Unsere Artikel sind in einer anderen Sprache geschrieben (English)."
    assert book.other_language("en", "sjn") == "Our articles are in another language (Sindarin)."
    for locale, written in (
        ("de-AT", "de"),
        ("en-GB", "en"),
        ("en", "en-GB"),
        (None, "en-US"),
        ("ja", "en"),
        ("de", "ja"),
    ):
        assert book.other_language(locale, written) == ""


def test_no_phrase_of_one_language_was_left_as_it_is_in_another():
    catalogues = default_phrasebook().catalogues.values()
    for key in KEYS:
        phrases = [phrase for phrase in (getattr(each, key) for each in catalogues) if len(phrase) > 40]
        assert len(set(phrases)) == len(phrases), key


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            '[en]\ngreting = "Hi"',
            "'greting': there is no such phrase; remove it, or take one of language, person_label,",
        ),
        ('greeting = "Hi"', "'greeting': it stands outside a language; put it below [en]"),
        ('[tlh]\ngreeting = "nuqneH"', "'language': it is missing; add it"),
        ("[en]\ngreeting = 3", "'greeting': 3 is no text; write what the bot says in quotation marks"),
        ('[en]\ngreeting = "  "', "'greeting': '  ' is no text; write what the bot says in quotation marks"),
        ('[en]\nno_answer = "No. {offer}"', "'no_answer': it has {offer} in braces; write {not_found} and {offer}"),
        ('[en]\ngreeting = "Hi {name}"', "'greeting': it has {name} in braces; write nothing"),
        ('[en]\nsources = "{articles!r}"', "'sources': it has {articles!r} in braces; write {articles}"),
        ('[en]\nsources = "{articles:>9}"', "'sources': it has {articles:>9} in braces; write {articles}"),
        ('[en]\nsource = "{article.text}"', "'source': it has {article.text} in braces; write {article}"),
        (
            '[en]\ngreeting = "Hi }"',
            "'greeting': a brace stands alone (Single '}' encountered in format string); double",
        ),
        ('[en]\nperson_label = "a\\nb"', "'person_label': 'a\\nb' is too long for a button; take 80 characters"),
        ("[en\n", "it is no TOML ("),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_file_phrase_and_what_to_do(own, tmp_path, text, problem):
    with pytest.raises(CatalogueUnusable) as refused:
        own(text)
    assert str(refused.value).startswith(f"the phrases in '{tmp_path}/phrases.toml' cannot be used: {problem}")


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(CatalogueUnusable, match=r"No such file or directory.*; give the path of a TOML file"):
        read_phrasebook(tmp_path / "phrases.toml")
    (tmp_path / "latin.toml").write_bytes(b'[en]\ngreeting = "Gr\xfc\xdfe"')
    with pytest.raises(CatalogueUnusable, match="it is not UTF-8"):
        read_phrasebook(tmp_path / "latin.toml")


def test_every_phrase_is_documented_and_nothing_else_is():
    article = (ROOT / "kb_articles/bot-phrases.md").read_text("utf-8")
    lines = re.findall(r"^- (`.*?`): ", article, re.MULTILINE)
    assert [key for line in lines for key in re.findall(r"`(\w+)`", line)] == list(KEYS)
