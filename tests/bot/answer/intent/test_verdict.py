import pytest

from bot.answer.intent.chitchat import phrase_kinds
from bot.answer.intent.verdict import NO, YES, says, verdict_of, without_verdicts
from bot.answer.transcript import Said
from conversation.events import BotSaid, Choice

BUTTONS = (Choice("article", "Refunds", "refunds"), Choice("helped", "Ça aide"), Choice("not_helped", "Pas ça"))
SUGGESTION = Said("bot", "Perhaps: press it.", outcome="suggest", choices=BUTTONS)


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("Ça aide", True),
        ("Pas ça", False),
        ("yes", True),
        ("Ja!", True),
        ("no", False),
        ("None of these.", False),
        ("Refunds", None),
        ("ça aide", None),  # a button says its label as it stands
        ("No, my parcel", None),
        ("yes, but when does it arrive?", None),
    ],
)
def test_a_verdict_is_a_button_of_the_reply_or_yes_or_no_to_a_suggestion(text, verdict):
    assert verdict_of(text, SUGGESTION) is verdict
    assert verdict_of(text, BotSaid("Perhaps.", "suggest", (2,), choices=BUTTONS)) is verdict


@pytest.mark.parametrize("outcome", ["answer", "clarify", "small_talk", "no_answer"])
@pytest.mark.parametrize("text", ["yes", "no", "Ça aide"])
def test_no_other_reply_is_judged_by_yes_or_no(outcome, text):
    assert verdict_of(text, Said("bot", "Press it.", outcome=outcome)) is None


def test_yes_and_no_to_a_suggestion_that_offers_a_person_are_said_to_that():
    beside = Said("bot", "Perhaps. A person?", outcome="suggest", choices=BUTTONS, offers_person=True)
    assert verdict_of("yes", beside) is verdict_of("no", beside) is None
    assert verdict_of("Pas ça", beside) is False


def test_verdicts_are_left_out_and_nothing_else():
    question, other = Said("visitor", "Where is it?"), Said("visitor", "no")
    said = [other, question, SUGGESTION, Said("visitor", "Pas ça"), SUGGESTION, other, Said("bot", "Hm."), other, other]
    assert without_verdicts(said) == [other, question, SUGGESTION, SUGGESTION, Said("bot", "Hm."), other, other]
    assert without_verdicts([]) == []


def test_a_button_of_an_earlier_reply_is_no_verdict_any_more():
    pressed = Said("visitor", "Pas ça")
    said = [SUGGESTION, Said("agent", "Hello."), pressed]
    assert without_verdicts(said) == said


@pytest.mark.parametrize("text", ["yes", "Yes please!", "ok", "sí", "oui", "ja bitte", "はい"])
def test_yes_is_understood_in_several_languages(text):
    assert says(YES, phrase_kinds(text))
    assert not says(NO, phrase_kinds(text))


@pytest.mark.parametrize("text", ["no", "Nope.", "none of those", "nein", "não", "いいえ"])
def test_no_is_understood_in_several_languages(text):
    assert says(NO, phrase_kinds(text))
    assert not says(YES, phrase_kinds(text))
