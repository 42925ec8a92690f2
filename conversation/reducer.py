"""Reducer: one step of the event log, the same for every store, from drafts to numbered events and the next state."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from conversation.errors import NotFound
from conversation.events import Event, Opened, Standing
from conversation.state import BOT_HOLDS, Conversation, apply, begin, permit
from conversation.values import Draft

_FENCES_A_NUMBER = 1 << 20  # more than a turn can change hands before it is answered


def advance(
    conversation: Conversation | None,
    drafts: Sequence[Draft],
    *,
    conversation_id: str,
    at: datetime,
    client_id: str | None,
) -> tuple[Conversation, tuple[Event, ...]]:
    """Apply `drafts`: the conversation and events then. `client_id` goes to the first event whose author may have sent it.

    Raises Refused where `permit` does, NotFound where nothing is there and nothing opens it.
    """
    events: list[Event] = []
    bearer = _bearer(drafts)
    for index, draft in enumerate(drafts):
        event = _number(conversation, draft, conversation_id, at, client_id if index == bearer else None)
        conversation = begin(event) if conversation is None else apply(conversation, event)
        events.append(event)
    if conversation is None:
        raise NotFound
    return conversation, tuple(events)


def _bearer(drafts: Sequence[Draft]) -> int:
    """Which draft acknowledges the command: what gives the bot the chat only makes room for another that comes with it."""
    makes_room = ("opened", "reopened", "returned_to_bot")
    return next((index for index, draft in enumerate(drafts) if draft.payload.kind not in makes_room), 0)


def _number(
    conversation: Conversation | None, draft: Draft, conversation_id: str, at: datetime, client_id: str | None
) -> Event:
    if conversation is None and not isinstance(draft.payload, Opened):
        raise NotFound
    standing = Standing("bot", BOT_HOLDS, 0) if conversation is None else permit(conversation, draft.by, draft.payload)
    return Event(
        conversation_id=conversation_id,
        seq=1 if conversation is None else conversation.seq + 1,
        event_id=uuid.uuid4().hex,
        at=at,
        by=draft.by,
        payload=draft.payload,
        client_id=client_id,
        standing=standing,
    )


def owes_answer(conversation: Conversation) -> bool:
    """Whether the bot owes the visitor a reply; the outbox rule: exactly then the conversation has a turn in the outbox."""
    return conversation.state == "bot" and bool(conversation.pending)


def first_fence(seq: int) -> int:
    """The fencing token of a turn born with event `seq`: above that of every earlier turn of the conversation.

    Were each turn to start at 1, a worker that had lost an earlier turn could commit its reply to a later one.
    """
    return seq * _FENCES_A_NUMBER


def attempts(fence: int) -> int:
    """Delivery attempts: how many workers have had the turn with this fence, the present one included."""
    return fence % _FENCES_A_NUMBER + 1


def turn_id(conversation_id: str, fence: int) -> str:
    """The id of the turn with this fence, the same for every worker that has it."""
    return uuid.uuid5(uuid.NAMESPACE_OID, f"{conversation_id} {fence // _FENCES_A_NUMBER}").hex


def taken_by(before: Conversation | None, after: Conversation) -> str | None:
    """The new assignee: the id of the agent to whom the conversation has passed, if it has."""
    passed = after.state == "agent" and (before is None or before.holder.id != after.holder.id)
    return after.holder.id if passed else None
