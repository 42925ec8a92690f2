"""Custom calibration, a company's own: fitted to its labelled questions, judged by what fits say of questions they did not see."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Self

import numpy as np
import numpy.typing as npt

from bot.answer import SUGGESTED, Calibration, Point, threshold
from eval.calibrate.fitting import Labelled, LabelledQuestion, curve, predict, refit, suggest_curve
from eval.metrics import Answered, Floats, Mask, Metric, Scope, estimate, knowing_when, mean, resample
from eval.rows import Row
from retrieval.search import CONFIDENCE_FEATURES, ConfidenceFeatures

FOLDS = 10  # a fit without one of them has nearly as many questions as the one that is kept, which has all
LEAST = 50  # questions: of what 25 teach, one in six calibrations that are kept is worse, of 50 one in ten (`eval.studies.own_labels`)
IMAGINED = 10  # answers: without them 7.5 and 5.7 % of the answers were wrong with 25 and 50 questions, not 5
MADE_BY = "handrail eval calibrate"

Folds = npt.NDArray[np.intp]


class TooFewQuestions(Exception):
    """Too little to learn from."""

    code = "too_few_questions"

    def __init__(self, questions: int) -> None:
        super().__init__(questions)
        self.questions = questions

    def __str__(self) -> str:
        return (
            f"{self.questions} questions can be learned from, {LEAST} are needed; label more "
            "(small talk, calls for a person and questions whose labels exempt them do not count)"
        )


class OneSided(Exception):
    """Nothing tells right articles from wrong ones where there is but one kind."""

    code = "one_sided_questions"

    def __init__(self, questions: int, kind: str) -> None:
        super().__init__(questions, kind)
        self.questions, self.kind = questions, kind

    def __str__(self) -> str:
        return (
            f"the best article is {self.kind} for all {self.questions} questions, so nothing tells when it is; "
            "add questions that no article answers, and check that gold_articles are ids of the articles in --kb"
        )


@dataclass(frozen=True, slots=True, eq=False)
class TrainingSet:
    """The training set: the confidence features of each question's best article, whether that is right, whether any is."""

    labelled: Labelled
    answerable: Mask
    fold: Folds

    @classmethod
    def of(cls, cases: Sequence[Answered]) -> Self:
        """Of the cases that are judged and were searched for. Raises TooFewQuestions and OneSided."""
        usable = [
            (case, features) for case in cases if case.question.judged and (features := _confidence_features(case.row))
        ]
        questions = [_labelled(case, features) for case, features in usable]
        right = [question.right for question in questions]
        if len(usable) < LEAST:
            raise TooFewQuestions(len(usable))
        if len({*right}) == 1:
            raise OneSided(len(usable), "right" if right[0] else "wrong")
        return cls(
            Labelled.of(questions),
            np.array([case.question.answerable for case, _ in usable], dtype=np.bool_),
            folds([case.question.case_id for case, _ in usable]),
        )

    def __len__(self) -> int:
        return len(self.fold)


@dataclass(frozen=True, slots=True, eq=False)
class CalibratedAnswers:
    """The answers of a calibration: how sure it is of each question's best article, and which questions the error budget lets it answer."""

    confidence: Floats
    answers: Mask


@dataclass(frozen=True, slots=True)
class CrossValidationResult:
    """The cross-validation result: a company's own calibration beside the shipped one, on questions that neither was fitted to."""

    custom: Calibration
    measured: Mapping[str, Metric]
    shipped: Mapping[str, Metric]

    @property
    def better(self) -> bool:
        """Whether it is worth having: log loss is least for the true probabilities (Good, 1952), the order included."""
        return self.measured["log_loss"].value < self.shipped["log_loss"].value


def folds(case_ids: Sequence[str]) -> Folds:
    """Cross-validation folds: the fold of each question, 0 to 9, all of a size: dealt out in the order of a hash of the ids.

    Files are sorted by article or repeat a pattern, such as every tenth question without an answer. A hash knows nothing
    of that, and the same questions are always dealt alike.
    """
    order = sorted(range(len(case_ids)), key=lambda index: hashlib.sha256(case_ids[index].encode()).digest())
    fold = np.empty(len(order), dtype=np.intp)
    fold[order] = np.arange(len(order)) % FOLDS
    return fold


def held_out(training: TrainingSet, prior: Floats) -> Floats:
    """Out-of-fold predictions, how sure of each question a fit to the other folds is: float64 (n,)."""
    confidence = np.empty(len(training))
    for number in range(FOLDS):
        unseen = training.fold == number
        coefficients = refit(training.labelled.only(~unseen), prior)
        confidence[unseen] = predict(coefficients, training.labelled.features[unseen])
    return confidence


def curve_of(confidence: Floats, labelled: Labelled) -> list[Point]:
    """The risk-coverage curve by threshold, of questions that were held out."""
    return curve(confidence, labelled.right, labelled.weights, imagined=IMAGINED)


def answers(confidence: Floats, training: TrainingSet, budget: float) -> Mask:
    """Which questions are answered, each by the threshold that the other folds teach: none has a say in its own."""
    answered = np.zeros(len(training), dtype=np.bool_)
    for number in range(FOLDS):
        unseen = training.fold == number
        least = threshold(curve_of(confidence[~unseen], training.labelled.only(~unseen)), budget)
        answered[unseen] = confidence[unseen] >= least
    return answered


def calibrate(
    training: TrainingSet, shipped: Calibration, budget: float, model: str, source: str
) -> CrossValidationResult:
    """The calibration of these questions, drawn to the shipped weights, and what both come to. `source` names the file."""
    prior = np.array([shipped.intercept, *(shipped.weights[name] for name in CONFIDENCE_FEATURES)])
    confidence = held_out(training, prior)
    answer_curve = curve_of(confidence, training.labelled)
    intercept, *weights = np.round(refit(training.labelled, prior), 4).tolist()
    custom = Calibration(
        model=model,
        intercept=intercept,
        weights=dict(zip(CONFIDENCE_FEATURES, weights, strict=True)),
        curve=answer_curve,
        suggest_curve=suggest_curve(confidence, training.labelled, threshold(answer_curve, budget), imagined=IMAGINED),
        made_by=MADE_BY,
        learned_from=[{"set": source, "licence": "own", "questions": len(training)}],
    )
    before = predict(prior, training.labelled.features)
    return CrossValidationResult(
        custom,
        measured(CalibratedAnswers(confidence, answers(confidence, training, budget)), training),
        measured(CalibratedAnswers(before, before >= shipped.threshold(budget)), training),
    )


def measured(answered: CalibratedAnswers, training: TrainingSet) -> dict[str, Metric]:
    """Every metric that is defined, by name, with its interval."""
    right = training.labelled.right
    everything = np.ones(len(training), dtype=np.bool_)
    scopes = {
        "log_loss": Scope(everything, partial(mean, log_loss(answered.confidence, right))),
        **{
            name: Scope(everything, measure)
            for name, measure in knowing_when(answered.confidence, right, training.answerable).items()
        },
        "answered_rate": Scope(everything, partial(mean, answered.answers.astype(np.float64))),
        "wrong_of_answered": Scope(answered.answers, partial(mean, (~right[answered.answers]).astype(np.float64))),
    }
    counts = resample([str(number) for number in range(len(training))])
    estimates = {name: estimate(scope.measure, counts, scope.over) for name, scope in scopes.items()}
    return {name: metric for name, metric in estimates.items() if metric is not None}


def log_loss(confidence: Floats, right: Mask) -> Floats:
    """Log loss, what a confidence costs: minus the logarithm of the chance that it gave to what came true."""
    costs: Floats = -np.log(np.where(right, confidence, 1 - confidence))
    return costs


def _labelled(case: Answered, features: ConfidenceFeatures) -> LabelledQuestion:
    gold, ranked = case.question.gold_articles, case.row.ranked
    return LabelledQuestion(features, ranked[0] in gold, case.row.reach, not gold.isdisjoint(ranked[:SUGGESTED]))


def _confidence_features(row: Row) -> ConfidenceFeatures:
    """What the search said of the best article; empty for small talk, calls for a person, and where nothing was found."""
    return row.features
