"""The evaluation task: runs cases through the live path; a history becomes an event log, the reply a row.

Nothing of the bot is replaced: store, bus and clock are the in-memory adapters, `Responder` and `turn` are those of the
chat server. Each case has a store of its own, so no case can influence another.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime

from bot.answer import Policy, Reply, TurnDeps
from bot.answer.intent import small_talk
from bot.turns import CONFIDENCE_DIGITS, Responder
from conversation.bus import LocalBus
from conversation.clock import ManualClock
from conversation.events import BOT, SHOWS_PASSAGE, Author, BotSaid, Opened, VisitorSaid
from conversation.memory import MemoryStore
from conversation.publisher import Publisher
from conversation.values import Agent, Draft
from eval.cases import Dialogue, LabelledTurn, Question, Utterance
from eval.rows import RANKED_LIMIT, Row
from handoff.desk import Desk
from handoff.presence import Attendance

VISITOR = Author("visitor", id="visitor")
COLLEAGUE = Agent("colleague", "colleague@desk.invalid", "Colleague")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)  # the clock stands still: no lease of a long run can run out
CONVERSATION = "case"

TaskInput = tuple[str, Sequence[Utterance | LabelledTurn], str]


class TurnFailed(Exception):
    """The bot broke down on a case; live, the visitor would have got an apology."""

    code = "turn_failed"

    def __init__(self, row_id: str, problem: str) -> None:
        super().__init__(row_id, problem)
        self.row_id, self.problem = row_id, problem

    def __str__(self) -> str:
        return (
            f"case {self.row_id!r}: the turn failed ({self.problem}); `handrail ask` with its question shows the cause"
        )


def task_inputs(questions: Iterable[Question], dialogues: Iterable[Dialogue]) -> Iterator[TaskInput]:
    """Task inputs (row id, what was said before, what is said now): an input a question, and one a labelled turn of a dialogue."""
    for question in questions:
        yield question.case_id, question.history, question.question
    for dialogue in dialogues:
        for row_id, index, _ in dialogue.labelled():
            yield row_id, dialogue.turns[:index], dialogue.turns[index].text


async def run_cases(
    inputs: Iterable[TaskInput], deps: TurnDeps, policy: Policy, on_played: Callable[[], object] = lambda: None
) -> tuple[Row, ...]:
    """Run the task on every input, one after the other, a row each; `on_played` is called after each. Raises `TurnFailed`."""
    rows = []
    for row_id, history, text in inputs:
        rows.append(await run_case(row_id, prefix(history, text), deps, policy))
        on_played()
    return tuple(rows)


def prefix(history: Iterable[Utterance | LabelledTurn], said: str) -> list[Draft]:
    """The event-log prefix up to the message that is to be answered; each earlier reply answers what was open before it."""
    drafts, owed = [Draft(VISITOR, Opened())], tuple[int, ...]()
    for utterance in history:
        if utterance.role == "user":
            drafts.append(Draft(VISITOR, VisitorSaid(utterance.text)))
            owed += (len(drafts),)
        else:
            drafts.append(Draft(BOT, reply_of(utterance, owed)))
            owed = ()
    return [*drafts, Draft(VISITOR, VisitorSaid(said))]


def reply_of(turn: Utterance | LabelledTurn, answers: tuple[int, ...] = ()) -> BotSaid:
    """An earlier turn of the assistant as the event it was, as far as the case says it (`BotFacts`)."""
    outcome = turn.outcome or ("small_talk" if small_talk(turn.text) else "answer")
    passage = turn.text if turn.passage is None else turn.passage
    return BotSaid(
        turn.text,
        outcome,
        answers,
        turn.citations,
        offers_person=turn.offers_person,
        choices=turn.choices,
        passage=passage if outcome in SHOWS_PASSAGE else "",
        failed=outcome == "no_answer" if turn.failed is None else turn.failed,
    )


async def run_case(row_id: str, drafts: Sequence[Draft], deps: TurnDeps, policy: Policy) -> Row:
    """One case at a desk with a colleague present. `latency_ms` is from leased turn to committed reply."""
    replies: list[Reply] = []
    responder = await staffed(deps, policy, replies)
    lease = (await responder.publisher.append(CONVERSATION, lambda _: drafts)).lease
    assert lease is not None  # the log ends with a visitor's message, and the bot holds the chat
    began = time.perf_counter()
    appended = await responder.answer(lease)
    latency_ms = 1000 * (time.perf_counter() - began)
    assert appended is not None  # nobody else is there to take over
    return _row(row_id, replies[0], latency_ms)


async def staffed(deps: TurnDeps, policy: Policy, replies: list[Reply]) -> Responder:
    """A responder with a store of its own and a colleague present; what it replies is added to `replies`."""
    clock = ManualClock(NOON)
    store = MemoryStore(clock=clock)
    publisher = Publisher(store, LocalBus(), clock)
    attendance = Attendance(store, clock)
    await store.add_agent(COLLEAGUE, None)
    await attendance.announce(COLLEAGUE, "online")
    return Responder(
        publisher, Desk(publisher, attendance), lambda: deps, policy, lambda reply, _took_s: replies.append(reply)
    )


def _row(row_id: str, reply: Reply, latency_ms: float) -> Row:
    if reply.fault:
        raise TurnFailed(row_id, reply.fault)
    return Row(
        row_id=row_id,
        outcome=reply.outcome,
        confidence=round(reply.confidence, CONFIDENCE_DIGITS),
        ranked=reply.ranked[:RANKED_LIMIT],
        shown=reply.shown,
        citations=reply.citations,
        text=reply.text,
        frustration=None if reply.mood is None else reply.mood.score,
        reason=reply.handoff,
        latency_ms=latency_ms,
        passage=reply.passage,
        choices=reply.choices,
        features=reply.features,
        reach=reply.reach,
        trace=reply.trace,
    )
