"""Confidence features: numbers that tell whether the best article is the right one, and mean the same for any articles."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from retrieval.search.question_words import asked_words
from retrieval.search.ranker import Ranking
from retrieval.search.signals import SIGNALS, Floats, RankingSignals

if TYPE_CHECKING:
    from retrieval.index import Snapshot

ConfidenceFeatures = Mapping[str, float]

_EVEN = 1e-9

CONFIDENCE_FEATURES = (
    "near",  # cosine of the question with the article's nearest child chunk, way of asking or heading
    "title",  # with its title
    "title_words",  # share of the question's words, by rarity, that its title has (BM25)
    "body_words",  # and that its best passage has (BM25)
    "late",  # mean over the question's tokens of the best cosine with a token of a child chunk
    "near_lead",  # by how much `near` is better than that of the best other article; below 0 where it is worse
    "late_lead",  # and `late`
    "chance",  # of being the right one, if one of those found is
    "lead",  # by how much its score is better than the next one
    "agreement",  # share of the signals that put it first alone
    "coverage",  # share of the question's content words, by rarity, that its best passage has
    "coverage_all",  # and that all its passages together have
    "missing",  # rarity of the rarest word that its best passage lacks
    "unknown",  # share of the question's content words, by rarity, that no article has
    "worst_tokens",  # best cosines of that quarter of the question's tokens which finds least in the article
    "telling_tokens",  # best cosines of the question's tokens, those counting more that tell child chunks apart
    "words",  # logarithm of 1 + the number of content words
)


def confidence_features(
    snapshot: "Snapshot", question: str, ranking: Ranking, article: int, twins: Sequence[int] = ()
) -> ConfidenceFeatures:
    """The confidence features of an article (a position) for a question, by CONFIDENCE_FEATURES; 0.3 ms.

    `twins` are articles that say the same: they are no rivals of it, and take no part.
    """
    scores = ranking.scores.copy()
    scores[[twin for twin in twins if twin != article]] = -np.inf
    values = {
        **_standing(ranking, scores, article),
        **_fused(scores, article),
        **_tokens(snapshot, ranking.views[-1 if ranking.context_weight > 1 / 2 else 0], article),
        **_words(snapshot, question, article),
    }
    return {name: values[name] for name in CONFIDENCE_FEATURES}


def _standing(ranking: Ranking, scores: Floats, article: int) -> ConfidenceFeatures:
    signals = ranking.signals
    value = dict(zip(SIGNALS, signals[:, article].tolist(), strict=True))
    others = np.isfinite(scores)
    others[article] = False
    best = signals[:, others].max(axis=1, initial=0.0)
    lead = dict(zip(SIGNALS, (signals[:, article] - best).tolist(), strict=True))
    return {
        "near": max(value["piece"], value["question"], value["heading"]),
        "near_lead": max(lead["piece"], lead["question"], lead["heading"]),
        "late_lead": lead["late"],
        "agreement": float(np.mean([ahead > 0 for ahead in lead.values()])),
        **{name: value[name] for name in ("title", "title_words", "body_words", "late")},
    }


def _fused(scores: Floats, article: int) -> ConfidenceFeatures:
    best = float(np.delete(scores, article).max(initial=-np.inf))
    return {
        "chance": float(1 / np.exp(scores - scores[article]).sum()),
        "lead": float(scores[article]) - (best if math.isfinite(best) else 0.0),  # the only article leads nothing
    }


def _tokens(snapshot: "Snapshot", view: RankingSignals, article: int) -> ConfidenceFeatures:
    """From the child chunks that were compared token by token; as bad as the worst of them where none is the article's."""
    best = view.token_cosines
    if not best.size:
        return {"worst_tokens": 0.0, "telling_tokens": 0.0}
    of_article = snapshot.article_of_child[view.compared] == article
    token_cosines = best[of_article].max(axis=0) if of_article.any() else best.min(axis=0)
    spread = (
        best.max(axis=0) - best.mean(axis=0) + _EVEN
    )  # a single child chunk tells nothing apart: then all count alike
    return {
        "worst_tokens": float(np.sort(token_cosines)[: max(1, len(token_cosines) // 4)].mean()),
        "telling_tokens": float(token_cosines @ spread / spread.sum()),
    }


def _words(snapshot: "Snapshot", question: str, article: int) -> ConfidenceFeatures:
    question_words = asked_words(snapshot, question)
    asked = list(dict.fromkeys(question_words.words))
    rarity = np.array([snapshot.rarity(word) for word in asked])
    total = max(float(rarity.sum()), 1e-9)
    has = question_words.having(snapshot, asked, article)
    covered = has.T @ rarity / total
    lacking = ~has[:, int(np.argmax(covered))] if covered.size else np.ones(len(asked), dtype=np.bool_)
    known = np.array([snapshot.has_word(word) for word in asked], dtype=np.bool_)
    return {
        "coverage": float(covered.max(initial=0.0)),
        "coverage_all": float(has.any(axis=1) @ rarity / total),
        "missing": float(rarity[lacking].max(initial=0.0)),
        "unknown": float(rarity[~known].sum() / total),
        "words": math.log1p(len(asked)),
    }
