"""Learning to rank (conditional logit): how the weights of the search are learned, two orders of articles, and how much of each a question gets.

An order is a conditional logit: the chance that the visitor's article is this one among those found is proportional to
exp(score). Its weights are not negative (a signal only speaks for an article). The share of the order in context is a
logistic function of the context features of the question, learned last, with both orders as they are.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize  # type: ignore[import-untyped]  # it ships no types

from retrieval.search.context_dependence import CONTEXT_FEATURES, LEAST, logistic_weight
from retrieval.search.learned_parameters import Group
from retrieval.search.ranker import FEATURES

Floats = NDArray[np.float64]
View = Literal["alone", "context"]
Weights = dict[Group, Floats]

RIDGE = 1e-3
FOLLOW_UPS = 2 / 3  # of the questions after something was said; the rest change the subject
DIGITS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A question after something was said: the features of its candidates in both views, and which of them are right.

    `alone` and `context` are float64 (candidates, len(FEATURES)), `context_features` (len(CONTEXT_FEATURES),), `right` a mask.
    """

    alone: Floats
    context: Floats
    context_features: Floats
    right: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class RankingSet:
    """The ranking cases of one set; `follow_ups` lean on what was said before, the others change the subject."""

    family: str
    follow_ups: bool
    cases: Sequence[Case]


def learn(sets: Sequence[RankingSet]) -> Weights:
    """All weights, rounded. A family of sets counts as much as any other, and within it a set as any other of it.

    The order of a question alone is learned from questions that need nothing else, and from follow-ups together with
    what was said before, which are such questions too.
    """
    talks = [ranking_set for ranking_set in sets if ranking_set.follow_ups]
    alone = _order(
        [_CandidateBlock.of(ranking_set, "context" if ranking_set.follow_ups else "alone") for ranking_set in sets]
    )
    context = _order([_CandidateBlock.of(ranking_set, "context") for ranking_set in talks])
    return {"alone": alone, "in_context": context, "leaning": _context_weights(sets, alone, context)}


def scores(case: Case, weights: Weights) -> Floats:
    """The score of every candidate, as the search has it."""
    weight = context_weight_of(case, weights)
    mixed: Floats = (1 - weight) * (case.alone @ weights["alone"]) + weight * (case.context @ weights["in_context"])
    return mixed


def context_weight_of(case: Case, weights: Weights) -> float:
    """The context weight of a question: how much it leans on what was said before, as `leaning` has it."""
    weight = float(logistic_weight(case.context_features, weights["leaning"]))
    return weight if weight >= LEAST else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class _CandidateBlock:
    """The candidates of a set's questions below each other; question n has the rows from starts[n] on."""

    family: str
    features: Floats
    right: NDArray[np.bool_]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, ranking_set: RankingSet, view: View) -> "_CandidateBlock":
        rows = [case.alone if view == "alone" else case.context for case in ranking_set.cases]
        right = np.concatenate([case.right for case in ranking_set.cases])
        starts = np.cumsum([0, *(len(features) for features in rows[:-1])])
        return cls(ranking_set.family, np.concatenate(rows), right, starts.astype(np.int64))

    def spread(self, values: Floats) -> Floats:
        """A value of each question, for each of its candidates."""
        repeated: Floats = np.repeat(values, np.diff(np.append(self.starts, len(self.right))))
        return repeated

    def loss(self, scores: Floats) -> tuple[float, Floats]:
        """The mean negative log-likelihood of the right articles, and its slope by each score."""
        raised = np.exp(scores - self.spread(np.maximum.reduceat(scores, self.starts)))
        total = np.add.reduceat(raised, self.starts)
        right = np.add.reduceat(raised * self.right, self.starts) + 1e-300
        slope = raised / self.spread(total) - raised * self.right / self.spread(right)
        return float(np.mean(np.log(total) - np.log(right))), slope / len(self.starts)


Each = TypeVar("Each", _CandidateBlock, RankingSet)


def _order(blocks: Sequence[_CandidateBlock]) -> Floats:
    """Weights in the order of FEATURES."""
    scale = np.std(np.concatenate([block.features for block in blocks]), axis=0) + 1e-9
    parts = [(block, block.features / scale, weight) for block, weight in _weighed(blocks)]

    def loss(weights: Floats) -> tuple[float, Floats]:
        value, slope = RIDGE / 2 * float(weights @ weights), RIDGE * weights
        for block, features, weight in parts:
            part, by_score = block.loss(features @ weights)
            value, slope = value + weight * part, slope + weight * (features.T @ by_score)
        return value, slope

    solution = minimize(
        loss, np.full(len(FEATURES), 0.1), jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(FEATURES)
    )
    return _rounded(solution.x / scale)


def _context_weights(ranking_sets: Sequence[RankingSet], alone: Floats, context: Floats) -> Floats:
    """Weights in the order of CONTEXT_FEATURES."""
    talks = [ranking_set for ranking_set in ranking_sets if ranking_set.follow_ups]
    changes = [ranking_set for ranking_set in ranking_sets if not ranking_set.follow_ups]
    parts = [
        (_CandidateBlock.of(ranking_set, "alone"), *_both(ranking_set, alone, context), part * weight)
        for group, part in ((talks, FOLLOW_UPS), (changes, 1 - FOLLOW_UPS))
        for ranking_set, weight in _weighed(group)
    ]
    scale = np.std(np.concatenate([features for _, features, *_ in parts]), axis=0)
    scale[scale == 0] = 1.0  # of the one that is always there

    def loss(weights: Floats) -> tuple[float, Floats]:
        value, slope = RIDGE / 2 * float(weights @ weights), RIDGE * weights
        for block, features, alone_scores, context_scores, weight in parts:
            weight_of_context = logistic_weight(features / scale, weights)
            part, by_score = block.loss(
                alone_scores + block.spread(weight_of_context) * (context_scores - alone_scores)
            )
            by_share = np.add.reduceat(by_score * (context_scores - alone_scores), block.starts)
            value += weight * part
            slope = slope + weight * ((features / scale).T @ (by_share * weight_of_context * (1 - weight_of_context)))
        return value, slope

    solution = minimize(loss, np.zeros(len(CONTEXT_FEATURES)), jac=True, method="L-BFGS-B")
    return _rounded(solution.x / scale)


def _both(ranking_set: RankingSet, alone: Floats, context: Floats) -> tuple[Floats, Floats, Floats]:
    """The context features of all questions, and the scores of all candidates in both orders."""
    features = np.array([case.context_features for case in ranking_set.cases])
    alone_scores = np.concatenate([case.alone for case in ranking_set.cases]) @ alone
    return features, alone_scores, np.concatenate([case.context for case in ranking_set.cases]) @ context


def _weighed(sets: Sequence[Each]) -> Iterable[tuple[Each, float]]:
    """Each set with its weight: together 1, families alike."""
    families = [item.family for item in sets]
    return [(item, 1.0 / families.count(item.family) / len(set(families))) for item in sets]


def _rounded(weights: Floats) -> Floats:
    rounded: Floats = np.round(weights, DIGITS) + 0.0  # no minus zero
    return rounded
