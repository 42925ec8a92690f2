"""Candidates for labelling: the questions that a reply showed an article for and whose visitor said whether it helped."""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.answer import verdicts
from bot.answer.intent import verdict_of
from bot.answer.rejection import complains_alone
from conversation.events import SHOWS_PASSAGE, BotSaid, Citation, Event, VisitorSaid
from conversation.ports import RecordStore
from eval.cases import Question, Utterance

PAGE_EVENTS = 500


@dataclass(frozen=True, slots=True)
class Candidate:
    """A question with what came before it, the article that a reply showed for it, and the visitor's verdict on that.

    Of several rated replies to one question it is the last that helped, where none did the last one.
    """

    case_id: str
    at: datetime
    question: str
    history: tuple[Utterance, ...]
    citation: Citation
    passage: str
    helped: bool

    @property
    def verdict(self) -> str:
        """As the label says it."""
        return "helped" if self.helped else "not_helped"

    def labelled(self, gold_articles: frozenset[str]) -> Question:
        """The case of an evaluation file that it becomes."""
        labels = {"from": "rated", "verdict": self.verdict}
        return Question(self.case_id, self.question, gold_articles, self.history, labels=labels)


@dataclass(frozen=True, slots=True)
class _Request:
    """A question, by the numbers of the messages that ask it, and the replies to it, those after a verdict included."""

    asked: tuple[int, ...]
    replies: list[tuple[int, BotSaid]]


async def read_candidates(store: RecordStore) -> tuple[Candidate, ...]:
    """The candidates of all conversations, newest question first. Reads every event; what was erased is none."""
    found = [candidate async for log in _logs(store) for candidate in candidates(log)]
    return tuple(sorted(found, key=lambda candidate: candidate.at, reverse=True))


def candidates(log: Sequence[Event]) -> Iterator[Candidate]:
    """The candidates of one conversation, which is given from its first event on."""
    helpful = verdicts(log)
    for hold in _holds(log):
        for request in _requests(hold):
            rated = [
                (seq, reply)
                for seq, reply in request.replies
                if seq in helpful and reply.outcome in SHOWS_PASSAGE and reply.citations
            ]
            if rated:
                seq, reply = next((pair for pair in reversed(rated) if helpful[pair[0]]), rated[-1])
                yield from _candidate(hold, request.asked, reply, helped=helpful[seq])


async def _logs(store: RecordStore) -> AsyncIterator[Sequence[Event]]:
    """The events of each conversation."""
    log: list[Event] = []
    after = None
    while page := await store.records(after=after, limit=PAGE_EVENTS):
        for event in page:
            if log and log[0].conversation_id != event.conversation_id:
                yield log
                log = []
            log.append(event)
        after = (page[-1].conversation_id, page[-1].seq)
    if log:
        yield log


def _holds(log: Sequence[Event]) -> Iterator[Sequence[Event]]:
    """The log cut where the holder changed: the bot takes up nothing that was asked before an agent had the chat."""
    hold: list[Event] = []
    for event in log:
        if event.standing is not None:
            yield hold
            hold = []
        hold.append(event)
    yield hold


def _requests(hold: Sequence[Event]) -> Iterator[_Request]:
    texts = _texts(hold)
    request: _Request | None = None
    for event in hold:
        if isinstance(event.payload, BotSaid):
            reply = event.payload
            asked = "\n".join(texts[seq] for seq in reply.answers if seq in texts)
            if request is not None and _goes_on(asked, request.replies[-1][1]):
                request.replies.append((event.seq, reply))
                continue
            if request is not None:
                yield request
            request = _Request(reply.answers, [(event.seq, reply)])
    if request is not None:
        yield request


def _goes_on(text: str, reply: BotSaid) -> bool:
    """Whether `text` is no question of its own: a button of the reply before it, a verdict on it, or a mere complaint."""
    pressed = any(choice.label == text for choice in reply.choices)
    return pressed or verdict_of(text, reply) is not None or (reply.outcome in SHOWS_PASSAGE and complains_alone(text))


def _texts(hold: Sequence[Event]) -> dict[int, str]:
    return {event.seq: event.payload.text for event in hold if isinstance(event.payload, VisitorSaid)}


def _candidate(hold: Sequence[Event], asked: Sequence[int], reply: BotSaid, *, helped: bool) -> Iterator[Candidate]:
    """None where the question was erased and the reply, as yet, was not."""
    messages = [event for event in hold if event.seq in asked and isinstance(event.payload, VisitorSaid)]
    texts = _texts(messages)
    if messages and len(messages) == len(asked):
        first = messages[0]
        yield Candidate(
            f"{first.conversation_id}#{first.seq}",
            first.at,
            "\n".join(texts.values()),
            tuple(_history(hold, before=first.seq)),
            reply.citations[0],
            reply.passage or reply.citations[0].quote,
            helped,
        )


def _history(hold: Sequence[Event], *, before: int) -> Iterator[Utterance]:
    """What was said before, with what the bot did, so that the case is played as it was."""
    for event in hold:
        match event.payload:
            case VisitorSaid(text=text) if event.seq < before:
                yield Utterance(role="user", text=text)
            case BotSaid() as reply if event.seq < before:
                yield Utterance(
                    role="assistant",
                    text=reply.text,
                    outcome=reply.outcome,
                    citations=reply.citations,
                    choices=reply.choices,
                    offers_person=reply.offers_person,
                    passage=reply.passage,
                    failed=reply.failed,
                )
