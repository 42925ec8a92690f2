import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.decide import Features, Policy, Situation, confidence, decide

AUTO = Policy(answer_confidence=0.5)
ON_REQUEST = Policy(answer_confidence=0.5, handoff="on_request")


@pytest.mark.parametrize(
    ("policy", "intent", "level", "failures", "desk_open", "outcome", "reason"),
    [
        (AUTO, "question", 0.9, 0, True, "answer", None),
        (AUTO, "question", 0.5, 0, True, "answer", None),
        (AUTO, "question", 0.49, 0, True, "no_answer", "low_confidence"),
        (AUTO, "question", 0.49, 1, True, "handoff", "repeated_failure"),
        (AUTO, "question", 0.9, 5, True, "answer", None),
        (AUTO, "question", 0.49, 1, False, "no_answer", "repeated_failure"),
        (AUTO, "call_human", 0.0, 0, True, "handoff", "visitor_asked"),
        (AUTO, "call_human", 0.0, 0, False, "no_answer", "visitor_asked"),
        (AUTO, "small_talk", 0.0, 3, True, "small_talk", None),
        (ON_REQUEST, "question", 0.1, 7, True, "no_answer", "low_confidence"),
        (ON_REQUEST, "call_human", 0.0, 0, True, "handoff", "visitor_asked"),
    ],
)
def test_the_first_rule_that_applies_wins(policy, intent, level, failures, desk_open, outcome, reason):
    decision = decide(Situation(intent, level, failures, desk_open), policy)
    assert (decision.outcome, decision.reason) == (outcome, reason)
    assert decision.why


def asked_back(level=0.7, options=2, *, failures=0, clarified=False, named=False, policy=AUTO):
    situation = Situation("question", level, failures, True, options, named, clarified)
    return decide(situation, policy).outcome


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
