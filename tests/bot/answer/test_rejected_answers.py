from datetime import UTC, datetime

import pytest

from bot.answer.rejected_answers import rejected
from conversation.events import BOT, BotSaid, Citation, Event, Rated, VisitorSaid

PARCEL = "Where is my parcel 4411?"
WRONG = "That's not what I asked."


class Hold:
    """What was said and rated since the bot has the chat."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def told(self, asked, *articles, outcome="answer"):
        """The visitor asked, and the bot replied from these articles; the number of the reply."""
        citations = tuple(Citation(article_id, article_id, None, "/help", "Yes.") for article_id in articles)
        question = self._add(VisitorSaid(asked))
        return self._add(BotSaid("Yes.", outcome, (question,), citations))

    def rated(self, seq, *, helpful):
        self._add(Rated(seq, helpful))

    def _add(self, payload):
        self.events.append(Event("c1", len(self.events) + 3, "e", datetime(2026, 3, 2, tzinfo=UTC), BOT, payload))
        return self.events[-1].seq


@pytest.fixture
def hold():
    return Hold()


def test_what_was_not_rejected_may_be_told_again(hold):
    hold.told(PARCEL, "parcels")
    assert rejected(hold.events, PARCEL) == rejected([], WRONG) == frozenset()


def test_an_answer_is_rejected_by_the_words_right_after_it(hold):
    hold.told(PARCEL, "parcels")
    assert rejected(hold.events, f"{WRONG} Which carrier has it?") == {"parcels"}


def test_an_answer_is_rejected_by_marking_it_and_accepted_by_changing_the_mark(hold):
    seq = hold.told(PARCEL, "parcels")
    hold.rated(seq, helpful=False)
    assert rejected(hold.events, "Which carrier has it?") == {"parcels"}
    hold.rated(seq, helpful=True)
    assert rejected(hold.events, "Which carrier has it?") == frozenset()
    assert rejected(hold.events, "But my neighbour's parcel did not help.") == frozenset()


def test_all_that_was_rejected_in_a_row_counts(hold):
    hold.told(PARCEL, "parcels")
    hold.told(WRONG, "carriers")
    hold.told("No, that did not help either.", outcome="clarify")
    assert rejected(hold.events, "the one with the lamp") == {"parcels", "carriers"}


def test_another_question_after_another_answer_may_be_answered_from_it(hold):
    hold.told(PARCEL, "parcels")
    hold.told(f"{WRONG} Do you have lamps?", "lamps")
    assert rejected(hold.events, "How much is a parcel abroad?") == frozenset()


@pytest.mark.parametrize("outcome", ["no_answer", "small_talk"])
def test_another_question_after_a_reply_without_an_answer_may_be_answered_from_it(hold, outcome):
    hold.told(PARCEL, "parcels")
    hold.told(WRONG, outcome=outcome)
    assert rejected(hold.events, "How much is a parcel abroad?") == frozenset()


def test_the_same_question_again_is_the_same_request_and_all_its_rejected_answers_count(hold):
    hold.told(PARCEL, "parcels")
    hold.told(WRONG, "carriers")
    hold.told("That did not help.", outcome="no_answer")
    hold.told("Do you have lamps?", "lamps")
    assert rejected(hold.events, "So where is my parcel 4411?") == {"parcels", "carriers"}
