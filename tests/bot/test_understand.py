import pytest

from bot.reply import phrases
from bot.understand import Said, asks_for_person, in_context, small_talk, understand

CALLS = [
    "I want to talk to a human",
    "talk to a person",
    "Can I speak with an agent please?",
    "connect me to customer care",
    "human",
    "Agent!",
    "I need a real person",
    "get me a human",
    "is there a real person here?",
    "please transfer me to a representative",
    "I'd like to speak to someone",
    "stop, no more bots, I need a human",
    "how can I talk to a person?",
    "let me chat with support",
]

NO_CALLS = [
    "How do I add an agent?",
    "what can an agent see",
    "Which operator has precedence?",
    "my agent license expired",
    "The human readable name is wrong",
    "how many agents can work at once",
    "operator overloading does not compile",
    "How do I transfer a chat to another agent?",
    "where do I set the capacity of an agent",
    "personal data export",
    "What does the support plan include?",
]


@pytest.mark.parametrize("text", CALLS)
def test_a_wish_for_a_person_is_heard(text):
    assert asks_for_person(text)


@pytest.mark.parametrize("text", NO_CALLS)
def test_a_question_about_persons_is_a_question(text):
    assert not asks_for_person(text)


@pytest.mark.parametrize("yes", ["yes", "Yes please!", "ok", "sure", "yeah, I would"])
def test_yes_to_the_offer_of_a_person_calls_one(yes):
    earlier = [Said("visitor", "what about x"), Said("bot", phrases.NO_ANSWER)]
    assert understand(yes, earlier).intent == "call_human"


def test_yes_to_anything_else_is_small_talk():
    assert understand("yes", [Said("bot", "Press the button twice.")]).intent == "small_talk"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Hi", "greeting"),
        ("hello there!", "greeting"),
        ("Good morning", "greeting"),
        ("thanks a lot", "thanks"),
        ("ok thank you, it works now", "thanks"),
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
    "text", ["hi, my board does not show up", "thanks but it still fails", "who are you shipping with"]
)
def test_a_question_behind_a_courtesy_is_a_question(text):
    assert small_talk(text) is None


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
