"""What the visitor wants, from the words alone: small talk, a person, or a question and the query that finds its answer."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Role = Literal["visitor", "bot", "agent"]
Intent = Literal["question", "small_talk", "call_human"]
SmallTalk = Literal["greeting", "thanks", "goodbye", "who_are_you", "agreement"]

OFFER = "Would you like to talk to a person?"  # how the bot offers one; "yes" to it is a call

FOLLOW_UP_WORDS = 4  # questions shorter than this rarely name what they are about
CARRIED_QUESTIONS = 2  # how many earlier questions lend their words to a follow-up


@dataclass(frozen=True, slots=True)
class Said:
    """One contribution to the conversation so far."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Understood:
    """`query` is what is searched for: the question, with the words of earlier ones where it leans on them."""

    intent: Intent
    query: str
    small_talk: SmallTalk | None = None


def understand(question: str, earlier: Sequence[Said]) -> Understood:
    """Read `question` in the light of what was said before, oldest first."""
    if asks_for_person(question) or _accepts_offer(question, earlier):
        return Understood("call_human", question)
    talk = small_talk(question)
    if talk is not None:
        return Understood("small_talk", question, talk)
    return Understood("question", _query(question, earlier))


_PERSON = r"(?:human(?: being)?|person|agent|operator|representative|rep|advisor|adviser|someone|somebody|people|staff|employee|colleague|manager|supervisor|support(?: team)?|customer (?:service|care|support)|live (?:chat|agent|support))"
_REACH = r"(?:talk|speak|chat|connect|transfer|write|switch|forward|escalate|reach|put me through|get me)"
_CALLS = (
    # "talk to a human", "connect me with customer care"
    (
        rf"\b{_REACH}\b(?: me| this| us| directly| over)?(?: to| with| through)?(?: an?| the| your| any| some| one of your)?"
        rf"(?: real| live| actual| human| customer| support| service| care)* {_PERSON}\b"
    ),
    # "I want a human", "need an agent please"
    (
        r"\b(?:want|need|give me|prefer|get me|is there|are there|can i (?:get|have)|i'd like)\b"
        r"(?: an?| any| some| the)?(?: real| live| actual| human)* (?:human(?: being)?|person|agent|operator|representative|human agent)"
        r"(?: please| now| here| available| to talk to| to speak to| to help(?: me)?| who can help)*[\s.!?]*$"
    ),
    # the bare word
    r"^\W*(?:a |an )?(?:real |live )?(?:human|person|agent|operator|representative|human agent)(?: please| now)?\W*$",
    r"\b(?:not|stop|no) (?:an? |this |the |more )?(?:stupid |damn )?(?:bot|robot|machine|chatbot)s?\b.*\b(?:human|person|agent)\b",
    r"\bcall (?:a|an|the|me a) (?:human|person|agent|colleague)\b",
)
_CALLS_PERSON = re.compile("|".join(f"(?:{call})" for call in _CALLS), re.IGNORECASE)
# "How do I add an agent?" asks the knowledge base, not for a person.
_ABOUT_PERSONS = re.compile(r"^\W*(?:how (?:do|can|does|many|much|is)|what|when|which|why|where)\b", re.IGNORECASE)
_HOW_TO_REACH = re.compile(r"^\W*(?:how|where) (?:do|can) (?:i|we) (?:talk|speak|chat)\b", re.IGNORECASE)


def asks_for_person(text: str) -> bool:
    """Whether the visitor wants to talk to a person, rather than to know something about persons."""
    if _ABOUT_PERSONS.search(text) and not _HOW_TO_REACH.search(text):
        return False
    return _CALLS_PERSON.search(text) is not None


_YES = re.compile(
    r"\W*(?:yes|yep|yeah|yup|y|sure|ok(?:ay)?|please|of course|i would|gladly)(?:[\s,]*(?:please|do|i would))?\W*",
    re.IGNORECASE,
)


def _accepts_offer(text: str, earlier: Sequence[Said]) -> bool:
    last = next((said for said in reversed(earlier)), None)
    return last is not None and last.role == "bot" and OFFER in last.text and _YES.fullmatch(text) is not None


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
        (
            r"(?:ok(?:ay)?[\s,]*)?(?:many )?(?:thanks?|thank you|thx|ty|cheers)(?: you)?(?: so much| very much| a lot| again)?"
            r"(?:[\s,]+(?:that (?:helped|worked)|it works(?: now)?|great|perfect))?"
        ),
    ),
    ("goodbye", r"(?:good ?)?bye+(?: bye)?|see you(?: later)?|have a (?:nice|good|great) (?:day|one|evening|weekend)"),
    (
        "who_are_you",
        (
            r"(?:who|what) are you|are you (?:a |an )?(?:real )?(?:bot|robot|human|person|ai|machine)(?: or (?:a )?(?:bot|human|person))?"
            r"|what(?: all)? can you do|what do you do|am i (?:talking|speaking|chatting) (?:to|with) a (?:bot|human|person|robot)"
        ),
    ),
    ("agreement", r"ok(?:ay)?|k|yes|yep|no|nope|sure|great|perfect|cool|nice|alright|got it|i see|understood"),
)
_TALKS = tuple((kind, re.compile(rf"\W*(?:{pattern})\W*", re.IGNORECASE)) for kind, pattern in _SMALL_TALK)


def small_talk(text: str) -> SmallTalk | None:
    """The kind of small talk that `text` is as a whole; a greeting with a question behind it is a question."""
    return next((kind for kind, pattern in _TALKS if pattern.fullmatch(text)), None)


_LEANS = re.compile(
    r"^\W*(?:and|but|so|also|then|what about|how about|what if|why not|which one)\b"
    r"|\b(?:it|its|this|that|these|those|them|they|there|the same|the other|instead)\b",
    re.IGNORECASE,
)


def _query(question: str, earlier: Sequence[Said]) -> str:
    """A question that leans on what was said before carries the visitor's last questions along."""
    asked = [said.text for said in earlier if said.role == "visitor" and small_talk(said.text) is None]
    leans = len(question.split()) < FOLLOW_UP_WORDS or _LEANS.search(question) is not None
    if not asked or not leans:
        return question
    return "\n".join([*asked[-CARRIED_QUESTIONS:], question])
