"""What each command of a visitor does to their conversation: pure functions, run inside the store's transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from bot.answer.intent import calls_off
from bot.answer.reply import Catalogue
from bot.visitor.protocol import AnyCommand, CallHuman, CancelHuman, CloseChat, Contact, Rate, Say, Survey
from conversation.errors import IllegalTransition, Refused
from conversation.events import (
    BOT,
    Author,
    BotSaid,
    Closed,
    ContactLeft,
    HandoffRequested,
    Opened,
    Payload,
    Rated,
    Reopened,
    ReturnedToBot,
    Surveyed,
    VisitorSaid,
)
from conversation.state import Conversation
from conversation.values import Decide, Draft


class Ended(Refused):
    """The conversation was closed too long ago to go on; a new one begins."""

    code: ClassVar[str] = "ended"


class RateLimited(Refused):
    """The visitor sends too much."""

    code: ClassVar[str] = "rate_limited"

    def __init__(self, retry_after_s: float) -> None:
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return f"that was too much at once; try again in {self.retry_after_s:g} s"


class NotAReply(Refused):
    """What was rated is no reply of the bot."""

    code: ClassVar[str] = "bad_frame"

    def __init__(self, seq: int) -> None:
        self.seq = seq

    def __str__(self) -> str:
        return f"seq: {self.seq} is not a reply of the bot"


@dataclass(frozen=True, slots=True)
class CommandContext:
    """A command as it arrives: from whom, on which page, when, and how things stand at that moment.

    `rates_reply`: whether what a `rate` is about is a reply of the bot.
    """

    by: Author
    opened: Opened
    at: datetime
    desk_open: bool
    reopen_h: float
    phrases: Catalogue
    retry_after_s: float | None = None
    rates_reply: bool = True
    call: Callable[[], HandoffRequested] = lambda: HandoffRequested("visitor_asked")


def decision(command: AnyCommand, arrival: CommandContext) -> Decide:
    """What `command` appends. The returned function raises Ended, RateLimited or IllegalTransition."""

    def decide(now: Conversation | None) -> Sequence[Draft]:
        if arrival.retry_after_s is not None:
            raise RateLimited(arrival.retry_after_s)
        match command:
            case Say(text=text):
                return [*_begun(now, arrival), *_called_off(now, arrival, text), Draft(arrival.by, VisitorSaid(text))]
            case CallHuman():
                return _call(now, arrival)
            case Contact(email=email, name=name):
                opening = [Draft(arrival.by, arrival.opened)] if now is None else []
                return [*opening, Draft(arrival.by, ContactLeft(email, name))]
            case _:
                return [Draft(arrival.by, _follow_up(now, command, arrival))]

    return decide


def _begun(now: Conversation | None, arrival: CommandContext) -> list[Draft]:
    """What must come first so that the visitor can speak: opening, or reopening while that is possible."""
    if now is None:
        return [Draft(arrival.by, arrival.opened)]
    if now.state != "closed":
        return []
    if not may_reopen(now, arrival.at, arrival.reopen_h):
        raise Ended
    return [Draft(arrival.by, Reopened())]


def _called_off(now: Conversation | None, arrival: CommandContext, text: str) -> list[Draft]:
    """Whoever says that they wait no longer is back with the bot, which answers what they say."""
    waits = now is not None and now.state == "queued"
    return [Draft(arrival.by, ReturnedToBot())] if waits and calls_off(text) else []


def may_reopen(closed: Conversation, at: datetime, reopen_h: float) -> bool:
    """Whether a closed conversation goes on when its visitor speaks again."""
    return closed.closed_at is not None and at - closed.closed_at <= timedelta(hours=reopen_h)


def _call(now: Conversation | None, arrival: CommandContext) -> Sequence[Draft]:
    """Into the queue; with nobody at the desk the bot keeps the chat and asks for an address."""
    begun = _begun(now, arrival)
    if now is not None and now.state in ("queued", "agent"):
        raise IllegalTransition(kind="call_human", state=now.state)
    if arrival.desk_open:
        return [*begun, Draft(arrival.by, arrival.call())]
    said = BotSaid(
        arrival.phrases.refusal("visitor_asked", desk_open=False),
        "no_answer",
        now.pending if now is not None else (),
        reason="visitor_asked",
        offers_person=True,
        failed=True,
    )
    return [*begun, Draft(BOT, said)]


def _follow_up(now: Conversation | None, command: AnyCommand, arrival: CommandContext) -> Payload:
    """Commands that need a conversation to be about."""
    if now is None:
        raise IllegalTransition(kind=command.type, state="nothing")
    match command:
        case CancelHuman() if now.state == "queued":
            return ReturnedToBot()
        case Rate(seq=seq) if not arrival.rates_reply:
            raise NotAReply(seq)
        case Rate(seq=seq, helpful=helpful, comment=comment):
            return Rated(seq, helpful, comment)
        case Survey(score=score, comment=comment):
            return Surveyed(score, comment)
        case CloseChat():
            return Closed("visitor")
        case _:
            raise IllegalTransition(kind=command.type, state=now.state)
