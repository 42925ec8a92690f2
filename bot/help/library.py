"""What readers of the help centre may see of a snapshot: its articles by category, and search results."""

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from textwrap import shorten
from typing import Self
from urllib.parse import quote, unquote, urlsplit

from retrieval.articles import Article, Audience, blocks, plain
from retrieval.index import Snapshot
from retrieval.search import Hit, best_passages

HOME = "/help"
UNSORTED = "More articles"  # the shelf of articles without a category; always the last
NEAR = 0.3  # cosine; of 18 queries tried with the default model, gibberish reached .26, real ones .37 and more
EXCERPT_CHARS = 220  # two or three lines
_ADMONITION = re.compile(r"\[!\w{1,20}\]")  # GitHub's `> [!NOTE]`


@dataclass(frozen=True, slots=True)
class Shelf:
    """The articles of one category, by title."""

    name: str
    articles: tuple[Article, ...]

    @property
    def anchor(self) -> str:
        """The id of its section on the page of everything; an id holds no white space."""
        return "-".join(self.name.split())

    @property
    def address(self) -> str:
        """Where its section stands."""
        return f"{HOME}#{quote(self.anchor)}"


@dataclass(frozen=True, slots=True)
class HelpResult:
    """A search result: an article with its best passage, where that stands, and how it begins, in plain words."""

    article: Article
    heading_path: tuple[str, ...]
    address: str
    excerpt: str


@dataclass(frozen=True, slots=True)
class ReadableArticles:
    """The articles of one snapshot that `audience` may read, by id and by path."""

    snapshot: Snapshot
    audience: Audience
    articles: Mapping[str, Article]
    by_path: Mapping[str, Article]

    @classmethod
    def of(cls, snapshot: Snapshot, audience: Audience) -> Self:
        """Filters by audience, looking at every article once: keep it for as long as the snapshot is current."""
        readable = [article for article in snapshot.articles.values() if audience.admits(article)]
        return cls(
            snapshot,
            audience,
            {article.article_id: article for article in readable},
            {article.path: article for article in readable},
        )

    def shelves(self) -> list[Shelf]:
        """All articles, by category and title."""
        by_name = defaultdict(list)
        for article in self.articles.values():
            by_name[shelf_name(article)].append(article)
        shelves = [Shelf(name, tuple(sorted(articles, key=_by_title))) for name, articles in by_name.items()]
        return sorted(shelves, key=lambda shelf: (shelf.name == UNSORTED, shelf.name.casefold(), shelf.name))

    def shelf_of(self, article: Article) -> Shelf:
        """Its shelf, with it alone: what a breadcrumb needs."""
        return Shelf(shelf_name(article), (article,))

    def relevant(self, hits: Iterable[Hit]) -> list[Hit]:
        """Those of readable articles, without what only happens to be nearest."""
        return [hit for hit in hits if hit.article.article_id in self.articles and _is_about(hit)]

    def results(self, relevant: Sequence[Hit]) -> list[HelpResult]:
        """Search results: the best passage of each article, best first."""
        return [
            HelpResult(
                article=hit.article,
                heading_path=hit.chunk.heading_path,
                address=address(hit.article.article_id, hit.chunk.anchor),
                excerpt=excerpt(hit.chunk.text),
            )
            for hit in best_passages(relevant)
        ]

    def resolve(self, href: str, article: Article) -> str | None:
        """Where a link of `article` leads from the help centre; None if to an article that may not be read, or nowhere.

        A relative address names an article by its file, from the folder of the linking one, or by its id.
        """
        try:
            parts = urlsplit(href)
        except ValueError:
            return None
        path = unquote(parts.path)
        if parts.scheme or parts.netloc or not path:
            return href
        if path.startswith("/"):
            is_article = path.startswith(f"{HOME}/")
            return href if not is_article or path.removeprefix(f"{HOME}/") in self.articles else None
        target = self._named(path, posixpath.dirname(article.path))
        fragment = f"#{parts.fragment}" if parts.fragment else ""
        return address(target.article_id) + fragment if target else None

    def _named(self, path: str, folder: str) -> Article | None:
        name = posixpath.basename(path.rstrip("/")).removesuffix(".md")
        return self.by_path.get(posixpath.normpath(posixpath.join(folder, path))) or self.articles.get(name)


def address(article_id: str, anchor: str | None = None) -> str:
    """The page of an article in the help centre, to a heading where one is given."""
    page = f"{HOME}/{quote(article_id, safe='')}"
    return f"{page}#{quote(anchor)}" if anchor else page


def shelf_name(article: Article) -> str:
    """The category it stands under, white space folded."""
    return " ".join((article.category or "").split()) or UNSORTED


def excerpt(passage: str) -> str:
    """How a passage begins, in plain words, without the headings it starts with."""
    start = next((block.start for block in blocks(passage) if block.heading is None), len(passage))
    return shorten(plain(_ADMONITION.sub("", passage[start:])), EXCERPT_CHARS, placeholder="…")


def _is_about(hit: Hit) -> bool:
    """Whether it shares a word with the query, or its meaning."""
    meaning = hit.signals.get("dense")
    return "lexical" in hit.signals or (meaning is not None and meaning.score >= NEAR)


def _by_title(article: Article) -> tuple[str, str]:
    return article.title.casefold(), article.article_id
