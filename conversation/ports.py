"""Ports, as protocols: what Handrail asks of storage, wake-ups and time. Adapters: `memory`, `sql`, `bus`, `redis_bus`."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from conversation.events import Event, State
from conversation.state import Conversation
from conversation.values import (
    Agent,
    Append,
    Appended,
    Copy,
    Credential,
    Erased,
    Head,
    Hint,
    Holdings,
    Listener,
    Mention,
    NoticeLease,
    Page,
    Presence,
    TurnLease,
    Undelivered,
    Visitor,
)


class ConversationStore(Protocol):
    """The event log. Every method raises StorageUnavailable where the database does not answer."""

    async def append(self, command: Append) -> Appended:
        """Carry out `command` in one transaction; when this returns, it is on disk.

        The idempotency key is looked up before anything else. Where the bot now owes an answer, its turn is born leased
        to this worker; where it no longer does, the turn is gone. Whoever subscribed to events of these kinds is owed a notice.
        A conversation that passes to an agent counts against their capacity. Raises Refused (ClientIdReused,
        AlreadySent, LeaseLost, OverCapacity, NewerConversation, or what `decide` or `state.permit` raised); nothing is
        stored then.
        """

    async def events(self, conversation_id: str, *, after: int = 0, limit: int = 500) -> tuple[Event, ...]:
        """The events numbered after+1 and up, ascending, at most `limit`. Empty for an unknown conversation."""

    async def conversation(self, conversation_id: str) -> Conversation | None:
        """The conversation's current state, folded."""

    async def latest(self, visitor_id: str) -> Conversation | None:
        """The visitor's conversation that changed last, an open one first."""

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

    async def queue(self) -> tuple[Conversation, ...]:
        """Who waits for a person, by priority, then by waiting time; `handoff.routing.queue_order` says who is next."""

    async def heads(self, *, conversation_ids: Sequence[str], visitor_ids: Sequence[str]) -> tuple[Head, ...]:
        """How far the given conversations, and the latest of each given visitor, have come: one query a poll."""

    async def open_heads(self) -> tuple[Head, ...]:
        """How far every conversation that is not closed has come, for the desk's poll."""


class RecordStore(Protocol):
    """Export, erasure and retention: everything at once, for those who must hand it over or erase it."""

    async def records(
        self, *, after: tuple[str, int] | None = None, since: datetime | None = None, limit: int = 500
    ) -> tuple[Event, ...]:
        """Events of all conversations, or of those that changed at `since` or later, by conversation and number.

        `after` is conversation and number of the last event read. Whoever reads to the end has every event stored
        before they began, and of each conversation an unbroken beginning.
        """

    async def holdings(
        self, *, visitor_id: str | None = None, email: str | None = None, conversation_id: str | None = None
    ) -> Holdings:
        """What is kept of a visitor, or of whoever has the address or left it; of one conversation that one alone.

        What a browser sent before it signed in belongs to the customer. Reads every conversation's first event.
        """

    async def erase(
        self, conversation_id: str, at: datetime, *, unless_changed_since: datetime | None = None
    ) -> Erased | None:
        """Overwrite what was written in the conversation, its digests and the visitor's name.

        A long one goes in batches, each a transaction, and is `erased` with the last of them; one that was interrupted
        is found as before, by `holdings` and `closed_before`, and the next erasure goes on with it. Numbers, ids, times
        and who held it stay; an open conversation is closed, and nobody is owed a reply or a notice; `redacted` tells
        the readers. A command that is sent again is still known. None where there is no such conversation, or where it
        is open or has changed since the moment given.
        """

    async def forget_visitor(self, visitor_id: str, *, unless_in_use: bool = False) -> bool:
        """Delete the visitor's row, so that their token is nobody's; True where there was one.

        `unless_in_use`: only where no conversation of theirs has texts left.
        """

    async def closed_before(self, moment: datetime, *, limit: int) -> tuple[Head, ...]:
        """Conversations that are closed, have texts left and have not changed since `at`, oldest first."""

    async def mentions(self, texts: Sequence[str]) -> tuple[Mention, ...]:
        """Where `texts` still stand, in any column but those of random ids, without regard to case. Reads everything."""

    async def copies(self, texts: Sequence[str]) -> tuple[Copy, ...]:
        """Beyond the tables: where in the files `texts` may still be. Empties what can be emptied; reads the files."""

    async def take_chore(self, name: str, *, every_s: float) -> bool:
        """Whether it is this process that has to do the chore now; then it is due again in `every_s`."""


class TurnStore(Protocol):
    """The turn outbox: what the bot owes; a lease lasts `lease_s`, by the database's clock."""

    lease_s: float

    async def take_turns(self, limit: int) -> tuple[TurnLease, ...]:
        """Lease up to `limit` turns whose lease has run out, oldest first, to this worker."""

    async def renew(self, lease: TurnLease) -> bool:
        """Extend the lease; False where it is no longer this worker's."""


class NoticeStore(Protocol):
    """The notification outbox. Notices are stored with their event, in one transaction, and due at once.

    All times are the database's.
    Whoever takes one has it for the time of the lease: it is taken again by anybody once that is over, so a notice may
    be told twice and is never lost.
    """

    async def take_notices(self, target: str, limit: int, *, lease_s: float) -> tuple[NoticeLease, ...]:
        """Lease up to `limit` due notices to `target`, those that have been due longest first."""

    async def settle_notice(self, lease: NoticeLease) -> bool:
        """It is dealt with and forgotten; False where it is no longer this holder's."""

    async def put_off_notice(self, lease: NoticeLease, after_s: float, *, failed: bool) -> bool:
        """Due again in `after_s`; `failed` counts. False where it is no longer this holder's."""

    async def undelivered(self) -> tuple[Undelivered, ...]:
        """What has failed and waits for another try, by target."""


class VisitorStore(Protocol):
    """Visitor identities: browsers and signed-in customers."""

    async def visitor_by_token(self, token_hash: bytes) -> Visitor | None:
        """The visitor of a token, also of one that has expired."""

    async def visitor_by_user(self, site_id: str, user_id: str) -> Visitor | None:
        """The signed-in customer of a site."""

    async def save_visitor(self, visitor: Visitor) -> None:
        """Insert or replace by `visitor_id`."""

    async def merge_visitor(self, anonymous_id: str, customer_id: str) -> bool:
        """Make what the anonymous visitor sent the customer's, so that sent again it is known under either.

        Their open conversation goes along unless the customer has one open too; True where it did.
        """


class AgentStore(Protocol):
    """Accounts, credentials and presence of those who work in the console."""

    async def add_agent(self, agent: Agent, password_hash: str | None) -> None:
        """Raises EmailTaken."""

    async def agent(self, agent_id: str) -> Agent | None:
        """The account."""

    async def agent_by_email(self, email: str) -> tuple[Agent, str | None] | None:
        """The account with its password hash; addresses compare without case."""

    async def agents(self) -> tuple[Agent, ...]:
        """All accounts, by name."""

    async def save_agent(self, agent: Agent) -> None:
        """Replace name, role, capacity, `disabled`, skills and languages of an account."""

    async def add_credential(self, credential: Credential) -> None:
        """Store a credential; its hash is unique."""

    async def credential(self, token_hash: bytes) -> tuple[Credential, Agent] | None:
        """The credential and whose it is, also where it has expired or the agent is disabled."""

    async def spend_credential(self, token_hash: bytes) -> Credential | None:
        """Remove and return it; of two that try at once, one gets None."""

    async def set_presence(self, presence: Presence) -> None:
        """Insert or replace."""

    async def renew_presence(self, agent_id: str, seen_at: datetime) -> None:
        """The agent was seen. What they said of themselves last stands, in whichever process; `online` where nothing."""

    async def presences(self) -> tuple[Presence, ...]:
        """The last known presence of every agent; whether a lease has run out is for the reader to compute."""


class Store(ConversationStore, RecordStore, TurnStore, NoticeStore, VisitorStore, AgentStore, Protocol):
    """The whole storage port: everything that is kept."""

    async def close(self) -> None:
        """Finish what is being written and let go of the files."""


class Bus(Protocol):
    """Publish and subscribe: there is something to read. Topics are a conversation, a visitor, or the whole desk."""

    def publish(self, hint: Hint) -> None:
        """Tell those who listen to the hint's conversation or visitor, and those who listen to everything."""

    def listen(
        self, listener: Listener, *, conversation_id: str | None = None, visitor_id: str | None = None
    ) -> Callable[[], None]:
        """Call `listener` (quick, never raising) on each hint of the topic, of everything where none is given.

        Returns the function that ends it.
        """

    def topics(self) -> tuple[frozenset[str], frozenset[str], bool]:
        """What is listened to: conversation ids, visitor ids, and whether anyone listens to everything."""


class Clock(Protocol):
    """The clock port: where time comes from."""

    def now(self) -> datetime:
        """Aware UTC."""

    def monotonic(self) -> float:
        """Seconds that only grow, for measuring."""

    async def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""
