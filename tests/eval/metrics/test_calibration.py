import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.metrics.bootstrap import SEED
from eval.metrics.calibration import BINS, DRAWS, ece, reliability


def _binned(confidence, labels):
    """Guo et al. as written: ten bins of equal size, |accuracy - confidence| weighted by size."""
    order = np.argsort(confidence, kind="stable")
    bins = [members for members in np.array_split(order, BINS) if len(members)]
    return sum(len(members) * abs(labels[members].mean() - confidence[members].mean()) for members in bins) / len(order)


def _value(confidence, right):
    return ece(confidence, right, np.ones((1, len(confidence))))[0]


@pytest.mark.parametrize("n", [3, 10, 24, 137])
def test_ece_is_the_binned_error_less_its_mean_under_labels_drawn_from_the_confidences(n):
    rng = np.random.default_rng(n)
    confidence, right = rng.random(n), rng.random(n) < 0.4
    drawn = np.random.default_rng(SEED).random((n, DRAWS)) < confidence[:, None]
    bias = np.mean([_binned(confidence, drawn[:, draw]) for draw in range(DRAWS)])
    assert _value(confidence, right) == pytest.approx(max(0, _binned(confidence, right) - bias), abs=1e-5)


def test_a_perfect_predictor_has_about_no_error_even_on_few_rows():
    errors, naive = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        confidence = rng.random(124)
        right = rng.random(124) < confidence
        errors.append(_value(confidence, right))
        naive.append(_binned(confidence, right))
    assert np.mean(errors) < 0.015
    assert np.mean(naive) > 0.08  # what the correction takes away


def test_a_predictor_that_is_too_sure_is_off_by_as_much():
    rng = np.random.default_rng(1)
    truth = rng.uniform(0.2, 0.6, 4_000)
    assert _value(truth + 0.3, rng.random(4_000) < truth) == pytest.approx(0.3, abs=0.02)


def test_certainty_that_is_always_right_has_no_error_and_always_wrong_has_all():
    sure = np.ones(50)
    assert _value(sure, np.ones(50, dtype=bool)) == 0
    assert _value(sure, np.zeros(50, dtype=bool)) == pytest.approx(1, abs=1e-6)


def test_equal_confidences_do_not_depend_on_the_order_of_the_rows():
    half = np.full(40, 0.5)
    sorted_labels, mixed = np.arange(40) < 20, np.arange(40) % 2 == 0
    assert _value(half, sorted_labels) == _value(half, mixed) == 0


def test_a_resample_without_cases_has_no_value():
    values = ece(np.array([0.2, 0.9]), np.array([False, True]), np.array([[0.0, 0.0], [1.0, 1.0]]))
    assert np.isnan(values[0])
    assert values[1] == 0


def test_the_outcome_does_not_depend_on_the_block_size(monkeypatch):
    rng = np.random.default_rng(2)
    confidence, right, weights = rng.random(30), rng.random(30) < 0.5, rng.integers(0, 3, (20, 30)).astype(float)
    unblocked = ece(confidence, right, weights)
    monkeypatch.setattr("eval.metrics.calibration.BLOCK_CELLS", 90)
    assert ece(confidence, right, weights) == pytest.approx(unblocked, abs=1e-6)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60))
def test_the_diagram_holds_every_case_once(cases):
    confidence, right = (np.array(column) for column in zip(*cases, strict=True))
    bins = reliability(confidence, right)
    assert sum(reliability_bin.n for reliability_bin in bins) == len(cases)
    assert len(bins) == min(BINS, len(cases))
    assert sum(reliability_bin.n * reliability_bin.accuracy for reliability_bin in bins) == pytest.approx(right.sum())
    assert [reliability_bin.confidence for reliability_bin in bins] == pytest.approx(
        sorted(reliability_bin.confidence for reliability_bin in bins)
    )
