"""Command handlers: what each command of a visitor appends. Pure functions, run inside the store's transaction."""

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


class ConversationEnded(Refused):
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
    """The context of a command: from whom, on which page, when, and how things stand at that moment.

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


def decision(command: AnyCommand, context: CommandContext) -> Decide:
    """What `command` appends; the returned handler raises ConversationEnded, RateLimited or IllegalTransition."""

    def decide(conversation: Conversation | None) -> Sequence[Draft]:
        if context.retry_after_s is not None:
            raise RateLimited(context.retry_after_s)
        match command:
            case Say(text=text):
                return [
                    *_opening(conversation, context),
                    *_back_to_bot(conversation, context, text),
                    Draft(context.by, VisitorSaid(text)),
                ]
            case CallHuman():
                return _call(conversation, context)
            case Contact(email=email, name=name):
                opened = [Draft(context.by, context.opened)] if conversation is None else []
                return [*opened, Draft(context.by, ContactLeft(email, name))]
            case _:
                return [Draft(context.by, _follow_up(conversation, command, context))]

    return decide


def _opening(conversation: Conversation | None, context: CommandContext) -> list[Draft]:
    """What must come first so that the visitor can speak: opening, or reopening while that is possible."""
    if conversation is None:
        return [Draft(context.by, context.opened)]
    if conversation.state != "closed":
        return []
    if not may_reopen(conversation, context.at, context.reopen_h):
        raise ConversationEnded
    return [Draft(context.by, Reopened())]


def _back_to_bot(conversation: Conversation | None, context: CommandContext, text: str) -> list[Draft]:
    """Whoever says that they wait no longer is back with the bot, which answers what they say."""
    waits = conversation is not None and conversation.state == "queued"
    return [Draft(context.by, ReturnedToBot())] if waits and calls_off(text) else []


def may_reopen(closed: Conversation, moment: datetime, reopen_h: float) -> bool:
    """Whether a closed conversation goes on when its visitor speaks again."""
    return closed.closed_at is not None and moment - closed.closed_at <= timedelta(hours=reopen_h)


def _call(conversation: Conversation | None, context: CommandContext) -> Sequence[Draft]:
    """Into the queue; with nobody at the desk the bot keeps the chat and asks for an address."""
    begun = _opening(conversation, context)
    if conversation is not None and conversation.state in ("queued", "agent"):
        raise IllegalTransition(kind="call_human", state=conversation.state)
    if context.desk_open:
        return [*begun, Draft(context.by, context.call())]
    said = BotSaid(
        context.phrases.refusal("visitor_asked", desk_open=False),
        "no_answer",
        conversation.pending if conversation is not None else (),
        reason="visitor_asked",
        offers_person=True,
        failed=True,
    )
    return [*begun, Draft(BOT, said)]


def _follow_up(conversation: Conversation | None, command: AnyCommand, context: CommandContext) -> Payload:
    """Commands that need a conversation to be about."""
    if conversation is None:
        raise IllegalTransition(kind=command.type, state="nothing")
    match command:
        case CancelHuman() if conversation.state == "queued":
            return ReturnedToBot()
        case Rate(seq=seq) if not context.rates_reply:
            raise NotAReply(seq)
        case Rate(seq=seq, helpful=helpful, comment=comment):
            return Rated(seq, helpful, comment)
        case Survey(score=score, comment=comment):
            return Surveyed(score, comment)
        case CloseChat():
            return Closed("visitor")
        case _:
            raise IllegalTransition(kind=command.type, state=conversation.state)
