import pytest

from bot.answer.intent.understanding import Understood, calls_off, small_talk, understand
from bot.answer.retrieve import in_context
from bot.answer.transcript import Said
from conversation.events import Choice, Rated

PERSON = Choice("person", "Speak to our team")
LAMP, CAMERA = Choice("article", "Reset the lamp", "lamp"), Choice("article", "Reset the camera", "camera")
ASKED_BACK = Said("bot", "Which?", outcome="clarify", choices=(LAMP, CAMERA))


@pytest.mark.parametrize(
    "yes", ["yes", "Yes please!", "ok", "sure", "yeah, I would", "Oui, s’il vous plaît", "Ja bitte.", "¡Sí!", "はい"]
)
@pytest.mark.parametrize("words", ["Would you like to talk to a person?", "Speak to a person?", "¿Le paso?"])
def test_yes_to_the_offer_of_a_person_calls_one_however_it_is_worded(yes, words):
    earlier = [Said("visitor", "what about x"), Said("bot", words, outcome="no_answer", offers_person=True)]
    assert understand(yes, earlier).intent == "call_human"


def test_what_an_answer_quotes_is_no_offer():
    quoted = 'The bot asks "Would you like to talk to a person?", and yes calls one.'
    reply = Said("bot", quoted, ("How the bot decides",), outcome="answer", passage=quoted)
    assert understand("yes", [Said("visitor", "what does it ask"), reply]).intent == "small_talk"


def test_an_offer_holds_until_the_next_contribution():
    offer = Said("bot", "A person?", offers_person=True)
    assert understand("yes", [offer, Said("agent", "Is it blue?")]).intent == "small_talk"
    assert understand("yes", [offer, Said("bot", "Five days.", outcome="answer")]).intent == "small_talk"


def test_whoever_presses_the_button_for_a_person_calls_one_whatever_it_says():
    reply = Said("bot", "Sorry.", outcome="no_answer", choices=(LAMP, PERSON))
    assert understand("Speak to our team", [reply]) == Understood("call_human", pressed=True)
    assert understand("Speak to our team", []).intent == "question"


def test_an_article_that_was_offered_is_chosen_though_its_title_asks_for_a_person():
    article = Choice("article", "I want to talk to a human", "humans")
    reply = Said("bot", "Which?", outcome="clarify", choices=(LAMP, article))
    assert understand("I want to talk to a human", [reply]).chosen == article
    assert understand("I want to talk to a human", []).intent == "call_human"


def test_where_an_article_is_called_as_the_button_for_a_person_that_person_is_called():
    article = Choice("article", "Speak to our team", "team")
    reply = Said("bot", "Which?", outcome="clarify", choices=(article, PERSON))
    assert understand("Speak to our team", [reply]).intent == "call_human"


def test_a_call_in_the_middle_of_a_question_is_a_call():
    assert understand("my order is late, can someone real please look at it", []).intent == "call_human"
    assert understand("How do I add an agent?", []).intent == "question"


def test_yes_to_anything_else_is_small_talk():
    assert understand("yes", [Said("bot", "Press the button twice.")]).intent == "small_talk"


def test_yes_to_a_question_back_chooses_the_likeliest_article_and_to_a_person_beside_it_that_person():
    assert understand("Yes!", [ASKED_BACK]).chosen == LAMP
    beside = [
        Said("bot", "Do you mean “Reset the lamp”? A person?", outcome="clarify", choices=(LAMP,), offers_person=True)
    ]
    assert understand("yes", beside).intent == "call_human"


def test_no_to_a_question_back_asks_for_other_words():
    for no in ("Nope.", "Nein!", "non", "None of these"):
        assert understand(no, [ASKED_BACK]).small_talk == "none_meant", no
    assert understand("no", []).small_talk == "agreement"
    assert understand("no, the big one", [ASKED_BACK]).intent == "question"


def test_a_verdict_on_a_suggestion_is_thanked_or_asks_the_same_once_more():
    helped, not_helped = Choice("helped", "Got it!"), Choice("not_helped", "Something else")
    reply = Said("bot", "Perhaps.", outcome="suggest", choices=(LAMP, helped, not_helped), seq=3)
    for text in ("Got it!", "yes"):
        assert understand(text, [reply]) == Understood("small_talk", "helped", rated=Rated(3, helpful=True))
    for text in ("Something else", "no"):
        declined = understand(text, [reply])
        assert declined == Understood("question", question=text, rated=Rated(3, helpful=False))
        assert declined.declines
    chosen = understand(LAMP.label, [reply])
    assert chosen == Understood("question", question=LAMP.label, chosen=LAMP)
    assert not chosen.declines


def test_yes_and_no_to_a_suggestion_that_offers_a_person_are_said_to_that():
    reply = Said("bot", "Perhaps. A person?", outcome="suggest", choices=(LAMP,), offers_person=True)
    assert understand("yes", [reply]).intent == "call_human"
    assert understand("no", [reply]) == Understood("small_talk", "none_meant")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Hi", "greeting"),
        ("hello there!", "greeting"),
        ("Good morning", "greeting"),
        ("thanks a lot", "thanks"),
        ("ok thank you, it works now", "thanks"),
        ("Great, thanks a lot!", "thanks"),
        ("that worked, thanks", "thanks"),
        ("perfect, thank you!", "thanks"),
        ("no thanks, that worked", "thanks"),
        ("thanks for your quick help", "thanks"),
        ("it works now", "thanks"),
        ("great", "agreement"),
        ("bye", "goodbye"),
        ("are you a robot?", "who_are_you"),
        ("who are you", "who_are_you"),
        ("got it", "agreement"),
        ("👋 hello", "greeting"),
    ],
)
def test_small_talk_is_told_by_kind(text, kind):
    assert small_talk(text) == kind


@pytest.mark.parametrize(
    "text",
    ["hi, my board does not show up", "thanks but it still fails", "it works on Linux?", "who are you shipping with"],
)
def test_a_question_behind_a_courtesy_is_a_question(text):
    assert small_talk(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "never mind",
        "Never mind, how do I restore a backup?",
        "ok nevermind how do I restore a backup?",
        "Actually, I don't need a person any more. Where is my invoice?",
        "Please cancel my request.",
        "No need for an agent! It works now",
    ],
)
def test_whoever_waits_may_call_it_off_in_words(text):
    assert calls_off(text)
    assert understand(text, []).intent != "call_human"


@pytest.mark.parametrize(
    "text",
    [
        "never mind the delay",
        "Never mind, I'll wait",
        "I don't need a bot, get me a human",
        "I don't need an agent who knows nothing",
        "cancel my order",
        "How do I cancel the request?",
        "hello? is anyone there?",
    ],
)
def test_whoever_goes_on_waiting_calls_nothing_off(text):
    assert not calls_off(text)


def test_calling_it_off_alone_is_small_talk():
    assert small_talk("Oh, never mind!") == small_talk("I don't need a person anymore") == "agreement"


DRIVER = [
    Said("visitor", "hello"),
    Said("bot", "Hello!", outcome="small_talk"),
    Said("visitor", "How do I install the driver on Windows?"),
    Said("bot", "Download it.\n\nFrom us.", ("Install the driver",), outcome="answer", passage="Download it."),
]


def test_the_context_of_a_question_is_what_was_said_before_it_and_what_was_cited():
    told = "How do I install the driver on Windows?\nInstall the driver Download it.\nand on Linux?"
    assert in_context("and on Linux?", DRIVER) == told


def test_small_talk_gives_no_context():
    assert in_context("How do I install the driver?", DRIVER[:2]) is None
    assert in_context("How do I install the driver?", []) is None


@pytest.mark.parametrize("refusal", ["I found nothing in our help articles.", "Das weiß ich leider nicht."])
def test_how_the_bot_says_that_it_has_no_answer_gives_no_context(refusal):
    earlier = [*DRIVER, Said("visitor", "and on BeOS?"), Said("bot", refusal, outcome="no_answer", failed=True)]
    assert in_context("why?", earlier) == in_context("why?", earlier[:-1])


def test_of_a_question_back_the_articles_count():
    back = Said("bot", "One of these?", outcome="clarify", choices=(LAMP, CAMERA, PERSON))
    assert in_context("the second", [back]) == "Reset the lamp Reset the camera\nthe second"


def test_an_article_that_quotes_a_line_of_source_is_carried_whole():
    passage = "It ends so.\n\nThis is from our article [A](/help/a)."
    reply = Said("bot", f"{passage}\n\nThis is from our article [B](/help/b).", outcome="answer", passage=passage)
    assert in_context("why?", [reply]) == "It ends so. This is from our article [A](/help/a).\nwhy?"


def test_of_a_long_conversation_the_openings_of_the_last_three_contributions_count():
    earlier = [Said("visitor", f"{number} {'word ' * 60}") for number in range(9)]
    *before, question = (in_context("and then?", earlier) or "").split("\n")
    assert [line.split()[0] for line in before] == ["6", "7", "8"]
    assert {len(line.split()) for line in before} == {40}
    assert question == "and then?"
