from dataclasses import replace

import numpy as np
import pytest

from bot.answer.confidence import Point
from eval.calibrate.fitting import Labelled, LabelledQuestion, curve, fit, predict, refit, suggest_curve
from retrieval.search.confidence_features import CONFIDENCE_FEATURES

NEAR = CONFIDENCE_FEATURES.index("near")


def labelled(count, *, steep=8.0, seed=1):
    """Questions that are answered rightly the likelier the nearer the article is; nothing else tells."""
    chance = np.random.default_rng(seed)
    rows = chance.uniform(0, 1, (count, len(CONFIDENCE_FEATURES)))
    right = chance.uniform(0, 1, count) < 1 / (1 + np.exp(-steep * (rows[:, NEAR] - 0.5)))
    return Labelled(rows, right, np.full(count, 1 / count), np.ones(count), right)


def test_what_tells_is_learned_and_comes_out_as_a_probability():
    learned, unseen = fit(labelled(4000), ridge=0.001), labelled(4000, seed=2)
    assert np.argmax(np.abs(learned[1:])) == NEAR
    confidence = predict(learned, unseen.features)
    for low, high in ((0, 0.3), (0.3, 0.7), (0.7, 1)):
        some = (confidence >= low) & (confidence < high)
        assert confidence[some].mean() == pytest.approx(unseen.right[some].mean(), abs=0.05)


def test_a_few_labels_hardly_move_a_prior_and_many_do():
    prior = fit(labelled(4000), ridge=0.001)
    few, many = labelled(6, steep=-8.0), labelled(2000, steep=-8.0)
    assert refit(few, prior)[1 + NEAR] == pytest.approx(prior[1 + NEAR], rel=0.2)
    assert predict(refit(many, prior), many.features) == pytest.approx(
        predict(fit(many, 0.001), many.features), abs=0.1
    )


def test_how_often_articles_are_right_at_all_is_learned_from_fewer_questions_than_what_tells():
    prior = fit(labelled(4000), ridge=0.001)
    hard = labelled(30)
    hard = replace(hard, right=np.zeros(30, dtype=np.bool_))
    learned = refit(hard, prior)
    assert predict(prior, hard.features).mean() > 0.4
    assert predict(learned, hard.features).mean() < 0.15
    assert learned[1 + NEAR] > prior[1 + NEAR] / 2


def test_some_of_the_questions_count_one_together_again():
    every = labelled(40)
    some = every.only(np.arange(40) < 10)
    assert (len(some.right), some.weights.sum()) == (10, pytest.approx(1))
    assert (some.features == every.features[:10]).all()


def test_a_question_counts_as_much_as_its_weight():
    once = labelled(300)
    heavy = replace(once, weights=np.where(np.arange(300) < 100, 2.0, 1.0) / 400)
    twice = np.r_[:100, :300]
    repeated = replace(once, features=once.features[twice], right=once.right[twice], weights=np.full(400, 1 / 400))
    assert fit(heavy) == pytest.approx(fit(repeated), abs=1e-6)


def test_a_curve_says_what_each_threshold_brings():
    confidence, right = np.array([0.9, 0.8, 0.6, 0.2]), np.array([True, True, False, True])
    points = curve(confidence, right, np.full(4, 0.25))
    assert points == [
        Point(0.9, 0.25, 0.0),
        Point(0.8, 0.5, 0.0),
        Point(0.6, 0.75, 0.3333),
        Point(0.2, 1.0, 0.25),
    ]


def test_imagined_answers_keep_a_few_right_ones_from_being_a_proof():
    confidence, right = np.array([0.9, 0.8, 0.6, 0.2]), np.array([True, True, False, True])
    bare, careful = (curve(confidence, right, np.full(4, 0.25), imagined=number) for number in (0, 2))
    assert [point.answered for point in careful] == [point.answered for point in bare]
    assert careful[0].wrong == pytest.approx(2 * 0.1 / 3, abs=1e-4)  # none of one wrong, and .1 of two
    assert careful[3].wrong == pytest.approx((1 + 2 * 1.5 / 4) / 6, abs=1e-4)


def test_the_weights_of_a_curve_need_not_add_up_to_one():
    confidence, right = np.array([0.9, 0.8, 0.6, 0.2]), np.array([True, True, False, True])
    assert curve(confidence, right, np.full(4, 3.0), imagined=5) == curve(
        confidence, right, np.full(4, 0.25), imagined=5
    )


@pytest.fixture
def four():
    """Questions whose first article is ever less likely right, with ever more beside it that is as likely."""
    right, nearby = (True, False, False, False), (True, True, False, True)
    features = dict.fromkeys(CONFIDENCE_FEATURES, 0.0)
    questions = zip(right, (1.0, 1.5, 2.0, 2.5), nearby, strict=True)
    return Labelled.of([LabelledQuestion(features, is_right, reach, near) for is_right, reach, near in questions])


FOUR = np.array([0.9, 0.6, 0.3, 0.2])


def test_a_suggestion_is_as_likely_useful_as_its_articles_together_and_never_more_than_certain(four):
    assert four.useful(FOUR) == pytest.approx([0.9, 0.9, 0.6, 0.5])
    assert four.useful(np.full(4, 0.8)) == pytest.approx([0.8, 1.0, 1.0, 1.0])


def test_the_curve_of_suggestions_is_of_the_questions_that_are_too_unsure_for_an_answer(four):
    assert suggest_curve(FOUR, four, 0.7) == [
        Point(0.9, 0.3333, 0.0),
        Point(0.6, 0.6667, 0.5),
        Point(0.5, 1.0, 0.3333),
    ]
    assert suggest_curve(FOUR, four, 0.25) == [Point(0.5, 1.0, 0.0)]


def test_where_everything_is_sure_enough_for_an_answer_nothing_is_known_of_suggestions(four):
    assert suggest_curve(FOUR, four, 0.1) == []


def test_some_of_the_questions_keep_what_is_near_them(four):
    some = four.only(np.array([False, True, False, True]))
    assert (some.reach.tolist(), some.nearby.tolist(), some.weights.tolist()) == ([1.5, 2.5], [True, True], [0.5, 0.5])
