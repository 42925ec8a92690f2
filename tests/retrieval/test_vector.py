import numpy as np
import pytest

from retrieval.vector import VectorIndex

random = np.random.default_rng(7)


def unit(rows, dimensions=8):
    vectors = random.normal(size=(rows, dimensions)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("share", [1.0, 0.5, 0.05])
def test_the_best_of_the_allowed_rows_are_found(share):
    vectors, query = unit(100), unit(1)[0]
    allowed = random.random(100) < share
    allowed[3] = True
    expected = [row for row in np.argsort(-(vectors @ query)) if allowed[row]][:10]
    rows, scores = VectorIndex(vectors).search(query, allowed, 10)
    assert rows == expected
    assert scores == pytest.approx((vectors @ query)[expected].tolist(), abs=1e-6)


def test_where_nothing_is_allowed_nothing_is_found():
    assert VectorIndex(unit(3)).search(unit(1)[0], np.zeros(3, dtype=np.bool_), 10) == ([], [])
    assert VectorIndex(unit(3)[:0]).search(unit(1)[0], np.zeros(0, dtype=np.bool_), 10) == ([], [])


def test_a_stored_index_is_mapped_and_finds_the_same(tmp_path):
    index, query, allowed = VectorIndex(unit(20)), unit(1)[0], np.ones(20, dtype=np.bool_)
    index.save(tmp_path / "vectors.npy")
    again = VectorIndex.load(tmp_path / "vectors.npy")
    assert isinstance(again.vectors, np.memmap)
    assert again.search(query, allowed, 5) == index.search(query, allowed, 5)
