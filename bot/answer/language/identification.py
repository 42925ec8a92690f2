"""Language identification by function words (Ingle, 1976), for the languages that the bot speaks.

Trigram models need more letters than a question has, and they must name one language; here most names, numbers and
single words are in none.
"""

import re
import unicodedata
from collections.abc import Mapping
from functools import cache

from bot.answer.lexicons import read_lexicon

PACKAGE = "bot.answer.language"
READ_CHARS = 1_000  # of a text; its opening is enough, and the time a turn takes stays bounded
OTHER = "other"
LEAST_WORDS = 2  # one alone may be a name or a loan
LEAD = 2  # times as many words as another language has; on questions in three languages 3 misses more and errs as often
_WORD = re.compile(r"[^\W\d_]{2,}|[¿¡]")  # a letter alone is a size, a grade or an abbreviation


def identify_language(text: str) -> str | None:
    """The tag of the language that `text` is plainly in; None where it is short, mixed, or in another. 20 µs for 10 words."""
    opening = unicodedata.normalize("NFC", text[:READ_CHARS]).casefold()
    lexicon = _lexicon()
    meanings = [lexicon[word] for word in dict.fromkeys(_WORD.findall(opening)) if word in lexicon]
    counts = {tag: sum(tag in tags for tags in meanings) for tag in set().union(*meanings)}
    best = max(sorted(counts), key=counts.__getitem__, default=OTHER)
    if best == OTHER or counts[best] < LEAST_WORDS:
        return None
    return best if all(_leads(best, rival, meanings) for rival in counts if rival != best) else None


def languages() -> frozenset[str]:
    """The tags of all languages that are told apart."""
    return frozenset(read_lexicon(PACKAGE)) - {OTHER}


def primary(tag: str) -> str:
    """The primary language of a tag: `de` of `de-AT`."""
    return tag.replace("_", "-").partition("-")[0].lower()


def _leads(best: str, rival: str, meanings: list[frozenset[str]]) -> bool:
    """Whether the words that only one of the two has speak for `best`."""
    own = sum(best in tags and rival not in tags for tags in meanings)
    return own > 0 and own >= LEAD * sum(rival in tags and best not in tags for tags in meanings)


@cache
def _lexicon() -> Mapping[str, frozenset[str]]:
    """The languages of each word; what is typed without its accents is a word of all that are written so."""
    tags_of: dict[str, set[str]] = {}
    for tag, entries in read_lexicon(PACKAGE).items():
        for word in _WORD.findall(" ".join(entries).casefold()):
            tags_of.setdefault(word, set()).add(tag)
            tags_of.setdefault(_bare(word), set()).add(tag)
    return {word: frozenset(tags) for word, tags in tags_of.items()}


def _bare(word: str) -> str:
    letters = unicodedata.normalize("NFKD", word)
    return "".join(char for char in letters if not unicodedata.combining(char)).replace("ł", "l").replace("\u0131", "i")
