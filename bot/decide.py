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
    article. `clarified`: the bot's last reply asked which article is meant.
    """

    intent: Literal["question", "small_talk", "call_human"]
    confidence: float
    failures: int
    desk_open: bool
    options: int = 1
    named: bool = False
    clarified: bool = False


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
    if situation.named:
        return Decision("answer", "the visitor named the article")
    if _asks_back(situation, policy):
        return Decision("clarify", f"{situation.options} articles with about the confidence {situation.confidence:.2f}")
    level = f"confidence {situation.confidence:.2f}, answers from {policy.answer_confidence:.2f}"
    if situation.confidence >= policy.answer_confidence:
        return Decision("answer", level)
    if policy.handoff == "auto" and situation.failures + 1 >= FAILURES_BEFORE_HANDOFF:
        return _call("repeated_failure", f"{situation.failures + 1} questions in a row without an answer", situation)
    return Decision("no_answer", level, "low_confidence")


def _asks_back(situation: Situation, policy: Policy) -> bool:
    """Never twice in a row: whoever did not choose from what was offered wants an answer or a person."""
    choice = situation.options > 1 and CLARIFY_FROM <= situation.confidence < CLARIFY_BELOW
    return policy.clarify and choice and not situation.clarified


def _call(reason: Reason, why: str, situation: Situation) -> Decision:
    if situation.desk_open:
        return Decision("handoff", why, reason)
    return Decision("no_answer", f"{why}, but nobody is at the desk", reason)
