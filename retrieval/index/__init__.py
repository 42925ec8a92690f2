"""The index: immutable segments, snapshots of them, and the live knowledge base."""

from retrieval.index.manifest import load, newest
from retrieval.index.snapshot import Snapshot
from retrieval.index.snapshot_store import SnapshotStore
from retrieval.index.structures import (
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
    starts_of,
    with_numbers,
    words,
)
from retrieval.index.watch import Knowledge

__all__ = [
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
    "load",
    "newest",
    "starts_of",
    "with_numbers",
    "words",
]
