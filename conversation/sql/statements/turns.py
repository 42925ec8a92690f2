"""Turn outbox statements, with leases and fences: which replies the bot owes, and whose work each is."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection, Row, bindparam

from conversation.reducer import first_fence
from conversation.sql.statements.dialect import DatabaseNow
from conversation.sql.statements.rows import Columns
from conversation.sql.tables import turns
from conversation.state import Conversation
from conversation.values import Subscriptions, TurnLease


@dataclass(frozen=True, slots=True)
class StoreWorker:
    """The lease owner: who leases turns, and for how long; `subscriptions` say who is told of the events it stores."""

    name: str
    lease_s: float
    subscriptions: Subscriptions

    @property
    def lease_us(self) -> int:
        """The lease in microseconds."""
        return round(self.lease_s * 1_000_000)


@dataclass(frozen=True, slots=True)
class TurnRow:
    """A row of the turn outbox: its fence, and the worker that owns it."""

    fence: int
    owner: str


OWED = (turns.c.fence, turns.c.owner)  # what `turn_of` reads

_THIS = turns.c.conversation_id == bindparam("wanted_id")
_LEASED_HERE = sa.and_(_THIS, turns.c.fence == bindparam("held_fence"), turns.c.owner == bindparam("held_by"))
_UNTIL = DatabaseNow() + bindparam("lease_us", type_=sa.BigInteger)

_REMOVE = sa.delete(turns).where(_THIS)
_BEGIN = sa.insert(turns).values(
    conversation_id=bindparam("wanted_id"),
    fence=bindparam("new_fence"),
    owner=bindparam("new_owner"),
    leased_until=_UNTIL,
    owed_since=DatabaseNow(),
)
_PASS_ON = (
    sa.update(turns)
    .where(_THIS)
    .values(fence=bindparam("new_fence"), owner=bindparam("new_owner"), leased_until=_UNTIL)
)
_RENEW = sa.update(turns).where(_LEASED_HERE).values(leased_until=_UNTIL)
_DUE = (
    sa.select(turns.c.conversation_id)
    .where(turns.c.leased_until <= DatabaseNow())
    .order_by(turns.c.owed_since, turns.c.conversation_id)
    .limit(bindparam("at_most"))
    .with_for_update(skip_locked=True)
)
_TAKE = (
    sa.update(turns)
    .where(turns.c.conversation_id.in_(_DUE.scalar_subquery()))
    .values(fence=turns.c.fence + 1, owner=bindparam("new_owner"), leased_until=_UNTIL)
    .returning(turns.c.owed_since, turns.c.conversation_id, turns.c.fence)
)


def turn_of(row: Row[Columns]) -> TurnRow | None:
    """The turn in a row that has the columns of `OWED`; None where nothing is owed."""
    return None if row.fence is None else TurnRow(row.fence, row.owner)


def begin(connection: Connection, conversation: Conversation, worker: StoreWorker) -> TurnLease:
    """A new turn, leased to `worker`."""
    lease = TurnLease(conversation.conversation_id, first_fence(conversation.seq))
    _lease(connection, _BEGIN, lease, worker)
    return lease


def pass_on(connection: Connection, conversation: Conversation, worker: StoreWorker) -> TurnLease:
    """The turn goes on with `worker`; what it owes now is a new answer, with attempts of its own."""
    lease = TurnLease(conversation.conversation_id, first_fence(conversation.seq))
    _lease(connection, _PASS_ON, lease, worker)
    return lease


def _lease(connection: Connection, statement: sa.Executable, lease: TurnLease, worker: StoreWorker) -> None:
    values = {"wanted_id": lease.conversation_id, "new_fence": lease.fence}
    connection.execute(statement, values | {"new_owner": worker.name, "lease_us": worker.lease_us})


def remove(connection: Connection, conversation_id: str) -> None:
    """Nothing is owed any more."""
    connection.execute(_REMOVE, {"wanted_id": conversation_id})


def take(connection: Connection, limit: int, worker: StoreWorker) -> tuple[TurnLease, ...]:
    """Lease up to `limit` turns whose lease has run out, oldest first."""
    values = {"at_most": limit, "new_owner": worker.name, "lease_us": worker.lease_us}
    rows = connection.execute(_TAKE, values).all()
    return tuple(TurnLease(row.conversation_id, row.fence) for row in sorted(rows))


def renew(connection: Connection, lease: TurnLease, worker: StoreWorker) -> bool:
    """Extend the lease; False where it is no longer the worker's."""
    values = {"wanted_id": lease.conversation_id, "held_fence": lease.fence, "held_by": worker.name}
    return connection.execute(_RENEW, values | {"lease_us": worker.lease_us}).rowcount == 1
