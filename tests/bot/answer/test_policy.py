import pytest

from bot.answer.policy import CLARIFY_FROM, Policy, Situation, decide
from bot.answer.reply.catalogue import default_phrasebook

AUTO = Policy(answer_confidence=0.5)
ON_REQUEST = Policy(answer_confidence=0.5, handoff="on_request")

SURE, UNSURE = 0.9, 0.1
ANGRY = 0.5  # the least that counts
CHOICE = {"options": 2, "likely": 0.7}


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
        ("question", UNSURE, {"clarified": True}, "handoff", "repeated_failure", False),
        ("question", UNSURE, {"failures": 1, "desk_open": False}, "no_answer", "repeated_failure", False),
        ("question", UNSURE, {"failures": 7, "policy": ON_REQUEST}, "no_answer", "low_confidence", True),
        # an agent gave the chat back
        ("question", UNSURE, {"returned": True}, "handoff", "repeated_failure", False),
        ("question", 0.4, {"returned": True, **CHOICE}, "clarify", None, True),
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
        # still frustrated after that: a person is called
        ("question", SURE, {"frustration": ANGRY, "offered_person": True}, "handoff", "frustrated", False),
        ("question", UNSURE, {"frustration": ANGRY, "offered_person": True}, "handoff", "frustrated", False),
        ("question", 0.4, {"frustration": ANGRY, **CHOICE, "offered_person": True}, "handoff", "frustrated", False),
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
        (
            0.4,
            {"options": 2, "likely": 0.7},
            "confidence 0.40, answers from 0.50; one of 2 articles helps with 0.70, asks from 0.50",
        ),
        (0.1, {"failures": 2}, "3 replies in a row without an answer; confidence 0.10, answers from 0.50"),
        (0.1, {"returned": True}, "a colleague had this chat before; confidence 0.10, answers from 0.50"),
        (
            0.1,
            {"frustration": 0.74},
            "confidence 0.10, answers from 0.50; frustration 0.74, counted from 0.50, so a person is offered",
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
                "confidence 0.10, answers from 0.50, but nobody is at the desk"
            ),
        ),
    ],
)
def test_a_decision_says_why_in_numbers(level, fields, why):
    assert decided(level=level, **fields).why == why


def asked_back(level=0.4, likely=0.7, **fields):
    return decided(level=level, options=2, likely=likely, **fields).outcome


def test_whoever_is_not_sure_enough_asks_which_article_is_meant():
    assert asked_back(0.5) == "answer"
    assert asked_back(0.49) == "clarify"


@pytest.mark.parametrize(("likely", "outcome"), [(CLARIFY_FROM, "clarify"), (CLARIFY_FROM - 0.01, "no_answer")])
def test_asking_back_has_to_help_more_often_than_not(likely, outcome):
    assert asked_back(likely=likely) == outcome


def test_the_bot_never_asks_back_twice_in_a_row():
    assert asked_back(clarified=True) == "handoff"
    assert asked_back(0.9, clarified=True) == "answer"


def test_whoever_is_asked_back_may_have_a_person_instead():
    assert decided(level=0.4, **CHOICE).offers_person


def test_asking_back_can_be_switched_off():
    assert asked_back(policy=Policy(clarify=False)) == "no_answer"


def test_a_named_article_is_answered_from_however_unsure_the_bot_is():
    assert asked_back(0.1, named=True, failures=3) == "answer"


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
