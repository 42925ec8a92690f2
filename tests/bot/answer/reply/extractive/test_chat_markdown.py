"""An article's Markdown as a chat shows it."""

import time

import pytest

from bot.answer.reply.extractive.chat_inline import escaped
from bot.answer.reply.extractive.chat_markdown import to_chat_markdown
from retrieval.articles.markdown import blocks

PAGE = "https://help.example/help/cables"


def as_shown(text, page=PAGE):
    parts = (to_chat_markdown(block, text[block.start : block.end], page) for block in blocks(text))
    return "\n\n".join(part for part in parts if part)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("```\n<b>![x](y) {.c}\n```", "```\n<b>![x](y) {.c}\n```"),
        ("    make serve\n      --fast\n", "```\nmake serve\n  --fast\n```"),
        ("Write `<b>![x](y)` or `{#id}`.", "Write `<b>![x](y)` or `{#id}`."),
        ("- Run\n\n  ```\n  | a | b |\n  |---|---|\n  ```", "- Run\n\n  ```\n  | a | b |\n  |---|---|\n  ```"),
    ],
)
def test_code_is_left_as_it_is_and_fenced(written, expected):
    assert as_shown(written) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Use a <b>data</b> cable. ![A cable](img/c.png)", "Use a data cable."),
        ("Choose <PID> and <port>.", "Choose <PID> and <port>."),
        ("Click ![Upload.](img/up.png) **Upload**.", "Click **Upload**."),
        ("Get it[^1] [here](https://x.example){.link-external}.\n\n[^1]: A note.", "Get it [here](https://x.example)."),
        ("1. Press it.\n\n   ![Button](b.png)\n\n2. Wait.", "1. Press it.\n\n2. Wait."),
        ("- ![only](a.png)\n- words", "- words"),
        ("one\n\n---\n\ntwo", "one\n\ntwo"),
    ],
)
def test_what_a_chat_cannot_show_goes_and_the_words_stay(written, expected):
    assert as_shown(written) == expected


def test_a_labelled_quote_says_its_label_also_within_a_list():
    assert as_shown("> [!WARNING]\n> Hot.\n> Very.") == "**Warning:** Hot.\nVery."
    assert as_shown("1. Solder it.\n\n   > [!TIP]\n   > Use tin.") == "1. Solder it.\n\n   **Tip:** Use tin."
    assert as_shown("> [!NOTE] In one line.") == "**Note:** In one line."


def test_a_link_to_the_web_stays_one_to_a_heading_leads_to_the_page_and_any_other_leaves_its_words():
    written = (
        "See [the shop](https://shop.example/a_(b)), [plugs](#plugs), [ports](ports.md) and [x](javascript:alert(1))."
    )
    assert as_shown(written) == (
        "See [the shop](https://shop.example/a_(b)), [plugs](https://help.example/help/cables#plugs), ports and x."
    )


def test_a_table_becomes_a_list():
    assert as_shown("| Pin | Use | Volt |\n|---|:-:|---|\n| RX | in | 5 |\n| TX \\| T | out | |") == (
        "- RX: Use: in; Volt: 5\n- TX | T: Use: out"
    )
    assert as_shown("| Pin | Use |\n|---|---|\n| **RX** | in |") == "Pin – Use:\n- **RX**: in"


def test_a_table_within_a_step_stays_within_it():
    assert as_shown("1. Connect:\n\n   | A | B |\n   |---|---|\n   | 1 | 2 |\n\n2. Go.") == (
        "1. Connect:\n\n   A – B:\n   - 1: 2\n\n2. Go."
    )


def test_raw_html_leaves_its_words_and_links_line_by_line():
    written = (
        '<div><p>Lost <b>access</b>?</p><a class="x" href="https://a.example/b">Read * it</a><script>x()</script>'
        '<ul><li>one</li><li>two</li></ul><!-- no --><p style="display:none;">secret</p><a href="javascript:x">y</a></div>'
    )
    assert as_shown(written) == "Lost access?\n\n[Read \\* it](https://a.example/b)\n\n- one\n\n- two\n\ny"


def test_a_heading_is_strong_words():
    assert as_shown("## The *new* `x_y` {#n}") == "**The new x\\_y**"


def test_escaped_text_shows_as_itself():
    assert escaped("a_b [c] *d* `e` <f> \\") == "a\\_b \\[c\\] \\*d\\* \\`e\\` \\<f> \\\\"


@pytest.mark.slow
@pytest.mark.parametrize(
    "hostile",
    [
        "[" * 20_000,
        "![a](" * 4_000,
        "`" * 20_001 + "a",
        "|a" * 10_000 + "\n|-\n",
        "<a href='https://" * 2_000,
        "<div" * 5_000,
    ],
)
def test_hostile_text_takes_no_longer_than_other_text(hostile):
    began = time.perf_counter()
    as_shown(hostile)
    as_shown(f"<div>{hostile}</div>")
    assert time.perf_counter() - began < 2
