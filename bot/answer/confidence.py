"""Confidence calibration: how likely the best passage answers, by logistic regression over features of the search."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Self

import orjson
from pydantic import FiniteFloat, TypeAdapter, ValidationError

from bot.errors import CalibrationUnusable
from retrieval.search import CONFIDENCE_FEATURES, ConfidenceFeatures

SHIPPED = "confidence.json"
OWN = "calibration.json"  # in the data folder: what `handrail eval calibrate` makes of a company's own questions


@dataclass(frozen=True, slots=True)
class Point:
    """A point of the risk-coverage curve, on questions that were not learned from: the share answered, and how much is wrong."""

    confidence: float
    answered: float
    wrong: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """A calibrated logistic regression over confidence features, and what follows from each threshold.

    `weights` are of the plain values, by their names in `retrieval.search.confidence_features`. `curve` is of answers,
    `suggest_curve` of suggestions in place of those that are too unsure for an answer: there how likely one of the first
    three articles is to be right counts as the confidence. Both have falling confidences. `model` is the embedding model
    of the questions it was learned from: another one has other cosines.
    """

    model: str
    intercept: FiniteFloat
    weights: Mapping[str, FiniteFloat]
    curve: Sequence[Point]
    suggest_curve: Sequence[Point]
    made_by: str
    learned_from: Sequence[Mapping[str, str | int]]

    def confidence(self, profile: ConfidenceFeatures) -> float:
        """From 0 to 1."""
        logit = self.intercept + sum(weight * profile[name] for name, weight in self.weights.items())
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))

    def threshold(self, budget: float) -> float:
        """The least confidence from which on at most this share of what is answered is wrong; 1 where nothing is safe."""
        return threshold(self.curve, budget)

    @classmethod
    def read(cls, text: bytes, path: str) -> Self:
        """Raises CalibrationUnusable."""
        try:
            calibration = TypeAdapter(cls).validate_json(text)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise CalibrationUnusable(path, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
        if {*calibration.weights} != {*CONFIDENCE_FEATURES}:
            raise CalibrationUnusable(path, "it was made by another version of Handrail")
        return calibration

    def written(self) -> bytes:
        """What `read` reads."""
        return orjson.dumps(self, option=orjson.OPT_INDENT_2) + b"\n"


def threshold(curve: Sequence[Point], budget: float) -> float:
    """The least confidence of the curve from which on at most this share of what is answered is wrong; 1 if there is none."""
    return min((point.confidence for point in curve if point.wrong <= budget), default=1.0)


@cache
def default_calibration() -> Calibration:
    """The shipped calibration, learned from the questions of several companies and trades; measured on those it was not learned from."""
    return Calibration.read(resources.files("bot.answer").joinpath(SHIPPED).read_bytes(), SHIPPED)


def in_use(data: Path, model: str) -> Calibration:
    """The calibration in use: the company's own, if there is one in the data folder, otherwise the shipped one.

    Raises CalibrationUnusable where its own cannot be read, is broken or of another embedding model.
    """
    path = data / OWN
    if not path.exists():
        return default_calibration()
    try:
        text = path.read_bytes()
    except OSError as error:
        raise CalibrationUnusable(str(path), f"it cannot be read: {error.strerror}") from error
    calibration = Calibration.read(text, str(path))
    if calibration.model != model:
        raise CalibrationUnusable(str(path), f"it was made with the model {calibration.model!r}, not {model!r}")
    return calibration
