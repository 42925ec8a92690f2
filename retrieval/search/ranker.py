"""Puts what the signals say of articles into one order, with weights learned from labelled questions."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from retrieval.search.learned_parameters import Group, default_parameters
from retrieval.search.signals import SIGNALS, Numbers, compared

FEATURES = tuple(f"{signal}.{kind}" for kind in ("margin", "rank") for signal in SIGNALS)
_LEAST_SPREAD = 0.02  # below that, the best article is not better than the others but by chance


def features(signals: Numbers) -> Numbers:
    """Float64 (articles, len(FEATURES)) of signals (len(SIGNALS), articles): no scale of a signal or a KB is left.

    `margin`: 0 for the mean of the best 20 articles of the signal, 1 for its best; `rank`: 1 / rank, 0 where the signal
    says nothing of the article.
    """
    top = compared(signals)
    ground = top.mean(axis=1, keepdims=True)
    margins = (signals - ground) / np.maximum(top.max(axis=1, keepdims=True) - ground, _LEAST_SPREAD)
    ranks = np.array([_ranks(row) for row in signals])
    found: Numbers = np.concatenate([margins, np.where(signals > 0, 1.0 / ranks, 0.0)]).T
    return found


def rank_scores(views: Sequence[Numbers], share: float) -> Numbers:
    """The score of every article, float64 (articles,), from the signals of the question and of the same in its context.

    Each view is a weighted sum of its features; the context, where there is one, counts as `share` (`leaning`).
    """
    groups: tuple[tuple[Group, float], ...] = (("alone", 1 - share), ("in_context", share))
    score = np.zeros(views[0].shape[1])
    for signals, (group, part) in zip(views, groups, strict=False):
        if signals.shape[1]:
            score += part * (features(signals) @ default_parameters(group, FEATURES))
    return score


def _ranks(scores: Numbers) -> NDArray[np.int64]:
    """1 for the best; equal scores share the better rank."""
    ascending = np.sort(scores)
    ranks: NDArray[np.int64] = 1 + len(scores) - np.searchsorted(ascending, scores, side="right")
    return ranks
