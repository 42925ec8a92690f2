"""Search stages: query to candidates, reranked in context, to hits: articles with their best passages."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from retrieval.articles import Article, Audience, Chunk
from retrieval.index import Mask, Snapshot, distinct, words
from retrieval.search.confidence_features import ConfidenceFeatures, confidence_features
from retrieval.search.context_dependence import context_weight, fragment_weight
from retrieval.search.exact_match import ExactMatch, IdentifierMatch, exact_match
from retrieval.search.ranker import Ranking
from retrieval.search.signals import Query, RankingSignals, compute_signals

PASSAGES = 5  # of one of the best articles: more than any reply or page shows
PLACES = 5  # so many articles have them: further down nobody reads on, and one is enough, with one in reserve
RESERVED = 2  # in case the first repeats a better article's
# Of the passages of an article, set by hand: on 592 questions of dstc11 and dstc9 whose passages are known, rank fusion
# finds as many, but it holds against a passage that it has none of the words
PASSAGE_WEIGHTS = {"dense": 1.0, "late": 2.0, "lexical": 0.5}


@dataclass(frozen=True, slots=True)
class Signal:
    """A ranking signal of a passage: its score and its rank, from 1, among all passages."""

    score: float
    rank: int


@dataclass(frozen=True, slots=True)
class Hit:
    """A hit: a passage that was found. `score` is that of its article: larger is better, for one question only.

    A point more makes an article e times as likely to be the right one, if one of them is. `signals` has `dense`
    (cosine), `lexical` (BM25) and `late` (mean best cosine of tokens), each only if the passage was in its list.
    `confidence_features` are those of its article, for the best article alone. `identifiers` says of a question with a
    code, a version or the like whether this is the one section that has it (`match`), or has another one (`other`).
    `repeats`: the best passage of its article says nearly the same as a better article's.
    """

    article: Article
    chunk: Chunk
    score: float
    signals: Mapping[str, Signal]
    confidence_features: ConfidenceFeatures | None = None
    identifiers: IdentifierMatch | None = None
    repeats: bool = False


def search(snapshot: Snapshot, query: Query, audience: Audience, limit: int = 20) -> list[Hit]:
    """Hits of up to `limit` articles, the best article first, and of each the best passage first.

    Five passages of each of the best five articles at most, and two of the others. What the audience may not see takes
    part in nothing: not in the ranks, not in the depth. Equal articles stand in the order of their ids. A passage that
    says nearly the same as a better one is left out. A few milliseconds for some thousand passages, 40 for 50,000:
    servers call it in a thread.
    """
    return second_stage(snapshot, query, first_stage(snapshot, query, snapshot.visible(audience)), None, limit)


def first_stage(snapshot: Snapshot, query: Query, allowed: Mask, *, fragment: bool = False) -> Ranking:
    """The first stage, by the question alone; its `context_weight` says whether what was said before has to be read at all.

    A `fragment` is no question of its own.
    """
    signals = compute_signals(snapshot, query, allowed)
    weight = masked_context_weight(query.text, signals, allowed)
    if fragment and allowed.any():
        weight = max(weight, fragment_weight(signals.signals[:, allowed]))
    return Ranking(allowed, [signals], weight)


def masked_context_weight(question: str, signals: RankingSignals, allowed: Mask) -> float:
    """The context weight of a question by its own ranking signals among the allowed articles; 0 where none is."""
    return context_weight(question, signals.signals[:, allowed]) if allowed.any() else 0.0


def second_stage(snapshot: Snapshot, query: Query, ranking: Ranking, context: Query | None, limit: int) -> list[Hit]:
    """The second stage: as `search`, from the first stage. `context` is the question after what was said before it, where it leans on that.

    That helps to find the articles; their passages are ranked by the question alone.
    """
    exact = exact_match(snapshot, query.text, ranking.allowed)
    lifted = np.unique(snapshot.article_of_chunk[np.array(exact.chunks, dtype=np.int64)]).astype(np.int64)
    ranking = replace(rerank(snapshot, ranking, context), lifted=lifted)
    order = ranking.order[:limit]
    alone = len(ranking.views) == 1
    signals = ranking.views[0] if alone else compute_signals(snapshot, query, _mask(len(ranking.allowed), order))
    scores = {article: float(ranking.scores[article]) for article in order.tolist()}
    passages = list(_passages(snapshot, passage_scores(snapshot, query.text, signals), scores, exact.chunks))
    kept = [passages[place] for place in distinct(snapshot.sketches(passages))]
    twins = _twins(snapshot, passages, kept)
    features_of = {
        article: confidence_features(snapshot, query.text, ranking, article, twins) for article in order[:1].tolist()
    }
    return list(_hits(snapshot, signals, kept, scores, features_of=features_of, twins=twins, exact=exact))


def _twins(snapshot: Snapshot, passages: Sequence[int], kept: Sequence[int]) -> list[int]:
    """The articles whose best passage says nearly the same as a better article's."""
    best: dict[int, int] = {}
    for passage, article in zip(passages, _articles(snapshot, passages), strict=True):
        best.setdefault(article, passage)
    told = {*kept}
    return [article for article, passage in best.items() if passage not in told]


def _articles(snapshot: Snapshot, passages: Sequence[int]) -> list[int]:
    articles: list[int] = snapshot.article_of_chunk[np.array(passages, dtype=np.int64)].tolist()
    return articles


def rerank(snapshot: Snapshot, ranking: Ranking, context: Query | None) -> Ranking:
    """Rerank by the question alone and in its context, where it leans on that."""
    if context is None or not ranking.context_weight:
        return replace(ranking, context_weight=0.0)
    return replace(ranking, views=[*ranking.views, compute_signals(snapshot, context, ranking.allowed)])


def best_articles(hits: Iterable[Hit]) -> list[str]:
    """The ids of the articles of hits, each at its first occurrence."""
    return [hit.article.article_id for hit in best_passages(hits)]


def best_passages(hits: Iterable[Hit]) -> list[Hit]:
    """The best hit of each article, in their order."""
    first: dict[str, Hit] = {}
    for hit in hits:
        first.setdefault(hit.article.article_id, hit)
    return list(first.values())


def _mask(size: int, chosen: NDArray[np.int64]) -> Mask:
    mask: Mask = np.zeros(size, dtype=np.bool_)
    mask[chosen] = True
    return mask


def _hits(
    snapshot: Snapshot,
    ranking_signals: RankingSignals,
    kept: Sequence[int],
    scores: Mapping[int, float],
    *,
    features_of: Mapping[int, ConfidenceFeatures],
    twins: Collection[int],
    exact: ExactMatch,
) -> Iterator[Hit]:
    """The hits of the passages that are kept, in their order."""
    ranked = {
        name: dict(zip(scored, range(1, len(scored) + 1), strict=True))
        for name, scored in ranking_signals.passages.items()
    }
    for position, chunk, article in zip(kept, snapshot.chunks.at(kept), _articles(snapshot, kept), strict=True):
        signals = {
            name: Signal(ranking_signals.passages[name][position], ranks[position])
            for name, ranks in ranked.items()
            if position in ranks
        }
        yield Hit(
            snapshot.articles[chunk.article_id],
            chunk,
            scores[article],
            signals,
            features_of.get(article),
            exact.standing(snapshot, position, chunk),
            article in twins,
        )


def passage_scores(snapshot: Snapshot, question: str, ranking_signals: RankingSignals) -> dict[int, float]:
    """The score of every passage that a signal names: a weighted sum of the signals.

    One that a signal does not name has its least score, or 0 where that is of words; BM25 counts as a share of the most
    that the question's words can come to.
    """
    most = max(sum(snapshot.rarity(word) for word in set(words(question))), 1e-9)
    named = {position for scored in ranking_signals.passages.values() for position in scored}
    scores = dict.fromkeys(sorted(named), 0.0)
    for name, scored in ranking_signals.passages.items():
        weight, least = PASSAGE_WEIGHTS[name], min(scored.values(), default=0.0)
        if name == "lexical":
            weight, least = weight / most, 0.0
        for position in scores:
            scores[position] += weight * scored.get(position, least)
    return scores


def _passages(
    snapshot: Snapshot, relevance: Mapping[int, float], articles: Iterable[int], first: Sequence[int]
) -> Iterator[int]:
    """The best passages of the articles in their order; of an article its first where none has a score.

    Those of `first` stand before the other ones of their article.
    """
    chunks_of_article: dict[int, list[int]] = {article: [] for article in articles}
    best = sorted(relevance, key=relevance.__getitem__, reverse=True)
    for chunk, article in zip(best, snapshot.article_of_chunk[np.array(best, dtype=np.int64)].tolist(), strict=True):
        if article in chunks_of_article:
            chunks_of_article[article].append(chunk)
    for article, ranking in chunks_of_article.items():
        chunks_of_article[article] = _ahead(ranking, first, snapshot.chunks_of(snapshot.article_ids[article]))
    for place, (article, ranking) in enumerate(chunks_of_article.items()):
        yield from (
            ranking[: PASSAGES if place < PLACES else RESERVED] or snapshot.chunks_of(snapshot.article_ids[article])[:1]
        )


def _ahead(ranking: Sequence[int], first: Sequence[int], of_article: range) -> list[int]:
    """The ranked passages of an article, those of `first` before the others, also where no signal ranks them."""
    return [
        *(chunk for chunk in ranking if chunk in first),
        *(chunk for chunk in first if chunk in of_article and chunk not in ranking),
        *(chunk for chunk in ranking if chunk not in first),
    ]
