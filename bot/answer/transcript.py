"""The transcript of a conversation: what visitor, bot and agents said, in order, and what the bot did with it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from conversation.events import AgentSaid, BotSaid, Choice, Event, Outcome, Rated, VisitorSaid

Role = Literal["visitor", "bot", "agent"]


@dataclass(frozen=True, slots=True)
class Said:
    """One message of the transcript. `text` is for people and models; decisions read the other fields.

    Of a reply of the bot: its `outcome`; the `titles` of the articles that it cited; the `passage` that it gave;
    whether it `failed`; whether its words offered a person; its `choices`. `unhelpful`: the visitor marked it as not
    helpful, and has not changed that. `seq` is its number.
    """

    role: Role
    text: str
    titles: tuple[str, ...] = ()
    unhelpful: bool = False
    outcome: Outcome | None = None
    passage: str = ""
    failed: bool = False
    offers_person: bool = False
    choices: tuple[Choice, ...] = ()
    seq: int = 0

    @property
    def articles(self) -> tuple[Choice, ...]:
        """The articles between which the visitor may choose."""
        return tuple(choice for choice in self.choices if choice.kind == "article")

    @property
    def person_labels(self) -> tuple[str, ...]:
        """What a button for a person said."""
        return tuple(choice.label for choice in self.choices if choice.kind == "person")


def transcript_of(events: Iterable[Event]) -> Iterator[Said]:
    """What visitor, bot and agents said, in order; notes and all that is no speech are left out."""
    log = list(events)
    helpful = verdicts(log)
    for event in log:
        match event.payload:
            case VisitorSaid(text=text):
                yield Said("visitor", text)
            case BotSaid():
                yield said_by_bot(event.payload, seq=event.seq, unhelpful=not helpful.get(event.seq, True))
            case AgentSaid(text=text):
                yield Said("agent", text)


def said_by_bot(reply: BotSaid, *, seq: int = 0, unhelpful: bool = False) -> Said:
    """A reply of the bot as a contribution."""
    return Said(
        "bot",
        reply.text,
        tuple(citation.title for citation in reply.citations),
        unhelpful,
        reply.outcome,
        reply.passage,
        reply.failed,
        reply.offers_person,
        reply.choices,
        seq,
    )


def verdicts(events: Iterable[Event]) -> dict[int, bool]:
    """Whether the visitor calls a reply helpful, by its number; what they said last counts."""
    return {event.payload.of: event.payload.helpful for event in events if isinstance(event.payload, Rated)}
