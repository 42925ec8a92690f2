"""The transcript of a conversation: what visitor, bot and agents said, in order."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from conversation.events import AgentSaid, BotSaid, Event, Rated, VisitorSaid

Role = Literal["visitor", "bot", "agent"]


@dataclass(frozen=True, slots=True)
class Said:
    """One contribution to the conversation so far; `titles` are those of the articles that the bot cited in it.

    `unhelpful`: the visitor marked this reply of the bot as not helpful, and has not changed that.
    """

    role: Role
    text: str
    titles: tuple[str, ...] = ()
    unhelpful: bool = False


def transcript_of(events: Iterable[Event]) -> Iterator[Said]:
    """What visitor, bot and agents said, in order; notes and all that is no speech are left out."""
    known = list(events)
    helped = verdicts(known)
    for event in known:
        match event.payload:
            case VisitorSaid(text=text):
                yield Said("visitor", text)
            case BotSaid(text=text, citations=citations):
                yield Said(
                    "bot", text, tuple(citation.title for citation in citations), not helped.get(event.seq, True)
                )
            case AgentSaid(text=text):
                yield Said("agent", text)


def verdicts(events: Iterable[Event]) -> dict[int, bool]:
    """Whether the visitor calls a reply helpful, by its number; what they said last counts."""
    return {event.payload.of: event.payload.helpful for event in events if isinstance(event.payload, Rated)}
