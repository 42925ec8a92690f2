import numpy as np
import pytest

from retrieval.index.structures.near_duplicates import SAME, distinct, jaccard, sketch

TEXT = [f"word{number}" for number in range(100)]


def changed(*places):
    return [f"other{position}" if position in places else word for position, word in enumerate(TEXT)]


def test_the_same_words_in_the_same_order_are_the_same():
    assert jaccard(sketch(TEXT), sketch(list(TEXT))) == 1
    assert jaccard(sketch(["yes"]), sketch(["yes"])) == 1
    assert jaccard(sketch(TEXT), sketch(TEXT[::-1])) < 0.1


@pytest.mark.parametrize(("other", "shared"), [(changed(50), 95 / 101), (changed(20, 50, 80), 89 / 107)])
def test_jaccard_is_near_the_share_of_common_runs_of_three(other, shared):
    assert jaccard(sketch(TEXT), sketch(other)) == pytest.approx(shared, abs=0.12)


def test_a_passage_without_words_is_like_no_other():
    assert jaccard(sketch([]), sketch([])) == 0


def test_only_what_nearly_repeats_something_better_is_dropped():
    passages = (TEXT, [], list(TEXT), TEXT[:50], [], changed(*range(0, 100, 7)))
    sketches = np.array([sketch(words) for words in passages])
    assert jaccard(sketches[0], sketches[3]) < SAME
    assert distinct(sketches) == [0, 1, 3, 4, 5]
    assert distinct(sketches[:0]) == []


def test_what_is_like_a_dropped_passage_but_not_like_a_kept_one_stays():
    first = sketch(TEXT)
    second, third = first.copy(), first.copy()
    second[-5:] += 1  # 59 of 64 agree
    third[-10:] += 1  # 54, and 59 with the second
    assert jaccard(first, second) >= SAME > jaccard(first, third)
    assert jaccard(second, third) >= SAME
    assert distinct(np.array([first, second, third])) == [0, 2]
    assert distinct(np.array([second, first, third])) == [0]


def test_sketches_are_the_same_on_every_machine():
    assert sketch(["a", "b", "c", "d"])[:3].tolist() == [1376988709, 3385256379, 2541295701]
    assert sketch(TEXT).dtype == np.uint32
