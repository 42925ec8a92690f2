"""Notification outbox statements: enqueue, lease, settle, retry. Runs on any SQLAlchemy connection."""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy import Connection, bindparam

from conversation.events import Event
from conversation.sql.statements.dialect import DatabaseNow
from conversation.sql.tables import notices
from conversation.values import NoticeLease, Subscriptions, Undelivered

_HERE = (notices.c.conversation_id, notices.c.seq, notices.c.target)
_LATER = DatabaseNow() + bindparam("after_us", type_=sa.BigInteger)
_HELD = sa.and_(
    notices.c.conversation_id == bindparam("held_conversation"),
    notices.c.seq == bindparam("held_seq"),
    notices.c.target == bindparam("held_target"),
    notices.c.fence == bindparam("held_fence"),
)

_BEGIN = sa.insert(notices).values(
    conversation_id=bindparam("of_conversation"),
    seq=bindparam("of_seq"),
    target=bindparam("to_target"),
    fence=0,
    failures=0,
    due_at=DatabaseNow(),
    owed_since=DatabaseNow(),
)
# A CTE with row locks is computed once; inside IN (...) a planner may run it again and lease more than asked for.
_DUE = (
    sa.select(*_HERE)
    .where(notices.c.target == bindparam("wanted_target"), notices.c.due_at <= DatabaseNow())
    .order_by(notices.c.due_at, *_HERE)
    .limit(bindparam("at_most"))
    .with_for_update(skip_locked=True)
    .cte("due")
)
_TAKE = (
    sa.update(notices)
    .where(*(column == _DUE.c[column.name] for column in _HERE))
    .values(fence=notices.c.fence + 1, due_at=_LATER)
    .returning(*_HERE, notices.c.fence, notices.c.failures, (DatabaseNow() - notices.c.owed_since).label("age_us"))
)
_SETTLE = sa.delete(notices).where(_HELD)
_PUT_OFF = sa.update(notices).where(_HELD).values(due_at=_LATER, failures=notices.c.failures + bindparam("failed"))
_REMOVE = sa.delete(notices).where(notices.c.conversation_id == bindparam("wanted_id"))
_UNDELIVERED = (
    sa.select(notices.c.target, sa.func.count(), DatabaseNow() - sa.func.min(notices.c.owed_since))
    .where(notices.c.failures > 0)
    .group_by(notices.c.target)
    .order_by(notices.c.target)
)


def begin(connection: Connection, events: Iterable[Event], subscriptions: Subscriptions) -> None:
    """The notices of new events, due at once. Costs nothing where nobody is told of them."""
    rows = [
        {"of_conversation": event.conversation_id, "of_seq": event.seq, "to_target": target}
        for event in events
        for target in subscriptions.get(event.kind, ())
    ]
    if rows:
        connection.execute(_BEGIN, rows)


def take(connection: Connection, target: str, limit: int, *, lease_s: float) -> tuple[NoticeLease, ...]:
    """Lease up to `limit` due notices to `target`, the oldest first."""
    values = {"wanted_target": target, "at_most": limit, "after_us": _micros(lease_s)}
    leases = (
        NoticeLease(row.conversation_id, row.seq, row.target, row.fence, row.failures, row.age_us / 1_000_000)
        for row in connection.execute(_TAKE, values)
    )
    return tuple(sorted(leases, key=lambda lease: (-lease.age_s, lease.conversation_id, lease.seq)))


def settle(connection: Connection, lease: NoticeLease) -> bool:
    """It is dealt with; False where it is no longer this holder's."""
    return connection.execute(_SETTLE, _held(lease)).rowcount == 1


def put_off(connection: Connection, lease: NoticeLease, after_s: float, *, failed: bool) -> bool:
    """Due again in `after_s`; False where it is no longer this holder's."""
    values = {**_held(lease), "after_us": _micros(after_s), "failed": int(failed)}
    return connection.execute(_PUT_OFF, values).rowcount == 1


def remove(connection: Connection, conversation_id: str) -> None:
    """Nobody is told anything of the conversation any more."""
    connection.execute(_REMOVE, {"wanted_id": conversation_id})


def undelivered(connection: Connection) -> tuple[Undelivered, ...]:
    """What has failed and waits for another try, by target."""
    rows = connection.execute(_UNDELIVERED)
    return tuple(Undelivered(target, count, age_us / 1_000_000) for target, count, age_us in rows)


def _held(lease: NoticeLease) -> dict[str, object]:
    return {
        "held_conversation": lease.conversation_id,
        "held_seq": lease.seq,
        "held_target": lease.target,
        "held_fence": lease.fence,
    }


def _micros(seconds: float) -> int:
    return round(seconds * 1_000_000)
