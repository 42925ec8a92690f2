"""Reads a message as the kinds of its words: what a call for a person looks like, whatever words it is made of."""

import re
import string
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from rapidfuzz import process
from rapidfuzz.distance import OSA

from bot.answer.intent.human_request.words import LANGUAGES, OTHERS, PHRASES

SHORTEST_KEY, SHORTEST_TYPED = 5, 4  # letters: of shorter words, too many others are one edit away
LONGEST_TYPED = 20
LONG = 10  # letters from which on two edits are looked for
STOP, PAUSE, OTHER = ".", ",", "-"  # the end of a sentence, of a part of one, and a word of no kind
_KIND_OF = {word: kind for words in reversed(LANGUAGES) for kind, own in words.items() for word in own.split()}
KINDS = dict(zip(sorted(set(_KIND_OF.values())), string.ascii_letters, strict=False))  # the letter of each kind
_LETTER_OF = {word: KINDS[kind] for word, kind in _KIND_OF.items()}
_MISTYPED = frozenset(["who", "many", "anyone", "service", "reach", "sprechen", "put"])
_PHRASE = re.compile("|".join(rf"\b(?P<p{at}>{words})\b" for at, words in enumerate(PHRASES.values())))
_READ = tuple(PHRASES)
_BREAKS = re.compile(r"([.!?;\n\u2026]+)|(?:[,:()\[\]\u2013\u2014]+|(?<= )-+(?= ))")
_WORD = re.compile(r"[^\W_]+")


def kinds(text: str) -> str:
    """A letter for each word (or phrase) of the message, with `STOP` and `PAUSE` between parts of sentences."""
    marked = _BREAKS.sub(lambda found: f"\n{STOP if found[1] else PAUSE}\n", _plain(text))
    return "".join(part if part in {STOP, PAUSE} else "".join(_letters(part)) for part in marked.split("\n"))


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    bare = "".join(char for char in folded if not unicodedata.combining(char)).replace("\u0142", "l")
    return re.sub(r"(?<=\bi)['\u2019]|(?<=n)['\u2019](?=t\b)", "", bare)


def _letters(part: str) -> Iterator[str]:
    words = " ".join(word if _is_clear(word) else _meant(word) for word in _WORD.findall(part))
    for word in _PHRASE.sub(lambda found: _READ[int(str(found.lastgroup)[1:])], words).split():
        yield _LETTER_OF.get(word, OTHER)


def _keys() -> Mapping[tuple[str, str], Sequence[str]]:
    """The words whose slips are looked for, by first and last letter."""
    keys = [word for word, kind in _KIND_OF.items() if kind in _MISTYPED and len(word) >= SHORTEST_KEY]
    ends = defaultdict(list)
    for word in (*keys, "customer", "support", "service"):
        ends[word[0], word[-1]].append(word)
    return ends


_KEYS = _keys()


def _is_clear(word: str) -> bool:
    of_fit_length = SHORTEST_TYPED <= len(word) <= LONGEST_TYPED and word.isalpha()
    return word in _LETTER_OF or word in OTHERS or not of_fit_length


@lru_cache(maxsize=10_000)  # a language has so many words; messages repeat them
def _meant(word: str) -> str:
    """The word itself, or the key word that was mistyped: one edit away (two where it is long), its ends as they are.

    Ends are hardly mistyped, and other ends make other words of the same stem: "transferred", "personal".
    """
    keys = _KEYS.get((word[0], word[-1]), ())
    near = process.extractOne(word, keys, scorer=OSA.distance, score_cutoff=2 if len(word) >= LONG else 1)
    return word if near is None else near[0]
