import numpy as np
import orjson
import pytest

from retrieval import fusion
from retrieval.evidence import SIGNALS
from retrieval.fusion import FEATURES, features, fused, shipped


def column(found, signal, kind):
    return found[:, FEATURES.index(f"{signal}.{kind}")].tolist()


def signals(**given):
    count = len(next(iter(given.values())))
    return np.array([given.get(name, [0.0] * count) for name in SIGNALS])


def test_the_best_article_of_a_signal_has_margin_one_and_the_mean_of_the_best_has_none():
    found = features(signals(piece=[0.9, 0.5, 0.1]))
    assert column(found, "piece", "margin") == pytest.approx([1, 0, -1])


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


def test_the_score_is_the_weighted_sum():
    given = signals(late=[0.2, 0.8])
    weights = np.zeros(len(FEATURES))
    weights[FEATURES.index("late.rank")] = 3.0
    assert fused(given, weights).tolist() == [1.5, 3.0]
    assert fused(given[:, :0]).tolist() == []


def test_every_feature_has_a_shipped_weight_that_speaks_for_an_article():
    assert shipped().shape == (len(FEATURES),)
    assert (shipped() >= 0).all()
    assert shipped().sum() > 1


def test_the_shipped_file_names_what_it_was_learned_from():
    document = orjson.loads((fusion.resources.files("retrieval") / fusion.WEIGHTS).read_bytes())
    assert set(document["weights"]) == set(FEATURES)
    assert all(each["licence"] and each["questions"] > 0 for each in document["learned_from"])
    assert document["made_by"] == "python -m bench.fusion --shared DIR --write"
