"""Learns a logistic function from labelled profiles, near a prior: Newton's method, a few milliseconds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bot.confidence import Point
from eval.bootstrap import Floats, Mask
from retrieval.profile import PROFILE, Profile

RIDGE = 0.02  # without a prior: .006 to .12 differ by .007 in AUROC; less fits single trades, more blunts
STEPS = 30  # Newton's steps; six to ten are taken
_SETTLED = 1e-8
CURVE_POINTS = 40


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Profiles, float64 (n, len(PROFILE)); whether the article was right; how much each counts, together 1."""

    profiles: Floats
    right: Mask
    weights: Floats

    @classmethod
    def alike(cls, profiles: Sequence[Profile], right: Sequence[bool]) -> "Labelled":
        """Of questions that count alike."""
        rows = np.array([[each[name] for name in PROFILE] for each in profiles]).reshape(-1, len(PROFILE))
        return cls(rows, np.array(right, dtype=np.bool_), np.full(len(right), 1 / max(1, len(right))))


def fit(labelled: Labelled, prior: Floats | None = None, ridge: float = RIDGE) -> Floats:
    """Intercept and weights of the plain values, float64 (1 + len(PROFILE),): logistic regression with a quadratic penalty.

    Without a prior, weights of standardised values are drawn to 0 and the intercept is free; with one, all are drawn to it.
    """
    rows = np.hstack([np.ones((len(labelled.profiles), 1)), labelled.profiles])
    mean = np.average(rows, axis=0, weights=labelled.weights)
    scale = np.sqrt(np.average((rows - mean) ** 2, axis=0, weights=labelled.weights)) + 1e-6
    mean[0], scale[0] = 0.0, 1.0
    standard = (rows - mean) / scale
    start = np.zeros(rows.shape[1]) if prior is None else _standardised(prior, mean, scale)
    pulls = np.full(rows.shape[1], ridge)
    pulls[0] = 1e-6 if prior is None else ridge
    found = _newton(standard, labelled, start, pulls)
    plain: Floats = found / scale
    plain[0] = found[0] - float((found[1:] * mean[1:] / scale[1:]).sum())
    return plain


def _standardised(plain: Floats, mean: Floats, scale: Floats) -> Floats:
    found: Floats = plain * scale
    found[0] = plain[0] + float((plain[1:] * mean[1:]).sum())
    return found


def _newton(rows: Floats, labelled: Labelled, start: Floats, pulls: Floats) -> Floats:
    found = start.copy()
    for _ in range(STEPS):
        chance = probabilities(rows @ found)
        slope = rows.T @ (labelled.weights * (chance - labelled.right)) + pulls * (found - start)
        curvature = (rows * (labelled.weights * chance * (1 - chance))[:, None]).T @ rows + np.diag(pulls)
        step = np.linalg.solve(curvature, slope)
        found = found - step
        if np.abs(step).max() < _SETTLED:
            break
    return found


def probabilities(logits: Floats) -> Floats:
    """The logistic function."""
    chances: Floats = 1 / (1 + np.exp(-np.clip(logits, -30, 30)))
    return chances


def predict(coefficients: Floats, profiles: Floats) -> Floats:
    """What `fit` learned says of profiles."""
    return probabilities(coefficients[0] + profiles @ coefficients[1:])


def curve(confidence: Floats, right: Mask, weights: Floats) -> list[Point]:
    """What follows from each threshold, at 40 shares of what could be answered; confidences fall."""
    order = np.argsort(-confidence, kind="stable")
    answered = np.cumsum(weights[order]) / weights.sum()
    wrong = np.cumsum((weights * ~right)[order]) / np.cumsum(weights[order])
    ends = np.unique(np.searchsorted(answered, np.linspace(1 / CURVE_POINTS, 1, CURVE_POINTS)).clip(max=len(order) - 1))
    return [
        Point(round(float(confidence[order[at]]), 4), round(float(answered[at]), 4), round(float(wrong[at]), 4))
        for at in ends.tolist()
    ]
