import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.decide import Features, Policy, Situation, confidence, decide
from bot.reply import phrases

AUTO = Policy(answer_confidence=0.5)
ON_REQUEST = Policy(answer_confidence=0.5, handoff="on_request")

SURE, UNSURE = 0.9, 0.1
ANGRY = 0.5  # the least that counts


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
        ("question", 0.7, {"returned": True, "options": 2}, "clarify", None, False),
        ("question", UNSURE, {"returned": True, "desk_open": False}, "no_answer", "repeated_failure", False),
        ("question", UNSURE, {"returned": True, "policy": ON_REQUEST}, "no_answer", "low_confidence", True),
        # frustrated: a person is offered beside an answer
        ("question", SURE, {"frustration": ANGRY}, "answer", None, True),
        ("question", SURE, {"frustration": ANGRY, "desk_open": False}, "answer", None, True),
        ("question", SURE, {"frustration": ANGRY, "returned": True}, "answer", None, True),
        ("question", UNSURE, {"frustration": ANGRY, "named": True, "offered_person": True}, "answer", None, True),
        ("question", UNSURE, {"frustration": ANGRY}, "no_answer", "low_confidence", True),
        ("question", UNSURE, {"frustration": ANGRY, "desk_open": False}, "no_answer", "low_confidence", True),
        ("question", 0.7, {"frustration": ANGRY, "options": 2}, "clarify", None, True),
        # still frustrated after that: a person is called
        ("question", SURE, {"frustration": ANGRY, "offered_person": True}, "handoff", "frustrated", False),
        ("question", UNSURE, {"frustration": ANGRY, "offered_person": True}, "handoff", "frustrated", False),
        ("question", 0.7, {"frustration": ANGRY, "options": 2, "offered_person": True}, "handoff", "frustrated", False),
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
        ("question", 0.7, {"frustration": ANGRY, "options": 2, "desk_open": False}, "clarify", None, True),
        ("question", SURE, {"frustration": 1, "offered_person": True, "desk_open": False}, "answer", None, True),
        # frustrated, and a person comes on request only
        ("question", UNSURE, {"frustration": ANGRY, "policy": ON_REQUEST}, "no_answer", "low_confidence", True),
        ("question", 0.7, {"frustration": ANGRY, "options": 2, "policy": ON_REQUEST}, "clarify", None, True),
        ("question", SURE, {"frustration": 1.0, "offered_person": True, "policy": ON_REQUEST}, "answer", None, True),
    ],
)
def test_the_first_rule_that_applies_wins(intent, level, fields, outcome, reason, offers_person):
    decision = decided(intent, level, **fields)
    assert (decision.outcome, decision.reason, decision.offers_person) == (outcome, reason, offers_person)
    assert decision.why
    if outcome == "handoff":
        assert reason in phrases.HANDOFF


@pytest.mark.parametrize(
    ("level", "fields", "why"),
    [
        (0.9, {}, "confidence 0.90, answers from 0.50"),
        (0.7, {"options": 2}, "2 articles with about the confidence 0.70"),
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


def asked_back(level=0.7, options=2, *, failures=0, clarified=False, named=False, policy=AUTO):
    fields = {"options": options, "named": named, "clarified": clarified}
    return decided(level=level, failures=failures, policy=policy, **fields).outcome


def test_two_articles_that_are_about_as_likely_are_asked_about():
    assert asked_back() == "clarify"
    assert asked_back(options=1) == "answer"


@pytest.mark.parametrize(
    ("level", "outcome"), [(0.39, "no_answer"), (0.4, "clarify"), (0.94, "clarify"), (0.95, "answer")]
)
def test_asking_back_has_bounds(level, outcome):
    assert asked_back(level) == outcome


def test_the_bot_never_asks_back_twice_in_a_row():
    assert asked_back(clarified=True) == "answer"
    assert asked_back(0.45, clarified=True, failures=1) == "handoff"


def test_asking_back_can_be_switched_off():
    assert asked_back(policy=Policy(clarify=False)) == "answer"


def test_a_named_article_is_answered_from_however_unsure_the_bot_is():
    assert asked_back(0.1, named=True, failures=3) == "answer"


def test_nothing_found_is_no_confidence():
    assert confidence(None) == 0.0


@given(
    cosine=st.floats(-1, 1),
    coverage=st.floats(0, 1),
    agreement=st.booleans(),
    more=st.floats(0.001, 0.5),
)
def test_confidence_grows_with_each_feature_and_stays_a_probability(cosine, coverage, agreement, more):
    level = confidence(Features(cosine, coverage, agreement))
    assert 0.0 <= level <= 1.0
    assert confidence(Features(cosine + more, coverage, agreement)) > level
    assert confidence(Features(cosine, coverage + more, agreement)) > level
    assert confidence(Features(cosine, coverage, agreement=True)) >= level
