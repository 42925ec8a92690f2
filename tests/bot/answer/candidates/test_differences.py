import pytest

from bot.answer.candidates.differences import MOST_ALTERNATIVES, NEAR, alternatives
from bot.answer.candidates.likelihood import Candidate
from retrieval.articles.article import parse
from retrieval.articles.chunk import split
from retrieval.search.stages import Hit


def candidate(title, confidence=0.3, number=0):
    article = parse(f"---\ntitle: {title!r}\n---\n\nText.", path=f"a{number}.md")
    return Candidate(Hit(article, split(article)[0], 1.0, {}), confidence)


def differences(*titles, asked="How do I do it?"):
    """By what the articles of these titles, all as likely, would be told apart."""
    ranked = [candidate(title, number=number) for number, title in enumerate(titles)]
    return [option.difference for option in alternatives(ranked, asked)]


@pytest.mark.parametrize(
    ("titles", "named"),
    [
        (("Install the app on Windows", "Install the app on macOS"), ["Windows", "macOS"]),
        (("Refunds for gift cards", "Refunds for event tickets"), ["gift cards", "event tickets"]),
        (("Cancel your Basic plan", "Cancel your Pro plan"), ["Basic", "Pro"]),
        (("Reset the X100", "Reset the X200 Mini"), ["X100", "X200 Mini"]),
        (("iPhone: restore a backup", "iPad: restore a backup"), ["iPhone", "iPad"]),
        (("Taxes in Germany (2025)", "Taxes in Austria (2025)"), ["Germany", "Austria"]),
        (("Zahlen mit Karte", "Zahlen mit Gutschein"), ["Karte", "Gutschein"]),
        (("Set up on Windows", "Set up on Linux", "Set up on macOS"), ["Windows", "Linux", "macOS"]),
        (("Set up on Windows", "Delete your account", "Set up on Linux"), ["Windows", "Linux"]),
    ],
)
def test_titles_that_differ_by_what_can_be_named_are_alternatives(titles, named):
    assert differences(*titles) == named


@pytest.mark.parametrize(
    "titles",
    [
        ("Reset the lamp", "Reset the camera"),  # whose names do not look like any: rather shown than asked
        ("Create a project", "Delete a project"),
        ("Add a user", "Remove a user"),
        ("Windows", "Linux"),  # nothing is the same
        ("Install the app on Windows", "Uninstall the app on Linux"),
        ("Install the app", "Install the app on Linux"),  # one of the two is for all
        ("Pay with a card", "Pay with what you have saved up so far"),  # more than a name
        ("Set up on Windows", "Set up on Windows"),
        ("Set up on Windows",),
        (),
    ],
)
def test_titles_that_differ_otherwise_are_none(titles):
    assert differences(*titles) == []


@pytest.mark.parametrize("asked", ["How do I install it on windows?", "MACOS?", "Does it run on Windows 11"])
def test_who_names_one_is_not_asked(asked):
    assert differences("Install the app on Windows", "Install the app on macOS", asked=asked) == []


def test_each_title_is_offered_once():
    assert differences("Set up on Windows", "Set up on Linux", "Set up on linux") == ["Windows", "Linux"]


def test_what_is_much_less_likely_meant_is_not_offered():
    first, near, far = 0.5, 0.5 * NEAR + 0.001, 0.5 * NEAR - 0.001
    ranked = [
        candidate("Set up on Windows", first, 0), candidate("Set up on Linux", near, 1), candidate("Set up on macOS", far, 2),
    ]  # fmt: skip
    assert [option.difference for option in alternatives(ranked, "How?")] == ["Windows", "Linux"]
    assert alternatives([ranked[0], ranked[2]], "How?") == []


def test_no_more_are_offered_than_anybody_reads():
    assert len(differences(*(f"Set up on {name}X" for name in "abcdefg"))) == MOST_ALTERNATIVES


def test_the_order_is_that_of_the_ranking():
    ranked = [candidate(f"Set up on {name}", 0.3, number) for number, name in enumerate(("B", "A", "C"))]
    assert [option.candidate for option in alternatives(ranked, "How?")] == ranked
