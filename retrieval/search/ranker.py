"""The ranker: ranking signals to features to one score an article, with weights learned from labelled questions."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from retrieval.index import Mask, Positions
from retrieval.search.learned_parameters import Group, default_parameters
from retrieval.search.signals import SIGNALS, Floats, RankingSignals, compared

FEATURES = tuple(f"{signal}.{kind}" for kind in ("margin", "rank") for signal in SIGNALS)
LIFT = 3.0  # of score, to the best of the others: twenty times as likely as that one
_LEAST_SPREAD = 0.02  # below that, the best article is not better than the others but by chance


@dataclass(frozen=True, eq=False)
class Ranking:
    """A ranking of the articles of a mask for a question; the others take no part.

    `views` are the signals of the question alone and, once that was read, of the same in its context, which counts as
    `context_weight`. `lifted` are articles that stand before all others whatever the signals say.
    """

    allowed: Mask
    views: Sequence[RankingSignals]
    context_weight: float
    lifted: Positions = field(default_factory=lambda: np.zeros(0, np.int64))

    @cached_property
    def scores(self) -> Floats:
        """The score of every article, -inf for those that take no part."""
        scores = np.full(len(self.allowed), -np.inf)
        weight = self.context_weight if len(self.views) > 1 else 0.0
        scores[self.allowed] = rank_scores([view.signals[:, self.allowed] for view in self.views], weight)
        return _lift(scores, self.lifted)

    @property
    def order(self) -> Positions:
        """The articles of which any signal says something, the best first; equal ones by position."""
        matched = np.flatnonzero(np.any([view.matched for view in self.views], axis=0))
        articles = np.union1d(matched, self.lifted)
        ordered: Positions = articles[np.lexsort((articles, -self.scores[articles]))]
        return ordered

    @property
    def signals(self) -> Floats:
        """Of both views together: float64 (len(SIGNALS), articles)."""
        alone, *context = (view.signals for view in self.views)
        return (1 - self.context_weight) * alone + self.context_weight * context[0] if context else alone


def features(signals: Floats) -> Floats:
    """Ranking features: float64 (articles, len(FEATURES)) of signals (len(SIGNALS), articles): no scale of a signal or a KB is left.

    `margin`: 0 for the mean of the best 20 articles of the signal, 1 for its best; `rank`: 1 / rank, 0 where the signal
    says nothing of the article.
    """
    top = compared(signals)
    ground = top.mean(axis=1, keepdims=True)
    margins = (signals - ground) / np.maximum(top.max(axis=1, keepdims=True) - ground, _LEAST_SPREAD)
    ranks = np.array([_ranks(row) for row in signals])
    values: Floats = np.concatenate([margins, np.where(signals > 0, 1.0 / ranks, 0.0)]).T
    return values


def rank_scores(views: Sequence[Floats], context_weight: float) -> Floats:
    """The score of every article, float64 (articles,), from the signals of the question and of the same in its context.

    Each view is a weighted sum of its features; the context, where there is one, counts as `context_weight`.
    """
    groups: tuple[tuple[Group, float], ...] = (("alone", 1 - context_weight), ("in_context", context_weight))
    score = np.zeros(views[0].shape[1])
    for signals, (group, part) in zip(views, groups, strict=False):
        if signals.shape[1]:
            score += part * (features(signals) @ default_parameters(group, FEATURES))
    return score


def _lift(scores: Floats, articles: Positions) -> Floats:
    """The scores with those of some articles raised, all by the same, until they stand before the others."""
    if not len(articles):
        return scores
    others = float(np.delete(scores, articles).max(initial=-np.inf))
    lifted = scores.copy()
    lifted[articles] += max(0.0, others + LIFT - float(scores[articles].min()))
    return lifted


def _ranks(scores: Floats) -> NDArray[np.int64]:
    """1 for the best; equal scores share the better rank."""
    ascending = np.sort(scores)
    ranks: NDArray[np.int64] = 1 + len(scores) - np.searchsorted(ascending, scores, side="right")
    return ranks
