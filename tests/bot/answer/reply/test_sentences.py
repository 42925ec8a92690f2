import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.answer.reply.sentences import SentenceSplitter, Statement, split_sentences


@pytest.mark.parametrize(
    ("line", "cut"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("It takes five days [1]. You get a mail [2].", ["It takes five days [1].", "You get a mail [2]."]),
        ("It takes five days. [1] You get a mail. [2, 3]", ["It takes five days. [1]", "You get a mail. [2, 3]"]),
        ("It takes five days. [1][2] Mail us.", ["It takes five days. [1][2]", "Mail us."]),
        (
            "Read this. [Refunds](https://a.example) tells more.",
            ["Read this.", "[Refunds](https://a.example) tells more."],
        ),
        ("Use a browser, e.g. Firefox [1].", ["Use a browser, e.g. Firefox [1]."]),
        ("Version 3.5 is from Dr. Who [1].", ["Version 3.5 is from Dr. Who [1]."]),
        ("It is **done.** Now rest.", ["It is **done.**", "Now rest."]),
        ("She said “no.” Then left.", ["She said “no.”", "Then left."]),
        ("返金は五日かかります。[1]メールが届きます。", ["返金は五日かかります。[1]", "メールが届きます。"]),
        ("no full stop", ["no full stop"]),
        ("   ", []),
    ],
)
def test_a_line_is_cut_behind_each_sentence_and_its_citations(line, cut):
    assert split_sentences(line) == cut


def statements(text, sizes=None):
    splitter = SentenceSplitter()
    fed = []
    position = 0
    for size in sizes or [len(text)]:
        fed += splitter.feed(text[position : position + size])
        position += size
    return [*fed, *splitter.feed(text[position:]), *splitter.end()]


def test_paragraphs_lists_and_code_are_cut_each_in_its_way():
    text = (
        "First. Second [1].\n\nDo this:\n1. Open it. Look [1].\n2. Close it.\n- a\n\n```sh\nmake. It\n\nrun\n```\nLast."
    )
    assert statements(text) == [
        Statement("sentence", "First."),
        Statement("sentence", "Second [1].", " "),
        Statement("sentence", "Do this:", "\n\n"),
        Statement("step", "1. Open it. Look [1].", "\n"),
        Statement("step", "2. Close it.", "\n"),
        Statement("item", "- a", "\n"),
        Statement("code", "```sh\nmake. It\n\nrun\n```", "\n\n"),
        Statement("sentence", "Last.", "\n"),
    ]


def test_a_sentence_comes_as_soon_as_the_next_one_has_begun():
    splitter = SentenceSplitter()
    assert splitter.feed("It takes five days. [") == []
    assert splitter.feed("1") == []
    assert splitter.feed("] You") == [Statement("sentence", "It takes five days. [1]")]
    assert splitter.feed(" wait.\n") == [Statement("sentence", "You wait.", " ")]


def test_a_list_item_comes_when_its_line_has_ended():
    splitter = SentenceSplitter()
    assert splitter.feed("- One. Two. Three") == []
    assert splitter.feed(".\n") == [Statement("item", "- One. Two. Three.")]


def test_code_that_is_not_closed_is_none():
    assert statements("Do it:\n```\nrm -rf\n") == [Statement("sentence", "Do it:")]


MARKDOWN = st.lists(
    st.sampled_from(
        ["Word", "a.", " ", "\n", "\n\n", "- ", "1. ", "[1]", "[", "]", "```", "**", "e.g. ", "!", "。", "Ü? "]
    )
).map("".join)


@given(MARKDOWN, st.integers())
def test_pieces_do_not_depend_on_how_the_text_came(text, seed):
    sizes = random.Random(seed).choices(range(1, 5), k=len(text))
    assert statements(text, sizes) == statements(text)


@given(st.text(max_size=300))
def test_nothing_is_invented(text):
    joined = "".join("".join(statement.text.split()) for statement in statements(text))
    assert len(joined) <= len(text)
    assert set(joined) <= set(text)


@pytest.mark.parametrize("hostile", ["." * 3000, "[1" * 1500, "[1]. " * 600, "!?" * 1500, ". [1, " * 500, "`" * 3000])
def test_hostile_text_is_cut_in_time(hostile):
    splitter = SentenceSplitter()
    for char in hostile:
        splitter.feed(char)
    splitter.end()
