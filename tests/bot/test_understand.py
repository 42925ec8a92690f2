import pytest

from bot.reply import phrases
from bot.understand import Said, asks_for_person, small_talk, understand

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


def test_a_question_that_stands_alone_is_searched_alone():
    understood = understand("How do I install the driver on Windows?", [Said("visitor", "Refund for my order")])
    assert understood.query == "How do I install the driver on Windows?"


@pytest.mark.parametrize("follow_up", ["and on Linux?", "does it work offline too", "why"])
def test_a_follow_up_carries_the_last_questions_along(follow_up):
    earlier = [
        Said("visitor", "hello"),
        Said("bot", "Hello!"),
        Said("visitor", "How do I install the driver on Windows?"),
        Said("bot", "Download it."),
    ]
    assert understand(follow_up, earlier).query == f"How do I install the driver on Windows?\n{follow_up}"
