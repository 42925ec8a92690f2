from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.metrics.ranking import hit_at, ndcg, reciprocal_rank

GOLD = frozenset({"b", "d"})
articles = st.sampled_from([f"a{n}" for n in range(12)])
rankings = st.lists(articles, unique=True, max_size=12)
golds = st.frozensets(articles, min_size=1, max_size=12)


@pytest.mark.parametrize(("depth", "expected"), [(1, 0.0), (2, 1.0), (3, 1.0)])
def test_a_hit_is_a_right_article_among_the_first(depth, expected):
    assert hit_at(depth, ["a", "b", "c", "d"], GOLD) == expected


def test_reciprocal_rank_counts_the_first_right_article():
    assert reciprocal_rank(["a", "c", "d", "b"], GOLD) == 1 / 3
    assert reciprocal_rank(["a", "c"], GOLD) == 0.0
    assert reciprocal_rank([], GOLD) == 0.0


def test_ndcg_of_a_ranking_worked_by_hand():
    gained = 1 / log2(3) + 1 / log2(5)  # right at ranks 2 and 4
    assert ndcg(["a", "b", "c", "d"], GOLD) == pytest.approx(gained / (1 + 1 / log2(3)))


def test_ndcg_looks_ten_deep_and_counts_a_repeated_article_once():
    assert ndcg([*"acefghijkl", "b"], GOLD) == 0.0
    assert ndcg(["b", "b", "d"], GOLD) == 1.0


@given(rankings, golds)
def test_measures_lie_between_0_and_1_and_grow_with_depth(ranked, gold):
    hits = [hit_at(depth, ranked, gold) for depth in (1, 3, 5, 20)]
    assert hits == sorted(hits)
    assert hits[0] <= reciprocal_rank(ranked, gold) <= hits[-1]
    assert 0 <= ndcg(ranked, gold) <= 1


@given(golds)
def test_all_right_articles_first_is_perfect(gold):
    ranked = sorted(gold)
    assert ndcg(ranked, gold) == pytest.approx(1)
    assert reciprocal_rank(ranked, gold) == 1
