"""Trains the confidence model: logistic regression over the confidence features, and says how much it can be trusted where it was not learned.

    python -m eval.training.confidence --shared ../shared/data            # the tables, each family of sets left out in turn
    python -m eval.training.confidence --shared ../shared/data --write    # and bot/answer/confidence.json, from all of them

Every set is asked with all its articles and with a fifth of them left out (twice, at random; arduino_help also without
those of `withheld_articles.json`), so that some questions of the very subject have no answer. When a family is measured,
neither the weights of its search nor those of confidence were learned from it. Beside it, from the same run: the nearest
article with its cosine, and the best by words with BM25. `own`: what half of a set's own labels add,
as `handrail eval calibrate` learns them, measured on the other half; `other half` is the same half without them.
"""

import argparse
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bot.answer.candidates import SUGGESTED
from bot.answer.confidence import SHIPPED, Calibration, Point, threshold
from bot.answer.retrieve import in_context
from eval.calibrate.fitting import Labelled, LabelledQuestion, curve, fit, predict, refit, suggest_curve
from eval.cases import Question, read_withheld
from eval.metrics.bootstrap import Floats, Mask, Measure, Metric, estimate, resample
from eval.metrics.calibration import ece
from eval.metrics.printing import shown
from eval.metrics.selective_prediction import aurc, auroc, coverage_at_error
from eval.training.datasets import MULTI_TURN, READER, ROOT, Dataset, read_judged, require_datasets
from eval.training.learning_to_rank import Weights
from eval.training.leave_one_family_out import searching_with
from eval.training.ranker import INDEX, history, learned, read_all
from retrieval.index.snapshot import Snapshot
from retrieval.index.snapshot_store import SnapshotStore
from retrieval.model.encoder import Encoder
from retrieval.model.onnx_encoder import OnnxEncoder
from retrieval.model.prepare import DEFAULT_MODEL, prepare_model
from retrieval.search.confidence_features import CONFIDENCE_FEATURES, confidence_features
from retrieval.search.ranker import Ranking
from retrieval.search.signals import SIGNALS, Query, RankingSignals, compute_signals
from retrieval.search.spelling import correct_spelling
from retrieval.search.stages import masked_context_weight

FILE = ROOT / "bot" / "answer" / SHIPPED
MOST = 600  # questions of a set: more change nothing
BUDGET = 0.05
WITHHELD = "withheld"
MEASURED = {  # which questions of each set stand in the tables
    "arduino_help": WITHHELD,
    "hint3 curekart": "all",
    "hint3 powerplay11": "all",
    "hint3 sofmattress": "all",
    "banking77": "fifth 1",
    "clinc150": "all",
    "squad2_unans": "all",
}


@dataclass(frozen=True, slots=True, eq=False)
class AskedQuestion:
    """A question asked with some of the articles: its ranking signals, and which articles are right."""

    question: str
    views: Sequence[RankingSignals]
    allowed: Mask
    right: Mask


@dataclass(frozen=True, slots=True, eq=False)
class AskedSet:
    """The questions of a set with some of its articles: `articles` names which, `withheld` are the ids of the others."""

    dataset: Dataset
    articles: str
    withheld: frozenset[str]
    snapshot: Snapshot
    questions: Sequence[AskedQuestion]


@dataclass(frozen=True, slots=True, eq=False)
class ConfidenceScores:
    """The confidence scores of one way of answering: how sure it is, whether its article is right, whether any is."""

    confidence: Floats
    right: Mask
    answerable: Mask

    def half(self, number: int) -> "ConfidenceScores":
        """Every other question."""
        return ConfidenceScores(self.confidence[number::2], self.right[number::2], self.answerable[number::2])

    def metrics(self) -> list[Metric | None]:
        """In the order of COLUMNS."""
        counts = resample([str(number) for number in range(len(self.right))])
        measures: list[Measure] = [
            partial(auroc, self.confidence, self.right),
            partial(auroc, self.confidence, self.answerable),
            partial(coverage_at_error, self.confidence, ~self.right, BUDGET),
            partial(aurc, self.confidence, ~self.right),
            partial(ece, self.confidence, self.right),
        ]
        return [estimate(measure, counts, np.ones(len(self.right), dtype=np.bool_)) for measure in measures]


COLUMNS = ("right_auroc", "answerable_auroc", "coverage@5%error", "aurc", "ece")


def main() -> int:
    """Learn, measure, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True, help="folder of the labelled sets")
    parser.add_argument("--data", type=Path, default=ROOT / "var", help="where models and indexes lie")
    parser.add_argument("--write", action="store_true", help=f"write {FILE.relative_to(ROOT)}")
    args = parser.parse_args()
    require_datasets(args.shared)
    cases_of = read_all(args.shared, args.data)
    encoder = OnnxEncoder(prepare_model(DEFAULT_MODEL, args.data))
    sets = [asked for dataset in cases_of for asked in ask(dataset, args.shared, args.data, encoder)]
    families = sorted({dataset.family for dataset in cases_of})
    labelled = {family: label(sets, learned(cases_of, without=family)) for family in families}
    unseen = {family: fit(pooled(sets, labelled[family], {family})) for family in families}
    Console(width=150).print(_table(sets, labelled, unseen))
    if args.write:
        FILE.write_bytes(learned_calibration(sets, label(sets, learned(cases_of))).written())
    return 0


def ask(dataset: Dataset, shared: Path, data: Path, encoder: Encoder) -> Iterator[AskedSet]:
    """The questions of a set with every choice of its articles. A forward pass a question."""
    articles, questions = read_judged(dataset, shared)
    store = SnapshotStore(data / INDEX, shared / dataset.name)
    snapshot = store.current(articles, encoder, None)
    store.activate(snapshot)
    chosen = spread(questions)
    queries = list(_queries(chosen, snapshot, encoder, talks=dataset in MULTI_TURN))
    for name, withheld in _left_out(dataset, snapshot, shared):
        allowed = snapshot.visible(READER) & ~np.isin(snapshot.article_ids, list(withheld))
        shown_as = f"{dataset.name}, {name}"
        yield AskedSet(
            dataset,
            name,
            withheld,
            snapshot,
            [
                _gathered(question, query_views, snapshot, allowed)
                for question, query_views in track(
                    list(zip(chosen, queries, strict=True)), shown_as, console=Console(stderr=True)
                )
            ],
        )


def spread(questions: Sequence[Question]) -> Sequence[Question]:
    """As many questions as are asked, spread evenly over all."""
    return questions[:: -(-len(questions) // MOST)]


def _queries(
    questions: Sequence[Question], snapshot: Snapshot, encoder: Encoder, *, talks: bool
) -> Iterator[Sequence[Query]]:
    """Each question alone, and after what was said before it if anything was."""
    for question in questions:
        text = correct_spelling(snapshot, question.question, READER).text
        context = in_context(text, history(question)) if talks else None
        texts = [text] if context is None else [text, context]
        yield [Query(*pair) for pair in zip(texts, encoder.encode_queries(texts), strict=True)]


def _left_out(dataset: Dataset, snapshot: Snapshot, shared: Path) -> Iterator[tuple[str, frozenset[str]]]:
    chance = np.random.default_rng(7)
    yield "all", frozenset()
    for number in (1, 2):
        fifth = chance.choice(snapshot.article_ids, len(snapshot.article_ids) // 5, replace=False)
        yield f"fifth {number}", frozenset(fifth.tolist())
    if (path := shared / dataset.folder / "withheld_articles.json").is_file():
        yield WITHHELD, read_withheld(path)


def _gathered(question: Question, queries: Sequence[Query], snapshot: Snapshot, allowed: Mask) -> AskedQuestion:
    views = [compute_signals(snapshot, query, allowed) for query in queries]
    right = np.isin(snapshot.article_ids, list(question.gold_articles)) & allowed
    return AskedQuestion(queries[0].text, views, allowed, right)


def label(sets: Sequence[AskedSet], weights: Weights) -> list[Labelled]:
    """The confidence features of the first article of every question, as a search with these weights finds it."""
    with searching_with(weights):
        return [_labelled(asked) for asked in sets]


def _labelled(asked: AskedSet) -> Labelled:
    questions = []
    for question in asked.questions:
        ranking = _ranking(question)
        first, *_ = nearest = ranking.order[:SUGGESTED].tolist()
        features = confidence_features(asked.snapshot, question.question, ranking, first)
        reach = float(np.exp(ranking.scores[nearest] - ranking.scores[first]).sum())
        right = question.right[nearest]
        questions.append(LabelledQuestion(features, bool(right[0]), reach, bool(right.any())))
    return Labelled.of(questions)


def _ranking(question: AskedQuestion) -> Ranking:
    """As a search has it: a context is looked at only where the question leans on it."""
    weight = (
        masked_context_weight(question.question, question.views[0], question.allowed)
        if len(question.views) > 1
        else 0.0
    )
    return Ranking(question.allowed, question.views if weight else question.views[:1], weight)


def pooled(sets: Sequence[AskedSet], labelled: Sequence[Labelled], without: Collection[str] = ()) -> Labelled:
    """Pooled training data of all sets but those of some families: families count alike, within one its sets, within one its ways of leaving out."""
    kept = [
        (asked.dataset.family, part)
        for asked, part in zip(sets, labelled, strict=True)
        if asked.dataset.family not in without
    ]
    families = [family for family, _ in kept]
    return joined(
        [replace(part, weights=part.weights / families.count(family) / len(set(families))) for family, part in kept]
    )


def held_out(
    sets: Sequence[AskedSet], labelled: Sequence[Labelled], without: Collection[str] = ()
) -> tuple[Floats, Labelled]:
    """Confidence out of family, float64 (n,), and of what: every family is judged by what the others teach, some take no part at all."""
    families = sorted({asked.dataset.family for asked in sets}.difference(without))
    parts = []
    for family in families:
        family_labelled = pooled(sets, labelled, {asked_set.dataset.family for asked_set in sets} - {family})
        confidence = predict(fit(pooled(sets, labelled, {family, *without})), family_labelled.features)
        parts.append((confidence, family_labelled))
    return np.concatenate([confidence for confidence, _ in parts]), joined([part for _, part in parts])


def curve_without(sets: Sequence[AskedSet], labelled: Sequence[Labelled], without: Collection[str] = ()) -> list[Point]:
    """The risk-coverage curve out of family."""
    confidence, judged = held_out(sets, labelled, without)
    return curve(confidence, judged.right, judged.weights)


def joined(parts: Sequence[Labelled]) -> Labelled:
    """All parts as one; what each counts stays."""
    return Labelled(
        np.concatenate([part.features for part in parts]),
        np.concatenate([part.right for part in parts]),
        np.concatenate([part.weights for part in parts]),
        np.concatenate([part.reach for part in parts]),
        np.concatenate([part.nearby for part in parts]),
    )


def _rated(asked: AskedSet, labelled: Labelled, coefficients: Floats) -> ConfidenceScores:
    return ConfidenceScores(predict(coefficients, labelled.features), labelled.right, answerable(asked))


def answerable(asked: AskedSet) -> Mask:
    """Whether one of the articles that are left answers each question."""
    return np.array([question.right.any() for question in asked.questions], dtype=np.bool_)


def _single(asked: AskedSet, signal: str) -> ConfidenceScores:
    """The article that is best by one signal, as sure as the signal is strong."""
    signal_index = SIGNALS.index(signal)
    strengths = [
        np.where(question.allowed, question.views[-1].signals[signal_index], -1.0) for question in asked.questions
    ]
    best = [int(np.argmax(row)) for row in strengths]
    right = [bool(question.right[first]) for question, first in zip(asked.questions, best, strict=True)]
    confidence = np.clip([row.max() for row in strengths], 0, 1).astype(np.float64)
    return ConfidenceScores(confidence, np.array(right, dtype=np.bool_), answerable(asked))


def _table(sets: Sequence[AskedSet], labelled: Mapping[str, Sequence[Labelled]], unseen: Mapping[str, Floats]) -> Table:
    table = Table("set", "n", "confidence", *(f"{name} [95 %]" for name in COLUMNS))
    rows: dict[str, dict[str, list[Floats]]] = {}
    for index, asked in enumerate(sets):
        if MEASURED.get(asked.dataset.name) == asked.articles:
            family = asked.dataset.family
            ways = _ways(asked, labelled[family][index], unseen[family])
            for number, (name, rated) in enumerate(ways.items()):
                metrics = rated.metrics()
                values = np.array([np.nan if metric is None else metric.value for metric in metrics])
                rows.setdefault(name, {}).setdefault(family, []).append(values)
                head = (
                    (f"{asked.dataset.name}, {asked.articles}", str(len(asked.questions))) if not number else ("", "")
                )
                table.add_row(*head, name, *map(shown, metrics), end_section=number == len(ways) - 1)
    for name, families in rows.items():
        macro = np.nanmean([np.nanmean(values_of_family, axis=0) for values_of_family in families.values()], axis=0)
        table.add_row("mean of families", "", name, *(f"{value:.3f}" for value in macro))
    return table


def _ways(asked: AskedSet, labelled: Labelled, coefficients: Floats) -> dict[str, ConfidenceScores]:
    ours = _rated(asked, labelled, coefficients)
    taught = labelled.only(np.arange(len(labelled.right)) % 2 == 0)
    return {
        "cosine": _single(asked, "piece"),
        "BM25": _single(asked, "body_words"),
        "learned": ours,
        "other half": ours.half(1),
        "own": _rated(asked, labelled, refit(taught, coefficients)).half(1),
    }


def learned_calibration(
    sets: Sequence[AskedSet], labelled: Sequence[Labelled], without: Collection[str] = ()
) -> Calibration:
    """What all sets teach but those of some families: weights, and both curves out of family."""
    intercept, *weights = np.round(fit(pooled(sets, labelled, without)), 4).tolist()
    confidence, judged = held_out(sets, labelled, without)
    answer_curve = curve(confidence, judged.right, judged.weights)
    counts = {asked.dataset: len(asked.questions) for asked in sets if asked.dataset.family not in without}
    return Calibration(
        model=DEFAULT_MODEL,
        intercept=intercept,
        weights=dict(zip(CONFIDENCE_FEATURES, weights, strict=True)),
        curve=answer_curve,
        suggest_curve=suggest_curve(confidence, judged, threshold(answer_curve, BUDGET)),
        made_by="python -m eval.training.confidence --shared DIR --write",
        learned_from=[
            {"set": dataset.name, "licence": dataset.licence, "questions": n} for dataset, n in counts.items()
        ],
    )


if __name__ == "__main__":
    sys.exit(main())
