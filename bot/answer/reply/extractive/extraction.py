"""Extractive answering, without a language model: what the section that answers says of what was asked, and its source.

Lists, tables and code stay whole where they fit, steps even where they are long; nothing ends within a sentence.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from bot.answer.citations import section_of, url_of
from bot.answer.reply.catalogue import Catalogue
from bot.answer.reply.extractive.block import ChatBlock, chat_blocks
from bot.answer.reply.extractive.query_coverage import query_coverage
from bot.answer.reply.extractive.section import (
    ArticleSection,
    answering_section,
    points_elsewhere,
    section_index,
    sections,
)
from bot.answer.reply.extractive.shorten import REPLY_WORDS, Rank, shorten
from bot.answer.reply.extractive.source_line import sentence
from retrieval.index import Snapshot
from retrieval.search import Hit

ENOUGH_WORDS = 20  # with fewer, and no list or code, an opening is but an announcement
FOUND_BONUS = 0.3  # of the question's weight: that search found this place counts so much beside its words

_BEFOREHAND = re.compile(
    r"what you(?:['’]ll| will)? need|requirements|prerequisites|before you (?:begin|start)", re.IGNORECASE
)
_LEADS_ON = re.compile(
    r"(?::|\b(?:below|(?:the|these) following \w+|these steps)\b[^.\n]{0,40}\.?)\W*\Z", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Extract:
    """An extractive answer (`text`, Markdown), from which place (`hit`), and whether there is `more` to read there."""

    hit: Hit
    text: str
    more: bool


def compose(extract: Extract, base_url: str, phrases: Catalogue) -> str:
    """The reply, in Markdown, ending with its source."""
    return f"{extract.text}\n\n{sentence(extract.hit, base_url, phrases, more=extract.more)}".strip()


def extract(
    hits: Sequence[Hit],
    question: str,
    snapshot: Snapshot,
    base_url: str,
    told: Collection[tuple[str, str | None]] = (),
) -> Extract:
    """What the article of the best hit says of `question`; costs no forward pass.

    Passages of the same article further down in `hits` help to find the place in a long section. `told` are sections, by
    article id and heading, that are not told again.
    """
    best = hits[0]
    coverage, article_sections = query_coverage(question, snapshot), sections(snapshot, best)
    passages = [hit for hit in hits if hit.article.article_id == best.article.article_id]
    index = answering_section(passages, coverage, article_sections)
    if section_of(replace(best, chunk=article_sections[index].first)) in told:
        index = section_index(best, article_sections)
    places = [(nth, hit.chunk.start, hit.chunk.end) for nth, hit in enumerate(passages, start=1)]

    def rank(block: ChatBlock) -> float:
        overlapping = (FOUND_BONUS / nth for nth, start, end in places if start < block.end and block.start < end)
        return coverage.share(block.text) + next(overlapping, 0.0)

    page = url_of(replace(best, chunk=replace(best.chunk, anchor=None)), base_url)
    kept, more = _read(article_sections[index:], page, rank)
    return Extract(replace(best, chunk=article_sections[index].first), "\n\n".join(block.text for block in kept), more)


def _read(article_sections: Sequence[ArticleSection], page: str, rank: Rank) -> tuple[list[ChatBlock], bool]:
    """The first section, and those after it as long as what was read only announces them; whether there is more."""
    first, *rest = article_sections
    kept, more = shorten(chat_blocks(first, page), rank)
    for section in rest:
        if sum(block.size for block in kept) >= REPLY_WORDS or not _announces(kept, first, section):
            break
        more_kept, more = shorten(chat_blocks(section, page, named=True), rank)
        kept += more_kept
    while len(kept) > 1 and points_elsewhere(kept[0].text):
        kept = kept[1:]  # a link to what stood before
    return kept, more


def _announces(kept: Sequence[ChatBlock], first: ArticleSection, following: ArticleSection) -> bool:
    """Whether the reply so far leads on to the section that follows, rather than saying something itself."""
    if not kept or _LEADS_ON.search(kept[-1].text):
        return True
    above = first.first.heading_path
    if above and _BEFOREHAND.fullmatch(above[-1]):
        return following.first.heading_path[:-1] == above[:-1]
    below = first.opens or following.first.heading_path[: len(above)] == above
    brief = all(block.kind == "paragraph" for block in kept) and sum(block.size for block in kept) < ENOUGH_WORDS
    return below and brief
