import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.articles.article import parse
from retrieval.articles.child_chunk import CHILD_WORDS, cut
from retrieval.articles.chunk import CHARS_PER_WORD, size


def children_of(body, front="title: T"):
    return cut(parse(f"---\n{front}\n---\n{body}", path="a.md")).children


def text_children(body):
    return [child for child in children_of(body) if child.kind == "piece"]


def texts(children):
    return [(child.kind, child.ordinal, child.text) for child in children]


def test_a_short_passage_is_one_child_chunk_with_title_and_headings():
    assert texts(children_of("Intro here.\n\n## Lost\n\n### Abroad\n\nSee [this](x.md).\n")) == [
        ("piece", 0, "T\nIntro here."),
        ("piece", 1, "T\nLost\nAbroad\nSee this."),
        ("heading", 1, "Abroad"),
        ("title", None, "T"),
    ]


def test_title_and_questions_come_last_and_belong_to_no_passage_yet():
    assert texts(children_of("Text.", "title: T\nquestions: [How?, Why?]")) == [
        ("piece", 0, "T\nText."),
        ("title", None, "T"),
        ("question", None, "How?"),
        ("question", None, "Why?"),
    ]


def test_an_article_without_passages_has_no_child_chunks():
    assert children_of("\n \n", "title: T\nquestions: [How?]") == ()


def test_a_passage_that_is_only_a_heading_is_found_by_it():
    assert texts(text_children("Text.\n\n## Alone")) == [("piece", 0, "T\nText."), ("piece", 1, "T\nAlone")]


def test_a_long_passage_is_cut_at_sentences_into_child_chunks_of_like_length():
    children = text_children("This sentence has exactly seven words altogether. " * 10)
    assert [len(child.text.split()) - 1 for child in children] == [35, 35]
    assert all(child.text.endswith("altogether.") and child.ordinal == 0 for child in children)


def test_list_items_and_table_rows_are_kept_whole():
    items = [f"- item {number} " + "word " * 20 for number in range(8)]
    rows = [f"| row {number} | " + "word " * 20 + "|" for number in range(8)]
    children = text_children("\n".join(items) + "\n\n| a | b |\n|---|---|\n" + "\n".join(rows))
    child_texts = [child.text.removeprefix("T\n") for child in children]
    assert len(child_texts) > 6
    assert all(piece.startswith(("item", "row", "a b")) for piece in child_texts)
    assert all(len(piece.split()) <= CHILD_WORDS for piece in child_texts)


def test_a_full_stop_in_code_ends_no_child_chunk():
    code = "```\n" + "\n".join(f"call. {number} " + "x " * 25 for number in range(4)) + "\n```"
    assert all(child.text.removeprefix("T\n").startswith("call.") for child in text_children(code))


def test_a_sentence_without_end_is_cut_at_words():
    children = text_children("word " * 150)
    assert [len(child.text.split()) - 1 for child in children] == [50, 50, 50]


def test_a_heading_that_asks_and_the_title_are_compared_by_themselves():
    children = children_of("Do:\n\n1. first\n2. second *step*\n\n## What then?\n\nText.", "title: T\nquestions: [How?]")
    assert texts(children) == [
        ("piece", 0, "T\nDo: first second step"),
        ("piece", 1, "T\nWhat then?\nText."),
        ("question", 1, "What then?"),
        ("title", None, "T"),
        ("question", None, "How?"),
    ]


def test_the_bullets_of_an_article_of_bullets_are_ways_of_asking():
    children = children_of("Asked as:\n\n- first\n- second *way* to ask", "title: T")
    assert texts(children) == [
        ("piece", 0, "T\nAsked as: first second way to ask"),
        ("question", 0, "first"),
        ("question", 0, "second way to ask"),
        ("title", None, "T"),
    ]
    assert [child.kind for child in children_of("Text of many words that says what is meant here.\n\n- a\n- b")] == [
        "piece",
        "title",
    ]


line = st.one_of(
    st.sampled_from(["# A", "## B {#b}", "A\n===", "```", "- item", "1. step", "| a | b |", "|---|---|", "> quote"]),
    st.sampled_from(["    code", "<div>", "[r]: x", "Do this:", "", "", "\u2028", "One. Two! Three? "]),
    st.text(max_size=30),
    st.integers(1, 300).map(lambda count: "word " * count),
    st.integers(1, 2000).map(lambda count: "字" * count),
)


@settings(max_examples=50, deadline=None)
@given(st.lists(line, max_size=20).map("\n".join))
def test_every_passage_has_child_chunks_and_none_is_long(body):
    article = dataclasses.replace(parse("---\ntitle: T\n---\n", path="a.md"), body=body)
    cut_article = cut(article)
    children = [child for child in cut_article.children if child.kind == "piece"]
    assert {child.ordinal for child in children} == {chunk.ordinal for chunk in cut_article.chunks}
    for child in children:
        heading = "\n".join(["T", *cut_article.chunks[child.ordinal].heading_path])
        assert child.text.startswith(heading)
        assert size(child.text.removeprefix(heading)) <= CHILD_WORDS + 1
        assert len(child.text) - len(f"{heading}\n") <= (CHILD_WORDS + 1) * CHARS_PER_WORD


@pytest.mark.parametrize("body", ["", "# T", "word", "- a\n- b", "## A\n\n## B"])
def test_the_order_of_child_chunks_is_that_of_the_passages(body):
    ordinals = [child.ordinal for child in text_children(body)]
    assert ordinals == sorted(ordinals)
