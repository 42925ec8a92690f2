"""One reading of Markdown: the help centre, the index, lint and replies are held to the cases that the chat is held to.

`page` is what the help centre shows, in the form of `html_form`, `chat` what a chat shows of the same text (tested in
tests/widget/golden.test.js), `reply` the Markdown that a reply makes of it and `shown` what a chat shows of that; each
is left out where it is no different from the one before. `plain` are the words for searching, `links` what lint checks.
"""

import json
from pathlib import Path

import pytest

from bot.answer.reply.extractive.chat_markdown import to_chat_markdown
from conversation.markup import to_html
from retrieval.articles import blocks, plain, references
from retrieval.articles.markdown import links
from tests.harness.html_form import html_form

CASES = json.loads((Path(__file__).parent / "data" / "markdown_cases.json").read_text("utf-8"))

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])


@each_case
def test_the_help_centre_shows_it(case):
    assert html_form(to_html(case["markdown"])) == case["page"]


@each_case
def test_a_reply_says_it(case):
    text = case["markdown"]
    page, known = "https://help.example/help/a", references(text)
    shown = (to_chat_markdown(block, text[block.start : block.end], page, known) for block in blocks(text))
    assert "\n\n".join(filter(None, shown)) == case.get("reply", text)


@each_case
def test_its_words_are_searched(case):
    assert plain(case["markdown"]) == case["plain"]


@each_case
def test_its_links_are_checked(case):
    assert [target for target, _ in links(case["markdown"])] == case["links"]


def test_names_are_unique_and_where_a_chat_shows_less_the_case_says_why():
    assert len({case["name"] for case in CASES}) == len(CASES)
    assert [case["name"] for case in CASES if ("chat" in case or "shown" in case) != ("why" in case)] == []


def test_no_surface_makes_a_link_of_a_script():
    for case in CASES:
        for shown in (case["page"], case.get("chat", ""), case.get("shown", "")):
            assert 'href="javascript' not in shown.lower()
