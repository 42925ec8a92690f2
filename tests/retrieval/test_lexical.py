import numpy as np
import pytest

from retrieval.lexical import LexicalIndex, words

ROWS = ["refund of an order", "refund refund card", "track your parcel", "", "🎉"]


@pytest.fixture
def index():
    return LexicalIndex.build([words(row) for row in ROWS])


def all_of(rows):
    return np.ones(len(rows), dtype=np.bool_)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Where are my Parcels?", ["where", "parcel"]),
        ("The policies' of Größe STRASSE", ["policy", "grösse", "strasse"]),
        ("What's the customer's status", ["what", "customer", "status"]),
        ("do not cancel", ["not", "cancel"]),
        ("it is", ["it", "is"]),
        ("\uff14\uff12 \ufb01les x_y", ["42", "file", "x_y"]),
        ("gas bus class shoes", ["gas", "bus", "class", "shoe"]),
        ("?!", []),
    ],
)
def test_words_are_folded_and_function_words_left_out_unless_alone(text, found):
    assert words(text) == found


def test_rows_that_share_words_are_found_best_first(index):
    rows, scores = index.search("refund to my card", all_of(ROWS), 10)
    assert rows == [1, 0]
    assert scores[0] > scores[1] > 0


def test_a_masked_row_takes_no_place(index):
    allowed = np.array([True, False, True, True, True])
    assert index.search("refund", allowed, 1)[0] == [0]


@pytest.mark.parametrize("query", ["", "?", "unknown words", "the"])
def test_a_query_without_known_words_finds_nothing(index, query):
    assert index.search(query, all_of(ROWS), 10) == ([], [])


def test_rarer_words_weigh_more_and_unknown_ones_most(index):
    assert index.rarity("refund") < index.rarity("parcel") < index.rarity("unheard")


def test_a_stored_index_finds_the_same(index, tmp_path):
    index.save(tmp_path / "lexical")
    again = LexicalIndex.load(tmp_path / "lexical")
    assert again.search("refund card", all_of(ROWS), 10) == index.search("refund card", all_of(ROWS), 10)


@pytest.mark.parametrize("rows", [[], [[]], [[], ["a"]]])
def test_rows_without_words_are_no_trouble(rows):
    assert LexicalIndex.build(rows).search("a", all_of(rows), 5)[0] == [at for at, row in enumerate(rows) if row]
