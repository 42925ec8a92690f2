import pytest

from bot.answer.intent import is_fragment


@pytest.mark.parametrize(
    "text",
    [
        "i use a mac",
        "and to the usa?",
        "with PayPal",
        "what about Norway?",
        "und nach Spanien?",
        "windows",
        "et pour la Suisse ?",
    ],
)
def test_a_few_words_that_ask_nothing_by_themselves_are_a_fragment(text):
    assert is_fragment(text)


@pytest.mark.parametrize(
    "text",
    [
        "How long does it take?",
        "and how do I check its signature?",
        "Yes, does it have wifi?",
        "ok do they deliver",
        "i want to return it",
        "A refund takes how many days?",
        "The parcel that you sent me on Monday is broken.",
    ],
)
def test_what_asks_or_says_more_is_none(text):
    assert not is_fragment(text)
