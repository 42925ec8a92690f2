"""The index: immutable segments, snapshots of them, and the live knowledge base."""

from retrieval.index.manifest import load, newest
from retrieval.index.snapshot import Snapshot
from retrieval.index.snapshot_store import SnapshotStore
from retrieval.index.structures import (
    HYPHENS,
    STOPWORDS,
    WORD,
    Identifier,
    Mask,
    Positions,
    Rows,
    best_rows,
    distinct,
    folded,
    identifiers,
    is_unspaced,
    joined_word,
    runs_of_words,
    starts_of,
    with_numbers,
    words,
    words_and_compounds,
)
from retrieval.index.watch import Knowledge

__all__ = [
    "HYPHENS",
    "STOPWORDS",
    "WORD",
    "Identifier",
    "Knowledge",
    "Mask",
    "Positions",
    "Rows",
    "Snapshot",
    "SnapshotStore",
    "best_rows",
    "distinct",
    "folded",
    "identifiers",
    "is_unspaced",
    "joined_word",
    "load",
    "newest",
    "runs_of_words",
    "starts_of",
    "with_numbers",
    "words",
    "words_and_compounds",
]
