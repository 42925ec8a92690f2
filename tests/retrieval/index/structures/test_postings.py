import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.index.structures.postings import MOST, Postings

rows_of_words = st.lists(st.lists(st.sampled_from("abcdef"), max_size=6), max_size=8)


def content(postings):
    return (
        list(postings.terms),
        dict(postings.numbers),
        *(array.tolist() for array in (postings.starts, postings.rows, postings.counts, postings.lengths)),
    )


def test_a_word_leads_to_its_rows_and_how_often():
    postings = Postings.build([["b", "a", "b"], [], ["a"]])
    assert list(postings.terms) == ["a", "b"]
    assert [(postings.rows[span].tolist(), postings.counts[span].tolist()) for span in map(postings.of, "abz")] == [
        ([0, 2], [1, 1]),
        ([0], [2]),
        ([], []),
    ]
    assert postings.lengths.tolist() == [3, 0, 1]


def test_near_words_begin_with_the_first_letter_or_one_edit_away_with_the_second():
    postings = Postings.build([["order", "odor", "border", "orders", "ordain", "zebra"]])
    assert dict(postings.near("ordr", 1)) == {"order": 1}
    assert dict(postings.near("ordr", 2)) == {"order": 1, "odor": 2, "orders": 2}
    assert dict(postings.near("roder", 1)) == {"order": 1}
    assert dict(postings.near("oorder", 2)) == {"order": 1, "orders": 2}
    assert dict(postings.near("", 1)) == {}
    assert dict(postings.near("\U0010ffff", 2)) == {}


@settings(max_examples=60, deadline=None)
@given(st.lists(rows_of_words, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_merged_is_as_built_anew(parts, random):
    kept = [(part, row) for part, rows in enumerate(parts) for row in range(len(rows)) if random.random() < 0.7]
    random.shuffle(kept)
    places = [np.full(len(rows), -1, dtype=np.int32) for rows in parts]
    for place, (part, row) in enumerate(kept):
        places[part][row] = place
    merged = Postings.merge(zip(map(Postings.build, parts), places, strict=True), len(kept))
    assert content(merged) == content(Postings.build([parts[part][row] for part, row in kept]))


@pytest.mark.parametrize("rows", [[], [[]], [["a", "ü"], [], ["a"]]])
def test_what_was_stored_is_the_same_and_mapped(rows, tmp_path):
    postings = Postings.build(rows)
    postings.save(tmp_path, "body")
    again = Postings.load(tmp_path, "body")
    assert content(again) == content(postings)
    assert not again.rows.flags.owndata
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".npy"}


def test_an_array_of_another_kind_is_refused(tmp_path):
    Postings.build([["a"]]).save(tmp_path, "body")
    np.save(tmp_path / "body.rows.npy", np.zeros(1))
    with pytest.raises(ValueError, match=r"body.rows.npy holds float64, not int32"):
        Postings.load(tmp_path, "body")


def test_a_word_repeated_beyond_all_measure_is_still_counted():
    assert Postings.build([["a"] * (MOST + 5)]).counts.tolist() == [MOST]
