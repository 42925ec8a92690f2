import pytest

from bot.answer.intent.understanding import calls_off, small_talk, understand
from bot.answer.reply import phrases
from bot.answer.retrieve import in_context
from bot.answer.transcript import Said

OFFERS = (
    phrases.NO_ANSWER,
    phrases.BESIDE,
    phrases.BESIDE_DESK_CLOSED,
    phrases.NO_ANSWER_DESK_CLOSED,
    phrases.FRUSTRATED_DESK_CLOSED,
)


@pytest.mark.parametrize("yes", ["yes", "Yes please!", "ok", "sure", "yeah, I would"])
@pytest.mark.parametrize("offer", OFFERS)
def test_yes_to_the_offer_of_a_person_calls_one(yes, offer):
    earlier = [Said("visitor", "what about x"), Said("bot", offer)]
    assert understand(yes, earlier).intent == "call_human"


def test_a_call_in_the_middle_of_a_question_is_a_call():
    assert understand("my order is late, can someone real please look at it", []).intent == "call_human"
    assert understand("How do I add an agent?", []).intent == "question"


def test_yes_to_anything_else_is_small_talk():
    assert understand("yes", [Said("bot", "Press the button twice.")]).intent == "small_talk"


def test_yes_to_a_question_back_chooses_the_likeliest_article_and_to_a_person_beside_it_that_person():
    assert understand("Yes!", [], ["Reset the lamp", "Reset the camera"]).chosen == "Reset the lamp"
    beside = [Said("bot", f"Do you mean “Reset the lamp”?\n\n{phrases.BESIDE}")]
    assert understand("yes", beside, ["Reset the lamp"]).intent == "call_human"


def test_no_to_a_question_back_asks_for_other_words():
    assert understand("Nope.", [], ["Reset the lamp"]).small_talk == "none_meant"
    assert understand("no", []).small_talk == "agreement"
    assert understand("no, the big one", [], ["Reset the lamp"]).intent == "question"


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
    Said("bot", "Hello!"),
    Said("visitor", "How do I install the driver on Windows?"),
    Said("bot", "Download it.", ("Install the driver",)),
]


def test_the_context_of_a_question_is_what_was_said_before_it_and_what_was_cited():
    told = "How do I install the driver on Windows?\nInstall the driver Download it.\nand on Linux?"
    assert in_context("and on Linux?", DRIVER) == told


def test_small_talk_gives_no_context():
    assert in_context("How do I install the driver?", DRIVER[:2]) is None
    assert in_context("How do I install the driver?", []) is None


def test_of_a_long_conversation_the_openings_of_the_last_four_contributions_count():
    earlier = [Said("visitor", f"{number} {'word ' * 60}") for number in range(9)]
    *before, question = (in_context("and then?", earlier) or "").split("\n")
    assert [line.split()[0] for line in before] == ["5", "6", "7", "8"]
    assert {len(line.split()) for line in before} == {40}
    assert question == "and then?"
