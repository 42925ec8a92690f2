"""Learns the weights of the search, and says how good they are where they were not learned.

    python -m eval.training.ranker --shared ../shared/data            # the tables, each family of sets left out in turn
    python -m eval.training.ranker --shared ../shared/data --write    # and retrieval/search/learned_parameters.json, from all of them
    python -m eval.training.ranker --shared ../shared/data --check    # instead, fails if the shipped weights are not what comes out

The first table compares with what is usual: the nearest piece (dense), BM25, and both by rank fusion (RRF), for questions
of conversations with the last four contributions before them. The second asks every question after something else was
said: follow-ups after their own conversation, the questions of other sets after a question about another article and
its answer.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from eval.training.datasets import MULTI_TURN, READER, ROOT, SUITES, Suite, read_suite, require_suites
from eval.training.learning_to_rank import Case, Lesson, Numbers, Weights, learn, scores, share_of_context
from retrieval.index.snapshot import Snapshot
from retrieval.index.snapshot_store import SnapshotStore
from retrieval.model.encoder import Encoder
from retrieval.model.onnx_encoder import OnnxEncoder
from retrieval.model.prepare import DEFAULT_MODEL, prepare_model
from retrieval.search.context_dependence import CONTEXT_FEATURES, context_features
from retrieval.search.learned_parameters import FILE, Group, default_parameters
from retrieval.search.ranker import FEATURES, features, reciprocal_rank_fusion
from retrieval.search.signals import SIGNALS, Query, compute_signals

SHIPPED = ROOT / "retrieval" / "search" / FILE
INDEX = "bench-index"
CANDIDATES = 20  # articles a question is learned from: the best so many of each feature
SAME = 0.99  # of first articles: shipped on another processor .995, learned without one of seven families .960 to .984
USUAL = ("dense", "BM25", "RRF")
OURS = "learned"
MACRO = ("arduino", "hint3", "banking77", "clinc150", "dstc11")  # families whose mean is the last row
NAMES: Mapping[Group, tuple[str, ...]] = {"alone": FEATURES, "in_context": FEATURES, "leaning": CONTEXT_FEATURES}


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """One question as a case, and the rank of its best right article in the usual orders."""

    case: Case
    usual: Mapping[str, int]


def main() -> int:
    """Learn, measure, and write or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True, help="folder of the labelled sets")
    parser.add_argument("--data", type=Path, default=ROOT / "var", help="where the exported model lies")
    parser.add_argument("--write", action="store_true", help=f"write {SHIPPED.relative_to(ROOT)}")
    parser.add_argument("--check", action="store_true", help="compare with it")
    args = parser.parse_args()
    require_suites(args.shared)
    asked = read_all(args.shared, args.data)
    if args.check:
        return _check(learned(asked), [each for own in asked.values() for each in own])
    unseen = {suite: learned(asked, without=suite.family) for suite in asked}
    Console(width=120).print(_orders(asked, unseen), _subjects(asked, unseen))
    if args.write:
        SHIPPED.write_text(_document(learned(asked), asked), encoding="utf-8")
    return 0


def read_all(shared: Path, data: Path) -> dict[Suite, Sequence[Asked]]:
    """Every set that is learned from. Some minutes the first time; model and indexes are kept below `data`."""
    encoder = OnnxEncoder(prepare_model(DEFAULT_MODEL, data))
    stored = partial(SnapshotStore, data / INDEX)
    return {suite: list(_asked(suite, shared, encoder, stored)) for suite in (*SUITES, *MULTI_TURN)}


def learned(asked: Mapping[Suite, Sequence[Asked]], without: str | None = None) -> Weights:
    """What all sets teach, but those of one family."""
    return learn([_lesson(suite, own) for suite, own in asked.items() if suite.family != without])


def _asked(suite: Suite, shared: Path, encoder: Encoder, stored: Callable[[Path], SnapshotStore]) -> Iterator[Asked]:
    articles, questions = read_suite(suite, shared)
    library = stored(shared / suite.name)
    snapshot = library.current(articles, encoder, None)
    library.activate(snapshot)
    position = {article_id: at for at, article_id in enumerate(snapshot.article_ids)}
    for number, question in enumerate(track(questions, suite.name, console=Console(stderr=True))):
        right = np.array([position[name] for name in question.gold_articles if name in position], dtype=np.int64)
        earlier = history(question) if suite in MULTI_TURN else _other_subject(number, questions, snapshot)
        told = in_context(question.question, earlier) or question.question
        yield _seen(question.question, told, right, snapshot, encoder, follows=suite in MULTI_TURN)


def history(question: Question) -> Sequence[Said]:
    """What was said before it."""
    return [Said("visitor", one.text) if one.role == "user" else said_by_bot(reply_of(one)) for one in question.history]


def _other_subject(number: int, questions: Sequence[Question], snapshot: Snapshot) -> Sequence[Said]:
    """A question half the set away about another article, and the opening of that article."""
    own = questions[number].gold_articles
    far = (questions[(number + len(questions) // 2 + step) % len(questions)] for step in range(len(questions)))
    other = next(each for each in far if own.isdisjoint(each.gold_articles))
    article_id = min(each for each in other.gold_articles if each in snapshot.articles)
    opening = snapshot.chunks[snapshot.chunks_of(article_id)[0]].text
    return [Said("visitor", other.question), _cited(opening, snapshot.articles[article_id].title)]


def _cited(passage: str, title: str) -> Said:
    return Said("bot", passage, (title,), outcome="answer", passage=passage)


def _seen(
    question: str, told: str, right: NDArray[np.int64], snapshot: Snapshot, encoder: Encoder, *, follows: bool
) -> Asked:
    allowed = snapshot.visible(READER)
    own, both = (
        compute_signals(snapshot, Query(text, embedding), allowed).signals
        for text, embedding in zip((question, told), encoder.encode_queries([question, told]), strict=True)
    )
    alone, context = features(own), features(both)
    best = np.argpartition(-np.hstack([alone, context]), min(CANDIDATES, len(alone)) - 1, axis=0)[:CANDIDATES]
    candidates = np.unique(np.append(best, right))
    case = Case(alone[candidates], context[candidates], context_features(question, own), np.isin(candidates, right))
    return Asked(case, dict(_usual(both if follows else own, set(right.tolist()))))


def _usual(signals: Numbers, right: set[int]) -> Iterator[tuple[str, int]]:
    dense, words = (
        np.argsort(-signals[SIGNALS.index(name)], kind="stable").tolist() for name in ("piece", "body_words")
    )
    merged = reciprocal_rank_fusion([dense[:100], words[:100]])
    orders = (dense, words, sorted(merged, key=lambda at: (-merged[at], at)))
    for name, order in zip(USUAL, orders, strict=True):
        yield name, next((rank for rank, at in enumerate(order, 1) if at in right), signals.shape[1])


def _lesson(suite: Suite, asked: Sequence[Asked]) -> Lesson:
    return Lesson(suite.family, suite in MULTI_TURN, [each.case for each in asked])


def _orders(asked: Mapping[Suite, Sequence[Asked]], unseen: Mapping[Suite, Weights]) -> Table:
    """hit@1, hit@3 and mean reciprocal rank of each set in each order, ours with weights learned without its family."""
    table = Table("set", "questions", "order", "hit@1 [95 %]", "hit@3 [95 %]", "mrr [95 %]")
    means: dict[str, dict[str, list[Numbers]]] = {name: {family: [] for family in MACRO} for name in (*USUAL, OURS)}
    for suite, own in asked.items():
        ranks = {name: np.array([each.usual[name] for each in own]) for name in USUAL}
        ranks[OURS] = _ranks(own, lambda case, suite=suite: _as_asked(case, unseen[suite], suite))  # type: ignore[misc]
        for name, found in ranks.items():
            first = (suite.name, str(len(own))) if name == USUAL[0] else ("", "")
            measured = np.array([found <= 1, found <= 3, 1 / found])
            means[name].get(suite.family, []).append(measured.mean(axis=1))
            table.add_row(*first, name, *(shown(mean_of(values)) for values in measured), end_section=name == OURS)
    for name, families in means.items():
        macro = np.mean([np.mean(own, axis=0) for own in families.values()], axis=0)
        table.add_row("macro" if name == USUAL[0] else "", "", name, *(f"{value:.3f}" for value in macro))
    return table


def _as_asked(case: Case, weights: Weights, suite: Suite) -> Numbers:
    return scores(case, weights) if suite in MULTI_TURN else case.alone @ weights["alone"]


def _subjects(asked: Mapping[Suite, Sequence[Asked]], unseen: Mapping[Suite, Weights]) -> Table:
    """hit@1 and hit@3 of each set after something else was said, by what is made of it."""
    table = Table("set", "said before", "question alone", "always in context", "as it leans", "leans")
    for suite, own in asked.items():
        weights = unseen[suite]
        views = (
            _ranks(own, lambda case: case.alone @ weights["alone"]),  # noqa: B023 - used before the next turn
            _ranks(own, lambda case: case.context @ weights["in_context"]),  # noqa: B023
            _ranks(own, lambda case: scores(case, weights)),  # noqa: B023
        )
        leans = np.mean([share_of_context(each.case, weights) for each in own])
        before = "its conversation" if suite in MULTI_TURN else "another subject"
        cells = (f"{np.mean(ranks <= 1):.3f} ({np.mean(ranks <= 3):.3f})" for ranks in views)
        table.add_row(suite.name, before, *cells, f"{leans:.2f}")
    return table


def _ranks(asked: Sequence[Asked], score: Callable[[Case], Numbers]) -> NDArray[np.int64]:
    """The rank of the best right article of each question."""
    found = ((score(each.case), each.case.right) for each in asked)
    return np.array([1 + int(np.sum(scored > scored[right].max())) for scored, right in found])


def _document(weights: Weights, asked: Mapping[Suite, Sequence[Asked]]) -> str:
    sets = [{"set": suite.name, "licence": suite.licence, "questions": len(own)} for suite, own in asked.items()]
    found = {group: dict(zip(NAMES[group], values.tolist(), strict=True)) for group, values in weights.items()}
    return (
        json.dumps(
            {"made_by": "python -m eval.training.ranker --shared DIR --write", "learned_from": sets} | found, indent=2
        )
        + "\n"
    )


def _check(weights: Weights, asked: Sequence[Asked]) -> int:
    """1 where the shipped weights often put another article first than the learned ones, which is told; otherwise 0.

    Of each group it is seen what it decides: equally good weights may lie far apart, as signals say much the same.
    """
    own = {group: default_parameters(group, NAMES[group]) for group in weights}
    same = {
        group: np.mean([_first(group, each.case, own) == _first(group, each.case, weights) for each in asked])
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
