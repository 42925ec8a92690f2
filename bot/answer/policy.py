"""What to do with what was found: a pure policy, explained. Whether to call a person is decided here, by code."""

from dataclasses import dataclass, replace
from typing import Literal

from bot.answer.frustration import FRUSTRATED_FROM
from conversation.events import Outcome, Reason

FAILURES_BEFORE_HANDOFF = 2  # replies in a row without an answer, the coming one included

# Cross-validated over the examples: .997 of what is heard by words or from the first on are calls, .90 from the second on
HAND_OVER_FROM = 0.95
OFFER_PERSON_FROM = 0.5  # more likely than not

CLARIFY_FROM = 0.5  # asking back costs the visitor a turn: more often than not one of the articles should be the one


@dataclass(frozen=True, slots=True)
class Policy:
    """The operator's choices. `answer_confidence` is the least confidence (0 to 1) with which the bot answers.

    `clarify`: where it is less sure, and one of a few articles is likely to help, it asks which is meant.
    """

    answer_confidence: float = 0.5
    handoff: Literal["auto", "on_request"] = "auto"
    clarify: bool = True


@dataclass(frozen=True, slots=True)
class Situation:
    """What the decision rests on. `failures` are the replies in a row so far that did not help.

    `confidence` is that of the best article. `identifiers`: its passage is the one section that has the code that was
    asked for (`match`), or has another one of the same shape (`other`). `options` are the articles that the visitor could
    be asked to choose from, `likely` is how likely one of them is to answer. `named`: the visitor wrote the title of the article. `clarified`: the
    bot's last reply asked which article is meant; `offered_person`: it offered a person. `frustration` is the visitor's
    mood, 0 to 1. `returned`: an agent had the chat before and gave it back. `rejected`: the visitor rejected an answer to
    this, so its article is not among the options. `not_content`: small talk that says so. `displeased`: the message is displeasure and no question. `asks_person` is how likely the visitor asks for a person, and
    `asks_how`: by which channel one is reached, which an article may tell.
    """

    intent: Literal["question", "small_talk", "call_human"]
    confidence: float
    failures: int
    desk_open: bool
    identifiers: Literal["match", "other"] | None = None
    options: int = 0
    likely: float = 0.0
    named: bool = False
    clarified: bool = False
    frustration: float = 0.0
    offered_person: bool = False
    returned: bool = False
    rejected: bool = False
    not_content: bool = False
    displeased: bool = False
    asks_person: float = 0.0
    asks_how: bool = False

    @property
    def likely_asks_person(self) -> bool:
        """Whether more than not a person is asked for, so that one is offered at least."""
        return self.asks_person >= OFFER_PERSON_FROM

    @property
    def frustrated(self) -> bool:
        """Whether the visitor counts as such."""
        return self.frustration >= FRUSTRATED_FROM


@dataclass(frozen=True, slots=True)
class Decision:
    """`reason` says why a person is called or, where the desk is closed, would have been; `why` says it in words.

    `offers_person`: the visitor may have one, and is told so beside the reply.
    """

    outcome: Outcome
    why: str
    reason: Reason | None = None
    offers_person: bool = False

    @property
    def failed(self) -> bool:
        """Whether the reply does not help. Whoever is handed over is helped by somebody else."""
        return self.outcome == "no_answer"


def decide(situation: Situation, policy: Policy) -> Decision:
    """The outcome of a turn; the first rule that applies wins."""
    if situation.intent == "call_human":
        return _call("visitor_asked", "the visitor asked for a person", situation)
    if situation.intent == "small_talk":
        return Decision("small_talk", "the message is small talk", offers_person=situation.not_content)
    unaided = _unaided(situation, policy)
    if situation.asks_person >= HAND_OVER_FROM and not (situation.asks_how and unaided.outcome == "answer"):
        return _call("visitor_asked", f"the visitor asked for a person ({situation.asks_person:.2f})", situation)
    forced = _forced(unaided, situation) if policy.handoff == "auto" else None
    if forced is not None:
        return _call(*forced, situation)
    if situation.frustrated:
        return replace(unaided, why=f"{unaided.why}; {_mood(situation)}, so a person is offered", offers_person=True)
    if situation.likely_asks_person:
        asks = f"asks for a person with {situation.asks_person:.2f}, so one is offered"
        return replace(unaided, why=f"{unaided.why}; {asks}", offers_person=True)
    return unaided


def _unaided(situation: Situation, policy: Policy) -> Decision:
    """What the bot can say itself."""
    stuck = situation.failures > 0
    if situation.named:
        return Decision("answer", "the visitor named the article", offers_person=stuck)
    if situation.identifiers == "match":
        return Decision("answer", "the one section that has the identifier asked for", offers_person=stuck)
    level = f"confidence {situation.confidence:.2f}, answers from {policy.answer_confidence:.2f}"
    if situation.identifiers == "other":
        level = f"{level}; the best passage has another identifier than the one asked for"
    elif 0 < situation.confidence >= policy.answer_confidence:
        return Decision("answer", level, offers_person=stuck)
    if situation.displeased:
        return Decision("no_answer", f"{level}; displeasure without a question", "frustrated", offers_person=True)
    if _asks_back(situation, policy):
        articles = "the article" if situation.options == 1 else f"one of {situation.options} articles"
        choice = f"{articles} helps with {situation.likely:.2f}, asks from {CLARIFY_FROM:.2f}"
        return Decision("clarify", f"{level}; {choice}", offers_person=True)
    return Decision("no_answer", level, "low_confidence", offers_person=True)


def _forced(unaided: Decision, situation: Situation) -> tuple[Reason, str] | None:
    """Why a person is called though nobody asked for one, where that is so.

    A person is offered before one is called. With nobody at the desk whatever the bot can say itself is said.
    """
    if unaided.outcome == "no_answer" and (stuck := _stuck(situation)):
        return "repeated_failure", f"{stuck}; {unaided.why}"
    complains = situation.frustrated and situation.offered_person and not situation.named
    if complains and (situation.desk_open or unaided.outcome == "no_answer"):
        return "frustrated", f"frustrated after a person was offered; {_mood(situation)}; {unaided.why}"
    return None


def _stuck(situation: Situation) -> str:
    """Why one more "I do not know" would be one too many; '' where it would not."""
    if situation.returned:
        return "a colleague had this chat before"
    failures = situation.failures + situation.clarified + 1
    return f"{failures} replies in a row without an answer" if failures >= FAILURES_BEFORE_HANDOFF else ""


def _mood(situation: Situation) -> str:
    return f"frustration {situation.frustration:.2f}, counted from {FRUSTRATED_FROM:.2f}"


def _asks_back(situation: Situation, policy: Policy) -> bool:
    """Never twice in a row: whoever did not choose from what was offered wants an answer or a person.

    Nor where another code was found than the one that was asked for: no choice would be it.
    """
    return (
        policy.clarify
        and situation.identifiers != "other"
        and situation.likely >= CLARIFY_FROM
        and not situation.clarified
    )


def _call(reason: Reason, why: str, situation: Situation) -> Decision:
    if situation.desk_open:
        return Decision("handoff", why, reason)
    return Decision("no_answer", f"{why}, but nobody is at the desk", reason)
