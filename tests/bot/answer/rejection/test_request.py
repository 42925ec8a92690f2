from bot.answer.rejection.request import request_before
from bot.answer.transcript import Said
from conversation.events import Choice

ASKED = Said("visitor", "I never got the email")
SHOWN = Said("bot", "Look.", outcome="suggest", passage="Look.", choices=(Choice("article", "Spam", "spam"),))


def test_the_request_is_what_was_asked_last():
    assert request_before([]) is None
    assert request_before([ASKED]) == (ASKED.text, [])
    other = Said("visitor", "Do you have lamps?")
    assert request_before([ASKED, SHOWN, other]) == (other.text, [ASKED, SHOWN])


def test_complaints_small_talk_and_choices_leave_it_as_it_is():
    replies = [
        reply for text in ("didn't work", "thanks", "the first one", "Spam") for reply in (SHOWN, Said("visitor", text))
    ]
    assert request_before([ASKED, *replies]) == (ASKED.text, [])


def test_what_a_complaint_tells_is_asked_with_it():
    complaint = Said("visitor", "still no email")
    assert request_before([ASKED, SHOWN, complaint, SHOWN]) == (f"{ASKED.text}\n{complaint.text}", [])


def test_a_complaint_after_which_nothing_was_shown_is_what_is_asked():
    complaint = Said("visitor", "it does not work")
    assert request_before([complaint, SHOWN]) == (complaint.text, [])
