import pytest

from eval.cases import Dialogue, LabelledTurn
from eval.metrics.bootstrap import Metric
from eval.metrics.measures import RowsMismatch, measure

RANKING = {"hit@1", "hit@3", "hit@5", "mrr", "ndcg@10"}
ABSTENTION = {
    "answerable_auroc",
    "right_auroc",
    "coverage@5%error",
    "aurc",
    "ece",
    "answered_rate",
    "wrong_of_answered",
}
SHOWN = {"shown@1", "shown@3", "asked_back"}
LATENCY = {"latency_p50_ms", "latency_p95_ms"}


@pytest.fixture
def suite(row, question):
    """Eight questions whose metrics can be worked out by hand."""
    return [
        (question("right", gold=("a",)), row("right", ranked=("a", "b"), confidence=0.9)),
        (question("third", gold=("c",)), row("third", ranked=("a", "b", "c"), confidence=0.6)),
        (question("unsure", gold=("a", "b")), row("unsure", outcome="no_answer", ranked=("b",), confidence=0.3)),
        (question("lost", gold=("z",)), row("lost", outcome="no_answer", ranked=("a",), confidence=0.2)),
        (question("alien", gold=()), row("alien", outcome="answer", ranked=("a",), confidence=0.7)),
        (question("quiet", gold=()), row("quiet", outcome="no_answer", ranked=("a",), confidence=0.1)),
        (
            question("chat", gold=(), labels={"scope": "chitchat"}),
            row("chat", outcome="small_talk", ranked=(), confidence=0.0),
        ),
        (
            question("person", gold=("a",), labels={"handoff_request": True}),
            row("person", outcome="handoff", ranked=(), confidence=0.0, reason="visitor_asked"),
        ),
    ]


def _measured(suite):
    questions, rows = zip(*suite, strict=True)
    return measure(rows, questions, [])


def test_each_metric_is_taken_over_its_own_cases(suite):
    metrics = _measured(suite)
    of_some = {"handoff_precision", "handoff_recall", "shown_unanswerable"}
    assert set(metrics) == RANKING | ABSTENTION | SHOWN | LATENCY | of_some
    assert {name: metrics[name].n for name in ("hit@1", "ece", "wrong_of_answered", "handoff_recall", "latency_p50_ms")} == {
        "hit@1": 4, "ece": 6, "wrong_of_answered": 3, "handoff_recall": 1, "latency_p50_ms": 8,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hit@1", 2 / 4),
        ("hit@3", 3 / 4),
        ("mrr", (1 + 1 / 3 + 1) / 4),
        ("answerable_auroc", 5 / 8),  # .9 .6 .3 .2 against .7 .1: 2 + 1 + 1 + 1 of 8 pairs
        ("right_auroc", 6 / 8),  # right .9 .3 against wrong .7 .6 .2 .1: 4 + 2 of 8 pairs
        ("coverage@5%error", 1 / 6),
        ("aurc", (0 + 1 / 2 + 2 / 3 + 2 / 4 + 3 / 5 + 4 / 6) / 6),
        ("answered_rate", 3 / 6),
        ("wrong_of_answered", 2 / 3),
        ("handoff_precision", 1),
        ("handoff_recall", 1),
        ("latency_p95_ms", 4),
    ],
)
def test_values_worked_by_hand(suite, name, value):
    assert _measured(suite)[name].value == pytest.approx(value, abs=1e-6)


def test_an_answer_is_judged_by_its_first_citation_and_not_by_the_ranking(row, question):
    questions = [question("cited"), question("uncited")]
    rows = [row("cited", ranked=("b", "a"), cited=("a",)), row("uncited", ranked=("a",), cited=())]
    assert measure(rows, questions, [])["wrong_of_answered"].value == 0.5


@pytest.fixture
def showing(row, question):
    """Replies that put articles before the visitor, of every kind, and some that put none."""
    return [
        (question("answered", gold=("a",)), row("answered", ranked=("a", "b"), shown=("a", "b"))),
        (question("beside", gold=("b",)), row("beside", ranked=("a", "b"), shown=("a", "b"))),
        (
            question("third", gold=("c", "x")),
            row("third", outcome="suggest", ranked=("a", "b", "c"), cited=("a", "b", "c")),
        ),
        (
            question("useless", gold=("z",)),
            row("useless", outcome="suggest", ranked=("a", "b", "c", "z"), cited=("a", "b", "c")),
        ),
        (question("hedged", gold=("a",)), row("hedged", outcome="suggest", ranked=("a",), cited=("a",))),
        (question("first", gold=("a",)), row("first", outcome="clarify", ranked=("a", "b"), shown=("a", "b"))),
        (
            question("fourth", gold=("d",)),
            row("fourth", outcome="clarify", ranked=("a", "b", "c", "d"), shown=("a", "b", "c", "d")),
        ),
        (question("refused", gold=("a",)), row("refused", outcome="no_answer", ranked=("a",))),
        (question("alien", gold=()), row("alien", outcome="suggest", ranked=("a",), cited=("a",))),
        (question("quiet", gold=()), row("quiet", outcome="no_answer", ranked=("a",))),
        (
            question("chat", gold=(), labels={"scope": "chitchat"}),
            row("chat", outcome="suggest", ranked=("a",), cited=("a",)),
        ),
    ]


@pytest.mark.parametrize(
    ("name", "value", "n"),
    [
        ("shown@1", 2 / 8, 8),  # answered, hedged: a button or the second citation is no passage
        ("shown@3", 5 / 8, 8),  # beside, third and first too; the fourth to choose from is too far down
        ("shown_unanswerable", 1 / 2, 2),  # alien; chat is not scored
        ("useless_of_suggested", 2 / 4, 4),  # useless and alien of these, third and hedged
        ("asked_back", 2 / 10, 10),
        ("answered_rate", 2 / 10, 10),
        ("wrong_of_answered", 1 / 2, 2),
    ],
)
def test_what_is_put_before_the_visitor_is_counted_whatever_the_outcome(showing, name, value, n):
    metric = _measured(showing)[name]
    assert (metric.value, metric.n) == (pytest.approx(value, abs=1e-6), n)


def test_a_handoff_that_nobody_asked_for_costs_precision(suite, row, question):
    suite += [
        (question("pushed"), row("pushed", outcome="handoff", reason="repeated_failure")),
        (question("unheard", labels={"handoff_request": True}), row("unheard", outcome="no_answer")),
    ]
    metrics = _measured(suite)
    assert (metrics["handoff_precision"].value, metrics["handoff_precision"].n) == (0.5, 2)
    assert (metrics["handoff_recall"].value, metrics["handoff_recall"].n) == (0.5, 2)


def test_metrics_without_their_cases_are_absent(row, question):
    metrics = measure([row("q1"), row("q2")], [question("q1"), question("q2")], [])
    assert set(metrics) == (RANKING | ABSTENTION | SHOWN | LATENCY) - {"answerable_auroc", "right_auroc"}
    assert measure([], [], []) == {}


def test_an_answer_is_compared_with_its_reference_without_markdown_and_source(row, question):
    questions = [question(case_id, reference_answer="Open the red box.") for case_id in ("same", "half", "silent")]
    questions += [question("none"), question("person", reference_answer="x", labels={"handoff_request": True})]
    rows = [
        row("same", text="open it.\n\nFrom [Boxes](/help/boxes).", passage="open [the **red** box](https://a.example)"),
        row("half", text="Open it"),
        row("silent", outcome="no_answer", text="Open the red box? I do not know."),
        row("none", text="Open the red box."),
        row("person", text="Open the red box."),
    ]
    metric = measure(rows, questions, [])["answer_token_f1"]
    assert metric.value == pytest.approx((1 + 2 * 1 / (2 + 3)) / 2, abs=1e-6)
    assert metric.n == 2


def _dialogue(case_id, *labels):
    return Dialogue(case_id, tuple(LabelledTurn("user", f"turn {n}", label) for n, label in enumerate(labels)))


def test_frustration_is_measured_over_labelled_turns_and_every_mood_but_ok_counts(row):
    dialogues = [_dialogue("d1", "ok", None, "frustrated"), _dialogue("d2", "dissatisfied", "ok")]
    scores = {"d1#0": 0.1, "d1#2": 0.8, "d2#0": 0.4, "d2#1": 0.6}
    metrics = measure([row(name, frustration=score) for name, score in scores.items()], [], dialogues)
    assert set(metrics) == LATENCY | {"frustration_auroc", "frustration_ap", "frustration_f1"}
    assert metrics["frustration_auroc"].value == 0.75
    assert metrics["frustration_ap"].value == pytest.approx((1 + 2 / 3) / 2, abs=1e-6)
    assert (metrics["frustration_f1"].value, metrics["frustration_f1"].n) == (0.5, 4)


def test_frustration_that_was_not_scored_is_absent(row):
    assert set(measure([row("d1#0")], [], [_dialogue("d1", "ok")])) == LATENCY


def test_turns_of_a_dialogue_widen_the_interval_as_they_are_drawn_together(row):
    alike = [_dialogue(f"d{n}", *["frustrated" if n % 2 else "ok"] * 10) for n in range(8)]
    alone = [_dialogue(f"d{n % 8}{n // 8}", "frustrated" if n % 2 else "ok") for n in range(80)]

    def width(dialogues):
        rows = [
            row(row_id, frustration=float(row_id[1] in "0347")) for one in dialogues for row_id, _, _ in one.labelled()
        ]
        low, high = measure(rows, [], dialogues)["frustration_f1"].ci95
        return high - low

    assert width(alike) > 1.5 * width(alone)


def test_measuring_twice_gives_the_same_intervals(suite):
    assert _measured(suite) == _measured(suite)


def test_the_order_of_the_rows_does_not_matter(suite):
    questions, rows = zip(*suite, strict=True)
    assert measure(rows[::-1], questions, []) == measure(rows, questions, [])


def test_every_interval_holds_its_value_or_touches_it(suite):
    for name, metric in _measured(suite).items():
        assert isinstance(metric, Metric), name
        assert metric.ci95[0] <= metric.value <= metric.ci95[1], name


@pytest.mark.parametrize(
    ("played", "asked", "message"),
    [
        (
            ["q1"],
            ["q1", "q2"],
            "case 'q2' was not played; measure the rows with the case files and filters of their run",
        ),
        (
            ["q1", "q3"],
            ["q1"],
            "case 'q3' is no case of the files given; measure the rows with the case files and filters of their run",
        ),
    ],
)
def test_rows_of_another_run_are_refused(row, question, played, asked, message):
    with pytest.raises(RowsMismatch) as caught:
        measure([row(name) for name in played], [question(name) for name in asked], [])
    assert str(caught.value) == message
