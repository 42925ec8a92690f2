"""What leaves `to_html` is safe to put into a page, and reads as its author meant it."""

import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversation.markup import escape, slug, to_html

ELEMENTS = {
    *("a", "br", "code", "em", "strong", "p", "hr", "blockquote", "pre", "ul", "ol", "li"),
    *("table", "thead", "tbody", "tr", "th", "td", "h1", "h2", "h3", "h4", "h5", "h6"),
}
ATTRIBUTES = {("a", "href"), ("a", "rel"), ("ol", "start")} | {(f"h{level}", "id") for level in range(1, 7)}


class Allowed(HTMLParser):
    """Fails on any element or attribute that no page of ours may get from a text."""

    def handle_starttag(self, tag, attrs):
        assert tag in ELEMENTS
        for name, value in attrs:
            assert (tag, name) in ATTRIBUTES
            assert name != "href" or re.match(r"(?i)https?:|mailto:|#|(?![/\\]{2})(?![\w+.-]+:)", value), value


def safe(page):
    Allowed().feed(page)
    return page


def test_markdown_becomes_its_elements():
    page = to_html("# Refunds\n\nWithin *30* **days**:\n\n3. ask `us`\n4. wait\n\n> quoted\n\n    code\n\n---\n")
    assert page == (
        "<h1>Refunds</h1>\n<p>Within <em>30</em> <strong>days</strong>:</p>\n"
        '<ol start="3">\n<li>ask <code>us</code></li>\n<li>wait</li>\n</ol>\n'
        "<blockquote>\n<p>quoted</p>\n</blockquote>\n<pre><code>code\n</code></pre>\n<hr>\n"
    )


def test_a_table_is_kept():
    assert "<td>2</td>" in to_html("| a | b |\n|---|--:|\n| 1 | 2 |\n")


def test_of_raw_html_the_words_stay_and_the_tags_go():
    page = to_html("a <b onclick=x()>bold</b><br/>word\n\n<div align='left'>\ntold &lt;you&gt;\n</div>\n\nend")
    assert page == "<p>a bold<br>word</p>\n<p>told &lt;you&gt;</p>\n<p>end</p>\n"


def test_what_is_no_tag_stays_text():
    page = to_html("open <port> and <Servo.h>\n\n<script>steal()</script>\n")
    assert page == "<p>open &lt;port&gt; and &lt;Servo.h&gt;</p>\n<p>&lt;script&gt;steal()&lt;/script&gt;</p>\n"


def test_a_comment_is_left_out():
    assert to_html("<!-- for\n\nwriters -->\n\nread <!-- not --> this") == "<p>read  this</p>\n"


def test_an_image_becomes_its_alternative_text():
    assert to_html("see ![the *red* <button>](https://x.test/a.png)") == "<p>see the red</p>\n"
    assert to_html("[![Fig. 1](a.png)](/help/a)") == '<p><a href="/help/a" rel="noopener noreferrer">Fig. 1</a></p>\n'


@pytest.mark.parametrize(
    "href",
    ["https://example.com/a?b=c#d", "http://example.com", "mailto:a@example.com", "/help/a", "a.md", "#top", "?q=1"],
)
def test_a_link_that_may_be_is_kept(href):
    assert to_html(f'[words]({href} "title")') == f'<p><a href="{href}" rel="noopener noreferrer">words</a></p>\n'


@pytest.mark.parametrize("href", ["ftp://example.com", "//evil.test/x", "tel:1", "blob:x", ""])
def test_a_link_that_may_not_be_keeps_only_its_words(href):
    assert to_html(f"[*words*](<{href}>) end") == "<p><em>words</em> end</p>\n"


@pytest.mark.parametrize(
    "href",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:x",
        "java&#115;cript:x",
        "vbscript:x",
        "data:text/html,x",
        "file:///etc/passwd",
    ],
)
def test_a_dangerous_address_makes_no_link_at_all(href):
    assert "<a" not in safe(to_html(f"[words]({href}) <{href}> [r]\n\n[r]: {href}"))


@pytest.mark.parametrize("href", ["/\\evil.test", "\\\\\\\\evil.test", "\\/\\/evil.test", "&#47;&#47;evil.test"])
def test_no_spelling_of_an_address_leads_to_a_foreign_host(href):
    assert not re.search(r'href="[/\\]{2}', to_html(f"[words]({href})"))


def test_an_autolink_is_judged_like_any_link():
    assert to_html("<ftp://x.test> <https://ok.test>") == (
        '<p>ftp://x.test <a href="https://ok.test" rel="noopener noreferrer">https://ok.test</a></p>\n'
    )


def test_the_caller_decides_which_addresses_become_links():
    text = "[a](https://kb.test/1) [b](https://other.test) [c](ftp://x)"
    page = to_html(text, links=lambda href: f"{href}#x" if href.startswith(("https://kb.test/", "ftp:")) else None)
    assert page == '<p><a href="https://kb.test/1#x" rel="noopener noreferrer">a</a> b c</p>\n'


def test_an_admonition_is_a_quote_with_a_bold_label():
    assert to_html("> [!WARNING]\n> Unplug *first*.") == (
        "<blockquote>\n<p><strong>Warning</strong><br>\nUnplug <em>first</em>.</p>\n</blockquote>\n"
    )
    assert to_html("> [!TIP]") == "<blockquote>\n<p><strong>Tip</strong></p>\n</blockquote>\n"
    assert "[!OTHER]" in to_html("> [!OTHER]\n> text")


def test_headings_get_the_anchors_that_citations_use():
    page = to_html(
        "# Set-up: `pip install` & Co. {#start}\n## 1. Größe ändern\n## 1. Größe ändern\n"
        "## [Linked](/x) *and* ![no](i.png)\n## 🎉\n> ## Quoted\n\nTitle_2\n===\n",
        anchors=True,
    )
    assert re.findall(r"<h\d[^>]*>", page) == [
        '<h1 id="start">',
        '<h2 id="1-größe-ändern">',
        '<h2 id="1-größe-ändern-1">',
        '<h2 id="linked-and">',
        "<h2>",
        "<h2>",
        '<h1 id="title_2">',
    ]
    assert "{#start}" not in page


def test_without_a_page_of_its_own_a_text_gets_no_ids_but_loses_the_suffix():
    assert to_html("## Refunds {#r}") == "<h2>Refunds</h2>\n"


def test_an_id_cannot_leave_its_attribute():
    assert to_html('## x {#"onclick="y} \n\n## a {#b"c}', anchors=True) == (
        '<h2 id="x-onclicky">x {#"onclick="y}</h2>\n<h2 id="a-bc">a {#b"c}</h2>\n'
    )


@pytest.mark.parametrize(
    ("words", "anchor"),
    [
        ("  Take over a chat ", "take-over-a-chat"),
        ("What's new in 2.0?", "whats-new-in-20"),
        ("a  b--c_d", "a--b--c_d"),
        ("Überblick 日本", "überblick-日本"),
        ("!?", ""),
    ],
)
def test_a_slug_is_githubs(words, anchor):
    assert slug(words) == anchor


def test_plain_text_is_escaped_for_elements_and_attributes():
    assert escape("<a href=\"x\" on='y'> & [b](c)") == "&lt;a href=&quot;x&quot; on=&#x27;y&#x27;&gt; &amp; [b](c)"


@pytest.mark.parametrize(
    "piece",
    [
        "[",
        "[a](",
        "![",
        "*",
        "_a",
        "**a ",
        "`",
        "<",
        "<!--",
        "&",
        "> ",
        "- ",
        "| a ",
        "\\",
        "[a]: b\n\n",
        "- a\n",
        "{#",
        "\x00",
    ],
)
@pytest.mark.parametrize("size", [15_000, 1_000_000])
def test_hostile_repetition_is_rendered_or_shown_within_its_budget(piece, size):
    started_s = time.process_time()
    page = to_html(piece * (size // len(piece)), anchors=True)
    assert time.process_time() - started_s < 1  # 0.5 s on an idle machine
    safe(page[:20_000])


def test_what_would_take_too_long_is_shown_as_it_stands():
    assert to_html("[<b>" * 100_000) == "<pre>" + "[&lt;b&gt;" * 100_000 + "</pre>\n"


HOSTILE = st.lists(
    st.sampled_from(
        ["<script>", "</script>", "<img src=x onerror=y>", "<svg/onload=y>", "![a](b)", "[a](", "javascript:", ")", "\n\n", "`",
         "# ", "> ", "[!NOTE]\n", "{#a}", "<!--", "-->", "*", "|", "---\n", "<a href='", "'>", "&lt;", "\\", "[a]: //b\n", "<http:"]
    )
    | st.text(max_size=4),
    max_size=30,
).map("".join)  # fmt: skip


@given(HOSTILE)
def test_nothing_but_the_allowlist_ever_comes_out(text):
    safe(to_html(text, anchors=True))
