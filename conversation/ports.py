"""What the rest of Handrail asks of storage, wake-ups and time. Adapters: `memory`, `sql`."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

import orjson

from conversation.events import Author, Event, JsonObject, Payload, State
from conversation.notification_outbox import NoticeStore
from conversation.records import RecordStore
from conversation.state import Conversation

Role = Literal["agent", "lead", "writer", "qa", "admin"]
PresenceStatus = Literal["online", "away", "offline"]
CredentialKind = Literal["session", "bearer", "login"]


@dataclass(frozen=True, slots=True)
class Draft:
    """An event before it has a number."""

    by: Author
    payload: Payload


@dataclass(frozen=True, slots=True)
class Key:
    """Permanent idempotency key of a command: who sent it, their id for it, and a digest of what it said."""

    sender: str
    client_id: str
    body_hash: bytes

    @classmethod
    def of(cls, by: Author, client_id: str, body: JsonObject) -> "Key":
        """The key of `body`, whatever the order of its fields."""
        return cls(by.sender, client_id, hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).digest())


@dataclass(frozen=True, slots=True)
class Visitor:
    """A browser or signed-in customer of a site. `token_hash` is the SHA-256 of the token, which is never stored."""

    visitor_id: str
    site_id: str
    token_hash: bytes
    expires_at: datetime
    user_id: str | None = None
    name: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class TurnLease:
    """The right to answer a conversation: `fence` grows each time the turn changes hands."""

    conversation_id: str
    fence: int


Decide = Callable[[Conversation | None], Sequence[Draft]]


@dataclass(frozen=True, slots=True)
class Append:
    """A command on one conversation.

    `decide` is pure and runs inside the transaction that holds the conversation: it sees how the conversation stands
    (None: it does not exist yet) and returns the events to append, none to leave it as it is, or raises Refused.
    `visitor` is stored with the first event of a conversation. `turn` must still be leased to this worker.
    """

    conversation_id: str
    at: datetime
    decide: Decide
    key: Key | None = None
    visitor: Visitor | None = None
    turn: TurnLease | None = None


@dataclass(frozen=True, slots=True)
class Appended:
    """What a command came to. `again`: it had been carried out before and `events` holds the event of that time.

    `lease` is set where the bot owes an answer and this worker is to give it.
    """

    events: tuple[Event, ...]
    conversation: Conversation
    again: bool = False
    lease: TurnLease | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """How far a conversation has come."""

    conversation_id: str
    visitor_id: str
    seq: int


@dataclass(frozen=True, slots=True)
class Page:
    """Some conversations, newest change first; `next` is the cursor of the following page."""

    items: tuple[Conversation, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Agent:
    """A person who works in the console; `capacity` is how many conversations they hold at a time.

    `skills` are tags of conversations, `languages` primary subtags ("de"); whoever has none named takes every one.
    """

    agent_id: str
    email: str
    name: str
    role: Role = "agent"
    capacity: int = 5
    disabled: bool = False
    skills: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Credential:
    """A session, bearer token or one-time login of an agent; only the SHA-256 of its secret is stored."""

    token_hash: bytes
    kind: CredentialKind
    agent_id: str
    expires_at: datetime | None = None
    csrf: str | None = None


@dataclass(frozen=True, slots=True)
class Presence:
    """An agent at the desk: `seen_at` is their last request."""

    agent_id: str
    status: PresenceStatus
    seen_at: datetime


class ConversationStore(Protocol):
    """The log. Every method raises StorageUnavailable where the database does not answer."""

    async def append(self, command: Append) -> Appended:
        """Carry out `command` in one transaction; when this returns, it is on disk.

        The key is looked up before anything else. Where the bot now owes an answer, its turn is born leased to this
        worker; where it no longer does, the turn is gone. Whoever subscribed to events of these kinds is owed a notice.
        A conversation that passes to an agent counts against their capacity. Raises Refused (ClientIdReused, AlreadySent, LeaseLost, OverCapacity, NewerConversation, or what
        `decide` or `state.permit` raised); nothing is stored then.
        """

    async def events(self, conversation_id: str, *, after: int = 0, limit: int = 500) -> tuple[Event, ...]:
        """The events numbered after+1 and up, ascending, at most `limit`. Empty for an unknown conversation."""

    async def conversation(self, conversation_id: str) -> Conversation | None:
        """How the conversation stands."""

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
        """Who waits for a person, by priority, then by waiting time; `handoff.queue_order.served` says who is next."""

    async def heads(self, *, conversation_ids: Sequence[str], visitor_ids: Sequence[str]) -> tuple[Head, ...]:
        """How far the given conversations, and the latest of each given visitor, have come: one query a poll."""

    async def open_heads(self) -> tuple[Head, ...]:
        """How far every conversation that is not closed has come, for the desk's poll."""


class TurnStore(Protocol):
    """The outbox of turns the bot owes; a lease lasts `lease_s`, by the database's clock."""

    lease_s: float

    async def take_turns(self, limit: int) -> tuple[TurnLease, ...]:
        """Lease up to `limit` turns whose lease has run out, oldest first, to this worker."""

    async def renew(self, lease: TurnLease) -> bool:
        """Extend the lease; False where it is no longer this worker's."""


class VisitorStore(Protocol):
    """Who the visitors are."""

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

    async def renew_presence(self, agent_id: str, at: datetime) -> None:
        """The agent was seen. What they said of themselves last stands, in whichever process; `online` where nothing."""

    async def presences(self) -> tuple[Presence, ...]:
        """The last known presence of every agent; whether a lease has run out is for the reader to compute."""


class Store(ConversationStore, RecordStore, TurnStore, NoticeStore, VisitorStore, AgentStore, Protocol):
    """Everything that is kept."""

    async def close(self) -> None:
        """Finish what is being written and let go of the files."""


@dataclass(frozen=True, slots=True)
class Reached:
    """A hint: the conversation has come to `seq`. Late, doubled or lost, it harms nothing."""

    conversation_id: str
    visitor_id: str
    seq: int


@dataclass(frozen=True, slots=True)
class Relayed:
    """A frame that is not stored (a draft, typing); it may get lost. `to` is who may see it."""

    conversation_id: str
    to: Literal["visitor", "desk"]
    frame: JsonObject


Hint = Reached | Relayed
Listener = Callable[[Hint], None]


class Bus(Protocol):
    """Says that there is something to read. Topics are a conversation, a visitor, or the whole desk."""

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
    """Where time comes from."""

    def now(self) -> datetime:
        """Aware UTC."""

    def monotonic(self) -> float:
        """Seconds that only grow, for measuring."""

    async def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""
