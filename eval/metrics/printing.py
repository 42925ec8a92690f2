"""Formatting of metrics: a mean with its 95 % interval, times by their percentiles."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from eval.metrics.bootstrap import Metric, estimate, mean, resample


def mean_of(values: Sequence[float] | NDArray[np.generic]) -> Metric | None:
    """The mean of independent cases; None of none."""
    column = np.array(values, dtype=np.float64)
    return estimate(
        partial(mean, column), resample([str(n) for n in range(len(column))]), np.ones(len(column), np.bool_)
    )


def shown(metric: Metric | None, digits: int = 3) -> str:
    """`0.685 [0.663, 0.707]`; a dash where nothing was measured."""
    if metric is None:
        return "-"
    low, high = metric.ci95
    return f"{metric.value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of all lies below; of one or more values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
