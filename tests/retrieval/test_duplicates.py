import numpy as np
import pytest

from retrieval.duplicates import SAME, distinct, likeness, sketch

TEXT = [f"word{number}" for number in range(100)]


def changed(*places):
    return [f"other{at}" if at in places else word for at, word in enumerate(TEXT)]


def test_the_same_words_in_the_same_order_are_the_same():
    assert likeness(sketch(TEXT), sketch(list(TEXT))) == 1
    assert likeness(sketch(["yes"]), sketch(["yes"])) == 1
    assert likeness(sketch(TEXT), sketch(TEXT[::-1])) < 0.1


@pytest.mark.parametrize(("other", "shared"), [(changed(50), 95 / 101), (changed(20, 50, 80), 89 / 107)])
def test_likeness_is_near_the_share_of_common_runs_of_three(other, shared):
    assert likeness(sketch(TEXT), sketch(other)) == pytest.approx(shared, abs=0.12)


def test_a_passage_without_words_is_like_no_other():
    assert likeness(sketch([]), sketch([])) == 0


def test_only_what_nearly_repeats_something_better_is_dropped():
    sketches = [sketch(words) for words in (TEXT, [], TEXT[:50], list(TEXT), [], changed(*range(0, 100, 7)))]
    assert likeness(sketches[0], sketches[2]) < SAME
    assert list(distinct([3, 1, 0, 2, 4, 5], sketches.__getitem__)) == [3, 1, 2, 4, 5]


def test_sketches_are_the_same_on_every_machine():
    assert sketch(["a", "b", "c", "d"])[:3].tolist() == [1376988709, 3385256379, 2541295701]
    assert sketch(TEXT).dtype == np.uint32
