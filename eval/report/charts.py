"""The geometry of the report's drawings: numbers in, SVG coordinates out, no markup."""

from collections.abc import Sequence
from dataclasses import dataclass

from eval.metrics import Bin, Metric

MAX_POINTS = 400  # more than a curve 360 pixels wide can show


@dataclass(frozen=True, slots=True)
class PlotFrame:
    """A plot of `width` x `height` pixels whose axes run from 0 to `x_max` and 0 to `y_max`."""

    width: int
    height: int
    x_max: float = 1.0
    y_max: float = 1.0

    def x(self, value: float) -> float:
        """Pixels from the left."""
        return round(self.width * value / self.x_max, 2)

    def y(self, value: float) -> float:
        """Pixels from the top: larger values lie higher."""
        return round(self.height * (1 - value / self.y_max), 2)


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % interval on a line 0 to 100 units long, with its value."""

    low: float
    high: float
    value: float

    @property
    def width(self) -> float:
        """At least a hair, so that a narrow interval is seen."""
        return round(max(self.high - self.low, 0.8), 2)


@dataclass(frozen=True, slots=True)
class Dot:
    """A bin of the reliability diagram: centre and radius in pixels, and what it stands for."""

    x: float
    y: float
    radius: float
    of: Bin


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of the latency histogram in pixels, and what it stands for."""

    x: float
    y: float
    width: float
    height: float
    from_ms: float
    to_ms: float
    n: int


def interval(metric: Metric, full: float) -> Interval:
    """Where value and interval lie on a line on which `full` is at 100."""
    low, high, value = (round(100 * min(part / full, 1), 2) for part in (*metric.ci95, metric.value))
    return Interval(low, high, value)


def polyline(points: Sequence[tuple[float, float]], frame: PlotFrame) -> str:
    """The `points` attribute of an SVG polyline; a long curve is thinned, its ends kept."""
    step = max(1, len(points) // MAX_POINTS)
    kept = [*points[:-1:step], *points[-1:]]
    return " ".join(f"{frame.x(x)},{frame.y(y)}" for x, y in kept)


def dots(bins: Sequence[Bin], frame: PlotFrame) -> list[Dot]:
    """The bins as dots of equal size: their mass is equal by construction."""
    return [
        Dot(frame.x(reliability_bin.confidence), frame.y(reliability_bin.accuracy), 4, reliability_bin)
        for reliability_bin in bins
    ]


def bars(latencies_ms: Sequence[float], frame: PlotFrame, columns: int = 40) -> list[Bar]:
    """Histogram of latencies over the frame's x axis; the last bar holds what lies beyond."""
    counts = [0] * columns
    for latency in latencies_ms:
        counts[min(int(columns * latency / frame.x_max), columns - 1)] += 1
    step, tallest = frame.x_max / columns, max(counts)
    return [
        Bar(
            x=frame.x(step * column),
            y=round(frame.height * (1 - n / tallest), 2),
            width=round(frame.width / columns - 1, 2),
            height=round(frame.height * n / tallest, 2),
            from_ms=step * column,
            to_ms=step * (column + 1),
            n=n,
        )
        for column, n in enumerate(counts)
        if n
    ]
