"""Where a conversation stands: a pure fold over its events, and the table of what is permitted next.

`permit` is the whole ownership machine: `bot -> queued -> agent -> bot | closed`. It says what an event would make of
the holder, or refuses. `apply` is the fold's step; a stored row is nothing but its result.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from conversation.errors import AlreadyClaimed, IllegalTransition, NotHolder
from conversation.events import (
    WANTS,
    AgentSaid,
    Author,
    BotSaid,
    Claimed,
    Closed,
    ContactLeft,
    Event,
    HandoffRequested,
    Holder,
    Opened,
    Payload,
    Priority,
    PrioritySet,
    Reason,
    Redacted,
    Released,
    Reopened,
    ReturnedToBot,
    Standing,
    State,
    Tagged,
    Transferred,
    VisitorSaid,
)

PREVIEW_CHARS = 120  # one line of a queue card
BOT_HOLDS = Holder("bot")
QUEUE_HOLDS = Holder("queue")
NOBODY_HOLDS = Holder("nobody")


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation as of its event number `seq`.

    `pending` are the numbers of what the visitor said and the bot, who holds the chat, has yet to answer.
    `failures` counts the bot's replies in a row that did not help; an answer or a change of holder ends the row, and
    asking back is neither. `returned`: since it was last closed, an agent had the chat and gave it back to the bot.
    `waiting_since` is set while a person is awaited; `contact` is an address that nobody has followed up yet.

    From the call for a person until the bot or nobody has the chat again: `asked_at` is when it began and `let_go` who
    has had the chat since and gave it up; `held_since` is when queue or agent got it. `assigned`: the system gave it to
    its agent, who has done nothing in it yet. `dropped`: who let it go last did so without a word, being silent.

    `erased`: its texts were overwritten, and nothing has happened since.
    """

    conversation_id: str
    visitor_id: str
    site_id: str
    opened_at: datetime
    updated_at: datetime
    seq: int = 0
    state: State = "bot"
    holder: Holder = BOT_HOLDS
    hold: int = 0
    locale: str | None = None
    page: dict[str, str] | None = None
    priority: Priority = "normal"
    reason: Reason | None = None
    waiting_since: datetime | None = None
    preview: str = ""
    tags: tuple[str, ...] = ()
    pending: tuple[int, ...] = ()
    failures: int = 0
    returned: bool = False
    contact: str | None = None
    closed_at: datetime | None = None
    asked_at: datetime | None = None
    held_since: datetime | None = None
    let_go: tuple[str, ...] = ()
    assigned: bool = False
    dropped: bool = False
    erased: bool = False


def permit(now: Conversation, by: Author, payload: Payload) -> Standing | None:
    """The standing that `payload` would lead to, or None where the holder stays.

    Raises AlreadyClaimed, NotHolder or IllegalTransition.
    """
    match payload:
        case Opened():
            return _opens(now)
        case Claimed():
            return _claims(now, by, payload)
        case HandoffRequested():
            return _moves(now, payload, ("bot",), "queued", QUEUE_HOLDS)
        case Released():
            _require_holder(now, by)
            return _moves(now, payload, ("agent",), "queued", QUEUE_HOLDS)
        case Transferred():
            _require_holder(now, by)
            return _moves(now, payload, ("agent",), "agent", Holder("agent", payload.to_name, payload.to))
        case ReturnedToBot():
            _require_holder(now, by)
            # a visitor gives up waiting; only the agent, or the system for one who vanished, ends an agent's hold
            given_up: tuple[State, ...] = ("queued",) if by.kind == "visitor" else ("queued", "agent")
            return _moves(now, payload, given_up, "bot", BOT_HOLDS)
        case Closed():
            _require_holder(now, by)
            return _moves(now, payload, ("bot", "queued", "agent"), "closed", NOBODY_HOLDS)
        case Reopened():
            return _moves(now, payload, ("closed",), "bot", BOT_HOLDS)
        case AgentSaid():
            _require_holder(now, by)
            _require_state(now, payload, ("agent",))
        case VisitorSaid():
            _require_state(now, payload, ("bot", "queued", "agent"))
        case BotSaid():
            _require_state(now, payload, ("bot",))
    return None


def _opens(now: Conversation) -> Standing:
    if now.seq:
        raise IllegalTransition(kind="opened", state=now.state)
    return Standing("bot", BOT_HOLDS, 0)


def _claims(now: Conversation, by: Author, payload: Claimed) -> Standing:
    """An agent may take a chat from the bot; the system gives away only what waits."""
    if now.holder.kind == "agent":
        raise AlreadyClaimed(claimed_by=now.holder.name or "", agent_id=now.holder.id or "")
    if by.kind == "system":
        return _moves(now, payload, ("queued",), "agent", Holder("agent", payload.to_name, payload.to))
    return _moves(now, payload, ("bot", "queued"), "agent", Holder("agent", by.name, by.id))


def _moves(now: Conversation, payload: Payload, from_states: tuple[State, ...], to: State, holder: Holder) -> Standing:
    _require_state(now, payload, from_states)
    return Standing(to, holder, now.hold + 1)


def _require_state(now: Conversation, payload: Payload, states: tuple[State, ...]) -> None:
    if now.state not in states:
        raise IllegalTransition(kind=payload.kind, state=now.state)


def _require_holder(now: Conversation, by: Author) -> None:
    """An agent acts only on what they hold; visitors and the system answer for themselves."""
    if by.kind == "agent" and now.state != "closed" and now.holder.id != by.id:
        raise NotHolder(holder=now.holder.name or now.holder.kind)


def apply(before: Conversation, event: Event) -> Conversation:
    """The conversation after `event`, the next in number."""
    after = replace(before, seq=event.seq, updated_at=event.at, erased=isinstance(event.payload, Redacted))
    if event.standing is not None:
        after = _stand(after, event, event.standing)
    elif event.by.kind == "agent" and event.by.id == before.holder.id:
        after = replace(after, assigned=False)
    match event.payload:
        case Opened(locale=locale, page=page):
            return replace(after, locale=locale, page=page)
        case VisitorSaid(text=text):
            pending = (*after.pending, event.seq) if after.state == "bot" else ()
            return replace(after, pending=pending, preview=_preview(text) if _shows_last(after) else after.preview)
        case BotSaid():
            return _answered(after, event.payload)
        case AgentSaid(text=text):
            return replace(after, preview=_preview(text))
        case ReturnedToBot():
            return replace(after, returned=before.returned or before.state == "agent")
        case HandoffRequested(reason=reason, detail=detail, priority=priority):
            shown = _preview(detail.partition("\n")[0]) if detail.startswith(WANTS) else after.preview
            return replace(after, reason=reason, priority=priority, preview=shown)
        case ContactLeft(email=email):
            return replace(after, contact=email)
        case Tagged(tags=tags):
            return replace(after, tags=tags)
        case PrioritySet(priority=priority):
            return replace(after, priority=priority)
    return after


def _stand(now: Conversation, event: Event, standing: Standing) -> Conversation:
    """A change of holder ends what the last holder owed: pending answers, failures in a row."""
    return replace(
        _called(now, event, standing),
        state=standing.state,
        holder=standing.holder,
        hold=standing.hold,
        pending=(),
        failures=0,
        returned=now.returned and standing.state != "closed",
        reason=now.reason if standing.state in ("queued", "agent") else None,
        contact=None if standing.state == "agent" else now.contact,
        closed_at=event.at if standing.state == "closed" else None,
    )


def _called(now: Conversation, event: Event, standing: Standing) -> Conversation:
    """What is known of the call for a person. Who lost their agent goes on waiting as if they had never been served."""
    called = standing.state in ("queued", "agent")
    asked_at = (now.asked_at or event.at) if called else None
    lost = event.kind == Released.kind and event.by.kind == "system"
    gone = (now.holder.id,) if called and now.state == "agent" and now.holder.id is not None else ()
    return replace(
        now,
        asked_at=asked_at,
        waiting_since=(asked_at if lost else event.at) if standing.state == "queued" else None,
        held_since=event.at if called else None,
        let_go=(*(id_ for id_ in now.let_go if id_ not in gone), *gone) if called else (),
        assigned=event.kind == Claimed.kind and event.by.kind == "system",
        dropped=lost or (now.dropped and now.state == "queued" and called),
    )


def _answered(now: Conversation, said: BotSaid) -> Conversation:
    return replace(
        now,
        pending=tuple(seq for seq in now.pending if seq not in said.answers),
        failures=_failures(now, said),
        preview=_preview(said.text),
    )


def _failures(now: Conversation, said: BotSaid) -> int:
    """Whether asking back helped is seen by the reply after it."""
    if said.failed:
        return now.failures + 1
    return now.failures if said.outcome == "clarify" else 0


def _shows_last(now: Conversation) -> bool:
    """Whether the card shows what was said last; "hello?" of one who waits does not hide what they want."""
    return now.state != "queued" or not now.preview.startswith(WANTS)


def _preview(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= PREVIEW_CHARS else line[: PREVIEW_CHARS - 1] + "…"


def begin(event: Event) -> Conversation:
    """The conversation that an `opened` event begins; its author is the visitor."""
    if not isinstance(event.payload, Opened):
        raise IllegalTransition(kind=event.kind, state="nothing")
    blank = Conversation(
        conversation_id=event.conversation_id,
        visitor_id=event.by.id or "",
        site_id=event.payload.site,
        opened_at=event.at,
        updated_at=event.at,
    )
    return apply(blank, event)


def fold(events: Iterable[Event]) -> Conversation:
    """The conversation that `events`, in order from the first, add up to."""
    first, *rest = events
    now = begin(first)
    for event in rest:
        now = apply(now, event)
    return now
