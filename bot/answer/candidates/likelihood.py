"""Candidates: the articles that may answer, how likely each does, and which stand beside the first."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.answer.confidence import Calibration
from bot.answer.reply import said
from retrieval.search import Hit

CANDIDATES = 5  # articles further down are not worth a button
MAX_OFFERED = 3  # quick replies: more are a menu that nobody reads
RELATED_FROM = 0.05  # of the confidence of the one that answers
SUGGESTED = 3  # articles of a suggestion: one with its passage, the others as cards
ELSEWHERE = 0.5  # of the confidence in an article is left when one of its sections was rejected: others may have it
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


def candidates(ranked: Sequence[Hit], calibration: Calibration, most: int = CANDIDATES) -> list[Candidate]:
    """The best passages of articles, best first, and how likely each is to answer; those that repeat a better one are none.

    How likely the first one is follows from its profile, and how likely the others are from that: a point of score is a
    factor e. They are those of at most so many articles.
    """
    profiled = next((hit for hit in ranked if hit.confidence_features is not None), None)
    if profiled is None or profiled.confidence_features is None:
        return []
    first = calibration.confidence(profiled.confidence_features)
    return [Candidate(hit, first * math.exp(hit.score - profiled.score)) for hit in distinct_articles(ranked)[:most]]


def distinct_articles(ranked: Sequence[Hit]) -> list[Hit]:
    """The hits whose articles do not say the same as a better one."""
    return [hit for hit in ranked if not hit.repeats]


def useful(ranked: Sequence[Candidate]) -> float:
    """How likely one of the articles of a suggestion is to answer, 0 to 1."""
    return min(1.0, sum(candidate.confidence for candidate in ranked[:SUGGESTED]))


def reach(ranked: Sequence[Hit]) -> float:
    """How many times as likely as the best article alone the articles of a suggestion are to hold the answer, from 1 on."""
    return sum(math.exp(hit.score - ranked[0].score) for hit in distinct_articles(ranked)[:SUGGESTED])


def without(
    ranked: Sequence[Candidate], rejected: frozenset[str], doubted: frozenset[str] = frozenset()
) -> list[Candidate]:
    """The candidates whose articles were not rejected, the likeliest first, each the likelier for it (Bayes' rule).

    Of `doubted` articles something was rejected that is not all they say.
    """

    def left(candidate: Candidate) -> float:
        if candidate.hit.article.article_id in rejected:
            return REJECTED_THOUGH_RIGHT
        return ELSEWHERE if candidate.hit.article.article_id in doubted else 1.0

    wrong = sum(candidate.confidence * (1 - left(candidate)) for candidate in ranked)
    chance = max(REJECTED_THOUGH_RIGHT, 1 - wrong)  # that a visitor rejects them
    remaining = [
        replace(candidate, confidence=min(1.0, candidate.confidence * left(candidate) / chance))
        for candidate in ranked
        if candidate.hit.article.article_id not in rejected
    ]
    return sorted(remaining, key=lambda candidate: -candidate.confidence) if doubted else remaining


def choosable(ranked: Sequence[Candidate]) -> list[Candidate]:
    """The candidates that a visitor can choose by their titles: of those that are called the same, the first."""
    by_title = {candidate.title.casefold(): candidate for candidate in reversed(ranked)}
    return [candidate for candidate in ranked if by_title[candidate.title.casefold()] is candidate]


def related(ranked: Sequence[Candidate], places: int) -> list[Candidate]:
    """Candidates after the first one which the visitor may want to read as well."""
    likely = [candidate for candidate in ranked if candidate.confidence >= RELATED_FROM * ranked[0].confidence]
    return choosable(likely)[1 : 1 + places]


def distinct(ranked: Sequence[Candidate]) -> list[Candidate]:
    """The candidates, best first; one that says the same as a better one makes that likelier instead."""
    kept: list[tuple[Candidate, frozenset[str]]] = []
    for candidate in ranked:
        words_said = said(candidate.hit.chunk.text)
        twin = next((index for index, (_, other) in enumerate(kept) if _alike(words_said, other)), None)
        if twin is None:
            kept.append((candidate, words_said))
        else:
            first, first_words = kept[twin]
            kept[twin] = Candidate(first.hit, first.confidence + candidate.confidence), first_words
    return [replace(candidate, confidence=min(1.0, candidate.confidence)) for candidate, _ in kept]


def _alike(words_said: frozenset[str], other: frozenset[str]) -> bool:
    return len(words_said & other) >= ALIKE * len(words_said | other)
