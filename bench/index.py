"""Index benchmark (build, load, edit, search, size, memory), without a server.

    python -m bench.index --chunks 5000 [--model all-MiniLM-L6-v2 --data var]

Writes a made-up knowledge base (five passages of 80 words an article; the words of `kb_articles`, as frequent as Zipf
says), builds its index in a fresh folder, loads it again, edits articles and searches. Without `--model` the vectors are
hashed words in the default model's dimensions, which takes less time than a model.
"""

import asyncio
import logging
import random
import statistics
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import structlog
from rich.console import Console
from rich.table import Table

from eval.training.datasets import READER
from retrieval.articles.article import read
from retrieval.index.snapshot import Snapshot
from retrieval.index.structures.tokens import words
from retrieval.index.watch import Knowledge
from retrieval.model.encoder import Embedding, Encoder, HashingEncoder
from retrieval.model.onnx_encoder import OnnxEncoder
from retrieval.model.prepare import prepare_model
from retrieval.search.signals import Query
from retrieval.search.stages import search

ARTICLES = Path(__file__).resolve().parent.parent / "kb_articles"
PASSAGES, WORDS = 5, 80
QUERIES, ASKED_WORDS = 200, 8
EDITS = 12  # more than eight, so that a merge is among what follows them
_Result = TypeVar("_Result")


class Timed:
    """An encoder that says how long it worked."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.name = encoder.name
        self.dimensions, self.token_dimensions = encoder.dimensions, encoder.token_dimensions
        self.worked_s = 0.0

    def encode_queries(self, texts: Sequence[str]) -> list[Embedding]:
        """As the encoder does."""
        return self._encoder.encode_queries(texts)

    def is_word(self, word: str) -> bool:
        """As the encoder does."""
        return self._encoder.is_word(word)

    def encode(self, texts: Sequence[str]) -> list[Embedding]:
        """As the encoder does, with an eye on the clock."""
        started = time.perf_counter()
        embeddings = self._encoder.encode(texts)
        self.worked_s += time.perf_counter() - started
        return embeddings


def write(kb: Path, chunks: int) -> None:
    """Articles of five sections, always the same for the same number."""
    chance = random.Random(7)
    vocabulary = sorted({word for article in read(ARTICLES).articles for word in words(article.body)})
    chance.shuffle(vocabulary)
    weights = [1 / rank for rank in range(1, len(vocabulary) + 1)]
    for number in range(chunks // PASSAGES):
        sections = (chance.choices(vocabulary, weights, k=WORDS) for _ in range(PASSAGES))
        body = "\n\n".join(
            f"## Part {part} {section_words[0]}\n\n{_sentences(section_words)}"
            for part, section_words in enumerate(sections)
        )
        title = " ".join(chance.choices(vocabulary, k=4))
        (kb / f"article-{number}.md").write_text(f"---\ntitle: {title}\n---\n{body}\n", "utf-8")


def _sentences(section_words: Sequence[str]) -> str:
    return " ".join(f"{' '.join(section_words[start : start + 12])}." for start in range(0, len(section_words), 12))


def measure(chunks: int, encoder: Timed) -> Iterator[tuple[str, str]]:
    """Lines of the table, in the order in which they become known."""
    with tempfile.TemporaryDirectory() as folder:
        kb, index = Path(folder) / "kb", Path(folder) / "index"
        kb.mkdir()
        write(kb, chunks)
        took_s, knowledge = _timed(lambda: Knowledge.open(kb, index_dir=index, encoder=encoder))
        children = len(knowledge.snapshot.article_of_child)
        yield "build, s (articles read, encoded, stored)", f"{took_s:.1f}"
        yield "child chunks", f"{children} ({children / len(knowledge.snapshot.chunks):.1f} a passage)"
        yield "child chunks/s: encoder alone, build", f"{children / encoder.worked_s:.0f}, {children / took_s:.0f}"
        yield "throughput of the build to that of the encoder alone", f"{encoder.worked_s / took_s:.0%}"
        size = sum(path.stat().st_size for path in index.rglob("*") if path.is_file())
        yield (
            "bytes on disk: a passage, a child chunk",
            f"{size / len(knowledge.snapshot.chunks):.0f}, {size / children:.0f}",
        )
        yield "vectors of a child chunk, bytes (mean, most)", _vector_bytes(knowledge.snapshot)
        took_s, knowledge = _timed(lambda: Knowledge.open(kb, index_dir=index, encoder=encoder))
        yield "start with a stored index, s (every file read and verified)", f"{took_s:.1f}"
        edits = [_edit(kb, knowledge, number) for number in range(EDITS)]
        yield "edit of one article until served, ms (median, longest)", _spread(edits)
        took_s, _ = _timed(lambda: asyncio.run(knowledge.tidy()))
        yield f"segments after {EDITS} edits; merging them, ms", f"{len(knowledge.snapshot.parts)}; {took_s * 1000:.0f}"
        yield from _searches(knowledge.snapshot, encoder)
        yield "resident memory, MB (of it mapped files)", _memory()


def _vector_bytes(snapshot: Snapshot) -> str:
    """Of the sentence in float32 and as a code, and of the tokens."""
    sizes = [
        tokens.nbytes + part.segment.vectors.vectors.shape[1] * 5
        for part in snapshot.parts
        for tokens in map(part.segment.tokens_of, range(len(part.segment.chunk_of_child)))
    ]
    return f"{statistics.mean(sizes):.0f}, {max(sizes)}"


def _edit(kb: Path, knowledge: Knowledge, number: int) -> float:
    path = kb / f"article-{number * 7}.md"
    path.write_text(path.read_text("utf-8") + f"\n## New {number}\n\nA sentence of the edit {number}.\n", "utf-8")
    took_s, refreshed = _timed(lambda: asyncio.run(knowledge.refresh()))
    if not refreshed:
        raise RuntimeError("the edit was not noticed")
    return took_s


def sampled(snapshot: Snapshot, chance: random.Random, number: int) -> list[str]:
    """Questions of eight words of a passage each, all different."""
    queries: dict[str, None] = {}
    while len(queries) < number:
        passage_words = snapshot.chunks[chance.randrange(len(snapshot.chunks))].text.split()
        queries[" ".join(chance.choices(passage_words, k=ASKED_WORDS))] = None
    return list(queries)


def _searches(snapshot: Snapshot, encoder: Encoder) -> Iterator[tuple[str, str]]:
    queries = sampled(snapshot, random.Random(11), QUERIES)
    embeddings = encoder.encode_queries(queries)
    everything = np.ones(len(snapshot.article_ids), dtype=np.bool_)
    half = np.arange(len(everything)) % 2 == 0
    calls: dict[str, Callable[[str, Embedding], object]] = {
        "dense": lambda _, asked: snapshot.dense(asked.sentence, everything, 100),
        "dense, half of it masked": lambda _, asked: snapshot.dense(asked.sentence, half, 100),
        "words of titles": lambda query, _: snapshot.field_scores("title", words(query), everything),
        "words of passages": lambda query, _: snapshot.field_scores("body", words(query), everything),
        "whole search": lambda query, asked: search(snapshot, Query(query, asked), READER),
    }
    for name, call in calls.items():
        pairs = zip(queries, embeddings, strict=True)
        times = [_timed(partial(call, query, asked))[0] for query, asked in pairs]
        yield f"{name}, ms (median, longest)", _spread(times)


def _timed(call: Callable[[], _Result]) -> tuple[float, _Result]:
    started = time.perf_counter()
    result = call()
    return time.perf_counter() - started, result


def _spread(times_s: Sequence[float]) -> str:
    return f"{statistics.median(times_s) * 1000:.2f}, {max(times_s) * 1000:.2f}"


def _memory() -> str:
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    resident, mapped = (int(status[name].split()[0]) / 1024 for name in ("VmRSS", "RssFile"))
    return f"{resident:.0f} ({mapped:.0f})"


def main() -> None:
    """Measure and print."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=5000, help="passages (default %(default)s)")
    parser.add_argument("--model", help="embedding model instead of hashed words")
    parser.add_argument("--data", type=Path, default=Path("var"), help="where the exported model lies")
    args = parser.parse_args()
    encoder = OnnxEncoder(prepare_model(args.model, args.data)) if args.model else HashingEncoder(384)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    table = Table(f"{args.chunks} passages, {encoder.name}", "")
    for row in measure(args.chunks, Timed(encoder)):
        table.add_row(*row)
    Console().print(table)


if __name__ == "__main__":
    main()
