from dataclasses import replace

import numpy as np
import pytest

from bot.answer.confidence import Calibration, Point
from eval.calibrate.custom_calibration import (
    FOLDS,
    LEAST,
    OneSided,
    TooFewQuestions,
    TrainingSet,
    answers,
    calibrate,
    folds,
    held_out,
)
from eval.calibrate.fitting import predict
from eval.metrics.measures import Answered
from eval.results import ResultError, write
from retrieval.search.confidence_features import CONFIDENCE_FEATURES

WEIGHTS = dict.fromkeys(CONFIDENCE_FEATURES, 0.0) | {"near": 6.0}
PRIOR = np.array([-3.0, *WEIGHTS.values()])
SHIPPED = Calibration("mini", -3.0, WEIGHTS, [Point(0.9, 0.1, 0.0), Point(0.6, 0.4, 0.05)], [], "hand", [])


@pytest.fixture
def case(row, question):
    """A judged question whose best article is this near, and right or not."""

    def make(name, near, *, right, gold=("a",), **fields):
        features = dict.fromkeys(CONFIDENCE_FEATURES, 0.5) | {"near": near}
        ranked = ("a", "b") if right else ("b", "a")
        played = row(name, outcome="no_answer", ranked=ranked, features=features)
        return Answered(question(name, gold=gold, **fields), played)

    return make


@pytest.fixture
def training_set(case):
    """Questions whose article is right as often as `steep` and `level` say; a tenth is without an answer."""

    def make(count=200, *, steep=6.0, level=-3.0, seed=1):
        chance = np.random.default_rng(seed)
        near = chance.uniform(0, 1, count)
        right = chance.uniform(0, 1, count) < 1 / (1 + np.exp(-level - steep * near))
        return TrainingSet.of(
            [
                case(
                    f"q{number}",
                    float(near[number]),
                    right=bool(right[number]),
                    gold=("a",) if right[number] or number % 10 else (),
                )
                for number in range(count)
            ]
        )

    return make


def test_folds_are_of_a_size_and_the_same_whatever_the_order_of_the_file():
    names = [f"q{number}" for number in range(103)]
    dealt = dict(zip(names, folds(names).tolist(), strict=True))
    assert sorted(np.bincount(list(dealt.values()))) == [10] * 7 + [11] * 3
    assert dict(zip(names[::-1], folds(names[::-1]).tolist(), strict=True)) == dealt


def test_a_pattern_of_the_file_is_spread_over_the_folds():
    names = [f"q{number}" for number in range(500)]
    tenth = folds(names)[::FOLDS]
    assert len({*tenth.tolist()}) >= 8


def test_what_is_said_of_a_question_does_not_depend_on_its_own_label(training_set):
    """Nor on those of its fold: turned over, they change what is said of all others and nothing of its own."""
    training = training_set()
    before = held_out(training, PRIOR)
    for number in (0, 7):
        in_fold = training.fold == number
        turned = np.where(in_fold, ~training.labelled.right, training.labelled.right)
        other = replace(training, labelled=replace(training.labelled, right=turned))
        after = held_out(other, PRIOR)
        assert (after[in_fold] == before[in_fold]).all()
        assert (after[~in_fold] != before[~in_fold]).all()


def test_whether_a_question_is_answered_does_not_depend_on_its_own_label(training_set):
    training = training_set()
    confidence = predict(PRIOR, training.labelled.features)
    before = answers(confidence, training, 0.2)
    in_fold = training.fold == 3
    wrong = np.where(in_fold, False, training.labelled.right)
    other = replace(training, labelled=replace(training.labelled, right=wrong))
    assert (answers(confidence, other, 0.2)[in_fold] == before[in_fold]).all()
    assert answers(confidence, other, 0.2).sum() < before.sum()


def test_a_company_whose_articles_are_right_less_often_gets_a_calibration_that_knows(training_set):
    training, unseen = training_set(300, steep=8.0, level=-5.0), training_set(600, steep=8.0, level=-5.0, seed=2)
    result = calibrate(training, SHIPPED, 0.1, "mini", "questions.jsonl")
    assert result.better
    assert result.measured["log_loss"].value < result.shipped["log_loss"].value - 0.05
    confidence = np.array(
        [result.custom.confidence(dict(zip(CONFIDENCE_FEATURES, row, strict=True))) for row in unseen.labelled.features]
    )
    assert confidence.mean() == pytest.approx(unseen.labelled.right.mean(), abs=0.05)
    answered = confidence >= result.custom.threshold(0.2)
    assert answered.any()
    assert (~unseen.labelled.right[answered]).mean() < 0.25


def test_where_the_shipped_weights_are_the_true_ones_an_own_calibration_is_not_better(training_set):
    assert not calibrate(training_set(100), SHIPPED, 0.1, "mini", "q.jsonl").better


def test_the_shipped_calibration_is_measured_at_its_own_threshold(training_set):
    training = training_set()
    result = calibrate(training, SHIPPED, 0.05, "mini", "q.jsonl")
    confidence = np.array(
        [SHIPPED.confidence(dict(zip(CONFIDENCE_FEATURES, row, strict=True))) for row in training.labelled.features]
    )
    assert result.shipped["answered_rate"].value == pytest.approx((confidence >= 0.6).mean(), abs=1e-6)
    assert result.shipped["wrong_of_answered"].value == pytest.approx(
        (~training.labelled.right[confidence >= 0.6]).mean(), abs=1e-6
    )


def test_the_file_says_what_it_was_learned_from_and_reads_as_what_was_fitted(training_set):
    custom = calibrate(training_set(), SHIPPED, 0.05, "other", "questions.jsonl").custom
    assert Calibration.read(custom.written(), "calibration.json") == custom
    assert (custom.model, custom.made_by) == ("other", "handrail eval calibrate")
    assert custom.learned_from == [{"set": "questions.jsonl", "licence": "own", "questions": 200}]
    assert [point.confidence for point in custom.curve] == sorted(
        (one.confidence for one in custom.curve), reverse=True
    )


def test_a_company_gets_a_curve_of_its_own_suggestions_too(training_set):
    training = training_set()
    custom = calibrate(training, SHIPPED, 0.2, "mini", "questions.jsonl").custom
    levels = [point.confidence for point in custom.suggest_curve]
    assert levels == sorted(levels, reverse=True)
    assert max(levels) < custom.threshold(0.2)  # what is surer is answered
    assert custom.suggest_curve[-1].answered == 1
    aliens = (~training.answerable).sum()  # of all others one of the first three is right
    unsure = len(training) * (1 - max(p.answered for p in custom.curve if p.confidence >= custom.threshold(0.2)))
    assert custom.suggest_curve[-1].wrong == pytest.approx(aliens / unsure, abs=0.06)


def test_only_judged_questions_that_were_searched_for_are_learned_from(case, row, question):
    real = [case(f"q{number}", 0.5, right=number % 2 == 0) for number in range(LEAST)]
    exempt = [
        case("person", 0.5, right=True, labels={"handoff_request": True}),
        case("chat", 0.5, right=True, labels={"scope": "chitchat"}),
        case("none", 0.5, right=True, labels={"knowledge_seeking": False}),
        Answered(question("hello"), row("hello", outcome="small_talk", ranked=())),
    ]
    assert len(TrainingSet.of([*exempt, *real])) == LEAST


def test_too_few_questions_are_refused(case):
    with pytest.raises(TooFewQuestions, match=f"49 questions can be learned from, {LEAST} are needed; label more"):
        TrainingSet.of([case(f"q{number}", 0.5, right=number % 2 == 0) for number in range(LEAST - 1)])


@pytest.mark.parametrize(("right", "kind"), [(True, "right"), (False, "wrong")])
def test_questions_of_one_kind_are_refused(case, right, kind):
    with pytest.raises(OneSided, match=f"the best article is {kind} for all 50 questions, so nothing tells when it is"):
        TrainingSet.of([case(f"q{number}", 0.5, right=right) for number in range(LEAST)])


def test_a_file_that_cannot_be_written_names_the_option_that_chose_its_folder(tmp_path):
    with pytest.raises(ResultError, match="choose a writable folder with --data"):
        write(tmp_path / "nowhere" / "calibration.json", b"{}", "--data")
