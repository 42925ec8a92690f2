"""`handrail ask`, as somebody at a terminal reads it."""

import json

import pytest

import handrail

pytestmark = pytest.mark.slow

HEDGED = "parcel and money"  # two articles are about it


@pytest.fixture
def ask(monkeypatch, capsys, small_kb, data_dir):
    """Asks a bot that never answers, so that it suggests; what was printed, a line each."""
    monkeypatch.setenv("HANDRAIL_ANSWER_CONFIDENCE", "1")
    monkeypatch.setenv("COLUMNS", "120")

    def ask(*words):
        assert handrail.main(["ask", *words, "--kb", str(small_kb), "--data", str(data_dir)]) == 0
        return capsys.readouterr().out

    return ask


def test_a_suggestion_is_hedge_passage_source_other_articles_and_buttons_in_that_order(ask):
    document = json.loads(ask(HEDGED, "--json"))
    assert document["outcome"] == "suggest"
    hedge = document["answer"].split("\n")[0]
    lines = [line.strip() for line in ask(HEDGED).splitlines()]
    order = [
        hedge,
        "We ship with a parcel service every weekday.",
        "This is from our article Shipping.",
        "You may also look at:",
        "• Refunds › When the money arrives",
        "We send the money back within five working days, to the card you paid with.",
        "▸ That helped",
        "▸ Not what I meant",
    ]
    assert [line for line in lines if line in order] == order
    assert not any(line.startswith("▸ Refunds") for line in lines)


def test_the_document_says_what_is_shown_and_what_may_be_pressed(ask):
    document = json.loads(ask(HEDGED, "--json"))
    assert document["shown"] == ["shipping", "refunds", "passwords"]
    assert [(choice["kind"], choice["article_id"]) for choice in document["choices"]] == [
        ("article", "refunds"),
        ("article", "passwords"),
        ("helped", None),
        ("not_helped", None),
    ]
