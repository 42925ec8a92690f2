"""The handover summary for an agent, before the first word: what is wanted, what was tried, why a person, how urgent."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.answer.frustration import FRUSTRATED_FROM
from bot.answer.intent import Intent, understand
from bot.answer.transcript import transcript_of
from conversation.events import (
    WANTS,
    AgentSaid,
    BotSaid,
    Closed,
    Event,
    HandoffRequested,
    Mood,
    Priority,
    Rated,
    Reason,
    ReturnedToBot,
    VisitorSaid,
)

MAX_DETAIL_CHARS = 700  # what is taken in at a glance; the limits below add up to a little less
QUESTION_CHARS = 88
TITLE_CHARS = 40
COMMENT_CHARS = 26
NAME_CHARS = 20
WHY_CHARS = 60
MOOD_CHARS = 70
ARTICLES = 3  # those tried last
RECENT_REPLIES = 4  # whose moods count: a chat of an hour ago that went badly is forgiven
BARE_CALL_WORDS = 9  # "I would like to talk to a real person please"; a longer call also says what it is about

URGENT_FROM = 0.9  # frustration; an outburst, where half of that is being annoyed


@dataclass(frozen=True, slots=True)
class _VisitorMessage:
    """A message of the visitor with its intent."""

    seq: int
    text: str
    intent: Intent
    pressed: bool


def handover(
    events: Sequence[Event], reason: Reason, why: str, mood: Mood | None = None, rating: Rated | None = None
) -> HandoffRequested:
    """The call for a person after `events`, the last ones of the conversation in order.

    `mood` is that of the turn the call comes with. The worst of the last ones counts: "get me a human" is calm, and who
    says it after an outburst is not. `rating` is the verdict that is stored with the call.
    """
    felt_mood = _worst_mood(events, mood)
    frustration = None if felt_mood is None else felt_mood.score
    felt = "" if felt_mood is None else felt_mood.reason
    text = detail(events, why=why, mood=felt, frustration=frustration, rating=rating)
    return HandoffRequested(reason, text, priority(frustration))


def priority(frustration: float | None = None) -> Priority:
    """How soon the queue should serve a call of one with this frustration, 0 to 1, or None where it is unknown.

    Mood and wait make it urgent: that an article is missing makes nobody's wait worse, and an operator's rule says who
    answers, not how soon.
    """
    if frustration is not None and frustration >= URGENT_FROM:
        return "urgent"
    return "high" if _is_frustrated(frustration) else "normal"


def detail(
    events: Sequence[Event],
    *,
    why: str = "",
    mood: str = "",
    frustration: float | None = None,
    rating: Rated | None = None,
) -> str:
    """What the agent is told: plain text of labelled lines, at most MAX_DETAIL_CHARS; one with nothing to say is left out.

    A first line that begins with WANTS is what the queue shows of the conversation.
    """
    matter = _matter(events)
    messages = list(_said(matter))
    felt = mood or ("frustrated" if _is_frustrated(frustration) else "")
    news = "" if felt in why else felt
    lines = (
        (WANTS, ", then ".join(_wanted(messages))),
        ("Tried:", "; ".join((*_articles_tried(matter, rating), *_left_open(messages, matter), *_colleague(events)))),
        ("Why:", excerpt(why.partition(";")[0], WHY_CHARS)),  # what follows are numbers, for QA
        ("Mood:", excerpt(news, MOOD_CHARS)),
    )
    return "\n".join(f"{label} {words}" for label, words in lines if words)


def excerpt(text: str, most: int) -> str:
    """`text` as one line of at most `most` characters, cut between two words where there are any."""
    line = " ".join(text.split())
    if len(line) <= most:
        return line
    words, _, _ = line[:most].rpartition(" ")
    return (words or line[: most - 1]) + "…"


def _is_frustrated(frustration: float | None) -> bool:
    return frustration is not None and frustration >= FRUSTRATED_FROM


def _worst_mood(events: Sequence[Event], mood: Mood | None) -> Mood | None:
    replies = [event.payload for event in _matter(events) if isinstance(event.payload, BotSaid)]
    moods = [*(reply.mood for reply in replies[-RECENT_REPLIES:]), mood]
    return max((felt for felt in moods if felt is not None), key=lambda felt: felt.score, default=None)


def _matter(events: Sequence[Event]) -> Sequence[Event]:
    """What was said since the chat last ended or an agent gave it back: before that it was about something else.

    Where the visitor has not spoken since, it still is about that.
    """
    ends = [index for index, event in enumerate(events, start=1) if _ends_matter(event)]
    since = events[ends[-1] :] if ends else events
    return since if any(isinstance(event.payload, VisitorSaid) for event in since) else events


def _ends_matter(event: Event) -> bool:
    """A visitor who no longer waits for a person goes on with the same matter."""
    if isinstance(event.payload, ReturnedToBot):
        return event.by.kind != "visitor"
    return isinstance(event.payload, Closed)


def _said(matter: Sequence[Event]) -> Iterator[_VisitorMessage]:
    """What the visitor said but for verdicts, which say nothing that the articles tried do not."""
    for index, event in enumerate(matter):
        if isinstance(event.payload, VisitorSaid):
            text = event.payload.text
            understood = understand(text, list(transcript_of(matter[:index])))
            if understood.rated is None:
                yield _VisitorMessage(event.seq, text, understood.intent, understood.pressed)


def _wanted(messages: Sequence[_VisitorMessage]) -> Sequence[str]:
    """What the visitor asked first and, where it is something else, last; quoted."""
    lines = [" ".join(message.text.split()) for message in _with_a_purpose(messages)]
    last = lines[-1:] if lines and lines[-1].casefold() != lines[0].casefold() else []
    return [_quoted(line, QUESTION_CHARS) for line in (*lines[:1], *last)]


def _with_a_purpose(messages: Sequence[_VisitorMessage]) -> Sequence[_VisitorMessage]:
    """Questions, and calls for a person that say what about; where there are none, the last that is no small talk."""
    clear = [
        message for message in messages if message.intent == "question" or len(message.text.split()) > BARE_CALL_WORDS
    ]
    return clear or [message for message in messages if message.intent == "call_human" and not message.pressed][-1:]


def _articles_tried(matter: Sequence[Event], rating: Rated | None) -> Sequence[str]:
    """The articles that replies were from, the last ones, in order; the last verdict on each counts."""
    ratings = {event.payload.of: event.payload for event in matter if isinstance(event.payload, Rated)}
    if rating is not None:
        ratings[rating.of] = rating
    verdicts: dict[str, Rated | None] = {}
    for event in matter:
        match event.payload:
            case BotSaid(outcome="answer" | "suggest", citations=(citation, *_)):
                before = verdicts.pop(citation.title, None)
                verdicts[citation.title] = ratings.get(event.seq, before)
    tried = [_quoted(title, TITLE_CHARS) + _verdict(rated) for title, rated in list(verdicts.items())[-ARTICLES:]]
    return [", ".join(tried)] if tried else []


def _verdict(rated: Rated | None) -> str:
    if rated is None:
        return ""
    comment = f": {_quoted(rated.comment, COMMENT_CHARS)}" if rated.comment else ""
    return f" (marked {'helpful' if rated.helpful else 'not helpful'}{comment})"


def _left_open(messages: Sequence[_VisitorMessage], matter: Sequence[Event]) -> Sequence[str]:
    """How many questions no reply has answered, suggested something for, or asked back about."""
    replies = [event.payload for event in matter if isinstance(event.payload, BotSaid)]
    helped = {seq for reply in replies if reply.outcome in ("answer", "suggest", "clarify") for seq in reply.answers}
    open_ = sum(message.intent == "question" and message.seq not in helped for message in messages)
    return [f"{open_} question{'' if open_ == 1 else 's'} without an answer"] if open_ else []


def _colleague(events: Sequence[Event]) -> Sequence[str]:
    """The agent who wrote last."""
    names = [event.by.name or "an agent" for event in events if isinstance(event.payload, AgentSaid)]
    return [f"{excerpt(name, NAME_CHARS)} wrote to them before" for name in names[-1:]]


def _quoted(text: str, most: int) -> str:
    return f"“{excerpt(text, most)}”"
