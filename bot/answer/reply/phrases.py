"""What the bot says of its own: short, plain, honest about being a machine, and never a dead end."""

from collections.abc import Mapping, Sequence

from bot.answer.intent import LEAVE_ADDRESS, OFFER, OFFER_BY_EMAIL, SmallTalk, offers_in_words
from bot.answer.reply.extractive import SORRY, escaped
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
    "none_meant": "Then please tell me in other words what you would like to know.",
}

_READS = "to join this chat; they can read everything we wrote, so you need not repeat it."
_CALLED = f"I have asked a colleague {_READS}"

HANDOFF_RETURNED = f"This is one for a colleague again. I have asked one {_READS}"  # an agent has helped before
HANDOFF: Mapping[Reason, str] = {
    "visitor_asked": "Of course. I have asked a colleague to join this chat. They can read everything we wrote so far.",
    "frustrated": f"{SORRY}. {_CALLED}",
    "repeated_failure": f"I am sorry that I could not help so far. {_CALLED}",
}

_NOT_FOUND = "I did not find an answer to that in our help articles"
_NOT_FOUND_EITHER = "I did not find another answer in our help articles"
NO_ANSWER = f"I am sorry, {_NOT_FOUND}. {OFFER}"
NO_ANSWER_FRUSTRATED = f"{SORRY}, and that {_NOT_FOUND}. {OFFER}"
NO_ANSWER_DESK_CLOSED = (
    f"I am sorry, {_NOT_FOUND}, and nobody is at the desk right now. {LEAVE_ADDRESS}, or ask me in other words."
)
DESK_CLOSED = (
    f"Nobody is at the desk right now. {LEAVE_ADDRESS}. Until then I can look things up in our help articles for you."
)
NO_ANSWER_FRUSTRATED_DESK_CLOSED = f"{SORRY}, and that {_NOT_FOUND}. Nobody is at the desk right now. {LEAVE_ADDRESS}."
FRUSTRATED_DESK_CLOSED = f"{SORRY}, and that nobody is at the desk right now. {LEAVE_ADDRESS}."
FAILED = "I am sorry, something went wrong on our side while I looked that up. Please ask again, or talk to a person instead."

BESIDE = f"{SORRY}. {OFFER}"
BESIDE_DESK_CLOSED = f"{SORRY}. Nobody is at the desk right now. {OFFER_BY_EMAIL}"


def handoff(reason: Reason, *, returned: bool) -> str:
    """What to say when a person is called; `returned`: an agent had the chat before and gave it back."""
    return HANDOFF_RETURNED if returned and reason == "repeated_failure" else HANDOFF[reason]


def no_answer(reason: Reason | None, *, desk_open: bool, frustrated: bool = False, rejected: bool = False) -> str:
    """What to say where the bot does not answer, or has no other answer, and nobody is called."""
    text = _no_answer(reason, desk_open=desk_open, frustrated=frustrated)
    return text.replace(_NOT_FOUND, _NOT_FOUND_EITHER) if rejected else text


def _no_answer(reason: Reason | None, *, desk_open: bool, frustrated: bool) -> str:
    if desk_open:
        return NO_ANSWER_FRUSTRATED if frustrated else NO_ANSWER
    if reason == "visitor_asked":
        return FRUSTRATED_DESK_CLOSED if frustrated else DESK_CLOSED
    return NO_ANSWER_FRUSTRATED_DESK_CLOSED if frustrated else NO_ANSWER_DESK_CLOSED


def offers_person(text: str, suggestions: Sequence[str]) -> bool:
    """Whether a reply of the bot offered a person, in words or by a button; the apology asks to ask again first."""
    return offers_in_words(text) or (TALK_TO_PERSON in suggestions and text != FAILED)


def beside(*, desk_open: bool) -> str:
    """The offer of a person below a reply to a frustrated visitor; a yes to it is a call."""
    return BESIDE if desk_open else BESIDE_DESK_CLOSED


def clarify(titles: Sequence[str]) -> str:
    """Which of these articles is meant? The titles are said too, for those who see no buttons."""
    *others, last = (f"“{escaped(title)}”" for title in titles)
    if not others:
        return f"I am not sure that I understood you. Do you mean {last}? Say yes, or tell me a little more."
    return f"I found more than one article that may answer this. Do you mean {', '.join(others)} or {last}? Pick one, or tell me a little more."
