"""Event types, the vocabulary: what can happen in a conversation.

A conversation is an append-only list of these events; everything else is a view of it. Each kind is a frozen value;
`Event` is the envelope that numbers it. The stored form is made here, what agents and visitors read in `projections`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar, Literal, get_args

from pydantic import JsonValue, TypeAdapter

from conversation.upcasts import type_bot_said

JsonObject = dict[str, JsonValue]

AuthorKind = Literal["visitor", "bot", "agent", "system"]
HolderKind = Literal["bot", "queue", "agent", "nobody"]
State = Literal["bot", "queued", "agent", "closed"]
Outcome = Literal["answer", "suggest", "clarify", "small_talk", "no_answer", "handoff"]
Reason = Literal["visitor_asked", "low_confidence", "frustrated", "repeated_failure", "policy"]
Priority = Literal["low", "normal", "high", "urgent"]
ChoiceKind = Literal["article", "person", "helped", "not_helped"]

SHOWS_PASSAGE: frozenset[Outcome] = frozenset({"answer", "suggest"})  # the reply tells what an article says


@dataclass(frozen=True, slots=True)
class Author:
    """The author of an event, who did it: `id` is the visitor's or agent's own, absent for the bot and the system."""

    kind: AuthorKind
    name: str | None = None
    id: str | None = None

    @property
    def sender(self) -> str:
        """The owner of a `client_id`: `visitor:9f2c` or `agent:4b1d`."""
        return f"{self.kind}:{self.id}"


BOT = Author("bot")
SYSTEM = Author("system")


@dataclass(frozen=True, slots=True)
class Holder:
    """The assignee, who may speak to the visitor now; `id` and `name` are an agent's."""

    kind: HolderKind
    name: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """State, holder and `hold` (how often the holder has changed) after an event that changed them."""

    state: State
    holder: Holder
    hold: int


@dataclass(frozen=True, slots=True)
class Citation:
    """A source reference, where a reply is from: `quote` is the sentence of the article that carries it."""

    article_id: str
    title: str
    heading: str | None
    url: str
    quote: str


@dataclass(frozen=True, slots=True)
class Choice:
    """What the visitor may press: an article, a person, or a verdict on what was suggested.

    `label` is what the button says, and they by pressing it.
    """

    kind: ChoiceKind
    label: str
    article_id: str | None = None


def shown_articles(citations: Iterable[Citation], choices: Iterable[Choice]) -> tuple[str, ...]:
    """The ids of the articles that a reply puts before the visitor: those it cites, then those to choose from."""
    cited = [citation.article_id for citation in citations]
    offered = [choice.article_id for choice in choices if choice.article_id is not None]
    return tuple(dict.fromkeys([*cited, *offered]))


@dataclass(frozen=True, slots=True)
class Mood:
    """Frustration of the visitor: `score`, 0 to 1, and a `reason` that an agent can read, empty where they are calm."""

    score: float
    reason: str


@dataclass(frozen=True, slots=True)
class Opened:
    """The first event: a visitor of `site` began to talk, on `page` (`{url, title}`)."""

    kind: ClassVar[str] = "opened"
    site: str = "default"
    locale: str | None = None
    page: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class VisitorSaid:
    """A visitor's message: plain text, 1 to 4,000 code points."""

    kind: ClassVar[str] = "visitor_said"
    text: str


@dataclass(frozen=True, slots=True)
class BotSaid:
    """A reply in Markdown, and what the bot did with it: decisions read these fields, never the text.

    `answers` names the `seq` of every `visitor_said` it answers; `confidence` is 0 to 1. `reason` says why a person is
    called with it or, with nobody at the desk, would have been. `offers_person`: its words ask whether the visitor wants
    a person, so "yes" calls one. `choices` are the buttons. `passage` is what an answer or a suggestion says, Markdown,
    without its hedge, its source and what is offered below it. `failed`: it did not help. `mood` is the visitor's before it.
    """

    kind: ClassVar[str] = "bot_said"
    text: str
    outcome: Outcome
    answers: tuple[int, ...]
    citations: tuple[Citation, ...] = ()
    confidence: float | None = None
    kb_version: str | None = None
    turn_id: str | None = None
    reason: Reason | None = None
    offers_person: bool = False
    choices: tuple[Choice, ...] = ()
    passage: str = ""
    failed: bool = False
    mood: Mood | None = None
    trace: JsonObject = field(default_factory=dict)

    @property
    def suggestions(self) -> tuple[str, ...]:
        """The labels of the choices, for clients that know no choices."""
        return tuple(choice.label for choice in self.choices)

    @property
    def shown(self) -> tuple[str, ...]:
        """The ids of the articles that it puts before the visitor."""
        return shown_articles(self.citations, self.choices)

    @property
    def has_offered_person(self) -> bool:
        """Whether a person was offered, in words or by a button; a failure without the words asks to ask again first."""
        return self.offers_person or (not self.failed and any(choice.kind == "person" for choice in self.choices))


@dataclass(frozen=True, slots=True)
class AgentSaid:
    """An agent's message: plain text of the one who holds the conversation."""

    kind: ClassVar[str] = "agent_said"
    text: str


@dataclass(frozen=True, slots=True)
class NoteAdded:
    """An internal note, a remark among agents; never shown to the visitor."""

    kind: ClassVar[str] = "note_added"
    text: str


WANTS = "Wants:"  # begins the first line of a handoff's `detail` that says what the visitor wants


@dataclass(frozen=True, slots=True)
class HandoffRequested:
    """Handover: a person is called. `detail` tells the agent, a line each, what is wanted, what was tried, and why."""

    kind: ClassVar[str] = "handoff_requested"
    reason: Reason
    detail: str = ""
    priority: Priority = "normal"


@dataclass(frozen=True, slots=True)
class Claimed:
    """An agent took the conversation, or the system gave it to the agent with id `to`, called `to_name`."""

    kind: ClassVar[str] = "claimed"
    to: str | None = None
    to_name: str | None = None


@dataclass(frozen=True, slots=True)
class Released:
    """The holder gave the conversation back to the queue, or the system did for one who was silent."""

    kind: ClassVar[str] = "released"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Transferred:
    """The holder passed the conversation to the agent with id `to`, called `to_name`."""

    kind: ClassVar[str] = "transferred"
    to: str
    to_name: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class ReturnedToBot:
    """The bot answers again: the agent returned the conversation, or the visitor no longer waits for a person."""

    kind: ClassVar[str] = "returned_to_bot"


@dataclass(frozen=True, slots=True)
class Closed:
    """The conversation ended; a visitor may reopen it for a while."""

    kind: ClassVar[str] = "closed"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Reopened:
    """A closed conversation goes on, with the bot."""

    kind: ClassVar[str] = "reopened"


@dataclass(frozen=True, slots=True)
class Rated:
    """Feedback, the visitor's verdict on the `bot_said` numbered `of`."""

    kind: ClassVar[str] = "rated"
    of: int
    helpful: bool
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Surveyed:
    """Customer satisfaction (CSAT): how content the visitor was, 1 to 5."""

    kind: ClassVar[str] = "surveyed"
    score: int
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class ContactLeft:
    """Contact details: where the visitor can be reached when nobody is at the desk."""

    kind: ClassVar[str] = "contact_left"
    email: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Tagged:
    """The whole set of tags after the change."""

    kind: ClassVar[str] = "tagged"
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PrioritySet:
    """How soon the queue should serve it."""

    kind: ClassVar[str] = "priority_set"
    priority: Priority


@dataclass(frozen=True, slots=True)
class Redacted:
    """Redaction: the payloads of the events numbered `seqs` were overwritten; readers drop their copies."""

    kind: ClassVar[str] = "redacted"
    seqs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Unknown:
    """An event of a kind this version does not know, or one whose payload was erased: it only moves the cursor."""

    kind: str
    body: JsonObject = field(default_factory=dict)


Known = (
    Opened
    | VisitorSaid
    | BotSaid
    | AgentSaid
    | NoteAdded
    | HandoffRequested
    | Claimed
    | Released
    | Transferred
    | ReturnedToBot
    | Closed
    | Reopened
    | Rated
    | Surveyed
    | ContactLeft
    | Tagged
    | PrioritySet
    | Redacted
)
Payload = Known | Unknown

ERASED = "erased"  # a body with this field is what is left of one whose texts were overwritten

VERSION = 2  # of every kind's stored body; raise it together with an entry in UPCASTS

# (kind, stored version) -> the body one version later
UPCASTS: Mapping[tuple[str, int], Callable[[JsonObject], JsonObject]] = {("bot_said", 1): type_bot_said}


@dataclass(frozen=True, slots=True)
class Event:
    """One numbered entry of a conversation; `seq` counts from 1 without gaps."""

    conversation_id: str
    seq: int
    event_id: str
    at: datetime
    by: Author
    payload: Payload
    client_id: str | None = None
    standing: Standing | None = None

    @property
    def kind(self) -> str:
        """The payload's kind, as on the wire."""
        return self.payload.kind


_ADAPTERS: Mapping[str, TypeAdapter[Known]] = {kind.kind: TypeAdapter(kind) for kind in get_args(Known)}
_STANDING: TypeAdapter[Standing] = TypeAdapter(Standing)
_STANDING_FIELDS = ("state", "holder", "hold")


def rfc3339(moment: datetime) -> str:
    """An RFC 3339 timestamp: `2026-11-21T09:30:00.125000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def body_of(payload: Payload) -> JsonObject:
    """Serialise a payload: the kind's own fields, as JSON values."""
    if isinstance(payload, Unknown):
        return payload.body
    body: JsonObject = _ADAPTERS[payload.kind].dump_python(payload, mode="json")
    if isinstance(payload, BotSaid):
        body["suggestions"] = [*payload.suggestions]
    return body


def stored_body(event: Event) -> JsonObject:
    """The stored form: the kind's own fields and, where the event changed who holds the chat, `state`, `holder` and `hold`."""
    standing = {} if event.standing is None else _STANDING.dump_python(event.standing, mode="json")
    return body_of(event.payload) | standing


def revive(kind: str, version: int, body: JsonObject) -> tuple[Payload, Standing | None]:
    """Deserialise a stored body: payload and standing, upcast from `version`.

    A kind or version from the future is `Unknown`, and so is what was erased.
    """
    standing = _STANDING.validate_python({name: body[name] for name in _STANDING_FIELDS}) if "hold" in body else None
    fields = {name: value for name, value in body.items() if name not in _STANDING_FIELDS}
    if kind not in _ADAPTERS or version > VERSION or ERASED in fields:
        return Unknown(kind, fields), standing
    for stored in range(version, VERSION):
        fields = UPCASTS[kind, stored](fields) if (kind, stored) in UPCASTS else fields
    return _ADAPTERS[kind].validate_python(fields), standing
