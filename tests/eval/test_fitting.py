import numpy as np
import pytest

from bot.confidence import Point
from eval.fitting import Labelled, curve, fit, predict
from retrieval.profile import PROFILE

NEAR = PROFILE.index("near")


def labelled(count, *, steep=8.0, seed=1):
    """Questions that are answered rightly the likelier the nearer the article is; nothing else tells."""
    chance = np.random.default_rng(seed)
    rows = chance.uniform(0, 1, (count, len(PROFILE)))
    right = chance.uniform(0, 1, count) < 1 / (1 + np.exp(-steep * (rows[:, NEAR] - 0.5)))
    return Labelled(rows, right, np.full(count, 1 / count))


def test_what_tells_is_learned_and_comes_out_as_a_probability():
    learned, unseen = fit(labelled(4000), ridge=0.001), labelled(4000, seed=2)
    assert np.argmax(np.abs(learned[1:])) == NEAR
    sure = predict(learned, unseen.profiles)
    for low, high in ((0, 0.3), (0.3, 0.7), (0.7, 1)):
        some = (sure >= low) & (sure < high)
        assert sure[some].mean() == pytest.approx(unseen.right[some].mean(), abs=0.05)


def test_a_few_labels_hardly_move_a_prior_and_many_do():
    prior = fit(labelled(4000), ridge=0.001)
    few, many = labelled(6, steep=-8.0), labelled(2000, steep=-8.0)
    alone = fit(many, ridge=0.01)
    assert predict(fit(few, prior, ridge=10), few.profiles) == pytest.approx(predict(prior, few.profiles), abs=0.1)
    assert np.sign(fit(many, prior, ridge=0.01)[1 + NEAR]) == np.sign(alone[1 + NEAR]) == -1


def test_a_question_counts_as_much_as_its_weight():
    once = labelled(300)
    heavy = Labelled(once.profiles, once.right, np.where(np.arange(300) < 100, 2.0, 1.0) / 400)
    repeated = Labelled(
        np.concatenate([once.profiles[:100], once.profiles]),
        np.concatenate([once.right[:100], once.right]),
        np.full(400, 1 / 400),
    )
    assert fit(heavy) == pytest.approx(fit(repeated), abs=1e-6)


def test_a_curve_says_what_each_threshold_brings():
    sure, right = np.array([0.9, 0.8, 0.6, 0.2]), np.array([True, True, False, True])
    points = curve(sure, right, np.full(4, 0.25))
    assert points == [
        Point(0.9, 0.25, 0.0),
        Point(0.8, 0.5, 0.0),
        Point(0.6, 0.75, 0.3333),
        Point(0.2, 1.0, 0.25),
    ]
