"""Markdown renderer and HTML sanitiser: all that our pages show passes through `to_html` or `escape`, nothing else does.

Two fences stand one behind the other. The renderer never passes raw HTML on and never emits an image; what it made then
goes through an allowlist of elements, attributes and address schemes. Either alone would do.
"""

import html
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import pairwise

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_BLOCKS = {"p", "hr", "blockquote", "pre", "ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td"}
_INLINES = {"a", "br", "code", "em", "strong"}
_NO_ATTRIBUTES: dict[str, set[str]] = {"*": set()}  # instead of nh3's own `lang` and `title`
_ATTRIBUTES = _NO_ATTRIBUTES | {"a": {"href"}, "ol": {"start"}} | {tag: {"id"} for tag in _HEADINGS}
_SCHEMES = {"http", "https", "mailto"}

# Worst times measured, in hostile text: a character 1 us, a mark (unclosed `![`) 20 us, a line (`- a`) 50 us.
_MARKS = re.compile(r"(?:[^\w\s]|_)+")
_MARK_COST_US = 20
_LINE_COST_US = 50
_MAX_COST_US = 400_000  # every text within half a second

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_CUSTOM_ID = re.compile(r"[ \t]*\{#([\w.:-]{1,200})\}[ \t]*$")
_ADMONITION = re.compile(r"\[!(NOTE|TIP|IMPORTANT|WARNING|CAUTION)\][ \t]*\n?")
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
# Tags that writers paste from web pages; <port> or <Servo.h> is a text's own.
_TAG = re.compile(
    r"</?(?:a|abbr|b|big|blockquote|br|button|center|cite|code|dd|del|details|div|dl|dt|em|figcaption|figure|font|h[1-6]"
    r"|hr|i|iframe|img|ins|kbd|li|mark|ol|p|picture|pre|q|s|samp|section|small|source|span|strike|strong|sub|summary|sup"
    r"|table|tbody|td|tfoot|th|thead|tr|tt|u|ul|var|video)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_NOT_IN_SLUG = re.compile(r"[^\w\- ]")


def escape(text: str) -> str:
    """HTML-escape plain text (what visitors and agents write, names, titles) for an element or a quoted attribute."""
    return html.escape(text)


def to_html(markdown: str, *, links: Callable[[str], str | None] | None = None, anchors: bool = False) -> str:
    """Render Markdown of articles and of the bot as safe HTML: CommonMark with tables and GitHub's `> [!NOTE]`.

    Of raw HTML the words stay and the tags go; an image leaves its alternative text. A link stays if it leads to http,
    https, mailto or into our own pages; where `links` is given, it says whither, and None that only the words stay.
    With `anchors`, headings outside lists and quotes get the ids that citations point to. What might take more than half
    a second (some 150,000 characters of prose, 20,000 of brackets) is shown as it stands.
    """
    if _cost_us(markdown[: _MAX_COST_US + 1]) > _MAX_COST_US:
        return f"<pre>{escape(markdown)}</pre>\n"
    parser = _parser()
    tokens = parser.parse(markdown)
    if anchors:
        _name_headings(tokens)
    for token in tokens:
        if token.children:
            token.children = list(_without_images_and_strangers(token.children, links))
    return _cleaner().clean(parser.renderer.render(tokens, parser.options, {}))


def untagged(text: str) -> str:
    """Strip HTML tags and comments that writers paste from web pages; <port> or <Servo.h> is the text's own."""
    return _TAG.sub("", _COMMENT.sub("", text))


def slug(words: str) -> str:
    """The anchor GitHub gives a heading: lower case, punctuation dropped, spaces as hyphens."""
    return _NOT_IN_SLUG.sub("", words.strip().lower()).replace(" ", "-")


class _Parser(MarkdownIt):
    """CommonMark where any address makes a link, so that of a forbidden one the words stay; `_whither` judges it."""

    def validateLink(self, url: str) -> bool:  # noqa: ARG002, N802 - markdown-it's hook
        """Yes."""
        return True


@cache
def _parser() -> MarkdownIt:
    parser = _Parser("commonmark").enable("table")
    # Raw HTML is recognised, so that blocks are cut as in the index, and leaves its words.
    parser.add_render_rule("html_block", _html_as_text)
    parser.add_render_rule("html_inline", _html_as_text)
    parser.core.ruler.before("inline", "github", _github)
    return parser


@cache
def _cleaner() -> nh3.Cleaner:
    tags = _HEADINGS | _BLOCKS | _INLINES
    return nh3.Cleaner(tags=tags, attributes=_ATTRIBUTES, url_schemes=_SCHEMES, link_rel="noopener noreferrer")


def _cost_us(markdown: str) -> int:
    """An upper bound of the time to render, from what the text is made of."""
    marks = sum(map(len, _MARKS.findall(markdown)))
    return len(markdown) + _MARK_COST_US * marks + _LINE_COST_US * markdown.count("\n")


def _html_as_text(_renderer: object, tokens: Sequence[Token], index: int, _options: object, _env: object) -> str:
    """The words of raw HTML, escaped; what looks like a tag but is none stays."""
    token = tokens[index]
    lines = _BREAK.split(_COMMENT.sub("", token.content))
    shown = "<br>".join(escape(html.unescape(_TAG.sub("", line))) for line in lines)
    return shown if not token.block else f"<p>{shown.strip()}</p>\n" if shown.strip() else ""


def _github(state: StateCore) -> None:
    """What GitHub adds to CommonMark, read before inline markup is: `## Title {#id}` and `> [!NOTE]`."""
    for index, token in enumerate(state.tokens):
        if token.type == "heading_open":
            _take_custom_id(token, state.tokens[index + 1])
        elif token.type == "blockquote_open" and state.tokens[index + 1].type == "paragraph_open":
            _label_admonition(state.tokens[index + 2])


def _take_custom_id(heading: Token, inline: Token) -> None:
    if custom := _CUSTOM_ID.search(inline.content):
        heading.meta["id"] = custom.group(1)
        inline.content = inline.content[: custom.start()]


def _label_admonition(inline: Token) -> None:
    if label := _ADMONITION.match(inline.content):
        rest = inline.content[label.end() :]
        inline.content = f"**{label.group(1).title()}**" + (f"\\\n{rest}" if rest else "")


def _without_images_and_strangers(
    tokens: Sequence[Token], links: Callable[[str], str | None] | None
) -> Iterator[Token]:
    """The same inline tokens; an image becomes its alternative text, a link that may not be only its words."""
    unwrapping = False  # links do not nest, so every link_close belongs to the link_open before it
    for token in tokens:
        if token.type == "link_open":
            href = _whither(str(token.attrs["href"]), links)
            unwrapping = href is None
            token.attrs = {"href": href or ""}
        if token.type == "image":
            yield Token("text", "", 0, content=_words(token.children or ()))
        elif not (unwrapping and token.type in {"link_open", "link_close"}):
            yield token


def _whither(href: str, links: Callable[[str], str | None] | None) -> str | None:
    """Where a link leads; None if it may not be one."""
    scheme = _SCHEME.match(href)
    known = scheme.group(1).lower() in _SCHEMES if scheme else bool(href) and not href.startswith("//")
    if not known:
        return None
    return links(href) if links else href


def _name_headings(tokens: Sequence[Token]) -> None:
    """An explicit `{#id}` wins; equal slugs get `-1`, `-2` in document order, as on GitHub."""
    used: dict[str, int] = {}
    for heading, inline in pairwise(tokens):
        if heading.type == "heading_open" and heading.level == 0:
            name = heading.meta.get("id") or _unseen(slug(_words(inline.children or ())), used)
            heading.attrs |= {"id": name} if name else {}


def _unseen(name: str, used: dict[str, int]) -> str:
    count = used.get(name, 0)
    used[name] = count + 1
    return f"{name}-{count}" if count else name


def _words(tokens: Sequence[Token]) -> str:
    """What inline tokens say, without images and tags; white space folded."""
    spoken = {"text": None, "code_inline": None, "softbreak": " ", "hardbreak": " "}
    texts = (spoken[token.type] or token.content for token in tokens if token.type in spoken)
    return " ".join("".join(texts).split())
