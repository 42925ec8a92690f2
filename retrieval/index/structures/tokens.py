"""Tokenisation: the words of a text, the same for articles and questions, in scripts with spaces and without."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

from retrieval.index.structures.scripts import MARKS, UNSPACED

TOKENS = "nfkc-casefold-s-marks-bigrams-joined-title2"  # part of kb_version: other words get another name
WORD = re.compile(rf"[\w{MARKS}]+(?:['’][\w{MARKS}]+)?")
HYPHENS = "-\u2010\u2011"
MOST_JOINED_CHARS = 24  # a longer compound is a link, or a phrase that nobody writes in one word
_SCRIPTS = re.compile(rf"[{UNSPACED}]+|[^{UNSPACED}]+")
_HAS_UNSPACED = re.compile(rf"[{UNSPACED}]")
_SIGN = re.compile(rf".[{MARKS}]*", re.DOTALL)
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
    """Tokenise a text: folded case and plural, without function words unless nothing else is there.

    Where a script has no spaces, each two neighbouring characters are a word (Nie et al., IRAL 2000).
    """
    folded_words = [token for word in WORD.findall(_plain(text)) for token in _tokens(word)]
    return [word for word in folded_words if word not in STOPWORDS] or folded_words


def words_and_compounds(text: str) -> list[str]:
    """The words of an article's text, and those with a hyphen also in one: `wi`, `fi`, `wifi`."""
    return [*words(text), *(joined for parts in runs_of_words(text) if (joined := joined_word(parts)))]


def runs_of_words(text: str, joints: str = HYPHENS) -> Iterator[list[str]]:
    """The words of a text, as written but for case, that single characters of `joints` hold together; two at least."""
    plain_text = _plain(text)
    run: list[str] = []
    end = 0
    for match in WORD.finditer(plain_text) if any(joint in plain_text for joint in joints) else ():
        if not run or (match.start() == end + 1 and plain_text[end] in joints):
            run.append(match[0])
        else:
            yield from [run] if len(run) > 1 else []
            run = [match[0]]
        end = match.end()
    if len(run) > 1:
        yield run


def joined_word(parts: Sequence[str]) -> str:
    """The parts of a compound in one word, as `words` gives it; '' where nobody would write it so."""
    joined = "".join(parts)
    is_word = len(joined) <= MOST_JOINED_CHARS and not joined.isdecimal() and not is_unspaced(joined)
    return folded(joined) if is_word else ""


@lru_cache(maxsize=100_000)  # a language has so many words; text repeats them
def folded(word: str) -> str:
    """Stem a word: Harman's S-stemmer (JASIS 1991): plural and possessive endings only, so that it rarely harms."""
    word = _POSSESSIVE.sub("", word)
    if len(word) < _SHORTEST_PLURAL or not word.endswith("s"):
        return word
    if word.endswith("ies") and not word.endswith(("eies", "aies")):
        return word[:-3] + "y"
    return word if word.endswith(("us", "ss")) else word[:-1]


def is_unspaced(word: str) -> bool:
    """Whether a run of letters has some of a script without spaces, so that it may be many words."""
    return not word.isascii() and _HAS_UNSPACED.search(word) is not None


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _tokens(word: str) -> Iterator[str]:
    if not is_unspaced(word):
        yield folded(word)
        return
    for run in _SCRIPTS.findall(word):
        if _HAS_UNSPACED.match(run):
            signs = _SIGN.findall(run)
            yield from (first + second for first, second in pairwise(signs)) if len(signs) > 1 else signs
        else:
            yield folded(run)
