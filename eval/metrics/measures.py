"""Metrics by scope, from rows and cases to the metrics of `results.json`: which measure is taken over which cases.

The only way metrics come about: a pure function of what `cases.jsonl` and the case files hold.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import compress

import numpy as np

from eval.cases import Dialogue, Mood, Question
from eval.metrics.answer_text import answer_words, token_f1
from eval.metrics.bootstrap import Counts, Floats, Mask, Measure, Metric, estimate, mean, quantile, resample
from eval.metrics.calibration import ece
from eval.metrics.ranking import hit_at, ndcg, reciprocal_rank
from eval.metrics.selective_prediction import aurc, auroc, average_precision, coverage_at_error, f1
from eval.rows import Row

ERROR_BUDGET = 0.05  # "at most 5 % wrong answers"
FRUSTRATED_FROM = 0.5  # the score is a probability: above even odds a turn counts as frustrated


class RowsMismatch(Exception):
    """Rows and cases are not of the same run: an id stands on one side only."""

    code = "rows_mismatch"

    def __init__(self, row_id: str, *, played: bool) -> None:
        super().__init__(row_id, played)
        self.row_id, self.played = row_id, played

    def __str__(self) -> str:
        lack = "is no case of the files given" if self.played else "was not played"
        return f"case {self.row_id!r} {lack}; measure the rows with the case files and filters of their run"


@dataclass(frozen=True, slots=True)
class Answered:
    """An answered question: the case and the row of what the bot made of it."""

    question: Question
    row: Row

    @property
    def right(self) -> bool:
        """Whether the chosen article is one of the right ones; never, where nothing was to be answered."""
        return self.row.chosen in self.question.gold_articles

    def helps_within(self, depth: int) -> bool:
        """Whether one of the first articles that the reply puts before the visitor is right; at depth 1, its first citation."""
        places = self.row.shown[:depth] if depth > 1 or self.row.citations else ()
        return not self.question.gold_articles.isdisjoint(places)


@dataclass(frozen=True, slots=True)
class MoodTurn:
    """A user turn of a dialogue, how the visitor felt, and what the bot made of it."""

    dialogue_id: str
    mood: Mood
    row: Row


@dataclass(frozen=True, slots=True)
class Scope:
    """A measure and the cases it is taken over (a mask as long as there are cases)."""

    over: Mask
    measure: Measure


def measure(rows: Sequence[Row], questions: Sequence[Question], dialogues: Sequence[Dialogue]) -> dict[str, Metric]:
    """Every metric that is defined, by the names of the article evaluation-metrics. Raises `RowsMismatch` unless rows and cases match.

    A metric without cases, or without both classes where it compares them, is left out.
    """
    answered, turns = pair(rows, questions, dialogues)
    by_question = resample([case.question.case_id for case in answered])
    by_dialogue = resample([turn.dialogue_id for turn in turns], stream=1)
    metrics = dict(_estimates(_question_scopes(answered), by_question))
    metrics |= _estimates(_mood_scopes(turns), by_dialogue)
    played = [case.row for case in answered] + [turn.row for turn in turns]
    return metrics | dict(_estimates(_latency_scopes(played), np.hstack([by_question, by_dialogue])))


def pair(
    rows: Sequence[Row], questions: Sequence[Question], dialogues: Sequence[Dialogue]
) -> tuple[tuple[Answered, ...], tuple[MoodTurn, ...]]:
    """Each case with its row, in the order of the cases. Raises `RowsMismatch`."""
    rows_left = {row.row_id: row for row in rows}
    answered = tuple(Answered(question, _take(rows_left, question.case_id)) for question in questions)
    turns = tuple(
        MoodTurn(dialogue.case_id, mood, _take(rows_left, row_id))
        for dialogue in dialogues
        for row_id, _, mood in dialogue.labelled()
    )
    for row_id in rows_left:
        raise RowsMismatch(row_id, played=True)
    return answered, turns


def _take(rows_left: dict[str, Row], row_id: str) -> Row:
    try:
        return rows_left.pop(row_id)
    except KeyError:
        raise RowsMismatch(row_id, played=False) from None


def _estimates(scopes: Mapping[str, Scope], counts: Counts) -> Iterator[tuple[str, Metric]]:
    for name, scope in scopes.items():
        metric = estimate(scope.measure, counts, scope.over)
        if metric is not None:
            yield name, metric


def _question_scopes(cases: Sequence[Answered]) -> dict[str, Scope]:
    return _ranking_scopes(cases) | _abstention_scopes(cases) | _reply_scopes(cases) | _handoff_scopes(cases)


def _ranking_scopes(cases: Sequence[Answered]) -> dict[str, Scope]:
    over = _mask(case.question.answerable for case in cases)
    rankings = [(case.row.ranked, case.question.gold_articles) for case in cases if case.question.answerable]
    values = {f"hit@{depth}": [hit_at(depth, *ranking) for ranking in rankings] for depth in (1, 3, 5)}
    values |= {
        "mrr": [reciprocal_rank(*ranking) for ranking in rankings],
        "ndcg@10": [ndcg(*ranking) for ranking in rankings],
    }
    return {name: _mean_scope(over, column) for name, column in values.items()}


def knowing_when(confidence: Floats, right: Mask, answerable: Mask) -> dict[str, Measure]:
    """The selective prediction metrics of confidence (n,) against whether the article was right and whether any is, by name."""
    return {
        "answerable_auroc": partial(auroc, confidence, answerable),
        "right_auroc": partial(auroc, confidence, right),
        "coverage@5%error": partial(coverage_at_error, confidence, ~right, ERROR_BUDGET),
        "aurc": partial(aurc, confidence, ~right),
        "ece": partial(ece, confidence, right),
    }


def _abstention_scopes(cases: Sequence[Answered]) -> dict[str, Scope]:
    over = _mask(case.question.judged for case in cases)
    judged = [case for case in cases if case.question.judged]
    confidence = np.array([case.row.confidence for case in judged], dtype=np.float64)
    has_gold, right = _mask(case.question.answerable for case in judged), _mask(case.right for case in judged)
    return {name: Scope(over, measure_of) for name, measure_of in knowing_when(confidence, right, has_gold).items()}


def _reply_scopes(cases: Sequence[Answered]) -> dict[str, Scope]:
    judged = _mask(case.question.judged for case in cases)
    answers = _mask(case.row.outcome == "answer" for case in cases)
    wrong = [not case.right for case in cases]
    referenced = _mask(
        case.question.reference_answer is not None and not case.question.asks_for_person for case in cases
    )
    worded = referenced & answers
    answerable = _mask(case.question.answerable for case in cases)
    suggests = judged & _mask(case.row.outcome == "suggest" for case in cases)
    useful = [case.helps_within(len(case.row.shown)) for case in cases]
    unanswerable = judged & ~answerable
    return {
        "shown@1": _mean_scope(answerable, [case.helps_within(1) for case in compress(cases, answerable)]),
        "shown@3": _mean_scope(answerable, [case.helps_within(3) for case in compress(cases, answerable)]),
        "shown_unanswerable": _mean_scope(
            unanswerable, [bool(case.row.shown) for case in compress(cases, unanswerable)]
        ),
        "useless_of_suggested": _mean_scope(suggests, [not helps for helps in compress(useful, suggests)]),
        "asked_back": _mean_scope(judged, [case.row.outcome == "clarify" for case in compress(cases, judged)]),
        "answered_rate": _mean_scope(judged, compress(answers, judged)),
        "wrong_of_answered": _mean_scope(judged & answers, compress(wrong, judged & answers)),
        "answer_token_f1": _mean_scope(worded, [_wording(case) for case in compress(cases, worded)]),
    }


def _handoff_scopes(cases: Sequence[Answered]) -> dict[str, Scope]:
    """Precision and recall of `handoff` against who asked for a person; only where a set says who did."""
    asked = _mask(case.question.asks_for_person for case in cases)
    handed = _mask(case.row.outcome == "handoff" for case in cases)
    if not asked.any():
        return {}
    return {
        "handoff_precision": _mean_scope(handed, compress(asked, handed)),
        "handoff_recall": _mean_scope(asked, compress(handed, asked)),
    }


def _mood_scopes(turns: Sequence[MoodTurn]) -> dict[str, Scope]:
    """Frustration against every mood but `ok`, over the turns that carry a score."""
    over = _mask(turn.row.frustration is not None for turn in turns)
    scores = np.array([turn.row.frustration for turn in turns if turn.row.frustration is not None], dtype=np.float64)
    unhappy = _mask(turn.mood != "ok" for turn in turns if turn.row.frustration is not None)
    return {
        "frustration_auroc": Scope(over, partial(auroc, scores, unhappy)),
        "frustration_ap": Scope(over, partial(average_precision, scores, unhappy)),
        "frustration_f1": Scope(over, partial(f1, scores >= FRUSTRATED_FROM, unhappy)),
    }


def _latency_scopes(rows: Sequence[Row]) -> dict[str, Scope]:
    latency = np.array([row.latency_ms for row in rows], dtype=np.float64)
    over = np.ones(len(rows), dtype=np.bool_)
    return {f"latency_p{percent}_ms": Scope(over, partial(quantile, latency, percent / 100)) for percent in (50, 95)}


def _wording(case: Answered) -> float:
    return token_f1(answer_words(case.row.says), case.question.reference_answer or "")


def _mean_scope(over: Mask, column: Iterable[float]) -> Scope:
    return Scope(over, partial(mean, np.array(list(column), dtype=np.float64)))


def _mask(flags: Iterable[bool]) -> Mask:
    return np.fromiter(flags, dtype=np.bool_)
