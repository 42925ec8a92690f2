"""What is wrong with articles that can be read: for the people who write them."""

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal
from urllib.parse import unquote

from retrieval.articles.article import Article, Reading
from retrieval.articles.chunk import MAX_WORDS, size
from retrieval.articles.markdown import blocks, headings, links

MAX_TITLE_CHARS = 120  # longer ones are cut off in search results and in the widget
LONG_ARTICLE_WORDS = 400  # about two screens; a reader looks for headings

_ELEMENT_ID = re.compile(r"<[a-z][^<>]{0,500}?\s(?:id|name)=[\"']([^\"'<>]{1,200})[\"']", re.IGNORECASE)
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)
_HELP = "/help/"  # where the help centre shows an article, by its id

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding, at `path:line` (the line counts from 1 in the file); `code` is stable."""

    path: str
    line: int
    code: str
    severity: Severity
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.severity}: {self.message} [{self.code}]"


def lint_articles(reading: Reading) -> list[Problem]:
    """Every finding, by path and line; what cannot be read at all is an error too."""
    articles = reading.articles
    found = [problem for article in articles for problem in _article(article)]
    found += _broken_links(articles)
    found += _doubles(articles)
    placed = [replace(problem, path=posixpath.join(reading.kb_dir, problem.path)) for problem in found]
    unreadable = [
        Problem(error.path, error.line, error.code, "error", f"{error.problem}; {error.remedy}")
        for error in reading.errors
    ]
    return sorted(unreadable + placed, key=lambda problem: (problem.path, problem.line, problem.code))


def _article(article: Article) -> Iterator[Problem]:
    if len(article.title) > MAX_TITLE_CHARS:
        message = f"title has {len(article.title)} characters; shorten it to {MAX_TITLE_CHARS}"
        yield Problem(article.path, 1, "long_title", "warning", message)
    if not article.body.strip():
        message = "article has no text, so it can never answer; write some or set 'draft: true'"
        yield Problem(article.path, 1, "empty_body", "error", message)
        return
    found = headings(article.body)
    if not found and size(article.body) > LONG_ARTICLE_WORDS:
        message = f"{size(article.body)} words without a heading; add headings, they become the passages that are cited"
        yield Problem(article.path, article.body_line, "no_headings", "warning", message)
    for above, heading in pairwise(found):
        if heading.level > above.level + 1:
            message = f"heading {heading.text!r} jumps from level {above.level} to {heading.level}"
            yield Problem(article.path, _line(article, heading.start), "heading_jump", "warning", message)
    for block in blocks(article.body):
        if block.kind == "paragraph" and size(article.body[block.start : block.end]) > MAX_WORDS:
            message = f"paragraph of more than {MAX_WORDS} words is cut for searching; split it"
            yield Problem(article.path, _line(article, block.start), "long_paragraph", "warning", message)


def _broken_links(articles: Sequence[Article]) -> Iterator[Problem]:
    """Links to articles, and to places within them, that are not there."""
    anchors = {article.path: _anchors(article) for article in articles}
    paths = {article.article_id: article.path for article in articles}
    for article in articles:
        for target, line in links(article.body):
            problem = _broken(article, unquote(target), anchors, paths)
            if problem:
                yield Problem(article.path, article.body_line + line - 1, "broken_link", "error", problem)


def _broken(
    article: Article, target: str, anchors: Mapping[str, frozenset[str]], paths: Mapping[str, str]
) -> str | None:
    place, _, anchor = target.partition("#")
    path = _linked(article, place, paths)
    if path is None:
        return None
    if path not in anchors:
        return f"link {target!r} leads to no article; check the path"
    if anchor and anchor not in anchors[path]:
        return f"link {target!r} leads to no heading of {path!r}; check the anchor"
    return None


def _linked(article: Article, place: str, paths: Mapping[str, str]) -> str | None:
    """The path a link means if it means an article of this folder, existing or not."""
    if not place:
        return article.path
    if place.startswith(_HELP):
        article_id = place.removeprefix(_HELP)
        return paths.get(article_id, article_id) if article_id else None
    if _ELSEWHERE.match(place) or place.startswith("/") or not place.endswith(".md"):
        return None
    return posixpath.normpath(posixpath.join(posixpath.dirname(article.path), place))


def _anchors(article: Article) -> frozenset[str]:
    named = (match.group(1) for match in _ELEMENT_ID.finditer(article.body))
    return frozenset([*(heading.anchor for heading in headings(article.body)), *named, "top"])  # browsers know "#top"


def _doubles(articles: Sequence[Article]) -> Iterator[Problem]:
    """Titles and questions that two articles claim: the reader of the question gets either."""
    first: dict[tuple[str, str, str | None], Article] = {}
    for article in articles:
        claims = [("title", article.title), *(("question", question) for question in dict.fromkeys(article.questions))]
        for kind, words in claims:
            other = first.setdefault((kind, words.casefold(), article.locale), article)
            if other is not article:
                message = f"{kind} {words!r} is also that of {other.path!r}"
                yield Problem(article.path, 1, f"duplicate_{kind}", "warning", message)


def _line(article: Article, start: int) -> int:
    return article.body_line + article.body.count("\n", 0, start)
