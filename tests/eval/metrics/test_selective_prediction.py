from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.metrics.selective_prediction import aurc, auroc, average_precision, coverage_at_error, f1, risk_coverage

# Few distinct scores, so that ties are the rule: a bot rounds its confidence.
scored = st.lists(st.tuples(st.sampled_from([0.0, 0.2, 0.5, 0.7, 1.0]), st.booleans()), min_size=1, max_size=9)


def _columns(cases):
    scores, flags = zip(*cases, strict=True)
    return np.array(scores), np.array(flags)


def _once(cases):
    return np.ones((1, len(cases)))


def _pairs(scores, positive):
    """The chance itself: every positive against every negative."""
    pairs = list(product(scores[positive], scores[~positive]))
    return sum((p > n) + (p == n) / 2 for p, n in pairs) / len(pairs)


def _selective_risk(wrong):
    return np.mean(np.cumsum(wrong) / np.arange(1, len(wrong) + 1))


@given(scored)
def test_auroc_is_the_share_of_pairs_in_the_right_order(cases):
    scores, positive = _columns(cases)
    got = auroc(scores, positive, _once(cases))[0]
    if positive.all() or not positive.any():
        assert np.isnan(got)
    else:
        assert got == pytest.approx(_pairs(scores, positive))


def test_auroc_of_an_example_worked_by_hand():
    # .9 beats both negatives, .4 beats one and ties with one
    got = auroc(np.array([0.9, 0.4, 0.4, 0.1]), np.array([True, True, False, False]), np.ones((1, 4)))
    assert got == [(2 + 1.5) / 4]


@given(scored)
def test_average_precision_sums_precision_over_the_steps_of_recall(cases):
    scores, positive = _columns(cases)
    got = average_precision(scores, positive, _once(cases))[0]
    expected, recall = 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        taken = scores >= threshold
        expected += positive[taken].mean() * (positive[taken].sum() / max(positive.sum(), 1) - recall)
        recall = positive[taken].sum() / max(positive.sum(), 1)
    assert np.isnan(got) if not positive.any() else got == pytest.approx(expected)


@given(scored)
def test_f1_is_the_harmonic_mean_of_precision_and_recall(cases):
    scores, positive = _columns(cases)
    predicted = scores >= 0.5
    got = f1(predicted, positive, _once(cases))[0]
    both = (predicted & positive).sum()
    if not positive.any():
        assert np.isnan(got)
    elif not both:
        assert got == 0
    else:
        precision, recall = both / predicted.sum(), both / positive.sum()
        assert got == pytest.approx(2 * precision * recall / (precision + recall))


@given(scored, st.sampled_from([0.0, 0.05, 0.25, 0.5, 1.0]))
def test_coverage_is_the_best_of_all_thresholds_within_the_budget(cases, budget):
    confidence, wrong = _columns(cases)
    shares = [0.0]
    for threshold in confidence:
        taken = confidence >= threshold
        if wrong[taken].sum() <= budget * taken.sum():
            shares.append(taken.mean())
    assert coverage_at_error(confidence, wrong, budget, _once(cases))[0] == pytest.approx(max(shares))


def test_coverage_may_lie_beyond_a_stretch_that_breaks_the_budget():
    wrong = np.array([True] + [False] * 19 + [True])
    confidence = np.linspace(1, 0, 21)
    assert coverage_at_error(confidence, wrong, 0.05, np.ones((1, 21)))[0] == pytest.approx(20 / 21)


@given(scored.filter(lambda cases: len(cases) <= 6))
def test_aurc_is_the_mean_risk_over_all_coverages_and_all_orders_of_equals(cases):
    confidence, wrong = _columns(cases)
    orders = [order for order in permutations(range(len(cases))) if (np.diff(confidence[list(order)]) <= 0).all()]
    expected = np.mean([_selective_risk(wrong[list(order)]) for order in orders])
    assert aurc(confidence, wrong, _once(cases))[0] == pytest.approx(expected)


def test_aurc_of_an_example_worked_by_hand():
    wrong = np.array([False, True, False, True])
    got = aurc(np.array([0.9, 0.8, 0.7, 0.6]), wrong, np.ones((1, 4)))[0]
    assert got == pytest.approx((0 + 1 / 2 + 1 / 3 + 2 / 4) / 4)


@pytest.mark.parametrize(
    "measure",
    [auroc, average_precision, lambda *of: coverage_at_error(*of[:2], 0.25, of[2]), aurc],
    ids=["auroc", "average_precision", "coverage_at_error", "aurc"],
)
@given(cases=scored, data=st.data())
def test_weights_stand_for_repeated_cases(measure, cases, data):
    scores, flags = _columns(cases)
    counts = data.draw(st.lists(st.integers(0, 3), min_size=len(cases), max_size=len(cases)))
    repeated = (
        measure(np.repeat(scores, counts), np.repeat(flags, counts), np.ones((1, sum(counts))))
        if any(counts)
        else [np.nan]
    )
    weighted = measure(scores, flags, np.array([counts], dtype=np.float64))
    assert weighted == pytest.approx(repeated, nan_ok=True)


@given(scored, st.randoms())
def test_no_measure_depends_on_the_order_of_the_rows(cases, random):
    shuffled = random.sample(cases, len(cases))
    for measure in (auroc, average_precision, aurc):
        ordered, other = (measure(*_columns(rows), _once(rows)) for rows in (cases, shuffled))
        assert ordered == pytest.approx(other, nan_ok=True)


def test_the_curve_has_a_point_for_every_distinct_confidence():
    confidence = np.array([0.2, 0.9, 0.5, 0.5])
    wrong = np.array([True, False, True, False])
    assert risk_coverage(confidence, wrong) == [(0.25, 0.0), (0.75, 1 / 3), (1.0, 0.5)]
