"""Value types of the ports: what goes in and out of storage and wake-ups, frozen and without behaviour."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import orjson

from conversation.events import Author, Event, JsonObject, Payload
from conversation.state import Conversation

Role = Literal["agent", "lead", "writer", "qa", "admin"]
PresenceStatus = Literal["online", "away", "offline"]
CredentialKind = Literal["session", "bearer", "login"]


@dataclass(frozen=True, slots=True)
class Draft:
    """An event to append, before it has a number."""

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
    """A lease on a turn, the right to answer a conversation: `fence` grows each time the turn changes hands."""

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
    """The result of an append. `again`: it had been carried out before and `events` holds the event of that time.

    `lease` is set where the bot owes an answer and this worker is to give it.
    """

    events: tuple[Event, ...]
    conversation: Conversation
    again: bool = False
    lease: TurnLease | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """The latest sequence number of a conversation: how far it has come."""

    conversation_id: str
    visitor_id: str
    seq: int


@dataclass(frozen=True, slots=True)
class Page:
    """A page of conversations, newest change first; `next` is the cursor of the following page."""

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


@dataclass(frozen=True, slots=True)
class Holdings:
    """The personal data of a person: their rows as a visitor, and the conversations of theirs with texts left.

    Conversations in which the address stands that was asked for come last: whoever erases in this order and is
    interrupted finds the rest by it again.
    """

    visitors: tuple[Visitor, ...]
    conversation_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Erased:
    """The result of an erasure: how a conversation stands after its erasure; `count` of its events were overwritten."""

    conversation: Conversation
    count: int


@dataclass(frozen=True, slots=True)
class Mention:
    """A remaining mention: `text` stands in `rows` rows of a column."""

    text: str
    table: str
    column: str
    rows: int


@dataclass(frozen=True, slots=True)
class Copy:
    """A remaining copy of erased texts, `found` or not, None where nobody can look; `remedy` says what to do."""

    place: str
    found: bool | None
    remedy: str


Subscriptions = Mapping[str, tuple[str, ...]]  # kind of event -> the targets that are told of it
NOBODY: Subscriptions = {}


@dataclass(frozen=True, slots=True)
class NoticeLease:
    """A lease on a notice, the right to tell `target` of an event: `fence` grows each time the notice changes hands.

    `failures` is how often it could not be told, `age_s` how long ago the event was stored.
    """

    conversation_id: str
    seq: int
    target: str
    fence: int
    failures: int
    age_s: float


@dataclass(frozen=True, slots=True)
class Undelivered:
    """The backlog of a target: `count` notices have failed and are still to be told; the oldest is `oldest_s` old."""

    target: str
    count: int
    oldest_s: float


@dataclass(frozen=True, slots=True)
class Reached:
    """A wake-up, the hint that the conversation has come to `seq`. Late, doubled or lost, it harms nothing."""

    conversation_id: str
    visitor_id: str
    seq: int


@dataclass(frozen=True, slots=True)
class Relayed:
    """An ephemeral frame, not stored (a draft, typing); it may get lost. `to` is who may see it."""

    conversation_id: str
    to: Literal["visitor", "desk"]
    frame: JsonObject


Hint = Reached | Relayed
Listener = Callable[[Hint], None]
