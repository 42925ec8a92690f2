"""Learns the weights that put the signals of the search into one order, and says how good they are where they were not learned.

    python -m bench.fusion --shared ../shared/data            # the table, each family of sets left out in turn
    python -m bench.fusion --shared ../shared/data --write    # and retrieval/fusion.json, from all of them
    python -m bench.fusion --shared ../shared/data --check    # fails if the shipped weights are not what comes out

A conditional logit: the chance that the visitor's article is this one among those found is proportional to exp(score).
Weights are not negative (a signal only speaks for an article) and every family of sets counts alike.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.optimize import minimize  # type: ignore[import-untyped]  # it ships no types

from eval.bootstrap import estimate, mean, resample
from eval.cases import Question, read_questions
from retrieval.article import Article, read
from retrieval.audience import Audience
from retrieval.evidence import SIGNALS, Query, gather
from retrieval.fuse import fuse
from retrieval.fusion import FEATURES, WEIGHTS, features
from retrieval.index import build
from retrieval.onnx import OnnxEncoder
from retrieval.prepare import DEFAULT_MODEL, prepare_model

Numbers = NDArray[np.float64]

ROOT = Path(__file__).parent.parent
SHIPPED = ROOT / "retrieval" / WEIGHTS
MOST_QUESTIONS = 1000  # of a set: more change nothing
CANDIDATES = 40  # articles a question is learned from: the best of each feature
RIDGE = 1e-3
SAME = 1e-3  # weights are rounded to three places
READER = Audience("default")


@dataclass(frozen=True, slots=True)
class Suite:
    """A labelled set. Sets of one `family` are never learned from when one of them is measured."""

    name: str
    family: str
    licence: str
    folder: str
    tag: str | None = None


SUITES = (
    Suite("handrail", "handrail", "Apache-2.0", ""),
    Suite("arduino_help", "arduino", "CC BY-SA 4.0", "arduino_help"),
    Suite("hint3 curekart", "hint3", "ODbL 1.0", "hint3", "curekart"),
    Suite("hint3 powerplay11", "hint3", "ODbL 1.0", "hint3", "powerplay11"),
    Suite("hint3 sofmattress", "hint3", "ODbL 1.0", "hint3", "sofmattress"),
    Suite("banking77", "banking77", "CC BY 4.0", "banking77"),
    Suite("clinc150", "clinc150", "CC BY 3.0", "clinc150"),
    Suite("squad2_unans", "squad", "CC BY-SA 4.0", "squad2_unans"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """One question: the features of its candidates, which of them are right, and the ranks that others would give.

    `others` has, by the name of a way of ranking, the rank of the best right article.
    """

    features: Numbers
    right: NDArray[np.bool_]
    others: Mapping[str, int]


def main() -> int:
    """Learn, measure, and write or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True, help="folder of the labelled sets")
    parser.add_argument("--data", type=Path, default=ROOT / "var", help="where the exported model lies")
    parser.add_argument("--write", action="store_true", help=f"write {SHIPPED.relative_to(ROOT)}")
    parser.add_argument("--check", action="store_true", help="compare with it")
    args = parser.parse_args()
    encoder = OnnxEncoder(prepare_model(DEFAULT_MODEL, args.data))
    asked = {suite: list(_asked(suite, args.shared, encoder)) for suite in SUITES}
    Console(width=140).print(_table(asked))
    weights = learn([asked[suite] for suite in SUITES], [suite.family for suite in SUITES])
    document = _document(weights, asked)
    if args.write:
        SHIPPED.write_text(document, encoding="utf-8")
    if args.check:
        return _check(weights)
    return 0


def _asked(suite: Suite, shared: Path, encoder: OnnxEncoder) -> Iterator[Asked]:
    articles, questions = _read(suite, shared)
    snapshot = build(articles, encoder)
    allowed = snapshot.visible(READER)
    position = {article_id: at for at, article_id in enumerate(snapshot.article_ids)}
    for question in track(questions, description=suite.name, console=Console(stderr=True)):
        right = np.array([position[name] for name in question.gold_articles if name in position], dtype=np.int64)
        if len(right):
            query = Query(question.question, encoder.encode([question.question])[0])
            evidence = gather(snapshot, query, allowed)
            yield _seen(features(evidence.signals), evidence.signals, right)


def _read(suite: Suite, shared: Path) -> tuple[Sequence[Article], Sequence[Question]]:
    """The articles and the answerable questions of a set, spread evenly where they are very many."""
    if suite.folder:
        articles = read(shared / suite.folder / "kb").articles
        questions = read_questions(shared / suite.folder / "dev" / "questions.jsonl")
    else:
        articles = read(ROOT / "kb_articles").articles
        questions = read_questions(ROOT / "tests" / "data" / "help_questions.jsonl")
    kept = [article for article in articles if suite.tag is None or suite.tag in article.tags]
    answerable = [each for each in questions if each.answerable and suite.tag in {None, each.labels.get("bot")}]
    return kept, answerable[:: -(-len(answerable) // MOST_QUESTIONS)]


def _seen(found: Numbers, signals: Numbers, right: NDArray[np.int64]) -> Asked:
    best = np.argpartition(-found, min(CANDIDATES // 2, len(found) - 1), axis=0)[: CANDIDATES // 2]
    candidates = np.unique(np.append(best, right))
    piece, words = (
        np.argsort(-signals[SIGNALS.index(name)], kind="stable").tolist() for name in ("piece", "body_words")
    )
    merged = fuse([piece[:100], words[:100]])
    rankings = {"dense": piece, "BM25": words, "RRF": sorted(merged, key=lambda at: (-merged[at], at))}
    wanted = set(right.tolist())
    others = {
        name: next((rank for rank, at in enumerate(order, 1) if at in wanted), len(found))
        for name, order in rankings.items()
    }
    return Asked(found[candidates], np.isin(candidates, right), others)


def learn(sets: Sequence[Sequence[Asked]], families: Sequence[str]) -> Numbers:
    """Weights in the order of FEATURES, rounded; each family counts alike, and within it each of its sets."""
    blocks = [_Block.of(asked, 1.0 / families.count(family)) for asked, family in zip(sets, families, strict=True)]
    scale = np.std(np.concatenate([block.features for block in blocks]), axis=0) + 1e-9
    scaled = [_Block(block.features / scale, block.right, block.starts, block.weight) for block in blocks]

    def loss(weights: Numbers) -> tuple[float, Numbers]:
        parts = [block.loss(weights) for block in scaled]
        value = sum(part for part, _ in parts) / len(set(families)) + RIDGE / 2 * float(weights @ weights)
        return value, sum(slope for _, slope in parts) / len(set(families)) + RIDGE * weights

    start = np.full(len(FEATURES), 0.1)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(start))
    weights: Numbers = np.round(found.x / scale, 3)
    return weights


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """The questions of a set below each other; question n has the rows from starts[n] on."""

    features: Numbers
    right: NDArray[np.bool_]
    starts: NDArray[np.int64]
    weight: float

    @classmethod
    def of(cls, asked: Sequence[Asked], weight: float) -> "_Block":
        lengths = [len(each.right) for each in asked]
        rows = np.concatenate([each.features for each in asked])
        right = np.concatenate([each.right for each in asked])
        return cls(rows, right, np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64), weight)

    def loss(self, weights: Numbers) -> tuple[float, Numbers]:
        """The mean negative log-likelihood of the right articles, and its gradient."""
        scores = self.features @ weights
        lengths = np.diff(np.append(self.starts, len(scores)))
        raised = np.exp(scores - np.repeat(np.maximum.reduceat(scores, self.starts), lengths))
        total = np.add.reduceat(raised, self.starts)
        right = np.add.reduceat(raised * self.right, self.starts) + 1e-300
        slope = raised / np.repeat(total, lengths) - raised * self.right / np.repeat(right, lengths)
        value = float(np.mean(np.log(total) - np.log(right)))
        return self.weight * value, self.weight * (self.features.T @ slope) / len(self.starts)


def _table(asked: Mapping[Suite, Sequence[Asked]]) -> Table:
    """hit@1, hit@3 and mean reciprocal rank of each set, with weights learned without its family."""
    table = Table("set", "questions", "dense", "BM25", "RRF", "learned hit@1 [95 %]", "hit@3 [95 %]", "mrr")
    for suite, own in asked.items():
        others = [other for other in asked if other.family != suite.family]
        weights = learn([asked[other] for other in others], [other.family for other in others])
        ranks = np.array([_rank(each, weights) for each in own])
        plain = (f"{np.mean([each.others[name] == 1 for each in own]):.3f}" for name in ("dense", "BM25", "RRF"))
        table.add_row(
            suite.name, str(len(own)), *plain, _share(ranks <= 1), _share(ranks <= 3), f"{np.mean(1 / ranks):.3f}"
        )
    return table


def _rank(asked: Asked, weights: Numbers) -> int:
    """The rank of the best right article."""
    scores = asked.features @ weights
    return 1 + int(np.sum(scores > scores[asked.right].max()))


def _share(right: NDArray[np.bool_]) -> str:
    counts = resample([str(number) for number in range(len(right))])
    metric = estimate(partial(mean, right.astype(np.float64)), counts, np.ones(len(right), dtype=np.bool_))
    return "-" if metric is None else f"{metric.value:.3f} [{metric.ci95[0]:.3f}, {metric.ci95[1]:.3f}]"


def _document(weights: Numbers, asked: Mapping[Suite, Sequence[Asked]]) -> str:
    sets = [{"set": suite.name, "licence": suite.licence, "questions": len(own)} for suite, own in asked.items()]
    found = dict(zip(FEATURES, weights.tolist(), strict=True))
    document = {"made_by": "python -m bench.fusion --shared DIR --write", "learned_from": sets, "weights": found}
    return json.dumps(document, indent=2) + "\n"


def _check(weights: Numbers) -> int:
    shipped = json.loads(SHIPPED.read_text(encoding="utf-8"))["weights"]
    different = {
        name: (shipped.get(name), found)
        for name, found in zip(FEATURES, weights.tolist(), strict=True)
        if abs(shipped.get(name, np.inf) - found) > SAME
    }
    for name, (before, found) in different.items():
        sys.stderr.write(f"{name}: shipped {before}, learned {found}\n")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
