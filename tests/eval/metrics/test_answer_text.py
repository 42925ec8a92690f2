from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.metrics.answer_text import answer_words, containment, normalised, token_f1
from eval.rows import Row


def test_normalisation_drops_case_punctuation_and_articles():
    assert normalised("The  Quick, brown-fox's **a** AN anthem.") == ["quick", "brownfoxs", "anthem"]


@pytest.mark.parametrize(
    ("answer", "reference", "expected"),
    [
        ("The cat sat.", "a cat sat", 1.0),
        ("the southern parts of France", "the southern and central parts of France", 2 * 4 / (4 + 6)),
        ("no no no", "no", 2 * 1 / (3 + 1)),
        ("dog", "cat", 0.0),
        ("", "cat", 0.0),
        ("", "the", 1.0),
        ("!", "cat", 0.0),
    ],
)
def test_token_f1_of_examples_worked_by_hand(answer, reference, expected):
    assert token_f1(answer, reference) == pytest.approx(expected)


@given(st.text(), st.text())
def test_token_f1_is_symmetric_and_perfect_only_for_the_same_tokens(one, other):
    assert token_f1(one, other) == token_f1(other, one)
    assert 0 <= token_f1(one, other) <= 1
    assert (token_f1(one, other) == 1) == (sorted(normalised(one)) == sorted(normalised(other)))


@pytest.mark.parametrize(
    ("answer", "wanted", "share"),
    [
        ("The breakfast is free, and so is the wifi.", "Wifi is free!", 1.0),
        ("no pets", "No, no pets", 2 / 3),
        ("", "wifi", 0.0),
        ("wifi", "the", 1.0),
    ],
)
def test_containment_is_the_share_of_what_is_wanted(answer, wanted, share):
    assert containment(answer, wanted) == pytest.approx(share)


def test_markdown_is_no_word_of_an_answer():
    passage = "1. Press **Start**.\n2. See [the shop](https://shop.example)."
    assert normalised(answer_words(passage)) == ["press", "start", "see", "shop"]


def test_an_answer_says_its_passage_without_source_and_offer_and_any_other_reply_its_text():
    text = "Press it.\n\nThis is from our article [A](/help/a).\n\nA person?"
    answered = Row("q", "answer", 0.9, (), (), (), text, None, None, 1.0, passage="Press it.")
    assert answered.says == "Press it."
    assert replace(answered, outcome="suggest").says == "Press it."
    assert replace(answered, passage="").says == ""
    assert replace(answered, outcome="clarify", passage="").says == text
    assert replace(answered, passage=None).says == text  # a row of an earlier version
