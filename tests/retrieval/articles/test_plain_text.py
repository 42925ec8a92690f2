import re
from pathlib import Path
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from retrieval.articles.article import read
from retrieval.articles.chunk import split
from retrieval.articles.plain_text import plain


@pytest.mark.parametrize(
    ("markdown", "words"),
    [
        ("## A *big* **bold** _heading_ {#id}", "A big bold heading"),
        ("[link](https://example.com/a_(b) 'title') and [other][ref]\n\n[ref]: https://example.com", "link and other"),
        ("![picture](a.png) [![badge](b.svg)](c.html) text", "text"),
        ("1. one\n   - two\n> * three", "one two three"),
        ("| a | b |\n|---|:-:|\n| 1 | 2 |", "a b 1 2"),
        ("```cpp\n#include <Servo.h>\nint *p;\n```", "#include <Servo.h> int p;"),
        ("Press <kbd>Ctrl</kbd>+`C`<br/>now<!-- hidden --> &lt;1 &amp; done", "Press Ctrl + C now <1 & done"),
        ("snake_case __init__ \\*kept\\*", "snake_case init kept"),
        ("<https://example.com/x>", "example.com/x"),
        ("Title\n=====\n\nText\n\n---\n\nMore", "Title Text More"),
    ],
)
def test_only_the_words_of_a_text_stay(markdown, words):
    assert plain(markdown) == words


@pytest.mark.parametrize("piece", ["<!-- ", "![[](", "[a](", "*a ", "`", "<a ", "  ", "\\", "_a", "- " * 50])
def test_hostile_text_takes_no_long_time(piece):
    started = perf_counter()
    plain(piece * (200_000 // len(piece)))
    assert perf_counter() - started < 5  # under half a second on an idle core


ARTICLES = Path(__file__).resolve().parents[3] / "kb_articles"
KEPT = re.compile(r"[^\W_]+")  # letters and numbers; white space and signs are told apart by no search
ANCHOR = re.compile(r"[ \t]*\{#[\w.:-]{1,200}\}[ \t]*$", re.MULTILINE)  # GitHub's, not CommonMark's


def spelt(text):
    return "".join(KEPT.findall(text))


def read_by_the_parser(markdown):
    """The words of the tokens; of raw HTML, in code too, those that `plain` leaves."""
    said = []
    for token in MarkdownIt("commonmark").enable("table").parse(ANCHOR.sub("", markdown)):
        for part in token.children or [token]:
            if part.type == "text":
                said.append(part.content)
            elif part.type in {"code_inline", "html_inline", "html_block", "fence", "code_block"}:
                said.append(plain(f"<i>{part.content}</i>"))
    return "\n".join(said)


def test_the_words_of_real_passages_are_those_the_parser_reads():
    chunks = [chunk for article in read(ARTICLES).articles for chunk in split(article)]
    assert len(chunks) > 200
    differ = {chunk.article_id for chunk in chunks if spelt(plain(chunk.text)) != spelt(read_by_the_parser(chunk.text))}
    assert differ <= {"write-an-article"}  # its code shows how to write a link


word = st.text(st.sampled_from("abcxyzäß日0189"), min_size=1, max_size=5)
phrase = st.lists(word, min_size=1, max_size=4).map(" ".join)
address = st.sampled_from(["https://x.test/a_(b)", "a.md#b", "<https://x.test/a>", 'a.md "title"', "#a"])
inline = st.recursive(
    phrase
    | st.builds("`{}`".format, phrase)
    | st.builds("![{}]({})".format, phrase, address)
    | st.sampled_from(["&amp;", "\\*", "\\[", "snake_case", "<br>", "<kbd>k</kbd>", "a  \nb", "<!-- c -->", "5 < 6"]),
    lambda inner: (
        st.builds("*{}*".format, phrase)
        | st.builds("**{}**".format, phrase)
        | st.builds("[{}]({})".format, phrase, address)
        | st.lists(inner, min_size=1, max_size=3).map(" ".join)
    ),
    max_leaves=6,
)
block = (
    inline
    | st.builds("{} {}".format, st.sampled_from(["#", "##", "######"]), phrase)
    | st.builds("{} {{#{}}}".format, phrase.map("## {}".format), st.just("anchor"))
    | st.lists(phrase, min_size=1, max_size=3).map(lambda lines: "```sh\n" + "\n".join(lines) + "\n```")
    | st.lists(inline.filter(lambda text: "\n" not in text), min_size=1, max_size=3).map(
        lambda items: "\n".join(f"- {item}\n  1. deep" for item in items)
    )
    | st.builds("> {}".format, inline.filter(lambda text: "\n" not in text))
    | st.builds("| a | {} |\n|---|:-:|\n| {} | b |".format, phrase, phrase)
    | st.builds("{}\n=====".format, phrase)
    | st.just("[ref]: https://x.test/ 'title'")
    | st.just("---")
)


@settings(max_examples=300, deadline=None)
@given(st.lists(block, min_size=1, max_size=5).map("\n\n".join))
def test_the_words_of_any_text_are_those_the_parser_reads(markdown):
    assert spelt(plain(markdown)) == spelt(read_by_the_parser(markdown))
