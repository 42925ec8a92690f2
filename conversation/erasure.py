"""Erasure (the right to be forgotten): what remains of an event, and of a conversation, once its texts are overwritten.

What stays are numbers, ids, times, kinds, who held the chat, and choices from a fixed list (an outcome, a score): enough
for every cursor, every count and every law of the log. What anyone typed, and what repeats it, goes.

A long conversation is overwritten a batch at a time, from its beginning, so that nobody waits for all of it. It counts
as erased with the last batch alone: whoever is interrupted leaves one that is found again, and `Remains` of the next
erasure finds what they had done.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from conversation.events import (
    ERASED,
    SYSTEM,
    Author,
    Closed,
    ContactLeft,
    Event,
    JsonObject,
    Opened,
    Redacted,
    Unknown,
    body_of,
)
from conversation.state import Conversation, apply, begin
from conversation.values import Draft

# Columns of random ids, which stay: a short name would be found in them by chance.
RANDOM_IDS = ("conversation_id", "event_id", "client_id", "visitor_id", "agent_id", "by_id", "holder_id", "sender")
SEQS_AN_EVENT = 1000  # of one `redacted`; a frame with as many has 6 KB

# What may stay of each kind; of a kind that is missing here nothing does.
KEPT: Mapping[str, tuple[str, ...]] = {
    "bot_said": ("outcome", "answers", "confidence", "kb_version", "turn_id", "reason", "offers_person", "failed"),
    "handoff_requested": ("reason", "priority"),
    "claimed": (),
    "transferred": ("to", "to_name"),
    "returned_to_bot": (),
    "reopened": (),
    "rated": ("of", "helpful"),
    "surveyed": ("score",),
    "priority_set": ("priority",),
    "redacted": ("seqs",),
}
REASONED = ("released", "closed")  # an agent types the reason; everybody else gives one of ours


def erased(event: Event) -> Event:
    """The redacted event, what remains of `event`; the same one where there is nothing to overwrite, as the second time."""
    by = Author(event.by.kind, None, event.by.id) if event.by.kind == "visitor" else event.by
    if isinstance(event.payload, Opened):
        return replace(event, by=by, payload=replace(event.payload, page=None))
    body = body_of(event.payload)
    kept = {name: value for name, value in body.items() if name in _kept(event)}
    lost = {name for name, value in body.items() if name not in kept and name != ERASED and value}
    if not lost:
        return replace(event, by=by)
    remains: JsonObject = {**kept, ERASED: True}
    return replace(event, by=by, payload=Unknown(event.kind, remains))


def _kept(event: Event) -> tuple[str, ...]:
    if event.kind in REASONED:
        return () if event.by.kind == "agent" else ("reason",)
    return KEPT.get(event.kind, ())


@dataclass(frozen=True, slots=True)
class Remains:
    """Progress of an erasure: how far it has come through the event log.

    `conversation` is what the events so far add up to without their texts, `changed` the numbers of those that had some.
    `later` are events to be overwritten in the end: by the address in them an interrupted erasure is found again. `marked` and
    `quiet` are those of whom no `redacted` has told yet although they hold nothing: of the first it shows that somebody
    overwrote them, of the second, as they are the visitor's, it would not.
    """

    conversation: Conversation | None = None
    changed: tuple[int, ...] = ()
    later: tuple[Event, ...] = ()
    marked: tuple[int, ...] = ()
    quiet: tuple[int, ...] = ()

    @property
    def seq(self) -> int:
        """The cursor: the number of the last event so far."""
        return self.conversation.seq if self.conversation else 0

    @property
    def to_redact(self) -> tuple[int, ...]:
        """Whose copies readers must drop, also of what an earlier erasure overwrote without coming to its end."""
        before = (*self.marked, *self.quiet) if self.marked else ()
        return tuple(sorted((*self.changed, *before)))

    def after(self, page: Sequence[Event]) -> tuple[Self, list[Event]]:
        """The next step: the progress with one more page of the log, and the events that take its place now."""
        pairs = [(event, erased(event)) for event in page]
        conversation = self.conversation
        for _, new in pairs:
            conversation = begin(new) if conversation is None else apply(conversation, new)
        changed = [new for old, new in pairs if new != old]
        same = [new for old, new in pairs if new == old]
        redacted = {seq for event in page if isinstance(event.payload, Redacted) for seq in event.payload.seqs}
        marked = (event.seq for event in same if _is_marked(event))
        quiet = (event.seq for event in same if event.by.kind == "visitor" and not _is_marked(event))
        after = replace(
            self,
            conversation=conversation,
            changed=(*self.changed, *(event.seq for event in changed)),
            later=(*self.later, *(event for event in changed if event.kind == ContactLeft.kind)),
            marked=tuple(seq for seq in (*self.marked, *marked) if seq not in redacted),
            quiet=tuple(seq for seq in (*self.quiet, *quiet) if seq not in redacted),
        )
        return after, [event for event in changed if event.kind != ContactLeft.kind]


def _is_marked(event: Event) -> bool:
    return isinstance(event.payload, Unknown) and ERASED in event.payload.body


def is_due(conversation: Conversation, unless_changed_since: datetime | None) -> bool:
    """The precondition of an erasure that minds changes: the conversation is closed, and as it was."""
    return unless_changed_since is None or (
        conversation.state == "closed" and conversation.updated_at < unless_changed_since
    )


def last_words(seqs: Iterable[int], *, is_open: bool) -> Iterator[Draft]:
    """The closing events of an erasure: nobody owes anything any more, and readers drop their copies of `seqs`.

    Where there was nothing to overwrite, it still says that the conversation holds nothing.
    """
    numbers = tuple(seqs)
    if is_open:
        yield Draft(SYSTEM, Closed("erased"))
    for start in range(0, max(len(numbers), 1), SEQS_AN_EVENT):
        yield Draft(SYSTEM, Redacted(numbers[start : start + SEQS_AN_EVENT]))
