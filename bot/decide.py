"""What to do with what was found: a pure policy, explained. Whether to call a person is decided here, by code."""

import math
from dataclasses import dataclass, replace
from typing import Literal

from bot.mood import FRUSTRATED_FROM
from conversation.events import Outcome, Reason

FAILURES_BEFORE_HANDOFF = 2  # replies in a row without an answer, the coming one included

# Logistic weights, set by hand: half of all questions whose best passage has cosine .5 and a third of whose words it
# lacks are answered rightly; agreement of the two signals is worth about .07 of cosine.
COSINE_AT_HALF = 0.50
COSINE_WEIGHT = 10.0
COVERAGE_AT_HALF = 0.67
COVERAGE_WEIGHT = 2.5
AGREEMENT_WEIGHT = 0.7

# Asking back, set by hand on arduino_help `dev` (124 questions, 414 articles, `python -m bench.clarify`): one question of
# seven is asked back. Of these, the first article is right for 18 to 47 % (as the ranking was changed meanwhile), one of
# those offered for 65 to 79 %. Twice the margin asks back one of five. Below .4 an article is seldom the right one, and
# offering it wastes time; above .95 the first one is right often enough not to ask.
CLARIFY_FROM = 0.4  # least confidence of every article offered
CLARIFY_BELOW = 0.95  # confidence of the first one
CLARIFY_MARGIN = 0.05  # how much less likely than the first another may be


@dataclass(frozen=True, slots=True)
class Features:
    """What confidence is made of, all of the best passage.

    `cosine` of question and passage; `coverage`: share of the question's content words found in the passage, weighted
    by how telling they are; `agreement`: the lexical signal puts the same article first.
    """

    cosine: float
    coverage: float
    agreement: bool


@dataclass(frozen=True, slots=True)
class Policy:
    """The operator's choices. `answer_confidence` is the least confidence (0 to 1) with which the bot answers.

    `clarify`: where articles are about equally likely, the bot asks which is meant.
    """

    answer_confidence: float = 0.5
    handoff: Literal["auto", "on_request"] = "auto"
    clarify: bool = True


@dataclass(frozen=True, slots=True)
class Situation:
    """What the decision rests on. `failures` are the replies in a row so far that did not help.

    `options`: how many articles are about as likely to answer as the best. `named`: the visitor wrote the title of the
    article. `clarified`: the bot's last reply asked which article is meant; `offered_person`: it offered a person.
    `frustration` is the visitor's mood, 0 to 1. `returned`: an agent had the chat before and gave it back.
    """

    intent: Literal["question", "small_talk", "call_human"]
    confidence: float
    failures: int
    desk_open: bool
    options: int = 1
    named: bool = False
    clarified: bool = False
    frustration: float = 0.0
    offered_person: bool = False
    returned: bool = False

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


def confidence(features: Features | None) -> float:
    """How likely the best passage is to answer the question, 0 to 1; 0 where nothing was found."""
    if features is None:
        return 0.0
    logit = (
        COSINE_WEIGHT * (features.cosine - COSINE_AT_HALF)
        + COVERAGE_WEIGHT * (features.coverage - COVERAGE_AT_HALF)
        + AGREEMENT_WEIGHT * (1.0 if features.agreement else -1.0)
    )
    return 1.0 / (1.0 + math.exp(-logit))


def decide(situation: Situation, policy: Policy) -> Decision:
    """The outcome of a turn; the first rule that applies wins."""
    if situation.intent == "call_human":
        return _call("visitor_asked", "the visitor asked for a person", situation)
    if situation.intent == "small_talk":
        return Decision("small_talk", "the message is small talk")
    own = _own(situation, policy)
    forced = _forced(own, situation) if policy.handoff == "auto" else None
    if forced is not None:
        return _call(*forced, situation)
    if situation.frustrated:
        return replace(own, why=f"{own.why}; {_mood(situation)}, so a person is offered", offers_person=True)
    return own


def _own(situation: Situation, policy: Policy) -> Decision:
    """What the bot can say itself."""
    stuck = situation.failures > 0
    if situation.named:
        return Decision("answer", "the visitor named the article", offers_person=stuck)
    if _asks_back(situation, policy):
        return Decision("clarify", f"{situation.options} articles with about the confidence {situation.confidence:.2f}")
    level = f"confidence {situation.confidence:.2f}, answers from {policy.answer_confidence:.2f}"
    if situation.confidence >= policy.answer_confidence:
        return Decision("answer", level, offers_person=stuck)
    return Decision("no_answer", level, "low_confidence", offers_person=True)


def _forced(own: Decision, situation: Situation) -> tuple[Reason, str] | None:
    """Why a person is called though nobody asked for one, where that is so.

    A person is offered before one is called. With nobody at the desk whatever the bot can say itself is said.
    """
    if own.outcome == "no_answer" and (stuck := _stuck(situation)):
        return "repeated_failure", f"{stuck}; {own.why}"
    complains = situation.frustrated and situation.offered_person and not situation.named
    if complains and (situation.desk_open or own.outcome == "no_answer"):
        return "frustrated", f"frustrated after a person was offered; {_mood(situation)}; {own.why}"
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
    """Never twice in a row: whoever did not choose from what was offered wants an answer or a person."""
    choice = situation.options > 1 and CLARIFY_FROM <= situation.confidence < CLARIFY_BELOW
    return policy.clarify and choice and not situation.clarified


def _call(reason: Reason, why: str, situation: Situation) -> Decision:
    if situation.desk_open:
        return Decision("handoff", why, reason)
    return Decision("no_answer", f"{why}, but nobody is at the desk", reason)
