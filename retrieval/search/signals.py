"""Ranking signals: what dense, lexical (BM25) and late interaction (MaxSim) say of each article, for one question."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from retrieval.articles import KINDS
from retrieval.index import Mask, Rows, best_rows, starts_of
from retrieval.model import TOKEN_STEPS, Embedding, TokenVectors
from retrieval.search.question_words import asked_words

if TYPE_CHECKING:
    from retrieval.index import Snapshot

Floats = NDArray[np.float64]

SIGNALS = ("piece", "pieces", "question", "heading", "title", "title_words", "body_words", "late")

SCANNED = 1000  # nearest child chunks that are looked at; an article with none of them is as far as the last of them
TOGETHER = 3  # child chunks whose mean stands for the whole article
LATE_CHILDREN = 60  # nearest child chunks whose tokens are compared: 1 ms
LATE_PASSAGES = 15  # and the child chunks of so many passages with the best words
DEPTH = 100  # passages each signal names: beyond that, ranks hardly weigh
COMPARED = 20  # best articles of a signal, whose mean is the ground from which the best one is measured
# multiplications that one thread does alone; several wait for each other on busy cores, 20 times as long
_ALONE = 2**18
_UNSEEN = 0.02  # how much below the worst compared article one counts whose tokens were not compared


@dataclass(frozen=True, slots=True)
class Query:
    """A query: the words that are searched for, and their vectors."""

    text: str
    embedding: Embedding


@dataclass(frozen=True, slots=True, eq=False)
class RankingSignals:
    """The ranking signals of one query: `signals`, float64 (len(SIGNALS), articles); `matched`: where any says something.

    `passages` has the scores of the best 100 passages that were found, by signal: `dense` (cosine), `lexical` (BM25) and `late`
    (mean over the question's tokens of the best cosine with a token of the passage), best first. `token_cosines`: the
    best cosine of each token of the question with a token of each child chunk that was compared, float32 (compared, tokens).
    """

    signals: Floats
    matched: Mask
    passages: Mapping[str, Mapping[int, float]]
    compared: NDArray[np.int64]
    token_cosines: NDArray[np.float32]


def compute_signals(snapshot: "Snapshot", query: Query, allowed: Mask) -> RankingSignals:
    """All ranking signals for the articles of a mask; the others take no part, and their columns mean nothing.

    Costs a scan of all child chunks and the comparison of some hundred token matrices: 2 to 3 ms for 5,000 passages.
    """
    children, cosines = snapshot.dense(query.embedding.sentence, allowed, SCANNED)
    asked = asked_words(snapshot, query.text)
    titles = asked.scores(snapshot, "title", allowed)
    lexical = asked.scores(snapshot, "body", allowed)
    np.maximum.at(lexical, snapshot.chunk_of_child, asked.scores(snapshot, "question", allowed))
    body = _best(snapshot.article_of_chunk, lexical, len(titles), 0.0)
    best_chunks = _best_chunks(snapshot, lexical, body)
    late_children = _compared(snapshot, children, best_chunks)
    products = _token_products(snapshot, query.embedding.tokens, late_children)
    # a mean of whole numbers is exact, so that equals stay equal; eight bits round to a little more than a cosine
    late = np.minimum(products.mean(axis=1, dtype=np.float64) / TOKEN_STEPS**2, 1.0)
    most = sum(snapshot.rarity(word) for word in set(asked.words))
    signals = [
        *_dense(snapshot, children, cosines),
        titles / max(most, 1e-9),
        body / max(most, 1e-9),
        _best(snapshot.article_of_child[late_children], late, len(titles), float(late.min(initial=1.0)) - _UNSEEN),
    ]
    matched = (titles > 0) | (body > 0)
    matched[snapshot.article_of_child[children]] = True
    shared = np.flatnonzero(lexical)
    said = snapshot.kind_of_child[children] != KINDS.index("title")  # which says of no passage that it is the one
    passages = {
        "dense": _passages(snapshot.chunk_of_child[children[said]], cosines[said]),
        "lexical": _passages(shared, lexical[shared]),
        "late": _passages(snapshot.chunk_of_child[late_children], late),
    }
    return RankingSignals(
        np.array(signals), matched & allowed, passages, late_children, products / np.float32(TOKEN_STEPS**2)
    )


def compared(signals: Floats) -> Floats:
    """Top-k scores: those of the best 20 articles of each signal, in no order, float64 (..., 20), of signals (..., articles)."""
    best: Floats = -np.partition(-signals, min(COMPARED, signals.shape[-1]) - 1)[..., :COMPARED]
    return best


def _dense(snapshot: "Snapshot", children: NDArray[np.int64], cosines: NDArray[np.float32]) -> Sequence[Floats]:
    """The cosines of the nearest child chunk, the nearest ones together, the nearest question and heading, and the title."""
    articles, kinds = snapshot.article_of_child[children], snapshot.kind_of_child[children]
    total = len(snapshot.article_ids)
    far = max(0.0, float(cosines[-1])) if len(children) else 0.0
    piece, question, heading, title = (kinds == KINDS.index(kind) for kind in ("piece", "question", "heading", "title"))
    asks, headed = snapshot.count_of("question") > 0, snapshot.count_of("heading") > 0
    return (
        _best(articles[piece], cosines[piece], total, far),
        _mean_of_best(articles[piece], cosines[piece], np.minimum(snapshot.count_of("piece"), TOGETHER), far),
        np.where(asks, _best(articles[question], cosines[question], total, far), 0.0),
        np.where(headed, _best(articles[heading], cosines[heading], total, far), 0.0),
        _best(articles[title], cosines[title], total, far),
    )


def _best(owners: NDArray[np.integer], scores: NDArray[np.floating], total: int, otherwise: float) -> Floats:
    best = np.full(total, otherwise)
    np.maximum.at(best, owners, scores)
    return best


def _mean_of_best(owners: Rows, scores: NDArray[np.float32], wanted: NDArray[np.int64], otherwise: float) -> Floats:
    """The mean of each owner's best `wanted` scores, given best first; those that are missing count `otherwise`."""
    order = np.argsort(owners, kind="stable")
    sorted_owners = owners[order]
    place = np.arange(len(sorted_owners)) - np.searchsorted(sorted_owners, sorted_owners)
    taken = order[place < wanted[sorted_owners]]
    sums = np.bincount(owners[taken], scores[taken], minlength=len(wanted))
    counts = np.bincount(owners[taken], minlength=len(wanted))
    means: Floats = (sums + (wanted - counts) * otherwise) / np.maximum(wanted, 1)
    return means


def _best_chunks(snapshot: "Snapshot", of_chunks: Floats, of_articles: Floats) -> list[int]:
    """The best passage of each of the best articles that have any of the words."""
    having = np.flatnonzero(of_articles)
    articles, _ = best_rows(having, of_articles[having], LATE_PASSAGES)
    spans = [snapshot.chunks_of(snapshot.article_ids[article]) for article in articles.tolist()]
    return [span.start + int(np.argmax(of_chunks[span.start : span.stop])) for span in spans]


def _compared(snapshot: "Snapshot", children: NDArray[np.int64], chunks: Iterable[int]) -> NDArray[np.int64]:
    """The child chunks whose tokens are compared: the nearest ones, and those of the passages with the best words."""
    piece = KINDS.index("piece")
    near = children[snapshot.kind_of_child[children] == piece][:LATE_CHILDREN]
    of_chunks = [snapshot.children_of_chunk(chunk) for chunk in chunks]
    worded = np.concatenate([np.zeros(0, np.int64), *of_chunks])
    return np.union1d(near, worded[snapshot.kind_of_child[worded] == piece])


def _token_products(snapshot: "Snapshot", asked: TokenVectors, children: NDArray[np.int64]) -> NDArray[np.float32]:
    """Late interaction (MaxSim; Khattab & Zaharia, SIGIR 2020) before it is summed up: whole numbers, (child chunks, tokens)."""
    matrices = snapshot.tokens(children)
    if not matrices:
        return np.zeros((0, len(asked)), dtype=np.float32)
    starts = starts_of(np.array([len(matrix) for matrix in matrices], dtype=np.int64))[:-1]
    rows = np.concatenate(matrices, dtype=np.float32)
    best: NDArray[np.float32] = np.maximum.reduceat(_products(rows, asked.astype(np.float32).T), starts, axis=0)
    return best


def _products(rows: NDArray[np.float32], columns: NDArray[np.float32]) -> NDArray[np.float32]:
    """`rows @ columns`, in parts so small that OpenBLAS does not share them out among threads."""
    products = np.empty((len(rows), columns.shape[1]), dtype=np.float32)
    step = max(1, _ALONE // columns.size)
    for start in range(0, len(rows), step):
        np.dot(rows[start : start + step], columns, out=products[start : start + step])
    return products


def _passages(chunks: NDArray[np.integer], scores: NDArray[np.floating]) -> dict[int, float]:
    """The best passages, best first, each with its best score."""
    named, places = np.unique(chunks, return_inverse=True)
    best = _best(places, scores, len(named), -np.inf)
    rows, first = best_rows(named.astype(np.int64), best, DEPTH)
    return dict(zip(rows.tolist(), first.tolist(), strict=True))
