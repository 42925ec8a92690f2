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


def candidates(ranked: Sequence[Hit], calibration: Calibration) -> list[Candidate]:
    """The best passages of articles, best first, and how likely each is to answer.

    How likely the first one is follows from its profile, and how likely the others are from that: a point of score is a
    factor e. What says the same as a better one, or is called the same, makes that one likelier instead.
    """
    profiled = next((hit for hit in ranked if hit.confidence_features is not None), None)
    if profiled is None or profiled.confidence_features is None:
        return []
    first = calibration.confidence(profiled.confidence_features)
    return _distinct([Candidate(hit, first * math.exp(hit.score - profiled.score)) for hit in ranked[:CANDIDATES]])


def without(ranked: Sequence[Candidate], rejected: frozenset[str]) -> list[Candidate]:
    """The candidates whose articles were not rejected, each the likelier for it (Bayes' rule)."""
    wrong = min(1.0, sum(candidate.confidence for candidate in ranked if candidate.hit.article.article_id in rejected))
    chance = 1 - wrong * (1 - REJECTED_THOUGH_RIGHT)  # that a visitor rejects them
    remaining = [candidate for candidate in ranked if candidate.hit.article.article_id not in rejected]
    return [replace(candidate, confidence=min(1.0, candidate.confidence / chance)) for candidate in remaining]


def rivals(ranked: Sequence[Candidate]) -> list[Candidate]:
    """The first candidate and those that may be meant as well: what a visitor could choose from."""
    return _beside(ranked, RIVAL_FROM)[:MAX_OFFERED]


def related(ranked: Sequence[Candidate], places: int) -> list[Candidate]:
    """Candidates after the one that answers which the visitor may want to read next."""
    return _beside(ranked, RELATED_FROM)[1 : 1 + places]


def _beside(ranked: Sequence[Candidate], share: float) -> list[Candidate]:
    """The first candidate and those with at least this share of its confidence."""
    return [
        candidate
        for candidate in ranked
        if candidate is ranked[0] or candidate.confidence >= share * ranked[0].confidence
    ]


def _distinct(ranked: Sequence[Candidate]) -> list[Candidate]:
    kept: list[tuple[Candidate, frozenset[str]]] = []
    for candidate in ranked:
        words_said = said(candidate.hit.chunk.text)
        twin = next((index for index, other in enumerate(kept) if _same(candidate, words_said, *other)), None)
        if twin is None:
            kept.append((candidate, words_said))
        else:
            first, first_words = kept[twin]
            kept[twin] = Candidate(first.hit, first.confidence + candidate.confidence), first_words
    return [replace(candidate, confidence=min(1.0, candidate.confidence)) for candidate, _ in kept]


def _same(candidate: Candidate, words_said: frozenset[str], other: Candidate, other_words: frozenset[str]) -> bool:
    alike = len(words_said & other_words) >= ALIKE * len(words_said | other_words)
    return alike or candidate.title.casefold() == other.title.casefold()
