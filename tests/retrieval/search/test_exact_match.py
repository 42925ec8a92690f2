import pytest

from retrieval.articles.audience import Audience
from retrieval.search.signals import Query
from retrieval.search.stages import search

VISITOR = Audience("default")
REMEDY = "The {} lamp blinks. Switch the oven off and on again, then wait for the {} beep.\n"
NAMES = ["red", "green", "blue", "white", "amber", "upper", "lower", "left", "right", "rear"]


def section(code, name):
    return f"## {code}\n\n{REMEDY.format(name, name)}\n"


CODES = {f"ERR-30{number}": name for number, name in zip(range(10, 20), NAMES, strict=True)}
ONE = {"oven": "---\ntitle: Oven codes\n---\nLook the code up.\n\n" + "".join(section(*each) for each in CODES.items())}
SPREAD = {
    f"oven{number}": f"---\ntitle: Oven codes, page {number}\n---\nLook it up.\n\n{section(*each)}"
    for number, each in enumerate(CODES.items())
}
REST = {
    "clean": "---\ntitle: Clean the oven\n---\nYour oven shows no code while it cleans itself in 24 hours.\n",
    "releases": "---\ntitle: What is new\n---\nEach version.\n\n## 2.0\n\nDark mode.\n\n## 2.1.0\n\nExport.\n\n"
    "## 2.10.0\n\nCalendars.\n",
    "dish": "---\ntitle: Dishwasher\n---\n## Lamps\n\n| Code | Do |\n|---|---|\n| E24 | Clean the hose. |\n| E25 | Call. |\n",
    "parts": "---\ntitle: Parts\n---\n## KX-714-B\n\nA hinge.\n\n## KX-714-C\n\nA foot.\n",
    "plans": "---\ntitle: Plans\n---\n## Basic\n\nThe plan costs $9.99.\n\n## Pro\n\nThe plan costs $19.99.\n",
    "fleet": "---\ntitle: Fleet\n---\nA van has 4712 parts, a car has 4713 and a bus has 4713.\n\n## Cars\n\nOf 4713.\n",
}


@pytest.fixture
def ask(snapshot_of, encoder):
    def ask(articles, query, audience=VISITOR):
        return search(snapshot_of(articles), Query(query, encoder.encode([query])[0]), audience)

    return ask


@pytest.mark.parametrize("articles", [ONE, SPREAD])
@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("asked", ["my oven shows {}", "{}", "what does {} mean?"])
def test_the_one_section_with_the_code_stands_first(ask, articles, code, asked):
    for spelling in (code, code.lower().replace("-", ""), code.replace("-", " ")):
        hit, *others = ask(articles | REST, asked.format(spelling))
        assert (hit.chunk.heading_path, hit.identifiers) == ((code,), "match")
        assert "match" not in {other.identifiers for other in others}


@pytest.mark.parametrize(
    ("question", "heading"),
    [
        ("What is new in 2.10.0", "2.10.0"),
        ("What is new in 2.1.0?", "2.1.0"),
        ("what is new in v2.0", "2.0"),
        ("E24", "Lamps"),
        ("dishwasher E25", "Lamps"),
        ("a kx714c please", "KX-714-C"),
        ("is there a KX 714 B", "KX-714-B"),
        ("error 3014", "ERR-3014"),
    ],
)
def test_codes_of_many_kinds_are_looked_up(ask, question, heading):
    hit = ask(ONE | REST, question)[0]
    assert (hit.chunk.heading_path[-1], hit.identifiers) == (heading, "match")


@pytest.mark.parametrize(
    "question",
    [
        "ERR-9999",
        "my oven shows err9999",
        "my oven shows WRN-3012",
        "error 9999",
        "new in 2.11.0",
        "E99 dishwasher",
        "KX-715-B",
    ],
)
def test_a_code_that_stands_nowhere_makes_every_section_with_another_one_an_other(ask, question):
    hits = ask(ONE | REST, question)
    alike = {"E99 dishwasher": "dish", "KX-715-B": "parts", "new in 2.11.0": "releases"}.get(question, "oven")
    assert {hit.identifiers for hit in hits if hit.article.article_id == alike} == {"other"}
    assert "match" not in {hit.identifiers for hit in hits}


def test_the_opening_of_a_list_of_codes_stands_for_none_that_it_has_not(ask):
    opening = next(hit for hit in ask(ONE, "Look the code ERR-9999 up") if not hit.chunk.heading_path)
    assert opening.identifiers == "other"


def test_an_amount_brings_its_section_first_and_is_no_match_by_itself(ask):
    hit = ask(REST, "Why does the plan cost $19.99?")[0]
    assert (hit.chunk.heading_path, hit.identifiers) == (("Pro",), None)


@pytest.mark.parametrize(
    "question", ["how are 10 items cleaned in 24 hours", "opened in 2019", "a car with 4713 parts"]
)
def test_plain_numbers_are_no_identifiers(ask, question):
    assert {hit.identifiers for hit in ask(ONE | REST, question)} == {None}


def test_what_only_mentions_a_code_gives_way_to_the_section_under_it(ask):
    texts = {"oven": ONE["oven"].replace("the blue beep", "the blue beep, or see ERR-3010")}
    hits = ask(texts | REST, "my oven shows ERR-3010")
    standings = {hit.chunk.heading_path[-1:]: hit.identifiers for hit in hits}
    assert (hits[0].chunk.heading_path, standings["ERR-3010",]) == (("ERR-3010",), "match")
    assert standings.get(("ERR-3012",), "other") == "other"


def test_a_code_that_many_articles_have_is_a_subject_and_leads_nowhere(ask):
    boards = {f"board{n}": f"---\ntitle: Board {n}\n---\n## Use\n\nThe ESP32 board, part {n}.\n" for n in range(9)}
    assert {hit.identifiers for hit in ask(boards | REST, "program the ESP32 board")} <= {None}


def test_two_sections_with_a_code_stand_first_and_neither_is_asserted(ask):
    both = {name: f"---\ntitle: Stove {name}\n---\n{section('ERR-3010', name)}" for name in ("gas", "coal")}
    hits = ask(both | REST, "ERR-3010")
    assert {hit.article.article_id for hit in hits[:2]} == {"gas", "coal"}
    assert {hit.identifiers for hit in hits[:2]} == {None}


def test_a_code_that_is_mentioned_beside_something_else_is_not_asserted(ask):
    texts = {"hinge": "---\ntitle: Hinges\n---\nThe hinge of the KX900 squeaks.\n"} | REST
    long = "I bought a KX900 yesterday and cannot find where to change the password of my account"
    assert {hit.identifiers for hit in ask(texts, long)} <= {None, "other"}
    assert ask(texts, "hinge KX900 squeaks")[0].identifiers == "match"


def test_what_the_audience_may_not_see_is_looked_up_for_nobody_else(ask):
    secret = {"secret": f"---\ntitle: Service\nvisibility: internal\n---\n{section('ERR-7777', 'hidden')}"}
    alone, beside = ([(hit.chunk, hit.identifiers) for hit in ask(texts, "ERR-7777")] for texts in (ONE, ONE | secret))
    assert alone == beside
    assert ask(ONE | secret, "ERR-7777", Audience("default", internal=True))[0].identifiers == "match"


def test_the_articles_that_are_lifted_are_likelier_than_all_others(ask):
    first, *others = ask(SPREAD | REST, "clean the oven, it shows no code but ERR-3015")
    assert first.chunk.heading_path == ("ERR-3015",)
    assert first.score > 1 + max(hit.score for hit in others if hit.article != first.article)


@pytest.mark.parametrize(
    "question",
    ["Hi PowerPlay11", "My PowerPlay11 is not working", "delete my PowerPlay11 account", "is PowerPlay11 real"],
)
def test_a_name_with_digits_that_one_heading_has_is_no_code(ask, question):
    texts = {"app": "---\ntitle: Download PowerPlay11\n---\nGet it from our page.\n"} | REST
    assert {hit.identifiers for hit in ask(texts, question)} <= {None}
    assert ask(texts, "PowerPlay11")[0].identifiers == "match"


def test_one_of_a_series_is_not_asserted_for_a_question_about_something_else(ask):
    series = "".join(f"## Install it on Windows{number}\n\nRun the setup.\n\n" for number in (10, 11))
    texts = {"app": f"---\ntitle: Install\n---\n{series}"} | REST
    asked = "since yesterday my account is locked on Windows11 and no password I remember works any more"
    assert "match" not in {hit.identifiers for hit in ask(texts, asked)}
    assert ask(texts, "install on windows11")[0].identifiers == "match"
