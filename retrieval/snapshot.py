"""One immutable state of the knowledge base, and how it is searched."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from retrieval.article import Article
from retrieval.audience import Audience
from retrieval.chunk import Chunk
from retrieval.encode import Vectors
from retrieval.fuse import fuse
from retrieval.lexical import LexicalIndex, words
from retrieval.vector import Mask, VectorIndex

MIN_DEPTH = 100  # rows each signal contributes: beyond that, ranks hardly weigh in the fusion
_DEEPER = 4


@dataclass(frozen=True, slots=True)
class Signal:
    """What one signal says of a chunk: its score (cosine or BM25) and its rank, from 1, in that signal's list."""

    score: float
    rank: int


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that was found; `signals` has `dense` and `lexical`, each only if the chunk was in its list."""

    article: Article
    chunk: Chunk
    score: float
    signals: Mapping[str, Signal]


@dataclass(frozen=True)
class Snapshot:
    """Articles, their chunks, and the rows that are searched: one for each chunk, then one for each question.

    `texts`, `chunk_of` and the two indexes run in parallel, one entry a row; row n < len(chunks) belongs to chunk n.
    Chunks stand in the order of (article_id, ordinal). Drafts are not part of a snapshot.
    """

    kb_version: str
    encoder_name: str
    articles: Mapping[str, Article]
    chunks: tuple[Chunk, ...]
    texts: tuple[str, ...]
    digests: tuple[str, ...]
    chunk_of: NDArray[np.int64]
    vectors: VectorIndex
    lexical: LexicalIndex

    def search(self, query: str, vector: Vectors, audience: Audience, limit: int = 20) -> list[Hit]:
        """Hits of up to `limit` articles, best first; equal scores in the order of (article_id, ordinal).

        `vector` is the query's, float32 (d,). What the audience may not see takes part in nothing: not in the ranks,
        not in the depth. Well under a millisecond for some thousand chunks, so it may run on the event loop.
        """
        allowed = self._visible(audience)
        depth = MIN_DEPTH
        while True:
            signals = {
                "dense": self._ranked(*self.vectors.search(vector, allowed, depth)),
                "lexical": self._ranked(*self.lexical.search(query, allowed, depth)),
            }
            found = {self.chunks[at].article_id for signal in signals.values() for at in signal}
            if len(found) >= limit or depth >= len(self.texts):
                return self._hits(signals, limit)
            depth *= _DEEPER

    def best_articles(self, hits: Iterable[Hit]) -> list[str]:
        """The articles of hits, each at its first occurrence."""
        return list(dict.fromkeys(hit.article.article_id for hit in hits))

    def chunks_of(self, article_id: str) -> Sequence[int]:
        """The positions of an article's chunks."""
        return self._positions.get(article_id, ())

    def coverage(self, query: str, chunk: Chunk) -> float:
        """The share of the question's content words, weighted by rarity, that the passage has: 0 to 1.

        Title and headings count as part of the passage.
        """
        asked = set(words(query))
        has = set(words(self.texts[self.chunks_of(chunk.article_id)[chunk.ordinal]]))
        weight = {word: self.lexical.rarity(word) for word in asked}
        return sum(weight[word] for word in asked & has) / sum(weight.values()) if asked else 0.0

    @cached_property
    def _positions(self) -> Mapping[str, list[int]]:
        positions: dict[str, list[int]] = {}
        for at, chunk in enumerate(self.chunks):
            positions.setdefault(chunk.article_id, []).append(at)
        return positions

    @cached_property
    def _groups(self) -> tuple[list[Article], NDArray[np.int64]]:
        """One article for each way of being visible, and the group of every row: a handful of checks per search."""
        members: dict[tuple[object, ...], int] = {}
        examples: list[Article] = []
        group_of: dict[str, int] = {}
        for article in self.articles.values():
            key = (article.visibility, article.sites, article.locale)
            if key not in members:
                members[key] = len(examples)
                examples.append(article)
            group_of[article.article_id] = members[key]
        return examples, np.array([group_of[self.chunks[at].article_id] for at in self.chunk_of], dtype=np.int64)

    def _visible(self, audience: Audience) -> Mask:
        examples, group_of_row = self._groups
        admitted = np.array([audience.admits(article) for article in examples], dtype=np.bool_)
        visible: Mask = admitted[group_of_row]
        return visible

    def _ranked(self, rows: list[int], scores: list[float]) -> dict[int, float]:
        """Chunks, best first, with their scores; a chunk that several rows point to keeps its best."""
        best: dict[int, float] = {}
        for at, score in zip(self.chunk_of[rows].tolist(), scores, strict=True):
            best.setdefault(at, score)
        return best

    def _hits(self, signals: Mapping[str, Mapping[int, float]], limit: int) -> list[Hit]:
        scores = fuse(list(signal) for signal in signals.values())
        ranks = {name: {at: rank for rank, at in enumerate(signal, start=1)} for name, signal in signals.items()}
        order = sorted(scores, key=lambda at: (-scores[at], at))
        return [
            Hit(
                article=self.articles[self.chunks[at].article_id],
                chunk=self.chunks[at],
                score=scores[at],
                signals={name: Signal(signal[at], ranks[name][at]) for name, signal in signals.items() if at in signal},
            )
            for at in self._first_articles(order, limit)
        ]

    def _first_articles(self, order: Iterable[int], limit: int) -> Iterator[int]:
        """Chunks until the first one of an article beyond the limit."""
        seen: set[str] = set()
        for at in order:
            seen.add(self.chunks[at].article_id)
            if len(seen) > limit:
                return
            yield at
