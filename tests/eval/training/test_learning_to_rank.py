import numpy as np
import pytest

from eval.training.learning_to_rank import Case, Lesson, learn, scores, share_of_context
from retrieval.search.context_dependence import CONTEXT_FEATURES
from retrieval.search.ranker import FEATURES

PIECE, LATE = FEATURES.index("piece.margin"), FEATURES.index("late.rank")
ALWAYS, SPREAD = CONTEXT_FEATURES.index("always"), CONTEXT_FEATURES.index("spread")


def lessons():
    """Two sets in which the piece is right of a question alone, and one in which the tokens are in its context.

    Questions that stand out by `spread` change the subject, as they do in the labelled sets.
    """
    chance = np.random.default_rng(1)
    for family, follow_ups in (("one", False), ("two", False), ("talk", True)):
        yield Lesson(family, follow_ups, [_case(chance, follow_ups) for _ in range(60)])


def _case(chance, follow_up):
    alone, context = chance.uniform(0, 1, (2, 8, len(FEATURES)))
    told = context[:, LATE] if follow_up else alone[:, PIECE]
    told[np.argmax(told)] += 0.5  # clearly
    traits = np.zeros(len(CONTEXT_FEATURES))
    traits[ALWAYS], traits[SPREAD] = 1, chance.uniform(0, 0.2) if follow_up else chance.uniform(0.3, 0.5)
    return Case(alone, context, traits, told == told.max())


def test_what_is_right_is_learned_of_both_orders_and_of_what_tells_them_apart():
    taught = list(lessons())
    weights = learn(taught)
    assert np.argmax(weights["alone"]) == PIECE
    assert np.argmax(weights["in_context"]) == LATE
    assert weights["leaning"][SPREAD] < 0
    assert min(weights["alone"].min(), weights["in_context"].min()) >= 0
    found = [case.right[np.argmax(scores(case, weights))] for lesson in taught for case in lesson.cases]
    assert np.mean(found) > 0.8
    leans = {lesson.family: np.mean([share_of_context(case, weights) for case in lesson.cases]) for lesson in taught}
    assert leans["talk"] > 0.8
    assert max(leans["one"], leans["two"]) < 0.2


def test_what_was_learned_does_not_depend_on_how_often_a_set_of_a_family_is_given():
    one, two, talk = lessons()
    once, twice = learn([one, two, talk]), learn([one, one, two, talk])
    for group, weights in once.items():
        assert twice[group] == pytest.approx(weights, rel=0.05, abs=0.05), group
