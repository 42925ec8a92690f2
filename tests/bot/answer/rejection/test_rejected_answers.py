from datetime import UTC, datetime

import pytest

from bot.answer.rejection.rejected_answers import NOTHING_REJECTED, TRIES, Rejected, failures_in_a_row, rejected
from conversation.events import BOT, BotSaid, Choice, Citation, Event, Rated, VisitorSaid

PARCEL = "Where is my parcel 4411?"
WRONG = "That's not what I asked."
PRESSED = "Not it"
BUTTONS = (Choice("helped", "That helped"), Choice("not_helped", PRESSED))


class Hold:
    """What was said and rated since the bot has the chat."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def told(self, asked, *articles, outcome="answer", heading=None):
        """The visitor asked, and the bot replied from these articles; the number of the reply."""
        citations = tuple(Citation(article_id, article_id, heading, "/help", "Yes.") for article_id in articles)
        question = self._add(VisitorSaid(asked))
        choices = BUTTONS if outcome == "suggest" else ()
        failed = outcome == "no_answer"
        return self._add(BotSaid("Yes.", outcome, (question,), citations, choices=choices, failed=failed))

    def rated(self, seq, *, helpful):
        self._add(Rated(seq, helpful))

    def _add(self, payload):
        self.events.append(Event("c1", len(self.events) + 3, "e", datetime(2026, 3, 2, tzinfo=UTC), BOT, payload))
        return self.events[-1].seq


@pytest.fixture
def hold():
    return Hold()


def sections(*articles):
    """Of each the part above its first heading was told."""
    return Rejected(sections=frozenset((article_id, None) for article_id in articles))


def test_what_was_not_rejected_may_be_told_again(hold):
    hold.told(PARCEL, "parcels")
    assert rejected(hold.events, "Do you have lamps?") == rejected([], WRONG) == NOTHING_REJECTED


def test_asking_the_same_again_rejects_what_was_told(hold):
    hold.told(PARCEL, "parcels")
    assert rejected(hold.events, f"So, {PARCEL}") == sections("parcels")


def test_an_answer_is_rejected_by_the_words_right_after_it(hold):
    hold.told(PARCEL, "parcels")
    assert rejected(hold.events, f"{WRONG} Which carrier has it?") == sections("parcels")


def test_an_answer_is_rejected_by_marking_it_and_accepted_by_changing_the_mark(hold):
    seq = hold.told(PARCEL, "parcels")
    hold.rated(seq, helpful=False)
    assert rejected(hold.events, "Which carrier has it?") == sections("parcels")
    hold.rated(seq, helpful=True)
    assert rejected(hold.events, "Which carrier has it?") == NOTHING_REJECTED
    assert rejected(hold.events, "But my neighbour's parcel did not help.") == NOTHING_REJECTED


def test_all_that_was_rejected_in_a_row_counts(hold):
    hold.told(PARCEL, "parcels")
    hold.told(WRONG, "carriers")
    hold.told("No, that did not help either.", outcome="clarify")
    assert rejected(hold.events, "the one with the lamp") == sections("parcels", "carriers")


def test_another_question_after_another_answer_may_be_answered_from_it(hold):
    hold.told(PARCEL, "parcels")
    hold.told(f"{WRONG} Do you have lamps?", "lamps")
    assert rejected(hold.events, "How much is a parcel abroad?") == NOTHING_REJECTED


@pytest.mark.parametrize("outcome", ["no_answer", "small_talk"])
def test_another_question_after_a_reply_without_an_answer_may_be_answered_from_it(hold, outcome):
    hold.told(PARCEL, "parcels")
    hold.told(WRONG, outcome=outcome)
    assert rejected(hold.events, "How much is a parcel abroad?") == NOTHING_REJECTED


def test_the_same_question_again_is_the_same_request_and_all_its_rejected_answers_count(hold):
    hold.told(PARCEL, "parcels")
    hold.told(WRONG, "carriers")
    hold.told("That did not help.", outcome="no_answer")
    hold.told("Do you have lamps?", "lamps")
    assert rejected(hold.events, "So where is my parcel 4411?") == sections("parcels", "carriers")


def test_an_article_is_out_once_so_many_of_its_sections_were_rejected(hold):
    for number in range(TRIES):
        assert rejected(hold.events, WRONG).articles == frozenset()
        hold.told(WRONG if number else PARCEL, "parcels", heading=f"Part {number}")
    assert rejected(hold.events, WRONG).articles == {"parcels"}
    assert rejected(hold.events, WRONG).doubted == frozenset()


def test_of_a_suggestion_that_is_not_meant_every_article_is_out(hold):
    hold.told(PARCEL, "parcels", "lamps", "carriers", outcome="suggest")
    for text in (PRESSED, "no"):
        assert rejected(hold.events, text).articles == {"parcels", "lamps", "carriers"}
    for text in ("That helped", "yes", "Do you have lamps?"):
        assert rejected(hold.events, text) == NOTHING_REJECTED


def test_asking_the_same_again_after_a_suggestion_leaves_another_section_of_its_first_article(hold):
    hold.told(PARCEL, "parcels", "lamps", "carriers", outcome="suggest")
    again = rejected(hold.events, PARCEL)
    assert (again.articles, again.doubted) == ({"lamps", "carriers"}, {"parcels"})


def test_all_suggestions_in_a_row_that_were_not_meant_are_out(hold):
    hold.told(PARCEL, "a", "b", outcome="suggest")
    hold.told(PRESSED, "c", outcome="suggest")
    hold.told(PRESSED, "d", "e", outcome="suggest")
    assert rejected(hold.events, PRESSED).articles == set("abcde")


def test_a_verdict_asks_what_its_reply_was_to(hold):
    """So asking that again is asking the same, and rejects the second suggestion too."""
    hold.told(PARCEL, "a", "b", outcome="suggest")
    hold.told(PRESSED, "c", "d", outcome="suggest")
    again = rejected(hold.events, PARCEL)
    assert again.articles >= {"a", "b", "d"}
    assert ("c", None) in again.sections
    assert failures_in_a_row(hold.events, PARCEL) == 2


def test_a_verdict_on_what_was_asked_a_second_time_counts_the_first_time_too(hold):
    hold.told(PARCEL, "a", "b", outcome="suggest")
    hold.told(PRESSED, "c", outcome="suggest")
    hold.told("Do you have lamps?", "lamps")
    hold.told(PARCEL, "d", outcome="suggest")
    assert rejected(hold.events, PRESSED).articles == set("abd")


@pytest.mark.parametrize(
    ("told", "then", "failures"),
    [
        ([], "Hm?", 0),
        ([("no_answer", PARCEL)], "Hm?", 1),
        ([("no_answer", PARCEL), ("no_answer", "Why?")], "Hm?", 2),
        ([("no_answer", PARCEL), ("small_talk", "hi"), ("clarify", "Why?")], "Hm?", 1),
        ([("no_answer", PARCEL), ("answer", "Why?")], "Hm?", 0),
        ([("no_answer", PARCEL), ("answer", "Why?")], WRONG, 2),
        ([("suggest", PARCEL)], "Hm?", 0),
        ([("suggest", PARCEL)], "yes", 0),
        ([("suggest", PARCEL)], "no", 1),
        ([("suggest", PARCEL)], PARCEL, 1),
        ([("suggest", PARCEL), ("suggest", PRESSED)], PRESSED, 2),
        ([("suggest", PARCEL), ("suggest", PRESSED), ("suggest", PRESSED)], PRESSED, 3),
        ([("suggest", PARCEL), ("suggest", PRESSED)], "Do you have lamps?", 0),
        ([("suggest", PARCEL), ("small_talk", "hi")], "no", 0),
    ],
)
def test_replies_in_a_row_that_did_not_help_are_counted_as_the_visitor_sees_them(hold, told, then, failures):
    for outcome, asked in told:
        hold.told(asked, *(["a", "b"] if outcome in ("answer", "suggest") else []), outcome=outcome)
    assert failures_in_a_row(hold.events, then) == failures


def test_a_mark_on_a_reply_counts_like_a_verdict(hold):
    seq = hold.told(PARCEL, "a", "b", outcome="suggest")
    hold.rated(seq, helpful=False)
    assert failures_in_a_row(hold.events, "Do you have lamps?") == 1
    assert rejected(hold.events, "Do you have lamps?").articles == {"a", "b"}


def test_that_there_is_nothing_else_for_what_was_rejected_is_no_second_failure(hold):
    hold.told(PARCEL, "parcels", "lockers", outcome="suggest")
    hold.told(PRESSED, outcome="no_answer")
    assert failures_in_a_row(hold.events, "Do you have lamps?") == 1
    hold.told("Do you have lamps?", outcome="no_answer")
    assert failures_in_a_row(hold.events, "And cars?") == 2


def test_two_suggestions_that_are_rejected_are_two_failures(hold):
    hold.told(PARCEL, "parcels", "lockers", outcome="suggest")
    hold.told(PRESSED, "carriers", outcome="suggest")
    assert failures_in_a_row(hold.events, PRESSED) == 2
