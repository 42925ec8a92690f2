"""Turn latency: what a turn costs beside the encoder alone: the same questions, the same run, in turns.

    python -m bench.speed --kb ../shared/data/arduino_help/kb --questions ../shared/data/arduino_help/dev/questions.jsonl
    python -m bench.speed --chunks 5000 50000    # made-up knowledge bases instead (those of bench.index)

Encoder alone: a forward pass of one question, or of those that wait, as the server does it. Search: of a question that is
encoded already. Turn: a whole one without storage, from the question to the reply. Each question (or 64 at once) goes
through all three before the next one, so that a busy machine is busy for all; ratios say more than times.
Models and indexes are kept below `--data`: a knowledge base of 50,000 passages takes minutes the first time only.
"""

import argparse
import asyncio
import itertools
import logging
import random
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import orjson
import structlog
from rich.console import Console
from rich.table import Table

from bench.index import sampled, write
from bot.answer.policy import Policy
from bot.answer.turn import take_turn
from bot.answer.turn_input import TurnDeps, TurnInput
from eval.training.datasets import READER, ROOT
from retrieval.index.snapshot import Snapshot
from retrieval.knowledge import open_knowledge
from retrieval.model.encoder import Batcher, Embedding, Encoder
from retrieval.model.prepare import DEFAULT_MODEL
from retrieval.search.signals import Query
from retrieval.search.stages import search

AT_ONCE = (1, 64)
QUESTIONS = 512  # of each knowledge base; fewer are asked again: eight rounds of 64
RESAMPLES = 1000
ENCODER = "encoder alone"
Ask = Callable[[str], Awaitable[object]]


@dataclass(slots=True)
class Timings:
    """Latencies of one way: `answers_s` each answer, `rounds_s` each round of questions asked at once."""

    answers_s: list[float] = field(default_factory=list)
    rounds_s: list[float] = field(default_factory=list)


async def take_turns(ways: Mapping[str, Ask], questions: Sequence[str], at_once: int) -> dict[str, Timings]:
    """Asks `at_once` questions at a time, each round in every way; which comes first changes from round to round."""
    taken = {name: Timings() for name in ways}
    names = list(ways)
    for number, start in enumerate(range(0, len(questions), at_once)):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            began = time.perf_counter()
            times_s = await asyncio.gather(
                *(_timed(ways[name], question) for question in questions[start : start + at_once])
            )
            taken[name].rounds_s.append(time.perf_counter() - began)
            taken[name].answers_s += times_s
    return taken


async def _timed(ask: Ask, question: str) -> float:
    began = time.perf_counter()
    await ask(question)
    return time.perf_counter() - began


def ratio(ours: Sequence[float], other: Sequence[float]) -> tuple[float, float, float]:
    """Median round to median round, and the 95 % interval of a bootstrap over rounds."""
    pairs = np.array([ours, other])
    chosen = np.random.default_rng(7).integers(0, pairs.shape[1], (RESAMPLES, pairs.shape[1]))
    medians = np.median(pairs[:, chosen], axis=2)
    low, high = np.quantile(medians[0] / medians[1], [0.025, 0.975])
    return float(np.median(pairs[0]) / np.median(pairs[1])), float(low), float(high)


async def measure(encoder: Encoder, snapshot: Snapshot, questions: Sequence[str]) -> list[tuple[str, ...]]:
    """Rows of the table."""
    embeddings = dict(zip(questions, encoder.encode_queries(questions), strict=True))
    asked = list(itertools.islice(itertools.cycle(questions), QUESTIONS))
    rows: list[tuple[str, ...]] = []
    async with Batcher(encoder) as batcher:
        for at_once in AT_ONCE:
            ways = _ways(encoder, batcher, snapshot, embeddings, at_once)
            await take_turns(ways, asked[: 2 * max(AT_ONCE)], at_once)  # warm caches and mapped files
            taken = await take_turns(ways, asked, at_once)
            rows += [_row(at_once, name, timings, taken[ENCODER]) for name, timings in taken.items()]
    return rows


def _ways(
    encoder: Encoder, batcher: Batcher, snapshot: Snapshot, embeddings: Mapping[str, Embedding], at_once: int
) -> dict[str, Ask]:
    deps = TurnDeps(snapshot, batcher.encode, "http://localhost/help")

    async def encode(question: str) -> object:
        return encoder.encode_queries([question]) if at_once == 1 else await batcher.encode(question)

    async def find(question: str) -> object:
        return search(snapshot, Query(question, embeddings[question]), READER)

    async def answer(question: str) -> object:
        return await take_turn(TurnInput(question, READER), deps, Policy())

    return {ENCODER: encode, "search": find, "turn": answer}


def _row(at_once: int, name: str, timings: Timings, encoder: Timings) -> tuple[str, ...]:
    median, p95 = np.quantile(timings.answers_s, [0.5, 0.95]) * 1000
    rate = len(timings.answers_s) / sum(timings.rounds_s)
    times, low, high = ratio(timings.rounds_s, encoder.rounds_s)
    return str(at_once), name, f"{median:.2f}", f"{p95:.2f}", f"{rate:.0f}", f"{times:.2f} [{low:.2f}, {high:.2f}]"


def _asked(path: Path) -> list[str]:
    """The questions of a file, each once."""
    return list(dict.fromkeys(orjson.loads(line)["question"] for line in path.read_bytes().splitlines()))[:QUESTIONS]


def _report(kb: Path, name: str, questions: Sequence[str], data: Path) -> Table:
    encoder, knowledge = open_knowledge(kb, data, DEFAULT_MODEL)
    snapshot = knowledge.snapshot
    asked = questions or sampled(snapshot, random.Random(11), QUESTIONS)
    head = f"{name}: {len(snapshot.chunks)} passages, {len(snapshot.article_of_child)} child chunks; {len(asked)} questions"
    table = Table("at once", "what", "median, ms", "p95, ms", "per s", "times the encoder [95 %]", title=head)
    for row in asyncio.run(measure(encoder, snapshot, asked)):
        table.add_row(*row)
    return table


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kb", type=Path, default=ROOT / "kb_articles")
    parser.add_argument("--questions", type=Path, default=ROOT / "tests" / "data" / "help_questions.jsonl")
    parser.add_argument(
        "--chunks", type=int, nargs="*", default=[], help="sizes of made-up knowledge bases, in passages"
    )
    parser.add_argument("--data", type=Path, default=ROOT / "var", help="where models and indexes lie")
    args = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    console = Console(width=120)
    if not args.chunks:
        console.print(_report(args.kb, args.kb.parent.name, _asked(args.questions), args.data))
    for chunks in args.chunks:
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder), chunks)
            console.print(_report(Path(folder), "made up", (), args.data))


if __name__ == "__main__":
    main()
