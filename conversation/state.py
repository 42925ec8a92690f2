"""State machine of a conversation: a pure fold over its events, and the table of what is permitted next.

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
    """The folded state of a conversation as of its event number `seq`.

    `pending` are the numbers of what the visitor said and the bot, who holds the chat, has yet to answer.
    `returned`: since it was last closed, an agent had the chat and gave it back to the bot.
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
    returned: bool = False
    contact: str | None = None
    closed_at: datetime | None = None
    asked_at: datetime | None = None
    held_since: datetime | None = None
    let_go: tuple[str, ...] = ()
    assigned: bool = False
    dropped: bool = False
    erased: bool = False


def permit(conversation: Conversation, by: Author, payload: Payload) -> Standing | None:
    """The transition: the standing that `payload` would lead to, or None where the holder stays.

    Raises AlreadyClaimed, NotHolder or IllegalTransition.
    """
    match payload:
        case Opened():
            return _opens(conversation)
        case Claimed():
            return _claims(conversation, by, payload)
        case HandoffRequested():
            return _moves(conversation, payload, ("bot",), "queued", QUEUE_HOLDS)
        case Released():
            _require_holder(conversation, by)
            return _moves(conversation, payload, ("agent",), "queued", QUEUE_HOLDS)
        case Transferred():
            _require_holder(conversation, by)
            return _moves(conversation, payload, ("agent",), "agent", Holder("agent", payload.to_name, payload.to))
        case ReturnedToBot():
            _require_holder(conversation, by)
            # a visitor gives up waiting; only the agent, or the system for one who vanished, ends an agent's hold
            given_up: tuple[State, ...] = ("queued",) if by.kind == "visitor" else ("queued", "agent")
            return _moves(conversation, payload, given_up, "bot", BOT_HOLDS)
        case Closed():
            _require_holder(conversation, by)
            return _moves(conversation, payload, ("bot", "queued", "agent"), "closed", NOBODY_HOLDS)
        case Reopened():
            return _moves(conversation, payload, ("closed",), "bot", BOT_HOLDS)
        case AgentSaid():
            _require_holder(conversation, by)
            _require_state(conversation, payload, ("agent",))
        case VisitorSaid():
            _require_state(conversation, payload, ("bot", "queued", "agent"))
        case BotSaid():
            _require_state(conversation, payload, ("bot",))
    return None


def _opens(conversation: Conversation) -> Standing:
    if conversation.seq:
        raise IllegalTransition(kind="opened", state=conversation.state)
    return Standing("bot", BOT_HOLDS, 0)


def _claims(conversation: Conversation, by: Author, payload: Claimed) -> Standing:
    """An agent may take a chat from the bot; the system gives away only what waits."""
    if conversation.holder.kind == "agent":
        raise AlreadyClaimed(claimed_by=conversation.holder.name or "", agent_id=conversation.holder.id or "")
    if by.kind == "system":
        return _moves(conversation, payload, ("queued",), "agent", Holder("agent", payload.to_name, payload.to))
    return _moves(conversation, payload, ("bot", "queued"), "agent", Holder("agent", by.name, by.id))


def _moves(
    conversation: Conversation, payload: Payload, from_states: tuple[State, ...], to: State, holder: Holder
) -> Standing:
    _require_state(conversation, payload, from_states)
    return Standing(to, holder, conversation.hold + 1)


def _require_state(conversation: Conversation, payload: Payload, states: tuple[State, ...]) -> None:
    if conversation.state not in states:
        raise IllegalTransition(kind=payload.kind, state=conversation.state)


def _require_holder(conversation: Conversation, by: Author) -> None:
    """An agent acts only on what they hold; visitors and the system answer for themselves."""
    if by.kind == "agent" and conversation.state != "closed" and conversation.holder.id != by.id:
        raise NotHolder(holder=conversation.holder.name or conversation.holder.kind)


def apply(before: Conversation, event: Event) -> Conversation:
    """One step of the fold: the conversation after `event`, the next in number."""
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


def _stand(conversation: Conversation, event: Event, standing: Standing) -> Conversation:
    """A change of holder ends what the last holder owed: pending answers."""
    return replace(
        _called(conversation, event, standing),
        state=standing.state,
        holder=standing.holder,
        hold=standing.hold,
        pending=(),
        returned=conversation.returned and standing.state != "closed",
        reason=conversation.reason if standing.state in ("queued", "agent") else None,
        contact=None if standing.state == "agent" else conversation.contact,
        closed_at=event.at if standing.state == "closed" else None,
    )


def _called(conversation: Conversation, event: Event, standing: Standing) -> Conversation:
    """What is known of the call for a person. Who lost their agent goes on waiting as if they had never been served."""
    called = standing.state in ("queued", "agent")
    asked_at = (conversation.asked_at or event.at) if called else None
    lost = event.kind == Released.kind and event.by.kind == "system"
    former_holder = (
        (conversation.holder.id,)
        if called and conversation.state == "agent" and conversation.holder.id is not None
        else ()
    )
    return replace(
        conversation,
        asked_at=asked_at,
        waiting_since=(asked_at if lost else event.at) if standing.state == "queued" else None,
        held_since=event.at if called else None,
        let_go=(*(agent_id for agent_id in conversation.let_go if agent_id not in former_holder), *former_holder)
        if called
        else (),
        assigned=event.kind == Claimed.kind and event.by.kind == "system",
        dropped=lost or (conversation.dropped and conversation.state == "queued" and called),
    )


def _answered(conversation: Conversation, reply: BotSaid) -> Conversation:
    return replace(
        conversation,
        pending=tuple(seq for seq in conversation.pending if seq not in reply.answers),
        preview=_preview(reply.text),
    )


def _shows_last(conversation: Conversation) -> bool:
    """Whether the card shows what was said last; "hello?" of one who waits does not hide what they want."""
    return conversation.state != "queued" or not conversation.preview.startswith(WANTS)


def _preview(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= PREVIEW_CHARS else line[: PREVIEW_CHARS - 1] + "…"


def begin(event: Event) -> Conversation:
    """The initial state: the conversation that an `opened` event begins; its author is the visitor."""
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
    """Replay: the conversation that `events`, in order from the first, add up to."""
    first, *rest = events
    conversation = begin(first)
    for event in rest:
        conversation = apply(conversation, event)
    return conversation
