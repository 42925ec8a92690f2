"""Metrics with their intervals: retrieval, selective prediction, calibration, answer text."""

from eval.metrics.bootstrap import Floats, Mask, Metric, estimate, mean, resample
from eval.metrics.calibration import Bin, reliability
from eval.metrics.measures import ERROR_BUDGET, Answered, Scope, knowing_when, measure, pair
from eval.metrics.selective_prediction import risk_coverage

__all__ = [
    "ERROR_BUDGET",
    "Answered",
    "Bin",
    "Floats",
    "Mask",
    "Metric",
    "Scope",
    "estimate",
    "knowing_when",
    "mean",
    "measure",
    "pair",
    "reliability",
    "resample",
    "risk_coverage",
]
