import numpy as np
import pytest

from eval.training.learning_to_rank import Case, RankingSet, context_weight_of, learn, scores
from retrieval.search.context_dependence import CONTEXT_FEATURES
from retrieval.search.ranker import FEATURES

PIECE, LATE = FEATURES.index("piece.margin"), FEATURES.index("late.rank")
ALWAYS, SPREAD = CONTEXT_FEATURES.index("always"), CONTEXT_FEATURES.index("spread")


def ranking_sets():
    """Two sets in which the piece is right of a question alone, and one in which the tokens are in its context.

    Questions that stand out by `spread` change the subject, as they do in the labelled sets.
    """
    chance = np.random.default_rng(1)
    for family, follow_ups in (("one", False), ("two", False), ("talk", True)):
        yield RankingSet(family, follow_ups, [_case(chance, follow_ups) for _ in range(60)])


def _case(chance, follow_up):
    alone, context = chance.uniform(0, 1, (2, 8, len(FEATURES)))
    scores_of_right = context[:, LATE] if follow_up else alone[:, PIECE]
    scores_of_right[np.argmax(scores_of_right)] += 0.5  # clearly
    features = np.zeros(len(CONTEXT_FEATURES))
    features[ALWAYS], features[SPREAD] = 1, chance.uniform(0, 0.2) if follow_up else chance.uniform(0.3, 0.5)
    return Case(alone, context, features, scores_of_right == scores_of_right.max())


def test_what_is_right_is_learned_of_both_orders_and_of_what_tells_them_apart():
    taught = list(ranking_sets())
    weights = learn(taught)
    assert np.argmax(weights["alone"]) == PIECE
    assert np.argmax(weights["in_context"]) == LATE
    assert weights["leaning"][SPREAD] < 0
    assert min(weights["alone"].min(), weights["in_context"].min()) >= 0
    first_is_right = [
        case.right[np.argmax(scores(case, weights))] for ranking_set in taught for case in ranking_set.cases
    ]
    assert np.mean(first_is_right) > 0.8
    weights_by_family = {
        ranking_set.family: np.mean([context_weight_of(case, weights) for case in ranking_set.cases])
        for ranking_set in taught
    }
    assert weights_by_family["talk"] > 0.8
    assert max(weights_by_family["one"], weights_by_family["two"]) < 0.2


def test_what_was_learned_does_not_depend_on_how_often_a_set_of_a_family_is_given():
    one, two, talk = ranking_sets()
    once, twice = learn([one, two, talk]), learn([one, one, two, talk])
    for group, weights in once.items():
        assert twice[group] == pytest.approx(weights, rel=0.05, abs=0.05), group
