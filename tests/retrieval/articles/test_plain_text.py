from time import perf_counter

import pytest

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
