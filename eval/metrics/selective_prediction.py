"""Selective prediction metrics (AUROC, average precision, risk-coverage): how well a score separates who should be answered, whom the answer served, who is frustrated.

Every function takes weights (b, n) as `eval.metrics.bootstrap` makes them and returns (b,), NaN where it is undefined. Equal
scores are one step, so no result depends on the order of the rows.
"""

from dataclasses import dataclass

import numpy as np

from eval.metrics.bootstrap import Floats, Mask, ratio


@dataclass(frozen=True, slots=True)
class Falling:
    """Cases in order of falling score; `first` and `last` bound the run of equal scores each case stands in."""

    order: np.ndarray[tuple[int], np.dtype[np.intp]]
    first: np.ndarray[tuple[int], np.dtype[np.intp]]
    last: np.ndarray[tuple[int], np.dtype[np.intp]]


def falling(scores: Floats) -> Falling:
    """Sorts `scores` (n,) once for all rows of weights."""
    order = np.argsort(-scores, kind="stable")
    ranked = -scores[order]
    return Falling(order, np.searchsorted(ranked, ranked, "left"), np.searchsorted(ranked, ranked, "right") - 1)


def running(weights: Floats) -> Floats:
    """Sums of the first 0, 1, ... n columns: (b, n + 1)."""
    return np.concatenate([np.zeros((len(weights), 1)), np.cumsum(weights, axis=1)], axis=1)


def auroc(scores: Floats, positive: Mask, weights: Floats) -> Floats:
    """AUROC: chance that a positive outscores a negative, ties half (Hanley & McNeil, 1982)."""
    by = falling(scores)
    ordered_weights, hits = weights[:, by.order], positive[by.order]
    above = running(ordered_weights * ~hits)
    lost = (above[:, by.first] + above[:, by.last + 1]) / 2
    positives, negatives = ordered_weights @ hits, above[:, -1]
    return 1 - ratio(((ordered_weights * hits) * lost).sum(axis=1), positives * negatives)


def average_precision(scores: Floats, positive: Mask, weights: Floats) -> Floats:
    """Average precision: mean precision at the positives, without interpolation (Buckley & Voorhees, SIGIR 2000)."""
    by = falling(scores)
    ordered_weights, hits = weights[:, by.order], positive[by.order]
    end = by.last + 1
    hits_so_far, mass_so_far = running(ordered_weights * hits)[:, end], running(ordered_weights)[:, end]
    precision = np.divide(hits_so_far, mass_so_far, out=np.zeros_like(mass_so_far), where=mass_so_far > 0)
    return ratio(((ordered_weights * hits) * precision).sum(axis=1), ordered_weights @ hits)


def f1(predicted: Mask, positive: Mask, weights: Floats) -> Floats:
    """F1: harmonic mean of precision and recall (van Rijsbergen, 1979); undefined without positives."""
    score = ratio(2 * (weights @ (predicted & positive)), weights @ predicted + weights @ positive)
    return np.where(weights @ positive > 0, score, np.nan)


def coverage_at_error(confidence: Floats, wrong: Mask, budget: float, weights: Floats) -> Floats:
    """Coverage at a risk bound: largest share answered, from the top of `confidence` down, with at most `budget` of it wrong.

    Coverage at a risk bound (Geifman & El-Yaniv, 2017). Equal confidences are answered together or not at all, since no
    threshold tells them apart.
    """
    by = falling(confidence)
    end = by.last + 1
    ordered_weights = weights[:, by.order]
    answered, failed = running(ordered_weights)[:, end], running(ordered_weights * wrong[by.order])[:, end]
    affordable = np.where(failed <= budget * answered, answered, 0.0)
    return ratio(affordable.max(axis=1), ordered_weights.sum(axis=1))


def aurc(confidence: Floats, wrong: Mask, weights: Floats) -> Floats:
    """Area under the risk-coverage curve: mean selective risk over all coverages 1/N ... 1 (Geifman & El-Yaniv, 2017).

    Among equal confidences it is the mean over their orders. With m of them after P cases of which E are wrong, e of the
    m wrong, the risks E + j e/m over P + j for j = 1 ... m sum to e + (E - P e/m) (H(P + m) - H(P)), H harmonic.
    """
    by = falling(confidence)
    starts = np.unique(by.first)
    ends = np.unique(by.last) + 1
    ordered_weights = weights[:, by.order]
    answered, failed = running(ordered_weights), running(ordered_weights * wrong[by.order])
    before, after = answered[:, starts], answered[:, ends]
    errors, mass = failed[:, ends] - failed[:, starts], after - before
    share = np.divide(errors, mass, out=np.zeros_like(mass), where=mass > 0)
    harmonic = _harmonic(int(answered[:, -1].max(initial=0)))
    steps = harmonic[after.astype(np.intp)] - harmonic[before.astype(np.intp)]
    return ratio((errors + (failed[:, starts] - before * share) * steps).sum(axis=1), answered[:, -1])


def risk_coverage(confidence: Floats, wrong: Mask) -> list[tuple[float, float]]:
    """Points (coverage, risk) of the curve at every distinct confidence, for drawing."""
    by = falling(confidence)
    ends = np.unique(by.last) + 1
    failed = np.cumsum(wrong[by.order])[ends - 1]
    return [(float(end) / len(confidence), float(bad) / float(end)) for end, bad in zip(ends, failed, strict=True)]


def _harmonic(largest: int) -> Floats:
    """H(0) ... H(largest)."""
    return np.concatenate([[0.0], np.cumsum(1 / np.arange(1, largest + 1))])
