"""Candidates: which of the articles found may answer, how likely, and what tells them apart."""

from bot.answer.candidates.differences import Alternative, alternatives
from bot.answer.candidates.likelihood import (
    CANDIDATES,
    MAX_OFFERED,
    SUGGESTED,
    Candidate,
    candidates,
    choosable,
    distinct,
    reach,
    related,
    useful,
    without,
)
from bot.answer.candidates.polarity import affirmed_first, denies

__all__ = [
    "CANDIDATES",
    "MAX_OFFERED",
    "SUGGESTED",
    "Alternative",
    "Candidate",
    "affirmed_first",
    "alternatives",
    "candidates",
    "choosable",
    "denies",
    "distinct",
    "reach",
    "related",
    "useful",
    "without",
]
