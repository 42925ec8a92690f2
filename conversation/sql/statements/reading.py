"""Query statements: conversations, events, the queue, heads for the poll. Runs on any SQLAlchemy connection."""

from collections.abc import Iterator, Sequence

import sqlalchemy as sa
from sqlalchemy import Connection, bindparam

from conversation.events import Event, State
from conversation.paging import cursor_after, read_cursor
from conversation.sql.statements.rows import conversation_of, event_of
from conversation.sql.tables import IS_OPEN, IS_QUEUED, conversations, events
from conversation.state import Conversation
from conversation.values import Head, Page

IDS_A_QUERY = 10_000  # SQLite takes 32,766 parameters a statement

_OPEN_FIRST = (
    sa.case((IS_OPEN, 0), else_=1),
    conversations.c.updated_at.desc(),
    conversations.c.conversation_id.desc(),
)
_HEAD = (conversations.c.conversation_id, conversations.c.visitor_id, conversations.c.seq)

_EVENTS = (
    sa.select(events)
    .where(events.c.conversation_id == bindparam("wanted_id"), events.c.seq > bindparam("after"))
    .order_by(events.c.seq)
    .limit(bindparam("at_most"))
)
_CONVERSATION = sa.select(conversations).where(conversations.c.conversation_id == bindparam("wanted_id"))
_LATEST = (
    sa.select(conversations).where(conversations.c.visitor_id == bindparam("wanted_id")).order_by(*_OPEN_FIRST).limit(1)
)
_QUEUE = (
    sa.select(conversations)
    .where(IS_QUEUED)
    .order_by(conversations.c.priority, conversations.c.waiting_since, conversations.c.conversation_id)
)
_OPEN_HEADS = sa.select(*_HEAD).where(IS_OPEN)
_HEADS_OF_CONVERSATIONS = sa.select(*_HEAD).where(
    conversations.c.conversation_id.in_(bindparam("wanted_ids", expanding=True))
)
_RANKED = (
    sa.select(
        *_HEAD,
        sa.func.row_number().over(partition_by=conversations.c.visitor_id, order_by=_OPEN_FIRST).label("place"),
    )
    .where(conversations.c.visitor_id.in_(bindparam("wanted_ids", expanding=True)))
    .subquery()
)
_HEADS_OF_VISITORS = sa.select(_RANKED).where(_RANKED.c.place == 1)
_PAGE = sa.select(conversations).order_by(conversations.c.updated_at.desc(), conversations.c.conversation_id.desc())


def read_events(connection: Connection, conversation_id: str, *, after: int, limit: int) -> tuple[Event, ...]:
    """The events numbered after+1 and up, ascending, at most `limit`."""
    rows = connection.execute(_EVENTS, {"wanted_id": conversation_id, "after": after, "at_most": limit})
    return tuple(event_of(row) for row in rows)


def conversation(connection: Connection, conversation_id: str) -> Conversation | None:
    """How the conversation stands."""
    row = connection.execute(_CONVERSATION, {"wanted_id": conversation_id}).first()
    return None if row is None else conversation_of(row)


def latest(connection: Connection, visitor_id: str) -> Conversation | None:
    """The visitor's conversation that changed last, an open one first."""
    row = connection.execute(_LATEST, {"wanted_id": visitor_id}).first()
    return None if row is None else conversation_of(row)


def queue(connection: Connection) -> tuple[Conversation, ...]:
    """Who waits for a person, in the order they are served."""
    return tuple(conversation_of(row) for row in connection.execute(_QUEUE))


def page(
    connection: Connection,
    *,
    states: Sequence[State],
    holder_id: str | None,
    text: str | None,
    cursor: str | None,
    limit: int,
) -> Page:
    """One page of the conversations that match; one row more is read to know whether another follows."""
    where = _matching(states, holder_id, text) + _beyond(cursor)
    rows = connection.execute(_PAGE.where(*where).limit(limit + 1)).all()
    items = tuple(conversation_of(row) for row in rows[:limit])
    return Page(items, cursor_after(items[-1]) if len(rows) > limit else None)


def _matching(states: Sequence[State], holder_id: str | None, text: str | None) -> list[sa.ColumnElement[bool]]:
    where: list[sa.ColumnElement[bool]] = []
    if states:
        where.append(conversations.c.state.in_(states))
    if holder_id is not None:
        where.append(conversations.c.holder_id == holder_id)
    if text is not None:
        message = events.c.body["text"].as_string().icontains(text, autoescape=True)
        where.append(sa.exists().where(events.c.conversation_id == conversations.c.conversation_id, message))
    return where


def _beyond(cursor: str | None) -> list[sa.ColumnElement[bool]]:
    if cursor is None:
        return []
    position = sa.tuple_(conversations.c.updated_at, conversations.c.conversation_id)
    return [position < sa.tuple_(*read_cursor(cursor))]


def heads(connection: Connection, *, conversation_ids: Sequence[str], visitor_ids: Sequence[str]) -> tuple[Head, ...]:
    """How far the given conversations, and the latest of each given visitor, have come; each once."""
    heads: dict[str, Head] = {}
    for statement, ids in ((_HEADS_OF_CONVERSATIONS, conversation_ids), (_HEADS_OF_VISITORS, visitor_ids)):
        for batch in _batches(ids):
            rows = connection.execute(statement, {"wanted_ids": batch})
            heads.update((row.conversation_id, Head(row.conversation_id, row.visitor_id, row.seq)) for row in rows)
    return tuple(heads.values())


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + IDS_A_QUERY] for start in range(0, len(ids), IDS_A_QUERY))


def open_heads(connection: Connection) -> tuple[Head, ...]:
    """How far every conversation that is not closed has come."""
    return tuple(Head(*row) for row in connection.execute(_OPEN_HEADS))
