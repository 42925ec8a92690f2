import dataclasses

from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.articles.article import parse
from retrieval.articles.chunk import CHARS_PER_WORD, MAX_WORDS, plain_text, size, split


def chunks_of(body, title="T"):
    return split(parse(f"---\ntitle: {title}\n---\n{body}", path="a.md"))


line = st.one_of(
    st.sampled_from(
        ["# A", "## B {#b}", "###### C", "A\n===", "```", "~~~", "- item", "1. step", "| a | b |", "|---|---|"]
    ),
    st.sampled_from(["> quote", "    code", "<div>", "</div>", "[r]: x", "Do this:", "", "", "\t", "\u2028", "---"]),
    st.text(max_size=30),
    st.integers(1, 400).map(lambda count: "word " * count),
    st.integers(1, 3000).map(lambda count: "字" * count),
)


@settings(max_examples=50, deadline=None)
@given(st.lists(line, max_size=25).map("\n".join))
def test_chunks_cover_the_body_in_order_with_exact_offsets(body):
    article = dataclasses.replace(parse("---\ntitle: T\n---\n", path="a.md"), body=body)
    end = 0
    for ordinal, chunk in enumerate(split(article)):
        assert chunk.ordinal == ordinal
        assert body[chunk.start : chunk.end] == chunk.text
        assert chunk.text.strip()
        assert not body[end : chunk.start].strip()
        assert len(chunk.text) <= (MAX_WORDS + 1) * CHARS_PER_WORD
        end = chunk.end
    assert not body[end:].strip()


def test_each_heading_starts_a_passage_that_knows_the_headings_above_it():
    found = chunks_of("Intro.\n\n# T\n\nA.\n\n## Lost\n\n### Abroad {#far}\n\nB.\n\n## Found\n\nC.\n")
    assert [(chunk.heading_path, chunk.anchor, chunk.text) for chunk in found] == [
        ((), None, "Intro."),
        ((), "t", "# T\n\nA."),
        (("Lost", "Abroad"), "far", "## Lost\n\n### Abroad {#far}\n\nB."),
        (("Found",), "found", "## Found\n\nC."),
    ]


def test_a_sign_in_a_code_fence_is_no_heading():
    assert len(chunks_of("## A\n\n```sh\n# comment\nls\n```\n")) == 1


def test_what_fits_is_never_cut():
    steps = "\n".join(f"{number}. " + "word " * 9 for number in range(1, 13))
    found = chunks_of("word " * 120 + "\n\n" + steps)
    assert [chunk.text for chunk in found] == [("word " * 120).strip(), steps.strip()]


def test_an_announcing_line_stays_with_its_list():
    steps = "\n".join(f"- step {number} " + "word " * 8 for number in range(10))
    found = chunks_of("word " * 100 + "\n\nDo this:\n\n" + steps)
    assert [chunk.text.split("\n")[0] for chunk in found] == [("word " * 100).strip(), "Do this:"]


def test_a_list_that_does_not_fit_is_cut_at_items_only():
    items = [f"- item {number} " + "word " * 20 for number in range(30)]
    found = chunks_of("\n".join(items))
    assert len(found) > 3
    assert all(chunk.text.startswith("- item") for chunk in found)
    assert all(size(chunk.text) <= MAX_WORDS for chunk in found)


def test_a_long_paragraph_is_cut_at_sentences():
    found = chunks_of("This sentence has six words here. " * 100)
    assert len(found) == 4
    assert all(chunk.text.endswith("here.") for chunk in found)


def test_the_plain_text_is_the_words_without_markdown_and_own_headings():
    (chunk,) = chunks_of("## Lost\n### Abroad\n\nSee [here](x.md).\n\n![i](i.png)\n")
    assert plain_text(chunk) == "See here."


def test_an_article_without_text_has_no_passage():
    assert chunks_of("\n \n") == []
