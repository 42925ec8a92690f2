"""HTML report of a run: one HTML file that needs nothing else, no script and no request, to be read and kept.

What people typed and what articles say is shown as text: the template escapes everything, and the policy in its head
lets nothing run or load even if something slipped through.
"""

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from conversation.events import SHOWS_PASSAGE
from eval.cases import Question
from eval.metrics import Answered, Metric, reliability
from eval.report.charts import Bar, Dot, Interval, PlotFrame, bars, dots, interval
from eval.report.mix import outcome_mix
from eval.report.risk import PLOT, answer_risk, confidences, suggestion_risk
from eval.results import Results

LISTED = 25  # cases a list shows: what one sitting can look through
LATENCY_HEIGHT = 120


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a metric says, in words for the reader of a report."""

    name: str
    text: str
    lower_is_better: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Metrics that belong together."""

    title: str
    metrics: tuple[Meaning, ...]


GROUPS = (
    Group(
        "Finding the article",
        (
            Meaning("hit@1", "a right article is ranked first"),
            Meaning("hit@3", "a right article is among the first three"),
            Meaning("hit@5", "a right article is among the first five"),
            Meaning("mrr", "mean of 1 / rank of the first right article"),
            Meaning("ndcg@10", "right articles near the top of the first ten"),
        ),
    ),
    Group(
        "Knowing when to answer",
        (
            Meaning("answerable_auroc", "confidence tells questions with an article from those without"),
            Meaning("right_auroc", "confidence tells right answers from wrong ones"),
            Meaning("coverage@5%error", "share that could be answered with at most 5 % of it wrong"),
            Meaning("aurc", "mean share of wrong answers over all coverages", lower_is_better=True),
            Meaning("ece", "distance of confidence from the share that is right", lower_is_better=True),
        ),
    ),
    Group(
        "What visitors see",
        (
            Meaning("shown@1", "of questions with an article: a right passage stands in the reply, asserted or hedged"),
            Meaning("shown@3", "of questions with an article: a right one is among the first three shown"),
            Meaning(
                "shown_unanswerable",
                "of questions without an article: something is shown all the same",
                lower_is_better=True,
            ),
            Meaning(
                "useless_of_suggested", "of suggestions: no right article is among those shown", lower_is_better=True
            ),
            Meaning("asked_back", "share that was asked which of some articles is meant"),
        ),
    ),
    Group(
        "Answers",
        (
            Meaning("answered_rate", "share that was answered, at the thresholds in use"),
            Meaning("wrong_of_answered", "share of these answers that was wrong", lower_is_better=True),
            Meaning("answer_token_f1", "words that answers share with the reference"),
        ),
    ),
    Group(
        "Handing over",
        (
            Meaning("handoff_precision", "of those handed over, the share who asked for a person"),
            Meaning("handoff_recall", "of those who asked for a person, the share handed over"),
        ),
    ),
    Group(
        "Frustration",
        (
            Meaning("frustration_auroc", "the score tells unhappy turns from others"),
            Meaning("frustration_ap", "mean precision at the unhappy turns"),
            Meaning("frustration_f1", "precision and recall of scores of at least 0.5"),
        ),
    ),
    Group(
        "Speed",
        (
            Meaning("latency_p50_ms", "half of the turns take no longer, in milliseconds", lower_is_better=True),
            Meaning("latency_p95_ms", "95 % of the turns take no longer, in milliseconds", lower_is_better=True),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Line:
    """A metric in the table: its number, where its bar lies, and what it means."""

    meaning: Meaning
    metric: Metric
    bar: Interval

    @property
    def digits(self) -> int:
        """Decimals worth showing."""
        return 1 if self.meaning.name.endswith("_ms") else 3


@dataclass(frozen=True, slots=True)
class ListedArticle:
    """An article by id and title, and the rank at which it was found, if it was."""

    article_id: str
    title: str
    rank: int | None


@dataclass(frozen=True, slots=True)
class ListedCase:
    """A case in a list: what was asked, what was expected, what came."""

    question: Question
    outcome: str
    confidence: float
    text: str
    expected: tuple[ListedArticle, ...]
    chosen: ListedArticle | None


def render_report(
    results: Results, cases: Sequence[Answered], latencies_ms: Sequence[float], titles: Mapping[str, str]
) -> str:
    """The whole page. `titles` names the articles by id; `latencies_ms` are those of every turn played."""
    judged = [case for case in cases if case.question.judged]
    return (
        _environment()
        .get_template("report.html")
        .render(
            results=results,
            groups=[(group.title, lines) for group in GROUPS if (lines := _lines(group, results.metrics))],
            plot=PLOT,
            answer_risk=answer_risk(judged, results.config),
            suggestion_risk=suggestion_risk(judged, results.config),
            mix=outcome_mix(cases),
            reliability=_reliability(judged),
            latency=_latency(latencies_ms),
            outcomes=Counter(case.row.outcome for case in cases).most_common(),
            lists=_lists(cases, titles),
            played=len(latencies_ms),
        )
    )


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["csp_hash"] = _csp_hash
    return environment


def _csp_hash(content: str) -> str:
    """The source expression that lets a page's own style element through, and no other."""
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def _lines(group: Group, metrics: Mapping[str, Metric]) -> list[Line]:
    measured = [(meaning, metrics[meaning.name]) for meaning in group.metrics if meaning.name in metrics]
    full = max([1.0, *(metric.ci95[1] for _, metric in measured)])  # shares end at 1, milliseconds at the slowest
    return [Line(meaning, metric, interval(metric, full)) for meaning, metric in measured]


def _reliability(judged: Sequence[Answered]) -> list[Dot]:
    return dots(reliability(confidences(judged), _right(judged)), PLOT) if judged else []


def _right(judged: Sequence[Answered]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.array([case.right for case in judged], dtype=np.bool_)


def _latency(latencies_ms: Sequence[float]) -> tuple[PlotFrame, list[Bar]]:
    """A histogram up to the 99th percentile: one slow start must not flatten the rest."""
    frame = PlotFrame(2 * PLOT.width, LATENCY_HEIGHT, x_max=max(1.0, ceil(float(np.percentile(latencies_ms, 99)))))
    return frame, bars(latencies_ms, frame)


def _lists(cases: Sequence[Answered], titles: Mapping[str, str]) -> list[tuple[str, str, int, list[ListedCase]]]:
    """(title, what it is, how many, the first of them) of each list that is not empty."""
    wanted = [
        ("Confident and wrong", "Answered with an article that is not right; most confident first.", _wrong(cases)),
        (
            "Suggested to no use",
            "None of the articles that were suggested is right; most confident first.",
            _useless(cases),
        ),
        ("Not found", "An article answers it, the reply does not show it; most confident first.", _missed(cases)),
        ("Asked for a person in vain", "Wanted a person and was not handed over.", _unheard(cases)),
    ]
    return [
        (title, text, len(listed), [_shown(case, titles) for case in listed[:LISTED]])
        for title, text, listed in wanted
        if listed
    ]


def _wrong(cases: Sequence[Answered]) -> list[Answered]:
    return _by_confidence(
        case for case in cases if case.question.judged and case.row.outcome == "answer" and not case.right
    )


def _missed(cases: Sequence[Answered]) -> list[Answered]:
    """What is in a list above is not told again."""
    return _by_confidence(
        case
        for case in cases
        if case.question.answerable
        and case.row.outcome not in SHOWS_PASSAGE
        and not case.helps_within(len(case.row.shown))
    )


def _useless(cases: Sequence[Answered]) -> list[Answered]:
    return _by_confidence(
        case
        for case in cases
        if case.question.judged and case.row.outcome == "suggest" and not case.helps_within(len(case.row.shown))
    )


def _unheard(cases: Sequence[Answered]) -> list[Answered]:
    return _by_confidence(case for case in cases if case.question.asks_for_person and case.row.outcome != "handoff")


def _by_confidence(cases: Iterable[Answered]) -> list[Answered]:
    return sorted(cases, key=lambda case: -case.row.confidence)


def _shown(case: Answered, titles: Mapping[str, str]) -> ListedCase:
    ranks = {article_id: rank for rank, article_id in reversed(list(enumerate(case.row.ranked, start=1)))}

    def found(article_id: str) -> ListedArticle:
        return ListedArticle(article_id, titles.get(article_id, article_id), ranks.get(article_id))

    return ListedCase(
        question=case.question,
        outcome=case.row.outcome,
        confidence=case.row.confidence,
        text=case.row.text,
        expected=tuple(found(article_id) for article_id in sorted(case.question.gold_articles)),
        chosen=None if case.row.chosen is None else found(case.row.chosen),
    )
