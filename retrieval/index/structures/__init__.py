"""Index structures: arrays on disk, tokens, postings and BM25, identifiers, vectors, near-duplicate sketches."""

from retrieval.index.structures.arrays import GONE, Mask, Rows, best_rows, load_array, runs, save_array, starts_of
from retrieval.index.structures.identifier import IDENTIFIERS, Identifier, identifiers, with_numbers
from retrieval.index.structures.lexical import K1, B, Field, Scores
from retrieval.index.structures.near_duplicates import SKETCH_HASHES, SKETCHES, Sketches, distinct, sketch
from retrieval.index.structures.postings import Postings
from retrieval.index.structures.tokens import (
    HYPHENS,
    STOPWORDS,
    TOKENS,
    WORD,
    folded,
    is_unspaced,
    joined_word,
    runs_of_words,
    words,
    words_and_compounds,
)
from retrieval.index.structures.vectors import Positions, VectorIndex, nearest

__all__ = [
    "GONE",
    "HYPHENS",
    "IDENTIFIERS",
    "K1",
    "SKETCHES",
    "SKETCH_HASHES",
    "STOPWORDS",
    "TOKENS",
    "WORD",
    "B",
    "Field",
    "Identifier",
    "Mask",
    "Positions",
    "Postings",
    "Rows",
    "Scores",
    "Sketches",
    "VectorIndex",
    "best_rows",
    "distinct",
    "folded",
    "identifiers",
    "is_unspaced",
    "joined_word",
    "load_array",
    "nearest",
    "runs",
    "runs_of_words",
    "save_array",
    "sketch",
    "starts_of",
    "with_numbers",
    "words",
    "words_and_compounds",
]
