"""What the bot says of its own: short, plain, honest about being a machine, and never a dead end."""

from collections.abc import Mapping, Sequence

from bot.reply.shown import escaped
from bot.understand import OFFER, SmallTalk
from conversation.events import Reason

TALK_TO_PERSON = "Talk to a person"

SMALL_TALK: Mapping[SmallTalk, str] = {
    "greeting": "Hello! I am the AI assistant here. What can I help you with?",
    "thanks": "You are welcome. Is there anything else I can help you with?",
    "goodbye": "Goodbye, and thank you for stopping by. You can come back to this chat at any time.",
    "who_are_you": (
        "I am an AI assistant. I answer from our help articles and tell you where each answer is from. "
        "If you would rather talk to a person, just say so."
    ),
    "agreement": "All right. If there is anything else, just ask.",
}

HANDOFF: Mapping[Reason, str] = {
    "visitor_asked": "Of course. I have asked a colleague to join this chat. They can read everything we wrote so far.",
    "repeated_failure": (
        "I am sorry that I could not help so far. I have asked a colleague to join this chat; "
        "they can read everything we wrote, so you need not repeat it."
    ),
}

NO_ANSWER = f"I am sorry, I did not find an answer to that in our help articles. {OFFER}"
NO_ANSWER_DESK_CLOSED = (
    "I am sorry, I did not find an answer to that in our help articles, and nobody is at the desk right now. "
    "Leave your email address and a person will get back to you, or ask me in other words."
)
DESK_CLOSED = (
    "Nobody is at the desk right now. Leave your email address and a person will get back to you. "
    "Until then I can look things up in our help articles for you."
)
FAILED = "I am sorry, something went wrong on our side while I looked that up. Please ask again, or talk to a person instead."


def no_answer(reason: Reason | None, *, desk_open: bool) -> str:
    """What to say where the bot does not answer and nobody is called."""
    if desk_open:
        return NO_ANSWER
    return DESK_CLOSED if reason == "visitor_asked" else NO_ANSWER_DESK_CLOSED


def clarify(titles: Sequence[str]) -> str:
    """Which of these articles is meant? The titles are said too, for those who see no buttons."""
    *others, last = (f"“{escaped(title)}”" for title in titles)
    return f"I found more than one article that may answer this. Do you mean {', '.join(others)} or {last}? Pick one, or tell me a little more."
