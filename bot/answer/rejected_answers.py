"""Which answers the visitor has rejected: their articles are not told again while it is about the same request."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from bot.answer.frustration import cues, same_request
from bot.answer.transcript import verdicts
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
        """Whether the visitor rejected the reply. A rating says more than words, which may be about something else."""
        return cues(self.then)["rejected"] > 0 if self.helped is None else not self.helped

    @property
    def goes_on(self) -> bool:
        """Whether what the visitor says next is about the same request."""
        asked_back = self.reply.outcome == "small_talk" and self.reply.offers_person  # "I am sorry. What was missing?"
        return self.rejected or asked_back or self.reply.outcome == "clarify"


def rejected(hold: Sequence[Event], question: str) -> frozenset[str]:
    """The ids of articles that are not to be told in answer to `question`, which comes after the events of the hold.

    They are those of rejected answers in an unbroken row: the last one before the question, or one that begins with an
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
    return frozenset(citation.article_id for reply in wrong for citation in reply.citations)


def _exchanges(hold: Sequence[Event], question: str) -> list[_Exchange]:
    texts = {event.seq: event.payload.text for event in hold if isinstance(event.payload, VisitorSaid)}
    replies = [(event.seq, event.payload) for event in hold if isinstance(event.payload, BotSaid)]
    questions = ["\n".join(texts[seq] for seq in reply.answers if seq in texts) for _, reply in replies]
    helped = verdicts(hold)
    return [
        _Exchange(question_before, reply, then, helped.get(seq))
        for question_before, (seq, reply), then in zip(questions, replies, [*questions, question][1:], strict=True)
    ]
