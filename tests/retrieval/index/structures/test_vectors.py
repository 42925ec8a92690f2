import numpy as np
import pytest

from retrieval.index.structures.vectors import FEW, ROUNDING, VectorIndex, nearest

random = np.random.default_rng(7)


def unit(rows, dimensions=32):
    vectors = random.normal(size=(rows, dimensions)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("rows", [1000, FEW + 1000])
@pytest.mark.parametrize("share", [1.0, 0.5, 0.01])
def test_a_scan_is_of_the_allowed_rows_and_no_cosine_is_far_off(rows, share):
    vectors, query = unit(rows), unit(1)[0]
    allowed = random.random(rows) < share
    allowed[3] = True
    rows_found, rounded = VectorIndex.build(vectors).scan(query, allowed, 40)
    assert allowed[rows_found].all()
    assert len(rows_found) == len(set(rows_found.tolist())) == min(40, allowed.sum())
    assert rounded == pytest.approx(vectors[rows_found] @ query, abs=ROUNDING)
    assert (np.diff(rounded) <= 0).all()


@pytest.mark.parametrize("sizes", [(1000,), (FEW + 1000,), (FEW + 2000, 500, 0, 3000), (300, 200)])
@pytest.mark.parametrize("share", [1.0, 0.5, 0.01])
def test_the_exact_best_of_all_indexes_are_among_the_nearest(sizes, share):
    vectors, query = [unit(size) for size in sizes], unit(1)[0]
    masks = [None if share == 1 else random.random(size) < share for size in sizes]
    near = nearest(
        [(VectorIndex.build(index_vectors), mask) for index_vectors, mask in zip(vectors, masks, strict=True)],
        query,
        100,
    )
    candidates = {(index, row) for index, rows in enumerate(near) for row in rows.tolist()}
    cosines = {
        (index, row): float(index_vectors[row] @ query)
        for index, (index_vectors, mask) in enumerate(zip(vectors, masks, strict=True))
        for row in range(len(index_vectors))
        if mask is None or mask[row]
    }
    assert set(sorted(cosines, key=cosines.__getitem__)[-100:]) <= candidates <= set(cosines)


def test_an_index_that_has_nearly_all_of_the_best_is_asked_until_it_has_named_them():
    query = unit(1)[0]
    crowd = unit(FEW + 1000) * 0.1 + query
    crowd /= np.linalg.norm(crowd, axis=1, keepdims=True)
    indexes = [(VectorIndex.build(vectors), None) for vectors in (unit(FEW + 1000), crowd, unit(5000))]
    _, near, _ = nearest(indexes, query, 1000)
    assert set(np.argsort(-(crowd @ query))[:1000].tolist()) <= set(near.tolist())


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
def test_among_two_hundred_thousand_rows_none_of_the_best_thousand_is_missed():
    vectors, queries = unit(200_000, 384), unit(20, 384)
    index = VectorIndex.build(vectors)
    for query in queries:
        best = np.argsort(-(vectors @ query))[:1000]
        (near,) = nearest([(index, None)], query, 1000)
        assert set(best.tolist()) <= set(near.tolist())
        assert len(near) < 5000
