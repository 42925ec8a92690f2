import numpy as np
import pytest

from retrieval.vector import VectorIndex

random = np.random.default_rng(7)


def unit(rows, dimensions=32):
    vectors = random.normal(size=(rows, dimensions)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("share", [1.0, 0.5, 0.05])
def test_the_best_of_the_allowed_rows_are_among_those_scanned_first(share):
    vectors, query = unit(1000), unit(1)[0]
    allowed = random.random(1000) < share
    allowed[3] = True
    expected = [row for row in np.argsort(-(vectors @ query)) if allowed[row]][:10]
    rows, rounded = VectorIndex.build(vectors).scan(query, allowed, 40)
    assert set(expected) <= set(rows.tolist())
    assert allowed[rows].all()
    assert len(rows) == min(40, allowed.sum())
    assert rounded == pytest.approx(vectors[rows] @ query, abs=0.03)


def test_cosines_are_exact_and_the_same_in_any_company():
    vectors, query = unit(50), unit(1)[0]
    index = VectorIndex.build(vectors)
    together = index.cosines(query, np.arange(50))
    assert together == pytest.approx(vectors @ query, abs=1e-6)
    assert [index.cosines(query, np.array([row]))[0] for row in range(50)] == together.tolist()


def test_where_nothing_is_allowed_nothing_is_found():
    for vectors in (unit(3), unit(3)[:0]):
        rows, scores = VectorIndex.build(vectors).scan(unit(1)[0], np.zeros(len(vectors), dtype=np.bool_), 10)
        assert (rows.tolist(), scores.tolist()) == ([], [])


@pytest.mark.parametrize("rows", [0, 20])
def test_a_stored_index_is_mapped_and_finds_the_same(tmp_path, rows):
    index, query, allowed = VectorIndex.build(unit(rows)), unit(1)[0], np.ones(rows, dtype=np.bool_)
    index.save(tmp_path)
    again = VectorIndex.load(tmp_path)
    assert not again.vectors.flags.owndata
    assert not again.vectors.flags.writeable
    for one, other in zip(again.scan(query, allowed, 5), index.scan(query, allowed, 5), strict=True):
        assert one.tolist() == other.tolist()


def test_codes_of_other_vectors_are_refused(tmp_path):
    VectorIndex.build(unit(3)).save(tmp_path)
    np.save(tmp_path / "vectors.npy", unit(4))
    with pytest.raises(ValueError, match="does not fit"):
        VectorIndex.load(tmp_path)


@pytest.mark.slow
def test_among_two_hundred_thousand_rows_none_of_the_best_hundred_is_missed():
    vectors, queries = unit(200_000, 384), unit(20, 384)
    index = VectorIndex.build(vectors)
    for query in queries:
        best = np.argsort(-(vectors @ query))[:100]
        assert set(best.tolist()) <= set(index.scan(query, None, 300)[0].tolist())
