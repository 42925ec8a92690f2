import pytest

from bot.answer.rejection.complaints import complains_alone, rejects


@pytest.mark.parametrize(
    "text",
    [
        "didn't work",
        "still nothing",
        "nope, that didn't help",
        "same error",
        "I already tried that",
        "That's not what I asked.",
        "hat nicht geholfen",
        "immer noch nichts",
    ],
)
def test_a_complaint_that_tells_nothing_of_the_matter_stands_alone(text):
    assert rejects(text)
    assert complains_alone(text)


@pytest.mark.parametrize(
    "text", ["still no email", "the voucher does not work", "That's not what I asked. Do you have lamps?"]
)
def test_one_that_tells_something_of_the_matter_does_not(text):
    assert rejects(text)
    assert not complains_alone(text)


@pytest.mark.parametrize("text", ["How do I return it?", "thanks", ""])
def test_what_is_no_complaint_does_not_either(text):
    assert not rejects(text)
    assert not complains_alone(text)


@pytest.mark.parametrize(
    "text",
    [
        "that didn't work", "did not help", "still no email", "still the same", "Tried that already.", "same error",
        "no luck", "nothing happens", "I did that, still broken", "it doesn't work", "hat nicht funktioniert",
        "immer noch nicht da", "ça n'a pas marché", "no funcionó", "non funziona", "ainda não", "werkt niet",
    ],
)  # fmt: skip
def test_a_short_message_may_say_that_it_is_not_solved(text):
    assert rejects(text)


@pytest.mark.parametrize(
    "text",
    [
        "thanks, that worked", "how does it work?", "is it still possible to return it?", "what is the same day service",
        "My lamp does not work since I moved house last week and I tried to reset it twice",
    ],
)  # fmt: skip
def test_what_asks_or_tells_more_does_not(text):
    assert not rejects(text)
