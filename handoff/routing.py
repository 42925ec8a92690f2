"""Queue order and routing: who is served next, and who gets a waiting conversation that the system assigns. Pure."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from conversation.clock import micros
from conversation.paging import RANKS
from conversation.state import Conversation
from conversation.values import Agent


@dataclass(frozen=True, slots=True)
class Seat:
    """An available agent and their load: how many conversations they hold."""

    agent: Agent
    held: int

    @property
    def is_free(self) -> bool:
        """Whether they take one more."""
        return self.held < self.agent.capacity


@dataclass(frozen=True, slots=True)
class Patience:
    """Routing time-outs: how long a conversation waits for the right agent.

    `same_s`: until one who has let it go may get it again, where nobody else can take it. `fit_s`: until somebody
    without the skill or language gets it, rather than nobody.
    """

    same_s: float
    fit_s: float


def queue_order(queue: Iterable[Conversation], moment: datetime, raise_every_s: float) -> Sequence[Conversation]:
    """The queue as of `moment`: by priority, then by waiting time. Whoever waits rises one priority every `raise_every_s`.

    Before all others come those who had an agent and lost them without a word. By rising, nobody starves behind newer,
    more urgent ones: those who have risen to the top are served longest waiting first. The console
    sorts the same way (`console/static/queue.js`).
    """

    def order(conversation: Conversation) -> tuple[bool, int, int, str]:
        since = conversation.waiting_since or conversation.updated_at
        risen = int((moment - since).total_seconds() // raise_every_s)
        return (
            not conversation.dropped,
            max(0, RANKS[conversation.priority] - max(0, risen)),
            micros(since),
            conversation.conversation_id,
        )

    return sorted(queue, key=order)


def skills_needed(waiting: Conversation, everybody: Iterable[Agent]) -> frozenset[str]:
    """Skill-based routing: the tags that are somebody's skill, present or not; the others are mere labels."""
    return frozenset(waiting.tags) & {skill for agent in everybody for skill in agent.skills}


def takers(
    waiting: Conversation, seats: Iterable[Seat], everybody: Sequence[Agent], moment: datetime, patience: Patience
) -> Sequence[Agent]:
    """Candidate agents for the conversation, the best first: least of their places taken, those who let it go last.

    Equally busy agents come in an order of the conversation's own, so that not the same one is always first.
    """
    skills = skills_needed(waiting, everybody)
    any_will_do = _waited_s(waiting.asked_at, moment) >= patience.fit_s
    again = _waited_s(waiting.held_since, moment) >= patience.same_s
    eligible = [
        seat
        for seat in seats
        if seat.is_free
        and (any_will_do or _fits(seat.agent, skills, waiting.locale))
        and (again or seat.agent.agent_id not in waiting.let_go)
    ]

    def order(seat: Seat) -> tuple[bool, float, bytes]:
        tie_break = hashlib.sha256(f"{waiting.conversation_id} {seat.agent.agent_id}".encode()).digest()
        return seat.agent.agent_id in waiting.let_go, seat.held / seat.agent.capacity, tie_break

    return [seat.agent for seat in sorted(eligible, key=order)]


def _fits(agent: Agent, skills: frozenset[str], locale: str | None) -> bool:
    """Whoever names no skills, or no languages, takes every one."""
    speaks = not agent.languages or locale is None or primary(locale) in agent.languages
    return speaks and (not agent.skills or skills <= set(agent.skills))


def primary(locale: str) -> str:
    """The primary language subtag of a locale: `de` of `de-AT`."""
    return locale.replace("_", "-").partition("-")[0].lower()


def _waited_s(since: datetime | None, moment: datetime) -> float:
    return 0.0 if since is None else (moment - since).total_seconds()
