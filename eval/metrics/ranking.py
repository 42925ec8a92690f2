"""Ranking metrics (hit rate, MRR, nDCG): one number a question, from the ranked ids and the set of right ones."""

from collections.abc import Sequence
from math import log2

NDCG_DEPTH = 10


def hit_at(depth: int, ranked: Sequence[str], gold: frozenset[str]) -> float:
    """1 if a right article is among the first `depth`, else 0 (success@k)."""
    return float(not gold.isdisjoint(ranked[:depth]))


def reciprocal_rank(ranked: Sequence[str], gold: frozenset[str]) -> float:
    """Reciprocal rank: 1 / rank of the first right article, 0 if none is ranked (Voorhees, TREC-8, 1999)."""
    return next((1 / rank for rank, article_id in enumerate(ranked, start=1) if article_id in gold), 0.0)


def ndcg(ranked: Sequence[str], gold: frozenset[str]) -> float:
    """nDCG@10 with gain 1 for a right article (Järvelin & Kekäläinen, 2002); an article counts where it first stands."""
    unique = tuple(dict.fromkeys(ranked))[:NDCG_DEPTH]
    gained = sum(_discount(rank) for rank, article_id in enumerate(unique, start=1) if article_id in gold)
    return gained / sum(_discount(rank) for rank in range(1, min(len(gold), NDCG_DEPTH) + 1))


def _discount(rank: int) -> float:
    return 1 / log2(rank + 1)
