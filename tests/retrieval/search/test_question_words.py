import numpy as np
import pytest

from retrieval.articles.audience import Audience
from retrieval.search.question_words import asked_words
from retrieval.search.signals import Query
from retrieval.search.stages import search

VISITOR = Audience("default")
WRITTEN = {"one": "wifi", "hyphen": "Wi-Fi", "camel": "WiFi"}
OTHERS = {
    "mail": "# Mail\n\nYour e-mail is sent each day; set up the address.\n",
    "words": "# Words\n\nA pass phrase and a setup.\n",
    "bank": "# Bank\n\nA bank card, a refund and a receipt.\n",
}


def knowledge(spelling):
    return {"net": f"# Connect\n\nThe {spelling} lamp is green.\n", **OTHERS}


@pytest.mark.parametrize("spelling", WRITTEN.values(), ids=WRITTEN)
@pytest.mark.parametrize("asked", ["wifi lamp", "Wi-Fi lamp", "WiFi lamp", "wi fi lamp"])
def test_each_spelling_of_a_compound_finds_each_other_one_by_its_words(snapshot_of, encoder, spelling, asked):
    snapshot = snapshot_of(knowledge(spelling))
    query = Query(asked, encoder.encode([asked])[0])
    hit = search(snapshot, query, VISITOR)[0]
    assert (hit.article.article_id, hit.signals["lexical"].rank) == ("net", 1)
    assert (hit.confidence_features["coverage"], hit.confidence_features["unknown"]) == pytest.approx((1, 0))
    assert hit.confidence_features["missing"] == 0


def test_a_compound_counts_once(snapshot_of):
    everything = np.ones(4, dtype=np.bool_)
    snapshot = snapshot_of(knowledge("Wi-Fi"))
    asked = asked_words(snapshot, "Wi-Fi")
    scores = [
        asked.scores(snapshot, "body", everything),
        *(snapshot.field_scores("body", spelled, everything) for spelled in (["wi", "fi"], ["wifi"])),
    ]
    assert asked.words == ["wi", "fi"]
    assert scores[0].tolist() == pytest.approx(np.maximum(*scores[1:]).tolist())


def test_parts_still_find_what_has_no_compound(snapshot_of):
    snapshot = snapshot_of({"a": "# A\n\nA refund is possible.\n", "b": "# B\n\nIt is non-refundable, non stop.\n"})
    scores = asked_words(snapshot, "non-refundable refund").scores(snapshot, "body", np.ones(2, dtype=np.bool_))
    assert scores[1] > scores[0] > 0


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("set up my address", ["set", "up", "address"]),
        ("is a wi fi lamp there", ["lamp", "wifi"]),
        ("a bank. Card", ["bank", "card"]),
        ("we do mail", ["mail"]),
    ],
)
def test_only_neighbours_that_an_article_writes_in_one_are_joined(snapshot_of, question, expected):
    assert list(asked_words(snapshot_of(knowledge("WiFi")), question).words) == expected
