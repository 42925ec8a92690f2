"""Finding everything kept of a person, and overwriting it. Runs on any SQLAlchemy connection."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection, bindparam

from conversation.clock import micros
from conversation.erasure import RANDOM_IDS, erased, is_due, last_words
from conversation.events import Author, Event
from conversation.keeping import Erased, Holdings, Mention
from conversation.log import advance
from conversation.ports import Head
from conversation.sql import notices, reading, turns
from conversation.sql.dialect import DatabaseNow
from conversation.sql.rows import conversation_of, conversation_values, event_of, event_values, visitor_of
from conversation.sql.tables import IS_TO_ERASE, chores, conversations, events, metadata, visitors
from conversation.state import Conversation, apply, begin

EVENTS_AT_ONCE = 500  # bounds the memory an erasure takes, however long the conversation
TABLES_WITHOUT_TEXT = ("chores", "notices", "turns")

_LOCKED = sa.select(conversations).where(conversations.c.conversation_id == bindparam("wanted_id")).with_for_update()
_REPLACE = sa.update(conversations).where(conversations.c.conversation_id == bindparam("wanted_id"))
_OVERWRITE = (
    sa.update(events)
    .where(events.c.conversation_id == bindparam("of_conversation"), events.c.seq == bindparam("of_seq"))
    .values(by_name=bindparam("new_name"), v=bindparam("new_v"), body=bindparam("new_body"), body_hash=None)
)
_FORGET_DIGESTS = (
    sa.update(events)
    .where(events.c.conversation_id == bindparam("wanted_id"), events.c.body_hash.is_not(None))
    .values(body_hash=None)
)
_ADD_EVENTS = sa.insert(events)
_TO_ERASE = (
    sa.select(conversations.c.conversation_id, conversations.c.visitor_id, conversations.c.seq)
    .where(IS_TO_ERASE, conversations.c.updated_at < bindparam("before"))
    .order_by(conversations.c.updated_at)
    .limit(bindparam("at_most"))
)
_IN_USE = sa.exists().where(conversations.c.visitor_id == bindparam("wanted"), sa.not_(conversations.c.erased))
_FORGET = sa.delete(visitors).where(visitors.c.visitor_id == bindparam("wanted"))
_DUE_AGAIN = DatabaseNow() + bindparam("every_us", type_=sa.BigInteger)
_TAKE = (
    sa.update(chores)
    .where(chores.c.name == bindparam("wanted"), chores.c.due_at <= DatabaseNow())
    .values(due_at=_DUE_AGAIN)
)
_BEGIN = sa.insert(chores).values(name=bindparam("wanted"), due_at=_DUE_AGAIN)


def erase(
    connection: Connection, conversation_id: str, at: datetime, unless_changed_since: datetime | None
) -> Erased | None:
    """Overwrite the conversation, see `RecordStore.erase`."""
    row = connection.execute(_LOCKED, {"wanted_id": conversation_id}).first()
    if row is None or not is_due(before := conversation_of(row), unless_changed_since):
        return None
    if before.erased:
        return Erased(before, 0)
    remains, seqs = _overwrite(connection, conversation_id)
    words = last_words(seqs, is_open=before.state != "closed")
    after, new = advance(remains, list(words), conversation_id=conversation_id, at=at, client_id=None)
    # whose it is may have changed since it was opened
    values = conversation_values(after) | {"visitor_id": before.visitor_id}
    connection.execute(_REPLACE, values | {"wanted_id": conversation_id})
    connection.execute(_ADD_EVENTS, [event_values(event, None) for event in new])
    connection.execute(_FORGET_DIGESTS, {"wanted_id": conversation_id})
    turns.remove(connection, conversation_id)
    notices.remove(connection, conversation_id)
    return Erased(reading.conversation(connection, conversation_id) or after, len(seqs))


def _overwrite(connection: Connection, conversation_id: str) -> tuple[Conversation, list[int]]:
    """What the conversation comes to without its texts, and the numbers of the events that had some."""
    now: Conversation | None = None
    seqs: list[int] = []
    while page := reading.read_events(connection, conversation_id, after=now.seq if now else 0, limit=EVENTS_AT_ONCE):
        changes = [(event, erased(event)) for event in page]
        if rows := [_values(new) for old, new in changes if new != old]:
            connection.execute(_OVERWRITE, rows)
        seqs += [new.seq for old, new in changes if new != old]
        for _, event in changes:
            now = begin(event) if now is None else apply(now, event)
    assert now is not None  # a conversation has at least the event that opened it
    return now, seqs


def _values(event: Event) -> dict[str, object]:
    row = event_values(event, None)
    return {
        "of_conversation": event.conversation_id,
        "of_seq": event.seq,
        "new_name": row["by_name"],
        "new_v": row["v"],
        "new_body": row["body"],
    }


def records(
    connection: Connection, *, after: tuple[str, int] | None, since: datetime | None, limit: int
) -> tuple[Event, ...]:
    """Events of all conversations, by conversation and number."""
    here = (events.c.conversation_id, events.c.seq)
    page = sa.select(events).order_by(*here).limit(limit)
    if after is not None:
        page = page.where(sa.tuple_(*here) > sa.tuple_(*after))
    if since is not None:
        page = page.join(conversations).where(conversations.c.updated_at >= micros(since))
    return tuple(event_of(row) for row in connection.execute(page))


def holdings(
    connection: Connection, *, visitor_id: str | None, email: str | None, conversation_id: str | None
) -> Holdings:
    """What is kept of a person, see `RecordStore.holdings`."""
    if conversation_id is not None:
        return Holdings((), _unerased(connection, {conversation_id}))
    people = {visitor_id} if visitor_id is not None else set[str]()
    with_address: set[str] = set()
    if email is not None:
        left = _left(connection, email)
        with_address = set(left)
        people |= set(left.values()) | _named(connection, email)
    theirs, known = set[str](), set[str]()
    while people - known:
        known |= people
        theirs |= _conversations_of(connection, people)
        people |= _people_in(connection, theirs)
    rows = (
        connection.execute(sa.select(visitors).where(visitors.c.visitor_id == one)).first() for one in sorted(known)
    )
    ordered = sorted(_unerased(connection, theirs), key=lambda one: (one in with_address, one))
    return Holdings(tuple(visitor_of(row) for row in rows if row is not None), tuple(ordered))


def _named(connection: Connection, email: str) -> set[str]:
    """Visitors who have the address."""
    return set(
        connection.scalars(sa.select(visitors.c.visitor_id).where(sa.func.lower(visitors.c.email) == email.lower()))
    )


def _left(connection: Connection, email: str) -> dict[str, str]:
    """Conversations in which the address was left, and whose they are."""
    address = sa.func.lower(events.c.body["email"].as_string())
    left = (
        sa.select(conversations.c.conversation_id, conversations.c.visitor_id)
        .join(events)
        .where(events.c.kind == "contact_left", address == email.lower())
    )
    return {row.conversation_id: row.visitor_id for row in connection.execute(left)}


def _conversations_of(connection: Connection, people: set[str]) -> set[str]:
    """Theirs now, opened by them, or with commands of theirs: signing in moves some of these and not the others."""
    senders = [Author("visitor", id=one).sender for one in people]
    now = sa.select(conversations.c.conversation_id).where(conversations.c.visitor_id.in_(sorted(people)))
    sent = sa.select(events.c.conversation_id).where(events.c.sender.in_(senders)).distinct()
    opened = (
        sa.select(events.c.conversation_id)
        .join_from(conversations, events, conversations.c.conversation_id == events.c.conversation_id)
        .where(events.c.seq == 1, events.c.by_id.in_(sorted(people)))
    )
    return {one for wanted in (now, sent, opened) for one in connection.scalars(wanted)}


def _people_in(connection: Connection, conversation_ids: set[str]) -> set[str]:
    found = set[str]()
    for wanted in _portions(conversation_ids):
        found |= set(
            connection.scalars(sa.select(conversations.c.visitor_id).where(conversations.c.conversation_id.in_(wanted)))
        )
        openers = sa.select(events.c.by_id).where(events.c.conversation_id.in_(wanted), events.c.seq == 1)
        found |= {one for one in connection.scalars(openers) if one is not None}
    return found


def _unerased(connection: Connection, conversation_ids: set[str]) -> tuple[str, ...]:
    left = [
        one
        for wanted in _portions(conversation_ids)
        for one in connection.scalars(
            sa.select(conversations.c.conversation_id).where(
                conversations.c.conversation_id.in_(wanted), sa.not_(conversations.c.erased)
            )
        )
    ]
    return tuple(sorted(left))


def _portions(ids: set[str]) -> Iterator[Sequence[str]]:
    ordered = sorted(ids)
    return (ordered[start : start + EVENTS_AT_ONCE] for start in range(0, len(ordered), EVENTS_AT_ONCE))


def closed_before(connection: Connection, at: datetime, *, limit: int) -> tuple[Head, ...]:
    """Conversations that are closed, have texts left and have not changed since `at`, oldest first."""
    rows = connection.execute(_TO_ERASE, {"before": micros(at), "at_most": limit})
    return tuple(Head(*row) for row in rows)


def forget_visitor(connection: Connection, visitor_id: str, *, unless_in_use: bool) -> bool:
    """Delete the visitor's row; True where there was one."""
    forget = _FORGET.where(sa.not_(_IN_USE)) if unless_in_use else _FORGET
    return connection.execute(forget, {"wanted": visitor_id}).rowcount == 1


def mentions(connection: Connection, texts: Sequence[str]) -> tuple[Mention, ...]:
    """Where `texts` still stand, in any column that may hold a text."""
    searched = [table for table in metadata.sorted_tables if table.name not in TABLES_WITHOUT_TEXT]
    columns = [column for table in searched for column in table.columns if column.name not in RANDOM_IDS]
    found = (_count(connection, text, column) for text in texts for column in columns)
    return tuple(mention for mention in found if mention is not None and mention.rows)


def _count(connection: Connection, text: str, column: sa.Column[object]) -> Mention | None:
    match column.type:
        case sa.JSON():
            written = orjson.dumps(text).decode()[1:-1]  # as it stands inside a JSON text
        case sa.Text():
            written = text
        case _:
            return None
    matching = sa.cast(column, sa.Text).icontains(written, autoescape=True)
    rows = connection.execute(sa.select(sa.func.count()).select_from(column.table).where(matching)).scalar_one()
    return Mention(text, str(column.table), column.name, rows)


def take_chore(connection: Connection, name: str, *, every_s: float) -> bool:
    """Whether the chore is due and now this process's; of two that try at once, one gets it."""
    values = {"wanted": name, "every_us": round(every_s * 1_000_000)}
    if connection.execute(_TAKE, values).rowcount == 1:
        return True
    if connection.execute(sa.select(chores.c.name).where(chores.c.name == name)).first() is not None:
        return False
    connection.execute(_BEGIN, values)  # raced on PostgreSQL: the transaction is run again and finds it taken
    return True
