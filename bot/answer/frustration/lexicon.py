"""The sentiment lexicon, which words of a message tell a mood: phrases by kind, the longest that fits, and shouting."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal, cast, get_args

from bot.answer.lexicons import read_lexicon

PACKAGE = "bot.answer.frustration"
Kind = Literal[
    "insult",
    "dissatisfied",
    "rejected",
    "repeated",
    "impatient",
    "trouble",
    "contrast",
    "grateful",
    "harmless",
    "general",
]
KINDS: tuple[Kind, ...] = get_args(Kind)

READ_CHARS = 1_000  # of a message; whoever is upset says so before, and the time a turn takes stays bounded
LEAST_CAPITALS = 12  # letters; "OK", "FAQ" and "USB-C" are no shouting
SHOUTED = 0.7  # share of capitals among the letters of a shouted message, which may name the product in lower case
_WORD = re.compile(r"\w+")
_DIGIT = re.compile(r"\d")
_MARKS = re.compile(r"[!?]{3,}|(?:!\s?\?|\?\s?!)")


@dataclass(frozen=True, slots=True)
class Phrases:
    """The lexicon: the kind of each phrase by its words, and how many words the longest has that begins with a word."""

    kinds: Mapping[tuple[str, ...], Kind]
    longest: Mapping[str, int]


@cache
def phrases() -> Phrases:
    """Those of the shipped list; of a phrase that stands under two kinds the later one holds."""
    kinds: dict[tuple[str, ...], Kind] = {}
    for kind, of_kind in read_lexicon(PACKAGE).items():
        kinds |= {tuple(phrase.casefold().split()): cast("Kind", kind) for phrase in of_kind}
    longest: dict[str, int] = {}
    for first, *others in kinds:
        longest[first] = max(longest.get(first, 0), 1 + len(others))
    return Phrases(kinds, longest)


def cues(text: str, read_chars: int = READ_CHARS) -> Counter[Kind]:
    """How many phrases of each kind stand in the opening of `text`. 10 µs for 30 words."""
    return Counter(kind for kind, _ in _spans(_words(text[:read_chars])) if kind is not None)


def matter(text: str) -> Sequence[str]:
    """The words of the opening of `text` that tell neither a mood nor nothing: what it may be about."""
    return [word for kind, span in _spans(_words(text[:READ_CHARS])) if kind in (None, "harmless") for word in span]


def _words(text: str) -> Sequence[str]:
    return _WORD.findall(text.casefold().replace("'", "").replace("’", ""))


def _spans(words: Sequence[str]) -> Iterator[tuple[Kind | None, Sequence[str]]]:
    """The phrases, the longest that fit, each with its kind; a word of none stands alone, without a kind."""
    position, lexicon = 0, phrases()
    while position < len(words):
        length = lexicon.longest.get(words[position], 0)
        while length and tuple(words[position : position + length]) not in lexicon.kinds:
            length -= 1
        span = tuple(words[position : position + (length or 1)])
        yield lexicon.kinds.get(span), span
        position += len(span)


def shouts(text: str) -> bool:
    """Whether a message is written in capitals; short ones, acronyms and codes are not."""
    spoken = [word for word in text[:READ_CHARS].split() if not _DIGIT.search(word)]
    letters = [char for char in "".join(spoken) if char.isalpha()]
    return len(letters) >= LEAST_CAPITALS and sum(map(str.isupper, letters)) >= SHOUTED * len(letters)


def exclaims(text: str) -> bool:
    """Whether it has marks such as `???`, `!!!` or `?!`."""
    return _MARKS.search(text[:READ_CHARS]) is not None
