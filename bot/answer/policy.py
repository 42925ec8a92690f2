"""What to do with what was found: a pure policy, explained. Whether to call a person is decided here, by code."""

from dataclasses import dataclass, replace
from typing import Literal

from bot.answer.frustration import FRUSTRATED_FROM
from conversation.events import Outcome, Reason
from retrieval.search import IdentifierMatch

FAILURES_BEFORE_HANDOFF = 2  # replies in a row that did not help, the coming one included

# Cross-validated over the examples: .997 of what is heard by words or from the first on are calls, .90 from the second on
HAND_OVER_FROM = 0.95
OFFER_PERSON_FROM = 0.5  # more likely than not


@dataclass(frozen=True, slots=True)
class Policy:
    """The operator's choices. `answer_confidence` is the least confidence (0 to 1) with which the bot answers.

    `suggest_usefulness` is how likely (0 to 1) one of the articles of a suggestion must be to help.
    """

    answer_confidence: float = 0.5
    suggest_usefulness: float = 0.3
    handoff: Literal["auto", "on_request"] = "auto"


@dataclass(frozen=True, slots=True)
class Situation:
    """What the decision rests on. `failures` are the replies in a row so far that did not help.

    `confidence` is that of the best article, `useful` how likely one of the best three is to help. `identifiers`: its
    passage is the one section that has the code that was asked for (`match`), or has another one of the same shape
    (`other`). `alternatives` is how many articles say different things for what the visitor has not named. `named`: the
    visitor wrote the title of the article. `clarified`: the bot's last reply asked back; `offered_person`: it offered a
    person. `frustration` is the visitor's mood, 0 to 1. `returned`: an agent had the chat before and gave it back.
    `rejected`: the visitor rejected an answer to this, which takes no part; `doubtful`: it was of the best article.
    `denies`: what that says of the question is that something is not so, which was not asked.
    `not_content`: small talk that says so. `displeased`: the message is displeasure and no question. `asks_person` is how
    likely the visitor asks for a person, and `asks_how`: by which channel one is reached, which an article may tell.
    """

    intent: Literal["question", "small_talk", "call_human"]
    confidence: float
    failures: int
    desk_open: bool
    useful: float = 0.0
    alternatives: int = 0
    identifiers: IdentifierMatch | None = None
    named: bool = False
    clarified: bool = False
    frustration: float = 0.0
    offered_person: bool = False
    returned: bool = False
    rejected: bool = False
    doubtful: bool = False
    denies: bool = False
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

    Of a call an agent reads `why` up to its first semicolon: numbers stand behind it. `offers_person`: the visitor may have one, and is told so beside the reply.
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
        why = f"the visitor asked for a person; asks for one with {situation.asks_person:.2f}"
        return _call("visitor_asked", why, situation)
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
        other = f"{level}; the best passage has another identifier than the one asked for"
        return Decision("no_answer", other, "low_confidence", offers_person=True)
    if 0 < situation.confidence >= policy.answer_confidence and not (situation.doubtful or situation.denies):
        return Decision("answer", level, offers_person=stuck)
    if situation.displeased:
        return Decision("no_answer", f"{level}; displeasure without a question", "frustrated", offers_person=True)
    use = f"{level}; useful with {situation.useful:.2f}, suggests from {policy.suggest_usefulness:.2f}"
    if 0 < situation.useful >= policy.suggest_usefulness:
        if situation.alternatives and not situation.clarified:
            why = f"{use}; {situation.alternatives} articles differ by one thing"
            return Decision("clarify", why, offers_person=stuck)
        return Decision("suggest", use, offers_person=stuck)
    return Decision("no_answer", use, "low_confidence", offers_person=True)


def _forced(unaided: Decision, situation: Situation) -> tuple[Reason, str] | None:
    """Why a person is called though nobody asked for one, where that is so.

    A person is offered before one is called. With nobody at the desk whatever the bot can say itself is said.
    """
    stuck = _stuck(unaided, situation)
    if stuck and (situation.desk_open or unaided.failed):
        return "repeated_failure", f"{stuck}; {unaided.why}"
    complains = situation.frustrated and situation.offered_person and not situation.named
    if complains and (situation.desk_open or unaided.outcome == "no_answer"):
        return "frustrated", f"frustrated after a person was offered; {_mood(situation)}; {unaided.why}"
    return None


def _stuck(unaided: Decision, situation: Situation) -> str:
    """Why one more try would be one too many; '' where it would not."""
    if unaided.outcome not in ("suggest", "no_answer"):
        return ""
    if unaided.failed and situation.returned:
        return "a colleague had this chat before"
    again = unaided.failed and not situation.rejected  # to have nothing else for what was rejected is no second failure
    failures = situation.failures + again
    return f"{failures} replies in a row that did not help" if failures >= FAILURES_BEFORE_HANDOFF else ""


def _mood(situation: Situation) -> str:
    return f"frustration {situation.frustration:.2f}, counted from {FRUSTRATED_FROM:.2f}"


def _call(reason: Reason, why: str, situation: Situation) -> Decision:
    if situation.desk_open:
        return Decision("handoff", why, reason)
    return Decision("no_answer", f"{why}, but nobody is at the desk", reason)
