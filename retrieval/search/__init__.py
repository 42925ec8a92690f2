"""From a query to hits: ranking signals, ranker, context, confidence features, spelling."""

from retrieval.search.confidence_features import CONFIDENCE_FEATURES, ConfidenceFeatures
from retrieval.search.exact_match import IdentifierMatch
from retrieval.search.question_words import AskedWords, asked_words
from retrieval.search.signals import Query
from retrieval.search.spelling import CorrectedQuery, correct_spelling
from retrieval.search.stages import Hit, Signal, best_articles, best_passages, first_stage, search, second_stage

__all__ = [
    "CONFIDENCE_FEATURES",
    "AskedWords",
    "ConfidenceFeatures",
    "CorrectedQuery",
    "Hit",
    "IdentifierMatch",
    "Query",
    "Signal",
    "asked_words",
    "best_articles",
    "best_passages",
    "correct_spelling",
    "first_stage",
    "search",
    "second_stage",
]
