"""Trains the ranker: learns the weights of the search, and says how good they are where they were not learned.

    python -m eval.training.ranker --shared ../shared/data            # the tables, each family of sets left out in turn
    python -m eval.training.ranker --shared ../shared/data --write    # and retrieval/search/learned_parameters.json, from all of them
    python -m eval.training.ranker --shared ../shared/data --check    # instead, fails if the shipped weights are not what comes out

The first table compares with what is usual: the nearest child chunk (dense), BM25, and both by rank fusion (RRF), for questions
of conversations with the last three contributions before them. The second asks every question after something else was
said: follow-ups after their own conversation, the questions of other sets after a question about another article and
its answer.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bot.answer.retrieve import in_context
from bot.answer.transcript import Said, said_by_bot
from eval.cases import Question
from eval.metrics.printing import mean_of, shown
from eval.task import reply_of
from eval.training.datasets import DATASETS, MULTI_TURN, READER, ROOT, Dataset, read_dataset, require_datasets
from eval.training.learning_to_rank import Case, Floats, RankingSet, Weights, context_weight_of, learn, scores
from retrieval.index.snapshot import Snapshot
from retrieval.index.snapshot_store import SnapshotStore
from retrieval.model.encoder import Encoder
from retrieval.model.onnx_encoder import OnnxEncoder
from retrieval.model.prepare import DEFAULT_MODEL, prepare_model
from retrieval.search.context_dependence import CONTEXT_FEATURES, context_features
from retrieval.search.learned_parameters import FILE, Group, default_parameters
from retrieval.search.ranker import FEATURES, features
from retrieval.search.signals import SIGNALS, Query, compute_signals

SHIPPED = ROOT / "retrieval" / "search" / FILE
INDEX = "bench-index"
CANDIDATES = 20  # articles a question is learned from: the best so many of each feature
SAME = 0.99  # of first articles: shipped on another processor .995, learned without one of seven families .960 to .984
BASELINES = ("dense", "BM25", "RRF")
RANK_CONSTANT = 60  # the paper's; results change little between 20 and 100
OURS = "learned"
MACRO = ("arduino", "hint3", "banking77", "clinc150", "dstc11")  # families whose mean is the last row
NAMES: Mapping[Group, tuple[str, ...]] = {"alone": FEATURES, "in_context": FEATURES, "leaning": CONTEXT_FEATURES}


@dataclass(frozen=True, slots=True, eq=False)
class BaselineCase:
    """One question as a case, and the rank of its best right article in the baselines."""

    case: Case
    baseline_ranks: Mapping[str, int]


def main() -> int:
    """Learn, measure, and write or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True, help="folder of the labelled sets")
    parser.add_argument("--data", type=Path, default=ROOT / "var", help="where the exported model lies")
    parser.add_argument("--write", action="store_true", help=f"write {SHIPPED.relative_to(ROOT)}")
    parser.add_argument("--check", action="store_true", help="compare with it")
    args = parser.parse_args()
    require_datasets(args.shared)
    asked = read_all(args.shared, args.data)
    if args.check:
        return _check(learned(asked), [case for cases in asked.values() for case in cases])
    weights_without = {dataset: learned(asked, without=dataset.family) for dataset in asked}
    Console(width=120).print(_orders(asked, weights_without), _subjects(asked, weights_without))
    if args.write:
        SHIPPED.write_text(_document(learned(asked), asked), encoding="utf-8")
    return 0


def read_all(shared: Path, data: Path) -> dict[Dataset, Sequence[BaselineCase]]:
    """Every set that is learned from. Some minutes the first time; model and indexes are kept below `data`."""
    encoder = OnnxEncoder(prepare_model(DEFAULT_MODEL, data))
    open_store = partial(SnapshotStore, data / INDEX)
    return {dataset: list(_cases(dataset, shared, encoder, open_store)) for dataset in (*DATASETS, *MULTI_TURN)}


def learned(asked: Mapping[Dataset, Sequence[BaselineCase]], without: str | None = None) -> Weights:
    """The weights learned from all sets but those of one family."""
    return learn([_ranking_set(dataset, cases) for dataset, cases in asked.items() if dataset.family != without])


def _cases(
    dataset: Dataset, shared: Path, encoder: Encoder, open_store: Callable[[Path], SnapshotStore]
) -> Iterator[BaselineCase]:
    articles, questions = read_dataset(dataset, shared)
    store = open_store(shared / dataset.name)
    snapshot = store.current(articles, encoder, None)
    store.activate(snapshot)
    position = {article_id: index for index, article_id in enumerate(snapshot.article_ids)}
    for number, question in enumerate(track(questions, dataset.name, console=Console(stderr=True))):
        right = np.array([position[name] for name in question.gold_articles if name in position], dtype=np.int64)
        earlier = history(question) if dataset in MULTI_TURN else _other_subject(number, questions, snapshot)
        contextual = in_context(question.question, earlier) or question.question
        yield _baseline_case(question.question, contextual, right, snapshot, encoder, follows=dataset in MULTI_TURN)


def history(question: Question) -> Sequence[Said]:
    """What was said before it."""
    return [
        Said("visitor", utterance.text) if utterance.role == "user" else said_by_bot(reply_of(utterance))
        for utterance in question.history
    ]


def _other_subject(number: int, questions: Sequence[Question], snapshot: Snapshot) -> Sequence[Said]:
    """A question half the set away about another article, and the opening of that article."""
    gold = questions[number].gold_articles
    far = (questions[(number + len(questions) // 2 + step) % len(questions)] for step in range(len(questions)))
    other = next(question for question in far if gold.isdisjoint(question.gold_articles))
    article_id = min(gold_id for gold_id in other.gold_articles if gold_id in snapshot.articles)
    opening = snapshot.chunks[snapshot.chunks_of(article_id)[0]].text
    return [Said("visitor", other.question), _cited(opening, snapshot.articles[article_id].title)]


def _cited(passage: str, title: str) -> Said:
    return Said("bot", passage, (title,), outcome="answer", passage=passage)


def _baseline_case(
    question: str, contextual: str, right: NDArray[np.int64], snapshot: Snapshot, encoder: Encoder, *, follows: bool
) -> BaselineCase:
    allowed = snapshot.visible(READER)
    alone_signals, context_signals = (
        compute_signals(snapshot, Query(text, embedding), allowed).signals
        for text, embedding in zip((question, contextual), encoder.encode_queries([question, contextual]), strict=True)
    )
    alone, context = features(alone_signals), features(context_signals)
    best = np.argpartition(-np.hstack([alone, context]), min(CANDIDATES, len(alone)) - 1, axis=0)[:CANDIDATES]
    candidates = np.unique(np.append(best, right))
    case = Case(
        alone[candidates], context[candidates], context_features(question, alone_signals), np.isin(candidates, right)
    )
    return BaselineCase(case, dict(_baseline_ranks(context_signals if follows else alone_signals, set(right.tolist()))))


def _baseline_ranks(signals: Floats, right: set[int]) -> Iterator[tuple[str, int]]:
    dense, words = (
        np.argsort(-signals[SIGNALS.index(name)], kind="stable").tolist() for name in ("piece", "body_words")
    )
    merged = reciprocal_rank_fusion([dense[:100], words[:100]])
    orders = (dense, words, sorted(merged, key=lambda article: (-merged[article], article)))
    for name, order in zip(BASELINES, orders, strict=True):
        yield name, next((rank for rank, article in enumerate(order, 1) if article in right), signals.shape[1])


def reciprocal_rank_fusion(rankings: Iterable[Sequence[int]]) -> dict[int, float]:
    """Reciprocal rank fusion, k=60 (Cormack et al., SIGIR 2009): the fused score of every item in any ranking."""
    fused: dict[int, float] = {}
    for ranking in rankings:
        for rank, item in enumerate(ranking, start=1):
            fused[item] = fused.get(item, 0.0) + 1.0 / (RANK_CONSTANT + rank)
    return fused


def _ranking_set(dataset: Dataset, cases: Sequence[BaselineCase]) -> RankingSet:
    return RankingSet(dataset.family, dataset in MULTI_TURN, [baseline_case.case for baseline_case in cases])


def _orders(asked: Mapping[Dataset, Sequence[BaselineCase]], weights_without: Mapping[Dataset, Weights]) -> Table:
    """hit@1, hit@3 and mean reciprocal rank of each set in each order, ours with weights learned without its family."""
    table = Table("set", "questions", "order", "hit@1 [95 %]", "hit@3 [95 %]", "mrr [95 %]")
    means: dict[str, dict[str, list[Floats]]] = {name: {family: [] for family in MACRO} for name in (*BASELINES, OURS)}
    for dataset, cases in asked.items():
        ranks = {name: np.array([baseline_case.baseline_ranks[name] for baseline_case in cases]) for name in BASELINES}
        ranks[OURS] = _ranks(cases, lambda case, dataset=dataset: _as_asked(case, weights_without[dataset], dataset))  # type: ignore[misc]
        for name, article_ranks in ranks.items():
            first = (dataset.name, str(len(cases))) if name == BASELINES[0] else ("", "")
            measured = np.array([article_ranks <= 1, article_ranks <= 3, 1 / article_ranks])
            means[name].get(dataset.family, []).append(measured.mean(axis=1))
            table.add_row(*first, name, *(shown(mean_of(values)) for values in measured), end_section=name == OURS)
    for name, families in means.items():
        macro = np.mean([np.mean(means_of_sets, axis=0) for means_of_sets in families.values()], axis=0)
        table.add_row("macro" if name == BASELINES[0] else "", "", name, *(f"{value:.3f}" for value in macro))
    return table


def _as_asked(case: Case, weights: Weights, dataset: Dataset) -> Floats:
    return scores(case, weights) if dataset in MULTI_TURN else case.alone @ weights["alone"]


def _subjects(asked: Mapping[Dataset, Sequence[BaselineCase]], weights_without: Mapping[Dataset, Weights]) -> Table:
    """hit@1 and hit@3 of each set after something else was said, by what is made of it."""
    table = Table("set", "said before", "question alone", "always in context", "as it leans", "leans")
    for dataset, cases in asked.items():
        weights = weights_without[dataset]
        views = (
            _ranks(cases, lambda case: case.alone @ weights["alone"]),  # noqa: B023 - used before the next turn
            _ranks(cases, lambda case: case.context @ weights["in_context"]),  # noqa: B023
            _ranks(cases, lambda case: scores(case, weights)),  # noqa: B023
        )
        weight = np.mean([context_weight_of(baseline_case.case, weights) for baseline_case in cases])
        before = "its conversation" if dataset in MULTI_TURN else "another subject"
        cells = (f"{np.mean(ranks <= 1):.3f} ({np.mean(ranks <= 3):.3f})" for ranks in views)
        table.add_row(dataset.name, before, *cells, f"{weight:.2f}")
    return table


def _ranks(cases: Sequence[BaselineCase], score: Callable[[Case], Floats]) -> NDArray[np.int64]:
    """The rank of the best right article of each question."""
    scored_right = ((score(baseline_case.case), baseline_case.case.right) for baseline_case in cases)
    return np.array([1 + int(np.sum(scored > scored[right].max())) for scored, right in scored_right])


def _document(weights: Weights, asked: Mapping[Dataset, Sequence[BaselineCase]]) -> str:
    sets = [
        {"set": dataset.name, "licence": dataset.licence, "questions": len(cases)} for dataset, cases in asked.items()
    ]
    groups = {group: dict(zip(NAMES[group], values.tolist(), strict=True)) for group, values in weights.items()}
    return (
        json.dumps(
            {"made_by": "python -m eval.training.ranker --shared DIR --write", "learned_from": sets} | groups, indent=2
        )
        + "\n"
    )


def _check(weights: Weights, cases: Sequence[BaselineCase]) -> int:
    """1 where the shipped weights often put another article first than the learned ones, which is told; otherwise 0.

    Of each group it is seen what it decides: equally good weights may lie far apart, as signals say much the same.
    """
    shipped = {group: default_parameters(group, NAMES[group]) for group in weights}
    same = {
        group: np.mean(
            [
                _first(group, baseline_case.case, shipped) == _first(group, baseline_case.case, weights)
                for baseline_case in cases
            ]
        )
        for group in weights
    }
    for group, share in same.items():
        if share < SAME:
            sys.stderr.write(
                f"{group}: what is shipped and what was learned agree on {share:.1%} of questions only; run with --write\n"
            )
    return 1 if min(same.values()) < SAME else 0


def _first(group: Group, case: Case, weights: Weights) -> int:
    """The candidate that comes first where the group decides."""
    match group:
        case "alone":
            scored = case.alone @ weights["alone"]
        case "in_context":
            scored = case.context @ weights["in_context"]
        case "leaning":
            scored = scores(case, weights)
    return int(np.argmax(scored))


if __name__ == "__main__":
    sys.exit(main())
