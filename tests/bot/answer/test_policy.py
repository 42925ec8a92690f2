import pytest

from bot.answer.policy import Policy, Situation, decide
from bot.answer.reply.catalogue import default_phrasebook

AUTO = Policy(answer_confidence=0.5, suggest_usefulness=0.3)
ON_REQUEST = Policy(answer_confidence=0.5, suggest_usefulness=0.3, handoff="on_request")
CLOSED = {"desk_open": False}

SURE, UNSURE = 0.9, 0.1
LOW = "confidence 0.10, answers from 0.50; useful with 0.00, suggests from 0.30"
ANGRY = 0.5  # the least that counts
NEARBY = {"useful": 0.4}
CHOICE = {"useful": 0.7, "alternatives": 2}


def decided(intent="question", level=SURE, *, failures=0, desk_open=True, policy=AUTO, **fields):
    return decide(Situation(intent, level, failures, desk_open, **fields), policy)


@pytest.mark.parametrize(
    ("intent", "level", "fields", "outcome", "reason", "offers_person"),
    [
        # who asks for a person gets one
        ("call_human", 0.0, {}, "handoff", "visitor_asked", False),
        ("call_human", 0.0, {"desk_open": False}, "no_answer", "visitor_asked", False),
        ("call_human", 0.0, {"policy": ON_REQUEST}, "handoff", "visitor_asked", False),
        # small talk stays small talk
        ("small_talk", 0.0, {"failures": 3}, "small_talk", None, False),
        ("small_talk", 0.0, {"frustration": 0.9, "offered_person": True}, "small_talk", None, False),
        # calm: an answer where one is sure enough
        ("question", SURE, {}, "answer", None, False),
        ("question", 0.5, {}, "answer", None, False),
        ("question", 0.49, {}, "no_answer", "low_confidence", True),
        ("question", SURE, {"frustration": 0.49}, "answer", None, False),
        ("question", SURE, {"failures": 1}, "answer", None, True),
        ("question", SURE, {"failures": 5}, "answer", None, True),
        ("question", SURE, {"offered_person": True, "returned": True, "clarified": True}, "answer", None, False),
        # nothing helped twice in a row
        ("question", UNSURE, {"failures": 1}, "handoff", "repeated_failure", False),
        # that nothing else was found for what was rejected is no second failure
        ("question", UNSURE, {"failures": 1, "rejected": True}, "no_answer", "low_confidence", True),
        ("question", UNSURE, {"failures": 2, "rejected": True}, "handoff", "repeated_failure", False),
        ("question", UNSURE, {"clarified": True}, "no_answer", "low_confidence", True),
        ("question", UNSURE, {"failures": 1, "desk_open": False}, "no_answer", "repeated_failure", False),
        ("question", UNSURE, {"failures": 7, "policy": ON_REQUEST}, "no_answer", "low_confidence", True),
        # not sure enough to answer: a suggestion where it helps often enough
        ("question", UNSURE, {"useful": 0.3}, "suggest", None, False),
        ("question", UNSURE, {"useful": 0.29}, "no_answer", "low_confidence", True),
        ("question", 0.0, {"useful": 0.0, "policy": Policy(0.0, 0.0)}, "no_answer", "low_confidence", True),
        ("question", SURE, NEARBY, "answer", None, False),
        ("question", UNSURE, {"failures": 1, **NEARBY}, "suggest", None, True),
        ("question", UNSURE, {"failures": 2, **NEARBY}, "handoff", "repeated_failure", False),
        ("question", UNSURE, {"failures": 3, **NEARBY}, "handoff", "repeated_failure", False),
        *(("question", UNSURE, {"failures": n, **NEARBY, **CLOSED}, "suggest", None, n > 0) for n in range(4)),
        *(
            ("question", UNSURE, {"failures": n, **NEARBY, "policy": ON_REQUEST}, "suggest", None, n > 0)
            for n in range(4)
        ),
        ("question", UNSURE, {"failures": 3, **NEARBY, "named": True}, "answer", None, True),
        ("question", UNSURE, {"returned": True, **NEARBY}, "suggest", None, False),
        ("question", UNSURE, {"clarified": True, **NEARBY}, "suggest", None, False),
        # something that the best article says was rejected: what else it says is no more than a suggestion
        ("question", SURE, {"doubtful": True, "useful": SURE}, "suggest", None, False),
        # articles that differ by what the visitor has not named: asked once
        ("question", 0.4, CHOICE, "clarify", None, False),
        ("question", SURE, CHOICE, "answer", None, False),
        ("question", 0.4, {**CHOICE, "useful": 0.2}, "no_answer", "low_confidence", True),
        ("question", 0.4, {**CHOICE, "clarified": True}, "suggest", None, False),
        ("question", 0.4, {**CHOICE, "failures": 1}, "clarify", None, True),
        ("question", 0.4, {**CHOICE, "failures": 2}, "clarify", None, True),
        ("question", 0.4, {**CHOICE, "failures": 2, "clarified": True}, "handoff", "repeated_failure", False),
        # an agent gave the chat back
        ("question", UNSURE, {"returned": True}, "handoff", "repeated_failure", False),
        ("question", 0.4, {"returned": True, **CHOICE}, "clarify", None, False),
        ("question", UNSURE, {"returned": True, "desk_open": False}, "no_answer", "repeated_failure", False),
        ("question", UNSURE, {"returned": True, "policy": ON_REQUEST}, "no_answer", "low_confidence", True),
        # frustrated: a person is offered beside an answer
        ("question", SURE, {"frustration": ANGRY}, "answer", None, True),
        ("question", SURE, {"frustration": ANGRY, "desk_open": False}, "answer", None, True),
        ("question", SURE, {"frustration": ANGRY, "returned": True}, "answer", None, True),
        ("question", UNSURE, {"frustration": ANGRY, "named": True, "offered_person": True}, "answer", None, True),
        ("question", UNSURE, {"frustration": ANGRY}, "no_answer", "low_confidence", True),
        ("question", UNSURE, {"frustration": ANGRY, "desk_open": False}, "no_answer", "low_confidence", True),
        ("question", 0.4, {"frustration": ANGRY, **CHOICE}, "clarify", None, True),
        ("question", UNSURE, {"frustration": ANGRY, **NEARBY}, "suggest", None, True),
        # still frustrated after that: a person is called
        ("question", SURE, {"frustration": ANGRY, "offered_person": True}, "handoff", "frustrated", False),
        ("question", UNSURE, {"frustration": ANGRY, "offered_person": True}, "handoff", "frustrated", False),
        ("question", 0.4, {"frustration": ANGRY, **CHOICE, "offered_person": True}, "handoff", "frustrated", False),
        ("question", UNSURE, {"frustration": ANGRY, **NEARBY, "offered_person": True}, "handoff", "frustrated", False),
        ("question", UNSURE, {"frustration": ANGRY, **NEARBY, "offered_person": True, **CLOSED}, "suggest", None, True),
        (
            "question",
            UNSURE,
            {"frustration": ANGRY, "offered_person": True, "desk_open": False},
            "no_answer",
            "frustrated",
            False,
        ),
        ("question", UNSURE, {"frustration": ANGRY, "failures": 1}, "handoff", "repeated_failure", False),
        ("question", UNSURE, {"frustration": ANGRY, "returned": True}, "handoff", "repeated_failure", False),
        ("question", 0.4, {"frustration": ANGRY, **CHOICE, "desk_open": False}, "clarify", None, True),
        ("question", SURE, {"frustration": 1, "offered_person": True, "desk_open": False}, "answer", None, True),
        # frustrated, and a person comes on request only
        ("question", UNSURE, {"frustration": ANGRY, "policy": ON_REQUEST}, "no_answer", "low_confidence", True),
        ("question", 0.4, {"frustration": ANGRY, **CHOICE, "policy": ON_REQUEST}, "clarify", None, True),
        ("question", SURE, {"frustration": 1.0, "offered_person": True, "policy": ON_REQUEST}, "answer", None, True),
    ],
)
def test_the_first_rule_that_applies_wins(intent, level, fields, outcome, reason, offers_person):
    decision = decided(intent, level, **fields)
    assert (decision.outcome, decision.reason, decision.offers_person) == (outcome, reason, offers_person)
    assert decision.why
    if outcome == "handoff":
        assert default_phrasebook().speaking("en").handoff(reason, returned=False)


@pytest.mark.parametrize(
    ("level", "fields", "why"),
    [
        (0.9, {}, "confidence 0.90, answers from 0.50"),
        (0.4, {"useful": 0.7}, "confidence 0.40, answers from 0.50; useful with 0.70, suggests from 0.30"),
        (
            0.4,
            {"useful": 0.7, "alternatives": 2},
            "confidence 0.40, answers from 0.50; useful with 0.70, suggests from 0.30; 2 articles differ by one thing",
        ),
        (0.1, {"failures": 2}, f"3 replies in a row that did not help; {LOW}"),
        (0.1, {"failures": 2, "useful": 0.4}, f"2 replies in a row that did not help; {LOW.replace('0.00', '0.40')}"),
        (0.1, {"returned": True}, f"a colleague had this chat before; {LOW}"),
        (
            0.1,
            {"frustration": 0.74},
            f"{LOW}; frustration 0.74, counted from 0.50, so a person is offered",
        ),
        (
            0.9,
            {"frustration": 0.74, "offered_person": True},
            (
                "frustrated after a person was offered; frustration 0.74, counted from 0.50; "
                "confidence 0.90, answers from 0.50"
            ),
        ),
        (
            0.9,
            {"frustration": 0.74},
            "confidence 0.90, answers from 0.50; frustration 0.74, counted from 0.50, so a person is offered",
        ),
        (
            0.1,
            {"frustration": 0.74, "offered_person": True, "desk_open": False},
            (
                "frustrated after a person was offered; frustration 0.74, counted from 0.50; "
                f"{LOW}, but nobody is at the desk"
            ),
        ),
    ],
)
def test_a_decision_says_why_in_numbers(level, fields, why):
    assert decided(level=level, **fields).why == why


def test_only_a_reply_that_shows_nothing_fails_of_itself():
    assert decided(level=UNSURE).failed
    shows = decided(), decided(level=UNSURE, **NEARBY), decided(level=0.4, **CHOICE)
    assert not any(decision.failed for decision in shows)


def test_a_named_article_is_answered_from_however_unsure_the_bot_is():
    assert decided(level=0.1, **CHOICE, named=True, failures=3).outcome == "answer"


@pytest.mark.parametrize(
    ("identifiers", "level", "outcome"),
    [("match", 0.1, "answer"), ("match", SURE, "answer"), ("other", SURE, "no_answer"), (None, SURE, "answer")],
)
def test_the_section_with_the_code_is_asserted_and_one_with_another_code_never(identifiers, level, outcome):
    decision = decided(level=level, identifiers=identifiers, **CHOICE)
    assert decision.outcome == outcome
    assert ("identifier" in decision.why) is (identifiers is not None)


@pytest.mark.parametrize(
    ("asks_person", "fields", "outcome", "reason", "offers_person"),
    [
        (0.96, {}, "handoff", "visitor_asked", False),
        (0.96, {"desk_open": False}, "no_answer", "visitor_asked", False),
        (0.6, {}, "answer", None, True),
        (0.6, {"confidence": 0.0}, "no_answer", "low_confidence", True),
        (0.4, {}, "answer", None, False),
        (1.0, {"asks_how": True}, "answer", None, True),
        (1.0, {"asks_how": True, "confidence": 0.1}, "handoff", "visitor_asked", False),
    ],
)
def test_a_person_is_called_or_offered_by_how_likely_one_is_asked_for(
    asks_person, fields, outcome, reason, offers_person
):
    situation = Situation(
        **{"intent": "question", "confidence": 0.9, "failures": 0, "desk_open": True, "asks_person": asks_person}
        | fields
    )
    decision = decide(situation, Policy())
    assert (decision.outcome, decision.reason, decision.offers_person) == (outcome, reason, offers_person)
