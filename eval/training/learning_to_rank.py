"""How the weights of the search are learned: two orders of articles, and how much of each a question gets.

An order is a conditional logit: the chance that the visitor's article is this one among those found is proportional to
exp(score). Its weights are not negative (a signal only speaks for an article). The share of the order in context is a
logistic function of the question's traits, learned last, with both orders as they are.
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

Numbers = NDArray[np.float64]
View = Literal["alone", "context"]
Weights = dict[Group, Numbers]

RIDGE = 1e-3
FOLLOW_UPS = 2 / 3  # of the questions after something was said; the rest change the subject
DIGITS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A question after something was said: the features of its candidates in both views, and which of them are right.

    `alone` and `context` are float64 (candidates, len(FEATURES)), `traits` (len(TRAITS),), `right` a mask.
    """

    alone: Numbers
    context: Numbers
    traits: Numbers
    right: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Lesson:
    """The cases of one set; `follow_ups` lean on what was said before, the others change the subject."""

    family: str
    follow_ups: bool
    cases: Sequence[Case]


def learn(lessons: Sequence[Lesson]) -> Weights:
    """All weights, rounded. A family of sets counts as much as any other, and within it a set as any other of it.

    The order of a question alone is learned from questions that need nothing else, and from follow-ups together with
    what was said before, which are such questions too.
    """
    talks = [lesson for lesson in lessons if lesson.follow_ups]
    alone = _order([_Block.of(lesson, "context" if lesson.follow_ups else "alone") for lesson in lessons])
    context = _order([_Block.of(lesson, "context") for lesson in talks])
    return {"alone": alone, "in_context": context, "leaning": _leaning(lessons, alone, context)}


def scores(case: Case, weights: Weights) -> Numbers:
    """The score of every candidate, as the search has it."""
    leans = share_of_context(case, weights)
    mixed: Numbers = (1 - leans) * (case.alone @ weights["alone"]) + leans * (case.context @ weights["in_context"])
    return mixed


def share_of_context(case: Case, weights: Weights) -> float:
    """How much the question leans on what was said before, as `leaning` has it."""
    leans = float(logistic_weight(case.traits, weights["leaning"]))
    return leans if leans >= LEAST else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """The candidates of a set's questions below each other; question n has the rows from starts[n] on."""

    family: str
    features: Numbers
    right: NDArray[np.bool_]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, lesson: Lesson, view: View) -> "_Block":
        rows = [case.alone if view == "alone" else case.context for case in lesson.cases]
        right = np.concatenate([case.right for case in lesson.cases])
        starts = np.cumsum([0, *(len(each) for each in rows[:-1])])
        return cls(lesson.family, np.concatenate(rows), right, starts.astype(np.int64))

    def spread(self, values: Numbers) -> Numbers:
        """A value of each question, for each of its candidates."""
        repeated: Numbers = np.repeat(values, np.diff(np.append(self.starts, len(self.right))))
        return repeated

    def loss(self, scores: Numbers) -> tuple[float, Numbers]:
        """The mean negative log-likelihood of the right articles, and its slope by each score."""
        raised = np.exp(scores - self.spread(np.maximum.reduceat(scores, self.starts)))
        total = np.add.reduceat(raised, self.starts)
        right = np.add.reduceat(raised * self.right, self.starts) + 1e-300
        slope = raised / self.spread(total) - raised * self.right / self.spread(right)
        return float(np.mean(np.log(total) - np.log(right))), slope / len(self.starts)


Each = TypeVar("Each", _Block, Lesson)


def _order(blocks: Sequence[_Block]) -> Numbers:
    """Weights in the order of FEATURES."""
    scale = np.std(np.concatenate([block.features for block in blocks]), axis=0) + 1e-9
    parts = [(block, block.features / scale, weight) for block, weight in _weighed(blocks)]

    def loss(weights: Numbers) -> tuple[float, Numbers]:
        value, slope = RIDGE / 2 * float(weights @ weights), RIDGE * weights
        for block, features, weight in parts:
            part, by_score = block.loss(features @ weights)
            value, slope = value + weight * part, slope + weight * (features.T @ by_score)
        return value, slope

    found = minimize(loss, np.full(len(FEATURES), 0.1), jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(FEATURES))
    return _rounded(found.x / scale)


def _leaning(lessons: Sequence[Lesson], alone: Numbers, context: Numbers) -> Numbers:
    """Weights in the order of TRAITS."""
    talks = [lesson for lesson in lessons if lesson.follow_ups]
    changes = [lesson for lesson in lessons if not lesson.follow_ups]
    parts = [
        (_Block.of(lesson, "alone"), *_both(lesson, alone, context), part * weight)
        for group, part in ((talks, FOLLOW_UPS), (changes, 1 - FOLLOW_UPS))
        for lesson, weight in _weighed(group)
    ]
    scale = np.std(np.concatenate([traits for _, traits, *_ in parts]), axis=0)
    scale[scale == 0] = 1.0  # of the one that is always there

    def loss(weights: Numbers) -> tuple[float, Numbers]:
        value, slope = RIDGE / 2 * float(weights @ weights), RIDGE * weights
        for block, traits, own, told, weight in parts:
            leans = logistic_weight(traits / scale, weights)
            part, by_score = block.loss(own + block.spread(leans) * (told - own))
            by_share = np.add.reduceat(by_score * (told - own), block.starts)
            value += weight * part
            slope = slope + weight * ((traits / scale).T @ (by_share * leans * (1 - leans)))
        return value, slope

    found = minimize(loss, np.zeros(len(CONTEXT_FEATURES)), jac=True, method="L-BFGS-B")
    return _rounded(found.x / scale)


def _both(lesson: Lesson, alone: Numbers, context: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """The traits of all questions, and the scores of all candidates in both orders."""
    traits = np.array([case.traits for case in lesson.cases])
    own = np.concatenate([case.alone for case in lesson.cases]) @ alone
    return traits, own, np.concatenate([case.context for case in lesson.cases]) @ context


def _weighed(sets: Sequence[Each]) -> Iterable[tuple[Each, float]]:
    """Each set with its weight: together 1, families alike."""
    families = [each.family for each in sets]
    return [(each, 1.0 / families.count(each.family) / len(set(families))) for each in sets]


def _rounded(weights: Numbers) -> Numbers:
    rounded: Numbers = np.round(weights, DIGITS) + 0.0  # no minus zero
    return rounded
