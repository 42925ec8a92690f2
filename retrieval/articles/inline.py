"""What stands within a paragraph, as CommonMark reads it: links, images, code, tags and entities, each with its place.

The one reading of inline Markdown, for lint and for replies alike. markdown-it's tokens say what a piece is but not
where it stands, so its rules are asked to leave that too.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline, autolink, backtick, entity, escape, html_inline, image, link
from markdown_it.token import Token

Kind = Literal["autolink", "code", "entity", "escape", "html", "image", "link"]
References = tuple[tuple[str, str], ...]  # of a text's link definitions: label as CommonMark compares it, address
_Rule = Callable[[StateInline, bool], bool]

# Worst times measured, in hostile text: a character 1 us, a mark (unclosed `![`) 20 us, a line (`- a`) 50 us. The help
# centre has the same bound and shows what is beyond it as it stands, without a single link.
_MARKS = re.compile(r"(?:[^\w\s]|_)+")
_MARK_COST_US = 20
_LINE_COST_US = 50
_MAX_COST_US = 400_000

_SPECIAL = re.compile(r"[\[`<&\\]")  # without one of them there is no span
_RULES: dict[str, tuple[Kind, _Rule, str]] = {
    "autolink": ("autolink", autolink, "link_open"),
    "backticks": ("code", backtick, "code_inline"),
    "entity": ("entity", entity, "text_special"),
    "escape": ("escape", escape, "text_special"),
    "html_inline": ("html", html_inline, "html_inline"),
    "image": ("image", image, "image"),
    "link": ("link", link, "link_open"),
}


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a paragraph's source, text[start:end], that is more than words and emphasis.

    `content` is what it stands for: code, a tag, the character of an entity or an escape. A link and an image have an
    `href` as CommonMark normalises it, whatever its scheme; `label` are the offsets of a link's words, `inner` the
    spans among them.
    """

    kind: Kind
    start: int
    end: int
    content: str = ""
    href: str = ""
    label: tuple[int, int] = (0, 0)
    inner: tuple["Span", ...] = ()


def spans(text: str, references: References = ()) -> tuple[Span, ...]:
    """The spans of one paragraph's source, in order; none where reading would take more than half a second."""
    if not _SPECIAL.search(text) or is_costly(text):
        return ()
    found: list[Span] = []
    definitions = {label: {"href": href, "title": ""} for label, href in references}
    _parser().parseInline(text, {"references": definitions, "spans": found})
    return tuple(found)


def is_costly(markdown: str) -> bool:
    """Whether reading what stands within the paragraphs of a text might take more than half a second."""
    if len(markdown) > _MAX_COST_US:
        return True
    marks = sum(map(len, _MARKS.findall(markdown)))
    return len(markdown) + _MARK_COST_US * marks + _LINE_COST_US * markdown.count("\n") > _MAX_COST_US


class AnyAddress(MarkdownIt):
    """CommonMark where any address makes a link or a definition; who shows it judges it."""

    def validateLink(self, url: str) -> bool:  # noqa: ARG002, N802 - markdown-it's hook
        """Yes."""
        return True


@cache
def _parser() -> MarkdownIt:
    parser = AnyAddress("commonmark")
    for name, (kind, rule, token_type) in _RULES.items():
        parser.inline.ruler.at(name, _placed(kind, rule, token_type))
    return parser


def _placed(kind: Kind, rule: _Rule, token_type: str) -> _Rule:
    """The rule, which also leaves a span for each token it makes."""

    def placed(state: StateInline, silent: bool) -> bool:
        found: list[Span] = state.env["spans"]
        start, tokens, spans_before = state.pos, len(state.tokens), len(found)
        if not rule(state, silent):
            return False
        made = None if silent else next((each for each in state.tokens[tokens:] if each.type == token_type), None)
        if made:
            inner = tuple(found[spans_before:])
            del found[spans_before:]  # those of a picture's words stand in a text of their own
            found.append(_span(kind, state, made, start, inner))
        return True

    return placed


def _span(kind: Kind, state: StateInline, token: Token, start: int, inner: tuple[Span, ...]) -> Span:
    href = str(token.attrs.get("src" if kind == "image" else "href", ""))
    if kind != "link":
        return Span(kind, start, state.pos, token.content, href)
    words_end: int = state.md.helpers.parseLinkLabel(state, start, True)
    return Span(kind, start, state.pos, href=href, label=(start + 1, words_end), inner=inner)
