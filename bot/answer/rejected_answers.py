"""Rejected answers: which articles are not told again while it is about the same request, and how many replies in a row failed."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from bot.answer.frustration import cues, same_request
from bot.answer.transcript import verdicts
from bot.answer.verdict import verdict_of
from conversation.events import BotSaid, Event, VisitorSaid


@dataclass(frozen=True, slots=True)
class _Exchange:
    """What the visitor asked, what the bot replied, what the visitor said next, and whether they call the reply helpful."""

    asked: str
    reply: BotSaid
    then: str
    helped: bool | None

    @property
    def rejected(self) -> bool:
        """Whether the visitor rejected the reply: by a verdict, in words, or by asking the same again.

        A verdict says more than words, which may be about something else.
        """
        if self.helped is not None:
            return not self.helped
        if (verdict := verdict_of(self.then, self.reply.outcome, self.reply.choices)) is not None:
            return not verdict
        return cues(self.then)["rejected"] > 0 or (self.shows and same_request(self.asked)(self.then))

    @property
    def shows(self) -> bool:
        """Whether the reply put a passage before the visitor."""
        return self.reply.outcome in ("answer", "suggest")

    @property
    def failed(self) -> bool:
        """Whether the reply did not help; of one that shows a passage the visitor says so."""
        return self.reply.failed or (self.shows and self.rejected)

    @property
    def goes_on(self) -> bool:
        """Whether what the visitor says next is about the same request."""
        return self.rejected or self.reply.outcome == "clarify"


def rejected(hold: Sequence[Event], question: str) -> frozenset[str]:
    """The ids of articles that are not to be told in answer to `question`, which comes after the events of the hold.

    They are those that rejected replies put before the visitor, in an unbroken row: the last one before the question, or one that begins with an
    answer to the same question. An article stands for one request alone: whatever else is asked later may be answered
    from it.
    """
    exchanges = _exchanges(hold, question)
    is_same = same_request(question)
    rows = [
        exchanges[::-1],
        *(exchanges[index:] for index, exchange in enumerate(exchanges) if is_same(exchange.asked)),
    ]
    wrong = (
        exchange.reply
        for row in rows
        for exchange in takewhile(lambda exchange: exchange.goes_on, row)
        if exchange.rejected
    )
    return frozenset(article_id for reply in wrong for article_id in reply.shown)


def failures_in_a_row(hold: Sequence[Event], question: str) -> int:
    """How many of the last replies of the hold did not help, as seen when `question` follows.

    One that shows a passage ends the row unless it was rejected; small talk and questions back do neither.
    """
    telling = [exchange for exchange in _exchanges(hold, question) if exchange.shows or exchange.reply.failed]
    return sum(1 for _ in takewhile(lambda exchange: exchange.failed, reversed(telling)))


def _exchanges(hold: Sequence[Event], question: str) -> list[_Exchange]:
    texts = {event.seq: event.payload.text for event in hold if isinstance(event.payload, VisitorSaid)}
    replies = [(event.seq, event.payload) for event in hold if isinstance(event.payload, BotSaid)]
    questions = ["\n".join(texts[seq] for seq in reply.answers if seq in texts) for _, reply in replies]
    helped = verdicts(hold)
    return [
        _Exchange(question_before, reply, then, helped.get(seq))
        for question_before, (seq, reply), then in zip(questions, replies, [*questions, question][1:], strict=True)
    ]
