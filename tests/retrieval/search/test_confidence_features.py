import math

import numpy as np
import pytest

from retrieval.search.confidence_features import CONFIDENCE_FEATURES, confidence_features
from retrieval.search.signals import Query
from retrieval.search.stages import first_stage, rerank

SHOP = {
    "refunds": "---\ntitle: Refunds\nquestions: [Where is my cash?]\n---\nYou get money back for a lost parcel.\n",
    "parcels": "---\ntitle: Parcels\n---\nThey come by mail.\n\n## Size\n\nSmall or large.\n",
    "hours": "---\ntitle: Hours\n---\nWe are open on weekdays.\n",
}


@pytest.fixture
def of(snapshot_of, encoder):
    """The confidence features of the first article for a question, and its id."""

    def features_of(question, *, context=None, without=(), articles=SHOP):
        snapshot = snapshot_of(articles)
        allowed = ~np.isin(snapshot.article_ids, list(without))
        context_query = None if context is None else Query(context, encoder.encode([context])[0])
        ranking = rerank(
            snapshot, first_stage(snapshot, Query(question, encoder.encode([question])[0]), allowed), context_query
        )
        first = int(ranking.order[0])
        return confidence_features(snapshot, question, ranking, first), snapshot.article_ids[first]

    return features_of


def test_a_way_of_asking_word_for_word_is_as_near_as_can_be_and_leaves_nothing_open(of):
    features, article_id = of("Where is my cash?")
    assert article_id == "refunds"
    assert features["near"] == pytest.approx(1)
    assert min(features["near_lead"], features["lead"]) > 0
    assert features["unknown"] == 0


def test_words_that_the_passage_lacks_and_those_that_no_article_has_are_told_apart(of):
    known, _ = of("lost parcel")
    other, _ = of("lost parcel weekdays")
    unheard, _ = of("lost parcel zebra")
    assert (known["coverage"], known["missing"], known["unknown"]) == (1, 0, 0)
    assert other["coverage"] < 1
    assert other["unknown"] == 0
    assert unheard["unknown"] > 0
    assert unheard["missing"] > other["missing"] > 0


def test_all_passages_together_cover_more_than_the_best(of):
    features, article_id = of("parcels large mail")
    assert article_id == "parcels"
    assert features["coverage"] < features["coverage_all"] == 1


def test_the_only_article_is_as_far_ahead_as_of_one_that_has_nothing(of):
    features, _ = of("weekdays", articles={"hours": SHOP["hours"]})
    assert features["chance"] == 1
    assert features["lead"] > 0
    assert features["near_lead"] == features["near"] > 0
    assert features["telling_tokens"] == pytest.approx(features["late"], abs=0.01)


def test_what_takes_no_part_is_as_if_it_were_not_there(of):
    alone, _ = of("open on weekdays", articles={"hours": SHOP["hours"]})
    features, _ = of("open on weekdays", without={"refunds", "parcels"})
    for name in ("chance", "near", "near_lead", "late_lead", "telling_tokens", "worst_tokens"):
        assert features[name] == pytest.approx(alone[name], abs=1e-6)


def test_a_follow_up_is_seen_in_its_context(of):
    alone, _ = of("and is it heavy?")
    in_context, article_id = of("and is it heavy?", context="Parcels\nand is it heavy?")
    assert article_id == "parcels"
    assert in_context["title"] > alone["title"]


@pytest.mark.parametrize("question", ["", "?", "🎉", "x" * 4000, "\u200b"])
def test_of_any_text_every_number_is_there_and_finite(of, question):
    features, _ = of(question)
    assert tuple(features) == CONFIDENCE_FEATURES
    assert all(math.isfinite(value) for value in features.values())
