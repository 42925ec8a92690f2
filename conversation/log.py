"""One step of the log, the same for every store: from what is to happen to numbered events and the next state."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from conversation.errors import NotFound
from conversation.events import Event, Opened, Standing
from conversation.ports import Draft
from conversation.state import BOT_HOLDS, Conversation, apply, begin, permit


def advance(
    now: Conversation | None,
    drafts: Sequence[Draft],
    *,
    conversation_id: str,
    at: datetime,
    client_id: str | None,
) -> tuple[Conversation, tuple[Event, ...]]:
    """The conversation and events after `drafts`; `client_id` goes to the first event whose author may have sent it.

    Raises Refused where `permit` does, NotFound where nothing is there and nothing opens it.
    """
    events: list[Event] = []
    bearer = _bearer(drafts)
    for position, draft in enumerate(drafts):
        event = _number(now, draft, conversation_id, at, client_id if position == bearer else None)
        now = begin(event) if now is None else apply(now, event)
        events.append(event)
    if now is None:
        raise NotFound
    return now, tuple(events)


def _bearer(drafts: Sequence[Draft]) -> int:
    """Which draft acknowledges the command: what opens or reopens a conversation only makes room for it."""
    return next((n for n, draft in enumerate(drafts) if draft.payload.kind not in ("opened", "reopened")), 0)


def _number(now: Conversation | None, draft: Draft, conversation_id: str, at: datetime, client_id: str | None) -> Event:
    if now is None and not isinstance(draft.payload, Opened):
        raise NotFound
    standing = Standing("bot", BOT_HOLDS, 0) if now is None else permit(now, draft.by, draft.payload)
    return Event(
        conversation_id=conversation_id,
        seq=1 if now is None else now.seq + 1,
        event_id=uuid.uuid4().hex,
        at=at,
        by=draft.by,
        payload=draft.payload,
        client_id=client_id,
        standing=standing,
    )
