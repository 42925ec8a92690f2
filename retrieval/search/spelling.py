"""Spelling correction: invisible characters go, a mistyped word is read as one of the articles.

It is the one place where a question is changed.

Only a word that no article has and that is no ordinary word of the model's languages is read otherwise: what is not
written about must not become what is ("sell" is no "self"). A compound that the articles write in two words is read as
those, ordinary or not.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

from rapidfuzz.distance import OSA

from retrieval.articles import Audience
from retrieval.index import STOPWORDS, WORD, Mask, folded, is_unspaced

if TYPE_CHECKING:
    from retrieval.index import Snapshot

SHORTEST = 4  # of three letters, one is a third of the word
LONG = 8  # letters from which on two edits are looked for, as long as the first letter is right
# Soft hyphens, marks of direction and the like, which are copied from pages along with the words, and joiners; these
# stay behind letters of Arabic to Mongolian, where they part or shape words: articles are read with them as well.
_INVISIBLE = re.compile(
    r"[\u00ad\u061c\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]|(?<![\u0600-\u18af])[\u200b-\u200d]"
)
MOST_READ = 100  # passages for two words next to each other: 2 ms
MOST_WORDS = 8  # of a question: at 60,000 different words each costs a millisecond


@dataclass(frozen=True, slots=True)
class CorrectedQuery:
    """A corrected query: its text, and the corrections, from words as typed to words as read."""

    text: str
    corrections: Mapping[str, str] = field(default_factory=dict)

    def applied(self, text: str) -> str:
        """Another text with the same words read the same way: a part of the question, say."""
        return WORD.sub(lambda match: self.corrections.get(match[0], match[0]), text) if self.corrections else text


def correct_spelling(snapshot: "Snapshot", text: str, audience: Audience) -> CorrectedQuery:
    """The query without invisible characters, and with mistyped words read as the nearest ones of the articles.

    Those count that the audience may read. Near is a letter too many, missing or wrong, or two that changed places (Damerau, CACM 1964); among equally near words
    the one that stands in more places is read. 50 µs where every word is known.
    """
    text = _INVISIBLE.sub("", text)
    missing = [word for word in dict.fromkeys(WORD.findall(text)) if _is_missing(snapshot, _plain(word))]
    if not missing:
        return CorrectedQuery(text)
    allowed = snapshot.visible(audience)
    apart = {word: next(_apart(snapshot, _plain(word), allowed), None) for word in missing[:MOST_WORDS]}
    strange = [word for word in missing if apart.get(word) is None and not snapshot.ordinary(_plain(word))]
    meant = apart | {word: _nearest(snapshot, _plain(word), allowed) for word in strange[:MOST_WORDS]}
    corrections = {word: read for word, read in meant.items() if read is not None}
    return CorrectedQuery(CorrectedQuery(text, corrections).applied(text), corrections)


def _plain(word: str) -> str:
    return unicodedata.normalize("NFKC", word).casefold()


def _is_missing(snapshot: "Snapshot", word: str) -> bool:
    """Whether a word of letters stands nowhere."""
    long_enough = len(word) >= SHORTEST and word.isalpha() and not is_unspaced(word)
    return long_enough and word not in STOPWORDS and not snapshot.has_word(folded(word))


def _nearest(snapshot: "Snapshot", word: str, allowed: Mask) -> str | None:
    near = min((*_near_function_words(word), *_near_words(snapshot, word, allowed)), default=None)
    return near[-1] if near else None


def _apart(snapshot: "Snapshot", word: str, allowed: Mask) -> Iterator[str]:
    """A compound as two words that stand next to each other in an article: "username" as "user name", "login" as "log in"."""
    for place in range(2, len(word) - 1):
        first, second = word[:place], word[place:]
        if first in STOPWORDS or not (second in STOPWORDS or snapshot.has_word(folded(second))):
            continue
        together = re.compile(rf"\b{first}\s{second}(?:e?s)?\b")
        chunks = snapshot.chunks.at(snapshot.chunks_with_word(folded(first), allowed)[:MOST_READ])
        if any(together.search(_plain("\n".join([*chunk.heading_path, chunk.text]))) for chunk in chunks):
            yield f"{first} {second}"


def _near_function_words(word: str) -> Iterator[tuple[int, float, str]]:
    """They are not in the index and yet the most frequent words of all."""
    for other in STOPWORDS:
        if len(other) >= SHORTEST and OSA.distance(word, other) == 1:
            yield 1, -inf, other


def _near_words(snapshot: "Snapshot", word: str, allowed: Mask) -> Iterator[tuple[int, float, str]]:
    """Distance, minus the number of places, and word, each of the index; plural endings are left out there."""
    edits = 2 if len(word) >= LONG else 1
    for form in {word, folded(word)}:
        for other, distance in snapshot.near_words(form, edits).items():
            places = snapshot.places_of(other, allowed) if len(other) >= SHORTEST - 1 and other.isalpha() else 0
            if places:
                yield distance, -places, other
