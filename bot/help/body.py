"""Renders the body of an article for its page: safe HTML, links that lead somewhere, and a table of contents that agrees."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import unescape

from markupsafe import Markup

from conversation.markup import to_html
from retrieval.articles import Article, Heading, headings

MIN_CONTENTS = 3  # fewer headings are seen at a glance
DEEPEST_CONTENTS = 3

# `to_html` ends in an allowlist that writes every heading in just this form, and text with `<` escaped.
_FIRST_HEADING = re.compile(r'\A<h([1-6])(?: id="([^"]*)")?>.*?</h\1>\n?', re.DOTALL)
_ID = re.compile(r'<h[1-6] id="([^"]*)">')


@dataclass(frozen=True, slots=True)
class Body:
    """`html` without a first heading that only repeats the title; then `title_anchor` is where citations meant it."""

    html: Markup
    title_anchor: str | None
    contents: tuple[Heading, ...]


def render(article: Article, resolve: Callable[[str], str | None]) -> Body:
    """The article's Markdown as HTML. `resolve` says where a link leads; where it says None only the words stay.

    Costs some milliseconds, half a second for text made to be slow.
    """
    page = to_html(article.body, links=resolve, anchors=True)
    outline = headings(article.body)
    title = _FIRST_HEADING.match(page) if outline and outline[0].text == article.title else None
    if title:
        page, outline = page[title.end() :], outline[1:]
    anchor = unescape(title[2]) if title and title[2] else None
    return Body(Markup(page), anchor, _contents(outline, page))  # noqa: S704 - made by the one renderer


def _contents(outline: tuple[Heading, ...], page: str) -> tuple[Heading, ...]:
    """The upper headings that the page really has; text too hard to render has none."""
    anchors = {unescape(name) for name in _ID.findall(page)}
    upper = [
        heading
        for heading in outline
        if heading.level <= DEEPEST_CONTENTS and heading.text and heading.anchor in anchors
    ]
    return tuple(upper) if len(upper) >= MIN_CONTENTS else ()
