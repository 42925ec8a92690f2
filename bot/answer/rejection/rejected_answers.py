"""Rejected answers: what is not told again while it is about the same request, and how many replies in a row failed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile

from bot.answer.frustration import same_request
from bot.answer.intent import verdict_of
from bot.answer.rejection.complaints import complains_alone, rejects
from bot.answer.transcript import verdicts
from conversation.events import SHOWS_PASSAGE, BotSaid, Event, VisitorSaid

Section = tuple[str, str | None]  # article id, heading; None above the first heading

TRIES = 2  # sections of an article: when so many were rejected, it has no answer


@dataclass(frozen=True, slots=True)
class Rejected:
    """What the visitor has rejected: whole articles by id, and sections of articles that may have the answer elsewhere."""

    articles: frozenset[str] = frozenset()
    sections: frozenset[Section] = frozenset()

    @property
    def doubted(self) -> frozenset[str]:
        """The articles that are left, but have told something that did not help."""
        return frozenset(article_id for article_id, _ in self.sections) - self.articles

    def __bool__(self) -> bool:
        return bool(self.articles or self.sections)


NOTHING_REJECTED = Rejected()


@dataclass(frozen=True, slots=True)
class _Exchange:
    """What the visitor asked, what the bot replied, what the visitor said next, and whether they call the reply helpful."""

    asked: str
    reply: BotSaid
    then: str
    helped: bool | None

    @property
    def verdict(self) -> bool | None:
        """Whether the visitor calls the reply helpful, by a mark or by what they say next."""
        return verdict_of(self.then, self.reply) if self.helped is None else self.helped

    @property
    def rejected(self) -> bool:
        """Whether the visitor rejected the reply: by a verdict, in words, or by asking the same again.

        A verdict says more than words, which may be about something else.
        """
        if self.verdict is not None:
            return not self.verdict
        return rejects(self.then) or (self.shows and same_request(self.asked)(self.then))

    @property
    def not_meant(self) -> bool:
        """Whether the visitor said of a suggestion that nothing of it is what they mean."""
        return self.reply.outcome == "suggest" and self.verdict is False

    @property
    def shows(self) -> bool:
        """Whether the reply put a passage before the visitor."""
        return self.reply.outcome in SHOWS_PASSAGE

    @property
    def failed(self) -> bool:
        """Whether the reply did not help; of one that shows a passage the visitor says so."""
        return self.reply.failed or (self.shows and self.rejected)

    @property
    def goes_on(self) -> bool:
        """Whether what the visitor says next is about the same request."""
        asked_back = self.reply.outcome == "small_talk" and self.reply.offers_person  # "I am sorry. What was missing?"
        return self.rejected or asked_back or self.reply.outcome == "clarify"


def rejected(hold: Sequence[Event], question: str) -> Rejected:
    """What is not to be told in answer to `question`, which comes after the events of the hold.

    Of a suggestion that is not what was meant all its articles; of other replies the section that was told, and the
    articles that stood beside it and were not taken. They are those of rejected replies in an unbroken row: the last one
    before the question, or one that begins with an answer to the same question. An article stands for one request alone:
    whatever else is asked later may be answered from it.
    """
    exchanges = _exchanges(hold, question)
    is_same = same_request(_request(exchanges, question))
    rows = [
        exchanges[::-1],
        *(exchanges[index:] for index, exchange in enumerate(exchanges) if is_same(exchange.asked)),
    ]
    wrong = [
        exchange
        for row in rows
        for exchange in takewhile(lambda exchange: exchange.goes_on, row)
        if exchange.rejected and exchange.shows
    ]
    sections = frozenset(_section(exchange.reply) for exchange in wrong if exchange.reply.citations)
    tried = Counter(article_id for article_id, _ in sections)
    whole = (article_id for exchange in wrong for article_id in _articles(exchange))
    return Rejected(frozenset([*whole, *(article_id for article_id in tried if tried[article_id] >= TRIES)]), sections)


def _section(reply: BotSaid) -> Section:
    return reply.citations[0].article_id, reply.citations[0].heading


def _articles(exchange: _Exchange) -> Sequence[str]:
    """The articles of a rejected reply that are out."""
    if exchange.reply.outcome == "answer":
        return ()
    return exchange.reply.shown if exchange.not_meant else exchange.reply.shown[1:]


def failures_in_a_row(hold: Sequence[Event], question: str) -> int:
    """How many of the last replies of the hold did not help, as seen when `question` follows.

    One that shows a passage ends the row unless it was rejected; small talk and questions back do neither. That there is
    nothing else for what was rejected counts with the rejection.
    """
    telling = [exchange for exchange in _exchanges(hold, question) if exchange.shows or exchange.reply.failed]
    failed = list(takewhile(lambda exchange: exchange.failed, reversed(telling)))
    repeated = sum(
        later.reply.failed and earlier.shows and later.asked == earlier.asked for later, earlier in pairwise(failed)
    )
    return len(failed) - repeated


def _exchanges(hold: Sequence[Event], question: str) -> list[_Exchange]:
    texts = {event.seq: event.payload.text for event in hold if isinstance(event.payload, VisitorSaid)}
    replies = [(event.seq, event.payload) for event in hold if isinstance(event.payload, BotSaid)]
    questions = ["\n".join(texts[seq] for seq in reply.answers if seq in texts) for _, reply in replies]
    helped = verdicts(hold)
    exchanges: list[_Exchange] = []
    for said, (seq, reply), then in zip(questions, replies, [*questions, question][1:], strict=True):
        exchanges.append(_Exchange(_request(exchanges, said), reply, then, helped.get(seq)))
    return exchanges


def _request(before: Sequence[_Exchange], text: str) -> str:
    """What is asked by `text`: by a verdict on the reply before it, or a mere complaint, what that replied to."""
    if before and (verdict_of(text, before[-1].reply) is not None or (before[-1].shows and complains_alone(text))):
        return before[-1].asked
    return text
