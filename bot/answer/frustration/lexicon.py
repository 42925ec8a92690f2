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
    "insult", "dissatisfied", "rejected", "repeated", "impatient", "trouble", "contrast", "grateful", "harmless"
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
    return Counter(_kinds(_WORD.findall(text[:read_chars].casefold().replace("'", "").replace("’", ""))))


def _kinds(words: Sequence[str]) -> Iterator[Kind]:
    position, lexicon = 0, phrases()
    while position < len(words):
        length = lexicon.longest.get(words[position], 0)
        while length and tuple(words[position : position + length]) not in lexicon.kinds:
            length -= 1
        if length:
            yield lexicon.kinds[tuple(words[position : position + length])]
        position += length or 1


def shouts(text: str) -> bool:
    """Whether a message is written in capitals; short ones, acronyms and codes are not."""
    spoken = [word for word in text[:READ_CHARS].split() if not _DIGIT.search(word)]
    letters = [char for char in "".join(spoken) if char.isalpha()]
    return len(letters) >= LEAST_CAPITALS and sum(map(str.isupper, letters)) >= SHOUTED * len(letters)


def exclaims(text: str) -> bool:
    """Whether it has marks such as `???`, `!!!` or `?!`."""
    return _MARKS.search(text[:READ_CHARS]) is not None
