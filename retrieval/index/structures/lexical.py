"""Lexical search: BM25 over the words of one field of all articles."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval.index.structures.arrays import Rows
from retrieval.index.structures.postings import Postings

Scores = NDArray[np.float64]

K1, B = 1.2, 0.75  # Robertson & Zaragoza, 2009; passages are of like length, so little hangs on them


@dataclass(frozen=True, slots=True, eq=False)
class _SegmentPostings:
    """A segment's postings and the place of each of its rows; `all_served` where all of them are served."""

    postings: Postings
    places: Rows
    all_served: bool

    def of(self, word: str) -> tuple[Rows, NDArray[np.uint16]]:
        """The served rows that have a word, and how often."""
        span = self.postings.of(word)
        rows, counts = self.places[self.postings.rows[span]], self.postings.counts[span]
        return (rows, counts) if self.all_served else (rows[rows >= 0], counts[rows >= 0])

    def has(self, word: str) -> bool:
        """Whether any served row has a word."""
        span = self.postings.of(word)
        return span.start < span.stop and (self.all_served or bool((self.places[self.postings.rows[span]] >= 0).any()))


class Field:
    """BM25 (Robertson & Zaragoza, 2009; idf as in Lucene) over the rows of one field, which lie in several segments.

    Frequencies, the number of rows and their average length are those of all rows that are served, so a score is a
    function of the articles alone: not of the segments they lie in, nor of who may see which row. A row without words
    is no row of the field.
    """

    def __init__(self, parts: Sequence[tuple[Postings, Rows]], rows: int) -> None:
        """Each part with the place of each of its rows among `rows`, -1 for those that are no longer served."""
        self._parts = [_SegmentPostings(postings, places, bool((places >= 0).all())) for postings, places in parts]
        self._lengths = np.zeros(rows, dtype=np.int64)
        for postings, places in parts:
            self._lengths[places[places >= 0]] = postings.lengths[places >= 0]
        self._filled = int(np.count_nonzero(self._lengths))
        average = self._lengths.sum() / max(1, self._filled)
        self._norms: Scores = K1 * (1 - B + B * self._lengths / max(1.0, average))

    def scores(self, words: Iterable[str]) -> Scores:
        """The score of every row, float64 (rows,), 0 where no word is shared; a word asked twice counts twice."""
        asked = Counter(words)
        postings = [[part.of(word) for part in self._parts] for word in asked]
        having = [sum(len(rows) for rows, _ in of_word) for of_word in postings]
        idfs = [times * self._idf(number) for times, number in zip(asked.values(), having, strict=True)]
        rows_hit = np.concatenate([np.zeros(0, np.int32), *(rows for of_word in postings for rows, _ in of_word)])
        frequency = np.concatenate([np.zeros(0), *(counts for of_word in postings for _, counts in of_word)])
        gains = np.repeat(idfs, having) * frequency / (frequency + self._norms[rows_hit])
        return np.bincount(rows_hit, gains, minlength=len(self._lengths)).astype(np.float64, copy=False)

    def rarity(self, word: str) -> float:
        """The inverse document frequency of a word; largest for a word that no row has."""
        return self._idf(sum(len(part.of(word)[0]) for part in self._parts))

    def rows(self, word: str) -> Rows:
        """The rows that have a word."""
        return np.concatenate([np.zeros(0, np.int32), *(part.of(word)[0] for part in self._parts)])

    def known(self, word: str) -> bool:
        """Whether any row has a word."""
        return any(part.has(word) for part in self._parts)

    def near(self, word: str, edits: int) -> dict[str, int]:
        """The words at most so many edits away, with their number; some may be of rows that are no longer served."""
        return {other: distance for part in self._parts for other, distance in part.postings.near(word, edits)}

    def within(self, word: str, rows: range) -> NDArray[np.bool_]:
        """Which of these rows, one after the other, have the word."""
        having = np.zeros(len(rows), dtype=np.bool_)
        with_word = self.rows(word)
        having[with_word[(with_word >= rows.start) & (with_word < rows.stop)] - rows.start] = True
        return having

    def _idf(self, having: int) -> float:
        return math.log(1 + (self._filled - having + 0.5) / (having + 0.5))
