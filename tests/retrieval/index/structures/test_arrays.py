import numpy as np
import pytest

from retrieval.index.structures.arrays import best_rows, load_array, runs, save_array, starts_of


@pytest.mark.parametrize("shape", [(3, 2), (0, 4), (0,)])
def test_a_stored_array_is_mapped_and_cannot_be_changed(tmp_path, shape):
    save_array(tmp_path / "a.npy", np.ones(shape, dtype=np.int32))
    again = load_array(tmp_path / "a.npy", np.int32)
    assert (type(again), again.shape, again.tolist()) == (np.ndarray, shape, np.ones(shape, dtype=np.int32).tolist())
    assert (again.flags.owndata, again.flags.writeable) == (False, False)


def test_an_array_of_objects_or_of_other_numbers_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(ValueError, match="Python objects"):
        load_array(tmp_path / "a.npy", np.int32)
    save_array(tmp_path / "a.npy", np.ones(2))
    with pytest.raises(ValueError, match=r"a.npy holds float64, not int32"):
        load_array(tmp_path / "a.npy", np.int32)


def test_runs_are_the_positions_from_each_start():
    assert starts_of(np.array([2, 0, 3])).tolist() == [0, 2, 2, 5]
    assert runs(np.array([7, 1, 3]), np.array([2, 0, 3])).tolist() == [7, 8, 3, 4, 5]
    assert runs(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)).tolist() == []


def test_of_equal_scores_the_first_rows_are_the_best():
    rows, scores = best_rows(np.array([2, 3, 5, 7, 8]), np.array([0.5, 0.9, 0.5, 0.1, 0.5]), 3)
    assert (rows.tolist(), scores.tolist()) == ([3, 2, 5], [0.9, 0.5, 0.5])
    assert best_rows(rows, scores, 9)[0].tolist() == [3, 2, 5]
