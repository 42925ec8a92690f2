"""Erasure and export statements: finding all that is kept of a person, overwriting it. On any SQLAlchemy connection."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection, bindparam

from conversation.clock import micros
from conversation.erasure import RANDOM_IDS, Remains, is_due, last_words
from conversation.events import Author, Event
from conversation.reducer import advance
from conversation.sql.statements import notification_outbox, reading, turns
from conversation.sql.statements.dialect import DatabaseNow
from conversation.sql.statements.rows import (
    Values,
    conversation_of,
    conversation_values,
    event_of,
    event_values,
    visitor_of,
)
from conversation.sql.tables import IS_TO_ERASE, chores, conversations, events, metadata, visitors
from conversation.state import Conversation
from conversation.values import Erased, Head, Holdings, Mention

EVENTS_AT_ONCE = 200  # of an erasure: others can write after some tens of milliseconds, however long the conversation
IDS_AT_ONCE = 500
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


@dataclass(frozen=True, slots=True)
class ErasureOrder:
    """An erasure command: which conversation to erase, when that is, and since when it must not have changed."""

    conversation_id: str
    at: datetime
    unless_changed_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class ErasureBatch:
    """A batch of an erasure: some events to overwrite, with the values to do it, and how far the erasure is then."""

    remains: Remains
    rows: Sequence[Values]


def next_batch(connection: Connection, order: ErasureOrder, remains: Remains) -> ErasureBatch | None:
    """The next batch to overwrite, read while others write: stored events change by this alone. None: few are left."""
    page = reading.read_events(connection, order.conversation_id, after=remains.seq, limit=EVENTS_AT_ONCE)
    if len(page) < EVENTS_AT_ONCE:
        return None
    after, new = remains.after(page)
    return ErasureBatch(after, [_values(event) for event in new])


def overwrite(connection: Connection, order: ErasureOrder, batch: ErasureBatch) -> bool:
    """Overwrite the batch; False where the conversation is not to be erased any more."""
    before = _locked(connection, order)
    if before is None or before.erased:
        return False
    connection.execute(_OVERWRITE, batch.rows)
    notification_outbox.remove(connection, order.conversation_id)
    return True


def finish(connection: Connection, order: ErasureOrder, remains: Remains) -> Erased | None:
    """The last transaction of an erasure: overwrite what is left after `remains`, and say so, see `RecordStore.erase`."""
    before = _locked(connection, order)
    if before is None:
        return None
    if before.erased:
        return Erased(before, 0)
    conversation_id = order.conversation_id
    rest = _overwrite_rest(connection, conversation_id, remains)
    words = last_words(rest.to_redact, is_open=before.state != "closed")
    after, new = advance(rest.conversation, list(words), conversation_id=conversation_id, at=order.at, client_id=None)
    # whose it is may have changed since it was opened
    values = conversation_values(after) | {"visitor_id": before.visitor_id}
    connection.execute(_REPLACE, values | {"wanted_id": conversation_id})
    connection.execute(_ADD_EVENTS, [event_values(event, None) for event in new])
    connection.execute(_FORGET_DIGESTS, {"wanted_id": conversation_id})
    turns.remove(connection, conversation_id)
    notification_outbox.remove(connection, conversation_id)
    return Erased(reading.conversation(connection, conversation_id) or after, len(rest.to_redact))


def _locked(connection: Connection, order: ErasureOrder) -> Conversation | None:
    """The conversation, to be changed by this transaction alone, where it may be erased."""
    row = connection.execute(_LOCKED, {"wanted_id": order.conversation_id}).first()
    if row is None or not is_due(conversation := conversation_of(row), order.unless_changed_since):
        return None
    return conversation


def _overwrite_rest(connection: Connection, conversation_id: str, remains: Remains) -> Remains:
    rest, rows = remains, []
    while page := reading.read_events(connection, conversation_id, after=rest.seq, limit=EVENTS_AT_ONCE):
        rest, new = rest.after(page)
        rows += [_values(event) for event in new]
    if rows := rows + [_values(event) for event in rest.later]:
        connection.execute(_OVERWRITE, rows)
    return rest


def _values(event: Event) -> Values:
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
    position = (events.c.conversation_id, events.c.seq)
    page = sa.select(events).order_by(*position).limit(limit)
    if after is not None:
        page = page.where(sa.tuple_(*position) > sa.tuple_(*after))
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
        address_left = _left(connection, email)
        with_address = set(address_left)
        people |= set(address_left.values()) | _named(connection, email)
    conversation_ids, known = set[str](), set[str]()
    while people - known:
        known |= people
        conversation_ids |= _conversations_of(connection, people)
        people |= _people_in(connection, conversation_ids)
    rows = (
        connection.execute(sa.select(visitors).where(visitors.c.visitor_id == person)).first()
        for person in sorted(known)
    )
    ordered = sorted(_unerased(connection, conversation_ids), key=lambda known_id: (known_id in with_address, known_id))
    return Holdings(tuple(visitor_of(row) for row in rows if row is not None), tuple(ordered))


def _named(connection: Connection, email: str) -> set[str]:
    """Visitors who have the address."""
    return set(
        connection.scalars(sa.select(visitors.c.visitor_id).where(sa.func.lower(visitors.c.email) == email.lower()))
    )


def _left(connection: Connection, email: str) -> dict[str, str]:
    """Conversations in which the address was left, and whose they are."""
    address = sa.func.lower(events.c.body["email"].as_string())
    contacts = (
        sa.select(conversations.c.conversation_id, conversations.c.visitor_id)
        .join(events)
        .where(events.c.kind == "contact_left", address == email.lower())
    )
    return {row.conversation_id: row.visitor_id for row in connection.execute(contacts)}


def _conversations_of(connection: Connection, people: set[str]) -> set[str]:
    """Theirs now, opened by them, or with commands of theirs: signing in moves some of these and not the others."""
    senders = [Author("visitor", id=visitor_id).sender for visitor_id in people]
    owned = sa.select(conversations.c.conversation_id).where(conversations.c.visitor_id.in_(sorted(people)))
    sent = sa.select(events.c.conversation_id).where(events.c.sender.in_(senders)).distinct()
    opened = (
        sa.select(events.c.conversation_id)
        .join_from(conversations, events, conversations.c.conversation_id == events.c.conversation_id)
        .where(events.c.seq == 1, events.c.by_id.in_(sorted(people)))
    )
    return {conversation_id for query in (owned, sent, opened) for conversation_id in connection.scalars(query)}


def _people_in(connection: Connection, conversation_ids: set[str]) -> set[str]:
    people = set[str]()
    for batch in _batches(conversation_ids):
        people |= set(
            connection.scalars(sa.select(conversations.c.visitor_id).where(conversations.c.conversation_id.in_(batch)))
        )
        openers = sa.select(events.c.by_id).where(events.c.conversation_id.in_(batch), events.c.seq == 1)
        people |= {opener for opener in connection.scalars(openers) if opener is not None}
    return people


def _unerased(connection: Connection, conversation_ids: set[str]) -> tuple[str, ...]:
    remaining = [
        conversation_id
        for batch in _batches(conversation_ids)
        for conversation_id in connection.scalars(
            sa.select(conversations.c.conversation_id).where(
                conversations.c.conversation_id.in_(batch), sa.not_(conversations.c.erased)
            )
        )
    ]
    return tuple(sorted(remaining))


def _batches(ids: set[str]) -> Iterator[Sequence[str]]:
    ordered = sorted(ids)
    return (ordered[start : start + IDS_AT_ONCE] for start in range(0, len(ordered), IDS_AT_ONCE))


def closed_before(connection: Connection, moment: datetime, *, limit: int) -> tuple[Head, ...]:
    """Conversations that are closed, have texts left and have not changed since `at`, oldest first."""
    rows = connection.execute(_TO_ERASE, {"before": micros(moment), "at_most": limit})
    return tuple(Head(*row) for row in rows)


def forget_visitor(connection: Connection, visitor_id: str, *, unless_in_use: bool) -> bool:
    """Delete the visitor's row; True where there was one."""
    forget = _FORGET.where(sa.not_(_IN_USE)) if unless_in_use else _FORGET
    return connection.execute(forget, {"wanted": visitor_id}).rowcount == 1


def mentions(connection: Connection, texts: Sequence[str]) -> tuple[Mention, ...]:
    """Where `texts` still stand, in any column that may hold a text."""
    searched = [table for table in metadata.sorted_tables if table.name not in TABLES_WITHOUT_TEXT]
    columns = [column for table in searched for column in table.columns if column.name not in RANDOM_IDS]
    mentions = (_count(connection, text, column) for text in texts for column in columns)
    return tuple(mention for mention in mentions if mention is not None and mention.rows)


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
    """Lease of a scheduled job: whether it is due and now this process's; of two that try at once, one gets it."""
    values = {"wanted": name, "every_us": round(every_s * 1_000_000)}
    if connection.execute(_TAKE, values).rowcount == 1:
        return True
    if connection.execute(sa.select(chores.c.name).where(chores.c.name == name)).first() is not None:
        return False
    connection.execute(_BEGIN, values)  # raced on PostgreSQL: the transaction is run again and finds it taken
    return True
