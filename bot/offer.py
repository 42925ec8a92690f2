"""Articles to offer beside or instead of an answer: the candidates for one, and what is related to it."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.decide import CLARIFY_FROM, CLARIFY_MARGIN
from bot.reply.wanted import said
from retrieval.index import Hit

CANDIDATES = 5  # articles further down are not worth a button
MAX_OFFERED = 3  # quick replies: more are a menu that nobody reads
RELATED_FROM = 0.5  # least confidence of a related article: on its own it would be an answer more often than not
ALIKE = 0.6  # Jaccard of words: of two passages that share more, choosing one is no choice


@dataclass(frozen=True, slots=True)
class Candidate:
    """The best passage of an article, and how likely it is to answer."""

    hit: Hit
    confidence: float

    @property
    def title(self) -> str:
        """What a button says, and what the visitor sends by pressing it."""
        return self.hit.article.title


def rivals(found: Sequence[Candidate]) -> list[Candidate]:
    """The first candidate and those about as likely to answer: what a visitor could choose from."""
    first, *others = found
    least = max(first.confidence - CLARIFY_MARGIN, CLARIFY_FROM)
    return _distinct([first, *(one for one in others if one.confidence >= least)])[:MAX_OFFERED]


def related(found: Sequence[Candidate], places: int) -> list[Candidate]:
    """Candidates after the one that answers which the visitor may want to read next."""
    first, *others = found
    return _distinct([first, *(one for one in others if one.confidence >= RELATED_FROM)])[1 : 1 + places]


def _distinct(found: Sequence[Candidate]) -> list[Candidate]:
    """Without what says the same as an earlier one, or is called the same."""
    kept: list[tuple[Candidate, frozenset[str]]] = []
    for one in found:
        own = said(one.hit.chunk.text)
        if not any(_same(one, own, *other) for other in kept):
            kept.append((one, own))
    return [one for one, _ in kept]


def _same(one: Candidate, own: frozenset[str], other: Candidate, there: frozenset[str]) -> bool:
    alike = len(own & there) >= ALIKE * len(own | there)
    return alike or one.title.casefold() == other.title.casefold()
