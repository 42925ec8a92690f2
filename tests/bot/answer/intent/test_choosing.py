import pytest

from bot.answer.intent.understanding import understand
from bot.answer.transcript import Said
from conversation.events import Choice


def below(outcome, *labels, titles=()):
    choices = tuple(Choice("article", label, label) for label in labels)
    return [Said("visitor", "How?"), Said("bot", "This.", titles, outcome=outcome, passage="This.", choices=choices)]


SYSTEMS = below("clarify", "Windows", "macOS", "Linux")
CARDS = below("suggest", "When do I get my money back?", "Gift cards", titles=("Delivery times",))


def chosen(text, earlier):
    choice = understand(text, earlier).chosen
    return choice and choice.label


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("the first one", "Windows"),
        ("1", "Windows"),
        ("The second please!", "macOS"),
        ("number two", "macOS"),
        ("#2", "macOS"),
        ("the last one", "Linux"),
        ("den zweiten bitte", "macOS"),
        ("le premier", "Windows"),
        ("el tercero", "Linux"),
        ("drugi", "macOS"),
        ("windows", "Windows"),
        ("i use a mac", "macOS"),
        ("on windows 11", "Windows"),
        ("and for linux?", "Linux"),
        ("windwos", "Windows"),
        ("4", None),
        ("the other one", None),
        ("not windows", None),
        ("neither windows nor mac", None),
        ("windows or mac, I do not know", None),
        ("how do I remove it from windows?", None),
        ("my phone", None),
        ("1 or 2", None),
        ("2 of my parcels are lost", None),
    ],
)
def test_an_option_is_chosen_by_its_place_or_by_what_it_alone_is_called(text, label):
    assert chosen(text, SYSTEMS) == label


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("the second one", "Gift cards"),
        ("gift card", "Gift cards"),
        ("the money one", "When do I get my money back?"),
        ("what about the other one", "When do I get my money back?"),
        ("delivery", None),
        ("my gift arrived broken", None),
        ("how do I get my money back", None),
        ("a", None),
    ],
)
def test_a_card_is_chosen_by_its_place_or_by_words_of_its_title_alone(text, label):
    assert chosen(text, CARDS) == label


def test_a_choice_by_name_tells_something_and_one_by_place_does_not():
    assert understand("i use a mac", SYSTEMS).tells
    assert not understand("the second", SYSTEMS).tells
    assert not understand("macOS", SYSTEMS).tells


@pytest.mark.parametrize("text", ["the first one", "2", "gift cards"])
def test_nothing_is_chosen_where_nothing_was_put_up(text):
    assert understand(text, []).chosen is None
    assert understand(text, [Said("bot", "Yes.", outcome="answer", passage="Yes.")]).chosen is None


def test_ok_after_a_suggestion_is_neither_a_choice_nor_a_verdict():
    for text in ("ok", "Okay!", "alles klar", "vale", "ok then"):
        understood = understand(text, CARDS)
        assert (understood.small_talk, understood.chosen, understood.rated) == ("agreement", None, None), text
