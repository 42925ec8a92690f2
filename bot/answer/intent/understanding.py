"""What the visitor wants, from the words alone: small talk, a person, or a question and the query that finds its answer."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bot.answer.intent.human_request import wording
from bot.answer.transcript import Said
from bot.answer.verdict import says_no, says_yes, verdict_of
from conversation.events import Choice

Intent = Literal["question", "small_talk", "call_human"]
SmallTalk = Literal[
    "greeting", "thanks", "goodbye", "who_are_you", "agreement", "none_meant",
    "present", "wordless", "helped", "asks_again", "not_helped", "unhappy",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Understood:
    """What a message is: a question, small talk of a kind, or a call for a person.

    `chosen` is the article that the visitor chose of those the bot asked back about. `pressed`: a call that says no more
    than the button for a person. `asks_how`: it asks how to reach a person, as a question that an article may answer.
    `helpful` is the verdict on the bot's last reply, where it is one.
    """

    intent: Intent
    small_talk: SmallTalk | None = None
    chosen: Choice | None = None
    pressed: bool = False
    asks_how: bool = False
    helpful: bool | None = None


def understand(question: str, earlier: Sequence[Said], offered: Sequence[Choice] = ()) -> Understood:
    """Read `question` in the light of what was said before, oldest first.

    `offered` are the articles between which the bot's last reply asked the visitor to choose, if it did, likeliest first.
    """
    reply = earlier[-1] if earlier and earlier[-1].role == "bot" else None
    if reply is not None and question in reply.person_labels:
        return Understood("call_human", pressed=True)
    if reply is not None and (helpful := verdict_of(question, reply)) is not None:
        return Understood("small_talk", "helped", helpful=True) if helpful else Understood("question", helpful=False)
    chosen = next((choice for choice in offered if choice.label == question), None)
    if chosen is not None:
        return Understood("question", chosen=chosen)
    worded = wording(question)
    if worded.asks:
        return Understood("question", asks_how=True) if worded.asks_how else Understood("call_human")
    if reply is not None and reply.offers_person and says_yes(question):
        return Understood("call_human")
    if offered and says_yes(question):
        return Understood("question", chosen=offered[0])
    talk = "none_meant" if offered and says_no(question) else small_talk(question)
    return Understood("question") if talk is None else Understood("small_talk", talk)


_GAP = r"[\s,.!]+"
_GLAD = r"(?:ok(?:ay)?|yes|no|oh|ah|great|perfect|wonderful|awesome|excellent|super|good|nice|cool|lovely|brilliant|alright)"
_HELPED = (
    r"(?:that|it|this)(?:'s| is| was| has| did)?(?: really| very| all)? (?:help(?:ed|s|ful)|work(?:ed|s)|great|perfect|fixed|solved)"
    r"(?: (?:now|me|it|a lot))?"
)
_THANK = (
    r"(?:many )?(?:thanks?|thank (?:you|u)|thx|ty|cheers)(?: you)?(?: so much| very much| a lot| again)?"
    r"(?: for (?:the|your) (?:quick |kind |great )?(?:help|reply|answer|support))?"
)
_OFF = (
    r"(?:(?:ok(?:ay)?|no|oh|sorry|actually|well|thanks|thank you)[\s,.!]+)*"
    r"(?:never ?mind|nvm|(?:please )?cancel (?:that|this|it|please|(?:the|my) (?:call|request))"
    r"|(?:no need for|(?:i )?(?:do not|don['’]?t) need) (?:an?|the|any) (?:real |human )?(?:person|human|agent|colleague)"
    r"(?: any ?more| any longer| now)?)"
)
_SMALL_TALK: tuple[tuple[SmallTalk, str], ...] = (
    (
        "greeting",
        (
            r"(?:hi+|hey+|hello+|hy|hiya|yo|greetings|good (?:morning|afternoon|evening|day))(?: there| team| all| everyone| bot)?"
            r"(?:[\s,]*how are you(?: doing)?(?: today)?)?|how are you(?: doing)?(?: today)?"
        ),
    ),
    (
        "thanks",
        rf"(?:(?:{_GLAD}|{_HELPED}){_GAP})*{_THANK}(?:{_GAP}(?:{_GLAD}|{_HELPED}))*|(?:{_GLAD}{_GAP})*{_HELPED}",
    ),
    ("goodbye", r"(?:good ?)?bye+(?: bye)?|see you(?: later)?|have a (?:nice|good|great) (?:day|one|evening|weekend)"),
    (
        "who_are_you",
        (
            r"(?:who|what) are you|are you (?:a |an )?(?:real )?(?:bot|robot|human|person|ai|machine)(?: or (?:a )?(?:bot|human|person))?"
            r"|what(?: all)? can you do|what do you do|am i (?:talking|speaking|chatting) (?:to|with) a (?:bot|human|person|robot)"
        ),
    ),
    ("agreement", rf"ok(?:ay)?|k|yes|yep|no|nope|sure|great|perfect|cool|nice|alright|got it|i see|understood|{_OFF}"),
)
_TALKS = tuple((kind, re.compile(rf"\W*(?:{pattern})\W*", re.IGNORECASE)) for kind, pattern in _SMALL_TALK)


_CALLS_OFF = re.compile(
    rf"\W*{_OFF}(?=\s*(?:[^\w\s]|$)|\s(?:but|and|then|how|what|where|when|which|can|could|i)\b)", re.IGNORECASE
)
_WAITS = re.compile(r"\bwait", re.IGNORECASE)


def calls_off(text: str) -> bool:
    """Whether someone who waits for a person wants none any more: "never mind, how do I ...", yet not "..., I'll wait"."""
    return _CALLS_OFF.match(text) is not None and _WAITS.search(text) is None


def small_talk(text: str) -> SmallTalk | None:
    """The kind of small talk that `text` is as a whole; a greeting with a question behind it is a question."""
    return next((kind for kind, pattern in _TALKS if pattern.fullmatch(text)), None)
