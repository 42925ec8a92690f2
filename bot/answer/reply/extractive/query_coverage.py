"""Query coverage: how much of what a question asks for a text says, as far as words tell."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from retrieval.articles import plain
from retrieval.index import Snapshot, words


@dataclass(frozen=True, slots=True)
class QueryCoverage:
    """The question's content words, each with its weight (rarity)."""

    weights: Mapping[str, float]

    @property
    def total(self) -> float:
        """The weight of the whole question."""
        return sum(self.weights.values())

    def without(self, text: str) -> "QueryCoverage":
        """What `text` (Markdown) does not say."""
        present = said(text)
        return QueryCoverage({word: weight for word, weight in self.weights.items() if word not in present})

    def share(self, text: str) -> float:
        """How much of the question's weight the words of `text` (Markdown) carry: 0 to 1."""
        total, present = self.total, said(text)
        return (
            1.0 - sum(weight for word, weight in self.weights.items() if word not in present) / total if total else 0.0
        )


def query_coverage(question: str, snapshot: Snapshot) -> QueryCoverage:
    """The content words of `question`, rare ones weighing more."""
    return QueryCoverage({word: snapshot.rarity(word) for word in words(question)})


@lru_cache(maxsize=16_384)  # blocks of articles, about which one question after the other is asked; some 10 MB
def said(text: str) -> frozenset[str]:
    """The content words of a text (Markdown)."""
    return frozenset(words(plain(text)))
