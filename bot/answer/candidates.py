"""Articles to offer beside or instead of an answer: the candidates for one, and what is related to it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.answer.confidence import Calibration
from bot.answer.reply import said
from retrieval.search import Hit

CANDIDATES = 5  # articles further down are not worth a button
MAX_OFFERED = 3  # quick replies: more are a menu that nobody reads
RIVAL_FROM = 0.1  # of the confidence of the first: who is asked to choose should not read what is hardly ever meant
RELATED_FROM = 0.05  # of the confidence of the one that answers
REJECTED_THOUGH_RIGHT = 0.2  # of right answers; were it none, what the search holds for 3 % likely would be answered
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


def candidates(found: Sequence[Hit], calibration: Calibration) -> list[Candidate]:
    """The best passages of articles, best first, and how likely each is to answer.

    How likely the first one is follows from its profile, and how likely the others are from that: a point of score is a
    factor e. What says the same as a better one, or is called the same, makes that one likelier instead.
    """
    profiled = next((hit for hit in found if hit.confidence_features is not None), None)
    if profiled is None or profiled.confidence_features is None:
        return []
    first = calibration.confidence(profiled.confidence_features)
    return _distinct([Candidate(hit, first * math.exp(hit.score - profiled.score)) for hit in found[:CANDIDATES]])


def without(found: Sequence[Candidate], rejected: frozenset[str]) -> list[Candidate]:
    """The candidates whose articles were not rejected, each the likelier for it (Bayes' rule)."""
    wrong = min(1.0, sum(one.confidence for one in found if one.hit.article.article_id in rejected))
    chance = 1 - wrong * (1 - REJECTED_THOUGH_RIGHT)  # that a visitor rejects them
    left = [one for one in found if one.hit.article.article_id not in rejected]
    return [replace(one, confidence=min(1.0, one.confidence / chance)) for one in left]


def rivals(found: Sequence[Candidate]) -> list[Candidate]:
    """The first candidate and those that may be meant as well: what a visitor could choose from."""
    return _beside(found, RIVAL_FROM)[:MAX_OFFERED]


def related(found: Sequence[Candidate], places: int) -> list[Candidate]:
    """Candidates after the one that answers which the visitor may want to read next."""
    return _beside(found, RELATED_FROM)[1 : 1 + places]


def _beside(found: Sequence[Candidate], share: float) -> list[Candidate]:
    """The first candidate and those with at least this share of its confidence."""
    return [one for one in found if one is found[0] or one.confidence >= share * found[0].confidence]


def _distinct(found: Sequence[Candidate]) -> list[Candidate]:
    kept: list[tuple[Candidate, frozenset[str]]] = []
    for one in found:
        own = said(one.hit.chunk.text)
        twin = next((at for at, other in enumerate(kept) if _same(one, own, *other)), None)
        if twin is None:
            kept.append((one, own))
        else:
            first, words = kept[twin]
            kept[twin] = Candidate(first.hit, first.confidence + one.confidence), words
    return [replace(one, confidence=min(1.0, one.confidence)) for one, _ in kept]


def _same(one: Candidate, own: frozenset[str], other: Candidate, there: frozenset[str]) -> bool:
    alike = len(own & there) >= ALIKE * len(own | there)
    return alike or one.title.casefold() == other.title.casefold()
