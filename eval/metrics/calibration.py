"""Calibration error (ECE) and reliability diagrams: whether a confidence of 0.8 means right four times in five."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eval.metrics.bootstrap import SEED, Floats, Mask
from eval.metrics.selective_prediction import falling, running

BINS = 10
DRAWS = 1_000
BLOCK_CELLS = 150_000  # weights binned at a time: times 10 bins they are 12 MB


@dataclass(frozen=True, slots=True)
class Bin:
    """One equal-mass bin of a reliability diagram."""

    confidence: float
    accuracy: float
    n: int


def ece(confidence: Floats, right: Mask, weights: Floats) -> Floats:
    """Expected calibration error over 10 equal-mass bins (Guo et al., 2017) less its bias, at least 0.

    The bias is what a perfect predictor with these confidences would show: the mean over 1,000 draws of the labels from
    the confidences themselves. Cases of equal confidence are spread evenly over the bins they fall into.
    """
    gaps = _residuals(confidence, right)
    rows = max(1, BLOCK_CELLS // len(confidence))
    blocks = [weights[start : start + rows] for start in range(0, len(weights), rows)]
    return np.concatenate([_debiased(confidence, gaps, block) for block in blocks])


def reliability(confidence: Floats, right: Mask) -> list[Bin]:
    """The bins behind `ece`, for drawing; empty ones are left out."""
    share = _bin_weights(confidence, np.ones((1, len(confidence))))[0]
    mass = share.sum(axis=1)
    rows = zip(mass, share @ confidence, share @ right, strict=True)
    return [Bin(float(sure / n), float(hits / n), round(float(n))) for n, sure, hits in rows if n > 0]


def _debiased(confidence: Floats, gaps: npt.NDArray[np.float32], weights: Floats) -> Floats:
    share = _bin_weights(confidence, weights).astype(np.float32)
    error = np.abs(share @ gaps).sum(axis=1) / np.maximum(weights.sum(axis=1), 1)[:, None]
    corrected = np.maximum(error[:, 0] - error[:, 1:].mean(axis=1), 0).astype(np.float64)
    return np.where(weights.sum(axis=1) > 0, corrected, np.nan)


def _residuals(confidence: Floats, right: Mask) -> npt.NDArray[np.float32]:
    """Label minus confidence, (n, 1 + 1,000): the real labels first, then the drawn ones."""
    drawn = np.random.default_rng(SEED).random((len(confidence), DRAWS)) < confidence[:, None]
    return (np.column_stack([right, drawn]) - confidence[:, None]).astype(np.float32)


def _bin_weights(confidence: Floats, weights: Floats) -> Floats:
    """How much of each case lies in each bin: (b, 10, n), summing over bins to `weights`."""
    by = falling(-confidence)
    upto = running(weights[:, by.order])
    start, end = upto[:, by.first], upto[:, by.last + 1]
    edges = _edges(upto[:, -1])
    inside = np.minimum(end[:, None, :], edges[:, 1:, None]) - np.maximum(start[:, None, :], edges[:, :-1, None])
    run = np.maximum(end - start, 1)[:, None, :]  # a run without weight has no share anywhere
    share = np.empty_like(inside)
    share[:, :, by.order] = np.maximum(inside, 0) / run * weights[:, None, by.order]
    return share


def _edges(total: Floats) -> Floats:
    """Bounds of 10 bins whose sizes differ by one at most, the larger ones first (as `numpy.array_split`): (b, 11)."""
    place = np.arange(BINS + 1, dtype=np.float64)[None, :]
    size, rest = np.divmod(total, BINS)
    return size[:, None] * place + np.minimum(place, rest[:, None])
