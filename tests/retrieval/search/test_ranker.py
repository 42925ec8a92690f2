from importlib import resources

import numpy as np
import orjson
import pytest

from retrieval.search.context_dependence import CONTEXT_FEATURES, context_weight
from retrieval.search.learned_parameters import FILE, default_parameters
from retrieval.search.ranker import FEATURES, features, rank_scores
from retrieval.search.signals import SIGNALS


def column(values, signal, kind):
    return values[:, FEATURES.index(f"{signal}.{kind}")].tolist()


def signals(**values):
    count = len(next(iter(values.values())))
    return np.array([values.get(name, [0.0] * count) for name in SIGNALS])


def test_the_best_article_of_a_signal_has_margin_one_and_the_mean_of_the_best_has_none():
    values = features(signals(piece=[0.9, 0.5, 0.1]))
    assert column(values, "piece", "margin") == pytest.approx([1, 0, -1])


def test_the_scale_of_a_signal_does_not_count():
    one, other = features(signals(piece=[0.9, 0.5, 0.1])), features(signals(piece=[90, 50, 10]))
    assert one == pytest.approx(other)


def test_articles_that_are_alike_get_no_margin_by_chance():
    margins = column(features(signals(piece=[0.501, 0.5, 0.499])), "piece", "margin")
    assert margins == pytest.approx([0.05, 0, -0.05])


def test_the_ground_is_the_mean_of_the_best_twenty():
    crowd = [1.0] + [0.5] * 19 + [0.0] * 500
    margins = column(features(signals(piece=crowd)), "piece", "margin")
    assert margins[0] == pytest.approx(1)
    assert margins[1] == pytest.approx((0.5 - 0.525) / (1 - 0.525))


def test_equal_articles_share_the_better_rank_and_silence_has_none():
    assert column(features(signals(title_words=[0.0, 2.0, 3.0, 2.0])), "title_words", "rank") == [0, 0.5, 1, 0.5]


def test_a_question_alone_has_the_weighted_sum_of_its_features():
    view = signals(late=[0.2, 0.8], piece=[0.1, 0.4])
    assert rank_scores([view], 0.0) == pytest.approx(features(view) @ default_parameters("alone", FEATURES))
    assert rank_scores([view[:, :0]], 0.0).tolist() == []


def test_in_a_context_both_views_count_as_much_as_the_question_leans():
    alone, context = signals(piece=[0.5, 0.4]), signals(title_words=[0.0, 0.9])
    share = context_weight("does it", alone)
    mixed = (1 - share) * rank_scores([alone], 0.0) + share * (
        features(context) @ default_parameters("in_context", FEATURES)
    )
    assert rank_scores([alone, context], share) == pytest.approx(mixed)
    assert 0 < share < 1


def test_no_signal_speaks_against_an_article():
    for group in ("alone", "in_context"):
        weights = default_parameters(group, FEATURES)
        assert (weights >= 0).all()
        assert weights.sum() > 1


def test_the_shipped_file_names_what_it_was_learned_from():
    document = orjson.loads((resources.files("retrieval.search") / FILE).read_bytes())
    assert {*document["alone"]} == {*document["in_context"]} == {*FEATURES}
    assert {*document["leaning"]} == {*CONTEXT_FEATURES}
    assert all(dataset["licence"] and dataset["questions"] > 0 for dataset in document["learned_from"])
    assert document["made_by"] == "python -m eval.training.ranker --shared DIR --write"
