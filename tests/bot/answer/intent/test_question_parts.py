import pytest

from bot.answer.intent.question_parts import QuestionPart, several_questions


def asked(text):
    return [part.question for part in several_questions(text)]


@pytest.mark.parametrize(
    ("text", "questions"),
    [
        (
            "i want to return a dress and also change my adress on the invoice",
            ["i want to return a dress", "change my adress on the invoice"],
        ),
        (
            "what is the return fee for Norway?\nand where do I enter my VAT number?",
            ["what is the return fee for Norway?", "where do I enter my VAT number?"],
        ),
        (
            "How do I reset the lamp? Where is the manual kept?",
            ["How do I reset the lamp?", "Where is the manual kept?"],
        ),
        (
            "where is my parcel and how do I change the delivery address",
            ["where is my parcel", "how do I change the delivery address"],
        ),
        (
            "Wie lange dauert die Lieferung und kann ich die Adresse ändern?",
            ["Wie lange dauert die Lieferung", "kann ich die Adresse ändern?"],
        ),
        (
            "comment suivre mon colis ? et comment changer mon adresse ?",
            ["comment suivre mon colis ?", "comment changer mon adresse ?"],
        ),
        (
            "can I pay by card, and when will the refund arrive, and do you ship gift cards?",
            ["can I pay by card", "when will the refund arrive", "do you ship gift cards?"],
        ),
    ],
)
def test_a_message_that_asks_more_than_one_thing_is_told_apart(text, questions):
    assert asked(text) == questions


@pytest.mark.parametrize(
    "text",
    [
        "how do i return shoes and socks",
        "where can I see and download my invoices?",
        "Hi! How do I cancel my order?",
        "my zip broke. what can i do?",
        "I ordered last week and it has not arrived. Where is my parcel?",
        "can you help me? my password does not work",
        "terms and conditions",
        "??? hello ???",
        "",
    ],
)
def test_one_question_stays_whole_however_it_is_put(text):
    assert asked(text) == []


def test_what_is_told_before_a_question_belongs_to_it():
    text = "Hi, I ordered a lamp last week. How do I cancel my order? And when do I get my money back?"
    assert several_questions(text) == [
        QuestionPart("How do I cancel my order?", "Hi, I ordered a lamp last week."),
        QuestionPart("when do I get my money back?"),
    ]


def test_a_letter_with_many_questions_is_searched_as_a_whole():
    assert asked("How do I pay bills? Where do I sign papers? Who ships the lamp? What does the lamp cost?") == []


def test_i_joins_questions_in_polish_and_none_in_english():
    polish = several_questions("Jak zwrócić buty i kiedy dostanę pieniądze?")
    assert [part.question for part in polish] == ["Jak zwrócić buty", "kiedy dostanę pieniądze?"]
    assert several_questions("I would like to know how I can return my shoes.") == []
