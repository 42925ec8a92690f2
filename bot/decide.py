"""What to do with what was found: a pure policy, explained. Whether to call a person is decided here, by code."""

import math
from dataclasses import dataclass
from typing import Literal

from conversation.events import Outcome, Reason

FAILURES_BEFORE_HANDOFF = 2  # replies in a row without an answer, the coming one included

# Logistic weights, set by hand: half of all questions whose best passage has cosine .5 and a third of whose words it
# lacks are answered rightly; agreement of the two signals is worth about .07 of cosine.
COSINE_AT_HALF = 0.50
COSINE_WEIGHT = 10.0
COVERAGE_AT_HALF = 0.67
COVERAGE_WEIGHT = 2.5
AGREEMENT_WEIGHT = 0.7


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
    """The operator's choices. `answer_confidence` is the least confidence (0 to 1) with which the bot answers."""

    answer_confidence: float = 0.5
    handoff: Literal["auto", "on_request"] = "auto"


@dataclass(frozen=True, slots=True)
class Situation:
    """What the decision rests on. `failures` are the replies in a row so far that did not help."""

    intent: Literal["question", "small_talk", "call_human"]
    confidence: float
    failures: int
    desk_open: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """`reason` says why a person is called or, where the desk is closed, would have been; `why` says it in words."""

    outcome: Outcome
    why: str
    reason: Reason | None = None


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
    level = f"confidence {situation.confidence:.2f}, answers from {policy.answer_confidence:.2f}"
    if situation.confidence >= policy.answer_confidence:
        return Decision("answer", level)
    if policy.handoff == "auto" and situation.failures + 1 >= FAILURES_BEFORE_HANDOFF:
        return _call("repeated_failure", f"{situation.failures + 1} questions in a row without an answer", situation)
    return Decision("no_answer", level, "low_confidence")


def _call(reason: Reason, why: str, situation: Situation) -> Decision:
    if situation.desk_open:
        return Decision("handoff", why, reason)
    return Decision("no_answer", f"{why}, but nobody is at the desk", reason)
