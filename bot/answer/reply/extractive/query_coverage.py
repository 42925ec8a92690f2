"""Query coverage: how much of what a question asks for a text says, as far as words tell."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from retrieval.articles import plain
from retrieval.index import Snapshot, words_and_compounds
from retrieval.search import AskedWords, asked_words


@dataclass(frozen=True, slots=True)
class QueryCoverage:
    """The question's content words, each with its weight (rarity), and `asked`, which knows other spellings of them."""

    weights: Mapping[str, float]
    asked: AskedWords

    @property
    def total(self) -> float:
        """The weight of the whole question."""
        return sum(self.weights.values())

    def without(self, text: str) -> "QueryCoverage":
        """What `text` (Markdown) does not say."""
        present = said(text)
        missing = {word: weight for word, weight in self.weights.items() if not self._is_said(word, present)}
        return QueryCoverage(missing, self.asked)

    def share(self, text: str) -> float:
        """How much of the question's weight the words of `text` (Markdown) carry: 0 to 1."""
        total, present = self.total, said(text)
        missing = sum(weight for word, weight in self.weights.items() if not self._is_said(word, present))
        return 1.0 - missing / total if total else 0.0

    def _is_said(self, word: str, present: frozenset[str]) -> bool:
        return word in present or not present.isdisjoint(self.asked.spellings(word))


def query_coverage(question: str, snapshot: Snapshot) -> QueryCoverage:
    """The content words of `question` that any article has, rare ones weighing more: no text lacks what none has."""
    asked = asked_words(snapshot, question)
    return QueryCoverage({word: snapshot.rarity(word) for word in asked.words if snapshot.has_word(word)}, asked)


@lru_cache(maxsize=16_384)  # blocks of articles, about which one question after the other is asked; some 10 MB
def said(text: str) -> frozenset[str]:
    """The content words of a text (Markdown)."""
    return frozenset(words_and_compounds(plain(text)))
