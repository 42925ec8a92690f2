"""Puts the rankings of several signals into one."""

from collections.abc import Iterable, Sequence

RANK_CONSTANT = 60  # the paper's; results change little between 20 and 100


def reciprocal_rank_fusion(rankings: Iterable[Sequence[int]]) -> dict[int, float]:
    """Reciprocal rank fusion, k=60 (Cormack et al., SIGIR 2009): the fused score of every item in any ranking."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, item in enumerate(ranking, start=1):
            scores[item] = scores.get(item, 0.0) + 1.0 / (RANK_CONSTANT + rank)
    return scores
