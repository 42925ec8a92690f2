from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.metrics.bootstrap import RESAMPLES, Metric, estimate, mean, quantile, resample

values = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def _ids(n):
    return [f"q{number}" for number in range(n)]


def test_every_resample_draws_as_many_cases_as_there_are():
    counts = resample(_ids(37))
    assert counts.shape == (RESAMPLES, 37)
    assert (counts.sum(axis=1) == 37).all()


def test_the_same_cases_give_the_same_resamples_and_another_stream_gives_others():
    assert np.array_equal(resample(_ids(20)), resample(_ids(20)))
    assert not np.array_equal(resample(_ids(20)), resample(_ids(20), stream=1))


def test_the_turns_of_a_dialogue_are_drawn_together():
    counts = resample(["d1", "d1", "d2", "d3", "d3", "d3"])
    assert np.array_equal(counts[:, 0], counts[:, 1])
    assert np.array_equal(counts[:, 3], counts[:, 5])
    assert (counts[:, [0, 2, 3]].sum(axis=1) == 3).all()


def test_no_case_gives_empty_resamples():
    assert resample([]).shape == (RESAMPLES, 0)


def test_the_interval_of_a_mean_agrees_with_resampling_one_case_at_a_time():
    scores = np.random.default_rng(3).random(60)
    metric = estimate(partial(mean, scores), resample(_ids(60)), np.ones(60, dtype=bool))
    rng = np.random.default_rng(4)
    means = [scores[rng.integers(60, size=60)].mean() for _ in range(4_000)]
    assert metric.value == pytest.approx(scores.mean(), abs=1e-6)
    assert metric.ci95 == pytest.approx(np.percentile(means, [2.5, 97.5]), abs=0.008)
    assert metric.n == 60


@pytest.mark.slow
def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(200):
        scores = (rng.random(100) < 0.3).astype(float)
        low, high = estimate(partial(mean, scores), resample(_ids(100)), np.ones(100, dtype=bool)).ci95
        covered += low <= 0.3 <= high
    assert 180 <= covered <= 199


def test_only_marked_cases_count():
    over = np.array([True, False, True])
    assert estimate(partial(mean, np.array([0.0, 1.0])), resample(_ids(3)), over) == Metric(0.5, (0.0, 1.0), 2)


def test_a_measure_without_cases_or_without_value_is_absent():
    nothing = np.zeros(3, dtype=bool)
    assert estimate(partial(mean, np.array([])), resample(_ids(3)), nothing) is None
    assert estimate(lambda weights: np.full(len(weights), np.nan), resample(_ids(3)), ~nothing) is None


def test_resamples_without_value_are_left_out_of_the_interval():
    def only_if_both(weights):
        return np.where((weights > 0).all(axis=1), 0.25, np.nan)

    assert estimate(only_if_both, resample(_ids(2)), np.ones(2, dtype=bool)) == Metric(0.25, (0.25, 0.25), 2)


def test_the_outcome_does_not_depend_on_the_block_size(monkeypatch):
    scores = np.random.default_rng(6).random(50)
    unblocked = estimate(partial(mean, scores), resample(_ids(50)), np.ones(50, dtype=bool))
    monkeypatch.setattr("eval.metrics.bootstrap.BLOCK_CELLS", 350)
    assert estimate(partial(mean, scores), resample(_ids(50)), np.ones(50, dtype=bool)) == unblocked


@given(values, st.data())
def test_weights_stand_for_repeated_cases(numbers, data):
    counts = data.draw(st.lists(st.integers(0, 3), min_size=len(numbers), max_size=len(numbers)))
    repeated = np.repeat(numbers, counts)
    weights = np.array([counts], dtype=np.float64)
    share = data.draw(st.sampled_from([0.0, 0.25, 0.5, 0.95, 1.0]))
    got = mean(np.array(numbers), weights)[0], quantile(np.array(numbers), share, weights)[0]
    if not len(repeated):
        assert np.isnan(got).all()
    else:
        assert got == pytest.approx((repeated.mean(), np.quantile(repeated, share)))
