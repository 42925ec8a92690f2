"""The index: immutable segments, snapshots of them, and the live knowledge base."""

from retrieval.index.manifest import load, newest
from retrieval.index.snapshot import Snapshot
from retrieval.index.snapshot_store import Stored
from retrieval.index.structures.arrays import Mask, Rows, best_rows, starts_of
from retrieval.index.structures.lexical import STOPWORDS, WORD, folded, words
from retrieval.index.structures.near_duplicates import distinct
from retrieval.index.structures.vectors import Positions
from retrieval.index.watch import Knowledge

__all__ = [
    "STOPWORDS",
    "WORD",
    "Knowledge",
    "Mask",
    "Positions",
    "Rows",
    "Snapshot",
    "Stored",
    "best_rows",
    "distinct",
    "folded",
    "load",
    "newest",
    "starts_of",
    "words",
]
