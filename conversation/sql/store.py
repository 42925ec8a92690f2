"""The SQL store: `Store` in terms of statements, for any database."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from conversation.erasure import Remains
from conversation.events import Event, State
from conversation.sql.database import Database
from conversation.sql.statements import erasing, notification_outbox, people, reading, turns
from conversation.sql.statements.appending import append
from conversation.sql.statements.turns import StoreWorker
from conversation.state import Conversation
from conversation.values import (
    Agent,
    Append,
    Appended,
    Credential,
    Erased,
    Head,
    Holdings,
    Mention,
    NoticeLease,
    Page,
    Presence,
    TurnLease,
    Undelivered,
    Visitor,
)


class _SqlLog:
    """The event log and turn leases in SQL: `ConversationStore` and `TurnStore`."""

    def __init__(self, database: Database, worker: StoreWorker) -> None:
        self._database = database
        self._worker = worker
        self.lease_s = worker.lease_s

    async def append(self, command: Append) -> Appended:
        """Carry out `command`, see `ConversationStore.append`."""
        return await self._database.write(partial(append, command=command, worker=self._worker))

    async def take_turns(self, limit: int) -> tuple[TurnLease, ...]:
        """Lease up to `limit` turns whose lease has run out, oldest first, to this worker."""
        return await self._database.write(partial(turns.take, limit=limit, worker=self._worker))

    async def renew(self, lease: TurnLease) -> bool:
        """Extend the lease; False where it is no longer this worker's."""
        return await self._database.write(partial(turns.renew, lease=lease, worker=self._worker))

    async def events(self, conversation_id: str, *, after: int = 0, limit: int = 500) -> tuple[Event, ...]:
        """The events numbered after+1 and up, ascending, at most `limit`. Empty for an unknown conversation."""
        work = partial(reading.read_events, conversation_id=conversation_id, after=after, limit=limit)
        return await self._database.read(work)

    async def conversation(self, conversation_id: str) -> Conversation | None:
        """How the conversation stands."""
        return await self._database.read(partial(reading.conversation, conversation_id=conversation_id))

    async def latest(self, visitor_id: str) -> Conversation | None:
        """The visitor's conversation that changed last, an open one first."""
        return await self._database.read(partial(reading.latest, visitor_id=visitor_id))

    async def conversations(
        self,
        *,
        states: Sequence[State] = (),
        holder_id: str | None = None,
        text: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page:
        """Conversations in one of `states` (none: any), held by an agent, whose messages contain `text`."""
        work = partial(reading.page, states=tuple(states), holder_id=holder_id, text=text, cursor=cursor, limit=limit)
        return await self._database.read(work)

    async def queue(self) -> tuple[Conversation, ...]:
        """Who waits for a person, in the order they are served: by priority, then by waiting time."""
        return await self._database.read(reading.queue)

    async def heads(self, *, conversation_ids: Sequence[str], visitor_ids: Sequence[str]) -> tuple[Head, ...]:
        """How far the given conversations, and the latest of each given visitor, have come."""
        work = partial(reading.heads, conversation_ids=conversation_ids, visitor_ids=visitor_ids)
        return await self._database.read(work)

    async def open_heads(self) -> tuple[Head, ...]:
        """How far every conversation that is not closed has come."""
        return await self._database.read(reading.open_heads)


class _SqlRecords:
    """Export and erasure in SQL: `RecordStore`."""

    _database: Database

    async def records(
        self, *, after: tuple[str, int] | None = None, since: datetime | None = None, limit: int = 500
    ) -> tuple[Event, ...]:
        """Events of all conversations, or of those that changed at `since` or later, by conversation and number."""
        return await self._database.read(partial(erasing.records, after=after, since=since, limit=limit))

    async def holdings(
        self, *, visitor_id: str | None = None, email: str | None = None, conversation_id: str | None = None
    ) -> Holdings:
        """What is kept of a person, see `RecordStore.holdings`."""
        work = partial(erasing.holdings, visitor_id=visitor_id, email=email, conversation_id=conversation_id)
        return await self._database.read(work)

    async def erase(
        self, conversation_id: str, at: datetime, *, unless_changed_since: datetime | None = None
    ) -> Erased | None:
        """Overwrite what was written in the conversation, see `RecordStore.erase`."""
        order = erasing.ErasureOrder(conversation_id, at, unless_changed_since)
        remains = Remains()
        while batch := await self._database.read(partial(erasing.next_batch, order=order, remains=remains)):
            if batch.rows and not await self._database.write(partial(erasing.overwrite, order=order, batch=batch)):
                break
            remains = batch.remains
        return await self._database.write(partial(erasing.finish, order=order, remains=remains))

    async def forget_visitor(self, visitor_id: str, *, unless_in_use: bool = False) -> bool:
        """Delete the visitor's row; True where there was one."""
        work = partial(erasing.forget_visitor, visitor_id=visitor_id, unless_in_use=unless_in_use)
        return await self._database.write(work)

    async def closed_before(self, moment: datetime, *, limit: int) -> tuple[Head, ...]:
        """Conversations that are closed, have texts left and have not changed since `at`, oldest first."""
        return await self._database.read(partial(erasing.closed_before, moment=moment, limit=limit))

    async def mentions(self, texts: Sequence[str]) -> tuple[Mention, ...]:
        """Where `texts` still stand, in any column of any table, without regard to case."""
        return await self._database.read(partial(erasing.mentions, texts=tuple(texts)))

    async def take_chore(self, name: str, *, every_s: float) -> bool:
        """Whether it is this process that has to do the chore now; then it is due again in `every_s`."""
        return await self._database.write(partial(erasing.take_chore, name=name, every_s=every_s))


class _SqlNotices:
    """The notification outbox in SQL: `NoticeStore`."""

    _database: Database

    async def take_notices(self, target: str, limit: int, *, lease_s: float) -> tuple[NoticeLease, ...]:
        """Lease up to `limit` due notices to `target`, those that have been due longest first."""
        return await self._database.write(
            partial(notification_outbox.take, target=target, limit=limit, lease_s=lease_s)
        )

    async def settle_notice(self, lease: NoticeLease) -> bool:
        """It is dealt with and forgotten; False where it is no longer this holder's."""
        return await self._database.write(partial(notification_outbox.settle, lease=lease))

    async def put_off_notice(self, lease: NoticeLease, after_s: float, *, failed: bool) -> bool:
        """Due again in `after_s`; False where it is no longer this holder's."""
        return await self._database.write(
            partial(notification_outbox.put_off, lease=lease, after_s=after_s, failed=failed)
        )

    async def undelivered(self) -> tuple[Undelivered, ...]:
        """What has failed and waits for another try, by target."""
        return await self._database.read(notification_outbox.undelivered)


class _SqlPeople:
    """Visitor and agent accounts in SQL: `VisitorStore` and `AgentStore`."""

    _database: Database

    async def visitor_by_token(self, token_hash: bytes) -> Visitor | None:
        """The visitor of a token, also of one that has expired."""
        return await self._database.read(partial(people.visitor_by_token, token_hash=token_hash))

    async def visitor_by_user(self, site_id: str, user_id: str) -> Visitor | None:
        """The signed-in customer of a site."""
        return await self._database.read(partial(people.visitor_by_user, site_id=site_id, user_id=user_id))

    async def save_visitor(self, visitor: Visitor) -> None:
        """Insert or replace by `visitor_id`."""
        await self._database.write(partial(people.save_visitor, visitor=visitor))

    async def merge_visitor(self, anonymous_id: str, customer_id: str) -> bool:
        """Make what the anonymous visitor sent, and their open conversation, the customer's."""
        return await self._database.write(
            partial(people.merge_visitor, anonymous_id=anonymous_id, customer_id=customer_id)
        )

    async def add_agent(self, agent: Agent, password_hash: str | None) -> None:
        """Raises EmailTaken."""
        await self._database.write(partial(people.add_agent, agent=agent, password_hash=password_hash))

    async def agent(self, agent_id: str) -> Agent | None:
        """The account."""
        return await self._database.read(partial(people.agent_by_id, agent_id=agent_id))

    async def agent_by_email(self, email: str) -> tuple[Agent, str | None] | None:
        """The account with its password hash; addresses compare without case."""
        return await self._database.read(partial(people.agent_by_email, email=email))

    async def agents(self) -> tuple[Agent, ...]:
        """All accounts, by name."""
        return await self._database.read(people.all_agents)

    async def save_agent(self, agent: Agent) -> None:
        """Replace name, role, capacity, `disabled`, skills and languages of an account."""
        await self._database.write(partial(people.save_agent, agent=agent))

    async def add_credential(self, credential: Credential) -> None:
        """Store a credential; its hash is unique."""
        await self._database.write(partial(people.add_credential, credential=credential))

    async def credential(self, token_hash: bytes) -> tuple[Credential, Agent] | None:
        """The credential and whose it is, also where it has expired or the agent is disabled."""
        return await self._database.read(partial(people.find_credential, token_hash=token_hash))

    async def spend_credential(self, token_hash: bytes) -> Credential | None:
        """Remove and return it; of two that try at once, one gets None."""
        return await self._database.write(partial(people.spend_credential, token_hash=token_hash))

    async def set_presence(self, presence: Presence) -> None:
        """Insert or replace."""
        await self._database.write(partial(people.set_presence, current=presence))

    async def renew_presence(self, agent_id: str, seen_at: datetime) -> None:
        """The agent was seen; their status stands."""
        await self._database.write(partial(people.renew_presence, agent_id=agent_id, seen_at=seen_at))

    async def presences(self) -> tuple[Presence, ...]:
        """The last known presence of every agent."""
        return await self._database.read(people.presences)


class SqlStore(_SqlLog, _SqlRecords, _SqlNotices, _SqlPeople):
    """A `Store` over a `Database`."""

    async def close(self) -> None:
        """Finish what is being written and let go of the files."""
        await self._database.close()
