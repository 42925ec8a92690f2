import pytest

from bot.answer.frustration import FRUSTRATED_FROM, displeasure_alone, mood
from bot.answer.frustration.lexicon import READ_CHARS


@pytest.mark.parametrize(
    "text",
    [
        "this is ridiculous, worst service ever", "you are useless!!!", "I am so fed up with you people", "Pathetic service",
        "I want to cancel everything, terrible", "what a joke of a company", "I am very angry with your service", "you people are thieves",
        "I have had enough of this nonsense", "total waste of time", "stupid bot", "sick and tired of your company", "never again!!!",
        "disgusting behaviour from your staff", "das ist eine Frechheit", "c'est inadmissible", "esto es una vergüenza", "WORST COMPANY EVER",
    ],
)  # fmt: skip
def test_displeasure_that_names_no_matter_is_no_question(text):
    assert displeasure_alone(text)
    assert mood([], text).score >= FRUSTRATED_FROM


@pytest.mark.parametrize(
    "text",
    [
        "my parcel is late, this is ridiculous", "the wifi is terrible, how do I fix it", "I am frustrated because the sensor does not read",
        "terrible delivery", "my refund policy is ridiculous", "I hate the new layout", "useless, where is my invoice", "are you useless?",
        "How do I cancel", "thanks, great service", "your service", "not bad at all", "I want to cancel everything", "",
        "useless " * READ_CHARS,
    ],
)  # fmt: skip
def test_what_asks_names_its_matter_or_is_calm_is_none(text):
    assert not displeasure_alone(text)
