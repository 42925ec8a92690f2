"""Append transaction: idempotency key, lease, compare-and-swap and outbox in one. Runs on any SQLAlchemy connection."""

import sqlalchemy as sa
from sqlalchemy import Connection, bindparam

from conversation.errors import (
    AlreadySent,
    ClientIdReused,
    LeaseLost,
    NewerConversation,
    OverCapacity,
    StorageUnavailable,
)
from conversation.events import Event
from conversation.reducer import advance, owes_answer, taken_by
from conversation.sql.statements import notification_outbox, people, turns
from conversation.sql.statements.rows import conversation_of, conversation_values, event_of, event_values
from conversation.sql.statements.turns import StoreWorker, TurnRow
from conversation.sql.tables import agents, conversations, events
from conversation.sql.tables import turns as owed
from conversation.state import Conversation
from conversation.values import Append, Appended, Key, TurnLease

_SENT = sa.select(events).where(
    events.c.sender == bindparam("wanted_sender"), events.c.client_id == bindparam("wanted_client_id")
)
_STANDING = (
    sa.select(conversations, *turns.OWED)
    .join_from(conversations, owed, isouter=True)
    .where(conversations.c.conversation_id == bindparam("wanted_id"))
    .with_for_update(of=conversations)  # whoever holds the conversation's row also has its turn to themselves
)
_BEGIN = sa.insert(conversations)
_ONE_OPEN = "visitor"  # in the name of the constraint, or of its column: one open conversation a visitor
_ADD_EVENTS = sa.insert(events)
_MOVE = sa.update(conversations).where(
    conversations.c.conversation_id == bindparam("wanted_id"),
    conversations.c.seq == bindparam("seq_before"),
    conversations.c.hold == bindparam("hold_before"),
)
_CAPACITY = sa.select(agents.c.capacity).where(agents.c.agent_id == bindparam("wanted_id")).with_for_update()
_HELD = sa.select(sa.func.count()).where(conversations.c.holder_id == bindparam("wanted_id"))


def append(connection: Connection, command: Append, worker: StoreWorker) -> Appended:
    """Carry out `command`, see `ConversationStore.append`. On Refused the caller rolls back to where it began."""
    if command.key is not None and (sent := _sent(connection, command.key)) is not None:
        return _again(connection, command, sent)
    before, turn = _standing(connection, command.conversation_id)
    _require_lease(turn, command.turn, worker)
    after, new = advance(
        before,
        command.decide(before),
        conversation_id=command.conversation_id,
        at=command.at,
        client_id=command.key.client_id if command.key else None,
    )
    if new:
        _keep(connection, command, before, after, new)
        notification_outbox.begin(connection, new, worker.subscriptions)
    return Appended(new, after, lease=_settle_turn(connection, after, turn, command.turn, worker))


def _sent(connection: Connection, key: Key) -> Event | None:
    row = connection.execute(_SENT, {"wanted_sender": key.sender, "wanted_client_id": key.client_id}).first()
    if row is None:
        return None
    if row.body_hash not in (None, key.body_hash):  # None: what it said was erased, and so was its digest
        raise ClientIdReused(key.client_id)
    return event_of(row)


def _again(connection: Connection, command: Append, sent: Event) -> Appended:
    conversation, _ = _standing(connection, command.conversation_id)
    if conversation is None or sent.conversation_id != command.conversation_id:
        raise AlreadySent(conversation_id=sent.conversation_id, seq=sent.seq)
    return Appended((sent,), conversation, again=True)


def _standing(connection: Connection, conversation_id: str) -> tuple[Conversation | None, TurnRow | None]:
    row = connection.execute(_STANDING, {"wanted_id": conversation_id}).first()
    return (None, None) if row is None else (conversation_of(row), turns.turn_of(row))


def _require_lease(turn: TurnRow | None, lease: TurnLease | None, worker: StoreWorker) -> None:
    if lease is not None and (turn is None or (turn.fence, turn.owner) != (lease.fence, worker.name)):
        raise LeaseLost


def _keep(
    connection: Connection, command: Append, before: Conversation | None, after: Conversation, new: tuple[Event, ...]
) -> None:
    if before is None and command.visitor is not None:
        people.save_visitor(connection, command.visitor)
    _move(connection, before, after)
    connection.execute(_ADD_EVENTS, [event_values(event, command.key) for event in new])
    agent_id = taken_by(before, after)
    if agent_id is not None:
        _require_place(connection, agent_id)


def _move(connection: Connection, before: Conversation | None, after: Conversation) -> None:
    """The compare-and-swap: who may speak changes only from what the command saw."""
    values = conversation_values(after)
    try:
        if before is None:
            connection.execute(_BEGIN, values)
            return
        expected = {"wanted_id": before.conversation_id, "seq_before": before.seq, "hold_before": before.hold}
        moved = connection.execute(_MOVE, values | expected)
    except sa.exc.IntegrityError as broken:
        if _ONE_OPEN in str(broken.orig).split("\n")[0]:
            raise NewerConversation from None
        raise  # another transaction began this conversation at the same moment; where that can happen it is run again
    if moved.rowcount != 1:
        raise StorageUnavailable("the conversation changed at the same moment")


def _require_place(connection: Connection, agent_id: str) -> None:
    """Counted after the change and with the agent's row locked: two claims at once cannot both find the last place."""
    capacity = connection.execute(_CAPACITY, {"wanted_id": agent_id}).scalar()
    if capacity is None:
        return
    held = connection.execute(_HELD, {"wanted_id": agent_id}).scalar_one()
    if held > capacity:
        raise OverCapacity(held=held - 1, capacity=capacity)


def _settle_turn(
    connection: Connection, after: Conversation, turn: TurnRow | None, lease: TurnLease | None, worker: StoreWorker
) -> TurnLease | None:
    """The outbox rule: a turn exists exactly where an answer is owed; it is born, and renewed, to this worker."""
    if not owes_answer(after):
        if turn is not None:
            turns.remove(connection, after.conversation_id)
        return None
    if turn is None:
        return turns.begin(connection, after, worker)
    return turns.pass_on(connection, after, worker) if lease is not None else None
