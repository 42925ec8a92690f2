"""In-memory tables: dictionaries and row values, where the store in memory keeps things."""

from dataclasses import dataclass, field
from datetime import datetime

from conversation.events import Event
from conversation.state import Conversation
from conversation.values import Agent, Credential, Presence, Visitor


@dataclass(frozen=True, slots=True)
class OwedTurn:
    """A row of the turn outbox: a reply the bot owes, the lease on it and whose work it is."""

    fence: int
    owner: str
    leased_until: datetime
    owed_since: datetime


@dataclass(frozen=True, slots=True)
class OwedNotice:
    """A row of the notification outbox: a notice that is still to be told."""

    fence: int
    failures: int
    due_at: datetime
    owed_since: datetime


@dataclass(frozen=True, slots=True)
class SentCommand:
    """An idempotency record: a command that was carried out, and the event that acknowledges it."""

    body_hash: bytes | None  # None: what it said was erased
    event: Event


@dataclass(slots=True)
class Tables:
    """All tables of the store in memory, each by id."""

    conversations: dict[str, Conversation] = field(default_factory=dict)
    events: dict[str, list[Event]] = field(default_factory=dict)
    sent: dict[tuple[str, str], SentCommand] = field(default_factory=dict)
    turns: dict[str, OwedTurn] = field(default_factory=dict)
    notices: dict[tuple[str, int, str], OwedNotice] = field(default_factory=dict)  # by conversation, number and target
    open_of: dict[str, str] = field(default_factory=dict)  # visitor id -> their open conversation
    visitors: dict[str, Visitor] = field(default_factory=dict)
    agents: dict[str, Agent] = field(default_factory=dict)
    passwords: dict[str, str | None] = field(default_factory=dict)
    credentials: dict[bytes, Credential] = field(default_factory=dict)
    presences: dict[str, Presence] = field(default_factory=dict)
    due: dict[str, datetime] = field(default_factory=dict)  # chore -> when it is to be done again
