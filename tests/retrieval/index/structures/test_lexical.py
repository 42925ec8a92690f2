import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.index.structures.lexical import K1, B, Field
from retrieval.index.structures.postings import Postings
from retrieval.index.structures.tokens import words

ROWS = ["refund of an order", "refund refund card", "track your parcel", "", "🎉"]


def field_of(rows, segments=None):
    """A field over rows of words; `segments` says in which segment each row lies, `None` row is one that has left."""
    segments = segments or [0] * len(rows)
    live = [number for number, row in enumerate(rows) if row is not None]
    parts = []
    for segment in sorted(set(segments)):
        numbers = [number for number, place in enumerate(segments) if place == segment]
        places = np.array([live.index(number) if number in live else -1 for number in numbers], dtype=np.int32)
        parts.append(
            (
                Postings.build([["left", "refund"] if rows[number] is None else rows[number] for number in numbers]),
                places,
            )
        )
    return Field(parts, len(live))


@pytest.fixture
def field():
    return field_of([words(row) for row in ROWS])


def test_the_score_is_that_of_the_paper(field):
    idf = math.log(1 + (3 - 2 + 0.5) / (2 + 0.5))  # two of the three rows that have words
    lengths = {0: 2, 1: 3}  # "refund order", "refund refund card"; on average 7 / 3 with "track parcel"
    expected = [idf * times / (times + K1 * (1 - B + B * lengths[row] / (7 / 3))) for row, times in enumerate((1, 2))]
    assert field.scores(["refund"]).tolist() == pytest.approx([*expected, 0, 0, 0])
    assert field.rarity("refund") == pytest.approx(idf)


def test_a_word_asked_twice_counts_twice(field):
    assert field.scores(["refund", "refund"]) == pytest.approx(2 * field.scores(["refund"]))


@pytest.mark.parametrize("asked", [[], ["unknown"], words("?")])
def test_a_query_without_known_words_finds_nothing(field, asked):
    assert field.scores(asked).tolist() == [0.0] * 5


def test_rarer_words_weigh_more_and_unknown_ones_most(field):
    assert field.rarity("refund") < field.rarity("parcel") < field.rarity("unheard")


def test_rows_are_asked_for_a_word(field):
    assert field.within("refund", range(5)).tolist() == [True, True, False, False, False]
    assert field.within("refund", range(1, 3)).tolist() == [True, False]


row_of_words = st.lists(st.sampled_from("abcdefgh"), max_size=8)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.none() | row_of_words, st.integers(0, 3)), max_size=12),
    st.lists(st.sampled_from("abcdefghz"), max_size=5),
)
def test_scores_do_not_depend_on_segments_nor_on_what_has_left(rows, asked):
    scattered = field_of([row for row, _ in rows], [segment for _, segment in rows])
    single_segment = field_of([row for row, _ in rows if row is not None])
    assert scattered.scores(asked).tolist() == single_segment.scores(asked).tolist()
    assert [scattered.rarity(word) for word in asked] == [single_segment.rarity(word) for word in asked]
