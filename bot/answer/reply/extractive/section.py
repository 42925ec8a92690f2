"""The sections of an article, put together again from its chunks, and which of them answers."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from bot.answer.reply.extractive.query_coverage import QueryCoverage, said
from retrieval.articles import Chunk, References, blocks, plain, references, spans
from retrieval.index import Snapshot
from retrieval.search import Hit

READ_CHARS = 12_000  # about 2,000 words before and after the passage: what is read for a reply has a bound
LEAD_WORDS = 20  # an opening with fewer words only says what the article is about
POINTER_WORDS = 6  # beside its links, a line such as "See also ... for more" has no more words than this
MISSING = 0.2  # of the question's weight: an opening that lacks less of it is about what was asked
MOST_OF_TITLE = 0.6  # of its words: who asks for less of them asks for a part of the article
SAYS_IT = 0.75  # all of what is missing in the text and half of it in the heading, or better

_MENU_TITLE = re.compile(r"^\W*in this (?:article|section|page|guide)\W*$", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ArticleSection:
    """What stands under one heading, or above the first: `text`, which begins at `start` of the article's body.

    `references` are the link definitions of the whole article.
    """

    first: Chunk
    start: int
    text: str
    references: References = ()

    @property
    def end(self) -> int:
        """Where it ends in the article's body."""
        return self.start + len(self.text)

    @property
    def opens(self) -> bool:
        """Whether it is the beginning of the article, above the headings."""
        return not self.first.heading_path


def sections(snapshot: Snapshot, near: Hit) -> list[ArticleSection]:
    """The sections of an article in order, of a long one those near the passage; together they are all of its text."""
    body = near.article.body
    low, high = near.chunk.start - READ_CHARS, near.chunk.end + READ_CHARS
    chunks = snapshot.chunks.at(snapshot.chunks_of(near.article.article_id))
    close = [chunk for chunk in chunks if chunk.start >= low and chunk.end <= high]
    groups = (list(group) for _, group in groupby(close, key=lambda chunk: (chunk.heading_path, chunk.anchor)))
    link_definitions = _definitions(body)
    return [
        ArticleSection(group[0], group[0].start, body[group[0].start : group[-1].end], link_definitions)
        for group in groups
    ]


def answering_section(
    passages: Sequence[Hit], coverage: QueryCoverage, article_sections: Sequence[ArticleSection]
) -> int:
    """Which of the sections answers, as its place among them, by the passages of the article that were found, best first.

    The one of the best passage, unless that only points elsewhere or is the article's opening. Then it is the opening,
    or the section that says what was asked and neither title nor opening say. The opening answers also what the title
    asks, if it is the second best and the heading of the best has no word of the question; a table of contents does not
    answer where the heading of another passage has what the title lacks.
    """
    best = passages[0]
    index = section_index(best, article_sections)
    start, end = article_sections[0].start, article_sections[-1].end
    near = (passage for passage in passages[1:] if passage.chunk.start >= start and passage.chunk.end <= end)
    others = [section_index(passage, article_sections) for passage in near]
    if says_something(article_sections[index]) and not article_sections[index].opens:
        opens_next = others[:1] == [0] and says_something(article_sections[0])
        return 0 if opens_next and _asks_title(best, coverage) else index
    if _MENU_TITLE.search(article_sections[index].text):
        beyond = coverage.without(best.article.title)
        named = (n for n in others if beyond.share("\n".join(article_sections[n].first.heading_path)))
        index = next(named, index)
        if index:
            return index
    missing = coverage.without(f"{best.article.title}\n{telling_text(article_sections[0])}")
    if missing.total < MISSING * coverage.total:
        return 0
    scores = {n: _says(missing, section) for n, section in enumerate(article_sections) if n and says_something(section)}
    other = max(scores, key=lambda n: (scores[n], -n), default=0)
    return other if scores.get(other, 0.0) >= SAYS_IT else 0


def _asks_title(best: Hit, coverage: QueryCoverage) -> bool:
    """Whether the title says all that was asked and little else, and the heading of the passage nothing."""
    title = said(best.article.title)
    asked_beyond = coverage.without(best.article.title).total
    is_asked = len(title & coverage.weights.keys()) >= MOST_OF_TITLE * len(title)
    covers = asked_beyond < MISSING * coverage.total and is_asked
    return covers and not coverage.share("\n".join(best.chunk.heading_path))


def section_index(best: Hit, article_sections: Sequence[ArticleSection]) -> int:
    """The place of the section that the passage stands in."""
    return next(n for n, section in enumerate(article_sections) if section.end >= best.chunk.end)


def _says(missing: QueryCoverage, section: ArticleSection) -> float:
    """How much of what is missing a section says: a heading names what it is about, its text may mention anything."""
    return missing.share("\n".join(section.first.heading_path)) + missing.share(telling_text(section)) / 2


def says_something(section: ArticleSection) -> bool:
    """Whether it answers anything by itself."""
    count = _count(section.text)
    return count >= LEAD_WORDS if section.opens else count > 0


def telling_text(section: ArticleSection) -> str:
    """Its text without headings, and without lines that only point elsewhere."""
    return _telling_text(section.text)


@lru_cache(maxsize=256)  # of the articles that are asked about; the texts are those of the snapshot
def _definitions(body: str) -> References:
    return references(body)


@lru_cache(maxsize=1024)  # sections of the articles that are asked about; some 3 MB
def _telling_text(text: str) -> str:
    below = "".join(text[block.start : block.end] for block in blocks(text) if block.heading is None)
    lines = _MENU_TITLE.sub("", below).split("\n")
    return "\n".join(line for line in lines if not points_elsewhere(line)).strip()


@lru_cache(maxsize=4096)  # as many numbers
def _count(text: str) -> int:
    return len(plain(_telling_text(text)).split())


def points_elsewhere(line: str) -> bool:
    """Whether a line is a link and little else."""
    if "](" not in line:
        return False
    links = [span for span in spans(line) if span.kind in {"link", "image"}]
    ends = [0, *(span.end for span in links)]
    starts = [*(span.start for span in links), len(line)]
    beside = "".join(line[end:start] for end, start in zip(ends, starts, strict=True))
    return bool(links) and len(plain(beside).split()) <= POINTER_WORDS
