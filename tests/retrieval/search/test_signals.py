import numpy as np
import pytest

from retrieval.search.signals import SIGNALS, TOGETHER, Query, compute_signals

SHOP = {
    "a": "---\ntitle: Refunds\nquestions: [Where is my cash?]\n---\nYou get money back.\n\n## Lost parcels\n\nPaid at once.\n",
    "b": "---\ntitle: Parcels\n---\nThey come by mail.\n\n## Size\n\nSmall or large.\n\n## Lost\n\nAsk for a refund.\n",
    "c": "---\ntitle: Hours\n---\nWe are open on weekdays.\n",
}


@pytest.fixture
def ask(snapshot_of, encoder):
    def gathered(query, articles=SHOP, allowed=None):
        snapshot = snapshot_of(articles)
        mask = np.array(allowed or [True] * len(snapshot.article_ids), dtype=np.bool_)
        return compute_signals(snapshot, Query(query, encoder.encode([query])[0]), mask)

    return gathered


def signal(ranking_signals, name):
    return dict(zip("abc", ranking_signals.signals[SIGNALS.index(name)].tolist(), strict=True))


def test_a_title_that_was_asked_word_for_word_is_as_near_as_can_be(ask):
    ranking_signals = ask("Parcels")
    assert signal(ranking_signals, "title")["b"] == pytest.approx(1)
    assert signal(ranking_signals, "title_words")["b"] > signal(ranking_signals, "title_words")["a"] == 0


def test_a_question_of_the_front_matter_counts_for_its_article_and_others_have_none(ask):
    questions = signal(ask("Where is my cash?"), "question")
    assert questions["a"] == pytest.approx(1)
    assert (questions["b"], questions["c"]) == (0, 0)


def test_headings_count_for_their_article_and_who_has_none_has_none(ask):
    headings = signal(ask("Where is my cash?"), "heading")
    assert 0 < headings["b"] < 1
    assert headings["c"] == 0


def test_the_nearest_child_chunks_together_are_their_mean(ask, snapshot_of, encoder):
    query = "lost parcel refund"
    snapshot = snapshot_of(SHOP)
    vector = encoder.encode([query])[0].sentence
    children = [child for child in snapshot.children_of("b") if snapshot.kind_of_child[child] == 0]
    assert len(children) == TOGETHER
    cosines = snapshot.cosines(vector, np.array(children))
    assert signal(ask(query), "pieces")["b"] == pytest.approx(float(cosines.mean()), abs=1e-6)
    assert signal(ask(query), "piece")["b"] == pytest.approx(float(cosines.max()), abs=1e-6)


def test_words_in_any_passage_count_for_the_article(ask):
    words = signal(ask("weekdays"), "body_words")
    assert words["c"] > 0
    assert (words["a"], words["b"]) == (0, 0)


def test_late_interaction_is_one_where_every_word_of_the_question_is_in_a_child_chunk(ask):
    late = signal(ask("open weekdays"), "late")
    assert late["c"] == pytest.approx(1, abs=0.02)
    assert late["c"] > max(late["a"], late["b"])


@pytest.mark.parametrize("query", ["lost parcel", "is a parcel that was lost by mail paid at once? " * 40])
def test_late_interaction_is_the_mean_of_the_best_products_and_equal_for_equal_child_chunks(
    ask, snapshot_of, encoder, query
):
    shop = SHOP | {"c": SHOP["b"]}
    late = signal(ask(query, shop), "late")
    assert late["b"] == late["c"]
    asked = encoder.encode([query])[0].tokens.astype(int)
    snapshot = snapshot_of(shop)
    children = [child for child in snapshot.children_of("b") if snapshot.kind_of_child[child] == 0]
    scores = [
        (asked @ tokens.astype(int).T).max(axis=1).mean() / 127**2 for tokens in snapshot.tokens(np.array(children))
    ]
    assert late["b"] == pytest.approx(max(scores), abs=1e-12)


def test_an_article_that_is_not_allowed_is_not_found_and_has_no_passages(ask):
    ranking_signals = ask("parcels", allowed=[True, False, True])
    assert ranking_signals.matched.tolist() == [True, False, True]
    for passages in ranking_signals.passages.values():
        assert not {2, 3, 4} & set(passages)  # the passages of "b"


def test_the_passages_of_a_signal_stand_best_first(ask):
    for passages in ask("lost parcel").passages.values():
        assert list(passages.values()) == sorted(passages.values(), reverse=True)


def test_nothing_is_found_in_nothing(ask):
    assert ask("parcel", articles={}).matched.tolist() == []
