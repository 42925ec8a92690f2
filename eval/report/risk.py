"""Risk-coverage curves of the report: what answering more, and suggesting more, costs in wrong and useless replies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from pydantic import JsonValue

from bot.answer import SUGGESTED
from eval.metrics import ERROR_BUDGET, Answered, Floats, Mask, risk_coverage
from eval.report.charts import PlotFrame, polyline

PLOT = PlotFrame(360, 240)
HEIGHTS = (0.2, 0.4, 0.6, 0.8, 1.0)  # of the axis of what is wrong: quarters of them are round


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """The operating point on the curve: the share of the cases that reach the level, and how much of it is wrong."""

    level: float
    covered: float
    wrong: float | None


@dataclass(frozen=True, slots=True)
class Risk:
    """A risk-coverage curve in its frame, and where the bot stands on it, if the run says so.

    `budget` is the share that may be wrong; `chosen`: by the settings.
    """

    frame: PlotFrame
    curve: str
    budget: float
    chosen: bool
    standing: OperatingPoint | None

    @property
    def kept(self) -> bool:
        """Whether no more is wrong than may be."""
        return self.standing is None or (self.standing.wrong or 0) <= self.budget


def answer_risk(judged: Sequence[Answered], config: Mapping[str, JsonValue]) -> Risk | None:
    """The curve of answers; None without cases.

    The budget is that of the settings or, where they fix the confidence instead, the one of `coverage@5%error`.
    """
    wrong = np.array([not case.right for case in judged], dtype=np.bool_)
    budget, level = number(config.get("error_budget")), number(config.get("answer_confidence"))
    return _risk(
        confidences(judged), wrong, ERROR_BUDGET if budget is None else budget, level, chosen=budget is not None
    )


def suggestion_risk(judged: Sequence[Answered], config: Mapping[str, JsonValue]) -> Risk | None:
    """The curve of suggestions in place of answers that are too unsure; None where the run does not say what those are."""
    least, level, budget = (
        number(config.get(name)) for name in ("answer_confidence", "suggest_usefulness", "suggest_budget")
    )
    if least is None or level is None or budget is None:
        return None
    unsure = [case for case in judged if case.row.confidence < least]
    useful = np.array([case.row.useful for case in unsure], dtype=np.float64)
    useless = [case.question.gold_articles.isdisjoint(case.row.ranked[:SUGGESTED]) for case in unsure]
    return _risk(useful, np.array(useless, dtype=np.bool_), budget, level, chosen=True)


def _risk(scores: Floats, wrong: Mask, budget: float, level: float | None, *, chosen: bool) -> Risk | None:
    if not len(scores):
        return None
    points = risk_coverage(scores, wrong)
    highest = max(budget, *(share for _, share in points))
    frame = replace(PLOT, y_max=next((height for height in HEIGHTS if highest <= height), 1.0))
    standing = None if level is None else _standing(scores, wrong, level)
    return Risk(frame, polyline(points, frame), budget, chosen, standing)


def _standing(scores: Floats, wrong: Mask, level: float) -> OperatingPoint:
    covered = scores >= level
    return OperatingPoint(level, float(covered.mean()), float(wrong[covered].mean()) if covered.any() else None)


def number(value: JsonValue) -> float | None:
    """A number of the configuration; None for anything else."""
    return float(value) if isinstance(value, int | float) else None


def confidences(judged: Sequence[Answered]) -> Floats:
    """How sure the bot was of each, float64 (n,)."""
    return np.array([case.row.confidence for case in judged], dtype=np.float64)
