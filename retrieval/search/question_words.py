"""The words of a question, and which of them the articles write in one: "wi fi" and "Wi-Fi" as `wifi`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from retrieval.index import HYPHENS, STOPWORDS, Mask, folded, joined_word, runs_of_words, words

if TYPE_CHECKING:
    from retrieval.index import Snapshot

SHORTEST_JOINED = 4  # letters: "is a" is no `isa`


@dataclass(frozen=True, slots=True)
class Compound:
    """Words of a question that stand next to each other, and the `joined` word that an article has."""

    parts: Sequence[str]
    joined: str


@dataclass(frozen=True, slots=True)
class AskedWords:
    """The words that are looked for, and the `compounds` among them: whatever has the joined word has its parts.

    Parts of which no article has some are not among the words; the joined word is.
    """

    words: Sequence[str]
    compounds: Sequence[Compound] = ()

    def scores(self, snapshot: "Snapshot", field: str, allowed: Mask) -> NDArray[np.float64]:
        """BM25 of every row of a field; a compound counts once, as its parts or as the joined word, by what scores more."""
        scores = snapshot.field_scores(field, self.words, allowed)
        for compound in self.compounds:
            joined = snapshot.field_scores(field, [compound.joined], allowed)
            scores = scores + np.maximum(joined - snapshot.field_scores(field, compound.parts, allowed), 0.0)
        return scores

    def having(self, snapshot: "Snapshot", asked: Sequence[str], article: int) -> NDArray[np.bool_]:
        """Which passages of an article (a position) have which of these words: (words, passages)."""
        having = snapshot.having(asked, article)
        joined = snapshot.having([compound.joined for compound in self.compounds], article)
        for compound, rows in zip(self.compounds, joined, strict=True):
            having[[asked.index(part) for part in compound.parts]] |= rows
        return having

    def spellings(self, word: str) -> frozenset[str]:
        """The word, and the joined words that it is a part of."""
        return frozenset([word, *(compound.joined for compound in self.compounds if word in compound.parts)])


def asked_words(snapshot: "Snapshot", question: str) -> AskedWords:
    """The words of a question for the articles of a snapshot; 30 µs for ten."""
    asked = words(question)
    compounds: list[Compound] = []
    for parts in dict.fromkeys(_written_apart(question)):
        joined = joined_word(parts)
        if len(joined) < SHORTEST_JOINED or not snapshot.has_word(joined):
            continue
        content = [part for part in map(folded, parts) if part in asked]
        if all(part in asked or part in STOPWORDS for part in map(folded, parts)) and content:
            if all(map(snapshot.has_word, content)):
                compounds.append(Compound(content, joined))
            else:
                asked = [word for word in asked if word not in content] + [joined]
    return AskedWords(asked, [compound for compound in compounds if set(compound.parts) <= set(asked)])


def _written_apart(question: str) -> Iterator[tuple[str, ...]]:
    """Words with hyphens between them, and each two words of letters with a space."""
    yield from map(tuple, runs_of_words(question))
    for run in runs_of_words(question, f"{HYPHENS} "):
        yield from (pair for pair in pairwise(run) if all(map(str.isalpha, pair)) and pair[0] not in STOPWORDS)
