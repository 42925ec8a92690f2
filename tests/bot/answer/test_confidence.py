import json

import pytest

from bot.answer.confidence import OWN, Calibration, Point, default_calibration, in_use, threshold
from bot.errors import CalibrationUnusable
from retrieval.model.prepare import DEFAULT_MODEL
from retrieval.search.confidence_features import CONFIDENCE_FEATURES

NOTHING = dict.fromkeys(CONFIDENCE_FEATURES, 0.0)
CURVE = [Point(0.9, 0.25, 0.0), Point(0.8, 0.5, 0.0), Point(0.6, 0.75, 0.33), Point(0.2, 1.0, 0.25)]


def test_confidence_is_a_probability_that_follows_the_weights(hashed):
    level = hashed.confidence(NOTHING | {"near": 0.6})
    assert hashed.confidence(NOTHING | {"near": 0.5}) < level < hashed.confidence(NOTHING | {"near": 0.7})
    for near in (-1e9, 1e9):
        assert 0 <= hashed.confidence(NOTHING | {"near": near}) <= 1
    assert Calibration("m", 0.0, NOTHING, [], [], "hand", []).confidence(NOTHING) == 0.5


@pytest.mark.parametrize(("budget", "least"), [(0.0, 0.8), (0.24, 0.8), (0.25, 0.2), (0.5, 0.2)])
def test_a_budget_chooses_the_least_threshold_that_keeps_it(budget, least):
    assert threshold(CURVE, budget) == Calibration("m", 0.0, NOTHING, CURVE, [], "hand", []).threshold(budget) == least


def test_where_nothing_keeps_the_budget_nothing_is_answered(hashed):
    assert threshold([Point(0.9, 0.5, 0.4)], 0.05) == 1
    assert hashed.confidence(NOTHING | {"near": 1e9}) < 1


def test_what_is_shipped_says_where_it_comes_from_and_what_it_brings():
    assert set(default_calibration().weights) == set(CONFIDENCE_FEATURES)
    assert default_calibration().model == DEFAULT_MODEL
    assert all({"set", "licence", "questions"} == set(source) for source in default_calibration().learned_from)
    assert not any("maia" in str(source["set"]) for source in default_calibration().learned_from)
    levels = [point.confidence for point in default_calibration().curve]
    assert levels == sorted(levels, reverse=True)
    assert 0 < default_calibration().threshold(0.2) < default_calibration().threshold(0.05) < 1


def test_a_company_has_its_own_where_it_made_one(tmp_path, hashed):
    assert in_use(tmp_path, DEFAULT_MODEL) is default_calibration()
    (tmp_path / OWN).write_bytes(hashed.written())
    assert in_use(tmp_path, "hashing") == hashed


def test_a_calibration_of_another_model_is_refused(tmp_path, hashed):
    (tmp_path / OWN).write_bytes(hashed.written())
    with pytest.raises(CalibrationUnusable) as refused:
        in_use(tmp_path, "other")
    assert "made with the model 'hashing', not 'other'" in str(refused.value)
    assert "handrail eval calibrate" in str(refused.value)


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        (lambda good: b"", "Invalid JSON"),
        (lambda good: json.dumps(good | {"intercept": "high"}).encode(), "intercept"),
        (lambda good: json.dumps(good | {"weights": {"near": 1.0}}).encode(), "another version of Handrail"),
        (lambda good: json.dumps({**good, "curve": [{"confidence": 0.5}]}).encode(), "curve.0.answered"),
        (
            lambda good: json.dumps({name: good[name] for name in good if name != "suggest_curve"}).encode(),
            "suggest_curve",
        ),
        (lambda good: json.dumps(good | {"intercept": 1e400}).encode(), "intercept"),
        (lambda good: json.dumps(good | {"weights": {**good["weights"], "near": float("nan")}}).encode(), "near"),
    ],
)
def test_a_broken_file_is_refused_with_what_is_wrong_and_what_to_do(tmp_path, hashed, broken, named):
    (tmp_path / OWN).write_bytes(broken(json.loads(hashed.written())))
    with pytest.raises(CalibrationUnusable) as refused:
        in_use(tmp_path, "hashing")
    assert named in str(refused.value)
    assert str(tmp_path / OWN) in str(refused.value)
    assert "make it anew with handrail eval calibrate" in str(refused.value)
