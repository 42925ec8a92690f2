from time import perf_counter

import pytest

from retrieval.articles.markdown import blocks, headings, links


def test_headings_are_those_a_reader_sees():
    text = "# One\n\n```\n# code\n```\n\n    # code too\n\n<div>\n# html\n</div>\n\nTwo\n===\n\n> # quoted\n\n#no\n## Three\n"
    assert [(heading.level, heading.text) for heading in headings(text)] == [(1, "One"), (1, "Two"), (2, "Three")]


def test_anchors_are_those_of_github_and_an_explicit_one_wins():
    text = "# What's new?\n## What's new?\n## What's new?\n## Größe & Preis\n## Other {#my-id}\n## ?!\n"
    assert [heading.anchor for heading in headings(text)] == [
        "whats-new",
        "whats-new-1",
        "whats-new-2",
        "größe--preis",
        "my-id",
        "",
    ]


def test_blocks_cover_the_text_without_gaps():
    text = "Intro\n\n[ref]: https://example.com\n\n- a\n- b\n\n| x |\n| - |\n| 1 |\n\n```\ncode\n```\n# End"
    found = blocks(text)
    assert [block.kind for block in found] == ["paragraph", "bullet_list", "table", "fence", "heading"]
    assert "".join(text[block.start : block.end] for block in found) == text
    assert text[found[0].start : found[0].end] == "Intro\n\n[ref]: https://example.com\n\n"


def test_link_definitions_before_the_first_block_are_a_block():
    assert [(block.kind, block.start, block.end) for block in blocks("\n[r]: x\n# A")] == [
        ("definitions", 0, 8),
        ("heading", 8, 11),
    ]
    assert [block.kind for block in blocks("[r]: x")] == ["definitions"]
    assert blocks(" \n") == ()


def test_long_blocks_may_be_cut_at_items_rows_and_lines():
    text = "1. a\n   - deep\n2. b\n\n| x |\n| - |\n| 1 |\n\n```\ncode\n```\n\n> one\n>\n> two\n"
    pieces = [[text[cut:].split("\n", 1)[0] for cut in block.cuts] for block in blocks(text)]
    assert pieces == [["2. b"], ["| 1 |"], ["code"], ["> two"]]


def test_links_outside_code_are_found_with_their_lines():
    text = 'See [a](b.md#c "t") and ![i](p.png).\n\n`[no](no.md)`\n\n```\n[no](no.md)\n```\n[r]: d(e).md\n<a href="f.md">f</a>'
    assert list(links(text)) == [("b.md#c", 1), ("d(e).md", 8), ("f.md", 9)]


@pytest.mark.parametrize("text", ["> " * 20_000, "# a\n" * 10_000, "[" * 100_000, "`" * 100_000, "- a\n" * 10_000])
def test_hostile_text_takes_no_long_time(text):
    started = perf_counter()
    list(links(text))
    assert perf_counter() - started < 5  # half a second on an idle core; quadratic behaviour would take minutes
