"""Logistic regression on labelled confidence features, near a prior: Newton's method, a few milliseconds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bot.answer import Point
from eval.metrics import Floats, Mask
from retrieval.search import CONFIDENCE_FEATURES, ConfidenceFeatures

RIDGE = 0.02  # without a prior: .006 to .12 differ by .007 in AUROC; less fits single trades, more blunts
PRIOR_QUESTIONS = (
    20  # a prior counts as so many: of 1 to 100 best with 25 to 300 questions of seven sets (`eval.studies.own_labels`)
)
PRIOR_LEVEL = 1  # and so many where it says how often articles are right at all, which differs most
STEPS = 30  # Newton's steps; six to ten are taken
_SETTLED = 1e-8
CURVE_POINTS = 40


@dataclass(frozen=True, slots=True)
class LabelledQuestion:
    """Of one question the confidence features of the best article and whether it is right, its reach and whether any of three is."""

    features: ConfidenceFeatures
    right: bool
    reach: float
    nearby: bool


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Confidence features, float64 (n, len(CONFIDENCE_FEATURES)); whether the article was right; how much each counts, together 1.

    `reach`, float64 (n,), is how many times as likely the first three articles together are as the first one, `nearby`
    whether one of the three was right.
    """

    features: Floats
    right: Mask
    weights: Floats
    reach: Floats
    nearby: Mask

    @classmethod
    def of(cls, questions: Sequence[LabelledQuestion]) -> "Labelled":
        """Of questions that count alike."""
        rows = np.array([[question.features[name] for name in CONFIDENCE_FEATURES] for question in questions])
        return cls(
            rows.reshape(-1, len(CONFIDENCE_FEATURES)),
            np.array([question.right for question in questions], dtype=np.bool_),
            np.full(len(questions), 1 / max(1, len(questions))),
            np.array([question.reach for question in questions], dtype=np.float64),
            np.array([question.nearby for question in questions], dtype=np.bool_),
        )

    def only(self, some: Mask) -> "Labelled":
        """Some of them, which together count 1 again."""
        weights = self.weights[some]
        return Labelled(
            self.features[some], self.right[some], weights / weights.sum(), self.reach[some], self.nearby[some]
        )

    def useful(self, confidence: Floats) -> Floats:
        """How likely one of the first three articles is right, float64 (n,), where the first is so likely."""
        return np.minimum(1.0, confidence * self.reach)


def fit(labelled: Labelled, ridge: float = RIDGE) -> Floats:
    """Fit a logistic regression: intercept and weights of the plain values, float64 (1 + len(CONFIDENCE_FEATURES),), with a quadratic penalty.

    Weights of standardised values are drawn to 0; the intercept is free.
    """
    return _near(labelled, np.zeros(1 + labelled.features.shape[1]), ridge, 1e-6)


def refit(labelled: Labelled, prior: Floats) -> Floats:
    """As `fit`, drawn to what was learned elsewhere: the less, the more questions there are."""
    questions = max(1, len(labelled.right))
    return _near(labelled, prior, PRIOR_QUESTIONS / questions, PRIOR_LEVEL / questions)


def _near(labelled: Labelled, prior: Floats, ridge: float, level_ridge: float) -> Floats:
    rows = np.hstack([np.ones((len(labelled.features), 1)), labelled.features])
    mean = np.average(rows, axis=0, weights=labelled.weights)
    scale = np.sqrt(np.average((rows - mean) ** 2, axis=0, weights=labelled.weights)) + 1e-6
    mean[0], scale[0] = 0.0, 1.0
    pulls = np.array([level_ridge, *[ridge] * labelled.features.shape[1]])
    coefficients = _newton((rows - mean) / scale, labelled, _standardised(prior, mean, scale), pulls)
    plain: Floats = coefficients / scale
    plain[0] = coefficients[0] - float((coefficients[1:] * mean[1:] / scale[1:]).sum())
    return plain


def _standardised(plain: Floats, mean: Floats, scale: Floats) -> Floats:
    coefficients: Floats = plain * scale
    coefficients[0] = plain[0] + float((plain[1:] * mean[1:]).sum())
    return coefficients


def _newton(rows: Floats, labelled: Labelled, start: Floats, pulls: Floats) -> Floats:
    """A step is halved until it helps: from a prior far off, whole ones lead astray."""

    def cost(point: Floats) -> float:
        logits = rows @ point
        return float(
            labelled.weights @ (np.logaddexp(0, logits) - labelled.right * logits) + pulls @ (point - start) ** 2 / 2
        )

    coefficients = start.copy()
    for _ in range(STEPS):
        chance = probabilities(rows @ coefficients)
        slope = rows.T @ (labelled.weights * (chance - labelled.right)) + pulls * (coefficients - start)
        curvature = (rows * (labelled.weights * chance * (1 - chance))[:, None]).T @ rows + np.diag(pulls)
        step = np.linalg.solve(curvature, slope)
        while np.abs(step).max() > _SETTLED and cost(coefficients - step) > cost(coefficients):
            step = step / 2
        coefficients = coefficients - step
        if np.abs(step).max() <= _SETTLED:
            break
    return coefficients


def probabilities(logits: Floats) -> Floats:
    """The logistic function."""
    chances: Floats = 1 / (1 + np.exp(-np.clip(logits, -30, 30)))
    return chances


def predict(coefficients: Floats, features: Floats) -> Floats:
    """Predicted probabilities of features, as `fit` learned them."""
    return probabilities(coefficients[0] + features @ coefficients[1:])


def curve(confidence: Floats, right: Mask, weights: Floats, *, imagined: float = 0) -> list[Point]:
    """The risk-coverage curve by threshold, at 40 shares of what could be answered; confidences fall.

    `imagined` answers, as often wrong as the confidences say, count beside those of each share: a few right ones at the
    top of few questions are no proof.
    """
    order = np.argsort(-confidence, kind="stable")
    mass = np.cumsum(weights[order])
    wrong, expected = (np.cumsum((weights * costs)[order]) / mass for costs in (~right, 1 - confidence))
    answered = mass / mass[-1]
    counted = answered * len(order)
    risk = (counted * wrong + imagined * expected) / (counted + imagined)
    ends = np.unique(np.searchsorted(answered, np.linspace(1 / CURVE_POINTS, 1, CURVE_POINTS)).clip(max=len(order) - 1))
    return [
        Point(round(float(confidence[order[end]]), 4), round(float(answered[end]), 4), round(float(risk[end]), 4))
        for end in ends.tolist()
    ]


def suggest_curve(confidence: Floats, labelled: Labelled, least: float, *, imagined: float = 0) -> list[Point]:
    """The risk-coverage curve of suggestions: of the questions that are too unsure to be answered from `least` on."""
    unsure = confidence < least
    if not unsure.any():
        return []
    useful = labelled.useful(confidence)[unsure]
    return curve(useful, labelled.nearby[unsure], labelled.weights[unsure], imagined=imagined)
