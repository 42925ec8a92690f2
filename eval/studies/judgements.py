"""Study of human judgements: whether the automatic scores of a reply agree with people: answers that people rated, scored by us.

    python -m eval.studies.judgements ../shared/data/dstc9_10_faq/dev/judgements.jsonl

Prints Pearson's and Spearman's correlation of each score with the mean of all human ratings of accuracy and
appropriateness, over answers and over the systems that gave them, with 95 % bootstrap intervals over turns.
"""

import argparse
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import orjson
from rich.console import Console
from rich.table import Table

from eval.metrics.answer_text import containment, token_f1
from eval.metrics.bootstrap import Counts, Floats, Metric, estimate, resample
from eval.metrics.printing import shown


@dataclass(frozen=True, slots=True)
class Judged:
    """An answer of a system in a turn of a dialogue: what people thought of it, and our scores of it."""

    turn: str
    system: str
    human: float
    scores: Mapping[str, float]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("judgements", type=Path, help="judgements.jsonl")
    judged = [_judged(orjson.loads(line)) for line in parser.parse_args().judgements.read_bytes().splitlines()]
    counts = resample([answer.turn for answer in judged])
    table = Table("score", "over", "n", "Pearson", "Spearman")
    for name in judged[0].scores:
        for over, grouped in (("answers", None), ("systems", [answer.system for answer in judged])):
            row = (_correlation(judged, name, grouped, counts, rank) for rank in (_as_is, _ranks))
            table.add_row(name, over, str(len(set(grouped) if grouped else judged)), *map(shown, row))
    Console(width=110).print(table)


def _judged(row: Mapping[str, object]) -> Judged:
    answer, reference = str(row["system_answer"]), str(row["reference_answer"])
    snippets = [str(snippet["answer"]) for snippet in _dicts(row["gold_snippets"])]
    ratings = [float(str(rating)) for key in ("human_accuracy", "human_appropriateness") for rating in _items(row[key])]
    scores = {
        "token F1 with the reference": token_f1(answer, reference),
        "containment of the reference": containment(answer, reference),
        "token F1 with the gold snippet": max(token_f1(answer, snippet) for snippet in snippets),
        "containment of the gold snippet": max(containment(answer, snippet) for snippet in snippets),
    }
    return Judged(str(row["turn"]), str(row["system"]), float(np.mean(ratings)), scores)


def _items(value: object) -> Iterable[object]:
    return value if isinstance(value, list) else ()


def _dicts(value: object) -> Iterable[dict[str, object]]:
    return (item for item in _items(value) if isinstance(item, dict))


def _correlation(
    judged: Sequence[Judged], name: str, systems: Sequence[str] | None, counts: Counts, rank: Callable[[Floats], Floats]
) -> Metric | None:
    score = np.array([answer.scores[name] for answer in judged])
    human = np.array([answer.human for answer in judged])
    everywhere = np.ones(len(judged), dtype=np.bool_)
    if systems is None:
        return estimate(partial(_weighted, rank(score), rank(human)), counts, everywhere)
    return estimate(partial(_between, score, human, _groups(systems), rank), counts, everywhere)


def _groups(systems: Sequence[str]) -> Sequence[Sequence[int]]:
    members: dict[str, list[int]] = defaultdict(list)
    for index, system in enumerate(systems):
        members[system].append(index)
    return list(members.values())


def _weighted(x: Floats, y: Floats, weights: Floats) -> Floats:
    """Pearson's r under each row of weights; on ranks it is Spearman's, ranked once over all answers."""
    share = weights / weights.sum(axis=1, keepdims=True)
    dx, dy = x - (share @ x)[:, None], y - (share @ y)[:, None]
    spread = np.sqrt((share * dx**2).sum(axis=1) * (share * dy**2).sum(axis=1))
    r: Floats = (share * dx * dy).sum(axis=1) / spread
    return r


def _between(
    x: Floats, y: Floats, groups: Sequence[Sequence[int]], rank: Callable[[Floats], Floats], weights: Floats
) -> Floats:
    """Correlation of the groups' means under each row of weights."""
    means = [
        np.stack(
            [
                (weights[:, members] @ column[members]) / weights[:, members].sum(axis=1)
                for members in map(list, groups)
            ],
            axis=1,
        )
        for column in (x, y)
    ]
    return np.array([_weighted(rank(a), rank(b), np.ones((1, len(groups))))[0] for a, b in zip(*means, strict=True)])


def _as_is(values: Floats) -> Floats:
    return values


def _ranks(values: Floats) -> Floats:
    """Ranks from 1; equal values share the mean of theirs."""
    _, group, size = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Floats = (np.cumsum(size) - (size - 1) / 2)[group]
    return ranks


if __name__ == "__main__":
    main()
