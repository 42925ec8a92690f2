"""BM25 over the words of the rows, and how rare each word is."""

import logging
import math
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import bm25s
import numpy as np

from retrieval.vector import Mask

K1, B = 1.2, 0.75  # Robertson & Zaragoza, 2009; passages are of like length, so little hangs on them
TOKENS = "nfkc-casefold-s-title2"  # part of kb_version: other words get another name
_WORD = re.compile(r"\w+(?:['’]\w+)?")
_SHORTEST_PLURAL = 4  # "gas" and "has" are none
_POSSESSIVE = re.compile(r"['’]s?$|['’]")

# English function words, without negations and question words ("not", "when"), which change an answer
STOPWORDS = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be been but by can could did do does for from had has have he her his i id if im in into is"
        " it its ive me my of on or our she should so that the their them then there these they this those to was we"
        " were will with would you your",
    )
)


def words(text: str) -> list[str]:
    """The words that are compared: folded case and plural, without function words unless nothing else is there."""
    found = [_folded(word) for word in _WORD.findall(unicodedata.normalize("NFKC", text).casefold())]
    return [word for word in found if word not in STOPWORDS] or found


def _folded(word: str) -> str:
    """Harman's S-stemmer (JASIS 1991): plural and possessive endings only, so that it rarely harms."""
    word = _POSSESSIVE.sub("", word)
    if len(word) < _SHORTEST_PLURAL or not word.endswith("s"):
        return word
    if word.endswith("ies") and not word.endswith(("eies", "aies")):
        return word[:-3] + "y"
    return word if word.endswith(("us", "ss")) else word[:-1]


class LexicalIndex:
    """BM25 (Lucene's variant) over the words of rows; a row's score does not depend on who may see other rows."""

    def __init__(self, engine: bm25s.BM25) -> None:
        self._engine = engine
        self._rows_with = np.diff(engine.scores["indptr"])

    @classmethod
    def build(cls, rows: Sequence[Sequence[str]]) -> "LexicalIndex":
        """From the words of each row; 1.9 s for 60,000 rows."""
        vocabulary = {word: at for at, word in enumerate(sorted({"", *(word for row in rows for word in row)}))}
        engine = _engine()
        # where there are no words, the empty one stands in, so that no average is taken over nothing
        numbered = [[vocabulary[word] for word in row or [""]] for row in rows or [[]]]
        engine.index((numbered, vocabulary), show_progress=False)
        return cls(engine)

    @classmethod
    def load(cls, folder: Path) -> "LexicalIndex":
        """What `save` stored. Raises ValueError, KeyError and OSError."""
        _quieten()
        return cls(bm25s.BM25.load(folder, allow_pickle=False))

    def save(self, folder: Path) -> None:
        """Stores arrays and vocabulary; no pickle."""
        self._engine.save(folder, allow_pickle=False)

    def search(self, query: str, allowed: Mask, depth: int) -> tuple[list[int], list[float]]:
        """The `depth` best of the allowed rows that share a word with the query, and their scores, best first."""
        known = self._engine.get_tokens_ids(words(query))
        if not known:
            return [], []
        scores = self._engine.get_scores_from_ids(known)
        rows = np.flatnonzero(allowed & (scores > 0))
        best = rows[np.lexsort((rows, -scores[rows]))[:depth]]
        return best.tolist(), scores[best].tolist()

    def rarity(self, word: str) -> float:
        """The inverse document frequency of a word among the rows; largest for a word that no row has."""
        at = self._engine.vocab_dict.get(word)
        having = 0 if at is None else int(self._rows_with[at])
        return math.log(1 + (self._engine.scores["num_docs"] - having + 0.5) / (having + 0.5))


def _engine() -> bm25s.BM25:
    _quieten()
    return bm25s.BM25(k1=K1, b=B, method="lucene", backend="numpy")


def _quieten() -> None:
    logging.getLogger("bm25s").setLevel(logging.WARNING)  # the package sets it to DEBUG when imported
