"""Erasing what people wrote: what remains of an event, and of a conversation, once its texts are overwritten.

What stays are numbers, ids, times, kinds, who held the chat, and choices from a fixed list (an outcome, a score): enough
for every cursor, every count and every law of the log. What anyone typed, and what repeats it, goes.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from conversation.events import ERASED, SYSTEM, Author, Closed, Event, JsonObject, Opened, Redacted, Unknown, body_of
from conversation.ports import Draft
from conversation.state import Conversation

# Columns of random ids, which stay: a short name would be found in them by chance.
RANDOM_IDS = ("conversation_id", "event_id", "client_id", "visitor_id", "agent_id", "by_id", "holder_id", "sender")
SEQS_AN_EVENT = 1000  # of one `redacted`; a frame with as many has 6 KB

# What may stay of each kind; of a kind that is missing here nothing does.
KEPT: Mapping[str, tuple[str, ...]] = {
    "bot_said": ("outcome", "answers", "confidence", "kb_version", "turn_id"),
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
    """What remains of `event`; the same event where there is nothing to overwrite, as the second time."""
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


def is_due(now: Conversation, unless_changed_since: datetime | None) -> bool:
    """Whether an erasure that minds changes may go on: the conversation is closed, and as it was."""
    return unless_changed_since is None or (now.state == "closed" and now.updated_at < unless_changed_since)


def last_words(seqs: Iterable[int], *, is_open: bool) -> Iterator[Draft]:
    """What ends an erasure: nobody owes anything any more, and readers drop their copies of `seqs`.

    Where there was nothing to overwrite, it still says that the conversation holds nothing.
    """
    numbers = tuple(seqs)
    if is_open:
        yield Draft(SYSTEM, Closed("erased"))
    for start in range(0, max(len(numbers), 1), SEQS_AN_EVENT):
        yield Draft(SYSTEM, Redacted(numbers[start : start + SEQS_AN_EVENT]))
