"""Study of a simulated day: how many chats end at the desk, and how many visitors leave with what they came for.

    python -m eval.studies.simulated_day --kb ../shared/data/clinc150/kb --questions ../shared/data/clinc150/dev/questions.jsonl

Every visitor comes with two questions of the file, with or without an answer, and puts them to the real responder; a
colleague is at the desk. Who is shown a right passage goes on, half of them after pressing that it helped. Who sees the
right article among the choices presses it. Any other passage is rejected once: by every second visitor in other words,
where the file asks for the same articles in other words, otherwise by its button or, where it has none, by asking again.
After a refusal nobody asks again. A handoff ends the chat: it is asked for where a message was taken for a call, else
forced. `--impatient`: whose question failed presses the button for a person, if the reply has one.
"""

import argparse
import asyncio
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bot.answer import Policy, Reply, TurnDeps
from bot.cli.options import add_settings, settings_of
from bot.settings.settings import Settings
from bot.turns import Responder
from conversation.events import Author, Choice, Opened, VisitorSaid
from conversation.values import Draft
from eval.cases import Question
from eval.commands import add_filters
from eval.knowledge import open_eval_knowledge
from eval.metrics.printing import mean_of, shown
from eval.suite import Inputs, gather
from eval.task import staffed

SEED = 7  # any fixed number: the same visitors come before and after a change
QUESTIONS_EACH = 2
SHOWING = ("answer", "suggest", "clarify")

Ending = Literal["left", "forced", "asked"]
Paraphrases = Mapping[frozenset[str], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever comes with some questions. `other_words`: the paraphrase of each by which they reject a reply, '' for none."""

    questions: Sequence[Question]
    other_words: Sequence[str]
    presses_helped: bool
    impatient: bool


@dataclass(frozen=True, slots=True)
class Visit:
    """How a chat went: how it ended, how many messages it took, and which questions that some article answers were served."""

    ending: Ending
    messages: int
    served: Sequence[bool]


@dataclass(slots=True)
class Chat:
    """One conversation with the responder; `replies` are all that it ever gave."""

    conversation_id: str
    responder: Responder
    replies: list[Reply]
    messages: int = 0

    async def say(self, text: str) -> Reply:
        """The bot's reply to a message, or to a button with that label."""
        author = Author("visitor", id=self.conversation_id)  # a visitor has one open conversation
        drafts = [Draft(author, VisitorSaid(text))]
        if not self.messages:
            drafts.insert(0, Draft(author, Opened()))
        self.messages += 1
        appended = await self.responder.publisher.append(self.conversation_id, lambda _: drafts)
        assert appended.lease is not None  # the bot holds the chat, and owes nothing else
        await self.responder.answer(appended.lease)
        return self.replies[-1]


def main() -> None:
    """Play the day and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_settings(parser)
    parser.add_argument("--questions", type=Path, required=True, help="questions.jsonl")
    parser.add_argument("--chats", type=int, default=300, help="how many visitors come (default 300)")
    parser.add_argument("--impatient", action="store_true", help="who is not served wants a person")
    add_filters(parser)
    args = parser.parse_args()
    inputs = Inputs(args.questions, None, args.withhold, dict(args.where), args.kb_tag)
    visits = asyncio.run(_day(inputs, settings_of(args), args.chats, impatient=args.impatient))
    Console(width=120).print(_table(visits))


async def _day(inputs: Inputs, settings: Settings, chats: int, *, impatient: bool) -> Sequence[Visit]:
    suite = gather(inputs)
    come = visitors(suite.questions, chats, impatient=impatient)
    with Progress(disable=True) as progress:
        async with open_eval_knowledge(settings, suite.withheld, inputs.kb_tag, progress) as knowledge:
            return await visits(come, knowledge.deps, knowledge.policy)


def visitors(questions: Sequence[Question], count: int, *, impatient: bool = False) -> Sequence[Visitor]:
    """So many, each with questions of their own; questions that need what was said before take no part."""
    asked = [
        question for question in questions if (question.judged or question.asks_for_person) and not question.history
    ]
    alike = defaultdict(list)
    for question in asked:
        alike[question.gold_articles].append(question.question)
    chance = random.Random(SEED)
    return [_visitor(chance, number, asked, alike, impatient=impatient) for number in range(count)]


def _visitor(
    chance: random.Random, number: int, asked: Sequence[Question], alike: Paraphrases, *, impatient: bool
) -> Visitor:
    questions = chance.sample(asked, QUESTIONS_EACH)
    other_words = [_other_words(chance, question, alike) if number % 2 else "" for question in questions]
    return Visitor(questions, other_words, presses_helped=number % 4 < 2, impatient=impatient)


def _other_words(chance: random.Random, question: Question, alike: Paraphrases) -> str:
    others = (
        [text for text in alike[question.gold_articles] if text != question.question] if question.answerable else []
    )
    return chance.choice(others) if others else ""


async def visits(come: Sequence[Visitor], deps: TurnDeps, policy: Policy) -> Sequence[Visit]:
    """How the chats of these visitors go, one after the other in one store."""
    replies: list[Reply] = []
    responder = await staffed(deps, policy, replies)
    return [await _visit(Chat(f"chat{number}", responder, replies), person) for number, person in enumerate(come)]


async def _visit(chat: Chat, visitor: Visitor) -> Visit:
    served = []
    for question, other_words in zip(visitor.questions, visitor.other_words, strict=True):
        reply = await _pursue(chat, question, other_words)
        if question.answerable:
            served.append(_is_right(reply, question))
        button = _button(reply, "person") if visitor.impatient and not _is_right(reply, question) else None
        if _is_right(reply, question) and visitor.presses_helped:
            button = _button(reply, "helped")
        if button is not None and reply.handoff is None:
            reply = await chat.say(button.label)
        if reply.handoff is not None:
            ending: Ending = "asked" if reply.handoff == "visitor_asked" else "forced"
            return Visit(ending, chat.messages, served)
    return Visit("left", chat.messages, served)


async def _pursue(chat: Chat, question: Question, other_words: str) -> Reply:
    """The last reply to a question, with the choice taken and one rejection where the reply is wrong."""
    reply = await _choose(chat, await chat.say(question.question), question)
    if reply.outcome in SHOWING and not _is_right(reply, question):
        button = _button(reply, "not_helped")
        again = other_words or (question.question if button is None else button.label)
        reply = await _choose(chat, await chat.say(again), question)
    return reply


async def _choose(chat: Chat, reply: Reply, question: Question) -> Reply:
    """The reply to the right choice, where the passage is wrong and there is one."""
    right = next((choice for choice in reply.choices if choice.article_id in question.gold_articles), None)
    if right is None or _is_right(reply, question) or reply.outcome not in SHOWING:
        return reply
    return await chat.say(right.label)


def _is_right(reply: Reply, question: Question) -> bool:
    """Whether the passage of the reply is of a right article."""
    return bool(reply.citations) and reply.citations[0].article_id in question.gold_articles


def _button(reply: Reply, kind: str) -> Choice | None:
    return next((choice for choice in reply.choices if choice.kind == kind), None)


def _table(visits_made: Sequence[Visit]) -> Table:
    answerable = [visit for visit in visits_made if visit.served]
    table = Table("", "share [95 %]", "n")
    rows: Sequence[tuple[str, Sequence[float]]] = (
        ("handed over though nobody asked", [visit.ending == "forced" for visit in visits_made]),
        ("handed over as asked for", [visit.ending == "asked" for visit in visits_made]),
        ("visitors shown a right passage, of all", [any(visit.served) for visit in visits_made]),
        ("visitors shown a right passage, of those with such a question", [any(visit.served) for visit in answerable]),
        ("questions with an answer that were shown it", [served for visit in answerable for served in visit.served]),
        ("messages a chat", [visit.messages for visit in visits_made]),
    )
    for name, values in rows:
        table.add_row(name, shown(mean_of(values)), str(len(values)))
    return table


if __name__ == "__main__":
    main()
