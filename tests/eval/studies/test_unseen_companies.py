import pytest

from bot.answer.policy import Policy
from eval.metrics.measures import Answered
from eval.studies.unseen_companies import Company, answer_costs, macro, metrics_of, stricter
from eval.task import run_cases, task_inputs


@pytest.mark.parametrize("suggests_from", [0.0, 0.02, 0.2, 1.0])
async def test_a_stricter_row_is_what_the_stricter_bot_would_have_said(deps, question, suggests_from):
    texts = ["How do I change my password?", "refund tracking password", "when does the money arrive", "zebra"]
    inputs = list(task_inputs([question(text, text=text) for text in texts], ()))
    always = await run_cases(inputs, deps, Policy(answer_confidence=0.9, suggest_usefulness=0.0))
    played = await run_cases(inputs, deps, Policy(answer_confidence=0.9, suggest_usefulness=suggests_from))
    assert [(row.outcome, row.shown) for row in (stricter(row, suggests_from) for row in always)] == [
        (row.outcome, row.shown) for row in played
    ]


def test_a_share_of_suggestions_is_of_all_of_them_with_families_counting_alike():
    by_family = {
        "few": [{"suggested": 0.1, "useless_of_suggested": 1.0, "hit@1": 0.5}],
        "many": [{"suggested": 0.9, "useless_of_suggested": 0.0, "hit@1": 0.7}, {"suggested": 0.7, "hit@1": 0.9}],
    }
    assert macro(by_family, "hit@1") == pytest.approx((0.5 + 0.8) / 2)
    assert macro(by_family, "useless_of_suggested") == pytest.approx(0.1 / (0.1 + 0.8))


def test_a_metric_that_no_set_of_a_family_has_is_taken_over_the_others():
    assert macro({"a": [{"ece": 0.2}], "b": [{"hit@1": 1.0}]}, "ece") == pytest.approx(0.2)


def test_a_company_tells_what_each_threshold_would_come_to(row, question):
    played = [
        Answered(question("sure"), row("sure", confidence=0.9)),
        Answered(question("wrong", gold=()), row("wrong", confidence=0.7)),
        Answered(question("likely"), row("likely", outcome="suggest", cited=("a",), confidence=0.3, reach=2.0)),
        Answered(question("vain", gold=()), row("vain", outcome="suggest", cited=("a",), confidence=0.2, reach=2.0)),
    ]
    company = Company("shop", "shop", 0.7, 0.5, played)
    assert metrics_of(company.cases(0.5))["suggested"] == 0.25
    assert metrics_of(company.cases(0.5))["useless_of_suggested"] == 0.0
    assert metrics_of(company.cases(0.4))["shown_unanswerable"] == 1.0
    assert metrics_of(company.cases(0.5))["shown_unanswerable"] == 0.5
    assert answer_costs(played, 0.8) == {"answered_rate": 0.25, "wrong_of_answered": 0.0}
    assert answer_costs(played, 0.7) == {"answered_rate": 0.5, "wrong_of_answered": 0.5}
