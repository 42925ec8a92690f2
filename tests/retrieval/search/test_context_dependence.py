import numpy as np
import pytest

from retrieval.search.context_dependence import CONTEXT_FEATURES, context_features, context_weight
from retrieval.search.signals import SIGNALS


def signals(piece, title_words):
    values = np.zeros((len(SIGNALS), len(piece)))
    values[SIGNALS.index("piece")] = piece
    values[SIGNALS.index("title_words")] = title_words
    return values


HOTELS = signals([0.6] * 30, [0.0] * 30)  # each of them has wifi
ONE = signals([0.7, *[0.2] * 29], [0.8, *[0.0] * 29])


def trait(name, question, values):
    return context_features(question, values)[CONTEXT_FEATURES.index(name)]


def test_the_spread_is_how_far_the_nearest_article_stands_out_of_the_twenty_nearest():
    assert trait("spread", "wifi", ONE) == pytest.approx(0.7 - (0.7 + 19 * 0.2) / 20)
    assert trait("spread", "wifi", HOTELS) == pytest.approx(0)
    assert trait("nearest", "wifi", ONE) == pytest.approx(0.7)
    assert trait("titled", "wifi", ONE) == pytest.approx(0.8)


@pytest.mark.parametrize("question", ["and on Linux?", "How much does it cost?", "What about the same in blue"])
def test_words_that_point_back_are_seen(question):
    assert trait("points_back", question, ONE) == 1


@pytest.mark.parametrize("question", ["How do I install the driver on Windows?", "Items sold", "sand"])
def test_other_words_do_not_point_back(question):
    assert trait("points_back", question, ONE) == 0


def test_a_question_that_fits_everything_leans_on_what_was_said_and_one_that_names_its_subject_does_not():
    assert context_weight("does it have wifi", HOTELS) > 0.5
    assert context_weight("how do I install the driver on Windows", ONE) < 0.1


def test_a_knowledge_base_of_one_article_has_context_features_too():
    assert np.isfinite(context_features("wifi", signals([0.5], [0.0]))).all()
