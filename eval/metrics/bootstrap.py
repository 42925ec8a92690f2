"""Bootstrap confidence intervals by weights: a measure maps weights (b, n) to values (b,), so value and interval are one computation.

A row of ones gives the value itself; a row that counts how often each case was drawn gives the value of that resample.
Thus 1,000 resamples of every measure are a few array operations instead of 1,000 loops. NaN means undefined.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.uint16]
Measure = Callable[[Floats], Floats]

RESAMPLES = 1_000
SEED = 20_260_801  # any fixed number: the same cases give the same interval everywhere
BLOCK_CELLS = 400_000  # weights worked on at a time: 3 MB an array stays in cache and keeps memory flat
DIGITS = 6  # finer than the noise of any set, and short enough to read


@dataclass(frozen=True, slots=True)
class Metric:
    """One number of a result: its value, the 95 % percentile interval and how many cases it rests on."""

    value: float
    ci95: tuple[float, float]
    n: int


def resample(clusters: Sequence[str], *, stream: int = 0) -> Counts:
    """How often each case is in each of 1,000 resamples, (1,000, len(clusters)); whole clusters are drawn.

    Cases that share a cluster (the turns of a dialogue) come together, since they are not independent.
    Different `stream` numbers give independent draws.
    """
    number: dict[str, int] = {}
    cluster_of = np.array([number.setdefault(name, len(number)) for name in clusters], dtype=np.intp)
    rng = np.random.default_rng([SEED, stream])
    drawn = np.empty((RESAMPLES, len(number)), dtype=np.uint16)
    for row in drawn:
        row[:] = np.bincount(rng.integers(max(1, len(number)), size=len(number)), minlength=len(number))
    return drawn[:, cluster_of]


def estimate(measure: Measure, counts: Counts, over: Mask) -> Metric | None:
    """Value over the cases marked in `over` with its percentile interval (Efron, 1981). None where undefined.

    `measure` sees only the marked columns. Resamples where it is undefined are left out of the interval.
    """
    n = int(over.sum())
    value = measure(np.ones((1, n)))[0] if n else np.nan
    if np.isnan(value):
        return None
    rows = max(1, BLOCK_CELLS // n)
    kept = counts[:, over]
    blocks = [kept[start : start + rows].astype(np.float64) for start in range(0, len(kept), rows)]
    low, high = np.nanpercentile(np.concatenate([measure(block) for block in blocks]), [2.5, 97.5])
    return Metric(round(float(value), DIGITS), (round(float(low), DIGITS), round(float(high), DIGITS)), n)


def mean(values: Floats, weights: Floats) -> Floats:
    """Weighted mean of `values` (n,), one for each row of `weights`; NaN where a row weighs nothing."""
    return ratio(weights @ values, weights.sum(axis=1))


def quantile(values: Floats, share: float, weights: Floats) -> Floats:
    """The `share` quantile of `values`, linear between order statistics (Hyndman & Fan, 1996, type 7)."""
    order = np.argsort(values, kind="stable")
    ranked, upto = values[order], np.cumsum(weights[:, order], axis=1)
    place = np.maximum(upto[:, -1] - 1, 0) * share
    below, above = (_order_statistic(ranked, upto, np.floor(place)), _order_statistic(ranked, upto, np.ceil(place)))
    value = below + (above - below) * (place - np.floor(place))
    return np.where(upto[:, -1] > 0, value, np.nan)


def ratio(part: Floats, total: Floats) -> Floats:
    """`part / whole`, NaN where `whole` is 0."""
    quotient = np.full(len(total), np.nan)
    np.divide(part, total, out=quotient, where=total != 0)
    return quotient


def _order_statistic(ranked: Floats, upto: Floats, place: Floats) -> Floats:
    statistic: Floats = ranked[np.minimum((upto <= place[:, None]).sum(axis=1), len(ranked) - 1)]
    return statistic
